"""Still figures of the lesson on convolutional against dense networks."""

from collections.abc import Callable, Mapping
from functools import partial

import torch
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from course.comparison import attempt
from course.datasets import Images
from course.figures.convolution import SIGNED, cells, equal_cells, outline
from course.figures.picture import BLUE, GREY, INK, ORANGE, Picture, panels, show

__all__ = ["architecture", "filters", "mistakes", "patches", "row_major", "samples"]

Trail = list[tuple[str, tuple[int, ...], int]]
# Channels whose patches are shown: layer, channels.
SHOWN = ((3, (0, 3, 6)), (5, (1, 8, 15)))
PATCHES = 6


def samples(data: Images) -> Picture:
    """Draw the first images of each class, two rows of them."""
    chosen = data.take(2).images
    axes = panels(2, len(chosen) // 2, height=1.7)
    for number, panel in enumerate(axes):
        column, row = number % (len(chosen) // 2), number // (len(chosen) // 2)
        panel.imshow(chosen[2 * column + row, 0].numpy(), cmap="gray_r", vmin=0, vmax=1)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(True)
    return show(axes, "Two images of each of the ten figures, in different fonts and bent.")


def mistakes(network: nn.Module, data: Images) -> Picture:
    """Draw how often a figure is taken for another, and say which mistakes are most frequent."""
    with torch.no_grad():
        said = network(data.images).argmax(dim=1)
    classes = len(data.classes)
    counts = torch.bincount(data.labels * classes + said, minlength=classes**2)
    counts = counts.reshape(classes, classes)
    wrong = counts.clone().fill_diagonal_(0)
    (panel,) = panels(1, 1, width=4.4, height=3.6)
    panel.imshow(wrong.numpy(), cmap="Oranges", vmin=0)
    for row in range(classes):
        for column in range(classes):
            number = int(counts[row, column])
            if number:
                color = GREY if row == column else INK
                panel.text(column, row, str(number), ha="center", va="center", color=color)
    panel.set(xticks=range(classes), yticks=range(classes), xlabel="said", ylabel="is")
    most = wrong.flatten().argsort(descending=True)[:3].tolist()
    told = "; ".join(
        f"{wrong[i // classes, i % classes]} times {data.classes[i % classes]} for "
        f"{data.classes[i // classes]}"
        for i in most
    )
    return show(
        [panel],
        f"A table of what is said for each figure. Of {len(data)} images {int(wrong.sum())} are "
        f"mistaken, most often {told}.",
    )


def architecture(
    shape_trail: Callable[..., Trail], network: nn.Sequential, input_shape: tuple[int, ...]
) -> Picture:
    """Draw what each layer of a network puts out, from a student's list."""
    found = attempt(lambda: _checked(shape_trail(network, input_shape)))
    trail = found.value or _reference(network, input_shape)
    whose = f"the reference's list: yours {found.problem}" if found.problem else "your list"
    boxes = [("image", input_shape, 0), *trail]
    (panel,) = panels(1, 1, height=3.0)
    left = 0.0
    for name, shape, parameters in boxes:
        maps = len(shape) == 3
        high = shape[1] / 16 if maps else 1.6
        wide = 0.14 + 0.05 * shape[0] if maps else 0.14
        fill = "white" if name == "image" else BLUE if parameters else GREY
        panel.add_patch(Rectangle((left, -high / 2), wide, high, fc=fill, ec=INK, alpha=0.85, lw=1))
        size = " x ".join(map(str, shape))
        panel.text(left + wide / 2, -0.95, f"{name}\n{size}", ha="center", va="top", fontsize=8)
        if parameters:
            panel.text(left + wide / 2, 0.9, f"{parameters:,}", ha="center", fontsize=8)
        left += wide + 0.75
    panel.set(xlim=(-0.4, left), ylim=(-1.5, 1.2))
    panel.set_title(f"drawn from {whose}; numbers above: parameters", loc="left", fontsize="small")
    panel.axis("off")
    told = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape, _ in boxes)
    total = sum(parameters for _, _, parameters in trail)
    return show([panel], f"From {whose}: {told}. {total:,} parameters in all.")


def row_major() -> Picture:
    """Draw two maps of 2 x 3 numbers and the row that flatten makes of them."""
    maps = torch.arange(12.0).reshape(2, 2, 3)
    axes = panels(1, 3, height=1.7)
    equal_cells(axes, [3, 3, 12])
    cells(axes[0], maps[0], "channel 0")
    cells(axes[1], maps[1], "channel 1")
    cells(axes[2], maps.reshape(1, 12), "flatten: channel by channel, row by row")
    for panel, column, color, style in (
        (axes[0], 0, BLUE, "-"),
        (axes[1], 0, ORANGE, "--"),
    ):
        outline(panel, 0, column, 2, 3, color, style)
    outline(axes[2], 0, 0, 1, 6, BLUE, "-")
    outline(axes[2], 0, 6, 1, 6, ORANGE, "--")
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


def patches(top_patches: Callable[..., Tensor], network: nn.Sequential, data: Images) -> Picture:
    """Draw the patches that a student's function finds for some channels, strongest first."""
    rows = [(layer, channel) for layer, channels in SHOWN for channel in channels]
    axes = panels(len(rows), PATCHES, width=5.0, height=4.6)
    problem = ""
    for number, (layer, channel) in enumerate(rows):
        found = attempt(
            partial(top_patches, network, layer, data.images, channel=channel, k=PATCHES)
        )
        problem = problem or found.problem
        for column in range(PATCHES):
            panel = axes[number * PATCHES + column]
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(True)
            if found.value is not None:
                image = found.value[column, 0].detach().numpy()
                panel.imshow(image, cmap="gray_r", vmin=0, vmax=1)
            if column == 0:
                label = f"layer {layer // 2 + 1}\nmap {channel}"
                panel.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    told = f"Nothing is drawn, since yours {problem}" if problem else "Drawn by your function"
    return show(
        axes,
        f"{told}: for three maps of the second layer and three of the third, the {PATCHES} patches "
        "of test images that excite them most, strongest first.",
    )


def _checked(trail: Trail) -> Trail:
    """Return a list that can be drawn; whatever cannot raises an error."""
    return [(str(name), tuple(map(int, shape)), int(held)) for name, shape, held in trail]


def _reference(network: nn.Sequential, input_shape: tuple[int, ...]) -> Trail:
    x, trail = torch.zeros(1, *input_shape), []
    with torch.no_grad():
        for layer in network.children():
            x = layer(x)
            held = sum(p.numel() for p in layer.parameters())
            trail.append((type(layer).__name__, tuple(x.shape[1:]), held))
    return trail


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
