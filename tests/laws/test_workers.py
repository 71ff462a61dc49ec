"""Tests of one group run in one worker, so that what they share is made once."""

import subprocess
import sys
from pathlib import Path

MODULE = """
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("together")


@pytest.mark.parametrize("number", range(8))
def test_leaves_its_worker_s_name(number):
    Path(f"{number}.txt").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_stays_with_one_worker(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(MODULE)
    words = ["-m", "pytest", "--numprocesses=2", "--dist=loadgroup", "test_group.py"]
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    workers = [path.read_text() for path in sorted(tmp_path.glob("*.txt"))]
    assert len(workers) == 8
    assert len(set(workers)) == 1
