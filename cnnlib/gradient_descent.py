r"""Gradient descent, backpropagation, and the two modes of a network.

Training lowers a loss L by small steps against its gradient, ``p <- p - lr * dL/dp``. On a
quadratic of curvature c each step multiplies the error by ``1 - lr * c``: it shrinks where
``lr < 2 / c`` and grows beyond. The rules below differ in what they remember between steps:

    plain       p - lr g                                          nothing
    momentum    v = m v + g;  p - lr v                            a running sum (Polyak, 1964)
    RMSprop     s = a s + (1 - a) g^2;  p - lr g / (sqrt(s) + e)  Tieleman and Hinton (2012)
    Adam        both, each divided by 1 - beta^t                  Kingma and Ba (2015)

Backpropagation (Rumelhart, Hinton and Williams, 1986) finds the gradient: the chain rule, applied
from the loss towards the input, where every layer turns the gradient with respect to its output
into those with respect to its input and its parameters. For ``y = x W^T + b`` and ``g = dL/dy``:

    dL/dx = g W        dL/dW = g^T x        dL/db = sum of g over the batch

Inference needs none of that: it records no graph and leaves running statistics alone.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "adam_step",
    "evaluate",
    "gradient_descent",
    "linear_backward",
    "linear_forward",
    "mlp_gradients",
    "momentum_step",
    "numerical_gradient",
    "relu_backward",
    "rmsprop_step",
    "sgd_step",
    "softmax_cross_entropy",
    "train_epoch",
]


def numerical_gradient(
    f: Callable[[Tensor], Tensor | float], x: Tensor, *, eps: float = 1e-5
) -> Tensor:
    """Gradient of a scalar function by central differences, (f(x + eps) - f(x - eps)) / (2 eps).

    Shape: x any -> the same. The default eps suits float64; in float32, where f is known to seven
    digits only, take about 1e-2. f is called twice per entry of x and does not see x itself.
    Raises ValueError where eps is not above 0, and where f returns more than one number.
    Source: torch.autograd.gradcheck.

    >>> numerical_gradient(lambda x: (x ** 3).sum(), torch.tensor([1.0, 2.0]).double())
    tensor([ 3.0000, 12.0000], dtype=torch.float64)
    """
    if not eps > 0:
        raise ValueError(f"eps is {eps}; expected a number above 0")

    def value(point: Tensor) -> Tensor:
        y = torch.as_tensor(f(point)).detach()
        if y.numel() != 1:
            raise ValueError(f"f returned shape {tuple(y.shape)}; expected one number")
        return y.reshape(())

    x = x.detach()
    slopes = torch.zeros(x.numel(), dtype=x.dtype, device=x.device)
    for index in range(x.numel()):
        step = torch.zeros_like(slopes)
        step[index] = eps
        step = step.reshape(x.shape)
        slopes[index] = (value(x + step) - value(x - step)) / (2 * eps)
    return slopes.reshape(x.shape)


def gradient_descent(
    grad: Callable[[Tensor], Tensor], x0: Tensor, *, lr: float, steps: int
) -> Tensor:
    """Path of x <- x - lr * grad(x) from x0, first and last point included.

    Shape: x0 any -> (steps + 1, *x0.shape). Raises ValueError where lr or steps is below 0.
    Source: Cauchy (1847).

    >>> gradient_descent(lambda x: 2 * x, torch.tensor(1.0), lr=0.25, steps=3)
    tensor([1.0000, 0.5000, 0.2500, 0.1250])
    """
    if not lr >= 0:
        raise ValueError(f"lr is {lr}; expected 0 or more")
    if steps < 0:
        raise ValueError(f"steps is {steps}; expected 0 or more")
    path = [x0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return torch.stack(path)


def sgd_step(
    param: Tensor, grad: Tensor, state: dict[str, Tensor], *, lr: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step of plain gradient descent; returns the new parameter and the new state.

    state is {} and comes back as it is. Shape: param and grad any, equal -> the same.
    Raises ValueError where lr is below 0 or the shapes differ. Source: torch.optim.SGD.

    >>> sgd_step(torch.tensor([1.0]), torch.tensor([4.0]), {}, lr=0.1)
    (tensor([0.6000]), {})
    """
    if not lr >= 0:
        raise ValueError(f"lr is {lr}; expected 0 or more")
    if param.shape != grad.shape:
        raise ValueError(f"param has shape {tuple(param.shape)}, but grad {tuple(grad.shape)}")
    return param - lr * grad, dict(state)


