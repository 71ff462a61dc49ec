"""Numbers that a lesson's text states stand here, each with the range in which it was measured.

A number that comes out of the run needs no test. One that the text states in words does: the words
have to be in the lesson, and the measurement in the range that they stand for.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from cnnlib.pooling import polyphase_sample
from course.datasets import Images, digits
from course.dense import Dense
from course.figures.activations import rings
from course.shrinking import Shrinking, framed, scattered
from course.widgets.activations import REFERENCES, compute_depth
from course.widgets.pooling_shift import compute_moves

ROOT = Path(__file__).parents[2]
Measured = Callable[..., None]


def stated(topic: str, *words: str) -> None:
    """Check that a lesson's text has some words, wherever its lines break."""
    text = " ".join((ROOT / f"source/{topic}.py").read_text().replace("\n# ", " ").split())
    for phrase in words:
        assert phrase in text, f"{topic} does not say {phrase!r}"


def accuracy(layers: int, name: str, gain: float) -> float:
    """Test accuracy of the lesson's network, seed by seed the worst, after 600 steps."""
    train, test = digits()
    net = Dense(REFERENCES[name], [*[64] * layers, 10], gain=gain)
    net.fit(train, steps=600, rate=0.1, label=name)
    with torch.no_grad():
        scores = net.preactivations(test.images)[-1]
    right = (scores.argmax(dim=-1) == test.labels).double().mean(dim=1)
    return float(right.min() if name != "sigmoid" or gain > 1 or layers == 2 else right.max())


def test_two_layers_of_sigmoids_learn_and_six_guess(measured: Measured) -> None:
    stated("activations", "The shallow network learns.", "still guesses after 600 steps")
    measured("2 layers", accuracy(2, "sigmoid", 1.0), at_least=0.8)
    measured("6 layers", accuracy(6, "sigmoid", 1.0), at_most=0.2)


@pytest.mark.parametrize(
    ("name", "gain", "least"), [("relu", 2**0.5, 0.92), ("tanh", 1.0, 0.94), ("sigmoid", 10.0, 0.7)]
)
def test_six_layers_learn_where_the_gradient_arrives(
    name: str, gain: float, least: float, measured: Measured
) -> None:
    stated("activations", "six layers read digits better", "with your gain even the sigmoid learns")
    measured("accuracy", accuracy(6, name, gain), at_least=least)


def test_less_than_a_hundredth_of_the_gradient_arrives_at_the_first_of_six_layers(
    measured: Measured,
) -> None:
    stated("activations", "the first of six is less than a hundredth of what the last one gets")
    train, _ = digits()
    net = Dense(torch.sigmoid, [*[64] * 6, 10], gain=1.0)
    scores = net.preactivations(train.images)[-1]
    labels = train.labels.expand(len(scores), -1)
    gradients = torch.autograd.grad(F.cross_entropy(scores.transpose(1, 2), labels), net.weights)
    first, last = (gradients[layer].flatten(1).norm(dim=1) for layer in (0, -1))
    measured("share", float((first / last).max()), at_most=0.01)


def test_no_network_without_a_bend_tells_the_disc_from_the_ring(measured: Measured) -> None:
    stated("activations", "No straight line tells the two apart")
    alt = rings(**REFERENCES).alt
    shares = dict(part.rsplit(" ", 1) for part in alt.split("right side: ")[1].split("; "))
    for name, share in shares.items():
        value = float(share.rstrip(".%"))
        if name == "no activation":
            measured(name, value, at_most=70)
        else:
            measured(name, value, at_least=95)


@pytest.mark.parametrize(
    ("words", "name", "gain", "least", "most"),
    [
        ("ReLU and leaky ReLU need a gain near $\\sqrt 2$", "relu", 1.4, 0.1, 10.0),
        ("even at gain 3 less than a billionth of the gradient", "sigmoid", 3.0, 0.0, 1e-9),
        ("grown more than a hundred thousand times", "tanh", 3.0, 1e5, 1e12),
    ],
)
def test_the_depth_widget_shows_what_the_lesson_says_of_fifty_layers(
    words: str, name: str, gain: float, least: float, most: float, measured: Measured
) -> None:
    stated("activations", words)
    state = compute_depth(REFERENCES, name=name, layers=50, gain=gain, seed=0)
    shown = state.signal[-1] if name == "relu" else state.gradient[0]
    measured(f"{name} at gain {gain}", float(shown), at_least=least, at_most=most)


def test_far_to_the_left_no_slope_but_that_of_leaky_relu_is_above_a_four_hundredth() -> None:
    stated("activations", "at $x = -6$ no slope among them is above 0.0025")
    for name in ("sigmoid", "tanh", "relu", "elu"):
        x = torch.tensor(-6.0, requires_grad=True)
        (slope,) = torch.autograd.grad(REFERENCES[name](x), x)
        assert slope <= 0.0025


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
    for name, way in {"strides": "stride", "grid": partial(polyphase_sample, stride=2)}.items():
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
