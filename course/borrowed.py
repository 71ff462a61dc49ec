"""Whether a function does the work itself or has it done by torch.

What a function is made of is followed as far as it can be seen: the names and words in its code,
the functions that these names stand for, decorators, closures, defaults, partial functions, methods
and what an object holds. Whoever wants to can still hide a name from this; nobody does so unawares.
"""

import builtins
import re
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

__all__ = ["lent_by"]

MOST = 300  # objects that are looked at
INSIDE = ("__func__", "__wrapped__", "func", "_torchdynamo_orig_callable")
HELD = ("__closure__", "__defaults__", "__kwdefaults__", "args", "keywords", "__self__", "__dict__")
READERS = {"eval", "exec", "compile"}


def lent_by(function: Any, names: Mapping[str, Any], without: Collection[str]) -> str | None:
    """Return the first of torch's names that a function makes use of; None where it uses none.

    names are those that the function's code may look up, those of a notebook for instance.

    >>> import torch
    >>> lent_by(torch.relu, {}, ["relu"]), lent_by(lambda x: x.relu(), {}, ["relu"])
    ('relu', 'relu')
    >>> gate = torch.relu
    >>> lent_by(lambda x: gate(x), {"gate": gate}, ["relu"])
    'relu'
    >>> lent_by(lambda x: x * (x > 0), {}, ["relu"])
    """
    waiting: list[Any] = [function]
    codes: list[Any] = []
    owners: list[Any] = []  # objects of the student's own
    looked_up = set(dir(builtins))
    seen: dict[int, Any] = {}  # kept alive, so that no other object gets its id
    while len(seen) < MOST:
        if waiting:
            value = waiting.pop(0)
            if isinstance(value, str | bytes | int | float | ModuleType) or value is None:
                continue
            if id(value) in seen:
                continue
            seen[id(value)] = value
            if isinstance(value, list | tuple | set | frozenset | dict):
                waiting += list(value.values() if isinstance(value, dict) else value)[:MOST]
                continue
            found = set()
            if (code := _get(value, "__code__")) is not None:
                codes.append(code)
            elif (content := _get(value, "cell_contents")) is not None:
                waiting.append(content)
            elif _get(value, "__module__") == "__main__":
                owners.append(value)
                waiting += [_get(value, name) for name in ("__call__", "forward", "apply")]
            else:
                # Nobody's own: it is known by how it calls itself.
                found = set(re.findall(r"\w+", _shown(value)))
            waiting += [_get(value, name) for name in (*INSIDE, *HELD)]
        elif codes:
            used, words = _names(codes.pop(0))
            # What an object of the student's own has under a name is not torch's.
            own = {name for name in used for owner in owners if _get(owner, name) is not None}
            found = used - own | words
            for name in sorted(used - looked_up):
                waiting += [_look_up(names, name), *(_get(owner, name) for owner in owners)]
            looked_up |= used
        else:
            break
        if lent := sorted(found.intersection(without)):
            return lent[0]
    return None


def _names(code: Any) -> tuple[set[str], set[str]]:
    """Names that a code object uses, those of the functions inside it included; and its words.

    A word is a string that may be the name of an attribute or, where text is run, stands in it.
    """
    constants = _tuple(code, "co_consts")
    used = {name for name in _tuple(code, "co_names") if isinstance(name, str)}
    words = {constant for constant in constants if isinstance(constant, str)}
    for inner in constants:
        if _tuple(inner, "co_consts"):
            more, others = _names(inner)
            used |= more
            words |= others
    if READERS.intersection(used):
        words |= {word for text in words for word in re.findall(r"\w+", text)}
    return used, words


def _tuple(code: Any, name: str) -> tuple[Any, ...]:
    value = _get(code, name)
    return value if isinstance(value, tuple) else ()


# What an object of a student's does when it is asked may raise anything, and is no finding.
def _look_up(names: Mapping[str, Any], name: str) -> Any:
    try:
        return names[name]
    except Exception:
        return None


def _get(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:
        return None


def _shown(value: Any) -> str:
    try:
        return repr(value)[:1000]
    except Exception:
        return ""
