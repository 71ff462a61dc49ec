# %% [markdown]
# # Residual networks
#
# After this lesson you can
#
# - compare plain networks of different depth on their own training set,
# - build residual and bottleneck blocks, and networks of them,
# - measure what the identity path does to gradients and to optimisation.
#
# **Time.** 180 to 300 minutes for you, in two sittings or three. That is an estimate from the steps
# and not a measurement of people: 60 to 90 minutes to read, 10 to 15 for each of the eight
# exercises, 20 to 40 for predictions and widgets, and 20 to 50 for the two written questions. The
# machine needs about a minute for all of it, and 600 MB, on two cores and without a GPU.
#
# **Before you start.** You should know how networks of 3x3 convolutions with stride and padding are
# put together, and what batch normalisation computes in training and in evaluation mode.
#
# **How it works** is told in the [first lesson](../activations/activations.ipynb#How-it-works). One
# thing is different here: checks load known weights into your modules and compare outputs to a
# relative 0.0001 and an absolute 0.00001, which is room for two orders of summing some hundred
# products in 32-bit numbers. What you call your layers does not matter to them.

# %% setup
import copy
from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.blocks import LongBlock, PaddedBlock, no_skip, normed, option_a, residual_blocks, stack
from course.claims import SEEDS, trial
from course.datasets import Images, digits
from course.predictions import predict

_ = torch.manual_seed(0)

# %%
from functools import partial

from tqdm.auto import tqdm

from course.blocks import yours_or_given
from course.deep import Deep
from course.figures.resnet import draw_block, draw_network, variances
from course.widgets.resnet import Run, arriving, backflow, curves, gradients

# %% [markdown]
# ## Warm-up
#
# Three questions about what you need below. Run the cells and choose. Your answers stay in the
# notebook; they are not graded.

# %% predict="warm_up_size"
# A question: run this cell and choose.
predict(
    "A 3x3 convolution with padding 1 and stride 2 reads images of 7x4 pixels. What comes out?",
    a="3x2 pixels",
    b="4x2 pixels",
    c="7x4 pixels",
    right="b",
    why="(7 + 2 - 3) // 2 + 1 = 4 and (4 + 2 - 3) // 2 + 1 = 2.",
    answer=...,
)

# %% predict="warm_up_sum"
# A question: run this cell and choose.
predict(
    "y = f(x) + x, all numbers. What is dy/dx where f'(x) = 0?",
    a="0",
    b="1",
    c="x",
    right="b",
    why="The derivative of a sum is f'(x) + 1. Remember this 1.",
    answer=...,
)

# %% predict="warm_up_norm"
# A question: run this cell and choose.
predict(
    "You double all weights of a convolution that batch norm follows. What does training see?",
    a="outputs twice as large",
    b="the same outputs",
    c="outputs half as large",
    right="b",
    why="Batch norm divides by the spread, which doubled too.",
    answer=...,
)

# %% [markdown]
# ## 1 A deeper network that is worse
#
# In 2014 deeper meant better. In Table 3 of the VGG paper (one scale of test images, training
# images of 256 pixels), the top-5 error on ImageNet is 10.4 percent with 11 layers, 8.8 with 16 and
# 9.0 with 19. Was that the end? A year later people had batch norm and good initial weights, with
# which networks of many more layers start to learn. How well do they learn?
#
# You can measure it at home. The network below is called **plain**: convolutions one after another,
# each with batch norm and ReLU, in three stages. Its images are digits of 8x8 pixels, its stages
# have 8, 16 and 32 channels, and it is trained for 60 steps. Two of its layers at a time are one
# box in the drawing. All drawings in this lesson are made from the model itself.

# %% experiment="plain_network"
pair = partial(PaddedBlock, skip=no_skip)  # a pair of layers; section 2 says what a skip is
draw_network(stack(20, block=pair, seed=0), (1, 8, 8), title="plain, 20 layers")

# %% [markdown]
# The training loop is the usual one. It returns the loss of every batch.

# %%
torch.set_num_threads(1)  # networks this small lose time by sharing out their work
train, test = digits()


def fit(
    net: nn.Module, data: Images, *, label: str, steps: int = 60, lr: float = 0.03
) -> tuple[float, ...]:
    """Train by SGD with momentum on batches of 32; return the loss of every batch."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    losses = []
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (32,), generator=generator)
        loss = F.cross_entropy(net(data.images[index]), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return tuple(losses)


# %% [markdown]
# A network of 56 layers has all that one of 20 has, and more. Before you run it, commit yourself.
# Mind the word *training*: this is the loss on the images that the network learns from. What is
# printed is its mean over the last 12 batches, here and in all that follows.

# %% predict="deeper"
# A question: run this cell and choose.
deeper = predict(
    "Plain networks of 20 and 56 layers train for 60 steps. Whose training loss is lower?",
    a="56 layers: it has nearly three times the parameters",
    b="20 layers",
    c="no difference worth speaking of",
    answer=...,
)
deeper

# %% experiment="deeper_and_worse"
opening = {depth: stack(depth, block=pair, seed=3) for depth in (20, 56)}
for depth, net in opening.items():
    run = Run(depth, False, fit(net, train, label=f"{depth} layers"))
    print(f"plain, {depth} layers: training loss {run.final:.2f}")

# %% reveal="deeper"
# What is right, and why.
deeper.reveal("b", "The deep one has hardly left log 10 = 2.30, where it knows nothing.")

# %% [markdown]
# The usual suspect for a worse result is overfitting: too many parameters learn the training images
# by heart and fail on others. But an overfitting network does *well* on its training images. This
# one does badly on them. The paper (He, Zhang, Ren and Sun, 2015) calls it **degradation**.
#
# Is it an accident? The trial trains networks of two depths with five seeds each, and asks what
# might mend it: other rates, more steps, or fewer layers.


# %% claim="degradation_training"
# Trial: is a deeper plain network worse on its training images?
def losses(depth: int, *, skip: bool, rate: float, steps: int = 60) -> Tensor:
    """Training loss at the end, one number for each seed."""
    label = f"{depth} layers, {'with' if skip else 'no'} skips, rate {rate:g}"
    return torch.tensor(Deep(depth, skip=skip).fit(train, steps=steps, rate=rate, label=label))


def harm(shallow: int, deep: int, **how: float) -> list[float]:
    """How much higher a deeper plain network's loss ends, seed by seed."""
    return (losses(deep, skip=False, **how) - losses(shallow, skip=False, **how)).tolist()


trial(
    "degradation_training",
    {
        "8 and 32 layers, rate 0.03": harm(8, 32, rate=0.03),
        "8 and 32 layers, rate 0.1": harm(8, 32, rate=0.1),
        "8 and 32 layers, rate 0.03, 120 steps": harm(8, 32, rate=0.03, steps=120),
        "8 and 14 layers, rate 0.01": harm(8, 14, rate=0.01),
    },
)

# %% [markdown]
# Neither another rate nor more steps make up for the depth. Only between 8 and 14 layers, at a rate
# with which both have just begun to learn, is there nothing to see. How was the rate chosen? Of
# 0.01, 0.03 and 0.1, the plain networks of 20 and of 56 layers do about as well with 0.03 as with
# any, so 0.03 is the rate of this lesson.
#
# ### Why this should not be possible
#
# Take the trained network of 20 layers. Put 36 layers behind its convolutions that compute the
# **identity**, $x \mapsto x$. The result has 56 layers and, in evaluation mode, where batch norm
# can be the identity too, exactly the loss of the 20. So a good network of 56 layers exists.
# Gradient descent does not find it, nor one that is as good.
#
# The trouble is not what the deep network *can* compute but what the optimiser *finds*. A pair of
# convolutions with batch norm and ReLU can compute the identity in many ways, since scales can move
# from one layer to the next and channels can change places in between. But each of them is a rare
# arrangement of hundreds of weights, and nothing draws the weights there: they begin as random
# numbers around 0, and weight decay, where it is used, pulls them to 0.
#
# So turn it around: build layers that compute the identity when their weights are *zero*. That is
# what you do in this lesson, and in section 7 your block gets the race of section 1 to run again.

# %% [markdown]
# ## 2 A block that can fall back to the identity
#
# A **residual block** adds its input to what its layers compute. Call the layers' result $F(x)$,
# the **residual**, and the sum $H(x)$:
#
# $$H(x) = F(x) + x, \qquad \text{output} = \mathrm{ReLU}(H(x))$$
#
# If $H$ is the mapping that we would like to have, the layers only learn what is missing,
# $F(x) = H(x) - x$. To get the identity they need $F = 0$. The line around the layers is the **skip
# connection**, or **shortcut**. It has no weights and costs one addition.

# %% experiment="padded_block"
draw_block(PaddedBlock, 16, 16)

# %% [markdown]
# Read the drawing from the left. The **basic block** has two 3x3 convolutions, each with batch
# norm, a ReLU between them, and the addition *before* the last ReLU. Because the input of a block
# comes out of an earlier ReLU, it is nowhere negative, and $F = 0$ gives $\mathrm{ReLU}(x) = x$:
# the whole block is the identity.
#
# Two mistakes are common. One moves the activation to the wrong term, as in $\mathrm{ReLU}(x) +
# F(x)$, which can be negative. The other calls the sum $F$, which is the name of the residual: a
# text that does so and also writes $F(x) = H(x) - x$ says two things that cannot both be true,
# since with a residual of 0 one of them is $x$ and the other 0.

