"""``autograder check``: one notebook, for oneself."""

from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from autograder.commands.group import command, console
from autograder.config import Course
from autograder.judging.selfcheck import check_notebook

__all__ = ["check"]


@command
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--topic", help="Lesson of the notebook. Default: the file's name.")
@click.option("--no-sandbox", is_flag=True, help="Run without protection from the notebook.")
@click.option("--hints", is_flag=True, help="Show the hints of exercises that are not right yet.")
def check(course: Course, notebook: Path, topic: str | None, no_sandbox: bool, hints: bool) -> None:
    """Grade one NOTEBOOK for yourself: verdicts and what they mean, no gradebook.

    Ends with status 0 where every exercise passed.
    """
    with console.status("running the notebook"):
        findings = check_notebook(course, notebook, topic, sandbox=not no_sandbox)
    table = Table("exercise", "verdict", "points", "what it says", show_lines=True)
    for finding in findings:
        words = [finding.verdict.message, finding.verdict.diagnosis]
        words += [finding.hints] if hints else []
        table.add_row(
            finding.exercise,
            finding.verdict.word,
            f"{finding.points:g} of {finding.maximum:g}",
            Text("\n\n".join(word for word in words if word)),
        )
    console.print(table)
    open_ones = [finding for finding in findings if finding.verdict.word != "passed"]
    console.print(
        f"{sum(f.points for f in findings):g} of {sum(f.maximum for f in findings):g} points"
    )
    if open_ones and not hints:
        console.print("--hints shows the hints of what is not right yet.")
    if open_ones:
        raise SystemExit(1)
