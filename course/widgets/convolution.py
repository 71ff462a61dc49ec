"""Widgets of the lesson on convolution that need no trained network.

``stepper`` moves a kernel over a photograph, with a student's convolution beside torch's; ``cost``
compares what a convolution, a local layer and a dense layer hold and compute.
"""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.artist import Artist
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from numpy.typing import NDArray
from torch import Tensor

from course.comparison import Attempt, attempt, fitting
from course.datasets import photo
from course.figures import BLUE, GREEN, GREY, INK, ORANGE, panels
from course.widgets.explorer import Explorer

__all__ = ["KERNELS", "compute_cost", "compute_step", "cost", "stepper"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]

KERNELS: dict[str, list[list[float]]] = {
    "edges that run top to bottom": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "edges that run left to right": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "spots and corners": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "average": [[1 / 9] * 3] * 3,
    "nothing but the middle": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
}
# The photograph is so coarse that a student's four loops over it take some 20 ms.
HEIGHT, WIDTH = 28, 42
MOST_PADDING = 2

LAYERS = ("convolution", "local layer", "dense layer")
HATCHES = ("", "..", "//")


@dataclass(frozen=True)
class Step:
    """A kernel at one place of a padded photograph, and the feature map of all places.

    own is the student's map.
    """

    kernel: str
    weights: Numbers
    stride: int
    padding: int
    row: int
    column: int
    padded: Numbers
    window: Numbers
    feature_map: Tensor
    own: Attempt[Tensor]

    @property
    def value(self) -> float:
        """The number that torch's convolution gives here."""
        return self.feature_map[self.row, self.column].item()


@dataclass(frozen=True)
class Cost:
    """Parameters and multiply-adds per image of three layers with equally many outputs.

    own is the student's count of the convolution's parameters.
    """

    side: int
    in_channels: int
    out_channels: int
    kernel_size: int
    out_side: int
    parameters: tuple[int, int, int]
    multiply_adds: tuple[int, int, int]
    own: Attempt[int]


def stepper(convolution: Function) -> Explorer:
    """Return a widget that moves a kernel over a photograph; convolution(x, w, ...) is yours."""
    return Explorer(
        {
            "kernel": ipywidgets.Dropdown(options=list(KERNELS), description="Kernel"),
            "row": ipywidgets.IntSlider(9, min=0, max=HEIGHT - 1, description="Row"),
            "column": ipywidgets.IntSlider(12, min=0, max=WIDTH - 1, description="Column"),
            "stride": ipywidgets.IntSlider(1, min=1, max=4, description="Stride"),
            "padding": ipywidgets.IntSlider(0, min=0, max=MOST_PADDING, description="Padding"),
        },
        partial(compute_step, convolution),
        StepView(),
        describe_step,
    )


def cost(*, conv_parameters: Callable[..., int]) -> Explorer:
    """Return a widget that compares three layers; conv_parameters is yours."""
    pick = ipywidgets.SelectionSlider
    return Explorer(
        {
            "side": pick(
                options=[8, 16, 28, 32, 56, 64, 112, 128, 224],
                value=32,
                description="Side of image",
            ),
            "in_channels": pick(options=[1, 3, 16, 64, 256], value=3, description="Channels in"),
            "out_channels": pick(
                options=[1, 10, 64, 256, 512], value=10, description="Channels out"
            ),
            "kernel_size": pick(options=[1, 3, 5, 7], value=3, description="Kernel size"),
            "stride": pick(options=[1, 2, 4], value=1, description="Stride"),
        },
        partial(compute_cost, conv_parameters),
        CostView(),
        describe_cost,
    )


def compute_step(
    convolution: Function, *, kernel: str, row: int, column: int, stride: int, padding: int
) -> Step:
    """Convolve the photograph, torch's way and the student's; row and column count outputs.

    A position beyond the last output means the last one.
    """
    feature_map = _feature_map(F.conv2d, kernel, stride, padding)
    own = attempt(lambda: _feature_map(convolution, kernel, stride, padding), feature_map)
    row, column = min(row, len(feature_map) - 1), min(column, feature_map.shape[1] - 1)
    padded = np.pad(_grey()[0, 0].numpy(), padding)
    top, left = row * stride, column * stride
    return Step(
        kernel=kernel,
        weights=np.array(KERNELS[kernel], dtype=np.float64),
        stride=stride,
        padding=padding,
        row=row,
        column=column,
        padded=padded,
        window=padded[top : top + 3, left : left + 3],
        feature_map=feature_map,
        own=own,
    )


