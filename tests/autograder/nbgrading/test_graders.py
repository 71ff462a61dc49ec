"""Graders die, hang and answer nonsense; each time it is one student's loss."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from autograder.errors import CourseError
from autograder.nbgrading import graders
from autograder.nbgrading.graders import Outcome, side_by_side

ROOT = Path(__file__).parents[3]
CLASS = [f"student-{number:02}" for number in range(60)]
CRASHER = "student-07"


@pytest.fixture(autouse=True)
def _graders_find_this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)


def grade(student: str, *, notes: Path, die: str = "", hang: str = "", fail: str = "") -> Outcome:
    """Grade nobody; note that a student was begun, and by whom."""
    with (notes / "begun").open("a") as file:
        file.write(f"{student} {os.getpid()}\n")
    if student == die:
        os.kill(os.getpid(), signal.SIGKILL)
    if student == hang:
        time.sleep(600)
    if student == fail:
        raise LookupError("no such thing")
    return Outcome(student, True)


def begun(notes: Path) -> list[list[str]]:
    return [line.split() for line in (notes / "begun").read_text().splitlines()]


def test_a_crasher_among_sixty_costs_nobody_else_anything(tmp_path: Path) -> None:
    found = list(
        side_by_side(partial(grade, notes=tmp_path, die=CRASHER), CLASS, jobs=2, seconds=60.0)
    )
    assert sorted(outcome.student for outcome in found) == CLASS
    (lost,) = (outcome for outcome in found if not outcome.graded)
    assert lost.student == CRASHER
    assert lost.reason.startswith("its grader died 3 times: signal 9 (Killed)")
    tries = [name for name, _ in begun(tmp_path)]
    # The others had one try each, and the crasher's further ones came when they were done.
    assert [tries.count(name) for name in CLASS if name != CRASHER] == [1] * 59
    assert tries[-2:] == [CRASHER] * 2


def test_a_grader_that_died_once_is_made_good(tmp_path: Path) -> None:
    found = list(side_by_side(partial(die_once, notes=tmp_path), CLASS[:4], jobs=2, seconds=60.0))
    assert [outcome for outcome in found if not outcome.graded] == []


def die_once(student: str, *, notes: Path) -> Outcome:
    first = not (notes / student).exists()
    (notes / student).touch()
    if first and student == CLASS[0]:
        os._exit(3)
    return Outcome(student, True)


def test_a_grader_that_hangs_is_ended_alone_and_the_reason_says_so(tmp_path: Path) -> None:
    hung = CLASS[1]
    grading = partial(grade, notes=tmp_path, hang=hung)
    found = {o.student: o for o in side_by_side(grading, CLASS[:6], jobs=2, seconds=5.0)}
    assert len(found) == 6
    assert [name for name, outcome in found.items() if not outcome.graded] == [hung]
    assert "not graded within 5 s, so its grader was ended" in found[hung].reason
    pids = dict(begun(tmp_path))
    assert not alive(int(pids[hung]))


def test_an_error_is_its_students_and_the_grader_goes_on(tmp_path: Path) -> None:
    grading = partial(grade, notes=tmp_path, fail=CLASS[0])
    found = list(side_by_side(grading, CLASS[:3], jobs=1, seconds=60.0))
    assert [outcome.reason for outcome in found] == ["LookupError: no such thing", "", ""]
    assert len({pid for _, pid in begun(tmp_path)}) == 1


class Unreadable:
    """What a grader cannot take out of its parent's hands."""

    def __call__(self, student: str) -> Outcome:
        return Outcome(student, True)

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (4,)


def test_graders_that_do_not_start_end_the_run_and_blame_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = []
    begin = graders._Grader.begin

    def noted(*given: Any) -> None:
        started.append(given)
        begin(*given)

    monkeypatch.setattr(graders._Grader, "begin", noted)
    with pytest.raises(CourseError, match=r"no grader starts: 3 in succession .* exit status 4"):
        list(side_by_side(Unreadable(), CLASS, jobs=1, seconds=60.0))
    assert len(started) == 3


@pytest.mark.parametrize("whom", ["the run", "the rest of it"])
def test_no_grader_outlives_its_run(whom: str, tmp_path: Path) -> None:
    grading = partial(grade, notes=tmp_path, hang=CLASS[1])
    if whom == "the run":
        run = get_context("spawn").Process(target=exhaust, args=(grading, CLASS[:2]))
        run.start()
        wait_for(lambda: len(begun(tmp_path)) == 2, tmp_path)
        run.kill()
        run.join()
    else:
        outcomes = side_by_side(grading, CLASS[:2], jobs=2, seconds=60.0)
        assert next(outcomes).graded
        wait_for(lambda: len(begun(tmp_path)) == 2, tmp_path)
        outcomes.close()  # type: ignore[attr-defined]  # it is a generator
    pids = [int(pid) for _, pid in begun(tmp_path)]
    end = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(alive, pids))


def exhaust(grading: partial[Outcome], names: list[str]) -> None:
    list(side_by_side(grading, names, jobs=2, seconds=60.0))


def wait_for(done: Callable[[], bool], notes: Path) -> None:
    end = time.monotonic() + 60
    while not ((notes / "begun").exists() and done()):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False
