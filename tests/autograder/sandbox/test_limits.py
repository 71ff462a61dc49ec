"""Limits of memory and processor time bite, whatever memory is called, and spare honest work."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.limits import Limits
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.submission import Gone

LIMITS = Limits(memory=400 * 2**20, disk=16 * 2**20, processes=30, output=2000)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS) as sandbox:
        yield sandbox


def run(box: Sandbox, source: str, *, seconds: float = 40.0) -> str:
    with box.submission() as process:
        result = process.run(source, seconds)
        return "".join(output["text"] for output in result.printed) or str(result.ran)


TAKE = """
import mmap, os, socket, time

def take(megabytes):
    memory = mmap.mmap(-1, megabytes * 2**20)
    for at in range(0, len(memory), 4096):
        memory[at] = 1
    return memory

def fill(ends):
    for end in ends:
        end.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, 2**22)
        try:
            while True:
                end.send(bytes(2**16))
        except BlockingIOError:
            pass

def in_forks(work):
    for _ in range(6):
        if os.fork() == 0:
            kept = work()
            time.sleep(60)
    time.sleep(30)
"""


@pytest.mark.parametrize(
    "hoard",
    [
        "in_forks(lambda: take(150))",
        """def give_back():
    memory = take(150)
    memory.madvise(mmap.MADV_DONTNEED)
    return memory
in_forks(give_back)""",
        """def pairs():
    kept = [socket.socketpair() for _ in range(200)]
    for pair in kept:
        fill(pair)
    return kept
in_forks(pairs)""",
        """def connections():
    server = socket.create_server(("127.0.0.1", 0))
    kept = [server]
    for _ in range(120):
        kept.append(socket.create_connection(server.getsockname()))
        kept.append(server.accept()[0])
        fill(kept[-2:])
    return kept
in_forks(connections)""",
        "in_forks(lambda: bytearray(b'x') * (150 * 2**20))",
    ],
    ids=["shared", "shared, given back", "socketpairs", "connections", "own"],
)
def test_memory_counts_whatever_it_is_called(box: Sandbox, hoard: str) -> None:
    with pytest.raises(Gone, match="memory"):
        run(box, TAKE + hoard)


@pytest.mark.parametrize(
    "work",
    [
        # What a process had before it forked is there once.
        """x = bytearray(b'x') * (250 * 2**20)
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        time.sleep(1)
        os._exit(sum(x[:10]) % 2)
    children.append(child)
for child in children:
    os.waitpid(child, 0)""",
        "kept = take(250)\ntime.sleep(1)",
        "kept = [socket.socketpair() for _ in range(200)]\ntime.sleep(1)",
        """import multiprocessing
with multiprocessing.get_context('fork').Pool(4) as pool:
    assert pool.map(abs, range(-100, 0)) == list(range(100, 0, -1))""",
    ],
    ids=["forks of a large process", "shared", "idle sockets", "a pool"],
)
def test_honest_work_within_the_limit_is_left_alone(box: Sandbox, work: str) -> None:
    assert run(box, f"{TAKE}\n{work}\nprint('done')") == "done\n"


BURN = """
import os, signal, time

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def in_child(seconds):
    child = os.fork()
    if child == 0:
        burn(seconds)
        os._exit(0)
    return child
"""


@pytest.mark.parametrize(
    "work",
    [
        "burn(30)",
        "for _ in range(30):\n    os.waitpid(in_child(0.5), 0)",
        "for _ in range(8):\n    in_child(30)\ntime.sleep(30)",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "for _ in range(60):\n    in_child(0.5)\n    time.sleep(0.5)",
    ],
    ids=["itself", "one after another", "side by side", "children that nobody waits for"],
)
def test_processor_time_counts_over_all_processes(work: str) -> None:
    with Sandbox(limits=replace(LIMITS, time=3.0, wall=50.0)) as box:
        start = time.monotonic()
        with pytest.raises(Gone, match="timeout"):
            run(box, BURN + work, seconds=120.0)
        assert time.monotonic() - start < 100.0


def test_who_waits_uses_no_processor_time_and_ends_by_the_clock() -> None:
    with Sandbox(limits=replace(LIMITS, time=1.0, wall=4.0)) as box:
        assert run(box, "import time\ntime.sleep(2)\nprint('done')") == "done\n"
        start = time.monotonic()
        with pytest.raises(Gone, match="timeout"):
            run(box, "import time\ntime.sleep(60)")
        assert 3.5 < time.monotonic() - start < 30.0


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one processor to share")
def test_a_hog_gets_one_processor_and_cannot_leave_it(box: Sandbox) -> None:
    hog = """
for _ in range(6):
    in_child(60)
time.sleep(3)
one = len(os.sched_getaffinity(0))
try:
    os.sched_setaffinity(0, range(2))
except PermissionError:
    print("bound to", one)
"""
    assert run(box, BURN + hog) == "bound to 1\n"


def test_who_uses_one_processor_keeps_the_choice(box: Sandbox) -> None:
    source = f"{BURN}\nburn(2.5)\nprint(len(os.sched_getaffinity(0)))"
    assert run(box, source) == f"{len(os.sched_getaffinity(0))}\n"
