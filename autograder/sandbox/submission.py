"""A submission's process, from outside: run its cells, fork it for a check, learn how it ended."""

import os
import socket
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autograder.errors import SandboxError
from autograder.limits import Limits
from autograder.wire.channel import Channel, Closed, DeadlineError
from autograder.wire.peer import Peer
from autograder.wire.values import WireError, pack, unpack

__all__ = ["CellResult", "Check", "Gone", "Submission"]

START = 120.0  # seconds until a forked process reports
FOLDER = "/tmp/submission"
GRACE = 2.0  # seconds that a cell has after an interrupt, and a check after its end


class Gone(Exception):
    """A submission's process is no more; reason says how it ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class CellResult:
    """What became of a cell.

    printed is what the grader read of its output, as nbformat writes it; said is the process's own
    word of what the cell displayed and raised, which nobody has looked at yet. ended is why it did
    not finish: "" or "timeout".
    """

    printed: list[dict[str, Any]] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    count: int | None = None
    ended: str = ""


class Submission:
    """A submission's process in the sandbox. Use it as a context manager.

    warm is the channel to the process that is forked for it; files are put into its folder. keep
    names folders that it goes on seeing where it gets a /tmp of its own.
    """

    def __init__(
        self,
        warm: Channel,
        limits: Limits,
        *,
        isolate: bool,
        keep: tuple[str, ...] = (),
        files: Sequence[tuple[str, bytes]] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.limits = limits
        self._stack = ExitStack()
        self._offsets = [0, 0]
        try:
            self._fork(warm, isolate, keep, files, environment or {})
        except BaseException:
            self.close()
            raise

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
        result: dict[str, Any] | None = None
        late = False
        try:
            self._send(["run", source], seconds)
            try:
                result = self._receive(seconds)
            except DeadlineError:
                late = True
                self._watcher.send(pack("interrupt"))
                result = self._receive(GRACE)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=late) from None
        return CellResult(
            self._printed(),
            result,
            result.get("count") if isinstance(result.get("count"), int) else None,
            "timeout" if late else "",
        )

    def printed(self) -> list[dict[str, Any]]:
        """Return what was printed since the last cell ended."""
        return self._printed()

    def check(self, seconds: float) -> "Check":
        """Fork the process; return a connection on which a check may call the fork's objects."""
        ours, theirs = socket.socketpair()
        watched, lifeline = os.pipe()
        try:
            self._send(["check"], seconds, (theirs.fileno(), watched))
        except (Closed, DeadlineError) as error:
            ours.close()
            os.close(lifeline)
            raise self._gone(error, late=False) from None
        finally:
            theirs.close()
            os.close(watched)
        return Check(self, ours, lifeline, seconds)

    def finish_check(self) -> None:
        """Wait until the fork of a check is gone. Raises Gone where the process itself is."""
        try:
            self._receive_any(2 * GRACE)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=False) from None

    def _fork(
        self,
        warm: Channel,
        isolate: bool,
        keep: tuple[str, ...],
        files: Sequence[tuple[str, bytes]],
        environment: dict[str, str],
    ) -> None:
        ours, theirs = socket.socketpair()
        watcher, watched = socket.socketpair()
        self._stack.callback(ours.close)
        self._stack.callback(watcher.close)
        self._outputs = [os.memfd_create(name) for name in ("output", "error")]
        for file in self._outputs:
            self._stack.callback(os.close, file)
        folder = FOLDER
        if not isolate:
            scratch = tempfile.TemporaryDirectory(prefix="submission-")
            folder = self._stack.enter_context(scratch)
        request = {
            "limits": asdict(replace(self.limits, keep=keep)),
            "isolate": isolate,
            "folder": folder,
            "files": [[name, content] for name, content in files],
            "environment": environment,
        }
        self._channel, self._watcher = Channel(ours), Channel(watcher)
        self._watcher.seconds = START
        with theirs, watched:
            passed = (watched.fileno(), theirs.fileno(), *self._outputs)
            try:
                warm.send(pack(request), passed)
            except Closed:
                raise SandboxError("the sandbox's warm process has died") from None
        try:
            kind, text = unpack(self._watcher.receive()[0])
        except (Closed, DeadlineError, WireError) as error:
            raise SandboxError(f"no process for a submission could be started: {error}") from None
        if kind != "started":
            raise SandboxError(f"no process for a submission could be started: {text}")

    def _send(self, message: list[Any], seconds: float, files: tuple[int, ...] = ()) -> None:
        self._channel.seconds = seconds
        self._channel.send(pack(message), files)

    def _receive_any(self, seconds: float) -> Any:
        self._channel.seconds = seconds
        return unpack(self._channel.receive()[0])

    def _receive(self, seconds: float) -> dict[str, Any]:
        result = self._receive_any(seconds)
        if not isinstance(result, dict):
            raise WireError("a cell's result is malformed")
        return result

    def _gone(self, error: Exception, *, late: bool) -> Gone:
        """End the process; return how it ended, in the supervisor's words where it has any."""
        reason = ""
        if isinstance(error, Closed):
            with suppress(Closed, DeadlineError, WireError, ValueError):
                self._watcher.seconds = GRACE
                _, reason = unpack(self._watcher.receive()[0])
        self.close_connections()
        if late or isinstance(error, DeadlineError):
            return Gone("timeout")
        if isinstance(error, WireError):
            return Gone("it sent what is no message")
        return Gone(str(reason) or "it closed its connection")

    def close_connections(self) -> None:
        """Let the supervisor end the process, and keep what it printed."""
        self._channel.close()
        self._watcher.close()

    def _printed(self) -> list[dict[str, Any]]:
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


class Check:
    """A connection to a fork of a submission's process, for the time of one check.

    lifeline is a pipe: when it is closed here, the submission's process ends the fork, which may
    be deaf by then.
    """

    def __init__(
        self, submission: Submission, end: socket.socket, lifeline: int, seconds: float
    ) -> None:
        self._submission, self._lifeline = submission, lifeline
        self._channel = Channel(end, seconds)
        self.peer = Peer(self._channel, "judge")

    def __enter__(self) -> Peer:
        return self.peer

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        os.close(self._lifeline)
        self._submission.finish_check()
