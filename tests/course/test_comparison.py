"""Whatever a student's function does, it is told in a few words and nothing breaks."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from course.comparison import Attempt, Misfit, attempt, compare, fitting, known
from tests.course.students import MISTAKES, broken, unwritten

X = torch.tensor([[-1.0, 2.0, 3.0]])


def give(value: Any) -> Attempt[Any]:
    return attempt(lambda: value, X)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gives_no_value_and_its_words(mistake: str) -> None:
    change, words = MISTAKES[mistake]
    got = attempt(lambda: change(torch.neg)(X), -X)
    assert got.value is None
    assert got.problem.startswith(words)
    assert got.words == got.problem
    assert not got.agrees
    assert compare(change(torch.neg), X, -X, {}).startswith(f"yours {words}")


@pytest.mark.parametrize(
    ("value", "words", "gap"),
    [
        (X, "agrees", 0),
        (X + 1e-6, "agrees", 1e-6),
        (X + torch.tensor([0.0, -0.5, 0.25]), "is off by up to 0.5", 0.5),
        (X.double() + 2, "is off by up to 2", 2),
        (X.int(), "agrees", 0),
        (X > 0, "is off by up to 2", 2),
        (X * torch.tensor([1.0, math.inf, 1.0]), "is off by up to inf", math.inf),
    ],
)
def test_a_gap_is_the_largest_difference(value: Tensor, words: str, gap: float) -> None:
    got = give(value)
    assert got.value is value
    assert got.words == words
    assert got.gap == pytest.approx(gap, rel=0.1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_not_a_number_is_said_wherever_it_stands(place: int) -> None:
    value = X.clone()
    value[0, place] = torch.nan
    for got in (give(value), attempt(lambda: (X, value, X), (X, X, X))):
        assert got.words == "is not a number in places"
        assert not got.agrees
        assert got.value is not None


def test_equal_infinities_agree_and_so_does_nothing_at_all() -> None:
    for x in (torch.tensor([math.inf, -math.inf]), torch.empty(0, 3)):
        assert attempt(x.clone, x).agrees


def test_a_value_that_requires_a_gradient_is_compared_like_any_other() -> None:
    assert give(X.clone().requires_grad_()).agrees


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (7, "agrees"),
        (7.0, "agrees"),
        (torch.tensor(7), "agrees"),
        (9, "is off by up to 2"),
        (math.nan, "is not a number in places"),
        (True, "returns a bool, expected a number"),
        ("7", "returns a str, expected a number"),
        (None, "returns a NoneType, expected a number"),
        (torch.ones(2), "returns a Tensor, expected a number"),
    ],
)
def test_a_number_is_expected_where_the_reference_is_one(value: Any, words: str) -> None:
    assert attempt(lambda: value, 7).words == words


def test_without_an_expectation_anything_agrees_but_what_cannot_be_had() -> None:
    assert attempt(lambda: "anything").agrees
    assert attempt(unwritten).problem == "is not written yet"
    assert attempt(broken).problem == "raises IndexError: no such thing"
    words = "returns shape (1, 3), expected shape (1, 2)"
    assert attempt(lambda: fitting(X, (1, 2))).problem == words


def test_a_long_message_of_torch_becomes_one_line() -> None:
    problem = attempt(lambda: torch.ones(2, 3) @ torch.ones(2, 3)).problem
    assert problem.startswith("raises RuntimeError: mat1 and mat2")

    def lengthy() -> None:
        raise ValueError("one\n   two " + 100 * "more ")

    problem = attempt(lengthy).problem
    assert problem.startswith("raises ValueError: one two more")
    assert len(problem) < 200
    assert attempt(lambda: [][0]).problem == "raises IndexError: list index out of range"
    assert attempt(lambda: next(iter([]))).problem == "raises StopIteration"


def test_who_interrupts_the_kernel_is_heard() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(interrupted)


def test_a_function_that_works_in_place_leaves_the_widget_s_numbers_alone() -> None:
    x = X.clone()
    assert compare(lambda x: x.neg_(), x, -X, {}) == "yours agrees"
    assert torch.equal(x, X)


def test_options_reach_the_function_and_the_tolerance_counts() -> None:
    def scaled(x: Tensor, *, by: float) -> Tensor:
        return by * x

    assert compare(scaled, X, 2 * X, {"by": 2}) == "yours agrees"
    assert compare(scaled, X, 2 * X, {"by": 2.1}) == "yours is off by up to 0.3"
    assert compare(scaled, X, 2 * X, {"by": 2.1}, tolerance=0.5) == "yours agrees"


def test_where_there_is_no_function_there_are_no_words() -> None:
    assert compare(None, X, X, {}) == ""


def test_what_fits_is_handed_on_as_it_is() -> None:
    assert fitting(X, (1, 3)) is X
    with pytest.raises(Misfit, match="returns a int, expected a tensor"):
        fitting(3, (1, 3))


def test_names_are_those_that_a_widget_can_draw() -> None:
    assert known(["b"], ["a", "b"]) == ["b"]
    with pytest.raises(ValueError, match="functions are a, d; expected some of a, b"):
        known(["a", "d"], ["a", "b"])
