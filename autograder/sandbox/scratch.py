"""Folders for the time of a run, and what killed runs left of theirs.

A folder of ours holds a file that its process keeps locked (flock(2)). The kernel lifts the lock
when the process ends, however it does. So a lock that can be had belongs to a folder that nobody
owns any more. Who is killed before it has made the file, or after it has removed it, leaves an
empty folder. Nothing else is ever taken for ours.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["scratch_folder", "sweep"]

PREFIX = "autograder-scratch-"
LOCK = "owned"
INSIDE = "inside"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that only this user can enter; remove it afterwards.

    A later sweep removes it where this process is killed before.
    """
    owned, lock = _make()
    try:
        yield owned / INSIDE
    finally:
        _remove(owned)
        os.close(lock)


def sweep() -> list[Path]:
    """Remove the folders of processes that are no more; return them."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                continue
            try:
                lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            except FileNotFoundError:
                folder.rmdir()  # which fails where there is anything in it
                removed.append(folder)
                continue
            try:
                _lock(lock, wait=False)
                _remove(folder)
                removed.append(folder)
            finally:
                os.close(lock)
    return removed


def _make() -> tuple[Path, int]:
    """Make a folder; return it with the open file that is locked for it."""
    while True:
        owned = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Between any two of these lines a sweep may find it, and that nobody owns it.
        with suppress(FileNotFoundError):
            lock = os.open(owned / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            _lock(lock, wait=True)
            try:
                (owned / INSIDE).mkdir()
            except FileNotFoundError:
                os.close(lock)
                raise
            return owned, lock


def _remove(folder: Path) -> None:
    """Remove a folder, the locked file last, so that who is killed here leaves what is swept."""
    shutil.rmtree(folder / INSIDE, ignore_errors=True)
    with suppress(OSError):
        (folder / LOCK).unlink()
        folder.rmdir()


def _lock(file: int, *, wait: bool) -> None:
    """Lock an open file. Raises BlockingIOError where it is locked and is not to be waited for."""
    # Not earlier: Windows lacks it, where commands that do not grade run too.
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
