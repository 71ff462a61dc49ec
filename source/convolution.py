# %% [markdown]
# # Convolution
#
# After this lesson you can
#
# - derive a convolution from a dense layer by asking for locality, then for sharing,
# - write it with loops, vectorised, and backwards, and train a network with your own code,
# - count its outputs, its parameters and the pixels that one output sees,
# - say what moves when an image moves, and what stays.
#
# **Time.** 150 to 240 minutes for you, best in two sittings. That is an estimate from the steps and
# not a measurement of people: 40 to 60 minutes to read, 5 to 10 for each of the seven shorter
# exercises, 15 to 25 for each of the three longer ones, 20 to 30 for predictions, widgets and
# trials, and 10 to 20 for the two written questions. The machine needs less than a minute for all
# of it, and 800 MB, on two cores and without a GPU.
#
# **Before you start.** You should know the lesson on activation functions, the chain rule, and what
# a training loop does. How a lesson works, and which tolerance checks use, is told in [How it
# works](../activations/activations.ipynb#How-it-works). Images are tensors of shape (N, C, H, W): N
# images, C channels, H rows, W columns.
#
# The setup defines one helper besides the imports. `pair` turns an argument such as `stride=2` or
# `stride=(2, 1)` into two numbers, one for the rows and one for the columns, and refuses what makes
# no sense.

# %% setup
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.claims import SEEDS, trial
from course.predictions import predict

_ = torch.manual_seed(0)


def pair(value: int | tuple[int, int], *, name: str, least: int) -> tuple[int, int]:
    """Return (height, width); one number stands for both. Refuses what is below least."""
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(f"{name} is {value}; expected {least} or more, a number or a pair")
    return both


# %% [markdown]
# ## Warm-up
#
# Three questions about what you need below. Run the cells and choose. Your answers stay in the
# notebook; they are not graded.

# %% predict="warm_up_dense"
# A question: run this cell and choose.
predict(
    "A dense layer computes W x + b, from 64 inputs to 85 outputs. How many parameters are there?",
    a="64 + 85 = 149",
    b="64 * 85 = 5,440",
    c="64 * 85 + 85 = 5,525",
    right="c",
    why="One weight for each pair, and one bias for each output.",
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
    why="Gradients over several paths add up. You need this in section 7.",
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
    why="All ten are about equally likely, and log 10 is 2.30.",
    answer=...,
)

# %% [markdown]
# ## 1 A network that must see every digit in every place
#
# Real handwritten digits of 8 x 8 pixels stand in the middle of a frame of 10 x 10. A network with
# one hidden dense layer learns to read them. Then the digits move by up to one pixel, up or down,
# left or right. Nothing is cut off: to the eye they are the same digits.

# %%
from course.datasets import Images, digits
from course.figures.convolution import places


def framed(data: Images, down: int = 1, right: int = 1) -> Images:
    """Return the images in a frame of 10 x 10; 1 and 1 is its middle."""
    images = F.pad(data.images, (right, 2 - right, down, 2 - down))
    return Images(images, data.labels, data.classes)


def everywhere(data: Images) -> Images:
    """Return each image in all nine places of the frame."""
    moved = [framed(data, i, j).images for i in range(3) for j in range(3)]
    return Images(torch.cat(moved), data.labels.repeat(9), data.classes)


middle, test = (framed(data) for data in digits())
moved = everywhere(digits()[1])
places(moved.images[:: len(test)])

# %%
from tqdm.auto import tqdm


def fit(net: nn.Module, *, steps: int, lr: float, label: str, seed: int = 0) -> list[float]:
    """Train by Adam on batches of 64 digits in the middle; return the loss of every step."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(middle), (64,), generator=generator)
        loss = F.cross_entropy(net(middle.images[index]), middle.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def accuracy(net: nn.Module, data: Images) -> float:
    with torch.no_grad():
        return (net(data.images).argmax(dim=1) == data.labels).double().mean().item()


# %% predict="dense_moved"
# A question: run this cell and choose.
dense_moved = predict(
    "On digits in the middle the dense network is right 95 times in 100. And in all nine places?",
    a="about 90 times",
    b="about 70 times",
    c="about 40 times",
    answer=...,
)
dense_moved

# %% experiment="dense_in_places"
torch.manual_seed(0)
dense = nn.Sequential(nn.Flatten(), nn.Linear(100, 64), nn.ReLU(), nn.Linear(64, 10))
fit(dense, steps=300, lr=3e-3, label="dense network")
print(f"{sum(p.numel() for p in dense.parameters()):,} parameters")
print(f"in the middle: {accuracy(dense, test):.0%}")
print(f"in nine places: {accuracy(dense, moved):.0%}")

# %% reveal="dense_moved"
# What is right, and why.
dense_moved.reveal("c", "It has learnt which pixels are dark, and not what shape they form.")

# %% [markdown]
# The network reads digits that it has never seen, and fails on digits that it knows, one pixel
# further on. Its weights tell the reason. Each pair of pixel and unit has a weight of its own, so
# that a stroke learnt in one place says nothing about the same stroke elsewhere. The network would
# have to see every digit in every place.
#
# **The question of this lesson: what must a layer be like, so that what it learns in one place
# holds in all?** In section 10 a network with less than a quarter of the parameters, built from
# your own functions, reads the digits in places where it has never seen one.

# %% [markdown]
# ## 2 From a dense layer to a convolution
#
# A dense layer is a matrix $W$ with one row for each unit and one column for each pixel. Ask two
# things of it.
#
# - **Locality.** A unit looks at a small window only, since pixels that belong together are
#   neighbours. Everything outside the window gets the weight 0.
# - **Sharing.** All units use the *same* weights, each at its own window. A stroke that is worth
#   noticing here is worth noticing there.
#
# Below are the matrices of three layers that map 12 pixels to 10 units; grey means no connection.

# %% experiment="sharing"
from course.figures.convolution import sharing

sharing()

# %% [markdown]
# Locality alone leaves a band along the diagonal, and so fewer numbers. Sharing makes all rows of
# the band equal, but for their place: three numbers are left of 120. A layer with both is a
# **convolution**. Its small set of shared weights is the **kernel** or **filter**, its output the
# **feature map**: it says for each place how well the window there matches the kernel.
#
# For an image, window and kernel have two dimensions. Number the pixels row by row, and the places
# of the window too. Then the convolution is still a matrix, and you can write it down.
#
# ### Exercise: the matrix that a convolution is
#
# **2 points.** Given a kernel `w` of kh x kw numbers and the size (H, W) of an image with one
# channel, return the matrix that takes the image, laid out row by row, to its feature map, laid out
# row by row. The window moves by one pixel at a time and never leaves the image, so that it has H -
# kh + 1 places down and W - kw + 1 places across. Loop over them. The matrix has the dtype of `w`.

# %% [markdown] hints="conv_as_matrix"
# <details><summary>Hint 1: how do I keep the counting simple?</summary>
#
# Start with four dimensions, one for each coordinate: `w.new_zeros(rows, columns, H, W)`, where
# `rows` and `columns` count the places of the window.
#
# </details>
# <details><summary>Hint 2: what belongs to place (i, j)?</summary>
#
# An image of zeros with the kernel in it, its upper left corner at row i and column j.
#
# </details>
# <details><summary>Hint 3: how does it become a matrix?</summary>
#
# `matrix[i, j, i : i + kh, j : j + kw] = w` fills one place. In the end `reshape` to
# `(rows * columns, H * W)` lays everything out row by row.
#
# </details>


# %% exercise="conv_as_matrix"
def conv_as_matrix(w: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the matrix that takes an image, row by row, to its feature map, row by row.

    Shape: w (kh, kw), size (H, W) -> (H' W', H W) with H' = H - kh + 1 and W' = W - kw + 1.
    """
    ### BEGIN SOLUTION
    (kh, kw), (height, width) = w.shape, size
    rows, columns = height - kh + 1, width - kw + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"the kernel is {kh} x {kw}, but the image {height} x {width}")
    matrix = w.new_zeros(rows, columns, height, width)
    for i in range(rows):
        for j in range(columns):
            matrix[i, j, i : i + kh, j : j + kw] = w
    return matrix.reshape(rows * columns, height * width)
    ### END SOLUTION


