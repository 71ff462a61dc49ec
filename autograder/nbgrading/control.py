"""What the instructor's own solution fails, found once for each state of an assignment.

What was found is kept in the course's folder and known by all that it depends on: the notebook, the
files beside it, the settings, this package. Graders that run side by side wait for the first.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import nbformat
from nbformat import NotebookNode

from autograder.config import Settings
from autograder.judging.control import Finding, examine
from autograder.judging.grader import Grader

__all__ = ["Control", "control_of"]

HOUSE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Control:
    """What was found; new says that this process has not said so yet."""

    findings: tuple[Finding, ...] = ()
    new: bool = False

    @property
    def faults(self) -> dict[str, str]:
        """Why checks cannot work across the boundary, and how to mend them."""
        return {f.check: _in_words(f) for f in self.findings if f.across}

    @property
    def unsolved(self) -> tuple[tuple[str, str], ...]:
        """Other checks that the instructor's own solution does not pass, and what they say."""
        return tuple((f.check, f.said) for f in self.findings if not f.across)

    def lines(self) -> Iterator[str]:
        """Say what was found, a line for each check."""
        for check, why in self.faults.items():
            yield f"{check} cannot work here, and costs nobody points: {why}"
        for check, said in self.unsolved:
            yield f"{check} is not passed by the instructor's own solution: {said}"


class _Kept(msgspec.Struct, frozen=True):
    key: str
    findings: tuple[Finding, ...]


_FOUND: dict[str, tuple[Finding, ...]] = {}


def control_of(path: Path, original: NotebookNode, grader: Grader, settings: Settings) -> Control:
    """Return what the solutions in an instructor's notebook fail. Raises SandboxError.

    The grader is one that is about to grade a submission of that notebook. What is found is kept in
    the file path.
    """
    key = _key(original, grader, settings)
    if key in _FOUND:
        return Control(_FOUND[key])
    with _alone(path):
        findings = _read(path, key)
        if findings is None:
            findings = examine(grader, original)
            _write(path, _Kept(key, findings))
    _FOUND[key] = findings
    return Control(findings, new=bool(findings))


def _in_words(finding: Finding) -> str:
    said = f"of the instructor's own solution the judge says: {finding.said}"
    return f"{said} To mend it, {finding.mend}."


def _key(original: NotebookNode, grader: Grader, settings: Settings) -> str:
    parts: Sequence[bytes] = [
        nbformat.writes(original).encode(),
        *(part for name, content in grader.own_files for part in (name.encode(), content)),
        repr(settings).encode(),
        _house().encode(),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@cache
def _house() -> str:
    """Return a hash of this package, whose changes may change what is found."""
    sources = b"".join(path.read_bytes() for path in sorted(HOUSE.rglob("*.py")))
    return hashlib.sha256(sources).hexdigest()


def _read(path: Path, key: str) -> tuple[Finding, ...] | None:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    return kept.findings if kept.key == key else None


def _write(path: Path, kept: _Kept) -> None:
    with suppress(OSError):  # where nothing can be kept, it is found again
        half = path.with_suffix(".half")
        half.write_bytes(msgspec.json.encode(kept))
        half.replace(path)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time do something, where the file system knows locks."""
    # Not earlier: it needs Linux, and commands that do not grade run elsewhere too.
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except OSError:
        yield
        return
    with lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
