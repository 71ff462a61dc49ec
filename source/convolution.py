# %% [markdown]
# # Convolution against dense layers
#
# After this lesson you can
#
# - write a convolution with loops, then vectorised, then its backward pass,
# - compute output sizes, parameters and receptive fields,
# - explain what sharing and locality buy, and measure it on shifted digits,
# - read the filters and feature maps of a trained network.
#
# **Time.** 240 to 300 minutes for you. The machine needs about 30 seconds and 550 MB
# for all of it, on two cores and without a GPU.
#
# **Before you start.** You should know the lessons on activation functions and on gradient
# descent: ReLU, the chain rule, a training loop.
#
# **How it works.** As in the lessons before: replace `raise NotImplementedError(...)` by your
# answer, run the cell, run the check below it. Checks compare numbers to a relative 0.00001 and an
# absolute 0.000001 unless they say otherwise, and graders run further checks on other inputs. Where
# the text says *refuse*, raise a `ValueError` whose message says what was passed, with its numbers:
# a size, a shape, a value. Images are tensors of shape (N, C, H, W): N images, C channels, H rows,
# W columns.
#
# The setup defines one helper besides the imports. `pair` turns an argument such as `stride=2` or
# `stride=(2, 1)` into two numbers, one for the rows and one for the columns, and refuses what makes
# no sense.

# %% setup
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.claims import trial
from course.predictions import predict

_ = torch.manual_seed(0)
torch.set_num_threads(1)  # networks this small lose time by sharing out their work


def pair(value: int | tuple[int, int], *, name: str, least: int) -> tuple[int, int]:
    """Return (height, width); one number stands for both. Refuses what is below least."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(f"{name} is {value}; expected {least} or more, a number or a pair")
    return both


# %% [markdown]
# ## Warm-up
#
# Three questions about what you need from the lessons before. Run the cells and choose. Your
# answers stay in the notebook; they are not graded.

# %% predict="warm_up_dense"
# A question: run this cell and choose.
predict(
    "A dense layer computes W x + b, from 64 inputs to 85 outputs. How many parameters has it?",
    a="64 + 85 = 149",
    b="64 * 85 = 5,440",
    c="64 * 85 + 85 = 5,525",
    right="c",
    why="One weight per pair, and one bias per output.",
    answer=...,
)

# %% predict="warm_up_sum"
# A question: run this cell and choose.
predict(
    "The same weight w is used twice: y = f(w) + g(w). What is dy/dw?",
    a="f'(w) + g'(w)",
    b="f'(w) g'(w)",
    c="the larger of f'(w) and g'(w)",
    right="a",
    why="Gradients over several paths add up. You need this in section 4.",
    answer=...,
)

# %% predict="warm_up_loss"
# A question: run this cell and choose.
predict(
    "What is the cross-entropy of a classifier of 10 classes that has learnt nothing yet?",
    a="about 0.1",
    b="about 1",
    c="about 2.3",
    right="c",
    why="All ten are about equally likely: log 10 is 2.30.",
    answer=...,
)

# %% [markdown]
# ## 1 Every cat in every place
#
# A dense layer has one weight for each pair of input pixel and unit. Its units do not know which
# pixels are neighbours, and what a unit learns about one corner of the image tells it nothing about
# the others. To recognise a cat at the top left and at the bottom right it has to see both, and to
# learn both, with weights of their own.
#
# Let us measure that on real digits of 8 x 8 pixels. The network has one hidden layer of 85 units.
# It trains on digits that stand in the middle, and is tested on digits in nine places: moved by
# -1, 0 or 1 pixels down and to the right.

# %%
from course.datasets import Images, digits
from course.figures.convolution import places


def everywhere(data: Images) -> Images:
    """Return each image in nine places: moved by up to one pixel, with zeros moving in."""
    padded = F.pad(data.images, (1, 1, 1, 1))
    moved = [padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    return Images(torch.cat(moved), data.labels.repeat(9), data.classes)


train, test = digits()
moved_train, moved_test = everywhere(train), everywhere(test)
places(moved_test.images[:: len(test)])


# %%
class DigitsDense(nn.Module):
    """A dense network for digits, (N, 1, 8, 8) -> logits (N, 10), with 6,385 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(64, 85)
        self.head = nn.Linear(85, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.hidden(x.flatten(1))))


def accuracy(net: nn.Module, data: Images) -> float:
    with torch.no_grad():
        return (net(data.images).argmax(dim=1) == data.labels).double().mean().item()


# %%
from tqdm.auto import tqdm


