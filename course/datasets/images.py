"""Labelled images, the form in which every data set of the course comes."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Images"]


@dataclass(frozen=True)
class Images:
    """Images (N, C, H, W), float32 in [0, 1], with labels (N,) of 0..K-1 and the K class names."""

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, per_class: int) -> "Images":
        """Return the first images of each class: a small set of equal shares.

        Raises ValueError where a class has fewer.
        """
        counts = torch.bincount(self.labels, minlength=len(self.classes))
        if per_class < 1 or per_class > int(counts.min()):
            raise ValueError(
                f"per_class is {per_class}; expected 1 to {int(counts.min())}, "
                "the size of the smallest class"
            )
        chosen = [(self.labels == k).nonzero()[:per_class, 0] for k in range(len(self.classes))]
        index = torch.cat(chosen)
        return Images(self.images[index], self.labels[index], self.classes)

    def batches(self, size: int, *, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (images, labels) once through, in an order drawn from the generator."""
        for index in torch.randperm(len(self), generator=generator).split(size):
            yield self.images[index], self.labels[index]
