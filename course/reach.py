"""What a unit can see, and how much each of these pixels influences it."""

from collections.abc import Sequence
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["field_of", "influence"]

IMAGES, CHANNELS = 64, 16


def influence(layers: Sequence[tuple[int, int]], *, seed: int) -> Tensor:
    """Return the mean square of the gradient that reaches each pixel, (field, field).

    layers are (kernel_size, dilation), with stride 1, without padding, a ReLU behind each, and
    random weights of He's spread. Their last map has one position, and the images are as large as
    its receptive field (Luo et al., 2016).

    >>> influence([(3, 1), (3, 2)], seed=0).shape
    torch.Size([7, 7])
    """
    generator = torch.Generator().manual_seed(seed)
    side = 1 + sum(dilation * (kernel_size - 1) for kernel_size, dilation in layers)
    x = torch.randn(IMAGES, CHANNELS, side, side, generator=generator, requires_grad=True)
    y = x
    for kernel_size, dilation in layers:
        weight = torch.randn(CHANNELS, CHANNELS, kernel_size, kernel_size, generator=generator)
        spread = sqrt(2 / (CHANNELS * kernel_size**2))
        y = F.conv2d(y, weight * spread, dilation=dilation).relu()
    (gradient,) = torch.autograd.grad(y, x, torch.randn(y.shape, generator=generator))
    return gradient.square().mean(dim=(0, 1))


def field_of(model: nn.Sequential, layer: int) -> tuple[int, int, int]:
    """Return what a unit behind a layer sees: side of its receptive field, jump, first pixel.

    The unit at row r sees the rows from first + jump r on, beyond the rim where that is below 0.
    Convolutions are square and not dilated.

    >>> field_of(nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 2, 3)), 1)
    (7, 2, -1)
    """
    side, jump, first = 1, 1, 0
    for m in list(model.children())[: layer + 1]:
        if isinstance(m, nn.Conv2d):
            assert isinstance(m.padding, tuple)
            first -= m.padding[0] * jump
            side += (m.kernel_size[0] - 1) * jump
            jump *= m.stride[0]
    return side, jump, first
