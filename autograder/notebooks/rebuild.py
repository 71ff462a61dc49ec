"""The notebook that is graded: the instructor's, with a student's answers in it.

Of a submission only texts are taken: of answer cells, of cells that the instructor left open, and
of the student's own extra cells. Tags, metadata, outputs, points, tests, and the order of the
instructor's cells come from the course. So an edited, deleted, duplicated or reordered test
changes nothing, and a damaged file harms nobody else.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from autograder.notebooks.cells import allow_plain, is_open, marks_of, note_plain, note_role
from autograder.notebooks.markup import Layout
from autograder.notebooks.regions import USUAL, Delimiters, split
from autograder.notebooks.submitted import SubmittedCell

__all__ = ["Original", "rebuild"]

LONGEST_COLOURED = 100_000  # characters of a cell's code
LONGEST_LINE = 1000
BLANKS = re.compile(r"\s{300}")


@dataclass(frozen=True)
class Original:
    """The instructor's notebook, with what students were given in its answer cells.

    texts gives, by grade_id, what a cell holds instead of what stands in the notebook: tests with
    their hidden part, answer cells without a solution.
    """

    notebook: NotebookNode
    texts: Mapping[str, str]
    delimiters: Delimiters = USUAL


def rebuild(original: Original, submitted: Sequence[SubmittedCell]) -> NotebookNode:
    """Put a student's texts into the instructor's notebook; metadata says what is missing.

    Before an answer that a person grades stands a cell with the model answer and the rubric.
    """
    notebook = NotebookNode(json.loads(json.dumps(original.notebook)))
    notebook = nbformat.from_dict(notebook)
    places = _match(notebook.cells, submitted)
    cells: list[NotebookNode] = []
    layout = Layout()
    extras = _extras(notebook.cells, submitted, places, layout)
    cells += extras.get(-1, [])
    for index, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"cell-{index}")
        cells += _rubric(cell, original.delimiters)
        given = original.texts.get(marks_of(cell).grade_id)
        if given is not None:
            cell.source = given
        if is_open(cell):
            if index in places:
                _take(cell, submitted[places[index]], layout)
            elif marks_of(cell).solution:
                cell.source = ""
                note_role(cell, "missing")
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
        cells += extras.get(index, [])
    notebook.cells = _with_unique_ids(cells)
    allow_plain(notebook)
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


def _match(ours: list[NotebookNode], theirs: Sequence[SubmittedCell]) -> dict[int, int]:
    """Map the instructor's open cells to the student's, by grade_id and by cell id.

    Of several cells with one grade_id the one that kept its id counts, else the first.
    """
    by_name: dict[str, list[int]] = {}
    by_id: dict[str, int] = {}
    for index, handed_in in enumerate(theirs):
        by_name.setdefault(handed_in.grade_id, []).append(index)
        by_id.setdefault(handed_in.cell_id, index)
    places = {}
    found: int | None
    for index, cell in enumerate(ours):
        name, cell_id = marks_of(cell).grade_id, str(cell.get("id", ""))
        if name:
            same = by_name.get(name, [])
            kept = [i for i in same if theirs[i].cell_id == cell_id]
            found = next(iter(kept or same), None)
        else:
            found = by_id.get(cell_id) if cell_id else None
            if found is not None and theirs[found].grade_id:
                found = None
        if found is not None:
            places[index] = found
    return places


def _extras(
    ours: list[NotebookNode],
    theirs: Sequence[SubmittedCell],
    places: dict[int, int],
    layout: Layout,
) -> dict[int, list[NotebookNode]]:
    """Return the student's own cells, by the instructor's cell that they stand behind."""
    owner = {place: index for index, place in places.items()}
    locked = {marks_of(cell).grade_id for cell in ours if not is_open(cell)} - {""}
    taken = {str(cell.get("id")) for cell in ours}
    extras: dict[int, list[NotebookNode]] = {}
    behind = -1
    for index, cell in enumerate(theirs):
        if index in owner:
            behind = owner[index]
        elif cell.grade_id not in locked and cell.text.strip():
            code = cell.kind == "code"
            own = nbformat.v4.new_code_cell() if code else nbformat.v4.new_markdown_cell()
            note_role(own, "student")
            own.id = cell.cell_id
            if not own.id or own.id in taken:
                own.id = f"student-{index}"
            _take(own, cell, layout)
            extras.setdefault(behind, []).append(own)
    return extras


def _with_unique_ids(cells: list[NotebookNode]) -> list[NotebookNode]:
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        if cell.id in seen:
            cell.id = f"{cell.id[:50]}-{index}"
        seen.add(cell.id)
    return cells


def _take(ours: NotebookNode, theirs: SubmittedCell, layout: Layout) -> None:
    """Put a student's text into a cell; where it is shown as a page, laid out."""
    if _lines(theirs.text) == _lines(ours.source):
        return  # the instructor's own words
    if ours.cell_type == "code":
        ours.source = theirs.text
        if _is_slow_to_colour(ours.source):
            note_plain(ours)
        return
    # What an editor dropped may still be there as it was given.
    pictures = {**ours.pop("attachments", {}), **theirs.attachments}
    ours.source = layout.markdown(theirs.text, pictures)


def _lines(text: str) -> list[str]:
    return text.rstrip().splitlines()


def _is_slow_to_colour(source: str) -> bool:
    """Tell whether colouring code as Python may take minutes: it looks far ahead in such places."""
    lines = source.splitlines()
    return (
        len(source) > LONGEST_COLOURED
        or max(map(len, lines), default=0) > LONGEST_LINE
        or BLANKS.search(source) is not None
    )
