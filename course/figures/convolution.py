"""Still figures of the lesson on convolution."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from torch import Tensor

from course.figures.picture import BLUE, GREEN, GREY, INK, ORANGE, Picture, panels, show
from course.reach import influence

__all__ = [
    "SIGNED",
    "backwards",
    "cells",
    "effective_fields",
    "equal_cells",
    "field_of_view",
    "outline",
    "places",
    "sharing",
    "two_losses",
    "unrolled",
    "windows",
]

# Weights. No connection is grey, so that it can be told from a weight near 0.
SIGNED = LinearSegmentedColormap.from_list("signed", [BLUE, "white", ORANGE]).with_extremes(
    bad="#d5d5d5"
)


def places(images: Tensor) -> Picture:
    """Draw one digit in its nine places; images has shape (9, 1, H, W)."""
    axes = panels(1, len(images), height=1.1)
    for panel, image in zip(axes, images, strict=True):
        panel.imshow(image[0].numpy(), cmap="gray_r", vmin=0, vmax=1)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)
    return show(
        axes,
        "The same handwritten digit nine times in a frame, moved by -1, 0 and 1 pixels down and to "
        "the right. Nothing is cut off.",
    )


def sharing() -> Picture:
    """Draw the weight matrices of a dense, a local and a convolutional layer on twelve pixels."""
    generator = torch.Generator().manual_seed(3)
    dense = torch.randn(10, 12, generator=generator)
    local = torch.full((10, 12), torch.nan)
    shared = torch.full((10, 12), torch.nan)
    kernel = torch.tensor([-1.6, 0.5, 1.8])
    for unit in range(10):
        local[unit, unit : unit + 3] = torch.randn(3, generator=generator)
        shared[unit, unit : unit + 3] = kernel
    axes = panels(1, 3, height=2.7)
    for panel, weights, title in zip(
        axes,
        (dense, local, shared),
        ("dense: 120 weights", "local: 30 weights", "convolution: 3 weights"),
        strict=True,
    ):
        panel.imshow(np.ma.masked_invalid(weights.numpy()), cmap=SIGNED, vmin=-2, vmax=2)
        panel.set(xlabel="pixel", ylabel="unit", xticks=[], yticks=[])
        panel.set_title(title, loc="left", fontsize="medium")
    return show(
        axes,
        "Three weight matrices from 12 pixels to 10 units. The dense one is full of different "
        "numbers. The local one has a diagonal band of three numbers per unit, all different. The "
        "convolution has the same band with the same three numbers in every row.",
    )


def windows() -> Picture:
    """Draw a padded image, a kernel and the output, with two windows and where they end up."""
    image = torch.tensor([[1.0, -2, 0, 3, 1], [4, 0, -1, 2, 0], [-3, 5, 1, 0, 2]])
    kernel = torch.tensor([[2.0, -1, 0], [1, 0, -3]])
    padded = F.pad(image, (1, 1, 0, 0))
    output = F.conv2d(padded[None, None], kernel[None, None], stride=(1, 2))[0, 0]
    axes = panels(1, 3, height=2.3)
    equal_cells(axes, [7, 3, 3])
    cells(axes[0], padded, "image 3 x 5, padding (0, 1)")
    cells(axes[1], kernel, "kernel 2 x 3")
    cells(axes[2], output, "output, stride (1, 2)")
    # The zeros of the border are not part of the image.
    for column in (0, 6):
        axes[0].add_patch(
            Rectangle((column - 0.5, -0.5), 1, 3, facecolor="#eeeeee", edgecolor=GREY, zorder=0)
        )
    for (row, column), color, style in (((0, 0), BLUE, "-"), ((1, 1), ORANGE, "--")):
        outline(axes[0], row, 2 * column, 2, 3, color, style)
        outline(axes[2], row, column, 1, 1, color, style)
    return show(
        axes,
        "An image of 3 by 5 numbers with a column of zeros on both sides, a kernel of 2 by 3, and "
        "the output of 2 by 3. A window at the top left of the padded image, drawn solid, gives "
        f"the output's first number, {output[0, 0]:.0f}; one further down and two columns to the "
        f"right, dashed, gives the number in its middle, {output[1, 1]:.0f}.",
    )


def unrolled() -> Picture:
    """Draw the windows of a small image as the columns of a matrix."""
    image = torch.tensor([[1.0, 0, 2, 3], [4, 1, 0, 2], [3, 5, 1, 6]])
    kernel = torch.tensor([[1.0, 2.0], [0.0, -1.0]])
    columns = F.unfold(image[None, None], (2, 2))[0]
    axes = panels(1, 4, height=2.2)
    equal_cells(axes, [4, 4, 6, 6])
    cells(axes[0], image, "image")
    cells(axes[1], kernel.reshape(1, 4), "filter as a row")
    cells(axes[2], columns, "windows as columns")
    cells(axes[3], kernel.reshape(1, 4) @ columns, "their product")
    for panel, row, column, height, width in (
        (axes[0], 0, 1, 2, 2),
        (axes[2], 0, 1, 4, 1),
        (axes[3], 0, 1, 1, 1),
    ):
        outline(panel, row, column, height, width, ORANGE, "-")
    return show(
        axes,
        "An image of 3 by 4 numbers has six windows of 2 by 2. Each becomes a column of four "
        "numbers; the filter becomes a row of four. Their product is a row of six outputs. The "
        "second window is outlined in the image, in the matrix and in the product.",
    )


def backwards() -> Picture:
    """Draw which paths add up to the gradient of a weight, and which to that of a pixel."""
    axes = panels(1, 2, height=2.6)
    titles = ("weight 0: one path per output", "pixel 2: one path per window over it")
    for panel, title in zip(axes, titles, strict=True):
        for output in range(3):
            for entry in range(3):
                pixel = output + entry
                chosen = entry == 0 if panel is axes[0] else pixel == 2
                panel.plot(
                    [pixel, output + 1],
                    [0, 1],
                    color=(BLUE if panel is axes[0] else ORANGE) if chosen else "#cccccc",
                    linewidth=3 if chosen else 1,
                    zorder=2 if chosen else 1,
                )
                if chosen:
                    panel.text((pixel + output + 1) / 2 + 0.07, 0.5, f"w{entry}", fontsize=9)
        _dots(panel, range(5), 0, "x")
        _dots(panel, range(1, 4), 1, "y")
        panel.set(xlim=(-0.5, 4.5), ylim=(-0.3, 1.3))
        panel.set_title(title, loc="left")
        panel.axis("off")
    return show(
        axes,
        "Two copies of a convolution from five pixels to three outputs with a kernel of three "
        "weights. On the left the three paths that use weight 0 are marked, one for each output. "
        "On the right the three paths from pixel 2 are marked, to the outputs 0, 1 and 2 by the "
        "weights 2, 1 and 0.",
    )


def field_of_view() -> Picture:
    """Draw how far one unit of the second layer sees, with stride 1 and with stride 2 below it."""
    axes = panels(1, 2, height=2.6)
    for panel, stride, title in (
        (axes[0], 1, "strides 1 and 1: 5 pixels"),
        (axes[1], 2, "strides 2 and 1: 7 pixels"),
    ):
        hidden = (7 - 3) // stride + 1 if stride == 2 else 5
        place = [stride * unit + 1 for unit in range(hidden)]
        chosen = place[:3] if stride == 2 else place[1:4]
        top = chosen[1]
        for unit in place:
            for pixel in (unit - 1, unit, unit + 1):
                seen = unit in chosen
                panel.plot(
                    [pixel, unit],
                    [0, 1],
                    color=BLUE if seen else "#cccccc",
                    linewidth=2 if seen else 1,
                    zorder=2 if seen else 1,
                )
        for unit in chosen:
            panel.plot([unit, top], [1, 2], color=BLUE, linewidth=2)
        low, high = chosen[0] - 1, chosen[-1] + 1
        panel.plot([low, high], [-0.35, -0.35], color=ORANGE, linewidth=3)
        _dots(panel, range(7), 0, "")
        _dots(panel, place, 1, "")
        _dots(panel, [top], 2, "")
        panel.set(xlim=(-1, 7), ylim=(-0.6, 2.4))
        panel.set_title(title, loc="left")
        panel.axis("off")
    return show(
        axes,
        "Two networks of two layers with kernels of three, drawn as dots and lines. With stride 1 "
        "a unit of the second layer reaches five neighbouring pixels through three units; with "
        "stride 2 in the first layer it reaches seven.",
    )


def effective_fields() -> Picture:
    """Draw how much the pixels of three receptive fields influence a unit, on the average."""
    stacks = {
        "one layer of 11 x 11": [(11, 1)],
        "5 layers of 3 x 3": [(3, 1)] * 5,
        "10 layers of 3 x 3": [(3, 1)] * 10,
    }
    axes = panels(1, 3, height=2.7)
    shares = []
    for panel, (title, layers) in zip(axes, stacks.items(), strict=True):
        field = torch.stack([influence(layers, seed=seed) for seed in range(5)]).mean(dim=0)
        field = field / field.max()
        shares.append(
            f"{title}, {len(field)} by {len(field)} pixels: {(field >= 0.1).double().mean():.0%}"
        )
        panel.imshow(field.numpy(), cmap="gray_r", vmin=0, vmax=1)
        panel.contour(field.numpy(), levels=[0.1], colors=[ORANGE], linewidths=2)
        panel.set(xticks=[], yticks=[])
        panel.set_title(f"{title}\nsees {len(field)} x {len(field)} pixels", loc="left")
    return show(
        axes,
        "Influence of the pixels on one unit, dark where it is large, with a line at a tenth of "
        "the largest. Share of the pixels with more than that: " + "; ".join(shares) + ".",
    )


def two_losses(losses: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the loss over the steps for trainings that should agree, one as a line, one as dots."""
    (panel,) = panels(1, 1, height=2.6)
    for (name, values), style in zip(losses.items(), ("-", "o"), strict=True):
        every = 1 if style == "-" else 5
        steps = range(0, len(values), every)
        panel.plot(
            steps,
            values[::every],
            style,
            color=BLUE if style == "-" else ORANGE,
            markersize=4,
            label=name,
        )
    panel.axhline(np.log(10), color=GREY, linestyle="--", linewidth=1, label="log 10")
    panel.set(xlabel="step", ylabel="loss", ylim=(0, None))
    panel.legend()
    first, last = next(iter(losses.values()))[0], next(iter(losses.values()))[-1]
    gap = max(abs(a - b) for a, b in zip(*losses.values(), strict=True))
    return show(
        [panel],
        f"The loss of two trainings, {' and '.join(losses)}, falls from {first:.2f} to {last:.2f}. "
        f"They differ by {gap:.1g} at the most.",
    )


