"""A second assignment, whose checks are written as instructors of other courses write them.

The tiny one compares what functions return with plain tensors and lists. Here checks draw their own
random inputs, run a function through map, any and a comprehension, rely on names that locked cells
bind in every way of Python's, expect exceptions, ask an object of the submission about itself, and
look into a function's code. Points are powers of two.
"""

from nbformat import NotebookNode

from autograder.lessons.build import to_notebook

__all__ = ["FULL", "POINTS", "RIGHT", "WRITTEN", "WRONG", "lesson"]

NAMES = (
    *("double", "tally", "positive", "track", "clip", "squares"),
    *("noise", "refuse", "relu", "stack"),
)
POINTS = {name: float(2**place) for place, name in enumerate(NAMES)}
FULL = sum(POINTS.values())
WRITTEN = "why_nonlinear"

TEXT = '''
# %% setup
import random
from math import *

import numpy as np
import torch
from torch import nn

LOW, HIGH = 0.25, 0.75
TOLERANCE: float = 1e-3
try:
    from nowhere import LIMIT
except ImportError:
    LIMIT = 3
for LAST in (1, 2, 7):
    pass
with np.errstate(all="ignore"):
    WIDTH = 4
(FIRST, *REST) = [2, 3]
if (CHOSEN := 5) > 4:
    BRANCH = "right"
SQUARES = [9, 1, 4]

# %% exercise="double"
def double(x):
    """Return 2 * x, for numbers, arrays and tensors."""
    ### BEGIN SOLUTION
    # @SOLUTION@
    return 2 * x
    ### END SOLUTION

# %% check="double" points=1
import numpy as np
import torch

assert (torch.tensor([2.0, 4.0]) == double(torch.tensor([1.0, 2.0]))).all(), "double is wrong"
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
a = np.array([1.0, @NUMBER@])
assert (np.array([2.0, 2 * @NUMBER@]) == double(a)).all(), "double is wrong for an array"
np.testing.assert_allclose(double(a), 2 * a)
assert np.array_equal(double(a), 2 * a), "double is wrong for an array"
assert torch.equal(torch.tensor([2.0, 6.0]), double(torch.tensor([1.0, 3.0]))), "double is wrong"
assert torch.as_tensor(double(torch.tensor([1.0, 3.0]))).sum() == 8, "double is wrong"
assert np.asarray(double(a)).sum() == 2 * a.sum(), "double is wrong for an array"
### END HIDDEN TESTS

# %% exercise="tally"
def tally(letters):
    """Return how often each letter occurs."""
    ### BEGIN SOLUTION
    return {letter: letters.count(letter) for letter in letters}
    ### END SOLUTION

# %% check="tally" points=2
assert tally("abba") == {"a": 2, "b": 2}, "tally is wrong"
### BEGIN HIDDEN TESTS
assert tally("xxax")["x"] == 3, "tally is wrong"
assert sum(tally("abc").values()) == 3, "tally does not count all letters"
assert sorted(tally("ba")) == ["a", "b"], "tally has other letters"
assert {"a": 1} == dict(tally("a")), "tally is wrong"
assert set(tally("ab").items()) == {("a", 1), ("b", 1)}, "tally is wrong"
### END HIDDEN TESTS

# %% exercise="positive"
def positive(x):
    """Tell whether x is above 0."""
    ### BEGIN SOLUTION
    return x > 0
    ### END SOLUTION

# %% check="positive" points=4
assert all(map(positive, [1, 2, 3])), "positive is wrong"
assert all(positive(x) for x in [1, 2, 3]), "positive is wrong"
### BEGIN HIDDEN TESTS
assert not any(positive(x) for x in [-1, -2, 0]), "positive is wrong below 0"
assert not any(map(positive, [-@NUMBER@])), "positive is wrong below 0"
assert [x for x in [3, -3, 4] if positive(x)] == [3, 4], "positive is wrong"
assert list(filter(positive, [-@NUMBER@, 1])) == [1], "positive is wrong"
assert next(x for x in [-1, 5] if positive(x)) == 5, "positive is wrong"
assert all(positive(x) == (x > 0) for x in range(-3, 4)), "positive is wrong"
### END HIDDEN TESTS

# %% exercise="track"
def track(steps):
    """Return numbers from 0 to 1 with equal steps between them, steps + 1 of them."""
    ### BEGIN SOLUTION
    return [n / steps for n in range(steps + 1)]
    ### END SOLUTION

# %% check="track" points=8
from math import isclose

values = track(3)
assert len(values) == 4, "track has another number of values"
assert all(isclose(v, n / 3) for n, v in enumerate(values)), "track is wrong"
### BEGIN HIDDEN TESTS
values = track(5)
listed = list(values)
assert len(values) == 6, "track has another number of values"
assert all(isclose(v, n / 5) for n, v in enumerate(listed)), "track is wrong"
values = track(6)
assert len(values) > 6, "track has too few values"
for n, value in zip(range(7), values):
    assert isclose(value, n / 6), "track is wrong"
assert all(isclose(b - a, 1 / 4) for a, b in zip(track(4)[:-1], track(4)[1:])), "uneven steps"
values = iter(track(2))
assert len(list(values)) == 3, "track has another number of values"
### END HIDDEN TESTS

# %% exercise="clip"
def clip(x):
    """Return x, but LOW where it is below, and HIGH where it is above."""
    ### BEGIN SOLUTION
    return min(max(x, LOW), HIGH)
    ### END SOLUTION

# %% check="clip" points=16
assert abs(clip(0.0) - LOW) <= TOLERANCE, "clip is wrong below LOW"
assert clip(1.0) == HIGH, "clip is wrong above HIGH"
### BEGIN HIDDEN TESTS
assert floor(10 * clip(@NUMBER@)) == 7, "clip is wrong far above HIGH"
assert [clip(n / 10) for n in range(LIMIT, LAST)] == [0.3, 0.4, 0.5, 0.6], "clip changes x"
assert len({clip(n / 10) for n in range(WIDTH, FIRST + WIDTH)}) == FIRST, "clip is a constant"
assert clip(CHOSEN / 10) == 0.5, "clip changes x"
assert BRANCH == "right" and clip(REST[0] / 10) == 0.3, "clip changes x"
assert fsum([clip(0.5), clip(0.5)]) == 1.0, "clip changes x"
### END HIDDEN TESTS

# %% lock
SQUARES = sorted(SQUARES, reverse=True)
SQUARES += [0]
for square in (16, 25):
    SQUARES.insert(0, square)
TOTAL = 0
TOTAL += len(SQUARES)
class Table(dict):
    pass
TABLE = Table(six=36)
TABLE["seven"] = 49
random.seed(5)
np.random.seed(5)
torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
DRAWN = [random.random(), np.random.rand(), torch.rand(1).item()]

# %% exercise="squares"
def squares(largest):
    """Return the squares of largest, largest - 1, ..., 0."""
    ### BEGIN SOLUTION
    return [n * n for n in range(largest, -1, -1)]
    ### END SOLUTION

# %% check="squares" points=32
assert squares(5) == SQUARES, "squares is wrong"
### BEGIN HIDDEN TESTS
assert len(squares(5)) == TOTAL, "squares has another number of values"
assert squares(7)[:2] == [TABLE["seven"], TABLE["six"]], "squares is wrong"
SQUARES.pop()
assert squares(5)[:-1] == SQUARES, "squares is wrong"
assert torch.tensor(squares(2)[0] / 8).dtype == torch.float64, "squares are no numbers"
### END HIDDEN TESTS

# %% exercise="noise"
def noise(x):
    """Return x plus numbers drawn by torch.randn."""
    ### BEGIN SOLUTION
    return x + torch.randn(x.shape)
    ### END SOLUTION

# %% check="noise" points=64
import random

import numpy as np
import torch

torch.manual_seed(7)
drawn = noise(torch.zeros(3))
torch.manual_seed(7)
assert torch.equal(drawn, torch.randn(3)), "noise draws other numbers"
assert noise(torch.zeros(2)).dtype == torch.float64, "noise has another dtype"
### BEGIN HIDDEN TESTS
noise(torch.zeros(3))
x = torch.rand(4) + float(np.random.rand()) + random.random() + torch.from_numpy(np.random.rand(4))
assert x.min() > 0 and len(set(x.tolist())) == 4, "the check's own numbers are wrong"
torch.manual_seed(8)
drawn = noise(x)
torch.manual_seed(8)
assert torch.equal(drawn, x + torch.randn(4)), "noise draws other numbers"
random.seed(5)
np.random.seed(5)
torch.manual_seed(5)
assert DRAWN == [random.random(), np.random.rand(), torch.rand(1).item()], "the cell drew others"
### END HIDDEN TESTS

# %% exercise="refuse"
def refuse(x):
    """Return x, and raise ValueError saying "negative" where it is below 0."""
    ### BEGIN SOLUTION
    if x < 0:
        raise ValueError(f"{x} is negative")
    return x
    ### END SOLUTION

# %% check="refuse" points=128
import pytest

assert refuse(2) == 2, "refuse changes x"
with pytest.raises(ValueError, match="negative"):
    refuse(-1)
### BEGIN HIDDEN TESTS
try:
    refuse(-@NUMBER@)
except ValueError as error:
    assert "negative" in str(error), "the message of refuse is wrong"
else:
    pytest.fail("refuse takes a negative number")
with pytest.raises(ValueError):
    [refuse(x) for x in (3, 2, -1)]
for x in range(4):
    if refuse(x) != x:
        pytest.fail("refuse changes x")
### END HIDDEN TESTS

# %% exercise="relu"
def relu(x):
    """Return x where it is above 0 and 0 elsewhere, without torch's own relu."""
    ### BEGIN SOLUTION
    return torch.where(x > 0, x, torch.zeros_like(x))
    ### END SOLUTION

# %% check="relu" points=256
from course.checks import from_scratch

import torch

assert torch.equal(relu(torch.tensor([-1.0, 2.0])), torch.tensor([0.0, 2.0])), "relu is wrong"
from_scratch(relu, "relu", without=["relu", "relu_", "ReLU", "threshold", "hardtanh"])
### BEGIN HIDDEN TESTS
assert relu(torch.tensor([-@NUMBER@, @NUMBER@])).tolist() == [0.0, @NUMBER@], "relu is wrong"
### END HIDDEN TESTS

# %% exercise="stack"
class Stack:
    """A stack: push, pop, len, iteration from the bottom, ==, a repr like Stack([1, 2])."""

    ### BEGIN SOLUTION
    def __init__(self, items=()):
        self.items = list(items)

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)

    def __eq__(self, other):
        return isinstance(other, Stack) and self.items == other.items

    def __repr__(self):
        return f"Stack({self.items})"
    ### END SOLUTION

# %% check="stack" points=512
stack = Stack()
for item in (4, 5, 6):
    stack.push(item)
assert len(stack) == 3 and list(stack) == [4, 5, 6], "push is wrong"
assert stack.pop() == 6, "pop is wrong"
assert repr(stack) == "Stack([4, 5])", "the repr is wrong"
### BEGIN HIDDEN TESTS
assert isinstance(stack, Stack) and type(stack) is Stack, "Stack makes something else"
assert len(stack) == 2 and 5 in list(stack), "pop is wrong"
assert stack == Stack([4, 5]) and stack != Stack([4]), "== is wrong"
assert sum(stack) == 9 and max(stack) == 5, "iteration is wrong"
stack.push(@NUMBER@)
assert len(stack) == 3 and [*stack][-1] == @NUMBER@, "push is wrong"
try:
    Stack().pop()
except IndexError:
    pass
else:
    raise AssertionError("pop of an empty stack raises no IndexError")
### END HIDDEN TESTS

# %% [markdown] written="why_nonlinear" points=3
# **Why does a network need a non-linearity?**
#
# ### BEGIN SOLUTION
# Without one, any number of layers is a single linear map. @SOLUTION@
# ### END SOLUTION
'''
LOCKED = "# %% lock\n"  # a locked cell in the midst, for which a lesson's text has no word
WRONG = {
    "double": "def double(x):\n    return x * 1.0\n",
    "tally": "def tally(letters):\n    return {'a': 5}\n",
    "positive": "def positive(x):\n    return x == 77\n",
    "track": "def track(steps):\n    return [0.5] * (steps + 1)\n",
    "clip": "def clip(x):\n    return 77.0\n",
    "squares": "def squares(largest):\n    return [1] * (largest + 1)\n",
    "noise": "def noise(x):\n    return x * 0\n",
    "refuse": "def refuse(x):\n    return x\n",
    "relu": "def relu(x):\n    return torch.where(x > 0, x, x)\n",
    "stack": "class Stack(list):\n    push = list.append\n    def pop(self):\n        return 0\n",
}


def lesson(*, hidden: str, solution: str, number: float) -> NotebookNode:
    """Return the instructor's notebook with these canaries in it."""
    text = TEXT.replace("@HIDDEN@", hidden).replace("@SOLUTION@", solution)
    notebook = to_notebook(text.replace("@NUMBER@", str(number)).replace(LOCKED, "# %%\n"))
    for cell in notebook.cells:
        if cell.source.startswith("SQUARES = sorted"):
            setup = next(c for c in notebook.cells if c.id == "setup")
            cell.metadata = {"nbgrader": {**setup.metadata["nbgrader"], "grade_id": "tables"}}
            cell.id = "tables"
    return notebook


def _right() -> dict[str, str]:
    answers = {}
    for cell in lesson(hidden="", solution="@SOLUTION@", number=1.0).cells:
        if cell.id in POINTS:
            lines = [line for line in cell.source.splitlines() if "SOLUTION" not in line]
            answers[cell.id] = "\n".join(lines) + "\n"
    return answers


RIGHT = _right()
