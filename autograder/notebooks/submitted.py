"""What was handed in: a file of which the texts of its cells are read, and nothing else.

The file may be anything, and memory is bounded whatever it is: of its JSON only the fields named
below become objects, and of lists only the first so many items. All else is skipped, so that a file
of 99 MB takes the memory of the file, and some megabytes. Whoever handed it in is told what is
wrong with it.
"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

__all__ = ["DamagedError", "SubmittedCell", "leads_elsewhere", "read_submission"]

MOST_BYTES = 100 * 2**20  # of a file
MOST_CELLS = 2000
MOST_SHEETS = 20  # of notebooks of the format that had them
LONGEST_CELL = 2 * 2**20  # bytes of a cell's text, as the file spells it
LONGEST_TEXT = 4 * 2**20  # characters of all cells
MOST_PICTURES = 200  # of a cell
MENDED = 4 * 2**20  # bytes of a file that may be mended
ABSENT = Raw(b"")  # a field that the file does not have
CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|-?\b(?:NaN|Infinity)\b', re.DOTALL)
# Half of a surrogate pair, which JSON can spell and UTF-8 cannot; or what needs no mending.
ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class DamagedError(Exception):
    """A submitted file is no notebook; the message tells the student what is wrong with it."""


class SubmittedCell(msgspec.Struct, frozen=True):
    """A cell of a submission: what was typed into it, and by what it can be found.

    kind is code, markdown or raw; attachments are pictures in base64 by name and format.
    """

    kind: str
    text: str
    grade_id: str = ""
    cell_id: str = ""
    attachments: dict[str, dict[str, str]] = {}


def _first(count: int) -> Any:
    """Return a type that decodes the first items of a list, as they are spelt, and skips others."""
    items: list[Any] = [(f"item_{number}", Raw, ABSENT) for number in range(count)]
    return msgspec.defstruct("First", items, array_like=True)


# One more than there may be, to know of it.
FirstCells = _first(MOST_CELLS + 1)
FirstSheets = _first(MOST_SHEETS)


class _Notebook(msgspec.Struct):
    cells: Raw = ABSENT
    worksheets: Raw = ABSENT


class _Cell(msgspec.Struct):
    cell_type: Raw = ABSENT
    source: Raw = ABSENT
    input: Raw = ABSENT  # an older format's name for the source of code
    level: Raw = ABSENT  # of a heading, in that format
    id: Raw = ABSENT
    metadata: Raw = ABSENT
    attachments: Raw = ABSENT


class _Metadata(msgspec.Struct):
    nbgrader: Raw = ABSENT


class _Marks(msgspec.Struct):
    grade_id: Raw = ABSENT


def read_submission(path: Path, within: Path | None = None) -> list[SubmittedCell]:
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
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise DamagedError(f"The file cannot be read: {error.strerror}.") from None
    if len(raw) > MOST_BYTES:
        raise DamagedError(
            f"The file has {path.stat().st_size / 2**20:.0f} MB; at most "
            f"{MOST_BYTES // 2**20} MB can be graded. Clear all outputs, save and submit again."
        )
    return read_cells(raw)


def read_cells(raw: bytes) -> list[SubmittedCell]:
    """Return the cells of a notebook's file. Raises DamagedError."""
    raw = _in_one_byte_units(raw)
    try:
        notebook = _notebook(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DamagedError(
            f"The file is no notebook: it is not JSON ({error}). Open it in JupyterLab, "
            "save it and submit again."
        ) from None
    lists = [notebook.cells] if notebook else []
    if notebook and not _size(notebook.cells):
        sheets = [_decoded(sheet, _Notebook) for sheet in _items(notebook.worksheets, FirstSheets)]
        lists = [sheet.cells for sheet in sheets if sheet]
    if not lists or all(_decoded(cells, FirstCells) is None for cells in lists):
        raise DamagedError(
            "The file is no notebook: it holds no cells. Open your notebook in JupyterLab, save it "
            "and submit that file."
        )
    found = [item for cells in lists for item in _items(cells, FirstCells)]
    if len(found) > MOST_CELLS:
        raise DamagedError(f"The notebook has more than {MOST_CELLS} cells, which is the limit.")
    cells = [cell for item in found if (cell := _cell(item)) is not None]
    length = sum(len(cell.text) for cell in cells)
    if length > LONGEST_TEXT:
        raise DamagedError(
            f"The texts of the notebook's cells have {length} characters together; at most "
            f"{LONGEST_TEXT} can be graded."
        )
    return cells


def leads_elsewhere(folder: Path, within: Path) -> bool:
    """Tell whether a folder, or one on the way to it, is a link: to another's work, perhaps."""
    return any(
        f.is_symlink()
        for f in (folder, *folder.parents)
        if f.is_relative_to(within) and f != within
    )


def _notebook(raw: bytes) -> _Notebook | None:
    try:
        return msgspec.json.decode(raw, type=_Notebook)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError:
        if len(raw) > MENDED:
            raise
        # Python's json writes and reads what JSON does not have.
        return msgspec.json.decode(TOKEN.sub(_mend, raw), type=_Notebook)


def _mend(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if not token.startswith(b'"'):
        return b"null"
    return ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], token)


