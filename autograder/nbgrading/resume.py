"""Where a killed run stopped, and what of it is to be done again.

nbgrader takes a folder in autograded/ for a graded submission. A run that is killed leaves folders
without some of their notebooks, with half of one, or without permissions; here these are known and
graded anew, and the others are left alone.
"""

import json
import os
import shutil
import stat
from pathlib import Path

from nbgrader.converters.base import BaseConverter

from autograder.nbgrading.folder import TIMESTAMP
from autograder.notebooks.cells import grading_of

__all__ = ["Resuming"]


class Resuming(BaseConverter):
    """A converter that takes up again what a killed run left half done."""

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Tell whether a submission is to be graded; clear away what is half done of it."""
        folder = Path(self._format_dest(assignment_id, student_id))
        if folder.is_dir():
            submitted = Path(self._format_source(assignment_id, student_id))
            self._clear(folder, submitted)
        begin = bool(super().init_destination(assignment_id, student_id))
        if not begin and folder.is_dir() and not _has_permissions(folder, self.permissions):
            self.set_permissions(assignment_id, student_id)
        return begin

    def _clear(self, folder: Path, submitted: Path) -> None:
        wanted = [folder / Path(notebook).name for notebook in self.notebooks]
        unfinished = [path for path in wanted if not _is_finished(path)]
        if _lost_its_timestamp(folder, submitted):
            unfinished = wanted
        if unfinished:
            self.log.warning("%s was left half graded; it is graded anew", folder)
            if self.coursedir.notebook_id == "*":
                shutil.rmtree(folder)
            for path in unfinished:
                path.unlink(missing_ok=True)


def _is_finished(path: Path) -> bool:
    try:
        grading = grading_of(json.loads(path.read_text()))
    except (OSError, ValueError):
        return False
    # A notebook without the word was graded by nbgrader itself, before hardening.
    return grading is None or grading.graded


def _lost_its_timestamp(graded: Path, submitted: Path) -> bool:
    """Tell whether a run was killed while it removed a folder for a newer submission."""
    return os.path.lexists(submitted / TIMESTAMP) and not (graded / TIMESTAMP).is_file()


def _has_permissions(folder: Path, permissions: int) -> bool:
    files = (path for path in folder.rglob("*") if path.is_file())
    return all(stat.S_IMODE(path.stat().st_mode) == int(str(permissions), 8) for path in files)
