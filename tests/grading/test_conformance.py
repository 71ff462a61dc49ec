"""nbgrader's own tests with the judge in place: a handful here, all in tests.conformance."""

import subprocess
import sys
from pathlib import Path

from tests.conformance import DIFFERENT, QUICK, differences

ROOT = Path(__file__).parents[2]


def test_nbgraders_most_telling_tests_pass_with_the_judge_in_place() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.conformance", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert f"{len(QUICK)} passed, 0 failed, 0 skipped" in done.stdout


def test_differences_are_named_both_ways() -> None:
    known = next(iter(DIFFERENT))
    assert differences({known: "failed", "a::b": "passed", "a::c": "skipped"}) == []
    assert len(differences({known: "passed", "a::b": "failed"})) == 2
