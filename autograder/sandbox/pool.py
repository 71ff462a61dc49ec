"""Sandboxes that live as long as this process, one for each way of starting them."""

import atexit
from collections.abc import Sequence

from autograder.config import Settings
from autograder.errors import SandboxError
from autograder.inside.search import Marks
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.secrecy import require_secrecy

__all__ = ["discard", "sandbox_for"]

_SANDBOXES: dict[Settings, Sandbox] = {}


def sandbox_for(settings: Settings, answers: Sequence[Marks] = ()) -> Sandbox:
    """Return a running sandbox, started where there is none yet.

    answers are what the solutions of the lesson at hand are known by (secrecy.marks_of). Raises
    SandboxError where the sandbox does not hold, or shows a submission one of them.
    """
    sandbox = _SANDBOXES.get(settings)
    if sandbox is None:
        sandbox = Sandbox(
            limits=settings.limits,
            warm=settings.warm,
            expose=settings.expose,
            hide=settings.hide,
            withhold=settings.withhold,
            isolate=settings.isolate,
        )
        _SANDBOXES[settings] = sandbox.__enter__()
        if settings.isolate:
            places = [str(place) for place in sandbox.offer.locations().values()]
            try:
                require_secrecy(sandbox.submission, answers, places)
            except SandboxError:
                discard(settings)
                raise
    return sandbox


def discard(settings: Settings) -> None:
    """Close a sandbox that has failed; the next call starts another."""
    sandbox = _SANDBOXES.pop(settings, None)
    if sandbox is not None:
        sandbox.close()


@atexit.register
def _close_all() -> None:
    for settings in tuple(_SANDBOXES):
        discard(settings)
