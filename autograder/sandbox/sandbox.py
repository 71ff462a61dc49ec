"""The sandbox from outside: start it in bubblewrap, fork submissions, run their cells.

It fails closed. Starting it tries to break out (network, files, other processes, privileges,
memory, environment), and where any attempt succeeds it raises SandboxError and nothing is graded.
"""

import os
import platform
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from autograder.errors import SandboxError
from autograder.limits import Limits
from autograder.sandbox.bubblewrap import ADVICE, ENVIRONMENT, below_tmp, bubblewrap_command
from autograder.sandbox.offer import Offer
from autograder.sandbox.scratch import scratch_folder, sweep
from autograder.sandbox.selftest import require_isolation
from autograder.sandbox.submission import FOLDER, Ends, Submission, fork
from autograder.wire.channel import Channel, Closed, DeadlineError
from autograder.wire.records import Begin, write

__all__ = ["Sandbox"]

START = 120.0  # seconds that importing the warm modules may take on a busy machine
WORKER = ("-m", "autograder.inside.worker")
GRACE = 2.0  # seconds that the warm process has to end


class Sandbox:
    """A warm process behind bubblewrap. Use it as a context manager.

    warm names modules to import beforehand, and chosen such that may be missing; expose modules
    outside the environment that submissions may import; hide modules that they may not; withhold
    files and folders that they must not see.
    isolate=False gives up all protection.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        warm: Sequence[str] = (),
        chosen: Sequence[str] = (),
        expose: Sequence[str] = (),
        hide: Sequence[str] = (),
        withhold: Sequence[Path] = (),
        isolate: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self.warm = tuple(warm)
        self.chosen = tuple(chosen)
        self.offer = Offer(tuple(expose), tuple(hide), tuple(withhold))
        self.isolate = isolate
        # The self-test looks for it in its own environment.
        self.secret = secrets.token_hex(16)
        self._stack = ExitStack()

    def __enter__(self) -> "Sandbox":
        try:
            self._start()
            if self.isolate:
                require_isolation(
                    self.submission, secret=self.secret, offer=self.offer, limits=self.limits
                )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the warm process and all that it started."""
        self._stack.close()

    def fork(
        self, files: Iterable[tuple[str, bytes]] = (), environment: dict[str, str] | None = None
    ) -> Ends:
        """Fork a process for a submission, with files in its folder; return what leads to it.

        Raises SandboxError where that fails for reasons that are not the submission's.
        """
        folder = FOLDER
        if not self.isolate:
            folder = str(self._stack.enter_context(scratch_folder()))
        limits = replace(self.limits, keep=below_tmp(self.offer))
        return fork(
            self.channel,
            limits,
            isolate=self.isolate,
            folder=folder,
            files=list(files),
            environment=environment,
        )

    def submission(
        self, files: Iterable[tuple[str, bytes]] = (), environment: dict[str, str] | None = None
    ) -> Submission:
        """Fork a process for a submission, to be used from this process."""
        return Submission(self.fork(files, environment), self.limits)

    def _start(self) -> None:
        if sys.platform != "linux":
            raise SandboxError(
                f"grading needs Linux, and this is {platform.system()}. Building lessons and "
                "working through them does not; to grade, use a machine, a virtual machine or "
                "WSL with Linux"
            )
        sweep()
        scratch = self._stack.enter_context(scratch_folder())
        cage = bubblewrap_command(self.offer, scratch) if self.isolate else []
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        self.channel = Channel(ours, START)
        with theirs:
            worker = [sys.executable, "-P", *WORKER, str(theirs.fileno())]
            self._log = self._stack.enter_context((scratch / "log").open("w+b"))
            self._process = subprocess.Popen(
                [*cage, *worker],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                env=os.environ | ({"GRADER": self.secret} if self.isolate else ENVIRONMENT),
            )
        self._stack.callback(self._stop)
        try:
            self.channel.send(write(Begin(list(self.warm), list(self.chosen))))
            self.channel.receive()
        except (Closed, DeadlineError) as error:
            self._log.seek(0)
            log = self._log.read()[-2000:].decode(errors="replace").strip()
            raise SandboxError(
                f"the sandbox did not start ({error}). {log}\n{ADVICE if self.isolate else ''}"
            ) from None
        self.channel.seconds = None

    def _stop(self) -> None:
        self.channel.close()  # the warm process ends with it, and its children are counted
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
