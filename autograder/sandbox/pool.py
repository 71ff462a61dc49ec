"""Sandboxes that live as long as this process, one for each way of starting them."""

import atexit
from collections.abc import Sequence

from autograder.config import Settings
from autograder.errors import SecrecyError
from autograder.inside.search import Marks
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.secrecy import require_secrecy

__all__ = ["discard", "perhaps_readable", "sandbox_for"]

_SANDBOXES: dict[Settings, Sandbox] = {}
# What a search for answers found, or why nothing is graded.
_FOUND: dict[tuple[Settings, tuple[Marks, ...]], list[str] | SecrecyError] = {}


def sandbox_for(settings: Settings, answers: Sequence[Marks] = ()) -> Sandbox:
    """Return a running sandbox, started where there is none yet.

    answers are what the solutions of the lesson at hand are known by (secrecy.marks_of). Raises
    SandboxError where the sandbox does not hold, and SecrecyError where it shows a submission one
    of them.
    """
    key = settings, tuple(answers)
    refused = _FOUND.get(key)
    if isinstance(refused, SecrecyError):
        raise refused
    sandbox = _SANDBOXES.get(settings)
    if sandbox is None:
        sandbox = Sandbox(
            limits=settings.limits,
            warm=settings.warm,
            chosen=settings.chosen,
            expose=settings.expose,
            hide=settings.hide,
            withhold=settings.withhold,
            isolate=settings.isolate,
        )
        _SANDBOXES[settings] = sandbox.__enter__()
    if settings.isolate and key not in _FOUND:
        places = [str(place) for place in sandbox.offer.locations().values()]
        try:
            _FOUND[key] = require_secrecy(sandbox.submission, answers, places)
        except SecrecyError as error:
            _FOUND[key] = error
            discard(settings)
            raise
    return sandbox


def perhaps_readable(settings: Settings, answers: Sequence[Marks]) -> tuple[str, ...]:
    """Return which files may give an answer away, for the instructor to look at."""
    found = _FOUND.get((settings, tuple(answers)), [])
    return () if isinstance(found, SecrecyError) else tuple(found)


def discard(settings: Settings) -> None:
    """Close a sandbox that has failed; the next call starts another."""
    sandbox = _SANDBOXES.pop(settings, None)
    if sandbox is not None:
        sandbox.close()
    # The next one offers what lies there then. But who is refused stays so, for every student.
    for key in [key for key, found in _FOUND.items() if key[0] == settings]:
        if not isinstance(_FOUND[key], SecrecyError):
            del _FOUND[key]


@atexit.register
def _close_all() -> None:
    for settings in tuple(_SANDBOXES):
        discard(settings)
