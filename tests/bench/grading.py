"""Processor seconds per submission: stock nbgrader, ours, and the same cells without any grading.

The same submissions of the activations lesson are graded by ``nbgrader autograde`` twice, with
nbgrader's own preprocessors and with ours. What nbgrader does besides running code (files,
gradebook) is measured apart, with preprocessors that run nothing; so is the floor, the cells in a
warm process.
"""

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
from rich.table import Table

from autograder.commands.staging import fill
from autograder.config import Course
from autograder.lessons.lesson import load
from autograder.notebooks.cells import is_run
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.submitted import read_submission
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.submission import Gone

__all__ = [
    "PR_SET_CHILD_SUBREAPER",
    "ROOT",
    "STOCK",
    "TOPIC",
    "Cost",
    "lay_out",
    "run",
    "submissions",
]

ROOT = Path(__file__).parents[2]
TOPIC = "activations"
STUDENTS = 6
PR_SET_CHILD_SUBREAPER = 36  # orphans of children become children

STOCK = """
c.Autograde.exporter_class = "nbconvert.exporters.NotebookExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors." + name
    for name in (
        "ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells",
        "CheckCellMetadata",
    )
]
c.Autograde.autograde_preprocessors = [
    EXECUTE
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""
# What is added to the configuration, and how many times the class is graded.
CONFIGS = {
    "stock nbgrader autograde": (STOCK.replace("EXECUTE", '"nbgrader.preprocessors.Execute",'), 1),
    "hardened nbgrader autograde": ("", 6),
    "nbgrader's bookkeeping alone": (STOCK.replace("EXECUTE", ""), 6),
}


@dataclass(frozen=True)
class Cost:
    """Seconds that passed, and seconds of the processor that a command and its children took."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.1f} {self.processor:.1f}"


def tables() -> Iterator[Table]:
    """Measure and yield one table."""
    adopt_orphans()
    seconds = {name: _autograde(extra, times) for name, (extra, times) in CONFIGS.items()}
    seconds["floor: the same cells, no grading"] = _floor(6)
    own = seconds["hardened nbgrader autograde"]
    table = Table("what", title=f"processor seconds per submission of {TOPIC}")
    for heading in ("seconds", "times the hardened one"):
        table.add_column(heading, justify="right")
    for name, value in seconds.items():
        table.add_row(name, f"{value:.2f}", f"{value / own:.2f}")
    yield table


def submissions(course: Course, count: int) -> list[nbformat.NotebookNode]:
    """Return so many submissions: right answers, five kinds of wrong ones, and the same again."""
    lesson = load(course, TOPIC)
    release = nbformat.read(course.release_path(TOPIC), as_version=4)
    right = {exercise.name: exercise.solution for exercise in lesson.exercises}
    books = [fill(release, right)]
    for number in range(STUDENTS - 1):
        wrong = {a.exercise: a.source for a in lesson.misconceptions[number::7]}
        books.append(fill(release, right | wrong))
    return [books[number % STUDENTS] for number in range(count)]


def _autograde(extra: str, times: int) -> float:
    """Return what a submission costs: a run of the class and times as many, less one of the class.

    Starting up is paid once, whatever the size of the class, and takes seconds of its own: what
    costs little is measured over more submissions.
    """
    costs = []
    for count in (STUDENTS, (1 + times) * STUDENTS):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            lay_out(root, extra)
            for number, book in enumerate(submissions(Course(ROOT), count)):
                path = root / f"submitted/student{number}/{TOPIC}/{TOPIC}.ipynb"
                path.parent.mkdir(parents=True)
                nbformat.write(book, path)
            run(root, "nbgrader", "generate_assignment", TOPIC, "--force")
            costs.append(run(root, "nbgrader", "autograde", TOPIC).processor)
    return (costs[1] - costs[0]) / (times * STUDENTS)


def adopt_orphans() -> None:
    """Wait for the children of children that end without waiting, as bubblewrap does.

    What nobody waits for is counted nowhere.
    """
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lay_out(root: Path, extra: str) -> None:
    """Copy the course into a folder, with some more lines of configuration."""
    for name in ("course", "cnnlib", "source", "release", "nbgrader_config.py"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, root / name)
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(extra)


def run(root: Path, program: str, command: str, assignment: str, *options: str) -> Cost:
    """Run a command of nbgrader or autograder in a course; return what it cost.

    Raises RuntimeError with what it said where it fails, but for stock nbgrader's autograde: that
    fails where a submission fails a test in the wrong way, which is no matter here.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    scripts = Path(sys.executable).parent
    path = os.pathsep.join([str(scripts), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", program, command, assignment, *options],
        cwd=root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    clock = time.monotonic() - start
    if done.returncode and command != "autograde":
        raise RuntimeError(f"{program} {command} {assignment} failed:\n{done.stdout}{done.stderr}")
    with suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(clock, processor)


def _floor(times: int) -> float:
    """Return what the cells cost in forks of a warm process, checks as plain cells."""
    course = Course(ROOT)
    settings = course.options.settings(TOPIC)
    original = Original(nbformat.read(course.notebook_path(TOPIC), as_version=4), {})
    costs = []
    for count in (STUDENTS, (1 + times) * STUDENTS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with Sandbox(warm=settings.warm, limits=settings.limits, isolate=False) as sandbox:
            for book in submissions(course, count):
                with tempfile.NamedTemporaryFile("w", suffix=".ipynb") as file:
                    json.dump(book, file)
                    file.flush()
                    notebook = rebuild(original, read_submission(Path(file.name)))
                with sandbox.submission() as process, suppress(Gone):
                    for cell in notebook.cells:
                        if is_run(cell):
                            process.run(cell.source, settings.limits.cell_time)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        costs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return (costs[1] - costs[0]) / (times * STUDENTS)
