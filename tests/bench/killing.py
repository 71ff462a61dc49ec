"""Kill -9 at twenty random moments of a class run, each followed by a plain rerun."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from tests.grading.killing import Class, moments

NUMBER = 20
SEED = 3


def tables() -> Iterator[Table]:
    """Kill and rerun; raise AssertionError where a rerun ends elsewhere than an undisturbed run."""
    table = Table(title=f"kill -9 at {NUMBER} random moments of a class of 8, then a plain rerun")
    for heading in ("command", "killed", "begun", "done before", "gradebook after"):
        table.add_column(heading)
    table.add_column("rerun", justify="right")
    with tempfile.TemporaryDirectory() as folder:
        group = Class(Path(folder) / "base")
        try:
            bad = _measure(group, table)
        finally:
            group.close()
    yield table
    if bad:
        raise AssertionError("\n".join(bad))


def _measure(group: Class, table: Table) -> list[str]:
    whole = group.run("autograder grade")
    expected = group.everything()
    bad = []
    drawn = moments(NUMBER, seed=SEED, seconds=0.5 * whole, per_student=0.1 * whole)
    for index, moment in enumerate(drawn):
        command = "nbgrader autograde" if index % 3 == 2 else "autograder grade"
        group.start_anew()
        killed = group.run_and_kill(command, moment)
        left = group.processes()
        before = group.everything()
        done = sum(before.get(key) == value for key, value in expected.items())
        start = time.monotonic()
        group.run(command)
        seconds = time.monotonic() - start
        after = group.everything()
        same = after == expected
        if not same or left:
            wrong = [
                f"{key}: {after.get(key)}" for key in expected if after.get(key) != expected[key]
            ]
            bad.append(f"{command}, {moment}: {len(left)} processes left; {wrong}")
        table.add_row(
            command,
            f"{moment.whom}, {moment.seconds:.2f} s later" if killed else "had ended",
            str(moment.begun),
            f"{done} of {len(expected)}",
            "the same" if same else "differs",
            f"{seconds:.0f} s",
        )
    return bad
