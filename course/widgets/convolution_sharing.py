"""From a dense layer to a convolution: ask for locality, then for sharing; weights vanish.

Four networks differ in what is asked of them. Their first layer maps a digit in a frame, with a
rim of zeros around it, to ``MAPS`` maps; what stands behind it is a dense layer, or the largest
number of each map and a dense layer.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import ipywidgets
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor, nn

from course.comparison import Attempt, attempt
from course.figures import BLUE, GREY, INK, ORANGE, panels
from course.figures.convolution import SIGNED
from course.widgets.explorer import Explorer

__all__ = ["STEPS", "Local", "compute_sharing", "describe_sharing", "four_networks", "from_dense"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]

STEPS = ("dense", "local", "shared", "shared to the end")
KERNEL, RIM, FRAME, MAPS, CLASSES = 5, 4, 10, 12, 10
SIDE = FRAME + 2 * RIM
PLACES = SIDE - KERNEL + 1
# The matrix in the picture is that of a smaller image, so that its numbers can be seen.
SHOWN, SHOWN_KERNEL = (6, 6), 3


@dataclass(frozen=True)
class Sharing:
    """What is asked of a network, and what is left of its weights and of its accuracy.

    weights are those of one map of the first layer. matrix is such a layer's for SHOWN pixels.
    own says how the student's matrix compares. middle and places are accuracies.
    """

    step: str
    weights: int
    matrix: Numbers
    own: Attempt[Tensor]
    middle: float
    places: float


class Local(nn.Module):
    """Windows with weights of their own at every place: (N, 1, SIDE, SIDE) -> maps.

    >>> Local()(torch.zeros(2, 1, 18, 18)).shape
    torch.Size([2, 12, 14, 14])
    """

    def __init__(self) -> None:
        super().__init__()
        start = nn.Conv2d(1, MAPS, KERNEL)
        weight = start.weight.detach().flatten(1)[:, :, None]
        spread = torch.rand(MAPS, KERNEL**2, PLACES**2) * 2 - 1
        self.weight = nn.Parameter(spread * weight.abs().max())
        self.bias = nn.Parameter(torch.zeros(MAPS, PLACES**2))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply each window with its own weights."""
        windows = nn.functional.unfold(x, KERNEL)
        maps = torch.einsum("nkp,ckp->ncp", windows, self.weight) + self.bias
        return maps.unflatten(2, (PLACES, PLACES))


def four_networks() -> dict[str, nn.Sequential]:
    """Return untrained networks for digits in a frame of 10 x 10, one for each step."""
    torch.manual_seed(0)
    units = MAPS * PLACES**2
    dense = nn.Sequential(
        nn.Flatten(), nn.Linear(SIDE**2, units), nn.Unflatten(1, (MAPS, PLACES, PLACES))
    )
    firsts: tuple[nn.Module, ...] = (
        dense,
        Local(),
        nn.Conv2d(1, MAPS, KERNEL),
        nn.Conv2d(1, MAPS, KERNEL),
    )
    networks = {}
    for step, first in zip(STEPS, firsts, strict=True):
        to_the_end = step == STEPS[-1]
        behind = [nn.AdaptiveMaxPool2d(1)] if to_the_end else []
        networks[step] = nn.Sequential(
            nn.ZeroPad2d(RIM),
            first,
            nn.ReLU(),
            *behind,
            nn.Flatten(),
            nn.Linear(MAPS if to_the_end else units, CLASSES),
        )
    return networks


def from_dense(
    measured: Mapping[str, tuple[float, float]], *, conv_as_matrix: Function
) -> Explorer:
    """Return a widget of the four steps; measured are accuracies in the middle and in all places.

    conv_as_matrix is the student's.
    """
    return Explorer(
        {"step": ipywidgets.SelectionSlider(options=list(STEPS), description="Asked for")},
        partial(compute_sharing, measured, conv_as_matrix),
        SharingView(),
        describe_sharing,
    )


