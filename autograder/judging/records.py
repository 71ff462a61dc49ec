"""What the grader and a judge's process say to one another: small typed records, and bounded.

grader  -- Known -->  warm process, which forks a judge, and says how it ended: Ended
grader  -- Task --->  judge
grader  <-- Began, Found, Shown, Fork, Finished, Broke --  judge
grader  -- Forked -->  judge, with the ends that lead to a submission's process
"""

from typing import Annotated

from msgspec import Meta, Struct

from autograder.judging.verdict import Verdict
from autograder.limits import Limits
from autograder.wire.records import Count

__all__ = [
    *("Began", "Begin", "Broke", "Cell", "Ended", "Event", "Finished", "Fork", "Forked", "Found"),
    *("Known", "Mistake", "Output", "Shown", "Task"),
]

Text = Annotated[str, Meta(max_length=20_000)]


class Begin(Struct, frozen=True):
    """To the warm process: what to import, for what checks import is much the same."""

    modules: list[str]


class Mistake(Struct, frozen=True):
    """A misconception of a bank: its exercise and name, what it does, and its source."""

    exercise: str
    name: str
    explanation: str
    source: str


class Known(Struct, frozen=True):
    """To the warm process: fork a judge, which knows the misconceptions of a bank.

    setup is the code of the lesson that an answer needs.
    """

    setup: str = ""
    mistakes: tuple[Mistake, ...] = ()


class Ended(Struct, frozen=True):
    """From the warm process: how a judge's process ended, as os.waitstatus_to_exitcode has it."""

    code: int


class Cell(Struct, frozen=True):
    """A code cell of the notebook, as the judge needs it.

    source is what the submission runs. Where check, the cell's grade_id, is given, source is the
    whole check; visible is the part that students see, and hidden numbers the lines of the rest.
    given is what the instructor's own notebook has there for the judge to run, and binds the names
    that the submission's own code is meant to bind there.
    """

    index: int
    source: str
    check: str = ""
    exercise: str = ""
    visible: str = ""
    hidden: tuple[int, ...] = ()
    untouched: bool = False
    given: str = ""
    binds: tuple[str, ...] = ()


class Task(Struct, frozen=True):
    """To a judge: a notebook.

    folder is the judge's own, and files are the course's, for what the judge runs. seen and found
    are verdicts that an earlier judge came to, of visible parts and in the end; cells in unread are
    run, and what they display is not looked at. candid says that the solution is the instructor's,
    so that messages may say all.
    """

    cells: list[Cell]
    limits: Limits
    folder: str
    files: list[tuple[str, bytes]]
    seen: dict[str, Verdict]
    found: dict[str, Verdict]
    unread: list[int]
    candid: bool = False


class Fork(Struct, frozen=True, tag="fork"):
    """From a judge: another process for the submission is needed."""


class Began(Struct, frozen=True, tag="began"):
    """From a judge: it looks at a cell now; check is its grade_id where it is one."""

    index: int
    check: str = ""
    whole: bool = False


class Output(Struct, frozen=True, omit_defaults=True):
    """An output as nbformat writes it."""

    output_type: Text
    name: Text | None = None
    text: Annotated[str, Meta(max_length=2_000_000)] | None = None
    data: dict[Text, Annotated[str, Meta(max_length=4_000_000)]] | None = None
    execution_count: Count | None = None
    ename: Text | None = None
    evalue: Text | None = None
    traceback: list[Annotated[str, Meta(max_length=40_000)]] | None = None


class Shown(Struct, frozen=True, tag="shown"):
    """From a judge: what a cell printed, displayed and raised, made safe to look at."""

    index: int
    count: Count | None
    outputs: Annotated[list[Output], Meta(max_length=400)]


class Found(Struct, frozen=True, tag="found"):
    """From a judge: a verdict; whole says that hidden tests had their say, or need not have."""

    check: str
    verdict: Verdict
    whole: bool


class Finished(Struct, frozen=True, tag="finished"):
    """From a judge: that was all."""


class Broke(Struct, frozen=True, tag="broke"):
    """From a judge: it ends by an exception that is no student's fault; reason says which."""

    reason: Annotated[str, Meta(max_length=2000)]


Event = Broke | Fork | Began | Shown | Found | Finished


class Forked(Struct, frozen=True):
    """To a judge: a process was forked, and its ends come beside this; else why not."""

    failure: str = ""
