"""``autograder matrix``: which wrong answers a lesson's checks reject, and by which part."""

import click
from rich.progress import track
from rich.table import Table

from autograder.commands.group import command, console
from autograder.config import Course
from autograder.errors import CourseError
from autograder.judging.runner import under_judge
from autograder.lessons.lesson import load
from autograder.lessons.matrix import Row, in_process
from autograder.lessons.matrix import matrix as run_matrix

__all__ = ["matrix"]


@command
@click.argument("topics", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Show every answer, not only the sums.")
@click.option("--judge", is_flag=True, help="Run the checks as grading does, in the sandbox.")
def matrix(course: Course, topics: tuple[str, ...], every: bool, judge: bool) -> None:
    """Show which wrong answers the checks of TOPICS (default: all) kill, and by which part.

    Fails where a misconception survives, an alternative or the reference is refused, or an
    untouched exercise scores.
    """
    bad: list[Row] = []
    for topic in topics or course.topics():
        lesson = load(course, topic)
        total = 2 * len(lesson.exercises) + len(lesson.misconceptions) + len(lesson.alternatives)
        run = under_judge(course, topic) if judge else in_process
        rows = list(track(run_matrix(lesson, run), topic, total, console=console, transient=True))
        console.print(_answers_table(topic, rows) if every else _sums_table(topic, rows))
        bad += [row for row in rows if not row.good]
    for row in bad:
        console.print(f"{row.exercise}: {row.kind} {row.answer!r} is {row.outcome}. {row.message}")
    if bad:
        raise CourseError(f"{len(bad)} answers got the wrong verdict")


def _sums_table(topic: str, rows: list[Row]) -> Table:
    table = Table(title=f"{topic}: wrong answers killed, right answers passed")
    table.add_column("exercise")
    for heading in ("killed by visible", "killed by hidden", "survived", "right passed", "refused"):
        table.add_column(heading, justify="right")
    for exercise in dict.fromkeys(row.exercise for row in rows):
        own = [row for row in rows if row.exercise == exercise]
        wrong = [row.outcome for row in own if row.kind in ("misconception", "untouched")]
        right = [row.outcome for row in own if row.kind in ("reference", "alternative")]
        table.add_row(
            exercise,
            *(str(wrong.count(o)) for o in ("killed by visible", "killed by hidden", "passed")),
            str(right.count("passed")),
            str(len(right) - right.count("passed")),
        )
    return table


def _answers_table(topic: str, rows: list[Row]) -> Table:
    table = Table("exercise", "kind", "answer", "outcome", "message", title=topic)
    for row in rows:
        table.add_row(row.exercise, row.kind, row.answer, row.outcome, row.message.split("\n")[0])
    return table
