"""One notebook: verdicts, what a dying process costs, and what a wrong answer probably did."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.judging.grader import Grader, Judges, note_verdict
from autograder.judging.records import Known, Mistake
from autograder.judging.verdict import Verdict
from autograder.limits import Limits
from autograder.notebooks.cells import Noted, is_check, verdict_of
from autograder.notebooks.regions import Delimiters
from autograder.sandbox.sandbox import Sandbox

LIMITS = Limits(cell_time=1.5, time=60.0, memory=400 * 2**20, disk=16 * 2**20)
DEATHS = {
    "exit": "import os\nos._exit(0)",
    "crash": "import ctypes\nctypes.string_at(0)",
    "deaf": "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True:\n    pass",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS) as box:
        yield box


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    with Judges() as warm:
        yield warm


@pytest.fixture
def grader(sandbox: Sandbox, judges: Judges) -> Grader:
    return Grader(sandbox, judges)


def cell(name: str, source: str, **marks: Any) -> NotebookNode:
    base = {"grade_id": name, "grade": False, "solution": False, "locked": False, "task": False}
    return new_code_cell(source, metadata={"nbgrader": {**base, **marks}})


def notebook(*answers: tuple[str, str]) -> NotebookNode:
    """Return a notebook in which exercise f should be the double, g the square."""
    checks = {"f": "assert f(3) == 6, 'f(3) is not 6'", "g": "assert g(3) == 9"}
    cells = [new_code_cell("shared = []")]
    for name, source in answers:
        if name in checks:
            cells.append(cell(name, source, solution=True))
            cells.append(cell(f"check-{name}", checks[name], grade=True, locked=True, points=2))
        else:
            cells.append(new_code_cell(source))
    return new_notebook(cells=cells)


def graded(grader: Grader, *answers: tuple[str, str]) -> dict[str, Any]:
    book = notebook(*answers)
    grader.grade(book)
    nbformat.validate(book)
    return {c.metadata.nbgrader.grade_id: verdict_of(c) for c in book.cells if is_check(c)}


def words(found: dict[str, Any]) -> list[str]:
    return [verdict.verdict for verdict in found.values()]


RIGHT = ("f", "def f(x):\n    return 2 * x"), ("g", "def g(x):\n    return x * x")


def test_right_answers_pass_and_get_their_points(grader: Grader) -> None:
    found = graded(grader, *RIGHT)
    assert words(found) == ["passed", "passed"]
    assert [verdict.points for verdict in found.values()] == [2.0, 2.0]


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_cell_that_kills_the_process_costs_itself_alone(grader: Grader, death: str) -> None:
    found = graded(grader, RIGHT[0], ("own", death), RIGHT[1])
    assert words(found) == ["passed", "passed"]


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS)
def test_a_function_that_kills_the_process_costs_its_exercise_alone(
    grader: Grader, death: str
) -> None:
    body = death.replace("\n", "\n    ")
    found = graded(grader, ("f", f"def f(x):\n    {body}"), RIGHT[1])
    assert words(found)[0] in ("crashed", "timeout")
    assert words(found)[1] == "passed"


def test_what_ran_before_a_death_is_there_afterwards(grader: Grader) -> None:
    answers = [
        ("own", "base = 2"),
        ("own", DEATHS["exit"]),
        ("own", "base += 0"),
        ("own", DEATHS["crash"]),
        ("f", "def f(x):\n    return base * x"),
    ]
    assert words(graded(grader, *answers)) == ["passed"]


def test_a_submission_that_never_stops_dying_is_given_up(grader: Grader) -> None:
    answers = [("own", DEATHS["exit"])] * 12
    assert words(graded(grader, *answers, RIGHT[0])) == ["timeout"]


def test_an_error_in_one_cell_does_not_stop_the_next(grader: Grader) -> None:
    found = graded(grader, ("f", "def f(x:"), ("own", "1 / 0"), RIGHT[1])
    assert words(found) == ["error", "passed"]


def test_warnings_prints_and_standard_error_cost_nothing(grader: Grader) -> None:
    loud = (
        "import sys, warnings\ndef f(x):\n    warnings.warn('careful')\n    print('f', x)\n"
        "    print('f', file=sys.stderr)\n    return 2 * x\nf(1)"
    )
    assert words(graded(grader, ("f", loud))) == ["passed"]


def noted(check: NotebookNode) -> Noted:
    found = verdict_of(check)
    assert found is not None
    return found


def test_an_untouched_and_a_deleted_answer_are_missing(grader: Grader) -> None:
    stub = "raise NotImplementedError"
    found = graded(replace(grader, stubs={"f": stub, "g": stub}), ("f", stub), ("g", ""))
    assert words(found) == ["missing", "missing"]


def test_cells_that_no_answer_needs_are_not_run(grader: Grader) -> None:
    book = notebook(RIGHT[0])
    slow = new_code_cell("while True:\n    pass", metadata={"autograder": {"experiment": "x"}})
    book.cells.insert(0, slow)
    grader.grade(book)
    assert slow.outputs == []
    assert noted(book.cells[-1]).verdict == "passed"


@pytest.mark.parametrize(
    ("score", "points", "word"),
    [(None, 2.0, "passed"), (1.5, 1.5, "passed"), (0.0, 0.0, "passed")],
)
def test_partial_credit_is_what_the_check_says(
    score: float | None, points: float, word: str
) -> None:
    check = cell("check-f", "", grade=True, points=2)
    note_verdict(check, Verdict("passed", score=score))
    assert (noted(check).points, noted(check).verdict) == (points, word)


@pytest.mark.parametrize("score", [-1.0, 2.5, float("nan")])
def test_impossible_credit_is_the_course_s_fault_and_not_the_student_s(score: float) -> None:
    check = cell("check-f", "", grade=True, points=2)
    note_verdict(check, Verdict("passed", score=score))
    assert noted(check).verdict == "infrastructure"
    assert "expected a number of points from 0 to 2" in check.outputs[0].evalue


def banked(answers: Mapping[str, str]) -> Known:
    """Return wrong answers to the exercise f, by their explanation, as known mistakes."""
    named = zip("abcdefgh", answers.items(), strict=False)
    return Known(
        mistakes=tuple(Mistake("f", f"number_{w}", said, source) for w, (said, source) in named)
    )


@pytest.fixture
def known() -> Known:
    answers = {
        "The input is returned.": "def f(x):\n    return x",
        "2 is added.": "def f(x):\n    return x + 2",
        "It gives up.": "def f(x):\n    raise ValueError",
        "It does not even load.": "1 / 0",
    }
    return banked(answers)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("def f(x):\n    return 0 + x", "The input is returned."),
        ("def f(x):\n    return 2 + x", "2 is added."),
        ("def f(x):\n    raise ValueError('no')", "It gives up."),
        ("def f(x):\n    return x - 7", ""),
        ("def f(x):\n    raise KeyError", ""),
    ],
)
def test_a_known_mistake_is_told(grader: Grader, known: Known, answer: str, said: str) -> None:
    book = notebook(("f", answer))
    replace(grader, known=known).grade(book)
    text = book.cells[-1].outputs[0].evalue
    assert text.endswith(said)
    assert ("common mistake" in text) == bool(said)


def test_an_error_that_the_check_caught_is_no_known_mistake(grader: Grader, known: Known) -> None:
    book = notebook(("f", "def f(x):\n    raise ValueError('no')"))
    book.cells[-1].source = """