def fit(
    net: nn.Module,
    data: Images,
    *,
    steps: int,
    lr: float,
    label: str,
    seed: int = 0,
    size: int = 64,
) -> float:
    """Train by Adam on batches of the given size; return the loss of the last batch."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr)
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (size,), generator=generator)
        loss = F.cross_entropy(net(data.images[index]), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% predict="dense_moved"
# A question: run this cell and choose.
dense_moved = predict(
    "On digits in the middle the dense net is right 98 times in 100. And in all nine places?",
    a="about 95 times",
    b="about 70 times",
    c="about 40 times",
    answer=...,
)
dense_moved

# %% experiment="dense_in_places"
dense = DigitsDense()
_ = fit(dense, train, steps=600, lr=3e-3, label="dense net")
print(f"in the middle: {accuracy(dense, test):.0%}")
print(f"in nine places: {accuracy(dense, moved_test):.0%}")

# %% reveal="dense_moved"
# What is right, and why.
dense_moved.reveal("c", "It has learnt which pixels are dark, not what shape they form.")

# %% [markdown]
# One way out is to show the network every digit in every place. The dense net then spends its
# weights on learning the same stroke nine times. The other way is to build into the network what we
# know about images. Two ideas do it, and they are independent of one another:
#
# - **Locality.** A unit looks at a small window only. Pixels that belong together are neighbours.
# - **Sharing.** All units of one kind use the *same* weights, each at its own window. A stroke
#   that is worth noticing here is worth noticing there.
#
# Both together are a **convolution**. Its small set of shared weights is called **kernel** or
# **filter**, its output **feature map**: it says for each place how well the window there matches
# the kernel. Below are the weight matrices of three layers that map 12 pixels to 10 units; grey
# means no connection.

# %% experiment="sharing"
from course.figures.convolution import sharing

sharing()

# %% predict="conv_count"
# A question: run this cell and choose.
predict(
    "A 3 x 3 convolution from 3 to 64 channels. How many parameters on a photo of 224 x 224?",
    a="1,792",
    b="64 * 224 * 224 * 28, about 90 million",
    c="27",
    right="a",
    why="64 filters of 3 * 3 * 3 weights and a bias each: 64 * 28.",
    answer=...,
)

# %% [markdown]
# Count the weights. A dense layer has one per pair of input and output, and a bias per output. A
# convolution from $C$ to $O$ channels with a kernel of $k_h \times k_w$ has $C k_h k_w$ weights and
# one bias per output channel. The size of the image does not occur.
#
# $$\text{dense: } O\,(I + 1) \qquad \text{convolution: } O\,(C\,k_h\,k_w + 1)$$
#
# With **groups**, the channels are dealt into that many groups, and an output channel sees only the
# $C / \text{groups}$ input channels of its own group.

# %% [markdown]
# ### Exercise: parameters of a dense layer
#
# One line for the count. Refuse numbers below 1.

# %% [markdown] hints="dense_parameters"
# <details><summary>Hint 1: how many weights has one output?</summary>
#
# One per input, and one bias more if `bias` is true.
#
# </details>
# <details><summary>Hint 2: how does bias become a number?</summary>
#
# In arithmetic, `True` is 1 and `False` is 0.
#
# </details>
# <details><summary>Hint 3: how do I refuse both sizes at once?</summary>
#
# `if min(in_features, out_features) < 1: raise ValueError(f"in_features is {in_features} ...")`
#
# </details>


# %% exercise="dense_parameters"
def dense_parameters(in_features: int, out_features: int, *, bias: bool = True) -> int:
    """Return the number of weights and biases of a dense layer.

    Raises ValueError where a size is below 1.
    """
    ### BEGIN SOLUTION
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (in_features + bias)
    ### END SOLUTION


# %% check="dense_parameters" points=1
from course.checks import agree, refuses

agree(
    dense_parameters(64, 85),
    5525,
    "dense_parameters(64, 85)",
    cause="the biases are missing, or there is one per input.",
    step="every output has 64 weights and one bias.",
)
agree(
    dense_parameters(7, 3, bias=False),
    21,
    "dense_parameters(7, 3, bias=False)",
    cause="the biases are counted although there are none.",
    step="add the bias only where bias is True.",
)
refuses(lambda: dense_parameters(3, 0), "dense_parameters(3, 0)")
### BEGIN HIDDEN TESTS
from torch import nn

for inputs, outputs, bias in ((25088, 4096, True), (1, 1, True), (5, 2, False), (2, 5, True)):
    layer = nn.Linear(inputs, outputs, bias=bias, device="meta")
    agree(
        dense_parameters(inputs, outputs, bias=bias),
        sum(p.numel() for p in layer.parameters()),
        f"dense_parameters({inputs}, {outputs}, bias={bias}), against torch's own layer,",
        cause="inputs and outputs are exchanged, or the result is no exact whole number.",
        step="count outputs times (inputs + bias), in whole numbers.",
        rtol=0,
        atol=0,
    )
refuses(lambda: dense_parameters(-3, 4), "dense_parameters(-3, 4)")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: parameters of a convolution
#
# `kernel_size` is a number or a pair (height, width). Refuse numbers below 1, and `groups` that do
# not divide both channel counts.

# %% [markdown] hints="conv_parameters"
# <details><summary>Hint 1: how many weights has one filter?</summary>
#
# Kernel height times kernel width times the input channels that it sees.
#
# </details>
# <details><summary>Hint 2: how many channels does it see?</summary>
#
# `in_channels // groups`. Refuse a remainder before that: `in_channels % groups` tells, and the
# same for `out_channels`.
#
# </details>
# <details><summary>Hint 3: how do I read kernel_size?</summary>
#
# `kh, kw = pair(kernel_size, name="kernel_size", least=1)` takes both forms and refuses the rest.
#
# </details>


# %% exercise="conv_parameters"
def conv_parameters(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: int | tuple[int, int],
    bias: bool = True,
    groups: int = 1,
) -> int:
    """Return the number of weights and biases of a convolution, for images of any size.

    Raises ValueError where a size is below 1 or groups does not divide both channel counts.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}; "
            "expected 1 or more of each, and both channel counts multiples of groups"
        )
    return out_channels * (in_channels // groups * kh * kw + bias)
    ### END SOLUTION


# %% check="conv_parameters" points=1
from course.checks import agree, refuses

agree(
    conv_parameters(3, 64, kernel_size=3),
    1792,
    "conv_parameters(3, 64, kernel_size=3)",
    cause="input channels, kernel or biases are counted wrongly.",
    step="one filter has 3 * 3 * 3 weights and one bias, and there are 64 filters.",
)
agree(
    conv_parameters(4, 6, kernel_size=(1, 5), bias=False, groups=2),
    60,
    "conv_parameters(4, 6, kernel_size=(1, 5), bias=False, groups=2)",
    cause="the kernel is taken as square, or groups or bias is ignored.",
    step="a filter sees 4 / 2 channels, and its window is 1 x 5.",
)
refuses(
    lambda: conv_parameters(3, 4, kernel_size=1, groups=3),
    "conv_parameters(3, 4, kernel_size=1, groups=3)",
)
### BEGIN HIDDEN TESTS
from torch import nn

from course.checks import expect

for inputs, outputs, kernel, bias, groups in (
    (1, 10, 3, True, 1),
    (6, 4, (3, 2), True, 2),
    (8, 8, 3, True, 8),
    (512, 512, 3, False, 1),
    (9, 6, (2, 7), False, 3),
):
    layer = nn.Conv2d(inputs, outputs, kernel, bias=bias, groups=groups, device="meta")
    agree(
        conv_parameters(inputs, outputs, kernel_size=kernel, bias=bias, groups=groups),
        sum(p.numel() for p in layer.parameters()),
        f"conv_parameters({inputs}, {outputs}, kernel_size={kernel}, bias={bias}, "
        f"groups={groups}), against torch's own layer,",
        cause="groups divides the wrong number, or biases are counted per group.",
        step="outputs times (inputs / groups times kernel height times width, plus bias).",
        rtol=0,
        atol=0,
    )
expect(
    isinstance(conv_parameters(9, 6, kernel_size=(2, 7), groups=3), int),
    "conv_parameters(9, 6, kernel_size=(2, 7), groups=3) is no whole number.",
    cause="/ gives a number with a decimal point, even where nothing is left over.",
    step="divide by groups with //.",
)
refuses(
    lambda: conv_parameters(4, 3, kernel_size=1, groups=3),
    "conv_parameters(4, 3, kernel_size=1, groups=3)",
)
refuses(lambda: conv_parameters(3, 0, kernel_size=1), "conv_parameters(3, 0, kernel_size=1)")
refuses(
    lambda: conv_parameters(3, 4, kernel_size=(3, 0)),
    "conv_parameters(3, 4, kernel_size=(3, 0))",
)
refuses(
    lambda: conv_parameters(2, 4, kernel_size=1, groups=-2),
    "conv_parameters with groups=-2",
)
### END HIDDEN TESTS

# %% [markdown]
# ### Explore
#
# Parameters are what has to be learnt and stored; multiply-adds are what has to be computed for
# each image. The widget compares a convolution with a *local* layer (windows, but weights of its
# own at every place) and with a dense layer to as many outputs. Double the side of the image: which
# numbers stay, which grow fourfold, which sixteenfold? So which of the two ideas, locality or
# sharing, saves parameters, and which saves computation?

# %% experiment="cost"
from course.widgets.convolution import cost

cost(conv_parameters=conv_parameters, dense_parameters=dense_parameters)


# %% claim="sharing_cuts_parameters"
def weights_and_biases(layer: nn.Module) -> int:
    return sum(p.numel() for p in layer.parameters())


counts = {}
with torch.device("meta"):  # shapes without numbers: nothing is stored
    for side, channels in ((8, 1), (224, 3)):
        shared = weights_and_biases(nn.Conv2d(channels, 10, 3, padding=1))
        local = shared * side**2  # as many filters as places
        full = weights_and_biases(nn.Linear(channels * side**2, 10 * side**2))
        counts[f"{side} x {side} pixels, {channels} to 10 channels"] = (shared, local, full)

trial(
    "sharing_cuts_parameters",
    {
        what: (f"shared {shared:,}, local {local:,}, dense {full:,}", shared < local / 10)
        for what, (shared, local, full) in counts.items()
    },
)

# %% [markdown]
# Where the side of the image doubles, the parameters of the convolution stay. Those of the local
# layer and the multiply-adds of both grow fourfold, and both numbers of the dense layer
# sixteenfold. Locality cuts the multiply-adds: convolution and local layer compute equally much.
# Sharing cuts the parameters once more, and does not make the computation cheaper. It is paid for:
# a convolution cannot treat the top of an image differently from its bottom, except near the
# border.
#
# ## 2 One window, one number
#
# A window of the image and a kernel of the same size are multiplied entry by entry and summed. Then
# the window moves on.
#
# $$y[o, r, q] = b[o] + \sum_{c, i, j} w[o, c, i, j] \; x[c,\, s\,r + i,\, s\,q + j]$$
#
# Row $r$ and column $q$ count the positions of the window. The sum runs over *all* input channels
# $c$: a filter has its own small kernel for each of them, and all filters together give $O$ feature
# maps. The **stride** $s$ is the step of the window; **padding** puts a border of zeros around the
# image so that the window can stand on its rim. In the formula $x$ has its border already.
#
# Mathematicians flip the kernel before they slide it and call only that a convolution; what
# networks compute is a *cross-correlation*. A network learns its kernels, so it would simply learn
# the flipped ones, but when you compare your code with a formula from signal processing, the
# difference matters.

# %% experiment="windows"
from course.figures.convolution import windows

windows()

# %% [markdown]
# How many positions are there along one side? The padded image has $h + 2p$ pixels. A window of $k$
# pixels, spread out by a **dilation** of $d$ (its entries are $d$ pixels apart), covers
# $d\,(k - 1) + 1$ of them. The first window starts at 0, and another one fits for every $s$ pixels
# that are left. What is left over at the end is dropped.
#
# $$h' = \left\lfloor \frac{h + 2p - d\,(k - 1) - 1}{s} \right\rfloor + 1$$

# %% predict="same_size"
# A question: run this cell and choose.
predict(
    "kernel 3, stride 1. Which padding keeps the size of the image?",
    a="0",
    b="1",
    c="3",
    right="b",
    why="h + 2 - 3 + 1 = h. Without dilation it is (k - 1) / 2, for odd k.",
    answer=...,
)

# %% [markdown]
# ### Exercise: the size of the output
#
# Refuse arguments that make no sense (padding below 0, any other below 1) and windows that are
# larger than the padded image.

# %% [markdown] hints="output_size"
# <details><summary>Hint 1: how do I round down?</summary>
#
# `//` divides whole numbers and rounds down.
#
# </details>
# <details><summary>Hint 2: how many pixels does the window cover?</summary>
#
# `reach = dilation * (kernel_size - 1) + 1`. With dilation 1 that is `kernel_size`.
#
# </details>
# <details><summary>Hint 3: when does no window fit?</summary>
#
# When `reach > size + 2 * padding`. Refuse that before you compute, or the formula gives 0 or
# less.
#
# </details>


# %% exercise="output_size"
def output_size(
    size: int, *, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the number of positions of a window along one dimension, in pixels.

    Raises ValueError where padding is below 0, another argument below 1, or where the window is
    larger than the padded image.
    """
    ### BEGIN SOLUTION
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"size is {size}, kernel_size {kernel_size}, stride {stride}, padding {padding} and "
            f"dilation {dilation}; expected padding of 0 or more and 1 or more for the others"
        )
    reach = dilation * (kernel_size - 1) + 1  # pixels from the first to the last kernel entry
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}; "
            "expected a smaller kernel_size or dilation, or more padding"
        )
    return (size + 2 * padding - reach) // stride + 1
    ### END SOLUTION


# %% check="output_size" points=2
from course.checks import agree, refuses

for size, options, expected in (
    (7, {"kernel_size": 3}, 5),
    (224, {"kernel_size": 7, "stride": 2, "padding": 3}, 112),
    (10, {"kernel_size": 4, "stride": 3}, 3),
    (9, {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}, 4),
    (3, {"kernel_size": 3, "padding": 1, "dilation": 2}, 1),
):
    written = ", ".join(f"{name}={value}" for name, value in options.items())
    agree(
        output_size(size, **options),
        expected,
        f"output_size({size}, {written})",
        cause="rounded to the wrong side, padded on one side only, or off by one.",
        step="draw the row of pixels and put the window at its first, second, ... position.",
    )
refuses(lambda: output_size(4, kernel_size=5), "output_size(4, kernel_size=5)")
refuses(lambda: output_size(5, kernel_size=1, padding=-2), "output_size with padding=-2")
### BEGIN HIDDEN TESTS
import itertools

import torch
import torch.nn.functional as F

for size, kernel_size, stride, padding, dilation in itertools.product(
    (5, 8), (1, 2, 3), (1, 2, 4), (0, 1, 2), (1, 2)
):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    row = F.conv1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel_size), **options)
    agree(
        output_size(size, kernel_size=kernel_size, **options),
        row.shape[2],
        f"output_size({size}, kernel_size={kernel_size}, stride={stride}, padding={padding}, "
        f"dilation={dilation})",
        cause="an argument is ignored, or its default is not what the text says.",
        step="compare your formula with the text, sign by sign.",
    )
refuses(
    lambda: output_size(3, kernel_size=3, dilation=2),
    "output_size(3, kernel_size=3, dilation=2)",
)
refuses(lambda: output_size(3, kernel_size=6, padding=1), "output_size with a window of 6 on 5")
refuses(lambda: output_size(5, kernel_size=1, padding=-1), "output_size with padding=-1")
refuses(lambda: output_size(5, kernel_size=1, stride=0), "output_size with stride=0")
refuses(lambda: output_size(5, kernel_size=0), "output_size with kernel_size=0")
refuses(lambda: output_size(-5, kernel_size=1, padding=4), "output_size(-5, ...)")
refuses(lambda: output_size(5, kernel_size=1, dilation=0), "output_size with dilation=0")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: a border around the image
#
# `pad2d` puts `rows` rows above and below and `columns` columns left and right, all of one value.
# Build it yourself, without torch's `pad`. Refuse a padding below 0, and an `x` that does not have
# four dimensions.

# %% [markdown] hints="pad2d"
# <details><summary>Hint 1: how do I start?</summary>
#
# With a tensor of the final shape that is full of the value; then write the image into its middle.
#
# </details>
# <details><summary>Hint 2: how does it get the dtype and device of x?</summary>
#
# `x.new_full(shape, value)` takes both from `x`.
#
# </details>
# <details><summary>Hint 3: which slice is the middle?</summary>
#
# Rows `rows` to `rows + h`. The slice `rows:-rows` is empty where `rows` is 0, and a negative
# `rows` would cut the image: `pair(padding, name="padding", least=0)` refuses that.
#
# </details>


# %% exercise="pad2d"
def pad2d(x: Tensor, padding: int | tuple[int, int], *, value: float = 0.0) -> Tensor:
    """Return images with a border of a constant value.

    padding is a number or (rows above and below, columns left and right).
    Shape: (N, C, H, W) -> (N, C, H + 2 rows, W + 2 columns).
    Raises ValueError where x has another number of dimensions or padding is below 0.
    """
    ### BEGIN SOLUTION
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded
    ### END SOLUTION


# %% check="pad2d" points=2
import torch

from course.checks import agree, from_scratch, gradient, refuses, unchanged

x = torch.tensor([[[[1.0, -2.0, 3.0]]], [[[4.0, 5.0, -6.0]]]])
before = x.clone()
agree(
    pad2d(x, (1, 0), value=7.0),
    torch.tensor(
        [[[[7.0] * 3, [1.0, -2.0, 3.0], [7.0] * 3]], [[[7.0] * 3, [4.0, 5.0, -6.0], [7.0] * 3]]]
    ),
    "pad2d(x, (1, 0), value=7.0)",
    cause="rows and columns are exchanged, one side is missing, or the value is always 0.",
    step="one row of 7 above and below each image, nothing left and right.",
)
unchanged(x, before, "pad2d(x, (1, 0), value=7.0)")
refuses(lambda: pad2d(x, -1), "pad2d(x, -1)")
gradient(lambda t: pad2d(t, 1), x)  # fails where no gradient flows back
banned = ["pad", "constant_pad_nd", "ConstantPad2d", "ZeroPad2d"]
from_scratch(pad2d, "pad2d", without=banned, step="fill a larger tensor, write x into its middle.")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

images = torch.arange(-12.0, 12.0, dtype=torch.float64).reshape(2, 3, 1, 4).transpose(2, 3)
for padding, (rows, columns) in (((2, 1), (2, 1)), (1, (1, 1)), ((0, 3), (0, 3)), (0, (0, 0))):
    agree(
        pad2d(images, padding),
        F.pad(images, (columns, columns, rows, rows)),
        f"pad2d of a float64 tensor of shape (2, 3, 4, 1) with padding={padding}",
        cause="a width of 0, a single number, or the default value of 0 was not thought of.",
        step="use pair, and slice from rows to rows + h.",
    )
agree(
    gradient(lambda t: pad2d(t, (1, 2), value=-1.0), images),
    gradient(lambda t: F.pad(t, (2, 2, 1, 1), value=-1.0), images),
    "the gradient of pad2d",
    cause="the image was copied without its history, or its entries went to other places.",
    step="assign x itself into the middle of the new tensor; do not detach.",
)
agree(
    pad2d(images, 1, value=-float("inf")),
    F.pad(images, (1, 1, 1, 1), value=-float("inf")),
    "pad2d with value=-inf",
    cause="the value is added or multiplied, and 0 times infinity is nan.",
    step="write the value into the border, and the image into the middle.",
)
refuses(lambda: pad2d(images, -1), "pad2d(x, -1)")
refuses(lambda: pad2d(images, (2, -3)), "pad2d(x, (2, -3))")
refuses(lambda: pad2d(images[0], 1), "pad2d of shape (3, 4, 1)")
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: convolution with loops
#
# First write it as it is meant: for each image, each output channel, each row and column of the
# output, cut out a window, multiply it with the filter, and sum. Torch's own convolutions are out
# of bounds, its `unfold` too; for the border you may use your `pad2d` or
# `F.pad(x, (left, right, above, below))`.
#
# Refuse images or filters that do not have four dimensions or disagree about the input channels, a
# bias of the wrong shape, a stride below 1, a padding below 0, and kernels larger than the padded
# image. If you call your `output_size` or `pad2d` for that, a refusal that is missing there fails
# this check too.

# %% [markdown] hints="conv2d_naive"
# <details><summary>Hint 1: what shape has the result?</summary>
#
# `(len(x), len(w), rows, columns)`, with `rows = (H + 2 ph - kh) // sh + 1`. Start with
# `x.new_zeros(...)` of that shape, which takes dtype and device from `x`. Refuse before that:
# `pair` does it for stride and padding, and shapes you compare yourself.
#
# </details>
# <details><summary>Hint 2: which window belongs to row i and column j?</summary>
#
# `x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]`, all channels at once.
#
# </details>
# <details><summary>Hint 3: and the bias?</summary>
#
# One number per output channel: `y + b[:, None, None]` adds it to the whole map of its channel.
#
# </details>


# %% exercise="conv2d_naive"
def conv2d_naive(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Return the convolution of images with filters, computed window by window.

    Shape: x (N, C, H, W), w (O, C, kh, kw), b (O,) or None -> (N, O, H', W').
    """
    ### BEGIN SOLUTION
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
            "expected (N, C, H, W) and (O, C, kh, kw)"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]
    ### END SOLUTION


# %% check="conv2d_naive" points=4
import torch

from course.checks import agree, from_scratch, gradient, refuses, unchanged

x = torch.tensor([[[[1.0, -2.0, 0.0, 3.0], [4.0, 0.0, -1.0, 2.0], [-3.0, 5.0, 1.0, 0.0]]]])
w = torch.tensor([[[[2.0, -1.0, 0.0], [1.0, 0.0, -3.0]]]])
before = x.clone()
agree(
    conv2d_naive(x, w),
    torch.tensor([[[[11.0, -10.0], [2.0, 6.0]]]]),
    "conv2d_naive(x, w) of an image of 3 x 4 and a kernel of 2 x 3",
    cause="the kernel is flipped, rows and columns are exchanged, or the sum is a mean.",
    step="compute the first window by hand: 2*1 - 1*(-2) + 1*4 - 3*(-1) = 11.",
)
agree(
    conv2d_naive(x, w, torch.tensor([10.0]), stride=(1, 2), padding=(0, 1)),
    torch.tensor([[[[9.0, 0.0], [-9.0, 16.0]]]]),
    "conv2d_naive(x, w, b, stride=(1, 2), padding=(0, 1))",
    cause="stride or padding of rows and columns are exchanged, or the bias is left out.",
    step="pair gives (rows, columns); window (i, j) starts at row i * sh and column j * sw.",
)
unchanged(x, before, "conv2d_naive(x, w)")
refuses(lambda: conv2d_naive(x, w, stride=0), "conv2d_naive with stride=0")
gradient(lambda t: conv2d_naive(x, t), w)  # fails where no gradient reaches w
banned = ["conv1d", "conv2d", "conv3d", "Conv2d", "Conv3d", "unfold", "Unfold", "as_strided"]
from_scratch(conv2d_naive, "conv2d_naive", without=banned, step="loop over the windows.")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

images = torch.linspace(-2, 3, 2 * 3 * 7 * 5, dtype=torch.float64).sin().reshape(2, 3, 5, 7)
images = images.transpose(2, 3)  # 7 x 5, and not contiguous
filters = torch.linspace(-1, 2, 4 * 3 * 3 * 2, dtype=torch.float64).cos().reshape(4, 3, 3, 2)
bias = torch.tensor([0.5, -1.0, 2.0, -3.0], dtype=torch.float64)
for options in ({}, {"stride": (2, 1), "padding": (1, 2)}, {"stride": 3, "padding": 1}):
    agree(
        conv2d_naive(images, filters, bias, **options),
        F.conv2d(images, filters, bias, **options),
        f"conv2d_naive of two images of 3 x 7 x 5 and four filters of 3 x 3 x 2, with {options}",
        cause="channels, images or filters are mixed up.",
        step="a filter sums over all input channels; each filter gives one output channel.",
        rtol=1e-10,
        atol=1e-12,
    )
whole = torch.linspace(-2, 1, 2 * 3 * 7 * 5, dtype=torch.float64).sin().reshape(2, 3, 7, 5)
agree(
    conv2d_naive(images, whole),
    F.conv2d(images, whole),
    "conv2d_naive with a kernel as large as the image, 7 x 5,",
    cause="the largest kernel that fits is refused, or rows are compared with columns.",
    step="refuse kh above the padded height and kw above the padded width, and nothing else.",
    rtol=1e-10,
    atol=1e-12,
)
agree(
    gradient(lambda t: conv2d_naive(images, t, stride=2), filters),
    gradient(lambda t: F.conv2d(images, t, stride=2), filters),
    "the gradient of conv2d_naive with respect to w",
    cause="windows or sums were turned into plain numbers with .item() on the way.",
    step="stay in torch operations: (window * w[channel]).sum() keeps its history.",
    rtol=1e-10,
    atol=1e-12,
)
agree(
    conv2d_naive(images, 2 * filters) - conv2d_naive(images, filters),
    conv2d_naive(images, filters),
    "conv2d_naive with filters twice as large, minus conv2d_naive(x, w),",
    cause="the result is not linear in the filters.",
    step="there is no activation and no normalisation in a convolution.",
    rtol=1e-10,
    atol=1e-12,
)
refuses(
    lambda: conv2d_naive(images, torch.ones(4, 5, 3, 2, dtype=torch.float64)),
    "conv2d_naive of 3 channels with filters for 5",
)
refuses(lambda: conv2d_naive(images, filters[:, :2]), "conv2d_naive of 3 channels and 2")
refuses(lambda: conv2d_naive(images[0], filters), "conv2d_naive of a single image")
for shape in ((3, 3, 7), (2, 3, 7, 5, 2)):
    x = torch.ones(shape, dtype=torch.float64)
    refuses(lambda x=x: conv2d_naive(x, filters), f"conv2d_naive of an x of shape {shape}")
for b in (bias[:3], torch.ones(5, dtype=torch.float64)):
    refuses(lambda b=b: conv2d_naive(images, filters, b), f"{len(b)} biases for 4 filters")
refuses(lambda: conv2d_naive(images, filters, stride=(1, 0)), "conv2d_naive with stride=(1, 0)")
refuses(lambda: conv2d_naive(images, filters, padding=(-1, 0)), "padding=(-1, 0)")
refuses(
    lambda: conv2d_naive(images, torch.ones(1, 3, 2, 6, dtype=torch.float64)),
    "conv2d_naive with a kernel of 2 x 6 on images of 7 x 5",
)
### END HIDDEN TESTS

# %% [markdown]
# ### Explore
#
# The widget moves a kernel over a photograph, with your loops beside torch's convolution. Put the
# window on the edge of a roof and read the nine products. Which kernel finds edges that run from
# left to right, and why does it give 0 on the even sky? What does stride 2 do to the size of the
# map, and what does padding 1 do to its rim?

# %% experiment="stepper"
from course.widgets.convolution import stepper

stepper(conv2d_naive)

# %% [markdown]
# **What you saw.** The kernel with a row of negative, a row of zero and a row of positive weights
# finds edges that run from left to right. Its weights sum to 0, so that nine equal pixels give 0.
# Stride 2 leaves 13 x 20 of the 26 x 40 numbers. With padding 1 the map keeps the size of the
# photograph, but on its rim the kernel sees an edge between the photograph and the zeros around it.
#
# **What you built.** A feature map is a picture of *where* the image looks like the kernel. The
# kernels in the widget were thought up by people. In a network nobody writes them down: they start
# as random numbers and are learnt. You will look at learnt ones in section 8.
#
# ## 3 The same, fast, and what moves with the image
#
# Four loops in Python take about a thousand times as long as the arithmetic needs; you will time
# them against your next function. The way out is to turn the convolution into something that
# processors are built for, the product of two matrices: cut out all windows, lay each as a column
# of $C k_h k_w$ numbers side by side (this is called **im2col**, Chellapilla, Puri and Simard,
# 2006), and multiply with the filters, one per row. Every shared weight then meets all its windows
# in one product.
#
# The price is memory: a pixel appears in up to $k_h k_w$ columns. A middle way is to loop over the
# entries of the kernel, of which there are few, and to handle all positions at once: the pixels
# that meet kernel entry $(i, j)$ are a slice of the padded image with the stride as its step.

# %% experiment="unrolled"
from course.figures.convolution import unrolled

unrolled()

# %% [markdown]
# ### Exercise: convolution without loops over pixels
#
# Now with `dilation` $d$ and `groups` $g$. Filter $o$ belongs to group
# $\gamma = \lfloor o\,g / O \rfloor$ and sees the $C / g$ channels of that group:
#
# $$y[o, r, q] = b[o] + \sum_{c < C / g} \sum_{i, j} w[o, c, i, j] \;
# x[\gamma\, C / g + c,\, s\,r + d\,i,\, s\,q + d\,j]$$
#
# With as many groups as channels every channel is filtered by itself (a *depthwise* convolution);
# a 1 x 1 convolution behind it then mixes the channels. Both together have fewer weights than one
# convolution, and small networks for telephones are built from them.
#
# The check measures: 16 images of 12 x 36 x 36 with 24 filters have to be done in 1.5 s. Four loops
# over images, filters, rows and columns take longer; loops over kernel entries, groups or images do
# not matter. Torch's convolutions are out of bounds, its `unfold`, which cuts out the windows, is
# allowed here. Refuse what `conv2d_naive` refuses, and also a dilation below 1 and groups that do
# not fit: `w` has shape (O, C / groups, kh, kw), and C and O are multiples of `groups`.

# %% [markdown] hints="conv2d"
# <details><summary>Hint 1: which pixels meet kernel entry (i, j)?</summary>
#
# `x[:, :, i * dh :: sh, j * dw :: sw][:, :, :rows, :columns]` of the padded image: start at the
# entry's own offset, step by the stride, and keep as many as there are outputs.
#
# </details>
# <details><summary>Hint 2: how do I get from there to a matrix product?</summary>
#
# Stack these slices for all entries in a new dimension after the channels: (N, C, kh kw, H', W').
# Merge channels with entries, and rows with columns. Then `w.flatten(1) @ windows` is (N, O, H'
# W').
#
# </details>
# <details><summary>Hint 3: and groups?</summary>
#
# Reshape the windows to (N, groups, C / groups * kh * kw, H' W') and the filters to (groups, O /
# groups, C / groups * kh * kw): `@` multiplies group by group. Refuse groups that do not fit before
# that: compare `x.shape[1]` with `groups * w.shape[1]`, and look at `len(w) % groups`.
#
# </details>


# %% exercise="conv2d"
def conv2d(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """Return the convolution of images with filters, by products of matrices.

    Shape: x (N, C, H, W), w (O, C / groups, kh, kw), b (O,) or None -> (N, O, H', W').
    """
    ### BEGIN SOLUTION
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}; "
            "expected (N, C, H, W) and (O, C / groups, kh, kw), with C and O multiples of groups"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = x.shape, w.shape
    reach_h, reach_w = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(
            f"the kernel covers {reach_h} x {reach_w} pixels, "
            f"but the padded image has {height} x {width}"
        )
    rows, columns = (height - reach_h) // sh + 1, (width - reach_w) // sw + 1
    # Unroll along the width only: what kernel row i sees is then a band of rows, and no copy.
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)  # y + kernel @ band
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]
    ### END SOLUTION


