"""Banks of answers: plausible wrong ones (misconceptions) and other right ones (alternatives).

A bank is a file of cells, like a lesson. Each cell is one answer, which stands in for the whole
answer cell of an exercise; the comment at its top says in a sentence what it does.

    # %% misconception="absolute_value" exercise="relu"
    # Numbers below 0 are reflected instead of cut off, which gives the absolute value.
    def relu(x):
        return x.abs()
"""

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal

import jupytext

from autograder.errors import MarkerError

__all__ = ["Answer", "read"]

Kind = Literal["misconception", "alternative"]


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise: its source, and in a sentence what it does."""

    kind: Kind
    name: str
    exercise: str
    explanation: str
    source: str


def read(path: Path | None, kind: Kind) -> list[Answer]:
    """Return the answers of a bank, in its order; none where there is no such file.

    Raises MarkerError for a cell that is no answer of this kind, has no explanation, or takes a
    name for the second time.
    """
    if path is None or not path.is_file():
        return []
    answers: list[Answer] = []
    for cell in jupytext.reads(path.read_text(), fmt="py:percent").cells:
        marks = {key: cell.metadata[key] for key in cell.metadata if key != "lines_to_next_cell"}
        if not marks and not answers:
            continue  # the docstring at the top
        if set(marks) != {kind, "exercise"}:
            raise MarkerError(
                f'{path}: a cell is marked {marks}; expected {kind}="..." exercise="..."'
            )
        comment = list(takewhile(lambda line: line.startswith("#"), cell.source.splitlines()))
        explanation = " ".join(line.lstrip("# ") for line in comment)
        answer = Answer(kind, marks[kind], marks["exercise"], explanation, cell.source)
        if not explanation:
            raise MarkerError(f"{path}: {answer.exercise}/{answer.name} has no comment at its top")
        if any((a.exercise, a.name) == (answer.exercise, answer.name) for a in answers):
            raise MarkerError(f"{path}: {answer.exercise}/{answer.name} stands there twice")
        answers.append(answer)
    return answers
