"""No submission can read the answers to its own lesson, in whatever form and wherever they lie.

What is exposed is searched always, and all that a submission can open (one to two gigabytes) in
the whole corpora.
"""

import json
import os
import py_compile
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

from autograder.config import Autograder, Course
from autograder.errors import SandboxError
from autograder.inside import search
from autograder.inside.search import Marks
from autograder.lessons.lesson import load
from autograder.sandbox.pool import discard, perhaps_readable, sandbox_for
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.secrecy import marks_of, readable_answers
from tests.grading import tiny
from tests.grading.course import FIRST, HARDENED
from tests.grading.course import Course as ClassRoom

COURSE = Course(Path(__file__).parents[2])
TOPICS = COURSE.topics()


def marks(topic: str) -> tuple[Marks, ...]:
    lesson = load(COURSE, topic)
    shown = nbformat.read(COURSE.release_path(topic), as_version=4)
    return marks_of(
        {exercise.name: exercise.solution for exercise in lesson.exercises},
        [cell.source for cell in shown.cells],
    )


@pytest.mark.parametrize("topic", TOPICS)
def test_a_submission_reads_no_answer_to_its_lesson(topic: str) -> None:
    settings = COURSE.options.settings(topic)
    box = Sandbox(
        limits=settings.limits,
        expose=settings.expose,
        hide=settings.hide,
        withhold=settings.withhold,
    )
    with box as sandbox:
        folders = [str(place) for place in sandbox.offer.locations().values()]
        if os.environ.get("WHOLE_CORPUS"):
            folders = ["/"]
        assert readable_answers(sandbox.submission, marks(topic), folders) == []


@pytest.mark.parametrize("topic", TOPICS)
def test_most_exercises_of_a_lesson_have_marks_that_tell_them(topic: str) -> None:
    exercises = load(COURSE, topic).exercises
    assert len(marks(topic)) > 0.7 * len(exercises)


def source(text: str, folder: Path) -> None:
    (folder / "found.py").write_text(text)


def bytecode(text: str, folder: Path) -> None:
    source(text, folder)
    py_compile.compile(str(folder / "found.py"), cfile=str(folder / "found.bin"))
    (folder / "found.py").unlink()


def notebook(text: str, folder: Path) -> None:
    cells = [nbformat.v4.new_code_cell(text)]
    (folder / "found.json").write_text(json.dumps(nbformat.v4.new_notebook(cells=cells)))


def notes(text: str, folder: Path) -> None:
    (folder / "found.txt").write_text("\n".join("> " + line.strip() for line in text.splitlines()))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("plant", [source, bytecode, notebook, notes])
def test_an_answer_that_is_planted_is_found(
    topic: str, plant: Callable[[str, Path], None], tmp_path: Path
) -> None:
    for number, exercise in enumerate(load(COURSE, topic).exercises):
        (tmp_path / str(number)).mkdir()
        plant(exercise.solution, tmp_path / str(number))
    found = " ".join(search.find([str(tmp_path)], marks(topic)))
    # One line is known by its bytecode alone, few instructions by their lines.
    known = [m for m in marks(topic) if (m.codes if plant is bytecode else len(m.lines) > 1)]
    assert len(known) > 2
    missing = [each.exercise for each in known if f"answers {each.exercise}" not in found]
    assert missing == []


@pytest.mark.parametrize("topic", TOPICS)
def test_the_notebook_that_students_are_given_gives_nothing_away(topic: str) -> None:
    assert [*search.find([str(COURSE.release / topic)], marks(topic))] == []


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop("library", None)


def test_grading_stops_where_an_answer_can_be_read(library: Path) -> None:
    (exercise, *_) = [e for e in load(COURSE, "pooling").exercises if len(e.solution) > 500]
    settings = Autograder(expose=["library"]).settings("pooling")
    (library / "notes.txt").write_text("Nothing of interest.")
    assert sandbox_for(settings, marks("pooling"))
    discard(settings)
    (library / "notes.txt").write_text(exercise.solution)
    for _ in range(2):  # and stays stopped
        with pytest.raises(SandboxError, match=rf"notes\.txt answers {exercise.name}"):
            sandbox_for(settings, marks("pooling"))


SHORT = """
def area(width, height):
    half_of_it = width * height / 2
    return half_of_it if width > 0 else 0.0
"""
LONG = (
    SHORT
    + "\n\ndef both(one, another):\n"
    + "".join(f"    sum_number_{n} = one * {n} + another * {n}\n" for n in range(4))
)


@pytest.mark.parametrize(
    ("solution", "shown", "lies", "found"),
    [
        (SHORT, "", SHORT, "perhaps answers area"),
        (SHORT, SHORT, SHORT, ""),
        (SHORT, "", "half_of_it = 5\n", ""),
        (LONG, "", LONG, "answers area"),
        (LONG, "", SHORT, ""),
        (LONG, SHORT, LONG, "answers area"),
        ("def f(x):\n    return x\n", "", "def f(x):\n    return x\n", ""),
    ],
)
def test_what_is_short_or_common_stops_nothing(
    solution: str, shown: str, lies: str, found: str, tmp_path: Path
) -> None:
    source(lies, tmp_path)
    said = [*search.find([str(tmp_path)], marks_of({"area": solution}, [shown]))]
    assert said == ([f"{tmp_path / 'found.py'} {found}"] if found else [])


def test_what_may_be_an_answer_is_told_and_grading_goes_on(library: Path) -> None:
    settings = Autograder(expose=["library"], memory=1024).settings("short")
    (library / "notes.txt").write_text(SHORT)
    answers = marks_of({"area": SHORT})
    assert sandbox_for(settings, answers)
    try:
        (line,) = perhaps_readable(settings, answers)
        assert line.endswith("notes.txt perhaps answers area")
        assert perhaps_readable(settings, ()) == ()
    finally:
        discard(settings)


def test_autograde_stops_and_says_which_file_answers_which_exercise(tmp_path: Path) -> None:
    course = ClassRoom(tmp_path / "base", HARDENED)
    try:
        (course.keys / "library" / "notes.txt").write_text(tiny.RIGHT["scale"])
        course.submit(FIRST, course.solved())
        outcome = course.grade(feedback=False)
        assert outcome.status != 0
        assert "notes.txt answers scale" in outcome.log
        assert course.autograded(FIRST) is None
        assert set(outcome.points(FIRST).values()) == {0.0}
    finally:
        course.close()
