"""Still figures of the lesson on activation functions."""

import math
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from torch import Tensor, nn

from course.datasets import Images, digits
from course.figures.picture import BLUE, GREY, INK, ORANGE, Picture, panels, show
from course.stand_ins import yours_or

__all__ = ["arrivals", "bend", "gate", "overflow", "rings"]

Function = Callable[[Tensor], Tensor]
# torch's functions, with the options of the lesson's signatures.
REFERENCES: dict[str, Function] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
}
MARKERS = "os^Dv"
# Points and hidden units of the picture of rings, and how its networks are trained.
POINTS, HIDDEN, STEPS, RATE = 400, 6, 400, 1.0

# The learning rate that leaves dead units behind in the picture of firing units.
TOO_LARGE = 5.0


def bend() -> Picture:
    """Draw what two layers of four units make of one input, without and with a bend in between."""
    x = torch.linspace(-3, 3, 241)
    weights = torch.tensor([1.0, -1.0, 1.0, 0.8]), torch.tensor([-0.9, 1.0, 1.6, -0.9])
    hidden = x[:, None] * weights[0] + torch.tensor([1.5, 0.3, -0.8, -2.0])
    straight, bent = hidden @ weights[1], hidden.relu() @ weights[1]
    axes = panels(1, 2, height=2.8)
    for panel, units, out, title in (
        (axes[0], hidden, straight, "no activation: a line"),
        (axes[1], hidden.relu(), bent, "ReLU: a line with four bends"),
    ):
        panel.plot(x, units, color=GREY, linewidth=1, linestyle="--")
        panel.plot([], [], color=GREY, linewidth=1, linestyle="--", label="hidden units")
        panel.plot(x, out, color=BLUE, linewidth=2.5, label="output")
        panel.set(xlabel="input x", ylim=(-5, 7))
        panel.set_title(title, loc="left")
        panel.grid(visible=True)
    axes[0].legend(loc="upper left")
    return show(
        axes,
        "Two panels with the output of a network of four hidden units over its input. Without an "
        "activation the output is a straight line. With ReLU it is made of straight pieces and "
        "changes direction where a hidden unit switches on or off.",
    )


def gate() -> Picture:
    """Draw which of 24 ReLU units fire for which of 60 digits after one step that was too large."""
    train, _ = digits()
    x, labels = train.images[:60].flatten(1), train.labels[:60]
    generator = torch.Generator().manual_seed(0)
    first = (torch.randn(64, 24, generator=generator) * (2 / 64) ** 0.5).requires_grad_()
    bias = torch.zeros(24, requires_grad=True)
    last = torch.randn(24, 10, generator=generator) * (1 / 24) ** 0.5
    loss = F.cross_entropy(torch.relu(x @ first + bias) @ last, labels)
    grad_first, grad_bias = torch.autograd.grad(loss, (first, bias))
    fires = (x @ (first - TOO_LARGE * grad_first) + bias - TOO_LARGE * grad_bias > 0).detach()
    # Units that fire most come first, so that the dead ones stand together.
    fires = fires[:, fires.double().mean(dim=0).argsort(descending=True)].numpy()
    dead = (~fires).all(axis=0).sum()
    (panel,) = panels(1, 1, height=3.2)
    panel.imshow(fires, cmap=ListedColormap(["white", BLUE]), aspect="auto", interpolation="none")
    panel.axvspan(23.5 - dead, 23.5, facecolor="none", edgecolor=ORANGE, hatch="//", linewidth=2)
    panel.set(xlabel=f"unit (the last {dead}, hatched, are dead)", ylabel="image")
    panel.set_title("blue: the unit is above 0 and passes a gradient", loc="left")
    return show(
        [panel],
        f"A grid of 60 images by 24 units, blue where a unit fires. {dead} of the 24 columns have "
        "no blue cell: these units fire for no image, so no gradient reaches their weights.",
    )


def overflow() -> Picture:
    """Draw where the formulas of sigmoid and tanh, typed as they stand, are no longer numbers."""
    x = torch.linspace(-120, 120, 961, requires_grad=True)
    sigmoid = 1 / (1 + torch.exp(-x))
    (slope,) = torch.autograd.grad(sigmoid.sum(), x)
    tanh = (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))
    axes = panels(1, 2, height=2.8)
    for panel, y, title in (
        (axes[0], slope, "slope of 1 / (1 + exp(-x))"),
        (axes[1], tanh.detach(), "value of (exp(x) - exp(-x)) / (exp(x) + exp(-x))"),
    ):
        grid, bad = x.detach(), y.isnan()
        panel.plot(grid[~bad], y[~bad], color=BLUE, linewidth=2.5)
        for side in (grid[bad & (grid < 0)], grid[bad & (grid > 0)]):
            if len(side):
                low, high = side.min().item(), side.max().item()
                panel.axvspan(low, high, facecolor="none", edgecolor=ORANGE, hatch="//")
                panel.text(
                    *((low + high) / 2, (y[~bad].min() + y[~bad].max()).item() / 2, "nan"),
                    ha="center",
                    backgroundcolor="w",
                )
        panel.set(xlabel="x", xlim=(-120, 120))
        panel.set_title(title, loc="left", fontsize="small")
        panel.grid(visible=True)
    return show(
        axes,
        "Two panels over x from -120 to 120. The slope of the sigmoid formula is not a number "
        "below -88; the value of the tanh formula is not a number below -88 and above 88.",
    )


