"""Where a judge itself breaks, nobody loses points; and nobody can have it break to keep some.

What breaks is planted: the warm process imports a module that spoils one of the judge's functions.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_notebook

from autograder.judging.grader import Grader, Judges
from autograder.limits import Limits
from autograder.notebooks.cells import Noted, is_check, verdict_of
from autograder.sandbox.sandbox import Sandbox
from tests.autograder.judging.test_run import RIGHT, cell, notebook

LIMITS = Limits(cell_time=2.0, time=60.0, memory=400 * 2**20, disk=16 * 2**20)

# Each is the whole of a module. What it spoils breaks whenever it meets the check of g.
IN_ITS_OWN_CODE = """
from autograder.judging import run

def broken(self, cell, *args, whole=run._Run._judge, **options):
    if cell.check == "check-g":
        raise KeyError("words of the judge: 3721")
    return whole(self, cell, *args, **options)

run._Run._judge = broken
"""
EVERYWHERE = IN_ITS_OWN_CODE.replace('cell.check == "check-g"', "cell.check")
ONCE = """
import os
from autograder.judging import run

def broken(self, cell, *args, whole=run._Run._judge, **options):
    if cell.check == "check-g" and not os.path.exists(MARK):
        open(MARK, "w").close()
        raise KeyError("once")
    return whole(self, cell, *args, **options)

run._Run._judge = broken
"""
AFTER_A_CELL = """
from autograder.judging import names

def broken(self, given, binds):
    raise KeyError("a bug")

names.Names.follow = broken
"""
POISON = "'poi' + 'son'"
IN_A_READER = """
from autograder.notebooks import html
from autograder.judging import processes

def broken(result, whole=html.clean):
    if "poison" in str(result):
        {}["poison"]
    return whole(result)

broken.__globals__["__name__"] = "autograder.notebooks.html"
processes.clean = broken
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS) as box:
        yield box


Spoil = Callable[[str], Grader]


@pytest.fixture
def spoiled(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoil]:
    """Give a function that returns a grader whose judges have something spoiled."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ExitStack() as stack:

        def spoil(module: str) -> Grader:
            text = f"MARK = {str(tmp_path / 'mark')!r}\n{module}"
            (tmp_path / "spoiling.py").write_text(text)
            return Grader(sandbox, stack.enter_context(Judges(("spoiling",))))

        yield spoil


def graded(grader: Grader, *answers: tuple[str, str]) -> tuple[list[Noted], Any]:
    book = notebook(*answers)
    grader.grade(book)
    nbformat.validate(book)
    noted = [found for c in book.cells if is_check(c) and (found := verdict_of(c))]
    return noted, book


def test_a_bug_in_the_judge_is_no_student_s_fault(spoiled: Spoil) -> None:
    (f, g), book = graded(spoiled(IN_ITS_OWN_CODE), *RIGHT)
    assert (f.verdict, f.points) == ("passed", 2.0)
    assert (g.verdict, g.points) == ("infrastructure", 0.0)
    # The instructor reads what broke and where. The student does not: it may quote a hidden test.
    assert "KeyError" in g.reason
    assert "3721" in g.reason
    assert "test_blame" not in g.reason
    said = book.cells[-1].outputs[0].evalue
    assert "3721" not in said
    assert "a person" in said


def test_a_bug_that_shows_once_costs_nothing(spoiled: Spoil) -> None:
    noted, _ = graded(spoiled(ONCE), *RIGHT)
    assert [found.verdict for found in noted] == ["passed", "passed"]


def test_a_bug_between_checks_leaves_what_comes_after_it_to_a_person(spoiled: Spoil) -> None:
    noted, _ = graded(spoiled(AFTER_A_CELL), *RIGHT)
    assert [found.verdict for found in noted] == ["infrastructure", "infrastructure"]
    assert all("KeyError: 'a bug'" in found.reason for found in noted)


def test_a_bug_everywhere_leaves_everything_to_a_person(spoiled: Spoil) -> None:
    book = new_notebook()
    for name in "abcdefg":
        marks = {"grade": True, "locked": True, "points": 1}
        book.cells.append(cell(f"check-{name}", "assert True", **marks))
    spoiled(EVERYWHERE).grade(book)
    noted = [verdict_of(c) for c in book.cells]
    assert [found and found.verdict for found in noted] == ["infrastructure"] * 7


def test_what_cannot_be_read_of_a_submission_is_its_own_fault(spoiled: Spoil) -> None:
    noted, book = graded(spoiled(IN_A_READER), ("own", POISON), *RIGHT)
    assert [found.verdict for found in noted] == ["passed", "passed"]
    shown = next(c for c in book.cells if c.source == POISON).outputs
    assert "could not be read" in shown[0].evalue


HOSTILE = {
    "deep": "def f(x):\n    v = []\n    for _ in range(10**5):\n        v = [v]\n    return v",
    "an odd error": "class E(Exception):\n    def __str__(self):\n        raise self\n"
    "def f(x):\n    raise E",
    "a large number": "def f(x):\n    return 10**5000",
    "a name that is none": "E = type('\\ud800', (Exception,), {})\n"
    "def f(x):\n    raise E('\\ud800')",
    "no length": "class A(list):\n    def __len__(self):\n        return 2**62\n"
    "def f(x):\n    return A()",
    "a frame": "import os\ndef f(x):\n    for n in range(3, 99):\n        try:\n"
    "            os.write(n, b'\\0\\0\\0\\7garbage')\n        except OSError:\n            pass",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_no_answer_turns_its_zero_into_a_question(sandbox: Sandbox, answer: str) -> None:
    with Judges() as judges:
        (f, g), _ = graded(Grader(sandbox, judges), ("f", answer), RIGHT[1])
    assert f.verdict in ("failed", "error", "crashed")
    assert g.verdict == "passed"
