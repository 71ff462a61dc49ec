"""A lesson's exercises, as they stand in its instructor's notebook."""

from dataclasses import dataclass

import nbformat

from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons.bank import Answer, read
from autograder.notebooks.cells import from_notebook
from autograder.notebooks.regions import USUAL, Delimiters

__all__ = ["Exercise", "Lesson", "load"]


@dataclass(frozen=True)
class Exercise:
    """An exercise: its solution, the stub that students get, its check, and its points.

    habit is a second check of small worth, of what a good function does besides its work, such as
    refusing arguments that make no sense; empty where there is none.
    """

    name: str
    solution: str
    stub: str
    check: str
    points: float
    habit: str = ""
    habit_points: float = 0.0

    @property
    def checks(self) -> tuple[str, ...]:
        """The check, and the habit where there is one."""
        return (self.check, self.habit) if self.habit else (self.check,)


@dataclass(frozen=True)
class Lesson:
    """A lesson with its bank of answers."""

    topic: str
    setup: str
    exercises: tuple[Exercise, ...]
    written: tuple[str, ...]
    answers: tuple[Answer, ...]
    delimiters: Delimiters = USUAL

    @property
    def misconceptions(self) -> tuple[Answer, ...]:
        """Plausible wrong answers, which the checks must reject."""
        return tuple(answer for answer in self.answers if answer.kind == "misconception")

    @property
    def alternatives(self) -> tuple[Answer, ...]:
        """Other right answers, which the checks must accept."""
        return tuple(answer for answer in self.answers if answer.kind == "alternative")

    @property
    def equivalents(self) -> tuple[Answer, ...]:
        """Mutants of the references that are right answers too."""
        return tuple(answer for answer in self.answers if answer.kind == "equivalent")


def load(course: Course, topic: str) -> Lesson:
    """Read a lesson from its source and release notebooks and its bank.

    Raises CourseError where a notebook is missing, and MarkerError for a bank that is none.
    """
    for path in (course.notebook_path(topic), course.release_path(topic)):
        if not path.is_file():
            raise CourseError(f"{path} is missing; make it with `autograder build {topic}`")
    source = nbformat.read(course.notebook_path(topic), as_version=4)
    release = nbformat.read(course.release_path(topic), as_version=4)
    marked = [(from_notebook(cell.metadata), cell.source) for cell in source.cells]
    stubs = {cell.id: cell.source for cell in release.cells}
    checks, habits = (
        {m.name: (text, m.points or 0) for m, text in marked if m and m.kind == kind}
        for kind in ("check", "habit")
    )
    exercises = tuple(
        Exercise(m.name, text, stubs[m.cell_id], *checks[m.name], *habits.get(m.name, ()))
        for m, text in marked
        if m and m.kind == "exercise"
    )
    bank = course.answers / f"{topic}.py" if course.answers else None
    return Lesson(
        topic,
        setup="\n".join(text for m, text in marked if m and m.kind == "setup"),
        exercises=exercises,
        written=tuple(m.name for m, _ in marked if m and m.kind == "written"),
        answers=read(bank, {exercise.name: exercise.solution for exercise in exercises}),
        delimiters=Delimiters.of(course.config),
    )
