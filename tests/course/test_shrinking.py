"""The networks of the pooling lesson's trials: five at a time, and alike but for what shrinks."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from course.datasets import digits
from course.shrinking import Shrinking, advantage, framed, scattered

HALVES = partial(F.max_pool2d, kernel_size=2)
WAYS: dict[str, Any] = {"stride": "stride", "maxima": HALVES, "nothing": "nothing"}


def images(side: int, count: int = 6) -> Tensor:
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(0))


def by_torch(nets: Shrinking, x: Tensor, number: int) -> Tensor:
    """The scores of one of the networks, layer by layer."""
    for layer, (weight, offset) in enumerate(zip(nets.filters, nets.offsets, strict=False)):
        each = len(weight) // len(nets.seeds)
        part = slice(number * each, (number + 1) * each)
        conv = nn.Conv2d(weight.shape[1], each, 3, padding=1, padding_mode=PADDING[nets.mode])
        conv.stride = (2, 2) if nets.shrink == "stride" and layer < 2 else (1, 1)
        conv.load_state_dict({"weight": weight[part], "bias": offset[part]})
        x = conv(x).relu()
        x = nets.shrink(x) if callable(nets.shrink) and layer < 2 else x
    x = x.mean(dim=(2, 3)) if nets.averaged else x.flatten(1)
    return x @ nets.dense[number] + nets.offsets[-1][number]


PADDING: dict[str, Any] = {"constant": "zeros", "circular": "circular"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ends", [{}, {"averaged": True, "circular": True}], ids=str)
def test_side_by_side_stand_networks_of_torchs_layers(way: str, ends: dict[str, bool]) -> None:
    nets = Shrinking(WAYS[way], side=8, seeds=range(3), **ends)
    with torch.no_grad():
        for parameter in nets.offsets:
            parameter.uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    x = images(8)
    scores = nets.scores(x)
    assert scores.shape == (3, 6, 10)
    for number in range(3):
        assert_close(scores[number], by_torch(nets, x, number))


def test_a_seed_gives_one_network_whoever_stands_beside_it_and_whatever_shrinks() -> None:
    three, one = (
        Shrinking("stride", side=8, seeds=(4, 0, 7)),
        Shrinking("stride", side=8, seeds=[0]),
    )
    x = images(8)
    assert_close(three.scores(x)[1], one.scores(x)[0])
    for filters, others in zip(
        one.filters, Shrinking(HALVES, side=8, seeds=[0]).filters, strict=True
    ):
        assert torch.equal(filters, others)


def test_training_lowers_the_loss_and_networks_do_not_mix(measured: Callable[..., None]) -> None:
    data = framed(digits()[0].take(3), 0)
    pair, alone = (Shrinking(HALVES, side=8, seeds=seeds) for seeds in ((0, 1), (1,)))
    for nets in (pair, alone):
        nets.fit(data, steps=25, rate=0.01, label="thirty digits")
    measured("thirty digits", min(pair.accuracies(data)), at_least=0.8)
    assert_close(pair.scores(data.images)[1], alone.scores(data.images)[0], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(("way", "expected"), [("stride", 96_768), ("maxima", 165_888)])
def test_multiply_adds_are_those_that_the_convolutions_make(way: str, expected: int) -> None:
    nets = Shrinking(WAYS[way], side=16, seeds=[0])
    assert nets.multiply_adds(16) == expected
    x, total = images(16, count=1), 0
    for layer, weight in enumerate(nets.filters):
        stride = 2 if way == "stride" and layer < 2 else 1
        x = F.conv2d(x, weight, stride=stride, padding=1)
        total += weight.numel() * x.shape[2] * x.shape[3]
        x = HALVES(x) if way == "maxima" and layer < 2 else x
    assert total == expected
    # The lesson says: fifteen times those of strides, where nothing shrinks.
    assert round(Shrinking("nothing", side=16).multiply_adds(16) / 96_768) == 15


def test_answers_that_stay_are_counted_over_four_directions() -> None:
    class Columns(Shrinking):
        def answers(self, images: Tensor) -> Tensor:
            return images.sum(dim=(1, 2)).argmax(dim=1)[None]

    x = torch.zeros(2, 1, 4, 4)
    x[0, 0, 1, 2] = x[1, 0, 2, 1] = 1.0
    nets = Columns("stride", side=4, seeds=[0])
    # Up and down leave the brightest column; to the left and right it changes.
    assert nets.survival(x, 2).tolist() == [[[1.0, 1.0], [0.5, 0.5], [0.5, 0.5]]]
    assert nets.surviving(x, (0, 4)).all()


def test_scattered_digits_lie_within_the_canvas_and_a_seed_repeats_them() -> None:
    data = digits()[1].take(2)
    spread = scattered(data, 3, seed=0)
    assert spread.images.shape == (20, 1, 14, 14)
    assert torch.equal(spread.images, scattered(data, 3, seed=0).images)
    assert not torch.equal(spread.images, framed(data, 3).images)
    assert_close(spread.images.sum(dim=(2, 3)), data.images.sum(dim=(2, 3)))
    places = set()
    for image, original in zip(spread.images, data.images, strict=True):
        for down in range(7):
            for right in range(7):
                if torch.equal(image[0, down : down + 8, right : right + 8], original[0]):
                    places.add((down, right))
    assert len(places) > 10
    assert torch.equal(scattered(data, 0, seed=0).images, data.images)


def test_a_shift_to_the_next_samples_gives_no_advantage() -> None:
    assert advantage((0, 4)) == pytest.approx([0.0] * 5, abs=0.003)
    assert advantage((0, 0)) == [0.0] * 5
