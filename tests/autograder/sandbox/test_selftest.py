"""Each attempt to break out is seen to succeed where what stands against it is taken away.

Protections of a submission's process are taken away in a worker of this test's own, which runs a
line of Python before it confines a process; bubblewrap's are options less or more on its command.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import SandboxError
from autograder.inside import probe, seccomp
from autograder.limits import Limits
from autograder.sandbox import sandbox as module
from autograder.sandbox.bubblewrap import bubblewrap_command
from autograder.sandbox.offer import Offer
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.selftest import escapes, require_isolation

LIMITS = Limits(memory=400 * 2**20, disk=16 * 2**20, output=20_000)

# Runs what the request's environment says, in the process that is forked for one submission.
WEAKENED_WORKER = """
import os, resource
from autograder.inside import confine, probe, seccomp, worker

supervise, NO_CALL = worker._supervise, (2**32 - 1, 2**32 - 1)

def weakened(request, *rest):
    exec(request.environment.pop("WEAKEN", ""), globals())
    supervise(request, *rest)

worker._supervise = weakened
worker.main()
"""

# What submissions' processes can lose. The worker's modules stand for themselves.
NO_MOUNT = """
mount = confine._mount
confine._mount = lambda source, target, *rest: (
    None if target in {targets!r} else mount(source, target, *rest)
)
"""
UNLIMITED = """
set_limit = resource.setrlimit
resource.setrlimit = lambda which, pair: (
    None if which == resource.{name} else set_limit(which, pair)
)
"""
NO_NETWORK = "confine.CLONE_NEWNET = 0\nconfine._loopback = lambda: None\n"
KEEP_PRIVILEGES = "confine._drop_privileges = lambda: None\n"

NO_TMP = NO_MOUNT.format(targets=("/tmp",))
ROOT = Path(__file__).parents[3]
OFFER = Offer(
    expose=("cnnlib",), hide=("cnnlib.pooling", "webencodings"), withhold=(ROOT / "source",)
)
SHOW = "--ro-bind {0} {0}"


def no_rule(*names: str) -> str:
    """Take calls off the filter, and keep privileges, for without them the kernel refuses some."""
    return "".join(f"seccomp.DENIED.pop({name!r})\n" for name in names) + KEEP_PRIVILEGES


# By attempt: what a submission's process loses.
INSIDE = {
    "reach another submission's socket": NO_NETWORK,
    "read another submission's files": NO_TMP,
    "write to /proc": "confine.MS_RDONLY = 0",
    "see other processes": NO_MOUNT.format(targets=("/proc",)),
    "signal the process that forked it": "confine.CLONE_NEWPID = 0",
    "signal the sandbox's own processes as a group": "os.setsid = lambda: None",
    "be anything but the first of its processes": "confine.CLONE_NEWPID = 0",
    "become root": "confine.USER = 0",
    "have a capability": KEEP_PRIVILEGES,
    "rename the machine": KEEP_PRIVILEGES,
    "have more disk than its limit": NO_TMP,
    "have more shared memory than its limit": NO_MOUNT.format(targets=("/dev/shm",)),
    "have files without number": "confine.FILES = 0",
    "have no limit of address space": UNLIMITED.format(name="RLIMIT_AS"),
    "have no limit of processor time": UNLIMITED.format(name="RLIMIT_CPU"),
    "have no limit of processes": UNLIMITED.format(name="RLIMIT_NPROC"),
    "have no limit of open files": UNLIMITED.format(name="RLIMIT_NOFILE"),
    "have no limit of size of a file": UNLIMITED.format(name="RLIMIT_FSIZE"),
    "have no limit of message queues": UNLIMITED.format(name="RLIMIT_MSGQUEUE"),
    "have no limit of locked memory": UNLIMITED.format(name="RLIMIT_MEMLOCK"),
    "have no limit of core dumps": UNLIMITED.format(name="RLIMIT_CORE"),
    "open a socket to the kernel": "seccomp.SOCKET = NO_CALL",
    "enter a new namespace by clone": "seccomp.CLONE = NO_CALL",
    "enter a new namespace by clone3": "seccomp.CLONE3 = NO_CALL",
    **{f"call {name}": no_rule(name) for name in seccomp.DENIED},
}
# By attempt: words that bubblewrap's command loses, words that it gets, and what the process loses
# where it has a protection of its own.
OUTSIDE = {
    "connect to a port of this machine": ("--unshare-net", "", NO_NETWORK),
    "read a file of the grader": ("", SHOW.format("CANARIES"), NO_TMP),
    "read the environment of the grader": ("--clearenv", "", ""),
    "read the list of users": ("", SHOW.format("/etc"), ""),
    "list home folders": ("", "--dir /home/somebody", ""),
    "read what the course withholds": ("", SHOW.format(ROOT / "source"), ""),
    "import or read a hidden module": ("", SHOW.format(ROOT / "cnnlib"), ""),
    "write to Python's own files": ("", f"--bind {sys.prefix} {sys.prefix}", ""),
    "write to the root folder": ("--remount-ro /", "", ""),
    "write to /dev": ("--remount-ro /dev", "", ""),
}


def weaken(command: list[str], without: str, added: str) -> list[str]:
    words = without.split()
    if words:
        at = next(n for n in range(len(command)) if command[n : n + len(words)] == words)
        command = command[:at] + command[at + len(words) :]
    at = command.index("--chdir")
    while command[at - 2] == "--remount-ro":  # what comes after these mounts nothing
        at -= 2
    return [*command[:at], *added.split(), *command[at:]]


@contextmanager
def weakened(without: str = "", added: str = "") -> Iterator[Sandbox]:
    """A sandbox that has no self-test, and a worker that takes away what it is told to."""
    box = Sandbox(limits=LIMITS, expose=OFFER.expose, hide=OFFER.hide, withhold=OFFER.withhold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WORKER", ("-c", WEAKENED_WORKER))
        patch.setattr(module, "require_isolation", lambda *_, **__: None)
        patch.setattr(
            module,
            "bubblewrap_command",
            lambda *given: weaken(bubblewrap_command(*given), without, added),
        )
        box.__enter__()
    try:
        yield box
    finally:
        box.close()


def escaped(box: Sandbox, weakening: str = "") -> list[str]:
    return escapes(
        lambda: box.submission(environment={"WEAKEN": weakening}),
        secret=box.secret,
        offer=box.offer,
        limits=box.limits,
    )


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with weakened() as sandbox:
        yield sandbox


def test_every_attempt_has_a_weakening_in_which_it_succeeds() -> None:
    assert {each.name for each in probe.ATTEMPTS} == INSIDE.keys() | OUTSIDE.keys()
    assert not INSIDE.keys() & OUTSIDE.keys()


def test_every_attempt_has_a_name_of_its_own_and_says_what_stands_against_it() -> None:
    assert len({each.name for each in probe.ATTEMPTS}) == len(probe.ATTEMPTS)
    assert all(each.against for each in probe.ATTEMPTS)


def test_nothing_succeeds_where_nothing_is_taken_away(box: Sandbox) -> None:
    assert escaped(box) == []


@pytest.mark.parametrize("attempt", INSIDE)
def test_an_attempt_succeeds_without_its_protection_inside(box: Sandbox, attempt: str) -> None:
    assert attempt in escaped(box, INSIDE[attempt])


@pytest.mark.parametrize("attempt", OUTSIDE)
def test_an_attempt_succeeds_without_its_protection_outside(
    attempt: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without, added, inside = OUTSIDE[attempt]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    added = added.replace("CANARIES", str(tmp_path))
    with weakened(without, added) as sandbox:
        assert attempt in escaped(sandbox, inside)


def test_an_escape_stops_grading_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_an_option(*given: Any) -> list[str]:
        return weaken(bubblewrap_command(*given), "--remount-ro /dev", "")

    monkeypatch.setattr(module, "bubblewrap_command", without_an_option)
    with pytest.raises(SandboxError, match=r"does not hold.*a submission can: write to /dev"):
        Sandbox(limits=LIMITS).__enter__()


@pytest.mark.parametrize(
    ("probe_does", "words"), [("1 / 0", "did not finish.*division"), ("os._exit(0)", "died")]
)
def test_a_self_test_that_does_not_end_is_no_success(
    box: Sandbox, probe_does: str, words: str
) -> None:
    broken = f"probe.escapes = lambda _: {probe_does}"
    with pytest.raises(SandboxError, match=words):
        require_isolation(
            lambda: box.submission(environment={"WEAKEN": broken}),
            secret=box.secret,
            offer=box.offer,
            limits=box.limits,
        )
