"""The judge inside nbgrader: what stands in place of its Execute and SaveAutoGrades.

autograder.harden puts these classes into nbgrader's configuration. nbgrader goes on doing the rest:
finding submissions, the gradebook, late penalties, manual grades, feedback, export.
"""

import fnmatch
import json
import os
import shutil
import stat
from contextlib import suppress
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor, SaveAutoGrades

from autograder.config import Autograder
from autograder.errors import CourseError, SandboxError
from autograder.judging.diagnosis import Diagnosis
from autograder.judging.judge import Given
from autograder.judging.run import Grader
from autograder.notebooks import cells
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.regions import Delimiters
from autograder.notebooks.submitted import (
    DamagedError,
    SubmittedCell,
    leads_elsewhere,
    read_submission,
)
from autograder.sandbox.pool import discard, sandbox_for

__all__ = ["HideFromStudents", "Judge", "Rebuild", "SaveVerdicts", "SubmissionExporter"]

ATTEMPTS = 3  # at a submission, where the sandbox itself fails
MAX_BROUGHT = 20 * 2**20  # bytes of a file that a submission brings


class SubmissionExporter(NotebookExporter):
    """Reads submissions however damaged they are, and lets no link or device be copied.

    nbgrader makes it once per run, before it looks at the first submission, and hands it the
    converter that does the work: the one place where that converter can be watched.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        converter: Any = self.parent
        converter.init_destination = partial(_init_destination, converter)
        converter.init_assignment = partial(_init_assignment, converter)

    def from_filename(
        self, filename: str, resources: Any = None, **kwargs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read a submission, or in the second round what Rebuild has made of it."""
        converter: Any = self.parent
        if not converter._sanitizing:
            return super().from_filename(filename, resources=resources, **kwargs)
        notebook = nbformat.v4.new_notebook()
        try:
            submitted = read_submission(Path(filename), _submitted(converter))
        except DamagedError as error:
            submitted = []
            cells.note_grading(notebook, cells.Grading(damaged=str(error)))
        # Whatever the cells are, they go to Rebuild as data.
        notebook.metadata["submitted"] = msgspec.json.encode(submitted).decode()
        with suppress(OSError):
            resources = {**resources, "metadata": {"path": str(Path(filename).parent)}}
        return self.from_notebook_node(notebook, resources, **kwargs)


class Rebuild(NbGraderPreprocessor):
    """Replaces a submitted notebook by the instructor's, with the student's answers in it."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the rebuilt notebook."""
        submitted = msgspec.json.decode(nb.metadata.pop("submitted"), type=list[SubmittedCell])
        grading = cells.grading_of(nb) or cells.Grading()
        about = resources["nbgrader"]
        original = _original(self.parent, about)
        rebuilt = rebuild(original, submitted)
        cells.note_grading(rebuilt, grading)
        if grading.damaged:
            text = f"**This submission could not be read.** {grading.damaged}"
            rebuilt.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="damaged"))
            self.log.warning("%s/%s: %s", about["student"], about["notebook"], grading.damaged)
        return rebuilt, resources


class Judge(NbGraderPreprocessor):
    """Runs a rebuilt notebook in the sandbox and judges its checks."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Fill in outputs and verdicts."""
        about = resources["nbgrader"]
        options = Autograder(config=self.config)
        root = _coursedir(self.parent).root
        original = _original(self.parent, about)
        settings = options.settings(about["assignment"])
        if not settings.isolate:
            self.log.warning(
                "The sandbox is off: what submissions run can read and change what you can."
            )
        if self.config.Execute.get("enabled", True) in (False, "False"):
            self.log.warning("--no-execute is ignored: outputs in a submission prove nothing.")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                grader = Grader(
                    sandbox_for(settings),
                    Given.of(original.notebook),
                    files=_files(self.parent, about, options),
                    diagnose=Diagnosis.of(root, options, about["assignment"], original),
                    stubs=dict(original.texts),
                    delimiters=original.delimiters,
                )
                grader.grade(nb)
                break
            except SandboxError:
                # The machine's fault and not the student's: never a grade.
                discard(settings)
                if attempt == ATTEMPTS:
                    raise
        damaged = (cells.grading_of(nb) or cells.Grading()).damaged
        cells.note_grading(nb, cells.Grading(damaged=damaged, graded=True))
        return nb, resources


class SaveVerdicts(SaveAutoGrades):
    """Writes points into the gradebook: the judge's, and nbgrader's own for manual grading."""

    def _add_score(self, cell: NotebookNode, resources: Any) -> None:
        noted = cells.verdict_of(cell)
        if noted is None:
            super()._add_score(cell, resources)
            return
        grade = self.gradebook.find_grade(
            cells.marks_of(cell).grade_id,
            self.notebook_id,
            self.assignment_id,
            self.student_id,
        )
        unknown = noted.verdict == "infrastructure"
        grade.auto_score = None if unknown else noted.points
        grade.needs_manual_grade = unknown or grade.manual_score is not None
        self.gradebook.db.commit()


class HideFromStudents(ClearHiddenTests):
    """Takes out of the feedback what students must not see: hidden tests and rubrics."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook without them."""
        nb.cells = [cell for cell in nb.cells if cells.role_of(cell) != "rubric"]
        return super().preprocess(nb, resources)

    def preprocess_cell(
        self, cell: NotebookNode, resources: Any, cell_index: int
    ) -> tuple[NotebookNode, Any]:
        """Clear a check; a student's own cell may say BEGIN HIDDEN TESTS and holds none."""
        if cells.is_check(cell):
            return super().preprocess_cell(cell, resources, cell_index)
        return cell, resources


