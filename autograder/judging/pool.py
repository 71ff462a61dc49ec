"""Warm processes of judges that live as long as this process, one for each list of modules."""

import atexit

from autograder.judging.grader import Judges

__all__ = ["discard_judges", "judges_for"]

_JUDGES: dict[tuple[str, ...], Judges] = {}


def judges_for(warm: tuple[str, ...]) -> Judges:
    """Return a running warm process, started where there is none yet. Raises SandboxError."""
    if warm not in _JUDGES:
        _JUDGES[warm] = Judges(warm).__enter__()
    return _JUDGES[warm]


def discard_judges(warm: tuple[str, ...]) -> None:
    """Close one that has failed; the next call starts another."""
    judges = _JUDGES.pop(warm, None)
    if judges is not None:
        judges.close()


@atexit.register
def _close_all() -> None:
    for warm in tuple(_JUDGES):
        discard_judges(warm)
