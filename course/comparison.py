"""How a widget takes a student's function: called, never trusted, and put beside the reference.

A function may be unwritten, raise, or return anything at all; the widget goes on, draws what there
is, and says what is missing. ``attempt`` does this for whatever can be called, ``compare`` for a
function of one tensor. What goes wrong is told as the rest of a sentence that begins with the
function's name, or with "yours".
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

__all__ = ["Attempt", "Misfit", "attempt", "compare", "fitting", "known"]

Value = TypeVar("Value")
Number = int | float
# Torch's messages run over many lines; a widget has room for one.
LONGEST = 160


class Misfit(Exception):
    """A student's function gave something that cannot be drawn; the message begins with a verb."""


@dataclass(frozen=True)
class Attempt(Generic[Value]):
    """What a student's function gave, or the problem that kept it from giving anything.

    gap is the largest difference from what was expected: 0 where nothing was, not a number where
    the function's own values are none. problem is empty where there is a value.
    """

    value: Value | None
    problem: str = ""
    gap: float = 0.0
    tolerance: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether the function gave what was expected."""
        return not self.problem and self.gap <= self.tolerance

    @property
    def words(self) -> str:
        """What can be said behind the function's name, in a few words."""
        if self.problem:
            return self.problem
        if self.gap != self.gap:
            return "is not a number in places"
        return "agrees" if self.agrees else f"is off by up to {self.gap:.2g}"


def attempt(
    call: Callable[[], Value], expected: Value | None = None, *, tolerance: float = 1e-5
) -> Attempt[Value]:
    """Call what a student wrote, and compare it with what was expected.

    Tensors, numbers, and tuples of them can be expected; with None, anything may come back. A
    tensor of another shape, or something else in its place, is a problem; other numbers are a gap.

    >>> attempt(lambda: torch.ones(2), torch.zeros(3)).problem
    'returns shape (2,), expected shape (3,)'
    """
    try:
        value = call()
        gap = 0.0 if expected is None else _gap(value, expected)
    except NotImplementedError:
        return Attempt(None, "is not written yet")
    except Misfit as error:
        return Attempt(None, str(error))
    # Whatever a student's function raises.
    except Exception as error:
        said = textwrap.shorten(str(error), LONGEST, placeholder=" ...").rstrip(".")
        return Attempt(None, f"raises {type(error).__name__}{said and ': '}{said}")
    return Attempt(value, gap=gap, tolerance=tolerance)


def compare(
    function: Callable[..., Tensor] | None,
    x: Tensor,
    expected: Tensor,
    options: Mapping[str, Any],
    *,
    tolerance: float = 1e-5,
) -> str:
    """Say in a few words how function(x, **options) differs from what was expected.

    Where there is no function, there are no words.

    >>> compare(torch.neg, torch.ones(2), torch.ones(2), {})
    'yours is off by up to 2'
    """
    if function is None:
        return ""
    # A function that works in place must not change what the widget shows next.
    call = lambda: function(x.clone(), **options)  # noqa: E731  # a def would lose the narrowing
    return f"yours {attempt(call, expected, tolerance=tolerance).words}"


def fitting(y: object, shape: Iterable[int]) -> Tensor:
    """Return y if it is a tensor of this shape.

    Raises Misfit for anything else.
    """
    if not isinstance(y, Tensor):
        raise Misfit(f"returns a {type(y).__name__}, expected a tensor")
    if y.shape != (wanted := tuple(shape)):
        raise Misfit(f"returns shape {tuple(y.shape)}, expected shape {wanted}")
    if y.is_complex():
        raise Misfit(f"returns {y.dtype}, expected real numbers")
    return y


def known(functions: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return the functions' names; ValueError where there are others than a widget can draw."""
    given, possible = list(functions), list(names)
    if not set(given) <= set(possible):
        raise ValueError(
            f"functions are {', '.join(given)}; expected some of {', '.join(possible)}"
        )
    return given


def _gap(actual: object, expected: object) -> float:
    """Return the largest difference; it is not a number where one of the two has such."""
    if isinstance(expected, tuple):
        # Python's max would lose what is not a number.
        pairs = zip(actual, expected, strict=True)  # type: ignore[call-overload]  # made by a widget
        return torch.tensor([_gap(a, b) for a, b in pairs]).max().item()
    if isinstance(expected, Tensor):
        actual = fitting(actual, expected.shape).detach().double()
        # Equal infinities have no difference, and would have one that is not a number.
        gaps = (actual - expected).abs().where(actual != expected, 0.0)
        return gaps.max().item() if gaps.numel() else 0.0
    if isinstance(actual, Tensor) and actual.numel() == 1:
        actual = actual.item()
    if isinstance(actual, bool) or not isinstance(actual, Number):
        raise Misfit(f"returns a {type(actual).__name__}, expected a number")
    return abs(actual - expected)  # type: ignore[operator]  # a number: nothing else is expected
