"""Influence is where the receptive field is, and largest in its middle."""

import pytest
import torch
from torch import nn

from cnnlib import cnn_vs_dense
from course.reach import field_of, influence


def test_of_two_layers_the_middle_has_more_influence_than_the_corner() -> None:
    field = sum(influence([(3, 1), (3, 1)], seed=seed) for seed in range(3))
    assert isinstance(field, torch.Tensor)
    assert field.shape == (5, 5)
    assert field[2, 2] > 4 * field[0, 0]
    assert (influence([(3, 1)], seed=0) > 0).all()


def test_a_dilated_kernel_leaves_pixels_out() -> None:
    field = influence([(3, 2)], seed=0)
    assert (int((field > 0).sum()), tuple(field.shape)) == (9, (5, 5))


@pytest.mark.parametrize("layer", range(5))
def test_lessons_see_the_same_field_as_the_library(layer: int) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(2, 2, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(2, 2, 1, stride=3),
    )
    assert field_of(model, layer) == cnn_vs_dense.field_of(model, layer)
