"""One notebook for somebody who learns alone: verdicts, diagnosis and hints, no gradebook."""

import html
from dataclasses import dataclass
from pathlib import Path

import nbformat
import nh3

from autograder.config import Course
from autograder.errors import CourseError
from autograder.judging.answers import answers_in
from autograder.judging.bank import known
from autograder.judging.grader import Grader
from autograder.judging.pool import judges_for
from autograder.judging.verdict import Verdict
from autograder.notebooks.cells import hints_of, is_check, marks_of, verdict_of
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.regions import Delimiters, visible
from autograder.notebooks.submitted import DamagedError, read_submission
from autograder.sandbox.pool import sandbox_for

__all__ = ["Finding", "check_notebook"]


@dataclass(frozen=True)
class Finding:
    """What a check of one exercise found, with the exercise's hints where it found something."""

    exercise: str
    points: float
    maximum: float
    verdict: Verdict
    hints: str


def check_notebook(
    course: Course, path: Path, topic: str | None = None, *, sandbox: bool = True
) -> list[Finding]:
    """Grade a notebook as the course would; return one finding for each exercise.

    topic is the notebook's name without its ending where it is not given. Raises CourseError for a
    file that is no notebook or belongs to no lesson, and SandboxError.
    """
    lesson = topic or path.stem
    source = nbformat.read(_known(course, lesson), as_version=4)
    release = nbformat.read(course.release_path(lesson), as_version=4)
    given = {
        marks_of(cell).grade_id: cell.source for cell in release.cells if marks_of(cell).solution
    }
    delimiters = Delimiters.of(course.config)
    original = Original(source, given, delimiters)
    try:
        notebook = rebuild(original, read_submission(path))
    except DamagedError as error:
        raise CourseError(f"{path}: {error}") from None
    options = course.options
    if not sandbox:
        options.sandbox = False
    settings = options.settings(lesson)
    grader = Grader(
        sandbox_for(settings, answers_in(original)),
        judges_for(settings.warm),
        source,
        known=known(course.root, options, lesson, original),
        stubs=given,
        delimiters=delimiters,
    )
    verdicts = grader.grade(notebook)
    hints = {
        name: _plain(visible(cell.source, delimiters))
        for cell in source.cells
        if (name := hints_of(cell)) is not None
    }
    findings = []
    for cell in notebook.cells:
        noted = verdict_of(cell)
        if is_check(cell) and noted is not None:
            marks = marks_of(cell)
            verdict = verdicts[marks.grade_id]
            hint = "" if verdict.word == "passed" else hints.get(marks.exercise, "")
            # A habit is told apart from its exercise's check.
            name = marks.grade_id.removeprefix("check-")
            findings.append(Finding(name, noted.points, marks.points, verdict, hint))
    return findings


def _plain(text: str) -> str:
    """Return what a page shows of a text that unfolds, for a terminal."""
    return html.unescape(nh3.clean(text, tags=set()))


def _known(course: Course, lesson: str) -> Path:
    path = course.notebook_path(lesson)
    if not path.is_file():
        known = sorted(p.stem for p in course.source.glob("*/*.ipynb"))
        raise CourseError(
            f"{lesson!r} is no lesson of this course; name one with --topic: {', '.join(known)}"
        )
    return path
