"""Drawings of blocks and networks, made from the model itself.

torch.fx traces what a model computes. What is drawn is that graph, so a drawing cannot say anything
that the code does not do: an addition in the wrong place is seen in the wrong place.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from course.blocks import NoShortcut, PaddedShortcut, chain, yours_or_given
from course.claims import SEEDS
from course.comparison import attempt
from course.datasets import digits
from course.figures.picture import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, Picture, panels, show

__all__ = ["Part", "draw_block", "draw_network", "parts", "variances", "variances_by_block"]

# A chain of blocks at initial weights: how many, their channels, and the images that enter.
BLOCKS, CHANNELS, ENTER = 27, 8, 64
COLORS = {"conv": BLUE, "norm": GREY, "relu": ORANGE, "add": GREEN, "other": PURPLE, "block": BLUE}


@dataclass(frozen=True)
class Part:
    """One operation of a traced model: what it is, where it stands, what it reads.

    column counts operations from the input; lane is 0 on the longest path, and 1 beside it.
    """

    name: str
    kind: str
    label: str
    inputs: tuple[str, ...]
    column: int
    lane: int


def draw_block(make: Callable[..., nn.Module], /, *args: int, **options: object) -> Picture:
    """Draw make(*args, **options), a block; where it cannot be made yet, say so."""
    named = (f"{name}={getattr(value, '__name__', value)}" for name, value in options.items())
    call = ", ".join([*map(str, args), *named])
    title = f"{make.__name__}({call})"
    own = attempt(lambda: parts(make(*args, **options)))
    if own.value is None:
        return _message(f"{title} {own.problem}.")
    drawn = own.value
    (axes,) = panels(1, 1, height=1.75)
    columns = max(part.column for part in drawn) + 1
    axes.set(xlim=(-0.6, columns + 0.25), ylim=(-0.75, 1.65))
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize="small", family="monospace")
    places = _places(drawn)
    for part in drawn:
        x, y = places[part.name]
        _box(axes, part, x, y)
        for source in part.inputs:
            _arrow(axes, places[source], (x, y))
    last = places[drawn[-1].name]
    _arrow(axes, last, (columns, 0))
    axes.text(columns - 0.22, 0, "out", va="center", fontsize=7)
    _bracket(axes, drawn)
    return show([axes], f"{title}: {_words(drawn)}")


def draw_network(model: nn.Module, image_shape: tuple[int, int, int], *, title: str) -> Picture:
    """Draw a network as a row of layers and residual blocks, as high as their images are.

    A block has an arc over it where it has a skip, dashed where the shape changes on the way.
    Batch norm, ReLU and flatten have no box.
    """
    rows = _rows(model, image_shape)
    (axes,) = panels(1, 1, height=2.0)
    axes.set(xlim=(-0.7, len(rows) + 0.2), ylim=(-1.2, 0.75))
    axes.axis("off")
    axes.set_title(title, loc="left", fontsize="small")
    before: tuple[int, ...] = ()
    for i, (module, shape) in enumerate(rows):
        height = 0.35 + 0.45 * math.log2(max(shape[-1], 1) + 1) / math.log2(image_shape[-1] + 1)
        height = height if len(shape) == 3 else 0.45
        block = hasattr(module, "residual")
        kind = "block" if block else "conv" if isinstance(module, nn.Conv2d) else "other"
        axes.add_patch(
            Rectangle(
                (i - 0.4, -height / 2), 0.8, height, facecolor="white", edgecolor=COLORS[kind], lw=2
            )
        )
        axes.text(i, 0, _row_label(module), ha="center", va="center", fontsize=6, rotation=90)
        if block and not isinstance(module.downsample, NoShortcut):
            same = isinstance(module.downsample, nn.Identity)
            _arc(axes, i, height / 2, dashed=not same)
        if shape != before:
            axes.text(
                i - 0.4, -0.62, " x ".join(map(str, shape)), fontsize=7, rotation=-35, va="top"
            )
        before = shape
    blocks = [module for module, _ in rows if hasattr(module, "residual")]
    skips = sum(not isinstance(module.downsample, NoShortcut) for module in blocks)
    shapes = list(dict.fromkeys(" by ".join(map(str, shape)) for _, shape in rows))
    return show(
        [axes],
        f"{title}: a row of {len(rows)} boxes, {len(blocks)} of them blocks of layers, "
        f"{skips or 'none'} with a skip. Shapes from input to output: {', '.join(shapes)}.",
    )


def variances(block: Callable[..., nn.Module]) -> Picture:
    """Draw the variance after each of 27 residual blocks, with batch norm in them and without.

    block is the student's class; where it cannot be run the given one stands in, and is named.
    """
    own = yours_or_given(block)
    axes = panels(1, 2, height=2.9)
    words = []
    for panel, norm, title in ((axes[0], False, "no batch norm"), (axes[1], True, "batch norm")):
        rows = variances_by_block(own.function, norm=norm)
        for row in rows:
            panel.plot(range(1, BLOCKS + 1), row, color=BLUE if norm else ORANGE, linewidth=1.3)
        panel.set(xlabel="block", yscale="linear" if norm else "log")
        panel.set_title(f"{title}, {own.label}", loc="left", fontsize="small")
        panel.grid(visible=True)
        ends = sorted(row[-1] for row in rows)
        words.append(f"{title}: {ends[0]:.2g} to {ends[-1]:.2g} after the last block")
    axes[0].set(ylabel="variance after the block")
    return show(
        axes,
        "Variance of what comes out of each block over that of what enters the first, one line for "
        f"each of {len(SEEDS)} seeds, on a logarithmic axis without batch norm and on a linear one "
        f"with it. {'; '.join(words)}. Blocks: {own}.",
    )


def variances_by_block(block: Callable[..., nn.Module], *, norm: bool) -> list[list[float]]:
    """Return, for each seed, the variance after each block over that of what enters the first."""
    rows = []
    for seed in SEEDS:
        draw = torch.Generator().manual_seed(seed)
        blocks = chain(
            block, BLOCKS, width=CHANNELS, skip=True, norm=norm, spread=1.0, generator=draw
        )
        first = torch.randn(CHANNELS, 1, 3, 3, generator=draw)
        with torch.no_grad():
            x = F.conv2d(digits()[0].images[:ENTER], first, padding=1)
            x = F.relu(F.batch_norm(x, None, None, training=True))
            enter, row = x.var().item(), []
            for made in blocks:
                x = made(x)
                row.append(x.var().item() / enter)
        rows.append(row)
    return rows


class _Tracer(fx.Tracer):
    """Looks into everything but torch's own layers and the given shortcuts."""

    def __init__(self, *, whole_blocks: bool) -> None:
        super().__init__()
        self._whole_blocks = whole_blocks

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        if isinstance(m, PaddedShortcut | NoShortcut):
            return True
        if self._whole_blocks and hasattr(m, "residual"):
            return True
        return super().is_leaf_module(m, module_qualified_name)


