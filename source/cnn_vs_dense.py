# %% [markdown]
# # Convolutional against dense networks
#
# After this lesson you can
#
# - draw a convolutional network from image to class, and account for its shapes and parameters,
# - say what flatten and a dense head do, what they cost, and what they know about places,
# - race a network against a dense rival of equal size, and say when it wins and when not,
# - read what a trained network has learnt from its filters, maps and the patches that excite it.
#
# **Time.** 120 to 200 minutes for you. That is an estimate from the steps and not a measurement of
# people: 35 to 50 minutes to read, 5 to 12 for each of the seven shorter exercises, 15 to 25 for
# the network, 20 to 30 for predictions, widgets and trials, and 15 to 30 for the four written
# questions. The machine needs less than a minute for all of it, and 900 MB, on two cores and
# without a GPU.
#
# **Before you start.** You should know the lesson on convolution: kernels, maps, strides, padding,
# receptive fields, and the difference between equivariant and invariant. How a lesson works is told
# in [How it works](../activations/activations.ipynb#How-it-works).

# %% setup
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from course.claims import SEEDS, trial
from course.datasets import Images, figures
from course.predictions import predict
from course.reach import field_of

_ = torch.manual_seed(0)

# %% [markdown]
# ## Warm-up
#
# Three questions about what you need from the lesson before. Run the cells and choose. Your answers
# stay in the notebook; they are not graded.

# %% predict="warm_up_size"
# A question: run this cell and choose.
predict(
    "A 3 x 3 convolution with padding 1 and stride 2 reads 16 x 16 pixels. How large is its map?",
    a="7 x 7",
    b="8 x 8",
    c="16 x 16",
    right="b",
    why="(16 + 2 - 3) / 2 is 7.5, rounded down 7, plus 1.",
    answer=...,
)

# %% predict="warm_up_weights"
# A question: run this cell and choose.
predict(
    "How many parameters does a 3 x 3 convolution from 8 to 16 channels have?",
    a="16 * (9 + 1) = 160",
    b="16 * (8 * 9 + 1) = 1,168",
    c="it depends on the size of the image",
    right="b",
    why="A filter has a kernel for each input channel, and one bias.",
    answer=...,
)

# %% predict="warm_up_moves"
# A question: run this cell and choose.
predict(
    "An image moves by one pixel. What does the largest number of a map with stride 1 do?",
    a="it stays the same",
    b="it moves by one",
    c="it changes in a way that nobody can foresee",
    right="a",
    why="Away from the rim the map moves along, and its largest number does not depend on places.",
    answer=...,
)

# %% [markdown]
# ## 1 A network that forgets where
#
# The last lesson ended with a network that reads a digit wherever it stands: one convolution, the
# largest number of each map, a dense layer. Here it meets larger images, **figures** of 16 x 16
# pixels: the ten digits in 22 fonts, bent and blurred until they look written.

# %%
from course.figures.cnn_vs_dense import mistakes, samples

train = figures(2400, generator=torch.Generator().manual_seed(0))
test = figures(1000, generator=torch.Generator().manual_seed(1))
samples(train)