# %% check="conv2d" points=5
import torch

from course.checks import agree, from_scratch, gradient, refuses, unchanged

x = torch.tensor([[[[1.0, -2.0, 0.0, 3.0], [4.0, 0.0, -1.0, 2.0], [-3.0, 5.0, 1.0, 0.0]]]])
w = torch.tensor([[[[2.0, -1.0, 0.0], [1.0, 0.0, -3.0]]]])
before = x.clone()
agree(
    conv2d(x, w, torch.tensor([10.0]), stride=(1, 2), padding=(0, 1)),
    torch.tensor([[[[9.0, 0.0], [-9.0, 16.0]]]]),
    "conv2d(x, w, b, stride=(1, 2), padding=(0, 1))",
    cause="the order of the entries in windows and filters differs, or stride and padding do.",
    step="compare with your conv2d_naive on this input, first without stride and padding.",
)
agree(
    conv2d(torch.cat([x, -x], dim=1), torch.cat([w, 2 * w]), groups=2, dilation=(2, 1)),
    torch.tensor([[[[-2.0, 1.0]], [[4.0, -2.0]]]]),
    "conv2d with groups=2 and dilation=(2, 1)",
    cause="dilation is ignored or exchanged, or a filter sees the other group's channels.",
    step="with dilation 2, kernel row 1 meets image row 2; filter 1 sees channel 1 only.",
)
unchanged(x, before, "conv2d(x, w)")
refuses(lambda: conv2d(x, w, groups=2), "conv2d of one channel with groups=2")
gradient(lambda t: conv2d(x, t), w)  # fails where no gradient reaches w
banned = ["conv1d", "conv2d", "conv3d", "Conv1d", "Conv2d", "Conv3d", "convolution"]
from_scratch(conv2d, "conv2d", without=banned, step="build it from slices and matrix products.")
### BEGIN HIDDEN TESTS
import time

