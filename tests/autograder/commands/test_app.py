"""The command says in a sentence what it did or what is wrong, and its exit code says which."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

from autograder.commands.app import main
from autograder.config import Course
from autograder.lessons import build

Run = Callable[..., Result]


@pytest.fixture
def run(course: Course) -> Run:
    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(main, ["--root", str(course.root), *arguments])
        # Anything but a CourseError is a defect, and shows as a traceback.
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return invoke


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_fresh_course_passes_the_check_in_silence(run: Run) -> None:
    result = run("build", "--check")
    assert (result.exit_code, result.output) == (0, "")


def test_a_stale_course_fails_the_check_with_the_files_and_what_to_do(
    run: Run, course: Course
) -> None:
    edit(course.text_path("tiny"), "# # Tiny", "# # Small")
    result = run("build", "--check", "tiny")
    assert result.exit_code == 1
    assert "source/tiny/tiny.ipynb is not what the text gives\n" in result.output
    assert "release/tiny/tiny.ipynb is not what the text gives\n" in result.output
    assert "Error: the notebooks are stale; run `autograder build`" in result.output


def test_build_names_what_it_wrote_and_nothing_else(run: Run, course: Course) -> None:
    assert run("build").output == ""
    edit(course.text_path("tiny"), "return x + x", "return x + x + 0")
    result = run("build")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "wrote source/tiny/tiny.ipynb",
        "wrote release/tiny/tiny.ipynb",  # which remembers what it was built from
    ]


def test_an_edited_notebook_is_pulled_or_dropped_but_never_lost(run: Run, course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Edited")
    refused = run("build")
    assert refused.exit_code == 1
    assert "autograder pull tiny" in refused.output
    assert "--force" in refused.output
    pulled = run("pull", "tiny")
    assert (pulled.exit_code, pulled.output) == (0, "wrote source/tiny.py\n")
    assert "# # Edited" in course.text_path("tiny").read_text()
    again = run("pull", "tiny")
    assert again.output == "source/tiny.py is already what the notebook says\n"
    assert "wrote release/tiny/tiny.ipynb\n" in run("build").output

    edit(course.notebook_path("tiny"), "# Edited", "# Dropped")
    assert run("build", "--force").output == "wrote source/tiny/tiny.ipynb\n"
    assert "# Edited" in course.notebook_path("tiny").read_text()


def test_a_conflict_is_refused_by_pull_unless_forced(run: Run, course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Notebook")
    edit(course.text_path("tiny"), "# # Tiny", "# # Text")
    refused = run("pull", "tiny")
    assert refused.exit_code == 1
    assert "git diff" in refused.output
    assert "# # Text" in course.text_path("tiny").read_text()
    assert run("pull", "tiny", "--force").exit_code == 0
    assert "# # Notebook" in course.text_path("tiny").read_text()


@pytest.mark.parametrize("command", ["build", "pull", "matrix", "mutants"])
def test_an_unknown_topic_is_refused_in_a_sentence(command: str, run: Run) -> None:
    result = run(command, "huge")
    assert result.exit_code == 1
    assert result.output.startswith("Error: 'huge' has no text") or "huge" in result.output
    assert "Traceback" not in result.output


def test_a_folder_that_is_no_course_is_refused_in_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["--root", str(tmp_path), "build"])
    assert result.exit_code == 1
    assert "has no nbgrader_config.py" in result.output


def test_the_root_is_the_current_folder_by_default(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(course.root)
    assert CliRunner().invoke(main, ["build", "--check"]).exit_code == 0


def test_a_sound_matrix_shows_sums_and_passes(run: Run) -> None:
    result = run("matrix")
    assert result.exit_code == 0
    line = next(line for line in result.output.splitlines() if "double" in line)
    # Untouched and one misconception die by the visible part, one by the hidden part; the
    # reference and one alternative pass.
    assert line.replace("│", " ").split() == ["double", "2", "1", "0", "2", "0"]


def test_all_answers_are_shown_on_request(run: Run) -> None:
    result = run("matrix", "tiny", "--all")
    assert result.exit_code == 0
    for word in ("squared", "above_zero", "signed", "times_two", "untouched", "reference"):
        assert word in result.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "assert double(-1.5) == -3.0",
            "assert double(-1.5) <= 0",
            "double: misconception 'above_zero' is passed.",
        ),
        (
            "assert root(-6.25) == 2.5",
            "assert root(x=-6.25) == 2.5",
            "root: alternative 'power' is killed by hidden. TypeError",
        ),
        (
            "assert root(16.0) == 4.0\n",
            "try:\n    root(16.0)\nexcept NotImplementedError:\n    root = lambda x: abs(x)**0.5\n",
            "root: untouched 'untouched' is passed.",
        ),
        (
            "assert double(3) == 6,",
            "assert double(3) == 7,",
            "double: reference 'reference' is killed by visible. AssertionError: double(3) is 6",
        ),
    ],
)
def test_a_wrong_verdict_turns_the_matrix_red(
    old: str, new: str, said: str, run: Run, course: Course
) -> None:
    edit(course.text_path("tiny"), old, new)
    build.build(course, ["tiny"])
    result = run("matrix")
    assert result.exit_code == 1
    assert said in " ".join(result.output.split())
    assert "got the wrong verdict" in result.output


def test_a_mutant_that_passes_is_shown_as_a_bank_would_have_it(run: Run, course: Course) -> None:
    result = run("mutants", "tiny", "--processes", "1")
    assert result.exit_code == 0
    rows = [line.replace("│", " ").split() for line in result.output.splitlines()]
    # Deleted, - or * for +; deleted.
    assert ["double", "3", "3", "0", "0", "0", "0"] in rows
    assert ["root", "1", "1", "0", "0", "0", "0"] in rows

    edit(course.text_path("tiny"), "assert double(3) == 6,", "assert double(0) == 0,")
    edit(course.text_path("tiny"), "assert double(-1.5) == -3.0", "assert double(2) == 4")
    build.build(course, ["tiny"])
    result = run("mutants", "tiny", "--processes", "1")
    assert result.exit_code == 1
    passes = "tiny, double: a mutant passes: add a test, or this equivalent with its reason\n"
    cell = "# - return x + x\n# + return x * x\n"
    assert passes + cell in result.output
    assert "1 mutants or equivalents are not as they should be" in result.output

    bank = course.root / "answers/tiny.py"
    bank.write_text(
        f'{bank.read_text()}\n# %% equivalent exercise="double"\n# Equal at 0 and 2.\n{cell}'
    )
    assert run("mutants", "tiny", "--processes", "1").exit_code == 0


@pytest.mark.parametrize(
    ("come", "said"),
    [
        ("x - x", "a mutant is killed by visible: this equivalent is none"),
        ("2 * x", "this equivalent is no mutant"),
    ],
)
def test_an_equivalent_that_is_none_turns_the_mutants_red(
    come: str, said: str, run: Run, course: Course
) -> None:
    bank = course.root / "answers/tiny.py"
    cell = f'# %% equivalent exercise="double"\n# Why not.\n# - return x + x\n# + return {come}\n'
    bank.write_text(f"{bank.read_text()}\n{cell}")
    result = run("mutants", "tiny", "--processes", "1")
    assert result.exit_code == 1
    assert f"tiny, double: {said}\n# - return x + x\n# + return {come}\n" in result.output


def test_a_sample_of_the_mutants_is_tried_on_request(run: Run) -> None:
    result = run("mutants", "--sample", "1", "--processes", "1")
    assert result.exit_code == 0
    rows = [line.replace("│", " ").split() for line in result.output.splitlines()]
    assert sum(int(row[1]) for row in rows if row and row[0] in ("double", "root")) == 1


def test_a_refusal_of_nbgraders_comes_as_its_reason_alone(run: Run, course: Course) -> None:
    edit(
        course.text_path("tiny"),
        "# Two functions and a question.\n",
        "# === BEGIN MARK SCHEME ===\n# A point.\n# === END MARK SCHEME ===\n",
    )
    result = run("build")
    assert result.exit_code == 1
    assert "tiny: nbgrader refused" in result.output
    assert "RuntimeError: Mark scheme region detected in a non-grade cell" in result.output
    assert "Traceback" not in result.output


def test_notebooks_are_read_back_as_they_were_written(course: Course) -> None:
    notebook = nbformat.read(course.release_path("tiny"), as_version=4)
    nbformat.validate(notebook)
    assert "BEGIN" not in nbformat.writes(notebook)
