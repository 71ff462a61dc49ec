"""Values of the standard library that have a form: counters, fractions, named tuples, dates.

A check compares them with plain values, as in ``assert count(text) == {"a": 2}``.
"""

import datetime
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from autograder.wire.tensors import WireError

__all__ = ["standard_form", "standard_value"]

MOST_FIELDS = 100
_FORMS: dict[type, tuple[str, Callable[[Any], list[Any]]]] = {
    Counter: ("Counter", lambda v: [dict(v)]),
    # Without the function that makes what is missing, which is the submission's.
    defaultdict: ("defaultdict", lambda v: [dict(v)]),
    OrderedDict: ("OrderedDict", lambda v: [list(v.items())]),
    deque: ("deque", lambda v: [list(v), v.maxlen]),
    Fraction: ("Fraction", lambda v: [v.numerator, v.denominator]),
    Decimal: ("Decimal", lambda v: [str(v)]),
    datetime.date: ("date", lambda v: [v.isoformat()]),
    datetime.time: ("time", lambda v: [v.isoformat()]),
    datetime.datetime: ("datetime", lambda v: [v.isoformat()]),
    datetime.timedelta: ("timedelta", lambda v: [v.days, v.seconds, v.microseconds]),
    PurePosixPath: ("PurePosixPath", lambda v: [str(v)]),
}
_VALUES: dict[str, Callable[..., Any]] = {
    "Counter": Counter,
    "defaultdict": lambda items: defaultdict(None, items),
    "OrderedDict": OrderedDict,
    "deque": deque,
    "Fraction": Fraction,
    "Decimal": Decimal,
    "date": datetime.date.fromisoformat,
    "time": datetime.time.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "timedelta": datetime.timedelta,
    "PurePosixPath": PurePosixPath,
}


def standard_form(value: Any) -> tuple[str, list[Any]] | None:
    """Return the name and the parts of a value of the standard library's; None for any other."""
    known = _FORMS.get(type(value))
    if known is not None:
        name, parts = known
        return name, parts(value)
    fields: Any = getattr(type(value), "_fields", None)
    if isinstance(value, tuple) and _are_fields(fields) and _is_plain(type(value), fields):
        return "namedtuple", [type(value).__name__, list(fields), list(tuple.__iter__(value))]
    return None


def standard_value(name: str, parts: list[Any]) -> Any:
    """Return the value of a name and parts. Raises WireError where there is none."""
    if name == "namedtuple":
        title, fields, items = parts
        if not _are_fields(fields) or len(fields) != len(items):
            raise WireError("a named tuple is malformed")
        made = _named(title if str(title).isidentifier() else "Row", tuple(fields))
        return made(*items)
    if name not in _VALUES:
        raise WireError(f"a value has the unknown name {name[:60]!r}")
    return _VALUES[name](*parts)


def _is_plain(made: type, fields: Any) -> bool:
    """Tell whether a class is a named tuple and nothing more: methods of its own would be lost."""
    usual = set(vars(_named("Row", tuple(fields)))) | {"__orig_bases__", "__annotations__"}
    return made.__mro__[1] is tuple and set(vars(made)) <= usual


def _are_fields(fields: Any) -> bool:
    return (
        isinstance(fields, tuple | list)
        and len(fields) <= MOST_FIELDS
        and all(isinstance(f, str) and f.isidentifier() and f[0] != "_" for f in fields)
    )


@cache
def _named(title: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(title, fields)
