"""nbgrader's converter for `autograde`, with what hostile folders and killed runs ask of it.

nbgrader names its converter where it is used and takes no other by configuration. What it does
take is an exporter, which it makes before it looks at the first submission and hands the converter
to: so the exporter that autograder.harden names turns the converter into the class below.
"""

import glob
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter, NbGraderException
from nbgrader.coursedir import CourseDirectory

from autograder.config import Autograder
from autograder.nbgrading.folder import bring, handed_in, in_print
from autograder.nbgrading.preprocessors import SubmissionExporter, submitted_folder
from autograder.nbgrading.resume import Resuming
from autograder.notebooks.submitted import leads_elsewhere

__all__ = ["Converter", "Entrance", "guard_timestamps", "take_over"]

NAMED = 5  # notebooks in a warning


class Bringing(BaseConverter):
    """A converter that copies of a submission what is safe to read, and says what it left."""

    remarks: tuple[str, ...] = ()

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Copy a submission's files, and remember what there is to be said of the others.

        nbgrader's Autograde calls this in the place of BaseConverter's, which copies everything.
        """
        folder = Path(self._format_source(assignment_id, student_id))
        to = Path(self._format_dest(assignment_id, student_id))
        self.remarks = ()
        if leads_elsewhere(folder, submitted_folder(self)):
            return
        most = Autograder(config=self.config).disk * 2**20 // 2
        remarks = bring(folder, to, ignore=self.coursedir.ignore, most=most)
        complaint = handed_in(folder).complaint
        if complaint:
            remarks.append(f"{complaint} So nobody knows whether this was handed in late.")
        for remark in remarks:
            self.log.warning("%s: %s", student_id, remark)
        self.remarks = tuple(remarks)


class Converter(Resuming, Autograde, Bringing):
    """nbgrader's Autograde, which goes on where a run was killed and reads folders with bounds."""

    notebooks: list[str]

    def init_notebooks(self) -> None:
        """Find the submissions; those without any notebook count as such."""
        try:
            super().init_notebooks()
        except NbGraderException:
            self._add_those_without_notebooks()
            if not self.assignments:
                raise

    def convert_notebooks(self) -> None:
        """Grade the submissions that were found, and tell those who forgot their notebook."""
        self._add_those_without_notebooks()
        super().convert_notebooks()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Tell whether a submission is to be graded, and which of its notebooks."""
        self._drop_unknown_notebooks(assignment_id, student_id)
        return super().init_destination(assignment_id, student_id)

    def _add_those_without_notebooks(self) -> None:
        coursedir = self.coursedir
        if coursedir.notebook_id != "*":
            return
        wanted = self._known_notebooks(coursedir.assignment_id)
        pattern = self._format_source(coursedir.assignment_id, coursedir.student_id)
        for folder in glob.glob(pattern):  # noqa: PTH207 (the pattern is a whole path)
            # An empty folder is no submission.
            if wanted and folder not in self.assignments and _holds_something(Path(folder)):
                self.assignments[folder] = [f"{folder}/{name}.ipynb" for name in wanted]

    def _drop_unknown_notebooks(self, assignment: str, student: str) -> None:
        """Forget notebooks that are no part of the assignment, of which there can be thousands.

        Where none is left, those of the assignment count as missing.
        """
        wanted = self._known_notebooks(assignment)
        if not wanted:
            return
        found = self.notebooks
        others = [path for path in found if Path(path).stem not in wanted]
        if others:
            names = ", ".join(in_print(Path(path).name) for path in others[:NAMED])
            more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
            self.log.warning("%s: skipping unknown notebooks %s%s", student, names, more)
        kept = [path for path in found if Path(path).stem in wanted]
        if not kept and self.coursedir.notebook_id == "*":
            folder = self._format_source(assignment, student)
            kept = [f"{folder}/{name}.ipynb" for name in wanted]
        self.notebooks = kept or found[:NAMED]

    def _known_notebooks(self, assignment: str) -> list[str]:
        """Return the names of an assignment's notebooks, as the gradebook has them."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return [
                    notebook.name for notebook in gradebook.find_assignment(assignment).notebooks
                ]
            except MissingEntry:
                return []


class Entrance(SubmissionExporter):
    """The exporter that lets the converter above into nbgrader."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        take_over(self.parent)


def take_over(converter: Autograde) -> None:
    """Turn nbgrader's converter into ours, which adds methods and no state of nbgrader's."""
    guard_timestamps()
    converter.__class__ = Converter


def guard_timestamps() -> None:
    """Have nbgrader read timestamp.txt with bounds: in formgrader, when collecting, when grading.

    Its own reader waits for a pipe and reads a device for ever, and formgrader with it.
    """
    CourseDirectory.get_existing_timestamp = _existing_timestamp
    NbGraderAPI.get_submitted_timestamp = _submitted_timestamp


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _existing_timestamp(_: CourseDirectory, dest_path: str) -> datetime | None:
    return handed_in(Path(dest_path)).moment


def _submitted_timestamp(api: NbGraderAPI, assignment_id: str, student_id: str) -> datetime | None:
    folder = api.coursedir.format_path(api.coursedir.submitted_directory, student_id, assignment_id)
    return handed_in(Path(folder)).moment
