"""Banks of answers: plausible wrong ones, other right ones, and changes that change nothing.

A bank is a file of cells, like a lesson, one file for each lesson. Each cell says what it is, the
exercise that it is for, and in a comment at its top what it does. It is whole, and then stands in
for the answer cell of the exercise,

    # %% misconception="absolute_value" exercise="relu"
    # Numbers below 0 are reflected instead of cut off, which gives the absolute value.
    def relu(x):
        return x.abs()

or an edit of the reference, in lines that go (-), come (+) and stay. Indentation counts within an
edit, not against the reference. A line of three dots joins two places of one edit.

    # %% misconception="takes_any_slope" exercise="leaky_relu"
    # A slope below 0 is taken as it is.
    # - if negative_slope < 0:
    # -     raise ValueError(f"negative_slope is {negative_slope}; expected 0 or more")

What goes and stays must be found in the reference exactly once. So an edit cannot outlive the
reference that it was written for.

An alternative="..." is a right answer, written in another way; a misconception may be an edit of
it, marked of="...". An equivalent has no name: it is a mutant of the reference
(autograder.lessons.mutants) that no check can reject, and why. Behind "or" stands another one with
the same reason, with its + alone where it changes the same lines.

    # %% equivalent exercise="relu"
    # At 0 both branches are 0.
    # - return torch.where(x > 0, x, torch.zeros_like(x))
    # + return torch.where(x >= 0, x, torch.zeros_like(x))
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from textwrap import dedent, indent
from typing import Any, Literal

import jupytext

from autograder.errors import MarkerError
from autograder.notebooks.regions import without_marks

__all__ = ["Answer", "Kind", "read", "same_code", "write_edit"]

Kind = Literal["misconception", "alternative", "equivalent"]
# What stands behind the # of an edit: a sign and a line, or a separator.
LINE = re.compile(r"# (?:[-+ ] .*|[-+])")
JOIN, OR = "# ...", "# or"


@dataclass(frozen=True)
class Answer:
    """One answer to an exercise: its source, and in a sentence what it does.

    Where it is an edit, source is the reference so edited, and edit is what the bank says. An
    equivalent's name is its edit.
    """

    kind: Kind
    name: str
    exercise: str
    explanation: str
    source: str
    edit: str = ""


@dataclass(frozen=True)
class _Cell:
    """A cell of a bank: what it is, what it says, and of which alternative it is an edit."""

    kind: Kind
    name: str
    exercise: str
    of: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.exercise}/{self.name or self.kind}"


def read(path: Path | None, references: Mapping[str, str]) -> tuple[Answer, ...]:
    """Return the answers of a bank, in its order; none where there is no such file.

    references holds the reference of each exercise, an answer cell's source. Raises MarkerError for
    a cell that is no answer, has no explanation, takes a name for the second time, is for an
    exercise that is not there, or is an edit of something that its base does not say.
    """
    if path is None or not path.is_file():
        return ()
    cells = jupytext.reads(path.read_text(), fmt="py:percent").cells
    marked = [(_marks(cell), cell.source) for cell in cells]
    if marked and not marked[0][0]:
        del marked[0]  # the docstring
    try:
        return _expand([_cell(marks, text) for marks, text in marked], references)
    except MarkerError as error:
        raise MarkerError(f"{path}: {error}") from None


def _expand(cells: list[_Cell], references: Mapping[str, str]) -> tuple[Answer, ...]:
    """Return the answers of all cells; each is an edit of a reference or of an alternative."""
    bases = {(name, ""): without_marks(source) for name, source in references.items()}
    found: dict[tuple[str, str], Answer] = {}
    places = {}
    for place, cell in sorted(enumerate(cells), key=lambda item: bool(item[1].of)):
        if cell.exercise not in references:
            known = ", ".join(sorted(references)) or "none"
            raise MarkerError(f"{cell.where}: there is no such exercise; the lesson has {known}")
        if (cell.exercise, cell.of) not in bases:
            raise MarkerError(f"{cell.where} is an edit of {cell.of!r}, which is no alternative")
        for answer in _answers(cell, bases[cell.exercise, cell.of]):
            key = answer.exercise, answer.name
            if key in found:
                raise MarkerError(f"{answer.exercise}/{answer.name} stands there twice")
            found[key], places[key] = answer, place
            if answer.kind == "alternative":
                bases[key] = answer.source.rstrip("\n") + "\n"
    return tuple(found[key] for key in sorted(found, key=places.__getitem__))


def _marks(cell: Any) -> dict[str, Any]:
    return {key: cell.metadata[key] for key in cell.metadata if key != "lines_to_next_cell"}


def _cell(marks: dict[str, Any], text: str) -> _Cell:
    exercise, of = marks.get("exercise"), marks.get("of", "")
    match {key: value for key, value in marks.items() if key not in ("exercise", "of")}:
        case {"misconception": str(name), **rest} if exercise and not rest:
            return _Cell("misconception", name, exercise, of, text)
        case {"alternative": str(name), **rest} if exercise and not rest and not of:
            return _Cell("alternative", name, exercise, "", text)
        case {"title": "equivalent", **rest} if exercise and not rest and not of:
            return _Cell("equivalent", "", exercise, "", text)
    raise MarkerError(
        f'a cell is marked {marks}; expected misconception="..." exercise="..." (with of="..." '
        'where it is an edit of an alternative), alternative="..." exercise="..." or '
        'equivalent exercise="..."'
    )


def _answers(cell: _Cell, base: str) -> Iterator[Answer]:
    """Yield the answers of one cell: one, or as many as an equivalent has behind "or"."""
    lines = cell.text.splitlines()
    comment = list(takewhile(lambda line: line.startswith("#") and not LINE.fullmatch(line), lines))
    explanation = " ".join(line.lstrip("# ") for line in comment)
    if not explanation:
        raise MarkerError(f"{cell.where} has no comment at its top that says what it does")
    rest = lines[len(comment) :]
    if any(line and not line.startswith("#") for line in rest) and not cell.of:
        yield Answer(cell.kind, cell.name, cell.exercise, explanation, cell.text)
        return
    for edit in _split(rest, cell.where, several=cell.kind == "equivalent"):
        shown = str(edit)
        source = _apply(edit, base, cell.where)
        yield Answer(cell.kind, cell.name or shown, cell.exercise, explanation, source, shown)


@dataclass
class _Hunk:
    """Lines one below the other, of which some go and others come: (sign, line) each."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    @property
    def old(self) -> str:
        return "".join(f"{line}\n" for sign, line in self.lines if sign != "+")

    @property
    def new(self) -> str:
        return "".join(f"{line}\n" for sign, line in self.lines if sign != "-")


