"""Tests of one group run in one worker, and a run ends in red where a worker dies or hangs."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOGETHER = """
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("together")


@pytest.mark.parametrize("number", range(8))
def test_leaves_its_worker_s_name(number):
    Path(f"{number}.txt").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""
# Ten tests of which one does something; those before it have left their worker with finished work.
TEN = """
import ctypes, os, pytest, time

FIRST = os.environ.get("PYTEST_XDIST_WORKER") == "gw0"


@pytest.mark.parametrize("number", range(10))
def test_one(number):
    time.sleep(0.05)
    if number == 8:
        pass
"""
AFTER = """
import os


def pytest_sessionfinish():
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        os._exit(0)
"""
GROUP = "@pytest.mark.xdist_group('together')\n@pytest.mark.parametrize"
KILLED, SEGMENTATION = "os.kill(os.getpid(), 9)", "ctypes.string_at(0)"


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the tests in a folder as make does, with our settings and our hooks.

    Raises TimeoutExpired where the run does not end.
    """
    shutil.copy(ROOT / "tests/workers.py", folder / "conftest.py")
    ours = [f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={folder}", "--verbose"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *ours, *made("test"), *words, str(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def made(target: str) -> list[str]:
    """Words that make gives pytest."""
    command = bounded(target)
    return command[command.index(next(w for w in command if w.endswith("/pytest"))) + 1 :]


def bounded(target: str) -> list[str]:
    """Command of a target that runs pytest."""
    shown = subprocess.run(
        ["make", "--dry-run", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = re.findall(r"^.*/pytest .*$", shown.stdout, re.MULTILINE)
    return line.split()


def test_a_group_stays_with_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(TOGETHER)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout
    workers = [path.read_text() for path in sorted(tmp_path.glob("*.txt"))]
    assert len(workers) == 8
    assert len(set(workers)) == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (TEN.replace("pass", KILLED), r"crashed while running .*test_one\[8\]"),
        (TEN.replace("pass", SEGMENTATION), r"crashed while running .*test_one\[8\]"),
        (
            TEN.replace("pass", KILLED).replace("@pytest.mark.parametrize", GROUP),
            r"crashed while running .*test_one\[8\]@together",
        ),
        (TEN + f"if FIRST: {KILLED}\n", "worker gw0 crashed"),
        # sleep by a library that keeps the interpreter, so that no signal handler of Python's runs
        (
            TEN.replace("pass", "ctypes.PyDLL(None).sleep(900)"),
            r"crashed while running .*test_one\[8\]",
        ),
    ],
    ids=["killed", "segmentation fault", "killed in a group", "killed on import", "hangs"],
)
def test_a_run_ends_and_names_the_test_in_which_a_worker_died(
    text: str, named: str, tmp_path: Path
) -> None:
    (tmp_path / "test_ten.py").write_text(text)
    done = run(tmp_path, "--override-ini=faulthandler_timeout=10")
    assert done.returncode != 0, done.stdout
    assert re.search(named, done.stdout), done.stdout


def test_a_worker_that_dies_after_its_last_test_makes_a_run_red(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/test_ten.py").write_text(TEN)
    (tmp_path / "below/conftest.py").write_text(AFTER)
    done = run(tmp_path)
    assert "10 passed" in done.stdout
    assert "worker gw0 crashed" in done.stdout
    assert done.returncode != 0, done.stdout


def test_a_test_that_hangs_and_a_whole_run_have_a_limit(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("faulthandler_exit_on_timeout")
    limit = float(pytestconfig.getini("faulthandler_timeout"))
    timeout, *options, seconds = bounded("test")[:5]
    assert timeout == "timeout"
    assert options == ["--foreground", "--signal=INT", "--kill-after=60"]
    assert 600 <= limit < int(seconds)
