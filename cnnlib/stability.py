r"""What keeps a deep network trainable: normalisation, dropout, initialisation, clipping.

Batch normalisation (Ioffe and Szegedy, 2015) gives every channel mean 0 and variance 1 over the
batch, then a scale and a shift that are learnt:

    x_hat = (x - mean) / sqrt(var + eps)        y = gamma x_hat + beta

In training the statistics are the batch's own, so the gradient flows through them too:

    dL/dx = gamma / sqrt(var + eps) * (g - mean(g) - x_hat mean(g x_hat)),    g = dL/dy

In evaluation they are running averages, and an image's output no longer depends on its neighbours.

Dropout (Srivastava et al., 2014) sets activations to 0 with probability p in training and divides
the rest by 1 - p, so that evaluation has nothing to correct.

A signal keeps its spread through a layer of fan_in inputs where the weights have standard deviation
gain / sqrt(fan_in): He et al. (2015). Glorot and Bengio (2010) average that demand with the same
one for the gradient on its way back. Where gradients explode all the same, they can be clipped by
their common norm (Pascanu, Mikolov and Bengio, 2013).
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "clip_gradients",
    "dropout",
    "gradient_norms",
    "kaiming_std",
    "xavier_std",
]


def batch_norm_forward(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor, Tensor, bool]]:
    """Batch normalisation; returns y, the new running mean, the new running variance, and a cache.

    The cache is what batch_norm_backward needs. As in torch, x is divided by the biased standard
    deviation, and the unbiased variance enters the running one; in evaluation both stay.
    Shape: x (N, C) or (N, C, ...), the next four (C,) -> y as x, running statistics (C,).
    Raises ValueError where the shapes disagree, momentum is outside [0, 1], eps is not above 0, or
    a channel has only one value to train on. Source: Ioffe and Szegedy (2015).

    >>> one, zero = torch.ones(1), torch.zeros(1)
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> y, mean, var, _ = batch_norm_forward(x, one, zero, zero, one, training=True)
    >>> y.flatten(), mean, var
    (tensor([-1.0000,  1.0000]), tensor([0.2000]), tensor([1.1000]))
    """
    shapes = [tuple(v.shape) for v in (x, gamma, beta, running_mean, running_var)]
    if x.dim() < 2 or shapes[1:] != 4 * [(x.shape[1],)]:
        raise ValueError(
            f"x, gamma, beta, running_mean and running_var have shapes {shapes}; "
            "expected (N, C, ...) and four times (C,)"
        )
    if not 0 <= momentum <= 1 or not eps > 0:
        raise ValueError(f"momentum is {momentum} and eps {eps}; expected 0..1 and above 0")
    count = x.numel() // max(x.shape[1], 1)
    if training and count < 2:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected two or more values a channel")
    over = [0, *range(2, x.dim())]  # every dimension but the channels
    shape = (1, -1, *(1 for _ in x.shape[2:]))
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(dim=over)
        var = ((x - mean.reshape(shape)) ** 2).mean(dim=over)
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        unbiased = var.detach() * count / (count - 1)
        running_var = (1 - momentum) * running_var + momentum * unbiased
    scale = (var + eps).rsqrt().reshape(shape)
    x_hat = (x - mean.reshape(shape)) * scale
    y = gamma.reshape(shape) * x_hat + beta.reshape(shape)
    return y, running_mean, running_var, (x_hat, gamma, scale, training)


def batch_norm_backward(
    grad_out: Tensor, cache: tuple[Tensor, Tensor, Tensor, bool]
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of batch normalisation with respect to x, gamma and beta.

    In training the statistics are functions of x; in evaluation they are constants.
    Shape: grad_out (N, C, ...) -> the same, (C,), (C,). Raises ValueError where grad_out has
    another shape than y had. Source: Ioffe and Szegedy (2015).

    >>> one, zero = torch.ones(1), torch.zeros(1)
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> *_, cache = batch_norm_forward(x, one, zero, zero, one, training=False)
    >>> batch_norm_backward(torch.tensor([[1.0], [10.0]]), cache)[1:]
    (tensor([30.9998]), tensor([11.]))
    """
    x_hat, gamma, scale, training = cache
    if grad_out.shape != x_hat.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(x_hat.shape)}"
        )
    over = [0, *range(2, x_hat.dim())]
    grad_gamma, grad_beta = (grad_out * x_hat).sum(dim=over), grad_out.sum(dim=over)
    grad_x = grad_out
    if training:
        count = x_hat.numel() // x_hat.shape[1]
        mean, slope = grad_beta / count, grad_gamma / count
        grad_x = grad_out - mean.reshape(scale.shape) - x_hat * slope.reshape(scale.shape)
    return gamma.reshape(scale.shape) * scale * grad_x, grad_gamma, grad_beta


