"""What a check found."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = ["MAX_MESSAGE", "Verdict", "Word"]

Word = Literal[
    "passed", "failed", "error", "timeout", "memory", "crashed", "missing", "infrastructure"
]
MAX_MESSAGE = 8000  # characters


class Verdict(Struct, frozen=True):
    """What a check found.

    score is what an expression at a check's end said, for partial credit. diagnosis is a sentence
    on a known misconception, and misconception its name. seconds are those that the check took.
    """

    word: Word
    message: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    score: float | None = None
    diagnosis: Annotated[str, Meta(max_length=MAX_MESSAGE)] = ""
    misconception: Annotated[str, Meta(max_length=200)] = ""
    seconds: float = 0.0
