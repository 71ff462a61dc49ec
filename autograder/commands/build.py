"""``autograder build`` and ``autograder pull``: between a lesson's text and its notebooks."""

import click

from autograder.commands.group import command
from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons import build as building

__all__ = ["build", "pull"]


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