def compute_sharing(
    measured: Mapping[str, tuple[float, float]], conv_as_matrix: Function, *, step: str
) -> Sharing:
    """Draw the matrix of a step and count what one map of the network's first layer holds."""
    matrix = _matrices()[min(STEPS.index(step), 2)]
    own: Attempt[Tensor] = Attempt(None)
    if step.startswith("shared"):
        own = attempt(lambda: conv_as_matrix(_kernel(), SHOWN), torch.tensor(matrix))
        if own.value is not None:
            matrix = own.value.double().numpy()
    weights = {"dense": SIDE**2 * PLACES**2, "local": KERNEL**2 * PLACES**2}.get(step, KERNEL**2)
    middle, places = measured[step]
    return Sharing(step, weights, matrix, own, middle, places)


def describe_sharing(state: Sharing) -> str:
    """Say in words what is left of weights and accuracy."""
    share = (state.matrix != 0).mean()
    own = f" Your matrix {state.own.words}." if state.step.startswith("shared") else ""
    return (
        f"{state.step.capitalize()}: {state.weights:,} weights for one map. In the matrix of a "
        f"layer on {SHOWN[0]} by {SHOWN[1]} pixels {share:.0%} of the numbers are not 0. The "
        f"network reads {state.middle:.0%} of the digits in the middle and {state.places:.0%} in "
        f"nine places.{own}"
    )


class SharingView:
    """The matrix, the number of weights, and two bars of accuracy."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.0)
        matrix, bars = self.axes
        count = (SHOWN[0] - SHOWN_KERNEL + 1) * (SHOWN[1] - SHOWN_KERNEL + 1)
        self._matrix = matrix.imshow(
            np.zeros((count, SHOWN[0] * SHOWN[1])), cmap=SIGNED, vmin=-2, vmax=2, aspect="auto"
        )
        matrix.set(xticks=[], yticks=[], xlabel="pixel", ylabel="place of the window")
        matrix.set_title("first layer; grey: weight 0", loc="left")
        self._bars = [Rectangle((0, y - 0.3), 0, 0.6) for y in range(2)]
        for bar, color, hatch in zip(self._bars, (BLUE, ORANGE), ("", "//"), strict=True):
            bar.set(facecolor=color, hatch=hatch, edgecolor="white")
            bars.add_patch(bar)
        bars.set(xlim=(0, 1.05), ylim=(2.6, -0.6), xticks=[0, 0.5, 1])
        bars.set_yticks(range(2), ["in the middle", "in nine places"])
        bars.set_title("digits read", loc="left")
        bars.axvline(1, color=GREY, linewidth=0.8)
        self._labels = [bars.text(0, y, "", va="center", color=INK) for y in range(2)]
        self._text = bars.text(0, 2.0, "", va="center", color=INK)

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._matrix, *self._bars, *self._labels, self._text]

    def update(self, state: Sharing) -> None:
        self._matrix.set_data(np.ma.masked_equal(state.matrix, 0.0))
        values = (state.middle, state.places)
        for bar, label, value in zip(self._bars, self._labels, values, strict=True):
            bar.set_width(value)
            label.set_x(max(value - 0.16, 0.02))
            label.set_text(f"{value:.0%}")
            label.set_backgroundcolor("white")
        own = f"matrix: yours {state.own.words}" if state.step.startswith("shared") else ""
        self._text.set_text(
            f"{state.weights:,} weights for one map\n"
            + textwrap.fill(own, 38, max_lines=2, placeholder=" ...")
        )


def _kernel() -> Tensor:
    return torch.tensor([[-1.6, 0.5, 1.8], [0.7, -0.9, 1.2], [1.4, -0.4, -1.1]]).double()


def _matrices() -> list[Numbers]:
    """Return the matrices of a dense, a local and a convolutional layer on SHOWN pixels."""
    (height, width), k, kernel = SHOWN, SHOWN_KERNEL, _kernel()
    rows, columns = height - k + 1, width - k + 1
    generator = torch.Generator().manual_seed(3)
    dense = torch.randn(rows * columns, height * width, generator=generator).double()
    window = torch.zeros(rows, columns, height, width).double()
    for row in range(rows):
        for column in range(columns):
            window[row, column, row : row + k, column : column + k] = kernel
    shared = window.flatten(2).flatten(0, 1)
    return [m.numpy() for m in (dense, torch.where(shared != 0, dense, 0.0), shared)]
