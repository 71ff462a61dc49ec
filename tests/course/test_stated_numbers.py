"""Numbers that a lesson's text states stand here, each with the range in which it was measured.

A number that comes out of the run needs no test. One that the text states in words does: the words
have to be in the lesson, and the measurement in the range that they stand for.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import pytest
import torch
import torch.nn.functional as F

from course.claims import SEEDS
from course.datasets import digits
from course.dense import Dense
from course.figures.activations import rings
from course.race import convolutional, dense, race, random_features
from course.widgets.activations import REFERENCES, compute_depth

ROOT = Path(__file__).parents[2]
Measured = Callable[..., None]


def stated(topic: str, *words: str) -> None:
    """Check that a lesson's text has some words, wherever its lines break."""
    text = " ".join((ROOT / f"source/{topic}.py").read_text().replace("\n# ", " ").split())
    for phrase in words:
        assert phrase in text, f"{topic} does not say {phrase!r}"


@cache
def played(topic: str, *experiments: str) -> dict[str, Any]:
    """Run a lesson's definitions, its solutions and some experiments; give what they leave."""
    cells = jupytext.reads((ROOT / f"source/{topic}.py").read_text(), fmt="py:percent").cells
    marks = {"check", "habit", "predict", "reveal", "claim", "hints", "written"}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell.cell_type != "code" or marks & cell.metadata.keys():
            continue
        if cell.metadata.get("experiment", experiments[0]) in experiments:
            exec(compile(cell.source, f"<{topic}>", "exec"), namespace)
    return namespace


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


def test_a_dense_network_fails_on_digits_that_moved_by_a_pixel(measured: Measured) -> None:
    stated("convolution", "right 95 times in 100", "about 40 times")
    found = played("convolution", "dense_in_places")
    measured("middle", found["accuracy"](found["dense"], found["test"]), at_least=0.93)
    measured("nine places", found["accuracy"](found["dense"], found["moved"]), at_most=0.5)


def test_only_who_shares_to_the_end_reads_digits_that_moved(measured: Measured) -> None:
    stated("convolution", "Neither helps with digits that moved", "63,504 weights to 4,900 and to")
    for name, (middle, places) in played("convolution", "four_networks")["measured"].items():
        measured(f"{name}, middle", middle, at_least=0.9)
        if name == "shared to the end":
            measured(f"{name}, places", abs(middle - places), at_most=1e-9)
        else:
            measured(f"{name}, places", places, at_most=0.55)


def test_a_network_of_the_students_code_has_torchs_loss_and_reads_moved_digits(
    measured: Measured,
) -> None:
    stated("convolution", "difference is below a thousand-millionth", "less than a quarter of the")
    found = played("convolution", "own_code", "equal_losses", "mended")
    measured("difference of the losses", found["gap"], at_most=1e-9)
    measured("first loss", abs(found["losses"]["torch"][0] - 2.3026), at_most=0.3)
    middle, places = (found["accuracy"](found["net"], found[where]) for where in ("test", "moved"))
    measured("middle", middle, at_least=0.94)
    measured("places", abs(middle - places), at_most=1e-9)
    parameters = sum(p.numel() for p in found["net"].parameters())
    assert parameters < (100 * 64 + 64 + 64 * 10 + 10) / 4


def test_who_forgets_the_place_late_reads_moved_figures_best(measured: Measured) -> None:
    stated("cnn_vs_dense", "far more mistakes than a simple dense one", "moves trouble")
    table = played("cnn_vs_dense", "forgetful", "sanity", "mended")["table"]
    early, late = table["forgets at once", "middle"], table["forgets late", "middle"]
    yours, twin = table["yours", "middle"], table["its dense twin", "middle"]
    measured("mistakes of who forgets early", twin[0] - early[0], at_least=0.04)
    for name, (middle, _) in {"late": late, "yours": yours, "twin": twin}.items():
        measured(f"{name}, middle", middle, at_least=0.93)
    measured("moves that were never seen", late[1] - max(yours[1], twin[1]), at_least=0.1)
    lead = table["yours", "moved"][1] - table["its dense twin", "moved"][1]
    measured("lead over the twin", lead, at_least=0.04)
    best = table["forgets late", "moved"][1] - table["yours", "moved"][1]
    measured("lead of who forgets late", best, at_least=0.02)


@pytest.mark.parametrize("seed", [0, 1])
def test_networks_of_either_kind_lie_where_the_exercise_says(seed: int, measured: Measured) -> None:
    stated("cnn_vs_dense", "get 70 to 80 that way", "fill the budget 85 to 92", "**82 percent**")
    found = played("cnn_vs_dense", "none")
    for name, make in (("convolutional", convolutional), ("dense", dense)):
        torch.manual_seed(seed)
        net = make()
        found["fit"](net, found["moved_train"], steps=300, lr=0.01, label=name, seed=seed)
        reached = found["accuracy"](net, found["moved_test"])
        if name == "dense":
            measured(name, reached, at_most=0.82)
        else:
            measured(name, reached, at_least=0.82)


def test_more_random_channels_make_up_for_half_of_what_learning_gains(measured: Measured) -> None:
    stated("cnn_vs_dense", "four times as many random ones make up for more than half of it")
    learnt = [race(seed, moved=2)[0] for seed in SEEDS]
    gains = [
        sum(learnt) - sum(random_features(seed, moved=2, wider=wider) for seed in SEEDS)
        for wider in (1, 4)
    ]
    measured("what is left", gains[1] / gains[0], at_most=0.5)


def test_seven_tenths_of_the_small_networks_parameters_are_in_its_head() -> None:
    stated("cnn_vs_dense", "the head holds about seven tenths of the parameters")
    small = played("cnn_vs_dense", "none")["small"]
    counts = [sum(p.numel() for p in layer.parameters()) for layer in small]
    assert 0.65 < counts[-1] / sum(counts) < 0.75
