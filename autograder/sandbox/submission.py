"""A submission's process, from outside: run its cells, fork it for a check, learn how it ended."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograder.errors import SandboxError
from autograder.limits import Limits
from autograder.wire.channel import Channel, Closed, DeadlineError
from autograder.wire.peer import Peer
from autograder.wire.records import (
    Ask,
    Clock,
    Keep,
    Look,
    Looked,
    Offer,
    Order,
    Over,
    Ran,
    Report,
    Request,
    Run,
    read,
    write,
)
from autograder.wire.tensors import WireError

__all__ = ["FOLDER", "CellResult", "Check", "Copy", "Ends", "Gone", "Submission", "fork"]

FOLDER = "/tmp/submission"
START = 120.0  # seconds until a forked process reports
GRACE = 2.0  # seconds that a cell has after an interrupt, and a check after its end
# Time by the clock counts only while the machine let a submission run, up to so many times a limit.
PATIENCE = 5.0
SMALL = 65_536  # bytes of a supervisor's word


class Gone(Exception):
    """A submission's process is no more; reason says how it ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class CellResult:
    """What became of a cell.

    printed is what was read of its output, as nbformat writes it; ran is the process's own word of
    what the cell displayed and raised. ended is why it did not finish: "" or "timeout".
    """

    ran: Ran
    printed: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""


class Ends(NamedTuple):
    """Open files that lead to a submission: its channel, its supervisor, what it prints."""

    channel: int
    watcher: int
    output: int
    error: int

    def close(self) -> None:
        """Close all of them."""
        for file in self:
            os.close(file)


def fork(
    warm: Channel,
    limits: Limits,
    *,
    isolate: bool,
    folder: str,
    files: Sequence[tuple[str, bytes]] = (),
    environment: dict[str, str] | None = None,
) -> Ends:
    """Have a submission's process forked from the warm one; return what leads to it.

    files are put into its folder. Raises SandboxError where that fails, for reasons that are not
    the submission's.
    """
    sizes = [(name, len(content)) for name, content in files]
    request = Request(limits, isolate, folder, sizes, environment or {})
    with ExitStack() as stack:
        ours, theirs = socket.socketpair()
        watcher, watched = socket.socketpair()
        outputs = [os.memfd_create(name) for name in ("output", "error")]
        for end in (ours, theirs, watcher, watched):
            stack.callback(end.close)
        for file in outputs:
            stack.callback(os.close, file)
        contents = stack.enter_context(os.fdopen(os.memfd_create("contents"), "wb"))
        contents.writelines(content for _, content in files)
        contents.flush()
        passed = (watched.fileno(), theirs.fileno(), *outputs, contents.fileno())
        try:
            warm.send(write(request), passed)
        except Closed:
            raise SandboxError("the sandbox's warm process has died") from None
        theirs.close()
        watched.close()
        try:
            report: Report = read(Channel(watcher, START, largest=SMALL).receive()[0], Report)
        except (Closed, DeadlineError, WireError) as error:
            raise SandboxError(f"no process for a submission could be started: {error}") from None
        if report.kind != "started":
            raise SandboxError(f"no process for a submission could be started: {report.text}")
        return Ends(*map(os.dup, (ours.fileno(), watcher.fileno(), *outputs)))


class _Process:
    """A process that obeys orders: the submission, or a copy of it."""

    def __init__(self, channel: Channel, watcher: Channel) -> None:
        self._channel, self._watcher = channel, watcher
        channel.more = self._more
        self._waited = self._left = 0.0
        self.has_waited = 0.0  # what waited() said last, which is known of a dead process too

    def check(self, seconds: float) -> "Check":
        """Fork the process; return a connection on which a check may call the fork's objects."""
        ours, theirs = socket.socketpair()
        watched, lifeline = os.pipe()
        try:
            self._send(Offer(), seconds, (theirs.fileno(), watched))
        except (Closed, DeadlineError) as error:
            ours.close()
            os.close(lifeline)
            raise self._gone(error, late=False) from None
        finally:
            theirs.close()
            os.close(watched)
        channel = Channel(ours, seconds, more=self._more)
        return Check(self, channel, lifeline)

    def finish_check(self) -> None:
        """Wait until the fork of a check is gone. Raises Gone where the process itself is."""
        try:
            self._receive(2 * GRACE, Over)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=False) from None

    def _send(self, order: Order, seconds: float, files: tuple[int, ...] = ()) -> None:
        self._waited, self._left = self.waited(), (PATIENCE - 1) * seconds
        self._channel.seconds = seconds
        self._channel.send(write(order), files)

    def _receive(self, seconds: float, kind: Any) -> Any:
        self._channel.seconds = seconds
        return read(self._channel.receive()[0], kind)

    def waited(self) -> float:
        """Seconds that the submission's processes have waited for a processor, so far."""
        self._watcher.seconds = GRACE
        try:
            self._watcher.send(write(Ask("clock")))
            clock: Clock = read(self._watcher.receive()[0], Clock)
        except (Closed, DeadlineError, WireError):
            return 0.0
        self.has_waited = max(self.has_waited, clock.waited)
        return clock.waited

    def _more(self) -> float:
        """Seconds to add to a time limit: those for which others had the processor."""
        waited = self.waited()
        added = min(waited - self._waited, self._left)
        self._waited = max(waited, self._waited)
        self._left -= max(0.0, added)
        return added if added > 0.05 else 0.0

    def _gone(self, error: Exception, *, late: bool) -> Gone:
        """End the process; return how it ended, in the supervisor's words where it has any."""
        reason = ""
        if isinstance(error, Closed):
            with suppress(Closed, DeadlineError, WireError):
                self._watcher.seconds = GRACE
                report: Report = read(self._watcher.receive()[0], Report)
                reason = report.text
        self.close_connections()
        if late or isinstance(error, DeadlineError):
            return Gone("timeout")
        if isinstance(error, WireError):
            return Gone("it sent what is no message")
        return Gone(reason or "it closed its connection")

    def close_connections(self) -> None:
        """Close what leads to the process, which ends it."""
        self._channel.close()


