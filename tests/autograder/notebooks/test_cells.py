"""A marker says the same in the text and in the notebook, and a wrong one says what is wrong."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.errors import CourseError, MarkerError
from autograder.notebooks.cells import (
    GRADED,
    Kind,
    Marker,
    exercise_of,
    from_notebook,
    from_text,
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
