"""Deep convolutional networks, plain and residual, one for each seed, trained side by side.

Several seeds are groups of channels of one grouped convolution, which costs less than one network
after another. Everything random comes from the seeds, so that the two arms of a comparison start
with the same weights and see the same images.
"""

from collections.abc import Collection, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from course.claims import SEEDS
from course.datasets import Images
from course.side_by_side import at_the_end, batches, losses_by_seed

__all__ = ["Deep"]

# Channels of the three stages: narrow, to fit the time of a lesson.
WIDTHS = (8, 16, 32)
CLASSES = 10
# The loss that counts is the mean over so many batches at the end.
LAST = 12


class Deep:
    """6n + 2 layers: a convolution, three stages of n pairs of 3x3 convolutions, a dense layer.

    Behind each convolution stands batch norm of the batch at hand. skip says whether a pair adds
    its input, through option A where the shape changes. Filters are drawn with He's spread. Raises
    ValueError where depth is not 6n + 2.
    """

    def __init__(self, depth: int, *, skip: bool, seeds: Sequence[int] = SEEDS) -> None:
        pairs = (depth - 2) // 6
        if pairs < 1 or depth != 6 * pairs + 2:
            raise ValueError(f"depth is {depth}; expected 6n + 2, such as 8, 14, 20")
        self.skip, self.seeds = skip, len(seeds)
        # Channels in and out, and the stride, of every convolution.
        first = [(a, b, 1 + (a > 1)) for a, b in zip((1, *WIDTHS), WIDTHS, strict=False)]
        shapes = [first[0]]
        for stage, width in enumerate(WIDTHS):
            begin = first[stage] if stage else (width, width, 1)
            shapes += [begin, *[(width, width, 1)] * (2 * pairs - 1)]
        self.strides = [stride for *_, stride in shapes]
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.filters = [
            torch.cat([torch.randn(b, a, 3, 3, generator=g) * (2 / (9 * a)) ** 0.5 for g in draws])
            for a, b, _ in shapes
        ]
        bound = WIDTHS[-1] ** -0.5
        uniform = [torch.rand(CLASSES, WIDTHS[-1], generator=g) * 2 - 1 for g in draws]
        self.dense = [torch.stack(uniform) * bound, torch.zeros(len(draws), 1, CLASSES)]
        # Two by two, scale and shift behind each convolution.
        self.norms = [
            fill(len(kernel)) for kernel in self.filters for fill in (torch.ones, torch.zeros)
        ]
        for parameter in self.parameters():
            parameter.requires_grad_()

    def parameters(self) -> list[Tensor]:
        """Return what training changes."""
        return [*self.filters, *self.norms, *self.dense]

    def scores(self, x: Tensor, *, without: Collection[int] = ()) -> Tensor:
        """Map images (N, 1, 8, 8) to (seeds, N, 10).

        without names pairs, from 0, that are replaced by the identity; ValueError for one that
        changes the shape.
        """
        h = F.relu(self._layer(0, x.repeat(1, self.seeds, 1, 1)))
        for pair in range(len(self.filters) // 2):
            at = 2 * pair + 1
            if pair in without:
                if self.strides[at] > 1:
                    raise ValueError(f"pair {pair} changes the shape; expected one that does not")
                continue
            inner = self._layer(at + 1, F.relu(self._layer(at, h)))
            h = F.relu(inner + self._around(h, at) if self.skip else inner)
        pooled = h.mean(dim=(2, 3)).reshape(len(h), self.seeds, -1).transpose(0, 1)
        weight, bias = self.dense
        return torch.baddbmm(bias, pooled, weight.transpose(1, 2))

    def fit(self, data: Images, *, steps: int, rate: float, label: str) -> list[float]:
        """Train by SGD with momentum on batches of 32; return each seed's loss at the end."""
        optimizer = torch.optim.SGD(self.parameters(), lr=rate, momentum=0.9)
        losses = []
        for images, labels in batches(data, size=32, steps=steps, label=label):
            loss = losses_by_seed(self.scores(images), labels)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            losses.append(loss.detach())
        return at_the_end(losses, LAST)

    def _layer(self, at: int, x: Tensor) -> Tensor:
        """One convolution and its batch norm."""
        kernel, stride = self.filters[at], self.strides[at]
        y = F.conv2d(x, kernel, stride=stride, padding=1, groups=self.seeds)
        scale, shift = self.norms[2 * at : 2 * at + 2]
        return F.batch_norm(y, None, None, scale, shift, training=True)

    def _around(self, x: Tensor, at: int) -> Tensor:
        """What a pair adds: its input, or every second pixel with channels of zeros behind."""
        stride = self.strides[at]
        if stride == 1:
            return x
        small = x[:, :, ::stride, ::stride].unflatten(1, (self.seeds, -1))
        extra = len(self.filters[at]) // self.seeds - small.shape[2]
        return F.pad(small, (0, 0, 0, 0, 0, extra)).flatten(1, 2)
