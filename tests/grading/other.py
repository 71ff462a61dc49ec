"""Small courses of somebody else's: plain nbgrader notebooks, which know nothing of this package.

Cells have names as an instructor of any course would give them, tests are what stands in them.
"""

import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

__all__ = ["CONFIG", "Other", "answer", "book", "check", "plain"]

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "other"
import autograder
autograder.harden(c, cell_time=20)
"""


def answer(name: str, before: str, solution: str, after: str = "") -> NotebookNode:
    """Return an answer cell, with a solution between nbgrader's comments."""
    lines = [before, "### BEGIN SOLUTION", solution, "### END SOLUTION", after]
    return _cell(name, "\n".join(line for line in lines if line), solution=True)


def check(name: str, source: str, hidden: str = "", points: float = 1) -> NotebookNode:
    """Return a test that gives points."""
    if hidden:
        source = f"{source}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return _cell(name, source, grade=True, locked=True, points=points)


def plain(name: str, source: str) -> NotebookNode:
    """Return a locked cell that gives no points."""
    return _cell(name, source, locked=True)


def book(*cells: NotebookNode) -> NotebookNode:
    """Return a notebook."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=list(cells), metadata={"kernelspec": kernel})


def _cell(name: str, source: str, **marks: Any) -> NotebookNode:
    base = {"grade_id": name, "grade": False, "solution": False, "locked": False, "task": False}
    made = new_code_cell(source, metadata={"nbgrader": {**base, **marks, "schema_version": 3}})
    made.id = name
    return made


class Other:
    """A course in a folder, used by commands as its instructor would."""

    def __init__(self, root: Path, config: str = CONFIG) -> None:
        self.root = root
        (root / ".home").mkdir(parents=True)
        (root / "nbgrader_config.py").write_text(config)

    def write(
        self, assignment: str, notebook: NotebookNode, files: Mapping[str, str] | None = None
    ) -> None:
        """Write an assignment's source."""
        folder = self.root / "source" / assignment
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / f"{assignment}.ipynb")
        for name, text in (files or {}).items():
            (folder / name).write_text(text)

    def submit(self, student: str, assignment: str, answers: Mapping[str, str]) -> None:
        """Hand in the released notebook with answers, by name."""
        path = self.root / "release" / assignment / f"{assignment}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.nbgrader.grade_id
            cell.source = answers.get(name, cell.source)
        folder = self.root / "submitted" / student / assignment
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{assignment}.ipynb")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run python -m with these words in the course's folder."""
        home = self.root / ".home"
        environment = os.environ | {
            "HOME": str(home),
            "COLUMNS": "200",
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def grades(self, assignment: str, student: str) -> dict[str, tuple[float | None, bool]]:
        """Return of each test the automatic points, and whether a person has to look."""
        from nbgrader.api import Gradebook

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Gradebook(f"sqlite:///{self.root / 'gradebook.db'}", "other") as gradebook:
                (notebook,) = gradebook.find_submission(assignment, student).notebooks
                return {g.name: (g.auto_score, g.needs_manual_grade) for g in notebook.grades}
