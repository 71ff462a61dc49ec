"""A grader that is killed in the midst of a class, and what a plain rerun makes of it.

The class has eight students and an assignment of two notebooks in plain Python, so that grading it
takes seconds. A moment is a number of students whose folders were begun, and a wait after that;
then the grader gets SIGKILL, with all its group or alone.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode

from autograder.lessons.build import to_notebook
from tests.grading.course import ASSIGNMENT, Course

__all__ = ["COMMANDS", "CONFIG", "Class", "Moment", "moments"]

CONFIG = """\
import autograder
c = get_config()
c.CourseDirectory.course_id = "attacked"
c.LateSubmissionPlugin.penalty_method = "zero"
autograder.harden(c, cell_time=20.0)
"""
LESSON = '''\
# %% setup
import math

# %% exercise="double"
def double(x: float) -> float:
    """Return twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double" points=@POINTS@
assert double(2.0) == 4.0
### BEGIN HIDDEN TESTS
assert double(-1.5) == -3.0
### END HIDDEN TESTS

# %% exercise="root"
def root(x: float) -> float:
    """Return the square root of x."""
    ### BEGIN SOLUTION
    return math.sqrt(x)
    ### END SOLUTION

# %% check="root" points=@MORE@
assert root(9.0) == 3.0
### BEGIN HIDDEN TESTS
assert root(2.25) == 1.5
### END HIDDEN TESTS

