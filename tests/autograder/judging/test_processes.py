"""A submission's processes: what one leaves to the next."""

import time
from typing import Any

import pytest

from autograder.judging.processes import Processes, UsedUp
from autograder.judging.records import Cell
from autograder.limits import Limits
from autograder.sandbox.submission import CellResult, Gone
from autograder.wire.records import Ran


class Mortal:
    """Stands for a submission's process, which dies of the word "die"."""

    def __init__(self, has_waited: float) -> None:
        self.has_waited = has_waited

    def waited(self) -> float:
        return self.has_waited

    def run(self, source: str, seconds: float) -> CellResult:
        assert seconds > 0
        if source == "die":
            raise Gone("signal SIGKILL")
        return CellResult(Ran([], False, None, 1))

    def printed(self) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        pass


def processes(*waited: float) -> Processes:
    mortals: list[Any] = [Mortal(seconds) for seconds in waited]
    return Processes(lambda: mortals.pop(0), Limits(time=0.001, cell_time=5.0))


def test_time_that_a_dead_process_waited_for_a_processor_still_does_not_count() -> None:
    some = processes(100.0, 0.0)
    some._process = some._fork()
    time.sleep(0.01)
    for source in ("die", "x = 1", "y = 2"):
        _, outputs = some.execute(Cell(0, source))
        assert "used up" not in str(outputs)


def test_time_that_nobody_waited_is_used_up() -> None:
    some = processes(0.0, 0.0)
    some._process = some._fork()
    time.sleep(0.01)
    with pytest.raises(UsedUp, match="has used up its 0 s"):
        some.check()


def test_a_process_that_dies_again_and_again_is_given_up() -> None:
    some = processes(*[100.0] * 20)
    for _ in range(12):
        _, outputs = some.execute(Cell(0, "die"))
    assert outputs[0]["ename"] == "not run"
    with pytest.raises(UsedUp, match="ended its process 9 times"):
        some.check()
