"""Where judge and stock nbgrader differ: both grade an assignment, in a folder that is thrown away.

Three submissions are graded: the instructor's own solution, the release as students get it, and one
in which every second solution is left as in the release. Where the two give different points for a
test, it asks for something that works on one side alone.
"""

import logging
import re
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.config import Course
from autograder.errors import CourseError
from autograder.judging.advice import advice
from autograder.judging.grader import Grader
from autograder.judging.pool import judges_for, warmed
from autograder.judging.verdict import Verdict
from autograder.nbgrading.classroom import autograde, last_words, nbgrader_api, release
from autograder.nbgrading.preprocessors import files_in
from autograder.notebooks.cells import is_check, marks_of, verdict_of
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.regions import Delimiters, without_marks
from autograder.notebooks.submitted import read_submission
from autograder.sandbox.pool import sandbox_for

__all__ = ["Comparison", "Difference", "assignments", "compare"]

# Students of the throw-away class, and what they hand in.
HANDED_IN = {
    "solved": "the instructor's own solution",
    "untouched": "the untouched release",
    "half": "every second solution",
}
STEPS = ("source", "release", "submitted", "autograded", "feedback")
# What autograder.harden puts in the place of nbgrader's own.
HARDENED = (
    ("Autograde", "exporter_class"),
    ("Autograde", "sanitize_preprocessors"),
    ("Autograde", "autograde_preprocessors"),
    ("GenerateFeedback", "preprocessors"),
)


@dataclass(frozen=True)
class Difference:
    """A test that judge and stock nbgrader give different points, with the reason."""

    check: str
    handed_in: str
    stock: float
    judge: float
    reason: str
    mend: str


@dataclass(frozen=True)
class Comparison:
    """How many tests were compared, on how many submissions, and where points differ."""

    tests: int
    submissions: int
    differences: tuple[Difference, ...]


def assignments(course: Course) -> list[str]:
    """Return the names of the course's assignments: folders of source/ that hold a notebook."""
    return sorted({path.parent.name for path in course.source.glob("*/*.ipynb")})


def compare(course: Course, assignment: str) -> Comparison:
    """Grade an assignment by stock nbgrader and by the judge.

    Raises CourseError where there is no such assignment, or where nbgrader itself fails on it, and
    SandboxError.
    """
    if assignment not in assignments(course):
        known = ", ".join(assignments(course)) or "none"
        raise CourseError(
            f"{assignment!r} is no assignment: no notebook in {course.source / assignment}; "
            f"assignments with one: {known}"
        )
    with TemporaryDirectory(prefix="autograder-compare-") as folder, _quiet():
        stock = _throw_away(course, Path(folder))
        shutil.copytree(course.source / assignment, stock.source / assignment)
        release(stock, assignment)
        names = [path.stem for path in sorted((stock.source / assignment).glob("*.ipynb"))]
        for name in names:
            _hand_in(stock, assignment, name)
        for student, what in HANDED_IN.items():
            result = autograde(nbgrader_api(stock.config), assignment, student, force=True)
            if not result["success"]:
                raise CourseError(f"stock nbgrader cannot grade {what}: {_cause(result)}")
        differences = []
        tests = 0
        for name in names:
            for student in HANDED_IN:
                ours = _judged(course, stock, assignment, name, student)
                theirs = _graded(stock, assignment, name, student)
                tests += len(ours) if student == "solved" else 0
                for check, result_here in ours.items():
                    found = _difference(check, student, theirs[check], result_here)
                    differences += [found] if found else []
    return Comparison(tests, len(HANDED_IN), tuple(differences))


@dataclass(frozen=True)
class _Result:
    """What one side says of a test."""

    points: float
    said: str
    verdict: Verdict | None = None
    source: str = ""


def _difference(check: str, student: str, stock: _Result, judge: _Result) -> Difference | None:
    if stock.points == judge.points or judge.verdict is None:
        return None
    if judge.points < stock.points:
        reason, mend = f"the judge says {judge.said}", advice(judge.source, judge.verdict)
    else:
        reason = f"stock nbgrader says {stock.said}"
        mend = "let the test do without what the judge does otherwise, or trust the judge here"
    return Difference(check, HANDED_IN[student], stock.points, judge.points, reason, mend)


def _throw_away(course: Course, folder: Path) -> Course:
    """Return the course in another folder, with nbgrader's own way of grading."""
    made = copy(course)
    made.root = folder
    made.config = config = deepcopy(course.config)
    for owner, option in HARDENED:
        config[owner].pop(option, None)
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    for step in STEPS:
        config.CourseDirectory[f"{step}_directory"] = step
    return made


