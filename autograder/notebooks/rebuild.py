"""The notebook that is graded: the instructor's, with a student's answers in it.

Of a submission only texts are taken: of answer cells, of cells that the instructor left open, and
of the student's own extra cells. Tags, metadata, outputs, points, tests, and the order of the
instructor's cells come from the course. So an edited, deleted, duplicated or reordered test
changes nothing, and a damaged file harms nobody else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.notebooks.cells import is_open, marks_of, note_role
from autograder.notebooks.html import clean_markdown
from autograder.notebooks.regions import USUAL, Delimiters, split

__all__ = ["DamagedError", "Original", "leads_elsewhere", "read_submission", "rebuild"]

MAX_FILE = 100 * 2**20  # bytes of a submitted notebook
MAX_SOURCE = 2**20  # characters of one cell
MAX_CELLS = 2000
MAX_ATTACHMENT = 5 * 2**20


class DamagedError(Exception):
    """A submitted file is no notebook; the message tells the student what is wrong with it."""


@dataclass(frozen=True)
class Original:
    """The instructor's notebook, with what students were given in its answer cells.

    texts gives, by grade_id, what a cell holds instead of what stands in the notebook: tests with
    their hidden part, answer cells without a solution.
    """

    notebook: NotebookNode
    texts: Mapping[str, str]
    delimiters: Delimiters = USUAL


def read_submission(path: Path, within: Path | None = None) -> list[dict[str, Any]]:
    """Return a submitted notebook's cells. Raises DamagedError where there are none.

    within is a folder of the course: below it no folder on the way to the notebook may be a link.
    """
    if leads_elsewhere(path.parent, within or path.parent):
        raise DamagedError(
            "The folder of this submission is a link. Submit a folder with the notebook in it."
        )
    if path.is_symlink() or not path.is_file():
        # A link may lead to somebody else's file, and a pipe has no end.
        raise DamagedError("There is no plain file of this name. Submit the notebook itself.")
    try:
        if path.stat().st_size > MAX_FILE:
            raise DamagedError(
                f"The file has {path.stat().st_size / 2**20:.0f} MB; at most "
                f"{MAX_FILE // 2**20} MB can be graded. Clear all outputs, save and submit again."
            )
        raw = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"The file cannot be read: {error.strerror}.") from None
    try:
        notebook = json.loads(_decode(raw))
    except (ValueError, RecursionError) as error:
        raise DamagedError(
            f"The file is no notebook: it is not JSON ({error}). Open it in JupyterLab, "
            "save it and submit again."
        ) from None
    if not isinstance(notebook, dict):
        raise DamagedError("The file is no notebook: it holds no cells.")
    if not isinstance(notebook.get("cells"), list):
        notebook = _upgrade(notebook)
    cells = [cell for cell in notebook["cells"] if isinstance(cell, dict)]
    return cells[:MAX_CELLS]


def leads_elsewhere(folder: Path, within: Path) -> bool:
    """Tell whether a folder, or one on the way to it, is a link: to another's work, perhaps."""
    return any(
        f.is_symlink()
        for f in (folder, *folder.parents)
        if f.is_relative_to(within) and f != within
    )


def rebuild(original: Original, submitted: list[dict[str, Any]]) -> NotebookNode:
    """Put a student's texts into the instructor's notebook; metadata says what is missing.

    Before an answer that a person grades stands a cell with the model answer and the rubric.
    """
    notebook = NotebookNode(json.loads(json.dumps(original.notebook)))
    notebook = nbformat.from_dict(notebook)
    places = _match(notebook.cells, submitted)
    cells: list[NotebookNode] = []
    extras = _extras(notebook.cells, submitted, places)
    cells += extras.get(-1, [])
    for index, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{index}")
        cells += _rubric(cell, original.delimiters)
        given = original.texts.get(marks_of(cell).grade_id)
        if given is not None:
            cell.source = given
        if is_open(cell):
            if index in places:
                theirs = submitted[places[index]]
                cell.source = _text(cell, theirs)
                _take_attachments(cell, theirs)
            elif marks_of(cell).solution:
                cell.source = ""
                note_role(cell, "missing")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
        cells += extras.get(index, [])
    notebook.cells = _with_unique_ids(cells)
    # Only since then have cells had ids.
    notebook.nbformat_minor = max(notebook.nbformat_minor, 5)
    return notebook


