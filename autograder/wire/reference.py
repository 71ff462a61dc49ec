"""References to objects of a student's process, as a check sees them.

What a check writes out goes across: a call, an attribute, an index, a loop, a question such as
isinstance, an operator between two objects of the submission. What the submission says about its
own objects is its word, and a check that relies on it is the instructor's choice. But an object of
the submission never decides about a value of the check: it gives torch's, numpy's and Python's
protocols nothing, it has no truth, and no operator makes a plain value of it.
"""

import builtins
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from autograder.wire.operations import BINARY, COMPARISONS, UNARY
from autograder.wire.tensors import WireError

__all__ = [
    *("Remote", "RemoteClass", "RemoteError", "RemoteFunction", "Request", "Restriction"),
    *("ask", "exception_class", "remote_type"),
]

# Asks the other end: operation, number of the object, a name, a value.
Request = Callable[[str, int, str, Any], Any]

MOST_ITEMS = 10**6  # of one loop
# Questions that leave an object as it is, unless it lies.
LOOKS = frozenset({"len", "iter", "next", "in", "item", "get", "dir", "str", "repr", "class"})
_calls = 0  # of what may change an object
# Names with double underscores that a check may write out. Any other belongs to a protocol.
WRITTEN_OUT = frozenset(
    f"__{name}__"
    for name in (
        *("name", "qualname", "doc", "module", "code", "defaults", "kwdefaults", "annotations"),
        *("dict", "bases", "mro", "closure", "globals", "self", "func", "init", "call", "version"),
        *("all", "file", "add", "eq", "len", "getitem", "iter", "next", "repr", "str", "slots"),
    )
)


class RemoteError(Exception):
    """Code at the other end raised an exception that has no equal here, or that steers loops."""


class Restriction(TypeError):
    """A check asked something of a student's object that only a value can answer."""


class Remote:
    """An object of a student's process.

    Its own slots have long names, because a check may look at any attribute of the object.
    """

    __slots__ = (
        *("_remote_given", "_remote_id", "_remote_length", "_remote_request", "_remote_text"),
    )

    def __init__(self, request: Request, number: int, text: str) -> None:
        object.__setattr__(self, "_remote_request", request)
        object.__setattr__(self, "_remote_id", number)
        object.__setattr__(self, "_remote_text", text)
        object.__setattr__(self, "_remote_length", None)
        object.__setattr__(self, "_remote_given", None)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_remote_") or name == "__class__":
            return object.__getattribute__(self, name)
        if name == "__signature__":
            return _signature(self)
        if name.startswith("__") and name.endswith("__") and name not in WRITTEN_OUT:
            raise AttributeError(f"{_label(self)} has no {name} for a check")
        return ask(self, "get", name)

    def __setattr__(self, name: str, value: Any) -> None:
        ask(self, "set", name, value)

    def __delattr__(self, name: str) -> None:
        ask(self, "unset", name)

    def __getitem__(self, key: Any) -> Any:
        return ask(self, "item", value=key)

    def __setitem__(self, key: Any, value: Any) -> None:
        ask(self, "set item", value=(key, value))

    def __delitem__(self, key: Any) -> None:
        ask(self, "drop item", value=key)

    def __len__(self) -> int:
        length = int(ask(self, "len"))
        object.__setattr__(self, "_remote_length", length)
        # A loop may use items up; but none come while nobody calls anything.
        if self._remote_given is not None:
            count, then = self._remote_given
            if then == _calls and length > count:
                raise _disagrees(self, length, count)
        return length

    def __iter__(self) -> Iterator[Any]:
        """Loop over the items. One that said how many it has must give so many."""
        promised = self._remote_length
        if promised is not None:
            promised = len(self)  # it may have changed since, as an honest container does
        iterator = ask(self, "iter")
        if not isinstance(iterator, Remote):
            raise WireError("an iterator came as a value")
        return _items(self, iterator, promised)

    def __next__(self) -> Any:
        more, item = ask(self, "next")
        if more is not True:
            raise StopIteration
        return item

    def __contains__(self, item: Any) -> bool:
        return ask(self, "in", value=item) is True

    def __enter__(self) -> Any:
        return ask(self, "enter")

    def __exit__(self, *_: object) -> None:
        ask(self, "exit")

    def __dir__(self) -> list[str]:
        return [str(name) for name in ask(self, "dir")]

    def __str__(self) -> str:
        return str(ask(self, "str"))

    def __repr__(self) -> str:
        return str(ask(self, "repr"))

    def __bool__(self) -> bool:
        return bool(_refuse(self))

    def __hash__(self) -> int:
        return hash(ask(self, "hash"))


class RemoteFunction(Remote):
    """One that can be called."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object there, with these arguments or references to them."""
        return ask(self, "call", value=(args, kwargs))


