"""Still figures of the lesson on convolution."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from torch import Tensor, nn

from course.figures.picture import BLUE, GREEN, GREY, INK, ORANGE, Picture, panels, show

__all__ = [
    "backwards",
    "field_of_view",
    "filters",
    "places",
    "row_major",
    "sharing",
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
        "The same handwritten digit nine times, moved by -1, 0 and 1 pixels down and to the right. "
        "Strokes that leave the frame are cut off.",
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
    _widths(axes, [7, 3, 3])
    _cells(axes[0], padded, "image 3 x 5, padding (0, 1)")
    _cells(axes[1], kernel, "kernel 2 x 3")
    _cells(axes[2], output, "output, stride (1, 2)")
    # The zeros of the border are not part of the image.
    for column in (0, 6):
        axes[0].add_patch(
            Rectangle((column - 0.5, -0.5), 1, 3, facecolor="#eeeeee", edgecolor=GREY, zorder=0)
        )
    for (row, column), color, style in (((0, 0), BLUE, "-"), ((1, 1), ORANGE, "--")):
        _outline(axes[0], row, 2 * column, 2, 3, color, style)
        _outline(axes[2], row, column, 1, 1, color, style)
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
    _widths(axes, [4, 4, 6, 6])
    _cells(axes[0], image, "image")
    _cells(axes[1], kernel.reshape(1, 4), "filter as a row")
    _cells(axes[2], columns, "windows as columns")
    _cells(axes[3], kernel.reshape(1, 4) @ columns, "their product")
    for panel, row, column, height, width in (
        (axes[0], 0, 1, 2, 2),
        (axes[2], 0, 1, 4, 1),
        (axes[3], 0, 1, 1, 1),
    ):
        _outline(panel, row, column, height, width, ORANGE, "-")
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


def row_major() -> Picture:
    """Draw two maps of 2 x 3 numbers and the row that flatten makes of them."""
    maps = torch.arange(12.0).reshape(2, 2, 3)
    axes = panels(1, 3, height=1.7)
    _widths(axes, [3, 3, 12])
    _cells(axes[0], maps[0], "channel 0")
    _cells(axes[1], maps[1], "channel 1")
    _cells(axes[2], maps.reshape(1, 12), "flatten: channel by channel, row by row")
    for panel, column, color, style in (
        (axes[0], 0, BLUE, "-"),
        (axes[1], 0, ORANGE, "--"),
    ):
        _outline(panel, 0, column, 2, 3, color, style)
    _outline(axes[2], 0, 0, 1, 6, BLUE, "-")
    _outline(axes[2], 0, 6, 1, 6, ORANGE, "--")
    return show(
        axes,
        "Two maps of 2 by 3 positions, numbered 0 to 5 and 6 to 11 row by row. Flatten puts them "
        "into one row in this order: first all of channel 0, then all of channel 1.",
    )


def filters(network: nn.Module, before: Mapping[str, Tensor]) -> Picture:
    """Draw the filters of the first convolution, from a state dict of before and as they are."""
    name, layer = next((n, m) for n, m in network.named_modules() if isinstance(m, nn.Conv2d))
    rows = [before[f"{name}.weight"], layer.weight.detach()]
    shown = min(rows[0].shape[0], 12)
    axes = panels(2, shown, height=1.7)
    for row, (weights, title) in enumerate(zip(rows, ("before", "after"), strict=True)):
        limit = float(weights.abs().max())
        for number in range(shown):
            panel = axes[row * shown + number]
            panel.imshow(weights[number, 0].numpy(), cmap=SIGNED, vmin=-limit, vmax=limit)
            panel.set(xticks=[], yticks=[])
            if number == 0:
                panel.set_ylabel(title)
            if row == 0:
                panel.set_title(str(number), fontsize="small")
    changed = ((rows[1] - rows[0]).norm() / rows[0].norm()).item()
    edges = [_edges(weights[:shown, 0]) for weights in rows]
    return show(
        axes,
        f"The first {shown} filters of the first layer as small grids, orange where a weight adds "
        f"and blue where it subtracts, before training and after it. They have changed by "
        f"{changed:.1f} times their size. Filters of which a slope from one side to the other "
        f"makes up more than half: {edges[0]} before, {edges[1]} after.",
    )


def _edges(weights: Tensor) -> int:
    """Count filters (O, kh, kw) that a slope explains by more than half, their mean left out."""
    height, width = weights.shape[1:]
    down = torch.arange(height, dtype=weights.dtype)[:, None].expand(height, width)
    right = torch.arange(width, dtype=weights.dtype).expand(height, width)
    slopes = torch.stack([down - down.mean(), right - right.mean()]).flatten(1)
    slopes = slopes / slopes.norm(dim=1, keepdim=True).clamp(min=1e-9)
    pattern = (weights - weights.mean(dim=(1, 2), keepdim=True)).flatten(1)
    explained = (pattern @ slopes.T).square().sum(dim=1)
    return int((explained > 0.5 * pattern.square().sum(dim=1)).sum())


def _cells(axes: Axes, values: Tensor, title: str) -> None:
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


def _widths(axes: list[Axes], ratios: list[float]) -> None:
    """Make cells of one size: each panel gets the width of its columns."""
    spec = axes[0].get_subplotspec()
    assert spec is not None
    spec.get_gridspec().set_width_ratios(ratios)


def _outline(
    axes: Axes, row: int, column: int, height: int, width: int, color: str, style: str
) -> None:
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
