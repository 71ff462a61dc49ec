"""The sandbox from outside: start it in bubblewrap, fork submissions, run their cells.

It fails closed. Starting it tries to break out (network, files, other processes, privileges,
memory, environment), and where any attempt succeeds it raises SandboxError and nothing is graded.
"""

import importlib.util
import os
import shutil
import site
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.channel import Channel, Closed, DeadlineError
from autograder.errors import SandboxError
from autograder.isolation import Limits
from autograder.peer import Peer
from autograder.wire import WireError, pack, unpack

__all__ = ["CellResult", "Gone", "Sandbox", "Submission", "bubblewrap_command"]

START = 120.0  # seconds that importing the warm modules may take on a busy machine
GRACE = 2.0  # seconds that a cell has after an interrupt, and a check after its end
FOLDER = "/tmp/submission"


class Gone(Exception):
    """A submission's process is no more; reason says how it ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class CellResult:
    """What became of a cell: outputs as in nbformat, and why it did not finish, if it did not."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None
    ended: str = ""  # "", "timeout", or how the process ended


class Sandbox:
    """A warm process behind bubblewrap. Use it as a context manager.

    warm names modules to import beforehand; expose modules outside the environment that submissions
    may import; hide modules that they may not. isolate=False gives up all protection.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        warm: Sequence[str] = (),
        expose: Sequence[str] = (),
        hide: Sequence[str] = (),
        isolate: bool = True,
    ) -> None:
        self.limits = limits or Limits()
        self.warm, self.expose, self.hide = tuple(warm), tuple(expose), tuple(hide)
        self.isolate = isolate
        self._stack = ExitStack()

    def __enter__(self) -> "Sandbox":
        try:
            self._start()
            if self.isolate:
                from autograder.selftest import require_isolation

                require_isolation(self)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the warm process and all that it started."""
        self._stack.close()

    def submission(
        self, files: Iterable[tuple[str, bytes]] = (), environment: dict[str, str] | None = None
    ) -> "Submission":
        """Fork a process for a submission, with files in its folder.

        Raises SandboxError where that fails for reasons that are not the submission's.
        """
        return Submission(self, list(files), environment or {})

    def below_tmp(self) -> tuple[str, ...]:
        """Return the folders of modules that lie where submissions get a /tmp of their own."""
        folders = _environment_folders() + [_location(n) for n in ("autograder", *self.expose)]
        return tuple(str(f) for f in folders if f.is_relative_to("/tmp"))

    def _start(self) -> None:
        scratch = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="autograder-"))
        cage = bubblewrap_command(self.expose, self.hide, Path(scratch)) if self.isolate else []
        ours, theirs = socket.socketpair()
        self._stack.callback(ours.close)
        self.channel = Channel(ours, START)
        with theirs:
            worker = [sys.executable, "-P", "-m", "autograder.worker", str(theirs.fileno())]
            self._log = self._stack.enter_context((Path(scratch) / "log").open("w+b"))
            self._process = subprocess.Popen(
                [*cage, *worker],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[theirs.fileno()],
                env=None if self.isolate else {**os.environ, **ENVIRONMENT},
            )
        self._stack.callback(self._stop)
        try:
            self.channel.send(pack(list(self.warm)))
            self.channel.receive()
        except (Closed, DeadlineError) as error:
            self._log.seek(0)
            log = self._log.read()[-2000:].decode(errors="replace").strip()
            raise SandboxError(
                f"the sandbox did not start ({error}). {log}\n{ADVICE if self.isolate else ''}"
            ) from None
        self.channel.seconds = None

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait()


