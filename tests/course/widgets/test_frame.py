"""A frame shows what a full draw would show, whatever was shown before."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course.figures import BLUE, ORANGE, panels
from course.widgets import activations
from course.widgets.frame import Frame, View

Pixels = Callable[[bytes], np.ndarray]


class Wave:
    """A line, a dot and a text over two panels; a state is a phase."""

    def __init__(self) -> None:
        self.axes = panels(1, 2, height=2.0)
        for axes in self.axes:
            axes.set(xlim=(0, 6), ylim=(-1.5, 1.5))
            axes.grid(visible=True)
        (self._line,) = self.axes[0].plot([], [], color=BLUE)
        (self._dot,) = self.axes[1].plot([], [], "o", color=ORANGE)
        self._text = self.axes[1].text(0.1, 0.9, "nothing yet", transform=self.axes[1].transAxes)

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._line, self._dot, self._text]

    def update(self, state: float) -> None:
        x = np.linspace(0, 6, 100)
        self._line.set_data(x, np.sin(x + state))
        self._dot.set_data([state % 6], [np.cos(state)])
        self._text.set_text(f"phase {state:.2f}")


def reference(function: str) -> activations.Curves:
    functions = {"tanh": torch.tanh, "relu": lambda x: x.clamp(min=0) * 1.5}
    return activations.compute_curves(
        functions, name=function, probe=0.5, negative_slope=0.1, alpha=1.0
    )


def spreads(gain: float) -> activations.Depth:
    functions = {"relu": torch.relu}
    return activations.compute_depth(functions, name="relu", layers=20, gain=gain, seed=0)


CASES: dict[str, tuple[Callable[[], View[Any]], list[Any]]] = {
    "wave": (Wave, [0.0, 2.5, 5.0]),
    "curves": (activations.CurvesView, [reference("tanh"), reference("relu")]),
    "depth": (activations.DepthView, [spreads(1.0), spreads(2.0)]),
}


def full_draw(view: View[Any], canvas: FigureCanvasAgg) -> np.ndarray:
    """Draw everything anew, the moving artists above all else and in their order."""
    orders = [artist.get_zorder() for artist in view.moving]
    for place, artist in enumerate(view.moving):
        artist.set(animated=False, zorder=1000 + place)
    canvas.draw()
    for artist, order in zip(view.moving, orders, strict=True):
        artist.set(animated=True, zorder=order)
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


@pytest.mark.parametrize("name", CASES)
def test_a_frame_equals_a_full_draw_pixel_for_pixel(name: str, pixels: Pixels) -> None:
    make, states = CASES[name]
    frame = Frame(make())
    for state in states:
        blitted = pixels(frame.png(state))
        assert np.array_equal(blitted, full_draw(frame.view, frame.canvas))


@pytest.mark.parametrize("name", CASES)
def test_a_frame_keeps_nothing_of_the_one_before(name: str) -> None:
    make, states = CASES[name]
    frame = Frame(make())
    first = frame.png(states[0])
    others = [frame.png(state) for state in states[1:]]
    assert frame.png(states[0]) == first
    assert first not in others
    assert Frame(make()).png(states[0]) == first


def test_the_background_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = Frame(Wave())
    monkeypatch.setattr(frame.canvas, "draw", lambda: pytest.fail("a full draw"))
    frame.png(1.0)