def parts(block: nn.Module) -> list[Part]:
    """Return what a block computes, in order, the input first.

    An identity has no part, and neither has an addition of a shortcut that is switched off.
    """
    graph = _Tracer(whole_blocks=False).trace(block)
    modules = dict(block.named_modules())
    stands_for: dict[fx.Node, fx.Node | None] = {}
    found: dict[fx.Node, tuple[str, str, tuple[fx.Node, ...]]] = {}
    for node in graph.nodes:
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        sources = [stands_for.get(source, source) for source in node.all_input_nodes]
        inputs = tuple(source for source in sources if source is not None)
        if node.op in ("output", "get_attr"):
            continue
        if isinstance(module, NoShortcut):
            stands_for[node] = None
        elif isinstance(module, nn.Identity) or len(inputs) < len(sources):
            stands_for[node] = inputs[0]
        else:
            kind, label = _describe(node, module)
            found[node] = (kind, label, inputs)
    columns: dict[fx.Node, int] = {}
    for node, (_, _, inputs) in found.items():
        columns[node] = 1 + max((columns[source] for source in inputs), default=-1)
    main = set()
    at: fx.Node | None = max(columns, key=columns.__getitem__)
    while at is not None:
        main.add(at)
        at = max(found[at][2], key=columns.__getitem__, default=None)
    return [
        Part(
            node.name,
            kind,
            label,
            tuple(source.name for source in inputs),
            columns[node],
            0 if node in main else 1,
        )
        for node, (kind, label, inputs) in found.items()
    ]


def _describe(node: fx.Node, module: nn.Module | None) -> tuple[str, str]:
    """Kind and label of an operation."""
    if node.op == "placeholder":
        return "input", "x"
    if isinstance(module, nn.Conv2d):
        stride = "" if module.stride[0] == 1 else f"\nstride {module.stride[0]}"
        size = "x".join(map(str, module.kernel_size))
        return "conv", f"{size} conv\n{module.in_channels}→{module.out_channels}{stride}"
    if isinstance(module, nn.BatchNorm2d):
        return "norm", "batch\nnorm"
    if isinstance(module, PaddedShortcut):
        return "other", f"pixels ::{module.stride}\n+{module.extra} empty\nchannels"
    name = type(module).__name__ if module else getattr(node.target, "__name__", str(node.target))
    if name.lower().rstrip("_") == "relu":
        return "relu", "ReLU"
    if name.rstrip("_") in ("add", "iadd"):
        return "add", "+"
    return "other", name


def _places(drawn: list[Part]) -> dict[str, tuple[float, float]]:
    """Where each part stands; those beside the longest path are spread over its length."""
    beside = [part for part in drawn if part.lane == 1]
    end = max((part.column for part in drawn if part.kind == "add"), default=1)
    step = end / (len(beside) + 1)
    places = {part.name: (float(part.column), 0.0) for part in drawn if part.lane == 0}
    places |= {part.name: (step * i, 1.1) for i, part in enumerate(beside, start=1)}
    return places