def describe_step(state: Step) -> str:
    """Say in words what the stepper shows."""
    only = "Only torch's map is known: yours" if state.own.problem else "Your map"
    return (
        f"The kernel for {state.kernel} with stride {state.stride} and padding {state.padding} on "
        f"a photograph of {HEIGHT} by {WIDTH} pixels gives a map of "
        f"{' by '.join(map(str, state.feature_map.shape))}. "
        f"At row {state.row}, column {state.column} it is {state.value:.2f}. "
        f"{only} {state.own.words}."
    )


def compute_cost(
    conv_parameters: Callable[..., int],
    *,
    side: int,
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int,
) -> Cost:
    """Count what three layers to the same maps hold and compute, padded to keep the size."""
    out_side = (side - 1) // stride + 1
    outputs, inputs = out_channels * out_side**2, in_channels * side**2
    window = in_channels * kernel_size**2
    parameters = (out_channels * (window + 1), outputs * (window + 1), outputs * (inputs + 1))
    conv = partial(conv_parameters, in_channels, out_channels, kernel_size=kernel_size)
    return Cost(
        side=side,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        out_side=out_side,
        parameters=parameters,
        multiply_adds=(outputs * window, outputs * window, outputs * inputs),
        own=attempt(conv, parameters[0]),
    )


def describe_cost(state: Cost) -> str:
    """Say in words what the cost widget shows."""
    sentences = [
        f"From {state.in_channels} to {state.out_channels} channels on {state.side} by "
        f"{state.side} pixels with a kernel of {state.kernel_size} by {state.kernel_size}."
    ]
    for name, held, done in zip(LAYERS, state.parameters, state.multiply_adds, strict=True):
        sentences.append(f"{name.capitalize()}: {held:,} parameters, {done:,} multiply-adds.")
    return " ".join([*sentences, f"As for the convolution's parameters, {_verdict(state)}."])


class StepView:
    """Photograph with the window, the nine products, and the feature map with the place in it."""

    def __init__(self) -> None:
        self.axes = panels(1, 3, height=2.9)
        image, products, feature_map = self.axes
        extra = MOST_PADDING
        image.set(
            xlim=(-0.5 - extra, WIDTH + extra - 0.5), ylim=(HEIGHT + extra - 0.5, -extra - 0.5)
        )
        feature_map.set(xlim=(-0.5, WIDTH + 1.5), ylim=(HEIGHT + 1.5, -0.5))
        products.set(xlim=(0, 3), ylim=(3.9, -0.1))
        for axes, title in zip(
            self.axes, ("photograph, padded", "pixel times weight", "feature map"), strict=True
        ):
            axes.set_title(title, loc="left")
            axes.set_aspect("equal")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        self._image = image.imshow(np.zeros((2, 2)), cmap="gray", vmin=0, vmax=1)
        self._map = feature_map.imshow(np.zeros((2, 2)), cmap="gray")
        # imshow resets the limits.
        image.set(
            xlim=(-0.5 - extra, WIDTH + extra - 0.5), ylim=(HEIGHT + extra - 0.5, -extra - 0.5)
        )
        feature_map.set(xlim=(-0.5, WIDTH + 1.5), ylim=(HEIGHT + 1.5, -0.5))
        self._window, self._place = (
            Rectangle((0, 0), side, side, facecolor="none", linewidth=2.5, edgecolor=ORANGE)
            for side in (3, 1)
        )
        image.add_patch(self._window)
        feature_map.add_patch(self._place)
        self._cells = [
            products.text(c + 0.5, r + 0.5, "", ha="center", va="center", fontsize=8.5)
            for r in range(3)
            for c in range(3)
        ]
        for line in range(4):
            products.plot([0, 3], [line, line], color=GREY, linewidth=0.8)
            products.plot([line, line], [0, 3], color=GREY, linewidth=0.8)
        self._sum = products.text(1.5, 3.2, "", ha="center", va="top", fontsize=9)

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._image, self._map, self._window, self._place, *self._cells, self._sum]

    def update(self, state: Step) -> None:
        shift = state.padding
        _show(self._image, state.padded, offset=-shift)
        _show(self._map, state.feature_map.numpy(), offset=0)
        limit = max(state.feature_map.abs().max().item(), 1e-9)
        low = 0.0 if state.feature_map.min() >= 0 else -limit
        self._map.set_clim(low, limit)
        top, left = state.row * state.stride - shift, state.column * state.stride - shift
        self._window.set_xy((left - 0.5, top - 0.5))
        self._place.set_xy((state.column - 0.5, state.row - 0.5))
        pairs = zip(state.window.flat, state.weights.flat, strict=True)
        for cell, (pixel, weight) in zip(self._cells, pairs, strict=True):
            cell.set_text(f"{pixel:.2f}\n\u00d7 {weight:.3g}")
        if state.own.value is None:
            own = textwrap.fill(state.own.problem, 30, max_lines=2, placeholder=" ...")
        else:
            own = f"{state.own.value[state.row, state.column]:.2f}"
        self._sum.set_text(f"sum {state.value:.2f}\nyours {own}")


