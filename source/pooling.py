# %% [markdown]
# # Pooling
#
# After this lesson you can
#
# - write max, average and global pooling, and the backward pass of max pooling,
# - measure how much one pixel of shift changes what a network says,
# - say what pooling gives that a stride does not, and what it costs.
#
# **Time.** 120 to 180 minutes for you. The machine needs about 35 seconds and 550 MB
# for all of it, on two cores and without a GPU.
#
# **Before you start.** You should know the lesson on convolution: windows, stride, padding, and
# what equivariance means; and from the lesson on activation functions the initial weights of He et
# al. The networks here are trained by Adam on the cross-entropy, as those of the lesson on
# convolution are.
#
# **How it works.** Replace the line `raise NotImplementedError(...)` in a cell by your answer, run
# it, and run the check below it. A failing check says what it saw, a likely cause, and a next
# step. Checks compare numbers to a relative 0.00001 and an absolute 0.000001: that is room for two
# correct orders of evaluation in 32-bit numbers, and for nothing more. Graders run further checks
# on other inputs. You can run the whole notebook at any time; unsolved exercises show as failing
# checks, and everything else works.

# %% setup
import math
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from cnnlib.convolution import pair
from course.claims import trial
from course.comparison import compare
from course.datasets import Images, digits
from course.figures.pooling import kept_curves, routes, sampled, windows
from course.predictions import predict
from course.widgets.pooling import moves, stepper

_ = torch.manual_seed(0)

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
# ## 1 How much does one pixel change the answer?
#
# A convolution is **equivariant**: a shifted image gives shifted feature maps. A classifier should
# be **invariant**: a 3 is a 3 wherever it stands. Somewhere between the two the position has to get
# lost. Pooling layers are said to see to that. This lesson measures how far they do.
#
# They have a second task. Feature maps as large as the image are expensive, so networks make them
# smaller on the way. The plainest means is a **stride**: compute every second output only, or, what
# is the same, compute all and keep every second. The figure shows a handwritten digit, one feature
# map of it, and every second pixel of that map. Below it is the same digit one pixel to the right.

# %% experiment="sampled"
sampled()

# %% [markdown]
# The feature map moves along, as it should. What is left of it after sampling is not the upper
# picture moved: it is another picture.
#
# Below we train a small network with two such strides on digits that stand in the middle of the
# image. It gets 97.5 percent of unseen digits right. Then we move the images.

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

# %% [markdown]
# ### Exercise: shift consistency
#
# Write the measurement first. `model` is any function from images (N, C, H, W) to scores (N, K);
# its answer for an image is the class with the largest score. Return the share of images whose
# answer stays the same when the image is shifted.
#
# `shift` is a whole number of pixels, or a pair `(down, right)`; one number stands for both, so 2
# means two down and two to the right. Negative numbers go up and left. Pixels that leave are gone,
# and those that come in are 0. Refuse an `x` that has not four dimensions or is empty, and a shift
# that moves the whole image out: name what you got.

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

    x has shape (N, C, H, W); shift is a whole number or (down, right), in pixels. Raises ValueError
    for another shape or an empty x, and where shift moves the whole image out.
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
import torch

from course.checks import agree, refuses, unchanged


def brightest_column(images):
    return images.sum(dim=(1, 2))


# Four images of 1 x 3 pixels. The brightest columns are 0, 1, 2 and 2.
x = torch.tensor([[5.0, 4.0, 0.0], [0.0, 5.0, 1.0], [3.0, 0.0, 5.0], [0.0, 0.0, 5.0]])
x = x[:, None, None]
before = x.clone()
# Two to the right, (3, 0, 5) becomes (0, 0, 3). One to the left, (5, 4, 0) becomes (4, 0, 0).
for shift, share in {(0, 0): 1.0, (0, 1): 0.0, (0, 2): 0.25, (0, -1): 0.25}.items():
    agree(
        shift_consistency(brightest_column, x, shift=shift),
        share,
        f"shift_consistency(brightest_column, x, shift={shift})",
        cause="pixels come in again at the other side, the direction is wrong, or the share is.",
        step="write down the shifted images by hand, and which column is the brightest in each.",
    )
unchanged(x, before, "shift_consistency(model, x)")
refuses(
    lambda: shift_consistency(brightest_column, x, shift=(0, 3)),
    "shift_consistency of images of 1 x 3 pixels with shift=(0, 3)",
)
### BEGIN HIDDEN TESTS
from torch import nn


def moved(images, down, right):
    """Move the images pixel by pixel."""
    result = torch.zeros_like(images)
    height, width = images.shape[2:]
    for row in range(height):
        for column in range(width):
            if 0 <= row - down < height and 0 <= column - right < width:
                result[:, :, row, column] = images[:, :, row - down, column - right]
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
    down, right = (shift, shift) if isinstance(shift, int) else shift
    same = linear(moved(images, down, right)).argmax(dim=1) == answers
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
for shift in ((3, 0), (0, -5), (0, 6), 4, -3):
    refuses(
        lambda shift=shift: shift_consistency(linear, images, shift=shift),
        f"shift={shift} of images of 3 x 5 pixels",
    )
