"""Widgets and figures of the lesson on activation functions.

``curves`` draws a student's functions and their slopes over torch's; ``depth`` shows what many
layers do to the spread of a signal on the way in and of a gradient on the way back.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from course.datasets import digits
from course.figures import BLUE, GREY, INK, ORANGE, Picture, panels, show
from course.widgets.explorer import Explorer

__all__ = ["bend", "compute_curves", "compute_depth", "curves", "depth", "gate", "overflow"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]

# torch's functions, with the options of the lesson's signatures.
REFERENCES: dict[str, Function] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
}
OPTIONS = {"leaky_relu": ("negative_slope",), "elu": ("alpha",)}

LAYERS, WIDTH, BATCH = 50, 64, 64
# The learning rate that leaves dead units behind in the picture of firing units.
TOO_LARGE = 5.0
# The axes of the depth widget; what leaves them is drawn on their rim.
LOWEST, HIGHEST = 1e-8, 1e4


@dataclass(frozen=True)
class Curves:
    """An activation and its slope over x, torch's and the student's; own_* is None without one.

    problem says why there is none, gap is the largest difference of value or slope.
    """

    name: str
    x: Numbers
    value: Numbers
    slope: Numbers
    own_value: Numbers | None
    own_slope: Numbers | None
    problem: str
    gap: float
    probe: float
    probe_value: float
    probe_slope: float


@dataclass(frozen=True)
class Depth:
    """Spread of the signal after each layer, and of the gradient before it, relative to its source.

    signal[l] is the standard deviation after layer l + 1 of an input of standard deviation 1;
    gradient[l] the root mean square of the gradient at the input of layer l + 1, where that at the
    output of the last layer is 1.
    """

    name: str
    gain: float
    signal: Numbers
    gradient: Numbers
    own_signal: Numbers | None
    own_gradient: Numbers | None
    problem: str


def curves(**functions: Function) -> Explorer:
    """Return a widget that draws the given functions, by name, over torch's.

    Raises ValueError for a name that torch has no curve for.
    """
    return Explorer(
        {
            "name": ipywidgets.Dropdown(options=_known(functions), description="Function"),
            "probe": ipywidgets.FloatSlider(1.0, min=-6, max=6, step=0.1, description="Input x"),
            "negative_slope": ipywidgets.FloatSlider(
                0.1, min=0, max=1, step=0.01, description="negative_slope"
            ),
            "alpha": ipywidgets.FloatSlider(1.0, min=0, max=2, step=0.05, description="alpha"),
        },
        partial(compute_curves, functions),
        CurvesView(),
        describe_curves,
    )


def depth(**functions: Function) -> Explorer:
    """Return a widget that sends a signal through many layers of the given functions and torch's.

    Raises ValueError for a name that torch has no curve for.
    """
    return Explorer(
        {
            "name": ipywidgets.Dropdown(options=_known(functions), description="Function"),
            "layers": ipywidgets.IntSlider(30, min=1, max=LAYERS, description="Layers"),
            "gain": ipywidgets.FloatSlider(1.0, min=0.2, max=3, step=0.05, description="Gain"),
            "seed": ipywidgets.IntSlider(0, min=0, max=9, description="Seed of weights"),
        },
        partial(compute_depth, functions),
        DepthView(),
        describe_depth,
    )


def compute_curves(
    functions: Mapping[str, Function],
    *,
    name: str,
    probe: float,
    negative_slope: float,
    alpha: float,
) -> Curves:
    """Evaluate a function and its slope, torch's and the student's, on a grid and at the probe."""
    options = {"negative_slope": negative_slope, "alpha": alpha}
    wanted = {key: options[key] for key in OPTIONS.get(name, ())}
    # An even number of points leaves out 0, where conventions about the slope differ.
    x = torch.linspace(-6, 6, 240, dtype=torch.float64)
    reference = partial(REFERENCES[name], **wanted)
    value, slope = _value_and_slope(reference, x)
    own_value = own_slope = None
    gap, problem = 0.0, ""
    try:
        own_value, own_slope = _value_and_slope(partial(functions[name], **wanted), x)
        gap = float(max(np.abs(own_value - value).max(), np.abs(own_slope - slope).max()))
    except NotImplementedError:
        problem = "yours is not written yet"
    except Exception as error:
        problem = f"yours raises {type(error).__name__}: {error}"
    at, slope_at = _value_and_slope(reference, torch.tensor([probe], dtype=torch.float64))
    return Curves(
        name, x.numpy(), value, slope, own_value, own_slope, problem, gap, probe, at[0], slope_at[0]
    )


def describe_curves(state: Curves) -> str:
    """Say in words what the curve widget shows."""
    if state.problem:
        own = f" Only torch's curve is drawn: {state.problem}."
    elif state.gap < 1e-6:
        own = " Your curve lies on torch's."
    else:
        own = f" Your curve leaves torch's by up to {state.gap:.2g}."
    return (
        f"{state.name} and its slope from -6 to 6. At x = {state.probe:.1f} the value is "
        f"{state.probe_value:.3f} and the slope {state.probe_slope:.3f}.{own}"
    )


def compute_depth(
    functions: Mapping[str, Function], *, name: str, layers: int, gain: float, seed: int
) -> Depth:
    """Send one batch forward and one gradient backward through layers of equal width."""
    signal, gradient = _spreads(REFERENCES[name], layers=layers, gain=gain, seed=seed)
    own_signal = own_gradient = None
    problem = ""
    try:
        own_signal, own_gradient = _spreads(functions[name], layers=layers, gain=gain, seed=seed)
    except NotImplementedError:
        problem = "yours is not written yet"
    except Exception as error:
        problem = f"yours raises {type(error).__name__}: {error}"
    return Depth(name, gain, signal, gradient, own_signal, own_gradient, problem)


def describe_depth(state: Depth) -> str:
    """Say in words what the depth widget shows."""
    own = f" Only torch's is drawn: {state.problem}." if state.problem else ""
    return (
        f"{len(state.signal)} layers of {state.name} with gain {state.gain:.2f}. The signal has "
        f"standard deviation {state.signal[-1]:.2g} after the last layer; of a gradient of 1 at "
        f"the end, {state.gradient[0]:.2g} reaches the first.{own}"
    )


class CurvesView:
    """Two panels: the value with a tangent at the probe, and the slope."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.4)
        value, slope = self.axes
        for axes, title in ((value, "value f(x)"), (slope, "slope f'(x)")):
            axes.set(xlim=(-6, 6), xlabel="x")
            axes.set_title(title, loc="left")
            axes.grid(visible=True)
            axes.axhline(0, color=GREY, linewidth=0.8)
        value.set_ylim(-2.5, 6)
        slope.set_ylim(-0.5, 2.3)
        lines = [_twin_lines(axes) for axes in self.axes]
        self._reference, self._own = zip(*lines, strict=True)
        (self._tangent,) = value.plot(
            [], [], color=INK, linewidth=1, linestyle=":", label="tangent"
        )
        self._dots = [axes.plot([], [], "o", color=INK, markersize=7)[0] for axes in self.axes]
        self._texts = [
            axes.text(0.03, 0.96, "", transform=axes.transAxes, va="top") for axes in self.axes
        ]
        value.legend(handles=[self._reference[0], self._own[0], self._tangent], loc="center left")

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._reference, *self._own, self._tangent, *self._dots, *self._texts]

    def update(self, state: Curves) -> None:
        for line, y in zip(self._reference, (state.value, state.slope), strict=True):
            line.set_data(state.x, y)
        for line, own in zip(self._own, (state.own_value, state.own_slope), strict=True):
            line.set_data(*((state.x, own) if own is not None else ([], [])))
        ends = np.array([state.probe - 1.5, state.probe + 1.5])
        self._tangent.set_data(ends, state.probe_value + state.probe_slope * (ends - state.probe))
        self._dots[0].set_data([state.probe], [state.probe_value])
        self._dots[1].set_data([state.probe], [state.probe_slope])
        off = "" if state.gap < 1e-6 else f"yours is off by {state.gap:.2g}"
        self._texts[0].set_text(f"{state.name}({state.probe:.1f}) = {state.probe_value:.3f}")
        self._texts[1].set_text(f"slope {state.probe_slope:.3f}\n{state.problem or off}")