class CostView:
    """Two panels of three bars each, on a logarithmic axis: parameters and multiply-adds."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=2.6)
        self._bars: list[Rectangle] = []
        self._labels: list[Text] = []
        for axes, title in zip(self.axes, ("parameters", "multiply-adds per image"), strict=True):
            axes.set(xscale="log", xlim=(1, 1e15), ylim=(2.7, -0.9), xlabel="")
            axes.set_yticks(range(3), LAYERS if title == "parameters" else ["", "", ""])
            axes.set_xticks([1, 1e3, 1e6, 1e9, 1e12], ["1", "1 k", "1 M", "1 G", "1 T"])
            axes.minorticks_off()
            axes.set_title(title, loc="left")
            axes.grid(visible=True, axis="x")
            for y, (color, hatch) in enumerate(zip((BLUE, GREEN, ORANGE), HATCHES, strict=True)):
                bar = Rectangle((1, y - 0.3), 1, 0.6, fc=color, hatch=hatch, ec="white")
                axes.add_patch(bar)
                self._bars.append(bar)
            self._labels += [axes.text(1, y, "", va="center", fontsize=9) for y in range(3)]
        self._own = self.axes[0].text(0.98, 0.98, "", ha="right", va="top", color=INK, fontsize=9)
        self._own.set_transform(self.axes[0].transAxes)

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._bars, *self._labels, self._own]

    def update(self, state: Cost) -> None:
        values = [*state.parameters, *state.multiply_adds]
        for bar, label, value in zip(self._bars, self._labels, values, strict=True):
            bar.set_width(value - 1)
            label.set_x(value * 1.6)
            label.set_text(_short(value))
        self._own.set_text(textwrap.fill(_verdict(state), 40, max_lines=2, placeholder=" ..."))


@lru_cache(maxsize=1)
def _grey() -> Tensor:
    return photo("china", height=HEIGHT).mean(dim=0)[None, None].double()


@lru_cache(maxsize=128)
def _feature_map(convolution: Function, kernel: str, stride: int, padding: int) -> Tensor:
    """The map of the photograph; kept, because a student's loops are slow."""
    weights = torch.tensor(KERNELS[kernel], dtype=torch.float64)[None, None]
    places = ((side + 2 * padding - 3) // stride + 1 for side in (HEIGHT, WIDTH))
    y = convolution(_grey().clone(), weights, stride=stride, padding=padding)
    return fitting(y, (1, 1, *places)).detach()[0, 0]


def _show(image: AxesImage, values: Numbers, *, offset: int) -> None:
    height, width = values.shape
    image.set_data(values)
    image.set_extent((offset - 0.5, offset + width - 0.5, offset + height - 0.5, offset - 0.5))


def _verdict(state: Cost) -> str:
    """Say how the student's count does; where it differs, which it is."""
    if state.own.problem or state.own.agrees:
        return f"yours {state.own.words}"
    return f"yours: {state.own.value:,.0f}"


def _short(value: int) -> str:
    for unit, name in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:,}"
