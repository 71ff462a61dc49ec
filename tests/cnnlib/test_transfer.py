"""scikit-learn and torch as oracles; freezing that holds whatever is called later."""

import copy
import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import transfer
from cnnlib.device import available_devices
from cnnlib.googlenet import GoogLeNet
from cnnlib.resnet import ResNet, small_resnet
from cnnlib.vgg import VGG16, make_vgg


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(4 * 6 * 6, 10),
    )


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: ResNet(18), "fc"),
        (lambda: make_vgg(VGG16, num_classes=1000), "classifier.6"),
        (lambda: GoogLeNet(), "fc"),
        (small_resnet, "fc"),
    ],
)
def test_the_new_head_replaces_the_last_dense_layer_alone(
    make: Callable[[], nn.Module], name: str
) -> None:
    with torch.device("meta"):
        model = make()
        before = {key: id(p) for key, p in model.named_parameters()}
        old = model.get_submodule(name)
        assert transfer.replace_head(model, 7) is model
    head = model.get_submodule(name)
    assert isinstance(old, nn.Linear)
    assert isinstance(head, nn.Linear)
    assert (head.in_features, head.out_features) == (old.in_features, 7)
    after = {key: id(p) for key, p in model.named_parameters()}
    assert {key for key in after if after[key] != before[key]} == {f"{name}.weight", f"{name}.bias"}


def test_the_new_head_has_the_format_of_the_old() -> None:
    model = nn.Sequential(nn.ReLU(), nn.Linear(3, 5, bias=False, dtype=torch.float64))
    head = transfer.replace_head(model, 2)[1]
    assert isinstance(head, nn.Linear)
    assert head.bias is None
    assert head.weight.dtype == torch.float64
    assert head.weight.requires_grad


def copied(model: nn.Module) -> nn.Module:
    return copy.deepcopy(model)


