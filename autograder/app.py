"""The command ``autograder``: arguments in, library calls, words out."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from autograder import build as building
from autograder.config import Course
from autograder.errors import CourseError
from autograder.lesson import load
from autograder.matrix import Row, in_process
from autograder.matrix import matrix as run_matrix

__all__ = ["main"]

console = Console()


@click.group()
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Root of the course, where nbgrader_config.py lies. Default: the current folder.",
)
@click.pass_context
def main(context: click.Context, root: Path) -> None:
    """Build, try out and grade the notebooks of an nbgrader course."""
    context.obj = root


def command(function: Callable[..., None]) -> click.Command:
    """Make a subcommand that gets the course, and shows a CourseError without a traceback."""

    @click.pass_obj
    @wraps(function)
    def run(root: Path, /, **arguments: Any) -> None:
        try:
            function(Course(root), **arguments)
        except CourseError as error:
            raise click.ClickException(str(error)) from None

    return main.command()(run)


@command
@click.argument("topics", nargs=-1)
@click.option("--check", is_flag=True, help="Only say whether the committed notebooks are fresh.")
@click.option("--force", is_flag=True, help="Overwrite what was edited in JupyterLab.")
def build(course: Course, topics: tuple[str, ...], check: bool, force: bool) -> None:
    """Turn the texts of TOPICS (default: all) into source and release notebooks."""
    chosen = topics or course.topics()
    if check:
        differences = building.check(course, chosen)
        for difference in differences:
            click.echo(f"{difference.path.relative_to(course.root)} {difference.reason}")
        if differences:
            raise CourseError(
                "the notebooks are stale; run `autograder build`, or `autograder pull TOPIC` first "
                "where a source notebook was edited by hand"
            )
        return
    for path in building.build(course, chosen, force=force):
        click.echo(f"wrote {path.relative_to(course.root)}")


@command
@click.argument("topic")
@click.option("--force", is_flag=True, help="Overwrite a text that changed meanwhile.")
def pull(course: Course, topic: str, force: bool) -> None:
    """Take what was changed in the source notebook of TOPIC back into its text."""
    changed = building.pull(course, topic, force=force)
    text = course.text_path(topic).relative_to(course.root)
    click.echo(f"wrote {text}" if changed else f"{text} is already what the notebook says")


@command
@click.argument("topics", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Show every answer, not only the sums.")
def matrix(course: Course, topics: tuple[str, ...], every: bool) -> None:
    """Show which wrong answers the checks of TOPICS (default: all) kill, and by which part.

    Fails where a misconception survives, an alternative or the reference is refused, or an
    untouched exercise scores.
    """
    bad: list[Row] = []
    for topic in topics or course.topics():
        lesson = load(course, topic)
        total = 2 * len(lesson.exercises) + len(lesson.misconceptions) + len(lesson.alternatives)
        rows = list(
            track(run_matrix(lesson, in_process), topic, total, console=console, transient=True)
        )
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
