"""Numbers that the text of activations states."""

import pytest
import torch
import torch.nn.functional as F

from course.datasets import digits
from course.dense import Dense
from course.figures.activations import rings
from course.widgets.activations import REFERENCES, compute_depth
from tests.course.stating import Measured, stated


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
