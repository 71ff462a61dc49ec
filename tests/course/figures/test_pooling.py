"""The figures of the lesson on pooling say the numbers that torch gives."""

import pytest
import torch
import torch.nn.functional as F

from cnnlib.pooling import polyphase_sample
from course.datasets import Images
from course.figures.pooling import flips, grids, kept_curves, windows


def test_the_alt_text_of_the_window_figure_is_right() -> None:
    image = torch.tensor(
        [[1.0, 3, 0, 2, 5, 1], [4, 0, 2, 0, 1, 1], [0, 0, 7, 1, 8, 8], [0, 2, 4, 0, 8, 8]]
    )[None]
    assert F.max_pool2d(image, 2).flatten().tolist() == [4, 2, 5, 2, 7, 8]
    assert F.avg_pool2d(image, 2).flatten().tolist() == [2, 1, 2, 0.5, 3, 8]
    assert "4, 2, 5 above and 2, 7, 8 below" in windows().alt


def test_curves_of_kept_answers_are_told_in_percent_as_medians() -> None:
    seeds = torch.tensor([[1.0, 0.2], [1.0, 0.688], [1.0, 0.9]])
    told = kept_curves({"strides": torch.tensor([[1.0, 0.49]]), "maxima": seeds}).alt
    assert "strides 100, 49" in told
    assert "maxima 100, 69" in told
    with pytest.raises(ValueError, match="6 curves; expected 5"):
        kept_curves({str(k): torch.ones(1, 1) for k in range(6)})


def test_the_grids_of_a_table_are_told_as_polyphase_sampling_takes_them() -> None:
    image = torch.tensor([[1.0, 2, 0, 4], [3, 0, 1, 1], [0, 6, 2, 3], [1, 0, 2, 0]])[None, None]
    alt = grids().alt
    for moved in (image, image.roll(1, dims=3)):
        kept = polyphase_sample(moved, stride=2).flatten().int().tolist()
        fixed = moved[:, :, ::2, ::2].flatten().int().tolist()
        assert f"grid a holds {fixed}, the largest is grid" in alt
        assert f"and holds {kept}" in alt
    assert polyphase_sample(image, stride=2).sum() != image[:, :, ::2, ::2].sum()


def test_images_whose_answer_changes_are_drawn_with_both_answers() -> None:
    # A network that reads the column of the bright pixel.
    images = torch.zeros(3, 1, 4, 4)
    for index, column in enumerate((0, 2, 1)):
        images[index, 0, 1, column] = 1.0
    data = Images(images, torch.tensor([0, 2, 3]), ("0", "1", "2", "3"))
    alt = flips(lambda x: x.sum(dim=(1, 2)), data).alt
    assert alt.endswith("What it says of them: 0 becomes 1, 2 becomes 3.")
    assert flips(lambda x: x.sum(dim=(2, 3)), data).alt.endswith("nothing changes.")
