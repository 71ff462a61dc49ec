"""The figures of the lesson on convolutional against dense networks say what they show."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnlib.cnn_vs_dense import shape_trail, top_patches
from course.datasets import Images
from course.figures import Picture
from course.figures import cnn_vs_dense as figures
from course.race import convolutional
from tests.course.students import broken, unwritten

SMALL = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(16, 10))
DATA = Images(torch.zeros(20, 1, 16, 16), torch.arange(10).repeat(2), tuple("0123456789"))


class Always(nn.Module):
    """Says 7, whatever it sees."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.eye(10)[7].expand(len(x), -1)


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (figures.row_major, "all of channel 0"),
        (lambda: figures.samples(DATA), "each of the ten figures"),
        (lambda: figures.mistakes(Always(), DATA), "Of 20 images 18 are mistaken, most often 2"),
        (
            lambda: figures.architecture(shape_trail, SMALL, (1, 4, 4)),
            "From your list: image 1 x 4 x 4, Conv2d 4 x 2 x 2, Flatten 16, Linear 10. 210",
        ),
        (
            lambda: figures.patches(top_patches, convolutional(), DATA),
            "Drawn by your function: for three maps",
        ),
    ],
)
def test_figures_come_with_words(draw: Callable[[], Picture], words: str) -> None:
    picture = draw()
    assert picture.png.startswith(b"\x89PNG")
    assert words in picture.alt


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (unwritten, "is not written yet"),
        (broken, "raises IndexError"),
        (lambda *_: [("Conv2d", "wide", 3)], "raises ValueError"),
    ],
)
def test_a_list_that_cannot_be_drawn_is_replaced_and_told(own: Any, words: str) -> None:
    alt = figures.architecture(own, SMALL, (1, 4, 4)).alt
    assert alt.startswith(f"From the reference's list: yours {words}")
    assert alt.endswith("Conv2d 4 x 2 x 2, Flatten 16, Linear 10. 210 parameters in all.")


def test_patches_that_are_not_found_are_told() -> None:
    alt = figures.patches(unwritten, convolutional(), DATA).alt
    assert alt.startswith("Nothing is drawn, since yours is not written yet")


def test_filters_are_drawn_before_and_after() -> None:
    network = nn.Sequential(nn.Conv2d(1, 10, 3), nn.Conv2d(10, 4, 3))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    same = figures.filters(network, before)
    assert "changed by 0.0 times" in same.alt
    doubled = figures.filters(network, {name: value / 2 for name, value in before.items()})
    assert "changed by 1.0 times" in doubled.alt
    assert same.alt.startswith("The first 10 filters")
