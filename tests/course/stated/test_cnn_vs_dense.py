"""Numbers that the text of cnn_vs_dense states."""

import pytest
import torch

from course.claims import SEEDS
from course.race import convolutional, dense, race, random_features
from tests.course.stating import Measured, played, stated


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
