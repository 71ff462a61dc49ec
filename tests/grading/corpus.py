"""What both corpora are made of: a submission is a function that writes one.

The function gets the released notebook, the folder to hand in, and what an informed person knows
about the machine. It changes the notebook or writes into the folder; a notebook that it did not
write itself is written for it afterwards.
"""

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import nbformat
from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.course import ASSIGNMENT, Course, World

__all__ = [
    *("Corpus", "Submission", "answer", "extra", "get", "in_a_cell", "in_function", "markdown"),
    *("position", "solve", "write", "wrong"),
]

Writer = Callable[[NotebookNode, Path, World], None]


@dataclass(frozen=True)
class Submission:
    """One student's work and what it deserves."""

    name: str
    family: str
    sentence: str
    write: Writer
    deserves: Mapping[str, float]
    # Verdicts that must show, by exercise, and words that the student must be told.
    verdicts: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    # Why stock nbgrader must not run it; empty where it may.
    dangerous: str = ""
    without_notebook: bool = False
    lesson: ModuleType = tiny  # the assignment that it answers

    def hand_in(self, course: Course) -> None:
        """Write the submission into a course, as the work of a student of the same name."""
        folder = course.submit(self.name)
        notebook = course.released()
        self.write(notebook, folder, course.world)
        path = folder / f"{ASSIGNMENT}.ipynb"
        if not os.path.lexists(path) and not self.without_notebook:
            nbformat.write(notebook, path)


class Corpus(dict[str, Submission]):
    """Submissions by name, in the order in which they were written down."""

    def family(
        self, name: str, lesson: ModuleType = tiny
    ) -> Callable[..., Callable[[Writer], Writer]]:
        """Return a decorator that files functions under a family."""

        def mark(
            *,
            deserves: Mapping[str, float] | None = None,
            verdicts: Mapping[str, str] | None = None,
            says: str = "",
            dangerous: str = "",
            without_notebook: bool = False,
        ) -> Callable[[Writer], Writer]:
            def file(writer: Writer) -> Writer:
                if writer.__name__ in self:
                    raise ValueError(f"{writer.__name__!r} is in the corpus twice")
                points = dict.fromkeys(lesson.POINTS, 0.0) | dict(deserves or {})
                self[writer.__name__] = Submission(
                    name=writer.__name__,
                    family=name,
                    sentence=inspect.getdoc(writer) or "",
                    write=writer,
                    deserves=points,
                    verdicts=dict(verdicts or {}),
                    says=says,
                    dangerous=dangerous,
                    without_notebook=without_notebook,
                    lesson=lesson,
                )
                return writer

            return file

        return mark


def chosen(corpus: Corpus, *, one_of: int) -> Corpus:
    """Return one of so many submissions and all dangerous ones; the whole where that is asked.

    The whole takes a class of hundreds some minutes: WHOLE_CORPUS=1, as in ``make corpora``.
    """
    if os.environ.get("WHOLE_CORPUS"):
        return corpus
    part = Corpus()
    for place, (name, submission) in enumerate(corpus.items()):
        if place % one_of == 0 or submission.dangerous:
            part[name] = submission
    return part


def get(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the cell with this grade id."""
    return notebook.cells[position(notebook, name)]


def position(notebook: NotebookNode, name: str) -> int:
    """Return the place of the cell with this grade id."""
    return next(n for n, cell in enumerate(notebook.cells) if cell.id == name)


def answer(notebook: NotebookNode, name: str, source: str) -> None:
    """Put an answer into its cell."""
    get(notebook, name).source = dedent(source).strip("\n")


def solve(notebook: NotebookNode, *names: str, lesson: ModuleType = tiny) -> None:
    """Answer these exercises rightly, or all of them where none is named."""
    for name in names or lesson.RIGHT:
        answer(notebook, name, lesson.RIGHT[name])


def wrong(notebook: NotebookNode, lesson: ModuleType = tiny) -> None:
    """Answer every exercise with something of the right shape and the wrong value."""
    for name, source in lesson.WRONG.items():
        answer(notebook, name, source)


def extra(notebook: NotebookNode, source: str, *, after: str = "setup") -> NotebookNode:
    """Insert a code cell of the student's own behind the cell with this grade id."""
    cell = nbformat.v4.new_code_cell(dedent(source).strip("\n"))
    notebook.cells.insert(position(notebook, after) + 1, cell)
    return cell


def markdown(notebook: NotebookNode, source: str, *, after: str = "setup") -> NotebookNode:
    """Insert a text cell of the student's own behind the cell with this grade id."""
    cell = nbformat.v4.new_markdown_cell(dedent(source).strip("\n"))
    notebook.cells.insert(position(notebook, after) + 1, cell)
    return cell


def in_a_cell(notebook: NotebookNode, source: str, *, after: str = "setup") -> None:
    """Give wrong answers, and run this code in a cell of its own before the first check."""
    wrong(notebook)
    extra(notebook, source, after=after)


def in_function(notebook: NotebookNode, source: str) -> None:
    """Run this code whenever a check calls one of the answers, all of which are wrong.

    The code stands in a function ``strike(arguments)`` and may use the setup's imports.
    """
    body = "\n".join("    " + line for line in dedent(source).strip("\n").splitlines())
    extra(notebook, f"def strike(*arguments):\n{body}\n")
    answer(notebook, "relu", "def relu(x):\n    strike(x)\n    return x * 1.0\n")
    answer(
        notebook,
        "mean_and_spread",
        "def mean_and_spread(x):\n    strike(x)\n    return 0.25, 0.75\n",
    )
    answer(
        notebook,
        "scale",
        """
        class Scale(nn.Module):
            def __init__(self, features):
                super().__init__()
                self.weight = nn.Parameter(torch.ones(features))
                self.bias = nn.Parameter(torch.zeros(features))

            def forward(self, x):
                strike(x)
                return x * 0.0 + 7.0
        """,
    )
    answer(
        notebook,
        "iterate",
        """
        def iterate(step, start, times):
            strike(step, start)
            return [0.0] * (times + 1)
        """,
    )
    answer(
        notebook,
        "noisy",
        "def noisy(x, *, generator):\n    strike(x, generator)\n    return x + 100.0\n",
    )


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file of the submission's folder, with the folders that lead to it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
    return path
