"""Dense networks of one shape, one for each seed, trained side by side for the trials.

Five seeds in one batched matrix product cost little more than one. Everything random comes from
the seeds, so that the two arms of a comparison start with the same weights and see the same data.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from course.claims import SEEDS
from course.datasets import Images
from course.side_by_side import at_the_end, batches, losses_by_seed

__all__ = ["Dense", "arriving"]

Activation = Callable[[Tensor], Tensor]
# The loss that counts is the mean over so many steps at the end.
LAST = 50


class Dense:
    """Dense layers of the given widths, with an activation between them, for several seeds.

    weights[l] has shape (seeds, in, out) and standard deviation gain / sqrt(in), biases[l] shape
    (seeds, 1, out) and zeros. normalised says that each unit's inputs are shifted and scaled to
    mean 0 and variance 1 over the batch, as in batch normalisation.
    """

    def __init__(
        self,
        activation: Activation,
        widths: Sequence[int],
        *,
        gain: float,
        seeds: Sequence[int] = SEEDS,
        normalised: bool = False,
    ) -> None:
        self.activation, self.normalised = activation, normalised
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.weights = [
            torch.stack([torch.randn(a, b, generator=g) for g in generators]) * gain / math.sqrt(a)
            for a, b in pairwise(widths)
        ]
        self.biases = [torch.zeros(len(generators), 1, b) for b in widths[1:]]
        for parameter in self.parameters():
            parameter.requires_grad_()

    def parameters(self) -> list[Tensor]:
        """Return what training changes: weights, then biases."""
        return [*self.weights, *self.biases]

    def preactivations(self, x: Tensor) -> list[Tensor]:
        """Return what goes into each layer's activation, (seeds, N, units); the last is scores."""
        h = x.flatten(1).expand(len(self.weights[0]), -1, -1)
        found: list[Tensor] = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            if found:
                h = self.activation(found[-1])
            z = torch.baddbmm(bias, h, weight)
            if self.normalised and len(found) + 1 < len(self.weights):
                z = (z - z.mean(dim=1, keepdim=True)) / (z.std(dim=1, keepdim=True) + 1e-5)
            found.append(z)
        return found

    def fit(
        self,
        data: Images,
        *,
        steps: int,
        rate: float,
        label: str,
        decay: Callable[[Tensor], float] = lambda _: 0.0,
    ) -> list[float]:
        """Train by SGD on batches of 64; return each seed's mean loss over the last 50 steps.

        decay gives, for a parameter, the share of it that is added to its gradient.
        """
        parameters = self.parameters()
        losses = []
        for images, labels in batches(data, size=64, steps=steps, label=label):
            loss = losses_by_seed(self.preactivations(images)[-1], labels)
            gradients = torch.autograd.grad(loss.sum(), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= rate * (gradient + decay(parameter) * parameter)
            losses.append(loss.detach())
        return at_the_end(losses, LAST)


def arriving(
    activation: Activation, *, gain: float, depth: int = 30, width: int = 128, seed: int = 0
) -> float:
    """Return the share of a gradient at the end of some layers that reaches their input.

    256 standard normal inputs go through layers without biases whose weights have the standard
    deviation gain / sqrt(width). The share is the ratio of the two gradients' norms.

    >>> round(arriving(lambda x: x, gain=2.0, depth=3, width=512))
    8
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(256, width, generator=generator, requires_grad=True)
    h = x
    for _ in range(depth):
        weight = torch.randn(width, width, generator=generator) * (gain / math.sqrt(width))
        h = activation(h @ weight)
    grad_out = torch.randn(h.shape, generator=generator)
    (grad_in,) = torch.autograd.grad(h, x, grad_out)
    return float(grad_in.norm() / grad_out.norm())