try:
    f(3)
except ValueError as error:
    assert "3" in str(error), "the message does not tell the 3"
"""
    replace(grader, known=known).grade(book)
    assert book.cells[-1].outputs[0].evalue == "the message does not tell the 3"


def test_answers_that_change_their_argument_are_told_apart(grader: Grader) -> None:
    bank = {
        "Nothing is changed.": "def f(x):\n    pass",
        "All are 1.": "def f(x):\n    x[:] = [1] * len(x)",
    }
    book = notebook(("f", "def f(x):\n    for i in range(len(x)):\n        x[i] = 1"))
    book.cells[-1].source = "x = [3, 4]\nf(x)\nassert x == [0, 0]"
    replace(grader, known=banked(bank)).grade(book)
    assert book.cells[-1].outputs[0].evalue.endswith("All are 1.")


CARRIERS = {
    "memory that forks share": (
        "import mmap\nkept = mmap.mmap(-1, 4096)\ndef keep(x):\n    kept.write(f'{x} '.encode())",
        "print(kept[:40])",
    ),
    "a file": (
        "def keep(x):\n    with open('kept', 'a') as file:\n        print(x, file=file)",
        "print(open('kept').read())",
    ),
}


@pytest.mark.parametrize(("keep", "tell"), CARRIERS.values(), ids=CARRIERS)
def test_inputs_of_a_hidden_test_come_back_by_no_way(grader: Grader, keep: str, tell: str) -> None:
    answer = f"{keep}\ndef f(x):\n    keep(x)\n    return 2 * x"
    book = notebook(
        ("f", answer), ("own", tell), ("g", f"def g(x):\n    {tell}\n    raise OSError")
    )
    check = next(c for c in book.cells if is_check(c))
    check.source += "\n### BEGIN HIDDEN TESTS\nassert f(3721) == 7442\n### END HIDDEN TESTS"
    grader.grade(book)
    assert words({c.id: verdict_of(c) for c in book.cells if is_check(c)}) == ["passed", "error"]
    shown = [c.outputs for c in book.cells if c.cell_type == "code"]
    assert "3 " in str(shown) or "3\\n" in str(shown), "what a visible test passes may be kept"
    assert "3721" not in str(shown)


@pytest.mark.parametrize(
    "answer", ["def f(x):\n    return 6", "def f(x):\n    assert x == 3, f'x is {x}'\n    return 6"]
)
def test_hidden_tests_between_a_course_s_own_words_stay_hidden(grader: Grader, answer: str) -> None:
    own = Delimiters(tests=("GEHEIM", "OFFEN"))
    book = notebook(("f", answer))
    book.cells[-1].source += "\n# GEHEIM\nassert f(3721) == 7442\n# OFFEN"
    replace(grader, delimiters=own).grade(book)
    assert noted(book.cells[-1]).verdict in ("failed", "error")
    assert "hidden test" in str(book.cells[-1].outputs)
    assert "3721" not in str([c.outputs for c in book.cells])
