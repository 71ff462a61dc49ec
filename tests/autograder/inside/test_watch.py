"""What a submission uses is counted: each page and each processor second, whoever had it."""

import gc
import mmap
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from autograder.inside import watch
from autograder.inside.watch import Family, Memory, Processor, processor_seconds

MEGABYTE = 2**20


@contextmanager
def forked(work: Callable[[], object]) -> Iterator[int]:
    """A process that has done some work, and its children live on beside it."""
    done, tell = os.pipe()
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            os.setpgid(0, 0)
            gc.freeze()  # else a collection copies pages of the parent's
            kept = work()
            os.write(tell, b"+")
            time.sleep(60)
            del kept
        os._exit(0)
    os.close(tell)
    try:
        assert os.read(done, 1) == b"+", "the work failed"
        yield child
    finally:
        os.close(done)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)


def touched(memory: mmap.mmap) -> mmap.mmap:
    for at in range(0, len(memory), mmap.PAGESIZE):
        memory[at] = 1
    return memory


def hoard() -> bytearray:
    return bytearray(b"x") * (64 * MEGABYTE)


def hoard_and_fork() -> object:
    kept = hoard()
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(60)
    return kept


def hoard_in_forks() -> None:
    tell, done = os.pipe()
    for _ in range(4):
        if os.fork() == 0:
            kept = hoard()
            os.write(done, b"+")
            time.sleep(60)
            del kept
    for _ in range(4):
        os.read(tell, 1)


def share_and_fork() -> object:
    kept = touched(mmap.mmap(-1, 64 * MEGABYTE))
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(60)
    return kept


def share_and_give_back() -> object:
    kept = touched(mmap.mmap(-1, 64 * MEGABYTE))
    kept.madvise(mmap.MADV_DONTNEED)  # the pages stay in the mapping, and leave the process
    return kept


@pytest.mark.parametrize(
    ("work", "megabytes"),
    [
        (lambda: None, 0),
        (hoard, 64),
        (hoard_and_fork, 64),
        (hoard_in_forks, 256),
        (share_and_fork, 64),
        (share_and_give_back, 64),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_each_page_counts_once(work: Callable[[], object], megabytes: int) -> None:
    with forked(lambda: None) as idle, forked(work) as child:
        memory, pids = Memory(idle, like=idle), Family.of(child).pids
        assert memory.used(pids) == pytest.approx(megabytes * MEGABYTE, abs=16 * MEGABYTE)
        assert memory.bound(pids) >= memory.used(pids)
        assert not memory.exceeds((megabytes + 32) * MEGABYTE, pids)
        if megabytes:
            again = Memory(idle, like=idle)
            assert again.exceeds((megabytes - 32) * MEGABYTE, pids)


def test_a_long_look_is_followed_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    with forked(lambda: None) as idle, forked(hoard_and_fork) as child:
        memory, pids = Memory(idle, like=idle), Family.of(child).pids
        used = memory.used

        def noted(pids: list[int], *_: object) -> int:
            looks.append(1)
            return used(pids)

        monkeypatch.setattr(memory, "used", noted)
        for _ in range(100):
            assert not memory.exceeds(128 * MEGABYTE, pids)
    assert 1 <= len(looks) < 50


def test_what_lies_in_sockets_counts_in_a_network_of_its_own_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everybody = Memory(os.getpid())
    monkeypatch.setattr(watch, "NETWORK", "another one")
    memory = Memory(os.getpid())
    before = memory.bound([])
    pairs = [socket.socketpair() for _ in range(50)]
    try:
        for end, _ in pairs:
            end.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    end.send(bytes(65536))
        # A buffer of a socket is 200 kB.
        assert memory.bound([]) - before > 50 * 200_000
        assert everybody.bound([]) == 0
    finally:
        for pair in pairs:
            for end in pair:
                end.close()


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def burn_in_a_child() -> None:
    child = os.fork()
    if child == 0:
        burn(0.3)
        os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("work", [lambda: burn(0.3), burn_in_a_child])
def test_processor_time_of_a_process_and_of_children_that_ended_counts(
    work: Callable[[], object],
) -> None:
    with forked(work) as child:
        # What a fork costs on a busy machine comes on top.
        assert 0.28 <= processor_seconds(child) < 1.0


def test_who_sleeps_uses_no_processor() -> None:
    with forked(lambda: time.sleep(0.5)) as child:
        assert processor_seconds(child) < 0.3


def test_processor_time_stays_counted_when_its_process_vanishes() -> None:
    with forked(lambda: None) as child:
        processor = Processor(child)
        for seconds, expected in ((1.0, 1.0), (0.2, 1.0), (0.5, 1.3)):
            assert processor.look(Family([child], seconds, 0)) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("running", "used", "bound"), [(1, 0.05, False), (3, 0.01, True), (1, 0.5, True)]
)
def test_who_wants_more_than_one_processor_is_bound_to_one(
    running: int, used: float, bound: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """used is how many processor seconds are found at a look, twenty of which make a second."""
    monkeypatch.setattr("autograder.inside.watch.WINDOW", 0.1)
    with forked(lambda: None) as child:
        processor = Processor(child)
        for look in range(4):
            processor.look(Family([child], used * look, running))
            time.sleep(0.05)
        assert (processor.bound is not None) == bound
        assert len(os.sched_getaffinity(child)) == (1 if bound else len(os.sched_getaffinity(0)))