def dropout(x: Tensor, *, p: float, training: bool, generator: torch.Generator) -> Tensor:
    """Inverted dropout: entries set to 0 with probability p in training, the rest over 1 - p.

    Shape: any -> the same. In evaluation x itself. Raises ValueError where p is outside [0, 1].
    Source: Srivastava et al. (2014), as in torch.nn.Dropout.

    >>> generator = torch.Generator().manual_seed(0)
    >>> dropout(torch.ones(6), p=0.5, training=True, generator=generator).unique()
    tensor([0., 2.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is {p}; expected a probability from 0 to 1")
    if not training:
        return x
    keep = torch.empty_like(x, device=generator.device).bernoulli_(1 - p, generator=generator)
    return x * keep.to(x.device) / (1 - p if p < 1 else 1)


def kaiming_std(fan_in: int, *, nonlinearity: str) -> float:
    """Standard deviation of weights that keeps the forward signal's size, gain / sqrt(fan_in).

    nonlinearity is linear, sigmoid, tanh, relu or leaky_relu (of slope 0.01).
    Raises ValueError for another name and where fan_in is below 1.
    Source: He et al. (2015), with torch's gains.

    >>> kaiming_std(200, nonlinearity="relu")
    0.1
    """
    squared_gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 25 / 9,
        "relu": 2.0,
        "leaky_relu": 2 / (1 + 0.01**2),
    }
    if nonlinearity not in squared_gains or fan_in < 1:
        raise ValueError(
            f"nonlinearity is {nonlinearity!r} and fan_in {fan_in}; "
            f"expected one of {', '.join(squared_gains)}, and 1 or more"
        )
    return math.sqrt(squared_gains[nonlinearity] / fan_in)


def xavier_std(fan_in: int, fan_out: int) -> float:
    """Standard deviation of weights between what signal and gradient ask, sqrt(2 / (in + out)).

    Raises ValueError where fan_in or fan_out is below 1. Source: Glorot and Bengio (2010).

    >>> xavier_std(150, 50)
    0.1
    """
    if min(fan_in, fan_out) < 1:
        raise ValueError(f"fan_in is {fan_in} and fan_out {fan_out}; expected 1 or more")
    return math.sqrt(2 / (fan_in + fan_out))


def gradient_norms(model: nn.Module, x: Tensor, target: Tensor) -> list[float]:
    """Norm of the gradient of the cross-entropy in each layer's parameters, input side first.

    A layer is a module that owns trainable parameters itself; the order is that of definition.
    The model runs in the mode it is in and stays as it is: no .grad, and no running statistics.
    Shape: x as the model takes it, target (N,) of labels -> one number per layer.
    Raises ValueError where no layer has trainable parameters. Source: Glorot and Bengio (2010).

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 4))
    >>> len(gradient_norms(model, torch.ones(5, 2), torch.zeros(5, dtype=torch.long)))
    2
    """
    owned = [list(module.parameters(recurse=False)) for module in model.modules()]
    layers = [trainable for p in owned if (trainable := [q for q in p if q.requires_grad])]
    if not layers:
        raise ValueError(f"{type(model).__name__} has no trainable parameters; expected some")
    # Copies of the buffers take what training mode writes to running statistics.
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    loss = F.cross_entropy(functional_call(model, buffers, (x,)), target)
    parameters = [parameter for layer in layers for parameter in layer]
    gradients = iter(torch.autograd.grad(loss, parameters, materialize_grads=True))
    return [torch.cat([next(gradients).flatten() for _ in layer]).norm().item() for layer in layers]


def clip_gradients(gradients: Sequence[Tensor], *, max_norm: float) -> list[Tensor]:
    """Gradients scaled by one factor so that their common norm is at most max_norm.

    The direction stays, and gradients within the bound come back with their values.
    Shape: any -> the same. Raises ValueError where max_norm is not above 0.
    Source: Pascanu, Mikolov and Bengio (2013), as in torch.nn.utils.clip_grad_norm_.

    >>> clip_gradients([torch.tensor([3.0]), torch.tensor([[4.0]])], max_norm=1.0)
    [tensor([0.6000]), tensor([[0.8000]])]
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm}; expected a number above 0")
    norm = math.sqrt(sum(gradient.double().square().sum().item() for gradient in gradients))
    factor = max_norm / max(norm + 1e-6, max_norm)
    return [gradient * factor for gradient in gradients]
