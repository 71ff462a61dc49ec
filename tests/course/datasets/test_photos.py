"""The two photographs, whole or smaller, in torch's layout."""

import re

import pytest
import torch
from sklearn.datasets import load_sample_image
from torch.testing import assert_close

from course.datasets import photo


@pytest.mark.parametrize("name", ["china", "flower"])
def test_a_photograph_is_scikit_learns_in_torchs_layout(name: str) -> None:
    image = photo(name)
    assert image.shape == (3, 427, 640)
    assert image.dtype == torch.float32
    raw = torch.tensor(load_sample_image(f"{name}.jpg"))
    assert_close(image.permute(1, 2, 0) * 255, raw.float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (50, 75), (120, 180), (426, 639), (427, 640)]
)
def test_a_smaller_one_keeps_proportions_range_and_mean(height: int, width: int) -> None:
    image = photo("china", height=height)
    assert image.shape == (3, height, width)
    assert image.min() >= 0
    assert image.max() <= 1
    # Every pixel of the whole has its share in the smaller one, up to the rim.
    assert_close(image.mean(dim=(1, 2)), photo("china").mean(dim=(1, 2)), rtol=0, atol=0.02)


def test_the_photographs_differ() -> None:
    assert not torch.equal(photo("china", height=20), photo("flower", height=20))


@pytest.mark.parametrize(
    ("name", "height", "words"),
    [
        ("cat", 100, "name is 'cat'; expected 'china' or 'flower'"),
        ("china.jpg", 100, "name is 'china.jpg'; expected"),
        ("china", 0, "height is 0; expected 1 to 427 pixels"),
        ("china", 428, "height is 428; expected 1 to 427 pixels"),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(name: str, height: int, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        photo(name, height=height)
