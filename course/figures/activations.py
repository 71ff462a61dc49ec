"""Still figures of the lesson on activation functions."""

import torch
import torch.nn.functional as F
from matplotlib.colors import ListedColormap

from course.datasets import digits
from course.figures.picture import BLUE, GREY, ORANGE, Picture, panels, show

__all__ = ["bend", "gate", "overflow"]

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
