"""The figures of the lesson on pooling say the numbers that torch gives."""

import pytest
import torch
import torch.nn.functional as F

from course.figures.pooling import kept_curves, windows


def test_the_alt_text_of_the_window_figure_is_right() -> None:
    image = torch.tensor(
        [[1.0, 3, 0, 2, 5, 1], [4, 0, 2, 0, 1, 1], [0, 0, 7, 1, 8, 8], [0, 2, 4, 0, 8, 8]]
    )[None]
    assert F.max_pool2d(image, 2).flatten().tolist() == [4, 2, 5, 2, 7, 8]
    assert F.avg_pool2d(image, 2).flatten().tolist() == [2, 1, 2, 0.5, 3, 8]
    assert "4, 2, 5 above and 2, 7, 8 below" in windows().alt


def test_curves_of_kept_answers_are_told_in_percent() -> None:
    told = kept_curves({"strides": [1.0, 0.49], "maxima": [1.0, 0.688]}).alt
    assert "strides 100, 49" in told
    assert "maxima 100, 69" in told
    with pytest.raises(ValueError, match="5 curves; expected 4"):
        kept_curves({str(k): [1.0] for k in range(5)})
