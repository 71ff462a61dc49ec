"""Widgets of the lesson on activation functions; its still figures lie in the module beside.

``curves`` draws a student's functions and their slopes over torch's; ``depth`` shows what many
layers do to the spread of a signal on the way in and of a gradient on the way back.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray
from torch import Tensor

from course.figures import BLUE, GREY, INK, ORANGE, panels
from course.widgets.activations_figures import bend, gate, overflow
from course.widgets.explorer import Explorer

__all__ = ["bend", "compute_curves", "compute_depth", "curves", "depth", "gate", "overflow"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]
# Value and slope, or signal and gradient.
Twin = tuple[Numbers, Numbers]

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
# The largest difference at which two curves are called one.
SAME = 1e-6
# The axes of the depth widget; what leaves them is drawn on their rim.
LOWEST, HIGHEST = 1e-8, 1e4


class Misfit(Exception):
    """A student's function returned something of another shape."""


@dataclass(frozen=True)
class Curves:
    """An activation and its slope over x, torch's and the student's; own_* is None without one.

    problem says why there is none, gap is the largest difference of value or slope.
    """

    name: str
    options: Mapping[str, float]
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

    @property
    def same(self) -> bool:
        """Whether both of the student's curves lie on torch's."""
        pairs = ((self.own_signal, self.signal), (self.own_gradient, self.gradient))
        return all(own is not None and np.allclose(own, y, rtol=1e-3, atol=0) for own, y in pairs)


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
        in_use=lambda state: {"name", "probe", *OPTIONS.get(state.name, ())},
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
    own, problem = _attempt(lambda: _value_and_slope(partial(functions[name], **wanted), x))
    own_value, own_slope = own or (None, None)
    at, slope_at = _value_and_slope(reference, torch.tensor([probe], dtype=torch.float64))
    return Curves(
        name=name,
        options=wanted,
        x=x.numpy(),
        value=value,
        slope=slope,
        own_value=own_value,
        own_slope=own_slope,
        problem=problem,
        gap=_gap(own, (value, slope)),
        probe=probe,
        probe_value=at[0],
        probe_slope=slope_at[0],
    )


def describe_curves(state: Curves) -> str:
    """Say in words what the curve widget shows."""
    if state.problem:
        own = f"Only torch's curve is drawn: {state.problem}."
    elif state.gap < SAME:
        own = "Your curve lies on torch's."
    else:
        own = f"Your curve leaves torch's{_by(state.gap)}."
    options = " and ".join(f"{key} {value:.2f}" for key, value in state.options.items())
    return (
        f"{state.name}{options and ' with '}{options} and its slope from -6 to 6. "
        f"At x = {state.probe:.1f} the value is {state.probe_value:.3f} and the slope "
        f"{state.probe_slope:.3f}. {own}"
    )


def compute_depth(
    functions: Mapping[str, Function], *, name: str, layers: int, gain: float, seed: int
) -> Depth:
    """Send one batch forward and one gradient backward through layers of equal width."""
    signal, gradient = _spreads(REFERENCES[name], layers=layers, gain=gain, seed=seed)
    own, problem = _attempt(lambda: _spreads(functions[name], layers=layers, gain=gain, seed=seed))
    own_signal, own_gradient = own or (None, None)
    return Depth(name, gain, signal, gradient, own_signal, own_gradient, problem)


def describe_depth(state: Depth) -> str:
    """Say in words what the depth widget shows."""
    if state.problem:
        own = f"Only torch's is drawn: {state.problem}."
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
        for line, own in zip(self._own, (state.own_value, state.own_slope), strict=True):
            line.set_data(*((state.x, own) if own is not None else ([], [])))
        ends = np.array([state.probe - 1.5, state.probe + 1.5])
        self._tangent.set_data(ends, state.probe_value + state.probe_slope * (ends - state.probe))
        self._dots[0].set_data([state.probe], [state.probe_value])
        self._dots[1].set_data([state.probe], [state.probe_slope])
        off = "" if state.gap < SAME else f"yours is off{_by(state.gap)}"
        self._texts[0].set_text(f"{state.name}({state.probe:.1f}) = {state.probe_value:.3f}")
        self._texts[1].set_text(
            f"slope {state.probe_slope:.3f}\n{_short(state.problem or off)}".rstrip()
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
        layer = np.arange(1, len(state.signal) + 1)
        for line, y in zip(self._reference, (state.signal, state.gradient), strict=True):
            line.set_data(layer, _clip(y))
        for line, own in zip(self._own, (state.own_signal, state.own_gradient), strict=True):
            line.set_data(*((layer, _clip(own)) if own is not None else ([], [])))
        self._texts[0].set_text(f"{state.name}: {state.signal[-1]:.2g} after the last")
        words = f"{state.gradient[0]:.2g} at the first\n{_short(state.problem)}"
        self._texts[1].set_text(words.rstrip())


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
        signals.append(f(signals[-1] @ (gain * weight)))
    gradients = torch.autograd.grad(signals[-1], signals[:-1], grad_out)
    return (
        np.array([h.detach().std().item() for h in signals[1:]]),
        np.array([g.square().mean().sqrt().item() for g in gradients]),
    )


def _value_and_slope(f: Function, x: Tensor) -> Twin:
    leaf = x.clone().requires_grad_()
    y = f(leaf)
    if not isinstance(y, Tensor) or y.shape != x.shape:
        got = f"shape {tuple(y.shape)}" if isinstance(y, Tensor) else f"a {type(y).__name__}"
        raise Misfit(f"returns {got}, expected shape {tuple(x.shape)}")
    (slope,) = torch.autograd.grad(y.sum(), leaf)
    return y.detach().numpy(), slope.numpy()


def _attempt(call: Callable[[], Twin]) -> tuple[Twin | None, str]:
    """Return what a student's function gives, or why it gives nothing."""
    try:
        return call(), ""
    except NotImplementedError:
        return None, "yours is not written yet"
    except Misfit as error:
        return None, f"yours {error}"
    except Exception as error:
        return None, f"yours raises {type(error).__name__}: {str(error).rstrip('.')}"


def _gap(own: Twin | None, reference: Twin) -> float:
    """Return the largest difference of two pairs of curves; not a number where one has holes."""
    pairs = zip(own or reference, reference, strict=True)
    return float(np.max([np.abs(a - b).max() for a, b in pairs]))


def _by(gap: float) -> str:
    return ": it has holes" if np.isnan(gap) else f" by up to {gap:.2g}"


def _short(problem: str) -> str:
    """Fit words into a panel; the alt text has all of them."""
    return textwrap.fill(textwrap.shorten(problem, 90, placeholder=" ..."), 38)


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
