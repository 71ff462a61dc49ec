"""Two rivals look at figures that move: a convolutional network and a dense one of equal size."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import ipywidgets
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor, nn

from course.datasets import Images
from course.figures import BLUE, INK, ORANGE, panels
from course.race import convolutional, dense, trained
from course.widgets.explorer import Explorer

__all__ = ["FARTHEST", "Duel", "compute_duel", "describe_duel", "moved", "moves"]

Numbers = NDArray[np.float64]

# What the networks saw in training: by how many pixels figures were moved there at most.
SEEN = {"figures in the middle": 0, "moved by up to 2": 2}
RIVALS = {"convolutional": convolutional, "dense": dense}
FARTHEST = 4


@dataclass(frozen=True)
class Duel:
    """A figure after a move, what each network takes it for, and how many they read so.

    chances are (2, 10), one row for each network; read are shares of all figures, moved alike.
    """

    image: Numbers
    label: int
    down: int
    right: int
    chances: Numbers
    read: tuple[float, float]


def moves(data: Images) -> Explorer:
    """Return a widget that moves figures (N, 1, 16, 16) under both networks.

    The networks are those of the trial, of its first seed.
    """

    def slider(what: str, low: int, high: int) -> ipywidgets.IntSlider:
        return ipywidgets.IntSlider(min=low, max=high, description=what)

    return Explorer(
        {
            "seen": ipywidgets.Dropdown(options=list(SEEN), description="Trained on"),
            "figure": slider("Figure", 0, min(len(data), 30) - 1),
            "down": slider("Down", -FARTHEST, FARTHEST),
            "right": slider("To the right", -FARTHEST, FARTHEST),
        },
        partial(compute_duel, data),
        DuelView(),
        describe_duel,
    )


def moved(images: Tensor, *, down: int, right: int) -> Tensor:
    """Move images (N, C, H, W) by whole pixels; what leaves is lost, and zeros come in.

    >>> moved(torch.arange(4.0).reshape(1, 1, 2, 2), down=1, right=0).flatten().tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    rim = max(abs(down), abs(right), 1)
    rolled = nn.functional.pad(images, (rim,) * 4).roll((down, right), dims=(-2, -1))
    return rolled[..., rim:-rim, rim:-rim]


def compute_duel(data: Images, *, seen: str, figure: int, down: int, right: int) -> Duel:
    """Move all figures and ask both networks."""
    images = moved(data.images, down=down, right=right)
    chances, read = [], []
    for rival in RIVALS.values():
        network = trained(rival, 0, moved=SEEN[seen])
        with torch.no_grad():
            scores = network(images)
        chances.append(scores[figure].softmax(dim=0).double().numpy())
        read.append((scores.argmax(dim=1) == data.labels).double().mean().item())
    return Duel(
        images[figure, 0].double().numpy(),
        int(data.labels[figure]),
        down,
        right,
        np.stack(chances),
        (read[0], read[1]),
    )


def describe_duel(state: Duel) -> str:
    """Say in words where the figure went and what became of it."""
    steps = [
        f"{abs(count)} {'pixel' if abs(count) == 1 else 'pixels'} {forward if count > 0 else back}"
        for count, forward, back in (
            (state.down, "down", "up"),
            (state.right, "to the right", "to the left"),
        )
        if count
    ]
    said = [
        f"the {rival} network takes it for a {row.argmax()} ({row.max():.0%})"
        for rival, row in zip(RIVALS, state.chances, strict=True)
    ]
    return (
        f"A {state.label}, {' and '.join(steps) or 'not moved'}: {said[0]}, {said[1]}. Of all "
        f"figures, moved like this one, they read {state.read[0]:.0%} and {state.read[1]:.0%}."
    )


class DuelView:
    """The figure, ten pairs of bars for what it is taken for, and two for all figures."""

    def __init__(self) -> None:
        self.axes = panels(1, 3, height=2.9)
        image, chances, read = self.axes
        self._image = image.imshow(np.zeros((16, 16)), cmap="gray_r", vmin=0, vmax=1)
        image.set(xticks=[], yticks=[])
        image.set_title("the figure", loc="left")
        self._chances = [
            bar for side, rival in ((-0.4, 0), (0.0, 1)) for bar in _bars(rival, range(10), side)
        ]
        for bar in self._chances:
            chances.add_patch(bar)
        chances.set(xlim=(-0.6, 9.6), ylim=(0, 1.05), xticks=range(10), yticks=[0, 0.5, 1])
        chances.set_title("taken for", loc="left")
        self._read = [bar for rival in (0, 1) for bar in _bars(rival, [rival], -0.2)]
        for bar in self._read:
            read.add_patch(bar)
        read.set(xlim=(-0.5, 1.5), ylim=(0, 1.18), yticks=[0, 0.5, 1])
        read.set_xticks(range(2), list(RIVALS))
        read.set_title("figures read", loc="left")
        self._labels = [read.text(x, 0, "", ha="center", va="bottom", color=INK) for x in (0, 1)]

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._image, *self._chances, *self._read, *self._labels]

    def update(self, state: Duel) -> None:
        self._image.set_data(state.image)
        for bar, chance in zip(self._chances, state.chances.ravel(), strict=True):
            bar.set_height(float(chance))
        for bar, label, height in zip(self._read, self._labels, state.read, strict=True):
            bar.set_height(height)
            label.set_y(height + 0.01)
            label.set_text(f"{height:.0%}")


def _bars(rival: int, places: Iterable[int], side: float) -> list[Rectangle]:
    """Return bars of one network, without a height yet."""
    color, hatch = ((BLUE, ""), (ORANGE, "//"))[rival]
    return [
        Rectangle((place + side, 0), 0.4, 0, facecolor=color, hatch=hatch, edgecolor="white")
        for place in places
    ]
