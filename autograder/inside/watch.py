"""What a submission uses of the machine, seen from outside: its supervisor ends it at a limit.

Control groups would count all of this, and are rarely given to somebody who is not root. So the
supervisor reads /proc (proc(5)) a few times a second. What can be read at once is an upper bound:
pages that processes share count for each. Where the bound exceeds the limit, the kernel is asked
for shares (smaps_rollup), for the mappings that processes have in common, and for what lies in
sockets; the answer is right to a few megabytes and takes milliseconds.
"""

import contextlib
import os
import random
import select
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from autograder.limits import KEPT, Limits
from autograder.wire.channel import Channel, Closed
from autograder.wire.records import Ask, Clock, read, write
from autograder.wire.tensors import WireError

__all__ = ["Family", "Memory", "Processor", "processor_seconds", "watch"]

POLL = 0.05  # seconds between two looks
PAUSE = 20  # a look that takes long is followed by a pause of so many times its length
LONGEST_PAUSE = 0.5  # seconds
WINDOW = 1.0  # seconds over which the use of processors is measured
SHARE = 1.25  # processors; who wants more than these on average gets one
PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
# What a socket's buffer may exceed its limit by: one message.
MESSAGE = 2**16


def watch(channel: Channel, child: int, limits: Limits) -> str:
    """Wait until the submission ends, its grader goes, or it takes too much; say which.

    The word is "" where it ended by itself, "closed", "processes", "memory", or "timeout", which
    it is for processor time and for the wider limit by the clock.
    """
    memory, processor = Memory(child), Processor(child)
    end = time.monotonic() + limits.wall * limits.time
    while True:
        readable, _, _ = select.select([channel.socket], [], [], POLL)
        if readable:
            try:
                ask: Ask = read(channel.receive()[0], Ask)
                if ask.what == "clock":
                    channel.send(write(Clock(sum(map(_waited, Family.of(child).pids)))))
            except (Closed, WireError):
                return "closed"
            if ask.what == "interrupt":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGINT)
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            return ""
        family = Family.of(child)
        if len(family.pids) > limits.processes + KEPT:
            return "processes"
        if memory.exceeds(limits.memory, family.pids, _outgrown(child, limits)):
            return "memory"
        if processor.look(family) > limits.time or time.monotonic() > end:
            return "timeout"


def _outgrown(child: int, limits: Limits) -> Callable[[], bool]:
    """Tell, when asked, whether there are too many processes: a long look must not hide them."""
    return lambda: len(Family.of(child).pids) > limits.processes + KEPT


@dataclass(frozen=True)
class Family:
    """A process and all that descend from it, and the processor seconds that they have used.

    The seconds hold those of descendants that have ended and were waited for. running is how many
    processes have a processor or wait for one.
    """

    pids: list[int]
    seconds: float
    running: int

    @staticmethod
    def of(root: int) -> "Family":
        """Return the family of a process, as far as this process sees it."""
        parents: dict[int, int] = {}
        ticks: dict[int, int] = {}
        ready: set[int] = set()
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as file:
                    # Behind the name, which may hold anything: state, parent, ...
                    words = file.read().rpartition(")")[2].split()
                    parents[int(entry)] = int(words[1])
                    if words[0] == "R":
                        ready.add(int(entry))
                    # Its own time and that of children it waited for, in user and system mode.
                    ticks[int(entry)] = sum(int(word) for word in words[11:15])
        children: dict[int, list[int]] = {}
        for pid, parent in parents.items():
            children.setdefault(parent, []).append(pid)
        pids, waiting = [], [root]
        while waiting:
            pid = waiting.pop()
            pids.append(pid)
            waiting += children.get(pid, [])
        seconds = sum(ticks.get(pid, 0) for pid in pids) / TICKS
        return Family(pids, seconds, len(ready.intersection(pids)))


def _waited(pid: int) -> float:
    """Seconds that a process could have run and had to wait for a processor."""
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0


def processor_seconds(pid: int) -> float:
    """Return the processor seconds that a process and its descendants have used so far.

    Those that ended count where their parent waited for them; Processor also counts others.
    """
    return Family.of(pid).seconds


class Processor:
    """The processor time of a submission, and its share of the processors.

    Ended processes whose parent ignores them vanish together with their time; here what was once
    seen stays counted. Between two looks one may come and go, so a limit by the clock stands
    behind that on processor time. Who wants more than one processor is bound to one, from which
    the filter of system calls leaves no way back: the others are left to the neighbours.
    """

    def __init__(self, root: int) -> None:
        self.seconds = 0.0
        self.bound: int | None = None  # the processor to which it was bound
        self._last = Family.of(root).seconds
        self._since, self._then = time.monotonic(), 0.0
        self._running: list[int] = []

    def look(self, family: Family) -> float:
        """Take note of a family as it is now; return the seconds used since the start."""
        self.seconds += max(0.0, family.seconds - self._last)
        self._last = family.seconds
        self._running.append(family.running)
        passed = time.monotonic() - self._since
        if passed >= WINDOW:
            used = (self.seconds - self._then) / passed
            # On a busy machine, processes get less than they want.
            wanted = sum(self._running) / len(self._running)
            if self.bound is None and max(used, wanted) > SHARE:
                self.bound = random.choice(sorted(os.sched_getaffinity(0)))
            self._since, self._then, self._running = time.monotonic(), self.seconds, []
        if self.bound is not None:
            _bind(family.pids, self.bound)
        return self.seconds


