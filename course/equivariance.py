"""How well a feature map follows its image when that moves.

The photograph is bent into a ring, so that what leaves on the right enters on the left and no rim
disturbs the measurement.
"""

from collections.abc import Sequence
from functools import cache
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from course.datasets import photo

__all__ = ["off_by"]

# 60 divides both: any strides up to 5 fit.
HEIGHT, WIDTH = 60, 120


def off_by(strides: Sequence[int], *, step: int, seed: int) -> float:
    """Return how far a map is from following its image, as a share of the map's own spread.

    Layers of random 3 x 3 kernels with these strides look at a photograph, and at the same one
    moved to the right by step pixels. The map follows where it is the first map, moved by step over
    the product of the strides; between two positions that is a mean of the neighbours.

    >>> off_by([1], step=5, seed=0) < 1e-5 < off_by([2], step=1, seed=0)
    True
    """
    still, moved = (_map(_grey().roll(s, dims=3), strides, seed) for s in (0, step))
    whole, rest = divmod(step, prod(strides))
    expected = torch.lerp(
        still.roll(whole, dims=3), still.roll(whole + 1, dims=3), rest / prod(strides)
    )
    return float((moved - expected).norm() / (still - still.mean()).norm())


def _map(x: Tensor, strides: Sequence[int], seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    for stride in strides:
        kernel = torch.randn(1, 1, 3, 3, generator=generator)
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), kernel, stride=stride)
    return x


@cache
def _grey() -> Tensor:
    """Return a photograph in grey, around 0, (1, 1, HEIGHT, WIDTH)."""
    image = photo("china", height=80).mean(dim=0)[None, None, :HEIGHT, :WIDTH]
    return image - image.mean()
