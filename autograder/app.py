"""The command ``autograder``: arguments in, library calls, words out."""

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from autograder import build as building
from autograder import classroom
from autograder.config import Course
from autograder.demo import Pupil
from autograder.errors import CourseError
from autograder.lesson import load
from autograder.matrix import Row, in_process, under_judge
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


@command
@click.argument("topic")
@click.option("--jobs", type=click.IntRange(min=1), help="Graders side by side. Default: cores.")
@click.option("--cluster", help="Address of a Dask scheduler whose workers grade instead.")
@click.option("--force", is_flag=True, help="Grade again who is graded already.")
@click.option("--student", "only", multiple=True, help="Grade this student; may be repeated.")
def grade(
    course: Course,
    topic: str,
    jobs: int | None,
    cluster: str | None,
    force: bool,
    only: tuple[str, ...],
) -> None:
    """Grade the submissions of TOPIC side by side, as `nbgrader autograde` does one by one.

    A run that was killed goes on where it stopped when it is started again.
    """
    names = list(only) or classroom.students(course, topic)
    if not names:
        raise CourseError(f"nobody has submitted {topic!r} in {course.directory('submitted')}/")
    if jobs and cluster:
        raise click.UsageError("--jobs counts graders on this machine; a cluster has its own")
    outcomes = classroom.grade_class(course, topic, names, jobs=jobs, force=force, cluster=cluster)
    failed = _with_progress(outcomes, topic, len(names))
    console.print(f"{len(names) - len(failed)} of {len(names)} submissions are graded.")
    for outcome in failed:
        console.print(f"{outcome.student}: {outcome.reason}", markup=False)
    if failed:
        raise CourseError(f"{len(failed)} submissions could not be graded; nobody lost a point")


@command
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--topic", help="Lesson of the notebook. Default: the file's name.")
@click.option("--no-sandbox", is_flag=True, help="Run without protection from the notebook.")
@click.option("--hints", is_flag=True, help="Show the hints of exercises that are not right yet.")
def check(course: Course, notebook: Path, topic: str | None, no_sandbox: bool, hints: bool) -> None:
    """Grade one NOTEBOOK for yourself: verdicts and what they mean, no gradebook.

    Ends with status 0 where every exercise passed.
    """
    from autograder.selfcheck import check_notebook

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


@main.command()
@click.pass_obj
def doctor(root: Path) -> None:
    """Say what this machine has, and whether the sandbox holds; fail where grading cannot work."""
    from autograder.doctor import report

    try:
        course = Course(root)
    except CourseError as error:
        course = None
        click.echo(f"course: {error}")
    good = True
    for name, finding, fine in report(course):
        click.echo(f"{name}: {finding}")
        good = good and fine
    if not good:
        raise SystemExit(1)


@command
@click.argument("topic", default="activations")
@click.option("--jobs", type=click.IntRange(min=1), help="Graders side by side. Default: cores.")
def demo(course: Course, topic: str, jobs: int | None) -> None:
    """Grade a small class of made-up students in the folder demo, and show the result.

    It has right answers, common mistakes, an untouched notebook, a syntax error, an endless loop, a
    late one, a forgery, a file that is no notebook, and somebody who submitted nothing.
    """
    from autograder import demo as staging

    building.build(course, [topic])
    staging.clear(course)
    own = staging.demo_course(course.root)
    with console.status("releasing the lesson"):
        classroom.release(own, topic, due=staging.DUE)
    pupils = staging.make_class(course, own, topic)
    classroom.enrol(own, [pupil.name for pupil in pupils])
    names = classroom.students(own, topic)
    outcomes = classroom.grade_class(own, topic, names, jobs=jobs, force=True)
    failed = _with_progress(outcomes, topic, len(names))
    for _ in track(
        classroom.feedback(own, topic, names),
        "writing feedback",
        len(names),
        console=console,
        transient=True,
    ):
        pass
    found = {score.student: score for score in classroom.scores(own, topic)}
    exercises = [exercise.name for exercise in load(course, topic).exercises]
    console.print(_class_table(topic, pupils, found))
    console.print(_points_table(exercises, pupils, found))
    console.print(f"Feedback: {own.directory('feedback')}/<student>/{topic}/{topic}.html")
    console.print("Written questions count for nothing until a person has graded them.")
    for outcome in failed:
        raise CourseError(f"{outcome.student} could not be graded: {outcome.reason}")


def _with_progress(
    outcomes: Iterator[classroom.Outcome], topic: str, total: int
) -> list[classroom.Outcome]:
    """Grade with a progress bar; return who could not be graded."""
    shown = track(outcomes, f"grading {topic}", total, console=console, transient=True)
    return [outcome for outcome in shown if not outcome.graded]


def _class_table(topic: str, pupils: list[Pupil], found: dict[str, classroom.Score]) -> Table:
    table = Table("student", "the submission", title=f"{topic}: a class", box=SIMPLE_HEAD)
    for heading in ("points", "of", "late"):
        table.add_column(heading, justify="right")
    for pupil in pupils:
        score = found[pupil.name]
        late = f"{score.seconds_late / 3600:.0f} h" if score.seconds_late else ""
        total = f"{score.total:g}" if score.submitted else "-"
        table.add_row(pupil.name, pupil.story, total, f"{score.maximum:g}", late)
    return table


def _points_table(
    exercises: list[str], pupils: list[Pupil], found: dict[str, classroom.Score]
) -> Table:
    table = Table("exercise", title="points by exercise", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for pupil in pupils:
        table.add_column(pupil.name, justify="right")
    for exercise in exercises:
        points = (found[pupil.name].points.get(exercise) for pupil in pupils)
        table.add_row(exercise, *("-" if p is None else f"{p:g}" for p in points))
    return table


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
