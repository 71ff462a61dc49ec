"""Numbers that the text of pooling states."""

from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from cnnlib.pooling import polyphase_sample
from course.datasets import Images, digits
from course.shrinking import Shrinking, framed, scattered
from course.widgets.pooling_shift import compute_moves
from tests.course.stating import Measured, stated


@pytest.fixture(scope="module")
def middle() -> tuple[Images, Images]:
    train, test = digits()
    return framed(train, 4), framed(test, 4)


WINDOWS: dict[str, Any] = {
    "stride": "stride",
    "max": partial(F.max_pool2d, kernel_size=2),
    "max 3x3": partial(F.max_pool2d, kernel_size=3, stride=2, padding=1),
    "blurred": lambda x: F.avg_pool2d(F.max_pool2d(x, 2, 1), 3, 2, 1),
}


def test_what_pooling_keeps_is_what_the_lesson_says(
    middle: tuple[Images, Images], measured: Measured
) -> None:
    stated(
        "pooling",
        "With strides the network kept about half of its answers",
        'b="about two thirds"',
        "All five read the digits in the middle about equally well",
        "Windows that overlap keep more again",
        "and the blur keeps most",
        "After four pixels most answers are gone with all of them",
    )
    train, test = middle
    nets = {
        name: Shrinking(way, side=16).fit(train, steps=150, rate=0.01, label=name)
        for name, way in WINDOWS.items()
    }
    staying = {
        name: net.survival(test.images, 4).mean(dim=2).median(dim=0).values
        for name, net in nets.items()
    }
    one = {name: float(shares[1]) for name, shares in staying.items()}
    measured("strides, 1 pixel", one["stride"], at_least=0.4, at_most=0.6)
    measured("maxima, 1 pixel", one["max"], at_least=0.59, at_most=0.75)
    measured("overlap, 1 pixel, more", one["max 3x3"] - one["max"], at_least=0.03)
    measured("blur, 1 pixel, more", one["blurred"] - one["max 3x3"], at_least=0.0)
    measured("4 pixels", max(float(shares[4]) for shares in staying.values()), at_most=0.45)
    middles = [float(torch.tensor(net.accuracies(test)).median()) for net in nets.values()]
    measured("accuracies apart", max(middles) - min(middles), at_most=0.05)


def test_a_grid_that_the_image_chooses_keeps_every_answer_and_strides_come_back_after_four(
    middle: tuple[Images, Images], measured: Measured
) -> None:
    stated(
        "pooling",
        "come back to their answers after four pixels",
        "The one that samples the largest grid never leaves them",
    )
    train, test = middle
    # The norm runs over all channels, so there is one network here.
    ends: dict[str, Any] = {"side": 16, "averaged": True, "circular": True, "seeds": [0]}
    ways: dict[str, Any] = {"strides": "stride", "grid": partial(polyphase_sample, stride=2)}
    for name, way in ways.items():
        nets = Shrinking(way, **ends).fit(train, steps=100, rate=0.01, label=name)
        _, *shares = nets.survival(test.images, 4)[0].mean(dim=1).tolist()
        measured(f"{name}, 4 pixels", shares[3], at_least=0.99)
        if name == "grid":
            measured("grid, 1 to 4 pixels", min(shares), at_least=0.99)
        else:
            measured("strides, 1 to 3 pixels", max(shares[:3]), at_most=0.8)


def test_pooling_moves_features_as_the_widget_and_the_lesson_say() -> None:
    stated("pooling", "With 2x2 maxima it is hardly less", "pooled features even move further")
    distances = compute_moves({}, way="max", window=2, shift=1, digit=3).distances
    assert 0.95 < distances["no pooling"][1] < 1.05
    assert 0.85 < distances["max"][1] < distances["no pooling"][1]
    assert distances["max"][4] > distances["no pooling"][4]
    assert distances["global average"].max() < 0.02


def test_fewer_weights_in_the_dense_layer_alone_do_not_help_with_few_images(
    measured: Measured,
) -> None:
    stated("pooling", "Fewer weights alone do not help.")
    train, test = (scattered(data, 2, seed=seed) for seed, data in enumerate(digits()))
    few = train.take(10)
    read = {
        name: Shrinking(name, side=12).fit(few, steps=80, rate=rate, label=name).accuracies(test)
        for name, rate in (("stride", 0.01), ("nothing", 0.003))
    }
    gap = sum(read["stride"]) / 5 - sum(read["nothing"]) / 5
    measured("strides, more than nothing", gap, at_most=0.05)
