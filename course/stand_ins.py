"""The student's own function where it runs, else the reference, marked as such.

What an exercise builds is what the lesson trains and measures. An exercise that is still unsolved,
or whose answer cannot be run, must not stop the lesson: torch's function stands in, and says so.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course.comparison import Misfit, attempt, fitting

__all__ = ["StandIn", "yours_like", "yours_or"]

# Seconds that one batch may take: a training calls the function some hundred times.
LONGEST = 0.2


@dataclass(frozen=True)
class StandIn:
    """A function that a lesson runs; problem is empty where it is the student's own."""

    function: Callable[..., Any]
    problem: str

    @property
    def label(self) -> str:
        """Whose function it is, in a word or two."""
        return "the reference" if self.problem else "yours"

    def __str__(self) -> str:
        return f"the reference, since yours {self.problem}" if self.problem else "yours"


def yours_or(
    reference: Callable[[Tensor], Tensor],
    own: Callable[[Tensor], Tensor],
    *,
    batch: Tensor | None = None,
) -> StandIn:
    """Return the student's own function, or the reference where it cannot be trained.

    It can where it maps a float32 tensor to one of the shape that the reference gives, which
    carries a gradient, and leaves its input alone. An elementwise function is tried on six numbers,
    another one on a batch such as those of its training, which it may take 0.2 seconds for.

    >>> str(yours_or(torch.relu, lambda x: x.clamp(min=0)))
    'yours'
    >>> str(yours_or(torch.relu, lambda x: x[x > 0]))
    'the reference, since yours returns shape (3,), expected shape (2, 3)'
    """
    x = torch.linspace(-2, 2, 6).reshape(2, 3) if batch is None else batch
    problem = attempt(lambda: _trainable(own, x, reference(x))).problem
    return StandIn(reference if problem else own, problem)


def yours_like(
    reference: Callable[..., Any], own: Callable[..., Any], *arguments: Tensor, **options: object
) -> StandIn:
    """Return the student's own function where it can stand in for a reference, else the reference.

    It can where, for these arguments, it returns tensors of the reference's shapes. Whether they
    hold the right numbers is for the check to say, and for the lesson to show.

    >>> str(yours_like(torch.mm, torch.mul, torch.ones(2, 2), torch.ones(2, 2)))
    'yours'
    >>> str(yours_like(torch.mm, lambda a, b: a, torch.ones(2, 3), torch.ones(3, 4)))
    'the reference, since yours returns shape (2, 3), expected shape (2, 4)'
    """
    wanted = reference(*arguments, **options)

    def stands_in() -> None:
        found = own(*(argument.clone() for argument in arguments), **options)
        if isinstance(wanted, Tensor):
            fitting(found, wanted.shape)
            return
        if not isinstance(found, tuple) or len(found) != len(wanted):
            raise Misfit(f"returns a {type(found).__name__}, expected {len(wanted)} tensors")
        for ours, theirs in zip(found, wanted, strict=True):
            fitting(ours, theirs.shape)

    problem = attempt(stands_in).problem
    return StandIn(reference if problem else own, problem)


def _trainable(own: Callable[[Tensor], Tensor], x: Tensor, expected: Tensor) -> None:
    """Send numbers and a gradient through a function; raise what keeps it from being trained."""
    leaf = x.detach().clone().requires_grad_()
    # A copy that is no leaf: an operation in place is allowed there, and seen afterwards.
    given = leaf * 1
    started = time.perf_counter()
    y = fitting(own(given), expected.shape)
    if (seconds := time.perf_counter() - started) > LONGEST:
        raise Misfit(f"takes {seconds:.1f} seconds for a batch, too long to train with")
    if not torch.equal(given, leaf):
        raise Misfit("changes its input")
    torch.autograd.grad(y.sum(), leaf)
