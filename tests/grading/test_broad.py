"""Nobody gains or loses a point, whatever a check looks like: the second assignment's corpora.

As in test_hostile, every submission is one student's, all in one course with honest ones first and
last, and ``nbgrader autograde`` grades them.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading import course as courses
from tests.grading.awkward import CORPUS as AWKWARD
from tests.grading.broad import CORPUS as WHOLE
from tests.grading.broad import HOSTILE, lesson
from tests.grading.corpus import chosen
from tests.grading.course import BYSTANDER, FIRST, LAST, Course, Outcome
from tests.grading.hostile import CORPUS as TINY

pytestmark = pytest.mark.xdist_group("broad")

CORPUS = chosen(WHOLE, one_of=4)
# All that is said of a hidden test which did not pass, beside words of the check's own.
FIXED = (
    "The code raised an exception in a hidden test. Try it on other inputs than those above: other "
    "sizes, types and options.",
    "A hidden test could not use what the code returned.",
    "A hidden test failed.",
    "The code ended its own process in a hidden test.",
    "The check did not end in time.",
    "What the submission returned cannot be read.",
    "More memory was needed than there is.",
    "A hidden test did not end in time.",
    "A hidden test needed more memory than there is.",
    "A hidden test could not read what the code returned.",
)


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    base = tmp_path_factory.mktemp("broad") / "base"
    course = Course(base, courses.HASTY, lesson)
    try:
        for student in (FIRST, LAST):
            course.submit(student, course.solved())
        for submission in CORPUS.values():
            submission.hand_in(course)
        yield course.grade()
    finally:
        course.close()


@pytest.mark.parametrize("student", CORPUS)
def test_gets_exactly_the_points_it_deserves(outcome: Outcome, student: str) -> None:
    assert outcome.points(student) == CORPUS[student].deserves


@pytest.mark.parametrize("student", CORPUS)
def test_gets_a_page_that_shows_no_secret_and_runs_nothing(outcome: Outcome, student: str) -> None:
    assert outcome.course.feedback(student)
    assert outcome.leaks(student) == set()
    assert outcome.course.active(student) == []


@pytest.mark.parametrize("student", [n for n, s in CORPUS.items() if s.family == "words"])
def test_what_is_told_of_a_hidden_test_is_one_of_a_few_sentences(
    outcome: Outcome, student: str
) -> None:
    source = lesson.lesson(hidden="", solution="", number=0.0)
    checks = {cell.id: cell.source for cell in source.cells}
    notebook = outcome.course.autograded(student)
    assert notebook
    told = [
        (cell.id, line)
        for cell in notebook.cells
        if cell.id.startswith("check-")
        for output in cell.outputs
        for line in output.get("evalue", "").splitlines()
    ]
    assert len(told) >= 6
    assert [
        line for name, line in told if line not in FIXED and f'"{line}"' not in checks[name]
    ] == []


@pytest.mark.parametrize("student", [FIRST, BYSTANDER, LAST])
def test_honest_students_are_graded_all_the_same(outcome: Outcome, student: str) -> None:
    assert outcome.points(student) == lesson.POINTS


def test_the_grader_s_memory_is_bounded_and_nothing_is_left_behind(outcome: Outcome) -> None:
    assert 0 < outcome.memory <= 2**30
    assert outcome.connections == 0
    assert outcome.survivors == []
    assert outcome.harmed == []


def test_every_submission_says_in_one_sentence_what_it_does() -> None:
    for name, submission in WHOLE.items():
        assert submission.sentence.endswith("."), name
        assert "\n" not in submission.sentence, name


def test_hostile_submissions_are_part_of_the_corpus() -> None:
    assert set(HOSTILE) < set(WHOLE)


def test_every_cause_has_submissions_that_try_it() -> None:
    causes = tomllib.loads((Path(__file__).parent / "causes.toml").read_text())
    named = [name for group in causes.values() for names in group.values() for name in names]
    assert sum(len(group) for group in causes.values()) > 35
    assert [name for name in named if name not in {**WHOLE, **TINY, **AWKWARD}] == []
