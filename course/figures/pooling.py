"""Still figures of the lesson on pooling."""

from collections.abc import Callable, Collection, Mapping

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle
from torch import Tensor

from course.datasets import Images, digits
from course.figures.picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, Picture, panels, show

__all__ = [
    "edges",
    "flips",
    "grids",
    "kept_curves",
    "number_grid",
    "routes",
    "sampled",
    "windows",
]

# The margin of background around each digit: shifts up to this lose nothing.
MARGIN = 4
SIDE = 8 + 2 * MARGIN
LINES = (
    (GREY, "s", ":"),
    (BLUE, "D", "-."),
    (ORANGE, "^", "--"),
    (PURPLE, "v", (0, (5, 1))),
    (GREEN, "o", "-"),
)
# The grids of every second pixel, in row-major order.
COLORS = (BLUE, ORANGE, GREEN, PURPLE)


def edges(images: Tensor) -> Tensor:
    """Four feature maps of each grey image (N, 1, H, W): ReLU of edges, one for each direction."""
    slope = torch.tensor([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]]) / 4
    filters = torch.stack([slope, -slope, slope.T, -slope.T])[:, None]
    return F.conv2d(images, filters, padding=1).relu()


def number_grid(axes: Axes, shape: tuple[int, int], *, title: str = "") -> None:
    """Prepare axes for a table of so many rows and columns, each cell one unit wide."""
    rows, columns = shape
    axes.set(xlim=(-0.04, columns + 0.04), ylim=(rows + 0.04, -0.04), aspect="equal")
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize="medium")
    for row in range(rows):
        for column in range(columns):
            axes.add_patch(Rectangle((column, row), 1, 1, fill=False, color="#bbbbbb", linewidth=1))


def flips(network: Callable[[Tensor], Tensor], data: Images, *, shown: int = 6) -> Picture:
    """Draw images of which a network says something else once they move by one pixel.

    network gives scores (N, K) for images (N, 1, H, W). Drawn are the first of those that it gets
    right as they are, with what it says of them, and below, one pixel further to the right.
    """
    moved = data.images.roll(1, dims=3)
    with torch.no_grad():
        before, after = network(data.images).argmax(dim=1), network(moved).argmax(dim=1)
    chosen = ((before == data.labels) & (after != before)).nonzero()[:shown, 0].tolist()
    axes = panels(2, max(len(chosen), 1), height=3.1)
    for panel in axes:
        panel.set(xticks=[], yticks=[])
    columns = max(len(chosen), 1)
    for row, (images, said) in enumerate(((data.images, before), (moved, after))):
        for panel, index in zip(axes[row * columns :], chosen, strict=False):
            panel.imshow(images[index, 0].numpy(), cmap="Greys", vmin=0)
            mark = "\N{MULTIPLICATION SIGN}" if row else "\N{CHECK MARK}"
            panel.set_title(f"says {said[index]} {mark}", fontsize="medium")
        axes[row * columns].set_ylabel("one pixel further" if row else "as it is")
    told = ", ".join(f"{before[i]} becomes {after[i]}" for i in chosen)
    return show(
        axes,
        f"Handwritten digits that the network reads rightly, and below the same ones one pixel "
        f"further to the right. What it says of them: {told or 'nothing changes'}.",
    )


def sampled() -> Picture:
    """Draw a digit, a feature map, and every second pixel of it; below, one pixel to the right."""
    image = F.pad(digits()[1].images[3:4], (MARGIN,) * 4)
    axes = panels(2, 3, height=4.6)
    titles = ("the image", "a feature map", "every second pixel of it")
    for row, moved in enumerate((image, image.roll(1, dims=3))):
        features = edges(moved)[0, 3]
        for panel, values, title in zip(
            axes[3 * row :], (moved[0, 0], features, features[::2, ::2]), titles, strict=False
        ):
            panel.imshow(values.numpy(), cmap="Greys", vmin=0, extent=(0, SIDE, SIDE, 0))
            panel.set(xticks=range(0, SIDE + 1, 4), yticks=range(0, SIDE + 1, 4))
            panel.grid(visible=True)
            if row == 0:
                panel.set_title(title, loc="left")
        axes[3 * row].set_ylabel("one pixel to the right" if row else "as it is")
    return show(
        axes,
        "Two rows of three pictures. Above, a handwritten digit, a feature map of its edges, and "
        "every second pixel of that map. Below, the same for the digit moved one pixel to the "
        "right: the feature map has moved along, its samples show other strokes than above.",
    )


def windows() -> Picture:
    """Draw the maxima and the means of 2x2 windows over a small image."""
    image = torch.tensor(
        [[1, 3, 0, 2, 5, 1], [4, 0, 2, 0, 1, 1], [0, 0, 7, 1, 8, 8], [0, 2, 4, 0, 8, 8]]
    )
    x = image[None, None].float()
    largest, mean = F.max_pool2d(x, 2)[0, 0], F.avg_pool2d(x, 2)[0, 0]
    axes = panels(1, 3, height=2.4)
    for panel, values, title in (
        (axes[0], image, "an image, 2x2 windows"),
        (axes[1], largest, "their maxima"),
        (axes[2], mean, "their means"),
    ):
        _fill(panel, values, title=title)
    for row in range(2):
        for column in range(3):
            box = Rectangle((2 * column, 2 * row), 2, 2, fill=False, color=BLUE, linewidth=2.5)
            axes[0].add_patch(box)
    return show(
        axes,
        "A table of 4 by 6 numbers, cut into six windows of 2 by 2, beside it the largest number "
        "of each window, 4, 2, 5 above and 2, 7, 8 below, and the means, 2, 1, 2 above and 0.5, "
        "3, 8 below.",
    )


