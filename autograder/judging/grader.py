"""The grader's side: one notebook after another, each by a judge that is thrown away.

The grader itself reads nothing of a submission but the typed, bounded records of a judge, and what
nbformat reads of the rebuilt notebook. Where a judge dies, or takes too much, the check that it was
at gets the verdict, and another judge goes on with the rest.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import nbformat
from nbformat import NotebookNode

from autograder.errors import SandboxError
from autograder.judging.given import given_in, names_bound_in
from autograder.judging.processes import error
from autograder.judging.records import (
    Began,
    Begin,
    Broke,
    Cell,
    Ended,
    Event,
    Finished,
    Fork,
    Forked,
    Found,
    Known,
    Shown,
    Task,
)
from autograder.judging.verdict import Verdict, unjudged
from autograder.notebooks import cells
from autograder.notebooks.cells import is_check, is_run, marks_of
from autograder.notebooks.regions import USUAL, Delimiters, hidden_lines, visible
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.scratch import scratch_folder
from autograder.sandbox.submission import PATIENCE
from autograder.wire.channel import Channel, Closed, DeadlineError
from autograder.wire.records import read, write
from autograder.wire.tensors import WireError

__all__ = ["Grader", "Judges", "note_verdict"]

START = 120.0  # seconds that importing the warm modules may take on a busy machine
GRACE = 2.0
DEATHS = 8  # of a notebook's judges; then the rest of it is given up
LARGEST = 16 * 2**20  # bytes of a judge's record
MOST = 64 * 2**20  # bytes of all records of one judge
EVENTS = 100_000  # records of one judge; 3,000 cells make some thousand


class Judges:
    """A warm process that judges are forked from. Use it as a context manager."""

    def __init__(self, warm: Sequence[str] = ()) -> None:
        self.warm = tuple(warm)
        self._stack = ExitStack()

    def __enter__(self) -> "Judges":
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the warm process."""
        self._stack.close()

    @contextmanager
    def judge(self, known: Known) -> Iterator["_Judge"]:
        """Fork a judge that knows a bank of answers; end it afterwards. Raises SandboxError."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._channel.seconds = START
                try:
                    self._channel.send(write(known), (theirs.fileno(),))
                    _, (handle,) = self._channel.receive(1)
                except (Closed, DeadlineError, WireError, ValueError) as failure:
                    raise SandboxError(f"the judges' warm process has died: {failure}") from None
            try:
                judge = _Judge(Channel(ours, largest=LARGEST), handle, self._ended)
                yield judge
            finally:
                judge.end()
                os.close(handle)

    def _ended(self) -> int:
        """Wait until the judge has ended; return how."""
        self._channel.seconds = START
        try:
            ended: Ended = read(self._channel.receive()[0], Ended)
        except (Closed, DeadlineError, WireError) as failure:
            raise SandboxError(f"the judges' warm process has died: {failure}") from None
        return ended.code

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        self._channel = Channel(ours, START)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autograder.judging.process", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, "MPLBACKEND": "agg"},
            )
        self._stack.callback(self._stop)
        try:
            self._channel.send(write(Begin(list(self.warm))))
            self._channel.receive()
        except (Closed, DeadlineError) as failure:
            raise SandboxError(f"the judges' warm process did not start ({failure})") from None

    def _stop(self) -> None:
        self._channel.close()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Judge:
    """One judge's process."""

    def __init__(self, channel: Channel, handle: int, ended: Any) -> None:
        self.channel, self._handle, self._ended = channel, handle, ended
        self._code: int | None = None

    def end(self) -> int:
        """End the process where it has not ended; return how it did, as a negative signal."""
        if self._code is None:
            self.channel.close()
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            self._code = self._ended()
        return self._code

    def died(self) -> int:
        """Wait a moment for a process that seems to be ending; return how it did."""
        self.channel.close()
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        poll.poll(GRACE * 1000)
        return self.end()


