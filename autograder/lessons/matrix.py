"""The kill matrix: every wrong answer against its check, and every right one.

A check that accepts a wrong answer teaches a mistake, and one that refuses a right answer is worse.
So each answer of the banks is put in the place of the reference, and the check is run as a student
runs it (the visible part alone) and as a grader does (with the hidden part). A wrong answer is
rejected where the check or the habit of its exercise rejects it.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Literal

from autograder.lessons import bank
from autograder.lessons.lesson import Exercise, Lesson
from autograder.notebooks.regions import visible

__all__ = ["Kind", "Outcome", "Row", "Runner", "in_process", "matrix", "outcome"]

Outcome = Literal["passed", "killed by visible", "killed by hidden"]
Kind = Literal["reference", "untouched"] | bank.Kind

# Runs setup, answer and check after one another; returns None, or what went wrong.
Runner = Callable[[str, str, str], str | None]


@dataclass(frozen=True)
class Row:
    """One answer to one exercise, what became of it, and whether that is as it should be."""

    exercise: str
    kind: Kind
    answer: str
    outcome: Outcome
    message: str

    @property
    def good(self) -> bool:
        """Whether right answers passed and wrong ones did not."""
        right = self.kind in ("reference", "alternative")
        return right == (self.outcome == "passed")


def matrix(lesson: Lesson, run: Runner) -> Iterator[Row]:
    """Yield one row for each exercise and answer, as they are run."""
    for exercise in lesson.exercises:
        yield _row(lesson, exercise, "reference", "reference", exercise.solution, run)
        yield _row(lesson, exercise, "untouched", "untouched", exercise.stub, run)
        for answer in lesson.alternatives + lesson.misconceptions:
            if answer.exercise == exercise.name:
                yield _row(lesson, exercise, answer.kind, answer.name, answer.source, run)


def outcome(lesson: Lesson, exercise: Exercise, source: str, run: Runner) -> tuple[Outcome, str]:
    """Return which part of an exercise's checks rejects an answer, and in what words."""
    for check in exercise.checks:
        message = run(lesson.setup, source, visible(check, lesson.delimiters))
        if message is not None:
            return "killed by visible", message
    for check in exercise.checks:
        message = run(lesson.setup, source, check)
        if message is not None:
            return "killed by hidden", message
    return "passed", ""


def in_process(setup: str, answer: str, check: str) -> str | None:
    """Run the cells in this process, one after another, in a namespace of their own.

    What they print is dropped.
    """
    namespace: dict[str, object] = {"__name__": "__main__"}
    try:
        with redirect_stdout(io.StringIO()):
            for cell in (setup, answer, check):
                exec(compile(cell, "<cell>", "exec"), namespace)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _row(
    lesson: Lesson,
    exercise: Exercise,
    kind: Kind,
    name: str,
    source: str,
    run: Runner,
) -> Row:
    return Row(exercise.name, kind, name, *outcome(lesson, exercise, source, run))
