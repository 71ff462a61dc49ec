# %% [markdown]
# # Activation functions
#
# After this lesson you can
#
# - say why a network without non-linearities is a single linear map, and show it,
# - write sigmoid, tanh, ReLU, leaky ReLU, ELU and softmax so that value and gradient stay finite,
# - derive their slopes and predict which of them stop a gradient,
# - derive the initial gain that lets a signal and a gradient through many layers, and measure it.
#
# **Time.** 150 to 300 minutes for you, in two sittings or three. That is an estimate from the steps
# and not a measurement of people: 45 to 60 minutes to read, 5 to 12 for each of the twelve
# exercises, 20 to 40 for predictions and widgets, and 15 to 40 for the two written questions. The
# machine needs less than a minute for all of it, and 500 MB, on two cores and without a GPU.
#
# **Before you start.** You should know tensors and broadcasting in torch, and the derivative of a
# function of one variable. The network (an `nn.Module`) and the loop that trains it are given; you
# need only read them.

# %% [markdown]
# ## How it works
#
# This holds for all lessons and is told only here.
#
# - **Exercises.** Replace the line `raise NotImplementedError(...)` by your answer, run the cell,
#   then run the check below it. Any shape of tensor and any floating dtype should work, and the
#   input stays as it was, unless the text says otherwise.
# - **Checks** are folded to a line; a click on the line opens them. One that passes says so with
#   its points. One that fails says what it saw, a likely cause, and a next step. Graders try
#   further inputs, and nothing that the text or the docstring does not ask for.
# - **Points** stand under the heading of each exercise. They are for what a function computes.
#   Where a **habit** is asked for, such as refusing an argument that makes no sense, it has a small
#   check of its own. To refuse is to raise a `ValueError` whose message says what was passed.
# - **Tolerance.** Numbers may differ by a relative 0.00001 plus 0.000001, and in float64 by 1e-9
#   plus 1e-12. A **weighted gradient** is that of the outputs times 1, 2, 3 and so on, added up.
# - **Trials** put a sentence of courses and textbooks to a measurement that tries to break it.
#   Their code is folded; the table says what was measured under each condition, with five seeds,
#   and from which threshold on the claim holds. In each lesson one of them is yours to break.
# - **Run All** works at any time. Where an experiment needs an exercise that you have not solved,
#   it takes the reference instead and says so.

# %% setup
import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from course.claims import SEEDS, trial
from course.datasets import Images, digits
from course.dense import Dense, arriving
from course.figures.activations import arrivals, bend, gate, overflow, rings
from course.predictions import predict
from course.stand_ins import yours_or
from course.widgets.activations import curves, depth

_ = torch.manual_seed(0)

# %% [markdown]
# ## Warm-up
#
# Three questions about what you need below. Run the cells and choose. Your answers stay in the
# notebook; they are not graded.

# %% predict="warm_up_shape"
# A question: run this cell and choose.
predict(
    "x has shape (32, 10). What is the shape of x.amax(dim=1, keepdim=True)?",
    a="(32,)",
    b="(32, 1)",
    c="(1, 10)",
    right="b",
    why="keepdim keeps the reduced dimension, with length 1.",
    answer=...,
)

# %% predict="warm_up_chain"
# A question: run this cell and choose.
predict(
    "h = f(g(x)). What is dh/dx?",
    a="f'(x) g'(x)",
    b="f'(g(x)) + g'(x)",
    c="f'(g(x)) g'(x)",
    right="c",
    why="The outer slope is taken where the outer function is evaluated.",
    answer=...,
)

# %% predict="warm_up_exp"
# A question: run this cell and choose.
predict(
    "What does torch.exp(torch.tensor(1000.0)) return?",
    a="inf",
    b="an error",
    c="the largest 32-bit number",
    right="a",
    why="Overflow is no error; what you do with inf afterwards may be.",
    answer=...,
)

# %% [markdown]
# ## 1 A network that does not learn
#
# A **dense layer** computes $Wx + b$ with a matrix $W$ of weights and an offset $b$. Between two
# layers stands an **activation function**, which is applied to every number on its own. For a long
# time that was the **sigmoid**, $\sigma(x) = 1 / (1 + e^{-x})$, a smooth step from 0 to 1.
#
# Here is such a network, and the loop that trains it to read handwritten digits. The **loss** is
# the cross-entropy: minus the logarithm of the probability that the network gives to the right
# digit, averaged over the images. Who guesses among ten digits has the loss $\log 10 \approx 2.30$.
# **Stochastic gradient descent** takes 64 images at a time and moves every weight a small step
# against the gradient of the loss.


# %%
class Network(nn.Module):
    """Dense layers of the given widths with an activation in between."""

    def __init__(self, activation: Callable, widths: list[int], *, gain: float, seed: int) -> None:
        super().__init__()
        self.activation = activation
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        for layer in self.layers:
            spread = gain / math.sqrt(layer.in_features)
            nn.init.normal_(layer.weight, std=spread, generator=generator)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


# %%
torch.set_num_threads(1)  # networks this small lose time by sharing out their work
train, test = digits()


