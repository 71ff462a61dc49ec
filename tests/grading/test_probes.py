"""The probes notice an attack that succeeds: under stock nbgrader each of these does.

Without this, a probe that sees nothing would make every test of the hardened grader pass.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading import tiny
from tests.grading.awkward import CORPUS as AWKWARD
from tests.grading.cage import stock
from tests.grading.course import STOCK, Course
from tests.grading.hostile import CORPUS

pytestmark = pytest.mark.xdist_group("probes")

SUCCESSES = {
    "skip_execution_tags": "31 of 31 points, unearned",
    "schema_version_of_the_future": "the class after it was not graded",
    "variables_of_checks": "its code showed: hidden",
    "prints_inputs": "its code showed: input",
    "network": "it reached the network",
    "background_processes": "processes survived",
    "writes_outside": "it changed",
    "writes_the_gradebook": "another student's grade was changed",
    "html_output": "scripts reach the grader's browser",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    course = Course(tmp_path_factory.mktemp("stock") / "base", STOCK)
    yield course
    course.close()


@pytest.mark.parametrize("name", SUCCESSES)
def test_probe_notices_an_attack_that_succeeds(template: Course, name: str, tmp_path: Path) -> None:
    assert SUCCESSES[name] in stock(CORPUS[name], template, tmp_path)


@pytest.mark.parametrize(
    ("name", "points"), [("all_right", tiny.FULL), ("untouched", 0.0), ("all_wrong", 0.0)]
)
def test_probes_are_silent_where_nothing_happens(
    template: Course, name: str, points: float, tmp_path: Path
) -> None:
    assert stock(AWKWARD[name], template, tmp_path) == f"{points:g} of {tiny.FULL:g} points"


def test_dangerous_submissions_are_not_run(template: Course, tmp_path: Path) -> None:
    for submission in CORPUS.values():
        if submission.dangerous:
            assert stock(submission, template, tmp_path).startswith("not run: ")
    assert list(tmp_path.iterdir()) == []
