"""Watch what grading does to a machine: connections, and processes that survive.

``python -m tests.grading.watch PORT SECONDS WORDS...`` runs nbgrader with these words, inside a
cage (see ``tests.grading.cage``), and reports as JSON. It imports the standard library only, since
it is started hundreds of times.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

__all__ = ["Listener", "processes_naming", "survivors"]

LIMITS = {
    resource.RLIMIT_AS: 16 * 2**30,
    resource.RLIMIT_FSIZE: 2**30,
    resource.RLIMIT_CPU: 120,
    resource.RLIMIT_CORE: 0,
}


class Listener:
    """Counts connections, on a TCP port and on an abstract unix socket of the same number."""

    def __init__(self, port: int = 0) -> None:
        self.connections = 0
        self._tcp = socket.create_server(("127.0.0.1", port))
        self.port: int = self._tcp.getsockname()[1]
        self._unix = socket.socket(socket.AF_UNIX)
        self._unix.bind(f"\0autograder-{self.port}")
        self._unix.listen()
        for server in (self._tcp, self._unix):
            threading.Thread(target=self._count, args=[server], daemon=True).start()

    def _count(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:  # closed
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        """Stop listening."""
        for server in (self._tcp, self._unix):
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


def survivors(word: str) -> list[str]:
    """Return the command lines of running processes that name a word."""
    # A process that is being killed may take a moment to go.
    for _ in range(20):
        pids = processes_naming(word)
        if not pids:
            return []
        time.sleep(0.1)
    return [_command(pid) for pid in pids]


def processes_naming(word: str) -> list[int]:
    own = os.getpid()
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if pid != own and word in _command(pid)]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf8", "replace")
        )
    return ""


def _run(port: str, seconds: str, *words: str) -> None:
    """Run nbgrader, and say what can only be seen from inside the cage."""
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    listener = Listener(int(port))
    with Path(os.environ["NBGRADER_LOG"]).open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(float(seconds))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            status = None
    report = {
        "status": status,
        "connections": listener.connections,
        "survivors": survivors(os.environ["WORD_OF_SURVIVORS"]),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    _run(*sys.argv[1:])
