"""``autograder grade``: a whole class, side by side."""

import click

from autograder.commands.group import command, console, with_progress
from autograder.config import Course
from autograder.errors import CourseError
from autograder.nbgrading import classroom, summary

__all__ = ["grade"]


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
    found = summary.summarize(course, topic, with_progress(outcomes, topic, len(names)))
    for line in summary.lines(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if found.ungraded:
        number = len(found.ungraded)
        raise CourseError(f"{number} submissions could not be graded; nobody lost a point")
