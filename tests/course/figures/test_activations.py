"""The figures of the lesson on activation functions show what torch does."""

import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from course.figures.activations import gate, overflow


def test_the_figure_of_units_counts_the_dead_as_drawn() -> None:
    picture = gate()
    (count,) = re.findall(r"(\d+) of the 24 columns", picture.alt)
    dead = int(count)
    assert 0 < dead < 12
    image = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))
    blue = (image == [0x00, 0x72, 0xB2]).all(axis=2).any(axis=0).nonzero()[0]
    hatched = (image == [0xD5, 0x5E, 0x00]).all(axis=2).any(axis=0).nonzero()[0]
    # The units that fire fill the grid from the left, up to where the hatching begins.
    width = (blue[-1] + 1 - blue[0]) / (24 - dead)
    assert hatched[0] == pytest.approx(blue[-1], abs=3)
    assert hatched[-1] - hatched[0] == pytest.approx(dead * width, abs=5)


def test_the_figure_of_overflow_says_where_torch_gives_no_number() -> None:
    x = torch.tensor([-89.0, -88.0, 88.0, 89.0], requires_grad=True)
    value = 1 / (1 + torch.exp(-x))
    (slope,) = torch.autograd.grad(value.sum(), x)
    assert slope.isnan().tolist() == [True, False, False, False]
    tanh = (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))
    assert tanh.isnan().tolist() == [True, False, False, True]
    assert "not a number below -88" in overflow().alt
    assert "below -88 and above 88" in overflow().alt