def _bind(pids: Iterable[int], processor: int) -> None:
    """Bind all threads of some processes to one processor; what they start inherits it."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                if os.sched_getaffinity(int(thread)) != {processor}:
                    os.sched_setaffinity(int(thread), {processor})


class Memory:
    """The memory of a submission: its own, what its processes share, what lies in its sockets.

    Files in /tmp and /dev/shm are bounded apart. What the submission's process had from its start
    is the warm process's; like is a process that was forked with the same memory and has not done
    anything since, by default the one that watches.
    """

    def __init__(self, root: int, *, like: int | None = None) -> None:
        self._like = like or os.getpid()
        self._own, self._mapped = _pages(root)
        # Without a sandbox the network is the machine's, and so are its sockets.
        self._alone = _network() != NETWORK
        self._next = 0.0

    def exceeds(
        self, limit: int, pids: list[int], enough: Callable[[], bool] = lambda: False
    ) -> bool:
        """Tell whether the processes have more bytes than the limit.

        Where enough says so in the midst of a look, it is given up, and the answer is no.
        """
        if self.bound(pids) <= limit or time.monotonic() < self._next:
            return False
        start = time.monotonic()
        used = self.used(pids, enough)
        now = time.monotonic()
        self._next = now + min(LONGEST_PAUSE, PAUSE * (now - start))
        return used > limit

    def bound(self, pids: list[int]) -> int:
        """Return a number of bytes that the processes do not exceed; quickly."""
        return sum(sum(self._growth(pid)) for pid in pids) + self._in_sockets()

    def used(self, pids: list[int], enough: Callable[[], bool] = lambda: False) -> int:
        """Return the bytes that the processes use, each page counted once; 0 where given up."""
        inherited = _proportional_bytes(self._like)
        grown = proportional = 0
        shared: dict[tuple[str, str], int] = {}
        for place, pid in enumerate(pids):
            if place % 8 == 7 and enough():
                return 0
            own, mapped = self._growth(pid)
            grown += own
            try:
                proportional += _proportional_bytes(pid) - inherited
                shared.update(_shared_mappings(pid))
            except OSError:  # it has ended, or has made itself unreadable
                proportional += own + mapped
                grown += mapped
        return min(grown, max(0, proportional)) + sum(shared.values()) + self._in_sockets()

    def _growth(self, pid: int) -> tuple[int, int]:
        """Return by how many bytes a process's own memory and its mappings exceed the start's."""
        own, mapped = _pages(pid)
        return max(0, own - self._own) * PAGE, max(0, mapped - self._mapped) * PAGE

    def _in_sockets(self) -> int:
        return _socket_bytes() if self._alone else 0


def _network() -> str:
    """Return the name of this process's network namespace."""
    return os.readlink("/proc/self/ns/net")


NETWORK = _network()  # the warm process's


def _pages(pid: int) -> tuple[int, int]:
    """Return a process's resident pages of its own, and pages of mappings that it may share."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as file:
        size, resident, shared, _, _, data, _ = (int(word) for word in file.read().split())
        return resident - shared, size - data
    return 0, 0


def _proportional_bytes(pid: int) -> int:
    """Return a process's anonymous memory, in which a page of n processes counts 1/n."""
    found = 0
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("Pss_Anon", "SwapPss"):
                found += int(rest.split()[0]) * 1024
    return found


def _shared_mappings(pid: int) -> dict[tuple[str, str], int]:
    """Return the sizes in bytes of shared mappings without a file, by device and inode.

    The whole of them counts: pages that are given back to the kernel (madvise(2)) stay in it.
    """
    found: dict[tuple[str, str], int] = {}
    with open(f"/proc/{pid}/maps") as file:
        for line in file:
            span, rights, offset, device, inode, *path = line.split(maxsplit=5)
            if rights[3] == "s" and path and path[0].startswith("/dev/zero"):
                _, end = (int(word, 16) for word in span.split("-"))
                first = int(span.split("-")[0], 16)
                reach = int(offset, 16) + end - first
                found[device, inode] = max(found.get((device, inode), 0), reach)
    return found


def _socket_bytes() -> int:
    """Return what may lie in the sockets of this process's network namespace.

    Of other sockets than TCP's the kernel tells their number alone, and each may hold a buffer,
    whose size cannot be changed (the filter of system calls sees to that).
    """
    total = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/sys/net/core/wmem_default") as file:
            buffer = int(file.read()) + MESSAGE
        with open("/proc/net/sockstat") as file:
            total += int(file.readline().split()[2]) * buffer
        for table in ("tcp", "tcp6"):
            with open(f"/proc/net/{table}") as file:
                next(file)
                for line in file:
                    # Bytes that wait to be sent and to be read; the kernel needs more for them.
                    sent, _, received = line.split()[4].partition(":")
                    total += 2 * (int(sent, 16) + int(received, 16))
    return total
