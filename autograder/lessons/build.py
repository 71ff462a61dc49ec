"""From a lesson's text to the instructor's notebook and on to the student's, and back.

    source/<topic>.py  --build-->  source/<topic>/<topic>.ipynb  --nbgrader-->  release/<topic>/
                       <--pull---

The text is the only file that people edit, and every other file follows from it byte for byte.
Cell ids are names or hashes of the content, so that an unchanged cell keeps its id.

Whoever edits the instructor's notebook in JupyterLab pulls the edit back into the text. The
notebook remembers two hashes, of the text and of the cells it was built with: so building knows an
edit that was not pulled, and pulling knows a text that went on meanwhile, and neither overwrites.
"""

import ast
import copy
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.config import Course
from autograder.errors import CourseError, MarkerError, UnpulledError
from autograder.lessons import leaks
from autograder.notebooks.cells import (
    Built,
    Marker,
    built_of,
    from_notebook,
    from_text,
    note_built,
)
from autograder.notebooks.regions import USUAL, Delimiters

__all__ = ["Difference", "build", "check", "pull", "to_notebook", "to_text"]

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
# A text without a header: what it holds is cells alone.
JUPYTEXT = {"jupytext": {"notebook_metadata_filter": "-all", "cell_metadata_filter": "all"}}


@dataclass(frozen=True)
class Difference:
    """A committed file that is not what the text gives, and why."""

    path: Path
    reason: str


def to_notebook(text: str, delimiters: Delimiters = USUAL) -> NotebookNode:
    """Turn a lesson's text into the instructor's notebook.

    Raises MarkerError for a cell that is marked wrongly.
    """
    cells: list[NotebookNode] = []
    seen: set[str] = set()
    for number, cell in enumerate(jupytext.reads(text, fmt="py:percent").cells, start=1):
        try:
            marker = from_text(cell.metadata, cell.cell_type)
            _require_solution(cell, marker, delimiters)
        except MarkerError as error:
            raise MarkerError(f"cell {number}: {error}") from None
        cell_id = marker.cell_id if marker else _hash(cell.cell_type + cell.source)[:8]
        if marker and cell_id in seen:
            raise MarkerError(f"cell {number}: {cell_id!r} stands in the lesson twice")
        cell.id = _unseen(cell_id, seen)
        seen.add(cell.id)
        cell.metadata = NotebookNode(marker.notebook_metadata() if marker else {})
        cells.append(cell)
    _require_exercises(cells)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={**METADATA})
    note_built(notebook, _built(text, cells))
    nbformat.validate(notebook)
    return notebook


def to_text(notebook: NotebookNode) -> str:
    """Turn an instructor's notebook into a lesson's text; outputs are dropped.

    Raises CourseError for a cell that would be another one when the text is read again.
    """
    cells = []
    for cell in notebook.cells:
        marker = from_notebook(cell.metadata)
        plain = copy.deepcopy(cell)
        plain.source = cell.source.rstrip("\n")
        plain.metadata = NotebookNode(marker.text_metadata() if marker else {})
        cells.append(plain)
    for cell, following in pairwise(cells):
        cell.metadata["lines_to_next_cell"] = _blank_lines(cell, following)
    text = str(
        jupytext.writes(nbformat.v4.new_notebook(cells=cells, metadata=JUPYTEXT), fmt="py:percent")
    )
    read = jupytext.reads(text, fmt="py:percent").cells
    for number, (cell, again) in enumerate(zip_longest(cells, read), start=1):
        if _content(cell) != _content(again):
            raise CourseError(
                f"cell {number} of the notebook cannot be written as text, since it would be read "
                'back as something else; a line that begins with "# %%" begins a cell, and a '
                "pasted picture cannot be kept (let a cell of code draw or show it)"
            )
    return text