def momentum_step(
    param: Tensor, grad: Tensor, state: dict[str, Tensor], *, lr: float, momentum: float = 0.9
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step with momentum; returns the new parameter and the new state.

    state is {} at first, then what the last step returned: {"momentum_buffer": Tensor}.
    Shape: param and grad any, equal -> the same. Raises ValueError where lr is below 0, momentum
    is outside [0, 1), or the shapes differ. Source: Polyak (1964), as in torch.optim.SGD.

    >>> param, state = momentum_step(torch.tensor([1.0]), torch.tensor([4.0]), {}, lr=0.1)
    >>> momentum_step(param, torch.tensor([0.0]), state, lr=0.1)
    (tensor([0.2400]), {'momentum_buffer': tensor([3.6000])})
    """
    if not lr >= 0:
        raise ValueError(f"lr is {lr}; expected 0 or more")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum is {momentum}; expected 0 or more and below 1")
    if param.shape != grad.shape:
        raise ValueError(f"param has shape {tuple(param.shape)}, but grad {tuple(grad.shape)}")
    velocity = momentum * state.get("momentum_buffer", torch.zeros_like(param)) + grad
    return param - lr * velocity, {"momentum_buffer": velocity}


def rmsprop_step(
    param: Tensor,
    grad: Tensor,
    state: dict[str, Tensor],
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step divided by a running root mean square of the gradient; new parameter and state.

    state is {} at first, then what the last step returned: {"square_avg": Tensor}.
    Shape: param and grad any, equal -> the same. Raises ValueError where lr or eps is below 0,
    alpha is outside [0, 1), or the shapes differ.
    Source: Tieleman and Hinton (2012), as in torch.optim.RMSprop.

    >>> rmsprop_step(torch.tensor([1.0]), torch.tensor([4.0]), {}, lr=0.1, alpha=0.75)
    (tensor([0.8000]), {'square_avg': tensor([4.])})
    """
    if not (lr >= 0 and eps >= 0):
        raise ValueError(f"lr is {lr} and eps is {eps}; expected 0 or more")
    if not 0 <= alpha < 1:
        raise ValueError(f"alpha is {alpha}; expected 0 or more and below 1")
    if param.shape != grad.shape:
        raise ValueError(f"param has shape {tuple(param.shape)}, but grad {tuple(grad.shape)}")
    square = alpha * state.get("square_avg", torch.zeros_like(param)) + (1 - alpha) * grad**2
    return param - lr * grad / (square.sqrt() + eps), {"square_avg": square}


def adam_step(
    param: Tensor,
    grad: Tensor,
    state: dict[str, Tensor],
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Tensor, dict[str, Tensor]]:
    """One step of Adam; returns the new parameter and the new state.

    state is {} at first, then what the last step returned: {"step", "exp_avg", "exp_avg_sq"}.
    Shape: param and grad any, equal -> the same. Raises ValueError where lr or eps is below 0, a
    beta is outside [0, 1), or the shapes differ.
    Source: Kingma and Ba (2015), as in torch.optim.Adam.

    >>> param, state = adam_step(torch.tensor([1.0]), torch.tensor([4.0]), {}, lr=0.1)
    >>> param, state["step"]
    (tensor([0.9000]), tensor(1.))
    """
    if not (lr >= 0 and eps >= 0):
        raise ValueError(f"lr is {lr} and eps is {eps}; expected 0 or more")
    if not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas is {betas}; expected 0 or more and below 1")
    if param.shape != grad.shape:
        raise ValueError(f"param has shape {tuple(param.shape)}, but grad {tuple(grad.shape)}")
    zero = torch.zeros_like(param)
    step = state.get("step", torch.tensor(0.0)) + 1
    mean = betas[0] * state.get("exp_avg", zero) + (1 - betas[0]) * grad
    square = betas[1] * state.get("exp_avg_sq", zero) + (1 - betas[1]) * grad**2
    # Both averages start at 0; the divisions undo that bias.
    unbiased_mean = mean / (1 - betas[0] ** step.item())
    unbiased_square = square / (1 - betas[1] ** step.item())
    param = param - lr * unbiased_mean / (unbiased_square.sqrt() + eps)
    return param, {"step": step, "exp_avg": mean, "exp_avg_sq": square}


def linear_forward(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Dense layer, x W^T + b, with torch's layout of the weights.

    Shape: x (N, in), w (out, in), b (out,) -> (N, out). Raises ValueError where they disagree.
    Source: torch.nn.functional.linear.

    >>> linear_forward(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([5.0]))
    tensor([[16.]])
    """
    if x.dim() != 2 or w.dim() != 2 or x.shape[1] != w.shape[1] or b.shape != w.shape[:1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and b {tuple(b.shape)}; "
            "expected (N, in), (out, in) and (out,)"
        )
    return x @ w.T + b


def linear_backward(grad_out: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a dense layer with respect to x, w and b.

    Shape: grad_out (N, out), x (N, in), w (out, in) -> (N, in), (out, in), (out,).
    Raises ValueError where they disagree. Source: Rumelhart, Hinton and Williams (1986).

    >>> x, w = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]])
    >>> linear_backward(torch.tensor([[1.0]]), x, w)
    (tensor([[3., 4.]]), tensor([[1., 2.]]), tensor([1.]))
    """
    fits = x.dim() == w.dim() == 2 and x.shape[1] == w.shape[1]
    if not fits or grad_out.shape != (len(x), len(w)):
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}, x {tuple(x.shape)} and "
            f"w {tuple(w.shape)}; expected (N, out), (N, in) and (out, in)"
        )
    return grad_out @ w, grad_out.T @ x, grad_out.sum(dim=0)


