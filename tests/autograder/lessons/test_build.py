"""Text and notebooks follow from one another, byte for byte, and nobody's edit is lost."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode

from autograder.config import Course
from autograder.errors import CourseError, LeakError, MarkerError, UnpulledError
from autograder.lessons import build

ROOT = Path(__file__).parents[3]
LESSONS = sorted(path.stem for path in (ROOT / "source").glob("*.py"))
CODE, MARKDOWN = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def files(course: Course) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def reasons(course: Course) -> dict[str, str]:
    return {
        difference.path.relative_to(course.root).as_posix(): difference.reason
        for difference in build.check(course, course.topics())
    }


def contents(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


# Building


def test_a_second_build_changes_nothing(course: Course) -> None:
    before = files(course)
    assert build.build(course, ["tiny"]) == []
    assert build.check(course, ["tiny"]) == []
    assert files(course) == before


def test_a_build_from_the_text_alone_gives_the_same_bytes(course: Course, tiny: Path) -> None:
    course.notebook_path("tiny").unlink()
    course.release_path("tiny").unlink()
    written = build.build(course, ["tiny"])
    assert written == [course.notebook_path("tiny"), course.release_path("tiny")]
    for path in written:
        assert path.read_bytes() == (tiny / path.relative_to(course.root)).read_bytes()


def test_another_process_gives_the_same_bytes(course: Course) -> None:
    command = [sys.executable, "-m", "autograder", "--root", str(course.root), "build", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_release_shows_stubs_and_visible_checks_and_keeps_the_ids(course: Course) -> None:
    source = nbformat.read(course.notebook_path("tiny"), as_version=4)
    release = nbformat.read(course.release_path("tiny"), as_version=4)
    assert [cell.id for cell in release.cells] == [cell.id for cell in source.cells]
    shown = {cell.id: cell.source for cell in release.cells}
    assert (
        shown["double"]
        == 'def double(x):\n    """Return twice x."""\n    raise NotImplementedError'
    )
    assert shown["check-double"] == 'assert double(3) == 6, f"double(3) is {double(3)}"'
    assert shown["why"] == "Why is the square root of 2 irrational?\n\n*Your answer.*"
    assert {"setup", "predict-sign", "reveal-sign", "hints-double", "claim-exact"} <= shown.keys()


def test_an_unchanged_cell_keeps_its_id_whatever_stands_above_it(course: Course) -> None:
    before = build.to_notebook(course.text_path("tiny").read_text())
    after = build.to_notebook("# %% [markdown]\n# New\n\n" + course.text_path("tiny").read_text())
    assert [cell.id for cell in after.cells[1:]] == [cell.id for cell in before.cells]


def test_equal_plain_cells_have_ids_of_their_own() -> None:
    notebook = build.to_notebook("# %%\nx\n\n# %%\nx\n\n# %% [markdown]\n# x\n\n# %%\nx\n")
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == 4
    assert [ids[1], ids[3]] == [f"{ids[0]}-2", f"{ids[0]}-3"]


def test_a_topic_without_a_text_is_refused_before_anything_is_written(course: Course) -> None:
    edit(course.text_path("tiny"), "# # Tiny", "# # Small")
    before = files(course)
    with pytest.raises(CourseError, match="'huge' has no text"):
        build.build(course, ["tiny", "huge"])
    assert files(course) == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('# %% exercise="root"', '# %% exercise="double"', ["'double' stands in the lesson twice"]),
        ('# %% claim="exact"', "# %% setup", ["'setup' stands in the lesson twice"]),
        ('# %% claim="exact"', '# %% predict="sign"', ["'predict-sign' stands", "twice"]),
        ('written="why"', 'written="root"', ["'root' stands in the lesson twice"]),
        ('check="root"', 'check="double"', ["'check-double' stands in the lesson twice"]),
        ('check="root"', 'check="cube"', ['check="cube" has no exercise="cube"']),
        ('# %% check="root" points=0.5', "# %%", ['exercise="root" has no check="root"']),
        ('claim="exact"', 'habit="cube" points=1', ['habit="cube" has no exercise="cube"']),
        ('hints="double"', 'hints="cube"', ['hints="cube" has no exercise="cube"']),
        ("    ### BEGIN SOLUTION\n", "", ['exercise="double" has no "### BEGIN SOLUTION"']),
        ("# ### BEGIN SOLUTION\n", "#\n", ['written="why" has no "### BEGIN SOLUTION"']),
        ('check="root" points=0.5', 'check="root"', ["cell 9", "expected points="]),
        ('# %% claim="exact"', '# %% clam="exact"', ["cell 10", "clam='exact'"]),
    ],
)
def test_a_faulty_lesson_is_refused_with_its_file_and_nothing_is_written(
    old: str, new: str, words: list[str], course: Course
) -> None:
    edit(course.text_path("tiny"), old, new)
    before = files(course)
    with pytest.raises(MarkerError) as caught:
        build.build(course, ["tiny"])
    assert all(word in str(caught.value) for word in ["source/tiny.py: ", *words]), caught.value
    assert files(course) == before


# What students get beside the notebook


def test_files_of_the_assignments_folder_are_handed_out_and_taken_back(course: Course) -> None:
    extra = course.notebook_path("tiny").parent / "data/numbers.csv"
    extra.parent.mkdir()
    extra.write_text("1,2\n")
    released = course.release / "tiny/data/numbers.csv"
    assert reasons(course) == {"release/tiny/data/numbers.csv": "is missing"}
    assert build.build(course, ["tiny"]) == [released]
    assert released.read_text() == "1,2\n"
    extra.unlink()
    assert reasons(course) == {"release/tiny/data/numbers.csv": "has no source"}
    assert build.build(course, ["tiny"]) == [released]
    assert not released.exists()


@pytest.mark.parametrize("name", ["solutions.py", "notes/hidden.md", "tiny_old.txt"])
def test_a_file_of_the_folder_that_holds_a_solution_stops_the_build(
    name: str, course: Course
) -> None:
    path = course.notebook_path("tiny").parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(course.text_path("tiny").read_text())
    before = files(course)
    with pytest.raises(LeakError, match=path.name):
        build.build(course, ["tiny"])
    with pytest.raises(LeakError, match=path.name):
        build.check(course, ["tiny"])
    assert files(course) == before


def test_a_checkpoint_of_the_source_is_not_handed_out(course: Course) -> None:
    checkpoint = course.notebook_path("tiny").parent / ".ipynb_checkpoints/tiny-checkpoint.ipynb"
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(course.notebook_path("tiny").read_bytes())
    assert build.build(course, ["tiny"]) == []
    assert build.check(course, ["tiny"]) == []


# Checking


def test_a_fresh_course_has_no_differences(course: Course) -> None:
    assert reasons(course) == {}


def test_a_change_of_the_text_shows(course: Course) -> None:
    edit(course.text_path("tiny"), "return x + x", "return 2 * x")
    assert reasons(course)["source/tiny/tiny.ipynb"] == "is not what the text gives"
    edit(course.text_path("tiny"), "# # Tiny", "# # Small")
    assert reasons(course)["release/tiny/tiny.ipynb"] == "is not what the text gives"


@pytest.mark.parametrize(("old", "new"), [("# Tiny", "# Edited"), ('"points": 2', '"points": 3')])
def test_a_hand_edit_of_the_source_notebook_shows(old: str, new: str, course: Course) -> None:
    edit(course.notebook_path("tiny"), old, new)
    assert reasons(course) == {"source/tiny/tiny.ipynb": "was edited by hand"}


def test_a_cell_that_became_one_without_a_marker_is_named(course: Course) -> None:
    edit(course.notebook_path("tiny"), '"locked": true', '"locked": false')
    with pytest.raises(MarkerError, match="cell 'setup' is an nbgrader cell"):
        build.check(course, ["tiny"])
    with pytest.raises(MarkerError, match="cell 'setup' is an nbgrader cell"):
        build.pull(course, "tiny")
    assert build.build(course, ["tiny"], force=True) == [course.notebook_path("tiny")]


def test_an_output_in_the_source_notebook_shows(course: Course) -> None:
    notebook = nbformat.read(course.notebook_path("tiny"), as_version=4)
    notebook.cells[1].execution_count = 3
    nbformat.write(notebook, course.notebook_path("tiny"))
    assert reasons(course) == {"source/tiny/tiny.ipynb": "is not what the text gives"}


def test_a_hand_edit_of_the_release_shows(course: Course) -> None:
    edit(course.release_path("tiny"), "# Tiny", "# Edited")
    assert reasons(course) == {"release/tiny/tiny.ipynb": "is not what the text gives"}
    assert build.build(course, ["tiny"]) == [course.release_path("tiny")]


@pytest.mark.parametrize("name", ["source/tiny/tiny.ipynb", "release/tiny/tiny.ipynb"])
def test_a_missing_notebook_shows(name: str, course: Course) -> None:
    (course.root / name).unlink()
    assert reasons(course) == {name: "is missing"}


def test_a_surplus_file_in_the_release_shows_and_goes(course: Course) -> None:
    surplus = course.release / "tiny/old/answers.txt"
    surplus.parent.mkdir()
    surplus.write_text("42")
    assert reasons(course) == {"release/tiny/old/answers.txt": "has no source"}
    assert build.build(course, ["tiny"]) == [surplus]
    assert reasons(course) == {}


# Pulling


def test_an_edit_in_the_notebook_comes_back_and_survives_the_next_build(course: Course) -> None:
    path, text_path = course.notebook_path("tiny"), course.text_path("tiny")
    text = text_path.read_text()
    notebook = nbformat.read(path, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "check-double")
    cell.source = cell.source.replace("-1.5) == -3.0", "-2.5) == -5.0")
    cell.metadata.nbgrader.points = 4
    notebook.cells.insert(1, CODE("x = 1\n", outputs=[nbformat.v4.new_output("stream", text="o")]))
    nbformat.write(notebook, path)

    assert build.pull(course, "tiny")
    expected = (
        text.replace("double(-1.5) == -3.0", "double(-2.5) == -5.0")
        .replace('check="double" points=2', 'check="double" points=4')
        .replace("\n# %% setup", "\n# %%\nx = 1\n\n# %% setup")
    )
    assert text_path.read_text() == expected

    build.build(course, ["tiny"])
    assert text_path.read_text() == expected
    assert reasons(course) == {}
    built = nbformat.read(path, as_version=4)
    assert [c.source for c in built.cells] == [c.source.rstrip("\n") for c in notebook.cells]
    assert not any(c.get("outputs") for c in built.cells)
    assert '"points": 4' in course.release_path("tiny").read_text()


def test_a_pull_without_an_edit_changes_nothing(course: Course) -> None:
    before = files(course)
    assert not build.pull(course, "tiny")
    assert files(course) == before


def test_a_second_pull_changes_nothing(course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Edited")
    assert build.pull(course, "tiny")
    before = files(course)
    assert not build.pull(course, "tiny")
    assert files(course) == before


def test_after_a_pull_the_text_may_go_on(course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Edited")
    build.pull(course, "tiny")
    edit(course.text_path("tiny"), "# # Edited", "# # Edited again")
    build.build(course, ["tiny"])
    assert "# Edited again" in course.release_path("tiny").read_text()


def test_an_edit_that_was_not_pulled_stops_the_build(course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Notebook")
    before = files(course)
    with pytest.raises(UnpulledError, match=r"autograder pull tiny.*--force"):
        build.build(course, ["tiny"])
    assert files(course) == before
    assert build.build(course, ["tiny"], force=True) == [course.notebook_path("tiny")]
    assert reasons(course) == {}


def test_a_text_that_went_on_stops_the_pull(course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Notebook")
    edit(course.text_path("tiny"), "# # Tiny", "# # Text")
    before = files(course)
    with pytest.raises(UnpulledError, match=r"--force and merge with `git diff`"):
        build.pull(course, "tiny")
    with pytest.raises(UnpulledError):
        build.build(course, ["tiny"])
    assert files(course) == before
    assert build.pull(course, "tiny", force=True)
    assert "# # Notebook" in course.text_path("tiny").read_text()
    assert "# # Text" not in course.text_path("tiny").read_text()


def test_the_same_edit_on_both_sides_is_no_conflict(course: Course) -> None:
    edit(course.notebook_path("tiny"), "# Tiny", "# Small")
    edit(course.text_path("tiny"), "# # Tiny", "# # Small")
    assert not build.pull(course, "tiny")
    build.build(course, ["tiny"])
    assert reasons(course) == {}


def test_pulling_needs_a_notebook(course: Course) -> None:
    course.notebook_path("tiny").unlink()
    with pytest.raises(CourseError, match="is missing; make it with `autograder build tiny`"):
        build.pull(course, "tiny")


@pytest.mark.parametrize(
    "cell",
    [
        CODE("x = 1\n# %% a title\ny = 2"),
        CODE("#%%\nx"),
        MARKDOWN("![](attachment:a.png)", attachments={"a.png": {"image/png": "AAAA"}}),
    ],
)
def test_a_cell_that_a_text_cannot_hold_stops_the_pull(cell: NotebookNode, course: Course) -> None:
    notebook = nbformat.read(course.notebook_path("tiny"), as_version=4)
    notebook.cells.insert(2, cell)
    nbformat.write(notebook, course.notebook_path("tiny"))
    before = files(course)
    with pytest.raises(CourseError, match="cell 3 of the notebook cannot be written as text"):
        build.pull(course, "tiny")
    assert files(course) == before


# Text and notebook


@pytest.mark.parametrize("topic", LESSONS)
def test_the_way_to_the_notebook_and_back_gives_the_lessons_text(topic: str) -> None:
    text = (ROOT / "source" / f"{topic}.py").read_text()
    assert build.to_text(build.to_notebook(text)) == text


@pytest.mark.parametrize(
    "cells",
    [
        [nbformat.v4.new_raw_cell("raw"), CODE("x")],
        [CODE("%time x = 1"), CODE("!ls"), CODE("%%bash\necho"), CODE("x\n%matplotlib inline")],
        [CODE(""), MARKDOWN(""), CODE("")],
        [CODE("\n\nx"), MARKDOWN("a\n\n\nb"), CODE("# a comment")],
        [MARKDOWN("# %% a title"), MARKDOWN("```python\n# %%\n```"), MARKDOWN('"""')],
        [CODE('"""A docstring."""'), CODE("# ---\n# a: b\n# ---"), MARKDOWN("---\na: b\n---")],
        [CODE("print?"), CODE("# %time x"), CODE("cd = 3")],
        [
            CODE("def f():\n    pass"),
            CODE("class A:\n    pass"),
            CODE("@d\ndef f(): pass"),
            CODE("x"),
        ],
    ],
)
def test_the_way_to_the_text_and_back_gives_the_cells(cells: list[NotebookNode]) -> None:
    notebook = nbformat.v4.new_notebook(cells=cells)
    text = build.to_text(notebook)
    assert contents(build.to_notebook(text)) == contents(notebook)
    assert build.to_text(build.to_notebook(text)) == text