def _box(axes: Axes, part: Part, x: float, y: float) -> None:
    if part.kind == "input":
        label = {"facecolor": "white", "edgecolor": "none", "pad": 2.5}
        axes.text(
            x, y, part.label, ha="center", va="center", fontsize=10, style="italic", bbox=label
        )
        return
    if part.kind == "add":
        axes.add_patch(
            Circle((x, y), 0.3, facecolor="white", edgecolor=COLORS["add"], lw=2, zorder=2)
        )
        axes.text(x, y, "+", ha="center", va="center", fontsize=11)
        return
    axes.add_patch(
        Rectangle(
            (x - 0.42, y - 0.4),
            0.84,
            0.8,
            facecolor="white",
            edgecolor=COLORS[part.kind],
            lw=2,
            zorder=2,
        )
    )
    axes.text(x, y, part.label, ha="center", va="center", fontsize=6.5, zorder=3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow between neighbours, or round the corner over what lies between."""
    (x0, y0), (x1, y1) = start, end
    if y0 == y1 == 0 and x1 - x0 > 1.5:
        axes.plot([x0, x0, x1], [0, 1.1, 1.1], color=INK, linewidth=1.1, zorder=1)
        y0, x0 = 1.1, x1
    elif y1 > y0:
        axes.plot([x0, x0], [y0, y1], color=INK, linewidth=1.1, zorder=1)
        y0 = y1
    elif y1 < y0:
        axes.plot([x0, x1], [y0, y0], color=INK, linewidth=1.1, zorder=1)
        x0 = x1
    axes.add_patch(
        FancyArrowPatch(
            (x0, y0),
            (x1 - 0.36 * (y0 == y1), y1 + 0.3 * (y0 > y1)),
            arrowstyle="-|>",
            mutation_scale=7,
            shrinkA=0,
            shrinkB=0,
            color=INK,
            linewidth=1.1,
            zorder=1,
        )
    )


def _arc(axes: Axes, x: float, top: float, *, dashed: bool) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (x - 0.45, top * 0.6),
            (x + 0.45, top * 0.6),
            connectionstyle="arc3,rad=-1.1",
            arrowstyle="-|>",
            mutation_scale=7,
            color=ORANGE,
            linewidth=1.5,
            linestyle="--" if dashed else "-",
        )
    )


def _bracket(axes: Axes, drawn: list[Part]) -> None:
    """Name what lies between the input and the addition F(x), and the sum H(x)."""
    ends = [part.column for part in drawn if part.kind == "add" and part.lane == 0]
    if ends:
        axes.plot([0.6, 0.6, ends[0] - 0.6, ends[0] - 0.6], [-0.5, -0.58, -0.58, -0.5], color=GREY)
        axes.text(ends[0] / 2, -0.62, "F(x)", ha="center", va="top", fontsize=8, style="italic")
        axes.text(ends[0], -0.62, "H(x)", ha="center", va="top", fontsize=8, style="italic")


def _words(drawn: list[Part]) -> str:
    """The drawing in words: the longest path, and what is beside it."""
    text = {
        lane: ", ".join(
            "addition" if part.kind == "add" else part.label.replace("\n", " ")
            for part in drawn
            if part.lane == lane and part.kind != "input"
        )
        for lane in (0, 1)
    }
    if not any(part.kind == "add" for part in drawn):
        return f"{text[0]}, without a skip."
    return f"{text[0]}. The addition also takes the input, by a skip" + (
        f" through {text[1]}." if text[1] else " without any layer."
    )


def _rows(
    model: nn.Module, image_shape: tuple[int, int, int]
) -> list[tuple[nn.Module, tuple[int, ...]]]:
    """The layers and blocks of a network in order, with the shape that each gives out."""
    twin = copy.deepcopy(model).eval()
    traced = fx.GraphModule(twin, _Tracer(whole_blocks=True).trace(twin))
    with torch.no_grad():
        ShapeProp(traced).propagate(torch.zeros(1, *image_shape))
    modules = dict(traced.named_modules())
    drawn = []
    for node in traced.graph.nodes:
        module = modules.get(str(node.target)) if node.op == "call_module" else None
        if module is None or isinstance(module, nn.BatchNorm2d | nn.ReLU | nn.Flatten):
            continue
        drawn.append((module, tuple(node.meta["tensor_meta"].shape[1:])))
    return drawn


def _row_label(module: nn.Module) -> str:
    if hasattr(module, "residual"):
        return "block"
    if isinstance(module, nn.Conv2d):
        return f"{module.kernel_size[0]}x{module.kernel_size[1]} conv"
    return {"AdaptiveAvgPool2d": "average", "MaxPool2d": "max pool", "Linear": "dense"}.get(
        type(module).__name__, type(module).__name__
    )


def _message(text: str) -> Picture:
    (axes,) = panels(1, 1, height=0.6)
    axes.axis("off")
    axes.text(0, 0.5, text, va="center", fontsize=9)
    return show([axes], text)
