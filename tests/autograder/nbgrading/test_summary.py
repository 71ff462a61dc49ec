"""What is said of a class at the end is what its gradebook and its notebooks hold."""

import json
import os
import sys
import warnings
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.config import Course
from autograder.nbgrading.graders import Outcome
from autograder.nbgrading.summary import Fault, Note, Question, Summary, lines, summarize
from autograder.notebooks import cells

MESSAGE = "The check ended with 7; expected a number of points from 0 to 2."


@pytest.fixture
def graded(course: Course, monkeypatch: pytest.MonkeyPatch) -> Course:
    """Four students: one all right, one damaged, one with a check that broke, one with a remark."""
    # nbgrader starts alembic by its bare name.
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    monkeypatch.setenv("PATH", programs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's models warn while they are filled
        with Gradebook(f"sqlite:///{course.root / 'gradebook.db'}") as book:
            book.add_assignment("tiny")
            book.add_notebook("tiny", "tiny")
            for name, kind in (("check-double", "code"), ("why", "markdown")):
                book.add_grade_cell(name, "tiny", "tiny", max_score=2, cell_type=kind)
            for student in ("ann", "bob", "cem", "dot"):
                book.add_student(student)
                book.add_submission("tiny", student)
                for grade in book.find_submission("tiny", student).notebooks[0].grades:
                    broken = grade.name == "check-double" and student == "cem"
                    grade.needs_manual_grade = grade.name == "why" or broken
            book.db.commit()
    write(course.root, "ann")
    write(course.root, "bob", damaged="It is no notebook.")
    write(course.root, "cem", verdict="infrastructure")
    write(course.root, "dot", remarks=("Left behind (a link): `data.csv`.",))
    return course


def write(
    root: Path,
    student: str,
    *,
    verdict: str = "passed",
    damaged: str = "",
    remarks: tuple[str, ...] = (),
) -> None:
    check = nbformat.v4.new_code_cell(
        metadata={"nbgrader": {"grade_id": "check-double", "grade": True, "points": 2}}
    )
    cells.note_verdict(check, cells.Noted(verdict, 0.0, 0.1))
    if verdict != "passed":
        error = {"ename": verdict, "evalue": MESSAGE, "traceback": []}
        check.outputs = [nbformat.v4.new_output("error", **error)]
    notebook = nbformat.v4.new_notebook(cells=[check])
    cells.note_grading(notebook, cells.Grading(damaged=damaged, graded=True, remarks=remarks))
    folder = root / "autograded" / student / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny.ipynb").write_text(json.dumps(notebook))


def test_a_summary_tells_what_is_left_to_a_person_and_why(graded: Course) -> None:
    outcomes = [Outcome(name, True) for name in ("dot", "cem", "bob", "ann")]
    outcomes.append(Outcome("eva", False, "its grader died 3 times"))
    assert summarize(graded, "tiny", outcomes) == Summary(
        graded=("ann", "bob", "cem", "dot"),
        ungraded=(Note("eva", "its grader died 3 times"),),
        unread=(Note("bob", "tiny: It is no notebook."),),
        remarks=(Note("dot", "Left behind (a link): `data.csv`."),),
        faults=(Fault("check-double", MESSAGE, ("cem",)),),
        # The check that could not work is not named twice.
        by_hand=(Question("why", ("ann", "bob", "cem", "dot")),),
    )


def test_a_summary_in_words_names_students_and_cuts_what_is_long() -> None:
    many = tuple(f"s{number:02}" for number in range(40))
    said = list(
        lines(
            Summary(
                graded=many,
                ungraded=(Note("zoe", "a\nb " + "x" * 1000),),
                faults=(Fault("check-root", MESSAGE, many),),
                by_hand=(Question("why", many),),
            )
        )
    )
    assert said[0] == "40 of 41 submissions are graded."
    assert said[1] == "Not graded, and so without any grade:"
    assert said[2].startswith("  zoe: a b xxx")
    assert len(said[2]) < 320
    assert said[4] == f"  check-root, {', '.join(many[:8])} and 32 more: {MESSAGE}"
    assert said[6] == f"  why: {', '.join(many[:8])} and 32 more"


def test_a_class_without_any_trouble_is_one_line() -> None:
    assert list(lines(Summary(graded=("ann",)))) == ["1 of 1 submissions are graded."]
