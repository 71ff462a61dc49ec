"""How much each pixel of a receptive field influences the unit that can see it."""

from collections.abc import Sequence
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["influence"]

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