class _Edit(list[_Hunk]):
    """The hunks of one edit."""

    def __str__(self) -> str:
        hunks = ["\n".join(f"{s} {line}".rstrip() for s, line in hunk.lines) for hunk in self]
        return "\n...\n".join(hunks)


def _split(lines: list[str], where: str, *, several: bool) -> list[_Edit]:
    """Read the lines of a cell as one edit, or as several between which "or" stands."""
    edits = [_Edit([_Hunk()])]
    for line in lines:
        if line == JOIN:
            edits[-1].append(_Hunk())
        elif line == OR and several:
            edits.append(_Edit([_Hunk()]))
        elif LINE.fullmatch(line):
            edits[-1][-1].lines.append((line[2], line[4:]))
        elif line:
            raise MarkerError(f'{where}: {line!r} is no line of an edit; expected "# - ", "# + "')
    for before, edit in pairwise(edits):
        if not "".join(hunk.old for hunk in edit):
            going = [(sign, line) for sign, line in before[0].lines if sign != "+"]
            edit[0].lines = going + edit[0].lines
    if not all(hunk.old for edit in edits for hunk in edit):
        raise MarkerError(
            f'{where} has neither code nor, in each place that it edits, a line that goes ("# - ") '
            'or stays ("#   ")'
        )
    return edits


def _apply(edit: _Edit, base: str, where: str) -> str:
    """Return the base as edited.

    Raises MarkerError where an edit's place is not there exactly once, or nothing is changed.
    """
    places = []
    for hunk in edit:
        found = _find(hunk.old, base)
        if len(found) != 1:
            raise MarkerError(
                f"{where} edits lines that stand in what it edits "
                f"{'nowhere' if not found else f'{len(found)} times'}; write the edit anew, "
                f"{'from what stands there now' if not found else 'with lines around it'}:\n"
                + indent(hunk.old, "    ")
            )
        ((start, margin),) = found
        places.append((start, start + len(indent(hunk.old, margin)), indent(hunk.new, margin)))
    source = base
    for start, end, new in sorted(places, reverse=True):
        source = source[:start] + new + source[end:]
    if any(a[1] > b[0] for a, b in pairwise(sorted(places))):
        raise MarkerError(f"{where} edits a line twice")
    try:
        unchanged = same_code(source) == same_code(base)
    except SyntaxError:
        return source  # a wrong answer may be that wrong
    if unchanged:
        raise MarkerError(f"{where} changes nothing of what it edits")
    return source


def _find(lines: str, reference: str) -> list[tuple[int, str]]:
    """Return where some lines stand in a reference, and how far they are indented there."""
    margins = {line[: len(line) - len(line.lstrip())] for line in reference.splitlines()}
    return [
        (match.start(), margin)
        for margin in sorted(margins)
        for match in re.finditer(f"^{re.escape(indent(lines, margin))}", reference, re.MULTILINE)
    ]


def same_code(source: str) -> str:
    """Return what two sources have in common that mean the same; SyntaxError where one is none."""
    return ast.dump(ast.parse(source))


def write_edit(base: str, changed: str) -> str:
    r"""Return the edit, as a bank says it, that turns one source into another by one change.

    >>> print(write_edit("def f(x):\n    return x\n", "def f(x):\n    return -x\n"))
    - return x
    + return -x
    """
    old, new = base.splitlines(), changed.splitlines()
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))
    most = min(len(old), len(new)) - start
    rest = next((i for i in range(most) if old[-1 - i] != new[-1 - i]), most)
    before = after = 0
    # Lines around it, until it is found once.
    while True:
        a, b = start - before, len(old) - rest + after
        block = "".join(f"{line}\n" for line in old[a:b])
        if block.strip() and len(_find(dedent(block), base)) == 1:
            break
        if after <= before and b < len(old):
            after += 1
        else:
            before += 1
    hunk = [(" ", line) for line in old[a:start]]
    hunk += [("-", line) for line in old[start : len(old) - rest]]
    hunk += [("+", line) for line in new[start : len(new) - rest]]
    hunk += [(" ", line) for line in old[len(old) - rest : b]]
    margin = min(len(line) - len(line.lstrip()) for _, line in hunk if line)
    return str(_Edit([_Hunk([(sign, line[margin:]) for sign, line in hunk])]))
