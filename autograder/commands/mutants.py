"""``autograder mutants``: which changes of a lesson's solutions its checks do not notice."""

from textwrap import indent

import click
from rich.progress import track
from rich.table import Table

from autograder.commands.group import command, console
from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons.lesson import load
from autograder.lessons.mutants import Became, Finding, all_mutants, out_of_date, sample, try_out

__all__ = ["mutants"]

KILLED: dict[str, Became] = {
    "visible": "killed by visible",
    "hidden": "killed by hidden",
    "time": "killed by time",
}


@command
@click.argument("topics", nargs=-1)
@click.option("--sample", "count", type=int, help="Try so many of each lesson, always the same.")
@click.option("--processes", type=int, help="How many run side by side. Default: one a core.")
def mutants(
    course: Course, topics: tuple[str, ...], count: int | None, processes: int | None
) -> None:
    """Change each solution of TOPICS (default: all) in one place, and see what the checks say.

    Fails where a mutant passes that the lesson's bank does not list as an equivalent, and where the
    bank lists one that is rejected or that is no mutant any more.
    """
    faults = 0
    for topic in topics or course.topics():
        lesson = load(course, topic)
        every = all_mutants(lesson)
        chosen = every if count is None else sample(every, count)
        found = try_out(lesson, chosen, warm=course.options.warm, processes=processes)
        findings = list(track(found, topic, len(chosen), console=console, transient=True))
        console.print(_table(topic, findings))
        for finding in findings:
            if not finding.good:
                faults += 1
                why = (
                    "passes: add a test, or this equivalent with its reason"
                    if finding.outcome == "passed"
                    else f"is {finding.outcome}: this equivalent is none"
                )
                _say(f"{topic}, {finding.mutant.exercise}: a mutant {why}", finding.mutant.edit)
        for answer in out_of_date(lesson, every):
            faults += 1
            _say(f"{topic}, {answer.exercise}: this equivalent is no mutant", answer.edit)
    if faults:
        raise CourseError(f"{faults} mutants or equivalents are not as they should be")


def _say(what: str, edit: str) -> None:
    # As a bank has it, for pasting.
    click.echo(f"{what}\n{indent(edit, '# ', lambda _: True)}")


def _table(topic: str, findings: list[Finding]) -> Table:
    table = Table(title=f"{topic}: mutants of the solutions, and what killed them")
    table.add_column("exercise")
    for heading in ("mutants", *KILLED, "equivalent", "alive"):
        table.add_column(heading, justify="right")
    for exercise in dict.fromkeys(finding.mutant.exercise for finding in findings):
        own = [finding for finding in findings if finding.mutant.exercise == exercise]
        outcomes = [finding.outcome for finding in own]
        listed = sum(finding.outcome == "passed" and finding.good for finding in own)
        table.add_row(
            exercise,
            *map(
                str, (len(own), *(outcomes.count(outcome) for outcome in KILLED.values()), listed)
            ),
            str(outcomes.count("passed") - listed),
        )
    return table
