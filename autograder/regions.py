"""The parts of a cell between nbgrader's BEGIN and END comments, which students never see."""

import re

__all__ = ["hidden_lines", "split", "visible"]

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


def hidden_lines(source: str) -> set[int]:
    """Return the numbers, from 1, of the lines of a cell that students never see."""
    numbers, inside = set(), False
    for number, line in enumerate(source.splitlines(), start=1):
        inside = bool(BEGIN.search(line)) or inside
        if inside:
            numbers.add(number)
        inside = inside and not END.search(line)
    return numbers
