"""Of a submission its answers count, and nothing else."""

import json
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.notebooks.cells import role_of
from autograder.notebooks.rebuild import DamagedError, Original, read_submission, rebuild
from tests.grading.pages import active


def marks(name: str, **kind: Any) -> dict[str, Any]:
    base = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**base, "grade_id": name, **kind}}


def answer(name: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=name, metadata=marks(name, solution=True))


def check(name: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=name, metadata=marks(name, grade=True, locked=True, points=2))


@pytest.fixture
def original() -> Original:
    cells = [
        new_markdown_cell("# Lesson", id="title"),
        new_code_cell("import math", id="setup", metadata=marks("setup", locked=True)),
        answer("f", "def f(): return 1"),
        check("check-f", "assert f() == 1  # hidden"),
        new_code_cell("x = 3", id="plain"),
        answer("g", "def g(): return 2"),
        check("check-g", "assert g() == 2"),
        new_markdown_cell("model", id="why", metadata=marks("why", solution=True, grade=True)),
    ]
    texts = {"f": "stub", "g": "stub", "why": "Your answer here."}
    return Original(new_notebook(cells=cells), texts)


def submitted(*cells: NotebookNode) -> list[dict[str, Any]]:
    return json.loads(nbformat.writes(new_notebook(cells=list(cells))))["cells"]


