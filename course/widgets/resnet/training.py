"""The widget on training curves: plain networks beside residual ones, at several depths."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import ipywidgets
import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray

from course.figures import BLUE, GREEN, ORANGE, PURPLE, panels
from course.widgets.explorer import Explorer

__all__ = ["Curves", "Run", "compute_curves", "curves", "describe_curves"]

Numbers = NDArray[np.float64]

# Batches whose mean is the training loss that the lesson prints.
LAST = 12
STYLES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"))


@dataclass(frozen=True)
class Run:
    """One training: its network's depth, whether it had skips, and the loss of every batch."""

    depth: int
    skip: bool
    losses: tuple[float, ...]

    @property
    def final(self) -> float:
        """Mean loss of the last twelve batches."""
        return sum(self.losses[-LAST:]) / len(self.losses[-LAST:])


@dataclass(frozen=True)
class Curves:
    """Smoothed losses by depth, plain and residual; one depth is chosen, at one step."""

    depth: int
    step: int
    plain: dict[int, Numbers]
    residual: dict[int, Numbers]


def curves(runs: Sequence[Run]) -> Explorer:
    """Return a widget that shows finished trainings; nothing is trained when a control moves.

    Raises ValueError unless there is, for each of at most four depths, one plain and one residual
    training, all of equal length.
    """
    depths = sorted({run.depth for run in runs})
    kinds = sorted((run.depth, run.skip) for run in runs)
    wanted = [(depth, skip) for depth in depths for skip in (False, True)]
    if kinds != wanted or not 1 <= len(depths) <= len(STYLES):
        raise ValueError(
            f"runs are {kinds}; expected (depth, False) and (depth, True) for one to "
            f"{len(STYLES)} depths"
        )
    lengths = {len(run.losses) for run in runs}
    if len(lengths) != 1:
        raise ValueError(f"runs have {sorted(lengths)} steps; expected equally many")
    steps = lengths.pop()
    return Explorer(
        {
            "depth": ipywidgets.SelectionSlider(
                options=depths, value=depths[-1], description="Depth"
            ),
            "step": ipywidgets.IntSlider(steps, min=1, max=steps, description="Step"),
            "window": ipywidgets.IntSlider(LAST, min=1, max=20, description="Smooth over"),
        },
        partial(compute_curves, runs),
        CurvesView(depths, steps),
        describe_curves,
    )


def compute_curves(runs: Sequence[Run], *, depth: int, step: int, window: int) -> Curves:
    """Average each loss over up to window batches, the last of which is the step's own."""

    def smooth(losses: Sequence[float]) -> Numbers:
        sums = np.concatenate([[0.0], np.cumsum(losses)])
        end = np.arange(1, len(losses) + 1)
        start = np.maximum(end - window, 0)
        averages: Numbers = (sums[end] - sums[start]) / (end - start)
        return averages

    plain, residual = (
        {run.depth: smooth(run.losses) for run in sorted(runs, key=_depth) if run.skip is skip}
        for skip in (False, True)
    )
    return Curves(depth, step, plain, residual)


def _depth(run: Run) -> int:
    return run.depth


def describe_curves(state: Curves) -> str:
    """Say in words what the curve widget shows."""

    def at(curves: dict[int, Numbers]) -> str:
        return ", ".join(f"{depth} layers {y[state.step - 1]:.2f}" for depth, y in curves.items())

    return (
        f"Training loss after {state.step} steps. Plain: {at(state.plain)}. Residual: "
        f"{at(state.residual)}. The networks of {state.depth} layers are drawn bold."
    )


class CurvesView:
    """Two panels with equal axes: plain networks, residual networks."""

    def __init__(self, depths: Sequence[int], steps: int) -> None:
        self.axes = panels(1, 2, height=3.6)
        self._lines: list[dict[int, Artist]] = []
        self._dots, self._texts = [], []
        for axes, title in zip(self.axes, ("plain", "residual"), strict=True):
            axes.set(xlim=(0, steps + 1), ylim=(0, 3), xlabel="step", ylabel="training loss")
            axes.set_title(title, loc="left")
            axes.grid(visible=True)
            self._lines.append(
                {
                    depth: axes.plot([], [], line, color=color, label=f"{depth} layers")[0]
                    for depth, (color, line) in zip(depths, STYLES, strict=False)
                }
            )
            self._dots.append(axes.plot([], [], "o", color="black", markersize=6)[0])
            self._texts.append(axes.text(0.97, 0.95, "", transform=axes.transAxes, ha="right"))
        self.axes[0].legend(loc="lower left")

    @property
    def moving(self) -> Iterable[Artist]:
        lines = [line for panel in self._lines for line in panel.values()]
        return [*lines, *self._dots, *self._texts]

    def update(self, state: Curves) -> None:
        for lines, dot, text, curves in zip(
            self._lines, self._dots, self._texts, (state.plain, state.residual), strict=True
        ):
            for depth, line in lines.items():
                chosen = depth == state.depth
                line.set(
                    data=(np.arange(1, len(curves[depth]) + 1), curves[depth]),
                    # Paler lines would leave the legend's colours out of the picture that stands
                    # in for the widget, which has few.
                    linewidth=3 if chosen else 1.2,
                )
            value = curves[state.depth][state.step - 1]
            dot.set_data([state.step], [min(value, 3)])
            text.set_text(f"{state.depth} layers, step {state.step}: {value:.2f}")