class DepthView:
    """Two panels over the layers: spread of the signal, and of the gradient."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.4)
        titles = ("forward: signal after layer", "backward: gradient before layer")
        for axes, title in zip(self.axes, titles, strict=True):
            axes.set(xlim=(0, LAYERS + 1), ylim=(LOWEST / 3, HIGHEST * 3), xlabel="layer")
            axes.set(yscale="log")
            axes.set_title(title, loc="left")
            axes.grid(visible=True)
            axes.axhline(1, color=GREY, linewidth=0.8)
        lines = [_twin_lines(axes) for axes in self.axes]
        self._reference, self._own = zip(*lines, strict=True)
        self._texts = [
            axes.text(0.03, 0.96, "", transform=axes.transAxes, va="top") for axes in self.axes
        ]
        self.axes[0].legend(handles=[self._reference[0], self._own[0]], loc="lower left")

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._reference, *self._own, *self._texts]

    def update(self, state: Depth) -> None:
        layer = np.arange(1, len(state.signal) + 1)
        for line, y in zip(self._reference, (state.signal, state.gradient), strict=True):
            line.set_data(layer, _clip(y))
        for line, own in zip(self._own, (state.own_signal, state.own_gradient), strict=True):
            line.set_data(*((layer, _clip(own)) if own is not None else ([], [])))
        self._texts[0].set_text(f"{state.name}: {state.signal[-1]:.2g} after the last")
        self._texts[1].set_text(f"{state.gradient[0]:.2g} at the first\n{state.problem}")


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
                middle = (low + high) / 240 + 0.5
                panel.text(
                    middle, 0.5, "nan", transform=panel.transAxes, ha="center", backgroundcolor="w"
                )
        panel.set(xlabel="x", xlim=(-120, 120))
        panel.set_title(title, loc="left", fontsize="small")
        panel.grid(visible=True)
    return show(
        axes,
        "Two panels over x from -120 to 120. The slope of the sigmoid formula is not a number "
        "below -88; the value of the tanh formula is not a number below -88 and above 88.",
    )


@cache
def _weights(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Input, weights of all layers with variance 1 / width, and a gradient for the output."""
    generator = torch.Generator().manual_seed(seed)
    # In float64: in float32 a fading gradient goes subnormal, which is a hundred times slower.
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    x = draw(BATCH, WIDTH)
    weights = draw(LAYERS, WIDTH, WIDTH) / WIDTH**0.5
    return x, weights, draw(BATCH, WIDTH)


