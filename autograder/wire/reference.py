"""References to objects of a student's process, as a check sees them."""

from collections.abc import Callable
from typing import Any

from autograder.wire.tensors import WireError

__all__ = ["Remote", "RemoteError", "Request", "Restriction"]

# Asks the other end: operation, number of the object, a name, a value.
Request = Callable[[str, int, str, Any], Any]


class RemoteError(Exception):
    """Code at the other end raised an exception that has no builtin equal."""


class Restriction(TypeError):
    """A check asked something of a student's object that only a value can answer."""


class Remote:
    """An object of a student's process. It can be called, looked into and iterated over.

    It answers neither == nor truth nor arithmetic: the object itself would decide about them.
    """

    __slots__ = ("_id", "_request", "_text")

    def __init__(self, request: Request, number: int, text: str) -> None:
        object.__setattr__(self, "_request", request)
        object.__setattr__(self, "_id", number)
        object.__setattr__(self, "_text", text)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the object there, with these arguments or references to them."""
        return self._request("call", self._id, "", (args, kwargs))

    def __getattr__(self, name: str) -> Any:
        return self._request("get", self._id, name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        self._request("set", self._id, name, value)

    def __getitem__(self, key: Any) -> Any:
        return self._request("item", self._id, "", key)

    def __len__(self) -> int:
        return int(self._request("len", self._id, "", None))

    def __iter__(self) -> "Remote":
        iterator = self._request("iter", self._id, "", None)
        if not isinstance(iterator, Remote):
            raise WireError("an iterator came as a value")
        return iterator

    def __next__(self) -> Any:
        return self._request("next", self._id, "", None)

    def __repr__(self) -> str:
        return f"<{self._text} of the submission>"

    def _refuse(self, *_: Any) -> Any:
        raise Restriction(
            f"a check cannot compare or test {self!r}, because the object itself would answer; "
            "compare what its functions return: numbers, strings, lists, tensors, arrays"
        )

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = __hash__ = (
        _refuse
    )
