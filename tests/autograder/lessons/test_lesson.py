"""A lesson is read from its two notebooks and its bank."""

import pytest

from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons import build
from autograder.lessons.lesson import load

HABIT = """# %% habit="root" points=0.25
try:
    root("4")
except ValueError:
    pass
else:
    raise AssertionError("root refuses no word")

"""


def test_a_lesson_has_what_its_notebooks_and_banks_hold(course: Course) -> None:
    lesson = load(course, "tiny")
    assert lesson.topic == "tiny"
    assert lesson.setup == "import math"
    assert lesson.written == ("why",)
    double, root = lesson.exercises
    assert (double.name, double.points, root.name, root.points) == ("double", 2, "root", 0.5)
    assert "return x + x" in double.solution
    assert "return x + x" not in double.stub
    assert double.stub.endswith("raise NotImplementedError")
    assert "BEGIN HIDDEN TESTS" in double.check
    assert double.checks == (double.check,)
    assert [answer.name for answer in lesson.alternatives] == ["times_two", "power"]
    assert [answer.name for answer in lesson.misconceptions] == ["squared", "above_zero", "signed"]
    assert lesson.equivalents == ()


def test_an_exercise_may_have_a_habit_beside_its_check(course: Course) -> None:
    text = course.text_path("tiny")
    text.write_text(text.read_text().replace("# %% claim=", HABIT + "# %% claim="))
    build.build(course, ["tiny"])
    double, root = load(course, "tiny").exercises
    assert (root.points, root.habit_points) == (0.5, 0.25)
    assert root.checks == (root.check, root.habit)
    assert "refuses" in root.habit
    assert double.checks == (double.check,)


@pytest.mark.parametrize("missing", ["source/tiny/tiny.ipynb", "release/tiny/tiny.ipynb"])
def test_a_missing_notebook_is_named_with_the_command_that_makes_it(
    missing: str, course: Course
) -> None:
    (course.root / missing).unlink()
    with pytest.raises(CourseError, match=f"{missing} is missing; .*autograder build tiny"):
        load(course, "tiny")


def test_a_lesson_may_do_without_a_setup_and_without_a_bank(course: Course) -> None:
    text = course.text_path("tiny")
    text.write_text(text.read_text().replace("# %% setup\n", "# %%\n"))
    (course.root / "answers/tiny.py").unlink()
    build.build(course, ["tiny"])
    lesson = load(course, "tiny")
    assert lesson.setup == ""
    assert lesson.answers == ()
