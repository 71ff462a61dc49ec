"""A cell's source: as plain Python, and its parts between nbgrader's BEGIN and END comments.

Students never see those parts. What the comments say is the course's choice.
"""

import ast
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = [
    *("USUAL", "Delimiters", "hidden_lines", "plain_python", "split", "visible", "without_marks"),
]

# nbgrader's preprocessors that take regions out, what its options call them, and their defaults.
OPTIONS = (
    ("ClearSolutions", "solution", "SOLUTION"),
    ("ClearHiddenTests", "test", "HIDDEN TESTS"),
    ("ClearMarkScheme", "mark_scheme", "MARK SCHEME"),
)


@dataclass(frozen=True)
class Delimiters:
    """What begins and what ends a region: a line that holds the word, as nbgrader has it."""

    solution: tuple[str, str] = ("BEGIN SOLUTION", "END SOLUTION")
    tests: tuple[str, str] = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
    marking: tuple[str, str] = ("BEGIN MARK SCHEME", "END MARK SCHEME")

    @staticmethod
    def of(config: Mapping[str, Any]) -> "Delimiters":
        """Return those of a course's configuration, nbgrader's own where it has no others.

        >>> Delimiters.of({"ClearSolutions": {"begin_solution_delimeter": "ANSWER"}}).solution
        ('ANSWER', 'END SOLUTION')
        """
        return Delimiters(*(_pair(config, *option) for option in OPTIONS))

    def begun_by(self, line: str) -> str | None:
        """Return what ends the region that a line begins; None for a line that begins none."""
        pairs = (self.solution, self.tests, self.marking)
        return next((end for begin, end in pairs if begin in line), None)


def _pair(config: Mapping[str, Any], owner: str, option: str, word: str) -> tuple[str, str]:
    # nbgrader's spelling.
    begin, end = (
        config.get(owner, {}).get(f"{side.lower()}_{option}_delimeter", f"{side} {word}")
        for side in ("BEGIN", "END")
    )
    return str(begin), str(end)


USUAL = Delimiters()


def split(source: str, delimiters: Delimiters = USUAL) -> tuple[list[str], list[str]]:
    r"""Return the lines outside and inside the regions of a cell, without the comments themselves.

    >>> split("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc")
    (['a', 'c'], ['b'])
    """
    outside: list[str] = []
    inside: list[str] = []
    for line, where in _lines(source, delimiters):
        if where != "comment":
            (inside if where == "inside" else outside).append(line)
    return outside, inside


def visible(source: str, delimiters: Delimiters = USUAL) -> str:
    """Return what a student sees of a cell."""
    return "\n".join(split(source, delimiters)[0])


def without_marks(source: str, delimiters: Delimiters = USUAL) -> str:
    r"""Return all lines of a cell but the comments that begin and end its regions.

    >>> without_marks("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc")
    'a\nb\nc\n'
    """
    kept = [line for line, where in _lines(source, delimiters) if where != "comment"]
    return "\n".join(kept).rstrip("\n") + "\n"


def hidden_lines(source: str, delimiters: Delimiters = USUAL) -> set[int]:
    """Return the numbers, from 1, of the lines of a cell that students never see."""
    placed = enumerate(_lines(source, delimiters), start=1)
    return {number for number, (_, where) in placed if where != "outside"}


def _lines(source: str, delimiters: Delimiters) -> Iterator[tuple[str, str]]:
    """Yield the lines of a cell, each with its place: outside, inside, comment."""
    end: str | None = None
    # Lines as Python counts them: str.splitlines() also ends one at a form feed.
    for line in io.StringIO(source, newline=None):
        line = line.removesuffix("\n")
        begun = delimiters.begun_by(line)
        if begun is not None:
            end = begun
            yield line, "comment"
        elif end is not None and end in line:
            end = None
            yield line, "comment"
        else:
            yield line, "outside" if end is None else "inside"


def plain_python(source: str) -> str:
    """Return a cell's source without IPython's own syntax."""
    try:
        ast.parse(source)
    except SyntaxError:
        return str(_transformer().transform_cell(source))
    return source


@cache
def _transformer() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager()