def build(course: Course, topics: Iterable[str], *, force: bool = False) -> list[Path]:
    """Build the topics' notebooks; return the files that changed.

    Raises UnpulledError where that would overwrite an edit made in JupyterLab, unless forced.
    """
    topics = list(topics)
    for topic in topics:
        if not force and _edited(course.notebook_path(topic)):
            raise UnpulledError(
                f"{course.notebook_path(topic)} was edited since it was built; take the edit into "
                f"the text with `autograder pull {topic}`, or drop it with --force"
            )
    changed = []
    files = _render(course, topics)
    for path, content in files.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    for path in _surplus(course, topics, files):
        path.unlink()
        changed.append(path)
    return changed


def check(course: Course, topics: Iterable[str]) -> list[Difference]:
    """Compare the committed notebooks with what the texts give; write nothing."""
    topics = list(topics)
    differences = []
    files = _render(course, topics)
    for path, content in files.items():
        if not path.is_file():
            differences.append(Difference(path, "is missing"))
        elif path.read_bytes() != content:
            edited = path.is_relative_to(course.source) and _edited(path)
            reason = "was edited by hand" if edited else "is not what the text gives"
            differences.append(Difference(path, reason))
    surplus = _surplus(course, topics, files)
    return differences + [Difference(path, "has no source") for path in surplus]


def pull(course: Course, topic: str, *, force: bool = False) -> bool:
    """Take what was changed in the instructor's notebook into the text; tell whether it changed.

    Raises UnpulledError where the text went on since the notebook was built, unless forced.
    """
    path = course.notebook_path(topic)
    if not path.is_file():
        raise CourseError(f"{path} is missing; make it with `autograder build {topic}`")
    if not _edited(path):
        return False
    notebook = nbformat.read(path, as_version=4)
    pulled = to_text(notebook)
    text_path = course.text_path(topic)
    text = text_path.read_text()
    built = built_of(notebook)
    conflict = (built is None or built.text != _hash(text)) and _hash(text) != _hash(pulled)
    if conflict and not force:
        raise UnpulledError(
            f"both {text_path} and {path} changed since the notebook was built; pull into the text "
            "with --force and merge with `git diff`, or drop the notebook's edit with "
            f"`autograder build {topic} --force`"
        )
    text_path.write_text(pulled)
    # From here on the text is ahead, and the notebook has nothing that it lacks.
    note_built(notebook, _built(pulled, notebook.cells))
    path.write_text(_dump(notebook))
    return pulled != text


def _render(course: Course, topics: list[str]) -> dict[Path, bytes]:
    """Return the content of every file that the topics' texts give, without writing any."""
    files = {}
    delimiters = Delimiters.of(course.config)
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for topic in topics:
            try:
                notebook = to_notebook(course.text_path(topic).read_text(), delimiters)
            except MarkerError as error:
                raise MarkerError(f"{course.text_path(topic)}: {error}") from None
            path = scratch / course.notebook_path(topic).relative_to(course.root)
            if course.notebook_path(topic).parent.is_dir():
                shutil.copytree(course.notebook_path(topic).parent, path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_dump(notebook))
            files[course.notebook_path(topic)] = path.read_bytes()
            generate(course, topic, root=scratch)
            released = scratch / course.release_path(topic).relative_to(course.root)
            leaks.refuse(notebook, released.parent, delimiters)
            for file in sorted(released.parent.rglob("*")):
                if file.is_file():
                    files[course.root / file.relative_to(scratch)] = file.read_bytes()
    return files


def generate(course: Course, topic: str, *, root: Path) -> None:
    """Run nbgrader's generate_assignment for one topic on the files under root, without gradebook.

    Raises CourseError with nbgrader's own words where it refuses.
    """
    # nbgrader takes a second to import, and most commands do without it.
    from nbgrader.converters import GenerateAssignment, NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import SaveCells

    config = copy.deepcopy(course.config)
    config.merge(
        Config(
            CourseDirectory={"root": str(root), "assignment_id": topic},
            SaveCells={"enabled": False},
        )
    )
    converter = GenerateAssignment(
        coursedir=CourseDirectory(config=config), config=config, no_database=True, force=True
    )
    assert SaveCells in converter.preprocessors
    log = logging.getLogger("autograder.generate_assignment")
    words: list[str] = []
    handler = _Collect(words)
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    log.propagate = False
    converter.log = log
    try:
        converter.start()
    except NbGraderException:
        raise CourseError(f"{topic}: nbgrader refused: " + "\n".join(words)) from None
    finally:
        log.removeHandler(handler)


