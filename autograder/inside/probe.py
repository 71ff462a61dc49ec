"""What a submission must not be able to do, tried with the rights that a submission has.

Each attempt is a record: what would be possible, which protections stand against it, and a function
that tries it. It fails by raising, or by returning None, False or -1; whatever else it returns is
an escape. A test takes the protections away, one after another, and sees the attempt succeed; so an
attempt that cannot succeed is no attempt.

The sandbox starts two of these processes: a neighbour leaves its traces, then the other one looks.
"""

import ctypes
import importlib.util
import os
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.inside import seccomp
from autograder.limits import KEPT, Limits

__all__ = ["ATTEMPTS", "Attempt", "Given", "escapes", "leave_traces"]

libc = ctypes.CDLL(None, use_errno=True)

EPERM, ENOSYS, SIGCHLD = 1, 38, 17
# Numbers of this machine's system calls, as the filter knows them.
COLUMN = seccomp.MACHINES[os.uname().machine].column
CALLS = {name: numbers[COLUMN] for name, numbers in seccomp.DENIED.items()}
CLONE, CLONE3 = seccomp.CLONE[COLUMN], seccomp.CLONE3[COLUMN]


@dataclass(frozen=True)
class Given:
    """What the grader tells its probe.

    port is one of this machine that listens; secret a word that stands in the grader's environment
    and in the file canary; home the grader's home; kept the folders that are meant to be seen;
    withheld files and folders that are not; hidden the modules that are not; limits its limits.
    """

    port: int
    secret: str
    canary: str
    home: str
    kept: tuple[str, ...]
    withheld: tuple[str, ...]
    hidden: tuple[str, ...]
    limits: Limits


@dataclass(frozen=True)
class Attempt:
    """Something that a submission must not be able to do, and what stands against it."""

    name: str
    against: str
    succeeds: Callable[[Given], object]


ATTEMPTS: list[Attempt] = []
_TRACES: list[Any] = []  # what a neighbour keeps open


def attempt(name: str, against: str) -> Callable[[Callable[[Given], object]], None]:
    """Put a function into the list."""

    def note(function: Callable[[Given], object]) -> None:
        ATTEMPTS.append(Attempt(name, against, function))

    return note


def escapes(given: Given) -> list[str]:
    """Try everything; return the names of what succeeded."""
    found = []
    for each in ATTEMPTS:
        with suppress(Exception):
            if each.succeeds(given) not in (None, False, -1):
                found.append(each.name)
    return found


def leave_traces(given: Given) -> None:
    """Leave what another submission must not find: files and a socket."""
    for folder in ("/tmp", "/dev/shm"):
        with suppress(OSError), open(f"{folder}/{given.secret}", "w") as file:
            file.write(given.secret)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"\0{given.secret}")
    server.listen()
    _TRACES.append(server)


@attempt("connect to a port of this machine", "network namespaces: the sandbox's, its own")
def _connect(given: Given) -> object:
    with socket.create_connection(("127.0.0.1", given.port), timeout=1):
        return True


@attempt("reach another submission's socket", "a network namespace of its own")
def _reach(given: Given) -> object:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(f"\0{given.secret}")
        return True


@attempt("read another submission's files", "a /tmp and a /dev/shm of its own")
def _neighbour(given: Given) -> object:
    return any(os.path.exists(f"{folder}/{given.secret}") for folder in ("/tmp", "/dev/shm"))


@attempt("read a file of the grader", "a file system of its own, a /tmp of its own")
def _canary(given: Given) -> object:
    return os.path.exists(given.canary) or os.listdir(os.path.dirname(given.canary)) is not None


@attempt("read the environment of the grader", "an environment of its own")
def _environment(given: Given) -> object:
    return given.secret in str(dict(os.environ))


@attempt("read the list of users", "a file system of its own")
def _users(_: Given) -> object:
    return os.path.exists("/etc/passwd") or os.path.exists("/etc/shadow")


@attempt("list home folders", "a file system of its own")
def _homes(given: Given) -> object:
    """Python may live below a home; then the folders on the way to it are there, and empty."""
    kept = [Path(path) for path in given.kept]

    def on_the_way(path: Path) -> bool:
        return any(path in [folder, *folder.parents] for folder in kept)

    homes = [folder for folder in map(Path, ("/home", "/root", given.home)) if folder.is_dir()]
    return any(not on_the_way(path) for folder in homes for path in folder.iterdir())


@attempt("read what the course withholds", "what is offered is copied by list")
def _withheld(given: Given) -> object:
    def holds_anything(path: Path) -> bool:
        return any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size > 0

    return any(holds_anything(Path(path)) for path in given.withheld)


@attempt("import or read a hidden module", "what is offered is copied by list")
def _hidden(given: Given) -> object:
    return any(_can_be_had(name) for name in given.hidden)


def _can_be_had(module: str) -> bool:
    """Tell whether a module or its bytecode lies in a folder in which Python looks for it."""
    parent, _, name = module.rpartition(".")
    folders = [Path(path) for path in sys.path]
    if parent:
        with suppress(ImportError):
            folders = [Path(path) for path in importlib.import_module(parent).__path__]
    for folder in folders:
        for path in (*folder.glob(f"{name}.*"), *folder.glob(f"__pycache__/{name}.*")):
            if path.stat().st_size > 0 and "ModuleNotFoundError" not in _start(path):
                return True
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            return True
    return False


