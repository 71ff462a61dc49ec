"""The first lesson is an ordinary nbgrader assignment: nbgrader's own commands do all with it.

Everything runs on a copy, with a configuration of its own, so that nbgrader's preprocessors are
the ones it ships.
"""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from autograder.config import Course
from autograder.lessons.lesson import Lesson, load

ROOT = Path(__file__).parents[3]
TOPIC = "activations"
# The stubs are those of the course; all else is nbgrader's default.
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "copy"
c.ClearSolutions.code_stub = {"python": %r}
c.ClearSolutions.text_stub = %r
"""

# One worker grades; its tests read what came of it.
pytestmark = pytest.mark.xdist_group("stock")

Command = Callable[..., str]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course with two submissions.

    Ada's is the whole lesson with the reference's answers, Bob's has nothing but untouched cells.
    """
    root = tmp_path_factory.mktemp("stock")
    for folder in ("cnnlib", "course", f"source/{TOPIC}"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    stubs = Course(ROOT).config.ClearSolutions
    (root / "nbgrader_config.py").write_text(CONFIG % (stubs.code_stub["python"], stubs.text_stub))
    released = ROOT / "release" / TOPIC / f"{TOPIC}.ipynb"
    for student in ("ada", "bob"):
        (root / "submitted" / student / TOPIC).mkdir(parents=True)
        shutil.copy(released, root / "submitted" / student / TOPIC)
    ada, bob = (
        root / "submitted" / student / TOPIC / f"{TOPIC}.ipynb" for student in ("ada", "bob")
    )
    solve(ada)
    keep_graded_cells(bob)
    shutil.copy(ada, root / "solved.ipynb")
    keep_graded_cells(root / "solved.ipynb")
    return root


def keep_graded_cells(path: Path) -> None:
    """Drop what nbgrader does not know: the lesson's trainings, which take most of the time."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    nbformat.write(notebook, path)


def solve(path: Path) -> None:
    """Put the reference's answers into a student's notebook."""
    source = nbformat.read(Course(ROOT).notebook_path(TOPIC), as_version=4)
    answers = {cell.id: "\n".join(without_comments(cell.source)) for cell in source.cells}
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answers[cell.id]
    nbformat.write(notebook, path)


def without_comments(source: str) -> list[str]:
    return [
        line for line in source.splitlines() if "### BEGIN" not in line and "### END" not in line
    ]


@pytest.fixture(scope="module")
def nbgrader(root: Path) -> Command:
    """Run a command of nbgrader in the copy; give what it says."""
    home = root / ".home"
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        # nbgrader calls alembic, which lies beside the interpreter, by its bare name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(root),
        "USER": "instructor",
    }
    home.mkdir()

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def graded(root: Path, nbgrader: Command) -> Path:
    """The copy after everything that an instructor does until grades are out."""
    nbgrader("generate_assignment", TOPIC)
    nbgrader("autograde", TOPIC)
    nbgrader("generate_feedback", TOPIC)
    nbgrader("export")
    return root


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return load(Course(ROOT), TOPIC)


def test_nbgrader_makes_the_release_that_is_committed(graded: Path) -> None:
    name = f"release/{TOPIC}/{TOPIC}.ipynb"
    assert (graded / name).read_text() == (ROOT / name).read_text()


def test_the_reference_gets_all_automatic_points_and_an_untouched_notebook_none(
    graded: Path, lesson: Lesson
) -> None:
    with (graded / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    automatic = sum(exercise.points + exercise.habit_points for exercise in lesson.exercises)
    assert rows.keys() == {"ada", "bob"}
    assert float(rows["ada"]["raw_score"]) == automatic
    assert float(rows["bob"]["raw_score"]) == 0
    # The written questions wait for a person.
    assert float(rows["ada"]["max_score"]) == automatic + 3 * len(lesson.written)


@pytest.mark.parametrize("student", ["ada", "bob"])
def test_feedback_shows_every_check_with_its_points(
    student: str, graded: Path, lesson: Lesson
) -> None:
    page = (graded / "feedback" / student / TOPIC / f"{TOPIC}.html").read_text()
    for exercise in lesson.exercises:
        assert f"check-{exercise.name}" in page
    raised = page.count("This cell ends here.")
    assert raised == 0 if student == "ada" else raised >= len(lesson.exercises)


def test_validating_an_untouched_notebook_shows_every_unsolved_exercise(
    nbgrader: Command, lesson: Lesson
) -> None:
    said = nbgrader("validate", f"submitted/bob/{TOPIC}/{TOPIC}.ipynb")
    checks = sum(len(exercise.checks) for exercise in lesson.exercises)
    unsolved = checks + len(lesson.written)
    assert f"VALIDATION FAILED ON {unsolved} CELL(S)!" in said
    assert "HAVE CHANGED" not in said
    assert said.count("The following cell failed:") == unsolved
    assert said.count("You did not provide a response.") == len(lesson.written)
    assert said.count("This cell ends here.") >= checks


def test_validating_the_reference_finds_nothing(nbgrader: Command) -> None:
    said = nbgrader("validate", "solved.ipynb")
    assert "Success! Your notebook passes all the tests." in said
