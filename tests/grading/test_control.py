"""A test that cannot work under the judge is the course's fault: named once, free for students."""

from pathlib import Path

import nbformat
import pytest

from tests.grading.other import Other, answer, book, check

pytestmark = pytest.mark.xdist_group("control")

RIGHT = {
    "boxes": "class Box:\n    def __init__(self, x):\n        self.x = x\n\n"
    "def boxed(x):\n    return Box(x)",
    "doubling": "def double(x):\n    return 2 * x",
    "halving": "def half(x):\n    return x / 2",
}
WRONG = {
    "boxes": "def boxed(x):\n    return 0",
    "doubling": "def double(x):\n    return x",
    "halving": "def half(x):\n    return x",
}
LESSON = book(
    answer("boxes", "", RIGHT["boxes"]),
    # The truth of an object is the object's own word, which the judge does not take.
    check("boxes-full", "assert boxed(3).x == 3", "assert boxed(1234), 'a box is something'", 2),
    answer("doubling", "", RIGHT["doubling"]),
    check("doubling-twice", "assert double(2) == 4", "assert double(-3) == -6", 4),
    answer("halving", "", RIGHT["halving"]),
    check("halving-wrongly", "assert half(4) == 2", "assert half(4321) == 2160", 8),
)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Other:
    course = Other(tmp_path_factory.mktemp("other") / "course")
    course.write("boxing", LESSON)
    made = course.run("nbgrader", "generate_assignment", "boxing")
    assert made.returncode == 0, made.stderr
    course.submit("ann", "boxing", RIGHT)
    course.submit("bob", "boxing", WRONG)
    course.submit("cem", "boxing", {})
    return course


@pytest.fixture(scope="module")
def said(course: Other) -> str:
    """What ``autograder grade`` says of the class."""
    done = course.run("autograder", "grade", "boxing", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("student", ["ann", "bob", "cem"])
def test_a_check_that_cannot_work_waits_for_a_person(
    course: Other, said: str, student: str
) -> None:
    assert said
    assert course.grades("boxing", student)["boxes-full"] == (None, True)


def test_the_other_checks_give_what_they_give(course: Other, said: str) -> None:
    assert said
    grades = {name: course.grades("boxing", name) for name in ("ann", "bob")}
    assert grades["ann"]["doubling-twice"] == (4.0, False)
    assert grades["bob"]["doubling-twice"] == (0.0, False)
    # The instructor's own solution fails this one too, so who fails it is not excused.
    assert grades["ann"]["halving-wrongly"] == (0.0, False)


def test_the_summary_names_it_once_and_says_how_to_mend_it(said: str) -> None:
    (line,) = [line for line in said.splitlines() if line.startswith("  boxes-full, ")]
    assert "ann, bob, cem" in line
    assert "a check cannot compare or test <Box of the submission>" in line
    assert "To mend it, compare what the object's methods return" in line


def test_the_summary_names_what_the_instructor_s_own_solution_fails(said: str) -> None:
    before, after = said.split("Checks that the instructor's own solution does not pass")
    assert "  halving-wrongly: failed: This does not hold: assert half(4321) == 2160" in after
    assert "halving-wrongly" not in before
    assert "doubling-twice" not in said


@pytest.mark.parametrize("student", ["ann", "bob"])
def test_no_student_reads_what_a_hidden_test_passes(course: Other, said: str, student: str) -> None:
    assert said
    path = course.root / "autograded" / student / "boxing" / "boxing.ipynb"
    outputs = str([cell.outputs for cell in nbformat.read(path, as_version=4).cells])
    assert "a person looks at it" in outputs
    assert "1234" not in outputs
    assert "4321" not in outputs


def found(course: Other) -> tuple[Path, int]:
    (path,) = (course.root / ".autograder" / "boxing").glob("*.json")
    return path, path.stat().st_mtime_ns


def test_it_is_found_once_for_each_state_of_the_notebook(course: Other, said: str) -> None:
    assert said
    before = found(course)
    for changed in (False, True):
        if changed:
            lesson = nbformat.from_dict(LESSON)
            lesson.cells[-1].source = lesson.cells[-1].source.replace("2160", "2160.5")
            course.write("boxing", lesson)
            course.run("nbgrader", "generate_assignment", "boxing", "--force")
        done = course.run("autograder", "grade", "boxing", "--force", "--student", "ann")
        assert (found(course) != before) == changed
        assert "boxes-full, ann" in done.stdout
        assert ("halving-wrongly" in done.stdout) != changed
    assert course.grades("boxing", "ann")["halving-wrongly"] == (8.0, False)