def _cell(raw: Raw) -> SubmittedCell | None:
    """Return a cell, or None for what is none; a field that is not as it should be is blank."""
    cell = _decoded(raw, _Cell)
    if cell is None:
        return None
    metadata = _decoded(cell.metadata, _Metadata)
    marks = _decoded(metadata.nbgrader, _Marks) if metadata else None
    cell_id = _decoded(cell.id, str) or ""
    kind = _decoded(cell.cell_type, str) or ""
    text = _text(cell.source if _size(cell.source) else cell.input)
    if kind == "heading":
        level = _decoded(cell.level, int) or 1
        text = f"{'#' * min(max(level, 1), 6)} {text}"
    return SubmittedCell(
        kind=kind if kind in ("code", "raw") else "markdown",
        text=text,
        grade_id=_decoded(marks.grade_id, str) or "" if marks else "",
        cell_id=cell_id if CELL_ID.fullmatch(cell_id) else "",
        attachments=_pictures(cell.attachments),
    )


def _text(raw: Raw) -> str:
    size = _size(raw)
    if size > LONGEST_CELL:
        return (
            f"# {size} bytes stood in this cell. A cell may have {LONGEST_CELL} to be graded, so "
            "they were left out."
        )
    text = _decoded(raw, str)
    if text is None:
        lines = _decoded(raw, list[str])
        if lines is None:
            lines = [line for line in _decoded(raw, list[Any]) or [] if isinstance(line, str)]
        text = "".join(lines)
    return text


def _pictures(raw: Raw) -> dict[str, dict[str, str]]:
    # A colon stands behind each name and nowhere in base64.
    if bytes(raw).count(b":") > 3 * MOST_PICTURES:
        return {}
    pictures = _decoded(raw, dict[str, dict[str, str]])
    if pictures is None:
        bundles = _decoded(raw, dict[str, Raw]) or {}
        found = {name: _decoded(bundle, dict[str, str]) for name, bundle in bundles.items()}
        pictures = {name: bundle for name, bundle in found.items() if bundle}
    return pictures


def _items(raw: Raw, kind: Any) -> list[Raw]:
    """Return the first items of a list, as they are spelt."""
    found = _decoded(raw, kind)
    values = (getattr(found, name) for name in kind.__struct_fields__) if found else ()
    return [value for value in values if _size(value)]


def _size(raw: Raw) -> int:
    """Return the bytes of what is spelt; 0 for a field that the file does not have."""
    return memoryview(raw).nbytes


def _decoded(raw: Any, kind: Any) -> Any:
    """Return what JSON spells, or None where it is not of a kind."""
    try:
        return msgspec.json.decode(memoryview(raw), type=kind)
    except UnicodeDecodeError:
        # The file of an editor that knows no UTF-8: each byte is the character of its number.
        return _decoded(bytes(raw).decode("latin-1").encode(), kind)
    except (msgspec.DecodeError, RecursionError):
        return None


def _in_one_byte_units(raw: bytes) -> bytes:
    """Return a file as UTF-8, or as something like it: of two and four bytes it is made so."""
    encoding = json.detect_encoding(raw[:4])
    if encoding == "utf-8-sig":
        return raw[3:]
    return raw if encoding == "utf-8" else raw.decode(encoding, "replace").encode()