def routes() -> Picture:
    """Draw how the gradients of overlapping 2x2 windows go to the winners."""
    image = torch.tensor([[1, 3, 2, 0], [4, 9, 5, 1], [0, 6, 2, 7]])
    grad_out = torch.tensor([[1, 2, 3], [4, 5, 6]])
    leaf = image[None, None].float().requires_grad_()
    F.max_pool2d(leaf, 2, 1).backward(grad_out[None, None].float())
    assert leaf.grad is not None
    won = [(1, 1), (1, 2), (2, 3)]
    axes = panels(1, 3, height=2.6)
    _fill(axes[0], image, title="image; winners are ringed", ringed=won)
    _fill(axes[1], grad_out, title="gradient at the outputs")
    _fill(axes[2], leaf.grad[0, 0], title="gradient at the pixels", ringed=won)
    return show(
        axes,
        "Three tables. An image of 3 by 4 numbers, whose 2 by 2 windows with stride 1 are won by "
        "a 9, a 5 and a 7. The gradients 1 to 6 at the six windows. The gradients at the pixels: "
        "the 9 wins four windows and gets 1 + 2 + 4 + 5 = 12, the 5 gets 3, the 7 gets 6, all "
        "others get 0.",
    )


def grids() -> Picture:
    """Draw the four grids of every second pixel of an image, and of the same image moved."""
    image = torch.tensor([[1, 2, 0, 4], [3, 0, 1, 1], [0, 6, 2, 3], [1, 0, 2, 0]])
    axes = panels(2, 3, height=4.4)
    words = []
    for row, values in enumerate((image, image.roll(1, dims=1))):
        norms = [values[i::2, j::2].square().sum().item() for i in (0, 1) for j in (0, 1)]
        best = max(range(4), key=norms.__getitem__)
        table, fixed, chosen = axes[3 * row : 3 * row + 3]
        where = "one pixel to the right" if row else "as it is"
        _fill(table, values, title=where)
        for number, (norm, color) in enumerate(zip(norms, COLORS, strict=True)):
            i, j = divmod(number, 2)
            for down in (i, i + 2):
                for right in (j, j + 2):
                    corner = (right + 0.06, down + 0.06)
                    table.add_patch(
                        Rectangle(corner, 0.88, 0.88, fill=False, color=color, linewidth=2)
                    )
            bold = "bold" if number == best else "normal"
            norm_of = f"{'abcd'[number]} {norm}"
            table.text(0.5 + number, 4.5, norm_of, ha="center", color=color, fontweight=bold)
            table.text(j + 0.14, i + 0.3, "abcd"[number], color=color, fontsize="x-small")
        table.text(2, 5.1, "sums of squares", ha="center", va="center", fontsize="small", color=INK)
        table.set_ylim(5.5, -0.04)
        i, j = divmod(best, 2)
        _fill(fixed, values[::2, ::2], title="always grid a")
        _fill(chosen, values[i::2, j::2], title=f"the largest, grid {'abcd'[best]}")
        words.append(
            f"sums of squares {', '.join(map(str, norms))}; grid a holds "
            f"{values[::2, ::2].flatten().tolist()}, the largest is grid {'abcd'[best]} and holds "
            f"{values[i::2, j::2].flatten().tolist()}"
        )
    return show(
        axes,
        "A table of 4 by 4 numbers, its four grids of every second pixel told apart by letters, "
        f"and the same table moved round by one column. Before: {words[0]}. After: {words[1]}.",
    )


def kept_curves(shares: Mapping[str, Tensor]) -> Picture:
    """Draw shares of kept answers over the shift, from 0 pixels on; up to five named curves.

    A curve has shape (seeds, shifts): the line is the median, the band reaches from the lowest to
    the highest. Raises ValueError for more curves than can be told apart.
    """
    if len(shares) > len(LINES):
        raise ValueError(f"shares has {len(shares)} curves; expected {len(LINES)} or fewer")
    (panel,) = panels(1, 1, height=3.4)
    words = []
    for (name, values), (color, marker, style) in zip(shares.items(), LINES, strict=False):
        percent = 100 * values.double()
        middle = percent.median(dim=0).values.numpy()
        shifts = range(len(middle))
        panel.plot(
            shifts, middle, color=color, marker=marker, linestyle=style, linewidth=2, label=name
        )
        low, high = percent.amin(dim=0).numpy(), percent.amax(dim=0).numpy()
        panel.fill_between(shifts, low, high, color=color, alpha=0.15, linewidth=0)
        words.append(f"{name} {', '.join(f'{value:.0f}' for value in middle)}")
    longest = max(values.shape[1] for values in shares.values())
    panel.set(xlabel="shift in pixels", ylabel="answers kept, in percent", ylim=(0, 103))
    panel.set_xticks(range(longest))
    panel.grid(visible=True)
    panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    told = "; ".join(words)
    return show([panel], f"Answers kept in percent, after shifts from 0 pixels on: {told}.")


def _fill(
    axes: Axes, values: Tensor, *, title: str, ringed: Collection[tuple[int, int]] = ()
) -> None:
    number_grid(axes, (values.shape[0], values.shape[1]), title=title)
    for row, line in enumerate(values.tolist()):
        for column, value in enumerate(line):
            axes.text(column + 0.5, row + 0.5, f"{value:g}", ha="center", va="center", color=INK)
    for row, column in ringed:
        axes.add_patch(
            Circle((column + 0.5, row + 0.5), 0.4, fill=False, color=ORANGE, linewidth=2)
        )