# %% [markdown] written="why" points=3
# **Why is the root of a negative number not a real number?**
#
# ### BEGIN SOLUTION
# The square of a real number is not negative.
# ### END SOLUTION
'''
# By notebook, points of double and root.
NOTEBOOKS = {ASSIGNMENT: (1, 2), "second": (4, 8)}
RIGHT = {"double": "def double(x):\n    return x + x", "root": "def root(x):\n    return x**0.5"}
COMMANDS: dict[str, list[str]] = {
    "autograder grade": ["-m", "autograder", "grade", ASSIGNMENT, "--jobs", "2"],
    "nbgrader autograde": ["-m", "nbgrader", "autograde", ASSIGNMENT],
}

Gradebook = dict[str | tuple[str, ...], Any]


@dataclass(frozen=True)
class Moment:
    """When the grader is killed: after students were begun, and seconds more; and who is hit."""

    begun: int
    seconds: float
    whom: Literal["group", "grader"]


def moments(number: int, *, seed: int, seconds: float, per_student: float) -> list[Moment]:
    """Draw moments; seconds is what a grader needs to start, per_student what each one takes."""
    draw = random.Random(seed)
    found = []
    for index in range(number):
        # Every fifth while the grader starts, the others while it grades.
        begun = 0 if index % 5 == 4 else draw.randint(1, 8)
        wait = draw.uniform(0.0, seconds if begun == 0 else per_student)
        found.append(Moment(begun, wait, "grader" if index % 4 == 3 else "group"))
    return found


class Class(Course):
    """Eight students: right, wrong, untouched, in part, late, with one notebook and with none."""

    def _lay_out(self, config: str) -> None:
        if self.server:
            config += f"c.CourseDirectory.db_url = {self.server!r}\n"
        super()._lay_out(config)
        for name, (points, more) in NOTEBOOKS.items():
            text = LESSON.replace("@POINTS@", str(points)).replace("@MORE@", str(more))
            path = self.root / "source" / ASSIGNMENT / f"{name}.ipynb"
            nbformat.write(to_notebook(text), path)

    def _enrol_bystander(self) -> None:
        """Nobody has a grade before."""

    def environment(self) -> dict[str, str]:
        """The instructor's environment, with a temporary directory of this class's own."""
        folder = self.base / "temporary"
        folder.mkdir(exist_ok=True)
        return super().environment() | {"TMPDIR": str(folder)}

    def scratch(self) -> list[Path]:
        """What graders have left in the temporary directory."""
        found = (self.base / "temporary").iterdir()
        # Dask keeps a folder of its own there.
        return sorted(path for path in found if path.name != "dask-scratch-space")

    def database(self) -> str:
        """Where the gradebook lies."""
        return self.server or super().database()

    def __init__(self, base: Path, *, server: str = "") -> None:
        """Make the class in a folder; its gradebook in a database's server, if one is named."""
        self.server = server
        super().__init__(base, CONFIG)
        with self.gradebook() as book:
            book.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-01 12:00:00 UTC")
        wrong = {"double": "def double(x):\n    return x * x", "root": RIGHT["root"]}
        noisy = {name: f"print('hello')\n{source}" for name, source in RIGHT.items()}
        self._hand_in("ann", RIGHT)
        self._hand_in("bob", wrong)
        self._hand_in("cem", {})
        self._hand_in("dot", RIGHT, late=True)
        self._hand_in("eva", {"root": RIGHT["root"]})
        self._hand_in("fin", RIGHT, notebooks=["second"])
        self._hand_in("gil", noisy)
        self._hand_in("hao", RIGHT, text="A square is not negative.")
        self._fresh = base / "fresh.db"
        if not server:
            shutil.copy(self.root / "gradebook.db", self._fresh)

    def _hand_in(
        self,
        student: str,
        answers: dict[str, str],
        *,
        notebooks: list[str] | None = None,
        late: bool = False,
        text: str = "",
    ) -> None:
        folder = self.submit(student)
        for name in notebooks or NOTEBOOKS:
            notebook = self._release(name)
            for cell in notebook.cells:
                cell.source = answers.get(
                    cell.id, text if cell.id == "why" and text else cell.source
                )
            nbformat.write(notebook, folder / f"{name}.ipynb")
        moment = "2026-03-02" if late else "2026-02-28"
        (folder / "timestamp.txt").write_text(f"{moment} 12:00:00 UTC")
        (folder / "notes.txt").write_text("a file that stays beside the notebook")

    def _release(self, name: str) -> NotebookNode:
        return nbformat.read(self.root / "release" / ASSIGNMENT / f"{name}.ipynb", as_version=4)

    def start_anew(self) -> None:
        """Forget all grades. Not for a gradebook in a server."""
        shutil.rmtree(self.root / "autograded", ignore_errors=True)
        for path in self.root.glob("gradebook.db*"):
            path.unlink()
        shutil.copy(self._fresh, self.root / "gradebook.db")

    def run(
        self,
        command: str,
        *,
        begun: int = 0,
        then: Callable[[], None] | None = None,
        expected: int = 0,
    ) -> float:
        """Grade to the end, without --force; return the seconds. Raises AssertionError.

        then is called in the midst of it, once so many students were begun. expected is the exit
        status of the command.
        """
        start = time.monotonic()
        process = self._start(command)
        if then is not None:
            self._wait(process, lambda: self._begun() >= begun)
            then()
        status = process.wait(600)
        assert status == expected, f"{command} ended with {status}:\n{self.log()[-3000:]}"
        return time.monotonic() - start

    def log(self) -> str:
        """What the last command said."""
        return (self.base / "killing.log").read_text(errors="replace")

    def run_and_kill(self, command: str, moment: Moment) -> bool:
        """Grade, and kill the grader at a moment; tell whether it had not ended by itself."""
        process = self._start(command)
        self._wait(process, lambda: self._begun() >= moment.begun)
        deadline = time.monotonic() + moment.seconds
        self._wait(process, lambda: time.monotonic() >= deadline)
        with suppress(ProcessLookupError):
            if moment.whom == "group":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.send_signal(signal.SIGKILL)
        killed = process.wait() == -signal.SIGKILL
        end = time.monotonic() + 30
        while self.processes() and time.monotonic() < end:
            time.sleep(0.05)
        return killed

    def processes(self) -> list[int]:
        """Processes that were started with this class's environment, sandboxes among them."""
        word = self.canaries["environment"].encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if word in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found

    def everything(self) -> Gradebook:
        """Read all that the gradebook holds of the class, and which files were written."""
        found: Gradebook = {}
        with self.gradebook() as book:
            for submission in book.assignment_submissions(ASSIGNMENT):
                student = submission.student.id
                found[student, "late"] = submission.total_seconds_late, str(submission.timestamp)
                for notebook in submission.notebooks:
                    found[student, notebook.name] = notebook.late_submission_penalty
                    for grade in notebook.grades:
                        found[student, notebook.name, grade.name] = (
                            grade.auto_score,
                            grade.manual_score,
                            grade.needs_manual_grade,
                            grade.score,
                        )
                    for comment in notebook.comments:
                        found[student, notebook.name, comment.name, "comment"] = comment.comment
        for path in sorted((self.root / "autograded").rglob("*")):
            if path.is_file():
                found[str(path.relative_to(self.root))] = oct(path.stat().st_mode)
        return found

    def _begun(self) -> int:
        return len(list((self.root / "autograded").glob(f"*/{ASSIGNMENT}")))

    def _start(self, command: str) -> "subprocess.Popen[bytes]":
        with (self.base / "killing.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *COMMANDS[command]],
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait(self, process: "subprocess.Popen[bytes]", done: Callable[[], bool]) -> None:
        while process.poll() is None and not done():
            time.sleep(0.002)
