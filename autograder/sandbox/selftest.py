"""Does the sandbox hold? It is tried from inside, with the rights that a submission has."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from autograder.errors import SandboxError
from autograder.sandbox.bubblewrap import ADVICE
from autograder.sandbox.submission import Gone, Submission

__all__ = ["attempts", "require_isolation"]

# Each attempt raises where it fails, as it should; ESCAPED collects those that did not.
PROBE = """
import ctypes, glob, os, resource, socket, subprocess, sys
ESCAPED = []
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, action):
    try:
        if action() not in (None, False, -1):
            ESCAPED.append(name)
    except BaseException:
        pass

def connect(port):
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True

def write(path):
    with open(path, "w") as file:
        file.write("x")
    return True

def processes():
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())

attempt("connect to a port of this machine", lambda: connect(PORT))
attempt("resolve a name", lambda: socket.gethostbyname("example.org"))
attempt("read a file of the grader", lambda: open(CANARY).read())
attempt("list the grader's folder", lambda: os.listdir(FOLDER) and True)
attempt("read the environment of the grader", lambda: SECRET in str(dict(os.environ)))
attempt("read a password file", lambda: open("/etc/shadow").read() and True)
attempt("list home folders", lambda: bool(glob.glob("/home/*") + glob.glob("/root/.ssh")))
attempt("write to Python's own files", lambda: write(os.path.join(sys.prefix, "autograder-probe")))
attempt("write to the root folder", lambda: write("/autograder-probe"))
attempt("write to /dev", lambda: write("/dev/autograder-probe"))
attempt("see other processes", lambda: len(processes()) > 1)
attempt("signal the process that forked it", lambda: os.getppid() and not os.kill(os.getppid(), 0))
attempt("signal the sandbox's own processes as a group", lambda: os.getpgrp() == 0)
attempt("be anything but the first of its processes", lambda: os.getpid() != 1)
attempt("enter a new user namespace", lambda: libc.unshare(0x10000000) == 0)
attempt("mount a file system", lambda: libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) == 0)
attempt("trace a process", lambda: libc.ptrace(16, os.getppid(), 0, 0) == 0)
attempt("make memory without owner", lambda: os.memfd_create("probe") >= 0)
attempt("become root", lambda: os.setuid(0) or True)
attempt("have no limit of memory",
        lambda: resource.getrlimit(resource.RLIMIT_AS)[1] == resource.RLIM_INFINITY)
attempt("raise its limit of memory",
        lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)) or True)
attempt("have no limit of disk",
        lambda: os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize > DISK)
attempt("open a raw socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) and True)
"""


def attempts(submission: Callable[[], Submission], *, disk: int) -> list[str]:
    """Run the probe in a submission's process, which may have so much disk; return its escapes."""
    secret = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="autograder-canary-", dir=_outside()) as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        canary = Path(folder) / "canary"
        canary.write_text(secret)
        os.environ["AUTOGRADER_CANARY"] = secret
        try:
            values = {
                "PORT": server.getsockname()[1],
                "CANARY": str(canary),
                "FOLDER": folder,
                "SECRET": secret,
                "DISK": 2 * disk,
            }
            given = "\n".join(f"{name} = {value!r}" for name, value in values.items())
            with submission() as process:
                result = process.run(f"{given}\n{PROBE}", 60.0)
                error = result.ran.failure
                if result.ended or error:
                    raise SandboxError(f"the self-test of the sandbox did not finish: {error}")
                with process.check(60.0) as peer:
                    escaped = peer.request("name", 1, "ESCAPED", None)
        finally:
            del os.environ["AUTOGRADER_CANARY"]
    return [str(name) for name in escaped]


def require_isolation(submission: Callable[[], Submission], *, disk: int) -> None:
    """Raise SandboxError where a submission could do what it must not."""
    try:
        escaped = attempts(submission, disk=disk)
    except Gone as error:
        raise SandboxError(f"the self-test of the sandbox died: {error.reason}") from None
    if escaped:
        raise SandboxError(
            "the sandbox does not hold, so nothing is graded. In it a submission can: "
            f"{'; '.join(escaped)}. {ADVICE}"
        )


def _outside() -> str:
    """Return a folder that the grader can write and a submission must not see."""
    return tempfile.gettempdir()
