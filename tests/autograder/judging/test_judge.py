"""A verdict depends on what the submission's functions return, and on nothing else of it."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from autograder.judging.judge import judge
from autograder.judging.names import Names
from autograder.judging.verdict import Verdict
from autograder.notebooks.regions import hidden_lines
from autograder.wire.channel import Channel, Closed
from autograder.wire.peer import Peer

Judging = Callable[..., Verdict]
LOCKED = """
import math

def close(a, b):
    return abs(a - b) < TOL

TOL = 0.1
"""


@pytest.fixture
def judged() -> Iterator[Judging]:
    """Give a function that judges a check against a submission's source."""
    threads: list[tuple[threading.Thread, socket.socket, socket.socket]] = []

    def run(check: str, submission: str, given: str = LOCKED, **options: Any) -> Verdict:
        namespace: dict[str, Any] = {}
        exec(submission, namespace)
        ours, theirs = socket.socketpair()
        other = Peer(Channel(theirs), "student")
        other.own(namespace)

        def serve() -> None:
            with pytest.raises(Closed):
                other.serve()

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append((thread, ours, theirs))
        names = Names()
        names.follow(given, ())
        peer = Peer(Channel(ours, 20.0), "judge")
        return judge(check, peer, names, hidden=hidden_lines(check), **options)

    yield run
    for thread, ours, theirs in threads:
        ours.close()
        thread.join()
        theirs.close()


RIGHT = "def double(x):\n    return 2 * x"
WRONG = "def double(x):\n    return x"
CHECK = """assert double(0) == 0, "double(0) should be 0"
### BEGIN HIDDEN TESTS
secret = 3721
assert double(secret) == 2 * secret
### END HIDDEN TESTS"""


def test_a_right_answer_passes_and_a_wrong_one_fails(judged: Judging) -> None:
    assert judged(CHECK, RIGHT).word == "passed"
    assert judged(CHECK, WRONG).word == "failed"


def test_the_author_s_words_are_the_message(judged: Judging) -> None:
    verdict = judged(CHECK, "def double(x):\n    return 1")
    assert verdict.message == "double(0) should be 0"
    verdict = judged("assert double(1) == 2", WRONG)
    assert verdict.message == "This does not hold: assert double(1) == 2"


@pytest.mark.parametrize(
    "submission",
    [
        WRONG,
        "def double(x):\n    if x:\n        raise ValueError(f'the input is {x}')\n    return 0",
        "def double(x):\n    if x:\n        assert False, f'the input is {x}'\n    return 0",
        "def double(x):\n    return str(x) if x else 0",
        "class A:\n    def __init__(self, x):\n        self.x = x\n"
        "    def __repr__(self):\n        return str(self.x)\n"
        "def double(x):\n    return A(x) if x else 0",
    ],
)
def test_messages_betray_no_hidden_input(judged: Judging, submission: str) -> None:
    verdict = judged(CHECK, submission)
    assert verdict.word in ("failed", "error")
    assert "3721" not in verdict.message


def test_an_author_may_have_other_words_for_hidden_tests(judged: Judging) -> None:
    check = """
class Failed(AssertionError):
    hidden_message = "check the sign"
### BEGIN HIDDEN TESTS
if double(5) != 10:
    raise Failed("double(5) is wrong")
### END HIDDEN TESTS"""
    assert judged(check, WRONG).message == "check the sign"


def test_what_the_code_raises_is_told(judged: Judging) -> None:
    verdict = judged("double(1)", "def double(x):\n    return 1 / 0")
    assert verdict.word == "error"
    assert verdict.message == "The code raised ZeroDivisionError: division by zero"
    verdict = judged("double(1)", "")
    assert verdict.message == "double is not defined above this check."


def test_an_exception_that_the_check_expects_is_caught(judged: Judging) -> None:
    check = """
try:
    double(-1)
except ValueError as error:
    assert '-1' in str(error)
else:
    assert False
"""
    submission = "def double(x):\n    raise ValueError(f'{x} is below 0')"
    assert judged(check, submission).word == "passed"
    assert judged(check, RIGHT).word == "failed"


def test_what_locked_cells_define_is_made_here_and_not_asked_for(judged: Judging) -> None:
    check = "assert close(double(1), 2)\nassert math.pi > 3"
    forged = f"{WRONG}\ndef close(a, b):\n    return True\nTOL = 1000\nmath = None"
    assert judged(check, RIGHT).word == "passed"
    assert judged(check, forged).word == "failed"


def test_builtins_are_python_s(judged: Judging) -> None:
    forged = f"{WRONG}\nabs = lambda x: 0\nsum = len = abs\nAssertionError = ZeroDivisionError"
    assert judged("assert abs(double(1) - 2) < 0.1", forged).word == "failed"


@pytest.mark.parametrize(
    "value",
    [
        "type('Anything', (), {'__eq__': lambda *_: True, '__bool__': lambda _: True})()",
        "type('Number', (int,), {'__eq__': lambda *_: True})(7)",
        "type('Items', (list,), {'__eq__': lambda *_: True})([7])",
        "type('Close', (float,), {'__sub__': lambda *_: 0.0})(7)",
    ],
)
def test_a_value_that_claims_to_be_equal_proves_nothing(judged: Judging, value: str) -> None:
    verdict = judged("assert double(1) == 2", f"def double(x):\n    return {value}")
    assert verdict.word in ("failed", "error")