def cells(axes: Axes, values: Tensor, title: str) -> None:
    """A table of numbers with thin lines between them."""
    rows, columns = values.shape
    for row in range(rows):
        for column in range(columns):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="none", edgecolor=GREY, lw=0.7)
            )
            axes.text(
                column, row, f"{values[row, column]:.0f}", ha="center", va="center", color=INK
            )
    axes.set(xlim=(-0.7, columns - 0.3), ylim=(rows - 0.3, -0.7), xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.spines[:].set_visible(False)
    axes.set_title(title, loc="center", fontsize="small")


def equal_cells(axes: list[Axes], ratios: list[float]) -> None:
    """Make cells of one size: each panel gets the width of its columns."""
    spec = axes[0].get_subplotspec()
    assert spec is not None
    spec.get_gridspec().set_width_ratios(ratios)


def outline(
    axes: Axes, row: int, column: int, height: int, width: int, color: str, style: str
) -> None:
    """Draw a frame around some cells of a table of numbers."""
    corner = (column - 0.5, row - 0.5)
    axes.add_patch(
        Rectangle(
            corner, width, height, facecolor="none", edgecolor=color, lw=3, ls=style, zorder=3
        )
    )


def _dots(axes: Axes, where: ArrayLike | Sequence[int] | range, height: float, name: str) -> None:
    """Units in a row; with a name, each carries it and its number."""
    x = np.asarray(where, dtype=float)
    axes.plot(x, np.full(len(x), height), "o", color=GREEN, markersize=9, zorder=3)
    for number, place in enumerate(x):
        if name:
            offset = -0.2 if height == 0 else 0.12
            axes.text(place, height + offset, f"{name}{number}", ha="center", fontsize=9)
