"""Of a submission its answers count, and nothing else."""

import json
import re
import time
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.notebooks.cells import role_of
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.submitted import SubmittedCell, read_cells

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


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


def submitted(*cells: NotebookNode | dict[str, Any]) -> list[SubmittedCell]:
    return read_cells(json.dumps({"cells": cells}).encode())


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
    "<div><p>because</p></div>",
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
    assert "my words" in rebuilt.cells[-1].source
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
    # The last but one are letters to Unicode, and not to a page.
    names = ("check-g", "../../x", "check-g", "", "x" * 65, "\u00e4\u1d2c", 'a"onload=', 7)
    own = [new_code_cell("a") | {"id": name} for name in names]
    notebook = rebuild(original, submitted(*FULL, *own))
    assert len({cell.id for cell in notebook.cells}) == len(FULL) + len(names)
    assert all(re.fullmatch("[a-z0-9-]+", cell.id) for cell in notebook.cells)
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
    notebook = rebuild(original, submitted(*FULL, cell))
    assert sources(notebook)[: len(EXPECTED)] == EXPECTED
    nbformat.validate(notebook)


def written(original: Original, text: str, **attachments: Any) -> NotebookNode:
    """Return the cell of a written answer as the person who grades it gets to see it."""
    why = new_markdown_cell(text, id="why", metadata=marks("why", solution=True, grade=True))
    why.attachments = attachments
    return rebuild(original, submitted(why)).cells[-1]


def test_a_text_is_laid_out_and_pictures_stand_in_it(original: Original) -> None:
    bundles = {"a.png": {"image/png": PIXEL}, "b.svg": {"image/svg+xml": "<svg onload=steal()>"}}
    cell = written(original, "*so* ![x](attachment:a.png) ![y](attachment:b.svg)", **bundles)
    assert "<em>so</em>" in cell.source
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="x">' in cell.source
    assert "y b.svg: no picture of a known format" in cell.source
    assert "attachments" not in cell


def test_words_of_the_instructor_s_stay_as_they_are(original: Original) -> None:
    assert written(original, "Your answer here.\r\n").source == "Your answer here."
    lesson = rebuild(original, submitted(*FULL))
    assert lesson.cells[0].source == "# Lesson"


def test_a_picture_that_an_editor_dropped_is_the_instructor_s(original: Original) -> None:
    original.notebook.cells[-1].attachments = {"a.png": {"image/png": PIXEL}}
    assert PIXEL in written(original, "![x](attachment:a.png) because").source


def test_own_text_cells_are_laid_out_too(original: Original) -> None:
    own = new_markdown_cell("**so** <script>alert(1)</script>", id="own")
    (cell,) = (c for c in rebuild(original, submitted(*FULL, own)).cells if c.id == "own")
    assert (
        cell.source == "<div><p><strong>so</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p></div>"
    )


@pytest.mark.parametrize(
    "source",
    [" \n" * 12_000, "a." * 10_000, "x = '" + "[" * 400_000 + "'", "%%bash\n" + "[" * 50_000],
    ids=["blank lines", "a name of names", "brackets", "brackets of another language"],
)
def test_code_that_takes_minutes_to_colour_is_shown_in_black(
    original: Original, source: str
) -> None:
    book = rebuild(original, submitted(answer("f", source)))
    assert book.cells[2].source == source
    start = time.process_time()
    page, _ = HTMLExporter().from_notebook_node(book)
    assert time.process_time() - start < 20
    assert len(page) > len(source)


def test_code_is_coloured(original: Original) -> None:
    page, _ = HTMLExporter().from_notebook_node(
        rebuild(original, submitted(answer("f", "def f():\n  pass")))
    )
    assert '<span class="k">def</span>' in page
