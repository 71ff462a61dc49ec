"""Which mutants of a lesson's references its checks let through.

A mutant that passes the whole check shows a place where nobody looks, or is right too. In the
first case the check gets a test, in the second the lesson's bank an equivalent with the reason.
So what is left to report is either a hole in a check or an entry of the bank that is out of date.
"""

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as NotInTimeError
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Literal

from autograder.errors import CourseError
from autograder.lessons.bank import Answer, same_code
from autograder.lessons.lesson import Exercise, Lesson
from autograder.lessons.matrix import Outcome, in_process, outcome
from autograder.lessons.mutation import Mutant, mutants

__all__ = ["Became", "Finding", "all_mutants", "out_of_date", "sample", "try_out"]

Became = Outcome | Literal["killed by time"]
# A mutant may take this many times as long as the reference, and so many seconds besides.
PATIENCE, SPARE = 5, 10


@dataclass(frozen=True)
class Finding:
    """What became of a mutant; and, where the bank lists it as an equivalent, its reason there."""

    mutant: Mutant
    outcome: Became
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the check rejects it, or the bank says why it cannot; not both."""
        return (self.outcome == "passed") == bool(self.reason)


def all_mutants(lesson: Lesson) -> list[Mutant]:
    """Return the mutants of all references of a lesson."""
    return [mutant for exercise in lesson.exercises for mutant in mutants(exercise)]


def sample(among: Sequence[Mutant], count: int) -> list[Mutant]:
    """Return some mutants, the same ones on every machine, and most of them after a change too."""

    def lot(mutant: Mutant) -> str:
        return hashlib.sha256(f"{mutant.exercise}{mutant.source}".encode()).hexdigest()

    chosen = set(sorted(among, key=lot)[:count])
    return [mutant for mutant in among if mutant in chosen]


def out_of_date(lesson: Lesson, among: Sequence[Mutant]) -> list[Answer]:
    """Return the equivalents of a lesson's bank that are none of its mutants."""
    known = {(mutant.exercise, same_code(mutant.source)) for mutant in among}
    return [a for a in lesson.equivalents if (a.exercise, same_code(a.source)) not in known]


def try_out(
    lesson: Lesson,
    among: Sequence[Mutant],
    *,
    warm: Sequence[str] = (),
    processes: int | None = None,
) -> Iterator[Finding]:
    """Run the checks on mutants; yield what became of each, in their order.

    Each runs in a process that it may break: one that hangs or dies is replaced. warm are modules
    to import once, and processes is how many run side by side, by default one for each core. Raises
    CourseError where a reference itself does not pass, for then nothing is learnt of its mutants,
    and where pebble is not installed.
    """
    reasons = {(a.exercise, same_code(a.source)): a.explanation for a in lesson.equivalents}
    exercises = {exercise.name: exercise for exercise in lesson.exercises}
    context = get_context("forkserver")
    context.set_forkserver_preload([*warm, __name__])
    count = processes or os.cpu_count() or 1
    try:
        from pebble import ProcessExpired, ProcessPool
    except ImportError:
        raise CourseError(
            "mutants need pebble, which is not installed; it comes with "
            "`pip install --editable '.[dev]'`"
        ) from None
    with ProcessPool(count, context=context, initializer=_be_quiet) as pool:
        limits: dict[str, float] = {}
        for name in dict.fromkeys(mutant.exercise for mutant in among):
            call = partial(_run, lesson, exercises[name], exercises[name].solution)
            found, seconds = pool.submit(call, None).result()
            if found != "passed":
                raise CourseError(f"{lesson.topic}: the reference of {name} is {found}")
            limits[name] = SPARE + PATIENCE * seconds
        waiting = [
            pool.submit(partial(_run, lesson, exercises[m.exercise], m.source), limits[m.exercise])
            for m in among
        ]
        for mutant, future in zip(among, waiting, strict=True):
            became: Became
            try:
                became, _ = future.result()
            except (NotInTimeError, ProcessExpired):
                became = "killed by time"
            reason = reasons.get((mutant.exercise, same_code(mutant.source)), "")
            yield Finding(mutant, became, reason)


def _run(lesson: Lesson, exercise: Exercise, source: str) -> tuple[Outcome, float]:
    """Return what the check of an exercise says to an answer, and the seconds that it took."""
    start = time.monotonic()
    word, _ = outcome(lesson, exercise, source, in_process)
    return word, time.monotonic() - start


def _be_quiet() -> None:
    """Print nothing, warn of nothing, and leave the other cores to the other processes."""
    warnings.simplefilter("ignore")
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (the process closes it)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
