"""What a submission says of a cell is bounded where it is read, whatever sent it."""

import time

import pytest

from autograder.wire.records import Answer, Displayed, Failure, Raised, Ran, read, write
from autograder.wire.values import WireError

SHOWN = Displayed({"text/plain": "x"})


@pytest.mark.parametrize(
    "ran",
    [
        Ran([], False, None, -1),
        Ran([], False, None, 2**31),
        Ran([SHOWN] * 401, False, None, 1),
        Ran([Displayed({str(n): "x" for n in range(21)})], False, None, 1),
        Ran([], False, Failure("x" * 1001, "", []), 1),
        Ran([], False, Failure("", "x" * 4001, []), 1),
        Ran([], False, Failure("", "", [""] * 101), 1),
        Ran([], False, Failure("", "", ["x" * 20_001]), 1),
    ],
)
def test_what_no_worker_says_is_refused(ran: Ran) -> None:
    with pytest.raises(WireError):
        read(write(ran), Ran)


def test_the_longest_that_a_worker_says_is_read() -> None:
    failure = Failure("x" * 1000, "x" * 4000, ["x" * 20_000] * 100)
    ran = Ran([SHOWN] * 201, True, failure, 2**31 - 1)
    assert read(write(ran), Ran) == ran


@pytest.mark.parametrize(
    "raised",
    [
        Raised(["E"] * 51, ""),
        Raised(["x" * 201], ""),
        Raised([], "x" * 4001),
        Raised([], "", [("1", "E")] * 51),
        Raised([], "", [], "x" * 100_001),
    ],
)
def test_exceptions_are_bounded_too(raised: Raised) -> None:
    with pytest.raises(WireError):
        read(write(raised), Answer)


def test_refusing_millions_takes_no_time() -> None:
    frame = write(Ran([SHOWN] * 2_000_000, False, None, 1))
    start = time.process_time()
    with pytest.raises(WireError):
        read(frame, Ran)
    assert time.process_time() - start < 0.1
