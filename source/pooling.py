# %% [markdown]
# # Pooling
#
# After this lesson you can
#
# - write max, average and global pooling, and the backward pass of max pooling,
# - measure how much one pixel of shift changes what a network says,
# - say what pooling gives that a stride does not, what it costs, and where it ends,
# - make a network smaller on the way and keep every answer when the image moves.
#
# **Time.** 150 to 270 minutes for you, in two sittings. That is an estimate from the steps and not
# a measurement of people: 45 to 60 minutes to read, 8 to 15 for each of the nine exercises, 20 to
# 40 for predictions and widgets, and 10 to 30 for the written question. The machine needs about a
# minute for all of it, and 900 MB, on two cores and without a GPU.
#
# **Before you start.** You should know the lesson on convolution: windows, stride, padding, and
# what equivariance means; and from the lesson on activation functions the initial weights of He et
# al. How exercises, checks and trials work is told in
# [the lesson on activation functions](../activations/activations.ipynb#How-it-works).

# %% setup
import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from cnnlib.convolution import pair
from course.claims import trial
from course.comparison import attempt
from course.datasets import Images, digits
from course.figures.pooling import flips, grids, kept_curves, routes, sampled, windows
from course.predictions import predict
from course.shrinking import Shrinking, advantage, framed, scattered
from course.stand_ins import StandIn, yours_or
from course.widgets.pooling import moves, stepper

# %% [markdown]
# ## Warm-up
#
# Three questions about what you need below. Run the cells and choose. Your answers stay in the
# notebook; they are not graded.

# %% predict="warm_up_size"
# A question: run this cell and choose.
predict(
    "A window of 3 moves over 16 pixels with stride 2 and padding 1. At how many places "
    "does it stop?",
    a="7",
    b="8",
    c="9",
    right="b",
    why="(16 + 2 * 1 - 3) // 2 + 1 = 8.",
    answer=...,
)

# %% predict="warm_up_equivariance"
# A question: run this cell and choose.
predict(
    "An image moves to the right by one pixel. What does the output of a convolution with stride "
    "1 do, away from the border?",
    a="it stays as it is",
    b="it moves to the right by one pixel",
    c="it changes in no simple way",
    right="b",
    why="A convolution is equivariant: its output moves along.",
    answer=...,
)

# %% predict="warm_up_sum"
# A question: run this cell and choose.
predict(
    "A pixel x is used twice: a = 2x and b = 5x. The gradients at a and b are 1 and 10. What is "
    "the gradient at x?",
    a="52",
    b="50",
    c="11",
    right="a",
    why="1 * 2 + 10 * 5: what arrives along two ways is added.",
    answer=...,
)

# %% [markdown]
# ## 1 One pixel to the right
#
# A 3 is a 3 wherever it stands. Here is a network that reads handwritten digits, written as such
# networks often are: three convolutions with ReLU, of which the first two have a **stride** of 2.
# They compute every second output only, so that the feature maps get smaller, and the layers behind
# them cheaper. A dense layer reads the maps.
#
# Three arguments are for later: `shrink` is what makes the maps smaller where no stride does,
# `averaged` reduces each map to one number before the dense layer, and `circular` lets convolutions
# take what is missing at a border from the opposite side.


