"""The command that the others are parts of, and what they share: course, console, progress."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from autograder.config import Course
from autograder.errors import CourseError
from autograder.nbgrading.classroom import Outcome

__all__ = ["command", "console", "main", "with_progress"]

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


def with_progress(outcomes: Iterator[Outcome], topic: str, total: int) -> list[Outcome]:
    """Grade with a progress bar; return what became of each."""
    shown = track(outcomes, f"grading {topic}", total, console=console, transient=True)
    return list(shown)
