"""Labelled images can be cut down by class and shuffled into batches, always in the same way."""

import pytest
import torch

from course.datasets import Images

LABELS = torch.tensor([0, 1, 1, 2, 0, 1, 2, 0])
DATA = Images(torch.arange(8.0).reshape(8, 1, 1, 1), LABELS, ("a", "b", "c"))


def test_a_set_is_as_long_as_its_labels() -> None:
    assert len(DATA) == 8


def test_taking_keeps_the_first_of_each_class() -> None:
    small = DATA.take(2)
    assert small.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert small.images.flatten().tolist() == [0, 4, 1, 2, 3, 6]
    assert small.classes == DATA.classes


@pytest.mark.parametrize("per_class", [0, -1, 3])
def test_taking_more_than_there_is_or_nothing_is_refused(per_class: int) -> None:
    with pytest.raises(ValueError, match=f"per_class is {per_class}; expected 1 to 2"):
        DATA.take(per_class)


def test_a_class_without_images_leaves_nothing_to_take() -> None:
    with pytest.raises(ValueError, match="expected 1 to 0"):
        Images(DATA.images, LABELS, ("a", "b", "c", "d")).take(1)


def test_batches_go_through_all_images_once_with_their_labels() -> None:
    batches = list(DATA.batches(3, generator=torch.Generator().manual_seed(0)))
    assert [len(labels) for _, labels in batches] == [3, 3, 2]
    order = torch.cat([images for images, _ in batches]).flatten().long()
    assert sorted(order.tolist()) == list(range(8))
    assert order.tolist() != list(range(8))
    assert torch.equal(torch.cat([labels for _, labels in batches]), LABELS[order])


def test_the_generator_alone_decides_the_order() -> None:
    def order(seed: int) -> list[float]:
        generator = torch.Generator().manual_seed(seed)
        return [x.item() for images, _ in DATA.batches(3, generator=generator) for x in images]

    torch.manual_seed(0)
    first = order(5)
    torch.manual_seed(1)
    assert order(5) == first
    assert order(6) != first
