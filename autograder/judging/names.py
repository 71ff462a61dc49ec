"""The names that a check can use: its own, the instructor's, and the submission's.

What the instructor's locked cells bind is made anew here, by running them whole and in their order.
What a check binds stays for the checks after it, as in a notebook, until a cell comes that students
are meant to write and that binds it in the instructor's version. Everything else is looked up in
the student's process: plain values as copies, other objects as references.
"""

import builtins
import contextlib
from collections.abc import Iterable
from typing import Any

from autograder.judging.questions import ASKED
from autograder.wire.peer import Peer
from autograder.wire.reference import Remote

__all__ = ["Names"]


class Names(dict[str, Any]):
    """The global names of a run's checks."""

    def __init__(self) -> None:
        super().__init__(__name__="__main__", __builtins__=builtins, **ASKED)
        self._peer: Peer | None = None
        self._student_s: set[str] = set()
        self._own: dict[str, Any] = {}  # what a check has bound and nobody has taken yet
        self._recording = True

    def follow(self, given: str, binds: Iterable[str]) -> None:
        """Run what the instructor has in a cell; give the names that students bind there back."""
        for name in binds:
            self.pop(name, None)
        if given:
            # A cell that needs what only the submission has stops there, as it would stop a kernel.
            with contextlib.suppress(Exception):
                exec(compile(given, "<given>", "exec"), self)

    def give(self, bound: dict[str, Any]) -> None:
        """Bind names as a check of another run did."""
        super().update(bound)

    def take(self) -> dict[str, Any]:
        """Return what a check has bound, without what lives in the submission's process."""
        bound, self._own = self._own, {}
        return {name: value for name, value in bound.items() if not isinstance(value, Remote)}

    @contextlib.contextmanager
    def of(self, peer: Peer) -> Any:
        """Look names up in this process of the submission, for the time of one check."""
        self._peer, self._own = peer, {}
        try:
            yield
        finally:
            self._peer = None
            for name in self._student_s:
                self.pop(name, None)
            self._student_s.clear()
            # Its process is gone.
            for name in [name for name, value in self.items() if isinstance(value, Remote)]:
                self.pop(name)

    def look_up(self, names: Iterable[str]) -> None:
        """Fetch names that nobody here has: a function's look-up does not call __missing__."""
        for name in sorted(names):
            if not hasattr(builtins, name):
                with contextlib.suppress(KeyError):
                    self[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether a check can use a name, as in ``"relu" in globals()``."""
        if not isinstance(name, str):
            return False
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __missing__(self, name: str) -> Any:
        if self._peer is None or hasattr(builtins, name):
            raise KeyError(name)
        value = self._peer.request("name", 1, name, None)
        super().__setitem__(name, value)
        self._student_s.add(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self._own[name] = value
        if name in self._student_s:
            if isinstance(value, Remote) and self._peer is not None:
                self._peer.request("put", 1, name, value)
            else:
                self._student_s.discard(name)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        if name in self._student_s and self._peer is not None:
            self._peer.request("drop", 1, name, None)
