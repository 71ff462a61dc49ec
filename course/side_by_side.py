"""What networks share that are trained side by side, one for each seed: batches and losses."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

from course.datasets import Images

__all__ = ["at_the_end", "batches", "losses_by_seed"]


def batches(data: Images, *, size: int, steps: int, label: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield images and labels of random batches, the same ones for whoever asks.

    A progress bar shows the label; without one there is none.

    >>> from course.datasets import digits
    >>> [images.shape for images, _ in batches(digits()[0], size=3, steps=2, label="")]
    [torch.Size([3, 1, 8, 8]), torch.Size([3, 1, 8, 8])]
    """
    generator = torch.Generator().manual_seed(0)
    for _ in tqdm(range(steps), desc=label, leave=False, disable=not label):
        index = torch.randint(len(data), (size,), generator=generator)
        yield data.images[index], data.labels[index]


def losses_by_seed(scores: Tensor, labels: Tensor) -> Tensor:
    """Return each network's mean cross-entropy: (seeds, N, classes) and (N,) -> (seeds,).

    >>> losses_by_seed(torch.zeros(2, 5, 10), torch.arange(5))
    tensor([2.3026, 2.3026])
    """
    expanded = labels.expand(len(scores), -1)
    return F.cross_entropy(scores.transpose(1, 2), expanded, reduction="none").mean(dim=1)


def at_the_end(losses: Sequence[Tensor], last: int) -> list[float]:
    """Return each network's mean over the last steps; losses are (seeds,), one for each step.

    >>> at_the_end([torch.tensor([9.0, 9.0]), torch.tensor([1.0, 2.0])], 1)
    [1.0, 2.0]
    """
    return [float(mean) for mean in torch.stack(tuple(losses[-last:])).mean(dim=0)]
