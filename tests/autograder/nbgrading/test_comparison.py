"""What the class hands in whose points are compared."""

from pathlib import Path

import nbformat
import pytest

from autograder.config import Course
from autograder.nbgrading import comparison
from autograder.nbgrading.comparison import assignments
from autograder.notebooks.regions import USUAL
from tests.grading.other import CONFIG, Other, answer, book, check

STUB = 'c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}\n'


@pytest.fixture
def course(tmp_path: Path) -> Course:
    other = Other(tmp_path / "course", CONFIG + STUB)
    lesson = book(
        answer("one", "a = 0", "a = 1", "b = 0\n### BEGIN SOLUTION\nb = 1\n### END SOLUTION"),
        answer("two", "def two():", "    return 2"),
        answer("three", "def three():", "    return 3"),
        check("all", "assert a + b + two() + three() == 7"),
    )
    # An answer cell without nbgrader's comments is a solution as a whole.
    lesson.cells[2].source = "def three():\n    return 3"
    other.write("small", lesson)
    return Course(other.root)


def test_every_second_solution_is_left_as_in_the_release(course: Course) -> None:
    source = nbformat.read(course.notebook_path("small"), as_version=4)
    given = nbformat.from_dict(source)
    released = {cell.id: f"# {cell.id} as released" for cell in given.cells}
    for cell in given.cells:
        cell.source = released[cell.id]
    answers = comparison._every_second(source, given, USUAL, course)
    assert answers == {
        "one": "a = 0\na = 1\nb = 0\nraise NotImplementedError",
        "two": "def two():\n    return 2",
        "three": released["three"],
    }


def test_an_assignment_is_a_folder_with_a_notebook(course: Course) -> None:
    (course.source / "drafts").mkdir()
    assert assignments(course) == ["small"]


def test_the_throw_away_course_is_nbgrader_s_own_and_the_course_stays_as_it_is(
    course: Course, tmp_path: Path
) -> None:
    made = comparison._throw_away(course, tmp_path / "elsewhere")
    assert "exporter_class" not in made.config.Autograde
    assert made.config.CourseDirectory.root == str(tmp_path / "elsewhere")
    assert made.source == tmp_path / "elsewhere" / "source"
    assert "Entrance" in course.config.Autograde.exporter_class
    assert course.config.CourseDirectory.root == str(course.root)
