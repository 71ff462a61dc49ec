"""A whole class: grade it in parallel, take up where a killed run stopped, read the gradebook.

Each worker, a process here or on a cluster, grades one student at a time through nbgrader's own
API, so that gradebook, late penalties and files are what ``nbgrader autograde`` would have made.
"""

import os
import re
import socket
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from traitlets.config import Config

from autograder.config import CONFIG_FILE, Course
from autograder.errors import CourseError
from autograder.nbgrading.cluster import each_on_cluster
from autograder.nbgrading.graders import Outcome, side_by_side
from autograder.notebooks.cells import exercise_of

__all__ = [
    "Outcome",
    "Score",
    "autograde",
    "enrol",
    "feedback",
    "grade_class",
    "last_words",
    "nbgrader_api",
    "release",
    "scores",
    "students",
]

SEVERAL = 3  # times what a submission, which may be run twice, may take by the clock


@dataclass(frozen=True)
class Score:
    """One student's points, by exercise and in all, and how late the submission came."""

    student: str
    points: dict[str, float]
    seconds_late: float
    total: float
    maximum: float
    submitted: bool
    needs_manual: bool


def students(course: Course, lesson: str) -> list[str]:
    """Return who has submitted a lesson, in order."""
    folder = course.root / course.directory("submitted")
    return sorted(path.parent.name for path in folder.glob(f"*/{lesson}") if path.is_dir())


def grade_class(
    course: Course,
    lesson: str,
    names: Iterable[str],
    *,
    jobs: int | None = None,
    force: bool = False,
    cluster: str | None = None,
) -> Iterator[Outcome]:
    """Grade students side by side; yield one outcome each, as they come.

    Who is graded already is left alone unless forced, so that a run that was killed goes on where
    it stopped. The graders are processes of this machine, jobs of them: one that dies costs its
    student this try and nobody else anything, and one that takes far too long is ended. Or they
    are the workers of the Dask cluster whose scheduler has the address cluster. Raises CourseError
    where that cluster cannot be used.
    """
    waiting = list(names)
    with _gradebook(course) as gradebook:
        # Here, because two workers would make the tables of a new one at the same time.
        in_a_file = gradebook.engine.url.drivername.startswith("sqlite")
    grade = partial(_grade, course, lesson, force)
    if cluster is None:
        jobs = jobs or os.cpu_count() or 1
        yield from side_by_side(grade, waiting, jobs=jobs, seconds=_patience(course, lesson))
        return
    for name, found in each_on_cluster(cluster, grade, waiting, one_machine=in_a_file):
        if isinstance(found, BaseException):
            found = Outcome(name, False, str(found))
        yield found


def _patience(course: Course, lesson: str) -> float:
    """Return the seconds after which a student's grader is ended."""
    notebooks = [*(course.source / lesson).glob("*.ipynb")]
    return SEVERAL * course.options.time * course.options.wall * max(1, len(notebooks))


def release(course: Course, lesson: str, *, due: datetime | None = None) -> None:
    """Tell the gradebook of a lesson and make its release. Raises CourseError."""
    api = nbgrader_api(course.config)
    with _gradebook(course) as gradebook:
        gradebook.update_or_create_assignment(lesson, duedate=due and due.replace(tzinfo=None))
    result = api.generate_assignment(lesson, force=True, create=True)
    if not result["success"]:
        raise CourseError(f"nbgrader could not release {lesson}:\n{last_words(result)}")


def enrol(course: Course, names: Iterable[str]) -> None:
    """Enter students into the gradebook."""
    with _gradebook(course) as gradebook:
        for name in names:
            gradebook.update_or_create_student(name)


def feedback(course: Course, lesson: str, names: Iterable[str]) -> Iterator[Outcome]:
    """Write feedback for students; yield one outcome each."""
    api = nbgrader_api(course.config)
    for name in names:
        result = api.generate_feedback(lesson, student_id=name, force=True)
        yield Outcome(name, bool(result["success"]), last_words(result))


def scores(course: Course, lesson: str) -> list[Score]:
    """Read the points of a lesson from the gradebook, one line for each student in it."""
    from nbgrader.api import MissingEntry

    found = []
    with _gradebook(course) as gradebook:
        maximum = gradebook.find_assignment(lesson).max_score
        for student in sorted(gradebook.students, key=lambda s: s.id):
            try:
                submission = gradebook.find_submission(lesson, student.id)
            except MissingEntry:
                found.append(Score(student.id, {}, 0.0, 0.0, maximum, False, False))
                continue
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            points: dict[str, float] = {}
            for grade in grades:
                if not grade.needs_manual_grade:
                    name = exercise_of(grade.name)
                    points[name] = points.get(name, 0.0) + float(grade.score)
            found.append(
                Score(
                    student.id,
                    points,
                    float(submission.total_seconds_late),
                    float(submission.score),
                    maximum,
                    True,
                    bool(submission.needs_manual_grade),
                )
            )
    return found


def _grade(course: Course, lesson: str, force: bool, student: str) -> Outcome:
    """Grade one student, in a worker."""
    if not (course.root / CONFIG_FILE).is_file():
        machine = socket.gethostname()
        reason = f"{machine} has no {course.root}; a cluster's machines share the course's folder"
        return Outcome(student, False, reason)
    result = autograde(nbgrader_api(course.config), lesson, student, force=force)
    return Outcome(student, bool(result["success"]), last_words(result))


def autograde(api: Any, lesson: str, student: str, *, force: bool) -> dict[str, Any]:
    """Do as nbgrader's API does, with our converter from the first where it is asked for.

    nbgrader's lets it in once it has found a notebook, and so never for whoever forgot theirs.
    """
    from nbgrader.converters import Autograde
    from nbgrader.utils import capture_log, temp_attrs

    from autograder.nbgrading.converter import Entrance, take_over

    with temp_attrs(api.coursedir, assignment_id=lesson, student_id=student):
        converter = Autograde(coursedir=api.coursedir, parent=api)
        converter.force = force
        converter.create_student = True
        if issubclass(converter.exporter_class, Entrance):
            take_over(converter)
        result: dict[str, Any] = capture_log(converter)
        return result


def nbgrader_api(config: Config) -> Any:
    """Return nbgrader's API with a course's configuration."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbgrader.apps.api import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory

    coursedir = CourseDirectory(config=config)
    if coursedir.db_url.startswith("sqlite:") and "?" not in coursedir.db_url:
        # Several graders write; each waits for the others.
        coursedir.db_url = f"{coursedir.db_url}?timeout=60"
    return NbGraderAPI(coursedir, config=config)


def _gradebook(course: Course) -> Any:
    api = nbgrader_api(course.config)
    return api.gradebook


def last_words(result: dict[str, Any]) -> str:
    """Return the errors of nbgrader's log, without its tracebacks."""
    if result["success"]:
        return ""
    text = str(result.get("error") or result.get("log") or "")
    lines = [line for line in text.strip().splitlines() if re.match(r"\S", line)]
    return "\n".join(lines[-3:])