def pickled(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    loaded: nn.Module = torch.load(file, weights_only=False)
    return loaded


@pytest.mark.parametrize("way", [lambda model: model, copied, pickled])
def test_a_frozen_module_does_not_change_in_training(
    way: Callable[[nn.Module], nn.Module],
) -> None:
    model = way(transfer.freeze(small()))
    x = 3 + torch.randn(8, 1, 8, 8)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    model.train()
    model(x)
    assert not any(p.requires_grad for p in model.parameters())
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    # It computes with the frozen statistics as well, not with the batch's.
    head = nn.Sequential(*list(model.children())[:3])
    assert_close(head.train()(x), head.eval()(x))


def test_freezing_parameters_alone_would_not_freeze_the_statistics() -> None:
    model = small().requires_grad_(False).train()
    before = model.get_buffer("1.running_mean").clone()
    model(3 + torch.randn(8, 1, 8, 8))
    assert not torch.equal(model.get_buffer("1.running_mean"), before)


def test_unfreezing_lets_everything_change_again() -> None:
    model = transfer.freeze(transfer.freeze(small()))
    assert transfer.unfreeze(model) is model
    assert not any(module._forward_pre_hooks for module in model.modules())
    model.train()
    before = model.get_buffer("1.running_mean").clone()
    model(3 + torch.randn(8, 1, 8, 8)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    assert not torch.equal(model.get_buffer("1.running_mean"), before)


def test_part_of_a_model_can_be_frozen() -> None:
    model = small()
    transfer.freeze(model[1])
    assert [m.training for m in model] == [True, False, True, True, True, True]
    model.train()
    model(torch.randn(4, 1, 8, 8)).sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == [
        "1.weight",
        "1.bias",
    ]


@pytest.mark.parametrize("layer", ["0", "1", "2", "3", "5"])
def test_features_are_the_layer_s_own_output(layer: str) -> None:
    model = small().train()
    model[1].eval()
    x = torch.randn(3, 1, 8, 8)
    state = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    actual = transfer.extract_features(model, x, layer)
    # The ReLU after layer 1 works in place, and must not reach what was extracted.
    expected = copy.deepcopy(model).eval()[: int(layer) + 1](x)
    assert_close(actual, expected.detach())
    assert not actual.requires_grad
    assert_close(model.state_dict(), state, rtol=0, atol=0)
    assert [m.training for m in model] == [True, False, True, True, True, True]
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("weight_decay", [1e-3, 0.1, 3.0])
def test_the_probe_is_scikit_learn_s_logistic_regression(
    weight_decay: float, digits: tuple[Tensor, Tensor]
) -> None:
    x, y = digits[0][:300].flatten(1), digits[1][:300]
    probe = transfer.linear_probe(x, y, num_classes=10, weight_decay=weight_decay)
    sklearn = LogisticRegression(C=1 / (weight_decay * len(x)), tol=1e-8, max_iter=2000)
    sklearn.fit(x.double().numpy(), y.numpy())
    # Both stop where the gradient is small, not where it is 0.
    assert_close(probe.weight.double(), torch.tensor(sklearn.coef_), rtol=1e-2, atol=2e-3)
    logits = torch.tensor(sklearn.decision_function(x.double().numpy()))
    assert_close(F.softmax(probe(x).double(), 1), F.softmax(logits, 1), rtol=1e-2, atol=1e-3)


def test_the_probe_is_at_the_optimum(measured: Callable[..., None]) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(40, 6), torch.randint(4, (40,))
    probe = transfer.linear_probe(x, y, num_classes=5, weight_decay=0.05)
    assert probe.weight.dtype == torch.float32
    double = copy.deepcopy(probe).double()
    loss = F.cross_entropy(double(x.double()), y) + 0.025 * double.weight.square().sum()
    loss.backward()
    # Weights are rounded to float32 on the way out. Class 4 is absent: its bias goes to -inf.
    for name, p in double.named_parameters():
        assert p.grad is not None
        measured(f"gradient of {name}", p.grad[:4].abs().max().item(), at_most=1e-5)


def test_the_probe_needs_no_gradient_mode_and_no_random_numbers() -> None:
    x, y = torch.randn(20, 3), torch.arange(20) % 2
    state = torch.get_rng_state()
    with torch.no_grad():
        first = transfer.linear_probe(x, y, num_classes=2, weight_decay=0.1)
    assert torch.equal(
        first.weight, transfer.linear_probe(x, y, num_classes=2, weight_decay=0.1).weight
    )
    assert torch.equal(torch.get_rng_state(), state)


def test_groups_hold_every_trainable_parameter_once_with_a_falling_rate() -> None:
    model = small_resnet()
    transfer.freeze(model.get_submodule("layer1"))
    groups = transfer.parameter_groups(model, base_lr=0.1, decay=0.5)
    assert [(g["name"], g["lr"]) for g in groups] == [
        ("conv1", 0.1 / 32),
        ("bn1", 0.1 / 16),
        ("layer2", 0.1 / 4),
        ("layer3", 0.1 / 2),
        ("fc", 0.1),
    ]
    held = [id(p) for g in groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    optimizer = torch.optim.SGD(groups)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for p in model.parameters():
        if p.requires_grad:
            p.grad = torch.ones_like(p)
    optimizer.step()
    for group in groups:
        name = f"{group['name']}"
        first = next(n for n in before if n.startswith(name))
        assert_close(
            before[first] - dict(model.named_parameters())[first].detach(),
            torch.full_like(before[first], group["lr"]),
        )


def test_one_part_more_learns_every_so_many_epochs() -> None:
    model = small_resnet()
    learning = [transfer.unfreeze_schedule(model, epoch, every=2) for epoch in range(12)]
    parts = ["conv1", "bn1", "layer1", "layer2", "layer3", "fc"]
    assert learning == [parts[-1 - epoch // 2 :] for epoch in range(12)]
    transfer.unfreeze_schedule(model, 2, every=2)
    trainable = {n.split(".")[0] for n, p in model.named_parameters() if p.requires_grad}
    assert trainable == {"layer3", "fc"}
    model.train()
    model(torch.randn(4, 1, 8, 8))
    assert not model.get_buffer("layer2.0.bn1.running_mean").any()
    assert model.get_buffer("layer3.0.bn1.running_mean").any()


@pytest.mark.parametrize("as_list", [True, False])
def test_the_multitask_loss_is_a_gaussian_likelihood(as_list: bool) -> None:
    error = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64)
    s = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64, requires_grad=True)
    halves = error.square() / 2
    actual = transfer.multitask_loss(list(halves) if as_list else halves, s)
    expected = F.gaussian_nll_loss(error, torch.zeros(3).double(), s.exp(), reduction="sum")
    assert_close(actual, expected)
    assert_close(torch.autograd.grad(actual, s), torch.autograd.grad(expected, s))


def test_the_best_variance_is_twice_the_loss() -> None:
    # d/ds (e^-s L + s/2) = 0 at e^s = 2 L.
    losses = torch.tensor([0.1, 4.0])
    s = (2 * losses).log().requires_grad_()
    transfer.multitask_loss(losses, s).backward()
    assert_close(s.grad, torch.zeros(2), rtol=0, atol=1e-6)


def test_weights_are_scikit_learn_s_balanced_ones() -> None:
    target = torch.tensor([4, 0, 0, 1, 1, 1, 4, 0, 2, 4, 4, 3])
    actual = transfer.class_weights(target, num_classes=5)
    expected = compute_class_weight("balanced", classes=np.arange(5), y=target.numpy())
    assert_close(actual.double(), torch.tensor(expected), rtol=1e-6, atol=0)
    assert_close(actual[target].mean(), torch.tensor(1.0))
    # Every class then has the same share of the loss.
    assert_close(torch.bincount(target) * actual, torch.full((5,), 12 / 5))


def test_a_class_that_does_not_occur_weighs_nothing() -> None:
    actual = transfer.class_weights(torch.tensor([2, 2, 0, 2]), num_classes=4)
    assert_close(actual, torch.tensor([2.0, 0.0, 2 / 3, 0.0]))


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    model, x = small(), torch.linspace(-1, 1, 256).reshape(4, 1, 8, 8)
    features = transfer.extract_features(model, x, "3")
    moved = transfer.extract_features(model.to(device), x.to(device), "3")
    # float32 sums of 9 products, in another order; cudnn may use TF32.
    assert_close(moved.cpu(), features, rtol=1e-2, atol=1e-3)
    y = torch.tensor([0, 1, 2, 1])
    probe = transfer.linear_probe(moved, y.to(device), num_classes=3, weight_decay=0.1)
    expected = transfer.linear_probe(features, y, num_classes=3, weight_decay=0.1)
    assert probe.weight.device.type == device.type
    assert_close(probe.weight.cpu(), expected.weight, rtol=1e-2, atol=1e-2)
    weights = transfer.class_weights(y.to(device), num_classes=3)
    assert_close(weights.cpu(), transfer.class_weights(y, num_classes=3))


X, Y = torch.zeros(2, 3), torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: transfer.replace_head(small(), 0), ["num_classes is 0", "1 or more"]),
        (lambda: transfer.replace_head(nn.Sequential(nn.ReLU()), 2), ["Sequential", "dense"]),
        (lambda: transfer.replace_head(nn.Linear(2, 2), 2), ["Linear", "dense"]),
        (
            lambda: transfer.extract_features(small(), torch.zeros(1, 1, 8, 8), "9"),
            ["'9'", "0, 1, 2"],
        ),
        (
            lambda: transfer.extract_features(
                GoogLeNet(num_classes=2), torch.zeros(1, 3, 32, 32), "aux1"
            ),
            ["'aux1'", "does not use"],
        ),
        (
            lambda: transfer.linear_probe(X[0], Y, num_classes=2, weight_decay=0),
            ["(3,)", "(N, D)"],
        ),
        (
            lambda: transfer.linear_probe(X, Y[:1], num_classes=2, weight_decay=0),
            ["(1,)", "(N,)"],
        ),
        (
            lambda: transfer.linear_probe(X, Y, num_classes=1, weight_decay=0),
            ["0 to 1", "0 to 0"],
        ),
        (
            lambda: transfer.linear_probe(X, Y - 1, num_classes=2, weight_decay=0),
            ["-1 to 0", "0 to 1"],
        ),
        (
            lambda: transfer.linear_probe(X, Y, num_classes=2, weight_decay=-1),
            ["weight_decay is -1", "0 or more"],
        ),
        (
            lambda: transfer.parameter_groups(small(), base_lr=0, decay=0.5),
            ["base_lr=0", "above 0"],
        ),
        (
            lambda: transfer.parameter_groups(small(), base_lr=1, decay=1.5),
            ["decay=1.5", "up to 1"],
        ),
        (
            lambda: transfer.parameter_groups(transfer.freeze(small()), base_lr=1, decay=1),
            ["nothing to train"],
        ),
        (lambda: transfer.unfreeze_schedule(small(), -1, every=1), ["epoch=-1", "0 and 1"]),
        (lambda: transfer.unfreeze_schedule(small(), 0, every=0), ["every=0", "0 and 1"]),
        (lambda: transfer.unfreeze_schedule(nn.ReLU(), 0, every=1), ["ReLU", "parameters"]),
        (lambda: transfer.multitask_loss([], torch.zeros(0)), ["0 losses", "one number per task"]),
        (
            lambda: transfer.multitask_loss([torch.tensor(1.0)], torch.zeros(2)),
            ["1 losses", "(2,)", "one number per task"],
        ),
        (lambda: transfer.class_weights(X.long(), num_classes=2), ["(2, 3)", "(N,)"]),
        (lambda: transfer.class_weights(Y, num_classes=1), ["0 to 1", "0 to 0"]),
        (lambda: transfer.class_weights(Y[:0], num_classes=1), ["none", "0 to 0"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
