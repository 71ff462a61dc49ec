"""What tests and lessons measure, under settings that stand for other machines.

torch, oneDNN and MKL choose their code by the processor, and sums in another order round otherwise.
The variables below make them take that of other processors, as far as this one has it. Each setting
runs in a process of its own.

A threshold is safe where the nearest value is at least twice as far from it as the values of all
settings are from one another. A trial of a lesson has thresholds in its own cell; of its numbers,
the table shows the ranges, and in how many settings the claim held.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from rich.table import Table

from tests.measured import FILE, THREADS, Value, read

ROOT = Path(__file__).parents[2]
FOLDERS = ["tests/cnnlib", "tests/course"]
PLAIN = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
SETTINGS = {
    "as it is": {},
    "two threads": {THREADS: "2"},
    "no wide registers": {**PLAIN, "MKL_CBWR": "COMPATIBLE"},
    "no wide registers, two threads": {**PLAIN, THREADS: "2"},
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"},
    "AVX2 in torch, two threads": {"ATEN_CPU_CAPABILITY": "avx2", THREADS: "2"},
    "AVX-512": {"ATEN_CPU_CAPABILITY": "avx512", "ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
}


def tables() -> Iterator[Table]:
    """Run all settings; give the thresholds of tests, then the trials of lessons."""
    found: dict[tuple[str, str], list[Value]] = {}
    for setting in SETTINGS.values():
        for value in measure(setting):
            found.setdefault((value.test, value.name), []).append(value)
    yield thresholds([values for values in found.values() if judged(values[0])])
    yield trials([values for values in found.values() if not judged(values[0])])


def measure(setting: dict[str, str], folders: Sequence[str] = FOLDERS) -> list[Value]:
    """Run the tests that measure under a setting; give their values.

    A test that fails before it measures is missed in the table. Raises RuntimeError with what
    pytest said where there was no run.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "values"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", *folders],
            # Threads that wait without work take no core from others.
            env={**os.environ, "OMP_WAIT_POLICY": "passive", **setting, FILE: str(file)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise RuntimeError(f"under {setting} pytest said:\n{done.stdout}{done.stderr}")
        return list(read(file))


def judged(value: Value) -> bool:
    """Whether a test has a threshold for a value."""
    return value.at_least is not None or value.at_most is not None


def thresholds(measured: Sequence[list[Value]]) -> Table:
    """One row for each threshold: range, distance to the nearest value, whether that is enough."""
    table = Table(title=f"values of tests under {len(SETTINGS)} settings")
    for name in ("test", "value", "lowest", "highest", "range", "threshold", "distance", "safe"):
        table.add_column(name, justify="left" if name in ("test", "value", "safe") else "right")
    for values in measured:
        numbers = [value.numbers[0] for value in values]
        low, high, first = min(numbers), max(numbers), values[0]
        bounds = [(">=", first.at_least, low, 1), ("<=", first.at_most, high, -1)]
        for sign, bound, nearest, direction in bounds:
            if bound is not None:
                distance = direction * (nearest - bound)
                safe = len(values) == len(SETTINGS) and distance >= 2 * (high - low)
                table.add_row(
                    *(first.test, first.name, f"{low:.4g}", f"{high:.4g}", f"{high - low:.2g}"),
                    *(f"{sign} {bound:.4g}", f"{distance:.2g}", "yes" if safe else "NO"),
                )
    return table


def trials(measured: Sequence[list[Value]]) -> Table:
    """One row for each condition of a trial."""
    table = Table("claim and condition", "ranges of its numbers", "holds in")
    table.title = f"trials of lessons under {len(SETTINGS)} settings"
    for values in measured:
        columns = zip(*(value.numbers for value in values), strict=True)
        ranges = ", ".join(
            f"{min(c):.4g}" + (f" to {max(c):.4g}" if len(set(c)) > 1 else "") for c in columns
        )
        table.add_row(values[0].name, ranges, f"{sum(v.holds for v in values)} of {len(values)}")
    return table
