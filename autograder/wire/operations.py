"""What one end may ask of an object of the other's, and the one way to carry it out."""

import inspect
import operator
import sys
from collections.abc import Iterator
from typing import Any

from autograder.wire.tensors import WireError

__all__ = ["BINARY", "COMPARISONS", "UNARY", "Iterable", "assign", "operate"]

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
BINARY = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor"),
    *("lshift", "rshift"),
    *COMPARISONS,
)
UNARY = ("neg", "pos", "invert", "abs")
MOST_NAMES = 10_000
MOST_SOURCE = 200_000  # characters


def operate(operation: str, target: Any, name: str, value: Any) -> Any:
    """Carry out an operation on an object. Raises what the object raises, and WireError."""
    match operation:
        case "call":
            args, kwargs = value
            return target(*args, **kwargs)
        case "get":
            return getattr(target, name)
        case "set":
            return setattr(target, name, value)
        case "unset":
            return delattr(target, name)
        case "item":
            return target[value]
        case "set item":
            key, item = value
            target[key] = item
            return None
        case "drop item":
            del target[value]
            return None
        case "len":
            return len(target)
        case "in":
            return value in target
        case "iter":
            return Iterable(target)
        case "next":
            # The end of an iterator is an answer and not an exception.
            item = next(target, target)
            return (item is not target, None if item is target else item)
        case "name":
            return target[name]
        case "put":
            target[name] = value
            return None
        case "drop":
            target.pop(name, None)
            return None
    return _ask_about(operation, target, name, value)


def _ask_about(operation: str, target: Any, name: str, value: Any) -> Any:
    match operation:
        case "dir":
            return [str(word) for word in dir(target)][:MOST_NAMES]
        case "str":
            return str(target)
        case "repr":
            return repr(target)
        case "class":
            return type(target)
        case "hash":
            return hash(target)
        case "source":
            return inspect.getsource(target)[:MOST_SOURCE]
        case "is a":
            return isinstance(target, _class(value))
        case "derives":
            return issubclass(target, _class(value))
        case "isinstance":
            return isinstance(value, target)
        case "issubclass":
            return issubclass(value, target)
        case "signature":
            return _signature(target)
        case "binary" if name in BINARY:
            left, right = (value[1], target) if value[0] else (target, value[1])
            return getattr(operator, name)(left, right)
        case "unary" if name in UNARY:
            return getattr(operator, name)(target)
        case "enter":
            return target.__enter__()
        case "exit":
            return target.__exit__(None, None, None)
    raise WireError(f"the operation {operation!r} is not offered")


def _class(path: str) -> tuple[type, ...]:
    """Return a class that is loaded here, by module and name; none of what a notebook defines."""
    module, _, name = path.partition(":")
    found: Any = sys.modules.get(module) if module != "__main__" else None
    for part in name.split("."):
        found = getattr(found, part, None)
    return (found,) if isinstance(found, type) else ()


def _signature(target: Any) -> list[tuple[str, int, bool, Any]]:
    """Parameters as name, kind, whether there is a default, and the default where it is plain."""
    plain = (type(None), bool, int, float, str)
    return [
        (
            parameter.name,
            int(parameter.kind),
            parameter.default is not parameter.empty,
            parameter.default if type(parameter.default) in plain else None,
        )
        for parameter in inspect.signature(target).parameters.values()
    ]


class Iterable:
    """An iterator under a type of its own, so that it goes as a reference and not as a value."""

    def __init__(self, iterable: Any) -> None:
        self._iterator = iter(iterable)

    def __iter__(self) -> Iterator[Any]:
        return self._iterator

    def __next__(self) -> Any:
        return next(self._iterator)


def assign(old: Any, new: Any) -> None:
    """Make the caller's object what the called function made of its copy."""
    torch = sys.modules.get("torch")
    if type(old) is not type(new) and not isinstance(old, dict):
        raise WireError("an argument came back as something else")
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, dict | set):
        old.clear()
        old.update(new)
    elif torch is not None and isinstance(old, torch.Tensor):
        with torch.no_grad():
            if old.shape == new.shape and old.dtype == new.dtype:
                old.copy_(new)
            else:
                old.data = new.detach()
            old.grad = new.grad
    elif torch is not None and isinstance(old, torch.Generator):
        old.set_state(new.get_state())
    elif torch is not None and isinstance(old, torch.nn.Module):
        _assign_module(old, new)
    else:
        old[...] = new


def _assign_module(old: Any, new: Any) -> None:
    for mine, theirs in zip(old.modules(), new.modules(), strict=True):
        mine.training = theirs.training
        for name, parameter in mine.named_parameters(recurse=False):
            other = theirs._parameters[name]
            parameter.data.copy_(other.data)
            parameter.requires_grad_(other.requires_grad)
            parameter.grad = other.grad
        for name, buffer in mine.named_buffers(recurse=False):
            buffer.copy_(theirs._buffers[name])
