"""A lesson runs the student's own function where it can, and says where it cannot."""

import time
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course.stand_ins import yours_like, yours_or


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


def halves(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2)


def test_a_function_that_changes_the_shape_is_tried_on_a_batch() -> None:
    batch = torch.randn(4, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    for own in (halves, lambda x: x[:, :, ::2, ::2]):
        assert yours_or(halves, own, batch=batch).function is own
    found = yours_or(halves, lambda x: F.max_pool2d(x, 2, 1), batch=batch)
    assert str(found).endswith("returns shape (4, 3, 5, 7), expected shape (4, 3, 3, 4)")


def test_a_function_that_is_too_slow_to_train_with_is_replaced() -> None:
    def slow(x: Tensor) -> Tensor:
        time.sleep(0.3)
        return halves(x)

    found = yours_or(halves, slow, batch=torch.zeros(2, 3, 4, 4))
    assert found.function is halves
    assert "yours takes 0.3 seconds for a batch, too long" in str(found)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (torch.mm, "yours"),
        (lambda a, b: 0 * (a @ b), "yours"),
        (unwritten, "the reference, since yours raises TypeError"),
        (lambda a, b: a + b, "the reference, since yours raises RuntimeError"),
        (lambda a, b: (a @ b).sum(), "the reference, since yours returns shape ()"),
        (lambda a, b: (a @ b, b), "the reference, since yours returns a tuple"),
    ],
)
def test_a_function_of_several_tensors_stands_in_where_its_shapes_fit(own: Any, words: str) -> None:
    found = yours_like(torch.mm, own, torch.ones(2, 3), torch.ones(3, 4))
    assert str(found).startswith(words)
    assert found.function is (own if words == "yours" else torch.mm)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (lambda a: (a, a.sum()), "yours"),
        (lambda a: (a, a), "the reference, since yours returns shape (2,), expected shape ()"),
        (lambda a: (a,), "the reference, since yours returns a tuple, expected 2 tensors"),
        (lambda a: a, "the reference, since yours returns a Tensor, expected 2 tensors"),
    ],
)
def test_a_function_that_returns_several_tensors_has_to_return_as_many(
    own: Any, words: str
) -> None:
    found = yours_like(lambda a: (a + 1, a.sum()), own, torch.ones(2))
    assert str(found) == words


def test_trying_a_function_leaves_the_arguments_alone() -> None:
    x = torch.ones(2)
    yours_like(torch.neg, lambda t: t.neg_(), x)
    assert torch.equal(x, torch.ones(2))
