"""What a submission uses of the machine, seen from outside: its supervisor ends it at a limit."""

import contextlib
import os
import select
import signal

from autograder.limits import KEPT, Limits
from autograder.wire.channel import Channel, Closed
from autograder.wire.records import Ask, Clock, read, write
from autograder.wire.tensors import WireError

__all__ = ["watch"]

POLL = 0.05  # seconds between two looks at memory and processes


def watch(channel: Channel, child: int, limits: Limits) -> str:
    """Wait until the submission ends, its grader goes, or it takes too much; say which."""
    baseline = _private_bytes(child)
    while True:
        readable, _, _ = select.select([channel.socket], [], [], POLL)
        if readable:
            try:
                ask: Ask = read(channel.receive()[0], Ask)
                if ask.what == "clock":
                    channel.send(write(Clock(sum(map(_waited, _family(child))))))
            except (Closed, WireError):
                return "closed"
            if ask.what == "interrupt":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGINT)
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            return ""
        family = _family(child)
        if len(family) > limits.processes + KEPT:
            return "processes"
        used = sum(max(0, _private_bytes(pid) - baseline) for pid in family)
        if used > limits.memory:
            return "memory"


def _family(root: int) -> list[int]:
    """Return a process and all that descend from it, as far as this process sees them."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as file:
                parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
    family, waiting = [], [root]
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    while waiting:
        pid = waiting.pop()
        family.append(pid)
        waiting += children.get(pid, [])
    return family


def _waited(pid: int) -> float:
    """Seconds that a process could have run and had to wait for a processor."""
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0


def _private_bytes(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as file:
        _, resident, shared, *_ = (int(n) for n in file.read().split())
        return (resident - shared) * os.sysconf("SC_PAGE_SIZE")
    return 0