def relu_backward(grad_out: Tensor, x: Tensor) -> Tensor:
    """Gradient of max(0, x): grad_out where x is above 0, and 0 elsewhere.

    Shape: grad_out and x any, equal -> the same. Raises ValueError where the shapes differ.
    Source: torch.relu, whose slope at 0 is 0.

    >>> relu_backward(torch.tensor([5.0, 6.0, 7.0]), torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0., 0., 7.])
    """
    if grad_out.shape != x.shape:
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}, but x {tuple(x.shape)}")
    return torch.where(x <= 0, torch.zeros_like(grad_out), grad_out)


def softmax_cross_entropy(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of -log softmax(logits)[target] over the batch, and its gradient.

    Finite for logits of any finite size. The gradient is (softmax(logits) - one_hot(target)) / N.
    Shape: logits (N, K), target (N,) of whole numbers 0..K-1 -> (), in nats, and (N, K).
    Raises ValueError for other shapes, an empty batch, and a label outside 0..K-1.
    Source: torch.nn.functional.cross_entropy.

    >>> softmax_cross_entropy(torch.tensor([[1000.0, 1000.0]]), torch.tensor([0]))
    (tensor(0.6931), tensor([[-0.5000,  0.5000]]))
    """
    if logits.dim() != 2 or target.shape != logits.shape[:1] or len(target) == 0:
        raise ValueError(
            f"logits has shape {tuple(logits.shape)} and target {tuple(target.shape)}; "
            "expected (N, K) and (N,) with N at least 1"
        )
    n, k = logits.shape
    lowest, highest = target.min().item(), target.max().item()
    if target.is_floating_point() or lowest < 0 or highest >= k:
        raise ValueError(
            f"target is {target.dtype} in {lowest}..{highest}; expected whole numbers 0..{k - 1}"
        )
    # Subtracting the largest logit leaves the softmax as it is and keeps exp at or below 1.
    shifted = logits - logits.amax(dim=1, keepdim=True).detach()
    log_probability = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    one_hot = F.one_hot(target.long(), k).to(logits.dtype)
    loss = -log_probability.gather(1, target.long()[:, None]).mean()
    return loss, (log_probability.exp() - one_hot) / n


def mlp_gradients(
    x: Tensor, target: Tensor, params: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss and gradients of a two-layer network, by hand: dense, ReLU, dense, cross-entropy.

    Shape: x (N, D), target (N,) of whole numbers 0..K-1, params {"w1": (H, D), "b1": (H,),
    "w2": (K, H), "b2": (K,)} -> (), in nats, and a dict of the same names and shapes.
    Raises ValueError where the shapes disagree or a label is outside 0..K-1.
    Source: Rumelhart, Hinton and Williams (1986).

    >>> params = {"w1": torch.ones(1, 1), "b1": torch.zeros(1),
    ...           "w2": torch.zeros(2, 1), "b2": torch.zeros(2)}
    >>> loss, gradients = mlp_gradients(torch.tensor([[3.0]]), torch.tensor([1]), params)
    >>> loss, gradients["w2"].flatten()
    (tensor(0.6931), tensor([ 1.5000, -1.5000]))
    """
    if set(params) != {"w1", "b1", "w2", "b2"}:
        raise ValueError(f"params holds {sorted(params)}; expected w1, b1, w2 and b2")
    w1, b1, w2, b2 = (params[name] for name in ("w1", "b1", "w2", "b2"))
    n, d, h, k = len(x), x.shape[-1], len(w1), len(w2)
    shapes = [tuple(value.shape) for value in (x, target, w1, b1, w2, b2)]
    if n == 0 or shapes != [(n, d), (n,), (h, d), (h,), (k, h), (k,)]:
        raise ValueError(
            f"x, target, w1, b1, w2 and b2 have shapes {shapes}; "
            "expected (N, D), (N,), (H, D), (H,), (K, H) and (K,) with N at least 1"
        )
    lowest, highest = target.min().item(), target.max().item()
    if target.is_floating_point() or lowest < 0 or highest >= k:
        raise ValueError(
            f"target is {target.dtype} in {lowest}..{highest}; expected whole numbers 0..{k - 1}"
        )
    before = x @ w1.T + b1
    hidden = before.clamp(min=0)
    log_probability = torch.log_softmax(hidden @ w2.T + b2, dim=1)
    one_hot = F.one_hot(target.long(), k).to(x.dtype)
    loss = -(one_hot * log_probability).sum(dim=1).mean()

    # From here on each line takes the gradient one step closer to the input.
    grad_logits = (log_probability.exp() - one_hot) / n
    grad_hidden = grad_logits @ w2
    grad_before = grad_hidden * (before > 0)
    return loss, {
        "w1": grad_before.T @ x,
        "b1": grad_before.sum(dim=0),
        "w2": grad_logits.T @ hidden,
        "b2": grad_logits.sum(dim=0),
    }


def train_epoch(
    model: nn.Module,
    loader: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
) -> float:
    """Train on every batch once; return the mean loss per image, as it was during the epoch.

    The model is left in training mode; batches travel to its device. loss_fn(output, target) is
    a mean over its batch, so batches count by their size. Raises ValueError where loader is empty.

    >>> model = nn.Linear(2, 3, bias=False)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> batches = [(torch.zeros(4, 2), torch.tensor([0, 0, 1, 2]))]
    >>> round(train_epoch(model, batches, optimizer, F.cross_entropy), 4)  # log 3
    1.0986
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    model.train()
    total, count = 0.0, 0
    for x, target in loader:
        loss = loss_fn(model(x.to(device)), target.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
        count += len(x)
    if count == 0:
        raise ValueError("loader gave no images; expected at least one batch")
    return total / count


def evaluate(model: nn.Module, loader: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy in [0, 1] of a classifier, per image.

    Runs in evaluation mode and without a graph, so that the model does not change, and gives every
    module the mode back in which it was found. Raises ValueError where loader is empty.

    >>> model = nn.Linear(2, 3, bias=False)
    >>> loss, accuracy = evaluate(model, [(torch.zeros(4, 2), torch.tensor([0, 0, 1, 2]))])
    >>> round(loss, 4), accuracy
    (1.0986, 0.5)
    """
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    modes = [(module, module.training) for module in model.modules()]
    total, correct, count = 0.0, 0, 0
    model.eval()
    try:
        with torch.no_grad():
            for x, target in loader:
                logits, labels = model(x.to(device)), target.to(device)
                total += F.cross_entropy(logits, labels, reduction="sum").item()
                correct += int((logits.argmax(dim=1) == labels).sum())
                count += len(x)
    finally:
        for module, training in modes:
            module.training = training
    if count == 0:
        raise ValueError("loader gave no images; expected at least one batch")
    return total / count, correct / count