# %%
def fit(net: nn.Module, data: Images, *, steps: int, lr: float, label: str, seed: int = 0) -> float:
    """Train by Adam on batches of 64; return the loss of the last batch."""
    generator = torch.Generator().manual_seed(seed)
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=lr)
    for _ in tqdm(range(steps), desc=label, leave=False):
        index = torch.randint(len(data), (64,), generator=generator)
        loss = F.cross_entropy(net(data.images[index]), data.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def accuracy(net: nn.Module, data: Images) -> float:
    with torch.no_grad():
        return (net(data.images).argmax(dim=1) == data.labels).double().mean().item()


def early() -> nn.Module:
    """One convolution, then the largest number of each map."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5, padding=4),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )


# %% predict="which_mistakes"
# A question: run this cell and choose.
which_mistakes = predict(
    "The network knows which strokes occur, and not where. Which figures will it take for a 0?",
    a="1 and 7",
    b="6, 8 and 9",
    c="2 and 3",
    answer=...,
)
which_mistakes

# %% experiment="forgetful"
torch.manual_seed(0)
forgetful = early()
fit(forgetful, train, steps=200, lr=0.03, label="the network of the last lesson")
print(f"{accuracy(forgetful, test):.0%} of the figures")
mistakes(forgetful, test)

# %% reveal="which_mistakes"
# What is right, and why.
which_mistakes.reveal(
    "b",
    "Seen through windows of 5 x 5 pixels, all of them are made of bows. What tells them apart is "
    "where the bows are.",
)

# %% [markdown]
# The network makes far more mistakes than a simple dense one would, as you will see in section 7,
# and they are no accident. It forgets where a stroke was in the very first layer, when all that it
# has seen are windows of 5 x 5 pixels.
#
# **The question of this lesson: where in a network may the place be forgotten, and what does it
# cost to keep it?** A dense layer on all positions keeps it, and pays with weights and with moves
# that it has never seen. You will build both, race them, and look inside.
#
# ## 2 From image to class
#
# A **convolutional network** alternates convolutions with activations. On the way the maps get
# smaller, here by strides, and more numerous, and a unit sees more and more of the image. In the
# end stands a **head** that makes ten scores of the maps. Here is a small one.

# %%
small = nn.Sequential(
    nn.Conv2d(1, 6, 5, stride=2, padding=2),
    nn.ReLU(),
    nn.Conv2d(6, 12, 3, stride=2, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(192, 10),
)

# %% [markdown]
# ### Exercise: the trail of shapes
#
# **2 points.** Whoever builds or reads a network writes down what each layer puts out. Let the
# network do it: send one image of zeros through the layers, one after the other, and return a list
# with a tuple for each layer: the name of its class, such as `"Conv2d"`; the shape of what it puts
# out for this one image, without the batch; and the number of its parameters. The network is an
# `nn.Sequential`, whose `children()` are its layers in order. It stays as it was.

# %% [markdown] hints="shape_trail"
# <details><summary>Hint 1: where do I start?</summary>
#
# With `x = torch.zeros(1, *input_shape)`, a batch of one image, and a loop over `model.children()`.
#
# </details>
# <details><summary>Hint 2: what does a step of the loop do?</summary>
#
# `x = layer(x)`: what one layer puts out is what the next one reads. Its shape for one image is
# `tuple(x.shape[1:])`.
#
# </details>
# <details><summary>Hint 3: and name and parameters?</summary>
#
# `type(layer).__name__`, and `sum(p.numel() for p in layer.parameters())`. A layer without
# parameters gives 0.
#
# </details>


# %% exercise="shape_trail"
def shape_trail(
    model: nn.Sequential, input_shape: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...], int]]:
    """Return what each layer puts out: name of its class, shape for one image, parameters.

    input_shape is that of one image, without the batch. The model stays as it was.
    """
    ### BEGIN SOLUTION
    trail = []
    x = torch.zeros(1, *input_shape)
    with torch.no_grad():
        for layer in model.children():
            x = layer(x)
            parameters = sum(p.numel() for p in layer.parameters())
            trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
    return trail
    ### END SOLUTION


# %% check="shape_trail" points=2
# Check of shape_trail, 2 points.
from torch import nn

from course.checks import expect, right


def compared(model, input_shape, wanted):
    found = shape_trail(model, input_shape)
    for number, right_one in enumerate(wanted):
        ours = tuple(found[number]) if number < len(found) else "nothing"
        expect(
            ours == right_one and len(found) == len(wanted),
            f"of layer {number} of {len(wanted)} shape_trail says {ours}, expected {right_one}.",
            cause="entries are missing, what goes in is told, with the batch, or without biases.",
            step="the shape after x = layer(x), without its first number; all parameters count.",
        )


layers = nn.Conv2d(2, 5, (3, 2), stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(60, 7)
maps = (5, 4, 3)
told = [("Conv2d", maps, 65), ("ReLU", maps, 0), ("Flatten", (60,), 0), ("Linear", (7,), 427)]
compared(nn.Sequential(*layers), (2, 9, 6), told)
### BEGIN HIDDEN TESTS
compared(nn.Sequential(nn.Linear(3, 4, bias=False)), (5, 3), [("Linear", (5, 4), 12)])
compared(
    nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1), nn.Tanh()), nn.AvgPool2d(2)),
    (1, 4, 6),
    [("Sequential", (2, 4, 6), 4), ("AvgPool2d", (2, 2, 3), 0)],
)
model = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
before = [p.detach().clone() for p in model.parameters()]
shape_trail(model, (2,))
after = list(model.parameters())
expect(
    model.training
    and all((a == b).all() and a.grad is None for a, b in zip(after, before, strict=True)),
    "shape_trail changes the model.",
    cause="its mode was switched, its weights were set, or gradients were computed.",
    step="send zeros through the layers and do nothing else.",
)
### END HIDDEN TESTS
right("shape_trail", points=2)

# %% [markdown]
# The picture is drawn from your list. The width of a box stands for channels, its height for the
# side of the maps.

# %% experiment="architecture"
from course.figures.cnn_vs_dense import architecture

architecture(shape_trail, small, (1, 16, 16))

# %% [markdown]
# Two layers stand between the maps and the ten scores. **Flatten** lays all numbers of an image in
# one row, and a **fully connected** layer, which is the dense layer that you know, weighs all of
# them for each class.

# %% experiment="row_major"
from course.figures.cnn_vs_dense import row_major

row_major()

# %% [markdown]
# ### Exercise: flatten
#
# **1 point.** Merge all dimensions from `start_dim` on, in the order in which the figure counts
# them. A negative `start_dim` counts from the end. It has to work also where a dimension is 0, as
# in a batch without images, and let gradients through. Torch's `flatten` is out of bounds,
# `reshape` is not.

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
# <details><summary>Hint 3: why not view?</summary>
#
# `view` needs the numbers to lie in memory in this order. `reshape` copies them where they do not.
#
# </details>


# %% exercise="flatten"
def flatten(x: Tensor, *, start_dim: int = 1) -> Tensor:
    """Return x with all dimensions from start_dim on merged into one, in row-major order.

    Shape: (N, C, H, W) -> (N, C H W) by default.
    """
    ### BEGIN SOLUTION
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = x.shape[:start_dim], x.shape[start_dim:]
    return x.reshape(*kept, math.prod(merged))
    ### END SOLUTION


# %% check="flatten" points=1
# Check of flatten, 1 point.
import torch

from course.checks import agree, from_scratch, gradient, right

x = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]], [[[-1.0, -2.0, -3.0], [7.0, 8.0, 9.0]]]])
agree(
    flatten(x),
    torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [-1.0, -2.0, -3.0, 7.0, 8.0, 9.0]]),
    "flatten(x) of two images of 1 x 2 x 3",
    cause="the images were merged too, or the numbers were laid out column by column.",
    step="keep the first dimension, and merge the others in their order.",
)
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
    flatten(torch.zeros(0, 3, 2, 2)),
    torch.zeros(0, 12),
    "flatten of a batch without images",
    cause="-1 cannot be worked out where a dimension is 0.",
    step="compute the product with math.prod.",
)
agree(
    gradient(flatten, maps),
    gradient(lambda t: torch.flatten(t, 1), maps),
    "the gradient of flatten",
    cause="the result was rebuilt from numbers.",
    step="use reshape on x itself.",
)
### END HIDDEN TESTS
agree(
    gradient(flatten, x),
    torch.arange(1.0, 13.0).reshape(2, 1, 2, 3),
    "the weighted gradient of flatten(x)",
    cause="the result was rebuilt from numbers, or they are in another order.",
    step="use reshape on x itself.",
)
from_scratch(
    flatten,
    "flatten",
    without=["flatten", "Flatten", "ravel"],
    step="use reshape with a new shape.",
)
right("flatten", points=1)

# %% [markdown]
# Flatten computes nothing, has no parameters, and loses no number: `reshape` brings the maps back.
# What is lost is the *knowledge* of who is whose neighbour, because to the layer behind it entry 17
# and entry 18 are as far apart as entry 17 and entry 300. One reads that the flatten layer stands
# for parameter sharing. It is the other way round: behind it every position has weights of its own,
# so that here the sharing ends.
#
# ### Exercise: parameters of a dense layer
#
# **1 point.** What does the fully connected layer cost? One line for the count, in whole numbers.

# %% [markdown] hints="dense_parameters"
# <details><summary>Hint 1: how many weights does one output have?</summary>
#
# One for each input, and one bias more if `bias` is true.
#
# </details>
# <details><summary>Hint 2: how does bias become a number?</summary>
#
# In arithmetic, `True` is 1 and `False` is 0.
#
# </details>
# <details><summary>Hint 3: is it inputs times something, or outputs times something?</summary>
#
# Outputs times the number for one output.
#
# </details>


# %% exercise="dense_parameters"
def dense_parameters(in_features: int, out_features: int, *, bias: bool = True) -> int:
    """Return the number of weights and biases of a dense layer."""
    ### BEGIN SOLUTION
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (in_features + bias)
    ### END SOLUTION


# %% check="dense_parameters" points=1
# Check of dense_parameters, 1 point.
from course.checks import agree, right

agree(
    dense_parameters(64, 85),
    5525,
    "dense_parameters(64, 85)",
    cause="the biases are missing, or there is one for each input.",
    step="every output has 64 weights and one bias.",
)
agree(
    dense_parameters(7, 3, bias=False),
    21,
    "dense_parameters(7, 3, bias=False)",
    cause="the biases are counted although there are none.",
    step="add the bias only where bias is True.",
)
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
### END HIDDEN TESTS
right("dense_parameters", points=1)

# %% predict="vgg_share"
# A question: run this cell and choose.
predict(
    "VGG-16 has 13 convolutions and 3 dense layers. What share of its parameters is in the latter?",
    a="about a tenth",
    b="about a half",
    c="about nine tenths",
    right="c",
    why="124 of 138 million. The first dense layer alone, dense_parameters(25088, 4096), has 103.",
    answer=...,
)

# %% [markdown]
# It need not be so. In `small` the head holds about seven tenths of the parameters. Later networks
# average each map to one number before a single dense layer, and there the share is a few percent.
# That is the trade of this lesson: weights for knowing the place.

# %% [markdown]
# ## 3 Build one
#
# ### Exercise: a convolutional network for figures
#
# **4 points, and 0.5 for the habit.** Build an `nn.Module` that maps images (N, 1, 16, 16) to ten
# logits for each image: scores, without a softmax. You may use torch's layers from now on.
#
# - Budget: at most **11,100 parameters**.
# - Floor: trained with Adam at rate 0.01 on 300 batches of 64 figures that are *moved* by up to two
#   pixels, it reads at least **82 percent** of the moved test figures; a second try, from another
#   start, counts too. Dense networks of this size get 70 to 80 that way, and convolutional ones
#   that fill the budget 85 to 92.
# - The answer for an image does not depend on the others in the batch, and `.to(torch.float64)`
#   works.
#
# Three 3 x 3 convolutions, the second and third with stride 2, with a ReLU after each, and a dense
# head are enough. Choose the numbers of channels so that they fill the budget. To measure it:
#
#     net = DigitsCNN()
#     fit(net, moved_train, steps=300, lr=0.01, label="")
#     accuracy(net, moved_test)
#
# The habit: refuse images of any other shape. A dense head breaks on them with a message about
# matrices, or worse, does not break.

# %% [markdown] hints="digits_cnn"
# <details><summary>Hint 1: what goes where?</summary>
#
# Layers are made in `__init__` (after `super().__init__()`) and kept as attributes; `forward` says
# in which order the image goes through them. It refuses first: `x.shape[1:]` has to be (1, 16, 16).
#
# </details>
# <details><summary>Hint 2: how many inputs does the head have?</summary>
#
# Channels times height times width of the last maps. Padding 1 keeps 16 x 16, a stride of 2 leaves
# 8 x 8, and another one 4 x 4: with c channels these are 16 c.
#
# </details>
# <details><summary>Hint 3: which channels fill the budget?</summary>
#
# From 1 to 8 channels: 80 parameters; from 8 to 16: 1,168. From 16 to c channels: 145 c, and the
# head has 160 c + 10. Which c is the largest that keeps the sum within 11,100?
#
# </details>

# %%
moved_train = figures(2400, generator=torch.Generator().manual_seed(0), moved=2)
moved_test = figures(1000, generator=torch.Generator().manual_seed(1), moved=2)
samples(moved_train)


# %% exercise="digits_cnn"
class DigitsCNN(nn.Module):
    """Convolutional network for grey figures of 16 x 16 pixels, with at most 11,100 parameters.

    Raises ValueError for images of any other shape.
    """

    def __init__(self) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(512, 10)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (N, 1, 16, 16) -> logits (N, 10)."""
        ### BEGIN SOLUTION
        if x.shape[1:] != (1, 16, 16):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 16, 16)")
        # N x 1 x 16 x 16
        x = torch.relu(self.conv1(x))
        # N x 8 x 16 x 16
        x = torch.relu(self.conv2(x))
        # N x 16 x 8 x 8
        x = torch.relu(self.conv3(x))
        # N x 32 x 4 x 4
        logits: Tensor = self.head(x.flatten(1))
        # N x 10
        return logits
        ### END SOLUTION


