"""Known weights for checks of modules, whatever a student called the layers.

A value depends on the end of a parameter's name and on its shape alone. So a check can load it into
any module that is built of torch's layers, and compute the output that it expects without asking
which layer is which. Layers of equal shape get equal weights: exchanging them changes nothing.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["known", "load_known"]


def known(ending: str, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the value of a parameter or buffer whose name ends so.

    ending is weight, bias, running_mean, running_var or num_batches_tracked, else ValueError.

    >>> known("weight", 3)  # of a normalisation
    tensor([0.7500, 1.0000, 1.2500])
    """
    ranges = {"weight": (0.75, 1.25), "bias": (-0.2, 0.3)}
    ranges |= {"running_mean": (-0.3, 0.4), "running_var": (0.5, 1.5)}
    if ending == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    if ending not in ranges:
        raise ValueError(f"ending is {ending!r}; expected one of {', '.join(ranges)}")
    if len(shape) == 1:
        return torch.linspace(*ranges[ending], shape[0], dtype=torch.float64).to(dtype)
    count = torch.Size(shape).numel()
    # Of either sign, unlike its neighbours, not the same when flipped, and of He's spread.
    values = torch.cos(torch.arange(count, dtype=torch.float64).square() + sum(shape))
    return (values * 2 * (shape[0] / count) ** 0.5).reshape(shape).to(dtype)


def load_known(module: Any) -> Sequence[str]:
    """Load known weights into a module, which may be a remote reference; return their names."""
    state = {
        name: known(name.rpartition(".")[2], *tensor.shape, dtype=tensor.dtype)
        for name, tensor in module.state_dict().items()
    }
    module.load_state_dict(state)
    return list(state)
