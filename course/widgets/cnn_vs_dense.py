"""A trained convolutional network, opened: any of its numbers, back to the pixels.

A network is looked at from outside, by its ``Conv2d`` layers, so that any of them will do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import nn

from course.comparison import Misfit, attempt, fitting
from course.datasets import Images
from course.figures import BLUE, GREY, INK, ORANGE, panels
from course.race import convolutional
from course.reach import field_of
from course.widgets.explorer import Explorer

__all__ = ["Number", "compute_number", "describe_number", "inside", "usable"]

Numbers = NDArray[np.float64]
# Gaps between maps are grey, so that an empty map can be told from none.
MAPS = colormaps["gray_r"].with_extremes(bad="#c9d3dd")
SIDE, KERNEL = 16, 3


@dataclass(frozen=True)
class Number:
    """One number of a map, the part of the image behind it, and the largest part of its sum.

    maps are all maps of the layer, above 0. top, left and side say which square of the image the
    number can see. source is the input map that adds most to it, window what the kernel meets
    there, share the sum of their products, value the number itself, before the ReLU.
    """

    image: Numbers
    label: int
    said: int
    layer: int
    channel: int
    row: int
    column: int
    maps: Numbers
    top: int
    left: int
    side: int
    source: int
    window: Numbers
    kernel: Numbers
    share: float
    value: float


def usable(own: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return own if it makes a convolutional network for figures, else a ready-made one."""

    def learns() -> None:
        network = own()
        logits = fitting(network(torch.zeros(2, 1, SIDE, SIDE)), (2, 10))
        F.cross_entropy(logits, torch.tensor([0, 1])).backward()
        if not any(isinstance(module, nn.Conv2d) for module in network.modules()):
            raise Misfit("has no nn.Conv2d layer to look at")

    problem = attempt(learns).problem
    print(f"a ready-made network, since yours {problem}" if problem else "your network")  # noqa: T201  # the lesson's text refers to this line
    return convolutional if problem else own


def inside(network: nn.Sequential, data: Images) -> Explorer:
    """Return a widget that opens a network of 3 x 3 convolutions, at any number of any map."""
    places = _convolutions(network)
    layers = {f"{n}: {_at(network, at).out_channels} maps": n for n, at in enumerate(places, 1)}
    most = max(_at(network, at).out_channels for at in places)
    slider = ipywidgets.IntSlider
    return Explorer(
        {
            "number": slider(3, min=0, max=len(data) - 1, description="Image"),
            "layer": ipywidgets.Dropdown(options=layers, description="Layer"),
            "channel": slider(0, min=0, max=most - 1, description="Map"),
            "row": slider(7, min=0, max=SIDE - 1, description="Row"),
            "column": slider(7, min=0, max=SIDE - 1, description="Column"),
        },
        partial(compute_number, network, data),
        NumberView(),
        describe_number,
    )


def compute_number(
    network: nn.Sequential,
    data: Images,
    *,
    number: int,
    layer: int,
    channel: int,
    row: int,
    column: int,
) -> Number:
    """Send one image through the network and take one number apart.

    A map or place beyond the last means the last.
    """
    image = data.images[number : number + 1]
    at = _convolutions(network)[layer - 1]
    conv = _at(network, at)
    with torch.no_grad():
        below = network[:at](image)
        maps = conv(below)
        said = int(network(image).argmax())
    channel, row, column = (
        min(v, n - 1) for v, n in zip((channel, row, column), maps.shape[1:], strict=True)
    )
    pad, step = int(conv.padding[0]), conv.stride[0]
    padded = F.pad(below, (pad,) * 4)[0]
    top, left = row * step, column * step
    windows = padded[:, top : top + KERNEL, left : left + KERNEL].double()
    kernels = conv.weight.detach()[channel].double()
    shares = (windows * kernels).sum(dim=(1, 2))
    source = int(shares.abs().argmax())
    side, jump, first = field_of(network, at)
    return Number(
        image=image[0, 0].double().numpy(),
        label=int(data.labels[number]),
        said=said,
        layer=layer,
        channel=channel,
        row=row,
        column=column,
        maps=maps[0].relu().double().numpy(),
        top=first + jump * row,
        left=first + jump * column,
        side=side,
        source=source,
        window=windows[source].numpy(),
        kernel=kernels[source].numpy(),
        share=shares[source].item(),
        value=maps[0, channel, row, column].item(),
    )