def _hand_in(stock: Course, assignment: str, name: str) -> None:
    """Write the three submissions of a notebook."""
    source = nbformat.read(stock.source / assignment / f"{name}.ipynb", as_version=4)
    given = nbformat.read(stock.release / assignment / f"{name}.ipynb", as_version=4)
    delimiters = Delimiters.of(stock.config)
    answers = {
        "solved": {
            marks_of(cell).grade_id: without_marks(cell.source, delimiters)
            for cell in source.cells
            if marks_of(cell).solution
        },
        "untouched": {},
        "half": _every_second(source, given, delimiters, stock),
    }
    for student, own in answers.items():
        notebook = deepcopy(given)
        for cell in notebook.cells:
            cell.source = own.get(marks_of(cell).grade_id, cell.source)
        folder = stock.root / "submitted" / student / assignment
        shutil.copytree(
            stock.release / assignment,
            folder,
            dirs_exist_ok=True,
            ignore=shutil.ignore_patterns("*.ipynb"),
        )
        nbformat.write(notebook, folder / f"{name}.ipynb")


def _every_second(
    source: NotebookNode, given: NotebookNode, delimiters: Delimiters, course: Course
) -> dict[str, str]:
    """Return answers in which the second, the fourth, ... solution is left as in the release.

    A solution is a region between nbgrader's comments, or an answer cell without any.
    """
    from nbgrader.preprocessors import ClearSolutions

    stubs = {marks_of(cell).grade_id: cell.source for cell in given.cells}
    begin, end = delimiters.solution
    answers = {}
    number = count()
    for cell in source.cells:
        marks = marks_of(cell)
        if not marks.solution:
            continue
        if begin not in cell.source:
            solved = next(number) % 2 == 0
            answers[marks.grade_id] = cell.source if solved else stubs[marks.grade_id]
            continue
        lines = []
        solved = False
        for line in cell.source.split("\n"):
            if begin in line:
                solved = next(number) % 2 == 0
            # Regions that are left keep the comments around them, for nbgrader to find.
            if not (solved and (begin in line or end in line)):
                lines.append(line)
        mixed = deepcopy(cell)
        mixed.source = "\n".join(lines)
        if begin in mixed.source:
            clear = ClearSolutions(config=course.config)
            mixed, _ = clear.preprocess_cell(mixed, {"language": "python"}, 0)
        answers[marks.grade_id] = mixed.source
    return answers


def _cause(result: Mapping[str, Any]) -> str:
    """Return what nbgrader's log says was raised; its own last words speak of the log alone."""
    raised = re.findall(r"^\w+(?:Error|Exception): .+", str(result.get("log", "")), re.MULTILINE)
    return raised[0] if raised else last_words(dict(result)).splitlines()[-1]


def _graded(stock: Course, assignment: str, name: str, student: str) -> Mapping[str, _Result]:
    """Return what stock nbgrader says of each test."""
    path = stock.root / "autograded" / student / assignment / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    said = {marks_of(c).grade_id: _stock_said(c) for c in notebook.cells if is_check(c)}
    with nbgrader_api(stock.config).gradebook as gradebook:
        grades = gradebook.find_submission_notebook(name, assignment, student).grades
        points = {grade.name: float(grade.auto_score or 0) for grade in grades}
    return {check: _Result(points[check], words) for check, words in said.items()}


def _stock_said(cell: NotebookNode) -> str:
    for output in cell.outputs:
        if output.output_type == "error":
            return f"{output.ename}: {output.evalue}"
        if output.output_type == "stream" and output.name == "stderr":
            return "nothing but what the test writes to standard error, which gives no points there"
    return "nothing"


def _judged(
    course: Course, stock: Course, assignment: str, name: str, student: str
) -> Mapping[str, _Result]:
    """Return what the judge says of each test."""
    source = nbformat.read(stock.source / assignment / f"{name}.ipynb", as_version=4)
    given = nbformat.read(stock.release / assignment / f"{name}.ipynb", as_version=4)
    stubs = {marks_of(c).grade_id: c.source for c in given.cells if marks_of(c).solution}
    delimiters = Delimiters.of(course.config)
    submitted = read_submission(stock.root / "submitted" / student / assignment / f"{name}.ipynb")
    notebook = rebuild(Original(source, stubs, delimiters), submitted)
    settings, warm = warmed(course.options.settings(assignment), source)
    files = list(files_in(stock.source / assignment).items())
    grader = Grader(
        sandbox_for(settings),
        judges_for(warm),
        source,
        files=files,
        own_files=files,
        stubs=stubs,
        delimiters=delimiters,
        candid=True,
    )
    verdicts = grader.grade(notebook)
    found = {}
    for cell in notebook.cells:
        noted = verdict_of(cell)
        if is_check(cell) and noted is not None:
            check = marks_of(cell).grade_id
            verdict = verdicts[check]
            said = f"{verdict.word}: {verdict.message}"
            found[check] = _Result(noted.points, said, verdict, cell.source)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what nbgrader logs and warns of from the terminal; its errors come as exceptions."""
    logging.disable(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