# %% check="digits_cnn" points=4
# Check of digits_cnn, 4 points.
import torch

from course.checks import expect, right, unchanged

network = DigitsCNN()
size = sum(p.numel() for p in network.parameters())
expect(
    0 < size <= 11_100,
    f"DigitsCNN has {size:,} parameters, expected at most 11,100.",
    cause="too many channels before the dense head, or no layers kept as attributes.",
    step="count with dense_parameters, and 9 weights for each pair of channels, layer by layer.",
)
batch = torch.linspace(-1, 1, 3 * 256).sin().reshape(3, 1, 16, 16)
before = batch.clone()
logits = network(batch)
expect(
    logits.shape == (3, 10),
    f"for three images the output has shape {tuple(logits.shape)}, expected (3, 10).",
    cause="the images were merged, or the head has another number of outputs.",
    step="flatten from dimension 1 on, and end with a dense layer to 10.",
)
unchanged(batch, before, "DigitsCNN()(x)")
### BEGIN HIDDEN TESTS
import torch.nn.functional as F

from course.checks import agree
from course.datasets import figures

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
learn, see = (
    figures(count, generator=torch.Generator().manual_seed(seed), moved=2)
    for seed, count in enumerate((2400, 1000))
)


def after_training(seed):
    """Accuracy on moved figures, by Adam written out: weights go back by load_state_dict."""
    network = DigitsCNN()
    network.train()
    generator = torch.Generator().manual_seed(seed)
    moments = {}
    for step in range(1, 301):
        index = torch.randint(len(learn), (64,), generator=generator)
        F.cross_entropy(network(learn.images[index]), learn.labels[index]).backward()
        state = dict(network.state_dict())
        for name, parameter in dict(network.named_parameters()).items():
            g = parameter.grad
            if g is None:
                continue
            m, v = moments.get(name, (0.0, 0.0))
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            moments[name] = m, v
            size = (v / (1 - 0.999**step)).sqrt() + 1e-8
            state[name] = state[name] - 0.01 / (1 - 0.9**step) * m / size
        network.load_state_dict(state)
        network.zero_grad()
    network.eval()
    guesses = network(see.images).detach().argmax(dim=1)
    return (guesses == see.labels).double().mean().item()


reached = after_training(0)
if reached < 0.82:
    reached = max(reached, after_training(1))
