"""Small convolutional networks that shrink their maps, one for each seed, trained side by side.

For the trials of the lesson on pooling. Three convolutions of 8, 16 and 32 channels, each with a
ReLU, and a dense layer. What stands behind the first two, or whether these stride, is what a trial
compares: the weights at the start, and the data of every step, are those of the other arm. Five
networks are one network whose convolutions have five groups.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from course.claims import SEEDS
from course.datasets import Images, digits
from course.side_by_side import batches

__all__ = ["Shrinking", "advantage", "framed", "scattered"]

CHANNELS = (1, 8, 16, 32)
# Networks that average their maps see digits on a canvas of 12 x 12 pixels.
MARGIN = 2
Shrink = Callable[[Tensor], Tensor]


class Shrinking:
    """Networks for images of side pixels, whose maps shrink twice by half, or not at all.

    shrink is "stride", "nothing", or a function from (N, C, H, W) to (N, C, H/2, W/2) that treats
    each channel by itself. The dense layer reads every pixel, or the mean of each map where
    averaged is True. With circular, the opposite side stands in for the padding of convolutions.
    """

    def __init__(
        self,
        shrink: str | Shrink,
        *,
        side: int,
        averaged: bool = False,
        circular: bool = False,
        seeds: Sequence[int] = SEEDS,
    ) -> None:
        self.shrink, self.averaged, self.seeds = shrink, averaged, seeds
        self.mode = "circular" if circular else "constant"
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.filters = [
            torch.cat([torch.randn(b, a, 3, 3, generator=g) for g in generators])
            * math.sqrt(2 / (9 * a))
            for a, b in pairwise(CHANNELS)
        ]
        maps = 1 if averaged else (side if shrink == "nothing" else side // 4) ** 2
        size = (CHANNELS[-1] * maps, 10)
        self.dense = torch.stack([torch.randn(*size, generator=g) for g in generators]) * 0.01
        self.offsets = [torch.zeros(len(f)) for f in self.filters]
        self.offsets.append(torch.zeros(len(seeds), 1, 10))
        for parameter in self.parameters():
            parameter.requires_grad_()

    def parameters(self) -> list[Tensor]:
        """Return what training changes."""
        return [*self.filters, self.dense, *self.offsets]

    def scores(self, images: Tensor) -> Tensor:
        """Return the scores of ten classes: (N, 1, H, W) -> (seeds, N, 10)."""
        x = images
        for layer, (weight, offset) in enumerate(zip(self.filters, self.offsets, strict=False)):
            stride = 2 if self.shrink == "stride" and layer < 2 else 1
            groups = len(self.seeds) if layer else 1
            x = F.pad(x, (1, 1, 1, 1), mode=self.mode)
            x = F.conv2d(x, weight, offset, stride, groups=groups).relu()
            if callable(self.shrink) and layer < 2:
                x = self.shrink(x)
        x = x.unflatten(1, (len(self.seeds), -1))
        x = x.mean(dim=(3, 4)) if self.averaged else x.flatten(2)
        return torch.baddbmm(self.offsets[-1], x.transpose(0, 1), self.dense)

    def fit(self, data: Images, *, steps: int, rate: float, label: str) -> "Shrinking":
        """Train by Adam on batches of 64, the same ones whatever shrinks.

        Without a label there is no progress bar.
        """
        optimizer = torch.optim.Adam(self.parameters(), lr=rate)
        for images, labels in batches(data, size=64, steps=steps, label=label):
            scores = self.scores(images)
            expanded = labels.expand(len(scores), -1)
            loss = F.cross_entropy(scores.flatten(0, 1), expanded.flatten()) * len(scores)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self

    def answers(self, images: Tensor) -> Tensor:
        """Return the class that each network says: (seeds, N)."""
        with torch.no_grad():
            return self.scores(images).argmax(dim=-1)

    def accuracies(self, data: Images) -> list[float]:
        """Return the share of right answers, one for each seed."""
        return (self.answers(data.images) == data.labels).double().mean(dim=1).tolist()

    def surviving(self, images: Tensor, shift: tuple[int, int]) -> Tensor:
        """Say which answers stay when images move round by (down, right): (seeds, N), bool."""
        return self.answers(images.roll(shift, dims=(2, 3))) == self.answers(images)

    def survival(self, images: Tensor, pixels: int) -> Tensor:
        """Return, after 0, 1, ... pixels, the share of four shifts that each answer survives.

        The shifts go down, up, right and left. The shape is (seeds, pixels + 1, N).
        """
        still = self.answers(images)
        shares = [torch.ones(still.shape)]
        for far in range(1, pixels + 1):
            ways = [(far, 0), (-far, 0), (0, far), (0, -far)]
            moved = [self.answers(images.roll(way, dims=(2, 3))) for way in ways]
            shares.append((torch.stack(moved) == still).float().mean(dim=0))
        return torch.stack(shares, dim=1)

    def multiply_adds(self, side: int) -> int:
        """Count those of one network's convolutions for one image: weights times positions."""
        sides = [side, side // 2, side // 4] if self.shrink != "nothing" else [side] * 3
        if self.shrink == "stride":
            sides = [side // 2, side // 4, side // 4]
        weights = [9 * a * b for a, b in pairwise(CHANNELS)]
        return sum(w * s * s for w, s in zip(weights, sides, strict=True))


def framed(data: Images, margin: int) -> Images:
    """Put a black margin of so many pixels around each image."""
    return Images(F.pad(data.images, (margin,) * 4), data.labels, data.classes)


def scattered(data: Images, moved: int, *, seed: int) -> Images:
    """Put each image on a canvas, up to so many pixels off the middle each way, at random."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randint(-moved, moved + 1, (len(data), 2), generator=generator).tolist()
    canvas = framed(data, moved)
    images = [i.roll(place, dims=(1, 2)) for i, place in zip(canvas.images, places, strict=True)]
    return Images(torch.stack(images), data.labels, data.classes)


def advantage(shift: tuple[int, int]) -> list[float]:
    """Return how much larger a share of answers 2x2 maxima keep than strides do, for each seed.

    The networks average their maps, and have no border: images of 12 x 12 pixels move round, and a
    convolution pads with what stands at the opposite side. shift is (down, right), in pixels.
    """
    images = framed(digits()[1], MARGIN).images
    maxima, strides = (nets.surviving(images, shift).double().mean(dim=1) for nets in _averaging())
    return (maxima - strides).tolist()


@cache
def _averaging() -> tuple[Shrinking, Shrinking]:
    train = framed(digits()[0], MARGIN)
    side = 8 + 2 * MARGIN
    halves = partial(F.max_pool2d, kernel_size=2)
    maxima = Shrinking(halves, side=side, averaged=True, circular=True)
    strides = Shrinking("stride", side=side, averaged=True, circular=True)
    for nets in (maxima, strides):
        nets.fit(train, steps=100, rate=0.01, label="")
    return maxima, strides
