"""Search all files that this process can read for the marks of answers.

A file answers an exercise where it holds half of the lines of the solution, three at least, and
enough letters that nobody writes the same by chance; or the code of a longer function. Where it
holds less, but still half of the lines or the code of a short function, it does so perhaps: short
solutions look alike, and what is common stands in many files.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Marks", "find"]

# Blanks and punctuation, which differ between a source, a page and a notebook's JSON.
IGNORED = bytes(n for n in range(128) if not (chr(n).isalnum() or n == ord("_")))
LARGEST = 32 * 2**20  # bytes of a file that are looked at
# What is nobody's by chance.
LINES, LETTERS = 3, 80
CODE = 160  # bytes


@dataclass(frozen=True)
class Marks:
    """By what a solution is known: its lines, letters and digits alone, and its functions' code."""

    exercise: str
    lines: tuple[str, ...]
    codes: tuple[bytes, ...]

    def are_in(self, data: bytes, letters: bytes) -> str:
        """Tell whether a file's bytes, or their letters and digits, give the solution away.

        The word is "answers", "perhaps answers" or "".
        """
        codes = [code for code in self.codes if code in data]
        lines = [line for line in self.lines if line.encode() in letters]
        half = len(lines) > 1 and 2 * len(lines) >= len(self.lines)
        if half and len(lines) >= LINES and sum(map(len, lines)) >= LETTERS:
            return "answers"
        if any(len(code) >= CODE for code in codes):
            return "answers"
        return "perhaps answers" if half or codes else ""


def find(folders: Sequence[str], marks: Sequence[Marks]) -> Iterator[str]:
    """Yield in words each file below some folders that holds an answer, and whose."""
    for path in _files(folders):
        with suppress(OSError), open(path, "rb") as file:
            data = file.read(LARGEST)
            letters = data.replace(b"\\n", b"").translate(None, IGNORED)
            for each in marks:
                if word := each.are_in(data, letters):
                    yield f"{path} {word} {each.exercise}"


def _files(folders: Sequence[str]) -> Iterator[str]:
    seen: set[tuple[int, int]] = set()
    for folder in folders:
        if os.path.isfile(folder):
            yield folder
        for place, inner, names in os.walk(folder):
            inner.sort()
            for name in sorted(names):
                path = os.path.join(place, name)
                with suppress(OSError):
                    status = os.stat(path)
                    identity = status.st_dev, status.st_ino
                    if os.path.isfile(path) and identity not in seen:
                        seen.add(identity)
                        yield path
