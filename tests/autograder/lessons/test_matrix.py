"""The kill matrix tells which answer passes, and where the others fail."""

from pathlib import Path

import pytest

from autograder.config import Course
from autograder.lessons import build
from autograder.lessons.lesson import load
from autograder.lessons.matrix import Row, in_process, matrix


def rows(course: Course) -> dict[tuple[str, str], Row]:
    return {(row.exercise, row.answer): row for row in matrix(load(course, "tiny"), in_process)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_every_answer_gets_the_verdict_it_deserves(course: Course) -> None:
    outcomes = {key: (row.kind, row.outcome) for key, row in rows(course).items()}
    assert outcomes == {
        ("double", "reference"): ("reference", "passed"),
        ("double", "untouched"): ("untouched", "killed by visible"),
        ("double", "times_two"): ("alternative", "passed"),
        ("double", "squared"): ("misconception", "killed by visible"),
        ("double", "above_zero"): ("misconception", "killed by hidden"),
        ("root", "reference"): ("reference", "passed"),
        ("root", "untouched"): ("untouched", "killed by visible"),
        ("root", "power"): ("alternative", "passed"),
        ("root", "signed"): ("misconception", "killed by hidden"),
    }
    assert all(row.good for row in rows(course).values())


def test_a_row_carries_the_words_of_the_check(course: Course) -> None:
    found = rows(course)
    assert found["double", "squared"].message == "AssertionError: double(3) is 9"
    assert found["double", "untouched"].message == "NotImplementedError: "
    assert found["double", "times_two"].message == ""


@pytest.mark.parametrize(
    ("old", "new", "bad"),
    [
        # A check that is too weak: a misconception survives.
        ("assert double(-1.5) == -3.0", "assert double(-1.5) <= 0", {("double", "above_zero")}),
        # One that is too narrow: a right answer is refused.
        (
            "assert double(3) == 6,",
            "assert double(x=3) == 6,",
            {("double", "times_two")},
        ),
        # One that passes what was never written.
        (
            "assert root(16.0) == 4.0\n",
            "try:\n    root(16.0)\nexcept NotImplementedError:\n    root = lambda x: abs(x)**0.5\n",
            {("root", "untouched")},
        ),
        # One that refuses the reference itself, and whatever agrees with it.
        (
            "assert root(-6.25) == 2.5",
            "assert root(-6.25) == 3",
            {("root", "reference"), ("root", "power")},
        ),
    ],
)
def test_a_faulty_check_shows(
    old: str, new: str, bad: set[tuple[str, str]], course: Course
) -> None:
    edit(course.text_path("tiny"), old, new)
    build.build(course, ["tiny"])
    assert {key for key, row in rows(course).items() if not row.good} == bad


@pytest.mark.parametrize(
    ("hidden", "outcome"), [(False, "killed by visible"), (True, "killed by hidden")]
)
def test_an_answer_that_only_the_habit_rejects_is_rejected(
    hidden: bool, outcome: str, course: Course
) -> None:
    test = "assert root(0.0) == 0 and type(root(4)) is float"
    if hidden:
        test = f"### BEGIN HIDDEN TESTS\n{test}\n### END HIDDEN TESTS"
    edit(
        course.text_path("tiny"),
        '# %% claim="exact"',
        f'# %% habit="root" points=0.5\n{test}\n\n# %% claim="exact"',
    )
    wrong = course.root / "answers/tiny.py"
    wrong.write_text(
        wrong.read_text()
        + '\n\n# %% misconception="whole" exercise="root"\n# Whole roots become whole numbers.\n'
        "def root(x):\n    y = math.sqrt(abs(x))\n    return int(y) if y.is_integer() else y\n"
    )
    build.build(course, ["tiny"])
    found = rows(course)
    assert found["root", "whole"].outcome == outcome
    assert all(row.good for row in found.values())


def test_cells_run_in_a_namespace_of_their_own() -> None:
    assert in_process("x = 1", "y = x + 1", "assert y == 2") is None
    message = in_process("", "", "y")
    assert message is not None
    assert message.startswith("NameError")


def test_a_cell_that_does_not_compile_is_an_outcome_too() -> None:
    message = in_process("", "def f(:", "")
    assert message is not None
    assert message.startswith("SyntaxError")
