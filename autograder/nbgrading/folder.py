"""What was handed in, read with bounds: which files come along, and when it was handed in.

A folder of students can hold anything: pipes, which whoever opens them waits for, links to others'
work or to devices without an end, a hundred thousand files, a terabyte that takes no room, names in
no encoding. nbgrader walks through, copies and reads all of it. Here nothing is opened that is no
plain file, nothing is read beyond a bound, and what stays behind is said, in words for the student.
"""

import fnmatch
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from nbgrader.utils import parse_utc

__all__ = ["NOTES", "TIMESTAMP", "Handed", "bring", "handed_in", "in_print"]

TIMESTAMP = "timestamp.txt"
# Files in which nbgrader keeps books; it reads them whole, and as text.
NOTES = (TIMESTAMP, "submission_secret.txt")
MAX_NOTE = 1000  # bytes
# As `nbgrader submit` writes a moment, and other ways that dateutil reads. It takes the path of a
# file for a time zone, too.
MOMENT = re.compile(r"(?!.*\.\.)(?!.*\s/)[\w :.,+/-]{1,100}", re.ASCII)
YEARS = range(1970, 2200)
MAX_FILES = 1000
MAX_SEEN = 20_000  # entries of folders that are looked at
MAX_DEPTH = 20  # folders within one another
NAMED = 5  # of the files that a sentence is about
CHUNK = 2**20


@dataclass(frozen=True)
class Handed:
    """When a submission was handed in, by its timestamp.txt; complaint says why that is unknown."""

    moment: datetime | None
    complaint: str = ""


def handed_in(folder: Path) -> Handed:
    """Read a submission's timestamp.txt, whatever it is."""
    path = folder / TIMESTAMP
    if not os.path.lexists(path):
        return Handed(None)
    try:
        text = _note(path)
    except _LeftError as reason:
        return Handed(None, f"{TIMESTAMP} cannot be read ({reason}).")
    if not text.strip():
        return Handed(None)
    with suppress(Exception):  # dateutil raises what it likes
        if MOMENT.fullmatch(text.strip()):
            moment = parse_utc(text.strip())
            if moment.year in YEARS:
                return Handed(moment)
    return Handed(None, f"{TIMESTAMP} holds no date as `nbgrader submit` writes it.")


def bring(folder: Path, to: Path, *, ignore: Iterable[str], most: int) -> list[str]:
    """Copy the plain files of a submission, but no notebooks; return what is to be said of others.

    ignore are patterns of names of files and folders, and most the number of bytes of all files
    together. The files nearest to the top come first. Names in Latin-1 come in UTF-8.
    """
    left: dict[str, list[str]] = {}  # names of files and folders, by what is wrong with them
    for note in NOTES:
        if os.path.lexists(folder / note):
            _bring_note(folder / note, to / note)
    brought = 0
    for count, path in enumerate(_files(folder, [*ignore, "*.ipynb"], left)):
        name = _decoded(path.relative_to(folder))
        try:
            if count == MAX_FILES:
                raise _LeftError(f"after the first {MAX_FILES} files")
            brought += _copy(path, to / name, most - brought)
        except _LeftError as error:
            left.setdefault(str(error), []).append(name)
        except OSError as error:
            left.setdefault(f"cannot be copied: {error.strerror}", []).append(name)
        if count == MAX_FILES:
            break
    return [_sentence(names, reason) for reason, names in left.items()]


def in_print(name: str) -> str:
    """Return a name that somebody else chose, fit to be shown on a page and in a log."""
    kept = "".join(c if c.isprintable() and c not in "`<>&[]*_|\\~$#" else "?" for c in name[:80])
    return kept if len(name) <= 80 else f"{kept}..."


class _LeftError(Exception):
    """A file is not read or brought along; the message says why in a few words."""


def _files(folder: Path, ignore: list[str], left: dict[str, list[str]]) -> Iterator[Path]:
    """Yield a folder's files, the nearest to its top first; note which folders are left out."""
    level = [folder]
    seen = 0
    for depth in range(MAX_DEPTH + 1):
        below: list[Path] = []
        for place in level:
            try:
                with os.scandir(place) as entries:
                    found = list(islice(entries, MAX_SEEN - seen + 1))
            except OSError:
                continue
            seen += len(found)
            if seen > MAX_SEEN:
                where = _decoded(place.relative_to(folder)) or "the folder itself"
                left.setdefault(f"more than {MAX_SEEN} files", []).append(where)
                return
            # What begins with a dot is seldom work: .git can hold thousands of files.
            for entry in sorted(found, key=lambda e: (e.name.startswith("."), os.fsencode(e.name))):
                if any(fnmatch.fnmatch(entry.name, pattern) for pattern in ignore):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    below.append(Path(entry.path))
                elif depth or entry.name not in NOTES:
                    yield Path(entry.path)
        level = below
        if depth == MAX_DEPTH and level:
            reason = f"more than {MAX_DEPTH} folders deep"
            left.setdefault(reason, []).append(_decoded(level[0].relative_to(folder)))


def _open(path: Path) -> int:
    """Open a plain file to be read. Raises _LeftError, OSError."""
    if path.is_symlink():
        raise _LeftError("a link")
    # A pipe does not make this wait.
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(file)
    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
        return file
    os.close(file)
    if stat.S_ISREG(status.st_mode):
        # It may be a file of somebody else's by another name.
        raise _LeftError("a link")
    raise _LeftError("no plain file")


def _note(path: Path) -> str:
    """Return the text of a file of nbgrader's. Raises _LeftError."""
    try:
        with open(_open(path), "rb") as file:
            raw = file.read(MAX_NOTE + 1)
    except OSError as error:
        raise _LeftError(f"cannot be opened: {error.strerror}") from None
    if len(raw) > MAX_NOTE:
        raise _LeftError(f"more than {MAX_NOTE} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _LeftError("no text in UTF-8") from None


def _bring_note(path: Path, target: Path) -> None:
    """Copy a file of nbgrader's; one that it could not read becomes an empty one.

    Without the file it would think that a run was killed here, and refuse to release feedback.
    """
    try:
        text = _note(path)
    except _LeftError:
        text = ""
    if path.name == TIMESTAMP and handed_in(path.parent).complaint:
        text = ""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(text)


def _copy(path: Path, target: Path, most: int) -> int:
    """Copy a plain file of at most so many bytes; return its size. Raises _LeftError, OSError."""
    with open(_open(path), "rb") as source:
        size = os.fstat(source.fileno()).st_size
        if size > most:
            raise _LeftError("too large, alone or with the others")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with target.open("xb") as copy:
            while size > copy.tell() and (part := source.read(min(CHUNK, size - copy.tell()))):
                copy.write(part)
    return size


def _decoded(path: Path) -> str:
    """Return a path with names that are text: what is not UTF-8 is taken for Latin-1."""
    return "/".join(map(_text, path.parts))


def _text(name: str) -> str:
    raw = os.fsencode(name)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _sentence(names: list[str], reason: str) -> str:
    shown = ", ".join(f"`{in_print(name)}`" for name in names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"Left behind ({reason}): {shown}{more}."
