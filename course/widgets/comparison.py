"""What a widget says about a student's function: how it does beside the reference."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

__all__ = ["compare", "known"]


def compare(
    function: Callable[..., Tensor] | None,
    x: Tensor,
    expected: Tensor,
    options: Mapping[str, Any],
    *,
    tolerance: float = 1e-5,
) -> str:
    """Say in a few words how function(x, **options) differs from what was expected.

    Whatever the function does, a widget goes on; where there is no function, there are no words.

    >>> import torch
    >>> compare(torch.neg, torch.ones(2), torch.ones(2), {})
    'yours is off by up to 2'
    """
    if function is None:
        return ""
    try:
        actual = function(x, **options)
        if actual.shape != expected.shape:
            return f"yours has shape {tuple(actual.shape)}"
        gap = (actual - expected).abs().max().item()
    except NotImplementedError:
        return "yours is not written yet"
    except Exception as error:
        return f"yours raises {type(error).__name__}"
    return "yours agrees" if gap < tolerance else f"yours is off by up to {gap:.2g}"


def known(functions: Iterable[str], names: Iterable[str]) -> None:
    """Raise ValueError where a function's name is none of those that a widget can draw."""
    given, possible = list(functions), list(names)
    if not set(given) <= set(possible):
        raise ValueError(
            f"functions are {', '.join(given)}; expected some of {', '.join(possible)}"
        )
