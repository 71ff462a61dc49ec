r"""Transfer: begin with what another task has taught a network.

The first layers of networks for different tasks come to resemble one another (Yosinski et al.,
2014), so with few labels of one's own it pays to keep them and to learn the rest:

    feature extraction    freeze everything, fit a linear classifier on the features
    fine-tuning           new head, then train on: smaller rates for earlier layers, or
                          unfreeze from the head downwards (Howard and Ruder, 2018)

Freezing has two halves. A parameter stays when it gets no gradient; the moving averages of batch
normalisation are no parameters, and change with every batch seen in training mode.

Several tasks on one body are weighed by their noise, which can be learnt (Kendall, Gal and Cipolla,
2018): with ``s = log sigma^2`` per task,

    L = sum_t  exp(-s_t) L_t + s_t / 2

is the negative log-likelihood of a Gaussian when ``L_t`` is half a squared error. None of this
mends an imbalance of the classes; weighing each class by ``N / (K n_k)`` does.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import skip_init

__all__ = [
    "class_weights",
    "extract_features",
    "freeze",
    "linear_probe",
    "multitask_loss",
    "parameter_groups",
    "replace_head",
    "unfreeze",
    "unfreeze_schedule",
]

Module = TypeVar("Module", bound=nn.Module)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def replace_head(model: Module, num_classes: int) -> Module:
    """Put a fresh dense layer of num_classes outputs in place of the model's last, and return it.

    The last nn.Linear in the order of definition is taken for the head. The new one has its device,
    number format and presence of a bias. GoogLeNet's auxiliary heads stay. Raises ValueError where
    num_classes is below 1 or the model holds no dense layer.

    >>> replace_head(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1000)), 10)[2]
    Linear(in_features=4, out_features=10, bias=True)
    """
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; expected 1 or more")
    dense = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    if not dense or not dense[-1]:
        raise ValueError(f"model is a {type(model).__name__} that holds no dense layer")
    parent, _, name = dense[-1].rpartition(".")
    old = model.get_submodule(dense[-1])
    assert isinstance(old, nn.Linear)
    head = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    setattr(model.get_submodule(parent), name, head.to(old.weight))
    return model


def freeze(module: Module) -> Module:
    """Stop a module from learning: no gradients, and batch norms that stay in evaluation mode.

    They stay so even when ``train()`` is called on the model later. Changes the module and returns
    it; ``unfreeze`` undoes it.

    >>> layer = freeze(nn.BatchNorm1d(3)).train()
    >>> _ = layer(torch.randn(5, 3))
    >>> layer.running_mean
    tensor([0., 0., 0.])
    """
    unfreeze(module).requires_grad_(False)
    for layer in module.modules():
        if isinstance(layer, BATCH_NORMS):
            layer.eval()
            vars(layer)["frozen"] = layer.register_forward_pre_hook(stay_in_evaluation)
    return module


def stay_in_evaluation(layer: nn.Module, _: object) -> None:
    """What runs before a frozen batch norm does."""
    layer.eval()


def unfreeze(module: Module) -> Module:
    """Let a module learn again. Its batch norms follow ``train()`` and ``eval()`` again.

    >>> unfreeze(freeze(nn.Linear(2, 1))).weight.requires_grad
    True
    """
    for layer in module.modules():
        if "frozen" in vars(layer):
            vars(layer).pop("frozen").remove()
    return module.requires_grad_(True)


def extract_features(model: nn.Module, x: Tensor, layer: str) -> Tensor:
    """What the named layer puts out when the model sees x, in evaluation mode, without gradients.

    layer is a name from ``model.named_modules()``. The model's modes are as before afterwards.
    Shape: (N, C, H, W) -> the layer's output, (N, ...). Raises ValueError where the model has no
    such layer or does not use it.

    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 10))
    >>> extract_features(model, torch.zeros(2, 1, 5, 4), "2").shape
    torch.Size([2, 24])
    """
    modules = dict(model.named_modules())
    if layer not in modules:
        raise ValueError(f"layer is {layer!r}; expected one of {', '.join(filter(None, modules))}")
    caught: list[Tensor] = []

    def catch(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        # A copy, since a ReLU in place may write over it next.
        caught.append(output.detach().clone())

    training = {module: module.training for module in modules.values()}
    hook = modules[layer].register_forward_hook(catch)
    try:
        model.eval()
        with torch.no_grad():
            model(x)
    finally:
        hook.remove()
        for module, mode in training.items():
            module.training = mode
    if not caught:
        raise ValueError(f"layer is {layer!r}, which the model does not use in evaluation mode")
    return caught[-1]


def linear_probe(
    features: Tensor, target: Tensor, *, num_classes: int, weight_decay: float
) -> nn.Linear:
    """Dense layer that minimises cross-entropy plus weight_decay / 2 times its squared weights.

    The optimum is found to convergence (L-BFGS in float64, from zero), so nothing is random; with
    weight_decay above 0 there is exactly one. Biases do not decay. Shape: features (N, D) and
    labels (N,) -> a layer from D to num_classes, with the features' device and number format.
    Raises ValueError for other shapes, a label outside 0..num_classes-1, a negative weight_decay.
    Source: Alain and Bengio (2017).

    >>> x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> probe = linear_probe(x, torch.tensor([0, 0, 1, 1]), num_classes=2, weight_decay=0.1)
    >>> probe(x).argmax(dim=1)
    tensor([0, 0, 1, 1])
    """
    if features.dim() != 2 or features.numel() == 0 or target.shape != features.shape[:1]:
        raise ValueError(
            f"features has shape {tuple(features.shape)} and target {tuple(target.shape)}; "
            "expected (N, D) and (N,), with at least one of each"
        )
    check_labels(target, num_classes)
    if weight_decay < 0:
        raise ValueError(f"weight_decay is {weight_decay}; expected 0 or more")
    x, y = features.detach().cpu().double(), target.cpu()
    # Not initialised, since that would draw random numbers.
    probe: nn.Linear = skip_init(nn.Linear, x.shape[1], num_classes, dtype=torch.float64)
    for parameter in probe.parameters():
        nn.init.zeros_(parameter)
    optimizer = torch.optim.LBFGS(
        probe.parameters(), max_iter=1000, tolerance_grad=1e-8, line_search_fn="strong_wolfe"
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(probe(x), y) + weight_decay / 2 * probe.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)
    return probe.to(features)


def check_labels(target: Tensor, num_classes: int) -> None:
    """Raise ValueError where a label is not in 0..num_classes-1."""
    if target.numel() == 0 or target.min() < 0 or target.max() >= num_classes:
        span = f"{target.min()} to {target.max()}" if target.numel() else "none"
        raise ValueError(f"target's labels are {span}; expected 0 to {num_classes - 1}")


def parameter_groups(model: nn.Module, *, base_lr: float, decay: float) -> list[dict[str, Any]]:
    """Optimizer groups with discriminative rates: base_lr at the head, times decay for each before.

    One group per direct child of the model that has parameters, input side first, with its name,
    its params and its lr. Frozen parameters are left out: they get no rate at all. Raises
    ValueError where base_lr is not above 0, decay is not above 0 and up to 1, or nothing is left to
    train. Source: Howard and Ruder (2018).

    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> [(g["name"], g["lr"]) for g in parameter_groups(model, base_lr=0.1, decay=0.5)]
    [('0', 0.05), ('2', 0.1)]
    """
    if base_lr <= 0 or not 0 < decay <= 1:
        raise ValueError(f"{base_lr=}, {decay=}; expected above 0, and above 0 and up to 1")
    children = [(name, list(child.parameters())) for name, child in model.named_children()]
    children = [(name, parameters) for name, parameters in children if parameters]
    groups: list[dict[str, Any]] = []
    for depth, (name, parameters) in enumerate(reversed(children)):
        params = [p for p in parameters if p.requires_grad]
        if params:
            groups.insert(0, {"name": name, "params": params, "lr": base_lr * decay**depth})
    if not groups:
        raise ValueError(f"model is a {type(model).__name__} whose parts have nothing to train")
    return groups


def unfreeze_schedule(model: nn.Module, epoch: int, *, every: int) -> list[str]:
    """Gradual unfreezing: in epoch 0 the head alone learns, and one part more every so many epochs.

    Parts are the direct children of the model that have parameters. Changes the model, and returns
    the names of the parts that learn, input side first. Raises ValueError where epoch is below 0,
    every below 1, or the model has no such parts. Source: Howard and Ruder (2018).

    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2), nn.Linear(2, 2))
    >>> [unfreeze_schedule(model, epoch, every=2) for epoch in (0, 1, 2, 99)]
    [['3'], ['3'], ['2', '3'], ['0', '2', '3']]
    """
    if epoch < 0 or every < 1:
        raise ValueError(f"{epoch=}, {every=}; expected 0 and 1, or more")
    parts = [(n, part) for n, part in model.named_children() if list(part.parameters())]
    if not parts:
        raise ValueError(f"model is a {type(model).__name__} without parts that have parameters")
    frozen = max(0, len(parts) - 1 - epoch // every)
    for _, part in parts[:frozen]:
        freeze(part)
    for _, part in parts[frozen:]:
        unfreeze(part)
    return [name for name, _ in parts[frozen:]]


def multitask_loss(losses: Sequence[Tensor] | Tensor, log_variances: Tensor) -> Tensor:
    """Sum over tasks of exp(-s) times the loss plus s / 2, with s the task's log variance.

    Shape: T numbers and log_variances (T,) -> a number. Let log_variances be a parameter of the
    optimizer, and noisy tasks come to count less. Raises ValueError where there is no task or the
    counts differ. Source: Kendall, Gal and Cipolla (2018), for half squared errors.

    >>> multitask_loss([torch.tensor(2.0), torch.tensor(3.0)], torch.zeros(2))
    tensor(5.)
    """
    if len(losses) == 0 or log_variances.shape != (len(losses),):
        raise ValueError(
            f"there are {len(losses)} losses and log_variances has shape "
            f"{tuple(log_variances.shape)}; expected one number per task in each"
        )
    pairs = zip(losses, log_variances, strict=True)
    return torch.stack([torch.exp(-s) * loss + s / 2 for loss, s in pairs]).sum()


def class_weights(target: Tensor, *, num_classes: int) -> Tensor:
    """Weight N / (K n_k) for each class k, so that every class counts the same in a loss.

    N is the number of labels, n_k that of class k, K that of classes that occur; a class that does
    not occur has weight 0. The mean weight of the labels is 1. Shape: (N,) -> (num_classes,).
    Raises ValueError where target is not one-dimensional, is empty, or holds a label outside
    0..num_classes-1. Source: King and Zeng (2001).

    >>> class_weights(torch.tensor([0, 0, 0, 2]), num_classes=3)
    tensor([0.6667, 0.0000, 2.0000])
    """
    if target.dim() != 1:
        raise ValueError(f"target has shape {tuple(target.shape)}; expected (N,)")
    check_labels(target, num_classes)
    counts = torch.bincount(target, minlength=num_classes)
    present = (counts > 0).sum()
    return torch.where(counts > 0, target.numel() / (present * counts.clamp(min=1)), 0.0)
