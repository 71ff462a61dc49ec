"""A still figure carries its alt text, reads on white, and leaves no trace in matplotlib."""

import base64
import io
import re
import subprocess
import sys
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from course import figures
from course.figures.picture import DENSITY, Picture, encode, panels, show


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def canvas_of(panel: Axes) -> FigureCanvasAgg:
    canvas = panel.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    return canvas


def drawn(alt: str = "A line.") -> tuple[Picture, np.ndarray]:
    axes = panels(1, 2, width=4.0, height=2.0)
    axes[0].plot([0, 1], [0, 1], color=figures.BLUE)
    picture = show(axes, alt)
    return picture, np.asarray(canvas_of(axes[0]).buffer_rgba())[..., :3]


def test_a_picture_is_what_was_drawn_pixel_for_pixel() -> None:
    picture, canvas = drawn()
    assert np.array_equal(pixels(picture.png), canvas)
    assert (canvas != 255).any()
    # The blue line is there.
    assert (canvas == [0x00, 0x72, 0xB2]).all(axis=2).sum() > 50


def test_a_picture_is_sharper_than_the_page_and_as_large_as_it_was_asked_for() -> None:
    picture, canvas = drawn()
    assert canvas.shape == (round(200 * DENSITY), round(400 * DENSITY), 3)
    assert 'width="400"' in picture._repr_mimebundle_()["text/html"]


def test_page_picture_and_text_come_together_and_the_alt_text_is_escaped() -> None:
    picture, _ = drawn('Is "a" < b?')
    bundle = picture._repr_mimebundle_(include=None, exclude=None)
    assert bundle.keys() == {"text/html", "image/png", "text/plain"}
    assert base64.b64decode(bundle["image/png"]) == picture.png
    assert bundle["text/plain"] == repr(picture) == 'Is "a" < b?'
    page = bundle["text/html"]
    assert page.startswith('<img alt="Is &quot;a&quot; &lt; b?"')
    assert f'src="data:image/png;base64,{bundle["image/png"]}"' in page


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (2, 2)])
def test_panels_come_row_by_row_on_one_figure(rows: int, columns: int) -> None:
    axes = panels(rows, columns)
    assert len(axes) == rows * columns
    assert len({id(panel.figure) for panel in axes}) == 1
    specs = [panel.get_subplotspec() for panel in axes]
    places = [(spec.rowspan.start, spec.colspan.start) for spec in specs if spec is not None]
    assert len(places) == len(axes)
    assert places == sorted(places)


def test_the_style_stays_inside() -> None:
    own: dict[Any, Any] = {"font.size": 17.0, "axes.spines.top": True, "text.color": "red"}
    with matplotlib.rc_context(own):
        drawn()
        assert {name: matplotlib.rcParams[name] for name in own} == own


def test_a_smaller_palette_makes_a_smaller_file_of_the_same_size() -> None:
    axes = panels(1, 1)
    axes[0].imshow(np.random.default_rng(0).random((40, 40)), cmap="viridis")
    full = show(axes, "Noise.").png
    small = encode(canvas_of(axes[0]), colors=16)
    assert len(small) < len(full) / 2
    assert pixels(small).shape == pixels(full).shape
    assert len(np.unique(pixels(small).reshape(-1, 3), axis=0)) <= 16


@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREEN", "PURPLE", "INK", "GREY"])
def test_colours_reach_the_contrast_that_the_module_promises(name: str) -> None:
    assert contrast_on_white(getattr(figures, name)) >= (4.5 if name in ("INK", "GREY") else 3)


def contrast_on_white(color: str) -> float:
    """WCAG 2.1: (L1 + 0.05) / (L2 + 0.05) of the relative luminances."""
    channels = [int(part, 16) / 255 for part in re.findall("[0-9A-Fa-f]{2}", color)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return 1.05 / (luminance + 0.05)


def test_nothing_in_the_course_imports_pyplot() -> None:
    code = (
        "import sys, pkgutil, importlib, course.widgets, course.datasets\n"
        "for package in (course, course.widgets, course.datasets):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
