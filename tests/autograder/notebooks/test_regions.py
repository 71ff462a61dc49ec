"""Regions between nbgrader's comments are told from the rest, whatever comment sign is used."""

import ast
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from autograder.config import Course
from autograder.lessons import build, leaks
from autograder.notebooks.regions import Delimiters, hidden_lines, split, visible


@pytest.mark.parametrize("name", ["SOLUTION", "HIDDEN TESTS", "MARK SCHEME"])
@pytest.mark.parametrize("comment", ["### {}", "    ### {}", "=== {} ===", "# {}"])
def test_a_region_is_what_lies_between_its_comments(name: str, comment: str) -> None:
    begin, end = comment.format(f"BEGIN {name}"), comment.format(f"END {name}")
    source = f"a\n{begin}\nb\n    c\n{end}\nd"
    assert split(source) == (["a", "d"], ["b", "    c"])
    assert visible(source) == "a\nd"


def test_a_cell_may_have_several_regions_or_none() -> None:
    region = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n"
    assert split(region.format("a") + "b\n" + region.format("c")) == (["b"], ["a", "c"])
    assert split("a\n\nb") == (["a", "", "b"], [])
    assert visible("a\n\nb") == "a\n\nb"
    assert split("") == ([], [])


def test_what_follows_a_region_without_an_end_counts_as_hidden() -> None:
    assert split("a\n### BEGIN SOLUTION\nb\nc") == (["a"], ["b", "c"])


OTHERS = Config()
OTHERS.ClearSolutions.begin_solution_delimeter = "MUSTER AN"
OTHERS.ClearSolutions.end_solution_delimeter = "MUSTER AUS"
OTHERS.ClearHiddenTests.begin_test_delimeter = "GEHEIM"
OTHERS.ClearHiddenTests.end_test_delimeter = "OFFEN"
OTHERS.ClearMarkScheme.begin_mark_scheme_delimeter = "SCHEMA"


def test_a_course_s_own_delimiters_count_and_nbgrader_s_where_it_has_none() -> None:
    delimiters = Delimiters.of(OTHERS)
    source = "a\n# GEHEIM\nb\n# OFFEN\nc\n### BEGIN HIDDEN TESTS\nd\n# SCHEMA\ne\n# END MARK SCHEME"
    assert split(source, delimiters) == (["a", "c", "### BEGIN HIDDEN TESTS", "d"], ["b", "e"])
    assert hidden_lines(source, delimiters) == {2, 3, 4, 8, 9, 10}
    assert Delimiters.of(Config()) == Delimiters()


def test_delimiters_default_to_what_nbgrader_s_own_classes_say() -> None:
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

    solution, tests, marking = ClearSolutions(), ClearHiddenTests(), ClearMarkScheme()
    assert Delimiters() == Delimiters(
        (solution.begin_solution_delimeter, solution.end_solution_delimeter),
        (tests.begin_test_delimeter, tests.end_test_delimeter),
        (marking.begin_mark_scheme_delimeter, marking.end_mark_scheme_delimeter),
    )


def test_a_region_ends_with_the_end_of_its_own_kind() -> None:
    source = "### BEGIN HIDDEN TESTS\na\n### END SOLUTION\nb\n### END HIDDEN TESTS\nc"
    assert split(source) == (["c"], ["a", "### END SOLUTION", "b"])


def test_lines_are_counted_as_python_counts_them() -> None:
    source = "a = 1\x0c\nb = '\u2028'\r\n### BEGIN HIDDEN TESTS\nc = 3"
    (third,) = (node for node in ast.parse(source).body if ast.unparse(node) == "c = 3")
    assert hidden_lines(source) == {3, third.lineno}


def test_a_course_with_other_delimiters_is_built_and_hides_what_they_hide(course: Course) -> None:
    text = course.text_path("tiny").read_text()
    words = {"BEGIN SOLUTION": "MUSTER AN", "END SOLUTION": "MUSTER AUS"}
    words |= {"BEGIN HIDDEN TESTS": "GEHEIM", "END HIDDEN TESTS": "OFFEN"}
    for usual, chosen in words.items():
        text = text.replace(usual, chosen)
    course.text_path("tiny").write_text(text)
    german = Course(course.root, OTHERS)
    build.build(german, ["tiny"], force=True)
    released = Path(german.release_path("tiny")).read_text()
    assert "x + x" not in released
    assert "double of a number below 0" not in released
    source = nbformat.read(german.notebook_path("tiny"), as_version=4)
    assert "return x + x" in leaks.secrets(source, Delimiters.of(german.config))
    assert leaks.secrets(source) == set()
