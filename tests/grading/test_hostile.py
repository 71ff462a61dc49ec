"""No hostile submission gains a point, reads a secret, reaches another's grade, or stops the class.

Every submission of the corpus is one student's, all in one course with honest ones first and last.
``nbgrader autograde`` runs twice: first without the submissions that would harm a machine whose
sandbox leaks, and then, where nothing leaked, with them.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading import course as courses
from tests.grading import tiny
from tests.grading.broad import HOSTILE as BROAD
from tests.grading.corpus import chosen
from tests.grading.course import BYSTANDER, FIRST, LAST, Course, Outcome
from tests.grading.hostile import CORPUS

# One worker grades the class; its tests read what came of it.
pytestmark = pytest.mark.xdist_group("hostile")

CHOSEN = chosen(CORPUS, one_of=4)
LATER = "zora"  # honest, after all others in the second run
STOCK = Path(__file__).parent / "stock.toml"
FAMILIES = (
    *("interpreter", "protocol", "metadata", "files", "patching", "objects"),
    *("reading", "harming", "outputs"),
)


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    course = Course(tmp_path_factory.mktemp("hostile") / "base", courses.HASTY)
    try:
        for student in (FIRST, LAST):
            course.submit(student, course.solved())
        _hand_in(course, dangerous=False)
        first = course.grade()
        if first.connections or first.survivors or first.harmed:
            # The tests below say what leaked; the dangerous submissions fail as ungraded.
            yield first
            return
        course.submit(LATER, course.solved())
        _hand_in(course, dangerous=True)
        second = course.grade()
        second.log = first.log + second.log
        yield second
    finally:
        course.close()


def _hand_in(course: Course, *, dangerous: bool) -> None:
    for submission in CHOSEN.values():
        if bool(submission.dangerous) == dangerous:
            submission.hand_in(course)


def _students(*, but: tuple[str, ...] = ()) -> list[object]:
    kept = [submission for submission in CHOSEN.values() if submission.name not in but]
    return [pytest.param(s.name, id=f"{s.family}-{s.name}") for s in kept]


def test_corpus_has_sixty_submissions_in_every_family_that_the_design_names() -> None:
    assert len(CHOSEN) >= 60
    assert {submission.family for submission in CHOSEN.values()} == set(FAMILIES)


def test_every_submission_says_in_one_sentence_what_it_does() -> None:
    for name, submission in CORPUS.items():
        sentence = submission.sentence
        assert sentence.endswith("."), name
        assert "\n" not in sentence, name


def test_what_stock_nbgrader_gives_is_stated_for_every_submission() -> None:
    stated = tomllib.loads(STOCK.read_text())
    every = {**CORPUS, **BROAD}
    assert set(stated) == set(every)
    for name, submission in every.items():
        assert stated[name].startswith("not run") == bool(submission.dangerous), name


@pytest.mark.parametrize("student", _students())
def test_gets_the_points_it_deserves_and_no_other(outcome: Outcome, student: str) -> None:
    assert student in outcome.course.students, "not handed in: the sandbox leaked, see below"
    assert outcome.points(student) == CORPUS[student].deserves


@pytest.mark.parametrize("student", _students())
def test_shows_its_student_no_secret(outcome: Outcome, student: str) -> None:
    assert student in outcome.course.students, "not handed in: the sandbox leaked, see below"
    assert outcome.leaks(student) == set()


@pytest.mark.parametrize("student", _students())
def test_runs_nothing_in_the_browser_of_who_looks_at_it(outcome: Outcome, student: str) -> None:
    assert student in outcome.course.students, "not handed in: the sandbox leaked, see below"
    assert outcome.course.active(student) == []


@pytest.mark.parametrize("student", [FIRST, BYSTANDER, LAST, LATER])
def test_honest_students_are_graded_all_the_same(outcome: Outcome, student: str) -> None:
    assert outcome.points(student) == tiny.POINTS
    assert outcome.leaks(student) == set()


def test_grade_and_comment_given_by_hand_stay(outcome: Outcome) -> None:
    assert outcome.course.by_hand(BYSTANDER) == (3.0, outcome.course.canaries["gradebook"])


def test_gradebook_holds_the_class_and_the_assignment_and_nothing_else(outcome: Outcome) -> None:
    course = outcome.course
    with course.gradebook() as book:
        assert {student.id for student in book.students} <= {*course.students}
        (assignment,) = book.assignments
        assert assignment.max_score == tiny.FULL + tiny.QUESTION
        (notebook,) = assignment.notebooks
        names = {cell.name for cell in notebook.grade_cells}
    assert names == {f"check-{name}" for name in tiny.POINTS} | {tiny.WRITTEN}


def test_the_grader_s_memory_is_bounded(outcome: Outcome) -> None:
    assert 0 < outcome.memory <= 2**30


def test_nothing_reached_the_network(outcome: Outcome) -> None:
    assert outcome.connections == 0


def test_no_process_survived(outcome: Outcome) -> None:
    assert outcome.survivors == []


def test_no_file_outside_was_made_changed_or_deleted(outcome: Outcome) -> None:
    assert outcome.harmed == []
