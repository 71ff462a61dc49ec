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
from torch import nn

from cnnlib.pooling import polyphase_sample
from cnnlib.resnet import BasicBlock, residual_jacobian, zero_init_residual
from course.blocks import no_skip, option_a, stack
from course.datasets import Images, digits
from course.deep import Deep
from course.dense import Dense
from course.figures.activations import rings
from course.figures.resnet import variances_by_block
from course.shrinking import Shrinking, framed, scattered
from course.widgets.activations import REFERENCES, compute_depth
from course.widgets.pooling_shift import compute_moves
from course.widgets.resnet import arriving, backflow

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


def race(
    depth: int, *, skip: bool, rate: float = 0.03, zeroed: bool = False
) -> tuple[nn.Module, float]:
    """Train the lesson's network of residual or plain blocks for its 60 steps; its last loss."""
    train, _ = digits()
    net = stack(depth, block=partial(BasicBlock, skip=option_a if skip else no_skip), seed=3)
    if zeroed:
        zero_init_residual(net)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(60):
        index = torch.randint(len(train), (32,), generator=generator)
        loss = F.cross_entropy(net(train.images[index]), train.labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, sum(losses[-12:]) / 12


def test_56_plain_layers_hardly_learn_and_56_with_skips_do(measured: Measured) -> None:
    stated("resnet", "hardly left log 10 = 2.30", "the 56 layers then learn, and end far")
    stated("resnet", "about 1 with 20 layers and 2 with 56", "After 60 steps the growth")
    plain, loss = race(56, skip=False)
    measured("plain, 56 layers", loss, at_least=1.8)
    measured("plain, 20 layers", race(20, skip=False)[1], at_most=1.4)
    measured("residual, 56 layers", race(56, skip=True)[1], at_most=0.8)
    train, _ = digits()
    batch = train.images[:32], train.labels[:32]
    measured("plain, growth of its gradient afterwards", backflow(plain, *batch), at_most=10)


def test_the_start_as_the_identity_makes_long_steps_safe(measured: Measured) -> None:
    stated("resnet", "The start as the identity makes long steps safe.")
    measured("zeroed", race(56, skip=True, rate=0.1, zeroed=True)[1], at_most=1.3)


def test_plain_networks_do_about_as_well_with_the_lesson_s_rate_as_with_any(
    measured: Measured,
) -> None:
    stated("resnet", "Of 0.01, 0.03 and 0.1, the plain networks of 20 and of 56 layers do about as")
    train, _ = digits()
    for depth in (20, 56):
        found = {}
        for rate in (0.01, 0.03, 0.1):
            losses = Deep(depth, skip=False).fit(train, steps=60, rate=rate, label="")
            found[rate] = float(torch.tensor(losses).median())
        measured(f"{depth} layers", found[0.03] - min(found.values()), at_most=0.2)


def test_the_skip_keeps_the_smallest_factor_of_a_jacobian_far_from_zero(measured: Measured) -> None:
    stated("resnet", "is 0 up to rounding", "With the identity it is small, but far from 0.")
    net = stack(20, block=BasicBlock, seed=0).eval()
    with torch.no_grad():
        x = net[:3](digits()[0].images[:1])
    jacobian = residual_jacobian(net[3], x)
    plain = torch.linalg.svdvals(jacobian - torch.eye(len(jacobian))).min()
    measured("F'", float(plain), at_most=1e-6)
    measured("I + F'", float(torch.linalg.svdvals(jacobian).min()), at_least=1e-3)


def test_gradients_of_plain_networks_with_batch_norm_grow(measured: Measured) -> None:
    stated("resnet", 'c="above 1,000"', "more than a thousand times by the first block")
    stated("resnet", "With skips it grows less than a hundred times.")
    train, _ = digits()
    batch = train.images[:32], train.labels[:32]
    for skip, how in ((no_skip, {"at_least": 1000}), (option_a, {"at_most": 100})):
        net = stack(56, block=partial(BasicBlock, skip=skip), seed=3)
        measured(f"the network, {skip.__name__}", backflow(net, *batch), **how)
    chain = min(arriving(layers=55, skip=False, norm=True, spread=1.0, seed=s) for s in range(5))
    measured("the chain", chain, at_least=1000)


def test_variance_explodes_in_27_blocks_without_batch_norm_and_not_with_it(
    measured: Measured,
) -> None:
    stated("resnet", "the variance is more than 100,000 times what it was")
    stated("resnet", "27 of them end below a hundred")
    for norm, how in ((False, {"at_least": 1e5}), (True, {"at_most": 100})):
        ends = [row[-1] for row in variances_by_block(BasicBlock, norm=norm)]
        measured(f"batch norm {norm}", max(ends) if norm else min(ends), **how)


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
