"""Every honest submission, however awkward, gets exactly the points that it deserves."""

import re
from collections.abc import Iterator

import pytest

from tests.grading import course as courses
from tests.grading import tiny
from tests.grading.awkward import CORPUS as WHOLE
from tests.grading.awkward.texts import ARRIVES
from tests.grading.corpus import chosen
from tests.grading.course import FIRST, LAST, VERDICTS, Course, Outcome

pytestmark = pytest.mark.xdist_group("awkward")

CORPUS = chosen(WHOLE, one_of=3)
WORD = re.compile(r"\b(" + "|".join(VERDICTS) + r")\b")
BROKEN = [name for name, submission in CORPUS.items() if submission.says]
READABLE = [name for name in CORPUS if name not in BROKEN]
TELLING = [(name, e, v) for name, s in CORPUS.items() for e, v in s.verdicts.items()]


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    course = Course(tmp_path_factory.mktemp("awkward") / "base", courses.HARDENED)
    try:
        for student in (FIRST, LAST):
            course.submit(student, course.solved())
        for submission in CORPUS.values():
            submission.hand_in(course)
        yield course.grade()
    finally:
        course.close()


def test_corpus_has_twenty_five_submissions() -> None:
    assert len(CORPUS) >= 25


@pytest.mark.parametrize("student", CORPUS)
def test_gets_exactly_the_points_it_deserves(outcome: Outcome, student: str) -> None:
    assert outcome.points(student) == CORPUS[student].deserves


@pytest.mark.parametrize("student", READABLE)
def test_each_check_says_its_verdict_and_the_points_agree(outcome: Outcome, student: str) -> None:
    said = outcome.course.said(student)
    points = outcome.points(student)
    assert set(said) == set(tiny.POINTS)
    for name, text in said.items():
        verdict = WORD.search(text)
        assert verdict, f"the check of {name} says {text!r}, which has none of {VERDICTS}"
        assert (verdict.group() == "passed") == (points[name] > 0), name


@pytest.mark.parametrize(("student", "exercise", "verdict"), TELLING)
def test_check_says_why_points_are_lost(
    outcome: Outcome, student: str, exercise: str, verdict: str
) -> None:
    said = WORD.search(outcome.course.said(student)[exercise])
    assert said
    assert said.group() == verdict


@pytest.mark.parametrize("student", BROKEN)
def test_student_is_told_that_the_file_is_damaged(outcome: Outcome, student: str) -> None:
    assert CORPUS[student].says in outcome.course.feedback(student)
    lines = [line for line in outcome.log.splitlines() if student in line]
    assert any("WARNING" in line or "ERROR" in line for line in lines), lines


@pytest.mark.parametrize("student", READABLE)
def test_feedback_is_written_and_holds_no_secret(outcome: Outcome, student: str) -> None:
    assert outcome.course.feedback(student)
    assert outcome.leaks(student) == set()


@pytest.mark.parametrize("student", [name for name in ARRIVES if name in CORPUS])
def test_what_was_written_reaches_the_person_who_grades(outcome: Outcome, student: str) -> None:
    page = outcome.course.feedback(student)
    assert [words for words in ARRIVES[student] if words not in page] == []


@pytest.mark.parametrize("student", [FIRST, LAST])
def test_everyone_else_is_graded(outcome: Outcome, student: str) -> None:
    assert outcome.points(student) == tiny.POINTS