# What a submission's process finds in its environment, and nothing else.
ENVIRONMENT = {
    "HOME": "/tmp",
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "NBGRADER_EXECUTION": "autograde",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
    "OMP_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}
ADVICE = (
    "Grading needs bubblewrap and user namespaces. On Debian: sudo apt-get install "
    "bubblewrap; where the kernel forbids namespaces: sudo sysctl "
    "kernel.unprivileged_userns_clone=1 (Debian) or "
    "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu); in a container, ask for them "
    "when it is started. `autograder doctor` says what is missing. --no-sandbox grades "
    "without protection: submissions could then read and change everything that you can."
)


def bubblewrap_command(expose: Sequence[str], hide: Sequence[str], scratch: Path) -> list[str]:
    """Return bubblewrap with its options: no network, nothing to write, little to read.

    Raises SandboxError where bubblewrap is missing.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxError(f"bubblewrap (the command bwrap) is missing. {ADVICE}")
    command = [program, "--unshare-user", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        command += ["--setenv", name, value]
    command += ["--tmpfs", "/", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64", "lib32"):
        path = Path("/", name)
        if path.is_symlink():
            command += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            command += ["--ro-bind", str(path), str(path)]
    for name in ("ld.so.cache", "fonts", "localtime", "alternatives", "mime.types"):
        command += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]
    for path in _environment_folders():
        command += ["--ro-bind", str(path), str(path)]
    for name in ("autograder", *expose):
        path = _location(name)
        command += ["--ro-bind", str(path), str(path)]
    absent = scratch / "absent.py"
    absent.write_text("raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n")
    for name in hide:
        try:
            path = _location(name)
        except SandboxError:
            continue  # what is not there needs no hiding
        if path.is_dir():
            command += ["--tmpfs", str(path)]
        else:
            command += ["--ro-bind", str(absent), str(path)]
    # Last, so that no later bind mount opens it again.
    return [
        *command,
        "--remount-ro",
        "/dev",
        "--remount-ro",
        "/",
        "--chdir",
        "/tmp",
        "--cap-drop",
        "ALL",
        "--",
    ]


def _environment_folders() -> list[Path]:
    """Folders of Python and its packages, the outer ones first."""
    folders = {Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("stdlib"))}
    folders |= {Path(path) for path in site.getsitepackages()}
    folders.add(Path(sys.executable).parent)
    folders.add(Path(sys.executable).resolve().parent.parent)
    system = Path("/usr")
    return sorted(path for path in folders if path.is_dir() and system not in [path, *path.parents])


def _location(module: str) -> Path:
    """Return the file or folder of a module. Raises SandboxError where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise SandboxError(f"the module {module!r} is not installed, so it cannot be offered")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(str(spec.origin))


class Submission:
    """A submission's process in the sandbox. Use it as a context manager."""

    def __init__(
        self, sandbox: Sandbox, files: list[tuple[str, bytes]], environment: dict[str, str]
    ) -> None:
        self.limits = sandbox.limits
        self._stack = ExitStack()
        self._offsets = [0, 0]
        try:
            self._fork(sandbox, files, environment)
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
            [*self._printed(), *_clean(result)],
            result.get("count") if isinstance(result.get("count"), int) else None,
            "timeout" if late else "",
        )

    def printed(self) -> list[dict[str, Any]]:
        """Return what was printed since the last cell ended."""
        return self._printed()

    def check(self, seconds: float) -> "Check":
        """Fork the process; return a connection on which a check may call the fork's objects."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._send(["check", self.limits.time], seconds, (theirs.fileno(),))
            except (Closed, DeadlineError) as error:
                ours.close()
                raise self._gone(error, late=False) from None
        return Check(self, ours, seconds)

    def finish_check(self) -> None:
        """Wait until the fork of a check is gone. Raises Gone where the process itself is."""
        try:
            self._receive_any(2 * GRACE)
        except (Closed, WireError, DeadlineError) as error:
            raise self._gone(error, late=False) from None

    def _fork(
        self, sandbox: Sandbox, files: list[tuple[str, bytes]], environment: dict[str, str]
    ) -> None:
        ours, theirs = socket.socketpair()
        watcher, watched = socket.socketpair()
        self._stack.callback(ours.close)
        self._stack.callback(watcher.close)
        self._outputs = [os.memfd_create(name) for name in ("output", "error")]
        for file in self._outputs:
            self._stack.callback(os.close, file)
        folder = FOLDER
        if not sandbox.isolate:
            scratch = tempfile.TemporaryDirectory(prefix="submission-")
            folder = self._stack.enter_context(scratch)
        request = {
            "limits": asdict(replace(sandbox.limits, keep=sandbox.below_tmp())),
            "isolate": sandbox.isolate,
            "folder": folder,
            "files": [[name, content] for name, content in files],
            "environment": environment,
        }
        self._channel, self._watcher = Channel(ours), Channel(watcher)
        self._watcher.seconds = START
        with theirs, watched:
            passed = (watched.fileno(), theirs.fileno(), *self._outputs)
            try:
                sandbox.channel.send(pack(request), passed)
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
    """A connection to a fork of a submission's process, for the time of one check."""

    def __init__(self, submission: Submission, end: socket.socket, seconds: float) -> None:
        self._submission = submission
        self._channel = Channel(end, seconds)
        self.peer = Peer(self._channel, "judge")

    def __enter__(self) -> Peer:
        return self.peer

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self._submission.finish_check()


def _clean(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's outputs in nbformat's form, made safe for an instructor's browser."""
    from autograder.outputs import clean

    return clean(result)