# %% predict="which_sum"
# A question: run this cell and choose.
predict(
    "At one place x is 2 and F(x) is -3. What does the block put out there?",
    a="-1",
    b="0",
    c="2",
    right="b",
    why="ReLU(-3 + 2) = 0; ReLU(x) + F(x) would be -1, and ReLU(F(x)) + x would be 2.",
    answer=...,
)

# %% [markdown]
# ### Where the shape changes
#
# $F(x) + x$ needs two tensors of one shape. But at the start of a stage the image is halved and the
# channels are doubled. Then the shortcut has to change the shape too. The paper has two ways:
#
# - **option A**: take every second pixel, and add channels of zeros. No parameters. The lesson
#   gives you `option_a(in_channels, out_channels, stride=...)`, which makes such a module.
# - **option B**: a 1x1 convolution with the stride, then batch norm. Only where the shape changes;
#   everywhere else the shortcut stays the identity. You write it.
#
# The block of the drawing, where it halves the image, with option A:

# %% experiment="padded_block_halved"
draw_block(PaddedBlock, 16, 32, stride=2)

# %% [markdown]
# ### Exercise: the shortcut
#
# **2 points.** Write option B: return a module. Where stride is 1 and the channels stay, it is
# `nn.Identity()`. Else it is a 1x1 convolution with that stride, followed by `nn.BatchNorm2d`, and
# nothing else. The convolution has no bias, since batch norm would cancel it; graders count the
# parameters. Four lines are enough.

# %% [markdown] hints="shortcut"
# <details><summary>Hint 1: when is the shape the same?</summary>
#
# When both `stride == 1` and `in_channels == out_channels`. One of them is not enough.
#
# </details>
# <details><summary>Hint 2: how do two layers become one module?</summary>
#
# `nn.Sequential(first, second)`.
#
# </details>
# <details><summary>Hint 3: what are the two layers?</summary>
#
# `nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)` and
# `nn.BatchNorm2d(out_channels)`. The 1 is the kernel size; there is no padding.
#
# </details>


# %% exercise="shortcut"
def shortcut(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """Return the identity where the shape stays, else a 1x1 convolution and batch norm.

    The module maps (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride)).
    Arguments are 1 or more.
    """
    ### BEGIN SOLUTION
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )
    ### END SOLUTION


# %% check="shortcut" points=2
# Check of shortcut, 2 points.
import torch

from course.checks import agree, expect, right
from course.weights import load_known

