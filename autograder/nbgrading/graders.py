"""Graders side by side, on this machine: a process for each, and a pipe to it.

A grader that dies takes its own student's try with it and nothing else, and one that takes too
long is ended alone. Pools that share a queue among their workers do otherwise: the standard
library's gives up on everybody where one worker dies, and so does Pebble's where one dies while it
waits for work.
"""

import logging
import os
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

import msgspec

from autograder.errors import CourseError

__all__ = ["Outcome", "side_by_side"]

TRIES = 3  # at a student whose grader dies, and at starting a grader
START = 300.0  # seconds that a grader may take to start, on a busy machine
GRACE = 10.0  # seconds that a grader has to put its sandbox away
MAX_OUTCOME = 2**20  # bytes


@dataclass(frozen=True)
class Outcome:
    """What became of one student's submission: graded, or why not."""

    student: str
    graded: bool
    reason: str = ""


Grade = Callable[[str], Outcome]


def side_by_side(grade: Grade, names: list[str], *, jobs: int, seconds: float) -> Iterator[Outcome]:
    """Grade students in so many processes; yield one outcome each, as they come.

    Where a grader dies, its student waits for the end of the run and is tried again alone, twice at
    most: so whoever brings graders down does so when nobody else is being graded. A student who
    takes more than so many seconds is given up. Raises CourseError where graders do not start.
    """
    crashed: list[str] = []
    for outcome in _round(grade, names, jobs=jobs, seconds=seconds):
        if isinstance(outcome, _Death):
            crashed.append(outcome.student)
        else:
            yield outcome
    for name in crashed:
        for _ in range(1, TRIES):
            (outcome,) = _round(grade, [name], jobs=1, seconds=seconds)
            if not isinstance(outcome, _Death):
                break
        if isinstance(outcome, _Death):
            outcome = Outcome(name, False, f"its grader died {TRIES} times: {outcome.how}")
        yield outcome


@dataclass(frozen=True)
class _Death:
    """A student's grader died, and how."""

    student: str
    how: str


class _Grader:
    """One process that grades a student at a time. It is made when there is work for it."""

    def __init__(self, grade: Grade, seconds: float) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = (theirs, grade, os.getpid())
        self.process = context.Process(target=_serve, args=arguments, name="grader")
        self.process.start()
        theirs.close()
        self.seconds = seconds
        self.started = False
        self.student = ""
        self.deadline = 0.0

    def begin(self, student: str) -> None:
        """Hand over a student; a dead grader is noticed when its answer is awaited."""
        self.student = student
        self.deadline = time.monotonic() + (self.seconds if self.started else START)
        with suppress(OSError):
            self.connection.send_bytes(msgspec.msgpack.encode(student))

    def answer(self) -> Outcome | _Death | None:
        """Return what became of the student, once there is something to read.

        None says that the grader has started, or that it died before it had.
        """
        try:
            answer = self.connection.recv_bytes(MAX_OUTCOME)
        except (EOFError, OSError):
            self.close(at_once=True)
            return _Death(self.student, self.end) if self.started else None
        if not self.started:
            self.started = True
            self.deadline = time.monotonic() + self.seconds
            return None
        return msgspec.msgpack.decode(answer, type=Outcome)

    @property
    def end(self) -> str:
        """How the process ended; empty while it has not."""
        code = self.process.exitcode
        if code is None:
            return ""
        if code < 0:
            hint = ", as where memory runs out" if code == -signal.SIGKILL else ""
            return f"signal {-code} ({signal.strsignal(-code)}){hint}"
        return f"exit status {code}"

    def close(self, *, at_once: bool = False) -> None:
        """End the process, and with it all that it started."""
        self.connection.close()
        if not at_once:
            self.process.join(GRACE)
        self.process.kill()
        self.process.join()


def _round(
    grade: Grade, names: list[str], *, jobs: int, seconds: float
) -> Iterator[Outcome | _Death]:
    """Grade every student once."""
    waiting = deque(names)
    idle: list[_Grader] = []
    busy: list[_Grader] = []
    unstarted = 0
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                busy.append(idle.pop() if idle else _Grader(grade, seconds))
                busy[-1].begin(waiting.popleft())
            nearest = min(grader.deadline for grader in busy) - time.monotonic()
            ready = wait([grader.connection for grader in busy], max(0.0, nearest))
            for grader in tuple(busy):
                if grader.connection in ready:
                    answer = grader.answer()
                    if grader.end or answer:
                        busy.remove(grader)
                    if isinstance(answer, Outcome):
                        idle.append(grader)
                    if answer:
                        yield answer
                    elif grader.end:
                        waiting.appendleft(grader.student)
                        unstarted += 1
                        if unstarted == TRIES:
                            raise CourseError(
                                f"no grader starts: {TRIES} in succession ended before they had "
                                f"begun, the last one by {grader.end}; see what they said above"
                            )
                    else:
                        unstarted = 0
                elif time.monotonic() >= grader.deadline:
                    busy.remove(grader)
                    grader.close(at_once=True)
                    yield Outcome(
                        grader.student,
                        False,
                        f"it was not graded within {seconds:.0f} s, so its grader was ended; that "
                        "is several times what a submission may take (Autograder.time)",
                    )
        for grader in idle:
            grader.connection.close()  # all put their sandboxes away at the same time
    finally:
        for grader in busy:
            grader.close(at_once=True)
        for grader in idle:
            grader.close()


def _serve(connection: Connection, grade: Grade, parent: int) -> None:
    """Grade who is handed over until the run is over; the main function of a grader."""
    # Not earlier: it needs Linux, and commands that do not grade run elsewhere too.
    from autograder.inside.confine import die_with_parent

    # A killed run's graders must not go on beside those of the run that takes up its work.
    die_with_parent(parent)
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")
    connection.send_bytes(b"started")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            student = msgspec.msgpack.decode(connection.recv_bytes(), type=str)
            try:
                outcome = grade(student)
            except Exception as error:  # whatever it is, it is this student's and no other's
                outcome = Outcome(student, False, f"{type(error).__name__}: {error}")
            connection.send_bytes(msgspec.msgpack.encode(outcome))
