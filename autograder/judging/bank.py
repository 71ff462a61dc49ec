"""What a judge needs to know of a lesson's bank: read here, by the grader, and handed to it."""

from functools import cache
from pathlib import Path

from autograder.config import Autograder
from autograder.judging.records import Known, Mistake
from autograder.lessons.bank import read
from autograder.notebooks.cells import marks_of
from autograder.notebooks.rebuild import Original
from autograder.notebooks.regions import plain_python

__all__ = ["known"]


def known(root: str | Path, options: Autograder, lesson: str, original: Original) -> Known:
    """Return the misconceptions of a lesson's bank, and the code of its setup.

    Raises MarkerError where the bank cannot be read.
    """
    bank = Path(root) / options.answers / f"{lesson}.py"
    if not options.answers or not bank.is_file():
        return Known()
    references = {
        marks_of(cell).grade_id: cell.source
        for cell in original.notebook.cells
        if marks_of(cell).solution
    }
    setup = "\n".join(
        plain_python(cell.source)
        for cell in original.notebook.cells
        if cell.cell_type == "code" and marks_of(cell).locked and not marks_of(cell).grade
    )
    return Known(setup, _mistakes(bank, bank.stat().st_mtime_ns, tuple(references.items())))


@cache
def _mistakes(
    bank: Path, _changed: int, references: tuple[tuple[str, str], ...]
) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(answer.exercise, answer.name, answer.explanation, answer.source)
        for answer in read(bank, dict(references))
        if answer.kind == "misconception"
    )
