"""A small class to look at: what students hand in, good and bad, graded in a folder of its own."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.config import Course
from autograder.lessons.lesson import Lesson, load
from autograder.notebooks.cells import marks_of

__all__ = ["FOLDER", "Pupil", "demo_course", "make_class"]

FOLDER = "demo"
DUE = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Pupil:
    """One member of the demonstration's class, and what became of the lesson in their hands."""

    name: str
    story: str


def demo_course(root: Path) -> Course:
    """Return the course with everything that grading writes in the folder demo.

    Lessons come from the course; the instructor's own gradebook and submissions are not touched.
    """
    override = Config()
    for step in ("release", "submitted", "autograded", "feedback"):
        override.CourseDirectory[f"{step}_directory"] = f"{FOLDER}/{step}"
    # One of the class never comes to an end, and nobody wants to wait a minute for that.
    override.Autograder.cell_time = 10.0
    override.CourseDirectory.db_url = f"sqlite:///{root.resolve() / FOLDER}/gradebook.db"
    return Course(root, override)


def make_class(course: Course, demo: Course, topic: str) -> list[Pupil]:
    """Write the submissions of a class into the demonstration's folder."""
    lesson = load(course, topic)
    release = nbformat.read(course.release_path(topic), as_version=4)
    right = {exercise.name: exercise.solution for exercise in lesson.exercises}
    pupils = []

    def submit(name: str, story: str, content: NotebookNode | str, *, late: bool = False) -> None:
        folder = demo.root / demo.directory("submitted") / name / topic
        folder.mkdir(parents=True)
        text = content if isinstance(content, str) else nbformat.writes(content)
        (folder / f"{topic}.ipynb").write_text(text)
        moment = DUE + timedelta(hours=30 if late else -30)
        (folder / "timestamp.txt").write_text(f"{moment:%Y-%m-%d %H:%M:%S UTC}")
        pupils.append(Pupil(name, story))

    submit("ada", "all right", fill(release, right))
    for number, name in enumerate(("ben", "cai")):
        answers = right | _alternatives(lesson, number)
        submit(name, "all right, in other words", fill(release, answers))
    for number, name in enumerate(("dee", "eli", "fay")):
        wrong = _misconceptions(lesson, number)
        submit(name, f"{len(wrong)} common mistakes", fill(release, right | wrong))
    submit("gus", "untouched", release)
    first, second = lesson.exercises[:2]
    broken = {first.name: "def relu(x:\n    return x"}
    submit("hal", "a syntax error in one answer", fill(release, right | broken))
    endless = {second.name: second.stub + "\n\nwhile True:\n    pass"}
    submit("ivy", "an endless loop in one answer", fill(release, right | endless))
    submit("joy", "all right, a day late", fill(release, right), late=True)
    submit("kim", "a file that is no notebook", json.dumps("my homework")[:-3])
    cheat = dict.fromkeys(right, FORGERY)
    submit("lou", "patches what tests rely on", fill(release, cheat))
    pupils.append(Pupil("max", "has submitted nothing"))
    return pupils


# Makes every comparison true and every exit code 0 in its own process, and answers nothing.
FORGERY = """
import sys, torch
torch.equal = torch.allclose = lambda *args, **kwargs: True
torch.testing.assert_close = lambda *args, **kwargs: None
get_ipython().input_transformers_post.append(lambda lines: ["pass"])
sys.displayhook = lambda value: None
"""


def fill(release: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """Return a released notebook with answers in its answer cells."""
    notebook = nbformat.from_dict(json.loads(nbformat.writes(release)))
    for cell in notebook.cells:
        marks = marks_of(cell)
        if marks.solution and marks.grade_id in answers:
            cell.source = answers[marks.grade_id]
    return notebook


def clear(course: Course) -> None:
    """Remove what an earlier demonstration left."""
    shutil.rmtree(course.root / FOLDER, ignore_errors=True)
    (course.root / FOLDER).mkdir()


def _alternatives(lesson: Lesson, number: int) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for answer in lesson.alternatives:
        found.setdefault(answer.exercise, []).append(answer.source)
    return {name: sources[number % len(sources)] for name, sources in found.items()}


def _misconceptions(lesson: Lesson, number: int) -> dict[str, str]:
    """Return a wrong answer to every third exercise, another choice for each number."""
    found: dict[str, list[str]] = {}
    for answer in lesson.misconceptions:
        found.setdefault(answer.exercise, []).append(answer.source)
    chosen = list(found)[number::3]
    return {name: found[name][number % len(found[name])] for name in chosen}
