"""The container that joins controls, a compute function and a figure into one widget."""

from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from course.figures import PIXELS_PER_INCH, Picture, encode
from course.widgets.frame import Frame, View

__all__ = ["Explorer"]


class LivePicture(anywidget.AnyWidget):
    """A picture with alt text in the browser; both are replaced together."""

    _esm = Path(__file__).with_name("picture.js")
    png = traitlets.Bytes().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    width = traitlets.Int().tag(sync=True)


class Explorer(ipywidgets.VBox):
    """Controls above a figure; moving a control computes a state and shows it.

    controls are ipywidgets by the name of the argument of compute that they set; each needs a
    description. compute takes their values and returns a state; describe says in a sentence or two
    what the state shows, and becomes the picture's alt text. in_use names the controls that matter
    in a state; the others are switched off, so that nobody wonders why moving them does nothing.
    """

    def __init__(
        self,
        controls: Mapping[str, Any],
        compute: Callable[..., Any],
        view: View[Any],
        describe: Callable[[Any], str],
        *,
        in_use: Callable[[Any], Container[str]] | None = None,
    ) -> None:
        self.controls = dict(controls)
        self._compute, self._describe, self._in_use = compute, describe, in_use
        self._frame: Frame[Any] = Frame(view)
        self.picture = LivePicture(
            width=round(self._frame.canvas.figure.get_figwidth() * PIXELS_PER_INCH)
        )
        self._refresh()
        for control in self.controls.values():
            control.style.description_width = "9em"
            control.layout.width = "28em"
            control.observe(self._on_change, names="value")
        grid = ipywidgets.Box(
            list(self.controls.values()), layout=ipywidgets.Layout(flex_flow="row wrap")
        )
        super().__init__([grid, self.picture])
        self.add_class("widget-explorer")

    def set(self, **values: object) -> None:
        """Move controls, all at once. Unlike a move in the browser, it lets exceptions through."""
        for control in self.controls.values():
            control.unobserve(self._on_change, names="value")
        try:
            for name, value in values.items():
                self.controls[name].value = value
        finally:
            for control in self.controls.values():
                control.observe(self._on_change, names="value")
        self._refresh()

    def _on_change(self, _: object) -> None:
        # JupyterLab hides what a callback raises in its log; the student should see it.
        try:
            self._refresh()
        except Exception as error:
            self.picture.alt = f"This setting cannot be shown: {type(error).__name__}: {error}"
            raise

    def _refresh(self) -> None:
        state = self._compute(**{name: control.value for name, control in self.controls.items()})
        # One message carries picture and text.
        with self.picture.hold_sync():
            self.picture.png = self._frame.png(state)
            self.picture.alt = self._describe(state)
        if self._in_use:
            used = self._in_use(state)
            for name, control in self.controls.items():
                control.disabled = name not in used

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # Only the outermost widget's bundle counts where widgets cannot run: in an exported page,
        # on a code host, in feedback. There the still picture and its alt text stand in.
        bundle = super()._repr_mimebundle_(**kwargs) or {}
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        png = encode(self._frame.canvas, colors=64)
        return {**data, **Picture(png, self.picture.alt)._repr_mimebundle_()}