def _rubric(cell: NotebookNode, delimiters: Delimiters) -> list[NotebookNode]:
    marks = marks_of(cell)
    model = "\n".join(split(cell.source, delimiters)[1]).strip()
    if not (marks.solution and marks.grade and model):
        return []
    if cell.cell_type == "code":
        model = f"```python\n{model}\n```"
    summary = "For the grader, unfolds: model answer and rubric. Feedback leaves them out."
    text = f"<details><summary>{summary}</summary>\n\n{model}\n\n</details>"
    made = nbformat.v4.new_markdown_cell(text)
    note_role(made, "rubric")
    made.id = f"rubric-{cell.id}"[:64]
    return [made]


def _match(ours: list[NotebookNode], theirs: list[dict[str, Any]]) -> dict[int, int]:
    """Map the instructor's open cells to the student's, by grade_id and by cell id.

    Of several cells with one grade_id the one that kept its id counts, else the first.
    """
    by_name: dict[str, list[int]] = {}
    by_id: dict[str, int] = {}
    for index, cell in enumerate(theirs):
        by_name.setdefault(marks_of(cell).grade_id, []).append(index)
        by_id.setdefault(str(cell.get("id")), index)
    places = {}
    found: int | None
    for index, cell in enumerate(ours):
        name = marks_of(cell).grade_id
        if name:
            same = by_name.get(name, [])
            kept = [i for i in same if theirs[i].get("id") == cell.get("id")]
            found = next(iter(kept or same), None)
        else:
            found = by_id.get(str(cell.get("id"))) if cell.get("id") else None
            if found is not None and marks_of(theirs[found]).grade_id:
                found = None
        if found is not None:
            places[index] = found
    return places


def _extras(
    ours: list[NotebookNode], theirs: list[dict[str, Any]], places: dict[int, int]
) -> dict[int, list[NotebookNode]]:
    """Return the student's own cells, by the instructor's cell that they stand behind."""
    owner = {place: index for index, place in places.items()}
    locked = {
        marks_of(cell).grade_id for cell in ours if marks_of(cell).grade_id and not is_open(cell)
    }
    unnamed = {str(cell.get("id")) for cell in ours}
    extras: dict[int, list[NotebookNode]] = {}
    behind = -1
    for index, cell in enumerate(theirs):
        if index in owner:
            behind = owner[index]
        elif marks_of(cell).grade_id not in locked and _source(cell).strip():
            code = cell.get("cell_type") == "code"
            make = nbformat.v4.new_code_cell if code else nbformat.v4.new_markdown_cell
            own = make()
            note_role(own, "student")
            own.source = _text(own, cell)
            own.id = str(cell.get("id"))
            if own.id in unnamed or not _valid_id(own.id):
                own.id = f"student-{index}"
            _take_attachments(own, cell)
            extras.setdefault(behind, []).append(own)
    return extras


def _with_unique_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        if cell.id in seen:
            cell.id = f"{cell.id[:50]}-{index}"
        seen.add(cell.id)
    return cells


def _text(ours: NotebookNode, theirs: Mapping[str, Any]) -> str:
    """Return a student's text; where it is shown as a page, without what could act in one."""
    return _source(theirs) if ours.cell_type == "code" else clean_markdown(_source(theirs))


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    text = "".join(str(line) for line in source) if isinstance(source, list) else str(source)
    # Half of a surrogate pair can be in JSON, and nowhere else.
    return text[:MAX_SOURCE].encode(errors="replace").decode()


def _valid_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text.replace("-", "").replace("_", "").isalnum()


def _take_attachments(cell: NotebookNode, theirs: Mapping[str, Any]) -> None:
    """Keep the pictures that a student put into a text."""
    attachments = theirs.get("attachments")
    if cell.cell_type != "markdown" or not isinstance(attachments, dict):
        return
    kept = {
        str(name): {
            mime: data
            for mime, data in bundle.items()
            if mime in ("image/png", "image/jpeg")
            and isinstance(data, str)
            and len(data) < MAX_ATTACHMENT
        }
        for name, bundle in attachments.items()
        if isinstance(bundle, dict)
    }
    if any(kept.values()):
        cell.attachments = NotebookNode(kept)


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # every byte means something in it


def _upgrade(notebook: dict[str, Any]) -> dict[str, Any]:
    """Turn a notebook of an older format into today's."""
    try:
        return dict(nbformat.convert(nbformat.from_dict(notebook), 4))
    except Exception as error:
        raise DamagedError(
            f"The file is no notebook that can be read ({error}). Open it in JupyterLab, save it "
            "and submit again."
        ) from None
