"""A submission's processes, one after another where one dies, and copies of them for later."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from autograder.judging.records import Cell
from autograder.judging.verdict import Word
from autograder.limits import KEPT, Limits
from autograder.notebooks.html import clean
from autograder.sandbox.submission import Check, Copy, Gone, Submission
from autograder.wire.records import Ran

__all__ = ["Processes", "UsedUp", "as_nbformat", "end_in_words", "error"]

DEATHS = 8  # of a submission's processes; then the rest of it is given up


class UsedUp(Exception):
    """A submission gets no further process, or no further time."""


class Processes:
    """Runs a notebook's cells; where the process dies, another one takes up where it stood.

    fork gives a new process; cells in unread are run and nothing is taken from them.
    """

    def __init__(
        self, fork: Callable[[], Submission], limits: Limits, unread: Iterable[int] = ()
    ) -> None:
        self._fork, self._limits, self._unread = fork, limits, set(unread)
        self._end = time.monotonic() + limits.time
        self._history: list[Cell] = []  # cells that ran and left the process alive
        self._process: Submission | None = None
        self._copies: dict[str, Copy] = {}
        self._deaths = 0
        self._waited = 0.0  # seconds that processes which have died waited for a processor

    def close(self) -> None:
        """End the process, and its copies with it."""
        for copy in self._copies.values():
            copy.close()
        self._copies.clear()
        if self._process is not None:
            self._process.close()
            self._process = None

    def execute(self, cell: Cell) -> tuple[int | None, list[dict[str, Any]]]:
        """Run a cell; return its execution count and its outputs as nbformat writes them."""
        try:
            process, seconds = self._alive()
        except UsedUp as reason:
            return None, [error("not run", str(reason))]
        try:
            result = process.run(cell.source, seconds)
        except Gone as gone:
            printed = process.printed()
            self.bury()
            return None, [*printed, error(*end_in_words(gone.reason, "This cell"))]
        self._history.append(cell)
        if cell.index in self._unread:
            text = "What this cell displays could not be read within the limits of grading."
            return None, [error("not shown", text)]
        outputs = [*result.printed, *clean(as_nbformat(result.ran))]
        if result.ended == "timeout":
            text = f"This cell took more than {seconds:.0f} s and was interrupted."
            outputs.append(error("timeout", text))
        return result.ran.count, outputs

    def keep(self, cell: Cell) -> None:
        """Keep a copy for a check's hidden tests, where there is room for one."""
        if len(self._copies) >= KEPT:
            return
        try:
            process, seconds = self._alive()
            self._copies[cell.check] = process.keep(seconds)
        except Gone:
            self.bury()
        except UsedUp:
            pass

    def check(self) -> Check:
        """Open a connection to a fork for a check. Raises UsedUp and Gone."""
        process, seconds = self._alive()
        return process.check(seconds)

    def check_on_copy(self, cell: Cell) -> Check | None:
        """Open one to the copy that was kept for a check; None where it is of no use any more."""
        copy = self._copies.get(cell.check)
        if copy is None:
            return None
        try:
            _, seconds = self._alive()
            return None if copy.stale(seconds) else copy.check(seconds)
        except (Gone, UsedUp):
            return None

    def _alive(self) -> tuple[Submission, float]:
        """Return a process that has run all cells so far, and the seconds that the next may take.

        Raises UsedUp where the submission has had its time, or its share of processes.
        """
        while True:
            left = self._end - time.monotonic() + self._waited
            if left < self._limits.cell_time and self._process is not None:
                left += self._process.waited()
            seconds = min(self._limits.cell_time, left)
            if seconds <= 0:
                raise UsedUp(f"The submission has used up its {self._limits.time:.0f} s.")
            if self._process is not None:
                return self._process, seconds
            if self._deaths > DEATHS:
                raise UsedUp(f"The submission has ended its process {self._deaths} times.")
            self._process = self._fork()
            for cell in tuple(self._history):
                try:
                    self._process.run(cell.source, seconds)
                except Gone:
                    self._history.remove(cell)
                    self.bury()
                    break

    def bury(self) -> None:
        """Note that the process has died, and its copies with it."""
        if self._process is not None:
            self._waited += self._process.has_waited
        self.close()
        self._deaths += 1


def as_nbformat(ran: Ran) -> dict[str, Any]:
    """Return what a cell displayed and raised as nbformat writes it, before it is cleaned."""
    failure = ran.failure
    outputs = [
        {"data": item.data, **({"execution_count": ran.count} if item.result else {})}
        for item in ran.displayed
    ]
    words = [failure.name, failure.text, failure.lines] if failure is not None else None
    return {"outputs": outputs, "cut": ran.cut, "error": words}


def end_in_words(reason: str, what: str) -> tuple[Word, str]:
    """Say how a process ended: a verdict's word, and a sentence."""
    match reason:
        case "memory":
            return "memory", f"{what} used more memory than a submission may."
        case "processes":
            return "crashed", f"{what} started more processes than a submission may."
        case "timeout":
            return "timeout", f"{what} did not end in time and did not heed an interrupt."
    return "crashed", f"{what} ended the process of the submission ({reason})."


def error(name: str, text: str) -> dict[str, Any]:
    """Return an error as nbformat writes it."""
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": [f"{name}: {text}"]}