expect(
    reached >= 0.82,
    f"after 300 batches DigitsCNN reads {reached:.1%} of the moved figures, expected 82% or more.",
    cause="it reads less than 82% of the moved figures after 300 batches: no convolution or no "
    "activation is in it, weights are stuck, or it is too small.",
    step="three convolutions with a ReLU after each, flatten, one dense layer, near the budget.",
)
### END HIDDEN TESTS
right("digits_cnn", points=4)

# %% habit="digits_cnn" points=0.5
# Habit of digits_cnn, 0.5 points: it refuses images of another shape.
import torch

from course.checks import refuses, right

network = DigitsCNN()
refuses(lambda: network(torch.zeros(2, 256)), "DigitsCNN() on a tensor of shape (2, 256)")
### BEGIN HIDDEN TESTS
for shape in ((2, 1, 28, 28), (2, 1, 15, 15), (2, 3, 16, 16), (1, 16, 16)):
    refuses(
        lambda shape=shape: network(torch.zeros(shape)),
        f"DigitsCNN() on a tensor of shape {shape}",
    )
### END HIDDEN TESTS
right("digits_cnn", points=0.5, habit=True)

# %% [markdown]
# First the two tests of sanity: the loss at the start is near $\log 10$, and 50 images can be
# learnt by heart. `usable` hands back your network if it works, else a ready-made one, and says so.

# %% experiment="sanity"
from course.widgets.cnn_vs_dense import usable

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

# %% [markdown]
# ## 4 The rival
#
# "A convolutional network beats a dense one." Which dense one? A fair rival has as many parameters,
# sees the same images in the same order, and trains at its own best rate.
#
# ### Exercise: the dense twin
#
# **2 points, and 0.5 for the habit.** Given a number of parameters, return a dense network that
# holds as many as possible and not more: an `nn.Sequential` of `nn.Flatten`, a hidden dense layer,
# `nn.ReLU` and a dense layer to the classes, all with biases.
#
# The habit: where the parameters do not suffice for a single hidden unit, refuse, and say how many
# were passed.

# %% [markdown] hints="dense_twin"
# <details><summary>Hint 1: what does one hidden unit cost?</summary>
#
# A weight for each input, a bias, and a weight to each class behind it.
#
# </details>
# <details><summary>Hint 2: what is there besides hidden units?</summary>
#
# The biases of the last layer, one for each class. Take them off first.
#
# </details>
# <details><summary>Hint 3: how many units does that allow?</summary>
#
# `(parameters - classes) // (inputs + 1 + classes)`. Below 1, refuse.
#
# </details>


# %% exercise="dense_twin"
def dense_twin(parameters: int, *, inputs: int, classes: int) -> nn.Sequential:
    """Return a dense network of one hidden layer, as wide as a number of parameters allows.

    Shape: (N, C, H, W) with C H W = inputs -> logits (N, classes).
    Raises ValueError where the parameters do not suffice for one hidden unit.
    """
    ### BEGIN SOLUTION
    # A hidden unit has a weight for each input, a bias, and a weight for each class.
    hidden = (parameters - classes) // (inputs + 1 + classes)
    if hidden < 1:
        raise ValueError(
            f"parameters is {parameters}; expected {inputs + 1 + 2 * classes} or more, "
            f"for {inputs} inputs and {classes} classes"
        )
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )
    ### END SOLUTION


# %% check="dense_twin" points=2
# Check of dense_twin, 2 points.
import torch

from course.checks import agree, expect, right


def compared(parameters, inputs, classes, wanted):
    twin = dense_twin(parameters, inputs=inputs, classes=classes)
    held = sum(p.numel() for p in twin.parameters())
    expect(
        held == wanted,
        f"dense_twin({parameters}, inputs={inputs}, classes={classes}) holds {held} parameters, "
        f"expected {wanted}.",
        cause="biases or the last layer are left out of the count, or it is rounded up.",
        step="what does one more hidden unit cost, in both layers? How often does that fit?",
    )
    return twin


twin = compared(100, 6, 4, 92)
x = torch.linspace(-2, 3, 18).sin().reshape(3, 2, 1, 3)
expect(
    twin(x).shape == (3, 4),
    f"for three images of 2 x 1 x 3 the scores have shape {tuple(twin(x).shape)}, expected (3, 4).",
    cause="the images are not flattened, or the batch is merged too.",
    step="begin with nn.Flatten() and end with classes outputs.",
)
compared(6385, 64, 10, 6385)
### BEGIN HIDDEN TESTS
compared(6384, 64, 10, 6310)
compared(19, 3, 5, 14)
compared(14, 3, 5, 14)
compared(11_018, 256, 10, 10_957)
with torch.no_grad():
    for parameter in twin.parameters():
        parameter.copy_(torch.linspace(-1, 2, parameter.numel()).sin().reshape(parameter.shape))
    first, first_bias, last, last_bias = list(twin.parameters())
    wanted = (x.flatten(1) @ first.T + first_bias).relu() @ last.T + last_bias
agree(
    twin(x).detach(),
    wanted,
    "the scores of dense_twin(100, inputs=6, classes=4) with known weights",
    cause="the ReLU is missing, or something follows the last layer.",
    step="flatten, dense layer, ReLU, dense layer, and nothing else.",
)
### END HIDDEN TESTS
right("dense_twin", points=2)

# %% habit="dense_twin" points=0.5
# Habit of dense_twin, 0.5 points: it refuses too few parameters for one hidden unit.
from course.checks import refuses, right

refuses(lambda: dense_twin(13, inputs=3, classes=5), "dense_twin(13, inputs=3, classes=5)")
### BEGIN HIDDEN TESTS
refuses(lambda: dense_twin(275, inputs=256, classes=10), "dense_twin(275, inputs=256, classes=10)")
refuses(lambda: dense_twin(0, inputs=2, classes=2), "dense_twin(0, inputs=2, classes=2)")
### END HIDDEN TESTS
right("dense_twin", points=0.5, habit=True)

# %% predict="rivals"
# A question: run this cell and choose.
rivals = predict(
    "Equal parameters, equal batches. Where is the convolutional network ahead by 8 points?",
    a="on figures in the middle and on moved figures",
    b="on moved figures alone, if both have seen such in training",
    c="on neither",
    answer=...,
)
rivals

# %% [markdown]
# ### Exercise: break the claim
#
# **1 point.** "A convolutional network beats a dense one of equal size on moved figures." Find a
# setting in which that turns over: **rearrange the pixels**, in the same way for all images, so
# that its lead is below 5 points. No number may be lost or changed, only its place. To a dense
# network all arrangements are alike, for each pixel has weights of its own. So what does the
# convolution assume?
#
# `rearrange` gets images (N, 1, 16, 16) and returns images of the same shape. The check trains both
# networks on rearranged moved figures, as the trial below does.

