"""The three places where a check runs: a student's notebook, stock nbgrader, and the judge.

One notebook holds one answer to every exercise of a lesson, each followed by its check's visible
part and by the whole check. So a lesson's banks fit into about fifteen notebooks, which each place
runs from top to bottom.
"""

import logging
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbformat import NotebookNode

from autograder.config import Course
from autograder.judging.grader import Grader
from autograder.judging.pool import judges_for
from autograder.lessons.build import METADATA
from autograder.lessons.lesson import Exercise, Lesson, load
from autograder.lessons.matrix import in_process
from autograder.notebooks.cells import Kind, Marker, is_check
from autograder.notebooks.regions import visible
from autograder.sandbox.pool import sandbox_for

__all__ = ["COURSE", "TOPICS", "Outcome", "Place", "in_notebook", "in_stock", "in_the_judge"]

COURSE = Course(Path(__file__).parents[2])
TOPICS = COURSE.topics()

Place = dict[tuple[str, str], str]  # the outcome of each answer, by exercise and answer
Outcome = str
# Of an exercise's checks, in the order of Exercise.checks.
KINDS: tuple[Kind, ...] = ("check", "habit")


@cache
def lesson_of(topic: str) -> Lesson:
    """Read a lesson once."""
    return load(COURSE, topic)


def in_notebook(topic: str) -> Place:
    """Run every check beside the answer, in this process, as a student's notebook does."""
    lesson = lesson_of(topic)
    found = {}
    for pack in packs(lesson):
        for exercise in lesson.exercises:
            if exercise.name in pack:
                name, source = pack[exercise.name]
                passed = {
                    part: all(in_process(lesson.setup, source, check) is None for check in checks)
                    for part, checks in parts(exercise).items()
                }
                found[exercise.name, name] = outcome(**passed)
    return found


def in_stock(topic: str) -> Place:
    """Run every check in a kernel as nbgrader's Execute does, graded by its determine_grade."""
    from nbgrader.preprocessors import Execute
    from nbgrader.utils import determine_grade

    found: Place = {}
    log = logging.getLogger("stock")
    for pack in packs(lesson_of(topic)):
        notebook = packed(lesson_of(topic), pack)
        with TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Execute(timeout=120).preprocess(notebook, {"metadata": {"path": folder}})
        points = {
            cell.metadata.nbgrader.grade_id: determine_grade(cell, log)
            for cell in notebook.cells
            if is_check(cell)
        }
        found |= _outcomes(pack, {name: given == most for name, (given, most) in points.items()})
    return found


def in_the_judge(topic: str) -> Place:
    """Run every check in the judge, with the course's own settings."""
    found: Place = {}
    settings = COURSE.options.settings(topic)
    grader = Grader(sandbox_for(settings), judges_for(settings.warm))
    for pack in packs(lesson_of(topic)):
        notebook = packed(lesson_of(topic), pack)
        grader.original = notebook
        verdicts = grader.grade(notebook)
        found |= _outcomes(pack, {name: v.word == "passed" for name, v in verdicts.items()})
    return found


def packs(lesson: Lesson) -> Iterator[dict[str, tuple[str, str]]]:
    """Yield answers, one to each exercise, until every answer of the banks was among them."""
    bank = lesson.alternatives + lesson.misconceptions
    names = [exercise.name for exercise in lesson.exercises]
    every = [
        [("reference", e.solution), ("untouched", e.stub)]
        + [(f"{a.kind} {a.name}", a.source) for a in bank if a.exercise == e.name]
        for e in lesson.exercises
    ]
    for row in zip_longest(*every):
        yield {name: answer for name, answer in zip(names, row, strict=True) if answer}


def packed(lesson: Lesson, pack: Mapping[str, tuple[str, str]]) -> NotebookNode:
    """Return a notebook of the setup, and of each answer with its check in part and in whole."""
    cells = [_cell(Marker("setup", "setup"), lesson.setup)]
    for exercise in lesson.exercises:
        if exercise.name in pack:
            _, source = pack[exercise.name]
            cells.append(_cell(Marker("exercise", exercise.name), source))
            for part, checks in parts(exercise).items():
                for kind, check in zip(KINDS, checks, strict=False):
                    cells.append(_cell(Marker(kind, f"{part}-{exercise.name}", 1), check))
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def parts(exercise: Exercise) -> dict[str, list[str]]:
    """Return what is run of an exercise's check and habit: what students see, then all of it."""
    return {"visible": [visible(c) for c in exercise.checks], "whole": list(exercise.checks)}


def outcome(*, visible: bool, whole: bool) -> Outcome:
    """Name what became of an answer as the kill matrix does."""
    if not visible:
        return "killed by visible"
    return "passed" if whole else "killed by hidden"


def _outcomes(pack: Mapping[str, tuple[str, str]], passed: Mapping[str, bool]) -> Place:
    return {
        (exercise, name): outcome(
            **{
                part: all(passed.get(f"{kind}-{part}-{exercise}", True) for kind in KINDS)
                for part in ("visible", "whole")
            }
        )
        for exercise, (name, _) in pack.items()
    }


def _cell(marker: Marker, source: str) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, metadata=marker.notebook_metadata())
