"""A lesson's cells judged as grading does, for the kill matrix."""

import nbformat

from autograder.config import Course
from autograder.judging.grader import Grader
from autograder.judging.pool import judges_for
from autograder.lessons.matrix import Runner
from autograder.notebooks.cells import Marker
from autograder.notebooks.regions import Delimiters
from autograder.sandbox.pool import sandbox_for

__all__ = ["under_judge"]


def under_judge(course: Course, topic: str) -> Runner:
    """Return a runner that judges a lesson's cells as grading does, in the course's sandbox.

    Raises SandboxError.
    """
    settings = course.options.settings(topic)
    delimiters = Delimiters.of(course.config)
    grader = Grader(sandbox_for(settings), judges_for(settings.warm), delimiters=delimiters)
    kinds = Marker("setup", "setup"), Marker("exercise", "answer"), Marker("check", "answer", 1)

    def run(*sources: str) -> str | None:
        cells = [
            nbformat.v4.new_code_cell(source, metadata=marker.notebook_metadata())
            for source, marker in zip(sources, kinds, strict=True)
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        grader.original = notebook
        (verdict,) = grader.grade(notebook).values()
        return None if verdict.word == "passed" else f"{verdict.word}: {verdict.message}"

    return run