# %% [markdown] hints="rearrange"
# <details><summary>Hint 1: would it help to mirror the images?</summary>
#
# No. Mirrored, turned or moved round a ring, neighbours remain neighbours, and a convolution learns
# mirrored kernels as easily.
#
# </details>
# <details><summary>Hint 2: what does a window of 3 x 3 pixels rely on?</summary>
#
# That what belongs together lies together. Tear it apart.
#
# </details>
# <details><summary>Hint 3: how do I shuffle all images in the same way?</summary>
#
# `order = torch.randperm(256, generator=torch.Generator().manual_seed(0))` is one order of the
# pixels. Index the flattened images with it, `images.flatten(1)[:, order]`, and reshape.
#
# </details>


# %% exercise="rearrange"
def rearrange(images: Tensor) -> Tensor:
    """Return images (N, 1, 16, 16) with their pixels in another order, the same for all."""
    ### BEGIN SOLUTION
    order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
    return images.flatten(1)[:, order].reshape(images.shape)
    ### END SOLUTION


# %% check="rearrange" points=1
# Check of rearrange, 1 point.
import torch

from course.checks import expect, right
from course.race import race

first, second = (torch.arange(256.0) * step % 256 for step in (37, 101))
images = torch.stack([first, second]).reshape(2, 1, 16, 16)
mixed, again = rearrange(images.clone()), rearrange(images)
partners = dict(zip(first.tolist(), second.tolist(), strict=True))
rows = mixed.reshape(2, -1).tolist()
same = sorted(rows[0]) == sorted(partners) and [partners[p] for p in rows[0]] == rows[1]
expect(
    same and mixed.shape == images.shape and torch.equal(again, mixed),
    "the pixels are not the same numbers in another order, or images or calls differ in it.",
    cause="numbers are lost or changed, or a new order is drawn for each image or call.",
    step="draw one order from a seeded generator and use it for all images.",
)
ours, rival = race(0, moved=2, change=rearrange)
expect(
    ours - rival < 0.05,
    f"rearranged, the convolutional network reads {ours:.0%}, the dense one {rival:.0%}.",
    cause="neighbours are still neighbours, in another direction or place.",
    step="tear apart what lies together.",
)
right("rearrange", points=1)

# %% claim="cnn_beats_dense"
# Trial: does a convolutional network beat a dense one? The last row is your setting.
from course.race import race

conditions = {
    "moved figures": {"moved": 2},
    "figures in the middle": {"moved": 0},
    "moved figures, five of each in training": {"moved": 2, "per_class": 5},
}
try:
    rearrange(train.images[:2])
    conditions["moved figures, rearranged by you"] = {"moved": 2, "change": rearrange}
except NotImplementedError:
    print("Your setting is still missing: it would be the last row.")
races = {name: [race(seed, **how) for seed in SEEDS] for name, how in conditions.items()}
trial("cnn_beats_dense", {name: [c - d for c, d in pairs] for name, pairs in races.items()})

# %% reveal="rivals"
# What is right, and why.
rivals.reveal(
    "b",
    "In the middle every pixel has its place, and the dense network learns what to expect there. "
    "On moved figures the convolutions recognise a stroke in places where the dense network has to "
    "learn it anew.",
)

# %% [markdown]
# So the sentence is true where its assumptions fit: neighbours belong together, and what is worth
# noticing here is worth noticing there. Is it magic against places that a network has never seen?
#
# ### Explore
#
# Here are the two rivals of the trial. Move a figure with the sliders, and watch what they take it
# for and how many of all figures, moved alike, they read. Begin with networks that have seen
# figures in the middle alone: how far can you go before the convolutional one is as lost as its
# rival? Then let both have been trained on moved figures, and look again, also beyond the two
# pixels that they have seen.
#
# <details><summary>What you should have seen</summary>
#
# Trained in the middle, both fall as soon as the figure moves, and a few pixels on neither reads
# more than the odd one. The maps move along with the figure, but the head has weights for each
# place, and knows its own place alone. Trained on moved figures, both know more places, and there
# the convolutional one is ahead: what it learns of a stroke in one place holds in all.
#
# </details>

# %% experiment="moves"
from course.widgets.cnn_vs_dense_moves import moves

moves(test)

# %% [markdown]
# ## 5 What it has learnt
#
# Nobody told the network which kernels to use. They started as small random numbers. For every
# batch, the forward pass gave scores, the loss said how wrong they were, backpropagation said for
# each weight in which direction it should change, and the optimiser took a small step. What is
# useful for telling figures apart grew, and what is not did not: that is what **learning features**
# means. Below are the filters of a first layer, before and after.

# %% experiment="filters"
from course.figures.cnn_vs_dense import filters
from course.race import convolutional as ready_made

torch.manual_seed(0)
net = ready_made()
untrained = {name: value.clone() for name, value in net.state_dict().items()}
fit(net, moved_train, steps=250, lr=0.01, label="the network to look at")
print(f"{accuracy(net, moved_test):.0%} of the moved figures")
filters(net, untrained)

# %% [markdown]
# How to read them: orange adds, blue subtracts. A filter that is blue on one side and orange on the
# other answers to an edge, strongest where the image gets brighter towards orange. One that is
# orange in the middle and blue around it answers to a thin stroke or a dot; one of a single colour
# averages. With 3 x 3 weights no more than such things can be expressed, and not every learnt
# filter looks clean: the network only needs that all of them together say enough. The pictures of
# tidy stripes that textbooks show come from kernels of 11 x 11 on large colour photographs.
#
# ### Explore
#
# Here is the network, opened. Choose a layer, a map and a place in it: the widget shows the part of
# the image that the place can see, and the sum behind its number, the window of the layer below
# times the kernel, for the input map that adds most. Follow one number of layer 3 back to the
# pixels. How large is its window, and how much of the image does it see? Which maps of layer 1
# light up on one side of every stroke?
#
# <details><summary>What you should have seen</summary>
#
# Each number is a sum of small products, in every layer the same kind of sum. A window is always 3
# x 3, but of other things: 3 x 3 pixels in layer 1, and in layer 3 the 3 x 3 maps' numbers that
# themselves see more, up to 9 x 9 pixels.
#
# </details>

# %% experiment="inside"
from course.widgets.cnn_vs_dense import inside

inside(net, moved_test)

