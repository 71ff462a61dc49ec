"""Values that tests measure, each with the thresholds that it has to keep.

What a network has learnt depends on how the processor rounds: steps of training make a difference
in the last digit grow. So each such value goes through ``measured``, and a value that a lesson puts
on trial through ``noted``, fixtures of ``tests/conftest.py``. ``python -m tests.bench settings``
runs the tests that ask for one of them, and no others, under settings that stand for other
machines. Then a value is written down and not judged.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import torch

# Environment variables: the file that values are written to, and torch's number of threads.
FILE, THREADS = "MEASURED_FILE", "MEASURED_THREADS"
FIXTURES = {"measured", "noted"}


def settle_threads() -> None:
    """Let torch use as many threads as the setting says, whatever a lesson asks for; one without.

    pytest-xdist runs one process per core.
    """
    torch.set_num_threads(int(os.environ.get(THREADS, "1")))
    if THREADS in os.environ:

        def stay(nthreads: int) -> None: ...

        torch.set_num_threads = stay


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """What a test measured: numbers under a name, and whether its threshold or claim holds."""

    test: str
    name: str
    numbers: list[float]
    at_least: float | None = None
    at_most: float | None = None
    holds: bool


def measured(
    name: str, value: float, *, at_least: float | None = None, at_most: float | None = None
) -> None:
    """Assert that a value keeps its thresholds, or write it down where a file is named for it.

    The name is unique within its test. Raises AssertionError, and ValueError without a threshold.
    """
    if at_least is None and at_most is None:
        raise ValueError(f"{name!r} has no threshold; expected at_least, at_most or both")
    # A value that is no number keeps no threshold.
    holds = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    options = {"at_least": at_least, "at_most": at_most}
    if not write(Value(test=running(), name=name, numbers=[value], holds=holds, **options)):
        bounds = [f"{word} {bound}" for word, bound in options.items() if bound is not None]
        assert holds, f"{name} is {value}; expected {' and '.join(bounds)}"


def noted(name: str, numbers: list[float], *, holds: bool) -> None:
    """Write down what a lesson's trial measured, where a file is named for it."""
    write(Value(test=running(), name=name, numbers=numbers, holds=holds))


def write(value: Value) -> bool:
    """Append a value to the file; False where none is named."""
    if FILE not in os.environ:
        return False
    with Path(os.environ[FILE]).open("ab") as file:
        file.write(msgspec.json.encode(value) + b"\n")
    return True


def read(file: Path) -> Iterator[Value]:
    """Give all values of a file, in the order in which they were measured."""
    for line in file.read_bytes().splitlines():
        yield msgspec.json.decode(line, type=Value)


def running() -> str:
    """Say which test runs: its file and its name."""
    return os.environ["PYTEST_CURRENT_TEST"].rsplit(" (", 1)[0].rsplit("/", 1)[-1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests that measure, where values are written down."""
    if FILE not in os.environ:
        return
    chosen = [item for item in items if FIXTURES & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
