"""``autograder compare``: where judge and stock nbgrader differ on one's own assignment."""

import click

from autograder.commands.group import command, console
from autograder.config import Course
from autograder.nbgrading.comparison import Difference
from autograder.nbgrading.comparison import compare as compare_both

__all__ = ["compare"]


@command
@click.argument("assignment")
def compare(course: Course, assignment: str) -> None:
    """Grade ASSIGNMENT by stock nbgrader and by the judge, and list the points that differ.

    Graded are your own solution, the untouched release, and one with every second solution, in a
    folder that is thrown away. Ends with status 1 where there is any difference.
    """
    with console.status(f"grading {assignment} on both sides"):
        found = compare_both(course, assignment)
    for difference in found.differences:
        for line in _lines(difference):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    number = len(found.differences)
    console.print(
        f"{found.tests} tests on {found.submissions} submissions: "
        + (f"{number} points differ" if number else "no difference"),
        highlight=False,
    )
    if number:
        raise SystemExit(1)


def _lines(found: Difference) -> list[str]:
    points = f"stock nbgrader gives {found.stock:g}, the judge {found.judge:g}"
    return [
        f"{found.check}, on {found.handed_in}: {points}",
        f"  reason: {' '.join(found.reason.split())}",
        f"  to mend it: {found.mend}",
    ]
