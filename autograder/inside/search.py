"""Search all files that this process can read for the marks of answers."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Marks", "find"]

# Blanks and punctuation, which differ between a source, a page and a notebook's JSON.
IGNORED = bytes(n for n in range(128) if not (chr(n).isalnum() or n == ord("_")))
LARGEST = 32 * 2**20  # bytes of a file that are looked at


@dataclass(frozen=True)
class Marks:
    """By what a solution is known: its lines, letters and digits alone, and its functions' code."""

    exercise: str
    lines: tuple[str, ...]
    codes: tuple[bytes, ...]

    def are_in(self, data: bytes, letters: bytes) -> bool:
        """Tell whether a file's bytes, or their letters and digits, give the solution away."""
        if any(code in data for code in self.codes):
            return True
        found = sum(line.encode() in letters for line in self.lines)
        return found > 1 and 2 * found >= len(self.lines)


def find(folders: Sequence[str], marks: Sequence[Marks]) -> Iterator[str]:
    """Yield in words each file below some folders that holds an answer, and whose."""
    for path in _files(folders):
        with suppress(OSError), open(path, "rb") as file:
            data = file.read(LARGEST)
            letters = data.replace(b"\\n", b"").translate(None, IGNORED)
            for each in marks:
                if each.are_in(data, letters):
                    yield f"{path} answers {each.exercise}"


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
