"""Whose fault it is that a judge broke: the submission's, or ours.

A judge expects exceptions of a check and gives each a verdict. One that nothing expects ends it.
Where does it come from?

- Out of what reads what the submission sent (READERS), or of a bound that its values hit (BOUNDS):
  then it is the submission's, as any value is that nobody can read. It costs what a crash costs.
- Out of anything else of the judge: then it is a bug of ours. The check is tried once more by a
  judge of its own. Where that breaks too, the verdict is `infrastructure`: no points are given and
  none are taken, and the gradebook leaves the check to a person.

So a submission cannot turn a 0 into a question by sending what makes a reader fail, and whoever
finds another way to break a judge gets a person who looks, and never points.
"""

import traceback

import msgspec

from autograder.wire.tensors import WireError

__all__ = ["is_the_submission_s", "where"]

READERS = ("autograder.wire.", "autograder.notebooks.", "autograder.judging.diagnosis")
BOUNDS = (MemoryError, RecursionError, WireError, msgspec.MsgspecError)
MAX_WORDS = 500  # characters


def is_the_submission_s(error: BaseException) -> bool:
    """Tell whether an exception that ended a judge counts against the submission."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [f"{frame.f_globals.get('__name__', '')}." for frame in frames]
    return isinstance(error, BOUNDS) or any(name.startswith(READERS) for name in names)


def where(error: BaseException) -> str:
    """Say what was raised and where, for the instructor and for who mends it."""
    words = traceback.format_exception_only(error)[-1].strip()[:MAX_WORDS]
    place = traceback.extract_tb(error.__traceback__)[-1:]
    at = "".join(f" ({frame.name}, line {frame.lineno})" for frame in place)
    return words + at