class RemoteClass(RemoteFunction):
    """A class of the submission's: it can be asked what is an instance of it."""

    __slots__ = ()

    def __instancecheck__(self, instance: Any) -> bool:
        return ask(self, "isinstance", value=instance) is True

    def __subclasscheck__(self, subclass: Any) -> bool:
        return ask(self, "issubclass", value=subclass) is True


def ask(remote: Remote, operation: str, name: str = "", value: Any = None) -> Any:
    """Ask the other end about an object of its own."""
    global _calls
    _calls += operation not in LOOKS
    return remote._remote_request(operation, remote._remote_id, name, value)


def _label(remote: Remote) -> str:
    return f"<{remote._remote_text} of the submission>"


def _items(remote: Remote, iterator: Remote, promised: int | None) -> Iterator[Any]:
    for count in range(MOST_ITEMS):
        more, item = ask(iterator, "next")
        if more is not True:
            if promised is not None and count != promised:
                raise _disagrees(remote, promised, count)
            object.__setattr__(remote, "_remote_given", (count, _calls))
            return
        yield item
    raise WireError(f"a loop over {_label(remote)} does not end")


def _disagrees(remote: Remote, length: int, count: int) -> Restriction:
    return Restriction(f"{_label(remote)} says that it has {length} items, and gives {count}")


def _signature(remote: Remote) -> inspect.Signature:
    parameters = []
    for name, kind, has_default, default in ask(remote, "signature"):
        value = default if has_default else inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, inspect._ParameterKind(kind), default=value))
    return inspect.Signature(parameters)


def _refuse(remote: Remote) -> Any:
    raise Restriction(
        f"a check cannot compare or test {_label(remote)}, because the object itself would answer; "
        "compare what its functions return: numbers, strings, lists, tensors, arrays"
    )


def _operator(name: str, *, reflected: bool = False) -> Callable[[Remote, Any], Any]:
    """An operator of an object of the submission, which gives another object of it."""

    def apply(self: Remote, other: Any) -> Any:
        result = ask(self, "binary", name, (reflected, other))
        # Else f(x) - expected could be 0 by the word of what f returned.
        return result if isinstance(result, Remote) or isinstance(other, Remote) else _refuse(self)

    return apply


def _comparison(name: str) -> Callable[[Remote, Any], bool]:
    """A comparison of two objects of the submission."""

    def compare(self: Remote, other: Any) -> bool:
        if not isinstance(other, Remote):
            return bool(_refuse(self))
        if name in ("eq", "ne") and self._remote_id == other._remote_id:
            return name == "eq"
        return ask(self, "binary", name, (False, other)) is True

    return compare


def _alone(name: str) -> Callable[[Remote], Any]:
    def apply(self: Remote) -> Any:
        result = ask(self, "unary", name)
        return result if isinstance(result, Remote) else _refuse(self)

    return apply


for _name in BINARY:
    _word = f"__{_name.rstrip('_')}__"
    if _name in COMPARISONS:
        setattr(Remote, _word, _comparison(_name))
    else:
        setattr(Remote, _word, _operator(_name))
        setattr(Remote, f"__r{_word[2:]}", _operator(_name, reflected=True))
for _name in UNARY:
    setattr(Remote, f"__{_name}__", _alone(_name))


def exception_class(chain: list[tuple[str, str]], builtin: str) -> type[Exception]:
    """Return a class that stands for an exception class of the submission's.

    chain names the submission's own classes, the most derived first, each by a key and a name;
    builtin is the class of Python's that they derive from. What steers loops and generators, or
    ends a program, is nobody's to raise into a check.
    """
    found = getattr(builtins, builtin, None)
    steers = (StopIteration, StopAsyncIteration)
    made: type[Exception] = RemoteError
    if isinstance(found, type) and issubclass(found, Exception) and not issubclass(found, steers):
        made = found
    for place in reversed(range(len(chain))):
        made = _derived(chain[place][1], made, tuple(key for key, _ in chain[place:]))
    return made


_DERIVED: dict[tuple[str, tuple[str, ...], type[Exception]], type[Exception]] = {}


def _derived(name: str, base: type[Exception], keys: tuple[str, ...]) -> type[Exception]:
    known = _DERIVED.get((name, keys, base))
    if known is None:
        title = name if name.isidentifier() else "Error"
        known = type(title, (base,), {"__init__": _take_words})
        _DERIVED[name, keys, base] = known
    return known


def _take_words(self: Exception, *words: Any) -> None:
    self.args = words


class _Type(type):
    """Makes type(x) tell the class of a submission's object, and of everything else as ever."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], Remote):
            return ask(args[0], "class")
        return builtins.type(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, builtins.type | RemoteClass)


class remote_type(metaclass=_Type):
    """What a check gets as type."""
