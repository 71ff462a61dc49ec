"""The figures of the lesson on convolution say in words what they show."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from course.figures import Picture
from course.figures import convolution as figures


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (figures.sharing, "same three numbers"),
        (figures.windows, "first number, -1;"),
        (figures.unrolled, "six windows"),
        (figures.backwards, "three paths"),
        (figures.field_of_view, "reaches seven"),
        (figures.row_major, "all of channel 0"),
        (lambda: figures.places(torch.zeros(9, 1, 8, 8)), "nine times"),
    ],
)
def test_figures_come_with_words(draw: Callable[[], Picture], words: str) -> None:
    picture = draw()
    assert picture.png.startswith(b"\x89PNG")
    assert words in picture.alt


def test_filters_are_drawn_before_and_after() -> None:
    network = nn.Sequential(nn.Conv2d(1, 10, 3), nn.Conv2d(10, 4, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    same = figures.filters(network, before)
    assert "changed by 0.0 times" in same.alt
    doubled = figures.filters(network, {name: value / 2 for name, value in before.items()})
    assert "changed by 1.0 times" in doubled.alt
    assert same.alt.startswith("The first 10 filters")
