"""How far a shift of an image moves its features, with and without pooling.

Features are edges of real digits, found by four fixed filters. A distance needs a scale: 1 is the
mean distance between the features of images of different digits.
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
from numpy.typing import NDArray
from torch import Tensor

from course.comparison import compare, known
from course.datasets import digits
from course.figures import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, panels
from course.figures.pooling import MARGIN, SIDE, edges
from course.widgets.explorer import Explorer

__all__ = ["compute_moves", "describe_moves", "moves"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]

WAYS = ("no pooling", "stride", "average", "max", "global average")
OWN = {"average": "avg_pool2d", "max": "max_pool2d"}
# How many test images the distances are averaged over, and the longest shift.
IMAGES, FARTHEST = 100, MARGIN


@dataclass(frozen=True)
class Moves:
    """Features of a digit and of the same digit moved, and distances over the shift.

    before and after are sums of the four pooled maps. distances has, for each way of pooling, the
    mean distance between features of an image and of the same image moved by 0, 1, ... pixels,
    where 1 is the mean distance between images of different digits.
    """

    way: str
    window: int
    shift: int
    digit: int
    before: Numbers
    after: Numbers
    distances: Mapping[str, Numbers]
    own: str


def moves(**functions: Function) -> Explorer:
    """Return a widget that moves a digit and shows what its features do.

    functions are the student's max_pool2d and avg_pool2d, any of them.
    """
    known(functions, OWN.values())
    return Explorer(
        {
            "way": ipywidgets.Dropdown(options=list(WAYS), description="Way of pooling"),
            "window": ipywidgets.IntSlider(2, min=2, max=4, description="Window and stride"),
            "shift": ipywidgets.IntSlider(1, min=0, max=FARTHEST, description="Shift in pixels"),
            "digit": ipywidgets.IntSlider(3, min=0, max=9, description="Digit"),
        },
        partial(compute_moves, functions),
        MovesView(),
        describe_moves,
    )


def compute_moves(
    functions: Mapping[str, Function], *, way: str, window: int, shift: int, digit: int
) -> Moves:
    """Pool the features of a digit and of the same digit moved to the right."""
    index = int((_labels() == digit).nonzero()[0])
    pair = torch.stack([_features(0)[index], _features(shift)[index]])
    pooled = _pool(pair, way, window)
    options = {"kernel_size": window}
    own = ""
    if way in OWN:
        own = compare(functions.get(OWN[way]), pair, pooled, options)
    maps = pooled[:, :, None, None] if pooled.dim() == 2 else pooled
    before, after = maps.sum(dim=1).double().numpy()
    return Moves(way, window, shift, digit, before, after, _distances(window), own)


def describe_moves(state: Moves) -> str:
    """Say in words what the widget of moving features shows."""
    distance = state.distances[state.way][state.shift]
    how = "" if state.way in ("no pooling", "global average") else f" of {state.window}"
    pixels = "pixel" if state.shift == 1 else "pixels"
    others = ", ".join(
        f"{way} {values[state.shift]:.2f}" for way, values in state.distances.items()
    )
    own = f" {state.own[0].upper()}{state.own[1:]}." if state.own else ""
    return (
        f"Edge features of a {state.digit}, {state.way}{how}, beside those of the same digit "
        f"{state.shift} {pixels} to the right. On average such a shift moves the features by "
        f"{distance:.2f} of the distance to another digit. For all ways: {others}.{own}"
    )


class MovesView:
    """The pooled features before and after the shift, and the distances over the shift."""

    def __init__(self) -> None:
        self.axes = panels(1, 3, height=3.3)
        titles = ("pooled features", "after the shift", "distance of features")
        for axes, title in zip(self.axes, titles, strict=True):
            axes.set_title(title, loc="left")
        blank = np.zeros((2, 2))
        self._maps = []
        for axes in self.axes[:2]:
            image = axes.imshow(blank, cmap="Greys", vmin=0, vmax=1, extent=(0, SIDE, SIDE, 0))
            axes.set(xticks=range(0, SIDE + 1, 4), yticks=range(0, SIDE + 1, 4))
            self._maps.append(image)
        curve = self.axes[2]
        curve.set(xlim=(-0.2, FARTHEST + 0.2), ylim=(-0.1, 3.5), xlabel="shift in pixels")
        curve.axhline(1, color=GREY, linewidth=0.8)
        curve.text(FARTHEST + 0.15, 1.04, "another digit", ha="right", color=INK, fontsize="small")
        curve.grid(visible=True)
        looks = zip(WAYS, (INK, GREY, GREEN, BLUE, PURPLE), "osD^x", strict=True)
        self._lines = {
            way: curve.plot([], [], color=color, marker=marker, markersize=5, label=way)[0]
            for way, color, marker in looks
        }
        (self._here,) = curve.plot(
            [], [], "o", color=ORANGE, markersize=13, fillstyle="none", markeredgewidth=2
        )
        curve.legend(loc="upper left", fontsize="small", framealpha=1)
        self._texts = [
            axes.text(0.3, SIDE - 0.3, "", va="bottom", color=INK, fontsize="small")
            for axes in self.axes[:2]
        ]

    @property
    def moving(self) -> Iterable[Artist]:
        return [*self._maps, *self._lines.values(), self._here, *self._texts]

    def update(self, state: Moves) -> None:
        top = state.before.max()
        for image, features in zip(self._maps, (state.before, state.after), strict=True):
            image.set_data(features / top)
        shifts = np.arange(FARTHEST + 1)
        for way, line in self._lines.items():
            line.set_data(shifts, state.distances[way])
        self._here.set_data([state.shift], [state.distances[state.way][state.shift]])
        self._texts[0].set_text(textwrap.fill(state.own, 28, max_lines=3, placeholder=" ..."))
        self._texts[1].set_text(f"distance {state.distances[state.way][state.shift]:.2f}")


@cache
def _labels() -> Tensor:
    return digits()[1].labels[:IMAGES]


@cache
def _features(shift: int) -> Tensor:
    """Edges of the first test images on their canvas, all moved to the right by so many pixels."""
    images = F.pad(digits()[1].images[:IMAGES], (MARGIN,) * 4)
    return edges(images.roll(shift, dims=3))


@cache
def _distances(window: int) -> Mapping[str, Numbers]:
    labels = _labels()
    different = labels[:, None] != labels
    result = {}
    for way in WAYS:
        still, *moved = (
            _pool(_features(shift), way, window).flatten(1) for shift in range(FARTHEST + 1)
        )
        scale = torch.cdist(still, still)[different].mean()
        distances = [0.0, *((m - still).norm(dim=1).mean() / scale for m in moved)]
        result[way] = np.array([float(d) for d in distances])
    return result


def _pool(features: Tensor, way: str, window: int) -> Tensor:
    if way == "stride":
        return features[:, :, ::window, ::window]
    if way == "average":
        return F.avg_pool2d(features, window)
    if way == "max":
        return F.max_pool2d(features, window)
    return features.mean(dim=(2, 3)) if way == "global average" else features