refuses(lambda: shift_consistency(linear, images[0], shift=0), "x of shape (2, 3, 5)")
refuses(lambda: shift_consistency(linear, images[:0], shift=0), "an empty x")
### END HIDDEN TESTS

# %% [markdown]
# ### The measurement
#
# A network of three convolutions. After the first and the second the image gets smaller by half,
# by the means named in `shrink`; then each of the 32 feature maps has 4 x 4 pixels, and a dense
# layer reads them. `head` says what it reads: every pixel of every map (`"dense"`), or the mean of
# each map alone (`"global"`, in section 4). The initial weights are those of He et al.


# %%
def network(shrink: str, *, seed: int, head: str = "dense") -> nn.Sequential:
    """Return an untrained network: three convolutions that shrink twice, and a head."""
    torch.manual_seed(seed)
    pools = {"average": nn.AvgPool2d(2), "max": nn.MaxPool2d(2), "max 3x3": nn.MaxPool2d(3, 2, 1)}
    pools["blurred"] = nn.Sequential(nn.MaxPool2d(2, 1), nn.AvgPool2d(3, 2, 1))
    layers: list[nn.Module] = []
    for inside, outside in pairwise([1, 8, 16, 32]):
        stride = 2 if shrink == "stride" and outside < 32 else 1
        layers += [nn.Conv2d(inside, outside, 3, stride=stride, padding=1), nn.ReLU()]
        nn.init.kaiming_normal_(layers[-2].weight, nonlinearity="relu")
        nn.init.zeros_(layers[-2].bias)
        if shrink in pools and outside < 32:
            layers.append(pools[shrink])
    side = 16 if shrink == "nothing" else 4
    if head == "global":
        layers.append(nn.AdaptiveAvgPool2d(1))
        side = 1
    dense = nn.Linear(32 * side * side, 10)
    nn.init.normal_(dense.weight, std=0.01)  # small scores: no class is preferred yet
    return nn.Sequential(*layers, nn.Flatten(), dense)


# %%
def on_canvas(data: Images) -> Images:
    """Put 8 x 8 digits in the middle of 16 x 16 pixels, so that a shift by 4 loses nothing."""
    return Images(F.pad(data.images, (4, 4, 4, 4)), data.labels, data.classes)


train, test = map(on_canvas, digits())


