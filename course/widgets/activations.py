"""Widgets of the lesson on activation functions.

``curves`` draws a student's functions and their slopes over torch's; ``depth`` shows what many
layers do to the spread of a signal on the way in and of a gradient on the way back.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import ipywidgets
import torch
import torch.nn.functional as F
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from torch import Tensor

from course.comparison import Attempt, attempt, fitting, known
from course.figures import BLUE, GREY, INK, ORANGE, panels
from course.widgets.explorer import Explorer

__all__ = ["compute_curves", "compute_depth", "curves", "depth"]

Function = Callable[..., Tensor]
# Value and slope, or signal and gradient.
Twin = tuple[Tensor, Tensor]

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
# The axes of the depth widget; what leaves them is drawn on their rim.
LOWEST, HIGHEST = 1e-8, 1e4
# The largest difference at which two curves are called one.
SAME = 1e-6
NOTHING: Twin = (torch.empty(0), torch.empty(0))


@dataclass(frozen=True)
class Curves:
    """An activation and its slope over x, torch's and the student's own."""

    name: str
    options: Mapping[str, float]
    x: Tensor
    value: Tensor
    slope: Tensor
    own: Attempt[Twin]
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
    signal: Tensor
    gradient: Tensor
    own: Attempt[Twin]

    @property
    def same(self) -> bool:
        """Whether both of the student's curves lie on torch's, by the same share everywhere."""
        pairs = zip(self.own.value or (), (self.signal, self.gradient), strict=True)
        return all(torch.allclose(own, y, rtol=1e-3, atol=0) for own, y in pairs)


def curves(**functions: Function) -> Explorer:
    """Return a widget that draws the given functions, by name, over torch's.

    Raises ValueError for a name that torch has no curve for.
    """
    return Explorer(
        {
            "name": ipywidgets.Dropdown(options=_names(functions), description="Function"),
            "probe": ipywidgets.FloatSlider(1.0, min=-6, max=6, step=0.1, description="Input x"),
            "negative_slope": ipywidgets.FloatSlider(
                0.1, min=0, max=1, step=0.01, description="negative_slope"
            ),
            "alpha": ipywidgets.FloatSlider(1.0, min=0, max=2, step=0.05, description="alpha"),
        },
        partial(compute_curves, functions),
        CurvesView(),
        describe_curves,
        in_use=lambda state: {"name", "probe", *OPTIONS.get(state.name, ())},
    )


def depth(**functions: Function) -> Explorer:
    """Return a widget that sends a signal through many layers of the given functions and torch's.

    Raises ValueError for a name that torch has no curve for.
    """
    return Explorer(
        {
            "name": ipywidgets.Dropdown(options=_names(functions), description="Function"),
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
    yours = partial(functions[name], **wanted)
    at, slope_at = _value_and_slope(reference, torch.tensor([probe], dtype=torch.float64))
    return Curves(
        name=name,
        options=wanted,
        x=x,
        value=value,
        slope=slope,
        own=attempt(lambda: _value_and_slope(yours, x), (value, slope), tolerance=SAME),
        probe=probe,
        probe_value=at.item(),
        probe_slope=slope_at.item(),
    )


def describe_curves(state: Curves) -> str:
    """Say in words what the curve widget shows."""
    only = "Only torch's curve is drawn: yours" if state.own.problem else "Your curve"
    options = " and ".join(f"{key} {value:.2f}" for key, value in state.options.items())
    return (
        f"{state.name}{options and ' with '}{options} and its slope from -6 to 6. "
        f"At x = {state.probe:.1f} the value is {state.probe_value:.3f} and the slope "
        f"{state.probe_slope:.3f}. {only} {state.own.words}."
    )


def compute_depth(
    functions: Mapping[str, Function], *, name: str, layers: int, gain: float, seed: int
) -> Depth:
    """Send one batch forward and one gradient backward through layers of equal width."""
    signal, gradient = _spreads(REFERENCES[name], layers=layers, gain=gain, seed=seed)
    own = attempt(lambda: _spreads(functions[name], layers=layers, gain=gain, seed=seed))
    return Depth(name, gain, signal, gradient, own)


def describe_depth(state: Depth) -> str:
    """Say in words what the depth widget shows."""
    if state.own.problem:
        own = f"Only torch's is drawn: yours {state.own.problem}."
    else:
        own = f"Yours {'agrees' if state.same else 'differs'}."
    layers = len(state.signal)
    return (
        f"{layers} {'layer' if layers == 1 else 'layers'} of {state.name} with gain "
        f"{state.gain:.2f}. The signal has standard deviation {state.signal[-1]:.2g} after the "
        f"last layer; of a gradient of 1 at the end, {state.gradient[0]:.2g} reaches the first. "
        f"{own}"
    )


class CurvesView:
    """Two panels: the value with a tangent at the probe, and the slope."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.6)
        value, slope = self.axes
        for axes, title in ((value, "value f(x)"), (slope, "slope f'(x)")):
            axes.set(xlim=(-6, 6), xlabel="x")
            axes.set_title(title, loc="left")
            axes.grid(visible=True)
            axes.axhline(0, color=GREY, linewidth=0.8)
        value.set_ylim(-2.5, 6)
        slope.set_ylim(-0.5, 3.2)  # elu reaches 2; the words stand above
        lines = [_twin_lines(axes) for axes in self.axes]
        self._reference, self._own = zip(*lines, strict=True)
        (self._tangent,) = value.plot(
            [], [], color=INK, linewidth=1, linestyle=":", label="tangent"
        )
        self._dots = [axes.plot([], [], "o", color=INK, markersize=7)[0] for axes in self.axes]
        self._texts = [_text(axes) for axes in self.axes]
        _legend(value, [self._reference[0], self._own[0], self._tangent])

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._reference, *self._own, self._tangent, *self._dots, *self._texts]

    def update(self, state: Curves) -> None:
        for line, y in zip(self._reference, (state.value, state.slope), strict=True):
            line.set_data(state.x, y)
        for line, own in zip(self._own, state.own.value or NOTHING, strict=True):
            line.set_data(state.x[: len(own)], own)
        ends = torch.tensor([state.probe - 1.5, state.probe + 1.5])
        self._tangent.set_data(ends, state.probe_value + state.probe_slope * (ends - state.probe))
        self._dots[0].set_data([state.probe], [state.probe_value])
        self._dots[1].set_data([state.probe], [state.probe_slope])
        self._texts[0].set_text(f"{state.name}({state.probe:.1f}) = {state.probe_value:.3f}")
        self._texts[1].set_text(
            f"slope {state.probe_slope:.3f}\n{'' if state.own.agrees else _short(state.own.words)}"
        )