# %%
class Network(nn.Module):
    """Three convolutions; behind the first two the maps have half the side. Then a dense layer."""

    def __init__(
        self,
        shrink: Callable | None = None,
        *,
        averaged: Callable | None = None,
        circular: bool = False,
    ) -> None:
        super().__init__()
        self.shrink, self.averaged = shrink, averaged
        strides, mode = (1, 1, 1) if shrink else (2, 2, 1), "circular" if circular else "zeros"
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=s, padding=1, padding_mode=mode)
            for a, b, s in zip((1, 8, 16), (8, 16, 32), strides, strict=True)
        )
        self.dense = nn.Linear(32 if averaged else 32 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        for number, layer in enumerate(self.layers):
            x = layer(x).relu()
            x = self.shrink(x) if self.shrink and number < 2 else x
        return self.dense(self.averaged(x) if self.averaged else x.flatten(1))


# %%
def untrained(shrink: Callable | None = None, *, seed: int = 0, **options) -> Network:
    """Return a network with the initial weights of He et al., and small scores at the start."""
    torch.manual_seed(seed)
    net = Network(shrink, **options)
    for layer in net.layers:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
    nn.init.normal_(net.dense.weight, std=0.01)
    return net


def fit(net: nn.Module, data: Images, *, label: str, steps: int = 250) -> nn.Module:
    """Train by Adam on batches of 64."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (64,), generator=generator)
        loss = F.cross_entropy(net(data.images[index]), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def says(net: Callable, images: Tensor) -> Tensor:
    with torch.no_grad():
        return net(images).argmax(dim=1)


# %% [markdown]
# The digits stand in the middle of a canvas of 16 x 16 pixels, with a margin of 4 around them. So
# they can move by up to 4 pixels, and nothing of them is lost. The network is trained on them as
# they stand. Then the images that it has never seen move, by one pixel.

# %% predict="one_pixel"
# A question: run this cell and choose.
one_pixel = predict(
    "All test images move by one pixel, and nothing is lost at the edge. For what share of them "
    "does the network's answer stay the same?",
    a="95 percent",
    b="75 percent",
    c="50 percent",
    answer=...,
)
one_pixel

# %% experiment="failure"
# In networks this small, threads wait for one another longer than they compute.
torch.set_num_threads(1)
train, test = (framed(data, 4) for data in digits())
strided = fit(untrained(), train, label="strides")
read = (says(strided, test.images) == test.labels).double().mean().item()
print(f"{read:.1%} of the test images are read rightly as they are")
flips(strided, test)

# %% [markdown]
# Nobody would call these other digits. The network does. Nothing is wrong with its code, and a
# convolution is **equivariant**: when the image moves, its feature maps move along. Somewhere
# between the maps and the answer one pixel begins to matter. To find the place, measure first.
#
# ### Exercise: shift consistency
#
# **2 points, and 0.5 for the habit.** `model` is any function from images (N, C, H, W) to scores
# (N, K); its answer for an image is the class with the largest score. Return the share of images
# whose answer stays the same when the image is shifted.
#
# `shift` is a whole number of pixels, or a pair `(down, right)`; one number stands for both, so 2
# means two down and two to the right. Negative numbers go up and left. Pixels that leave are gone,
# and those that come in are 0. Leave `x` as it was.
#
# The habit: a shift as large as the image moves all of it out, and two black images are easily of
# one opinion. Refuse that, and say what was passed.

# %% [markdown] hints="shift_consistency"
# <details><summary>Hint 1: how do I get two numbers out of shift?</summary>
#
# `down, right = (shift, shift) if isinstance(shift, int) else shift`.
#
# </details>
# <details><summary>Hint 2: how do I shift without a loop?</summary>
#
# `F.pad(x, (left, right, top, bottom))` adds zeros at each side, and a negative number there crops.
# A shift to the right adds at the left as much as it crops at the right.
#
# </details>
# <details><summary>Hint 3: how do two tensors of answers become a share?</summary>
#
# `(a == b)` is True or False for each image; `.double().mean().item()` is the share of True. Ask
# the model inside `with torch.no_grad():`, because nobody needs gradients here.
#
# </details>


# %% exercise="shift_consistency"
def shift_consistency(
    model: Callable[[Tensor], Tensor], x: Tensor, *, shift: int | tuple[int, int]
) -> float:
    """Return the share of images, from 0 to 1, whose answer stays the same when they are shifted.

    x has shape (N, C, H, W); shift is a whole number or (down, right), in pixels; 0 comes in.
    Raises ValueError where shift moves the whole image out.
    """
    ### BEGIN SOLUTION
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    height, width = x.shape[2:]
    if abs(down) >= height or abs(right) >= width:
        raise ValueError(f"shift is {shift}; expected less than the image's {height} x {width}")
    # A negative width of padding crops.
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()
    ### END SOLUTION


# %% check="shift_consistency" points=2
# Check of shift_consistency, 2 points.
import torch

from course.checks import agree, right, unchanged


def brightest_column(images):
    return images.sum(dim=(1, 2))


# Four images of 1 x 3 pixels. The brightest columns are 0, 1, 2 and 2.
x = torch.tensor([[5.0, 4.0, 0.0], [0.0, 5.0, 1.0], [3.0, 0.0, 5.0], [0.0, 0.0, 5.0]])
x = x[:, None, None]
before = x.clone()
# Two to the right, (3, 0, 5) becomes (0, 0, 3). One to the left, (5, 4, 0) becomes (4, 0, 0).
expected = {(0, 0): 1.0, (0, 1): 0.0, (0, 2): 0.25, (0, -1): 0.25}
shares = {shift: shift_consistency(brightest_column, x, shift=shift) for shift in expected}
for shift, share in expected.items():
    agree(
        shares[shift],
        share,
        f"shift_consistency(brightest_column, x, shift={shift})",
        cause="pixels come in again at the other side, the direction is wrong, or the share is.",
        step="write down the shifted images by hand, and which column is the brightest in each.",
    )
unchanged(x, before, "shift_consistency(model, x)")
### BEGIN HIDDEN TESTS
from torch import nn


def moved(images, down, across):
    """Move the images pixel by pixel."""
    result = torch.zeros_like(images)
    height, width = images.shape[2:]
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - across < width:
                result[:, :, row, column] = images[:, :, row - down, column - across]
    return result


# Eleven images of 3 x 5 pixels, two channels, not contiguous; a linear model of four classes.
images = torch.linspace(-40, 60, 330, dtype=torch.float64).square().sin()
images = images.reshape(5, 3, 2, 11).permute(3, 2, 1, 0)
weight = torch.linspace(-9, 14, 120, dtype=torch.float64).square().cos().reshape(30, 4)


def linear(batch):
    return batch.flatten(1) @ weight


before = images.clone()
answers = linear(images).argmax(dim=1)
for shift in [(0, 0), (1, 0), (0, 1), (-2, 0), (0, -3), (1, 4), (-1, 2), (2, -1), 0, 1, 2, -1]:
    down, across = (shift, shift) if isinstance(shift, int) else shift
    same = linear(moved(images, down, across)).argmax(dim=1) == answers
    agree(
        shift_consistency(linear, images, shift=shift),
        same.double().mean().item(),
        f"shift_consistency of 3 x 5 pixels with two channels, shift={shift}",
        cause="down and right are swapped, a sign is wrong, or something else than 0 comes in.",
        step="F.pad takes (left, right, top, bottom); one number stands for both directions.",
    )
unchanged(images, before, "shift_consistency(model, x)")
agree(
    shift_consistency(lambda batch: batch.relu().sum(dim=(2, 3)) * 3, images[:, :, :, :4], shift=0),
    1.0,
    "shift_consistency of a shift by 0",
    cause="the answers to the same images differ: something is random or counted twice.",
    step="compare argmax(dim=1) of model(x) with that of model(shifted).",
)
framed = torch.zeros(4, 3, 5, 6)
framed[:, :, 1:4, 1:5] = torch.linspace(-3, 5, 144).square().sin().reshape(4, 3, 3, 4)
layer = nn.Conv2d(3, 5, 1, bias=False)
layer.load_state_dict({"weight": torch.linspace(-2, 1, 15).sin().reshape(5, 3, 1, 1)})
network = nn.Sequential(layer, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
agree(
    shift_consistency(network, framed, shift=(1, -1)),
    1.0,
    "shift_consistency of a network that pools over the whole image, where nothing gets lost",
    cause="scores are compared instead of answers, or pixels get lost.",
    step="compare argmax(dim=1) of the scores, and check both directions of the shift.",
)
### END HIDDEN TESTS
right("shift_consistency", points=2)

# %% habit="shift_consistency" points=0.5
# Habit of shift_consistency, 0.5 points: it refuses a shift that leaves nothing of the image.
import torch

from course.checks import refuses, right

x = torch.ones(2, 1, 3, 5)
for shift in ((3, 0), (0, -5), 4):
    refuses(
        lambda shift=shift: shift_consistency(lambda batch: batch.sum(dim=(1, 2)), x, shift=shift),
        f"shift={shift} of images of 3 x 5 pixels",
    )
### BEGIN HIDDEN TESTS
for shift in ((-4, 1), (1, 6), (0, 5), -3):
    refuses(
        lambda shift=shift: shift_consistency(lambda batch: batch.sum(dim=(1, 2)), x, shift=shift),
        f"shift={shift} of images of 3 x 5 pixels",
    )
### END HIDDEN TESTS
right("shift_consistency", points=0.5, habit=True)

# %% [markdown]
# ### Measure
#
# Your function measures the network from above, in four directions. Beside it stands what the
# lesson gets by `roll`, which lets pixels come in again at the other side; with this margin both
# are the same.


# %%
def kept(net: Callable, pixels: int) -> tuple[float, str]:
    """Share of answers that stay, on average over four directions; yours, where it is written."""
    ways = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
    still = says(net, test.images)
    moved = [says(net, test.images.roll(way, dims=(2, 3))) == still for way in ways]
    share = torch.stack(moved).double().mean().item()
    own = attempt(
        lambda: sum(shift_consistency(net, test.images, shift=way) for way in ways) / 4, share
    )
    return (share, f"yours {own.words}") if own.value is None else (own.value, "yours")


# %% experiment="own_consistency"
for pixels in range(1, 5):
    share, whose = kept(strided, pixels)
    print(f"{share:.0%} of the answers stay after a shift by {pixels} ({whose})")

# %% reveal="one_pixel"
# What is right, and why.
one_pixel.reveal(
    "c",
    f"It keeps {kept(strided, 1)[0]:.0%} of its answers, and it reads {read:.0%} of the images "
    "rightly as long as they stand in the middle.",
)

# %% [markdown]
# Two things are at work. The dense layer has its own weight for each position of each feature map,
# and it has seen digits in the middle only. And a stride keeps every second pixel: which pixels of
# a stroke these are depends on where the stroke happens to start. The figure shows a digit, one
# feature map of it, and every second pixel of that map; below, the same one pixel to the right.

# %% experiment="sampled"
sampled()

# %% [markdown]
# The feature map moves along, as it should. What is left of it after sampling is not the upper
# picture moved: it is another picture.
#
# **The question of this lesson: what does it take to make feature maps smaller, and keep the answer
# when the image moves?** Pooling layers are said to do both. You write them, put them into this
# network in place of its strides, and measure. In section 8 you mend it.

# %% [markdown]
# ## 2 The largest of a window
#
# **Max pooling** puts a window on each feature map and passes on the largest value in it. The next
# window lies `stride` pixels further, by default just beside the first:
#
# $$y_{n,c,i,j} = \max_{a < k_h,\; b < k_w} \; x_{n,\; c,\; s_h i + a,\; s_w j + b}$$
#
# Each channel is pooled by itself, and nothing is learnt: a pooling layer has no parameters.
# **Average pooling** takes the mean in place of the largest.

# %% experiment="windows"
windows()

# %% [markdown]
# Inside its window the maximum does not care where the largest value lies. That is the reason for
# the hope: a stroke that moves inside a window changes nothing. The border between two windows is
# the limit. Let the 7 of the figure change places with its neighbour on the right: the maximum of
# its window stays 7. With the one on the left: it leaves its window, and the maxima 2 and 7 become
# 7 and 4.
#
# As with a convolution, padding lets windows reach over the border. But what should stand there?

# %% predict="corner"
# A question: run this cell and choose.
predict(
    "All pixels of an image are -3. A 2x2 window with padding 1 lies on its corner: one pixel "
    "inside, three outside. What should max pooling give?",
    a="0",
    b="-3",
    c="-0.75",
    right="b",
    why="The largest value of the image in that window. Padding must never win.",
    answer=...,
)

# %% [markdown]
# ### Explore
#
# Step through the windows. Which settings use a number twice, and which leave numbers out? Which
# row of the table never reaches the output with a 3x3 window, stride 2 and no padding?
#
# <details><summary>What you should have seen</summary>
#
# A stride below the side of the window uses numbers twice, one above it leaves numbers out. So does
# a window that no longer fits: with 3x3 windows, stride 2 and no padding the last of the six rows,
# row 5, reaches no output.
#
# </details>

# %% experiment="stepper"
stepper()

# %% [markdown]
# ### Exercise: max pooling
#
# **3 points, and 0.5 for the habit.** Write it without torch's pooling functions. `kernel_size`,
# `stride` and `padding` are whole numbers or pairs (height, width); `pair` from the lesson on
# convolution makes pairs of them: `pair(stride, name="stride", least=1)`. Without a `stride`,
# windows lie side by side. A window that does not fit any more, at the right or at the bottom, is
# left out. The result has the dtype of `x`, 16-bit numbers too, and a gradient flows back.
#
# Padding never wins, however negative the image.
#
# The habit: torch allows at most half of the window as padding, for then every window has a pixel
# of the image in it. Refuse more, and a window that is larger than the padded image. Your own
# functions run in the network below, where a result of infinities would be hard to trace.

# %% [markdown] hints="max_pool2d"
# <details><summary>Hint 1: which number is never the largest?</summary>
#
# Minus infinity: `F.pad(x, (left, right, top, bottom), value=-torch.inf)`. A large negative number
# would do until somebody has a larger one.
#
# </details>
# <details><summary>Hint 2: how do I get all windows without loops?</summary>
#
# `x.unfold(2, kh, sh)` cuts dimension 2 into pieces of kh, each sh after the last, and puts the
# pieces into a new dimension at the end. Do it for both dimensions: (N, C, H', W', kh, kw).
#
# </details>
# <details><summary>Hint 3: and then?</summary>
#
# The largest along the last two dimensions: `windows.amax(dim=(4, 5))`. Loops over the kh * kw
# places inside a window, with slices such as `x[:, :, i::sh, j::sw]`, are as good.
#
# </details>


# %% exercise="max_pool2d"
def max_pool2d(
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Return the largest value of each window: (N, C, H, W) -> (N, C, H', W').

    stride is kernel_size where not given. Padding never wins. Raises ValueError where padding is
    above half of kernel_size, or the window is larger than the padded image.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
            f"is at least as large as the window {(kh, kw)}"
        )
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
    winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
    # Taking the winners out of the image, not out of the windows, makes the way back cheap.
    row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
    index = row * x.shape[3] + column
    return x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)
    ### END SOLUTION


# %% check="max_pool2d" points=3
# Check of max_pool2d, 3 points.
import torch

from course.checks import agree, from_scratch, right, unchanged

x = torch.tensor([[-5.0, -1, -2, -7, -3], [-4, -6, -9, -8, -2], [-3, -3, -8, 0, -1]])[None, None]
before = x.clone()
agree(
    max_pool2d(x, kernel_size=(2, 3), stride=(1, 2)),
    torch.tensor([[[[-1.0, -2.0], [-3.0, 0.0]]]]),
    "max_pool2d(x, kernel_size=(2, 3), stride=(1, 2))",
    cause="height and width are swapped, or the windows start at the wrong pixels.",
    step="the first window covers rows 0 and 1 and columns 0 to 2; the next starts at column 2.",
)
agree(
    max_pool2d(x, kernel_size=2, stride=(2, 4), padding=1),
    torch.tensor([[[[-5.0, -3.0], [-3.0, 0.0]]]]),
    "max_pool2d(x, kernel_size=2, stride=(2, 4), padding=1)",
    cause="the padding wins over negative pixels, or it is missing at a side.",
    step="pad with -torch.inf, as much on each of the four sides as padding says.",
)
unchanged(x, before, "max_pool2d(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import gradient

# Two images, three channels, 7 x 5 pixels, not contiguous, most of them below 0.
x = (torch.linspace(-8, 9, 210, dtype=torch.float64).square().sin() - 0.9) * 1e12
x = x.reshape(5, 3, 7, 2).permute(3, 1, 2, 0)
before = x.clone()
for options in [
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)},
    {"kernel_size": (3, 2), "stride": (1, 3), "padding": (1, 0)},
    {"kernel_size": (2, 4), "stride": 3, "padding": (0, 2)},
    {"kernel_size": (1, 5), "stride": (2, 1)},
    {"kernel_size": (3, 2)},
    {"kernel_size": 2},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": 1},
    {"kernel_size": (7, 5)},
]:
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    agree(
        max_pool2d(x, **options),
        F.max_pool2d(x, **options),
        f"max_pool2d(x, {given}) of two images with three channels of 7 x 5 pixels",
        cause="a finite padding value wins over pixels far below 0, height and width are mixed up, "
        "or an option is ignored.",
        step="pad with -torch.inf; work out by hand the first and the last window each way.",
        rtol=0.0,
        atol=0.0,
    )
    agree(
        gradient(lambda t, options=options: max_pool2d(t, **options), x),
        gradient(lambda t, options=options: F.max_pool2d(t, **options), x),
        f"the gradient of max_pool2d(x, {given})",
        cause="the winners were taken out of the graph, or copied into a new tensor as numbers.",
        step="stay in torch operations from x to the result.",
    )
unchanged(x, before, "max_pool2d(x)")
small = x.float() / 1e12
wide = F.pad(small, (2, 1, 1, 0), value=-9.0)
agree(
    max_pool2d(max_pool2d(wide, kernel_size=2), kernel_size=(2, 2)),
    max_pool2d(wide, kernel_size=4),
    "the maximum of maxima, against the maximum of the larger window, in float32",
    cause="windows overlap or leave a gap where no stride is given.",
    step="the default of stride is kernel_size.",
)
for dtype in (torch.float32, torch.float16):
    agree(
        max_pool2d(small.to(dtype), kernel_size=2, padding=1),
        F.max_pool2d(small.to(dtype), kernel_size=2, padding=1),
        f"max_pool2d of {dtype} numbers",
        cause="the dtype of x is lost, or the padding value does not fit into it.",
        step="let the dtype come from x, and pad with -torch.inf.",
    )
# With a padding of 1 a window of 4 x 5 covers images of 2 x 3 pixels, and no smaller ones.
options = {"kernel_size": (4, 5), "padding": 1}
agree(
    max_pool2d(x[:, :, :2, :3], **options),
    F.max_pool2d(x[:, :, :2, :3], **options),
    "max_pool2d(x, kernel_size=(4, 5), padding=1) of images of 2 x 3 pixels",
    cause="the window is compared with the image as it was before the padding.",
    step="compare it with the height and the width of the padded image.",
    rtol=1e-10,
)
### END HIDDEN TESTS
pools = ["max_pool2d", "MaxPool2d", "adaptive_max_pool2d", "max_pool1d", "max_pool3d"]
step = "cut the padded image into windows with unfold, and take the largest of each."
from_scratch(max_pool2d, "max_pool2d", without=pools, step=step)
right("max_pool2d", points=3)

# %% habit="max_pool2d" points=0.5
# Habit of max_pool2d, 0.5 points: it refuses windows without a pixel, and windows that do not fit.
import torch

from course.checks import refuses, right

x = torch.ones(2, 3, 7, 5)
for options in (
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": (1, 3), "padding": 1},
    {"kernel_size": (8, 1)},
):
    refuses(
        lambda options=options: max_pool2d(x, **options),
        f"max_pool2d of images of 7 x 5 pixels with {options}",
    )
### BEGIN HIDDEN TESTS
for options in (
    {"kernel_size": (3, 1), "padding": 1},
    {"kernel_size": (4, 2), "padding": (1, 2)},
    {"kernel_size": (4, 6), "padding": (3, 1)},
    {"kernel_size": (1, 6)},
    {"kernel_size": (8, 2), "stride": 2},
):
    refuses(
        lambda options=options: max_pool2d(x, **options),
        f"max_pool2d of images of 7 x 5 pixels with {options}",
    )
for rows, columns in ((1, 3), (2, 2)):
    refuses(
        lambda r=rows, c=columns: max_pool2d(x[:, :, :r, :c], kernel_size=(4, 5), padding=1),
        f"kernel_size=(4, 5) and padding=1 with images of {rows} x {columns} pixels",
    )
### END HIDDEN TESTS
right("max_pool2d", points=0.5, habit=True)

# %% [markdown]
# **What you built.** A layer that makes feature maps smaller and has nothing to learn. It is often
# said to keep what matters. It keeps what is largest; whether that matters is up to the filter in
# front of it, and where it was is forgotten.
#
# It is also said to reduce the number of parameters. A convolution has as many parameters on a
# small map as on a large one. A dense layer behind the maps has one for each pixel, so it has a
# quarter after each halving of the sides. Behind a mean over each map it makes no difference:

# %% experiment="counts"
for reads, pixels in {"every pixel": (16 * 16, 4 * 4), "the mean of each map": (1, 1)}.items():
    large, small = (32 * 10 * n + 10 for n in pixels)
    print(f"a dense layer that reads {reads}: {large:,} parameters, {small:,} after two poolings")

# %% [markdown]
# ## 3 The mean of a window, and of everything
#
# Where the maximum asks whether a feature is there, the mean asks how much of it there is. With
# padding there is a choice. A window on the corner of an image, with one pixel inside and three
# zeros outside: is its mean the sum divided by four, or by one? `count_include_pad` says which;
# torch counts the zeros unless told otherwise.

# %% predict="border"
# A question: run this cell and choose.
predict(
    "An image whose pixels are all 8 is averaged with 3x3 windows, padding 1, stride 1 and the "
    "zeros counted. What stands in the corners of the result?",
    a="8",
    b="32/9, about 3.6",
    c="0",
    right="b",
    why="Four pixels of 8 and five zeros. A bright image gets a dark frame.",
    answer=...,
)

# %% [markdown]
# ### Exercise: average pooling
#
# **2 points.** The options mean what they mean in `max_pool2d`. The value of the padding is 0 here,
# not minus infinity. With `count_include_pad=False` each sum is divided by the number of pixels of
# the image in that window, which differs at the border. Gradient and dtype as before.

# %% [markdown] hints="avg_pool2d"
# <details><summary>Hint 1: what changes against max_pool2d?</summary>
#
# The value of the padding, and `mean` or `sum` in place of the largest.
#
# </details>
# <details><summary>Hint 2: how do I count the pixels of the image in each window?</summary>
#
# Pool an image of ones in the same way: its padding is 0, so its sums are the counts.
#
# </details>
# <details><summary>Hint 3: how do I write that once?</summary>
#
# A function `window_sums(image)` inside yours, which pads, cuts into windows and sums. Both answers
# begin with `window_sums(x)`; `count_include_pad` decides what that is divided by.
#
# </details>


# %% exercise="avg_pool2d"
def avg_pool2d(
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of each window: (N, C, H, W) -> (N, C, H', W').

    It runs over padding zeros too unless count_include_pad is False. The other arguments are those
    of max_pool2d.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
            f"is at least as large as the window {(kh, kw)}"
        )

    rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1

    def window_sums(image: Tensor) -> Tensor:
        # First along rows, then along columns: kw + kh additions a pixel instead of kh * kw.
        image = F.pad(image, (pw, pw, ph, ph))
        image = torch.stack([image[..., j::sw][..., :columns] for j in range(kw)]).sum(dim=0)
        return torch.stack([image[:, :, i::sh][:, :, :rows] for i in range(kh)]).sum(dim=0)

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))
    ### END SOLUTION


# %% check="avg_pool2d" points=2
# Check of avg_pool2d, 2 points.
import torch

from course.checks import agree, from_scratch, right, unchanged

x = torch.tensor([[-5.0, -1, -2, -7, -3], [-4, -6, -9, -8, -2], [-3, -3, -8, 0, -1]])[None, None]
before = x.clone()
options = {"kernel_size": 2, "stride": (2, 4), "padding": 1}
calls = [
    ({"kernel_size": (2, 3), "stride": (1, 2)}, [[-27 / 6, -31 / 6], [-33 / 6, -28 / 6]]),
    (options, [[-1.25, -2.5], [-1.75, -2.75]]),
    ({**options, "count_include_pad": False}, [[-5.0, -5.0], [-3.5, -2.75]]),
]
results = [avg_pool2d(x, **call) for call, _ in calls]
for result, (call, mean) in zip(results, calls, strict=True):
    agree(
        result,
        torch.tensor([[mean]]),
        "avg_pool2d(x, " + ", ".join(f"{key}={value}" for key, value in call.items()) + ")",
        cause="the sum is right and divided by the wrong number, or the windows are others.",
        step="divide by kh * kw, or by the number of pixels of the image in the window.",
    )
unchanged(x, before, "avg_pool2d(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import gradient

x = torch.linspace(-8, 9, 210, dtype=torch.float64).square().sin()
x = x.reshape(5, 3, 7, 2).permute(3, 1, 2, 0)
before = x.clone()
for options in [
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1)},
    {"kernel_size": (3, 2), "stride": (1, 3), "padding": (1, 0)},
    {"kernel_size": (2, 4), "stride": 3, "padding": (0, 2)},
    {"kernel_size": (1, 5), "stride": (2, 1)},
    {"kernel_size": (3, 2)},
    {"kernel_size": 3, "padding": 1},
    {"kernel_size": (7, 5)},
]:
    for counted in ({}, {"count_include_pad": False}):
        call = options | counted
        given = ", ".join(f"{key}={value}" for key, value in call.items())
        agree(
            avg_pool2d(x, **call),
            F.avg_pool2d(x, **call),
            f"avg_pool2d(x, {given}) of two images with three channels of 7 x 5 pixels",
            cause="height and width are mixed up, an option is ignored, or the count is wrong.",
            step="work out by hand the first and the last window in each direction.",
            rtol=1e-10,
        )
        agree(
            gradient(lambda t, call=call: avg_pool2d(t, **call), x),
            gradient(lambda t, call=call: F.avg_pool2d(t, **call), x),
            f"the gradient of avg_pool2d(x, {given})",
            cause="the result was detached or copied into a new tensor as numbers.",
            step="stay in torch operations from x to the result.",
            rtol=1e-10,
        )
unchanged(x, before, "avg_pool2d(x)")
weight = torch.full((3, 1, 3, 2), 1 / 6)
agree(
    avg_pool2d(x.float(), kernel_size=(3, 2), stride=(2, 1), padding=1),
    F.conv2d(x.float(), weight, stride=(2, 1), padding=1, groups=3),
    "avg_pool2d in float32, against a convolution with equal weights",
    cause="the dtype of x is lost, or the zeros of the padding are not counted.",
    step="let the dtype come from x, and divide by kh * kw.",
)
# With a padding of 1 a window of 4 x 5 covers images of 2 x 3 pixels, and no smaller ones.
options = {"kernel_size": (4, 5), "padding": 1}
agree(
    avg_pool2d(x[:, :, :2, :3], **options),
    F.avg_pool2d(x[:, :, :2, :3], **options),
    "avg_pool2d(x, kernel_size=(4, 5), padding=1) of images of 2 x 3 pixels",
    cause="the window is compared with the image as it was before the padding.",
    step="compare it with the height and the width of the padded image.",
    rtol=1e-10,
)
### END HIDDEN TESTS
pools = ["avg_pool2d", "AvgPool2d", "adaptive_avg_pool2d", "avg_pool1d", "lp_pool2d"]
step = "cut the padded image into windows with unfold, and take the mean of each."
from_scratch(avg_pool2d, "avg_pool2d", without=pools, step=step)
right("avg_pool2d", points=2)

# %% [markdown]
# ### Exercise: global average pooling
#
# **1 point.** Let the window be the whole feature map, and each channel becomes one number: (N, C,
# H, W) -> (N, C). Lin, Chen and Yan (2014) put this in the place of flatten and large dense layers:
# one feature map for each class, and its mean as the score. It takes images of any size, and its
# result does not know where anything was. One line.

# %% [markdown] hints="global_avg_pool"
# <details><summary>Hint 1: which dimensions disappear?</summary>
#
# The last two. Images and channels stay apart, also where there is only one of them.
#
# </details>
# <details><summary>Hint 2: can mean take two dimensions at once?</summary>
#
# Yes: `x.mean(dim=(2, 3))`.
#
# </details>
# <details><summary>Hint 3: by what is a sum divided?</summary>
#
# By the number of pixels, height times width. `mean` sees to that, for the dimensions that it
# takes.
#
# </details>


# %% exercise="global_avg_pool"
def global_avg_pool(x: Tensor) -> Tensor:
    """Return the mean of each channel over the whole image: (N, C, H, W) -> (N, C)."""
    ### BEGIN SOLUTION
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3))
    ### END SOLUTION


# %% check="global_avg_pool" points=1
# Check of global_avg_pool, 1 point.
import torch

from course.checks import agree, right, unchanged

x = torch.tensor([[[1.0, 2.0, 6.0], [5.0, 4.0, 0.0]], [[0.0, 0.0, -3.0], [-9.0, 0.0, 6.0]]])
x = torch.stack([x, x + 1, -2 * x])
before = x.clone()
agree(
    global_avg_pool(x),
    torch.tensor([[3.0, -1.0], [4.0, 0.0], [-6.0, 2.0]]),
    "global_avg_pool of three images with two channels of 2 x 3 pixels",
    cause="the mean runs over the wrong dimensions, or lost or kept dimensions are in the way.",
    step="take the mean over dimensions 2 and 3 together; the result has shape (N, C).",
)
unchanged(x, before, "global_avg_pool(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import gradient

for shape in [(2, 3, 7, 5), (1, 3, 4, 6), (4, 1, 2, 3), (1, 1, 1, 2), (3, 2, 1, 1)]:
    n, c, h, w = shape
    x = torch.linspace(-8, 9, n * c * h * w, dtype=torch.float64).square().sin() - 0.3
    x = x.reshape(w, c, h, n).permute(3, 1, 2, 0)
    agree(
        global_avg_pool(x),
        F.adaptive_avg_pool2d(x, 1).reshape(n, c),
        f"global_avg_pool of shape {shape}",
        cause="a dimension of length 1 was dropped, or the dtype was lost.",
        step="reduce dimensions 2 and 3, and no others.",
    )
    agree(
        gradient(global_avg_pool, x),
        (torch.arange(1, n * c + 1).reshape(n, c, 1, 1) / (h * w)).expand(shape).to(x.dtype),
        f"the gradient of global_avg_pool of shape {shape}",
        cause="the result was detached, or the sum is not divided by the number of pixels.",
        step="each pixel has the weight 1 / (H * W).",
    )
agree(
    global_avg_pool(torch.tensor([[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]])),
    torch.tensor([[3.5]]),
    "global_avg_pool in float32",
    cause="the dtype of x is lost.",
    step="let the dtype come from x.",
)
### END HIDDEN TESTS
right("global_avg_pool", points=1)

# %% [markdown]
# ### Explore
#
# The same widget, now beside your own functions. Switch between maximum and mean on the same
# window. Where do the two agree? Which of them can a single pixel change by much?
#
# <details><summary>What you should have seen</summary>
#
# Maximum and mean agree where all numbers of a window are equal; in this table that happens only
# with windows of one number. A pixel that grows by 1 raises the mean of a 2x2 window by a quarter.
# The maximum rises by the whole 1 if that pixel is the largest, and not at all if it stays below.
#
# </details>

# %% experiment="own_stepper"
stepper(max_pool2d=max_pool2d, avg_pool2d=avg_pool2d, global_avg_pool=global_avg_pool)

# %% [markdown]
# ## 4 Measure again
#
# First the features, before any classifier. Four fixed filters look for edges in real digits, and
# the features of an image are compared with those of the same image moved. A distance needs a
# scale: 1 is the mean distance between images of *different* digits. The widget moves the digits to
# the right.

# %% predict="features_move"
# A question: run this cell and choose.
features_move = predict(
    "How far does one pixel of shift move the features of a digit, on that scale, without pooling?",
    a="0.1",
    b="0.5",
    c="1.0, as far as another digit",
    answer=...,
)
features_move

# %% [markdown]
# ### Explore
#
# Read the answer off the curve for no pooling. How much of it does a 2x2 maximum take away? Does a
# window of 3 or 4 make features stand still under a shift of one pixel? What does pooling do to
# longer shifts? Which way of pooling does not care at all, and what is left of the picture then?

# %% experiment="moves"
moves(max_pool2d=max_pool2d, avg_pool2d=avg_pool2d)

# %% reveal="features_move"
# What is right, and why.
features_move.reveal(
    "c",
    "The features are one or two pixels wide, so after a shift by one pixel much of what is bright "
    "lies where it was dark. With 2x2 maxima it is hardly less: every second column goes to "
    "another window.",
)

# %% [markdown]
# The layer alone gives little. For longer shifts the pooled features even move further than those
# without pooling. Only the global average stands still, and it leaves one number of each map.
#
# But the network around the layer is trained, and may learn to use features that pooling keeps in
# place. So put **your functions** into the network, in place of its strides. Two of the ways below
# pool with windows that overlap: maxima of 3x3 windows with stride 2, and what Zhang (2019) does,
# maxima of 2x2 windows with stride 1, which samples nothing yet, then a blur, here the mean of 3x3
# windows, with the stride of 2.

# %% predict="which_keeps"
# A question: run this cell and choose.
which_keeps = predict(
    "With strides the network kept about half of its answers when images moved by one pixel. What "
    "does 2x2 max pooling in place of the strides make of it?",
    a="still about half",
    b="about two thirds",
    c="nearly all",
    answer=...,
)
which_keeps

# %%
batch = torch.linspace(-8, 9, 64 * 40 * 16 * 16).square().sin().reshape(64, 40, 16, 16)


def tried(reference: Callable, own: Callable, **options) -> StandIn:
    """Your function with these options where it can be trained, else torch's."""
    found = yours_or(lambda x: reference(x, **options), lambda x: own(x, **options), batch=batch)
    print(f"{reference.__name__}, {options}: {found}")
    return found


mean_of_two = tried(F.avg_pool2d, avg_pool2d, kernel_size=2).function
max_of_two = tried(F.max_pool2d, max_pool2d, kernel_size=2).function
max_of_three = tried(F.max_pool2d, max_pool2d, kernel_size=3, stride=2, padding=1).function
every_max = tried(F.max_pool2d, max_pool2d, kernel_size=2, stride=1).function
blur = tried(F.avg_pool2d, avg_pool2d, kernel_size=3, stride=2, padding=1).function
WAYS = {
    "strides": "stride",
    "average 2x2": mean_of_two,
    "max 2x2": max_of_two,
    "max 3x3": max_of_three,
    "max, blurred": lambda x: blur(every_max(x)),
}

# %% [markdown]
# Five networks of each of the two kinds that the next trial compares, and three of each other one,
# are trained side by side, with equal initial weights and batches. The cost is counted in
# **multiply-adds**: one multiplication and one addition for each weight of the three convolutions
# at each position, for one image.

# %% experiment="ways_of_shrinking"
trained = {}
for name, way in WAYS.items():
    nets = Shrinking(way, side=16, seeds=range(5 if name in ("strides", "max 2x2") else 3))
    trained[name] = nets.fit(train, steps=150, rate=0.01, label=name)
survival = {name: nets.survival(test.images, 4) for name, nets in trained.items()}
staying = {name: shares.mean(dim=2) for name, shares in survival.items()}
for name, nets in trained.items():
    shares = sorted(nets.accuracies(test))
    told = f"{shares[0]:.1%} to {shares[-1]:.1%} read rightly"
    print(f"{name:>12}: {told}, {nets.multiply_adds(16):>9,} multiply-adds")
kept_curves(staying)

# %% reveal="which_keeps"
# What is right, and why.
median = {name: shares.median(dim=0).values.tolist() for name, shares in staying.items()}
which_keeps.reveal("b", f"{median['max 2x2'][1]:.0%}, against {median['strides'][1]:.0%}.")

# %% [markdown]
# All five read the digits in the middle about equally well, so what differs is what a shift does to
# them. Maxima and means of 2x2 windows keep more answers than strides after one pixel. They cost
# more: strides compute a quarter of the outputs of the first two convolutions, where pooling needs
# all of them and throws most away. Windows that overlap keep more again, for the same number of
# multiply-adds, and the blur keeps most: the smoother a map is, the less it matters which of its
# pixels are sampled (Azulay and Weiss, 2019; Zhang, 2019).
#
# After four pixels most answers are gone with all of them: the dense layer has never seen a digit
# there.
#
# ### Exercise: break the claim
#
# **1 point.** Courses say that pooling makes answers more robust to small shifts. The next trial
# puts that to the test, and a row of it is yours: find a shift at which the claim turns over.
#
# Take the dense layer's positions out of the question first. The networks of that row average each
# map, and their convolutions take what is missing at a border from the opposite side, so only the
# sampling is left. They have two strides of 2, or 2x2 maxima in their places. Return `(down,
# right)`, whole numbers from -7 to 7 and not both 0, after which the networks with maxima keep less
# than 1 of 100 answers more than those with strides, for each of five seeds. You have
#
#     advantage((0, 1))
#
# to try shifts with: the difference in the share of answers that stay, one number for each seed. It
# trains for some seconds when you first call it. The check runs the same.

# %% [markdown] hints="equal_shift"
# <details><summary>Hint 1: which pixels does a stride of 2 keep of the moved image?</summary>
#
# After a shift by one the samples are the pixels that were left out before. After a shift by two
# they are the same samples again, one place further.
#
# </details>
# <details><summary>Hint 2: and behind the second stride?</summary>
#
# There the moved samples are sampled once more. A shift by two of the image is a shift by one
# there.
#
# </details>
# <details><summary>Hint 3: how far apart are the samples at the end?</summary>
#
# As far as the product of the strides. A shift by so many pixels moves all samples to the next
# place, and a mean over the map does not see that.
#
# </details>


# %% exercise="equal_shift"
def equal_shift() -> tuple[int, int]:
    """Return a shift (down, right) after which strides keep as many answers as 2x2 maxima do."""
    ### BEGIN SOLUTION
    return (0, 4)
    ### END SOLUTION


# %% check="equal_shift" points=1
# Check of equal_shift, 1 point.
from course.checks import expect, right
from course.shrinking import advantage

shift = equal_shift()
pair_of_pixels = isinstance(shift, tuple | list) and len(shift) == 2
expect(
    pair_of_pixels and all(pixels in range(-7, 8) for pixels in shift) and any(shift),
    f"the shift is {shift}, expected (down, right) from -7 to 7 and not both 0.",
    cause="there are not two whole numbers, or they move nothing, or too far.",
    step="return a pair such as (0, 1), and then a better one.",
)
largest = max(advantage(tuple(shift)))
expect(
    largest < 0.01,
    f"after a shift by {shift}, maxima keep {largest:.0%} of the answers more with one seed.",
    cause="the samples of the moved image are other pixels than those of the image.",
    step="print advantage((0, right)) for a row of shifts, and think of both strides.",
)
right("equal_shift", points=1)


# %% claim="pooling_shift"
# Trial: do answers survive a small shift better with pooling? The last row is your setting.
def more_kept(name: str, pixels: int) -> list[float]:
    """Share of answers that stay, less that with strides, of images that both read rightly."""
    arms = name, "strides"
    one, other = (trained[arm].answers(test.images) == test.labels for arm in arms)
    both = one & other
    stay, strides_stay = ((survival[arm][:, pixels] * both).sum(dim=1) for arm in arms)
    return ((stay - strides_stay) / both.sum(dim=1)).tolist()


conditions = {
    "2x2 maxima, 1 pixel": more_kept("max 2x2", 1),
    "2x2 maxima, 2 pixels": more_kept("max 2x2", 2),
    "2x2 maxima, 4 pixels": more_kept("max 2x2", 4),
    "2x2 maxima, maps averaged, 2 pixels": advantage((0, 2)),
}
own = attempt(lambda: (equal_shift(), advantage(tuple(equal_shift()))))
if own.value is None:
    print(f"Your setting {own.problem}: it would be the last row.")
else:
    conditions[f"2x2 maxima, maps averaged, your shift {own.value[0]}"] = own.value[1]
trial("pooling_shift", conditions)

# %% [markdown]
# So pooling helps against a shift that is shorter than the grid of the samples, and not at all
# against one that hits the grid again. What a longer shift leaves is decided by the layers behind.
# And pooling softens what sampling breaks; it does not mend it.
#
# ## 5 What else pooling is said to do
#
# "Pooling is needed to make feature maps smaller": that is wrong as it stands, for a stride makes
# maps of the same size. What could be meant is that a network with strides reads worse. The next
# trial asks that of digits in the middle, and of digits that stand anywhere on a larger canvas, in
# the training images as in those of the test.


# %% claim="pooling_downsampling"
# Trial: does a network need pooling, where strides make the same maps?
def accuracies(way: Callable | str, *, moved: int) -> Sequence[float]:
    """Test accuracies after training on digits that stand up to so many pixels off the middle."""
    seen, unseen = (scattered(data, moved, seed=s) for s, data in enumerate(digits()))
    nets = Shrinking(way, side=8 + 2 * moved)
    # The best of 0.003, 0.01 and 0.03 for both arms under each of the conditions.
    return nets.fit(seen, steps=200, rate=0.01, label="strides?").accuracies(unseen)


conditions = {
    "digits in the middle": {"moved": 0},
    "up to 2 pixels off the middle": {"moved": 2},
    "up to 4 pixels off the middle": {"moved": 4},
}
arms = {
    name: [accuracies(way, **how) for way in (max_of_two, "stride")]
    for name, how in conditions.items()
}
trial(
    "pooling_downsampling",
    {name: [a - b for a, b in zip(*both, strict=True)] for name, both in arms.items()},
)

# %% [markdown]
# As long as digits stand where the dense layer expects them, strides read as well and cost less.
# Springenberg et al. (2015) built networks of strides alone that do as well on photographs. Where
# digits stand anywhere, each sampling of each digit has to be learnt, and pooling leaves fewer of
# them to tell apart.
#
# Pooling is also said to reduce **overfitting**, and a reason is given with it: the dense layer
# behind it has fewer weights. The next trial trains on a few images, with 2x2 maxima and with
# nothing that shrinks the maps, until both know their images by heart.

# %% predict="few_images"
# A question: run this cell and choose.
few_images = predict(
    "Ten images of each digit to learn from. Where does a network with 2x2 maxima read unseen "
    "digits better than one that shrinks nothing, by 5 of 100 or more?",
    a="digits in the middle, digits off the middle: in both cases",
    b="only where digits stand off the middle",
    c="in neither case",
    answer=...,
)
few_images


# %% claim="pooling_overfitting"
# Trial: does pooling help where there are few images to learn from?
def with_few(way: Callable | str, rate: float, *, moved: int, per_class: int) -> list[float]:
    """Test accuracies of networks that know their few training images by heart."""
    seen, unseen = (scattered(data, moved, seed=s) for s, data in enumerate(digits()))
    nets = Shrinking(way, side=8 + 2 * moved)
    nets.fit(seen.take(per_class), steps=80, rate=rate, label=f"{10 * per_class} images")
    return nets.accuracies(unseen)


# The rates are the best of 0.003, 0.01 and 0.03 for each arm.
conditions = {
    "in the middle, 10 images of each": {"moved": 0, "per_class": 10},
    "in the middle, 5 images of each": {"moved": 0, "per_class": 5},
    "up to 2 pixels off, 10 images of each": {"moved": 2, "per_class": 10},
}
rates = {"in the middle, 5 images of each": 0.003}
few = {
    name: [with_few(max_of_two, rates.get(name, 0.01), **how), with_few("nothing", 0.003, **how)]
    for name, how in conditions.items()
}
trial(
    "pooling_overfitting",
    {name: [a - b for a, b in zip(*both, strict=True)] for name, both in few.items()},
)

# %% reveal="few_images"
# What is right, and why.
few_images.reveal("b", "In the middle there is nothing that pooling could forgive.")

# %% [markdown]
# Is it the smaller dense layer that helps? Strides leave it as small. Off the middle they are a
# control:

# %% experiment="strides_with_few"
controls = {
    "2x2 maxima": few["up to 2 pixels off, 10 images of each"][0],
    "nothing": few["up to 2 pixels off, 10 images of each"][1],
    "strides": with_few("stride", 0.01, moved=2, per_class=10),
}
for name, shares in controls.items():
    print(f"{name:>10}: {min(shares):.0%} to {max(shares):.0%} of unseen digits read rightly")

# %% [markdown]
# Fewer weights alone do not help. What helps is that a maximum does not care where in its window a
# stroke lies, and that only helps where the position of a stroke says nothing about the digit. A
# layer reduces overfitting where what it throws away does not matter.
#
# ## 6 The way back
#
# Training sends a gradient back through the layer. The mean of a 2x2 window hands a quarter of its
# gradient to each of its four pixels. For the maximum, a window's output equals its largest pixel,
# the winner, so the winner's slope is 1 and that of all others is 0: each window hands its whole
# gradient to its winner. A pixel that wins several windows gets the sum.

# %% experiment="routes"
routes()

# %% predict="ties"
# A question: run this cell and choose.
flat = torch.zeros(1, 1, 2, 2, requires_grad=True)
F.max_pool2d(flat, 2).backward()
predict(
    "Behind a ReLU many windows hold nothing but zeros. Which pixel of such a window gets the "
    "gradient from max pooling in torch?",
    a="all of them, the full gradient each",
    b="the first one in reading order",
    c="none",
    right="b",
    why=f"Torch's gradient of a 2x2 window of zeros: {flat.grad[0, 0].tolist()}. One step further "
    "back c is right as well: the slope of torch's ReLU is 0 there, and nothing gets through it.",
    answer=...,
)

# %% [markdown]
# ### Exercise: the backward pass of max pooling
#
# **3 points, and 0.5 for the habit.** Given the gradient `grad_out` at the outputs, return the one
# at the pixels, for pooling without padding and without autograd. Each window's gradient goes to
# the first of its largest pixels, in row-major order. What comes in is what goes out: the sum of
# the result is the sum of `grad_out`. The dtype of the result is that of `grad_out`.
#
# The habit: a `grad_out` of another shape than the output comes from another layer. Added up all
# the same, it would make a gradient that is silently wrong. Refuse it.

# %% [markdown] hints="max_pool2d_backward"
# <details><summary>Hint 1: who won?</summary>
#
# `windows.flatten(-2).max(dim=-1).indices` is the winner's number inside its window, counted row by
# row: row `winner // kw`, column `winner % kw`. For equal values, `max(dim=...)` gives the first.
#
# </details>
# <details><summary>Hint 2: where is that in the image?</summary>
#
# The window of output (i, j) starts at row `sh * i` and column `sw * j`; the winner's place inside
# it comes on top. `torch.arange` gives all i or all j at once.
#
# </details>
# <details><summary>Hint 3: how do I add into places that occur more than once?</summary>
#
# Plain assignment keeps only the last. `scatter_add(2, index, values)` adds, for each image and
# channel, values to a flat row of pixels; begin with `grad_out.new_zeros(n, c, h * w)`, which keeps
# the dtype. It remains to say which place in that row a winner's row and column are. Loops over
# images, channels and windows with `+=` do the same, slowly.
#
# </details>


# %% exercise="max_pool2d_backward"
def max_pool2d_backward(
    grad_out: Tensor,
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> Tensor:
    """Return the gradient at x of max_pool2d without padding: (N, C, H', W') -> (N, C, H, W).

    The first of equal pixels takes it all. Raises ValueError where grad_out has not the shape of
    the output.
    """
    ### BEGIN SOLUTION
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) at least as large as the "
            f"window {(kh, kw)}"
        )
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
    winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}, "
            "the shape of the output"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
    index = row * x.shape[3] + column
    grad_x = torch.zeros_like(x.flatten(2), dtype=grad_out.dtype)
    return grad_x.scatter_add(2, index.flatten(2), grad_out.flatten(2)).reshape(x.shape)
    ### END SOLUTION


