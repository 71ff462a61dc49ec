"""Both networks of a race see the same, start from the seed, and are of one size."""

import torch
from torch import nn

from cnnlib.cnn_vs_dense import DigitsCNN, dense_twin
from course.race import convolutional, dense, race, trained


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_rivals_are_those_of_the_reference() -> None:
    assert count(convolutional()) == count(DigitsCNN()) == 11_018
    shapes = [p.shape for p in dense().parameters()]
    assert shapes == [p.shape for p in dense_twin(11_018, inputs=256, classes=10).parameters()]


def test_a_network_is_trained_once_and_comes_out_of_its_seed() -> None:
    first = trained(dense, 0, moved=0, per_class=5)
    assert trained(dense, 0, moved=0, per_class=5) is first
    trained.cache_clear()
    again = trained(dense, 0, moved=0, per_class=5)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    other = trained(dense, 1, moved=0, per_class=5)
    assert not torch.equal(first[1].weight, other[1].weight)  # type: ignore[arg-type]  # a parameter


def test_to_a_dense_network_mirrored_images_are_as_good() -> None:
    _, plain = race(0, moved=0, per_class=5)
    _, mirrored = race(0, moved=0, per_class=5, change=lambda images: images.flip(3))
    assert abs(plain - mirrored) < 0.15
