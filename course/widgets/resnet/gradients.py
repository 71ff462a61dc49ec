"""The widget on gradients by depth: the skip on and off, batch norm on and off, three spreads."""

import copy
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
from torch import Tensor, nn

from course.blocks import PaddedBlock, chain, residual_blocks
from course.comparison import attempt
from course.datasets import digits
from course.figures import BLUE, GREY, ORANGE, panels
from course.widgets.explorer import Explorer

__all__ = [
    "Gradients",
    "arriving",
    "backflow",
    "compute_gradients",
    "describe_gradients",
    "gradients",
]

Numbers = NDArray[np.float64]

WIDTH, BATCH = 8, 16
# Blocks of two layers, with one convolution before them.
DEPTHS = (9, 19, 37, 55)
SPREADS = {"He's": 1.0, "torch's default": 6**-0.5, "1.4 times He's": 1.4}
# The axis of the picture; what leaves it is drawn on its rim.
LOWEST, HIGHEST = 1e-26, 1e10


@dataclass(frozen=True)
class Gradients:
    """Size of the gradient at the input of each block, over that at the end of the last.

    on is with the skip, off without; problem says why the student's block is missing.
    """

    depth: int
    skip: bool
    norm: bool
    spread: str
    block: str
    on: Numbers
    off: Numbers
    problem: str

    @property
    def shown(self) -> Numbers:
        """The curve that the switch has chosen."""
        return self.on if self.skip else self.off


def gradients(**blocks: Callable[..., nn.Module]) -> Explorer:
    """Return a widget that sends a gradient back through many blocks, the given one or a student's.

    blocks are the student's classes by name; they take channels in and out and skip, as BasicBlock
    does.
    """
    return Explorer(
        {
            "skip": ipywidgets.Checkbox(True, description="Skip"),
            "norm": ipywidgets.Checkbox(True, description="Batch norm"),
            "depth": ipywidgets.SelectionSlider(options=DEPTHS, value=37, description="Layers"),
            "spread": ipywidgets.Dropdown(options=list(SPREADS), description="Initial spread"),
            "block": ipywidgets.Dropdown(options=["given", *blocks], description="Block"),
        },
        partial(compute_gradients, blocks),
        GradientsView(),
        describe_gradients,
    )


def compute_gradients(
    blocks: Mapping[str, Callable[..., nn.Module]],
    *,
    skip: bool,
    norm: bool,
    depth: int,
    spread: str,
    block: str,
) -> Gradients:
    """Send one batch forward and one gradient back, with the skip and without it."""
    make = {"given": PaddedBlock, **blocks}[block]
    factor = SPREADS[spread]
    sizes = partial(_sizes, norm=norm, depth=DEPTHS[0], spread=factor, skip=False)
    problem = attempt(lambda: sizes(make)).problem
    if problem:
        make, problem = PaddedBlock, f"yours {problem}"
    on, off = (
        np.array(_sizes(make, norm=norm, depth=depth, spread=factor, skip=with_skip))
        for with_skip in (True, False)
    )
    return Gradients(depth, skip, norm, spread, block, on, off, problem)


def arriving(*, layers: int, skip: bool, norm: bool, spread: float, seed: int = 0) -> float:
    """Share of a gradient at the end that reaches the first of the given blocks.

    spread is the filters' standard deviation as a multiple of He's.
    """
    return _sizes(PaddedBlock, norm=norm, depth=layers, spread=spread, skip=skip, seed=seed)[0]


def backflow(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Size of the loss's gradient before the first block of a network, over that after the last.

    Root mean squares, in training mode; the model stays as it was.
    """
    twin = copy.deepcopy(model).train()
    blocks = residual_blocks(twin)
    signals: list[Tensor] = []
    blocks[0].register_forward_pre_hook(lambda _, given: signals.append(given[0]))
    blocks[-1].register_forward_hook(lambda *seen: signals.append(seen[-1]))
    loss = F.cross_entropy(twin(images), labels)
    first, last = (
        g.double().square().mean().sqrt().item() for g in torch.autograd.grad(loss, signals)
    )
    return first / last


@cache
def _sizes(
    make: Callable[..., nn.Module],
    *,
    norm: bool,
    depth: int,
    spread: float,
    skip: bool,
    seed: int = 0,
) -> tuple[float, ...]:
    """Root mean square of the gradient before each block, over that after the last."""
    generator = torch.Generator().manual_seed(seed)
    blocks = chain(
        make,
        (depth - 1) // 2,
        width=WIDTH,
        skip=skip,
        norm=norm,
        spread=spread,
        generator=generator,
    )
    x = digits()[0].images[:BATCH]
    first = torch.randn(WIDTH, 1, 3, 3, generator=generator) * (2 / 9) ** 0.5
    signals = [F.relu(F.batch_norm(F.conv2d(x, first, padding=1), None, None, training=True))]
    signals[0].requires_grad_()
    for block in blocks:
        signals.append(block(signals[-1]))
    grad_out = torch.randn(signals[-1].shape, generator=generator)
    sizes = [
        g.double().square().mean().sqrt().item()
        for g in torch.autograd.grad(signals[-1], signals, grad_out)
    ]
    return tuple(size / sizes[-1] for size in sizes)


def describe_gradients(state: Gradients) -> str:
    """Say in words what the gradient widget shows."""
    own = f" The given blocks stand in: {state.problem}." if state.problem else ""
    return (
        f"{state.depth} layers in {_block(state)} with the skip {_word(state.skip)} and batch norm "
        f"{_word(state.norm)}, initial spread {state.spread}. Of a gradient of 1 at the end, "
        f"{state.shown[0]:.2g} reaches the first block; with the skip "
        f"{_word(not state.skip)} it is {(state.off if state.skip else state.on)[0]:.2g}.{own}"
    )


class GradientsView:
    """One panel on a logarithmic axis: the gradient before each block, with skips and without."""

    def __init__(self) -> None:
        self.axes = panels(1, 1, height=3.6)
        (axes,) = self.axes
        axes.set(xlim=(-0.5, DEPTHS[-1] // 2 + 1), ylim=(LOWEST / 30, HIGHEST * 30), yscale="log")
        axes.set(xlabel="block (input on the left)", ylabel="gradient before the block")
        axes.grid(visible=True)
        axes.axhline(1, color=GREY, linewidth=0.8)
        (self._on,) = axes.plot([], [], "o-", color=BLUE, markersize=5, label="with skips")
        (self._off,) = axes.plot([], [], "s--", color=ORANGE, markersize=5, label="without")
        self._text = axes.text(0.98, 0.05, "", transform=axes.transAxes, ha="right")
        axes.legend(loc="upper right")

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._on, self._off, self._text]

    def update(self, state: Gradients) -> None:
        for line, y, chosen in (
            (self._on, state.on, state.skip),
            (self._off, state.off, not state.skip),
        ):
            line.set_data(np.arange(len(y)), np.nan_to_num(y, posinf=HIGHEST).clip(LOWEST, HIGHEST))
            line.set_linewidth(2.6 if chosen else 0.8)
        self._text.set_text(
            f"{_block(state)}, skip {_word(state.skip)}, batch norm {_word(state.norm)}: "
            f"{state.shown[0]:.2g} at the first\n"
            + textwrap.fill(state.problem, 80, max_lines=2, placeholder=" ...")
        )


def _block(state: Gradients) -> str:
    return "given blocks" if state.block == "given" else f"your {state.block}"


def _word(on: bool) -> str:
    return "on" if on else "off"
