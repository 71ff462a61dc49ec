"""The figures of the lesson on convolution say in words what they show."""

from collections.abc import Callable

import pytest
import torch

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
        (figures.effective_fields, "11 by 11 pixels: 100%"),
        (lambda: figures.places(torch.zeros(9, 1, 10, 10)), "nine times"),
        (
            lambda: figures.two_losses({"torch": [2.3, 1.0], "yours": [2.3, 1.5]}),
            "falls from 2.30 to 1.00. They differ by 0.5 at the most.",
        ),
    ],
)
def test_figures_come_with_words(draw: Callable[[], Picture], words: str) -> None:
    picture = draw()
    assert picture.png.startswith(b"\x89PNG")
    assert words in picture.alt