def describe_number(state: Number) -> str:
    """Say in words what the opened network shows."""
    below = "the image" if state.layer == 1 else f"map {state.source} of layer {state.layer - 1}"
    return (
        f"A {state.label}, read as {state.said}. Layer {state.layer}, map {state.channel}, row "
        f"{state.row}, column {state.column}: {state.value:.2f} before the ReLU. It sees "
        f"{state.side} by {state.side} pixels. Most of it, {state.share:.2f}, comes from a window "
        f"of {below} times its kernel."
    )


class NumberView:
    """The image with what the number sees, all maps of the layer, and the nine products."""

    def __init__(self) -> None:
        self.axes = panels(1, 3, height=3.2)
        image, maps, products = self.axes
        self._image = image.imshow(np.zeros((SIDE, SIDE)), cmap="gray_r", vmin=0, vmax=1)
        self._maps = maps.imshow(np.zeros((8, 8)), cmap=MAPS, interpolation="nearest")
        titles = ("image, and what is seen of it", "maps, above 0", "window times kernel")
        for axes, title in zip(self.axes, titles, strict=True):
            axes.set(xticks=[], yticks=[])
            axes.set_title(title, loc="left", fontsize="small")
        image.set(xlim=(-4.5, SIDE + 3.5), ylim=(SIDE + 3.5, -4.5))
        maps.set(xlim=(0, 1), ylim=(1, 0))
        products.set(xlim=(0, 3), ylim=(4.2, -0.1))
        products.spines[:].set_visible(False)
        self._seen, self._chosen, self._place = (
            Rectangle((0, 0), 1, 1, fc="none", ec=color, lw=width)
            for color, width in ((ORANGE, 2.5), (ORANGE, 2.0), (BLUE, 2.0))
        )
        image.add_patch(self._seen)
        maps.add_patch(self._chosen)
        maps.add_patch(self._place)
        for line in range(4):
            products.plot([0, 3], [line, line], color=GREY, linewidth=0.8)
            products.plot([line, line], [0, 3], color=GREY, linewidth=0.8)
        self._cells = [
            products.text(c + 0.5, r + 0.5, "", ha="center", va="center", fontsize=8.5)
            for r in range(3)
            for c in range(3)
        ]
        self._sum = products.text(0, 3.2, "", va="top", fontsize=8.5, color=INK)

    @property
    def moving(self) -> Iterable[Artist]:
        return [
            *(self._image, self._seen, self._maps, self._chosen, self._place),
            *self._cells,
            self._sum,
        ]

    def update(self, state: Number) -> None:
        self._image.set_data(state.image)
        self._seen.set_bounds(state.left - 0.5, state.top - 0.5, state.side, state.side)
        grid, tile, (top, left), fine = _grid(state.maps, state.channel)
        self._maps.set_data(np.ma.masked_invalid(grid))
        height = grid.shape[0] / grid.shape[1]
        self._maps.set_extent((0, 1, height, 0))
        self._maps.set_clim(0, max(float(np.nanmax(grid)), 1e-9))
        scale = 1 / grid.shape[1]
        self._chosen.set_bounds(left * scale, top * scale, tile * scale, tile * scale)
        self._place.set_bounds(
            (left + state.column * fine) * scale,
            (top + state.row * fine) * scale,
            fine * scale,
            fine * scale,
        )
        pairs = zip(state.window.flat, state.kernel.flat, strict=True)
        for cell, (entry, weight) in zip(self._cells, pairs, strict=True):
            cell.set_text(f"{entry:.2f}\n\u00d7 {weight:.2f}")
        below = "the image" if state.layer == 1 else f"map {state.source} below"
        self._sum.set_text(
            f"{below}: {state.share:.2f}\nall maps and the bias: {state.value:.2f}\n"
            f"is {state.label}, read as {state.said}"
        )


def _grid(maps: Numbers, channel: int) -> tuple[Numbers, int, tuple[int, int], int]:
    """Maps side by side with grey gaps; the chosen map's side and corner; cells for each number."""
    count, side, _ = maps.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    fine = 4
    gap = side * fine // 8
    tile = side * fine
    grid = np.full((rows * (tile + gap) + gap, columns * (tile + gap) + gap), np.nan)
    corners = [
        (gap + n // columns * (tile + gap), gap + n % columns * (tile + gap)) for n in range(count)
    ]
    for (top, left), values in zip(corners, maps, strict=True):
        grid[top : top + tile, left : left + tile] = np.kron(values, np.ones((fine, fine)))
    return grid, tile, corners[channel], fine


def _convolutions(network: nn.Sequential) -> list[int]:
    return [n for n, m in enumerate(network.children()) if isinstance(m, nn.Conv2d)]


def _at(network: nn.Sequential, number: int) -> nn.Conv2d:
    layer = network[number]
    assert isinstance(layer, nn.Conv2d)
    return layer
