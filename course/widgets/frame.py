"""A figure that is built once and then only updated, so that a slider can drag it.

Drawing all of a figure takes 30 to 50 ms; restoring a saved background and drawing the few artists
that change takes 3. Hence a view says which artists change: they are marked animated, everything
else is drawn once and kept as the background.
"""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from course.figures import encode

__all__ = ["Frame", "View"]

State = TypeVar("State", contravariant=True)


class View(Protocol[State]):
    """How a state looks. Axes, their limits and titles are fixed; the moving artists are not."""

    axes: list[Axes]

    @property
    def moving(self) -> Iterable[Artist]:
        """The artists that update changes, in the order in which they are drawn."""

    def update(self, state: State) -> None:
        """Make the moving artists show a state."""


class Frame(Generic[State]):
    """A view's persistent off-screen figure."""

    def __init__(self, view: View[State]) -> None:
        self.view = view
        canvas = view.axes[0].figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        self.canvas = canvas
        for artist in view.moving:
            artist.set_animated(True)
        self.canvas.draw()
        # The layout is solved by now; solving it again would move the axes under the background.
        self.canvas.figure.set_layout_engine("none")
        self._background = self.canvas.copy_from_bbox(self.canvas.figure.bbox)

    def png(self, state: State) -> bytes:
        """Return the picture of a state."""
        self.view.update(state)
        self.canvas.restore_region(self._background)
        for artist in self.view.moving:
            assert artist.axes is not None
            artist.axes.draw_artist(artist)
        return encode(self.canvas)