class DepthView:
    """Two panels over the layers: spread of the signal, and of the gradient."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.6)
        titles = ("forward: signal after layer", "backward: gradient before layer")
        for axes, title in zip(self.axes, titles, strict=True):
            # Above the highest point there is room for the words.
            axes.set(xlim=(0, LAYERS + 1), ylim=(LOWEST / 3, HIGHEST * 1e4), xlabel="layer")
            axes.set(yscale="log", yticks=[LOWEST, 1e-4, 1, HIGHEST])
            axes.set_title(title, loc="left")
            axes.grid(visible=True)
            axes.axhline(1, color=GREY, linewidth=0.8)
            band = axes.axhspan(0.1, 10, color="#e4e4e4", label="0.1 to 10")
        lines = [_twin_lines(axes) for axes in self.axes]
        self._reference, self._own = zip(*lines, strict=True)
        for line in (*self._reference, *self._own):
            line.set_marker(".")  # a single layer is a point, and a line of one point is not drawn
        self._texts = [_text(axes) for axes in self.axes]
        _legend(self.axes[0], [self._reference[0], self._own[0], band])

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._reference, *self._own, *self._texts]

    def update(self, state: Depth) -> None:
        layer = range(1, len(state.signal) + 1)
        for line, y in zip(self._reference, (state.signal, state.gradient), strict=True):
            line.set_data(layer, _clip(y))
        for line, own in zip(self._own, state.own.value or NOTHING, strict=True):
            line.set_data(layer[: len(own)], _clip(own))
        self._texts[0].set_text(f"{state.name}: {state.signal[-1]:.2g} after the last")
        problem = _short(state.own.problem) if state.own.problem else ""
        self._texts[1].set_text(f"{state.gradient[0]:.2g} at the first\n{problem}")


@cache
def _weights(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Input, weights of all layers with variance 1 / width, and a gradient for the output."""
    generator = torch.Generator().manual_seed(seed)
    # In float64: in float32 a fading gradient goes subnormal, which is a hundred times slower.
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    x = draw(BATCH, WIDTH)
    weights = draw(LAYERS, WIDTH, WIDTH) / WIDTH**0.5
    return x, weights, draw(BATCH, WIDTH)


def _spreads(f: Function, *, layers: int, gain: float, seed: int) -> Twin:
    x, weights, grad_out = _weights(seed)
    signals = [x.requires_grad_()]
    for weight in weights[:layers]:
        signals.append(fitting(f(signals[-1] @ (gain * weight)), x.shape))
    gradients = torch.autograd.grad(signals[-1], signals[:-1], grad_out)
    return (
        torch.stack([h.detach().std() for h in signals[1:]]),
        torch.stack([g.square().mean().sqrt() for g in gradients]),
    )


def _value_and_slope(f: Function, x: Tensor) -> Twin:
    leaf = x.clone().requires_grad_()
    y = fitting(f(leaf), x.shape)
    (slope,) = torch.autograd.grad(y.sum(), leaf)
    return y.detach(), slope


def _short(words: str) -> str:
    """Fit what is said of a student's function into a panel; the alt text has all of it."""
    return textwrap.fill(f"yours {words}", 38, max_lines=3, placeholder=" ...")


def _text(axes: Axes) -> Text:
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
    return axes.text(0.03, 0.96, "", transform=axes.transAxes, va="top", bbox=box)


def _legend(axes: Axes, handles: list[Artist]) -> None:
    """Put one legend for both panels below them, where no curve runs."""
    axes.figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)


def _twin_lines(axes: Axes) -> tuple[Line2D, Line2D]:
    """A broad line for torch's curve, and a dashed one that can lie on top of it."""
    (reference,) = axes.plot([], [], color=BLUE, linewidth=5, alpha=0.45, label="torch")
    (own,) = axes.plot([], [], color=ORANGE, linewidth=1.8, linestyle="--", label="yours")
    return reference, own


def _clip(y: Tensor) -> Tensor:
    return y.nan_to_num(nan=HIGHEST, posinf=HIGHEST).clip(LOWEST, HIGHEST)


def _names(functions: Mapping[str, Function]) -> list[str]:
    if not functions:
        raise ValueError(f"functions are none; expected some of {', '.join(REFERENCES)}")
    return known(functions, REFERENCES)