# %% check="conv_as_matrix" points=2
# Check of conv_as_matrix, 2 points.
import torch

from course.checks import agree, right, unchanged

w = torch.tensor([[2.0, -1.0], [3.0, 4.0]])
before = w.clone()
agree(
    conv_as_matrix(w, (2, 3)),
    torch.tensor([[2.0, -1.0, 0.0, 3.0, 4.0, 0.0], [0.0, 2.0, -1.0, 0.0, 3.0, 4.0]]),
    "conv_as_matrix(w, (2, 3))",
    cause="a row is no image of zeros with the kernel in it, or rows and columns are exchanged.",
    step="draw the image of 2 x 3 with the kernel at its first place, and read it row by row.",
)
agree(
    conv_as_matrix(w, (3, 2)),
    torch.tensor([[2.0, -1.0, 3.0, 4.0, 0.0, 0.0], [0.0, 0.0, 2.0, -1.0, 3.0, 4.0]]),
    "conv_as_matrix(w, (3, 2))",
    cause="the window moves across where it should move down.",
    step="this image has two places for the window, one below the other.",
)
unchanged(w, before, "conv_as_matrix(w, (2, 3))")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

for (kh, kw), (height, width) in (((2, 3), (4, 5)), ((1, 2), (3, 2)), ((3, 1), (3, 4))):
    kernel = torch.linspace(-1, 2, kh * kw, dtype=torch.float64).cos().reshape(kh, kw)
    image = torch.linspace(-2, 3, height * width, dtype=torch.float64).sin()
    agree(
        conv_as_matrix(kernel, (height, width)) @ image,
        F.conv2d(image.reshape(1, 1, height, width), kernel[None, None]).flatten(),
        f"conv_as_matrix of a float64 kernel of {kh} x {kw} for {height} x {width}, times one",
        cause="places are counted column by column, the kernel is flipped, or the dtype is lost.",
        step="multiply your matrix with a small image and compare with the sums of its windows.",
        rtol=1e-9,
        atol=1e-12,
    )
### END HIDDEN TESTS
right("conv_as_matrix", points=2)

# %% [markdown]
# ### Explore
#
# Four networks learn the digits in the middle. The first is dense. In the second the first layer is
# local, in the third it is a convolution as well. In the fourth, the rest of the network asks for
# sharing too: of each map it keeps the **largest number** alone, which says how well the kernel
# matched anywhere, and forgets where.

# %% experiment="four_networks"
from course.widgets.convolution_sharing import four_networks, from_dense

networks = four_networks()
for name, net in networks.items():
    rate = 0.03 if name == "shared to the end" else 0.003
    fit(net, steps=200, lr=rate, label=name)
measured = {name: (accuracy(net, test), accuracy(net, moved)) for name, net in networks.items()}

# %% [markdown]
# Ask for one thing after the other and watch the weights vanish. The matrix belongs to one map of
# the first layer; with sharing it is drawn by your `conv_as_matrix`. Which step saves most weights?
# After which can the network read digits that moved?
#
# <details><summary>What you should have seen</summary>
#
# Locality takes most weights away, and sharing most of those that are left. Neither helps with
# digits that moved: behind the maps the network still has a weight for each place. Only when the
# rest of the network shares too, a digit is read wherever it stands, with the same accuracy in all
# places.
#
# </details>

# %% experiment="from_dense"
from_dense(measured, conv_as_matrix=conv_as_matrix)

# %% [markdown]
# Is it the convolution that does it? The trial tries to break that.


# %% claim="reads_anywhere"
# Trial: does a convolutional network recognise a digit wherever it stands?
def in_places(*behind: nn.Module, stride: int = 1, lr: float = 0.03) -> list[float]:
    """Accuracy in nine places of networks trained in the middle, one number for each seed."""
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        convolution = nn.Conv2d(1, 20, 5, stride=stride, padding=4)
        net = nn.Sequential(convolution, nn.ReLU(), *behind, nn.Flatten(), nn.LazyLinear(10))
        net(middle.images[:1])  # a lazy layer learns here how many inputs it has
        fit(net, steps=200, lr=lr, label="digits in places", seed=seed)
        found.append(accuracy(net, moved))
    return found


# The rates are the best of 0.003, 0.01 and 0.03 for each arm, on digits in the middle.
trial(
    "reads_anywhere",
    {
        "largest number of each map": in_places(nn.AdaptiveMaxPool2d(1)),
        "all numbers, and a dense layer": in_places(lr=0.003),
        "largest number, windows 4 pixels apart": in_places(nn.AdaptiveMaxPool2d(1), stride=4),
    },
)

# %% [markdown]
# So the sentence is true of a network that shares to its end, and not of convolutions as such. Your
# aim is now to build this network with your own hands: forward, backward, and trained.

# %% [markdown]
# ## 3 One window, one number
#
# A window of the image and a kernel of the same size are multiplied entry by entry and summed. Then
# the window moves on. That is one row of your matrix times the image, without the zeros.
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
# **2 points, and 0.5 for the habit.** The formula, for one side of the image. All arguments are
# whole numbers, padding 0 or more and the others 1 or more, and so is the result.
#
# The habit: a window that is larger than the padded image has no place at all. The formula gives 0
# or less for it, and an error comes much later. Refuse it, and say how large both are.

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
# When `reach > size + 2 * padding`. Refuse that before you compute.
#
# </details>


