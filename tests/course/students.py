"""What students hand to a widget, and what is said of it."""

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["MISTAKES", "broken", "unwritten"]

Function = Callable[..., Any]


def unwritten(*_: object, **__: object) -> Any:
    raise NotImplementedError("replace this line")


def broken(*_: object, **__: object) -> Any:
    raise IndexError("no such thing.")


# How a function that should return a tensor goes wrong, given the right one.
MISTAKES: dict[str, tuple[Callable[[Function], Function], str]] = {
    "unwritten": (lambda _: unwritten, "is not written yet"),
    "raises": (lambda _: broken, "raises IndexError: no such thing"),
    "takes no arguments": (lambda _: lambda: None, "raises TypeError: "),
    "returns nothing": (lambda _: lambda *_, **__: None, "returns a NoneType, expected a tensor"),
    "returns a list": (
        lambda right: lambda *args, **options: right(*args, **options).tolist(),
        "returns a list, expected a tensor",
    ),
    "of another shape": (
        lambda right: lambda *args, **options: right(*args, **options)[..., None],
        "returns shape (",
    ),
    "complex": (
        lambda right: lambda *args, **options: torch.complex(*2 * [right(*args, **options)]),
        "returns torch.complex",
    ),
}
