"""One notebook, in a judge's process: run its cells, judge its checks, tell the grader.

The cells run once. A check's visible part is run at its place, and a copy of the submission as it
is there is kept where the check has hidden tests. When the last cell has run and all that it
prints has been read, the whole checks are run against the copies, and nothing is taken from them
but verdicts: so what a hidden test passes to an answer comes back to nobody, whether it is carried
on in a file, in shared memory or by another answer. A copy shares files with what came after it;
where they changed meanwhile, or where it is gone, the cells are run a second time for it.
"""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from autograder.judging.judge import judge
from autograder.judging.names import Names
from autograder.judging.processes import Processes, UsedUp, end_in_words
from autograder.judging.records import Began, Cell, Event, Found, Output, Shown, Task
from autograder.judging.verdict import MAX_MESSAGE, Verdict
from autograder.sandbox.submission import Check, Gone, Submission
from autograder.wire.channel import Closed
from autograder.wire.peer import Call

__all__ = ["Diagnose", "Tell", "run"]

# Explains a wrong answer to an exercise by its calls: a sentence, and a misconception's name.
Diagnose = Callable[[str, Verdict, list[Call]], tuple[str, str]]
Tell = Callable[[Event], None]


def run(task: Task, fork: Callable[[], Submission], tell: Tell, diagnose: Diagnose) -> None:
    """Run a notebook; tell what its cells showed, and a verdict for each check."""
    _Run(task, fork, tell, diagnose).run()


class _Run:
    def __init__(
        self, task: Task, fork: Callable[[], Submission], tell: Tell, diagnose: Diagnose
    ) -> None:
        self._task, self._fork, self._tell, self._diagnose = task, fork, tell, diagnose
        self._left: dict[str, dict[str, Any]] = {}  # by check, names that its visible part bound

    def run(self) -> None:
        with closing(self._processes()) as first:
            pending = self._visible(first)
            if pending:
                self._whole(first, pending)

    def _processes(self) -> Processes:
        return Processes(self._fork, self._task.limits, self._task.unread)

    def _visible(self, processes: Processes) -> set[str]:
        """Run all cells, and the visible parts of checks; return the checks to be run whole."""
        names = Names()
        pending = set()
        for cell in self._task.cells:
            if not cell.check:
                self._tell(Began(cell.index))
                count, outputs = processes.execute(cell)
                kept = [msgspec.convert(output, Output, strict=False) for output in outputs]
                self._tell(Shown(cell.index, count, kept))
                names.follow(cell.given, cell.binds)
                continue
            if cell.check in self._task.found:
                continue
            if cell.hidden:
                processes.keep(cell)
            verdict = self._task.seen.get(cell.check)
            if verdict is None:
                self._tell(Began(cell.index, cell.check))
                verdict = self._judge(cell, cell.visible, processes, None, names, blind=False)
                self._left[cell.check] = names.take()
            whole = verdict.word != "passed" or not cell.hidden
            self._tell(Found(cell.check, verdict, whole))
            if not whole:
                pending.add(cell.check)
        return pending

    def _whole(self, first: Processes, pending: set[str]) -> None:
        """Run checks with their hidden tests: on the copies, or else where cells run once more."""
        names = Names()
        with closing(self._processes()) as second:
            begun = 0  # cells before this place have been run a second time
            for place, cell in enumerate(self._task.cells):
                if not cell.check:
                    names.follow(cell.given, cell.binds)
                    continue
                if cell.check not in pending:
                    names.give(self._left.get(cell.check, {}))
                    continue
                self._tell(Began(cell.index, cell.check, whole=True))
                connection = first.check_on_copy(cell)
                if connection is None:
                    for earlier in self._task.cells[begun:place]:
                        if not earlier.check:
                            second.execute(earlier)
                    begun = place
                verdict = self._judge(cell, cell.source, second, connection, names, blind=True)
                self._tell(Found(cell.check, verdict, whole=True))

    def _judge(
        self,
        cell: Cell,
        source: str,
        processes: Processes,
        connection: Check | None,
        names: Names,
        *,
        blind: bool,
    ) -> Verdict:
        """Run a check's source against a fork of the submission; diagnose a wrong answer."""
        start = time.monotonic()
        candid = self._task.candid
        blind = blind and not candid
        verdict, calls = Verdict("crashed", "The code ended its own process."), []
        try:
            with connection or processes.check() as peer:
                with suppress(Closed):
                    verdict = judge(
                        source,
                        peer,
                        names,
                        hidden=() if candid else cell.hidden,
                        untouched=cell.untouched,
                        blind=blind,
                    )
                calls = peer.calls
        except UsedUp as reason:
            return Verdict("timeout", str(reason))
        except Gone as gone:
            if connection is None:
                processes.bury()
            if verdict.word == "crashed" and not blind:
                verdict = Verdict(*end_in_words(gone.reason, "The code"))
        if blind and verdict.word == "crashed":
            # How a process ended can be chosen by the input of a hidden test.
            verdict = Verdict("crashed", "The code ended its own process in a hidden test.")
        if verdict.word in ("failed", "error"):
            sentence, name = self._diagnose(cell.exercise, verdict, calls)
            verdict = replace(verdict, diagnosis=sentence[:MAX_MESSAGE], misconception=name[:200])
        return replace(verdict, seconds=time.monotonic() - start)