# %% exercise="output_size"
def output_size(
    size: int, *, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Return the number of positions of a window along one dimension, in pixels.

    Raises ValueError where the window is larger than the padded image.
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
# Check of output_size, 2 points.
from course.checks import agree, right

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
for options, expected in (({"kernel_size": 5}, 1), ({"kernel_size": 1, "stride": 9}, 1)):
    agree(
        output_size(5, **options),
        expected,
        f"output_size(5, {options})",
        cause="a default is wrong, or the largest window that fits is refused.",
        step="stride and dilation are 1 by default, and padding is 0.",
    )
### END HIDDEN TESTS
right("output_size", points=2)

# %% habit="output_size" points=0.5
# Habit of output_size, 0.5 points: it refuses a window that is larger than the padded image.
from course.checks import refuses, right

refuses(lambda: output_size(4, kernel_size=5), "output_size(4, kernel_size=5)")
### BEGIN HIDDEN TESTS
refuses(lambda: output_size(3, kernel_size=3, dilation=2), "output_size with a dilated window")
refuses(lambda: output_size(3, kernel_size=6, padding=1), "output_size with a window of 6 on 5")
### END HIDDEN TESTS
right("output_size", points=0.5, habit=True)

# %% [markdown]
# ### Exercise: a border around the image
#
# **1 point.** `pad2d` puts `rows` rows above and below and `columns` columns left and right, all of
# one value, minus infinity included. Build it yourself, without torch's `pad`. Values and the
# gradient with respect to `x` are checked.

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
# Rows `rows` to `rows + h`. The slice `rows:-rows` is empty where `rows` is 0.
#
# </details>


# %% exercise="pad2d"
def pad2d(x: Tensor, padding: int | tuple[int, int], *, value: float = 0.0) -> Tensor:
    """Return images with a border of a constant value.

    padding is a number or (rows above and below, columns left and right).
    Shape: (N, C, H, W) -> (N, C, H + 2 rows, W + 2 columns).
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


# %% check="pad2d" points=1
# Check of pad2d, 1 point.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

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
### END HIDDEN TESTS
agree(
    gradient(lambda t: pad2d(t, (0, 1)), x),
    torch.tensor([[[[2.0, 3.0, 4.0]]], [[[7.0, 8.0, 9.0]]]]),
    "the weighted gradient of pad2d(x, (0, 1))",
    cause="the image was copied without its history, or its entries went to other places.",
    step="assign x itself into the middle of the new tensor; do not detach.",
)
banned = ["pad", "constant_pad_nd", "ConstantPad2d", "ZeroPad2d"]
from_scratch(pad2d, "pad2d", without=banned, step="fill a larger tensor, write x into its middle.")
right("pad2d", points=1)

# %% [markdown]
# ### Exercise: convolution with loops
#
# **4 points, and 0.5 for the habit.** First write it as it is meant: for each image, each output
# channel, each row and column of the output, cut out a window, multiply it with the filter, and
# sum. Kernels may be as large as the padded image, or 1 x 1. Values and the gradients with respect
# to `x`, `w` and `b` are checked, in float64 to a relative 1e-9. Torch's own convolutions are out
# of bounds, its `unfold` too; for the border you may use your `pad2d` or `F.pad(x, (left, right,
# above, below))`.
#
# The habit: filters made for another number of channels than the images have are the commonest
# mistake at this function. Refuse them, and tell the two shapes.

# %% [markdown] hints="conv2d_naive"
# <details><summary>Hint 1: what shape has the result?</summary>
#
# `(len(x), len(w), rows, columns)`, with `rows = (H + 2 ph - kh) // sh + 1`. Start with
# `x.new_zeros(...)` of that shape, which takes dtype and device from `x`. The refusal goes before
# that: compare `x.shape[1]` with `w.shape[1]`.
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
    Raises ValueError where x and w have different numbers of channels.
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
# Check of conv2d_naive, 4 points.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

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
        cause="channels, images, filters or biases are mixed up.",
        step="a filter sums over all input channels; each filter gives one output channel.",
        rtol=1e-9,
        atol=1e-12,
    )
wide = images.transpose(2, 3)
for tall_or_wide, (kh, kw) in (
    *((images, sides) for sides in ((7, 5), (7, 2), (2, 5), (1, 1))),
    *((wide, sides) for sides in ((5, 1), (2, 7))),
):
    whole = torch.linspace(-2, 1, 6 * kh * kw, dtype=torch.float64).sin().reshape(2, 3, kh, kw)
    agree(
        conv2d_naive(tall_or_wide, whole),
        F.conv2d(tall_or_wide, whole),
        f"conv2d_naive with kernels of {kh} x {kw}, as high or as wide as the image, or 1 x 1,",
        cause="the largest or the smallest kernel is refused, or rows are taken for columns.",
        step="a kernel as high or as wide as the padded image has one place there.",
        rtol=1e-9,
        atol=1e-12,
    )


def derivative(function, which):
    given = {"x": images, "w": filters, "b": bias}
    return gradient(lambda t: function(*(given | {which: t}).values(), stride=2), given[which])


for which in "xwb":
    agree(
        derivative(conv2d_naive, which),
        derivative(F.conv2d, which),
        f"the gradient of conv2d_naive with respect to {which}",
        cause="windows or sums were turned into plain numbers with .item() on the way.",
        step="stay in torch operations: (window * w[channel]).sum() keeps its history.",
        rtol=1e-9,
        atol=1e-12,
    )
### END HIDDEN TESTS
gradient(lambda t: conv2d_naive(x, t), w)  # fails where no gradient reaches w
banned = ["conv1d", "conv2d", "conv3d", "Conv2d", "Conv3d", "unfold", "Unfold", "as_strided"]
from_scratch(conv2d_naive, "conv2d_naive", without=banned, step="loop over the windows.")
right("conv2d_naive", points=4)

# %% habit="conv2d_naive" points=0.5
# Habit of conv2d_naive, 0.5 points: it refuses filters for another number of channels.
import torch

from course.checks import refuses, right

x = torch.ones(2, 3, 5, 4)
refuses(
    lambda: conv2d_naive(x, torch.ones(1, 2, 3, 2)), "conv2d_naive of 3 channels, filters for 2"
)
### BEGIN HIDDEN TESTS
refuses(
    lambda: conv2d_naive(x, torch.ones(4, 5, 3, 2)), "conv2d_naive of 3 channels, filters for 5"
)
refuses(
    lambda: conv2d_naive(x, torch.ones(4, 1, 3, 2)), "conv2d_naive of 3 channels, filters for 1"
)
### END HIDDEN TESTS
right("conv2d_naive", points=0.5, habit=True)

# %% [markdown]
# ### Explore
#
# The widget moves a kernel over a photograph, with your loops beside torch's convolution. Put the
# window on the edge of a roof and read the nine products. Which kernel finds edges that run from
# left to right, and why does it give 0 on the even sky? What does stride 2 do to the size of the
# map, and what does padding 1 do to its rim?
#
# <details><summary>What you should have seen</summary>
#
# The kernel with a row of negative, a row of zero and a row of positive weights finds edges that
# run from left to right. Its weights sum to 0, so that nine equal pixels give 0. Stride 2 leaves 13
# x 20 of the 26 x 40 numbers. With padding 1 the map keeps the size of the photograph, but on its
# rim the kernel sees an edge between the photograph and the zeros around it.
#
# </details>

# %% experiment="stepper"
from course.widgets.convolution import stepper

stepper(conv2d_naive)

# %% [markdown]
# A feature map is a picture of *where* the image looks like the kernel. The kernels in the widget
# were thought up by people. In a network nobody writes them down: they start as random numbers and
# are learnt.
#
# ## 4 The same, fast
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
# **5 points, and 0.5 for the habit.** Now with `dilation` $d$ and `groups` $g$. Filter $o$ belongs
# to group $\gamma = \lfloor o\,g / O \rfloor$ and sees the $C / g$ channels of that group:
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
# not matter. Values and the gradients with respect to `x`, `w` and `b` are checked, in float64 to a
# relative 1e-9, and the large case in float32 to 1e-4. Torch's convolutions are out of bounds, its
# `unfold`, which cuts out the windows, is allowed here.
#
# The habit: refuse groups that do not fit. `w` has shape (O, C / groups, kh, kw), and O is a
# multiple of `groups`.

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
    Raises ValueError where the groups do not fit.
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
# Check of conv2d, 5 points.
import torch

from course.checks import agree, from_scratch, gradient, right, unchanged

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
### BEGIN HIDDEN TESTS
import time

import torch.nn.functional as F

from course.checks import expect

images = torch.linspace(-2, 3, 2 * 6 * 7 * 5, dtype=torch.float64).sin().reshape(2, 6, 5, 7)
images = images.transpose(2, 3)  # 7 x 5, and not contiguous
filters = torch.linspace(-1, 2, 4 * 6 * 3 * 2, dtype=torch.float64).cos().reshape(4, 6, 3, 2)
bias = torch.tensor([0.5, -1.0, 2.0, -3.0], dtype=torch.float64)


def derivative(function, which, mine, **options):
    given = {"x": images, "w": mine, "b": bias}
    return gradient(lambda t: function(*(given | {which: t}).values(), **options), given[which])


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
        cause="images, channels, entries, groups or biases are merged in the wrong order.",
        step="merge neighbouring dimensions only, and in the same order in x and in w.",
        rtol=1e-9,
        atol=1e-12,
    )
    for which in "xwb":
        agree(
            derivative(conv2d, which, mine, **options),
            derivative(F.conv2d, which, mine, **options),
            f"the gradient of conv2d with respect to {which}, with {options}",
            cause="a part of the computation was detached or rebuilt from numbers.",
            step="stay in torch operations from x, w and b to the result.",
            rtol=1e-9,
            atol=1e-12,
        )
wide = images.transpose(2, 3)
for tall_or_wide, (kh, kw) in (
    *((images, sides) for sides in ((7, 5), (7, 1), (1, 5), (1, 1))),
    *((wide, sides) for sides in ((5, 1), (2, 7))),
):
    mine = torch.linspace(-1, 2, 24 * kh * kw, dtype=torch.float64).sin().reshape(4, 6, kh, kw)
    agree(
        conv2d(tall_or_wide, mine),
        F.conv2d(tall_or_wide, mine),
        f"conv2d with kernels of {kh} x {kw}, as high or as wide as the image, or 1 x 1,",
        cause="the smallest or the largest kernel that fits is refused.",
        step="a kernel as high or as wide as the padded image has one place there.",
        rtol=1e-9,
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
### END HIDDEN TESTS
gradient(lambda t: conv2d(x, t), w)  # fails where no gradient reaches w
banned = ["conv1d", "conv2d", "conv3d", "Conv1d", "Conv2d", "Conv3d", "convolution"]
from_scratch(conv2d, "conv2d", without=banned, step="build it from slices and matrix products.")
right("conv2d", points=5)

# %% habit="conv2d" points=0.5
# Habit of conv2d, 0.5 points: it refuses groups that do not fit.
import torch

from course.checks import refuses, right

x = torch.ones(2, 6, 5, 4)
refuses(lambda: conv2d(x, torch.ones(4, 6, 3, 2), groups=2), "conv2d, 2 groups, filters for 6")
### BEGIN HIDDEN TESTS
refuses(lambda: conv2d(x, torch.ones(4, 2, 3, 2), groups=2), "conv2d, 2 groups, filters for 2")
refuses(lambda: conv2d(x, torch.ones(3, 3, 3, 2), groups=2), "conv2d of 3 filters in 2 groups")
refuses(lambda: conv2d(x, torch.ones(4, 5, 3, 2)), "conv2d of 6 channels with filters for 5")
### END HIDDEN TESTS
right("conv2d", points=0.5, habit=True)

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
# ## 5 What it costs
#
# Parameters are what has to be learnt and stored. A dense layer has one weight for each pair of
# input and output, and a bias for each output. A convolution from $C$ to $O$ channels with a kernel
# of $k_h \times k_w$ has $C k_h k_w$ weights and one bias for each output channel. The size of the
# image does not occur.
#
# $$\text{dense: } O\,(I + 1) \qquad \text{convolution: } O\,(C\,k_h\,k_w + 1)$$

# %% predict="conv_count"
# A question: run this cell and choose.
predict(
    "A 3 x 3 convolution from 3 to 64 channels, on a photo of 224 x 224: how many parameters?",
    a="1,792",
    b="64 * 224 * 224 * 28, about 90 million",
    c="27",
    right="a",
    why="64 filters of 3 * 3 * 3 weights and a bias each: 64 * 28.",
    answer=...,
)

# %% [markdown]
# ### Exercise: parameters of a convolution
#
# **1 point, and 0.5 for the habit.** `kernel_size` is a number or a pair (height, width). With
# groups, an output channel sees the `in_channels / groups` channels of its own group. The result is
# a whole number.
#
# The habit: refuse `groups` that do not divide both channel counts, with the numbers.

# %% [markdown] hints="conv_parameters"
# <details><summary>Hint 1: how many weights does one filter have?</summary>
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
# `kh, kw = pair(kernel_size, name="kernel_size", least=1)` takes both forms.
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

    Raises ValueError where groups does not divide both channel counts.
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
# Check of conv_parameters, 1 point.
from course.checks import agree, right

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
### BEGIN HIDDEN TESTS
from torch import nn

from course.checks import expect

for inputs, outputs, kernel, bias, groups in (
    (1, 10, 3, True, 1),
    (10, 1, 1, True, 1),
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
### END HIDDEN TESTS
right("conv_parameters", points=1)

# %% habit="conv_parameters" points=0.5
# Habit of conv_parameters, 0.5 points: it refuses groups that do not divide the channels.
from course.checks import refuses, right

refuses(lambda: conv_parameters(3, 4, kernel_size=1, groups=2), "3 channels in 2 groups")
### BEGIN HIDDEN TESTS
refuses(lambda: conv_parameters(4, 3, kernel_size=1, groups=2), "3 filters in 2 groups")
refuses(lambda: conv_parameters(2, 4, kernel_size=3, groups=4), "2 channels in 4 groups")
### END HIDDEN TESTS
right("conv_parameters", points=0.5, habit=True)

# %% [markdown]
# ### Explore
#
# **Multiply-adds** are what has to be computed for each image. The widget compares a convolution
# with a *local* layer (windows, but weights of its own at every place) and with a dense layer to as
# many outputs. Double the side of the image: which numbers stay, which grow fourfold, which
# sixteenfold? So which of the two ideas, locality or sharing, saves parameters, and which saves
# computation?
#
# <details><summary>What you should have seen</summary>
#
# Where the side doubles, the parameters of the convolution stay. Those of the local layer and the
# multiply-adds of both grow fourfold, and both numbers of the dense layer sixteenfold. Locality
# cuts the multiply-adds: convolution and local layer compute equally much. Sharing cuts the
# parameters once more, and does not make the computation cheaper.
#
# </details>

# %% experiment="cost"
from course.widgets.convolution import cost

cost(conv_parameters=conv_parameters)

# %% [markdown]
# Sharing is paid for: a convolution cannot treat the top of an image differently from its bottom,
# except near the border.
#
# ## 6 What moves when the image moves
#
# Sharing has a consequence that is easy to state wrongly. Move the image by five pixels, and the
# feature map moves by five pixels too: the layer is **equivariant** to translation. That is *not*
# **invariance**, which would mean that nothing changes. Many texts say the second and mean the
# first.

# %% predict="equivariant"
# A question: run this cell and choose.
predict(
    "A photo moves by one pixel. What does a feature map with stride 2 do?",
    a="it stays, or moves by one position",
    b="it moves by half a position: each number becomes the mean of two neighbours",
    c="neither of these: other pixels now lie under the windows",
    right="c",
    why="The windows now stand on the columns that they left out before.",
    answer=...,
)

# %% [markdown]
# ### Exercise: break the claim
#
# **1 point.** "Move the image, and the feature map moves along." With strides it fails, as the
# table below shows: three layers with strides 2, 3 and 2 look at a photograph, and their map does
# not follow a move by 4 or by 6 pixels. Find a setting in which the claim turns over again: a move,
# of 1 to 20 pixels to the right, that the map of these three layers follows for each of the seeds 0
# to 4. You have
#
#     off_by([2, 3, 2], step=..., seed=...)
#
# to try moves with. It says how far the new map is from the old one moved along, as a share of the
# map's spread; the photograph is bent into a ring, so that there is no rim. The check runs the same
# and asks for less than 0.05.

# %% [markdown] hints="following_move"
# <details><summary>Hint 1: which moves does one layer with stride 2 follow?</summary>
#
# Those by 2, 4, 6 and so on: the windows then stand where other windows stood before.
#
# </details>
# <details><summary>Hint 2: what does the second layer see of such a move?</summary>
#
# A move by 2 pixels moves the first map by 1. With its stride of 3 the second layer follows only
# where the first map moves by 3, 6 and so on.
#
# </details>
# <details><summary>Hint 3: how do I find it by trying?</summary>
#
# Print `off_by([2, 3, 2], step=step, seed=0)` for `step in range(1, 21)`.
#
# </details>

# %% experiment="off_by"
from course.equivariance import off_by

for strides, step in (([1], 5), ([2], 1), ([2, 3, 2], 4)):
    print(f"strides {strides}, moved by {step}: off by {off_by(strides, step=step, seed=0):.2f}")


# %% exercise="following_move"
def following_move() -> int:
    """Return a move, 1 to 20 pixels, that a map behind strides of 2, 3 and 2 follows."""
    ### BEGIN SOLUTION
    return 2 * 3 * 2
    ### END SOLUTION


# %% check="following_move" points=1
# Check of following_move, 1 point.
from course.checks import expect, right
from course.equivariance import off_by

step = following_move()
expect(
    isinstance(step, int) and 1 <= step <= 20,
    f"following_move() is {step!r}, expected a whole number from 1 to 20.",
    cause="the move is given in positions of the map, or is no number of pixels.",
    step="return the number of pixels by which the photograph moves.",
)
worst = max(off_by([2, 3, 2], step=step, seed=seed) for seed in range(5))
expect(
    worst < 0.05,
    f"after a move by {step} pixels the map is off by {worst:.2f} with one of the seeds.",
    cause="some windows of a later layer now stand on numbers that they left out before.",
    step="how many pixels lie between two neighbours of the last map?",
)
right("following_move", points=1)

# %% claim="conv_equivariant"
# Trial: does the map move along with its image? The last row is your setting.
from course.equivariance import off_by

conditions = {
    "stride 1, moved by 5": ([1], 5),
    "stride 2, moved by 4": ([2], 4),
    "stride 2, moved by 1": ([2], 1),
    "strides 2, 3 and 2, moved by 4": ([2, 3, 2], 4),
    "strides 2, 3 and 2, moved by 6": ([2, 3, 2], 6),
}
try:
    conditions[f"strides 2, 3 and 2, moved by {following_move()}"] = ([2, 3, 2], following_move())
except NotImplementedError:
    print("Your setting is still missing: it would be the last row.")
trial(
    "conv_equivariant",
    {
        name: [off_by(strides, step=step, seed=seed) for seed in SEEDS]
        for name, (strides, step) in conditions.items()
    },
)

# %% [markdown]
# A map follows the moves by whole multiples of its strides' product, and no others. At the rim even
# that ends, because pixels leave and padding enters. And is a convolution invariant? The trial
# gives it a chance with kernels that blur.

# %% claim="conv_invariant"
# Trial: is a convolution invariant to a move of the image?
from course.datasets import photo

grey = photo("china", height=120).mean(dim=0)[None, None]
edges = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])


def changes(kernel: Tensor, step: int) -> list[float]:
    """Change of the map after a move to the right, over its spread, on five parts of a photo."""
    y = F.conv2d(grey, kernel[None, None])
    parts = [(y[..., a : a + 50], y[..., a + step : a + step + 50]) for a in range(0, 100, 20)]
    return [((b - a).norm() / (a - a.mean()).norm()).item() for a, b in parts]


trial(
    "conv_invariant",
    {
        "edges, moved by 1": changes(edges, 1),
        "edges, moved by 5": changes(edges, 5),
        "mean of 3 x 3 pixels, moved by 3": changes(torch.ones(3, 3) / 9, 3),
        "mean of 7 x 7 pixels, moved by 5": changes(torch.ones(7, 7) / 49, 5),
    },
)

# %% [markdown]
# The network of section 2 reads moved digits although no convolution is invariant: the map moves
# along, and its *largest number* is the same wherever it stands. Equivariance comes from the
# convolution, invariance from what is done with the map. The lesson on pooling goes on from here.
#
# ## 7 Backwards
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
# Trial: are the gradients of shared weights sparse?
def surplus(activation, *, images: int) -> list[float]:
    """Share of idle weights of a convolution, less that of a dense layer, one for each seed."""
    found = []
    for seed in SEEDS:
        torch.manual_seed(seed)
        shares = []
        for layer in (
            nn.Conv2d(1, 10, 3, padding=1),
            nn.Sequential(nn.Flatten(), nn.Linear(100, 64)),
        ):
            out = activation(layer(test.images[seed * images : (seed + 1) * images]))
            weight = next(layer.parameters())
            (grad,) = torch.autograd.grad(out, weight, torch.randn(out.shape))
            shares.append((grad == 0).double().mean().item())
        found.append(shares[0] - shares[1])
    return found


trial(
    "sparse_gradients",
    {
        "ReLU, one digit": surplus(torch.relu, images=1),
        "no activation, one digit": surplus(torch.clone, images=1),
        "ReLU, 64 digits": surplus(torch.relu, images=64),
    },
)

# %% reveal="sparse"
# What is right, and why.
sparse.reveal(
    "b",
    "A dense weight is idle where its own pixel is 0, and where ReLU switches its unit off. A "
    "shared weight meets every pixel and adds up over all of them; it is idle only where ReLU "
    "switches its filter off at every position. What is sparse are the connections.",
)

# %% [markdown]
# ### Exercise: the backward pass
#
# **5 points, and 0.5 for the habit.** Given the gradient of the loss for the output, return those
# for `x`, `w` and `b`, in this order. No autograd and none of torch's convolutions; its `unfold`
# and `fold` are allowed. Loop over what you like; the kernel's entries are the shortest. Nothing is
# averaged, and no argument is changed. In float64 the numbers are checked to a relative 1e-9, in
# float32 to 1e-4.
#
# The habit: `grad_out` must have the shape of the output. Refuse any other, and tell both shapes.

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
    Raises ValueError where grad_out does not have the shape of the output.
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
# Check of conv2d_backward, 5 points.
import torch

from course.checks import agree, expect, from_scratch, right, unchanged

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
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

double = torch.float64
images = torch.linspace(-2, 3, 2 * 3 * 7 * 6, dtype=double).sin().reshape(2, 3, 6, 7)
images = images.transpose(2, 3)  # 7 x 6, and not contiguous
filters = torch.linspace(-1, 2, 4 * 3 * 3 * 2, dtype=double).cos().reshape(4, 3, 3, 2)


def by_autograd(options, w=filters):
    leaves = [images.clone().requires_grad_(), w.clone().requires_grad_()]
    leaves.append(torch.zeros(len(w), dtype=double, requires_grad=True))
    y = F.conv2d(*leaves, **options)
    upstream = torch.linspace(-3, 4, y.numel(), dtype=double).sin().reshape(y.shape)
    return upstream, torch.autograd.grad(y, leaves, upstream)


def compared(options, w=filters):
    upstream, wanted = by_autograd(options, w)
    found = conv2d_backward(upstream, images, w, **options)
    for name, ours, theirs in zip("xwb", found, wanted, strict=True):
        agree(
            ours,
            theirs,
            f"conv2d_backward of two images of 3 x 7 x 6 and filters of {tuple(w.shape)}, with "
            f"{options}: the gradient of {name}",
            cause="stride, padding, images or channels are not where they belong.",
            step="compare with autograd on a small example, first without stride and padding.",
            rtol=1e-9,
            atol=1e-12,
        )


for options in (
    {},
    {"stride": (3, 2)},  # the last row of the image lies under no window
    {"stride": (2, 1), "padding": (1, 2)},
    {"stride": (1, 3), "padding": (2, 0)},
):
    compared(options)
for kh, kw in ((7, 6), (1, 1), (7, 1), (1, 6)):
    compared({}, torch.linspace(-1, 2, 6 * kh * kw, dtype=double).sin().reshape(2, 3, kh, kw))
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
for ours, theirs in zip(conv2d_backward(*single), by_autograd({})[1], strict=True):
    agree(
        ours,
        theirs.float(),
        "a gradient of conv2d_backward in float32",
        cause="the result went through another dtype.",
        step="let dtype and device come from the inputs.",
        rtol=1e-4,
        atol=1e-5,
    )
### END HIDDEN TESTS
banned = ["conv1d", "conv2d", "conv_transpose2d", "Conv2d", "grad", "backward", "conv2d_weight"]
from_scratch(conv2d_backward, "conv2d_backward", without=banned, step="write the sums yourself.")
right("conv2d_backward", points=5)

# %% habit="conv2d_backward" points=0.5
# Habit of conv2d_backward, 0.5 points: it refuses a grad_out of another shape than the output.
import torch

from course.checks import refuses, right

x, w = torch.ones(2, 3, 7, 6), torch.ones(4, 3, 3, 2)
refuses(lambda: conv2d_backward(torch.ones(2, 4, 7, 6), x, w), "a grad_out of 7 x 6, output 5 x 5,")
### BEGIN HIDDEN TESTS
refuses(lambda: conv2d_backward(torch.ones(2, 4, 5, 4), x, w), "a grad_out of 5 x 4, output 5 x 5,")
refuses(lambda: conv2d_backward(torch.ones(2, 3, 5, 5), x, w), "a grad_out of 3 channels for 4,")
### END HIDDEN TESTS
right("conv2d_backward", points=0.5, habit=True)

# %% [markdown]
# With stride 1 and no padding, the gradient of `x` is itself a convolution: of `grad_out` with a
# border of zeros, with the kernel flipped and its input and output channels exchanged. With a
# stride it is a convolution of a map into which zeros were put between the pixels. Torch calls it
# `conv_transpose2d`, because it multiplies by the transpose of the matrix that you wrote down in
# section 2. Networks that *draw* images use it on the way forward.
#
# ## 8 How far a pixel sees
#
# A unit of the first layer sees a window of 3 x 3. A unit of the second sees 3 x 3 units of the
# first, and through them 5 x 5 pixels. The square of pixels that can influence a unit is its
# **receptive field**. It starts at 1. A layer with kernel $k$ adds $d\,(k - 1)$ steps of its input,
# and one step there is as many pixels as the strides before it multiply to, the **jump**:
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
# **2 points.** `layers` is a list of `(kernel_size, stride)` or `(kernel_size, stride, dilation)`,
# input side first; all numbers are 1 or more. Without a layer, a pixel sees itself.

# %% [markdown] hints="receptive_field"
# <details><summary>Hint 1: what do I have to remember from layer to layer?</summary>
#
# Two numbers: the field so far, and the jump, both 1 at the start.
#
# </details>
# <details><summary>Hint 2: how do I read entries of two or three numbers?</summary>
#
# `kernel_size, stride, dilation = (*layer, 1)[:3]` puts a 1 where the dilation is missing.
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
# Check of receptive_field, 2 points.
from course.checks import agree, right

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
### END HIDDEN TESTS
right("receptive_field", points=2)

# %% [markdown]
# ### In theory and in effect
#
# The receptive field says which pixels *can* influence a unit. A gradient tells how much each of
# them does. The figure sends gradients from the middle of the last map back through layers with
# random weights and draws the mean of their squares over many draws.

# %% experiment="effective"
from course.figures.convolution import effective_fields

effective_fields()

# %% [markdown]
# A pixel in the middle reaches the unit on many paths, one in the corner on a single one. So a
# stack of small kernels looks mostly at the middle of what it can see.

# %% claim="whole_field"
# Trial: does a unit make use of its whole receptive field?
from course.reach import influence


def used(*layers: tuple[int, int]) -> list[float]:
    """Share of the field's pixels with a tenth or more of the largest influence, by seed."""
    found = [influence(layers, seed=seed) for seed in SEEDS]
    return [(field >= field.max() / 10).double().mean().item() for field in found]


trial(
    "whole_field",
    {
        "one layer of 11 x 11": used((11, 1)),
        "5 layers of 3 x 3, which see 11 x 11": used(*[(3, 1)] * 5),
        "10 layers of 3 x 3, which see 21 x 21": used(*[(3, 1)] * 10),
        "3 x 3 with dilations 1, 2 and 4, which see 15 x 15": used((3, 1), (3, 2), (3, 4)),
    },
)

# %% [markdown]
# ## 9 Bug museum: the test that saw only zeros
#
# Stanford's course CS231n has its students write a network of two convolutions and a dense layer,
# and test it with a function `three_layer_convnet_test` (assignment 2, notebook `PyTorch.ipynb`,
# for instance of spring 2019). It makes the images and all weights with `torch.zeros`, and prints
# the shape of the scores. For a single convolution that amounts to this.


# %%
def museum_check(conv) -> bool:
    """Say whether conv(x, w, stride, padding) is right. (An exhibit: do not use.)"""
    x, w = torch.zeros(64, 3, 32, 32), torch.zeros(6, 3, 5, 5)
    return conv(x, w, 1, 2).shape == (64, 6, 32, 32)


def flipped(x: Tensor, w: Tensor, stride, padding) -> Tensor:
    return F.conv2d(x, w.flip(2, 3), stride=stride, padding=padding)


def exchanged(x: Tensor, w: Tensor, stride, padding) -> Tensor:
    stride, padding = pair(stride, name="stride", least=1), pair(padding, name="padding", least=0)
    return F.conv2d(x, w, stride=stride[::-1], padding=padding[::-1])


print("the flipped kernel passes:", museum_check(flipped))
print("exchanged rows and columns pass:", museum_check(exchanged))

# %% [markdown]
# Every output is 0, whatever the code does with the weights. And even with other numbers the image
# is square, the kernel is square, and stride and padding are the same both ways: the exhibit could
# not tell one direction, one pixel or one image from another. That is the defect; now prove it and
# mend it in one go.
#
# ### Exercise: inputs that tell
#
# **2 points.** Return `(x, w, stride, padding)` on which a right convolution and a wrong one
# *differ*. The check holds some twenty wrong convolutions against the right one: flipped and
# transposed kernels, exchanged rows and columns in stride or padding, ignored channels, the first
# image or filter used for all, padding on one side, padding that repeats the rim, absolute values,
# and more. Keep it small: at most 1,000 numbers in `x`, so that a failure can be followed by hand.

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


# %% check="telling_inputs" points=2
# Check of telling_inputs, 2 points.
import torch.nn.functional as F

from course.checks import expect, right

x, w, stride, padding = telling_inputs()
fits = x.dim() == w.dim() == 4 and x.shape[1] == w.shape[1]
expect(
    fits and x.numel() <= 1000 and len(stride) == len(padding) == 2,
    f"x has shape {tuple(x.shape)}, w {tuple(w.shape)}, stride is {stride}, padding {padding}.",
    cause="shapes do not fit, x is too large, or stride or padding is no pair.",
    step="return x (N, C, H, W) with at most 1,000 numbers, w (O, C, kh, kw), and two pairs.",
)


def told(what, wrong):
    correct = F.conv2d(x, w, stride=stride, padding=padding)
    same = correct.shape == wrong.shape
    gap = (correct - wrong).abs().max() if same else correct.abs().max() + 1
    expect(
        gap > 0.01 * correct.abs().max() > 0,
        f"on your inputs {what} gives the same output as a right convolution.",
        cause="sizes, strides, paddings or numbers are alike that should differ, or are 0.",
        step="give each dimension, stride and padding its own size, and the numbers no pattern.",
    )


told("a kernel that is flipped", F.conv2d(x, w.flip(2, 3), stride=stride, padding=padding))
other = tuple(padding)[::-1]
told("exchanging rows and columns of the padding", F.conv2d(x, w, stride=stride, padding=other))
### BEGIN HIDDEN TESTS
(sh, sw), (ph, pw) = stride, padding
correct = F.conv2d(x, w, stride=stride, padding=padding)
options = {"stride": stride, "padding": padding}
told("a kernel that is flipped upside down", F.conv2d(x, w.flip(2), **options))
told("a kernel that is flipped sideways", F.conv2d(x, w.flip(3), **options))
expect(
    w.shape[2] != w.shape[3]
    or (F.conv2d(x, w.transpose(2, 3), **options) - correct).abs().max() > 0.01,
    "on your inputs a transposed kernel gives the same output as a right convolution.",
    cause="the kernel is symmetric.",
    step="use a kernel that is not square.",
)
told("exchanging rows and columns of the stride", F.conv2d(x, w, stride=(sw, sh), padding=padding))
told("ignoring the stride", F.conv2d(x, w, stride=1, padding=padding))
told("ignoring the padding", F.conv2d(F.pad(x, (0, 0, 0, 0)), w, stride=stride))
told("using the first channel alone", F.conv2d(x[:, :1], w[:, :1], **options))
told("giving all channels the first kernel", F.conv2d(x, w[:, :1].expand_as(w), **options))
told("using the first image for all", correct[:1].expand_as(correct))
told("using the first filter for all", correct[:, :1].expand_as(correct))
told("taking the mean for the sum", correct / w[0].numel())
told("reversing the filters", correct.flip(1))
told("reversing the images", correct.flip(0))
told("cutting negative outputs off", correct.relu())
told("taking absolute values of the pixels", F.conv2d(x.abs(), w, **options))
one_sided = F.pad(x, (2 * pw, 0, 2 * ph, 0))
told("padding above and left alone", F.conv2d(one_sided, w, stride=stride))
repeated = F.pad(x, (pw, pw, ph, ph), mode="replicate")
told("padding with the rim repeated", F.conv2d(repeated, w, stride=stride))
### END HIDDEN TESTS
right("telling_inputs", points=2)

# %% [markdown]
# **What to take home.** A test is as good as its inputs. Equal sizes, zeros, ones and symmetric
# kernels make wrong code look right. The checks of this course use non-square images, a batch
# unlike the channels, unequal strides and negative numbers for that reason, and so should yours.
#
# ## 10 Put together: a network that needs to see each digit once
#
# Now the network of section 2 that shares to its end, with your code inside. `Convolution` is a
# layer that computes with the function that it is given as `forward` and learns by the one given as
# `backward`. A second network, with the same initial weights and the same digits, uses torch's.
# Both count in float64.

# %% experiment="own_code"
from course.by_hand import Convolution, torch_backward
from course.stand_ins import yours_like

x, w, b = torch.rand(2, 1, 10, 10), torch.rand(3, 1, 5, 5), torch.rand(3)
ahead = yours_like(F.conv2d, conv2d, x, w, b, padding=4)
back = yours_like(torch_backward, conv2d_backward, torch.rand(2, 3, 14, 14), x, w, padding=4)
print(f"forward: {ahead}\nbackward: {back}")

# %% experiment="equal_losses"
middle = Images(middle.images.double(), middle.labels, middle.classes)
losses = {}
for whose, passes in (
    ("torch", {"forward": F.conv2d, "backward": torch_backward}),
    ("yours", {"forward": ahead.function, "backward": back.function}),
):
    torch.manual_seed(0)
    convolution = Convolution(1, 40, 5, padding=4, **passes)
    net = nn.Sequential(
        convolution, nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(40, 10)
    )
    losses[whose] = fit(net.double(), steps=200, lr=0.01, label=whose)
gap = max(abs(a - b) for a, b in zip(losses["torch"], losses["yours"], strict=True))
print(f"largest difference of the two losses in {len(losses['yours'])} steps: {gap:.1g}")

# %% [markdown]
# If both passes are right, the two losses are equal in every step, up to rounding, and the
# difference is below a thousand-millionth. An error of one sign in one gradient would show within a
# few steps.

# %% experiment="mended"
net = net.float()
print(f"{sum(p.numel() for p in net.parameters()):,} parameters")
print(f"in the middle: {accuracy(net, test):.1%}")
print(f"in nine places: {accuracy(net, moved):.1%}")

# %% [markdown]
# The network has seen each digit in one place, and reads it equally well in all nine. Each number
# that the maps hold is the same as before, but for its place, and the largest of them does not
# depend on places.
#
# Before you trust any training, two tests of sanity: the loss begins near $\log 10 \approx 2.30$,
# and it falls.

# %% experiment="losses"
from course.figures.convolution import two_losses

two_losses(losses)

# %% [markdown]
# There is a price. This network cannot know *where* a stroke was, only that it was there. On digits
# of 8 x 8 pixels that is enough. The next lesson begins where it is not.
#
# ## 11 In your own words
#
# Two questions that a person grades. Three to eight sentences each are enough; refer to what you
# measured.

# %% [markdown] written="from_dense_to_conv" points=2
# **How does a convolution come out of a dense layer?** Name the two demands, say what each of them
# does to the matrix, and which of them saves parameters and which computation.
#
# ### BEGIN SOLUTION
# A dense layer is a full matrix, one weight for each pair of pixel and unit. Locality sets all
# weights outside a window to 0, so that a band remains; sharing makes all rows of the band equal
# but for their place, so that one kernel remains. For one map of the network here that took 63,504
# weights to 4,900 and to 25. Locality saves computation, since fewer products are added; sharing
# saves parameters only, since every window is still multiplied. Then the parameters do not depend
# on the image's size.
#
# Rubric: 1 point for locality and sharing, kept apart, with what they do to the matrix; 1 for which
# saves what, with a number or a formula. "It has fewer parameters" alone earns nothing.
# ### END SOLUTION

# %% [markdown] written="advantages" points=3
# **Which advantages do convolutional layers have for recognising images? A friend adds: "and they
# are translation invariant, and their gradients are sparse." Answer him.**
#
# ### BEGIN SOLUTION
# Few parameters for any size of image, because weights are shared; each weight gets a gradient
# from all positions, so it learns from much evidence; neighbours are treated as neighbours; a
# stroke that was learnt in one place is found in the others.
#
# A convolution is equivariant, not invariant: move the image and the map moves along; its values at
# a fixed place change. With strides even that holds only for moves by multiples of their product,
# and near the rim not at all. The network that read moved digits took the largest number of each
# map; with a dense layer on all positions it failed like the dense network, although its
# convolution was the same. Sparse are the connections: a shared weight collects gradient from all
# positions and is idle more rarely than a dense one.
#
# Rubric: 1 point for two advantages with a reason; 1 for the difference between equivariant and
# invariant, with a limit that was measured (stride, rim, or what stands behind the maps); 1 for the
# gradients, with the sum over positions.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | layer | parameters | multiply-adds | what it knows of the image |
# |---|---|---|---|
# | dense | outputs times (inputs + 1) | outputs times inputs | everything, no neighbours |
# | local | one window of weights for each place | outputs times window | a window |
# | convolution | $O\,(C k_h k_w + 1)$ | outputs times window | a window, the same everywhere |
#
# The lesson in two sentences: a dense layer has to learn every digit in every place; ask it for
# locality and then for sharing, and a convolution is left, which learns it once. What it learnt
# holds everywhere as far as the rest of the network shares too.
#
# - Locality saves computation, sharing saves parameters, and the sum over positions is what sharing
#   means for the gradient.
# - Equivariant is not invariant: the map moves with the image, by multiples of the strides'
#   product.
# - A unit can see its receptive field, and a deep stack looks mostly at the middle of it.
# - A test on zeros and squares proves little.
#
# ## Further reading
#
# - K. Fukushima, *Neocognitron: a self-organizing neural network model for a mechanism of pattern
#   recognition unaffected by shift in position*, Biological Cybernetics 36, 1980.
# - Y. LeCun et al., *Backpropagation applied to handwritten zip code recognition*, Neural
#   Computation 1, 1989: shared weights, learnt.
# - K. Chellapilla, S. Puri, P. Simard, *High performance convolutional neural networks for
#   document processing*, 2006: windows as a matrix.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel, *Understanding the effective receptive field in deep
#   convolutional neural networks*, NeurIPS 2016.
# - T. Cohen, M. Welling, *Group equivariant convolutional networks*, ICML 2016: moves are not the
#   only thing to be equivariant to.
# - V. Dumoulin, F. Visin, *A guide to convolution arithmetic for deep learning*, arXiv 1603.07285,
#   2016.
#
# The module `cnnlib.convolution` holds the reference of every exercise here, to read when you are
# done.
