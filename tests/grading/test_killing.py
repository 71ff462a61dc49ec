"""A grader that is killed loses nothing: a plain rerun ends where an undisturbed run does.

Three moments here; ``python -m tests.bench killing`` draws twenty.
"""

import pytest

from tests.grading.course import ASSIGNMENT
from tests.grading.killing import Class, Gradebook, Moment

pytestmark = pytest.mark.xdist_group("killing")


def test_undisturbed_run_grades_everyone(undisturbed: tuple[Class, Gradebook]) -> None:
    group, expected = undisturbed
    assert len(group.students) == 8
    for student in group.students:
        assert (student, ASSIGNMENT, "check-root") in expected
    # Two right notebooks, one of them late, and half of the points.
    assert expected["ann", "second", "check-root"][-1] == 8
    assert expected["dot", "second"] == 12
    assert expected["eva", "second", "check-double"][-1] == 0
    assert expected["hao", "second", "why"] == (None, None, True, 0)


@pytest.mark.parametrize(
    ("command", "moment"),
    [
        ("autograder grade", Moment(begun=2, seconds=0.4, whom="group")),
        ("autograder grade", Moment(begun=4, seconds=0.1, whom="grader")),
        ("nbgrader autograde", Moment(begun=3, seconds=0.2, whom="group")),
    ],
    ids=["the class", "its first process alone", "nbgrader"],
)
def test_rerun_after_a_kill_ends_as_an_undisturbed_run(
    undisturbed: tuple[Class, Gradebook], command: str, moment: Moment
) -> None:
    group, expected = undisturbed
    group.start_anew()
    assert group.run_and_kill(command, moment), "the grader was to be killed while it grades"
    assert group.everything() != expected
    assert group.processes() == []
    group.run(command)
    assert group.everything() == expected
    assert group.scratch() == []


STRIKE = """
import os
import signal

def strike(*, student, **_):
    if student == "bob":
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_student_whose_grader_dies_each_time_is_the_only_one_without_a_grade(
    undisturbed: tuple[Class, Gradebook],
) -> None:
    group, expected = undisturbed
    group.start_anew()
    (group.keys / "striking.py").write_text(STRIKE)
    config = group.root / "nbgrader_config.py"
    aside = config.read_text()
    config.write_text(aside + 'c.Autograde.pre_convert_hook = "striking.strike"\n')
    try:
        group.run("autograder grade", expected=1)
    finally:
        config.write_text(aside)
    assert "7 of 8 submissions are graded" in group.log()
    assert "bob: its grader died 3 times: signal 9 (Killed)" in group.log()
    assert "second/why: hao" in group.log()
    found = group.everything()
    assert without("bob", found) == without("bob", expected)
    assert group.processes() == []
    group.run("autograder grade")
    assert group.everything() == expected


def without(student: str, gradebook: Gradebook) -> Gradebook:
    return {key: value for key, value in gradebook.items() if student not in str(key)}


def test_what_a_kill_leaves_behind_is_made_good(undisturbed: tuple[Class, Gradebook]) -> None:
    group, expected = undisturbed
    group.start_anew()
    graded = group.root / "autograded"
    newer = group.root / "submitted" / "ann" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    older = group.root / "submitted" / "cem" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    aside = newer.read_bytes()
    newer.write_bytes(older.read_bytes())
    group.run("nbgrader autograde")

    # Killed while nbgrader deletes what it had graded before a newer submission came.
    newer.write_bytes(aside)
    (graded / "ann" / ASSIGNMENT / "timestamp.txt").unlink()
    # Killed between the two notebooks of a submission.
    (graded / "bob" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").unlink()
    # Killed while a notebook was written.
    half = graded / "dot" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    half.chmod(0o644)
    half.write_text(half.read_text()[:1000])
    # Killed before the first notebook.
    for path in (graded / "eva" / ASSIGNMENT).glob("*.ipynb"):
        path.unlink()
    # Killed before the permissions were set.
    (graded / "gil" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb").chmod(0o600)
    # What a killed grader leaves in the temporary directory, where nobody holds the lock.
    left = group.base / "temporary" / "autograder-scratch-left"
    left.mkdir()
    (left / "owned").touch()
    with group.gradebook() as book:
        for student in ("bob", "dot", "eva"):
            for grade in book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student).grades:
                grade.auto_score = None
        book.db.commit()

    found = group.everything()
    spoilt = {key[0] for key in expected if found.get(key) != expected[key]}
    assert {"ann", "bob", "dot", "eva"} <= spoilt
    group.run("nbgrader autograde")
    assert group.everything() == expected
    assert group.scratch() == []
