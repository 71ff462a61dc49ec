"""Warm processes of judges that live as long as this process, one for each list of modules."""

import atexit
from dataclasses import replace
from typing import Any

from autograder.config import Settings
from autograder.judging.given import modules_imported_by, warm_for
from autograder.judging.grader import Judges

__all__ = ["discard_judges", "judges_for", "warmed"]

_JUDGES: dict[tuple[str, ...], Judges] = {}


def judges_for(warm: tuple[str, ...]) -> Judges:
    """Return a running warm process, started where there is none yet. Raises SandboxError."""
    if warm not in _JUDGES:
        _JUDGES[warm] = Judges(warm).__enter__()
    return _JUDGES[warm]


def warmed(settings: Settings, notebook: Any) -> tuple[Settings, tuple[str, ...]]:
    """Return what a sandbox and what judges of an instructor's notebook import beforehand.

    The first are the settings with what submissions will import, the second modules.
    """
    chosen = replace(settings, chosen=warm_for(notebook))
    return chosen, settings.warm + modules_imported_by(notebook)


def discard_judges(warm: tuple[str, ...]) -> None:
    """Close one that has failed; the next call starts another."""
    judges = _JUDGES.pop(warm, None)
    if judges is not None:
        judges.close()


@atexit.register
def _close_all() -> None:
    for warm in tuple(_JUDGES):
        discard_judges(warm)
