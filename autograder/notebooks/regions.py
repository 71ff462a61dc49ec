"""A cell's source: as plain Python, and its parts between nbgrader's BEGIN and END comments.

Students never see those parts.
"""

import ast
import re
from functools import cache
from typing import Any

__all__ = ["hidden_lines", "plain_python", "split", "visible", "without_marks"]

BEGIN = re.compile(r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)")
END = re.compile(r"END (SOLUTION|HIDDEN TESTS|MARK SCHEME)")


def split(source: str) -> tuple[list[str], list[str]]:
    r"""Return the lines outside and inside the regions of a cell, without the comments themselves.

    >>> split("a\n### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS\nc")
    (['a', 'c'], ['b'])
    """
    outside: list[str] = []
    inside: list[str] = []
    lines = outside
    for line in source.splitlines():
        if BEGIN.search(line):
            lines = inside
        elif END.search(line):
            lines = outside
        else:
            lines.append(line)
    return outside, inside


def visible(source: str) -> str:
    """Return what a student sees of a cell."""
    return "\n".join(split(source)[0])


def without_marks(source: str) -> str:
    r"""Return all lines of a cell but the comments that begin and end its regions.

    >>> without_marks("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc")
    'a\nb\nc\n'
    """
    lines = source.splitlines(keepends=True)
    kept = [line for line in lines if not BEGIN.search(line) and not END.search(line)]
    return "".join(kept).rstrip("\n") + "\n"


def hidden_lines(source: str) -> set[int]:
    """Return the numbers, from 1, of the lines of a cell that students never see."""
    numbers, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        inside = bool(BEGIN.search(line)) or inside
        if inside:
            numbers.add(number)
        inside = inside and not END.search(line)
    return numbers


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