def arrivals(networks: Mapping[str, nn.Module], data: Images) -> Picture:
    """Draw, by layer, the gradient that the loss sends to the weights of untrained networks."""
    (panel,) = panels(1, 1, height=2.8)
    words = []
    for (name, net), marker, color in zip(
        networks.items(), MARKERS, (BLUE, ORANGE, GREY), strict=False
    ):
        weights = [parameter for parameter in net.parameters() if parameter.dim() == 2]
        loss = F.cross_entropy(net(data.images), data.labels)
        norms = [g.norm().item() for g in torch.autograd.grad(loss, weights)]
        panel.plot(range(1, len(norms) + 1), norms, marker=marker, color=color, label=name)
        words.append(f"{name}: {norms[0]:.1g} in the first layer and {norms[-1]:.1g} in the last")
    panel.set(xlabel="layer", yscale="log", xticks=range(1, len(norms) + 1))
    panel.set_title("norm of the gradient of the loss for a layer's weights", loc="left")
    panel.grid(visible=True)
    panel.legend(loc="lower right")
    return show([panel], f"The gradient of the loss, layer by layer. {'; '.join(words)}.")


def rings(**functions: Function) -> Picture:
    """Train networks of two layers to tell a disc from a ring: with each function, and with none.

    A function that cannot be run is replaced by torch's, and the panel says so. Raises KeyError for
    a name that torch has no function for.
    """
    x, labels = _disc_and_ring()
    columns = min(3, 1 + len(functions))
    rows = math.ceil((1 + len(functions)) / columns)
    axes = panels(rows, columns, height=2.9 * rows)
    words = [_separate(axes[0], "no activation", "", lambda z: z, x, labels)]
    for panel, (name, function) in zip(axes[1:], functions.items(), strict=False):
        choice = yours_or(REFERENCES[name], function)
        words.append(_separate(panel, name, f", {choice.label}", choice.function, x, labels))
    for panel in axes[1 + len(functions) :]:
        panel.set_visible(False)
    return show(
        axes,
        "A disc of points inside a ring of points, and where networks of two layers draw the "
        f"border between them. Share of points on the right side: {'; '.join(words)}.",
    )


def _disc_and_ring() -> tuple[Tensor, Tensor]:
    """Return points of the plane, (N, 2), and 0 for those of the disc, 1 for those of the ring."""
    generator = torch.Generator().manual_seed(0)
    angle = 2 * torch.pi * torch.rand(POINTS, generator=generator)
    labels = torch.arange(POINTS) % 2
    radius = torch.randn(POINTS, generator=generator) * 0.2 + 0.3 + 1.2 * labels
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), labels


def _separate(
    panel: Axes, name: str, whose: str, function: Function, x: Tensor, labels: Tensor
) -> str:
    """Train, draw points and regions, and say in words how many points are on the right side."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(2, HIDDEN, generator=generator).requires_grad_()
    last = (torch.randn(HIDDEN, 2, generator=generator) / HIDDEN**0.5).requires_grad_()
    biases = [torch.zeros(size, requires_grad=True) for size in (HIDDEN, 2)]
    parameters = [first, last, *biases]

    def scores(points: Tensor) -> Tensor:
        return function(points @ first + biases[0]) @ last + biases[1]

    for _ in range(STEPS):
        gradients = torch.autograd.grad(F.cross_entropy(scores(x), labels), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= RATE * gradient
    line = torch.linspace(-2.2, 2.2, 89)
    grid = torch.cartesian_prod(line, line)
    with torch.no_grad():
        share = (scores(x).argmax(dim=1) == labels).double().mean().item()
        region = scores(grid).argmax(dim=1).reshape(89, 89).T
    panel.contourf(line, line, region, levels=[-0.5, 0.5, 1.5], colors=["#cfe3f2", "#f6dcc8"])
    for label, marker, color in ((0, "o", BLUE), (1, "^", ORANGE)):
        across, up = x[labels == label].T
        panel.scatter(across, up, s=9, marker=marker, color=color)
    panel.set(xticks=[], yticks=[], aspect="equal")
    panel.set_title(f"{name}{whose}:\n{share:.1%} right", loc="left", color=INK, fontsize="small")
    return f"{name}{whose} {share:.1%}"
