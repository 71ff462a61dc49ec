"""What one hostile submission costs a class of innocent neighbours: seconds, memory, points.

For the worst of each family, a class of honest students with one hostile submission in their midst
is graded by ``nbgrader autograde``, and beside it the same class without. ``python -m
tests.bench.neighbours NAME ...`` takes others, or ``all``.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tests.grading import course as courses
from tests.grading.broad import HOSTILE
from tests.grading.corpus import Submission
from tests.grading.course import BYSTANDER, FIRST, LAST, Course, Outcome
from tests.grading.hostile import CORPUS as TINY

CORPUS = {**TINY, **HOSTILE}
# The slowest and the largest of each family.
WORST = (
    *(
        "audit_hook_raises",
        "sends_from_a_thread",
        "every_cell_is_a_check",
        "empty_lists_in_millions",
    ),
    *(
        "thread_patches_later",
        "containers_that_disagree",
        "ranges_without_end",
        "keys_that_collide",
    ),
    *("strings_without_end", "empty_maps_in_millions", "pictures_that_are_none"),
    *("time_and_memory_say_it", "files_say_it", "slow_cells", "processes_that_compute"),
    *("anonymous_memory_that_is_shared", "fork_bomb", "pages_that_take_for_ever"),
)


def tables() -> Iterator[Table]:
    """Grade each of the worst with its neighbours."""
    yield measure(WORST)


def measure(names: Iterable[str]) -> Table:
    """Return what each submission costs: seconds beyond the class's own, MB, points of others."""
    table = Table(title="One hostile submission and three honest ones, nbgrader autograde")
    for heading in ("submission", "family"):
        table.add_column(heading)
    for heading in ("s with", "s without", "MB of the grader", "points neighbours lost"):
        table.add_column(heading, justify="right")
    without: dict[str, float] = {}
    for name in names:
        submission = CORPUS[name]
        lesson = submission.lesson
        if lesson.__name__ not in without:
            without[lesson.__name__] = _grade(lesson, None)[0].seconds
        outcome, lost = _grade(lesson, submission)
        table.add_row(
            name,
            submission.family,
            f"{outcome.seconds:.0f}",
            f"{without[lesson.__name__]:.0f}",
            f"{outcome.memory / 2**20:.0f}",
            f"{lost:g}",
        )
    return table


def _grade(lesson: ModuleType, submission: Submission | None) -> tuple[Outcome, float]:
    """Grade a class; return what came of it, and the points that honest students lost."""
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder) / "base", courses.HARDENED, lesson)
        try:
            for student in (FIRST, LAST):
                course.submit(student, course.solved())
            if submission is not None:
                submission.hand_in(course)
            outcome = course.grade(feedback=False)
            honest = (FIRST, BYSTANDER, LAST)
            lost = sum(lesson.FULL - sum(course.points(student).values()) for student in honest)
            return outcome, lost
        finally:
            course.close()


if __name__ == "__main__":
    asked = sys.argv[1:] or WORST
    Console(width=140).print(measure(CORPUS if asked == ["all"] else asked))