def fit(net: nn.Module, data: Images, *, steps: int, lr: float, label: str) -> float:
    """Train by SGD on batches of 64; return the mean loss of the last 50 steps."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    losses = []
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (64,), generator=generator)
        loss = F.cross_entropy(net(data.images[index]), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses[-50:]) / 50


def accuracy(net: nn.Module, data: Images) -> float:
    with torch.no_grad():
        return (net(data.images).argmax(dim=1) == data.labels).double().mean().item()


# %% [markdown]
# Two networks, alike but for their depth: two layers and six.

# %% experiment="failure"
for layers in (2, 6):
    net = Network(torch.sigmoid, [*[64] * layers, 10], gain=1.0, seed=0)
    loss = fit(net, train, steps=600, lr=0.1, label=f"{layers} layers")
    print(f"{layers} layers of sigmoids: loss {loss:.2f}, test accuracy {accuracy(net, test):.0%}")

# %% [markdown]
# The shallow network learns. The deep one, which can compute all that the shallow one can and more,
# still guesses after 600 steps. Nothing is wrong with its code. To see what happens to it, ask
# how much of the gradient of the loss arrives at each layer, before any training.

# %% experiment="arrivals"
arrivals(
    {
        f"{layers} layers": Network(torch.sigmoid, [*[64] * layers, 10], gain=1.0, seed=0)
        for layers in (2, 6)
    },
    train,
)

# %% [markdown]
# On its way from the loss back to the first layer, the gradient shrinks at every layer: what
# arrives at the first of six is less than a hundredth of what the last one gets. A layer that gets
# so little hardly moves. On the way forward the same happens to whatever differs between two
# images, until all images look alike to the last layer.
#
# **The question of this lesson: how much of a signal does an activation let through on the way
# forward, and how much of a gradient on the way back?** First for one unit, then for numbers that
# a computer can hold, then for many layers. In section 8 you mend the network above.

# %% [markdown]
# ## 2 Why there must be a bend
#
# The easiest way to let everything through is to have no activation at all.

# %% predict="how_many_layers"
# A question: run this cell and choose.
predict(
    "A net has 20 dense layers of 64 units and no activations. How many layers can replace it?",
    a="all 20 are needed",
    b="two",
    c="one",
    right="c",
    why="Two layers multiply out to one, and so do that one and the third.",
    answer=...,
)

# %% [markdown]
# Feed one layer into a second one and you get $W_2(W_1x + b_1) + b_2 = (W_2W_1)\,x + (W_2b_1 +
# b_2)$: one matrix and one offset again. The second layer added parameters and multiplications, but
# no function that a single layer could not compute.
#
# An activation function $f$ between the layers changes that: $W_2 f(W_1x + b_1) + b_2$ does not
# collapse. It only has to bend. The figure shows a network with one input, four hidden units and
# one output, with the same weights on both sides.

# %% experiment="bend"
bend()

# %% [markdown]
# The first trial multiplies many layers into one matrix, and asks whether the stack of layers
# computes the same. On paper it must. What could break that in a computer?


# %% claim="one_linear_map"
# Trial: without a bend, is a stack of layers one linear map?
def gap(*, layers: int, gain: float, dtype: torch.dtype, seed: int) -> float:
    """Largest difference between layers and their product in float64, as a share of the output."""
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(layers, 64, 64, generator=generator).double() * gain / math.sqrt(64)
    h = x = torch.randn(100, 64, generator=generator).double()
    one = torch.eye(64).double()
    for weight in weights:
        h = (h.to(dtype) @ weight.to(dtype)).double()
        one = one @ weight
    return ((h - x @ one).abs().max() / (x @ one).abs().max()).item()


conditions = {
    "20 layers, gain 1, float64": {"layers": 20, "gain": 1.0, "dtype": torch.float64},
    "100 layers, gain 1, float32": {"layers": 100, "gain": 1.0, "dtype": torch.float32},
    "100 layers, gain 0.3, float32": {"layers": 100, "gain": 0.3, "dtype": torch.float32},
}
trial(
    "one_linear_map",
    {name: [gap(**how, seed=seed) for seed in SEEDS] for name, how in conditions.items()},
)

# %% [markdown]
# In the last row the numbers became so small that float32 holds them as 0. A product of matrices is
# a matrix; a computer multiplies only as long as its numbers survive. Section 4 comes back to that.

# %% [markdown]
# ### Exercise: ReLU
#
# **1 point.** The simplest bend that works is the **rectified linear unit**: $\mathrm{relu}(x) =
# \max(0, x)$. It passes what is above 0 and blocks the rest. Nair and Hinton (2010) made it
# popular. It is common in networks for images; many newer networks take smooth relatives of it,
# GELU or SiLU.
#
# Write it without torch's own `relu`, for instance with a comparison and `torch.where`; any other
# way counts as much if values and slopes are right for finite numbers. One or two lines are enough.

# %% [markdown] hints="relu"
# <details><summary>Hint 1: what has to be decided for each number?</summary>
#
# Whether it is above 0. A comparison such as `x > 0` gives a tensor of True and False.
#
# </details>
# <details><summary>Hint 2: which torch function chooses between two values?</summary>
#
# `torch.where(condition, a, b)` takes from `a` where the condition is True, else from `b`.
#
# </details>
# <details><summary>Hint 3: what are a and b here?</summary>
#
# `x` itself, and zeros of the same shape and dtype: `torch.zeros_like(x)`.
#
# </details>


# %% exercise="relu"
def relu(x: Tensor) -> Tensor:
    """Return x where x is above 0, and 0 elsewhere. Any shape in, the same shape out."""
    ### BEGIN SOLUTION
    return torch.where(x <= 0, torch.zeros_like(x), x)
    ### END SOLUTION


# %% check="relu" points=1
# Check of relu, 1 point.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[-2.0, -0.0005, 4.0], [0.5, 1.0, -7.0]])
before = x.clone()
agree(
    relu(x),
    torch.tensor([[0.0, 0.0, 4.0], [0.5, 1.0, 0.0]]),
    "relu(x)",
    cause="numbers below 0 are kept, or numbers above 0 are changed.",
    step="keep x where it is above 0 and put 0 elsewhere.",
)
unchanged(x, before, "relu(x)")
### BEGIN HIDDEN TESTS
wide = torch.linspace(-90, 91, 24, dtype=torch.float64).reshape(2, 3, 4).transpose(0, 2)
agree(
    relu(wide),
    torch.relu(wide),
    "relu of a float64 tensor with three dimensions",
    cause="only small numbers, two dimensions or float32 were thought of.",
    step="let the result take shape and dtype from x, and do not cap large numbers.",
)
### END HIDDEN TESTS
agree(
    gradient(relu, x),
    torch.tensor([[0.0, 0.0, 3.0], [4.0, 5.0, 0.0]]),
    "the weighted gradient of relu",
    cause="the slope is not 1 above 0 and 0 below, or it got lost on the way.",
    step="stay in torch operations; do not detach, and do not build the result from constants.",
)
from_scratch(relu, "relu", without=["relu", "relu_", "ReLU", "threshold", "rrelu", "hardtanh"])
right("relu", points=1)

# %% [markdown]
# ### Your bend at work
#
# A disc of points lies inside a ring of points. No straight line tells the two apart, so no network
# without a bend can. Below, a network of two layers with six hidden units is trained on them twice:
# without an activation, and with your `relu`.

# %% experiment="disc"
rings(relu=relu)

# %% [markdown]
# Each ReLU unit cuts its input space in two with one flat cut: a point where the input is one
# number, a line where it is two, a hyperplane where it is more. On one side the unit passes its
# input on, on the other it is silent. Between the cuts the output of the network is straight, and
# it bends at every cut: the border in the picture is a polygon. With enough units such pieces come
# as close as you like to any continuous function on a closed and bounded region; without the bend
# you only ever get one piece.

# %% [markdown]
# ## 3 What one unit lets through
#
# Above 0 the slope of ReLU is 1, so a gradient passes unchanged. Below 0 the slope is 0 and the
# gradient stops there. If a unit's input is below 0 for *every* image, no gradient reaches its
# weights: the unit is **dead**.
#
# The picture shows a layer of 24 units on 60 images after a step that was too large. Each column is
# one unit.

# %% experiment="gate"
gate()

# %% [markdown]
# Two repairs give the blocked side a slope.
#
# $$\mathrm{leaky}(x) = \begin{cases} x & x > 0 \\ a\,x & \text{else} \end{cases} \qquad
# \mathrm{elu}(x) = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & \text{else} \end{cases}$$
#
# The **leaky ReLU** (Maas et al., 2013) lets a small share $a$ through, often 0.01. The **ELU**
# (Clevert et al., 2016) puts an exponential curve there.

# %% predict="elu_lowest"
# A question: run this cell and choose.
predict(
    "What is the lowest value that elu can come near, with alpha = 1?",
    a="0",
    b="-1",
    c="there is none, it goes to minus infinity",
    right="b",
    why="exp(x) lies between 0 and 1 for x below 0, so exp(x) - 1 stays above -1.",
    answer=...,
)

# %% [markdown]
# You may read elsewhere that ELU takes every real value, as leaky ReLU does. It does not: its
# values stay above $-\alpha$.
#
# ### Exercise: leaky ReLU
#
# **1 point.** The slope is an argument, 0 or more; 0 gives the plain ReLU.

# %% [markdown] hints="leaky_relu"
# <details><summary>Hint 1: how does it differ from relu?</summary>
#
# Only in what stands below 0: a multiple of `x` instead of 0.
#
# </details>
# <details><summary>Hint 2: is max(x, a x) the same?</summary>
#
# Only for slopes below 1. Decide by the sign of `x`, as the formula does.
#
# </details>
# <details><summary>Hint 3: which function chooses?</summary>
#
# `torch.where`, as in `relu`: from `x` above 0, and from `negative_slope * x` elsewhere.
#
# </details>


# %% exercise="leaky_relu"
def leaky_relu(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
    """Return x where x is above 0, and negative_slope * x elsewhere, for a slope of 0 or more."""
    ### BEGIN SOLUTION
    if negative_slope < 0:
        raise ValueError(f"negative_slope is {negative_slope}; expected 0 or more")
    return torch.where(x > 0, x, negative_slope * x)
    ### END SOLUTION


# %% check="leaky_relu" points=1
# Check of leaky_relu, 1 point.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[-2.0, -0.5, 4.0], [0.5, 1.0, -7.0]])
before = x.clone()
agree(
    leaky_relu(x, negative_slope=1.5),
    torch.tensor([[-3.0, -0.75, 4.0], [0.5, 1.0, -10.5]]),
    "leaky_relu(x, negative_slope=1.5)",
    cause="the slope is on the wrong side, on both or on none, or max(x, a x) decides.",
    step="multiply by negative_slope where x is not above 0, and only there.",
)
unchanged(x, before, "leaky_relu(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

agree(
    leaky_relu(x.double()),
    F.leaky_relu(x.double()),
    "leaky_relu(x) with its default slope, in float64",
    cause="the default is not 0.01, the argument is ignored, or the result went through float32.",
    step="use the argument negative_slope = 0.01 and let the dtype come from x.",
)
agree(
    leaky_relu(x, negative_slope=0.25),
    F.leaky_relu(x, negative_slope=0.25),
    "leaky_relu with a slope between 0 and 1",
    cause="the slope is applied to the wrong side, to both sides, or not at all.",
    step="multiply by negative_slope where x is not above 0, and only there.",
)
agree(
    leaky_relu(x, negative_slope=2.5),
    F.leaky_relu(x, negative_slope=2.5),
    "leaky_relu with a slope above 1",
    cause="max(x, a x) picks the wrong side once a is above 1.",
    step="decide by the sign of x.",
)
agree(
    leaky_relu(x, negative_slope=0.0),
    torch.relu(x),
    "leaky_relu with slope 0",
    cause="slope 0 is refused or replaced by the default.",
    step="let 0 through: it is the plain ReLU.",
)
### END HIDDEN TESTS
agree(
    gradient(lambda t: leaky_relu(t, negative_slope=0.25), x),
    torch.tensor([[0.25, 0.5, 3.0], [4.0, 5.0, 1.5]]),
    "the weighted gradient of leaky_relu",
    cause="the slope below 0 is not negative_slope, or the gradient got lost.",
    step="stay in torch operations from x to the result.",
)
from_scratch(leaky_relu, "leaky_relu", without=["leaky_relu", "leaky_relu_", "prelu", "LeakyReLU"])
right("leaky_relu", points=1)

# %% [markdown]
# ### Exercise: ELU
#
# **2 points.** One thing to watch: `torch.where` computes *both* branches for every number and then
# picks. Where `x` is 1000, the branch with `exp(x)` overflows, although it is not picked. The value
# survives that. The gradient does not: the branch that was not taken receives a gradient of 0, and
# 0 times infinity is not a number. Keep `exp` from ever seeing a large number. `alpha` is 0 or
# more, and 0 gives the plain ReLU.

# %% [markdown] hints="elu"
# <details><summary>Hint 1: how can exp be kept small?</summary>
#
# It is only needed where `x` is at or below 0. Above, give it any number that is harmless.
#
# </details>
# <details><summary>Hint 2: which function cuts off large numbers?</summary>
#
# `x.clamp(max=0)` is `x` below 0 and 0 above.
#
# </details>
# <details><summary>Hint 3: and near 0?</summary>
#
# `torch.expm1(y)` is `exp(y) - 1` without loss of digits when `y` is tiny.
#
# </details>


# %% exercise="elu"
def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Return x where x is above 0, and alpha * (exp(x) - 1) elsewhere, for an alpha of 0 or more.

    Value and gradient are finite for every finite x.
    """
    ### BEGIN SOLUTION
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}; expected 0 or more")
    # The clamp keeps exp from overflowing in the branch that is not taken.
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
    ### END SOLUTION