@dataclass
class _Progress:
    """What is known of a notebook so far, and what a judge is at; cells are those it was given."""

    cells: frozenset[int]
    seen: dict[str, Verdict] = field(default_factory=dict)
    found: dict[str, Verdict] = field(default_factory=dict)
    shown: dict[int, Shown] = field(default_factory=dict)
    unread: list[int] = field(default_factory=list)
    at: Began | None = None
    # Where a judge broke by no student's fault, and why; lost says that it gets no further.
    broke: dict[Began, str] = field(default_factory=dict)
    lost: bool = False


@dataclass
class Grader:
    """Grades one notebook after another in a sandbox.

    files are those that the submission brings and the course's own, own_files the latter alone.
    original is the instructor's notebook, whose locked cells checks rely on. faults are checks that
    cannot work, by no student's fault, and why. candid has messages say all: for the instructor.
    """

    sandbox: Sandbox
    judges: Judges
    original: NotebookNode | None = None
    files: list[tuple[str, bytes]] = field(default_factory=list)
    own_files: list[tuple[str, bytes]] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    stubs: dict[str, str] = field(default_factory=dict)  # by exercise, to know an untouched answer
    delimiters: Delimiters = USUAL
    faults: Mapping[str, str] = field(default_factory=dict)
    candid: bool = False

    def grade(self, notebook: NotebookNode) -> dict[str, Verdict]:
        """Fill in the outputs of a rebuilt notebook's cells, and the verdicts of its checks.

        Returns the verdicts by the checks' grade_id. Raises SandboxError where the sandbox itself
        or the judges' own process fails; nothing is said of the student then.
        """
        given = self._cells(notebook)
        progress = _Progress(frozenset(cell.index for cell in given))
        for _ in range(DEATHS):
            if progress.lost or self._go_on(given, progress):
                break
        given_up = Verdict("crashed", "Too much of this notebook could not be read.")
        if progress.broke:
            given_up = unjudged("; ".join(dict.fromkeys(progress.broke.values())))
        verdicts = {c.check: progress.found.get(c.check, given_up) for c in given if c.check}
        verdicts |= {c: unjudged(why) for c, why in self.faults.items() if c in verdicts}
        for index, shown in progress.shown.items():
            cell = notebook.cells[index]
            cell.execution_count = shown.count
            cell.outputs = [_output(output) for output in shown.outputs]
        for cell in notebook.cells:
            if is_check(cell):
                note_verdict(cell, verdicts[marks_of(cell).grade_id])
        return verdicts

    def _go_on(self, cells: list[Cell], progress: _Progress) -> bool:
        """Have a judge do what is left; tell whether it came to the end."""
        limits = self.sandbox.limits
        progress.at = None
        with scratch_folder() as folder:
            task = Task(
                cells,
                limits,
                str(folder),
                self.own_files,
                progress.seen,
                progress.found,
                progress.unread,
                self.candid,
            )
            with self.judges.judge(self.known) as judge:
                # The submission has its own limit, which the judge keeps; this is for the judge.
                wait = PATIENCE * limits.cell_time + START
                judge.channel.seconds = wait
                read_so_far = 0
                try:
                    judge.channel.send(write(task))
                    for _ in range(EVENTS):
                        frame, _ = judge.channel.receive()
                        read_so_far += len(frame)
                        if read_so_far > MOST:
                            raise WireError("a judge says too much")
                        event: Any = read(frame, Event)
                        judge.channel.seconds = wait
                        if isinstance(event, Finished):
                            return True
                        if isinstance(event, Broke):
                            self._excuse(progress, event.reason)
                            return False
                        self._take(event, progress, judge.channel)
                    raise WireError("a judge says too much")
                except Closed:
                    self._blame(progress, judge.died())
                except DeadlineError:
                    judge.end()
                    self._blame(progress, -signal.SIGPROF)
                except WireError:
                    judge.end()
                    self._blame(progress, 0)
        return False

    def _take(self, event: Any, progress: _Progress, channel: Channel) -> None:
        if isinstance(event, Fork):
            try:
                ends = self.sandbox.fork(self.files)
            except SandboxError as failure:
                channel.send(write(Forked(str(failure))))
                raise
            try:
                channel.send(write(Forked()), ends)
            finally:
                ends.close()
        elif isinstance(event, Began):
            progress.at = event
        elif isinstance(event, Shown):
            if event.index not in progress.cells:
                raise WireError(f"a judge speaks of cell {event.index}, which it was not given")
            progress.shown.setdefault(event.index, event)
        elif isinstance(event, Found):
            (progress.found if event.whole else progress.seen)[event.check] = event.verdict

    def _blame(self, progress: _Progress, code: int) -> None:
        """Count a judge's death against what it was at."""
        at = progress.at
        if at is None:
            raise SandboxError(f"a judge's process died before it began (status {code})")
        if not at.check:
            progress.unread.append(at.index)
            return
        where = "A hidden test" if at.whole else "The check"
        if code in (-signal.SIGPROF, -signal.SIGXCPU):
            verdict = Verdict("timeout", f"{where} did not end in time.")
        elif code in (-signal.SIGKILL, -signal.SIGABRT):
            verdict = Verdict("memory", f"{where} needed more memory than there is.")
        else:
            verdict = Verdict("crashed", f"{where} could not read what the code returned.")
        progress.found[at.check] = verdict

    def _excuse(self, progress: _Progress, reason: str) -> None:
        """Count against nobody that a judge broke; where it breaks again, leave it to a person."""
        at = progress.at
        if at is None:
            raise SandboxError(f"a judge broke before it began: {reason}")
        if at not in progress.broke:
            progress.broke[at] = reason
        elif at.check:
            progress.found[at.check] = unjudged(reason)
        else:
            progress.lost = True

    def _cells(self, notebook: NotebookNode) -> list[Cell]:
        theirs = self.original.cells if self.original is not None else []
        # As rebuilding names cells that have no id.
        original = {
            cell.get("id") or f"cell-{index}": cell
            for index, cell in enumerate(theirs)
            if cell.cell_type == "code"
        }
        answers = {
            marks_of(cell).grade_id: cell.source.strip()
            for cell in notebook.cells
            if marks_of(cell).solution
        }
        found = []
        for index, cell in enumerate(notebook.cells):
            marks = marks_of(cell)
            if not is_run(cell):
                continue
            if is_check(cell):
                name = marks.exercise
                stub = self.stubs.get(name, "").strip()
                found.append(
                    Cell(
                        index,
                        cell.source,
                        check=marks.grade_id,
                        exercise=name,
                        visible=visible(cell.source, self.delimiters),
                        hidden=tuple(sorted(hidden_lines(cell.source, self.delimiters))),
                        untouched=name in answers and answers[name] in ("", stub),
                    )
                )
                continue
            own = original.get(cell.get("id"))
            text = own.source if own is not None else ""
            given = "" if marks.solution else given_in(text, locked=marks.locked)
            binds = () if marks.locked else names_bound_in(text)
            found.append(Cell(index, cell.source, given=given, binds=binds))
        return found


