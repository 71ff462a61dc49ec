"""By what the solutions in an instructor's notebook are known, for the sandbox to look for them."""

from autograder.notebooks.cells import marks_of
from autograder.notebooks.rebuild import Original
from autograder.notebooks.regions import visible
from autograder.sandbox import secrecy
from autograder.sandbox.secrecy import Marks

__all__ = ["answers_in"]


def answers_in(original: Original) -> tuple[Marks, ...]:
    """Return the marks of all solutions that are code, and that students are not given."""
    solutions: dict[str, str] = {}
    shown: list[str] = []
    for cell in original.notebook.cells:
        marks = marks_of(cell)
        if marks.solution and cell.cell_type == "code":
            solutions[marks.exercise] = cell.source
        if marks.solution:
            shown.append(original.texts.get(marks.grade_id, ""))
        else:
            shown.append(visible(cell.source, original.delimiters))
    return secrecy.marks_of(solutions, shown)