def _start(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(1000).decode(errors="replace")


@attempt("write to Python's own files", "a file system that is read-only")
def _write_python(_: Given) -> object:
    return _write(os.path.join(sys.prefix, "autograder-probe"))


@attempt("write to the root folder", "a file system that is read-only")
def _write_root(_: Given) -> object:
    return _write("/autograder-probe")


@attempt("write to /dev", "a file system that is read-only")
def _write_dev(_: Given) -> object:
    return _write("/dev/autograder-probe")


@attempt("write to /proc", "a file system that is read-only")
def _write_proc(_: Given) -> object:
    os.chmod("/proc", 0o755)
    return _write("/proc/autograder-probe")


def _write(path: str) -> bool:
    with open(path, "w") as file:
        file.write("x")
    os.unlink(path)
    return True


@attempt("see other processes", "a /proc of its own")
def _processes(_: Given) -> object:
    return any(name.isdigit() for name in os.listdir("/proc"))


@attempt("signal the process that forked it", "a process namespace of its own")
def _parent(_: Given) -> object:
    if os.getppid() == 0:
        return False
    os.kill(os.getppid(), 0)
    return True


@attempt("signal the sandbox's own processes as a group", "a session of its own")
def _group(_: Given) -> object:
    return os.getpgrp() != os.getpid()


@attempt("be anything but the first of its processes", "a process namespace of its own")
def _first(_: Given) -> object:
    return os.getpid() != 1


@attempt("become root", "a user namespace in which nobody is")
def _root(_: Given) -> object:
    os.setuid(0)
    return True


@attempt("have a capability", "privileges that are dropped")
def _capable(_: Given) -> object:
    version_and_self = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    return libc.capget(version_and_self, sets) != 0 or any(sets)


@attempt("rename the machine", "privileges that are dropped")
def _rename(_: Given) -> object:
    socket.sethostname(socket.gethostname())
    return True


@attempt("have more disk than its limit", "a bounded /tmp")
def _disk(given: Given) -> object:
    return _room("/tmp") > 2 * given.limits.disk


@attempt("have more shared memory than its limit", "a bounded /dev/shm")
def _shared_memory(given: Given) -> object:
    return _room("/dev/shm") > 2 * given.limits.disk


@attempt("have files without number", "a bounded /tmp, a bounded /dev/shm")
def _files(_: Given) -> object:
    return any(not 0 < os.statvfs(folder).f_files <= 2**20 for folder in ("/tmp", "/dev/shm"))


def _room(folder: str) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks or sys.maxsize) * found.f_frsize


def _limits() -> None:
    """One attempt for each limit that the kernel keeps for a process."""
    bounds: dict[str, tuple[int, Callable[[Limits], float]]] = {
        # A process has an address space from its start, of some gigabytes where torch is in it.
        "address space": (resource.RLIMIT_AS, lambda limits: limits.memory + 2**38),
        "processor time": (resource.RLIMIT_CPU, lambda limits: 100 * limits.time),
        "processes": (resource.RLIMIT_NPROC, lambda limits: limits.processes + KEPT),
        "open files": (resource.RLIMIT_NOFILE, lambda _: 1024),
        "size of a file": (resource.RLIMIT_FSIZE, lambda limits: limits.disk),
        "message queues": (resource.RLIMIT_MSGQUEUE, lambda _: 0),
        "locked memory": (resource.RLIMIT_MEMLOCK, lambda _: 2**20),
        "core dumps": (resource.RLIMIT_CORE, lambda _: 0),
    }
    for word, (which, most) in bounds.items():

        def exceeds(
            given: Given, which: int = which, most: Callable[[Limits], float] = most
        ) -> bool:
            hard = resource.getrlimit(which)[1]
            return hard == resource.RLIM_INFINITY or hard > most(given.limits)

        attempt(f"have no limit of {word}", f"the limit of {word}")(exceeds)


_limits()


@attempt("open a socket to the kernel", "the filter of system calls: socket")
def _netlink(_: Given) -> object:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW):
        return True


@attempt("enter a new namespace by clone", "the filter of system calls: clone")
def _clone(_: Given) -> object:
    new_user_namespace = 0x10000000
    pid = libc.syscall(CLONE, new_user_namespace | SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    return pid > 0 and os.waitpid(pid, 0) is not None


@attempt("enter a new namespace by clone3", "the filter of system calls: clone3")
def _clone3(_: Given) -> object:
    return _errno_of(CLONE3) != ENOSYS


def _errno_of(number: int) -> int:
    """Call the kernel with arguments that make no sense; return how it refuses."""
    ctypes.set_errno(0)
    nonsense = [ctypes.c_long(-1)] * 6
    return 0 if libc.syscall(number, *nonsense) >= 0 else ctypes.get_errno()


def _denied_calls() -> None:
    """One attempt for each call that the filter denies, for the filter answers before the rest."""
    for name, number in CALLS.items():

        def reached(_: Given, number: int = number) -> bool:
            return _errno_of(number) != EPERM

        attempt(f"call {name}", f"the filter of system calls: {name}")(reached)


_denied_calls()
