"""Widgets of the lesson on pooling.

``stepper`` moves a pooling window over a table of numbers; ``moves``, in pooling_shift, shows how
far a shift of the image moves its features. Both compare a student's functions with torch's.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.artist import Artist
from matplotlib.patches import Circle, Rectangle
from numpy.typing import NDArray
from torch import Tensor

from course.comparison import compare, known
from course.figures import BLUE, GREY, INK, ORANGE, panels
from course.figures.pooling import number_grid
from course.widgets.explorer import Explorer
from course.widgets.pooling_shift import moves

__all__ = ["compute_windows", "describe_windows", "moves", "stepper"]

Function = Callable[..., Tensor]
Numbers = NDArray[np.float64]

# What the stepper pools: not square, with negative numbers and equal ones.
TABLE = torch.tensor(
    [
        [2, -1, 0, 3, -4, -2, 1],
        [0, 5, -3, -3, -6, -1, 0],
        [-2, 1, 1, -5, -2, -7, 4],
        [3, 0, -1, 6, 6, -3, -1],
        [-4, -8, 2, 0, -1, 2, 8],
        [-5, -6, 1, -2, 4, 0, -9],
    ],
    dtype=torch.float64,
)[None, None]
# Rows and columns of the largest output: 2x2 windows one pixel apart, with padding.
OUTPUT = (7, 8)
POOLS: dict[str, str] = {
    "max": "max_pool2d",
    "average": "avg_pool2d",
    "global average": "global_avg_pool",
}


@dataclass(frozen=True)
class Windows:
    """A pooling of the table, up to one of its windows.

    output is torch's, (H', W'); row and column say which window is the current one, box where it
    lies on the table (left, top, width, height), winner which pixel (row, column) is its first
    largest one. problem says why the setting is impossible, own what the student's function does.
    """

    kind: str
    padding: int
    output: Numbers
    row: int
    column: int
    box: tuple[int, int, int, int]
    winner: tuple[int, int] | None
    problem: str
    own: str


def stepper(**functions: Function) -> Explorer:
    """Return a widget that moves a window over a table of numbers.

    functions are the student's max_pool2d, avg_pool2d and global_avg_pool, any of them.
    """
    known(functions, POOLS.values())
    return Explorer(
        {
            "kind": ipywidgets.Dropdown(options=list(POOLS), description="Pooling"),
            "step": ipywidgets.IntSlider(0, min=0, max=55, description="Window number"),
            "kernel_size": ipywidgets.IntSlider(2, min=1, max=4, description="kernel_size"),
            "stride": ipywidgets.IntSlider(2, min=1, max=4, description="stride"),
            "padding": ipywidgets.IntSlider(0, min=0, max=2, description="padding"),
        },
        partial(compute_windows, functions),
        WindowsView(),
        describe_windows,
        in_use=_in_use,
    )


def _in_use(state: Windows) -> set[str]:
    """A global average has one window, the whole table."""
    if state.kind == "global average":
        return {"kind"}
    return {"kind", "step", "kernel_size", "stride", "padding"}


def compute_windows(
    functions: Mapping[str, Function],
    *,
    kind: str,
    step: int,
    kernel_size: int,
    stride: int,
    padding: int,
) -> Windows:
    """Pool the table and find the window of this number; after the last comes the first again."""
    rows, columns = TABLE.shape[2:]
    function: Function
    options: dict[str, Any] = {}
    if kind == "global average":
        height, width, stride, padding = rows, columns, 1, 0
        function = _global_average
    else:
        if padding > kernel_size // 2:
            problem = f"padding {padding} is more than half of the window"
            nothing = np.empty((0, 0))
            return Windows(kind, padding, nothing, 0, 0, (0, 0, 0, 0), None, problem, "")
        height = width = kernel_size
        options = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
        function = F.max_pool2d if kind == "max" else F.avg_pool2d
    output = function(TABLE, **options)
    shape = (1, 1) if output.dim() == 2 else tuple(output.shape[2:])
    row, column = divmod(step % (shape[0] * shape[1]), shape[1])
    top, left = row * stride - padding, column * stride - padding
    winner = None
    if kind == "max":
        # Row-major order of the part of the window that lies on the table.
        inside = TABLE[0, 0, max(top, 0) : top + height, max(left, 0) : left + width]
        down, right = divmod(int(inside.flatten().argmax()), inside.shape[1])
        winner = (max(top, 0) + down, max(left, 0) + right)
    return Windows(
        kind,
        padding,
        output.reshape(shape).numpy(),
        row,
        column,
        (left, top, width, height),
        winner,
        "",
        compare(functions.get(POOLS[kind]), TABLE, output, options),
    )


def describe_windows(state: Windows) -> str:
    """Say in words what the stepper shows."""
    if state.problem:
        return f"This pooling does not exist: {state.problem}."
    rows, columns = state.output.shape
    value = state.output[state.row, state.column]
    left, top, width, height = state.box
    own = f" {state.own[0].upper()}{state.own[1:]}." if state.own else ""
    return (
        f"{state.kind} pooling of a table of 6 by 7 numbers gives {rows} by {columns}. The window "
        f"of output row {state.row}, column {state.column} covers rows {top} to {top + height - 1} "
        f"and columns {left} to {left + width - 1} and gives {value:.3g}.{own}"
    )


class WindowsView:
    """Two tables: the numbers with the window on them, and the outputs so far."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=3.9)
        table, output = self.axes
        rows, columns = TABLE.shape[2:]
        number_grid(table, (rows, columns), title="numbers")
        # Room for the padding, and below for a line of text.
        table.set(xlim=(-2.1, columns + 2.1), ylim=(rows + 3.3, -2.1))
        output.set(xlim=(-0.1, OUTPUT[1] + 0.1), ylim=(OUTPUT[0] + 1.3, -1.1), aspect="equal")
        output.set_axis_off()
        output.set_title("outputs, up to this window", loc="left", fontsize="medium")
        for row in range(rows):
            for column in range(columns):
                value = f"{TABLE[0, 0, row, column]:.0f}"
                table.text(column + 0.5, row + 0.5, value, ha="center", va="center", color=INK)
        self._padding = Rectangle((0, 0), 0, 0, fill=False, color=GREY, linestyle="--")
        self._window = Rectangle((0, 0), 0, 0, fill=False, color=ORANGE, linewidth=3)
        self._winner = Circle((0, 0), 0.42, fill=False, color=BLUE, linewidth=2)
        for patch in (self._padding, self._window, self._winner):
            table.add_patch(patch)
        self._cell = Rectangle((0, 0), 1, 1, fill=False, color=ORANGE, linewidth=3)
        self._size = Rectangle((0, 0), 0, 0, fill=False, color=GREY)
        output.add_patch(self._size)
        output.add_patch(self._cell)
        self._values = [
            output.text(column + 0.5, row + 0.5, "", ha="center", va="center", fontsize="small")
            for row in range(OUTPUT[0])
            for column in range(OUTPUT[1])
        ]
        self._said = table.text(-2, rows + 3.2, "", va="bottom", color=INK)
        self._own = output.text(0, OUTPUT[0] + 1.2, "", va="bottom", color=INK)

    @property
    def moving(self) -> Iterable[Artist]:
        patches = [self._padding, self._window, self._winner, self._size, self._cell]
        return [*patches, *self._values, self._said, self._own]

    def update(self, state: Windows) -> None:
        rows, columns = TABLE.shape[2:]
        pad = 0 if state.problem else state.padding
        self._padding.set_bounds(-pad, -pad, columns + 2 * pad, rows + 2 * pad)
        self._padding.set_visible(pad > 0)
        self._window.set_bounds(*state.box)
        self._winner.set_visible(state.winner is not None)
        if state.winner is not None:
            self._winner.center = (state.winner[1] + 0.5, state.winner[0] + 0.5)
        height, width = state.output.shape
        self._size.set_bounds(0, 0, width, height)
        self._cell.set_bounds(state.column, state.row, 1, 1)
        self._cell.set_visible(not state.problem)
        for number, text in enumerate(self._values):
            row, column = divmod(number, OUTPUT[1])
            reached = (row, column) <= (state.row, state.column) and column < width and row < height
            text.set_text(f"{state.output[row, column]:.3g}" if reached else "")
        stands = "minus infinity" if state.kind == "max" else "0"
        border = f"\nwithin the dashed frame stands {stands}" if pad else ""
        value = "" if state.problem else f"{state.output[state.row, state.column]:.3g}"
        self._said.set_text(state.problem or f"{state.kind} of the window: {value}{border}")
        self._own.set_text(textwrap.fill(state.own, 44, max_lines=2, placeholder=" ..."))


def _global_average(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3))
