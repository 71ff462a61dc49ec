"""An instructor sees every point in which judge and stock nbgrader differ, and why."""

from collections.abc import Callable

import pytest

from tests.grading import constructs
from tests.grading.other import CONFIG, Other, answer, book, check

pytestmark = pytest.mark.xdist_group("compare")

# An untouched answer cell stops at its stub.
STUBBED = """\
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
"""


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Other]:
    def course(config: str = CONFIG) -> Other:
        return Other(tmp_path_factory.mktemp("compare") / "course", config)

    return course


@pytest.fixture(scope="module")
def compared(make: Callable[..., Other]) -> tuple[int, str]:
    """What is said of a course that uses everything: status and words."""
    course = make(CONFIG + STUBBED)
    course.write("everything", constructs.notebook(), constructs.FILES)
    done = course.run("autograder", "compare", "everything")
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def differing(said: str) -> set[tuple[str, str]]:
    lines = [line for line in said.splitlines() if ", on " in line and ": stock nbgrader " in line]
    parts = [line.partition(": stock nbgrader ")[0].split(", on ") for line in lines]
    return {(name, handed_in) for name, handed_in in parts}


def test_what_differs_is_what_cannot_work_and_nothing_else(compared: tuple[int, str]) -> None:
    status, said = compared
    own = {name for name, handed_in in differing(said) if handed_in.startswith("the instructor")}
    assert own == set(constructs.BEYOND), said
    assert {name for name, _ in differing(said)} == own, said
    assert status == 1


def test_each_difference_comes_with_reason_and_remedy(compared: tuple[int, str]) -> None:
    _, said = compared
    blocks = said.split("\n  reason: ")
    assert len(blocks) == len(differing(said)) + 1
    assert all("\n  to mend it: " in block for block in blocks[1:])
    truth = next(block for block in blocks[1:] if "cannot compare or test <Account" in block)
    assert "is not None" in truth
    number = sum(map(len, constructs.TESTS.values()))
    assert f"{number} tests on 3 submissions: {len(differing(said))} points differ" in said


def test_nothing_is_left_in_the_course(make: Callable[..., Other]) -> None:
    course = make()
    lesson = book(
        answer("one", "", "a = 1"),
        check("one-right", "assert a == 1", "assert a + 1 == 2"),
        answer("two", "def two():", "    return 2"),
        check("two-right", "assert two() == 2"),
    )
    course.write("small", lesson)
    before = sorted(path for path in course.root.rglob("*") if ".home" not in path.parts)
    done = course.run("autograder", "compare", "small")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "2 tests on 3 submissions: no difference"
    after = sorted(path for path in course.root.rglob("*") if ".home" not in path.parts)
    assert after == before


def test_an_unknown_assignment_is_refused_with_those_that_there_are(
    make: Callable[..., Other],
) -> None:
    course = make()
    course.write("small", book(answer("one", "", "a = 1"), check("one-right", "assert a == 1")))
    done = course.run("autograder", "compare", "smal")
    assert done.returncode == 1
    assert "Error: 'smal' is no assignment" in done.stderr
    assert "assignments with one: small" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_stock_nbgrader_cannot_grade_is_said(make: Callable[..., Other]) -> None:
    course = make()
    course.write("small", book(answer("one", "", "a = 1"), check("too-much", "a + 41")))
    done = course.run("autograder", "compare", "small")
    assert done.returncode == 1
    assert "stock nbgrader cannot grade the instructor's own solution" in done.stderr
    assert "Error: stock" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr


def test_doctor_recommends_it(make: Callable[..., Other]) -> None:
    course = make()
    course.write("small", book(answer("one", "", "a = 1"), check("one-right", "assert a == 1")))
    done = course.run("autograder", "doctor")
    assert "compare: run `autograder compare ASSIGNMENT`" in done.stdout, done.stdout
    assert "small" in done.stdout


def test_every_construct_has_a_place_of_its_own() -> None:
    names = [f"{a}-{name}" for a, tests in constructs.TESTS.items() for name in tests]
    assert len(names) == len(set(names))
    assert set(constructs.BEYOND) <= set(names)
