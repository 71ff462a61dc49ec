"""What a trained convolutional network has learnt: its feature maps.

A network is looked at from outside, by its ``Conv2d`` layers, so that a student's own design works
as well as the ready-made one.
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
from torch import Tensor, nn

from course.comparison import Misfit, attempt, fitting
from course.datasets import Images
from course.figures import BLUE, GREY, ORANGE, panels
from course.widgets.explorer import Explorer

__all__ = ["compute_maps", "feature_maps", "ready_made", "usable"]

Numbers = NDArray[np.float64]
# Gaps between maps are grey, so that an empty map can be told from none.
MAPS = colormaps["gray_r"].with_extremes(bad="#c9d3dd")
# More maps than this are left out of a picture.
MOST_MAPS = 36


@dataclass(frozen=True)
class Maps:
    """A digit, moved, with the maps of one layer and what the network makes of it."""

    image: Numbers
    label: int
    down: int
    right: int
    layer: int
    maps: Numbers
    probabilities: Numbers

    @property
    def said(self) -> int:
        """The class with the largest probability."""
        return int(self.probabilities.argmax())


def usable(own: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """Return own if it makes a convolutional network for digits, else ready_made, and say which."""

    def learns() -> None:
        network = own()
        logits = fitting(network(torch.zeros(2, 1, 8, 8)), (2, 10))
        F.cross_entropy(logits, torch.tensor([0, 1])).backward()
        if not _convolutions(network):
            raise Misfit("has no nn.Conv2d layer to look at")

    problem = attempt(learns).problem
    print(f"a ready-made network, since yours {problem}" if problem else "your network")  # noqa: T201  # the lesson's text refers to this line
    return ready_made if problem else own


def ready_made() -> nn.Module:
    """Make a network of two convolutions and a dense head, with 6,385 parameters."""
    return nn.Sequential(
        nn.Conv2d(1, 10, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(10, 25, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(400, 10),
    )


def feature_maps(network: nn.Module, data: Images) -> Explorer:
    """Return a widget that shows a trained network's maps of any image, moved."""
    layers = {
        f"{n}: {_label(c)}": n - 1 for n, (_, c) in enumerate(_convolutions(network), start=1)
    }
    return Explorer(
        {
            "number": ipywidgets.IntSlider(0, min=0, max=len(data) - 1, description="Image"),
            "layer": ipywidgets.Dropdown(options=layers, description="Layer"),
            "down": ipywidgets.IntSlider(0, min=-2, max=2, description="Move down"),
            "right": ipywidgets.IntSlider(0, min=-2, max=2, description="Move right"),
        },
        partial(compute_maps, network, data),
        MapsView(),
        describe_maps,
    )


def compute_maps(
    network: nn.Module, data: Images, *, number: int, layer: int, down: int, right: int
) -> Maps:
    """Send one moved image through the network and keep what one convolution puts out, above 0."""
    image = F.pad(data.images[number : number + 1], (right, -right, down, -down))
    kept: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        kept.append(output)

    handle = _convolutions(network)[layer][1].register_forward_hook(keep)
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            logits = network(image)
    finally:
        handle.remove()
        network.train(training)
    return Maps(
        image=image[0, 0].double().numpy(),
        label=int(data.labels[number]),
        down=down,
        right=right,
        layer=layer + 1,
        maps=kept[0][0].relu().double().numpy(),
        probabilities=logits[0].softmax(dim=0).double().numpy(),
    )


def describe_maps(state: Maps) -> str:
    """Say in words what the feature maps show."""
    strongest = int(state.maps.reshape(len(state.maps), -1).max(axis=1).argmax())
    share = (state.maps > 0).mean()
    return (
        f"A {state.label}, moved {state.down} down and {state.right} to the right; the network "
        f"says {state.said} with probability {state.probabilities[state.said]:.2f}. "
        f"{len(state.maps)} maps of layer {state.layer}, {share:.0%} of their positions above 0; "
        f"map {strongest} has the largest value."
    )


class MapsView:
    """The image, its maps in a grid, and the probabilities of the ten classes."""

    def __init__(self) -> None:
        self.axes = panels(1, 3, height=3.0)
        image, maps, bars = self.axes
        self._image = image.imshow(np.zeros((8, 8)), cmap="gray_r", vmin=0, vmax=1)
        self._maps = maps.imshow(np.zeros((8, 8)), cmap=MAPS, interpolation="nearest")
        self._bars = [Rectangle((0, k - 0.35), 0, 0.7, facecolor=BLUE) for k in range(10)]
        for bar in self._bars:
            bars.add_patch(bar)
        for axes, title in ((image, "image"), (maps, "feature maps, above 0")):
            axes.set(xticks=[], yticks=[])
            axes.set_title(title, loc="left")
        maps.set(xlim=(0, 1), ylim=(1, 0))
        bars.set(xlim=(0, 1), ylim=(9.6, -0.6), yticks=range(10))
        bars.set_title("probability", loc="left")
        self._text = bars.text(0.97, 0.03, "", transform=bars.transAxes, ha="right", color=GREY)

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._image, self._maps, *self._bars, self._text]

    def update(self, state: Maps) -> None:
        self._image.set_data(state.image)
        grid = _grid(state.maps[:MOST_MAPS])
        self._maps.set_data(np.ma.masked_invalid(grid))
        self._maps.set_extent((0, 1, grid.shape[0] / grid.shape[1], 0))
        self._maps.set_clim(0, max(float(np.nanmax(grid)), 1e-9))
        for k, bar in enumerate(self._bars):
            bar.set_width(state.probabilities[k])
            bar.set_facecolor(BLUE if k == state.label else ORANGE)
            bar.set_hatch("" if k == state.label else "//")
        self._text.set_text(f"says {state.said}, is {state.label}")


def _grid(maps: Numbers) -> Numbers:
    """Maps side by side in rows, with grey gaps between them."""
    count, height, width = maps.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    # A gap of a quarter of a map looks the same in every layer.
    fine = 4
    gap = max(width, height) * fine // 8
    tile_h, tile_w = height * fine + gap, width * fine + gap
    grid = np.full((rows * tile_h + gap, columns * tile_w + gap), np.nan)
    for number, values in enumerate(maps):
        top, left = gap + number // columns * tile_h, gap + number % columns * tile_w
        grid[top : top + height * fine, left : left + width * fine] = np.kron(
            values, np.ones((fine, fine))
        )
    return grid


def _convolutions(network: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    return [(name, m) for name, m in network.named_modules() if isinstance(m, nn.Conv2d)]


def _label(layer: nn.Conv2d) -> str:
    return f"{layer.out_channels} maps"