def _init_destination(converter: Any, assignment: str, student: str) -> bool:
    """Do as nbgrader does, but take up again what a killed run left half done."""
    folder = Path(converter._format_dest(assignment, student))
    if folder.is_dir():
        wanted = [folder / f"{name}.ipynb" for name in _known_notebooks(converter, assignment)]
        unfinished = [path for path in wanted if not _is_finished(path)]
        if _lost_its_timestamp(folder, Path(converter._format_source(assignment, student))):
            unfinished = wanted
        if unfinished:
            converter.log.warning("%s was left half graded; it is graded anew", folder)
            if converter.coursedir.notebook_id == "*":
                shutil.rmtree(folder)
            for path in unfinished:
                path.unlink(missing_ok=True)
    begin = bool(type(converter).init_destination(converter, assignment, student))
    if not begin and folder.is_dir() and not _has_permissions(folder, converter.permissions):
        converter.set_permissions(assignment, student)
    return begin


def _known_notebooks(converter: Any, assignment: str) -> list[str]:
    """Return the names of a submission's notebooks, without those that are no part of it."""
    submitted = [Path(notebook).stem for notebook in converter.notebooks]
    coursedir = converter.coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            known = {notebook.name for notebook in gradebook.find_assignment(assignment).notebooks}
        except MissingEntry:
            return []
    return [name for name in submitted if name in known]


def _is_finished(path: Path) -> bool:
    try:
        grading = cells.grading_of(json.loads(path.read_text()))
    except (OSError, ValueError):
        return False
    # A notebook without the word was graded by nbgrader itself, before hardening.
    return grading is None or grading.graded


def _lost_its_timestamp(graded: Path, submitted: Path) -> bool:
    """Tell whether a run was killed while it removed a folder for a newer submission."""
    name = "timestamp.txt"
    return (submitted / name).is_file() and not (graded / name).is_file()


def _has_permissions(folder: Path, permissions: int) -> bool:
    files = (path for path in folder.rglob("*") if path.is_file())
    return all(stat.S_IMODE(path.stat().st_mode) == int(str(permissions), 8) for path in files)


def _init_assignment(converter: Any, assignment: str, student: str) -> None:
    """Do as nbgrader does, but copy plain files only."""
    folder = Path(converter._format_source(assignment, student))
    before = converter.coursedir.ignore
    linked = leads_elsewhere(folder, _submitted(converter))
    converter.coursedir.ignore = [*before, *(["*"] if linked else _not_to_copy(folder))]
    try:
        type(converter).init_assignment(converter, assignment, student)
    finally:
        converter.coursedir.ignore = before


def _submitted(converter: Any) -> Path:
    """Return the folder that holds the submissions of all students."""
    coursedir = converter.coursedir
    return Path(os.path.normpath(coursedir.format_path(converter._input_directory, ".", ".")))


def _not_to_copy(folder: Path) -> list[str]:
    """Return patterns of what is no plain file: a link may lead anywhere, a device has no end."""
    patterns = []
    for where, _, names in os.walk(folder):
        for name in names:
            status = Path(where, name).lstat()
            plain = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
            if not plain or status.st_size > MAX_BROUGHT:
                patterns.append(escape(name))
    return patterns


def _coursedir(parent: Any) -> Any:
    """Return nbgrader's CourseDirectory: of the converter that owns a preprocessor's exporter."""
    while getattr(parent, "coursedir", None) is None:
        parent = parent.parent
    return parent.coursedir


def _original(parent: Any, about: dict[str, str]) -> Original:
    """Read the instructor's notebook, and from the gradebook what students were given."""
    coursedir = _coursedir(parent)
    assignment, name = about["assignment"], about["notebook"]
    folder = coursedir.format_path(coursedir.source_directory, ".", assignment)
    path = Path(folder) / f"{name}.ipynb"
    if not path.is_file():
        raise FileNotFoundError(f"the instructor's notebook {path} is missing")
    notebook = nbformat.read(path, as_version=4)
    _require_python(notebook, path)
    texts, checksums = {}, {}
    with Gradebook(about["db_url"], coursedir.course_id) as gradebook:
        for cell in gradebook.find_notebook(name, assignment).source_cells:
            texts[cell.name], checksums[cell.name] = cell.source, cell.checksum
    for cell in notebook.cells:
        name = cells.marks_of(cell).grade_id
        if name in checksums:
            cells.note_checksum(cell, checksums[name])
    return Original(notebook, texts, Delimiters.of(parent.config))


def _require_python(notebook: NotebookNode, path: Path) -> None:
    """Raise CourseError where an instructor's notebook is in another language."""
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        language = str(notebook.metadata.get(part, {}).get(key, "python"))
        if "python" not in language.lower():
            raise CourseError(
                f"{path} is written in {language!r}, and the judge runs Python alone; grade it in "
                "a course whose nbgrader_config.py does without autograder.harden(c)"
            )


def _files(parent: Any, about: dict[str, str], options: Autograder) -> list[tuple[str, bytes]]:
    """Return the files that a submission's code finds in its folder: the course's win."""
    coursedir = _coursedir(parent)
    source = Path(coursedir.format_path(coursedir.source_directory, ".", about["assignment"]))
    graded = Path(
        coursedir.format_path(coursedir.autograded_directory, about["student"], about["assignment"])
    )
    found: dict[str, bytes] = {}
    for folder, patterns in ((graded, options.files), (source, ["*"])):
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            wanted = any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
            if wanted and path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                found[name] = path.read_bytes()
    return list(found.items())
