"""Still figures: drawn without pyplot, shown with alt text, the same everywhere.

The ground is white in either theme of JupyterLab, the colours are those of Okabe and Ito that
reach a contrast of 3:1 on white, and no figure tells things apart by colour alone.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PURPLE",
    "Picture",
    "encode",
    "panels",
    "show",
]

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK, GREY = "#222222", "#767676"
# Pixels of the picture per pixel of the page: sharp on dense screens, cheap enough to drag.
DENSITY = 1.5
# Matplotlib's inches: a figure of width 7.2 is 720 pixels wide on the page.
PIXELS_PER_INCH = 100

STYLE: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.facecolor": "white",
    "font.size": 10,
    "grid.color": "#dddddd",
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
}


class Picture:
    """A finished picture and its alt text, as a notebook shows it."""

    def __init__(self, png: bytes, alt: str) -> None:
        self.png = png
        self.alt = alt

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: object) -> Mapping[str, str]:
        # JupyterLab and nbconvert drop the alt text of a bare image/png, so text/html comes first.
        encoded = base64.b64encode(self.png).decode()
        width = Image.open(io.BytesIO(self.png)).width / DENSITY
        html = (
            f'<img alt="{escape(self.alt)}" style="max-width: 100%" width="{width:.0f}" '
            f'src="data:image/png;base64,{encoded}">'
        )
        return {"text/html": html, "image/png": encoded, "text/plain": self.alt}


def panels(rows: int, columns: int, *, width: float = 7.2, height: float = 3.2) -> list[Axes]:
    """Return empty axes, row by row, on one figure of so many hundred pixels on the page.

    The figure is ``axes[0].figure``; hand it to show when everything is drawn.
    """
    with matplotlib.rc_context(STYLE):
        made = Figure(figsize=(width, height), dpi=PIXELS_PER_INCH * DENSITY, layout="constrained")
        FigureCanvasAgg(made)
        return list(made.subplots(rows, columns, squeeze=False).flat)


def show(axes: Sequence[Axes], alt: str) -> Picture:
    """Draw the figure that axes lie on; alt says in a sentence or two what it shows."""
    canvas = axes[0].figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    return Picture(encode(canvas), alt)


def encode(canvas: FigureCanvasAgg, *, colors: int | None = None) -> bytes:
    """Return what a canvas holds as PNG, without drawing it again as savefig would.

    With colors, the palette is cut down to so many: a quarter of the bytes, for a stand-in.
    """
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    file = io.BytesIO()
    if colors is None:
        image.save(file, "png", compress_level=1)
    else:
        image.quantize(colors).save(file, "png", optimize=True)
    return file.getvalue()
