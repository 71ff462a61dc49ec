"""What a check found."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["MAX_MESSAGE", "Verdict", "Word", "unjudged"]

Word = Literal[
    "passed", "failed", "error", "timeout", "memory", "crashed", "missing", "infrastructure"
]
MAX_MESSAGE = 8000  # characters


class Verdict(Struct, frozen=True):
    """What a check found.

    score is what an expression at a check's end said, for partial credit. diagnosis is a sentence
    on a known misconception, and misconception its name. seconds are those that the check took.
    reason says why a check could not work, in words that are not for students.
    """

    word: Word
    message: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    score: float | None = None
    diagnosis: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    misconception: Annotated[str, Meta(max_length=200)] = ""
    seconds: float = 0.0
    reason: str = ""


# What a student reads of a check that could not work.
UNJUDGED = "Grading itself could not do this check. It has cost you nothing: a person looks at it."


def unjudged(reason: str) -> Verdict:
    """Return the verdict on a check that could not work, by no student's fault."""
    return Verdict("infrastructure", UNJUDGED, reason=reason)