# %% check="max_pool2d_backward" points=3
# Check of max_pool2d_backward, 3 points.
import torch

from course.checks import agree, from_scratch, right, unchanged

x = torch.tensor([[[[1.0, 5.0, 5.0, 2.0], [4.0, 0.0, -1.0, 3.0]]]])
before = x.clone()
agree(
    max_pool2d_backward(torch.tensor([[[[1.0, 10.0, 100.0]]]]), x, kernel_size=2, stride=1),
    torch.tensor([[[[0.0, 11.0, 100.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]),
    "max_pool2d_backward(grad_out, x, kernel_size=2, stride=1)",
    cause="a pixel that wins two windows keeps one gradient, or both of two equal pixels get it.",
    step="the windows are won by columns 1, 1 and 2 of the first row; add what each hands back.",
)
grad_out = torch.tensor([[[[7.0, -2.0]]]], dtype=torch.float64)
agree(
    max_pool2d_backward(grad_out, x.double(), kernel_size=(1, 2), stride=(3, 2)),
    torch.tensor([[[[0.0, 7.0, -2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]], dtype=torch.float64),
    "max_pool2d_backward(grad_out, x, kernel_size=(1, 2), stride=(3, 2)) in float64",
    cause="height and width are mixed up where the winner is placed, or the dtype is lost.",
    step="the window starts at column 2 * j; let the dtype come from grad_out.",
)
unchanged(x, before, "max_pool2d_backward(grad_out, x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F


def by_autograd(grad_out, x, options):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(F.max_pool2d(leaf, **options), leaf, grad_out)[0]


def by_differences(grad_out, x, options):
    result = torch.zeros(x.numel(), dtype=x.dtype)
    for k in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=x.dtype)
        step[k] = 1e-6
        step = step.reshape(x.shape)
        high, low = (F.max_pool2d(x + s, **options) for s in (step, -step))
        result[k] = ((high - low) * grad_out).sum() / 2e-6
    return result.reshape(x.shape)


smooth = torch.linspace(-8, 9, 210, dtype=torch.float64).square().sin() - 0.9
smooth = smooth.reshape(5, 3, 7, 2).permute(3, 1, 2, 0)
rounded = (3 * smooth).round()
for options in [
    {"kernel_size": (3, 2), "stride": (2, 1)},
    {"kernel_size": (2, 3), "stride": (1, 2)},
    {"kernel_size": (3, 2)},
    {"kernel_size": 2},
    {"kernel_size": 2, "stride": 3},
    {"kernel_size": (1, 1), "stride": (3, 2)},
    {"kernel_size": (7, 5)},
]:
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    shape = F.max_pool2d(smooth, **options).shape
    grad_out = torch.linspace(2, 5, shape.numel(), dtype=torch.float64).square().cos()
    grad_out = grad_out.reshape(shape[3], shape[1], shape[2], shape[0]).permute(3, 1, 2, 0)
    before = grad_out.clone()
    for x, kind in [(smooth, ""), (rounded, ", where many pixels are equal")]:
        kept_x = x.clone()
        answer = max_pool2d_backward(grad_out, x, **options)
        agree(
            answer,
            by_autograd(grad_out, x, options),
            f"max_pool2d_backward(grad_out, x, {given}){kind}",
            cause="a winner is misplaced, counted twice, or overwritten by a later window.",
            step="compare with a 3 x 3 image worked out by hand.",
            rtol=1e-10,
        )
        agree(
            answer.sum(),
            grad_out.sum(),
            f"the sum of max_pool2d_backward(grad_out, x, {given}){kind}",
            cause="a gradient gets lost or is handed out twice.",
            step="each window hands its gradient to one pixel, and sums are added.",
            rtol=1e-10,
        )
        unchanged(x, kept_x, "max_pool2d_backward(grad_out, x)")
    unchanged(grad_out, before, "max_pool2d_backward(grad_out, x)")
options = {"kernel_size": (3, 2), "stride": (2, 1)}
shape = F.max_pool2d(smooth, **options).shape
grad_out = torch.linspace(2, 5, shape.numel(), dtype=torch.float64).square().cos().reshape(shape)
agree(
    max_pool2d_backward(grad_out, smooth, **options),
    by_differences(grad_out, smooth, options),
    "max_pool2d_backward against central differences",
    cause="the winner's slope is 1, and that of all other pixels 0.",
    step="compare with a 3 x 3 image worked out by hand.",
)
agree(
    max_pool2d_backward(grad_out.float(), smooth.float(), **options),
    by_autograd(grad_out.float(), smooth.float(), options),
    "max_pool2d_backward in float32",
    cause="the dtype of the arguments is lost.",
    step="let the dtype come from grad_out.",
)
### END HIDDEN TESTS
names = ["autograd", "grad", "backward", "requires_grad_", "vjp", "max_unpool2d"]
step = "find the winner of each window, and add the window's gradient there."
from_scratch(max_pool2d_backward, "the backward pass", without=names, step=step)
right("max_pool2d_backward", points=3)

# %% habit="max_pool2d_backward" points=0.5
# Habit of max_pool2d_backward, 0.5 points: it refuses a grad_out of another shape than the output.
import torch

from course.checks import refuses, right

x = torch.linspace(-8, 9, 210).square().sin().reshape(2, 3, 7, 5)
refuses(lambda: max_pool2d_backward(x, x, kernel_size=2), "a grad_out of the shape of x")
### BEGIN HIDDEN TESTS
for shape in ((1, 3, 3, 2), (2, 1, 3, 2), (2, 3, 3, 1), (2, 3, 4, 2), (2, 3, 2, 3)):
    refuses(
        lambda shape=shape: max_pool2d_backward(torch.ones(shape), x, kernel_size=2),
        f"a grad_out of shape {shape} for an output of shape (2, 3, 3, 2)",
    )
### END HIDDEN TESTS
right("max_pool2d_backward", points=0.5, habit=True)

# %% [markdown]
# **What you built.** The mean spreads a gradient evenly over its window; the maximum sends it along
# one path and leaves the other pixels out. Tied pixels have no slope in the strict sense. Torch's
# choice, the first, is as good as sharing, and handing the full gradient to each is not: then more
# comes out than went in.
#
# ### Your backward pass at work
#
# An `autograd.Function` ties a forward and a backward pass together. Here are yours, in a network
# with 2x2 maxima, beside torch's pooling with the same weights and the same batches.


# %% experiment="own_backward"
class ByHand(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return max_of_two(x)

    @staticmethod
    def backward(ctx, grad_out: Tensor) -> Tensor:
        return max_pool2d_backward(grad_out, *ctx.saved_tensors, kernel_size=2)


def loss_with(shrink: Callable) -> float:
    net = fit(untrained(shrink), train, label="by hand", steps=20)
    return F.cross_entropy(net(train.images), train.labels).item()


own = attempt(lambda: loss_with(ByHand.apply))
told = own.problem or f"{own.value:.6f} after 20 steps"
print(f"loss with torch's way back: {loss_with(lambda x: F.max_pool2d(x, 2)):.6f}")
print(f"loss with yours: {told}")

# %% [markdown]
# ## 7 Bug museum: the zero that wins
#
# Some frameworks pad so that a layer with stride $s$ turns $n$ pixels into $n / s$, rounded up,
# with the odd pixel of padding at the bottom and at the right. Networks that are carried over from
# there into torch bring a layer of their own for that. Yet-Another-EfficientDet-Pytorch, an object
# detector that is widely copied, brought one whose middle did what this one does. Its pull request
# 352 of May 2020 brought a repair, and noted slightly better results.


# %%
def museum_pool(x: Tensor, *, kernel_size: int, stride: int) -> Tensor:
    """Max pooling to ceil(H / stride) x ceil(W / stride) pixels. (An exhibit: do not use.)"""
    sides: list[int] = []
    for size in (x.shape[3], x.shape[2]):  # F.pad takes the last dimension first
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides), kernel_size, stride)


after_relu = torch.tensor([[[[0.0, 2.0, 0.0, 1.0], [3.0, 0.0, 0.0, 0.0]]]])
print(museum_pool(after_relu, kernel_size=3, stride=2))

# %% [markdown]
# The output above is right, and so is every output whose input comes out of a ReLU. In that
# detector the layer sits behind batch normalisation. Find the defect, prove it, and mend it.
#
# ### Exercise: prove it
#
# **1 point.** Return a batch of images of the given shape, of finite numbers, for which
# `museum_pool(x, kernel_size=3, stride=2)` has a number in its output that is larger than every
# pixel of the input.

# %% [markdown] hints="unmask"
# <details><summary>Hint 1: which numbers does the exhibit add to the image?</summary>
#
# Zeros: that is what `F.pad` takes where it is not told otherwise.
#
# </details>
# <details><summary>Hint 2: when does a zero win?</summary>
#
# Where all pixels of the image in that window are below 0.
#
# </details>
# <details><summary>Hint 3: which images are sure to do it?</summary>
#
# Those without any pixel at or above 0, whatever their size.
#
# </details>


# %% exercise="unmask"
def unmask(shape: tuple[int, int, int, int]) -> Tensor:
    """Return images of that shape of which museum_pool says more than they hold."""
    ### BEGIN SOLUTION
    return -torch.ones(shape)
    ### END SOLUTION


# %% check="unmask" points=1
# Check of unmask, 1 point.
import torch
import torch.nn.functional as F

from course.checks import expect, right


def prove(shape):
    x = unmask(shape)
    expect(
        isinstance(x, torch.Tensor) and x.shape == shape and bool(x.isfinite().all()),
        f"unmask({shape}) gives no images of that shape with finite pixels.",
        cause="the shape is not taken from the argument, or a pixel is infinite or not a number.",
        step="torch.full(shape, value) makes a tensor of any shape.",
    )
    # With window 3 and stride 2, odd sizes are padded at both sides, even ones at the end.
    padding = [side for n in (shape[3], shape[2]) for side in (n % 2, 1)]
    largest = F.max_pool2d(F.pad(x.double(), padding), 3, 2).max().item()
    expect(
        largest > x.max().item(),
        f"the exhibit's largest output for unmask({shape}) is {largest:.4g}, a pixel of the image.",
        cause="a pixel at or above 0 wins, or no window that reaches over the border shows it.",
        step="think of the pixels in the window at the lower right, and of all pixels together.",
    )


prove((1, 1, 4, 6))
### BEGIN HIDDEN TESTS
prove((2, 3, 5, 4))
prove((3, 1, 1, 1))
prove((1, 2, 7, 3))
### END HIDDEN TESTS
right("unmask", points=1)

# %% [markdown]
# ### Exercise: mend it
#
# **1 point.** Write the layer that the museum lacks: the same positions of the windows, and no
# padding that wins, however far below 0 the pixels are. Torch's `F.max_pool2d` may be used here.

# %% [markdown] hints="same_max_pool2d"
# <details><summary>Hint 1: what is wrong, the place of the padding or its value?</summary>
#
# Its value. All that computes `sides` can stay.
#
# </details>
# <details><summary>Hint 2: which value cannot win?</summary>
#
# The one that you chose in your own `max_pool2d`.
#
# </details>
# <details><summary>Hint 3: what changes in the code?</summary>
#
# One argument of `F.pad`: `value=`.
#
# </details>


# %% exercise="same_max_pool2d"
def same_max_pool2d(x: Tensor, *, kernel_size: int, stride: int) -> Tensor:
    """Return the largest pixel of each window: (N, C, H, W) -> (N, C, ceil(H / s), ceil(W / s)).

    Windows reach over the border as those of museum_pool do.
    """
    ### BEGIN SOLUTION
    sides: list[int] = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
    ### END SOLUTION


# %% check="same_max_pool2d" points=1
# Check of same_max_pool2d, 1 point.
import torch

from course.checks import agree, right, unchanged

x = torch.tensor([[[[-6.0, -2.0, -7.0, -1.0], [-3.0, -8.0, -5.0, -4.0]]]])
before = x.clone()
agree(
    same_max_pool2d(x, kernel_size=3, stride=2),
    torch.tensor([[[[-2.0, -1.0]]]]),
    "same_max_pool2d of 2 x 4 pixels with a window of 3 and stride 2",
    cause="a padding value wins over pixels below 0, or the padding lies at the wrong sides.",
    step="keep the exhibit's sides: the window at the left covers columns 0 to 2.",
)
unchanged(x, before, "same_max_pool2d(x)")
### BEGIN HIDDEN TESTS
import math


def slowly(x, kernel_size, stride):
    """Largest pixel of each window, cut off at the border."""
    n, c, height, width = x.shape
    rows, columns = math.ceil(height / stride), math.ceil(width / stride)
    top = max((rows - 1) * stride + kernel_size - height, 0) // 2
    left = max((columns - 1) * stride + kernel_size - width, 0) // 2
    result = torch.empty(n, c, rows, columns, dtype=x.dtype)
    for i in range(rows):
        for j in range(columns):
            row, column = i * stride - top, j * stride - left
            inside = x[:, :, max(row, 0) : row + kernel_size, max(column, 0) : column + kernel_size]
            result[:, :, i, j] = inside.amax(dim=(2, 3))
    return result


for height, width in [(7, 5), (6, 8), (4, 7), (1, 2)]:
    x = (torch.linspace(-8, 9, 6 * height * width).double().square().sin() - 1.1) * 1e12
    x = x.reshape(width, 3, height, 2).permute(3, 1, 2, 0)
    for kernel_size, stride in [(2, 1), (3, 2), (2, 2), (3, 1), (4, 3), (5, 2), (1, 1), (1, 3)]:
        agree(
            same_max_pool2d(x, kernel_size=kernel_size, stride=stride),
            slowly(x, kernel_size, stride),
            f"same_max_pool2d of {height} x {width} pixels, window {kernel_size}, stride {stride}",
            cause="a padding value wins, or the padding does not fit size, window and stride.",
            step="keep the exhibit's sides, and pad with a value that no pixel can lose to.",
        )
### END HIDDEN TESTS
right("same_max_pool2d", points=1)

# %% [markdown]
# **What to take home.** An exhibit like this passes every test whose inputs come out of a ReLU. It
# fails where feature maps hold values below 0, as they do ahead of the activation, and then only
# along the border. Test a layer with inputs that its usual neighbours would not send.
#
# ## 8 Put together: sample where the image says
#
# Back to the network of section 1, which one pixel confused. The maps move along with the image,
# and a mean over a map does not see where anything is: without sampling, and without a border, such
# a network says the same wherever the image stands. It would cost fifteen times the multiply-adds.
# What breaks it is that samples lie on a grid that stays where it is, while the image moves.
#
# So let the image choose the grid. Of the pixels of a map there are `stride * stride` grids that a
# sampling could keep. Chaman and Dokmanić (2021) keep the one of largest **norm**, the root of the
# sum of squares over all channels. When the image moves round its borders, the grids change places
# and their norms go with them: the same pixels win, one place further.

# %% experiment="grids"
grids()

# %% predict="largest_grid"
# A question: run this cell and choose.
predict(
    "An image moves by one pixel. Which of its pixels does that sampling keep?",
    a="those that it kept before, wherever they are now",
    b="those in the places that it kept before",
    c="mostly those that it kept before, as maxima do",
    right="a",
    why="Grid b has become grid a, and has the largest norm under its new name too.",
    answer=...,
)

# %% [markdown]
# ### Exercise: adaptive polyphase sampling
#
# **2 points, and 0.5 for the habit.** Return, for each image, the grid of largest norm. Grid (i, j)
# has the pixels i, i + stride, ... down and j, j + stride, ... to the right. All channels of an
# image are sampled on one grid, since they belong together; each image has its own. Where grids
# have the same norm, the first in row-major order of (i, j) is kept. `stride` is a whole number or
# a pair (height, width). A gradient flows back to the pixels that were kept.
#
# The habit: where the stride does not divide height and width, the grids have unequal sizes, and an
# image that moves round its borders changes its grids. Refuse that.

# %% [markdown] hints="polyphase_sample"
# <details><summary>Hint 1: how do I get a grid?</summary>
#
# By a slice with a step: `x[:, :, i::sh, j::sw]`. There are `sh * sw` of them, all of one shape;
# `torch.stack(..., dim=1)` puts them into one tensor.
#
# </details>
# <details><summary>Hint 2: how many norms are there?</summary>
#
# One for each image and each grid. `torch.linalg.vector_norm` takes several dimensions at once:
# those that must disappear are the channels, the height and the width.
#
# </details>
# <details><summary>Hint 3: how do I take another grid for each image?</summary>
#
# Index with two tensors: `grids[torch.arange(n), largest]` takes grid `largest[k]` of image k.
# `argmax` gives the first of equal numbers.
#
# </details>


# %% exercise="polyphase_sample"
def polyphase_sample(x: Tensor, *, stride: int | tuple[int, int]) -> Tensor:
    """Return each image's grid of largest norm: (N, C, H, W) -> (N, C, H / stride, W / stride).

    The norm runs over all channels, and the first grid in row-major order wins a tie. Raises
    ValueError where stride does not divide H and W.
    """
    ### BEGIN SOLUTION
    sh, sw = pair(stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with H and W multiples of the "
            f"stride {(sh, sw)}"
        )
    grids = torch.stack([x[:, :, i::sh, j::sw] for i in range(sh) for j in range(sw)], dim=1)
    largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
    return grids[torch.arange(len(x), device=x.device), largest]
    ### END SOLUTION


# %% check="polyphase_sample" points=2
# Check of polyphase_sample, 2 points.
import torch

from course.checks import agree, right, unchanged

x = torch.tensor([[[1.0, -2, 1, 0], [3, 0, 0, 3]], [[5, -1, 0, 3], [0, 0, 0, 4]]])[:, :, None]
tall = torch.tensor([[[[0.0, 2], [-4, 1], [3, 0], [0, 2]]]])
wide = torch.tensor([[2, 8, 5, 6, 1, 9, 0], [2, 6, 5, -5, 1, 0, -9.5], [0, 0, 5, 5, 1, 0, 0]])
before = x.clone()
cases = [
    (x, (1, 2), [[[[-2.0, 0.0]], [[0.0, 3.0]]], [[[-1.0, 3.0]], [[0.0, 4.0]]]]),
    (tall, 2, [[[[-4.0], [0.0]]]]),
    (wide[None, None], (1, 7), [[[[8.0], [6.0], [0.0]]]]),
]
outputs = [polyphase_sample(image, stride=stride) for image, stride, _ in cases]
for output, (image, stride, grid) in zip(outputs, cases, strict=True):
    agree(
        output,
        torch.tensor(grid),
        f"polyphase_sample of shape {tuple(image.shape)}, stride={stride}",
        cause="not the norm over all channels decides, or grids are mixed up with blocks.",
        step="square and add up the pixels of each grid by hand, over all channels of an image.",
    )
unchanged(x, before, "polyphase_sample(x)")
### BEGIN HIDDEN TESTS
from course.checks import gradient


def slowly(x, sh, sw):
    """The grid of largest norm, image by image and grid by grid."""
    kept = []
    for image in x:
        best, norm = None, -1.0
        for i in range(sh):
            for j in range(sw):
                grid = image[:, i::sh, j::sw]
                if grid.double().square().sum().item() > norm:
                    best, norm = grid, grid.double().square().sum().item()
        kept.append(best)
    return torch.stack(kept)


# Four images, three channels, not contiguous; the last is tied everywhere.
x = torch.linspace(-8, 9, 864, dtype=torch.float64).square().sin() - 0.3
x = x.reshape(6, 3, 12, 4).permute(3, 1, 2, 0).clone()
x[3] = x[3].sign()
x = x.transpose(2, 3).contiguous().transpose(2, 3)
before = x.clone()
for stride in [(2, 3), (3, 2), (1, 3), (4, 1), (2, 2), (12, 6), (1, 1), 2, 3, 1]:
    sh, sw = (stride, stride) if isinstance(stride, int) else stride
    agree(
        polyphase_sample(x, stride=stride),
        slowly(x, sh, sw),
        f"polyphase_sample(x, stride={stride}) of four images with three channels of 12 x 6 pixels",
        cause="another grid wins, or one grid is kept for all images or for each channel apart.",
        step="take one norm for each image and each grid, over channels, height and width.",
    )
    agree(
        gradient(lambda t, s=stride: polyphase_sample(t, stride=s), x),
        gradient(lambda t, sh=sh, sw=sw: slowly(t, sh, sw), x),
        f"the gradient of polyphase_sample(x, stride={stride})",
        cause="the pixels were taken out of the graph, or copied into a new tensor as numbers.",
        step="index the grids; do not detach them.",
    )
unchanged(x, before, "polyphase_sample(x)")
agree(
    polyphase_sample(x[:1].float(), stride=2),
    slowly(x[:1].float(), 2, 2),
    "polyphase_sample of one image in float32",
    cause="the dtype of x is lost, or a batch of one image was not thought of.",
    step="let the dtype come from x.",
)
# All sums are equal and so are the largest values; only the squares tell the grids apart.
even = torch.tensor([[[[3.0, 2.0, 3.0, 3.0], [-2.0, 3.0, -2.0, 3.0]]]])
agree(
    polyphase_sample(even, stride=2),
    slowly(even, 2, 2),
    "polyphase_sample of an image whose grids have norms near one another",
    cause="sums, absolute values or the largest pixel decide in place of the norm.",
    step="square, add up, and compare.",
)
agree(
    polyphase_sample(torch.tensor([[[[0.0, 3.0], [-3.0, 1.0]]]]), stride=2),
    torch.tensor([[[[3.0]]]]),
    "polyphase_sample of an image of which two grids have the largest norm",
    cause="not the first of the two in row-major order is kept.",
    step="number the grids row by row; argmax gives the first of equal numbers.",
)
still = polyphase_sample(x[:3], stride=2)
for shift, place in {(0, 2): (0, 1), (2, 0): (1, 0), (4, -2): (2, -1)}.items():
    agree(
        polyphase_sample(x[:3].roll(shift, dims=(2, 3)), stride=2),
        still.roll(place, dims=(2, 3)),
        f"polyphase_sample of images that moved round by {shift}",
        cause="the choice of the grid depends on where the image stands.",
        step="let nothing but the norm decide.",
    )
### END HIDDEN TESTS
right("polyphase_sample", points=2)

# %% habit="polyphase_sample" points=0.5
# Habit of polyphase_sample, 0.5 points: it refuses a stride that does not divide height and width.
import torch

from course.checks import refuses, right

x = torch.linspace(-8, 9, 72).square().sin().reshape(1, 2, 9, 4)
refuses(lambda: polyphase_sample(x, stride=2), "polyphase_sample of 9 x 4 pixels, stride=2")
### BEGIN HIDDEN TESTS
refuses(lambda: polyphase_sample(x, stride=3), "polyphase_sample of 9 x 4 pixels, stride=3")
refuses(lambda: polyphase_sample(x, stride=(3, 8)), "polyphase_sample of 9 x 4 pixels, (3, 8)")
refuses(lambda: polyphase_sample(x, stride=(2, 4)), "polyphase_sample of 9 x 4 pixels, (2, 4)")
### END HIDDEN TESTS
right("polyphase_sample", points=0.5, habit=True)

# %% [markdown]
# ### The network that moves along
#
# Three networks, each with a mean over the maps, by your `global_avg_pool`, and with convolutions
# that take what is missing at a border from the opposite side. They make their maps smaller by
# strides, by 2x2 maxima, and by your `polyphase_sample`. The first line is the network of section
# 1.


# %% experiment="mended"
def largest_grid(x: Tensor) -> Tensor:
    """The reference: of the four grids, the one of largest norm in each image."""
    four = F.pixel_unshuffle(x, 2).unflatten(1, (-1, 4)).transpose(1, 2)
    return four[torch.arange(len(x)), four.square().sum(dim=(2, 3, 4)).argmax(dim=1)]


sample = yours_or(largest_grid, lambda x: polyphase_sample(x, stride=2), batch=batch)
mean = yours_or(lambda x: x.mean(dim=(2, 3)), global_avg_pool, batch=batch)
print(f"polyphase_sample: {sample}; global_avg_pool: {mean}")
around = {"averaged": mean.function, "circular": True}
ends = {"strides, dense": strided}
for name, shrink in {"strides": None, "max": max_of_two, "largest grid": sample.function}.items():
    ends[f"{name}, mean"] = fit(untrained(shrink, **around), train, label=name)
curves = {}
for name, net in ends.items():
    curves[name] = torch.tensor([[1.0, *(kept(net, pixels)[0] for pixels in range(1, 5))]])
    read = (says(net, test.images) == test.labels).double().mean().item()
    print(f"{name:>18}: {read:.1%} read rightly, {curves[name][0, 1]:.1%} kept after 1 pixel")
kept_curves(curves)

# %% [markdown]
# The networks with strides and with maxima come back to their answers after four pixels, where the
# samples hit the grid again. The one that samples the largest grid never leaves them, and its maps
# are as small. It is no longer confused by one pixel, nor by any other number of them.
#
# Two things remain to be said. It costs what pooling costs, for all outputs have to be there before
# a grid can be chosen. And a network that does not see where anything is reads these digits, which
# all stand in the middle, worse than one that does: position says something about them.
# The last cell shows what the promise is worth where it counts, on digits off the middle that no
# network was trained on.

# %% experiment="anywhere"
anywhere = scattered(digits()[1], 4, seed=1)
for name, net in ends.items():
    read = (says(net, anywhere.images) == anywhere.labels).double().mean().item()
    print(f"{name:>18}: {read:.0%} of the digits off the middle read rightly")

# %% [markdown]
# And the two tests of sanity that every training should pass: before it, the loss is near $\log
# 10$, that of ten equal probabilities; and 50 images can be learnt by heart.

# %% experiment="sanity"
net = untrained(sample.function, **around)
start = F.cross_entropy(net(train.images), train.labels).item()
print(f"loss at the start: {start:.3f}; log 10 is {math.log(10):.3f}")
assert abs(start - math.log(10)) < 0.1
fifty = train.take(5)
fit(net, fifty, label="50 images", steps=150)
print(f"50 images by heart: {(says(net, fifty.images) == fifty.labels).double().mean():.0%}")

# %% [markdown]
# ## 9 In your own words
#
# A question that a person grades. Four to ten sentences are enough; refer to what you measured.

# %% [markdown] written="role_of_pooling" points=3
# **What do pooling layers do in a convolutional network, which kinds are there, and how do they
# make feature maps smaller? Say how much invariance to shifts they gave in your measurements and
# where it ended, what they save and what they cost, and what could take their place.**
#
# ### BEGIN SOLUTION
# A pooling layer replaces each window of each channel by one number and learns nothing. Max pooling
# takes the largest value, average pooling the mean, global pooling one number for the whole map.
# The windows lie a stride apart, usually side by side, so 2x2 windows halve height and width and
# leave the number of channels as it is; the layers behind have a quarter of the positions to
# compute, and a dense layer behind flatten a quarter of the weights. Convolutions have as many
# weights as before.
#
# Position inside a window is given up on purpose. With it comes some invariance: after a shift by
# one pixel, networks with 2x2 maxima kept more answers than networks with strides that read the
# digits equally well, overlapping 3x3 maxima more again, and a blur before the sampling most. After
# four pixels little was left of any. Sampling on a fixed grid is what breaks invariance; a shift by
# the product of the strides hits the grid again. A global average behind maps that were never
# sampled, or that were sampled on the grid of largest norm, kept all answers under shifts round the
# borders, for a somewhat lower accuracy on digits in the middle.
#
# A convolution with a stride makes the same shapes for fewer multiply-adds, on digits in the middle
# at the same accuracy; on digits off the middle pooling read more of them rightly. It reduced
# overfitting only there, where what it forgets does not matter.
#
# Rubric: 1 point for what is computed (per channel, no parameters) with at least max and average
# and how the stride makes maps smaller; 1 for invariance as partial, with a number from the
# measurement and its limit; 1 for saving and cost (fewer positions, fewer dense weights, lost
# position) and a stride, or sampling on a chosen grid, as another means. "Pooling makes the network
# translation invariant" without a limit earns nothing for the second part.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | shrinking by | output | gradient | what a shift by one pixel does |
# |---|---|---|---|
# | stride of 2 | every second | to the inputs of those | other samples |
# | average 2x2 | mean | spread evenly | softened |
# | max 2x2 | largest | to the winner | softened |
# | max 3x3, stride 2 | largest | to the winner, added up | softened more |
# | max 2x2, blur, stride 2 | mean of maxima | spread, to winners | softened most |
# | largest of the grids | that grid | to its pixels | the same samples, moved |
#
# The lesson in two sentences: a convolution moves with its image and a mean over a map does not
# care, but sampling on a fixed grid in between lets one pixel change the answer. Pooling softens
# that, and sampling on a grid that the image chooses mends it.
#
# - Pooling has no parameters. It saves some only in a dense layer behind it.
# - Padding must never win a maximum, and a mean has to say whether it counts the padding.
# - How invariant a network is can be measured in one line.
# - A layer helps against overfitting where what it forgets does not matter.
#
# ## Further reading
#
# - K. Fukushima, *Neocognitron*, Biological Cybernetics 1980: cells that allow for small shifts.
# - D. Scherer, A. Müller, S. Behnke, *Evaluation of pooling operations in convolutional
#   architectures for object recognition*, ICANN 2010: maximum against mean, with and without
#   overlap.
# - M. Lin, Q. Chen, S. Yan, *Network in network*, ICLR 2014: global average pooling.
# - J. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller, *Striving for simplicity: the all
#   convolutional net*, ICLR 2015 workshop: strides in place of pooling.
# - A. Azulay, Y. Weiss, *Why do deep convolutional networks generalize so poorly to small image
#   transformations?*, JMLR 2019.
# - R. Zhang, *Making convolutional networks shift-invariant again*, ICML 2019: blur, then sample.
# - A. Chaman, I. Dokmanić, *Truly shift-invariant convolutional neural networks*, CVPR 2021: sample
#   the grid of largest norm.
#
# The module `cnnlib.pooling` holds the reference of the pooling exercises, to read when you are
# done.