LINES = st.sampled_from(
    [
        "x = 1",
        "",
        "    y",
        "# note",
        "def f():",
        "    return 1",
        "%time",
        "'''",
        "é √",
        "# %%",
        "# +",
    ]
)
CELLS = st.builds(
    lambda make, lines: make("\n".join(lines)),
    st.sampled_from([CODE, MARKDOWN, nbformat.v4.new_raw_cell]),
    st.lists(LINES, max_size=5),
)


@given(cells=st.lists(CELLS, min_size=1, max_size=4))
def test_a_text_gives_the_same_cells_or_is_refused(cells: list[NotebookNode]) -> None:
    notebook = nbformat.v4.new_notebook(cells=cells)
    try:
        text = build.to_text(notebook)
    except CourseError:
        return
    again = build.to_notebook(text)
    assert contents(again) == [(kind, source.rstrip("\n")) for kind, source in contents(notebook)]
    assert build.to_text(again) == text


def test_trailing_blank_lines_of_a_cell_are_dropped_for_good() -> None:
    text = build.to_text(nbformat.v4.new_notebook(cells=[CODE("x\n\n\n"), CODE("y\n")]))
    assert text == "# %%\nx\n\n# %%\ny\n"


def test_definitions_stand_apart_as_a_formatter_would_have_it() -> None:
    cells = [CODE("x"), CODE("def f():\n    pass"), CODE("y"), MARKDOWN("z")]
    text = build.to_text(nbformat.v4.new_notebook(cells=cells))
    assert text == "# %%\nx\n\n\n# %%\ndef f():\n    pass\n\n\n# %%\ny\n\n# %% [markdown]\n# z\n"
