"""nbgrader's own tests, run with the judge in place of its execution of submissions.

nbgrader installs its tests with itself. They run nbgrader's commands in process, in folders of
their own with an empty configuration; ours comes from the user's configuration, as autograder's
two lines would stand there. ``python -m tests.conformance`` runs all of them in some minutes, and
fails where a test that is not named below differs from stock nbgrader, or one that is does not.
"""

import os
import sys
import sysconfig
import tempfile
from pathlib import Path

import click
import pytest

__all__ = ["DIFFERENT", "QUICK", "differences", "run"]

PACKAGE = "nbgrader.tests.apps"
SUITES = (
    "test_nbgrader_autograde",
    "test_nbgrader_generate_feedback",
    "test_nbgrader_export",
    "test_nbgrader_validate",
    "test_api",
)
# Tests that stock nbgrader passes and the hardened one does not, and why that is right.
DIFFERENT = {
    "test_nbgrader_autograde::test_filter_notebook": (
        "Its last step deletes the graded notebook and expects a plain run to skip the student. A "
        "folder without its notebook is what a killed run leaves, so the student is graded again."
    ),
    "test_nbgrader_autograde::test_side_effects": (
        "It expects a file that a submission wrote beside the graded notebook. What a submission "
        "writes stays in the sandbox and goes with it."
    ),
    "test_nbgrader_autograde::test_handle_failure": (
        "It expects an exit status of 1 for a submission whose cells are not those of the "
        "assignment. The notebook is rebuilt from the instructor's, so nothing can fail."
    ),
    "test_nbgrader_autograde::test_handle_failure_single_notebook": ("The same with --notebook."),
    "test_nbgrader_autograde::test_missing_source_kernelspec": (
        "It expects an exit status of 1 for a submission that names an unknown kernel. The kernel "
        "that a submission names counts for nothing."
    ),
    "test_nbgrader_autograde::test_no_execute": (
        "With --no-execute it expects the submission's own outputs to be kept and graded. They "
        "would prove nothing; the submission is run, and a warning says so."
    ),
}
# The quickest and most telling ones: points and comments, hidden tests, late penalties, time
# limits, feedback.
QUICK = (
    "test_nbgrader_autograde::TestNbGraderAutograde::test_grade",
    "test_nbgrader_autograde::TestNbGraderAutograde::test_hidden_tests_single_notebook",
    "test_nbgrader_autograde::TestNbGraderAutograde::test_late_submission_penalty_zero",
    "test_nbgrader_autograde::TestNbGraderAutograde::test_infinite_loop",
    "test_nbgrader_generate_feedback::TestNbGraderFeedback::test_single_file",
)
CONFIG = "import autograder\nc = get_config()\nautograder.harden(c)\n"


class _Recorder:
    """Notes what became of each test."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: "pytest.CallInfo[None]") -> None:
        module = item.location[0].rpartition("/")[2] or item.fspath.basename
        name = f"{module.removesuffix('.py')}::{item.name}"
        if call.excinfo is None:
            self.outcomes.setdefault(name, "passed")
        elif call.excinfo.errisinstance(pytest.skip.Exception):
            self.outcomes[name] = "skipped"
        else:
            self.outcomes[name] = "failed"


def run(names: tuple[str, ...], *, hardened: bool) -> dict[str, str]:
    """Run modules or tests of nbgrader's in this process; return the outcome of each test."""
    recorder = _Recorder()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config")
        config.mkdir()
        if hardened:
            (config / "nbgrader_config.py").write_text(CONFIG)
        scripts = sysconfig.get_path("scripts")
        os.environ |= {
            "HOME": folder,
            "USER": "instructor",  # the exchange's tests ask for it
            "JUPYTER_CONFIG_DIR": str(config),
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        }
        before = Path.cwd()
        os.chdir(folder)
        try:
            pytest.main(
                [
                    *("-q", "--tb=short", "-p", "no:cacheprovider", "--disable-warnings"),
                    # Not this project's settings.
                    *("-c", os.devnull, "--rootdir", folder, "--pyargs"),
                    *(f"{PACKAGE}.{name}" for name in names),
                ],
                plugins=[recorder],
            )
        finally:
            os.chdir(before)
    return recorder.outcomes


def differences(outcomes: dict[str, str]) -> list[str]:
    """Say of which tests the outcome is not the one that is written down above."""
    found = []
    for name, outcome in outcomes.items():
        if outcome == "failed" and name not in DIFFERENT:
            found.append(f"{name} fails, and stock nbgrader passes it")
        if outcome == "passed" and name in DIFFERENT:
            found.append(f"{name} passes, and is said to differ: {DIFFERENT[name]}")
    return found


@click.command()
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="Only the quickest and most telling tests.")
@click.option("--stock", is_flag=True, help="Run stock nbgrader, to see what it passes itself.")
def main(names: tuple[str, ...], quick: bool, stock: bool) -> None:
    """Run nbgrader's tests NAMES (module, or module::class::test), or all of them."""
    chosen = names or (QUICK if quick else SUITES)
    outcomes = run(chosen, hardened=not stock)
    if not outcomes:
        raise click.ClickException("no test ran")
    found = [f"{n} fails" for n, o in outcomes.items() if o == "failed"]
    if not stock:
        found = differences(outcomes)
        if not names and not quick:
            found += [f"{name} was not run" for name in DIFFERENT if name not in outcomes]
    for line in found:
        click.echo(line)
    counts = {word: list(outcomes.values()).count(word) for word in ("passed", "failed", "skipped")}
    click.echo(", ".join(f"{count} {word}" for word, count in counts.items()))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
