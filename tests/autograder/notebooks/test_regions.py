"""Regions between nbgrader's comments are told from the rest, whatever comment sign is used."""

import pytest

from autograder.notebooks.regions import split, visible


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
