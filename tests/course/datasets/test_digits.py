"""scikit-learn's digits, split once and for all."""

import torch
from sklearn.datasets import load_digits

from course.datasets import digits


def test_the_split_has_the_stated_sizes_types_and_range() -> None:
    train, test = digits()
    for data, count in ((train, 1433), (test, 364)):
        assert data.images.shape == (count, 1, 8, 8)
        assert data.images.dtype == torch.float32
        assert data.labels.shape == (count,)
        assert data.labels.dtype == torch.int64
        assert data.images.min() == 0
        assert data.images.max() == 1
        assert data.classes == tuple("0123456789")


def test_every_image_is_in_one_part_with_its_own_label() -> None:
    raw = load_digits()
    images = torch.tensor(raw.images, dtype=torch.float32) / 16
    expected = sorted(
        (int(k), x.flatten().tolist()) for x, k in zip(images, raw.target, strict=True)
    )
    parts = digits()
    actual = sorted(
        (int(k), x.flatten().tolist())
        for part in parts
        for x, k in zip(part.images, part.labels, strict=True)
    )
    assert actual == expected


def test_a_fifth_of_each_digit_is_held_out() -> None:
    train, test = digits()
    for k in range(10):
        held_out = int((test.labels == k).sum())
        together = held_out + int((train.labels == k).sum())
        assert held_out == -(-together // 5)


def test_the_first_of_every_five_images_of_a_digit_is_held_out() -> None:
    raw = load_digits()
    train, test = digits()
    fours = torch.tensor(raw.images[raw.target == 4], dtype=torch.float32).unsqueeze(1) / 16
    assert torch.equal(test.images[test.labels == 4], fours[::5])
    kept = fours[torch.arange(len(fours)) % 5 != 0]
    assert torch.equal(train.images[train.labels == 4], kept)
