"""A marker says the same in the text and in the notebook, and a wrong one says what is wrong."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import CourseError, MarkerError
from autograder.notebooks.cells import (
    GRADED,
    Built,
    Grading,
    Kind,
    Marker,
    Marks,
    Noted,
    built_of,
    exercise_of,
    from_notebook,
    from_text,
    grading_of,
    hints_of,
    is_check,
    is_open,
    is_run,
    marks_of,
    note_built,
    note_grading,
    note_role,
    note_verdict,
    role_of,
    verdict_of,
)

NAMES = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)
POINTS = st.integers(1, 100) | st.sampled_from([0.5, 0.25, 2.75])


@st.composite
def markers(draw: st.DrawFn) -> Marker:
    kind = draw(st.sampled_from(get_args(Kind)))
    name = "setup" if kind == "setup" else draw(NAMES)
    return Marker(kind, name, draw(POINTS) if kind in GRADED else None)


@given(marker=markers())
def test_a_marker_survives_the_way_into_the_notebook_and_back(marker: Marker) -> None:
    cell_type = "markdown" if marker.kind in ("written", "hints") else "code"
    assert from_text(marker.text_metadata(), cell_type) == marker
    assert from_notebook(marker.notebook_metadata()) == marker


@given(marker=markers())
def test_cell_ids_of_one_name_differ_where_cells_of_the_kinds_can_stand_in_one_lesson(
    marker: Marker,
) -> None:
    others = [Marker(kind, marker.name) for kind in get_args(Kind) if kind != marker.kind]
    clash = {"setup", "exercise", "written"}
    for other in others:
        assert (other.cell_id == marker.cell_id) == ({other.kind, marker.kind} <= clash)


@pytest.mark.parametrize(
    ("marker", "nbgrader", "rest"),
    [
        (
            Marker("setup", "setup"),
            {"grade": False, "grade_id": "setup", "locked": True, "solution": False},
            {},
        ),
        (
            Marker("exercise", "relu"),
            {"grade": False, "grade_id": "relu", "locked": False, "solution": True},
            {},
        ),
        (
            Marker("check", "relu", 2.0),
            {
                "grade": True,
                "grade_id": "check-relu",
                "locked": True,
                "points": 2,
                "solution": False,
            },
            {"tags": ["raises-exception"], "jupyter": {"source_hidden": True}},
        ),
        (
            Marker("habit", "relu", 0.5),
            {
                "grade": True,
                "grade_id": "habit-relu",
                "locked": True,
                "points": 0.5,
                "solution": False,
            },
            {"tags": ["raises-exception"], "jupyter": {"source_hidden": True}},
        ),
        (
            Marker("written", "why", 0.5),
            {"grade": True, "grade_id": "why", "locked": False, "points": 0.5, "solution": True},
            {},
        ),
    ],
)
def test_a_graded_cell_has_all_that_nbgrader_asks_for(
    marker: Marker, nbgrader: dict[str, Any], rest: dict[str, Any]
) -> None:
    expected = {"nbgrader": nbgrader | {"schema_version": 3, "task": False}, **rest}
    assert marker.notebook_metadata() == expected


@pytest.mark.parametrize("kind", ["hints", "predict", "reveal", "claim"])
def test_nbgrader_sees_nothing_of_an_ungraded_cell(kind: Kind) -> None:
    metadata = Marker(kind, "slope").notebook_metadata()
    folded = {} if kind == "hints" else {"jupyter": {"source_hidden": True}}
    assert metadata == {"autograder": {kind: "slope"}, **folded}


def test_a_check_and_a_habit_tell_their_exercise() -> None:
    for kind in ("check", "habit"):
        assert exercise_of(Marker(kind, "relu", 1).cell_id) == "relu"
    assert exercise_of("root_check") == "root_check"


def test_setup_is_a_word_of_its_own() -> None:
    assert Marker("setup", "setup").text_metadata() == {"title": "setup"}
    assert from_text({"title": "setup"}, "code") == Marker("setup", "setup")


def test_whole_points_are_written_without_a_fraction() -> None:
    assert repr(Marker("check", "relu", 2.0).text_metadata()["points"]) == "2"
    assert repr(Marker("check", "relu", 2.5).text_metadata()["points"]) == "2.5"


@pytest.mark.parametrize("metadata", [{}, {"lines_to_next_cell": 2}])
def test_a_plain_cell_of_a_text_has_no_marker(metadata: dict[str, Any]) -> None:
    assert from_text(metadata, "code") is None


@pytest.mark.parametrize("metadata", [{}, {"tags": ["x"]}, {"nbgrader": {}}, {"autograder": {}}])
def test_a_plain_cell_of_a_notebook_has_no_marker(metadata: dict[str, Any]) -> None:
    assert from_notebook(metadata) is None


@pytest.mark.parametrize(
    ("metadata", "cell_type", "words"),
    [
        ({"exercize": "relu"}, "code", ["exercize='relu'", 'exercise="..."', "'setup'"]),
        ({"title": "set up"}, "code", ["title='set up'", "'setup'"]),
        ({"exercise": "relu", "check": "relu"}, "code", ["exercise='relu' check='relu'"]),
        ({"exercise": "relu", "tags": ["x"]}, "code", ["tags=['x']"]),
        ({"points": 2}, "code", ["points=2"]),
        ({"exercise": "ReLU"}, "code", ["'ReLU'", "a-z"]),
        ({"exercise": "leaky-relu"}, "code", ["'leaky-relu'", "a-z"]),
        ({"exercise": "2d"}, "code", ["'2d'", "a-z"]),
        ({"exercise": ""}, "code", ["''", "a-z"]),
        ({"exercise": 7}, "code", ["7", "in quotes"]),
        ({"check": "relu"}, "code", ['check="relu"', "expected points="]),
        ({"habit": "relu"}, "code", ['habit="relu"', "expected points="]),
        ({"written": "why"}, "markdown", ['written="why"', "expected points="]),
        ({"exercise": "relu", "points": 2}, "code", ["only a check, habit or written has points"]),
        ({"hints": "relu", "points": 2}, "markdown", ["only a check, habit or written has points"]),
        ({"check": "relu", "points": 0}, "code", ["points=0", "above 0"]),
        ({"check": "relu", "points": -1}, "code", ["points=-1", "above 0"]),
        ({"check": "relu", "points": "2"}, "code", ["points='2'", "number"]),
        ({"exercise": "relu"}, "markdown", ["markdown cell", "expected code"]),
        ({"check": "relu", "points": 1}, "markdown", ["markdown cell", "expected code"]),
        ({"title": "setup"}, "markdown", ["markdown cell", "expected code"]),
        ({"written": "why", "points": 1}, "code", ["code cell", "expected markdown"]),
        ({"hints": "relu"}, "code", ["code cell", "expected markdown"]),
        ({"exercise": "relu"}, "raw", ["raw cell", "expected code"]),
        ({"hints": "relu"}, "raw", ["raw cell", "expected markdown"]),
    ],
)
def test_a_wrong_marker_of_a_text_is_shown_with_what_was_expected(
    metadata: dict[str, Any], cell_type: str, words: list[str]
) -> None:
    with pytest.raises(MarkerError) as caught:
        from_text(metadata, cell_type)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    "nbgrader",
    [
        {"grade": False, "solution": False, "locked": True, "grade_id": "read_only"},
        {"grade": False, "solution": False, "locked": False, "grade_id": "task", "task": True},
    ],
)
def test_an_nbgrader_cell_that_the_text_has_no_word_for_is_refused(
    nbgrader: dict[str, Any],
) -> None:
    with pytest.raises(MarkerError, match=re.escape(f"cell {nbgrader['grade_id']!r}")):
        from_notebook({"nbgrader": nbgrader})


def test_every_error_of_a_course_is_a_course_error() -> None:
    assert issubclass(MarkerError, CourseError)


def cell(metadata: Any, source: str = "x = 1") -> NotebookNode:
    made = new_code_cell(source)
    made["metadata"] = metadata
    return made


def test_what_grading_writes_down_is_read_again() -> None:
    check = new_code_cell("x")
    assert (verdict_of(check), role_of(check)) == (None, None)
    note_verdict(check, Noted("passed", 1.5, 0.2))
    note_role(check, "student")
    assert verdict_of(check) == Noted("passed", 1.5, 0.2)
    assert role_of(check) == "student"
    book = new_notebook()
    assert (grading_of(book), built_of(book)) == (None, None)
    note_grading(book, Grading(damaged="It is cut off.", graded=True))
    note_built(book, Built("a", "b"))
    assert grading_of(book) == Grading("It is cut off.", True)
    assert built_of(book) == Built("a", "b")


@pytest.mark.parametrize(
    "metadata",
    [
        {"autograder": {"verdict": "passed", "points": 16}},
        {"autograder": {"rubric": True}},
        {"autograder": {"exercise": "noisy"}},
        {"autograder": {"hints": 7}},
        {"autograder_verdict": {"verdict": "passed", "points": 16, "seconds": 1.0}},
        {"autograder_role": "rubric"},
    ],
)
def test_no_note_is_taken_for_a_marker(metadata: dict[str, Any]) -> None:
    assert from_notebook(metadata) is None


@pytest.mark.parametrize("kind", get_args(Kind))
def test_no_marker_is_taken_for_a_note(kind: Kind) -> None:
    marked = cell(Marker(kind, "setup", 1.0).notebook_metadata())
    assert (verdict_of(marked), role_of(marked)) == (None, None)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
OUR_KEYS = ("nbgrader", "autograder", "autograder_role", "autograder_verdict")


INNER = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("grade_id", "grade", "points", "hints", "verdict"), JUNK)
)
METADATA = st.fixed_dictionaries({}, optional=dict.fromkeys(OUR_KEYS, JUNK | INNER))


@given(metadata=JUNK | METADATA)
def test_whatever_metadata_holds_it_is_read_without_an_error(metadata: Any) -> None:
    anything = cell(metadata)
    marks = marks_of(anything)
    assert isinstance(marks.grade_id, str)
    assert isinstance(marks.points, float)
    read = (verdict_of, role_of, hints_of, is_check, is_open, is_run)
    assert all(look(anything) in (None, True, False) or look is hints_of for look in read)


@pytest.mark.parametrize(
    ("marks", "check", "opened"),
    [
        ({}, False, True),
        ({"grade_id": "setup", "locked": True}, False, False),
        ({"grade_id": "f", "solution": True}, False, True),
        ({"grade_id": "f", "solution": True, "grade": True}, False, True),
        ({"grade_id": "f", "locked": True, "grade": True}, True, False),
        ({"grade_id": "f", "grade": True}, True, False),
        ({"grade_id": "f", "task": True}, False, False),
        ({"grade_id": "f", "task": True, "solution": True, "grade": True}, False, False),
    ],
)
def test_marks_say_what_is_a_check_and_what_students_may_change(
    marks: dict[str, Any], check: bool, opened: bool
) -> None:
    marked = cell({"nbgrader": marks})
    assert (is_check(marked), is_open(marked)) == (check, opened)
    marked.cell_type = "markdown"
    assert not is_check(marked)


def test_an_exercise_and_its_check_have_one_name() -> None:
    assert Marks(grade_id="check-relu").exercise == Marks(grade_id="relu").exercise == "relu"


@pytest.mark.parametrize("kind", ["reveal", "claim", "experiment"])
def test_what_no_answer_needs_is_not_run(kind: Kind) -> None:
    assert not is_run(cell(Marker(kind, "x").notebook_metadata()))
    assert is_run(cell(Marker("predict", "x").notebook_metadata()))
    assert not is_run(cell({}, source=" \n"))