x = torch.tensor([[[[1.0, -2.0], [3.0, 0.5], [-1.0, 2.0]], [[0.0, 4.0], [-3.0, 1.0], [2.0, -0.5]]]])
changed = shortcut(2, 3, stride=2)
load_known(changed)
agree(
    changed.eval()(x).detach(),
    torch.tensor([[[[1.24904], [-1.44914]], [[0.00626], [-2.71492]], [[-0.87733], [3.06902]]]]),
    "shortcut(2, 3, stride=2) with known weights",
    cause="the kernel is not 1x1, the stride or the batch norm is missing, or there is a ReLU.",
    step="a 1x1 convolution with the stride and no padding, then batch norm, and nothing else.",
    rtol=1e-4,
    atol=1e-5,
)
agree(
    shortcut(2, 2, stride=1).eval()(x),
    x,
    "shortcut(2, 2, stride=1)",
    cause="a convolution stands where the shape stays.",
    step="return nn.Identity() there: nothing can be learnt wrong on that path.",
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.weights import known


def expected(x, out, stride, training):
    ends = ("running_mean", "running_var", "weight", "bias")
    y = F.conv2d(x, known("weight", out, x.shape[1], 1, 1, dtype=x.dtype), stride=stride)
    norm = {end: known(end, out, dtype=x.dtype) for end in ends}
    return F.batch_norm(y, **norm, training=training)


wide = torch.linspace(-2, 1, 2 * 3 * 7 * 4, dtype=torch.float64).reshape(2, 3, 4, 7).transpose(2, 3)
for out, stride in ((5, 2), (5, 1), (3, 2), (2, 3), (2, 1)):
    for training in (False, True):
        module = shortcut(3, out, stride=stride).to(torch.float64)
        load_known(module)
        module.train() if training else module.eval()
        agree(
            module(wide).detach(),
            expected(wide, out, stride, training),
            f"shortcut(3, {out}, stride={stride}) in float64, {training=}",
            cause="only one change of shape was thought of, or batch norm is missing.",
            step="use the identity only where stride is 1 and the channels stay as well.",
            rtol=1e-9,
            atol=1e-10,
        )
expect(
    sum(p.numel() for p in shortcut(3, 5, stride=2).parameters()) == 25
    and not list(shortcut(3, 3, stride=1).parameters()),
    "shortcut has the wrong number of parameters; expected 3 x 5 + 2 x 5, the identity none.",
    cause="the convolution has a bias, which the batch norm behind it cancels.",
    step="pass bias=False.",
)
### END HIDDEN TESTS
right("shortcut", points=2)

# %% [markdown]
# ### Exercise: the basic block
#
# **4 points.** Build the block of the drawing. `residual(x)` computes $F(x)$ alone: convolution,
# batch norm, ReLU, convolution, batch norm. `forward(x)` adds what comes around and applies the
# last ReLU. The first convolution has the stride; no convolution has a bias, and each has a batch
# norm of its own. A gradient reaches every parameter.
#
# What lies on the way around is an argument: `skip` is a function that makes it, and is called as
# `skip(in_channels, out_channels, stride=stride)`. The lesson gives you two such functions. With
# `option_a` the block is residual; with `no_skip`, whose module returns 0, it is a plain pair of
# layers. Your `shortcut` is a third. So one class serves both sides of the race in section 7. Keep
# what `skip` makes in `self.downsample`, which is what torchvision calls it: the check does not
# need the name, but functions that you write later look for it.

# %% [markdown] hints="basic_block"
# <details><summary>Hint 1: what does the constructor need?</summary>
#
# Five modules as attributes: `conv1`, `bn1`, `conv2`, `bn2`, `downsample`. Call
# `super().__init__()` first, or torch cannot register them. The last of the five is what
# `skip(in_channels, out_channels, stride=stride)` returns.
#
# </details>
# <details><summary>Hint 2: which padding keeps the size?</summary>
#
# A 3x3 convolution needs `padding=1`. The first reads in_channels, the second out_channels.
#
# </details>
# <details><summary>Hint 3: and the forward pass?</summary>
#
# `F.relu(self.residual(x) + self.downsample(x))`. In `residual` there is one ReLU, behind `bn1`.
#
# </details>


# %% exercise="basic_block"
class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a way around them that skip makes.

    Maps (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        skip: Callable[..., nn.Module] = option_a,
    ) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        around = skip(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = around
        ### END SOLUTION

    def residual(self, x: Tensor) -> Tensor:
        """Return F(x), what the block adds to its input."""
        ### BEGIN SOLUTION
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return x
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x) + skip(x))."""
        ### BEGIN SOLUTION
        return F.relu(self.residual(x) + self.downsample(x))
        ### END SOLUTION


# %% check="basic_block" points=4
# Check of basic_block, 4 points.
import torch

from course.checks import agree, expect, right, unchanged
from course.weights import load_known

x = torch.tensor([[[[1.0, -2.0], [3.0, 0.5], [-1.0, 2.0]], [[0.0, 4.0], [-3.0, 1.0], [2.0, -0.5]]]])
before = x.clone()
cause = "the sum and the last ReLU are in another order, a layer is missing, or skip is not called."
step = "conv, norm, ReLU, conv, norm, plus what skip(in_channels, out_channels, ...) makes, ReLU."
for name, skip, wanted in (
    ("no_skip", no_skip, [[[[0.0], [0.92196]], [[1.26059], [0.0]], [[0.23427], [0.0]]]]),
    ("option_a", option_a, [[[[0.0], [0.0]], [[1.26059], [1.78489]], [[0.23427], [0.0]]]]),
):
    block = BasicBlock(2, 3, stride=2, skip=skip)
    load_known(block)
    y, what = block.eval()(x), f"BasicBlock(2, 3, stride=2, skip={name}) with known weights"
    agree(y.detach(), torch.tensor(wanted), what, cause=cause, step=step, rtol=1e-4, atol=1e-5)
unchanged(x, before, "BasicBlock(2, 3, stride=2)(x)")
### BEGIN HIDDEN TESTS
agree(
    block.residual(x).detach(),
    torch.tensor([[[[-1.62947], [0.92196]], [[1.26059], [-0.21511]], [[0.23427], [-1.15652]]]]),
    "BasicBlock(2, 3, stride=2).residual(x), with known weights",
    cause="residual adds what comes around already, or applies the last ReLU.",
    step="let residual return F(x) alone, and do the rest in forward.",
    rtol=1e-4,
    atol=1e-5,
)
import torch.nn.functional as F

from course.weights import known


def expected(x, out, stride, around, training):
    def norm(y):
        ends = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(
            y, **{end: known(end, out, dtype=y.dtype) for end in ends}, training=training
        )

    def conv(y, size, stride=1):
        weight = known("weight", out, y.shape[1], size, size, dtype=y.dtype)
        return F.conv2d(y, weight, stride=stride, padding=size // 2)

    inner = norm(conv(F.relu(norm(conv(x, 3, stride))), 3))
    if around == "nothing":
        return F.relu(inner)
    if around == "with a norm":
        ends = ("running_mean", "running_var", "weight", "bias")
        norms = {end: known(end, x.shape[1], dtype=x.dtype) for end in ends}
        x = F.batch_norm(x, **norms, training=training)
    return F.relu(inner + F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, out - x.shape[1])))


wide = torch.linspace(-2, 1, 2 * 3 * 7 * 4).cos().reshape(2, 3, 4, 7).transpose(2, 3)
cases = (
    (5, 2, torch.float64, "with a norm", {"skip": normed}),
    (3, 1, torch.float32, "option A", {}),
    (4, 3, torch.float64, "nothing", {"skip": no_skip}),
)
for out, stride, dtype, around, options in cases:
    for training in (False, True):
        block = BasicBlock(3, out, stride=stride, **options).to(dtype)
        load_known(block)
        block.train() if training else block.eval()
        x, y = (wide.to(dtype).detach().requires_grad_() for _ in range(2))
        output, wanted = block(x), expected(y, out, stride, around, training)
        agree(
            output.detach(),
            wanted.detach(),
            f"BasicBlock(3, {out}, stride={stride}), {around}, {dtype}, {training=}",
            cause="the stride sits in the wrong layer, skip is not called as the text says, or two "
            "places share one batch norm.",
            step="stride in the first convolution and in the call of skip; a batch norm for each.",
            rtol=1e-4,
            atol=1e-5,
        )
        weights = torch.arange(output.numel(), dtype=dtype).sin().reshape(output.shape)
        (output * weights).sum().backward()
        (wanted * weights).sum().backward()
        agree(
            x.grad,
            y.grad,
            f"the gradient of BasicBlock(3, {out}, stride={stride}) for its input",
            cause="a part of the block was detached, or the skip carries something else than x.",
            step="stay in torch operations, and do not change x in place.",
            rtol=1e-3,
            atol=1e-4,
        )
        idle = [n for n, p in dict(block.named_parameters()).items() if p.grad is None]
        expect(
            not idle,
            f"no gradient reaches {', '.join(idle)}.",
            cause="a layer is defined and not used, perhaps because another is used twice.",
            step="use every layer once.",
        )
for channels, stride, count in (((4, 6), 1, 564), ((4, 4), 1, 304), ((4, 4), 2, 304)):
    found = sum(p.numel() for p in BasicBlock(*channels, stride=stride).parameters())
    expect(
        found == count,
        f"BasicBlock{channels} with stride {stride} has {found} parameters, expected {count}.",
        cause="a convolution has a bias, or the way around is not what option_a makes.",
        step="bias=False everywhere, and only skip decides what lies on the way around.",
    )
expect(
    BasicBlock(4, 4).eval()(wide.new_ones(1, 4, 5, 3)).shape == (1, 4, 5, 3),
    "BasicBlock(4, 4) changes the size of images.",
    cause="the stride is not 1 where none is given.",
    step="keep the signature as it stands there.",
)
### END HIDDEN TESTS
right("basic_block", points=4)

# %% [markdown]
# The drawing of your block, with your shortcut around it, made from your code:

# %% experiment="basic_block"
draw_block(BasicBlock, 16, 32, stride=2, skip=shortcut)

# %% [markdown]
# **What you built.** A pair of layers with a way around it. Whatever the pair computes at the
# start, the input is one of the two terms of the sum. Section 3 measures what that is worth.
# Nothing on the way around has to be learnt, except where the shape changes.

# %% [markdown]
# ## 3 What the sum does to a gradient
#
# Differentiate $H(x) = F(x) + x$:
#
# $$\frac{dH}{dx} = I + \frac{dF}{dx}$$
#
# $I$ is the identity matrix. A gradient that comes back through the block arrives in two parts, one
# through the layers and one as it is. Through a chain of $L$ blocks without last ReLUs the product
# $\prod (I + F_l')$ contains the term $I$: a part of the gradient reaches the first block without
# having met a single weight. In a plain chain there is only $\prod F_l'$.

# %% predict="jacobian_of_chain"
# A question: run this cell and choose.
predict(
    "Ten blocks without last ReLUs, each with F' = -I/2. What is the Jacobian of the chain?",
    a="I or more: the skips let a gradient pass",
    b="about I/1000",
    c="about 58 I",
    right="b",
    why="(I - I/2) ten times is I/1024: the term I is in the product, and others cancel it.",
    answer=...,
)

# %% [markdown]
# ### Exercise: the Jacobian of a block
#
# **3 points, and 0.5 for the habit.** For one image `x` of shape (1, C, H, W), return the Jacobian
# of $H(x) = F(x) + x$ as a matrix of $C \cdot H \cdot W$ rows and columns. Row $i$, column $j$ says
# how number $i$ of $H$ changes with number $j$ of $x$, both in the order of `x.flatten()`. It is
# the derivative of $H$, so the last ReLU plays no part.
#
# A block here is any module with a method `residual`, which is $F$. It is in evaluation mode, and
# its `downsample`, what lies on the way around, is the identity. The result has the dtype of `x`,
# and `x` stays as it is.
#
# The habit: it is easily forgotten to call `block.eval()`, and in training mode batch norm makes
# $F$ depend on the statistics of `x`, so that the result would mean something else. Refuse such a
# block with a `ValueError` whose message says so; `block.training` tells.

# %% [markdown] hints="residual_jacobian"
# <details><summary>Hint 1: who computes dF/dx?</summary>
#
# `torch.func.jacrev(function)(x)` returns all derivatives of `function` at `x`, in one tensor.
#
# </details>
# <details><summary>Hint 2: what is its shape?</summary>
#
# That of the output, then that of the input: (1, C, H, W, 1, C, H, W). With n = C H W numbers on
# either side, `reshape(n, n)` makes it a matrix.
#
# </details>
# <details><summary>Hint 3: and the identity matrix?</summary>
#
# `torch.eye(n, dtype=x.dtype, device=x.device)`. The refusal of the habit goes before all that.
#
# </details>


# %% exercise="residual_jacobian"
def residual_jacobian(block: nn.Module, x: Tensor) -> Tensor:
    """Return the Jacobian of H(x) = F(x) + x at one image: the identity plus dF/dx.

    x has shape (1, C, H, W), the result (C H W, C H W). Raises ValueError for a block in training
    mode.
    """
    ### BEGIN SOLUTION
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError(
            f"block has training={block.training} and shortcut {block.downsample}; "
            "expected evaluation mode, block.eval(), and an identity shortcut"
        )
    n = x.numel()
    # (1, C, H, W, 1, C, H, W)
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
    ### END SOLUTION


# %% check="residual_jacobian" points=3
# Check of residual_jacobian, 3 points.
import torch

from course.checks import agree, right, unchanged
from course.weights import load_known

given = PaddedBlock(1, 1)
load_known(given)
given.eval()
agree(
    residual_jacobian(given, torch.tensor([[[[1.0, 2.0], [-1.0, 0.5]]]])),
    torch.tensor(
        [
            [0.59189, 0.37685, 0.18421, -0.01195],
            [-0.51384, 1.51181, 0.42410, 0.18421],
            [-0.30933, 0.35794, 1.51181, 0.37685],
            [0.25075, -0.30933, -0.51384, 0.59189],
        ]
    ),
    "residual_jacobian of a block with one channel at an image of 2x2 pixels",
    cause="the identity is missing, or there twice because the block adds it already; rows and "
    "columns are exchanged; or the last ReLU got in.",
    step="the identity matrix plus the derivative of block.residual, as a matrix.",
    rtol=1e-4,
    atol=1e-4,
)
### BEGIN HIDDEN TESTS
# With so large a shift in F the last ReLU does nothing: the block's outputs are those of H.
for make, channels, last in ((PaddedBlock, 2, "bn2.bias"), (LongBlock, 3, "bn3.bias")):
    block = make(channels, channels).to(torch.float64)
    load_known(block)
    block.load_state_dict({**block.state_dict(), last: torch.full((channels,), 100.0)})
    block.eval()
    n = channels * 6
    x = torch.linspace(-1, 2, n, dtype=torch.float64).cos().reshape(1, channels, 2, 3)
    x = x.transpose(2, 3)
    before = x.clone()
    steps = 1e-6 * torch.eye(n, dtype=torch.float64).reshape(n, 1, *x.shape[1:])
    columns = [((block(x + s) - block(x - s)) / 2e-6).detach().flatten() for s in steps]
    agree(
        residual_jacobian(block, x),
        torch.stack(columns, dim=1),
        f"residual_jacobian in float64 with {channels} channels, against central differences",
        cause="rows and columns are exchanged, or numbers are not in the order of x.flatten().",
        step="jacrev gives output dimensions first; reshape it to (n, n).",
        rtol=1e-5,
        atol=1e-5,
    )
    unchanged(x, before, "residual_jacobian(block, x)")

# With a residual of 0 the Jacobian is the identity, also where the last ReLU would cut.
block = PaddedBlock(2, 2)
load_known(block)
state = {name: t * 0 if name.startswith("bn2") else t for name, t in block.state_dict().items()}
state["bn2.running_var"] = torch.ones(2)
block.load_state_dict(state)
agree(
    residual_jacobian(block.eval(), torch.linspace(-1, 1, 8).reshape(1, 2, 2, 2)),
    torch.eye(8),
    "residual_jacobian of a block whose residual is 0, at negative inputs",
    cause="the derivative of the block's output was taken, with its last ReLU.",
    step="differentiate block.residual, not block.",
)
### END HIDDEN TESTS
right("residual_jacobian", points=3)

# %% habit="residual_jacobian" points=0.5
# Habit of residual_jacobian, 0.5 points: it refuses a block in training mode.
import torch

from course.checks import refuses, right

refuses(
    lambda: residual_jacobian(PaddedBlock(2, 2), torch.ones(1, 2, 2, 2)),
    "residual_jacobian of a block in training mode",
    word="",
)
### BEGIN HIDDEN TESTS
refuses(
    lambda: residual_jacobian(LongBlock(1, 1), torch.ones(1, 1, 3, 2)),
    "residual_jacobian of a longer block in training mode",
    word="",
)
### END HIDDEN TESTS
right("residual_jacobian", points=0.5, habit=True)

# %% [markdown]
# What does the identity do to a Jacobian? The singular values say by which factors a matrix
# stretches: the smallest and the largest of $F'$ and of $I + F'$, for the first block of a residual
# network at its initial weights and one image.

# %% experiment="singular_values"
own = yours_or_given(BasicBlock)
print(f"The blocks: {own}.")
net = stack(20, block=own.function, seed=0).eval()
with torch.no_grad():
    x = net[:3](train.images[:1])
try:
    jacobian = residual_jacobian(net[3], x)
    for name, matrix in (("F'", jacobian - torch.eye(len(jacobian))), ("I + F'", jacobian)):
        values = torch.linalg.svdvals(matrix)
        print(f"{name}: smallest {values.min():.1e}, largest {values.max():.2f}")
except NotImplementedError:
    print("residual_jacobian is not written yet")

# %% [markdown]
# The smallest factor of $F'$ is 0 up to rounding: behind a plain pair of layers that direction is
# lost. With the identity it is small, but far from 0. The largest hardly changes.

# %% [markdown]
# ### A chain of blocks
#
# Next, a gradient goes back through many blocks of equal shape, with 8 channels, at initial
# weights. The size of a gradient is its root mean square, measured before each block, and at the
# end of the last block it is 1.

# %% predict="plain_with_norm"
# A question: run this cell and choose.
plain_with_norm = predict(
    "55 plain layers with batch norm. How large is the gradient before the first block?",
    a="below 0.001",
    b="between 0.1 and 10",
    c="above 1,000",
    answer=...,
)
plain_with_norm

# %% [markdown]
# ### Explore
#
# Start with batch norm off and torch's default spread, and switch the skip. Then switch batch norm
# on and do it again: which curve reaches the first block with *less*, and which with far too much?
# Batch norm off and He's spread: does a skip always help? `block` lets you try your own.

# %% experiment="gradients"
gradients(BasicBlock=BasicBlock)

# %% [markdown]
# ### Do skips cure vanishing gradients?
#
# Many texts say so, and say that this is why plain networks fail. The first part can be had: with
# torch's default spread and no batch norm, a plain gradient is gone and a residual one is not.
#
# But the plain networks of the paper had batch norm and He's initial weights. Its authors looked at
# their gradients and call their norms healthy, without numbers: they do not vanish. They write that
# vanishing gradients are unlikely to be the cause, and that they suspect very slow convergence;
# they leave the cause open.

# %% claim="skips_cure_vanishing"
# Trial: does more of a gradient arrive with skips?
spreads = {"torch's default": 6**-0.5, "He's": 1.0}


def gain_by_skips(layers: int, *, norm: bool, spread: str) -> list[float]:
    """How many times more of a gradient arrives with skips than without, seed by seed."""
    how = {"layers": layers, "norm": norm, "spread": spreads[spread]}
    return [
        arriving(skip=True, seed=seed, **how) / arriving(skip=False, seed=seed, **how)
        for seed in SEEDS
    ]


trial(
    "skips_cure_vanishing",
    {
        f"{layers} layers, {'' if norm else 'no '}batch norm, {spread} spread": gain_by_skips(
            layers, norm=norm, spread=spread
        )
        for layers, norm, spread in (
            (55, False, "torch's default"),
            (9, False, "torch's default"),
            (55, False, "He's"),
            (55, True, "He's"),
            (9, True, "He's"),
        )
    },
)

# %% reveal="plain_with_norm"
# What is right, and why.
plain_with_norm.reveal("c", "Nothing vanishes: at the start it grows from layer to layer.")

# %% [markdown]
# Those were chains of equal blocks. Now the networks of 56 layers themselves: the gradient of the
# loss before their first block, over that behind the last, at the start and after the training of
# section 1.

# %% experiment="backflow"
images, labels = train.images[:32], train.labels[:32]
for kind, skip in (("plain", no_skip), ("residual", option_a)):
    net = stack(56, block=partial(own.function, skip=skip), seed=3)
    print(f"{kind}, 56 layers, at the start: {backflow(net, images, labels):,.0f}")
print(f"plain, 56 layers, after 60 steps: {backflow(opening[56], images, labels):.1f}")

# %% [markdown]
# So "vanishing" does not describe what stops our plain network of 56 layers, which has batch norm.
# At the start its gradient *grows* towards the input, more than a thousand times by the first block
# (Yang et al., 2019, explain why). With skips it grows less than a hundred times. After 60 steps
# the growth is nearly gone, and the plain network has still learnt hardly anything. This fits what
# the authors say: a gradient that is too large at the start does not vanish, and they do not say
# how large theirs were.
#
# ### What the sum does to a signal
#
# And without batch norm, with He's spread, it is the *residual* gradient that explodes. The reason
# shows on the way forward: every block adds its $F(x)$ to what it got.

# %% predict="variance_with_norm"
# A question: run this cell and choose.
predict(
    "With batch norm, F(x) has variance 1 in every block. How does the variance of the sum grow?",
    a="it doubles from block to block",
    b="by about the same amount in every block",
    c="not at all",
    right="b",
    why="Variances of independent terms add up, and each block adds one term of equal size.",
    answer=...,
)

# %% experiment="variances"
variances(BasicBlock)

# %% [markdown]
# Without batch norm the variance of $F(x)$ is in proportion to that of $x$, so each block
# multiplies what it gets, and after 27 blocks the variance is more than 100,000 times what it was.
# With batch norm each block adds about as much as any other, and 27 of them end below a hundred.
# That has a second consequence: to a deep block, its own $F(x)$ is a small correction of a large
# $x$, so the network begins near the identity (De and Smith, 2020).
#
# What skips do for a gradient depends on what else is in the network. What they do for the
# *training* is measured in section 7.

# %% [markdown]
# ## 4 From blocks to networks
#
# Before that, the other block of the paper and the networks made of them.
#
# ### The bottleneck
#
# With 256 channels a basic block has $2 \cdot 9 \cdot 256^2 \approx 1.18$ million weights. The
# **bottleneck block** does its 3x3 convolution on a quarter of the channels: a 1x1 convolution
# reduces them, a 3x3 looks around, a 1x1 brings them back.

# %% predict="bottleneck_cost"
# A question: run this cell and choose.
predict(
    "How many weights do the convolutions of a bottleneck with 256, 64 and 256 channels have?",
    a="about 70 thousand, 1/17 of the basic block",
    b="about 295 thousand, 1/4",
    c="about 590 thousand, 1/2",
    right="a",
    why=f"256 x 64 + 9 x 64 x 64 + 64 x 256 = {2 * 256 * 64 + 9 * 64 * 64:,}.",
    answer=...,
)

# %% [markdown]
# ### Exercise: the bottleneck block
#
# **3 points.** `BottleneckBlock(in_channels, width)` gives out `4 * width` channels. $F$ is 1x1
# convolution to `width`, batch norm, ReLU, 3x3 convolution, batch norm, ReLU, 1x1 convolution to `4
# * width`, batch norm. Then, as before, addition and ReLU.
#
# Where does the stride go? In the paper into the first 1x1, in torchvision into the 3x3, which then
# sees every pixel. The number of parameters is the same. Put it into the 3x3. The rest is as in the
# basic block: no biases, a batch norm for each convolution, and `skip(...)` makes what lies on the
# way around, from in_channels to `4 * width`.

# %% [markdown] hints="bottleneck_block"
# <details><summary>Hint 1: which shapes do the convolutions have?</summary>
#
# in_channels to width (1x1), width to width (3x3, padding 1, stride), width to 4 * width (1x1).
#
# </details>
# <details><summary>Hint 2: what does the shortcut connect?</summary>
#
# in_channels with `4 * width`, under the same stride: `skip(in_channels, 4 * width,
# stride=stride)`.
#
# </details>
# <details><summary>Hint 3: how many ReLUs?</summary>
#
# Three: behind the first and the second batch norm, and behind the addition.
#
# </details>


# %% exercise="bottleneck_block"
class BottleneckBlock(nn.Module):
    """1x1 to width channels, 3x3, 1x1 to 4 * width, and a way around them that skip makes.

    Maps (N, in_channels, H, W) to (N, 4 * width, ceil(H / stride), ceil(W / stride)), with the
    stride in the 3x3 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        skip: Callable[..., nn.Module] = option_a,
    ) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        around = skip(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = around
        ### END SOLUTION

    def residual(self, x: Tensor) -> Tensor:
        """Return F(x), what the block adds to its input."""
        ### BEGIN SOLUTION
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return x
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Return ReLU(F(x) + skip(x))."""
        ### BEGIN SOLUTION
        return F.relu(self.residual(x) + self.downsample(x))
        ### END SOLUTION


# %% check="bottleneck_block" points=3
# Check of bottleneck_block, 3 points.
import torch

from course.checks import agree, expect, right, unchanged
from course.weights import load_known

x = torch.tensor([[[[1.0, -2.0], [3.0, 0.5], [-1.0, 2.0]], [[0.0, 4.0], [-3.0, 1.0], [2.0, -0.5]]]])
before = x.clone()
block = BottleneckBlock(2, 1, stride=2)
load_known(block)
agree(
    block.eval()(x).detach().flatten(1),
    torch.tensor([[1.11819, 2.22793, 0.03361, 1.46541, 0.0, 0.0, 0.0, 0.0]]),
    "BottleneckBlock(2, 1, stride=2) with known weights, flattened",
    cause="a ReLU or a batch norm is missing, or the stride sits in a 1x1 convolution.",
    step="1x1, norm, ReLU, 3x3 with the stride, norm, ReLU, 1x1, norm, plus skip, ReLU.",
    rtol=1e-4,
    atol=1e-5,
)
unchanged(x, before, "BottleneckBlock(2, 1, stride=2)(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.weights import known


def expected(x, width, stride, around, training):
    def layer(y, out, size, stride=1):
        weight = known("weight", out, y.shape[1], size, size, dtype=y.dtype)
        y = F.conv2d(y, weight, stride=stride, padding=size // 2)
        ends = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(
            y, **{end: known(end, out, dtype=y.dtype) for end in ends}, training=training
        )

    inner = F.relu(layer(F.relu(layer(x, width, 1)), width, 3, stride))
    inner = layer(inner, 4 * width, 1)
    if around == "nothing":
        return F.relu(inner)
    if around == "with a norm":
        ends = ("running_mean", "running_var", "weight", "bias")
        norms = {end: known(end, x.shape[1], dtype=x.dtype) for end in ends}
        x = F.batch_norm(x, **norms, training=training)
    extra = 4 * width - x.shape[1]
    return F.relu(inner + F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, extra)))


wide = torch.linspace(-2, 1, 2 * 8 * 7 * 4).cos().reshape(2, 8, 4, 7).transpose(2, 3)
cases = (
    (3, 2, torch.float64, "with a norm", {"skip": normed}),
    (2, 1, torch.float32, "option A", {}),
    (3, 3, torch.float64, "nothing", {"skip": no_skip}),
)
for width, stride, dtype, around, options in cases:
    for training in (False, True):
        block = BottleneckBlock(8, width, stride=stride, **options).to(dtype)
        load_known(block)
        block.train() if training else block.eval()
        x, y = (wide.to(dtype).detach().requires_grad_() for _ in range(2))
        output, wanted = block(x), expected(y, width, stride, around, training)
        agree(
            output.detach(),
            wanted.detach(),
            f"BottleneckBlock(8, {width}, stride={stride}), {around}, {dtype}, {training=}",
            cause="the stride sits in the wrong layer, skip is not called as the text says, or two "
            "places share one batch norm.",
            step="stride in the 3x3 convolution and in the call of skip; one batch norm for each.",
            rtol=1e-4,
            atol=1e-5,
        )
        weights = torch.arange(output.numel(), dtype=dtype).sin().reshape(output.shape)
        (output * weights).sum().backward()
        (wanted * weights).sum().backward()
        agree(
            x.grad,
            y.grad,
            f"the gradient of BottleneckBlock(8, {width}, stride={stride}) for its input",
            cause="a part of the block was detached, or the skip carries something else than x.",
            step="stay in torch operations, and do not change x in place.",
            rtol=1e-3,
            atol=1e-4,
        )
        idle = [n for n, p in dict(block.named_parameters()).items() if p.grad is None]
        expect(
            not idle,
            f"no gradient reaches {', '.join(idle)}.",
            cause="a layer is defined and not used, perhaps because another is used twice.",
            step="use every layer once.",
        )
block = BottleneckBlock(8, 2)
load_known(block)
block.eval()
agree(
    block(wide).detach(),
    F.relu(block.residual(wide) + wide).detach(),
    "BottleneckBlock(8, 2)(x), against ReLU(residual(x) + x),",
    cause="residual adds what comes around already, or applies the last ReLU.",
    step="let residual return F(x) alone, and do the rest in forward.",
    rtol=1e-4,
    atol=1e-5,
)
for args, stride, count in (((8, 3), 1, 177), ((8, 2), 1, 92), ((256, 64), 1, 70400)):
    found = sum(p.numel() for p in BottleneckBlock(*args, stride=stride).parameters())
    expect(
        found == count,
        f"BottleneckBlock{args} has {found} parameters, expected {count}.",
        cause="a convolution has a bias, or the way around is not what option_a makes.",
        step="bias=False everywhere, and only skip decides what lies on the way around.",
    )
expect(
    BottleneckBlock(4, 2).eval()(wide.new_ones(1, 4, 5, 3)).shape == (1, 8, 5, 3),
    "BottleneckBlock(4, 2) changes the size of images.",
    cause="the stride is not 1 where none is given.",
    step="keep the signature as it stands there.",
)
### END HIDDEN TESTS
right("bottleneck_block", points=3)

# %% experiment="bottleneck_block"
draw_block(BottleneckBlock, 64, 64, skip=shortcut)

# %% [markdown]
# ### The networks of the paper
#
# For ImageNet, a 7x7 convolution and a max pool take the image from 224 to 56 pixels. Then come
# four stages of blocks; each stage but the first halves the image in its first block and doubles
# the channels. At the end there is one average over all pixels and one dense layer: no three dense
# layers as in VGG, and so far fewer parameters.
#
# | network | blocks per stage | block | parameters | multiply-adds, in $10^9$ |
# |---|---|---|---|---|
# | ResNet-18 | 2, 2, 2, 2 | basic | 11,689,512 | 1.8 |
# | ResNet-34 | 3, 4, 6, 3 | basic | 21,797,672 | 3.7 |
# | ResNet-50 | 3, 4, 6, 3 | bottleneck | 25,557,032 | 4.1 (stride in the 3x3) |
# | ResNet-101 | 3, 4, 23, 3 | bottleneck | 44,549,160 | 7.8 |
# | VGG-16, to compare | | | 138,357,544 | 15.5 |
#
# The name counts the layers with weights on the long way: 16 blocks of three, the first convolution
# and the dense layer are 50. Projections on the shortcuts are not counted. ResNet-50 has one even
# in its first stage, where the stride is 1: the first block goes from 64 to 256 channels.
#
# For images of 32x32 pixels the paper has a narrower family, and that is the one you build: a 3x3
# convolution with 16 channels, batch norm, ReLU; three stages of `n` basic blocks with 16, 32 and
# 64 channels, option A; average; dense layer. That makes $6n + 2$ layers. The network of our
# experiment has the same form with half the channels. A solid arc is an identity; a dashed one
# changes the shape.

# %% experiment="residual_network"
draw_network(stack(20, block=own.function, seed=0), (1, 8, 8), title="residual, 20 layers")

# %% [markdown]
# ### Exercise: the network
#
# **4 points.** `blocks` says how many blocks each stage has; there may be fewer or more than three
# stages. The channels start at 16 and double from stage to stage. `block` is the class that the
# blocks are made of, and is called as `block(in_channels, out_channels, stride=...)`. Where none is
# passed it is the given `PaddedBlock`, a finished block with option A, so that this exercise is
# graded on its own. The network has to take images of any size. Return a module that ends with the
# logits. All numbers are 1 or more, and there is at least one stage.

# %% [markdown] hints="make_resnet"
# <details><summary>Hint 1: how do I go through the stages?</summary>
#
# `for i, count in enumerate(blocks):`, and a variable that holds the channels so far.
#
# </details>
# <details><summary>Hint 2: which block of a stage differs from the others?</summary>
#
# The first: it alone changes the number of channels, and the size of the image where the text asks
# for it. Look at the drawing: which of the three stages begins with a solid arc, and why?
#
# </details>
# <details><summary>Hint 3: and behind the last stage?</summary>
#
# An average that takes any size, `nn.AdaptiveAvgPool2d(1)`, then `nn.Flatten()` and the dense
# layer. No softmax: the loss brings its own. `nn.Sequential(*layers)` makes a list of layers a
# module.
#
# </details>


# %% exercise="make_resnet"
def make_resnet(
    blocks: Sequence[int],
    *,
    num_classes: int,
    in_channels: int = 3,
    block: Callable[..., nn.Module] = PaddedBlock,
) -> nn.Sequential:
    """Return a ResNet for small images: stages of 16, 32, 64, ... channels.

    Maps (N, in_channels, H, W) to logits (N, num_classes).
    """
    ### BEGIN SOLUTION
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    # N x 3 x 32 x 32
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(16),
        relu=nn.ReLU(inplace=True),
    )
    # N x 16 x 32 x 32
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        first = block(channels, width, stride=1 if i == 0 else 2)
        rest = (block(width, width) for _ in range(count - 1))
        layers[f"layer{i + 1}"] = nn.Sequential(first, *rest)
        channels = width
    # N x 64 x 8 x 8
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    # N x 64
    layers["fc"] = nn.Linear(channels, num_classes)
    return nn.Sequential(layers)
    ### END SOLUTION


# %% check="make_resnet" points=4
# Check of make_resnet, 4 points.
import torch

from course.checks import agree, expect, right
from course.weights import load_known

net = make_resnet([1, 2, 1], num_classes=4)
found = sum(p.numel() for p in net.parameters())
expect(
    found == 93460,
    f"make_resnet([1, 2, 1], num_classes=4) has {found:,} parameters, expected 93,460.",
    cause="a stage has other widths or another number of blocks, or the first convolution a bias.",
    step="16, 32, 64 channels; one, two and one block; bias=False before batch norm.",
)
load_known(net)
x = torch.linspace(-1, 2, 105).reshape(1, 3, 7, 5)
agree(
    net.eval()(x).detach(),
    torch.tensor([[-0.77054, 0.18687, 1.41384, -0.08575]]),
    "make_resnet([1, 2, 1], num_classes=4) with known weights",
    cause="the order of the layers, a stride or the average at the end differs.",
    step="conv, norm, ReLU; stages, stride 2 at the start of all but the first; average; dense.",
    rtol=1e-3,
    atol=1e-4,
)
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.weights import known


def layer(y, out, training, stride=1):
    weight = known("weight", out, y.shape[1], 3, 3, dtype=y.dtype)
    y = F.conv2d(y, weight, stride=stride, padding=1)
    ends = ("running_mean", "running_var", "weight", "bias")
    norm = {end: known(end, out, dtype=y.dtype) for end in ends}
    return F.batch_norm(y, **norm, training=training)


def expected(x, blocks, classes, training):
    x = F.relu(layer(x, 16, training))
    for i, count in enumerate(blocks):
        for j in range(count):
            width, stride = 16 * 2**i, 2 if i > 0 and j == 0 else 1
            extra = width - x.shape[1]
            skip = F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, 0, extra))
            y = F.relu(layer(x, width, training, stride))
            x = F.relu(layer(y, width, training) + skip)
    weight = known("weight", classes, x.shape[1], dtype=x.dtype)
    return x.mean(dim=(2, 3)) @ weight.T + known("bias", classes, dtype=x.dtype)


cases = (([1], 3, 2), ([2, 1], 5, 1), ((1, 1, 2), 2, 3), ([1, 1, 1, 1], 7, 1))
for blocks, classes, channels in cases:
    for training in (False, True):
        net = make_resnet(blocks, num_classes=classes, in_channels=channels).to(torch.float64)
        load_known(net)
        net.train() if training else net.eval()
        x = torch.linspace(-2, 1, 3 * channels * 99, dtype=torch.float64).cos()
        x = x.reshape(3, channels, 9, 11).transpose(2, 3)
        agree(
            net(x).detach(),
            expected(x, blocks, classes, training),
            f"make_resnet({blocks}, num_classes={classes}, in_channels={channels}), {training=}",
            cause="the number of stages, in_channels or the size of images is taken for granted.",
            step="loop over blocks, use every argument, and average over whatever size is left.",
            rtol=1e-6,
            atol=1e-8,
        )
published = sum(p.numel() for p in make_resnet((3, 3, 3), num_classes=10).parameters())
expect(
    published == 269722,
    f"with three blocks per stage and ten classes it has {published:,} parameters, expected the "
    "269,722 of the paper's ResNet-20.",
    cause="the shortcuts have parameters, or a layer was added or left out.",
    step="use block for every block, and nothing else behind the first convolution.",
)
longer = sum(p.numel() for p in make_resnet([1, 1], num_classes=2, block=LongBlock).parameters())
expect(
    longer == 30770,
    f"make_resnet([1, 1], num_classes=2, block=LongBlock) has {longer:,} parameters, expected "
    "30,770.",
    cause="the argument block is ignored.",
    step="make every block by block(...).",
)
### END HIDDEN TESTS
right("make_resnet", points=4)

# %% [markdown]
# ## 5 A network that can do without a block
#
# If a block adds a correction to its input, its neighbours do not depend on it entirely. One often
# reads that skips let information pass by layers that fail. Take it literally: remove a block from
# a trained network of 20 layers, without training it again, and measure the accuracy on 500
# training images. Of the nine blocks two change the shape and stay; the other seven are removed,
# first one at a time, then all. (Batch norm uses the statistics of these images here; its running
# averages have not settled after 60 steps.)

# %% predict="remove_a_block"
# A question: run this cell and choose.
remove_a_block = predict(
    "In a trained residual network, one block becomes the identity. For most blocks, accuracy ...",
    a="falls to that of guessing, 10 percent",
    b="falls by half",
    c="falls by less than 10 points",
    answer=...,
)
remove_a_block

# %% claim="bypass"
# Trial: does a trained network do without its blocks?
removable = (0, 1, 2, 4, 5, 7, 8)


def lost(net: Deep, *blocks: int) -> Tensor:
    """Share of right answers that a network loses without these blocks, seed by seed."""
    with torch.no_grad():
        hits = [
            (net.scores(train.images[:500], without=gone).argmax(dim=-1) == train.labels[:500])
            for gone in ((), blocks)
        ]
    return (hits[0].double() - hits[1].double()).mean(dim=1)


residual, pairs = (Deep(20, skip=skip) for skip in (True, False))
for net, kind in ((residual, "residual"), (pairs, "plain")):
    net.fit(train, steps=60, rate=0.03, label=f"20 layers, {kind}")
one = torch.stack([lost(residual, block) for block in removable])
trial(
    "bypass",
    {
        "residual, the median of seven blocks": one.median(dim=0).values.tolist(),
        "residual, the block that is missed most": one.amax(dim=0).tolist(),
        "residual, all seven blocks": lost(residual, *removable).tolist(),
        "plain, the median of seven pairs": torch.stack([lost(pairs, b) for b in removable])
        .median(dim=0)
        .values.tolist(),
    },
)

# %% reveal="remove_a_block"
# What is right, and why.
remove_a_block.reveal("c", "The first row of the trial; the last row is a plain network.")

# %% [markdown]
# Veit, Wilber and Belongie (2016) found the same in networks of 110 layers. Note what it does *not*
# say: nobody switches layers off while a network runs. A skip does not detect failing layers. It
# makes most of them matter less, and a few not.
#
# ### Start as the identity
#
# Since $F = 0$ is a good place to be, start there: set the scale $\gamma$ of the *last* batch norm
# in each residual to 0. Every block with an identity shortcut then starts as $\mathrm{ReLU}(x)$,
# and the network as a shallow one that grows deeper as it learns (Goyal et al., 2017).
#
# ### Exercise: zero the residuals
#
# **2 points.** Do that to all residual blocks of a model, in place. The given
# `residual_blocks(model)` returns them as a list. The batch norms of a block's $F$ are children of
# the block itself, in the order in which they run; the shortcut's, where it has one, lies inside
# the shortcut and must stay as it is. Change nothing else.

# %% [markdown] hints="zero_init_residual"
# <details><summary>Hint 1: how do I find the batch norms of F?</summary>
#
# `block.children()` goes through the block's own layers, and not into those of its children. Keep
# those with `isinstance(child, nn.BatchNorm2d)`.
#
# </details>
# <details><summary>Hint 2: which of them?</summary>
#
# The last in the list. A block may have two or three.
#
# </details>
# <details><summary>Hint 3: how is a parameter changed in place?</summary>
#
# `nn.init.zeros_(norm.weight)`. The weight is gamma; the bias is beta and starts at 0 by itself.
#
# </details>


# %% exercise="zero_init_residual"
def zero_init_residual(model: nn.Module) -> None:
    """Set the weight of the last batch norm in every residual block to 0, in place."""
    ### BEGIN SOLUTION
    for block in residual_blocks(model):
        # The shortcut's batch norm is no child of the block, but of its shortcut.
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)
    ### END SOLUTION


# %% check="zero_init_residual" points=2
# Check of zero_init_residual, 2 points.
import torch

from course.checks import agree, expect, right
from course.weights import load_known


def zeroed(model, wanted, what):
    load_known(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    zero_init_residual(model)
    after = model.state_dict()
    changed = sorted(name for name in before if not torch.equal(before[name], after[name]))
    of_shortcut = any("downsample" in name for name in changed)
    expect(
        changed == sorted(wanted) and not any(after[name].any() for name in wanted),
        f"zero_init_residual of {what} changes {', '.join(changed) or 'nothing'}, expected zeros "
        f"in {', '.join(wanted)}.",
        cause="the shortcut's batch norm was taken: block.modules() goes into the shortcut too."
        if of_shortcut
        else "a block was missed, or a batch norm that is not the last one of F was taken.",
        step="go through residual_blocks(model); take the last BatchNorm2d among block.children().",
    )


zeroed(PaddedBlock(3, 3), ["bn2.weight"], "a PaddedBlock(3, 3)")
zeroed(LongBlock(2, 5, stride=2, skip=normed), ["bn3.weight"], "a LongBlock with norm in its skip")
### BEGIN HIDDEN TESTS
block = PaddedBlock(3, 3)
zero_init_residual(block)
x = torch.linspace(-2, 1, 36).reshape(1, 3, 4, 3)
agree(
    block(x).detach(),
    torch.relu(x),
    "a PaddedBlock(3, 3), after zero_init_residual",
    cause="the residual is not 0: another layer was set to 0, or none.",
    step="set the weight of the block's last batch norm to 0, in place.",
)
zeroed(PaddedBlock(2, 5, stride=2), ["bn2.weight"], "a block that changes the shape")
zeroed(LongBlock(4, 4).to(torch.float64), ["bn3.weight"], "a block of three layers, in float64")
wanted = [f"{position}.bn2.weight" for position in range(3, 9)]
zeroed(stack(14, block=PaddedBlock, seed=0), wanted, "a network of six blocks")

# It must still be able to learn: a gradient reaches the weight that is 0.
block = PaddedBlock(3, 3)
zero_init_residual(block)
(block(x.abs() + 1) * x).sum().backward()
gradient = dict(block.named_parameters())["bn2.weight"].grad
expect(
    gradient is not None and bool(gradient.any()),
    "after zero_init_residual no gradient reaches the weight that was set to 0.",
    cause="it was frozen or replaced by a tensor that is no parameter.",
    step="change the parameter's values in place: nn.init.zeros_(norm.weight).",
)
### END HIDDEN TESTS
right("zero_init_residual", points=2)

# %% [markdown]
# ## 6 Bug museum: parameters that do nothing
#
# The annotated implementation of ResNet in `labmlai/annotated_deep_learning_paper_implementations`
# (`labml_nn/resnet/__init__.py`, for instance in version 0a4b5b6) leaves the biases of its
# convolutions switched on, before batch norm. It trains, and nothing ever fails. But its parameter
# counts are not the published ones, and no test compares them. The exhibit does the same in one of
# two layers.


# %%
def museum_layers() -> nn.Sequential:
    """Two layers of a ResNet. (An exhibit: do not use.)"""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 2, 3, padding=1, bias=False),
        nn.BatchNorm2d(2),
    )


exhibit = museum_layers()
images = train.images[:32]
with torch.no_grad():
    usual = exhibit(images)
    exhibit[0].bias += 100.0
    shifted = exhibit(images)
print(f"all biases 100 higher: outputs change by {(shifted - usual).abs().max():.0e}, by rounding")

# %% [markdown]
# In training, batch norm subtracts each channel's mean, and with it whatever was added to all of
# the channel. The bias has no effect and gets no gradient; batch norm has a $\beta$ of its own.
#
# ### Exercise: find the idle parameters
#
# **1 point.** Write the test that was missing. Return the names, in the order of
# `model.named_parameters()`, of the parameters that have no effect in training mode: no number in
# them gets a gradient, up to rounding. Take the gradient of an *uneven* weighting of the outputs,
# such as `(y * torch.arange(y.numel()).sin().reshape(y.shape)).sum()`, because a plain sum behind a
# batch norm is constant. Call a gradient 0 where it is at most 0.0001 of the largest gradient of
# the model, so that all parameters are idle where all gradients are 0. A parameter that the model
# never uses is idle too. You may assume that no parameter is frozen. Leave the model as it was, its
# mode, gradients and running averages included.

# %% [markdown] hints="idle_parameters"
# <details><summary>Hint 1: how does the model stay as it was?</summary>
#
# Work on a copy: `twin = copy.deepcopy(model).train()`.
#
# </details>
# <details><summary>Hint 2: how do I get all gradients?</summary>
#
# `torch.autograd.grad(total, list_of_parameters, materialize_grads=True)` returns one tensor per
# parameter. Without the last argument it raises an error where a parameter is never used; with it,
# the gradient of such a parameter is 0.
#
# </details>
# <details><summary>Hint 3: how is "0 up to rounding" asked?</summary>
#
# With the largest absolute entry: `sizes = [g.abs().max().item() for g in gradients]`, and then
# `size <= 1e-4 * max(sizes)`.
#
# </details>


# %% exercise="idle_parameters"
def idle_parameters(model: nn.Module, x: Tensor) -> list[str]:
    """Return the names of the parameters that get no gradient in training mode, up to rounding.

    Those that the model never uses are among them. No parameter is frozen.
    """
    ### BEGIN SOLUTION
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    names, parameters = zip(*twin.named_parameters(), strict=True)
    gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
    ### END SOLUTION


# %% check="idle_parameters" points=1
# Check of idle_parameters, 1 point.
import torch
from torch import nn

from course.checks import expect, right
from course.weights import load_known

x = torch.linspace(-2, 3, 3 * 35).cos().reshape(3, 1, 7, 5)


def found(wanted, model, x=x):
    load_known(model)
    names = idle_parameters(model, x)
    expect(
        isinstance(names, list) and names == wanted,
        f"idle_parameters returns {names!r}, expected {wanted!r}, of {model}.",
        cause="the model was not in training mode, or the outputs were summed evenly.",
        step="train mode, an uneven weighting, and a bound relative to the largest gradient.",
    )


found(["0.bias"], nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()))
found([], nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)))
spare = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
spare[0].add_module("never_used", nn.Linear(2, 2, bias=False))
found(["0.never_used.weight"], spare)
### BEGIN HIDDEN TESTS
found([], nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4)))
chain = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)]
found(["0.bias", "3.bias"], nn.Sequential(*chain).eval())
found(["2.bias"], nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(35, 4), nn.BatchNorm1d(4)))
small = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(30, 2))
found(["0.bias"], small.double(), x.double())
found([], nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(30, 2)), x * 1e-3)
found(["0.weight", "0.bias"], nn.Sequential(nn.Conv2d(1, 2, 3), nn.Threshold(1e6, 0.0)))
for mode in (True, False):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).train(mode)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    idle_parameters(model, x)
    kept = all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    expect(
        kept and model.training == mode and all(p.grad is None for p in model.parameters()),
        "idle_parameters changes the model: its mode, its gradients or its running averages.",
        cause="the model itself was run in training mode, or backward() filled in .grad.",
        step="work on copy.deepcopy(model), and use torch.autograd.grad.",
    )
### END HIDDEN TESTS
right("idle_parameters", points=1)

# %% [markdown]
# Your test, on the exhibit. Of its two convolutions one has a bias.

# %% experiment="idle_parameters"
try:
    print("idle in the exhibit:", idle_parameters(museum_layers(), images))
except NotImplementedError:
    print("idle_parameters is not written yet")

# %% [markdown]
# **What to take home.** A parameter count that is off by a little is a finding: it says that two
# networks of the same name are not the same. That is why the check of `make_resnet` counts the
# parameters, and so do the graders' checks of the shortcut and of the two blocks.

# %% [markdown]
# ## 7 Put together: the network that did not learn
#
# Back to the 56 layers of section 1: the same data, the same 60 steps, the same rate. Now they are
# made of your `BasicBlock`, once with `skip=no_skip` and once with `skip=option_a`. Both sides of
# the race have the same layers, the same initial weights and the same number of parameters. Skips
# are the only difference.

# %% predict="with_skips"
# A question: run this cell and choose.
with_skips = predict(
    "After 60 steps, how does the residual network of 56 layers compare with the plain one of 20?",
    a="its training loss is higher: 56 layers are too many for 60 steps",
    b="its training loss is lower",
    c="both are near 2.3",
    answer=...,
)
with_skips

# %% experiment="with_skips"
own, runs = yours_or_given(BasicBlock), []
print(f"The blocks: {own}.")
for depth in (8, 20, 56):
    for kind, skip in (("plain", no_skip), ("residual", option_a)):
        net = stack(depth, block=partial(own.function, skip=skip), seed=3)
        losses_seen = fit(net, train, label=f"{depth} layers, {kind}")
        runs.append(Run(depth, skip is option_a, losses_seen))
        print(f"{depth} layers, {kind}: training loss {runs[-1].final:.2f}")

# %% reveal="with_skips"
# What is right, and why.
with_skips.reveal("b", "The skips have changed no number of layers and no parameter.")

# %% [markdown]
# The plain losses of 20 and 56 layers are those of section 1 again. And the network that did not
# learn does, with an addition in every block.
#
# ### Explore
#
# Plain networks on the left, residual ones on the right, with equal axes: the form of Figure 6 in
# the paper. Where do the curves of the left side start to differ? Is the deepest network on the
# right the best of the three after 60 steps?

# %% experiment="curves"
curves(runs)

# %% [markdown]
# Read it with care. Skips have not made depth *useful* here: on digits of 8x8 pixels 56 layers are
# no better than 20. They have taken away most of the *harm* of depth, and that is the point: what
# held the deep plain network at log 10 was the optimisation. Whether more layers are worth it is
# then up to the data and the time. On CIFAR-10, with 64,000 steps, the paper's test error fell from
# 8.75 percent with 20 layers to 6.97 with 56 and 6.43 with 110; the last is the best of five runs,
# whose mean is 6.61.
#
# ### Exercise: break the claim
#
# **1 point.** "With skips, depth does no harm." The race agrees, at its rate of 0.03. Find a
# setting in which the claim turns over: a rate at which residual networks of 56 layers end, after
# 60 steps, more than 0.5 above those of 8 layers with each of the seeds 0 to 4, although those of 8
# layers end below 0.5. You have
#
#     Deep(56, skip=True).fit(train, steps=60, rate=..., label="")
#
# to try rates with, which trains five networks at once and returns their losses; the check runs the
# same, and takes about ten seconds.

# %% [markdown] hints="harmful_rate"
# <details><summary>Hint 1: is the rate larger or smaller than 0.03?</summary>
#
# Larger. With 56 blocks' worth of gradients, a step that 8 layers can take is too long.
#
# </details>
# <details><summary>Hint 2: what did the authors see?</summary>
#
# For 110 layers they write that their usual rate was "slightly too large to start converging".
# Their usual rate was several times ours.
#
# </details>
# <details><summary>Hint 3: how do I find it?</summary>
#
# Print the losses of both depths for a row of rates, each twice the one before, and stop before the
# network of 8 layers suffers too.
#
# </details>


# %% exercise="harmful_rate"
def harmful_rate() -> float:
    """Return a rate at which 56 layers with skips end more than 0.5 above 8, which learn."""
    ### BEGIN SOLUTION
    return 0.1
    ### END SOLUTION


# %% check="harmful_rate" points=1
# Check of harmful_rate, 1 point.
from course.checks import expect, right
from course.datasets import digits
from course.deep import Deep

rate = harmful_rate()
shallow, deep = (
    Deep(depth, skip=True).fit(digits()[0], steps=60, rate=rate, label=f"{depth} layers")
    for depth in (8, 56)
)
expect(
    max(shallow) < 0.5,
    f"with rate {rate:g}, 8 layers end at {max(shallow):.2f} with one of the seeds.",
    cause="at this rate not even shallow networks learn in 60 steps.",
    step="go back towards 0.03.",
)
gaps = [high - low for low, high in zip(shallow, deep, strict=True)]
expect(
    min(gaps) > 0.5,
    f"with rate {rate:g}, 56 layers end only {min(gaps):.2f} above 8 with one of the seeds.",
    cause="the rate is one that deep residual networks can take.",
    step="try a larger rate.",
)
right("harmful_rate", points=1)

# %% claim="skips_cure_harm"
# Trial: does depth do no harm where there are skips? The last row is your setting.
settings = [(20, 0.03), (56, 0.03), (20, 0.1)]
try:
    settings.append((56, harmful_rate()))
except NotImplementedError:
    print("Your setting is still missing: it would be the last row.")
of_eight = {rate: losses(8, skip=True, rate=rate) for rate in {rate for _, rate in settings}}
trial(
    "skips_cure_harm",
    {
        f"{depth} layers, rate {rate:g}": (
            losses(depth, skip=True, rate=rate) - of_eight[rate]
        ).tolist()
        for depth, rate in settings
    },
)

# %% [markdown]
# At your rate the deep residual network is in trouble again. The authors met the same: their
# networks of 110 layers did not start to learn with the rate of all others, 0.1, so they began with
# 0.01 until the training error was below 80 percent. Does the start as the identity help? The same
# network, made of your blocks, with the rate 0.1, from usual weights and then zeroed by your
# `zero_init_residual`.

# %% experiment="zeroed"
for zeroed in (False, True):
    net = stack(56, block=own.function, seed=3)
    try:
        if zeroed:
            zero_init_residual(net)
        seen = Run(56, True, fit(net, train, label="56 layers, rate 0.1", lr=0.1))
        print(f"{'zeroed' if zeroed else 'usual'} start: training loss {seen.final:.2f}")
    except NotImplementedError:
        print("zero_init_residual is not written yet")

# %% [markdown]
# The start as the identity makes long steps safe. That is what it was proposed for: to train with
# very large batches and long steps (Goyal et al., 2017).
#
# ### Two tests for life
#
# Your `make_resnet`, with your blocks and eight layers. First the two tests of sanity: the loss
# before training is near $\log 10$, and 50 images can be learnt by heart. Then the training.


# %% experiment="sanity"
def fresh() -> nn.Module:
    """Return your network of eight layers, its blocks starting as the identity where possible."""
    torch.manual_seed(0)
    try:
        net = make_resnet([1, 1, 1], num_classes=10, in_channels=1, block=own.function)
        zero_init_residual(net)
    except NotImplementedError:
        print("make_resnet or zero_init_residual is missing: a given network takes its place")
        net = stack(8, block=own.function, seed=0)
    return net


net = fresh()
with torch.no_grad():
    start = F.cross_entropy(net(train.images), train.labels).item()
print(f"loss at the start: {start:.2f}; log 10 is 2.30")
assert abs(start - 2.30) < 0.3

fifty = train.take(5)
_ = fit(net, fifty, label="50 images", steps=40, lr=0.1)
with torch.no_grad():
    by_heart = (net(fifty.images).argmax(dim=1) == fifty.labels).double().mean().item()
print(f"50 images by heart: {by_heart:.0%}")
assert by_heart == 1.0

# %% experiment="all_images"
net = fresh()
seen = fit(net, train, label="all images", steps=120, lr=0.05)
net.eval()
with torch.no_grad():
    hits = (net(test.images).argmax(dim=1) == test.labels).double().mean().item()
print(f"training loss {sum(seen[-12:]) / 12:.3f}, test accuracy {hits:.1%}")

# %% [markdown]
# ## 8 What the 2015 paper claims, and what it does not
#
# It claims, with measurements on ImageNet and CIFAR-10:
#
# - Plain networks degrade. With 34 layers the error on ImageNet is 28.54 percent, with 18 layers
#   27.94, and the training error is higher as well, all the way.
# - With skips it is the other way round: 25.03 percent with 34 layers, 27.88 with 18. At 18 layers
#   both kinds are equally accurate, and the residual one converges faster.
# - Residuals are small: the layers of a trained residual network respond less than those of a plain
#   one. The identity is a good starting point.
# - A network of 1,202 layers can be trained, to a training error below 0.1 percent.
#
# It does not claim:
#
# - that vanishing gradients were the problem. It says the opposite of its plain networks;
# - that deeper is always better: its 1,202 layers have a test error of 7.93 percent, its 110 layers
#   6.61 on average over five runs (6.43 in the best), and the authors think of overfitting;
# - that skips stop overfitting, or that a network notices failing layers and goes around them.
#
# Why skips help the optimisation has been studied ever since: gradients that are less noisy
# (Balduzzi et al., 2017), smoother loss surfaces (Li et al., 2018), signals that grow less per
# block (De and Smith, 2020). The measured effect is on optimisation, and that much you have seen.

# %% [markdown]
# ## 9 In your own words
#
# Two questions that a person grades. Four to ten sentences each are enough; refer to what you
# measured.

# %% [markdown] written="define_block" points=3
# **What is a residual block, what does its skip connection do, and how is a ResNet made of such
# blocks?** Give the formula of the output with the activation in its place, say which letter
# is the residual, and what happens where the shape changes.
#
# ### BEGIN SOLUTION
# A residual block adds its input to what its layers compute: H(x) = F(x) + x, output = ReLU(H(x)).
# F, the residual, is two 3x3 convolutions with batch norm (basic) or 1x1, 3x3, 1x1 (bottleneck); H
# is the sum. The skip carries x unchanged, without parameters, so that F = 0 makes the block the
# identity, and the layers learn a correction H(x) - x. Where the image is halved and the channels
# change, the shortcut changes the shape too: a 1x1 convolution with the stride and batch norm, or
# every second pixel and channels of zeros. A ResNet is a first convolution, stages of blocks, the
# first block of a stage halving the image and doubling the channels, one global average, one dense
# layer.
#
# Rubric: 1 point for the formula with the ReLU behind the sum and F as the name of the residual; 1
# for the skip as identity without parameters and F = 0 as the fall-back, with the change of shape;
# 1 for the network of stages down to average and dense layer. "ReLU(x) + F(x)" earns no point for
# the formula.
# ### END SOLUTION

# %% [markdown] written="what_skips_solve" points=3
# **Why do deep plain networks do worse, and what do skip connections do about it? Do they "solve
# the vanishing gradient problem"?** Use your measurements of training loss and of gradients.
#
# ### BEGIN SOLUTION
# Deep plain networks end with a higher loss on the training set itself (here about 1 with 20 layers
# and 2 with 56), so it is not overfitting: a good deep network exists, since the additional layers
# could be the identity, but optimisation does not find it. With skips the block's derivative is I +
# dF/dx, and the identity is at F = 0; the 56 layers then learn, and end far below 1. Vanishing
# gradients are not the explanation: without batch norm and with small weights plain gradients do
# vanish and skips keep them near 1, but the plain networks that degrade have batch norm, and their
# gradients do not vanish; at the start they grow, more than a thousand times. The paper says that
# its plain networks had healthy gradients. And skips have limits: at a rate of 0.1 the 56 layers
# are in trouble again. So: skips make deep networks optimisable; they preserve gradients under
# conditions.
#
# Rubric: 1 point for degradation as an effect on the training error, with a number; 1 for identity
# and I + dF/dx; 1 for a qualified answer about vanishing gradients that names batch norm or
# initialisation as a condition. An unqualified "yes" earns at most 2 in total.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | | plain | residual |
# |---|---|---|
# | pair of layers | ReLU(F(x)) | ReLU(F(x) + x) |
# | computes the identity when | two convolutions happen to | F = 0 |
# | derivative before the ReLU | $F'$ | $I + F'$ |
# | 56 layers, 60 steps | hardly leaves log 10 | learns |
# | most single blocks removed after training | useless | loses a few points |
#
# - Deeper got worse, on the training set: the optimiser did not find what was there.
# - A block with a skip has the identity at $F = 0$, and can be started there.
# - A gradient passes a block as $I + F'$. Whether gradients vanish, stay or explode also depends on
#   batch norm and on the initial weights.
# - Bottlenecks buy depth: 1x1 convolutions around a narrow 3x3.
# - The paper claims less than is often said of it, and what it claims you have measured in small.
#
# The lesson in two sentences: a deeper plain network is worse even on its training images, because
# the optimiser does not find the identity among its layers. A block that adds its input starts near
# the identity, and so the depth that did harm can be trained.
#
# ## Further reading
#
# - K. He, X. Zhang, S. Ren, J. Sun, *Deep residual learning for image recognition*, CVPR 2016
#   (arXiv 2015): sections 4.1 and 4.2, also on vanishing gradients.
# - K. He, X. Zhang, S. Ren, J. Sun, *Identity mappings in deep residual networks*, ECCV 2016: what
#   changes when the ReLU moves into the block.
# - A. Veit, M. Wilber, S. Belongie, *Residual networks behave like ensembles of relatively shallow
#   networks*, NeurIPS 2016: removing blocks.
# - P. Goyal et al., *Accurate, large minibatch SGD*, 2017: starting with $\gamma = 0$.
# - L. Xiao et al., *Dynamical isometry and a mean field theory of CNNs*, ICML 2018: plain networks
#   of 10,000 layers that train, with initial weights made for it.
# - D. Balduzzi et al., *The shattered gradients problem*, ICML 2017.
# - H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, *Visualizing the loss landscape of neural
#   nets*, NeurIPS 2018.
# - G. Yang et al., *A mean field theory of batch normalization*, ICLR 2019: why gradients grow with
#   depth in plain networks with batch norm.
# - S. De, S. Smith, *Batch normalization biases residual blocks towards the identity function in
#   deep networks*, NeurIPS 2020.
#
# The module `cnnlib.resnet` holds the references of all exercises but two, and the networks for
# ImageNet, to read when you are done.
