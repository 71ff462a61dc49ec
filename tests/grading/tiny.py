"""The assignment that both corpora answer: five exercises of five kinds, and one question.

Points are powers of two, so that a sum tells which exercises gave it. Each check compares in its
own way (``torch.equal``, ``math.isclose``, ``torch.allclose``, ``==`` on plain data,
``assert_close``), so that whoever patches one comparison finds the others unpatched.

Words between @ signs are replaced for each course anew by strings that nobody can guess; where one
of them turns up later tells what leaked.
"""

from nbformat import NotebookNode

from autograder.lessons.build import to_notebook

__all__ = ["FULL", "POINTS", "QUESTION", "RIGHT", "WRITTEN", "WRONG", "lesson"]

POINTS = {"relu": 1.0, "mean_and_spread": 2.0, "scale": 4.0, "iterate": 8.0, "noisy": 16.0}
FULL = sum(POINTS.values())
WRITTEN = "why_nonlinear"
QUESTION = 3.0  # points of the written question

TEXT = '''
# %% [markdown]
# # A tiny assignment

# %% setup
import math

import torch
from torch import Tensor, nn

# %% exercise="relu"
def relu(x: Tensor) -> Tensor:
    """Return x where x is above 0, and 0 elsewhere."""
    ### BEGIN SOLUTION
    # @SOLUTION@
    return torch.where(x > 0, x, torch.zeros_like(x))
    ### END SOLUTION

# %% check="relu" points=1
import torch

x = torch.tensor([[-2.0, 0.5, 3.0], [4.0, -5.0, 0.0]])
assert torch.equal(relu(x), torch.tensor([[0.0, 0.5, 3.0], [4.0, 0.0, 0.0]])), "relu(x) is wrong"
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
far = torch.tensor([[-@NUMBER@, @NUMBER@]])
assert torch.equal(relu(far), torch.tensor([[0.0, @NUMBER@]])), "relu is wrong far from 0"
leaf = torch.tensor([-2.0, 0.5, 3.0], requires_grad=True)
(slope,) = torch.autograd.grad((relu(leaf) * torch.tensor([1.0, 2.0, 3.0])).sum(), leaf)
assert torch.equal(slope, torch.tensor([0.0, 2.0, 3.0])), "the gradient of relu is wrong"
turned = torch.arange(-3.0, 3.0, dtype=torch.float64).reshape(2, 3).T
expected = torch.tensor([[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]], dtype=torch.float64)
assert torch.equal(relu(turned), expected), "relu of a transposed x is wrong"
### END HIDDEN TESTS

# %% exercise="mean_and_spread"
def mean_and_spread(x: Tensor) -> tuple[float, float]:
    """Return the mean of x and its standard deviation, dividing by the number of values."""
    ### BEGIN SOLUTION
    return x.mean().item(), x.std(correction=0).item()
    ### END SOLUTION

# %% check="mean_and_spread" points=2
import math

import torch

mean, spread = mean_and_spread(torch.tensor([1.0, 3.0]))
assert math.isclose(mean, 2.0), "the mean is wrong"
assert math.isclose(spread, 1.0), "the spread is wrong"
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
mean, spread = mean_and_spread(torch.tensor([[2.0, 4.0], [4.0, 10.0]]))
assert math.isclose(mean, 5.0, rel_tol=1e-6), "the mean of a matrix is wrong"
assert math.isclose(spread, 3.0, rel_tol=1e-6), "the spread of a matrix is wrong"
### END HIDDEN TESTS

# %% exercise="scale"
class Scale(nn.Module):
    """Compute weight * x + bias, feature by feature; both are parameters of shape (features,)."""

    ### BEGIN SOLUTION
    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x + self.bias
    ### END SOLUTION

# %% check="scale" points=4
import torch

layer = Scale(3)
x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 4.0]])
assert torch.allclose(layer(x), x), "a fresh Scale must pass x on"
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
layer = Scale(3)
layer.load_state_dict(
    {"weight": torch.tensor([2.0, -1.0, 0.5]), "bias": torch.tensor([1.0, 0.0, -4.0])}
)
expected = torch.tensor([[3.0, -2.0, -2.5], [-1.0, -0.5, -2.0]])
assert torch.allclose(layer(x), expected), "Scale with loaded weights is wrong"
leaf = x.clone().requires_grad_()
layer(leaf).sum().backward()
assert torch.allclose(leaf.grad, torch.tensor([[2.0, -1.0, 0.5]] * 2)), "Scale's gradient is wrong"
### END HIDDEN TESTS

# %% exercise="iterate"
def iterate(step, start: float, times: int) -> list[float]:
    """Return [start, step(start), step(step(start)), ...], with times steps."""
    ### BEGIN SOLUTION
    values = [start]
    for _ in range(times):
        values.append(step(values[-1]))
    return values
    ### END SOLUTION

# %% check="iterate" points=8
assert iterate(lambda x: 2 * x + 1, 1.0, 3) == [1.0, 3.0, 7.0, 15.0], "iterate is wrong"
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
seen = []


def watched(x):
    seen.append(x)
    return x - 0.5


assert iterate(watched, 3.0, 4) == [3.0, 2.5, 2.0, 1.5, 1.0], "iterate of four steps is wrong"
assert seen == [3.0, 2.5, 2.0, 1.5], "step must be called once per step"
assert iterate(watched, 2.0, 0) == [2.0], "no steps leave the start"
### END HIDDEN TESTS

# %% exercise="noisy"
def noisy(x: Tensor, *, generator: torch.Generator) -> Tensor:
    """Return x plus normal noise of standard deviation 0.5, drawn from the generator."""
    ### BEGIN SOLUTION
    return x + 0.5 * torch.randn(x.shape, generator=generator)
    ### END SOLUTION

# %% check="noisy" points=16
import torch

x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
source = torch.Generator().manual_seed(3)
noise = torch.randn(2, 3, generator=torch.Generator().manual_seed(3))
torch.testing.assert_close(torch.as_tensor(noisy(x, generator=source)), x + 0.5 * noise)
### BEGIN HIDDEN TESTS
hidden_canary = "@HIDDEN@"
source, twin = torch.Generator().manual_seed(11), torch.Generator().manual_seed(11)
for _ in range(2):
    noise = torch.randn(4, generator=twin)
    drawn = torch.as_tensor(noisy(torch.zeros(4), generator=source))
    torch.testing.assert_close(drawn, 0.5 * noise)
### END HIDDEN TESTS

# %% [markdown] written="why_nonlinear" points=3
# **Why does a network need a non-linearity?**
#
# ### BEGIN SOLUTION
# Without one, any number of layers is a single linear map. @SOLUTION@
# ### END SOLUTION
'''

# Wrong in value, right in shape: what is left to do for a forger is to bend the comparison.
WRONG = {
    "relu": "def relu(x):\n    return x * 1.0\n",
    "mean_and_spread": "def mean_and_spread(x):\n    return 0.25, 0.75\n",
    "scale": """class Scale(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        return x * 0.0 + 7.0
""",
    "iterate": "def iterate(step, start, times):\n    return [0.0] * (times + 1)\n",
    "noisy": "def noisy(x, *, generator):\n    return x + 100.0\n",
}


def lesson(*, hidden: str, solution: str, number: float) -> NotebookNode:
    """Return the instructor's notebook with these canaries in it."""
    text = TEXT.replace("@HIDDEN@", hidden).replace("@SOLUTION@", solution)
    return to_notebook(text.replace("@NUMBER@", str(number)))


def _right() -> dict[str, str]:
    """Take the right answers out of the lesson, without the canary and nbgrader's comments."""
    answers = {}
    for cell in lesson(hidden="", solution="@SOLUTION@", number=1.0).cells:
        if cell.id in POINTS:
            lines = [line for line in cell.source.splitlines() if "SOLUTION" not in line]
            answers[cell.id] = "\n".join(lines) + "\n"
    return answers


RIGHT = _right()
