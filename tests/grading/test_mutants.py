"""The checks of the lessons notice every change of a solution that is no equivalent.

Here a sample of each lesson's mutants, always the same; WHOLE_CORPUS=1, as in ``make corpora``,
tries all of them. What the command `autograder mutants` says, it says of the same.
"""

import os

import pytest

from autograder.lessons.mutants import all_mutants, out_of_date, sample, try_out
from tests.grading.places import COURSE, TOPICS, lesson_of

SAMPLE = 20


@pytest.mark.parametrize("topic", TOPICS)
def test_a_change_of_a_solution_is_noticed_or_listed_with_a_reason(topic: str) -> None:
    lesson = lesson_of(topic)
    every = all_mutants(lesson)
    assert len(every) > 10 * len(lesson.exercises)
    tried = every if os.environ.get("WHOLE_CORPUS") else sample(every, SAMPLE)
    findings = try_out(lesson, tried, warm=COURSE.options.warm, processes=2)
    bad = [f"{f.mutant.exercise}, {f.outcome}:\n{f.mutant.edit}" for f in findings if not f.good]
    assert not bad, "\n\n".join(bad)
    assert [f"{old.exercise}:\n{old.edit}" for old in out_of_date(lesson, every)] == []