# %% [markdown]
# In the first layer a kernel can be read. From the second on it cannot, because its inputs are no
# pixels. What can be done instead is to ask the data: **which parts of images excite a channel
# most?**
#
# ### Exercise: the patches that excite a channel
#
# **2 points.** Send images through an `nn.Sequential` up to and including the layer of a given
# number, and look at one channel of what comes out. For each image find the place of the largest
# value. Take the `k` images whose largest value is highest, strongest first, and cut out of each
# the receptive field of that place. Where the field reaches beyond the image, pixels are 0.
#
# The given `field_of(model, layer)` returns three whole numbers, `side`, `jump` and `first`: the
# unit at row r and column c sees `side` rows from `first + jump * r` on, and the same for columns.
# `first` may be below 0. The parameters of the network stay as they are.

# %%
side, jump, first = field_of(net, 3)
print(f"behind number 3, the second ReLU, a unit sees {side} x {side} pixels")
print(f"its neighbour sees the same, {jump} pixels further on")

# %% [markdown] hints="top_patches"
# <details><summary>Hint 1: how do I get the maps, and each image's largest value?</summary>
#
# `model[: layer + 1](images)[:, channel]` has shape (N, H', W'). Flattened from dimension 1 on,
# `.max(dim=1)` returns the values and, as its second part, the places.
#
# </details>
# <details><summary>Hint 2: how does a place become a row and a column?</summary>
#
# `divmod(place, width of the map)`. The images in the right order:
# `values.argsort(descending=True)`.
#
# </details>
# <details><summary>Hint 3: how do I cut at the rim?</summary>
#
# Pad all images by `side` on every side first; then the field begins at row
# `side + first + jump * row` of the padded image, and never leaves it.
#
# </details>


# %% exercise="top_patches"
def top_patches(
    model: nn.Sequential, layer: int, images: Tensor, *, channel: int, k: int
) -> Tensor:
    """Return the patches of k images that excite a channel most, strongest first.

    Shape: images (N, C, H, W) -> (k, C, side, side), with the side of the receptive field.
    """
    ### BEGIN SOLUTION
    side, jump, first = field_of(model, layer)
    with torch.no_grad():
        maps = model[: layer + 1](images)[:, channel]
    values, places = maps.flatten(1).max(dim=1)
    padded = F.pad(images, (side,) * 4)
    patches = []
    for image in values.argsort(descending=True)[:k].tolist():
        row, column = divmod(int(places[image]), maps.shape[2])
        top, left = side + first + jump * row, side + first + jump * column
        patches.append(padded[image, :, top : top + side, left : left + side])
    return torch.stack(patches)
    ### END SOLUTION


# %% check="top_patches" points=2
# Check of top_patches, 2 points.
import torch
from torch import nn

from course.checks import agree, right, unchanged

model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU())
with torch.no_grad():
    model[0].weight.zero_()
    model[0].bias.zero_()
    model[0].weight[:, 0, 1, 1] = torch.tensor([1.0, -1.0])  # the image itself, and its negative
images = torch.zeros(3, 1, 4, 5)
images[0, 0, 1, 3], images[1, 0, 0, 0], images[2, 0, 2, 2] = 5.0, 7.0, 6.0
images[0, 0, 2, 3], images[2, 0, 1, 1] = 1.0, 2.0
before = images.clone()
first = [[[0.0] * 3, [0.0, 7.0, 0.0], [0.0] * 3]]
second = [[[2.0, 0.0, 0.0], [0.0, 6.0, 0.0], [0.0] * 3]]
agree(
    top_patches(model, 1, images, channel=0, k=2).detach(),
    torch.tensor([first, second]),
    "top_patches(model, 1, images, channel=0, k=2)",
    cause="the patch is not around the largest value, the order is wrong, or the rim is not 0.",
    step="image 1 comes first, and its patch begins one pixel above and left of the image.",
)
unchanged(images, before, "top_patches(model, 1, images)")
### BEGIN HIDDEN TESTS
agree(
    top_patches(model, 0, -images, channel=1, k=1).detach(),
    torch.tensor([[[[0.0, 0.0, 0.0], [0.0, -7.0, 0.0], [0.0, 0.0, 0.0]]]]),
    "top_patches with channel=1 and k=1",
    cause="the channel or k is ignored, or one layer too many was used.",
    step="model[: layer + 1] ends with the layer of that number.",
)
deep = nn.Sequential(
    nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.Tanh(), nn.Conv2d(3, 4, 3), nn.ReLU()
)
with torch.no_grad():
    for n, parameter in enumerate(deep.parameters()):
        parameter.copy_(torch.linspace(-1, 2 + n, parameter.numel()).sin().reshape(parameter.shape))
wide = torch.linspace(-3, 5, 6 * 2 * 9 * 12).cos().mul(7).sin().reshape(6, 2, 9, 12)
state = [p.detach().clone() for p in deep.parameters()]
for layer, channel in ((1, 0), (1, 2), (2, 0), (2, 1), (2, 2), (2, 3)):
    maps = deep[: layer + 1](wide)[:, channel].detach()
    side = {1: 3, 2: 7}[layer]
    order = maps.amax(dim=(1, 2)).argsort(descending=True)[:3]
    expected = []
    for image in order.tolist():
        row, column = (maps[image] == maps[image].max()).nonzero()[0].tolist()
        frame = torch.zeros(2, 29, 32)
        frame[:, 10:19, 10:22] = wide[image]
        top, left = 10 - 1 + 2 * row, 10 - 1 + 2 * column
        expected.append(frame[:, top : top + side, left : left + side])
    agree(
        top_patches(deep, layer, wide, channel=channel, k=3).detach(),
        torch.stack(expected),
        f"top_patches of a network of two convolutions, layer {layer}, channel {channel}",
        cause="rows and columns are exchanged, or side, jump or first are not used as told.",
        step="divmod by the width of the map, then first + jump * row and first + jump * column.",
    )
for parameter, was in zip(deep.parameters(), state, strict=True):
    unchanged(parameter.detach(), was, "top_patches(model, ...), in the model,")
### END HIDDEN TESTS
right("top_patches", points=2)

# %% [markdown]
# Here are the patches for some channels of the second and the third layer, found by your function.

# %% experiment="patches"
from course.figures.cnn_vs_dense import patches

patches(top_patches, net, test)

# %% [markdown]
# Layer by layer, features go from the simple to the composed. The second layer answers to bows and
# corners in 5 x 5 pixels, the third to longer pieces of figures in 9 x 9. How far one can read the
# later layers of large networks is another matter; here you have seen what you say.
#
# Are the learnt features worth anything, or is it the head that does the work? A fair test leaves
# the convolutions as they were at random, and trains the head alone, for longer and at its own best
# rate.

# %% claim="features_are_learnt"
# Trial: does a network have to learn its features?
from course.race import random_features


