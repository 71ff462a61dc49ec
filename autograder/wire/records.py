"""What the grader, the sandbox and a submission's process say to one another, besides values.

    grader  -- Begin, Request -->  warm process      judge -- Run, Offer --> submission
    grader  <-------- Report ----  supervisor        judge <---- Ran, Gone ---- submission
    judge   -- Ask ------------->  supervisor        judge <---- Clock -------- supervisor

Each is decoded into its type, so that nothing of another shape gets further than here.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from autograder.limits import Limits
from autograder.wire.tensors import MAX_BYTES, WireError

__all__ = [
    *(
        "MOST_CLASSES",
        "MOST_PRINTED",
        "MOST_WORDS",
        "Answer",
        "Count",
        "Done",
        "Message",
        "Query",
        "Raised",
    ),
    *("Ask", "Begin", "Clock", "Displayed", "Failure", "Keep", "Look", "Looked", "Offer"),
    *("Order", "Over", "Ran", "Report", "Request", "Run", "read", "write"),
]

Record = TypeVar("Record")
MOST_PRINTED = 100_000  # characters that a call prints
MOST_CLASSES = 50  # that an exception derives from
MOST_WORDS = 4000  # characters of an exception's words
Count = Annotated[int, Meta(ge=0, lt=2**31)]  # of cells that ran; a notebook with another is none


class Begin(Struct, frozen=True):
    """To the warm process: what to import, and what to import where that works."""

    modules: list[str]
    chosen: list[str] = []


class Request(Struct, frozen=True):
    """To the warm process: fork a submission, with files in its folder.

    files are names and sizes; what is in the files comes one after the other in an open file, which
    may hold more than a record.
    """

    limits: Limits
    isolate: bool
    folder: str
    files: list[tuple[str, int]]
    environment: dict[str, str]


class Report(Struct, frozen=True):
    """From a supervisor: the submission has started, or has ended and how."""

    kind: Literal["started", "ended", "infrastructure"]
    text: str = ""


class Ask(Struct, frozen=True):
    """To a supervisor: interrupt the submission, or say how long it has waited for a processor."""

    what: Literal["interrupt", "clock"]


class Clock(Struct, frozen=True):
    """From a supervisor: seconds that the submission's processes wanted to run and could not."""

    waited: float


class Run(Struct, frozen=True, tag="run"):
    """To a submission: run a cell."""

    source: str


class Offer(Struct, frozen=True, tag="offer"):
    """To a submission: offer a fork to a check, whose channel and lifeline come beside this."""


class Keep(Struct, frozen=True, tag="keep"):
    """To a submission: keep a copy as it is now, which obeys on the channel that comes with it."""


class Look(Struct, frozen=True, tag="look"):
    """To a copy: say whether the submission's files have changed since it was made."""


Order = Run | Offer | Keep | Look


class Displayed(Struct, frozen=True):
    """Something that a cell displayed, by MIME type; result says that it was the cell's value.

    Pictures are in base64, as in a notebook.
    """

    data: Annotated[dict[str, str], Meta(max_length=20)]
    result: bool = False


class Failure(Struct, frozen=True):
    """An exception that ended a cell: its name, its words, its traceback."""

    name: Annotated[str, Meta(max_length=1000)]
    text: Annotated[str, Meta(max_length=MOST_WORDS)]
    lines: Annotated[list[Annotated[str, Meta(max_length=20_000)]], Meta(max_length=100)]


class Ran(Struct, frozen=True):
    """From a submission: what a cell displayed and how it ended. It is the submission's word."""

    displayed: Annotated[list[Displayed], Meta(max_length=400)]
    cut: bool
    failure: Failure | None
    count: Count


class Looked(Struct, frozen=True):
    """From a copy: whether the submission's files have changed since it was made."""

    changed: bool


class Over(Struct, frozen=True):
    """From a submission: the fork of a check has been ended."""


class Query(Struct, frozen=True, tag="query"):
    """Between the ends of a check: carry out an operation on an object of yours.

    value is a tagged form (autograder.wire.values). graph says whether gradients are wanted, and
    random holds what is new of the asking end's generators.
    """

    operation: str
    target: int
    name: str
    value: Any
    graph: bool
    random: list[tuple[str, Any]]


class Done(Struct, frozen=True, tag="done"):
    """The answer to a query: a value, arguments that changed, the number of an autograd graph."""

    value: Any
    changed: list[tuple[int, Any]]
    node: int
    printed: Annotated[str, Meta(max_length=MOST_PRINTED)] = ""


class Raised(Struct, frozen=True, tag="raised"):
    """The other answer: an exception, by the names of its class and those it derives from.

    chain has those of them that are the answering end's own, by a key and a name.
    """

    kinds: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=MOST_CLASSES)]
    text: Annotated[str, Meta(max_length=MOST_WORDS)]
    chain: Annotated[list[tuple[str, str]], Meta(max_length=MOST_CLASSES)] = []
    printed: Annotated[str, Meta(max_length=MOST_PRINTED)] = ""


Answer = Done | Raised
Message = Query | Done | Raised


def write(record: Any) -> bytes:
    """Return the bytes of a record or a tagged form. Raises WireError where they are too many."""
    try:
        frame = msgspec.msgpack.encode(record)
    except (UnicodeEncodeError, RecursionError, OverflowError, TypeError) as error:
        raise WireError(f"a record cannot be sent: {error}") from None
    if len(frame) > MAX_BYTES:
        raise WireError(f"a message has {len(frame):,} bytes; at most {MAX_BYTES:,} are allowed")
    return frame


def read(frame: bytes, kind: type[Record] | Any) -> Record:
    """Return the record of a frame. Raises WireError where it is none of that kind."""
    try:
        return msgspec.msgpack.decode(frame, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"a record is malformed: {error}") from None