def _output(output: Any) -> NotebookNode:
    made = msgspec.to_builtins(output)
    if output.output_type in ("display_data", "execute_result"):
        made = {"metadata": {}, **made}
    if output.output_type == "execute_result":
        made = {"execution_count": None, **made}
    return nbformat.from_dict(made)


def note_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    """Write a verdict into a check: in its outputs for people, in its metadata for nbgrader."""
    points = marks_of(cell).points
    earned = 0.0
    if verdict.word == "passed":
        earned = points if verdict.score is None else verdict.score
    if not 0 <= earned <= points:
        verdict = Verdict(
            "infrastructure",
            f"The check ended with {earned:g}; expected a number of points from 0 to {points:g}.",
        )
        earned = 0.0
    # Tenths, so that grading the same again nearly always gives the same bytes.
    noted = cells.Noted(verdict.word, earned, round(verdict.seconds, 1), verdict.reason)
    cells.note_verdict(cell, noted)
    text = verdict.message
    if verdict.diagnosis:
        text = f"{text}\n\n{verdict.diagnosis}"
    if verdict.word == "passed":
        said = f"passed: {earned:g} of {points:g} points"
        cell.outputs = [nbformat.v4.new_output("display_data", {"text/plain": said})]
    else:
        cell.outputs = [nbformat.from_dict(error(verdict.word, text))]
