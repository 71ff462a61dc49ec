"""A lesson runs the student's own function where it can, and says where it cannot."""

from typing import Any

import pytest
import torch
from torch import Tensor

from course.stand_ins import yours_or


def unwritten(_: Tensor) -> Tensor:
    raise NotImplementedError("replace this line")


def broken(_: Tensor) -> Tensor:
    raise IndexError("no such dim")


def in_place(x: Tensor) -> Tensor:
    return x.clamp_(min=0)


def test_a_function_that_can_be_trained_is_the_students_own_even_where_it_is_wrong() -> None:
    for own in (torch.tanh, lambda x: x.clamp(min=0), lambda x: 7 * x):
        found = yours_or(torch.relu, own)
        assert found.function is own
        assert found.label == str(found) == "yours"


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        (unwritten, "is not written yet"),
        (broken, "raises IndexError"),
        (in_place, "changes its input"),
        (lambda x: x[x > 0], "returns shape (3,)"),
        (lambda x: x.tolist(), "returns a list"),
        (lambda x: x.detach(), "raises RuntimeError"),
    ],
    ids=["unwritten", "broken", "in place", "shape", "list", "detached"],
)
def test_another_one_is_replaced_by_the_reference_and_the_problem_is_told(
    own: Any, problem: str
) -> None:
    found = yours_or(torch.relu, own)
    assert found.function is torch.relu
    assert found.label == "the reference"
    assert str(found).startswith(f"the reference, since yours {problem}")
