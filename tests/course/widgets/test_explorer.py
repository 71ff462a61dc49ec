"""An explorer keeps controls, picture and alt text together, and hides no error."""

import base64
from collections.abc import Callable, Iterable

import ipywidgets
import numpy as np
import pytest
import traitlets
from matplotlib.artist import Artist

from course.figures.picture import DENSITY, panels
from course.widgets.explorer import Explorer, LivePicture

Pixels = Callable[[bytes], np.ndarray]


class Dot:
    """A dot at a height; a state is the height."""

    def __init__(self) -> None:
        self.axes = panels(1, 1, width=4.0, height=2.0)
        self.axes[0].set(xlim=(0, 1), ylim=(-10, 10))
        (self._dot,) = self.axes[0].plot([], [], "o")

    @property
    def moving(self) -> Iterable[Artist]:
        return [self._dot]

    def update(self, state: int) -> None:
        self._dot.set_data([0.5], [state])


def compute(*, height: int, sign: str) -> int:
    if height == 9:
        raise ZeroDivisionError("nine")
    return height if sign == "plus" else -height


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(
        {
            "height": ipywidgets.IntSlider(2, min=0, max=9, description="Height"),
            "sign": ipywidgets.Dropdown(options=["plus", "minus"], description="Sign"),
        },
        compute,
        Dot(),
        lambda state: f'The dot "<lies>" at {state}.',
    )


def dot_row(image: np.ndarray) -> float:
    """Mean row of the blue pixels."""
    blue = (image[..., 2] > 150) & (image[..., 0] < 100)
    assert blue.any()
    return float(blue.nonzero()[0].mean())


def test_it_shows_its_first_state_at_once(explorer: Explorer, pixels: Pixels) -> None:
    assert explorer.picture.alt == 'The dot "<lies>" at 2.'
    assert pixels(explorer.picture.png).shape == (round(200 * DENSITY), round(400 * DENSITY), 3)
    assert explorer.picture.width == 400


def test_picture_and_alt_text_follow_the_controls(explorer: Explorer, pixels: Pixels) -> None:
    before = dot_row(pixels(explorer.picture.png))
    explorer.set(height=8)
    assert explorer.picture.alt == 'The dot "<lies>" at 8.'
    assert dot_row(pixels(explorer.picture.png)) < before
    explorer.set(sign="minus")
    assert explorer.picture.alt == 'The dot "<lies>" at -8.'
    assert dot_row(pixels(explorer.picture.png)) > before


def test_a_move_of_a_control_does_the_same(explorer: Explorer) -> None:
    explorer.set(height=5)
    expected = explorer.picture.png
    explorer.set(height=2)
    explorer.controls["height"].value = 5
    assert explorer.picture.png == expected
    assert explorer.picture.alt == 'The dot "<lies>" at 5.'


def test_picture_and_text_travel_in_one_message(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[set[str]] = []
    monkeypatch.setattr(explorer.picture, "send_state", lambda key=None: sent.append(set(key)))
    explorer.set(height=5, sign="minus")
    assert sent == [{"png", "alt"}]


def test_several_controls_move_at_once(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, object]] = []

    def record(**values: object) -> int:
        calls.append(values)
        return 0

    monkeypatch.setattr(explorer, "_compute", record)
    explorer.set(height=4, sign="minus")
    assert calls == [{"height": 4, "sign": "minus"}]


def test_an_error_gets_through_set(explorer: Explorer) -> None:
    with pytest.raises(ZeroDivisionError, match="nine"):
        explorer.set(height=9)
    # The controls still work afterwards.
    explorer.controls["height"].value = 3
    assert explorer.picture.alt == 'The dot "<lies>" at 3.'


def test_an_unknown_control_or_value_is_refused_and_the_others_keep_working(
    explorer: Explorer,
) -> None:
    with pytest.raises(KeyError):
        explorer.set(depth=3)
    with pytest.raises(traitlets.TraitError, match="Invalid selection"):
        explorer.set(sign="nought")
    explorer.controls["height"].value = 3
    assert explorer.picture.alt == 'The dot "<lies>" at 3.'


def test_an_error_in_the_browser_is_told_in_the_alt_text(explorer: Explorer) -> None:
    with pytest.raises(ZeroDivisionError):
        explorer.controls["height"].value = 9
    assert explorer.picture.alt == "This setting cannot be shown: ZeroDivisionError: nine"


def test_where_widgets_cannot_run_a_still_picture_stands_in(
    explorer: Explorer, pixels: Pixels
) -> None:
    explorer.set(height=7)
    bundle = explorer._repr_mimebundle_()
    assert bundle.keys() >= {
        "application/vnd.jupyter.widget-view+json",
        "text/html",
        "image/png",
        "text/plain",
    }
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    assert bundle["text/plain"] == 'The dot "<lies>" at 7.'
    page = bundle["text/html"]
    assert page.startswith('<img alt="The dot &quot;&lt;lies&gt;&quot; at 7."')
    assert bundle["image/png"] in page
    still, live = (
        pixels(png) for png in (base64.b64decode(bundle["image/png"]), explorer.picture.png)
    )
    assert still.shape == live.shape
    # The stand-in has fewer colours, which nobody sees.
    assert np.abs(still.astype(int) - live).mean() < 1
    assert dot_row(still) == pytest.approx(dot_row(live), abs=1)


def test_every_control_has_a_visible_label_of_equal_width(explorer: Explorer) -> None:
    for control in explorer.controls.values():
        assert control.description
        assert control.style.description_width == "9em"
    # picture.js gives sliders their accessible name within this class.
    assert "widget-explorer" in explorer._dom_classes


def test_the_page_finds_its_script() -> None:
    script = str(LivePicture(png=b"", alt="", width=1)._esm)
    for word in ('model.get("png")', 'model.get("alt")', 'model.get("width")', "widget-explorer"):
        assert word in script