def sources(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


FULL = (
    new_markdown_cell("# Lesson", id="title"),
    new_code_cell("import math", id="setup", metadata=marks("setup", locked=True)),
    answer("f", "my f"),
    check("check-f", "assert f() == 1"),
    new_code_cell("x = 4", id="plain"),
    answer("g", "my g"),
    check("check-g", "assert g() == 2"),
    new_markdown_cell("because", id="why", metadata=marks("why", solution=True, grade=True)),
)
EXPECTED = [
    "# Lesson",
    "import math",
    "my f",
    "assert f() == 1  # hidden",
    "x = 4",
    "my g",
    "assert g() == 2",
    "because",
]


def test_answers_open_cells_and_hidden_tests_meet(original: Original) -> None:
    notebook = rebuild(original, submitted(*FULL))
    assert sources(notebook) == EXPECTED
    nbformat.validate(notebook)


def test_order_is_the_instructor_s(original: Original) -> None:
    notebook = rebuild(original, submitted(*FULL[::-1]))
    assert sources(notebook) == EXPECTED


def test_edited_and_deleted_tests_and_setup_come_back(original: Original) -> None:
    edited = [FULL[2], check("check-f", "pass"), FULL[5]]
    notebook = rebuild(original, submitted(*edited))
    assert sources(notebook)[:4] == EXPECTED[:4]


def test_metadata_tags_and_outputs_are_the_instructor_s(original: Original) -> None:
    cell = answer("f", "my f")
    cell.metadata.tags = ["skip-execution"]
    cell.metadata.nbgrader.points = 100
    cell.outputs = [nbformat.v4.new_output("stream", text="full marks")]
    notebook = rebuild(original, submitted(cell))
    rebuilt = notebook.cells[2]
    assert rebuilt.metadata == original.notebook.cells[2].metadata
    assert rebuilt.outputs == []


def test_a_missing_answer_is_noted_and_runs_as_nothing(original: Original) -> None:
    notebook = rebuild(original, submitted(FULL[2]))
    assert notebook.cells[5].source == ""
    assert role_of(notebook.cells[5]) == "missing"


@pytest.mark.parametrize("kind", ["markdown", "code"])
def test_who_grades_by_hand_sees_the_model_answer_before_the_answer(
    original: Original, kind: str
) -> None:
    model = "Why?\n### BEGIN SOLUTION\nBecause **so**.\n### END SOLUTION"
    make = {"markdown": new_markdown_cell, "code": new_code_cell}[kind]
    cell = make(model, id="why", metadata=marks("why", solution=True, grade=True))
    original.notebook.cells[-1] = cell
    theirs = make("my words", id="why", metadata=marks("why", solution=True, grade=True))
    # Nobody can take a cell of a student's for it, or keep one out by its id.
    own = new_markdown_cell("so what", id="rubric-why", metadata={"autograder_role": "rubric"})
    rebuilt = rebuild(original, submitted(own, *FULL[:-1], theirs))
    rubrics = [cell for cell in rebuilt.cells if role_of(cell) == "rubric"]
    assert rubrics == [rebuilt.cells[-2]]
    assert "Because **so**." in rubrics[0].source
    assert "Why?" not in rubrics[0].source
    assert rebuilt.cells[-1].source == "my words"
    nbformat.validate(rebuilt)


def test_an_answer_that_a_check_grades_has_no_model_beside_it(original: Original) -> None:
    solved = "### BEGIN SOLUTION\ndef f(): return 1\n### END SOLUTION"
    original.notebook.cells[2] = answer("f", solved)
    assert sources(rebuild(original, submitted(*FULL))) == EXPECTED


def test_own_cells_stay_behind_the_cell_they_stood_behind(original: Original) -> None:
    own = new_code_cell("helper = 1", id="mine")
    first = new_code_cell("first = 1", id="top")
    notebook = rebuild(original, submitted(first, *FULL[:3], own, *FULL[3:]))
    assert sources(notebook) == ["first = 1", *EXPECTED[:3], "helper = 1", *EXPECTED[3:]]
    assert notebook.cells[4].metadata == {"autograder_role": "student"}


def test_of_two_cells_with_one_name_the_one_that_kept_its_id_is_the_answer(
    original: Original,
) -> None:
    copy = answer("f", "an older f")
    copy.id = "copied"
    notebook = rebuild(original, submitted(FULL[1], copy, *FULL[2:]))
    assert sources(notebook)[1:4] == ["import math", "an older f", "my f"]


def test_copies_of_tests_are_dropped(original: Original) -> None:
    copy = check("check-f", "assert True")
    copy.id = "copied"
    notebook = rebuild(original, submitted(*FULL, copy))
    assert sources(notebook) == EXPECTED


def test_ids_stay_unique_whatever_a_submission_calls_its_cells(original: Original) -> None:
    cells = submitted(*FULL, new_code_cell("a"), new_code_cell("b"), new_code_cell("c"))
    for cell, name in zip(cells[-3:], ("check-g", "../../x", "check-g"), strict=True):
        cell["id"] = name
    notebook = rebuild(original, cells)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "cell",
    [
        {},
        {"cell_type": "code"},
        {"cell_type": 7, "source": 8, "metadata": 9},
        {"cell_type": "code", "metadata": {"nbgrader": []}, "source": ["a", 1]},
        {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": ["f"]}}, "source": None},
        {"cell_type": "raw", "metadata": {}, "source": "x", "attachments": {"a": {"b": "c"}}},
        {"cell_type": "code", "metadata": {}, "source": "x = '\ud800'"},
    ],
)
def test_malformed_cells_do_no_harm(original: Original, cell: dict[str, Any]) -> None:
    notebook = rebuild(original, [*submitted(*FULL), cell])
    assert sources(notebook)[: len(EXPECTED)] == EXPECTED
    nbformat.validate(notebook)


def test_texts_cannot_act_in_an_instructor_s_browser(original: Original) -> None:
    text = "a < b <script>steal()</script> <b onclick=steal()>bold</b> ![x](attachment:a.png)"
    why = new_markdown_cell(text, id="why", metadata=marks("why", solution=True, grade=True))
    why.attachments = {
        "a.png": {"image/png": "AAAA", "text/html": "<script>"},
        "b.svg": {"image/svg+xml": "<svg onload=steal()>"},
    }
    notebook = rebuild(original, submitted(why))
    cell = notebook.cells[-1]
    assert "steal" not in cell.source
    assert "<b>bold</b>" in cell.source
    assert cell.attachments == {"a.png": {"image/png": "AAAA"}, "b.svg": {}}


@pytest.mark.parametrize(
    "text",
    [
        "[here](javascript:alert(1))",
        "[here](<JavaScript:alert(1)>)",
        "[here](java&#115;cript&colon;alert(1))",
        "[here][1]\n\n[1]: javascript:alert(1)",
        "[here](data:text/html;base64,PHNj)",
        "<javascript:alert(1)>",
        r"$\href{javascript:alert(1)}{x}$",
    ],
)
def test_a_link_that_runs_a_script_is_shown_as_it_was_typed(original: Original, text: str) -> None:
    why = new_markdown_cell(text, id="why", metadata=marks("why", solution=True, grade=True))
    source = rebuild(original, submitted(why)).cells[-1].source
    page, _ = HTMLExporter().from_notebook_node(new_notebook(cells=[new_markdown_cell(source)]))
    assert active(page, "alert") == []
    assert source.startswith("```") or "script" not in source


def test_plain_words_about_javascript_and_data_stay(original: Original) -> None:
    text = "The data: text in JavaScript: [a link](https://example.org) and $x < 3$."
    why = new_markdown_cell(text, id="why", metadata=marks("why", solution=True, grade=True))
    assert rebuild(original, submitted(why)).cells[-1].source == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends_are_read(tmp_path: Path, encoding: str, newline: str) -> None:
    text = json.dumps({"cells": submitted(answer("f", "# für")), "nbformat": 4}, indent=1)
    path = tmp_path / "x.ipynb"
    path.write_bytes(text.replace("\n", newline).replace("\\u00fc", "ü").encode(encoding))
    assert read_submission(path)[0]["source"] == ["# für"]


def test_an_old_notebook_is_read(tmp_path: Path) -> None:
    old = nbformat.convert(new_notebook(cells=[new_code_cell("x = 1")]), 3)
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(old))
    assert read_submission(path)[0]["source"] == "x = 1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"cells": [', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "holds no cells"),
        (b'"text"', "holds no cells"),
        (b'{"nbformat": 99}', "can be read"),
    ],
)
def test_damage_is_told_in_words_that_help(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=message):
        read_submission(path)


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    for name in ("missing", "folder", "pipe", "link"):
        path = tmp_path / name
        if name == "folder":
            path.mkdir()
        if name == "pipe":
            os.mkfifo(path)
        if name == "link":
            path.symlink_to("/etc/passwd")
        with pytest.raises(DamagedError, match="no plain file"):
            read_submission(path)


def test_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    other = tmp_path / "submitted" / "ada" / "lesson"
    other.mkdir(parents=True)
    (other / "x.ipynb").write_text(json.dumps({"cells": submitted(answer("f", "1"))}))
    (tmp_path / "submitted" / "ben").mkdir()
    (tmp_path / "submitted" / "ben" / "lesson").symlink_to(other)
    (tmp_path / "submitted" / "cai").symlink_to(other.parent)
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "submitted")
    for student in ("ben", "cai"):
        with pytest.raises(DamagedError, match="is a link"):
            read_submission(linked / student / "lesson" / "x.ipynb", linked)
    # Where a course keeps its submissions is the instructor's affair.
    assert len(read_submission(linked / "ada" / "lesson" / "x.ipynb", linked)) == 1
