"""Sandboxes that live as long as this process, one for each way of starting them."""

import atexit

from autograder.config import Settings
from autograder.sandbox.sandbox import Sandbox

__all__ = ["discard", "sandbox_for"]

_SANDBOXES: dict[Settings, Sandbox] = {}


def sandbox_for(settings: Settings) -> Sandbox:
    """Return a running sandbox, started where there is none yet. Raises SandboxError."""
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
