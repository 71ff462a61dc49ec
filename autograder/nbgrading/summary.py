"""What came of a class, in one record: who is graded, and what is left to a person.

All of it is read back from the gradebook and from the graded notebooks. So it is the same whichever
run graded whom, on this machine or on a cluster, and any command can ask for it.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.config import Course
from autograder.nbgrading.graders import Outcome
from autograder.notebooks import cells

__all__ = ["Fault", "Note", "Question", "Summary", "lines", "summarize"]

NAMED = 8  # students in a line
SAID = 300  # characters of a message in a line
EXPLAINED = 900  # characters of what an instructor has to mend


@dataclass(frozen=True)
class Note:
    """A word on one student's submission."""

    student: str
    text: str


@dataclass(frozen=True)
class Question:
    """An answer that a person grades, and whose."""

    name: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Fault:
    """A check that could not work: the course's fault or the machine's, and no student's.

    It has cost nobody points: the gradebook leaves them to a person. message says of the first
    student what happened and, where the test is to be mended, how.
    """

    check: str
    message: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """What came of the submissions of a lesson."""

    graded: tuple[str, ...] = ()
    ungraded: tuple[Note, ...] = ()
    unread: tuple[Note, ...] = ()
    remarks: tuple[Note, ...] = ()
    faults: tuple[Fault, ...] = ()
    unsolved: tuple[tuple[str, str], ...] = ()  # checks that the instructor's own solution fails
    by_hand: tuple[Question, ...] = ()
    readable: tuple[str, ...] = ()  # files that may give submissions an answer


def summarize(course: Course, lesson: str, outcomes: Iterable[Outcome]) -> Summary:
    """Say what came of students, given what became of their submissions in a run."""
    outcomes = sorted(outcomes, key=lambda outcome: outcome.student)
    graded = tuple(outcome.student for outcome in outcomes if outcome.graded)
    unread, remarks = [], []
    faults: dict[str, Fault] = {}
    unsolved: dict[str, str] = {}
    readable: dict[str, None] = {}
    for student in graded:
        for name, notebook in _graded_notebooks(course, lesson, student):
            grading = cells.grading_of(notebook) or cells.Grading()
            if grading.damaged:
                unread.append(Note(student, f"{name}: {grading.damaged}"))
            remarks += [Note(student, text) for text in grading.remarks]
            unsolved |= {_name(name, check, lesson): said for check, said in grading.unsolved}
            readable |= dict.fromkeys(grading.readable)
            for check, message in _faults_in(notebook):
                check = _name(name, check, lesson)
                before = faults.get(check, Fault(check, message, ()))
                faults[check] = Fault(check, before.message, (*before.students, student))
    return Summary(
        graded,
        tuple(Note(o.student, o.reason) for o in outcomes if not o.graded),
        tuple(unread),
        tuple(dict.fromkeys(remarks)),  # each of several notebooks has them
        tuple(faults.values()),
        tuple(unsolved.items()),
        tuple(_left_to_a_person(course, lesson, graded, faults)),
        tuple(readable),
    )


def lines(summary: Summary) -> Iterator[str]:
    """Put a summary into words, for a terminal."""
    number = len(summary.graded) + len(summary.ungraded)
    yield f"{len(summary.graded)} of {number} submissions are graded."
    yield from _notes("Not graded, and so without any grade:", summary.ungraded)
    yield from _notes("Could not be read, and so graded as unanswered:", summary.unread)
    yield from _notes("Graded, but not all that was handed in could be used:", summary.remarks)
    if summary.faults:
        yield "Checks that could not work; nobody lost points, and a person has to look:"
        for fault in summary.faults:
            yield f"  {fault.check}, {_names(fault.students)}: {_short(fault.message, EXPLAINED)}"
    if summary.unsolved:
        yield "Checks that the instructor's own solution does not pass; students may lose points:"
        for check, said in summary.unsolved:
            yield f"  {check}: {_short(said, EXPLAINED)}"
    if summary.readable:
        yield "Submissions can read what may be an answer; hide it, or look whether it is none:"
        yield from (f"  {line}" for line in summary.readable)
    if summary.by_hand:
        yield "Left to a person, in formgrader:"
        for question in summary.by_hand:
            yield f"  {question.name}: {_names(question.students)}"


def _graded_notebooks(
    course: Course, lesson: str, student: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = course.root / course.directory("autograded") / student / lesson
    for path in sorted(folder.glob("*.ipynb")):
        # Written by this program, from the instructor's cells and a bounded rest.
        notebook = json.loads(path.read_text())
        yield Path(path).stem, notebook


def _faults_in(notebook: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and message of each check that could not work."""
    for cell in notebook["cells"]:
        noted = cells.verdict_of(cell)
        if noted is not None and noted.verdict == "infrastructure":
            said = [str(o["evalue"]) for o in cell["outputs"] if o["output_type"] == "error"]
            yield cells.marks_of(cell).grade_id, noted.reason or " ".join(said)


def _left_to_a_person(
    course: Course, lesson: str, graded: Sequence[str], faults: Iterable[str]
) -> list[Question]:
    from nbgrader.api import Gradebook, MissingEntry
    from nbgrader.coursedir import CourseDirectory

    coursedir = CourseDirectory(config=course.config)
    whose: dict[str, list[str]] = {}
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        for student in graded:
            try:
                submission = gradebook.find_submission(lesson, student)
            except MissingEntry:
                continue
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    name = _name(notebook.name, grade.name, lesson)
                    if grade.needs_manual_grade and name not in faults:
                        whose.setdefault(name, []).append(student)
    return [Question(name, tuple(students)) for name, students in whose.items()]


def _name(notebook: str, cell: str, lesson: str) -> str:
    """Return a cell's name; where a lesson has notebooks of other names, with the notebook's."""
    return cell if notebook == lesson else f"{notebook}/{cell}"


def _notes(heading: str, notes: Sequence[Note]) -> Iterator[str]:
    if notes:
        yield heading
        for note in notes:
            yield f"  {note.student}: {_short(note.text)}"


def _names(students: Sequence[str]) -> str:
    shown = ", ".join(students[:NAMED])
    return f"{shown} and {len(students) - NAMED} more" if len(students) > NAMED else shown


def _short(text: str, most: int = SAID) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}..."