def _spreads(f: Function, *, layers: int, gain: float, seed: int) -> tuple[Numbers, Numbers]:
    x, weights, grad_out = _weights(seed)
    signals = [x.requires_grad_()]
    for weight in weights[:layers]:
        signals.append(f(signals[-1] @ (gain * weight)))
    gradients = torch.autograd.grad(signals[-1], signals[:-1], grad_out)
    return (
        np.array([h.detach().std().item() for h in signals[1:]]),
        np.array([g.square().mean().sqrt().item() for g in gradients]),
    )


def _value_and_slope(f: Function, x: Tensor) -> tuple[Numbers, Numbers]:
    leaf = x.clone().requires_grad_()
    y = f(leaf)
    (slope,) = torch.autograd.grad(y.sum(), leaf)
    return y.detach().numpy(), slope.numpy()


def _twin_lines(axes: Axes) -> tuple[Line2D, Line2D]:
    """A broad line for torch's curve, and a dashed one that can lie on top of it."""
    (reference,) = axes.plot([], [], color=BLUE, linewidth=5, alpha=0.45, label="torch")
    (own,) = axes.plot([], [], color=ORANGE, linewidth=1.8, linestyle="--", label="yours")
    return reference, own


def _clip(y: Numbers) -> Numbers:
    return np.nan_to_num(y, nan=HIGHEST, posinf=HIGHEST).clip(LOWEST, HIGHEST)


def _known(functions: Mapping[str, Function]) -> list[str]:
    unknown = [name for name in functions if name not in REFERENCES]
    if unknown or not functions:
        raise ValueError(
            f"functions are {', '.join(functions) or 'none'}; expected some of "
            + ", ".join(REFERENCES)
        )
    return list(functions)