class _Collect(logging.Handler):
    """Keeps what nbgrader logs, of a traceback its reason, to show it only where it refuses."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.words = words

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().strip()
        _, _, traceback = message.partition("Traceback (most recent call last):\n")
        reason = [line for line in traceback.splitlines() if line[:1].strip()]
        self.words.append(reason[0] if reason else message)


def _surplus(course: Course, topics: list[str], given: Container[Path]) -> list[Path]:
    """Released files of the topics that no source gives."""
    return [
        path
        for topic in topics
        for path in sorted(course.release_path(topic).parent.rglob("*"))
        if path.is_file() and path not in given and ".ipynb_checkpoints" not in path.parts
    ]


def _edited(path: Path) -> bool:
    """Whether a source notebook's cells differ from those it was built with."""
    if not path.is_file():
        return False
    notebook = nbformat.read(path, as_version=4)
    built = built_of(notebook)
    return built is None or built.cells != _hash_cells(notebook.cells)


def _require_solution(cell: NotebookNode, marker: Marker | None, delimiters: Delimiters) -> None:
    has_one = any(delimiters.solution[0] in line for line in cell.source.splitlines())
    if marker and marker.kind in ("exercise", "written") and not has_one:
        begin, end = delimiters.solution
        raise MarkerError(f'{marker.kind}="{marker.name}" has no "### {begin}" ... "### {end}"')


def _require_exercises(cells: list[NotebookNode]) -> None:
    """Every check and habit belongs to an exercise, and every exercise has a check."""
    markers = [marker for cell in cells if (marker := from_notebook(cell.metadata))]
    exercises = [marker.name for marker in markers if marker.kind == "exercise"]
    checks = [marker.name for marker in markers if marker.kind == "check"]
    for marker in markers:
        if marker.kind in ("check", "habit", "hints") and marker.name not in exercises:
            raise MarkerError(f'{marker.kind}="{marker.name}" has no exercise="{marker.name}"')
    for name in exercises:
        if name not in checks:
            raise MarkerError(f'exercise="{name}" has no check="{name}"')


def _blank_lines(cell: NotebookNode, following: NotebookNode) -> int:
    """Blank lines between two cells, such that the text is as a formatter would leave it."""
    ends, begins = _statements(cell)[-1:], _statements(following)[:1]
    definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return 2 if any(isinstance(node, definition) for node in ends + begins) else 1


def _statements(cell: NotebookNode) -> list[ast.stmt]:
    if cell.cell_type != "code":
        return []
    try:
        return ast.parse(cell.source).body
    except SyntaxError:  # magics, or code that is wrong on purpose
        return []


def _content(cell: NotebookNode | None) -> tuple[str, str, bool] | None:
    return None if cell is None else (cell.cell_type, cell.source, bool(cell.get("attachments")))


def _unseen(cell_id: str, seen: set[str]) -> str:
    repeats = [cell_id, *(f"{cell_id}-{n}" for n in range(2, len(seen) + 2))]
    return next(name for name in repeats if name not in seen)


def _built(text: str, cells: list[NotebookNode]) -> Built:
    return Built(_hash(text), _hash_cells(cells))


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _hash_cells(cells: list[NotebookNode]) -> str:
    markers = [from_notebook(cell.metadata) for cell in cells]
    facts = [(cell.cell_type, cell.source, repr(m)) for cell, m in zip(cells, markers, strict=True)]
    return _hash(json.dumps(facts))


def _dump(notebook: NotebookNode) -> str:
    return str(nbformat.writes(notebook)) + "\n"
