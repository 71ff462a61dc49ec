"""One check cell, one verdict: in a student's notebook and under the judge.

Stock nbgrader, the third place, needs minutes: ``python -m tests.bench three_places``.
"""

import pytest

from tests.grading.places import TOPICS, in_notebook, in_the_judge, lesson_of

# Together they are begun early: groups come before single tests.
pytestmark = pytest.mark.xdist_group("places")

RIGHT = ("reference", "alternative")


@pytest.mark.parametrize("topic", TOPICS)
def test_judge_says_of_every_answer_what_the_notebook_says(topic: str) -> None:
    notebook, judge = in_notebook(topic), in_the_judge(topic)
    assert notebook.keys() == judge.keys()
    differences = {
        answer: (outcome, judge[answer])
        for answer, outcome in notebook.items()
        if outcome != judge[answer]
    }
    assert differences == {}
    # Both agree, and on what is true.
    for (exercise, answer), outcome in judge.items():
        assert (outcome == "passed") == answer.startswith(RIGHT), (exercise, answer)
    assert len(judge) >= 2 * len(lesson_of(topic).exercises)