def test_a_number_at_the_end_is_partial_credit(judged: Judging) -> None:
    assert judged("0.5 * double(1)", RIGHT).score == 1.0
    assert judged("double(1) == 2", RIGHT).score is None
    assert judged("x = 3", RIGHT).score is None


def test_an_untouched_answer_is_missing(judged: Judging) -> None:
    verdict = judged(CHECK, "def double(x):\n    raise NotImplementedError", untouched=True)
    assert (verdict.word, verdict.message) == ("missing", "This exercise has no answer yet.")


def test_an_endless_loop_is_a_timeout() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        verdict = judge("double(1)", Peer(Channel(ours, 0.2), "judge"), Names())
    assert verdict.word == "timeout"


def test_a_process_that_goes_away_is_left_to_the_caller() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(Closed):
        judge("double(1)", Peer(Channel(ours, 1.0), "judge"), Names())


def test_global_state_of_the_grader_is_left_alone(
    judged: Judging, capsys: pytest.CaptureFixture[str]
) -> None:
    import random
    import warnings

    random.seed(1)
    before = random.getstate()
    check = (
        "import random, warnings\nrandom.seed(5)\nwarnings.warn('x')\nprint('hidden input 3721')"
    )
    assert judged(check, RIGHT).word == "passed"
    assert random.getstate() == before
    assert capsys.readouterr().out == ""
    with pytest.warns(UserWarning, match="still heard"):
        warnings.warn("still heard", stacklevel=1)


def test_names_of_functions_inside_a_check_are_found(judged: Judging) -> None:
    check = "def inner():\n    return [double(i) for i in range(3)]\nassert inner() == [0, 2, 4]"
    assert judged(check, RIGHT).word == "passed"


RELIES = """
def square(x):
    return x * x

def sum_of_squares(n):
    return sum(square(k) for k in range(1, n + 1))
"""
TAKES_AWAY = """
kept = square
del square
try:
    sum_of_squares(2)
except NameError:
    pass
else:
    raise AssertionError("sum_of_squares does not use square")
finally:
    square = kept
assert sum_of_squares(3) == 14
"""


def test_check_can_take_a_function_away_and_put_it_back(judged: Judging) -> None:
    assert judged(TAKES_AWAY, RELIES).word == "passed"
    alone = RELIES.replace("sum(square(k)", "sum(k * k")
    assert judged(TAKES_AWAY, alone).message == "sum_of_squares does not use square"


def test_name_taken_away_is_gone_for_the_check_as_well(judged: Judging) -> None:
    verdict = judged("del square\nsquare(2)", RELIES)
    assert (verdict.word, verdict.message) == ("error", "square is not defined above this check.")


def test_check_may_bind_a_name_that_it_reads_before(judged: Judging) -> None:
    assert judged("double = double(2)\nassert double == 4", RIGHT).word == "passed"
    assert judged("TOL = TOL / 2\nassert TOL == 0.05", RIGHT).word == "passed"


def test_what_a_check_assigns_does_not_reach_the_submission(judged: Judging) -> None:
    thief = """
expected = reference = None

def double(x):
    return reference(x) if reference else expected
"""
    check = """
before = expected, reference
def reference(x):
    return 2 * x
expected = reference(21)
assert double(21) == expected
"""
    assert judged(check, thief).word == "failed"


THINGS = """
import collections, torch

class Net(torch.nn.Module):
    pass

class Key:
    def __hash__(self):
        return 7
    def __eq__(self, other):
        return True

Point = collections.namedtuple("Point", "x y")

def point():
    return Point(1, 2)

def same(x):
    return x

def copied(x):
    return list(x)
"""


@pytest.mark.parametrize(
    "check",
    [
        "import torch\nassert isinstance(Net(), torch.nn.Module)",
        "import torch\nassert issubclass(Net, torch.nn.Module) and not issubclass(Net, dict)",
        "assert not isinstance(Net(), (int, list)) and not isinstance(Net(), str | dict)",
        "from collections.abc import Iterable\nassert not isinstance(Key(), Iterable)",
        "assert Net().__class__ is Net and Net().__class__.__name__ == 'Net'",
        "assert isinstance(point(), Point) and not isinstance((1, 2), Point)",
        "x = [1]\nassert same(x) is x and copied(x) is not x and copied(x) == x",
        "assert 'same' in globals() and 'other' not in globals() and 'print' not in globals()",
        "assert len({Key(), Key()}) == 1 and hash(Key()) == 7",
    ],
)
def test_questions_about_objects_are_put_to_them(judged: Judging, check: str) -> None:
    assert judged(check, THINGS).word == "passed"


@pytest.mark.parametrize(
    "check",
    [
        # A class of the check's own is no class of the submission's, whatever it is called.
        "class Net:\n    pass\nthing = make()\nassert isinstance(thing, Net)",
        "assert isinstance(make(), float)",
        # An object that hashes like a value is not that value.
        "assert Key() in {7}",
        "assert {7: 'right'}[Key()] == 'right'",
        "assert same([1, 2]) == [1, 3]",
    ],
)
def test_what_is_asked_proves_nothing_about_values(judged: Judging, check: str) -> None:
    liar = f"{THINGS}\ndef make():\n    return Net()\n"
    liar += "def same(x):\n    x.append(x)\n    return x\n"
    assert judged(check, liar).word in ("failed", "error")