def gain(*, moved: int, wider: int = 1) -> list[float]:
    """Accuracy with all layers trained, less that of a head on random convolutions, by seed."""
    learnt = [race(seed, moved=moved)[0] for seed in SEEDS]
    drawn = [random_features(seed, moved=moved, wider=wider) for seed in SEEDS]
    return [a - b for a, b in zip(learnt, drawn, strict=True)]


trial(
    "features_are_learnt",
    {
        "moved figures": gain(moved=2),
        "figures in the middle": gain(moved=0),
        "figures in the middle, four times the channels": gain(moved=0, wider=4),
    },
)

# %% [markdown]
# Random features are better than their name. Where every stroke has its place, a head that picks
# among many of them is hardly worse than the whole network trained. Where figures move, the learnt
# features are worth a lot, and four times as many random ones make up for more than half of it.
#
# ## 6 Bug museum: one image was enough
#
# `convert_torch_to_pytorch` translated networks from Torch to PyTorch. Its layer for flattening
# was, in effect, `x.view(-1)`; pull request 1 of its repository (clcarwin, February 2017) describes
# the defect on VGG-16 and mends it. Here is what it did to a head.


# %%
class MuseumHead(nn.Module):
    """Scores of maps (N, 12, 4, 4). (An exhibit: do not use.)"""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(192, 10)

    def forward(self, x: Tensor) -> Tensor:
        # The row is cut into pieces as the next layer wants them, whoever they belong to.
        return self.dense(x.view(-1).unfold(0, 192, 192))


head = MuseumHead()
print("one image:", tuple(head(torch.zeros(1, 12, 4, 4)).shape))
print("maps of twice the height:", tuple(head(torch.zeros(1, 12, 8, 4)).shape))

# %% [markdown]
# The original raised an error as soon as there were two images; with the pieces of the exhibit,
# which is the form in which the bug lives on as `view(-1, 192)`, nothing is raised. One image of
# twice the height gives two rows of scores, and each of them belongs to nobody.
#
# ### Exercise: a test that finds it
#
# **1 point.** Write the test that a network has to pass before it is trusted with a batch:
# `same_alone(model, x)` says True where the model gives one row of scores for each image, and each
# row is what that image gets alone, to a relative 1e-4 plus 1e-5; and False otherwise. Where the
# model raises an error, let it pass on.

# %% [markdown] hints="same_alone"
# <details><summary>Hint 1: how do I get the scores of one image alone?</summary>
#
# `model(x[i : i + 1])` is a batch of one.
#
# </details>
# <details><summary>Hint 2: how do I compare all of them?</summary>
#
# `torch.cat([model(x[i : i + 1]) for i in range(len(x))])` against `model(x)`.
#
# </details>
# <details><summary>Hint 3: what if there are too many rows?</summary>
#
# Compare `len` of both with `len(x)` first, and the shapes; `torch.allclose` broadcasts.
#
# </details>


# %% exercise="same_alone"
def same_alone(model: nn.Module, x: Tensor) -> bool:
    """Say whether a model gives each image of a batch the row of scores that it gets alone."""
    ### BEGIN SOLUTION
    together = model(x)
    alone = torch.cat([model(x[i : i + 1]) for i in range(len(x))])
    if len(together) != len(x) or together.shape != alone.shape:
        return False
    return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
    ### END SOLUTION


# %% check="same_alone" points=1
# Check of same_alone, 1 point.
import torch

from course.checks import expect, right

x = torch.linspace(-2, 3, 48).sin().reshape(3, 2, 4, 2)


def judged(model, wanted, what):
    answer = same_alone(model, x)
    expect(
        isinstance(answer, bool | torch.Tensor) and bool(answer) == wanted,
        f"same_alone says {answer} of {what}, expected {wanted}.",
        cause="rows are not compared image by image, or their number is not looked at.",
        step="compare model(x) with the rows that the images get one by one.",
    )


judged(lambda t: t.flatten(1)[:, :5], True, "a model that treats each image alone")
judged(lambda t: t.flatten(1) - t.mean(), False, "a model that takes the batch's mean off")
judged(lambda t: t.reshape(-1, 4), False, "a model that cuts each image into four rows")
### BEGIN HIDDEN TESTS
judged(lambda t: t.flip(0).flatten(1), False, "a model that exchanges the images")
judged(lambda t: t[:1].expand_as(t).flatten(1), False, "a model that takes the first image for all")
judged(lambda t: t.flatten(1)[:1], False, "a model that gives one row")
judged(lambda t: t.flatten(1)[:0], False, "a model that gives no rows at all")
judged(lambda t: torch.zeros(len(t), len(t)), False, "a model with more scores in larger batches")
judged(lambda t: torch.zeros(len(t), 4 - len(t)), False, "one with fewer scores in larger batches")
judged(lambda t: t.flatten(1) * (1 + 3e-5 * len(t)) * 1e3, True, "large scores, off by rounding")
judged(lambda t: t.flatten(1) * 0 + 1e-6 * len(t), True, "scores near 0, off by rounding")
judged(lambda t: t.flatten(1) + 1e-7 * len(t), True, "a model that differs by rounding")
judged(lambda t: t.flatten(1) + 0.01 * len(t), False, "a model that differs by 0.01 per image")
### END HIDDEN TESTS
right("same_alone", points=1)

# %% [markdown]
# **What to take home.** -1 in a shape means "whatever fits", and what fits may be wrong. Say which
# dimension is kept, as `flatten` does, and try every network on a batch before you train it.
#
# ## 7 Put together: when to forget the place
#
# Four networks, each trained twice: on figures in the middle, and on moved ones. The first is that
# of section 1, which keeps the largest number of each map in its first layer. Then come your own
# network and its dense twin, built by your function. The last one has three convolutions and no
# head on positions: it keeps the largest number of each map too, but of the **third** layer, where
# a unit sees most of a figure.

# %%
from course.race import dense as ready_made_twin


def twin() -> nn.Module:
    """Your dense twin of your network, or a ready-made one."""
    size = sum(p.numel() for p in convolutional().parameters())
    try:
        return dense_twin(size, inputs=256, classes=10)
    except Exception as error:
        print(f"a ready-made twin, since yours raises {type(error).__name__}")
        return ready_made_twin()


