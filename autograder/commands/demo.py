"""``autograder demo``: a small class of made-up students, graded while one looks on."""

import click
from rich.box import SIMPLE_HEAD
from rich.progress import track
from rich.table import Table

from autograder.commands import staging
from autograder.commands.group import command, console, with_progress
from autograder.commands.staging import Pupil
from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons import build as building
from autograder.lessons.lesson import load
from autograder.nbgrading import classroom

__all__ = ["demo"]


@command
@click.argument("topic", default="activations")
@click.option("--jobs", type=click.IntRange(min=1), help="Graders side by side. Default: cores.")
def demo(course: Course, topic: str, jobs: int | None) -> None:
    """Grade a small class of made-up students in the folder demo, and show the result.

    It has right answers, common mistakes, an untouched notebook, a syntax error, an endless loop, a
    late one, a forgery, a file that is no notebook, and somebody who submitted nothing.
    """
    building.build(course, [topic])
    staging.clear(course)
    own = staging.demo_course(course.root)
    with console.status("releasing the lesson"):
        classroom.release(own, topic, due=staging.DUE)
    pupils = staging.make_class(course, own, topic)
    classroom.enrol(own, [pupil.name for pupil in pupils])
    names = classroom.students(own, topic)
    outcomes = classroom.grade_class(own, topic, names, jobs=jobs, force=True)
    graded = with_progress(outcomes, topic, len(names))
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
    for outcome in graded:
        if not outcome.graded:
            raise CourseError(f"{outcome.student} could not be graded: {outcome.reason}")


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
