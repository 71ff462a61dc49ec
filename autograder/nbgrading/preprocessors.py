"""The judge inside nbgrader: what stands in place of its Execute and SaveAutoGrades.

autograder.harden puts these classes into nbgrader's configuration. nbgrader goes on doing the rest:
finding submissions, the gradebook, late penalties, manual grades, feedback, export.
"""

import fnmatch
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import nbformat
from msgspec.structs import replace
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor, SaveAutoGrades

from autograder.config import FINDINGS, Autograder
from autograder.errors import CourseError, SandboxError, SecrecyError
from autograder.judging.answers import answers_in
from autograder.judging.bank import known
from autograder.judging.grader import Grader
from autograder.judging.pool import discard_judges, judges_for, warmed
from autograder.nbgrading.control import control_of
from autograder.notebooks import cells
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.regions import Delimiters
from autograder.notebooks.submitted import (
    DamagedError,
    SubmittedCell,
    read_submission,
)
from autograder.sandbox.pool import discard, perhaps_readable, sandbox_for

__all__ = ["HideFromStudents", "Judge", "Rebuild", "SaveVerdicts", "SubmissionExporter"]

ATTEMPTS = 3  # at a submission, where the sandbox itself fails


class SubmissionExporter(NotebookExporter):
    """Reads submissions however damaged they are."""

    def from_filename(
        self, filename: str, resources: Any = None, **kwargs: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Read a submission, or in the second round what Rebuild has made of it."""
        converter: Any = self.parent
        if not converter._sanitizing:
            return super().from_filename(filename, resources=resources, **kwargs)
        notebook = nbformat.v4.new_notebook()
        try:
            submitted = read_submission(Path(filename), submitted_folder(converter))
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
        grading = replace(grading, remarks=self.parent.parent.remarks)
        cells.note_grading(rebuilt, grading)
        if grading.remarks:
            text = "**Some of what was handed in could not be used.**"
            text = "\n\n".join([text, *grading.remarks])
            rebuilt.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="remarks"))
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
        settings, warm = warmed(options.settings(about["assignment"]), original.notebook)
        if not settings.isolate:
            self.log.warning(
                "The sandbox is off: what submissions run can read and change what you can."
            )
        if self.config.Execute.get("enabled", True) in (False, "False"):
            self.log.warning("--no-execute is ignored: outputs in a submission prove nothing.")
        files, own_files = _files(self.parent, about, options)
        known_by = Path(root) / FINDINGS / about["assignment"] / f"{about['notebook']}.json"
        answers = answers_in(original)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                grader = Grader(
                    sandbox_for(settings, answers),
                    judges_for(warm),
                    original.notebook,
                    files=files,
                    own_files=own_files,
                    known=known(root, options, about["assignment"], original),
                    stubs=dict(original.texts),
                    delimiters=original.delimiters,
                )
                control = control_of(known_by, original.notebook, grader, settings)
                grader.faults = control.faults
                grader.grade(nb)
                break
            except SecrecyError:
                raise  # and would be the next time
            except SandboxError:
                # The machine's fault and not the student's: never a grade.
                discard(settings)
                discard_judges(warm)
                if attempt == ATTEMPTS:
                    raise
        if control.new:
            for line in control.lines():
                self.log.warning("%s", line)
        readable = perhaps_readable(settings, answers)
        for line in readable:
            self.log.warning("Submissions can read what may be an answer: %s", line)
        grading = cells.grading_of(nb) or cells.Grading()
        grading = replace(grading, graded=True, unsolved=control.unsolved, readable=readable)
        cells.note_grading(nb, grading)
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


def submitted_folder(converter: Any) -> Path:
    """Return the folder that holds the submissions of all students."""
    coursedir = converter.coursedir
    return Path(os.path.normpath(coursedir.format_path(coursedir.submitted_directory, ".", ".")))


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


Files = list[tuple[str, bytes]]


def _files(parent: Any, about: dict[str, str], options: Autograder) -> tuple[Files, Files]:
    """Return the files that a submission's code finds in its folder, and the course's alone.

    The course's win.
    """
    coursedir = _coursedir(parent)
    source = Path(coursedir.format_path(coursedir.source_directory, ".", about["assignment"]))
    graded = Path(
        coursedir.format_path(coursedir.autograded_directory, about["student"], about["assignment"])
    )
    own = files_in(source)
    return list((files_in(graded, options.files) | own).items()), list(own.items())


def files_in(folder: Path, patterns: Iterable[str] = ("*",)) -> dict[str, bytes]:
    """Return what is in the plain files of a folder that match a pattern, but for notebooks."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        wanted = any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
        if wanted and path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found