def late() -> nn.Module:
    """Convolutions until a unit sees 21 x 21 pixels, then the largest number of each map."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(8, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 24, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 10),
    )


# %% experiment="mended"
torch.manual_seed(0)
rows = {"forgets at once": early(), "yours": convolutional(), "its dense twin": twin()}
table = {}
for name, start in {**rows, "forgets late": late()}.items():
    initial = {key: value.clone() for key, value in start.state_dict().items()}
    told = f"{name:>15}, {sum(p.numel() for p in start.parameters()):6,} parameters:"
    for where, learn in (("middle", train), ("moved", moved_train)):
        start.load_state_dict(initial)
        fit(start, learn, steps=250, lr=0.03 if name == "forgets at once" else 0.01, label=name)
        table[name, where] = accuracy(start, test), accuracy(start, moved_test)
        told += "  trained {}: {:.0%} middle, {:.0%} moved;".format(where, *table[name, where])
    print(told.rstrip(";"))

# %% [markdown]
# Read the table row by row. Who forgets the place in the first layer confuses figures. Your network
# and its twin keep the place, read nearly everything in the middle, and fail on moved figures that
# they have never seen; once they have seen some, the convolutions are far ahead. And who forgets
# the place *late*, when a unit has seen most of a figure, has both: it reads figures as well as the
# others, and moves trouble it least, although it has the fewest parameters of the three.
#
# That answers the question of section 1. What a network needs to know is where strokes lie within a
# figure, and not where the figure lies in the image. The convolutions answer the first as soon as
# their receptive field holds a figure; from there on the place may go. The next lesson makes this
# its subject: pooling.
#
# ## 8 In your own words
#
# Four questions that a person grades. Three to eight sentences each are enough; refer to what you
# measured.

# %% [markdown] written="cnn_and_dense" points=3
# **Describe how a convolutional network is built, from image to class, and how it differs from a
# fully connected one.** When is it ahead of a dense network of equal size, and when not?
#
# ### BEGIN SOLUTION
# Convolutions with activations in between turn the image into feature maps; strides or pooling make
# the maps smaller while their number grows, so that a unit sees more and more; flatten and one or
# more dense layers, or a single number for each map, turn them into scores, softmax into
# probabilities. A dense layer connects every pixel with every unit by a weight of its own. A
# convolutional unit looks at a window (locality), and all units of a map use the same weights
# (sharing). With equal parameters it was clearly ahead on moved figures, if such were in the
# training, about equal on figures in the middle, and behind when the pixels were shuffled, because
# then neighbours say nothing about one another.
#
# Rubric: 1 point for the sequence of layers with their roles; 1 for locality and sharing, kept
# apart; 1 for a condition under which it wins and one under which it does not, with a measurement.
# "It has fewer parameters" alone earns nothing, since VGG-16 has 138 million.
# ### END SOLUTION

# %% [markdown] written="flatten_layer" points=2
# **What does the flatten layer do, why is it needed, and what does it lose?** Does it share
# parameters?
#
# ### BEGIN SOLUTION
# It lays the C x H x W numbers of each image in one row of length C H W, in a fixed order, because
# a dense layer takes vectors. It has no parameters and so shares none; each position gets weights
# of its own in the layer behind it, which is where sharing ends. No number is lost, reshape undoes
# it; but the dense layer does not know any more which entries were neighbours, and it works for one
# image size only.
#
# Rubric: 1 point for what it does and why (shape, batch kept apart); 1 for "no parameters, nothing
# shared" with what is and is not lost. "It discards the spatial information" needs the
# qualification.
# ### END SOLUTION

# %% [markdown] written="fully_connected" points=2
# **Why do fully connected layers stand at the end of a convolutional network, and what do they
# cost?** Can a network do without?
#
# ### BEGIN SOLUTION
# After the convolutions each number tells about a window. A dense layer sees all of them at once
# and combines them into one score for each class; it knows where each of them was. The cost is a
# weight for each pair: 124 of VGG-16's 138 million parameters, 103 of them in the first dense
# layer. And they tie the network to one image size and to the places that it has seen. A network
# can do with a single number for each map and one small dense layer, if the units have seen enough
# of the figure before: in the lesson that was as good in the middle and better on moved figures.
# Forgetting the place in the first layer was bad.
#
# Rubric: 1 point for the role (whole image, combination, one output per class); 1 for the cost with
# a number and the alternative with its condition.
# ### END SOLUTION

# %% [markdown] written="learning_features" points=3
# **How does a neural network learn features?** Use your network: what were its filters before
# training, what changed them, what do they look like afterwards, and how do you know whether it
# matters?
#
# ### BEGIN SOLUTION
# The weights start at random. For each batch the forward pass gives scores and a loss,
# backpropagation the gradient of the loss for each weight (for a shared one the sum over all
# positions), and the optimiser changes the weights by a small step against it; over many batches
# what lowers the loss remains. Afterwards several 3 x 3 filters have a bright and a dark side and
# answer to edges of one direction, others to strokes or averages. Later layers combine them, and
# are read by the patches that excite them. Whether it matters depends: on figures in the middle a
# head on random convolutions came close to the trained network, with more channels very close; on
# moved figures the trained one was far ahead.
#
# Rubric: 1 point for the loop (random start, loss, gradient, step); 1 for a reading of filters or
# patches that fits the figures, and for simple before composed; 1 for the measurement with random
# convolutions, and that its result depends on the task. "The network finds features automatically"
# alone earns nothing.
# ### END SOLUTION

# %% [markdown]
# ## What we have seen
#
# | head on the maps | parameters | knows the place | moves that it has never seen |
# |---|---|---|---|
# | flatten, dense layer | one for each class and position | yes | fails |
# | largest of each map, early | few | no | hardly matter, but it confuses figures |
# | largest of each map, late | few | within a figure, by the convolutions | matter least |
#
# The lesson in two sentences: a network has to know where strokes lie within a figure, and not
# where the figure lies. A dense head buys the first with weights for every position and is tied to
# them; convolutions get it as soon as their receptive field holds a figure.
#
# - The trail of shapes and parameters comes out of the network itself.
# - Flatten shares nothing: behind it every position has its own weights.
# - With equal parameters a convolutional network is ahead where figures move, if it has seen such,
#   and only while neighbours are neighbours.
# - Random features carry far where nothing moves.
#
# ## Further reading
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, *Gradient-based learning applied to document
#   recognition*, Proceedings of the IEEE, 1998: the architecture.
# - M. Zeiler, R. Fergus, *Visualizing and understanding convolutional networks*, ECCV 2014: patches
#   that excite.
# - M. Lin, Q. Chen, S. Yan, *Network in network*, ICLR 2014: one number for each map in place of a
#   dense head.
# - A. Saxe et al., *On random weights and unsupervised feature learning*, ICML 2011: how far random
#   convolutions go.
# - G. Urban et al., *Do deep convolutional nets really need to be deep and convolutional?*, ICLR
#   2017: dense networks against convolutional ones, carefully tuned.
#
# The module `cnnlib.cnn_vs_dense` holds the reference of every exercise here, to read when you are
# done.