# %% check="elu" points=2
# Check of elu, 2 points.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[-2.0, -0.5, 4.0], [0.5, 1.0, -1000.0]])
before = x.clone()
agree(
    elu(x, alpha=2.0),
    torch.tensor([[-1.7293294, -0.7869387, 4.0], [0.5, 1.0, -2.0]]),
    "elu(x, alpha=2.0)",
    cause="the formula below 0 is not alpha * (exp(x) - 1), or it is applied above 0 too.",
    step="compare your formula with the text, number by number.",
)
unchanged(x, before, "elu(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

wide = torch.tensor([-1000.0, -90.0, -1.0, 0.5, 90.0, 1000.0], dtype=torch.float64)
agree(
    elu(wide),
    F.elu(wide),
    "elu of numbers up to 1000, in float64, with its default alpha",
    cause="exp overflows, the default is not 1, or the result went through float32.",
    step="clamp x to at most 0 before exp, and let the dtype come from x.",
    rtol=1e-9,
    atol=1e-12,
)
agree(
    elu(x, alpha=0.0),
    torch.relu(x),
    "elu with alpha 0",
    cause="alpha 0 is refused or replaced by the default.",
    step="let 0 through: it is the plain ReLU.",
)
agree(
    gradient(lambda t: elu(t, alpha=2.0), wide),
    gradient(lambda t: F.elu(t, alpha=2.0), wide),
    "the gradient of elu for numbers up to 1000",
    cause="exp overflows in the branch that torch.where does not take: 0 times inf is nan.",
    step="clamp x to at most 0 before exp.",
)
### END HIDDEN TESTS
agree(
    gradient(elu, torch.tensor([-1000.0, -1.0, 0.5, 1000.0])),
    torch.tensor([0.0, 0.7357589, 3.0, 4.0]),
    "the weighted gradient of elu at -1000, -1, 0.5 and 1000",
    cause="exp overflows in the branch that torch.where does not take: 0 times inf is nan.",
    step="clamp x to at most 0 before exp.",
)
from_scratch(elu, "elu", without=["elu", "elu_", "ELU", "celu", "selu"])
right("elu", points=2)

# %% [markdown]
# ### Explore
#
# The widget draws your functions, dashed, over torch's. With `leaky_relu`, which value of
# `negative_slope` turns it into a straight line, and what would a network of such units compute?
# With `elu`, what does `alpha` change about the slope just below 0?
#
# <details><summary>What you should have seen</summary>
#
# Slope 1 makes a straight line, and a network of such units is one linear map again. Just below 0
# the slope of `elu` is `alpha`: only with `alpha` = 1 does the curve pass 0 without a corner.
#
# </details>

# %% experiment="curves"
curves(relu=relu, leaky_relu=leaky_relu, elu=elu)

# %% [markdown]
# ### Exercise: the share of dead units
#
# **1 point, and 0.5 for the habit.** Given the inputs of a layer's activations for a whole batch,
# the **preactivations**, count the units that are at or below 0 for every image. One line is
# enough.
#
# The habit: whoever passes the output of a convolution, with four dimensions, would get a number
# that means nothing. Refuse a tensor that has not exactly two dimensions. The message tells the
# shape that was passed.

# %% [markdown] hints="dead_fraction"
# <details><summary>Hint 1: what is one unit?</summary>
#
# One column: `preactivations[:, j]` holds unit j for all N images.
#
# </details>
# <details><summary>Hint 2: how do you ask "for every image"?</summary>
#
# `(preactivations <= 0).all(dim=...)` along the dimension of the images.
#
# </details>
# <details><summary>Hint 3: how does it become a share, and where does the refusal go?</summary>
#
# The mean of a tensor of 0 and 1 is the share of ones; `.double().mean().item()` is a number. The
# refusal goes first: where `preactivations.dim() != 2`, `raise ValueError(f"...")` with the shape.
#
# </details>


# %% exercise="dead_fraction"
def dead_fraction(preactivations: Tensor) -> float:
    """Return the share of units, from 0 to 1, that are at or below 0 for the whole batch.

    preactivations has shape (N, units). Raises ValueError for any other number of dimensions.
    """
    ### BEGIN SOLUTION
    if preactivations.dim() != 2 or preactivations.numel() == 0:
        raise ValueError(
            f"preactivations has shape {tuple(preactivations.shape)}; "
            "expected (N, units) with at least one of each"
        )
    return (preactivations <= 0).all(dim=0).double().mean().item()
    ### END SOLUTION


# %% check="dead_fraction" points=1
# Check of dead_fraction, 1 point.
import torch

from course.checks import agree, right

# Three images, four units: the first is dead, the second too (0 counts), the others are not.
z = torch.tensor([[-1.0, 0.0, 2.0, -5.0], [-3.0, -4.0, 1.0, -6.0], [-0.5, 0.0, 3.0, 0.25]])
agree(
    dead_fraction(z),
    0.5,
    "dead_fraction(z)",
    cause="entries were counted instead of units, images instead of units, or 0 as alive.",
    step="a unit is a column; it is dead where all its entries are at or below 0.",
)
### BEGIN HIDDEN TESTS
agree(
    dead_fraction(z[:1]),
    0.75,
    "dead_fraction of a batch of one image",
    cause="a batch of one was not thought of.",
    step="reduce over dim 0 whatever its length.",
)
agree(
    dead_fraction(z[:1, :1]),
    1.0,
    "dead_fraction of one image and one unit",
    cause="a single number was not thought of.",
    step="one unit that is at or below 0 is a share of 1.",
)
agree(
    dead_fraction(z.T),
    0.0,
    "dead_fraction of four images and three units",
    cause="the reduction runs along the units, or any is taken for all.",
    step="reduce over the images, which are dim 0, with all.",
)
agree(
    dead_fraction(-torch.ones(7, 3, dtype=torch.float64)),
    1.0,
    "dead_fraction of a layer that is dead altogether",
    cause="the share is not taken of the number of units.",
    step="divide by the number of columns.",
)
### END HIDDEN TESTS
right("dead_fraction", points=1)

# %% habit="dead_fraction" points=0.5
# Habit of dead_fraction, 0.5 points: it refuses what is not (N, units).
import torch

from course.checks import refuses, right

refuses(lambda: dead_fraction(torch.ones(3)), "dead_fraction of shape (3,)")
### BEGIN HIDDEN TESTS
refuses(lambda: dead_fraction(torch.ones(2, 3, 4)), "dead_fraction of shape (2, 3, 4)")
refuses(lambda: dead_fraction(torch.ones(2, 3, 4, 4)), "dead_fraction of shape (2, 3, 4, 4)")
### END HIDDEN TESTS
right("dead_fraction", points=0.5, habit=True)

# %% [markdown]
# ### Do dead units stay dead?
#
# Two trials with a layer of units that all begin dead, with biases far below 0. The first asks
# whether a ReLU unit can wake. In the first layer the input never changes, and a unit without a
# gradient keeps its weights. In the second layer the layer before it goes on learning. **Weight
# decay** pulls parameters towards 0 in every step, gradient or not.


# %% claim="dead_relu"
# Trial: does a dead ReLU unit stay dead?
def woken(layer: int, bias: float, dead: int = 64, decay: Callable = lambda _: 0.0) -> list[float]:
    """Share of some dead units that fire for an image after 500 steps, one number for each seed."""
    net = Dense(F.relu, [*[64] * (layer + 2), 10], gain=math.sqrt(2))
    with torch.no_grad():
        net.biases[layer][..., :dead] = bias

    def fires() -> Tensor:
        with torch.no_grad():
            return (net.preactivations(train.images)[layer][..., :dead] > 0).any(dim=1)

    before = fires()
    net.fit(train, steps=500, rate=0.3, label=f"dead units in layer {layer + 1}", decay=decay)
    return ((fires() & ~before).sum(dim=1) / (~before).sum(dim=1)).tolist()


trial(
    "dead_relu",
    {
        "first layer": woken(0, -4.0),
        "first layer, weights and biases decay": woken(0, -4.0, decay=lambda _: 0.01),
        "first layer, biases alone decay": woken(0, -4.0, decay=lambda p: 0.01 * (p.shape[1] == 1)),
        "half of the second layer": woken(1, -2.0, dead=32),
    },
)

# %% [markdown]
# Decay of weights and biases together shrinks both sides of $Wx + b$ by the same factor, so no sign
# changes. Decay of the biases alone does wake units, and so does a layer before them that learns.

# %% predict="revival"
# A question: run this cell and choose.
revival = predict(
    "All 64 hidden units start dead, with ReLU or a leak of 0.01 or 0.1. Which learn in 500 steps?",
    a="none of the three",
    b="only leaky ReLU with slope 0.1",
    c="leaky ReLU with either slope",
    d="all three",
    answer=...,
)
revival


# %% claim="leaky_units"
# Trial: does a leaky unit come back?
def loss_after_death(slope: float, *, rate: float = 0.3, steps: int = 500) -> list[float]:
    """Loss of networks whose hidden units all began below 0, one number for each seed."""
    net = Dense(lambda x: F.leaky_relu(x, slope), [64, 64, 10], gain=math.sqrt(2))
    with torch.no_grad():
        net.biases[0][:] = -4.0
    return net.fit(train, steps=steps, rate=rate, label=f"slope {slope:g}")


trial(
    "leaky_units",
    {
        "slope 0, which is ReLU": loss_after_death(0.0),
        "slope 0.1": loss_after_death(0.1),
        "slope 0.01": loss_after_death(0.01),
        "slope 0.01, twice the steps at ten times the rate": loss_after_death(
            0.01, rate=3.0, steps=1000
        ),
    },
)

# %% reveal="revival"
# What is right, and why.
revival.reveal(
    "b",
    "A leak of 0.01 passes a hundredth of the gradient, which is slow but not in vain: with more "
    "and larger steps it comes back too, as the last row of the trial shows.",
)

# %% [markdown]
# ### Does the centre matter?
#
# The outputs of **tanh**, $(e^x - e^{-x}) / (e^x + e^{-x})$, lie around 0, those of the sigmoid
# around 1/2. To see whether that matters, compare two curves of equal shape and slope that differ
# by a shift: $2\sigma(x) - 1$, which is centred, and $2\sigma(x)$, which is not. (Comparing sigmoid
# with tanh directly would mix in that tanh is four times as steep.)

# %% predict="centre"
# A question: run this cell and choose.
centre = predict(
    "Which network has the lower training loss after 300 steps?",
    a="the centred one",
    b="the shifted one",
    c="no difference: the next layer's bias makes up for the shift",
    answer=...,
)
centre


# %% claim="zero_centre"
# Trial: do outputs around zero make training faster?
def ratios(layers: int, centred: float, shifted: float, *, normalised: bool = False) -> list[float]:
    """Loss of the shifted network over that of the centred one, from the same weights and data."""
    losses = [
        Dense(
            lambda x, shift=shift: 2 * torch.sigmoid(x) + shift,
            [*[64] * layers, 10],
            gain=1.0,
            normalised=normalised,
        ).fit(train, steps=300, rate=rate, label=f"{layers} layers, shift {shift:g}")
        for shift, rate in ((-1.0, centred), (0.0, shifted))
    ]
    return [b / a for a, b in zip(*losses, strict=True)]


# The rates are the best of 0.03, 0.1, 0.3, 1 and 3 for each arm.
trial(
    "zero_centre",
    {
        "4 layers": ratios(4, 1.0, 0.3),
        "2 layers": ratios(2, 1.0, 1.0),
        "4 layers, batch normalised": ratios(4, 1.0, 1.0, normalised=True),
    },
)

# %% reveal="centre"
# What is right, and why.
centre.reveal(
    "a",
    "Inputs that are all positive push all weights of a unit in one direction at a time "
    "(LeCun et al., 1998). The bias could make up for it, but has to be learnt first.",
)

# %% [markdown]
# ## 4 Numbers that survive
#
# Before anything gets through many layers, it must be a number. A formula that is right on paper
# may break in 32-bit numbers, in its value or in its slope. Everything here with an exponential has
# that danger, and one cure: let `exp` see numbers at or below 0 only.
#
# $$\sigma(x) = \frac{1}{1 + e^{-x}} \qquad \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}$$
#
# The sigmoid goes from 0 to 1 and can be read as a probability, which is why it ends networks that
# answer yes or no. The **hyperbolic tangent** goes from -1 to 1; it is the same curve, stretched:
# $\tanh(x) = 2\,\sigma(2x) - 1$.

# %% predict="naive_sigmoid"
# A question: run this cell and choose.
far = torch.tensor(-1000.0, requires_grad=True)
value = 1 / (1 + torch.exp(-far))
value.backward()
predict(
    "What does 1 / (1 + torch.exp(-x)) give at x = -1000, and what is its gradient there?",
    a="value 0, gradient 0",
    b="value 0, gradient nan",
    c="value nan, gradient nan",
    right="b",
    why=f"Value {value.item():.0f}, gradient {far.grad.item()}: inf in the denominator is fine "
    "on the way forward, but on the way back 0 meets inf.",
    answer=...,
)

# %% [markdown]
# The figure evaluates both formulas, typed as they stand, in 32-bit numbers. The sigmoid keeps its
# value everywhere and loses its slope on the left; tanh loses its value already, on both sides.

# %% experiment="overflow"
overflow()

# %% [markdown]
# ### Exercise: sigmoid
#
# **2 points.** Write it so that value and gradient are finite for every `x`, however large. For $x
# \ge 0$ the formula above shows `exp` only numbers at or below 0. For $x < 0$ multiply numerator
# and denominator by $e^x$.
#
# Two details decide. The tail keeps its digits: at $x = -30$ the value is about $10^{-13}$ and not
# 0, and there the check asks for the relative 0.00001 alone. And the slope at 0 is 1/4. Do not use
# torch's own `sigmoid`.

# %% [markdown] hints="sigmoid"
# <details><summary>Hint 1: what is the second formula?</summary>
#
# For x below 0: exp(x) / (1 + exp(x)). Its exponential is at most 1.
#
# </details>
# <details><summary>Hint 2: how do both formulas share one exponential?</summary>
#
# With e = exp(-|x|), which never overflows, they are 1 / (1 + e) and e / (1 + e).
#
# </details>
# <details><summary>Hint 3: why is the gradient 0 at x = 0 with x.abs()?</summary>
#
# torch takes the slope of abs at 0 to be 0. `torch.where(x >= 0, -x, x)` is the same number, and
# has the slope -1 there.
#
# </details>


# %% exercise="sigmoid"
def sigmoid(x: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x)), finite in value and gradient for every x."""
    ### BEGIN SOLUTION
    # where(x >= 0, -x, x) is -|x| with a slope at 0; the slope of abs is 0 there.
    e = torch.exp(torch.where(x >= 0, -x, x))
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))
    ### END SOLUTION


# %% check="sigmoid" points=2
# Check of sigmoid, 2 points.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[-2.0, 0.0, 0.5], [1.0, -0.25, 3.0]])
before = x.clone()
agree(
    sigmoid(x),
    torch.tensor([[0.1192029, 0.5, 0.6224593], [0.7310586, 0.4378235, 0.9525741]]),
    "sigmoid(x)",
    cause="a sign is wrong, or the formula for x below 0 is used above it.",
    step="check sigmoid(0) = 1/2 first, then one number on each side.",
)
unchanged(x, before, "sigmoid(x)")
### BEGIN HIDDEN TESTS
far = torch.tensor([-1000.0, 1000.0])
agree(
    sigmoid(far),
    torch.tensor([0.0, 1.0]),
    "sigmoid at -1000 and 1000",
    cause="exp overflows: inf / inf is nan.",
    step="let exp see numbers at or below 0 only.",
)
tail = torch.tensor([[-30.0, -80.0], [-15.0, -3.0], [20.0, 2.0]])
agree(
    sigmoid(tail),
    torch.sigmoid(tail),
    "sigmoid far to the left",
    cause="1 - (something near 1) loses all digits, and a clamp or an epsilon bends the tail.",
    step="use exp(x) / (1 + exp(x)) for x below 0.",
    atol=0.0,
)
fine = torch.linspace(-9, 8, 24, dtype=torch.float64).reshape(2, 3, 4).transpose(0, 1)
agree(
    sigmoid(fine),
    torch.sigmoid(fine),
    "sigmoid in float64",
    cause="the result went through float32, or is an approximation.",
    step="let the dtype come from x.",
    rtol=1e-9,
    atol=1e-12,
)
agree(
    gradient(sigmoid, far),
    torch.tensor([0.0, 0.0]),
    "the gradient of sigmoid at -1000 and 1000",
    cause="exp overflows, perhaps in a branch that torch.where does not take.",
    step="let exp see numbers at or below 0 only.",
)
agree(
    gradient(sigmoid, torch.zeros(2)),
    torch.tensor([0.25, 0.5]),
    "the gradient of sigmoid at 0",
    cause="torch takes the slope of abs, sign and a tied maximum at 0 to be 0 or 1/2.",
    step="write -|x| as torch.where(x >= 0, -x, x).",
)
### END HIDDEN TESTS
agree(
    gradient(sigmoid, torch.tensor([-1000.0, 0.0, 1000.0])),
    torch.tensor([0.0, 0.5, 0.0]),
    "the weighted gradient of sigmoid at -1000, 0 and 1000",
    cause="exp overflows, perhaps in a branch not taken; at 0, torch takes the slope of abs as 0.",
    step="let exp see numbers at or below 0 only, and write -|x| as torch.where(x >= 0, -x, x).",
)
from_scratch(sigmoid, "sigmoid", without=["sigmoid", "expit", "logsigmoid", "tanh", "softmax"])
right("sigmoid", points=2)

# %% [markdown]
# ### Exercise: tanh
#
# **1 point.** The same care for the hyperbolic tangent, from exponentials and without torch's
# `tanh`. Multiply numerator and denominator of its formula by $e^{-x}$ for $x \ge 0$, or by $e^x$
# for $x < 0$.

# %% [markdown] hints="tanh"
# <details><summary>Hint 1: what comes out for x at or above 0?</summary>
#
# (1 - e) / (1 + e) with e = exp(-2x), which is at most 1.
#
# </details>
# <details><summary>Hint 2: and below 0?</summary>
#
# tanh(-x) = -tanh(x): (e - 1) / (e + 1) with e = exp(2x).
#
# </details>
# <details><summary>Hint 3: one exponential for both?</summary>
#
# e = exp(-2|x|), with |x| written as in the sigmoid so that it has a slope at 0.
#
# </details>


# %% exercise="tanh"
def tanh(x: Tensor) -> Tensor:
    """Return the hyperbolic tangent, finite in value and gradient for every x."""
    ### BEGIN SOLUTION
    # expm1(y) is exp(y) - 1 without the cancellation near 0.
    m = torch.expm1(torch.where(x >= 0, -2 * x, 2 * x))
    return torch.where(x >= 0, -m / (m + 2), m / (m + 2))
    ### END SOLUTION


# %% check="tanh" points=1
# Check of tanh, 1 point.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[-2.0, 0.0, 0.5], [1.0, -0.25, 3.0]])
before = x.clone()
agree(
    tanh(x),
    torch.tensor([[-0.9640276, 0.0, 0.4621172], [0.7615942, -0.2449187, 0.9950548]]),
    "tanh(x)",
    cause="a factor 2 in the exponent or a sign is missing.",
    step="check that tanh(0) = 0 and tanh(-x) = -tanh(x).",
)
unchanged(x, before, "tanh(x)")
### BEGIN HIDDEN TESTS
far = torch.tensor([-1000.0, 1000.0])
agree(
    tanh(far),
    torch.tensor([-1.0, 1.0]),
    "tanh at -1000 and 1000",
    cause="exp overflows: inf / inf is nan.",
    step="let exp see numbers at or below 0 only.",
)
fine = torch.linspace(-9, 8, 24, dtype=torch.float64).reshape(2, 3, 4).transpose(0, 1)
agree(
    tanh(fine),
    torch.tanh(fine),
    "tanh in float64",
    cause="the result went through float32, or is an approximation.",
    step="let the dtype come from x.",
    rtol=1e-9,
    atol=1e-12,
)
agree(
    gradient(tanh, far),
    torch.tensor([0.0, 0.0]),
    "the gradient of tanh at -1000 and 1000",
    cause="exp overflows, perhaps in a branch that torch.where does not take.",
    step="let exp see numbers at or below 0 only.",
)
agree(
    gradient(tanh, torch.zeros(2)),
    torch.tensor([1.0, 2.0]),
    "the gradient of tanh at 0",
    cause="torch takes the slopes of abs and sign at 0 to be 0.",
    step="write |x| as torch.where(x >= 0, x, -x), and choose the sign with torch.where too.",
)
### END HIDDEN TESTS
agree(
    gradient(tanh, torch.tensor([-1000.0, 0.0, 1000.0])),
    torch.tensor([0.0, 2.0, 0.0]),
    "the weighted gradient of tanh at -1000, 0 and 1000",
    cause="exp overflows, perhaps in a branch not taken; at 0, torch takes the slope of abs as 0.",
    step="let exp see numbers at or below 0 only, and write |x| as torch.where(x >= 0, x, -x).",
)
from_scratch(tanh, "tanh", without=["tanh", "tanh_", "Tanh", "sinh", "cosh", "hardtanh"])
right("tanh", points=1)

# %% [markdown]
# ### All five at work
#
# The disc and the ring once more, with each of your functions. Look at the borders: which are made
# of straight pieces, and which are smooth?

# %% experiment="five_discs"
rings(relu=relu, leaky_relu=leaky_relu, elu=elu, sigmoid=sigmoid, tanh=tanh)

# %% [markdown]
# ### From scores to probabilities
#
# A classifier's last layer gives one score per class, the **logits**. **Softmax** turns each row of
# scores into probabilities: positive, and of sum 1.
#
# $$\mathrm{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$$
#
# It is no bend of single numbers: every output depends on all scores of its row. Adding a constant
# to all of them changes nothing, because the factor $e^c$ cancels, and that is the cure for
# overflow: subtract from each row its own largest score.

# %% predict="softmax_gradient"
# A question: run this cell and choose.
predict(
    "The probabilities of a row always sum to 1. What is the gradient of that sum for the scores?",
    a="0 for every score",
    b="1 for every score",
    c="it depends on the scores",
    right="a",
    why="A constant has no slope. What one class gains, the others lose.",
    answer=...,
)

# %% [markdown]
# ### Exercise: softmax
#
# **3 points.** The dimension of the classes is an argument, because it is not always the last: an
# image segmentation network has scores of shape (N, K, H, W).
#
# A much-read answer on Stack Overflow (question 34968722) subtracts one maximum of the whole array
# and sums along axis 0. For the scores of one image, as a tensor with one dimension, that is right.
# For a batch of shape (N, K) it adds up the wrong numbers, and rows that lie far apart come out as
# 0. Yours takes maximum and sum along `dim`.

# %% [markdown] hints="softmax"
# <details><summary>Hint 1: in which order?</summary>
#
# Subtract the largest score of each slice, take `exp`, divide by the sum of each slice.
#
# </details>
# <details><summary>Hint 2: why does the subtraction fail to broadcast?</summary>
#
# `x.amax(dim=dim)` has lost the dimension `dim`. `keepdim=True` leaves it there with length 1.
#
# </details>
# <details><summary>Hint 3: which numbers does each line need?</summary>
#
# The first the scores and their `amax`, the second what the first gave, the third that and its
# `sum`. Maximum and sum run along the same `dim`.
#
# </details>


# %% exercise="softmax"
def softmax(x: Tensor, *, dim: int) -> Tensor:
    """Return exp(x) / sum(exp(x)), the sum running along dim, for scores of any size.

    dim may count from the end, as in torch. The gradient is that of the formula.
    """
    ### BEGIN SOLUTION
    if not -x.dim() <= dim < x.dim():
        raise ValueError(f"dim is {dim}, but x has shape {tuple(x.shape)}")
    # Adding a constant to all scores of a slice changes nothing, so subtract the largest.
    e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
    return e / e.sum(dim=dim, keepdim=True)
    ### END SOLUTION


# %% check="softmax" points=3
# Check of softmax, 3 points.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

x = torch.tensor([[1.0, 2.0, 3.0], [1000.0, 1000.0, 0.0]])
before = x.clone()
agree(
    softmax(x, dim=1),
    torch.tensor([[0.0900306, 0.2447285, 0.6652409], [0.5, 0.5, 0.0]]),
    "softmax(x, dim=1)",
    cause="exp overflows, or the sum or the maximum runs over the wrong numbers.",
    step="each row has its own maximum and its own sum.",
)
unchanged(x, before, "softmax(x, dim=1)")
### BEGIN HIDDEN TESTS
apart = torch.tensor([[0.0, 1.0, 2.0], [5000.0, 5001.0, 5002.0], [-5000.0, -4999.0, -4998.0]])
agree(
    softmax(apart, dim=1),
    torch.softmax(apart, dim=1),
    "softmax of rows that lie far apart",
    cause="one maximum for all rows: exp gives 0 for the lower ones, and 0 / 0 is nan.",
    step="each slice along dim has its own maximum: subtract that one.",
)
agree(
    softmax(torch.tensor([-1.0, 0.0, 1.0]), dim=0),
    torch.tensor([0.0900306, 0.2447285, 0.6652409]),
    "softmax of a single row, dim=0",
    cause="two dimensions are taken for granted.",
    step="use the argument dim in the maximum and in the sum.",
)
scores = torch.linspace(-3, 5, 24, dtype=torch.float64).reshape(4, 3, 2).transpose(0, 2).sin() * 9
for dim in (0, 1, 2, -1, -3):
    agree(
        softmax(scores, dim=dim),
        torch.softmax(scores, dim=dim),
        f"softmax with dim={dim} of a float64 tensor with three dimensions",
        cause="the dimension is fixed, or the dtype is lost.",
        step="use the argument dim in the maximum and in the sum.",
        rtol=1e-9,
        atol=1e-12,
    )
    agree(
        gradient(lambda t, dim=dim: softmax(t, dim=dim), scores),
        gradient(lambda t, dim=dim: torch.softmax(t, dim=dim), scores),
        f"the gradient of softmax with dim={dim}",
        cause="a part of the computation was detached: the sum belongs to the gradient.",
        step="detach nothing but, at most, the maximum.",
        rtol=1e-9,
        atol=1e-12,
    )
### END HIDDEN TESTS
agree(
    gradient(lambda t: softmax(t, dim=1), x),
    gradient(lambda t: torch.softmax(t, dim=1), x),
    "the weighted gradient of softmax(x, dim=1)",
    cause="a part of the computation was detached: the sum belongs to the gradient.",
    step="detach nothing but, at most, the maximum.",
)
from_scratch(softmax, "softmax", without=["softmax", "log_softmax", "softmin", "logsumexp"])
right("softmax", points=3)

# %% [markdown]
# Your softmax may give a probability of exactly 0, where a score lies far below the largest, and
# the logarithm of 0 is minus infinity. So `F.cross_entropy`, in the training here, takes the scores
# and computes the logarithm of their softmax in one go; a network for it ends with scores.

# %% [markdown]
# ## 5 How much a slope lets through
#
# Backpropagation multiplies a gradient by the slope of every activation that it passes. Three
# slopes can be written with the value itself:
#
# $$\sigma' = \sigma(1 - \sigma) \qquad \tanh' = 1 - \tanh^2 \qquad
# \mathrm{elu}' = \mathrm{elu} + \alpha \;\; (x \le 0)$$
#
# For the sigmoid, the derivative of $1 / (1 + e^{-x})$ is $e^{-x} / (1 + e^{-x})^2$, the product of
# $\sigma$ and $e^{-x} / (1 + e^{-x}) = 1 - \sigma$. Derive the other two in the same way, on paper.
#
# Far from 0, sigmoid and tanh are flat. A unit that is far out passes almost no gradient: it is
# **saturated**. At 0 the slope of ReLU jumps from 0 to 1. Any number in between would be a valid
# choice there; torch takes 0 for ReLU, and `negative_slope` for leaky ReLU.

# %% predict="ten_sigmoids"
# A question: run this cell and choose.
predict(
    "A gradient passes ten sigmoids, and every weight is 1. How much of it is left at the most?",
    a="about a fortieth",
    b="about a thousandth",
    c="about a millionth",
    right="c",
    why="s(1 - s) is largest at s = 1/2, where it is 1/4. Ten slopes of 1/4 multiply to "
    "1 / 1,048,576.",
    answer=...,
)

# %% [markdown]
# ### Explore
#
# Drag the input. Which tangents lie flat far to the left, and which far to the right? Which
# function has a tangent that is never flat?
#
# <details><summary>What you should have seen</summary>
#
# On the left those of sigmoid, tanh, ReLU and ELU: at $x = -6$ no slope among them is above 0.0025,
# with `alpha` = 1. On the right only those of sigmoid and tanh. The leaky ReLU is never flat, as
# long as `negative_slope` is above 0.
#
# </details>

# %% experiment="s_curves"
curves(sigmoid=sigmoid, tanh=tanh, relu=relu, leaky_relu=leaky_relu, elu=elu)

# %% [markdown]
# ### Exercise: slopes in closed form
#
# **3 points, and 0.5 for the habit.** Return the slope of the named activation at every `x`, by
# formula and without autograd. It must be finite for every `x`, have the dtype of `x`, and follow
# torch's convention at 0.
#
# The habit: a name is easily misspelt. Refuse one that you do not know, and quote it in the
# message.

# %% [markdown] hints="activation_gradient"
# <details><summary>Hint 1: how do I start?</summary>
#
# With a chain of `if name == "sigmoid": return ...`, and a `raise ValueError` at its end that
# quotes the name and lists the five that exist.
#
# </details>
# <details><summary>Hint 2: may I use my own functions?</summary>
#
# Yes, and torch's too. With s = sigmoid(x) the slope is s * (1 - s), with t = tanh(x) it is 1 - t²;
# both are finite where s and t are. For elu, clamp x to at most 0 before exp.
#
# </details>
# <details><summary>Hint 3: how do I get numbers of the right dtype from a condition?</summary>
#
# `(x > 0).to(x.dtype)`, or `torch.where(x > 0, torch.ones_like(x), ...)`.
#
# </details>


# %% exercise="activation_gradient"
def activation_gradient(
    name: str, x: Tensor, *, negative_slope: float = 0.01, alpha: float = 1.0
) -> Tensor:
    """Return the slope of an activation at every x, in closed form, with torch's convention at 0.

    name is sigmoid, tanh, relu, leaky_relu or elu; ValueError for any other.
    """
    ### BEGIN SOLUTION
    if name == "sigmoid":
        e = torch.exp(-x.abs())
        return e / (1 + e) ** 2
    if name == "tanh":
        e = torch.exp(-2 * x.abs())
        return 4 * e / (1 + e) ** 2
    if name == "relu":
        return (x > 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")
    ### END SOLUTION


# %% check="activation_gradient" points=3
# Check of activation_gradient, 3 points.
import torch

from course.checks import agree, from_scratch, right

x = torch.tensor([[-2.0, 0.0, 0.5], [1.0, -0.25, 3.0]])
slopes = {
    "sigmoid": [[0.1049936, 0.25, 0.2350037], [0.1966119, 0.2461341, 0.0451767]],
    "tanh": [[0.0706508, 1.0, 0.7864477], [0.4199743, 0.9400148, 0.0098660]],
    "relu": [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0]],
    "leaky_relu": [[0.01, 0.01, 1.0], [1.0, 0.01, 1.0]],
    "elu": [[0.1353353, 1.0, 1.0], [1.0, 0.7788008, 1.0]],
}
for name, expected in slopes.items():
    agree(
        activation_gradient(name, x),
        torch.tensor(expected),
        f"activation_gradient({name!r}, x)",
        cause="the value is returned instead of the slope, or the convention at 0 differs.",
        step="compare with the tangent in the widget, at this input.",
    )
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import gradient

torch_functions = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": lambda t: F.leaky_relu(t, negative_slope=0.25),
    "elu": lambda t: F.elu(t, alpha=2.0),
}
points = torch.tensor([-1000.0, -89.0, -3.0, -0.5, 0.0, 0.5, 3.0, 89.0, 1000.0]).double()
weights = torch.arange(1, 10).double()
for name, function in torch_functions.items():
    agree(
        activation_gradient(name, points, negative_slope=0.25, alpha=2.0),
        gradient(function, points) / weights,
        f"activation_gradient({name!r}, ...) from -1000 to 1000, in float64",
        cause="exp overflows, negative_slope or alpha is ignored, or the dtype is lost.",
        step="let exp see numbers at or below 0 only, and use both options.",
        rtol=1e-9,
        atol=1e-12,
    )
### END HIDDEN TESTS
from_scratch(
    activation_gradient, "activation_gradient", without=["grad", "backward", "autograd", "jacrev"]
)
right("activation_gradient", points=3)

# %% habit="activation_gradient" points=0.5
# Habit of activation_gradient, 0.5 points: it refuses a name that it does not know.
import torch

from course.checks import refuses, right

x = torch.tensor([[-2.0, 0.0, 0.5], [1.0, -0.25, 3.0]])
refuses(lambda: activation_gradient("gelu", x), "activation_gradient('gelu', x)", word="gelu")
### BEGIN HIDDEN TESTS
for name in ("silu", "celu", "tanhshrink"):
    refuses(lambda name=name: activation_gradient(name, x), f"the name {name!r}", word=name)
### END HIDDEN TESTS
right("activation_gradient", points=0.5, habit=True)

# %% [markdown]
# ## 6 What fifty layers let through
#
# Through one layer a signal changes a little. Through fifty it may die out or explode, and so may
# the gradient on its way back. The activation decides, and the spread of the initial weights. Let
# them be independent, with mean 0 and standard deviation $g / \sqrt n$ in a unit with $n$ inputs
# (its **fan-in**). The number $g$ is the **gain**. Which gain lets everything through?
#
# **Forward.** A unit adds up $z = \sum_j w_j h_j$. Take the mean of $z^2$ over the weights. The
# mixed products $w_i w_j h_i h_j$ average out, since each weight has mean 0, and what remains is
#
# $$\overline{z^2} = n \cdot \frac{g^2}{n} \cdot \overline{h^2} = g^2\,\overline{h^2}.$$
#
# $z$ is as often above 0 as below. ReLU keeps $z^2$ where $z$ is above 0 and puts 0 elsewhere, so
# it hands on half: $\overline{\mathrm{relu}(z)^2} = \frac{g^2}{2}\,\overline{h^2}$. The mean square
# stays as it is where $g^2 = 2$.
#
# **Backward.** A gradient is multiplied by the slope, which is 1 or 0, each half of the time, and
# added up with the same weights: again a factor $g^2 / 2$ for its mean square. So one gain serves
# both ways, $g = \sqrt 2$ (He et al., 2015). For another activation put the mean square of its
# slope in the place of 1/2.

# %% predict="gain_for_relu"
# A question: run this cell and choose.
predict(
    "30 layers of ReLU with gain 1. What share of a gradient at the end reaches the first layer?",
    a="about a third",
    b="about a thousandth",
    c="about 0.00003",
    right="c",
    why="Each layer divides it by the square root of 2: that is 2 to the -15.",
    answer=...,
)

# %% [markdown]
# The widget and the exercise below show the **standard deviation** of the signal. It leaves the
# mean out, and after a ReLU the mean is not 0: with $g = \sqrt 2$ and a signal of mean square 1,
# the standard deviation is $\sqrt{1 - 1/\pi} \approx 0.83$ after the first layer. From there on
# both drift by chance, the more the fewer units a layer has.
#
# ### Explore
#
# For each function, find the gain that keeps the signal between 0.1 and 10, the grey band, through
# all 50 layers. Which function keeps the signal there, but not the gradient, whatever the slider
# says? Which other one forgives a gain that is too large, and what does its gradient do then?
#
# <details><summary>What you should have seen</summary>
#
# ReLU and leaky ReLU need a gain near $\sqrt 2$; ELU a little less; tanh and sigmoid take anything
# that is not too small. The sigmoid keeps the signal, but even at gain 3 less than a billionth of
# the gradient reaches the first layer. tanh forgives large gains, but at gain 3 its gradient has
# grown more than a hundred thousand times.
#
# </details>

# %% experiment="depth"
depth(tanh=tanh, sigmoid=sigmoid, relu=relu, leaky_relu=leaky_relu, elu=elu)

# %% [markdown]
# ### Exercise: measure it yourself
#
# **2 points.** Send a batch of 256 standard normal inputs through `depth` layers without biases.
# Each weight matrix is `(width, width)`, new for each layer, with entries of standard deviation
# `gain / math.sqrt(width)`; `depth` and `width` are 1 or more. Return the standard deviation of the
# activations after each layer. Draw every random number from the generator that is passed in, so
# that the same seed gives the same list. Checks know the spread that theory predicts, and allow 10
# to 20 percent for chance.

# %% [markdown] hints="signal_by_depth"
# <details><summary>Hint 1: how do I draw numbers from the generator?</summary>
#
# `torch.randn(256, width, generator=generator)`: standard deviation 1, from this generator only.
#
# </details>
# <details><summary>Hint 2: what is one layer?</summary>
#
# `h = activation(h @ weight)`, with a new weight matrix for each layer.
#
# </details>
# <details><summary>Hint 3: what is returned?</summary>
#
# A list of `depth` numbers: append `h.std().item()` after each layer.
#
# </details>


# %% exercise="signal_by_depth"
def signal_by_depth(
    activation: Callable[[Tensor], Tensor],
    *,
    depth: int,
    width: int,
    gain: float,
    generator: torch.Generator,
) -> list[float]:
    """Return the standard deviation of the activations after each of depth layers."""
    ### BEGIN SOLUTION
    if depth < 1 or width < 1:
        raise ValueError(f"depth is {depth} and width is {width}; expected 1 or more of each")
    h = torch.randn(256, width, generator=generator, device=generator.device)
    spread = []
    for _ in range(depth):
        weight = torch.randn(width, width, generator=generator, device=generator.device)
        h = activation(h @ weight * (gain / math.sqrt(width)))
        spread.append(h.std().item())
    return spread
    ### END SOLUTION


# %% check="signal_by_depth" points=2
# Check of signal_by_depth, 2 points.
import torch

from course.checks import agree, expect, right


def spreads(activation, *, depth=3, width=256, gain=2.0, seed=0):
    draws = torch.Generator().manual_seed(seed)
    return signal_by_depth(activation, depth=depth, width=width, gain=gain, generator=draws)


measured = spreads(lambda h: h)
expect(
    len(measured) == 3,
    f"signal_by_depth with depth=3 returns {measured!r}, expected a list of 3 numbers.",
    cause="the result is no list, or the input's spread is in it too.",
    step="start with an empty list and append one number after each layer.",
)
for layer, spread in enumerate(measured, start=1):
    expect(
        abs(spread / 2**layer - 1) < 0.1,
        f"with gain 2, no activation: {spread:.3g} after layer {layer}, expected about {2**layer}.",
        cause="the weights' standard deviation is not gain / sqrt(width).",
        step="each layer should double the spread.",
    )
### BEGIN HIDDEN TESTS
for layer, spread in enumerate(spreads(torch.relu, depth=5, width=400, gain=2**0.5), start=1):
    agree(
        spread,
        (1 - 1 / torch.pi) ** 0.5,
        f"with ReLU and gain sqrt(2), the spread after layer {layer}",
        cause="the activation is left out or comes before the weights, or a matrix is reused.",
        step="h = activation(h @ weight), with a new weight for each layer.",
        rtol=0.2,
    )
bounded = spreads(lambda h: h.clamp(-0.5, 0.5), depth=4, width=100, gain=3.0)
expect(
    len(bounded) == 4 and all(0.3 < spread <= 0.51 for spread in bounded),
    "after an activation that stays within 0.5, a spread is outside 0.3 to 0.5.",
    cause="the spread is measured before the activation, or over one unit or image alone.",
    step="take h.std() over all entries, after the activation.",
)
for width in (64, 1024):
    agree(
        spreads(lambda h: h, depth=1, width=width, gain=0.5)[0],
        0.5,
        f"with gain 0.5 and width {width}, the spread after one layer",
        cause="the spread depends on the width.",
        step="divide the weights by math.sqrt(width).",
        rtol=0.1,
    )
expect(
    len(spreads(torch.tanh, depth=2, width=1)) == 2,
    "of two layers of one unit there are not two spreads.",
    cause="a width of 1 was not thought of.",
    step="take h.std() over the whole batch.",
)
offset = spreads(lambda h: h + 5.0, depth=1, gain=1.0)[0]
agree(
    offset,
    1.0,
    "with an activation that adds 5, the spread after one layer",
    cause="the root mean square was taken; the standard deviation leaves the mean out.",
    step="use h.std().",
    rtol=0.1,
)
expect(
    spreads(torch.tanh, seed=7) == spreads(torch.tanh, seed=7),
    "two calls with equal seeds give different numbers.",
    cause="a random number does not come from the generator that was passed.",
    step="pass generator=generator to every torch.randn.",
)
expect(
    spreads(torch.tanh, seed=7) != spreads(torch.tanh, seed=8),
    "two calls with different seeds give equal numbers.",
    cause="a fixed seed is used in place of the generator that was passed.",
    step="pass generator=generator to every torch.randn.",
)
### END HIDDEN TESTS
right("signal_by_depth", points=2)

# %% [markdown]
# ### Does ReLU avoid vanishing gradients?
#
# Many texts say so, since its slope is 1. The trial sends a gradient back through many layers of
# ReLU and asks which share of it arrives.

# %% claim="relu_vanishing"
# Trial: does ReLU avoid vanishing gradients?
conditions = {
    "30 layers of 128, gain sqrt(2)": {"gain": math.sqrt(2)},
    "30 layers of 128, gain 1": {"gain": 1.0},
    "30 layers of 128, torch's own gain, 1 / sqrt(3)": {"gain": 1 / math.sqrt(3)},
    "100 layers of 16, gain sqrt(2)": {"gain": math.sqrt(2), "depth": 100, "width": 16},
}
trial(
    "relu_vanishing",
    {
        name: [arriving(torch.relu, seed=seed, **how) for seed in SEEDS]
        for name, how in conditions.items()
    },
)

# %% [markdown]
# So ReLU does not avoid vanishing gradients by itself. Its slope of 1 makes it *possible* to keep
# them, if the initial weights have the right gain and the layers are not too narrow.
#
# ### Exercise: break the claim
#
# **1 point.** "Sigmoids make gradients vanish" is said as often. The table below agrees, at the
# gains that people try. Find a setting in which the claim turns over: a gain with which, through 30
# layers of 128 sigmoids, between a tenth of the gradient and ten times the gradient arrives, for
# each of the seeds 0 to 4. You have
#
#     arriving(torch.sigmoid, gain=..., depth=30, width=128, seed=...)
#
# to try settings with; the check runs the same.

# %% [markdown] hints="sigmoid_gain"
# <details><summary>Hint 1: is the gain larger or smaller than 3?</summary>
#
# Larger. The slope of a sigmoid is 1/4 at most, and the gain has to make up for it.
#
# </details>
# <details><summary>Hint 2: why is a gain of 4 not enough?</summary>
#
# Only a unit at 0 has the slope 1/4. The larger the gain, the further most units are from 0.
#
# </details>
# <details><summary>Hint 3: how do I find it?</summary>
#
# Print what arrives for a row of gains, such as 4, 6, 8, 12 and 16, with one seed. Then look more
# closely between the last that vanishes and the first that explodes, with all five.
#
# </details>


# %% exercise="sigmoid_gain"
def sigmoid_gain() -> float:
    """Return a gain at which 0.1 to 10 of a gradient arrives through 30 layers of 128 sigmoids."""
    ### BEGIN SOLUTION
    return 10.0
    ### END SOLUTION


# %% check="sigmoid_gain" points=1
# Check of sigmoid_gain, 1 point.
import torch

from course.checks import expect, right
from course.dense import arriving

gain = sigmoid_gain()
shares = [arriving(torch.sigmoid, gain=gain, seed=seed) for seed in range(5)]
expect(
    min(shares) > 0.1,
    f"with gain {gain:g}, only {min(shares):.1g} of the gradient arrives with one of the seeds.",
    cause="the gain does not make up for the slopes of the units that are far from 0.",
    step="try a larger gain.",
)
expect(
    max(shares) < 10,
    f"with gain {gain:g}, {max(shares):.2g} times the gradient arrives with one of the seeds.",
    cause="the gain makes up for more than the slopes take away.",
    step="try a smaller gain.",
)
right("sigmoid_gain", points=1)

# %% claim="sigmoid_vanishing"
# Trial: do sigmoids make gradients vanish? The last row is your setting.
conditions = {
    "3 layers, gain 1": {"gain": 1.0, "depth": 3},
    "30 layers, gain 1": {"gain": 1.0},
    "30 layers, gain 3": {"gain": 3.0},
}
try:
    conditions[f"30 layers, your gain, {sigmoid_gain():g}"] = {"gain": sigmoid_gain()}
except NotImplementedError:
    print("Your setting is still missing: it would be the last row.")
trial(
    "sigmoid_vanishing",
    {
        name: [arriving(torch.sigmoid, seed=seed, **how) for seed in SEEDS]
        for name, how in conditions.items()
    },
)

# %% [markdown]
# At your gain most units are saturated from the start, and the gradient travels through the few
# that are not, with large weights. Whether a network can learn like that is another question.
# Section 8 asks it.

# %% [markdown]
# ## 7 Bug museum: the check that could not fail
#
# Neuromatch Academy's course on deep learning (`course-content-dl`, tutorial W2D2 1, for instance
# in version ebd5f11) checks students' networks with a function `check_pooling_net`. It compares the
# output of a convolution, a ReLU and a pooling layer with the right one. The part that decides does
# what this does.


# %%
def museum_check(output: Tensor, right: Tensor) -> bool:
    """Say whether output is right. (An exhibit: do not use.)"""
    everything_differs = (output != right).all()
    return not everything_differs


right_output = torch.relu(torch.tensor([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]))
print("the right output passes:", museum_check(right_output.clone(), right_output))
print("one wrong everywhere passes:", museum_check(right_output + 1, right_output))

# %% [markdown]
# Both lines look as they should. Find the defect, prove it, and mend it.
#
# ### Exercise: prove it
#
# **1 point.** Given the right output of a ReLU layer, return a wrong one of the same shape that the
# exhibit accepts, and let it be wrong in earnest: more than half of the numbers that should be
# above 0 are off by more than 0.1. The right output has at least one number that is 0 and at least
# one above 0, and those above 0 are all larger than 0.2.

# %% [markdown] hints="wrong_but_accepted"
# <details><summary>Hint 1: when does the exhibit complain?</summary>
#
# Only where *every* number differs: that is what `(output != right).all()` says.
#
# </details>
# <details><summary>Hint 2: how many equal numbers does it take to pass?</summary>
#
# One. And after a ReLU, many numbers are exactly 0.
#
# </details>
# <details><summary>Hint 3: what is the simplest wrong output?</summary>
#
# One that leaves the zeros alone and ruins the rest, such as a layer that outputs zeros only.
#
# </details>


# %% exercise="wrong_but_accepted"
def wrong_but_accepted(right: Tensor) -> Tensor:
    """Return a badly wrong output, of the shape of right, that museum_check accepts."""
    ### BEGIN SOLUTION
    return torch.zeros_like(right)
    ### END SOLUTION


# %% check="wrong_but_accepted" points=1
# Check of wrong_but_accepted, 1 point.
import torch

from course.checks import expect, right, unchanged


def prove(correct):
    before = correct.clone()
    wrong = wrong_but_accepted(correct)
    unchanged(correct, before, "wrong_but_accepted(right)")
    expect(
        wrong.shape == correct.shape and bool((wrong == correct).any()),
        "the exhibit rejects your output, or cannot compare it.",
        cause="every number differs from the right one, or the shape does.",
        step="start from right.clone(), and leave at least one number as it is.",
    )
    off = ((wrong - correct).abs() > 0.1)[correct > 0].double().mean().item()
    expect(
        off > 0.5,
        f"{off:.0%} of the numbers above 0 are off by more than 0.1, expected more than half.",
        cause="the output is right, or nearly so.",
        step="change the numbers above 0, all of them if you like.",
    )


prove(torch.relu(torch.tensor([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]])))
### BEGIN HIDDEN TESTS
prove(torch.tensor([[[0.0, 0.25], [0.75, 1.0], [2.0, 3.0]]], dtype=torch.float64))
prove(torch.tensor([0.5, 0.0]))
### END HIDDEN TESTS
right("wrong_but_accepted", points=1)

# %% [markdown]
# ### Exercise: mend it
#
# **2 points.** Write the check that the museum lacks. It says True where the outputs have equal
# shapes and every number agrees to `atol + rtol * |right|`, and False otherwise. Not a number
# agrees with nothing. An infinity agrees only with an infinity of the same sign; note that the
# formula alone does not say so. Rounding must not fail anybody: two correct sums in another order
# differ in the last digit.

# %% [markdown] hints="same_output"
# <details><summary>Hint 1: what has to be true of all numbers?</summary>
#
# `|output - right| <= atol + rtol * |right|`, for all of them: that is `.all()` again, but of
# "agrees".
#
# </details>
# <details><summary>Hint 2: what if the shapes differ?</summary>
#
# Torch may broadcast, and compare one number with many. Compare `output.shape` first.
#
# </details>
# <details><summary>Hint 3: is there a torch function for this?</summary>
#
# `torch.allclose(output, right, rtol=rtol, atol=atol)` does the rest, infinities included. In the
# formula, infinity <= infinity is True whatever the other number is.
#
# </details>


# %% exercise="same_output"
def same_output(output: Tensor, right: Tensor, *, rtol: float = 1e-5, atol: float = 1e-6) -> bool:
    """Say whether two outputs have equal shapes and agree everywhere to atol + rtol * |right|."""
    ### BEGIN SOLUTION
    return output.shape == right.shape and torch.allclose(output, right, rtol=rtol, atol=atol)
    ### END SOLUTION


# %% check="same_output" points=2
# Check of same_output, 2 points.
import torch

from course.checks import expect, right

correct = torch.relu(torch.tensor([[-1.0, 2.0, -3.0], [4.0, -5.0, 6.0]]))


def judged(output, wanted, what, *, reference=correct, cause=None, step, **tolerance):
    answer = same_output(output, reference, **tolerance)
    expect(
        isinstance(answer, bool | torch.Tensor) and bool(answer) == wanted,
        f"same_output says {answer} of {what}, expected {wanted}.",
        cause=cause or "one number decides for all, or the tolerance is not used as in the text.",
        step=step,
    )


judged(correct.clone(), True, "the right output", step="equal numbers agree.")
judged(torch.zeros_like(correct), False, "zeros only", step="every number has to agree.")
judged(correct + 1e-7, True, "an output that is off by 0.0000001", step="use rtol and atol.")
pole = torch.tensor([torch.inf])
formula = "the formula decides for infinities too, as inf <= inf (true) or nan <= inf (false)."
step = "compare infinities with ==, and only finite numbers by the formula."
judged(torch.tensor([5.0]), False, "5 against inf", reference=pole, cause=formula, step=step)
### BEGIN HIDDEN TESTS
one_off = correct.clone()
one_off[1, 2] = 5.0
judged(one_off, False, "one wrong number, too low", step="take the absolute difference.")
one_off[1, 2] = 7.0
judged(one_off, False, "one wrong number, too high", step="take the absolute difference.")
swapped = correct.flip(1)
judged(swapped, False, "the right numbers in the wrong places", step="compare place by place.")
judged(
    torch.tensor(0.0),
    False,
    "a single number against six zeros",
    reference=torch.zeros(2, 3),
    step="compare the shapes first: torch broadcasts.",
)
judged(
    torch.zeros(3, 2),
    False,
    "six zeros against two",
    reference=torch.zeros(2),
    step="compare the shapes first: torch broadcasts.",
)
judged(
    correct[:, :1],
    False,
    "a shape that broadcasts",
    reference=correct[:, :1].expand(2, 3),
    step="compare the shapes first: torch broadcasts.",
)
holes = torch.full((2, 2), torch.nan)
judged(holes, False, "not a number", reference=holes, step="not a number agrees with nothing.")
poles = torch.tensor([torch.inf, -torch.inf])
for output, wanted, what in (
    (poles, True, "equal infinities"),
    (-poles, False, "infinities of the other sign"),
    (torch.tensor([5.0, -5.0]), False, "finite numbers against infinities"),
):
    judged(output, wanted, what, reference=poles, cause=formula, step=step)
judged(
    poles, False, "infinities against 5", reference=torch.full((2,), 5.0), cause=formula, step=step
)
large = torch.tensor([1e6, -1e6])
judged(
    large * (1 + 5e-6),
    True,
    "large numbers within rtol",
    reference=large,
    step="use rtol * |right|.",
)
judged(large * (1 + 5e-5), False, "large numbers beyond rtol", reference=large, step="use rtol.")
judged(
    correct + 0.05,
    True,
    "0.05 off with atol=0.1",
    atol=0.1,
    rtol=0.0,
    step="use the argument atol.",
)
judged(correct * 1.05, True, "5 percent off with rtol=0.1", rtol=0.1, step="use rtol * |right|.")
judged(
    correct * 1.2, False, "20 percent off with rtol=0.1", rtol=0.1, step="use the argument rtol."
)
### END HIDDEN TESTS
right("same_output", points=2)

# %% [markdown]
# **What to take home.** `all` of "differs" is not the opposite of `all` of "agrees". A check earns
# trust when you have seen it fail on something wrong. The grader of this course is tested that way:
# for each exercise it must reject a list of plausible wrong answers, one by one.

# %% [markdown]
# ## 8 Put together: the network that did not learn
#
# Back to the six layers of section 1: the same data, the same 600 steps, the same learning rate.
# What changes is what stands between the layers, one of your functions each time, and the gain.

# %% experiment="mended"
own = {
    name: yours_or(torch_s, mine)
    for name, torch_s, mine in (
        ("sigmoid", torch.sigmoid, sigmoid),
        ("tanh", torch.tanh, tanh),
        ("relu", torch.relu, relu),
        ("leaky_relu", F.leaky_relu, leaky_relu),
    )
}
runs = [("sigmoid", 1.0), ("tanh", 1.0), ("relu", 1.0), ("relu", 2**0.5), ("leaky_relu", 2**0.5)]
try:
    runs.append(("sigmoid", sigmoid_gain()))
except NotImplementedError:
    print("sigmoid_gain is missing: the sigmoid runs with gain 1 alone")
for name, gain in runs:
    net = Network(own[name].function, [*[64] * 6, 10], gain=gain, seed=0)
    loss = fit(net, train, steps=600, lr=0.1, label=name)
    print(
        f"{name:>10} ({own[name]}), gain {gain:5.2f}: loss {loss:.2f}, "
        f"test accuracy {accuracy(net, test):.0%}"
    )

# %% [markdown]
# The network was never too deep. Its gradient did not arrive. With a function and a gain that let
# it through, six layers read digits better than the two layers of section 1; and with your gain
# even the sigmoid learns, which many would bet against.
#
# ### Two tests for life
#
# Before you trust any training, run two tests of sanity:
#
# 1. Before training, all classes are about equally likely, so the loss is near $\log K$.
# 2. A network that cannot learn 50 images by heart has a bug.

# %% experiment="sanity"
net = Network(own["relu"].function, [64, 64, 64, 10], gain=math.sqrt(2), seed=0)
nn.init.normal_(net.layers[-1].weight, std=0.01)  # small scores: no class is preferred yet
start = F.cross_entropy(net(train.images), train.labels).item()
print(f"loss at the start: {start:.3f}; log 10 is {math.log(10):.3f}")
assert abs(start - math.log(10)) < 0.05

fifty = train.take(5)
fit(net, fifty, steps=300, lr=0.3, label="50 images")
print(f"50 images by heart: {accuracy(net, fifty):.0%}")
assert accuracy(net, fifty) == 1.0

# %% [markdown]
# And does a network lose units when it trains? `dead_fraction` knows.

# %% experiment="dead_in_training"
net = Network(own["relu"].function, [64, 64, 64, 10], gain=math.sqrt(2), seed=0)
for when in ("before", "after"):
    if when == "after":
        fit(net, train, steps=600, lr=0.3, label="all images")
    with torch.no_grad():
        first_layer = net.layers[0](test.images.flatten(1))
    try:
        print(f"first layer, {when} the training: {dead_fraction(first_layer):.0%} dead units")
    except NotImplementedError:
        print("dead_fraction is missing")

# %% [markdown]
# ## 9 In your own words
#
# Two questions that a person grades. Three to eight sentences each are enough; refer to what you
# measured.

# %% [markdown] written="why_nonlinear" points=3
# **What is an activation function for, and what happens to a deep network without one?** Say also
# what a network with ReLU can compute that the other cannot.
#
# ### BEGIN SOLUTION
# It puts a non-linearity between the layers, applied to each number on its own. Without it any
# number of dense layers multiplies out to one matrix and one offset, so depth adds parameters but
# no new functions; the lesson multiplied 20 layers into one, with a difference at rounding level,
# and without a bend no network told the disc from the ring. With ReLU each unit contributes a bend
# along one flat cut, the output is piecewise linear with pieces that the training can place, and
# with enough units it approximates any continuous function on a closed and bounded region.
#
# Rubric: 1 point for the role (a non-linearity between layers, number by number); 1 for the
# collapse to one linear (affine) map, with the product of matrices or a measurement as a reason;
# 1 for what the bend adds (piecewise linear, approximation). "It decides whether the neuron fires"
# alone earns nothing.
# ### END SOLUTION

# %% [markdown] written="choose_activation" points=3
# **Name four common activation functions with their range and one strength or weakness of each.
# Which would you choose for the hidden layers of a deep network, which for its output when it
# tells ten classes apart, and what else do you have to set so that it can start to learn?**
#
# ### BEGIN SOLUTION
# Sigmoid, 0 to 1: reads as a probability; its slope is at most 1/4, so that a gradient vanishes at
# usual gains. tanh, -1 to 1: centred on 0, which made training faster in the lesson with four
# layers and hardly with two; saturates too. ReLU, 0 to infinity: slope 1 above 0 and cheap; units
# can die. Leaky ReLU, all numbers: passes some gradient below 0; the slope has to be large enough
# to matter. ELU, above -alpha: smooth, needs an exponential. Softmax: probabilities of sum 1 over
# the classes, for outputs.
#
# Hidden layers: ReLU (or leaky ReLU, ELU, tanh, with a reason). Output: softmax over the classes,
# inside the loss. The initial gain must fit the activation: sqrt(2) for ReLU keeps signal and
# gradient, since half of the mean square passes; gain 1 leaves 2 to the -15 of it after 30 layers.
#
# Rubric: 1 point for four functions with correct ranges (ELU is not unbounded below); 1 for a
# correct strength or weakness each; 1 for the choice with softmax at the output and the initial
# gain.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | function | range | largest slope | below 0 | good for |
# |---|---|---|---|---|
# | sigmoid | 0 to 1 | 1/4 | saturates | yes-or-no outputs |
# | tanh | -1 to 1 | 1 | saturates | outputs around 0 |
# | ReLU | 0 and up | 1 | slope 0: units can die | hidden layers |
# | leaky ReLU | all numbers | 1 | slope $a$ | where units die |
# | ELU | above $-\alpha$ | 1 or $\alpha$ | smooth, towards $-\alpha$ | where a mean near 0 helps |
# | softmax | 0 to 1, sum 1 | | depends on all scores | class probabilities |
#
# The lesson in two sentences: a layer lets a signal through by its gain and its activation, and a
# gradient by its gain and the slope of its activation. Where the product over all layers is far
# from 1, the first layers learn nothing, whatever the network could compute.
#
# - Without a bend, 20 layers are one.
# - Formulas that are right on paper can be wrong in floating point, in the gradient first.
# - Many sentences about activations are true only under conditions, and a small measurement finds
#   them.
# - A check that has never failed proves nothing.
#
# ## Further reading
#
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp*, 1998: why centred inputs help.
# - X. Glorot, Y. Bengio, *Understanding the difficulty of training deep feedforward neural
#   networks*, AISTATS 2010: sigmoids that saturate, and the gain for tanh.
# - V. Nair, G. Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML 2010.
# - A. Maas, A. Hannun, A. Ng, *Rectifier nonlinearities improve neural network acoustic models*,
#   ICML 2013: the leaky unit.
# - K. He, X. Zhang, S. Ren, J. Sun, *Delving deep into rectifiers*, ICCV 2015: the gain of $\sqrt
#   2$.
# - D.-A. Clevert, T. Unterthiner, S. Hochreiter, *Fast and accurate deep network learning by
#   exponential linear units*, ICLR 2016.
# - B. Hanin, *Which neural net architectures give rise to exploding and vanishing gradients?*,
#   NeurIPS 2018: why narrow layers are worse.
#
# The module `cnnlib.activations` holds the reference of every exercise here, to read when you are
# done.