def fit(net: nn.Module, data: Images, *, label: str, steps: int = 300, jitter: int = 0) -> float:
    """Train by Adam on batches of 64, moved at random by up to jitter pixels; return the loss."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (64,), generator=generator)
        move = torch.randint(-jitter, jitter + 1, (2,), generator=generator).tolist()
        batch = data.images[index].roll(move, dims=(2, 3))
        loss = F.cross_entropy(net(batch), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% [markdown]
# `kept` is your measurement for this canvas alone: the average of four directions, by `roll`. What
# `roll` pushes out at one side comes in at the other. Here those are the zeros of the margin; your
# function must not rely on that.


# %% experiment="strides"
def answers(net: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return net(images).argmax(dim=1)


def accuracy(net: nn.Module, data: Images) -> float:
    return (answers(net, data.images) == data.labels).double().mean().item()


def kept(net: nn.Module, pixels: int) -> float:
    """Share of answers to test images that stay when they move; average of four directions."""
    ways = [(pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)]
    moved = [answers(net, test.images.roll(way, dims=(2, 3))) for way in ways]
    return (torch.stack(moved) == answers(net, test.images)).double().mean().item()


def trained(shrink: str, *, seed: int, head: str = "dense") -> nn.Sequential:
    net = network(shrink, seed=seed, head=head)
    fit(net, train, label=f"{shrink}, {head}, seed {seed}")
    return net


# In networks this small, threads wait for one another longer than they compute.
torch.set_num_threads(1)
nets = {"stride": [trained("stride", seed=seed) for seed in (0, 1)]}

# %% reveal="one_pixel"
# What is right, and why.
right = sum(accuracy(net, test) for net in nets["stride"]) / 2
stays = sum(kept(net, 1) for net in nets["stride"]) / 2
one_pixel.reveal(
    "c",
    f"Two networks get {right:.1%} of the test set right, and after a shift by one pixel they keep "
    f"{stays:.0%} of their answers.",
)

# %% [markdown]
# Does your function say the same? Once it is written, this compares the average of its four
# directions with `kept`.


# %% experiment="own_consistency"
def four_ways(images: Tensor) -> Tensor:
    ways = [(1, 0), (-1, 0), (0, 1), (0, -1)]
    shares = [shift_consistency(nets["stride"][0], images, shift=way) for way in ways]
    return torch.tensor(sum(shares) / 4)


share = torch.tensor(kept(nets["stride"][0], 1))
print(f"kept gives {share:.1%} for one of the two networks;")
print(compare(four_ways, test.images, share, {}))

# %% [markdown]
# Two things are at work. The dense layer has its own weight for each position of each feature map,
# and it has seen digits in the middle only. And a stride keeps every second pixel: which pixels of
# a stroke these are depends on where the stroke happens to start.

# %% [markdown]
# ## 2 The largest of a window
#
# **Max pooling** puts a window on each feature map and passes on the largest value in it. The next
# window lies `stride` pixels further, by default just beside the first:
#
# $$y_{n,c,i,j} = \max_{a < k_h,\; b < k_w} \; x_{n,\; c,\; s_h i + a,\; s_w j + b}$$
#
# Each channel is pooled by itself, and nothing is learnt. **Average pooling** takes the mean in
# place of the largest.

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

# %% experiment="stepper"
stepper()

# %% [markdown]
# A stride below the side of the window uses numbers twice, one above it leaves numbers out. So does
# a window that no longer fits: with 3x3 windows, stride 2 and no padding the last of the six rows,
# row 5, reaches no output.
#
# ### Exercise: max pooling
#
# Write it without torch's pooling functions. `kernel_size`, `stride` and `padding` are whole
# numbers or pairs (height, width); `pair` from the lesson on convolution makes pairs of them and
# refuses numbers that are too small: `pair(stride, name="stride", least=1)`. Without a `stride`,
# windows lie side by side.
#
# Padding never wins, however negative the image. So torch allows at most half of the window as
# padding: then every window has a pixel of the image in it. Refuse more, refuse an `x` that has not
# four dimensions, and a window that is larger than the padded image.

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

    stride is kernel_size where not given. Padding never wins. Raises ValueError where kernel_size
    or stride is below 1, padding is below 0 or above half of kernel_size, x has not four
    dimensions, or the window is larger than the padded image.
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
import torch

from course.checks import agree, from_scratch, refuses, unchanged

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
refuses(lambda: max_pool2d(x, kernel_size=(4, 1)), "max_pool2d of 3 rows with a window of 4 rows")
pools = ["max_pool2d", "MaxPool2d", "adaptive_max_pool2d", "max_pool1d", "max_pool3d"]
step = "cut the padded image into windows with unfold, and take the largest of each."
from_scratch(max_pool2d, "max_pool2d", without=pools, step=step)
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
for options in [
    {"kernel_size": 0},
    {"kernel_size": 0, "stride": 1},
    {"kernel_size": (2, -1)},
    {"kernel_size": 2, "stride": 0},
    {"kernel_size": 2, "padding": -1},
    {"kernel_size": 3, "padding": 2},
    {"kernel_size": (3, 1), "padding": 1},
    {"kernel_size": (1, 3), "padding": 1},
    {"kernel_size": (8, 1)},
    {"kernel_size": (1, 6)},
]:
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    refuses(
        lambda options=options: max_pool2d(x, **options),
        f"max_pool2d(x, {given}) of images of 7 x 5 pixels",
    )
refuses(lambda: max_pool2d(x[0], kernel_size=2), "an x of shape (3, 7, 5)")
refuses(lambda: max_pool2d(x[..., None], kernel_size=1), "an x of shape (2, 3, 7, 5, 1)")
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
for rows, columns in ((1, 3), (2, 2)):
    refuses(
        lambda r=rows, c=columns: max_pool2d(x[:, :, :r, :c], **options),
        f"max_pool2d(x, kernel_size=(4, 5), padding=1) of images of {rows} x {columns} pixels",
    )
### END HIDDEN TESTS

# %% [markdown]
# **What you built.** A layer that makes feature maps smaller and has nothing to learn. It is often
# said to keep what matters. It keeps what is largest; whether that matters is up to the filter in
# front of it, and where it was is forgotten. Two claims about parameters are on trial. The second
# one is often read off the first, and depends on what comes after the pooling.


# %% claim="pooling_parameters"
def count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())


layers = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2), "global": nn.AdaptiveAvgPool2d(1)}
trial(
    "pooling_parameters",
    {name: (f"{count(layer)} parameters", count(layer) == 0) for name, layer in layers.items()},
)

# %% claim="pooling_fewer_parameters"
pooled, unpooled = network("max", seed=0), network("nothing", seed=0)
convolutions = [sum(count(net[i]) for i in range(len(net) - 1)) for net in (pooled, unpooled)]
dense = [count(net[-1]) for net in (pooled, unpooled)]
heads = [count(network(shrink, seed=0, head="global")[-1]) for shrink in ("max", "nothing")]
trial(
    "pooling_fewer_parameters",
    {
        name: (f"{after:,} with pooling, {before:,} without", after < before)
        for name, (after, before) in {
            "three convolutions": convolutions,
            "the dense layer behind flatten": dense,
            "the dense layer behind a global average": heads,
        }.items()
    },
)

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
# The options mean what they mean in `max_pool2d`, and the same ones are refused. The value of the
# padding is 0 here, not minus infinity. With `count_include_pad=False` each sum is divided by the
# number of pixels of the image in that window, which differs at the border.

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

    It runs over padding zeros too unless count_include_pad is False. Arguments and errors are
    those of max_pool2d.
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
import torch

from course.checks import agree, from_scratch, refuses, unchanged

x = torch.tensor([[-5.0, -1, -2, -7, -3], [-4, -6, -9, -8, -2], [-3, -3, -8, 0, -1]])[None, None]
before = x.clone()
options = {"kernel_size": 2, "stride": (2, 4), "padding": 1}
for call, mean in [
    ({"kernel_size": (2, 3), "stride": (1, 2)}, [[-27 / 6, -31 / 6], [-33 / 6, -28 / 6]]),
    (options, [[-1.25, -2.5], [-1.75, -2.75]]),
    ({**options, "count_include_pad": False}, [[-5.0, -5.0], [-3.5, -2.75]]),
]:
    agree(
        avg_pool2d(x, **call),
        torch.tensor([[mean]]),
        "avg_pool2d(x, " + ", ".join(f"{key}={value}" for key, value in call.items()) + ")",
        cause="the sum is right and divided by the wrong number, or the windows are others.",
        step="divide by kh * kw, or by the number of pixels of the image in the window.",
    )
unchanged(x, before, "avg_pool2d(x)")
refuses(lambda: avg_pool2d(x, kernel_size=2, padding=2), "avg_pool2d(x, kernel_size=2, padding=2)")
pools = ["avg_pool2d", "AvgPool2d", "adaptive_avg_pool2d", "avg_pool1d", "lp_pool2d"]
step = "cut the padded image into windows with unfold, and take the mean of each."
from_scratch(avg_pool2d, "avg_pool2d", without=pools, step=step)
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
for options in [
    {"kernel_size": 0},
    {"kernel_size": 0, "stride": 1},
    {"kernel_size": 2, "stride": 0},
    {"kernel_size": 2, "padding": -1},
    {"kernel_size": (3, 1), "padding": 1},
    {"kernel_size": (1, 3), "padding": 1},
    {"kernel_size": (8, 1)},
    {"kernel_size": (1, 6)},
]:
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    refuses(
        lambda options=options: avg_pool2d(x, **options),
        f"avg_pool2d(x, {given}) of images of 7 x 5 pixels",
    )
refuses(lambda: avg_pool2d(x[0], kernel_size=2), "an x of shape (3, 7, 5)")
refuses(lambda: avg_pool2d(x[..., None], kernel_size=1), "an x of shape (2, 3, 7, 5, 1)")
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
for rows, columns in ((1, 3), (2, 2)):
    refuses(
        lambda r=rows, c=columns: avg_pool2d(x[:, :, :r, :c], **options),
        f"avg_pool2d(x, kernel_size=(4, 5), padding=1) of images of {rows} x {columns} pixels",
    )
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: global average pooling
#
# Let the window be the whole feature map, and each channel becomes one number: (N, C, H, W) ->
# (N, C). Lin, Chen and Yan (2014) put this in the place of flatten and large dense layers: one
# feature map for each class, and its mean as the score. It takes images of any size, and its
# result does not know where anything was. One line, and the refusal of what is no batch of images.

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
# <details><summary>Hint 3: what has to be refused?</summary>
#
# `x.dim() != 4`, and images without pixels, whose mean would be 0 / 0.
#
# </details>


# %% exercise="global_avg_pool"
def global_avg_pool(x: Tensor) -> Tensor:
    """Return the mean of each channel over the whole image: (N, C, H, W) -> (N, C).

    Raises ValueError for another number of dimensions and for an image without pixels.
    """
    ### BEGIN SOLUTION
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3))
    ### END SOLUTION


# %% check="global_avg_pool" points=1
import torch

from course.checks import agree, refuses, unchanged

x = torch.tensor([[[[1.0, 2.0, 6.0]], [[0.0, 0.0, -3.0]]]])
before = x.clone()
agree(
    global_avg_pool(x),
    torch.tensor([[3.0, -1.0]]),
    "global_avg_pool of one image with two channels of 1 x 3 pixels",
    cause="the mean runs over the wrong dimensions, or lost or kept dimensions are in the way.",
    step="take the mean over dimensions 2 and 3 together; the result has shape (N, C).",
)
unchanged(x, before, "global_avg_pool(x)")
refuses(lambda: global_avg_pool(x[0]), "global_avg_pool of an x of shape (2, 1, 3)")
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
refuses(lambda: global_avg_pool(torch.ones(3, 7, 5)), "an x of shape (3, 7, 5)")
refuses(lambda: global_avg_pool(torch.ones(1, 2, 3, 7, 5)), "an x of shape (1, 2, 3, 7, 5)")
refuses(lambda: global_avg_pool(torch.ones(2, 3, 0, 5)), "an x of shape (2, 3, 0, 5)")
refuses(lambda: global_avg_pool(torch.ones(2, 3, 5, 0)), "an x of shape (2, 3, 5, 0)")
### END HIDDEN TESTS

# %% [markdown]
# ### Explore
#
# The same widget, now beside your own functions. Switch between maximum and mean on the same
# window. Where do the two agree? Which of them can a single pixel change by much?

# %% experiment="own_stepper"
stepper(max_pool2d=max_pool2d, avg_pool2d=avg_pool2d, global_avg_pool=global_avg_pool)

# %% [markdown]
# Maximum and mean agree where all numbers of a window are equal; in this table that happens only
# with windows of one number. A pixel that grows by 1 raises the mean of a 2x2 window by a quarter.
# The maximum rises by the whole 1 if that pixel is the largest, and not at all if it stays below.
#
# ## 4 Measure again
#
# First the features, before any classifier. Four fixed filters look for edges in real digits, and
# the features of an image are compared with those of the same image moved. A distance needs a
# scale: 1 is the mean distance between images of *different* digits. These features are thin: count
# as bright what is above half of a map's largest value, and 86 of 100 runs of bright pixels along a
# row are one or two pixels long. The widget moves the digits to the right.

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
    "0.99 without pooling: the features are one or two pixels wide, so after a shift by one pixel "
    "much of what is bright lies where it was dark. It is 0.92 with 2x2 maxima: every second "
    "column goes to another window.",
)

# %% [markdown]
# So a 2x2 maximum takes 0.07 away, and larger windows little more: 0.88 is left with 4x4 maxima.
# For longer shifts the pooled features even move further than those without pooling: 1.93 against
# 1.59 at four pixels. Only the global average stands still, and it leaves one number of each map.
#
# The layer alone gives little. But the network around it is trained, and may learn to use features
# that pooling keeps in place. Now train the networks that pool, and compare them with the one that
# strides. They have equal shapes and equal numbers of parameters.
#
# Two of them pool with windows that overlap. `max 3x3` is one layer with stride 2. `blurred`
# follows Zhang (2019): maxima of 2x2 windows with stride 1, which samples nothing yet, then a blur,
# here the mean of 3x3 windows, with the stride of 2. The table counts multiply-adds: one
# multiplication and one addition for each weight of the three convolutions at each position, for
# one image.

# %% predict="which_keeps"
# A question: run this cell and choose.
which_keeps = predict(
    "The strided network kept half of its answers when images moved by one pixel. What does 2x2 "
    "max pooling in place of the strides make of it?",
    a="still about half",
    b="about two thirds",
    c="nearly all",
    answer=...,
)
which_keeps


# %% experiment="ways_of_shrinking"
def multiply_adds(net: nn.Module) -> int:
    """Multiply-adds of the convolutions for one image: weights times positions."""
    x, total = test.images[:1], 0
    for layer in net:
        x = layer(x)
        if isinstance(layer, nn.Conv2d):
            total += layer.weight.numel() * x.shape[2] * x.shape[3]
    return total


for shrink in ("average", "max", "max 3x3", "blurred"):
    nets[shrink] = [trained(shrink, seed=seed) for seed in (0, 1)]

staying = {
    shrink: [1.0, *(sum(kept(net, pixels) for net in pair_of) / 2 for pixels in range(1, 5))]
    for shrink, pair_of in nets.items()
}
print("shrinking by  multiply-adds  right   kept after a shift by 1, 2, 3, 4 pixels")
for shrink, pair_of in nets.items():
    right = sum(accuracy(net, test) for net in pair_of) / 2
    shares = "  ".join(f"{share:.0%}" for share in staying[shrink][1:])
    print(f"{shrink:12s}  {multiply_adds(pair_of[0]):13,}  {right:.1%}   {shares}")

# %% reveal="which_keeps"
# What is right, and why.
which_keeps.reveal("b", f"{staying['max'][1]:.0%}, against {staying['stride'][1]:.0%}.")

# %% [markdown]
# ### Trials
#
# A network counts as helped by pooling where it keeps at least 5 of 100 answers more than the
# strided one.

# %% claim="pooling_shift"
trial(
    "pooling_shift",
    {
        f"{shrink} pooling, shift by {pixels}": (
            f"{staying[shrink][pixels]:.0%} kept, {staying['stride'][pixels]:.0%} with strides",
            staying[shrink][pixels] > staying["stride"][pixels] + 0.05,
        )
        for pixels in (1, 4)
        for shrink in ("average", "max")
    },
)

# %% claim="pooling_downsampling"
with torch.no_grad():
    sizes = [nets[shrink][0][:-2](test.images[:1]).shape[1:] for shrink in ("stride", "max")]
right = [sum(accuracy(net, test) for net in nets[shrink]) / 2 for shrink in ("stride", "max")]
trial(
    "pooling_downsampling",
    {
        "a stride cannot make the same feature maps": (
            " and ".join("x".join(str(s) for s in size) for size in sizes),
            sizes[0] != sizes[1],
        ),
        "strides cost more than 4 points of accuracy": (
            f"{right[0]:.1%} with strides, {right[1]:.1%} with max pooling",
            right[0] < right[1] - 0.04,
        ),
    },
)

# %% [markdown]
# At 4 pixels average and 2x2 maximum keep fewer answers than strides, 7 and 5 against 12 percent.
# With ten classes, blind guesses would agree in about 10 percent: nothing is left there to compare.
# Only the windows that overlap still keep more, 28 and 30 percent.
#
# A network that shrinks nothing needs 1.5 million multiply-adds for these three convolutions, so
# both ways save about nine tenths. Strides save more, 97 against 166 thousand. They compute a
# quarter of the outputs in the first two convolutions, where pooling needs all of them; the third
# convolution costs the same in both, so the factor is 1.7 and not 4. What pooling buys for the
# difference are the kept answers of the table. (Springenberg et al., 2015, built networks of
# strides alone that do as well on real photographs.) Keep in mind that these digits all stand in
# the middle; section 7 moves them.
#
# Pooling is also said to reduce overfitting. It does leave the dense layer fewer weights. The trial
# trains on 100 images, with pooling and without anything that shrinks.


# %% claim="pooling_overfitting"
def with_few_images(shrink: str) -> float:
    """Test accuracy after training on ten images of each digit; mean of three networks."""
    seen, unseen = [], []
    for seed in range(3):
        net = network(shrink, seed=seed)
        fit(net, train.take(10), label=f"100 images, {shrink}", steps=100)
        seen.append(accuracy(net, train.take(10)))
        unseen.append(accuracy(net, test))
    for name, rights in {"on the 100 images": seen, "on the test set": unseen}.items():
        print(f"{shrink}, {name}:", "  ".join(f"{right:.1%}" for right in rights))
    return sum(unseen) / 3


few = {shrink: with_few_images(shrink) for shrink in ("max", "nothing")}
trial(
    "pooling_overfitting",
    {
        "100 images: right on the test set, 2 points more": (
            f"{few['max']:.1%} with max pooling, {few['nothing']:.1%} without",
            few["max"] > few["nothing"] + 0.02,
        )
    },
)

# %% [markdown]
# All six networks get every one of their 100 images right, and about a quarter of the test set
# wrong: they overfit, with pooling as without. The three networks with maxima lie between 68 and 76
# percent on the test set, those without anything that shrinks between 77 and 78.
#
# ### What would be invariant?
#
# Replace flatten and the dense layer's positions by a global average. If nothing shrinks the maps,
# they move as the image moves, and their means stay the same, as long as nothing happens to the
# maps at the border. But if there are two strides on the way?

# %% predict="by_four"
# A question: run this cell and choose.
by_four = predict(
    "A network with two strides and a global average. Which shift changes the fewest answers?",
    a="1 pixel",
    b="2 pixels",
    c="4 pixels",
    answer=...,
)
by_four

# %% experiment="global_head"
averaging = {
    "strides, then the global average": trained("stride", seed=0, head="global"),
    "no strides, then the global average": trained("nothing", seed=0, head="global"),
}
shares = {
    name: [1.0, *(kept(net, pixels) for pixels in range(1, 5))] for name, net in averaging.items()
}
for name, net in averaging.items():
    print(f"{name}: {accuracy(net, test):.0%} right, {multiply_adds(net):,} multiply-adds")
kept_curves({"strides": staying["stride"], "2x2 maxima": staying["max"], **shares})

# %% reveal="by_four"
# What is right, and why.
by_four.reveal(
    "c",
    "Two strides of 2 sample every fourth pixel. A shift by 4 hits the same grid again; one by 2 "
    "falls halfway between.",
)

# %% [markdown]
# The network without strides keeps 99, 98, 96 and 91 percent, not all. The border is to blame:
# after three convolutions the feature maps reach three pixels further than the digit, and what they
# hold near the border depends on the zeros that each convolution adds there. The next cell lets the
# convolutions of that trained network pad with what stands at the opposite side instead. Then there
# is no border.

# %% experiment="without_border"
net = averaging["no strides, then the global average"]
for layer in net:
    if isinstance(layer, nn.Conv2d):
        layer.padding_mode = "circular"
print(f"without a border: {accuracy(net, test):.0%} right, {kept(net, 4):.0%} kept after 4 pixels")

# %% [markdown]
# So the answer to the question of this lesson has three parts. The sampling is what breaks the
# invariance, and it does so with every stride, that of a pooling layer included (Azulay and Weiss,
# 2019; Zhang, 2019). Pooling before sampling softens it. One pixel of shift leaves 47 percent of
# the answers with strides, 67 with 2x2 maxima side by side, 84 with 3x3 maxima that overlap, and 92
# with maxima that are blurred before they are sampled. Full invariance needs a global pool over
# maps that were never sampled and have no border. It costs fifteen times the multiply-adds of
# strides here, and accuracy too: 93 percent right (95 with strides before the global average),
# against 97.5 with a dense layer, which knows where each feature was.
#
# ## 5 The way back
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
# Given the gradient `grad_out` at the outputs, return the one at the pixels, for pooling without
# padding and without autograd. Each window's gradient goes to the first of its largest pixels, in
# row-major order. What comes in is what goes out: the sum of the result is the sum of `grad_out`.
# The dtype of the result is that of `grad_out`.
#
# Refuse what `max_pool2d` refuses, and a `grad_out` that has not the shape of the output.

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

    The first of equal pixels takes it all. Raises ValueError where kernel_size or stride is below
    1, x has not four dimensions, the window is larger than x, or grad_out does not fit.
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
import torch

from course.checks import agree, refuses, unchanged

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
refuses(lambda: max_pool2d_backward(x, x, kernel_size=2), "a grad_out of the shape of x")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import from_scratch

from_scratch(
    max_pool2d_backward,
    "the backward pass",
    without=["autograd", "grad", "backward", "requires_grad_", "vjp", "max_unpool2d"],
    step="find the winner of each window, and add the window's gradient there.",
)


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
for call, what in [
    (
        lambda: max_pool2d_backward(smooth, smooth, kernel_size=2),
        "a grad_out of the shape of x",
    ),
    (
        lambda: max_pool2d_backward(grad_out[:1], smooth, **options),
        "a grad_out for one image, and two images",
    ),
    (
        lambda: max_pool2d_backward(grad_out, smooth, kernel_size=(8, 1)),
        "a window higher than x",
    ),
    (
        lambda: max_pool2d_backward(grad_out, smooth, kernel_size=(1, 6)),
        "a window wider than x",
    ),
    (
        lambda: max_pool2d_backward(grad_out, smooth[0], **options),
        "an x of shape (3, 7, 5)",
    ),
    (
        lambda: max_pool2d_backward(smooth.new_ones(2, 3, 3, 4, 2), smooth[..., None], **options),
        "an x of shape (2, 3, 7, 5, 1)",
    ),
    (lambda: max_pool2d_backward(grad_out, smooth, kernel_size=0), "kernel_size=0"),
    (
        lambda: max_pool2d_backward(grad_out, smooth, kernel_size=0, stride=1),
        "kernel_size=0 and stride=1",
    ),
    (lambda: max_pool2d_backward(grad_out, smooth, kernel_size=2, stride=0), "stride=0"),
]:
    refuses(call, f"max_pool2d_backward with {what}")
### END HIDDEN TESTS

# %% [markdown]
# **What you built.** The mean spreads a gradient evenly over its window; the maximum sends it along
# one path and leaves the other pixels out. Tied pixels have no slope in the strict sense. Torch's
# choice, the first, is as good as sharing, and handing the full gradient to each is not: then more
# comes out than went in.
#
# ## 6 Bug museum: the zero that wins
#
# Some frameworks pad so that a layer with stride $s$ turns $n$ pixels into $n / s$, rounded up,
# with the odd pixel of padding at the bottom and at the right. Networks that are carried over from
# there into torch bring a layer of their own for that. Widely copied versions of an object detector
# have done what this one does.


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
# The output above is right, and so was every output that its authors looked at: all of them came
# out of a ReLU. Find the defect, prove it, and mend it.
#
# ### Exercise: prove it
#
# Return a batch of images of the given shape for which `museum_pool(x, kernel_size=3, stride=2)`
# has a number in its output that is larger than every pixel of the input.

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
import torch
import torch.nn.functional as F

from course.checks import expect


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

# %% [markdown]
# ### Exercise: mend it
#
# Write the layer that the museum lacks: the same positions of the windows, and no padding that
# wins. Torch's `F.max_pool2d` may be used here.

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
import torch

from course.checks import agree, unchanged

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
    for kernel_size, stride in [(3, 2), (2, 2), (2, 1), (3, 1), (4, 3), (5, 2), (1, 1), (1, 3)]:
        agree(
            same_max_pool2d(x, kernel_size=kernel_size, stride=stride),
            slowly(x, kernel_size, stride),
            f"same_max_pool2d of {height} x {width} pixels, window {kernel_size}, stride {stride}",
            cause="a padding value wins, or the padding does not fit size, window and stride.",
            step="keep the exhibit's sides, and pad with a value that no pixel can lose to.",
        )
### END HIDDEN TESTS

# %% [markdown]
# **What to take home.** An exhibit like this passes every test whose inputs come out of a ReLU. It
# fails where feature maps hold values below 0, as they do ahead of the activation, and then only
# along the border. Test a layer with inputs that its usual neighbours would not send.
#
# ## 7 Put together: train on moving digits
#
# First two quick tests of the network with 2x2 maxima. Before training its loss should be near log
# 10, which is that of ten equal probabilities; and it should be able to learn 50 images completely.

# %% experiment="sanity"
net = network("max", seed=0)
start = F.cross_entropy(net(train.images), train.labels).item()
print(f"loss at the start: {start:.3f}; log 10 is {math.log(10):.3f}")
assert abs(start - math.log(10)) < 0.05

fifty = train.take(5)
fit(net, fifty, label="50 images", steps=100)
print(f"right of 50 images it was trained on: {accuracy(net, fifty):.0%}")
assert accuracy(net, fifty) == 1.0

# %% [markdown]
# The networks above lost answers because all their training images stood in the middle. So move
# the training images too, by up to two pixels in each direction and at random. How much of the
# invariance can be learnt, and do the ways of shrinking still differ then?

# %% experiment="moving_digits"
for shrink, steps in (("stride", 400), ("max", 400), ("stride", 800)):
    net = network(shrink, seed=0)
    fit(net, train, label=f"{shrink}, moving images", steps=steps, jitter=2)
    shares = "  ".join(f"{kept(net, pixels):.0%}" for pixels in range(1, 5))
    told = f"{accuracy(net, test):.1%} right, kept after 1 to 4 pixels: {shares}"
    print(f"{shrink:6s}  {steps} steps  {told}")

# %% [markdown]
# Both keep far more answers than before: after one pixel 85 percent with strides, where it was 47,
# and 95 with maxima, where it was 67. At one and two pixels, by which the training images moved,
# the two differ less than before: 95 against 85 and 96 against 83 percent, where it was 67 against
# 47 and 35 against 9. At three and four pixels, by which they did not, the two differ more: 82
# against 46 and 59 against 26 percent, where it was 17 against 8 and 5 against 12.
#
# With strides the same filter meets four different samplings of each digit and has to learn them
# all. Given 800 steps, the strided network keeps 93 and 92 percent at one and two pixels, nearly
# what maxima keep after 400, and at three and four still only 49 and 27. So the invariance is
# learnt. With pooling it is learnt in fewer steps, and reaches further than the training images
# moved. Each line is one network. A second seed, not run here, gave up to 8 points less after 400
# steps, and the same order.
#
# ## 8 In your own words
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
# one pixel, networks with 2x2 maxima kept about two thirds of their answers, with strides about
# half, with overlapping 3x3 maxima 84 percent, and 92 with a blur before the sampling. After 4
# pixels 2x2 maxima were no better than strides. Sampling is what breaks invariance; a global
# average over maps that were never sampled kept 91 to 99 percent, for more multiply-adds and a
# lower accuracy.
#
# A convolution with a stride makes the same shapes for fewer multiply-adds, on digits in the middle
# at nearly the same accuracy. Training on moved images raised the kept answers of strides from 47
# to 85 percent, and those of maxima to 95 in as many steps. Pooling did not help against
# overfitting with 100 images.
#
# Rubric: 1 point for what is computed (per channel, no parameters) with at least max and average
# and how the stride makes maps smaller; 1 for invariance as partial, with a number from the
# measurement and its limit; 1 for saving and cost (fewer positions, fewer dense weights, lost
# position) and a stride as another means. "Pooling makes the network translation invariant"
# without a limit earns nothing for the second part.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | shrinking by | output | gradient | right | kept, 1 pixel | multiply-adds |
# |---|---|---|---|---|---|
# | stride of 2 | every second | to the inputs of those | 97.5 % | 47 % | 97 thousand |
# | average 2x2 | mean | spread evenly | 97.3 % | 65 % | 166 thousand |
# | max 2x2 | largest | to the winner | 97.4 % | 67 % | 166 thousand |
# | max 3x3, stride 2 | largest | to the winner, added up | 97.8 % | 84 % | 166 thousand |
# | max 2x2, blur, stride 2 | mean of maxima | spread, to winners | 96.8 % | 92 % | 166 thousand |
# | no sampling, global average | mean of the map | spread evenly | 93 % | 99 % | 1.5 million |
#
# - A convolution moves with its image; sampling every second pixel does not.
# - Pooling has no parameters. It saves some only in a dense layer behind it.
# - Padding must never win a maximum, and a mean has to say whether it counts the padding.
# - How invariant a network is can be measured in one line. What it was trained on matters most, and
#   with pooling it learns invariance in fewer steps.
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
#
# The module `cnnlib.pooling` holds the reference of the pooling exercises, to read when you are
# done.
