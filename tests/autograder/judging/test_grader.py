"""The grader's end: whatever a judge's process says or does, the grader goes on.

Each judge here is a forger, a process that speaks to the grader in a judge's place.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import cast

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import SandboxError
from autograder.judging import grader as module
from autograder.judging.grader import LARGEST, MOST, Grader, Judges, _Judge
from autograder.judging.records import Known
from autograder.judging.verdict import Verdict
from autograder.limits import Limits
from autograder.notebooks.cells import verdict_of
from autograder.sandbox.sandbox import Sandbox
from autograder.wire.channel import Channel

ROOT = Path(__file__).parents[3]
PRELUDE = """\
import os, socket, sys, time
from autograder.judging.records import Began, Fork, Found, Output, Shown, Finished
from autograder.judging.verdict import Verdict
from autograder.wire.channel import Channel
from autograder.wire.records import write

channel = Channel(socket.socket(fileno=int(sys.argv[1])))
channel.receive()
channel.send(write(Began(1, "check-f", True)))
"""


PASSED = """
channel.send(write(Found("check-f", Verdict("passed"), True)))
channel.send(write(Finished()))
"""


class Forgers(Judges):
    """Judges that do what a script says, and not what they are told."""

    def __init__(self, script: str) -> None:
        super().__init__()
        self.script = PRELUDE + dedent(script)
        self.started = 0

    @contextmanager
    def judge(self, _: Known) -> Iterator[_Judge]:
        self.started += 1
        ours, theirs = socket.socketpair()
        with theirs, ours:
            process = subprocess.Popen(
                [sys.executable, "-c", self.script, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
            )
            theirs.close()
            handle = os.pidfd_open(process.pid)
            judge = _Judge(Channel(ours, largest=LARGEST), handle, process.wait)
            try:
                yield judge
            finally:
                judge.end()
                os.close(handle)


class Box:
    """What a grader needs of a sandbox that nobody forks from."""

    limits = Limits(cell_time=1.0)

    def fork(self, _: object) -> None:
        raise SandboxError("there is no sandbox here")


def grade(script: str) -> tuple[dict[str, Verdict], NotebookNode, Forgers]:
    marks = {"grade_id": "check-f", "grade": True, "solution": False, "locked": True}
    check = new_code_cell(
        "assert f(1) == 1", metadata={"nbgrader": {**marks, "task": False, "points": 2}}
    )
    notebook = new_notebook(cells=[new_code_cell("f = abs"), check])
    forgers = Forgers(script)
    return Grader(cast(Sandbox, Box()), forgers).grade(notebook), notebook, forgers


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEATHS", 2)


def test_what_a_judge_says_rightly_is_believed() -> None:
    verdicts, notebook, forgers = grade("""
        channel.send(write(Shown(0, 3, [Output("stream", name="stdout", text="hello")])))
        channel.send(write(Found("check-f", Verdict("passed"), True)))
        channel.send(write(Finished()))
    """)
    assert verdicts["check-f"].word == "passed"
    assert (notebook.cells[0].execution_count, notebook.cells[0].outputs[0].text) == (3, "hello")
    assert forgers.started == 1


@pytest.mark.parametrize(
    "script",
    [
        f"channel.send(bytes({LARGEST + 1}))",
        "channel.socket.sendall(bytes([255] * 4))",  # announces four gigabytes
        "channel.send(os.urandom(1000))",
        'channel.send(write(Shown(10**6, 1, [Output("stream", text="where is this?")])))',
        'channel.send(write(Shown(-1, 1, [Output("stream", text="in the check")])))',
        'channel.send(write(Shown(0, 1, [Output("stream", text="x")] * 401)))',
        "channel.send(write(Shown(0, -1, [])))",  # nbformat would refuse the notebook
        "channel.send(write(Shown(0, 2**31, [])))",
        'channel.send(write(Shown(0, 1, [Output("execute_result", execution_count=-1)])))',
        f"""
        large = [Output("stream", text="x" * 10**6)] * 15
        for _ in range({MOST // (15 * 10**6) + 1}):
            channel.send(write(Shown(0, 1, large)))
        time.sleep(60)
        """,
        "os._exit(0)",
    ],
    ids=[
        "long",
        "announced",
        "noise",
        "nowhere",
        "backwards",
        "many",
        "below",
        "above",
        "result",
        "much",
        "gone",
    ],
)
def test_what_no_judge_says_costs_the_check_it_was_at(script: str) -> None:
    verdicts, _, _ = grade(dedent(script) + PASSED)
    assert verdicts["check-f"].word == "crashed"


def test_a_notebook_that_every_judge_dies_of_is_given_up() -> None:
    verdicts, _, forgers = grade("os._exit(0)")
    assert verdicts["check-f"].word == "crashed"
    assert forgers.started == module.DEATHS


def test_a_judge_that_chatters_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS", 500)
    verdicts, _, _ = grade("""
        while True:
            channel.send(write(Began(1, "check-f", True)))
    """)
    assert verdicts["check-f"].word == "crashed"


def test_a_judge_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "START", 0.5)
    monkeypatch.setattr(module, "PATIENCE", 1.0)
    verdicts, _, _ = grade("time.sleep(600)")
    assert verdicts["check-f"].word == "timeout"


def test_verdicts_of_checks_that_are_not_there_count_for_nothing() -> None:
    verdicts, _, _ = grade("""
        channel.send(write(Found("check-g", Verdict("passed"), True)))
        channel.send(write(Finished()))
    """)
    assert set(verdicts) == {"check-f"}
    assert verdicts["check-f"].word != "passed"


@pytest.mark.parametrize("score", ["float('nan')", "1e308", "-1.0"])
def test_points_that_no_check_gives_are_nobody_s_fault(score: str) -> None:
    _, notebook, _ = grade(f"""
        channel.send(write(Found("check-f", Verdict("passed", score={score}), True)))
        channel.send(write(Finished()))
    """)
    noted = verdict_of(notebook.cells[1])
    assert noted
    assert (noted.verdict, noted.points) == ("infrastructure", 0.0)
