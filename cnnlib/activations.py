r"""Activation functions, their slopes, and what depth does to a signal.

A layer computes ``h = f(W x + b)``. Without ``f`` a stack of layers is one matrix, whatever its
depth; ``f`` bends it. The functions here differ in what they do to the gradient on the way back:

    sigmoid      1 / (1 + e^-x)                 slope s(1 - s), at most 1/4
    tanh         (e^x - e^-x) / (e^x + e^-x)    slope 1 - t^2, at most 1
    ReLU         max(0, x)                      slope 1 or 0 (Nair and Hinton, 2010)
    leaky ReLU   x or a x                       slope 1 or a (Maas, Hannun and Ng, 2013)
    ELU          x or a (e^x - 1)               slope 1 or a e^x (Clevert et al., 2016)
    softmax      e^x_i / sum_j e^x_j            turns scores into probabilities

A floating-point exponential overflows long before its quotient does, so each function arranges
its formula so that ``exp`` only ever sees numbers at or below 0. The forward value is then finite
everywhere. The gradient needs the same care: ``torch.where`` sends a gradient of 0 into the branch
that it did not take, and 0 times infinity is not a number.

How the spread of a signal changes from layer to layer decides whether a deep network can start to
learn: Glorot and Bengio (2010) for tanh, He et al. (2015) for ReLU.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

__all__ = [
    "activation_gradient",
    "dead_fraction",
    "elu",
    "leaky_relu",
    "relu",
    "sigmoid",
    "signal_by_depth",
    "softmax",
    "tanh",
]


def sigmoid(x: Tensor) -> Tensor:
    """Logistic function, 1 / (1 + exp(-x)), finite in value and gradient for every x.

    Shape: any -> the same. Values lie in [0, 1].

    >>> sigmoid(torch.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    # where(x >= 0, -x, x) is -|x| with a slope at 0; the slope of abs is 0 there.
    e = torch.exp(torch.where(x >= 0, -x, x))
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))


def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent from exponentials, finite in value and gradient for every x.

    Shape: any -> the same. Values lie in [-1, 1].

    >>> tanh(torch.tensor([-1000.0, 0.0, 1000.0]))
    tensor([-1.,  0.,  1.])
    """
    # expm1(y) is exp(y) - 1 without the cancellation near 0.
    m = torch.expm1(torch.where(x >= 0, -2 * x, 2 * x))
    return torch.where(x >= 0, -m / (m + 2), m / (m + 2))


def relu(x: Tensor) -> Tensor:
    """Rectified linear unit, max(0, x). Its slope at 0 is 0, as in torch.

    Shape: any -> the same. Source: Nair and Hinton (2010).

    >>> relu(torch.tensor([-2.0, 0.0, 3.0]))
    tensor([0., 0., 3.])
    """
    return torch.where(x <= 0, torch.zeros_like(x), x)


def leaky_relu(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
    """Leaky rectifier: x where x > 0, negative_slope * x elsewhere.

    Shape: any -> the same. Source: Maas, Hannun and Ng (2013).
    Raises ValueError where negative_slope is below 0.

    >>> leaky_relu(torch.tensor([-2.0, 3.0]), negative_slope=0.1)
    tensor([-0.2000,  3.0000])
    """
    if negative_slope < 0:
        raise ValueError(f"negative_slope is {negative_slope}; expected 0 or more")
    return torch.where(x > 0, x, negative_slope * x)


def elu(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit: x where x > 0, alpha * (exp(x) - 1) elsewhere.

    Shape: any -> the same. Values lie above -alpha. Source: Clevert, Unterthiner and
    Hochreiter (2016). Raises ValueError where alpha is below 0.

    >>> elu(torch.tensor([-1000.0, 0.0, 1000.0]), alpha=2.0)
    tensor([  -2.,    0., 1000.])
    """
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}; expected 0 or more")
    # The clamp keeps exp from overflowing in the branch that is not taken.
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


def softmax(x: Tensor, *, dim: int) -> Tensor:
    """Probabilities exp(x) / sum(exp(x)) along dim, for scores of any size.

    Shape: any with at least one dimension -> the same; slices along dim sum to 1.
    Raises ValueError where x has no dimension dim.

    >>> softmax(torch.tensor([[1000.0, 1000.0], [0.0, -1000.0]]), dim=1)
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    """
    if not -x.dim() <= dim < x.dim():
        raise ValueError(f"dim is {dim}, but x has shape {tuple(x.shape)}")
    # Adding a constant to all scores of a slice changes nothing, so subtract the largest.
    e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
    return e / e.sum(dim=dim, keepdim=True)


def activation_gradient(
    name: str, x: Tensor, *, negative_slope: float = 0.01, alpha: float = 1.0
) -> Tensor:
    """Slope of an activation at every x, in closed form, with torch's convention at 0.

    name is sigmoid, tanh, relu, leaky_relu or elu. Shape: any -> the same.
    Raises ValueError where the name is none of these.

    >>> activation_gradient("sigmoid", torch.tensor([0.0, 1000.0]))
    tensor([0.2500, 0.0000])
    """
    if name == "sigmoid":
        e = torch.exp(-x.abs())
        return e / (1 + e) ** 2
    if name == "tanh":
        e = torch.exp(-2 * x.abs())
        return 4 * e / (1 + e) ** 2
    if name == "relu":
        return (x > 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")


def dead_fraction(preactivations: Tensor) -> float:
    """Share of units whose preactivation is at or below 0 for the whole batch.

    A ReLU unit of this kind outputs 0 and passes no gradient for any image of the batch.
    Shape: (N, units) -> a number from 0 to 1. Raises ValueError for any other shape, and where
    the batch or the layer is empty.

    >>> dead_fraction(torch.tensor([[-1.0, 2.0], [-3.0, -4.0]]))
    0.5
    """
    if preactivations.dim() != 2 or preactivations.numel() == 0:
        raise ValueError(
            f"preactivations has shape {tuple(preactivations.shape)}; "
            "expected (N, units) with at least one of each"
        )
    return (preactivations <= 0).all(dim=0).double().mean().item()


def signal_by_depth(
    activation: Callable[[Tensor], Tensor],
    *,
    depth: int,
    width: int,
    gain: float,
    generator: torch.Generator,
) -> list[float]:
    """Standard deviation of the activations after each of depth dense layers.

    The input is a batch of 256 draws of N(0, 1); every weight matrix is (width, width) with
    entries of standard deviation gain / sqrt(width); there are no biases. Returns depth numbers,
    input side first. Raises ValueError where depth or width is below 1.
    Source: Glorot and Bengio (2010), He et al. (2015).

    >>> generator = torch.Generator().manual_seed(0)
    >>> [round(s, 1) for s in signal_by_depth(
    ...     lambda x: x, depth=3, width=512, gain=2.0, generator=generator)]
    [2.0, 4.0, 8.0]
    """
    if depth < 1 or width < 1:
        raise ValueError(f"depth is {depth} and width is {width}; expected 1 or more of each")
    h = torch.randn(256, width, generator=generator, device=generator.device)
    spread = []
    for _ in range(depth):
        weight = torch.randn(width, width, generator=generator, device=generator.device)
        h = activation(h @ weight * (gain / math.sqrt(width)))
        spread.append(h.std().item())
    return spread
