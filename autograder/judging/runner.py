"""A lesson's cells judged as grading does, for the kill matrix."""

import nbformat

from autograder.config import Course
from autograder.judging.judge import Given
from autograder.judging.run import Grader
from autograder.lessons.matrix import Runner
from autograder.notebooks.cells import Marker
from autograder.notebooks.regions import Delimiters
from autograder.sandbox.pool import sandbox_for

__all__ = ["under_judge"]


def under_judge(course: Course, topic: str) -> Runner:
    """Return a runner that judges a lesson's cells as grading does, in the course's sandbox.

    Raises SandboxError.
    """
    given = Given.of(nbformat.read(course.notebook_path(topic), as_version=4))
    grader = Grader(
        sandbox_for(course.options.settings(topic)),
        given,
        delimiters=Delimiters.of(course.config),
    )
    kinds = Marker("setup", "setup"), Marker("exercise", "answer"), Marker("check", "answer", 1)

    def run(*sources: str) -> str | None:
        cells = [
            nbformat.v4.new_code_cell(source, metadata=marker.notebook_metadata())
            for source, marker in zip(sources, kinds, strict=True)
        ]
        (verdict,) = grader.grade(nbformat.v4.new_notebook(cells=cells)).values()
        return None if verdict.word == "passed" else f"{verdict.word}: {verdict.message}"

    return run