class Submission(_Process):
    """A submission's process in the sandbox. Use it as a context manager."""

    def __init__(self, ends: Ends, limits: Limits) -> None:
        self.limits = limits
        self._stack = ExitStack()
        self._outputs = (ends.output, ends.error)
        self._offsets = [0, 0]
        for file in self._outputs:
            self._stack.callback(os.close, file)
        super().__init__(
            Channel(socket.socket(fileno=ends.channel)),
            Channel(socket.socket(fileno=ends.watcher), largest=SMALL),
        )
        self._stack.callback(self.close_connections)

    def __enter__(self) -> "Submission":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and everything that it started."""
        self._stack.close()

    def run(self, source: str, seconds: float) -> CellResult:
        """Run a cell. A cell that takes longer is interrupted, and the process lives on.

        Raises Gone where the process died, or did not heed the interrupt.
        """
        late = False
        try:
            self._send(Run(source), seconds)
            try:
                ran = self._receive(seconds, Ran)
            except DeadlineError:
                late = True
                self._watcher.send(write(Ask("interrupt")))
                self._left = 0.0
                ran = self._receive(GRACE, Ran)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=late) from None
        return CellResult(ran, self.printed(), "timeout" if late else "")

    def keep(self, seconds: float) -> "Copy":
        """Keep a copy of the process as it is now. Raises Gone where the process is gone."""
        ours, theirs = socket.socketpair()
        try:
            self._send(Keep(), seconds, (theirs.fileno(),))
            self._receive(seconds, Over)
        except (Closed, WireError, DeadlineError) as error:
            ours.close()
            raise self._gone(error, late=False) from None
        finally:
            theirs.close()
        return Copy(Channel(ours), self._watcher)

    def close_connections(self) -> None:
        """Let the supervisor end the process, and keep what it printed."""
        self._channel.close()
        self._watcher.close()

    def printed(self) -> list[dict[str, Any]]:
        """Return what was printed since the last cell ended."""
        outputs = []
        for index, name in enumerate(("stdout", "stderr")):
            with suppress(OSError):
                limit = self.limits.output
                data = os.pread(self._outputs[index], limit + 1, self._offsets[index])
                self._offsets[index] = max(
                    self._offsets[index], os.fstat(self._outputs[index]).st_size
                )
                if data:
                    text = data[:limit].decode(errors="replace")
                    text += "\n[The rest was cut.]\n" if len(data) > limit else ""
                    outputs.append({"output_type": "stream", "name": name, "text": text})
        return outputs


class Copy(_Process):
    """A copy of a submission's process as it was at one check; it waits for that check."""

    def stale(self, seconds: float) -> bool:
        """Tell whether the submission's files changed since. Raises Gone."""
        try:
            self._send(Look(), seconds)
            looked: Looked = self._receive(seconds, Looked)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=False) from None
        return looked.changed

    def close(self) -> None:
        """End the copy."""
        self.close_connections()


class Check:
    """A connection to a fork of a submission's process, for the time of one check.

    lifeline is a pipe: when it is closed here, the submission's process ends the fork, which may
    be deaf by then.
    """

    def __init__(self, process: _Process, channel: Channel, lifeline: int) -> None:
        self._process, self._lifeline = process, lifeline
        self._channel = channel
        self.peer = Peer(channel, "judge")

    def __enter__(self) -> Peer:
        return self.peer

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        os.close(self._lifeline)
        self._process.finish_check()