import torch.nn.functional as F

from course.checks import expect

images = torch.linspace(-2, 3, 2 * 6 * 7 * 5, dtype=torch.float64).sin().reshape(2, 6, 5, 7)
images = images.transpose(2, 3)  # 7 x 5, and not contiguous
filters = torch.linspace(-1, 2, 4 * 6 * 3 * 2, dtype=torch.float64).cos().reshape(4, 6, 3, 2)
bias = torch.tensor([0.5, -1.0, 2.0, -3.0], dtype=torch.float64)


def derivative(function, w, which, options):
    if which == "x":
        return gradient(lambda t: function(t, w, **options), images)
    return gradient(lambda t: function(images, t, **options), w)


for options in (
    {},
    {"stride": (2, 1), "padding": (1, 2)},
    {"stride": (1, 3), "padding": (2, 0), "dilation": (1, 2)},
    {"groups": 2, "stride": 2, "padding": 1, "dilation": (2, 1)},
):
    mine = filters[:, : 6 // options.get("groups", 1)]
    agree(
        conv2d(images, mine, bias, **options),
        F.conv2d(images, mine, bias, **options),
        f"conv2d of two images of 6 x 7 x 5 and four filters of 3 x 2, with {options}",
        cause="images, channels, entries or groups are merged in the wrong order.",
        step="merge neighbouring dimensions only, and in the same order in x and in w.",
        rtol=1e-10,
        atol=1e-12,
    )
    for which in ("x", "w"):
        agree(
            derivative(conv2d, mine, which, options),
            derivative(F.conv2d, mine, which, options),
            f"the gradient of conv2d with respect to {which}, with {options}",
            cause="a part of the computation was detached or rebuilt from numbers.",
            step="stay in torch operations from x and w to the result.",
            rtol=1e-10,
            atol=1e-12,
        )
for kh, kw in ((1, 1), (7, 5)):
    mine = torch.linspace(-1, 2, 24 * kh * kw, dtype=torch.float64).sin().reshape(4, 6, kh, kw)
    agree(
        conv2d(images, mine),
        F.conv2d(images, mine),
        f"conv2d of images of 7 x 5 with kernels of {kh} x {kw}",
        cause="the smallest or the largest kernel that fits is refused.",
        step="refuse kernels that reach beyond the padded image, and nothing else.",
        rtol=1e-10,
        atol=1e-12,
    )
generator = torch.Generator().manual_seed(0)
large = torch.randn(16, 12, 36, 36, generator=generator)
bank = torch.randn(24, 12, 3, 3, generator=generator)
seconds = []
for _ in range(2):  # a busy machine gets a second try
    start = time.perf_counter()
    y = conv2d(large, bank)
    seconds.append(time.perf_counter() - start)
    if seconds[-1] < 1.5:
        break
agree(
    y,
    F.conv2d(large, bank),
    "conv2d of 16 images of 12 x 36 x 36 and 24 filters, in float32",
    cause="the result went through another dtype.",
    step="let dtype and device come from x.",
    rtol=1e-4,
    atol=1e-4,  # sums of 108 products of size 1 in another order
)
expect(
    min(seconds) < 1.5,
    f"conv2d of 16 images of 12 x 36 x 36 and 24 filters takes {min(seconds):.1f} s, "
    "expected less than 1.5 s; matrix products need about 0.05 s.",
    cause="there are loops over filters and pixels, one within another.",
    step="loop over kernel entries, groups or images at most; use matrix products for the rest.",
)
wide = torch.ones(4, 6, 2, 6, dtype=torch.float64)
refuses(lambda: conv2d(images, filters[:, :5]), "conv2d of 6 channels with filters for 5")
refuses(lambda: conv2d(images[:, :5], filters), "conv2d of 5 channels with filters for 6")
refuses(lambda: conv2d(images, filters[:, :2], groups=2), "conv2d with groups=2 and 2 channels")
refuses(lambda: conv2d(images, filters[:3, :3], groups=2), "conv2d of 3 filters in 2 groups")
refuses(lambda: conv2d(images, filters, groups=0), "conv2d with groups=0")
refuses(lambda: conv2d(images[0], filters), "conv2d of a single image")
for b in (bias[:3], torch.ones(5, dtype=torch.float64)):
    refuses(lambda b=b: conv2d(images, filters, b), f"conv2d with {len(b)} biases for 4 filters")
refuses(lambda: conv2d(images, filters, dilation=0), "conv2d with dilation=0")
refuses(lambda: conv2d(images, filters, stride=(0, 1)), "conv2d with stride=(0, 1)")
refuses(lambda: conv2d(images, filters, padding=-1), "conv2d with padding=-1")
refuses(lambda: conv2d(images, wide), "conv2d with a kernel of 2 x 6 on images of 7 x 5")
refuses(
    lambda: conv2d(images, filters, dilation=4), "conv2d with a kernel that covers 9 x 5 pixels"
)
### END HIDDEN TESTS

# %% experiment="speed"
from time import perf_counter


def seconds(convolution) -> str:
    """Time a convolution of 4 images of 8 x 32 x 32 with 16 filters of 3 x 3."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 8, 32, 32, generator=generator)
    w = torch.randn(16, 8, 3, 3, generator=generator)
    try:
        convolution(x[:1, :, :5, :5], w)  # the first call is slower than the others
        start = perf_counter()
        convolution(x, w)
    except Exception as error:
        return f"raises {type(error).__name__}: {error}"
    return f"{1000 * (perf_counter() - start):.1f} ms"


print("four loops:", seconds(conv2d_naive))
print("products of matrices:", seconds(conv2d))

# %% [markdown]
# ### What moves when the image moves
#
# Sharing has a consequence that is easy to state wrongly. Move the image by five pixels, and the
# feature map moves by five pixels too: the layer is **equivariant** to translation. That is *not*
# **invariance**, which would mean that nothing changes. Many texts say the second and mean the
# first.

# %% predict="equivariant"
# A question: run this cell and choose.
equivariant = predict(
    "A photo moves by one pixel. What does a feature map with stride 2 do?",
    a="it stays, or moves by one position",
    b="it moves by half a position: each number becomes the mean of two neighbours",
    c="neither of these: other pixels now lie under the windows",
    answer=...,
)
equivariant

# %% claim="conv_equivariant"
from course.datasets import photo

grey = photo("china", height=80).mean(dim=0)[None, None]
edges = torch.tensor([[[[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]]])


def off_by(step: int, *, stride: int) -> float:
    """Return how far the moved map is from the map of the moved image, away from the rim."""
    y = F.conv2d(grey, edges, stride=stride)
    moved = F.conv2d(grey.roll(step, dims=3), edges, stride=stride)
    whole, rest = divmod(step, stride)  # between two positions, a mean of the neighbours
    follows = torch.lerp(y.roll(whole, dims=3), y.roll(whole + 1, dims=3), rest / stride)
    gap = (moved - follows)[..., 10:-10].abs().mean()
    return (gap / y.abs().mean()).item()


trial(
    "conv_equivariant",
    {
        f"stride {stride}, image moved by {step}": (f"map off by {gap:.0%}", gap < 1e-5)
        for stride, step, gap in [(s, m, off_by(m, stride=s)) for s, m in ((1, 5), (2, 4), (2, 1))]
    },
)

# %% reveal="equivariant"
# What is right, and why.
equivariant.reveal(
    "c",
    "The windows now stand on the columns that they left out before. The new map is off by 84 % "
    "from the old one, by 86 % from the old one moved by one position, and by 57 % from the means "
    "of neighbours (that is what the table shows). Only moves by multiples of the stride carry "
    "over to the map.",
)

# %% claim="conv_invariant"
y = F.conv2d(grey, edges)
changes = {}
for step in (1, 5):
    moved = F.conv2d(grey.roll(step, dims=3), edges)
    changes[step] = ((moved - y)[..., 10:-10].abs().mean() / y.abs().mean()).item()

trial(
    "conv_invariant",
    {
        f"image moved by {step}": (f"the map changes by {change:.0%}", change < 0.1)
        for step, change in changes.items()
    },
)

# %% [markdown]
# Some invariance can come later: from pooling over neighbours (the next lesson), from averaging a
# whole map, or from a head that has learnt to treat positions alike. The convolution itself gives
# none. And near the rim even equivariance ends, because pixels leave and padding enters.
#
# ## 4 Backwards
#
# You wrote the backward pass of a dense layer in the last lesson. For a convolution two sentences
# are enough:
#
# - A **weight** was used at every position. Its gradient is the *sum* over all positions (and
#   images) of the gradient there times the pixel that it met there.
# - A **pixel** lay under several windows. Its gradient is the sum over these windows of the
#   gradient there times the weight that it met.
#
# The bias of a channel was added everywhere, so its gradient is the sum over the whole map.

# %% experiment="backwards"
from course.figures.convolution import backwards

backwards()

# %% predict="sparse"
# A question: run this cell and choose.
sparse = predict(
    "One digit goes through both networks. In which first layer is the larger share of the "
    "weights without gradient, that is, exactly 0?",
    a="the convolution's, because its weights are shared",
    b="the dense layer's",
    c="neither: no gradient is exactly 0",
    answer=...,
)
sparse


# %% claim="sparse_gradients"
def share_of_zeros(layer: nn.Module, activation) -> float:
    """Share of the layer's weights whose gradient is exactly 0 for one digit."""
    image = test.images[:1]
    out = layer(image.flatten(1) if isinstance(layer, nn.Linear) else image)
    grad_out = torch.randn(out.shape, generator=torch.Generator().manual_seed(0))
    (grad,) = torch.autograd.grad(activation(out), layer.weight, grad_out)
    return (grad == 0).double().mean().item()


torch.manual_seed(3)
dense_layer, conv_layer = nn.Linear(64, 85), nn.Conv2d(1, 10, 3, padding=1)
zeros = {
    what: (share_of_zeros(conv_layer, activation), share_of_zeros(dense_layer, activation))
    for what, activation in (("with ReLU", torch.relu), ("without activation", torch.clone))
}
trial(
    "sparse_gradients",
    {
        f"weights without gradient, {what}": (
            f"convolution {conv:.0%}, dense {full:.0%}",
            conv > full,
        )
        for what, (conv, full) in zeros.items()
    },
)

# %% reveal="sparse"
# What is right, and why.
sparse.reveal(
    "b",
    "A dense weight is idle where its own pixel is 0, which is so for 45 % of this digit's pixels, "
    "and where ReLU switches its unit off. A shared weight meets every pixel, and its gradient "
    "adds up over all of them; it is idle only where ReLU switches off a filter at every "
    "position, here one filter of ten.",
)

# %% [markdown]
# ### Exercise: the backward pass
#
# Given the gradient of the loss for the output, return those for `x`, `w` and `b`. No autograd and
# none of torch's convolutions; its `unfold` and `fold` are allowed. Refuse shapes that disagree
# (`grad_out` must have the shape of the output), a stride below 1 and a padding below 0. Loop over
# what you like; the kernel's entries are the shortest.

# %% [markdown] hints="conv2d_backward"
# <details><summary>Hint 1: where do I start?</summary>
#
# With the padded image, a `grad_padded` of zeros of its shape, and loops over kernel entries
# (i, j). The pixels that entry (i, j) met are
# `seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]`.
#
# </details>
# <details><summary>Hint 2: what does one entry add?</summary>
#
# To the weights: `grad_w[:, :, i, j] = torch.einsum("norc,nkrc->ok", grad_out, seen)`. To the
# pixels: `grad_out` times `w[:, :, i, j]`, with the sum over another index. Which indices have the
# pixels? Add it to the same slice of `grad_padded`. A slice is a view: `+=` on it changes
# `grad_padded`.
#
# </details>
# <details><summary>Hint 3: and in the end?</summary>
#
# Cut the border off `grad_padded`: rows `ph` to `ph + H`, columns `pw` to `pw + W`. The bias gets
# the sum of `grad_out` over images, rows and columns. And before all that: refuse a `grad_out` that
# is not of shape (N, O, rows, columns).
#
# </details>


# %% exercise="conv2d_backward"
def conv2d_backward(
    grad_out: Tensor,
    x: Tensor,
    w: Tensor,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of a convolution with respect to x, w and b.

    Shape: grad_out (N, O, H', W'), x (N, C, H, W), w (O, C, kh, kw) -> those of x, w and (O,).
    """
    ### BEGIN SOLUTION
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
            "expected (N, C, H, W) and (O, C, kh, kw)"
        )
    (n, c, height, width), (o, _, kh, kw) = x.shape, w.shape
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {(n, o, rows, columns)}, "
            "the shape of the output"
        )
    # Channels first: a sum over all images and pixels is then one matrix product.
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = torch.zeros_like(padded), torch.zeros_like(w)
    for i in range(kh):
        for j in range(kw):
            # The pixels that kernel entry (i, j) was multiplied with, one per output pixel.
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return grad_x, grad_w, grad.sum(dim=1)
    ### END SOLUTION


# %% check="conv2d_backward" points=5
import torch

from course.checks import agree, expect, from_scratch, refuses, unchanged

x = torch.tensor([[[[1.0, -2.0, 3.0, 5.0]]]])
w = torch.tensor([[[[4.0, -1.0]]]])
grad_out = torch.tensor([[[[1.0, 10.0, 100.0]]]])
before = torch.cat([x.flatten(), w.flatten(), grad_out.flatten()])
expected = {"x": [[[[4.0, 39.0, 390.0, -100.0]]]], "w": [[[[281.0, 528.0]]]], "b": [111.0]}
found = conv2d_backward(grad_out, x, w)
three = f"conv2d_backward returns {len(found)} values, expected 3."
expect(len(found) == 3, three, cause="one is missing.", step="return grad_x, grad_w, grad_b.")
for (name, wanted), ours in zip(expected.items(), found, strict=True):
    agree(
        ours,
        torch.tensor(wanted),
        f"conv2d_backward(grad_out, x, w): the gradient of {name}",
        cause="the sum over positions is missing, or a weight met another pixel.",
        step="weight j met the pixels j, j + 1, j + 2; pixel 1 met weight 1, then weight 0.",
    )
after = torch.cat([x.flatten(), w.flatten(), grad_out.flatten()])
unchanged(after, before, "conv2d_backward(grad_out, x, w)")
refuses(lambda: conv2d_backward(x, x, w), "conv2d_backward with a grad_out of four columns")
banned = ["conv1d", "conv2d", "conv_transpose2d", "Conv2d", "grad", "backward", "conv2d_weight"]
from_scratch(conv2d_backward, "conv2d_backward", without=banned, step="write the sums yourself.")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

double = torch.float64
images = torch.linspace(-2, 3, 2 * 3 * 7 * 6, dtype=double).sin().reshape(2, 3, 6, 7)
images = images.transpose(2, 3)  # 7 x 6, and not contiguous
filters = torch.linspace(-1, 2, 4 * 3 * 3 * 2, dtype=double).cos().reshape(4, 3, 3, 2)


def by_autograd(options):
    leaves = [images.clone().requires_grad_(), filters.clone().requires_grad_()]
    leaves.append(torch.zeros(4, dtype=double, requires_grad=True))
    y = F.conv2d(*leaves, **options)
    upstream = torch.linspace(-3, 4, y.numel(), dtype=double).sin().reshape(y.shape)
    return upstream, torch.autograd.grad(y, leaves, upstream)


cases = (
    {},
    {"stride": (3, 2)},  # the last row of the image lies under no window
    {"stride": (2, 1), "padding": (1, 2)},
    {"stride": (1, 3), "padding": (2, 0)},
)
for options in cases:
    upstream, wanted = by_autograd(options)
    found = conv2d_backward(upstream, images, filters, **options)
    for name, ours, theirs in zip("xwb", found, wanted, strict=True):
        agree(
            ours,
            theirs,
            f"conv2d_backward of two images of 3 x 7 x 6, with {options}: the gradient of {name}",
            cause="stride, padding, images or channels are not where they belong.",
            step="compare with autograd on a small example, first without stride and padding.",
            rtol=1e-10,
            atol=1e-12,
        )
# A third oracle: the loss really changes as the gradient says.
upstream, _ = by_autograd({"stride": 2})
step = torch.linspace(-1, 1, filters.numel(), dtype=double).cos().reshape(filters.shape) * 1e-4
loss = [(F.conv2d(images, filters + s * step, stride=2) * upstream).sum().item() for s in (1, -1)]
agree(
    (conv2d_backward(upstream, images, filters, stride=2)[1] * step).sum(),
    (loss[0] - loss[1]) / 2,
    "the change of the loss along a small step in w",
    cause="the gradient of w is scaled, for instance divided by the number of positions.",
    step="sum over positions and images; nothing is averaged.",
    rtol=1e-6,
    atol=1e-9,
)
single = [t.float() for t in (by_autograd({})[0], images, filters)]
agree(
    conv2d_backward(*single)[0],
    by_autograd({})[1][0].float(),
    "conv2d_backward in float32: the gradient of x",
    cause="the result went through another dtype.",
    step="let dtype and device come from the inputs.",
    rtol=1e-4,
    atol=1e-5,
)
refuses(
    lambda: conv2d_backward(torch.ones(2, 4, 5, 4, dtype=double), images, filters),
    "conv2d_backward with a grad_out of shape (2, 4, 5, 4), where the output is 5 x 5,",
)
fitting = torch.ones(2, 4, 5, 5, dtype=double)
for w in (filters[:, :2], torch.ones(4, 5, 3, 2, dtype=double)):
    refuses(
        lambda w=w: conv2d_backward(fitting, images, w),
        f"conv2d_backward of 3 channels with filters for {w.shape[1]}",
    )
refuses(lambda: conv2d_backward(images, images[0], filters), "conv2d_backward of a single image")
refuses(lambda: conv2d_backward(images, images, filters, stride=0), "stride=0")
refuses(
    lambda: conv2d_backward(fitting[:, :, :3, :3], images, filters, padding=-1),
    "conv2d_backward with padding=-1",
)
### END HIDDEN TESTS

# %% [markdown]
# **What you built.** With a padded border and stride 1, the gradient of `x` is itself a
# convolution: of `grad_out`, with the kernel flipped and its input and output channels exchanged.
# With a stride it is a convolution of a map into which zeros were put between the pixels. Torch
# calls it `conv_transpose2d`, because it multiplies by the transpose of the convolution's matrix
# (you saw such a matrix in section 1). Networks that *draw* images use it on the way forward.
#
# ## 5 How far a pixel sees
#
# A unit of the first layer sees a window of 3 x 3. A unit of the second sees 3 x 3 units of the
# first, and through them 5 x 5 pixels. The square of pixels that can influence a unit is its
# **receptive field**. It starts at 1. A layer with kernel $k$ adds $d\,(k - 1)$ steps of its input,
# and one step there is as many pixels as the strides before it multiply to:
#
# $$\text{field} \leftarrow \text{field} + d\,(k - 1) \cdot \text{jump} \qquad
# \text{jump} \leftarrow \text{jump} \cdot s$$

# %% experiment="field_of_view"
from course.figures.convolution import field_of_view

field_of_view()

# %% predict="three_small"
# A question: run this cell and choose.
predict(
    "How many 3 x 3 layers with stride 1 see as far as one 7 x 7 layer?",
    a="two",
    b="three",
    c="seven",
    right="b",
    why="1 + 2 + 2 + 2 = 7, with 27 weights per pair of channels instead of 49.",
    answer=...,
)

# %% [markdown]
# ### Exercise: the receptive field
#
# `layers` is a list of `(kernel_size, stride)` or `(kernel_size, stride, dilation)`, input side
# first. Refuse entries of another length and numbers below 1.

# %% [markdown] hints="receptive_field"
# <details><summary>Hint 1: what do I have to remember from layer to layer?</summary>
#
# Two numbers: the field so far, and the jump, both 1 at the start.
#
# </details>
# <details><summary>Hint 2: how do I read entries of two or three numbers?</summary>
#
# `kernel_size, stride, dilation = (*layer, 1)[:3]` puts a 1 where the dilation is missing. Refuse
# by `len(layer)` and `min(layer)` before that.
#
# </details>
# <details><summary>Hint 3: which comes first, field or jump?</summary>
#
# The field: a layer's own stride moves its output, not what one of its units sees.
#
# </details>


# %% exercise="receptive_field"
def receptive_field(layers: Sequence[tuple[int, ...]]) -> int:
    """Return the side of the square of input pixels that one output pixel can see.

    layers lists (kernel_size, stride) or (kernel_size, stride, dilation), input side first.
    """
    ### BEGIN SOLUTION
    field, jump = 1, 1  # jump: input pixels between two neighbours of the current layer
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(
                f"layers holds {layer}; expected (kernel_size, stride) or "
                "(kernel_size, stride, dilation), each 1 or more"
            )
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field
    ### END SOLUTION


# %% check="receptive_field" points=2
from course.checks import agree, refuses

for layers, expected in (
    ([(3, 1), (3, 1)], 5),
    ([(3, 2), (3, 1)], 7),
    ([(5, 1, 2)], 9),
    ([(2, 2), (3, 1, 2), (3, 3)], 14),
):
    agree(
        receptive_field(layers),
        expected,
        f"receptive_field({layers})",
        cause="a layer's stride acts on itself, or not on the layers behind it.",
        step="add dilation * (kernel_size - 1) * jump first, then multiply the jump by the stride.",
    )
refuses(lambda: receptive_field([(3, 0)]), "receptive_field([(3, 0)])")
### BEGIN HIDDEN TESTS
import torch
import torch.nn.functional as F

for layers in (
    [(1, 1)],
    [(7, 2), (3, 2), (1, 1), (3, 1)],
    [(3, 1, 4), (2, 3), (4, 1, 1), (2, 2)],
    [(1, 3), (2, 1)],
):
    row = torch.zeros(1, 1, 200, requires_grad=True)
    y = row
    for kernel_size, *rest in layers:
        stride, dilation = (*rest, 1)[:2]
        y = F.conv1d(y, torch.ones(1, 1, kernel_size), stride=stride, dilation=dilation)
    (grad,) = torch.autograd.grad(y[0, 0, 0], row)
    reached = grad.flatten().nonzero()
    agree(
        receptive_field(layers),
        int(reached.max() - reached.min() + 1),
        f"receptive_field({layers}), against the pixels that a gradient reaches,",
        cause="the strides of earlier layers, or the dilation, are not taken into account.",
        step="follow field and jump through the layers by hand.",
    )
agree(
    receptive_field([]),
    1,
    "receptive_field([])",
    cause="no layer was not thought of.",
    step="start at 1: without a layer, a pixel sees itself.",
)
refuses(lambda: receptive_field([(3, 1), (3,)]), "receptive_field([(3, 1), (3,)])")
refuses(lambda: receptive_field([(3, 1, 1, 1)]), "receptive_field([(3, 1, 1, 1)])")
refuses(lambda: receptive_field([(3, 1, 0)]), "receptive_field([(3, 1, 0)])")
### END HIDDEN TESTS

# %% [markdown]
# ## 6 From maps to a decision
#
# A convolution gives maps, and a decision between ten digits needs ten numbers. The usual bridge
# has two parts. **Flatten** lays all numbers of an image in one row. A **fully connected** layer,
# which is the dense layer that you know, then weighs all of them for each class. In a small network
# it is the first layer that sees the whole image; in a deep one the receptive fields before it may
# already be that large. It turns "a stroke here, a bend there" into scores; a softmax, inside the
# loss, makes probabilities of them.
#
# Flatten computes nothing and loses nothing: the numbers are the same, and `reshape` brings the
# maps back. What gets lost is the *knowledge* of who is whose neighbour, because to the layer
# behind it entry 17 and entry 18 are as far apart as entry 17 and entry 300.

# %% experiment="row_major"
from course.figures.convolution import row_major

row_major()

# %% [markdown]
# ### Exercise: flatten
#
# Merge all dimensions from `start_dim` on, in the order in which the figure counts them. A negative
# `start_dim` counts from the end. It has to work also where a dimension is 0, as in a batch without
# images. Refuse a dimension that `x` does not have. Torch's `flatten` is out of bounds, `reshape`
# is not.

# %% [markdown] hints="flatten"
# <details><summary>Hint 1: what is the new shape?</summary>
#
# `x.shape[:start_dim]` as it is, followed by the product of `x.shape[start_dim:]`.
#
# </details>
# <details><summary>Hint 2: how do I get the product?</summary>
#
# `math.prod(x.shape[start_dim:])`. Leaving it to -1 fails where a dimension is 0.
#
# </details>
# <details><summary>Hint 3: which dimensions exist?</summary>
#
# `-x.dim()` up to `x.dim() - 1`. A slice does not complain about others, so refuse them first.
#
# </details>


# %% exercise="flatten"
def flatten(x: Tensor, *, start_dim: int = 1) -> Tensor:
    """Return x with all dimensions from start_dim on merged into one, in row-major order.

    Shape: (N, C, H, W) -> (N, C H W) by default. Raises ValueError where x has no such dimension.
    """
    ### BEGIN SOLUTION
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = x.shape[:start_dim], x.shape[start_dim:]
    return x.reshape(*kept, math.prod(merged))
    ### END SOLUTION


# %% check="flatten" points=1
import torch

from course.checks import agree, from_scratch, gradient, refuses

x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], [[[-1.0, -2.0, -3.0], [7.0, 8.0, 9.0]]]])
agree(
    flatten(x),
    torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [-1.0, -2.0, -3.0, 7.0, 8.0, 9.0]]),
    "flatten(x) of two images of 1 x 2 x 3",
    cause="the images were merged too, or the numbers were laid out column by column.",
    step="keep the first dimension, and merge the others in their order.",
)
from_scratch(
    flatten,
    "flatten",
    without=["flatten", "Flatten", "ravel"],
    step="use reshape with a new shape.",
)
refuses(lambda: flatten(x, start_dim=4), "flatten(x, start_dim=4) of four dimensions")
gradient(flatten, x)  # fails where no gradient flows back
### BEGIN HIDDEN TESTS
maps = torch.arange(-60.0, 60.0, dtype=torch.float64).reshape(2, 5, 3, 4).transpose(1, 3)
for start_dim in (0, 1, 2, 3, -1, -3, -4):
    agree(
        flatten(maps, start_dim=start_dim),
        torch.flatten(maps, start_dim),
        f"flatten of shape (2, 4, 3, 5), not contiguous, with start_dim={start_dim}",
        cause="start_dim is ignored, or memory was read in its own order.",
        step="use reshape, which goes by the order of the dimensions.",
    )
agree(
    gradient(flatten, maps),
    gradient(lambda t: torch.flatten(t, 1), maps),
    "the gradient of flatten",
    cause="the result was rebuilt from numbers.",
    step="use reshape on x itself.",
)
agree(
    flatten(torch.zeros(0, 3, 2, 2)),
    torch.zeros(0, 12),
    "flatten of a batch without images",
    cause="-1 cannot be worked out where a dimension is 0.",
    step="compute the product with math.prod.",
)
refuses(lambda: flatten(maps, start_dim=7), "flatten(x, start_dim=7) of four dimensions")
refuses(lambda: flatten(maps, start_dim=-5), "flatten(x, start_dim=-5) of such")
### END HIDDEN TESTS

# %% [markdown]
# One often reads that the flatten layer stands for parameter sharing. Look at what comes out of a
# flatten layer and a dense head when the feature maps move by one position. If positions shared
# their weights, the scores would hardly change.

# %% claim="flatten_shares"
maps = F.relu(F.conv2d(test.images[:100], torch.randn(25, 1, 3, 3), stride=2, padding=1))
head = nn.Linear(400, 10)
with torch.no_grad():
    scores, moved_scores = head(maps.flatten(1)), head(maps.roll(1, dims=3).flatten(1))
change = ((scores - moved_scores).norm() / (scores - scores.mean(dim=0)).norm()).item()
held = sum(p.numel() for p in nn.Flatten().parameters())

trial(
    "flatten_shares",
    {
        "parameters that nn.Flatten could share": (f"{held}", held > 0),
        "scores after the maps moved by one": (
            f"change {change:.0%} of their spread",
            change < 0.1,
        ),
    },
)

# %% predict="vgg_share"
# A question: run this cell and choose.
vgg_share = predict(
    "VGG-16 has 13 convolutions and 3 dense layers. How many parameters are in the latter?",
    a="about a tenth",
    b="about a half",
    c="about nine tenths",
    answer=...,
)
vgg_share

# %% claim="dense_holds_most"
from itertools import pairwise


def dense_share(widths: list[int], head: list[int]) -> float:
    """Return the share of parameters behind flatten, for 3 x 3 convolutions and a dense head."""
    convolutions = sum(out * (9 * into + 1) for into, out in pairwise(widths))
    dense = sum(out * (into + 1) for into, out in pairwise(head))
    return dense / (convolutions + dense)


vgg = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
shares = {
    "VGG-16: flatten 7 x 7 x 512, then 4096, 4096, 1000": dense_share(
        vgg, [25088, 4096, 4096, 1000]
    ),
    "a small net for digits: flatten 4 x 4 x 25, then 10": dense_share([1, 10, 25], [400, 10]),
    "VGG-16's maps averaged to 512 numbers, then 1000": dense_share(vgg, [512, 1000]),
}
trial("dense_holds_most", {what: (f"{s:.0%}", s > 0.5) for what, s in shares.items()})

# %% reveal="vgg_share"
# What is right, and why.
vgg_share.reveal(
    "c",
    "124 of 138 million, 103 of them in the layer right after flatten. Averaging each map to one "
    "number, as later networks do, brings the share down to a few percent.",
)

# %% [markdown]
# ## 7 Put together: a network that beats its rival
#
# A convolutional network alternates convolutions with activations, and makes the maps smaller and
# more numerous on the way: here by a stride of 2, in the next lesson by pooling. Then come flatten
# and a fully connected head. From layer to layer a unit sees more of the image, and less precisely
# where.
#
# ### Exercise: a convolutional network for digits
#
# Build an `nn.Module` that maps images (N, 1, 8, 8) to ten logits per image (no softmax), and
# refuses any other shape with a `ValueError`. You may use torch's layers from now on.
#
# - Budget: at most **6,400 parameters**, about as many as `DigitsDense` has.
# - Floor: trained with Adam at rate 0.003 on 300 batches of 128 *moved* digits, it reads at least
#   **88 percent** of the moved test digits; a second try, from another start, counts too.
#   `DigitsDense` gets 84 to 86 that way, and convolutional nets that fill the budget 91 to 93.
#
# Measure it: `torch.manual_seed(0)`, `net = DigitsCNN()`,
# `fit(net, moved_train, steps=300, lr=0.003, size=128, label="")`, `accuracy(net, moved_test)`.
#
# Two 3 x 3 convolutions, the second with stride 2, with a ReLU after each, and a dense head are
# enough. Choose the numbers of channels so that they fill the budget; your `conv_parameters` and
# `dense_parameters` do the sums.

# %% [markdown] hints="digits_cnn"
# <details><summary>Hint 1: what goes where?</summary>
#
# Layers are made in `__init__` (after `super().__init__()`) and kept as attributes; `forward` says
# in which order the image goes through them. It refuses first: `x.shape[1:]` has to be (1, 8, 8).
#
# </details>
# <details><summary>Hint 2: how many inputs has the head?</summary>
#
# Channels times height times width of the last maps. Padding 1 keeps 8 x 8, and stride 2 then
# leaves 4 x 4: with c channels these are 16 c.
#
# </details>
# <details><summary>Hint 3: which channels fill the budget?</summary>
#
# From 1 to 10 channels: 100 parameters. From 10 to c channels: 91 c, and the head has 160 c + 10.
# Which c is the largest that keeps the sum within 6,400?
#
# </details>


# %% exercise="digits_cnn"
class DigitsCNN(nn.Module):
    """Convolutional network for grey digits of 8 x 8 pixels: (N, 1, 8, 8) -> logits (N, 10).

    At most 6,400 parameters. Raises ValueError for images of any other shape.
    """

    def __init__(self) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (N, 1, 8, 8) -> logits (N, 10)."""
        ### BEGIN SOLUTION
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        # N x 1 x 8 x 8
        x = torch.relu(self.conv1(x))
        # N x 10 x 8 x 8
        x = torch.relu(self.conv2(x))
        # N x 25 x 4 x 4
        logits: Tensor = self.head(x.flatten(1))
        # N x 10
        return logits
        ### END SOLUTION


# %% check="digits_cnn" points=4
import torch

from course.checks import expect, refuses

network = DigitsCNN()
size = sum(p.numel() for p in network.parameters())
expect(
    0 < size <= 6400,
    f"DigitsCNN has {size:,} parameters, expected at most 6,400.",
    cause="too many channels before the dense head, or no layers kept as attributes.",
    step="count with conv_parameters and dense_parameters, layer by layer.",
)
batch = torch.linspace(-1, 1, 3 * 64).sin().reshape(3, 1, 8, 8)
logits = network(batch)
expect(
    logits.shape == (3, 10),
    f"for three images the output has shape {tuple(logits.shape)}, expected (3, 10).",
    cause="the images were merged, or the head has another number of outputs.",
    step="flatten from dimension 1 on, and end with a dense layer to 10.",
)
refuses(lambda: network(torch.zeros(2, 64)), "DigitsCNN() on a tensor of shape (2, 64)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import agree, unchanged
from course.datasets import digits


def moved(data):
    padded = F.pad(data.images, (1, 1, 1, 1))
    places = [padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
    return torch.cat(places), data.labels.repeat(9)


before = batch.clone()
network(batch)
unchanged(batch, before, "DigitsCNN()(x)")
for shape in ((2, 32), (2, 1, 28, 28), (2, 1, 7, 7), (2, 3, 8, 8), (1, 8, 8)):
    refuses(
        lambda shape=shape: network(torch.zeros(shape)),
        f"DigitsCNN() on a tensor of shape {shape}",
    )
sums = logits.detach().exp().sum(dim=1)
expect(
    (logits < 0).any() and not torch.allclose(logits.detach().sum(dim=1), torch.ones(3)),
    "no output of an untrained DigitsCNN is below 0, or each row of outputs sums to 1.",
    cause="a softmax, sigmoid or ReLU is applied to the logits.",
    step="return what the last dense layer gives; the loss contains the softmax.",
)
network.eval()
agree(
    network(batch)[1:2].detach(),
    network(batch[1:2]).detach(),
    "the logits of the second of three images, against those of that image alone,",
    cause="an image's result depends on the other images, or on chance, in eval mode.",
    step="merge the channels and pixels of one image, never those of different images.",
    rtol=1e-4,
    atol=1e-5,
)
agree(
    network.to(torch.float64)(batch.double()).detach().float(),
    network.to(torch.float32)(batch).detach(),
    "the logits of DigitsCNN().to(torch.float64)",
    cause="a tensor inside the network has a fixed dtype.",
    step="let layers hold the weights, and make new tensors from x.",
    rtol=1e-3,
    atol=1e-4,
)


def after_training(seed):
    """Accuracy on moved test digits, by Adam written out: weights go back by load_state_dict."""
    network = DigitsCNN()
    network.train()
    train, test = digits()
    images, labels = moved(train)
    generator = torch.Generator().manual_seed(seed)
    moments = {}
    for step in range(1, 301):
        index = torch.randint(len(labels), (128,), generator=generator)
        F.cross_entropy(network(images[index]), labels[index]).backward()
        state = dict(network.state_dict())
        for name, parameter in dict(network.named_parameters()).items():
            g = parameter.grad
            if g is None:
                continue
            m, v = moments.get(name, (0.0, 0.0))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            moments[name] = m, v
            size = (v / (1 - 0.999**step)).sqrt() + 1e-8
            state[name] = state[name] - 0.003 / (1 - 0.9**step) * m / size
        network.load_state_dict(state)
        network.zero_grad()
    network.eval()
    images, labels = moved(test)
    return (network(images).detach().argmax(dim=1) == labels).double().mean().item()


reached = after_training(0)
if reached < 0.88:
    reached = max(reached, after_training(1))
expect(
    reached >= 0.88,
    f"after 300 batches DigitsCNN reads {reached:.1%} of the moved digits, expected 88% or more.",
    cause=f"it reads {reached:.1%} of the moved digits after 300 batches, and the floor is 88%: "
    "no convolution or no activation is in it, weights are stuck, or it is too small.",
    step="two convolutions with a ReLU after each, flatten, one dense layer, near the budget.",
)
### END HIDDEN TESTS

# %% [markdown]
# First the two tests of sanity: the loss at the start is near $\log 10$, and 50 images can be
# learnt by heart. (`usable` hands back your network if it works, else a ready-made one, so that
# you can read on before you have solved the exercise.)

# %% experiment="sanity"
from course.widgets.convolution_features import usable

convolutional = usable(DigitsCNN)
torch.manual_seed(0)
net = convolutional()
start = F.cross_entropy(net(train.images), train.labels).item()
print(f"loss at the start: {start:.3f}; log 10 is {math.log(10):.3f}")

fifty = train.take(5)
fit(net, fifty, steps=150, lr=0.01, label="50 images")
by_heart = accuracy(net, fifty)
print(f"50 images by heart: {by_heart:.0%}")
if abs(start - math.log(10)) > 0.3 or by_heart < 1:
    print("One of the two is not as it should be: look for the bug before you go on.")

# %% predict="rivals"
# A question: run this cell and choose.
rivals = predict(
    "Equal parameters, 600 batches each, a test on moved digits. When does the convolutional net "
    "make less than 0.85 times the errors of the dense one?",
    a="whether or not both have seen moved digits in training",
    b="if both have seen moved digits in training, and not otherwise",
    c="in neither case",
    answer=...,
)
rivals

# %% [markdown]
# Now the race. Both nets train with the same images, the same batches and the same number of steps,
# 600, from two seeds each; the table shows their errors. The convolutional net is the ready-made
# one, with 10 and 25 channels, so that the table does not depend on yours, and to beat the dense
# one means less than 0.85 times its errors. In the last line, the pixels of all images are
# shuffled, in the same way for every image. For a dense net that changes nothing. It takes the
# neighbours away from the convolution.

# %%
shuffle = torch.randperm(64, generator=torch.Generator().manual_seed(1))


def shuffled(data: Images) -> Images:
    """Return the images with their pixels in another order, the same for all."""
    pixels = data.images.flatten(1)[:, shuffle]
    return Images(pixels.reshape(-1, 1, 8, 8), data.labels, data.classes)


def errors(make, learn: Images, see: Images, lr: float) -> float:
    """Return the share of errors after training, the mean of two seeds."""
    total = 0.0
    for seed in (0, 1):
        torch.manual_seed(seed)
        net = make()
        fit(net, learn, steps=600, lr=lr, label=f"{make.__name__}, rate {lr}", seed=seed)
        total += 1 - accuracy(net, see)
    return total / 2


# %% claim="cnn_beats_dense"
from course.widgets.convolution_features import ready_made

races = {
    "moved digits, rate 0.003": (moved_train, moved_test, 0.003),
    "moved digits, rate 0.01": (moved_train, moved_test, 0.01),
    "moved digits, but none in training": (train, moved_test, 0.003),
    "moved digits, pixels shuffled": (shuffled(moved_train), shuffled(moved_test), 0.003),
}
measured = {}
for what, race in races.items():
    cnn, rival = errors(ready_made, *race), errors(DigitsDense, *race)
    measured[what] = (f"errors {cnn:.1%}, dense {rival:.1%}", cnn < 0.85 * rival)
trial("cnn_beats_dense", measured)

# %% reveal="rivals"
# What is right, and why.
rivals.reveal(
    "b",
    "The convolutions move along, but the dense head behind flatten has weights for each position, "
    "and it has to see digits there. Without neighbours the advantage is gone too.",
)

# %% [markdown]
# So the sentence "a convolutional network beats a dense one of equal size" is true where its two
# assumptions fit: neighbours belong together, and what is worth noticing here is worth noticing
# there. It is no magic against places that the head has never seen. On digits in the middle both
# nets, trained there, are about equally good, because there every pixel has its place: errors of
# 2.5 and 3.3 percent from two seeds, against 2.5 and 3.6 of the dense net.
#
# Much of the gap on moved digits is training time. After 2,400 steps at rate 0.003 the errors were
# 3.1 against 4.1 percent, the means of two seeds, where they were 5.4 against 10.5 after 600: the
# dense net learns more slowly, and in the end it comes closer.

# %% [markdown]
# ## 8 What it has learnt
#
# Nobody told the network which kernels to use. They started as small random numbers. For every
# batch, the forward pass gave scores, the loss said how wrong they were, backpropagation said for
# each weight in which direction it should change, and the optimiser took a small step. What is
# useful for telling digits apart grew, and what is not did not: that is what **learning features**
# means. Below are the filters of the network's first layer (twelve at most), before and after.

# %% experiment="filters"
from course.figures.convolution import filters

torch.manual_seed(0)
net = convolutional()
untrained = {name: value.clone() for name, value in net.state_dict().items()}
fit(net, moved_train, steps=600, lr=0.01, label="the network to look at")
print(f"{accuracy(net, moved_test):.1%} of the moved digits")
filters(net, untrained)

# %% [markdown]
# How to read them: orange adds, blue subtracts. A filter that is blue on one side and orange on the
# other answers to an edge, strongest where the image gets brighter towards orange. One that is
# orange in the middle and blue around it answers to a thin stroke or a dot; one of a single colour
# averages. Of the ten filters of the ready-made network, three or four are by count mostly a slope
# from one side to the other, in four trainings from different seeds; at random none to three were.
# With 3 x 3 weights no more than such things can be expressed, and not every learnt filter looks
# clean: the network only needs that all of them together say enough. The pictures of tidy stripes
# that textbooks show come from kernels of 11 x 11 on large colour photographs.

# %% experiment="feature_maps"
from course.widgets.convolution_features import feature_maps

feature_maps(net, test)

# %% [markdown]
# ### Explore
#
# Find a map of the first layer that lights up on one side of every stroke. Move the digit: the maps
# of layer 1 move along, and keep what they show except at the rim. The maps of layer 2 have a
# quarter of the positions and half of the moves fall between them; look at how they change at one
# pixel, and at two. When does the decision tip over?
#
# Are the learnt features worth anything, or is it the head that does the work? A fair test leaves
# the convolutions as they were at random, and trains the head alone. It is done with the ready-made
# network, for 600 steps. For comparison, a head on the bare pixels is trained too.


# %% claim="features_are_learnt"
def reads(make, *, seed: int, head_alone: bool) -> float:
    """Return the accuracy on moved digits after training all parameters, or the head's."""
    torch.manual_seed(seed)
    net = make()
    for parameter in list(net.parameters())[:-2] if head_alone else []:
        parameter.requires_grad_(False)  # all but weight and bias of the head
    fit(net, moved_train, steps=600, lr=0.01, label="features on trial")
    return accuracy(net, moved_test)


learnt = reads(ready_made, seed=0, head_alone=False)
pixels = reads(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), seed=0, head_alone=False)
random = {seed: reads(ready_made, seed=seed, head_alone=True) for seed in (0, 1)}
trial(
    "features_are_learnt",
    {
        f"random convolutions of seed {seed}, trained head": (
            f"{share:.0%}, against {learnt:.0%} with all trained, {pixels:.0%} from pixels",
            share < learnt - 0.1,
        )
        for seed, share in random.items()
    },
)

# %% [markdown]
# Random convolutions are better than none, and they fall behind by less with more training: after
# 3,000 steps the head on them reached 87 percent, the head on pixels 66, and the network with all
# layers trained 98.
#
# And the digit that you moved? A move by two pixels moves the maps of layer 2 by one position, at
# the rim apart; a move by one does not fit their stride, and changes them. The ready-made network,
# which has seen moves of one pixel, read 96 percent of the digits that moved to the right by one
# pixel, and 60 percent of those that moved by two. Two pixels down left it 19 percent.
#
# Layer by layer, features go from the simple to the composed: the second layer sees combinations
# of edges in a window of 5 x 5 pixels, the head combinations of those over the whole image. How
# far one can read the later layers is another matter. Much of what is written about "eyes, then
# faces" comes from large networks on large data; here you can say honestly what the first layer
# does, and for the second only which digits a map prefers.
#
# ## 9 Bug museum: the check that saw only zeros
#
# A well-known course tested its students' networks with code that does what this does: the weights
# are zero, and the check looks at the shape of the output.


# %%
def museum_check(conv) -> bool:
    """Say whether conv(x, w, stride, padding) is right. (An exhibit: do not use.)"""
    x, w = torch.ones(64, 3, 32, 32), torch.zeros(8, 3, 3, 3)
    return conv(x, w, 2, 1).shape == (64, 8, 16, 16)


def flipped(x: Tensor, w: Tensor, stride, padding) -> Tensor:
    return F.conv2d(x, w.flip(2, 3), stride=stride, padding=padding)


def exchanged(x: Tensor, w: Tensor, stride, padding) -> Tensor:
    stride, padding = pair(stride, name="stride", least=1), pair(padding, name="padding", least=0)
    return F.conv2d(x, w, stride=stride[::-1], padding=padding[::-1])


print("the flipped kernel passes:", museum_check(flipped))
print("exchanged rows and columns pass:", museum_check(exchanged))

# %% [markdown]
# Every output is 0, whatever the code does with the weights. And even with other weights the image
# is square, the kernel is square, stride and padding are the same both ways, all pixels are equal
# and all images too: the exhibit could not tell one direction, one pixel or one image from another.
#
# ### Exercise: inputs that tell
#
# Return `(x, w, stride, padding)` on which a right convolution and a wrong one *differ*. The check
# holds some twenty wrong convolutions against the right one: flipped and transposed kernels,
# exchanged rows and columns in stride or padding, ignored channels, the first image or filter used
# for all, padding on one side, padding that repeats the rim, absolute values, and more. Keep it
# small: at most 1,000 numbers in `x`, so that a failure can be followed by hand.

# %% [markdown] hints="telling_inputs"
# <details><summary>Hint 1: how do I see whether two images are mixed up?</summary>
#
# Only if there are two, and they differ. The same holds for channels, filters, rows, and columns.
#
# </details>
# <details><summary>Hint 2: which sizes are best?</summary>
#
# All different: two images, three channels, four filters, 7 x 5 pixels, a kernel of 3 x 2, stride
# (2, 1), padding (1, 2). Then nothing fits where it does not belong.
#
# </details>
# <details><summary>Hint 3: which numbers?</summary>
#
# No pattern, positive and negative: `torch.randn` with a seeded generator, or `torch.arange(...)`
# through `sin`. And none that are 0 at the rim, or a wrong border would not show.
#
# </details>


# %% exercise="telling_inputs"
def telling_inputs() -> tuple[Tensor, Tensor, tuple[int, int], tuple[int, int]]:
    """Return images, filters, stride and padding that show what is wrong with a convolution.

    Shapes: x (N, C, H, W) with at most 1,000 numbers, w (O, C, kh, kw), and two pairs.
    """
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return x, w, (2, 1), (1, 2)
    ### END SOLUTION


# %% check="telling_inputs" points=3
import torch
import torch.nn.functional as F

from course.checks import expect

x, w, stride, padding = telling_inputs()
expect(
    x.dim() == w.dim() == 4
    and x.shape[1] == w.shape[1]
    and x.numel() <= 1000
    and len(stride) == len(padding) == 2,
    f"x has shape {tuple(x.shape)}, w {tuple(w.shape)}, stride is {stride}, padding {padding}.",
    cause="shapes do not fit, x is too large, or stride or padding is no pair.",
    step="return x (N, C, H, W) with at most 1,000 numbers, w (O, C, kh, kw), and two pairs.",
)


def told(what, wrong):
    right = F.conv2d(x, w, stride=stride, padding=padding)
    gap = (right - wrong).abs().max() if right.shape == wrong.shape else right.abs().max() + 1
    expect(
        gap > 0.01 * right.abs().max() > 0,
        f"on your inputs {what} gives the same output as a right convolution.",
        cause="sizes, strides, paddings or numbers are alike that should differ, or are 0.",
        step="give each dimension, stride and padding its own size, and the numbers no pattern.",
    )


told("a kernel that is flipped", F.conv2d(x, w.flip(2, 3), stride=stride, padding=padding))
other = tuple(padding)[::-1]
told("exchanging rows and columns of the padding", F.conv2d(x, w, stride=stride, padding=other))
### BEGIN HIDDEN TESTS
(sh, sw), (ph, pw) = stride, padding
right = F.conv2d(x, w, stride=stride, padding=padding)
options = {"stride": stride, "padding": padding}
told("a kernel that is flipped upside down", F.conv2d(x, w.flip(2), **options))
told("a kernel that is flipped sideways", F.conv2d(x, w.flip(3), **options))
expect(
    w.shape[2] != w.shape[3]
    or (F.conv2d(x, w.transpose(2, 3), **options) - right).abs().max() > 0.01,
    "on your inputs a transposed kernel gives the same output as a right convolution.",
    cause="the kernel is symmetric.",
    step="use a kernel that is not square.",
)
told("exchanging rows and columns of the stride", F.conv2d(x, w, stride=(sw, sh), padding=padding))
told("ignoring the stride", F.conv2d(x, w, stride=1, padding=padding))
told("ignoring the padding", F.conv2d(F.pad(x, (0, 0, 0, 0)), w, stride=stride))
told("using the first channel alone", F.conv2d(x[:, :1], w[:, :1], **options))
told("giving all channels the first kernel", F.conv2d(x, w[:, :1].expand_as(w), **options))
told("using the first image for all", right[:1].expand_as(right))
told("using the first filter for all", right[:, :1].expand_as(right))
told("taking the mean for the sum", right / w[0].numel())
told("reversing the filters", right.flip(1))
told("reversing the images", right.flip(0))
told("cutting negative outputs off", right.relu())
told("taking absolute values of the pixels", F.conv2d(x.abs(), w, **options))
one_sided = F.pad(x, (2 * pw, 0, 2 * ph, 0))
told("padding above and left alone", F.conv2d(one_sided, w, stride=stride))
repeated = F.pad(x, (pw, pw, ph, ph), mode="replicate")
told("padding with the rim repeated", F.conv2d(repeated, w, stride=stride))
### END HIDDEN TESTS

# %% [markdown]
# **What to take home.** A test is as good as its inputs. Equal sizes, zeros, ones and symmetric
# kernels make wrong code look right. The checks of this course use non-square images, a batch
# unlike the channels, unequal strides and negative numbers for that reason, and so should yours.
#
# ## 10 In your own words
#
# Five questions that a person grades. Three to eight sentences each are enough; refer to what you
# measured.

# %% [markdown] written="cnn_and_dense" points=3
# **Describe how a convolutional network is built, from image to class, and how it differs from a
# fully connected one.** Name the two ideas behind a convolutional layer and what each of them
# saves.
#
# ### BEGIN SOLUTION
# Convolutions with activations in between turn the image into feature maps; strides or pooling make
# the maps smaller while their number grows; flatten and one or more dense layers turn them into
# scores, softmax into probabilities. A dense layer connects every pixel with every unit by a weight
# of its own. A convolutional unit looks at a small window (locality), and all units of a map use
# the same weights (sharing). Locality cuts the multiply-adds, both together the parameters: 100
# instead of 41,600 from 1 to 10 channels on 8 x 8 pixels, independent of the image's size. The
# order of the pixels matters to it: with shuffled pixels its advantage was gone.
#
# Rubric: 1 point for the sequence of layers with their roles; 1 for locality and sharing, kept
# apart; 1 for what they save, with a number or formula. "It has fewer parameters" alone earns
# nothing, since VGG-16 has 138 million.
# ### END SOLUTION

# %% [markdown] written="advantages" points=3
# **Which advantages do convolutional layers have for recognising images? A friend adds: "and they
# are translation invariant." Answer him.**
#
# ### BEGIN SOLUTION
# Few parameters for any size of image, because weights are shared; each weight gets a gradient
# from all positions, so it learns from much evidence; neighbours are treated as neighbours; a
# stroke that was learnt in one place is found in the others. On moved digits the convolutional net
# made clearly fewer errors than a dense one of equal parameters, if both had seen moved digits.
#
# A convolution is equivariant, not invariant: move the image and the map moves along; its values at
# a fixed place change (by more than half in the measurement). With stride 2 even that holds for
# even moves only, and near the rim not at all. The flattened head ties positions to weights of
# their own, so a network that never saw moved digits fails on them, like the dense one. Some
# invariance comes from pooling, averaging and from training data.
#
# Rubric: 1 point for two advantages with a reason; 1 for the difference between equivariant and
# invariant; 1 for a limit that was measured (stride, rim, head, or the training set).
# ### END SOLUTION

# %% [markdown] written="flatten_layer" points=2
# **What does the flatten layer do, why is it needed, and what does it lose?** Does it share
# parameters?
#
# ### BEGIN SOLUTION
# It lays the C x H x W numbers of each image in one row of length C H W, in a fixed order, because
# a dense layer takes vectors. It has no parameters and so shares none; each position gets weights
# of its own in the layer behind it. No number is lost, reshape undoes it; but the dense layer does
# not know any more which entries were neighbours, and it works for one image size only.
#
# Rubric: 1 point for what it does and why (shape, batch kept apart); 1 for "no parameters, nothing
# shared" with what is and is not lost. "It discards the spatial information" needs the
# qualification.
# ### END SOLUTION

# %% [markdown] written="fully_connected" points=2
# **Why do fully connected layers stand at the end of a convolutional network, and what do they
# cost?** Do they always hold most of the parameters?
#
# ### BEGIN SOLUTION
# After the convolutions each number tells about a window. A dense layer sees all of them at once
# and combines them into one score per class; hidden dense layers with an activation can form
# non-linear combinations. The cost is a weight for each pair: 124 of VGG-16's 138 million
# parameters, 103 of them in the first dense layer. Not always: averaging every map to one number
# before a single dense layer leaves a few percent. And they tie the network to one image size.
#
# Rubric: 1 point for the role (whole image, combination, one output per class); 1 for the cost with
# a number and the exception.
# ### END SOLUTION

# %% [markdown] written="learning_features" points=3
# **How does a neural network learn features?** Use your network: what were its filters before
# training, what changed them, what do they look like afterwards, and how do you know that it
# matters?
#
# ### BEGIN SOLUTION
# The weights start at random. For each batch the forward pass gives scores and a loss,
# backpropagation the gradient of the loss for each weight (for a shared one the sum over all
# positions), and the optimiser changes the weights by a small step against it; over many batches
# what lowers the loss remains. Afterwards several 3 x 3 filters have a bright and a dark side and
# answer to edges of one direction, others to strokes or averages. The second layer combines them
# over 5 x 5 pixels, the head over the whole image. It matters: with random convolutions and a
# trained head the network read clearly fewer moved digits than with everything trained.
#
# Rubric: 1 point for the loop (random start, loss, gradient, step); 1 for a reading of the filters
# that fits the figure, and for simple before composed; 1 for a measurement that shows that learning
# the features mattered. "The network finds features automatically" alone earns nothing.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | layer | parameters | what it keeps | what it knows of the image |
# |---|---|---|---|
# | dense | outputs times (inputs + 1) | nothing in particular | everything, no neighbours |
# | local | one window of weights per place | neighbours | a window |
# | convolution | $O\,(C k_h k_w + 1)$ | neighbours, and moves (stride 1) | a window |
# | flatten | none | all numbers | the order only |
#
# - A dense net has to learn every cat in every place; a convolution learns it once, because a
#   window of shared weights goes everywhere.
# - Locality saves computation, sharing saves parameters, and the sum over positions is what
#   sharing means for the gradient.
# - Equivariant is not invariant: the map moves with the image.
# - With equal parameters the convolution wins on moved digits, if it has seen some, and only while
#   neighbours are neighbours.
# - Features are learnt, step by step, from random numbers.
# - A test on zeros, ones and squares proves little.
#
# ## Further reading
#
# - K. Fukushima, *Neocognitron: a self-organizing neural network model for a mechanism of pattern
#   recognition unaffected by shift in position*, Biological Cybernetics 36, 1980.
# - Y. LeCun et al., *Backpropagation applied to handwritten zip code recognition*, Neural
#   Computation 1, 1989: shared weights, learnt.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998.
# - K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for
#   document processing*, 2006: windows as a matrix.
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285,
#   2016.
# - M. Zeiler, R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014: what
#   the later layers look at.
#
# The module `cnnlib.convolution` holds the reference of every exercise here, to read when you are
# done.
