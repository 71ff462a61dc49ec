"""A fair race: a convolutional network against a dense one of as many parameters."""

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.datasets import Images, figures

__all__ = ["convolutional", "dense", "race", "random_features", "trained"]

Change = Callable[[Tensor], Tensor]
BATCH, STEPS = 64, 250
# A head alone has few weights and takes large steps: the best of 0.003, 0.01, 0.03, 0.1, 0.3 and 1.
HEAD_RATE, HEAD_STEPS = 0.3, 600
# The best of 0.003, 0.01 and 0.03, by whether a network is dense and figures move.
RATES = {(False, False): 0.01, (False, True): 0.01, (True, False): 0.003, (True, True): 0.01}


def convolutional(channels: tuple[int, int, int] = (8, 16, 32)) -> nn.Sequential:
    """Make three convolutions, two of them with stride 2, and a dense head.

    >>> sum(p.numel() for p in convolutional().parameters())
    11018
    """
    first, second, third = channels
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(second, third, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(third * 16, 10),
    )


def dense() -> nn.Sequential:
    """Make a dense network with one hidden layer and as many parameters, but for 61.

    >>> sum(p.numel() for p in dense().parameters())
    10957
    """
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 41), nn.ReLU(), nn.Linear(41, 10))


def race(
    seed: int,
    *,
    moved: int,
    per_class: int | None = None,
    change: Change | None = None,
) -> tuple[float, float]:
    """Return the accuracies of a convolutional and of a dense network on test figures.

    moved says by how many pixels figures are moved at most, in training and test. per_class cuts
    the training figures down to so many of each. change is applied to all images. Both networks see
    the same figures in the same order, and each trains at its best rate.
    """
    accuracies = []
    for make in (convolutional, dense):
        network = trained(make, seed, moved=moved, per_class=per_class, change=change)
        test = _figures(1000, 1, moved)
        with torch.no_grad():
            right = network(change(test.images) if change is not None else test.images).argmax(
                dim=1
            )
        accuracies.append((right == test.labels).double().mean().item())
    return accuracies[0], accuracies[1]


@cache
def trained(
    make: Callable[[], nn.Sequential],
    seed: int,
    *,
    moved: int,
    per_class: int | None = None,
    change: Change | None = None,
) -> nn.Sequential:
    """Return a trained network, the same one for the same arguments: do not change it."""
    data = _figures(2400, 0, moved)
    if per_class is not None:
        data = data.take(per_class)
    torch.manual_seed(seed)
    network = make()
    rate = RATES[make is dense, moved > 0]
    _fit(
        network, change(data.images) if change is not None else data.images, data.labels, seed, rate
    )
    return network


def _fit(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    seed: int,
    rate: float,
    *,
    steps: int = STEPS,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    # The rate falls to 0, so that little depends on the last few batches.
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, total_iters=steps)
    for _ in range(steps):
        index = torch.randint(len(labels), (BATCH,), generator=generator)
        loss = F.cross_entropy(network(images[index]), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()


@cache
def _figures(count: int, seed: int, moved: int) -> Images:
    return figures(count, generator=torch.Generator().manual_seed(seed), moved=moved)


def random_features(seed: int, *, moved: int, wider: int = 1) -> float:
    """Return the accuracy of a head that is trained on convolutions as they are at random.

    wider multiplies the numbers of channels. The head trains to the end at its best rate.
    """
    torch.manual_seed(seed)
    network = convolutional((8 * wider, 16 * wider, 32 * wider))
    *features, head = network.children()
    train, test = _figures(2400, 0, moved), _figures(1000, 1, moved)
    with torch.no_grad():
        learn, see = (nn.Sequential(*features)(data.images) for data in (train, test))
    _fit(head, learn, train.labels, seed, HEAD_RATE, steps=HEAD_STEPS)
    with torch.no_grad():
        return (head(see).argmax(dim=1) == test.labels).double().mean().item()
