"""torch is the oracle, over a hundred steps and with its state."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import stability

# Sums of up to 60 numbers, in two orders, over a standard deviation.
TOLERANCE = {torch.float64: 1e-11, torch.float32: 1e-4}
HALF = {torch.bfloat16: 6e-2, torch.float16: 8e-3}


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    """(N, C) and up to three more dimensions, with at least two values a channel."""
    rest = draw(st.lists(st.integers(1, 4), max_size=3))
    return (draw(st.integers(2, 4)), draw(st.integers(1, 3)), *rest)


def normalise(
    x: Tensor, gamma: Tensor, beta: Tensor, *, mean: Tensor, var: Tensor, **options: Any
) -> Tensor:
    return stability.batch_norm_forward(x, gamma, beta, mean, var, **options)[0]


def torch_normalise(
    x: Tensor, gamma: Tensor, beta: Tensor, *, mean: Tensor, var: Tensor, **options: Any
) -> Tensor:
    # On the CPU torch 2.13 gives a wrong gradient where gamma is not contiguous.
    return F.batch_norm(x, mean.clone(), var.clone(), gamma.contiguous(), beta, **options)


# Batch normalisation.


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [*TOLERANCE, *HALF], ids=str)
@given(data=st.data(), shape=shapes(), eps=st.sampled_from([1e-5, 0.3]))
@settings(max_examples=30)
def test_batch_norm_equals_torch_in_value_and_gradient_and_beyond(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    training: bool,
    data: Any,
    shape: tuple[int, ...],
    eps: float,
) -> None:
    x, gamma, beta, mean, var = (draw_tensor(data, s, dtype) for s in [shape, *4 * [shape[1:2]]])
    # A channel of almost equal values would multiply rounding by 1 / sqrt(eps).
    x[0] += 3
    var = var.abs() + 0.5
    options: dict[str, Any] = {"mean": mean, "var": var, "training": training, "eps": eps}
    before = [value.clone() for value in (x, gamma, beta, mean, var)]
    order = 2 if dtype in TOLERANCE else 0
    tolerance = {**TOLERANCE, **HALF}[dtype]
    actual = derivatives(partial(normalise, **options), x, gamma, beta, order=order)
    expected = derivatives(partial(torch_normalise, **options), x, gamma, beta, order=order)
    assert actual[0].dtype == dtype
    for ours, theirs in zip(actual, expected, strict=True):
        scale = max(1.0, theirs.abs().max().item())
        assert_close(ours, theirs, rtol=tolerance, atol=tolerance * scale)
    assert_close([x, gamma, beta, mean, var], before, rtol=0, atol=0)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), shape=shapes())
@settings(max_examples=30)
def test_batch_norm_backward_equals_autograd_and_can_be_derived_again(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    training: bool,
    data: Any,
    shape: tuple[int, ...],
) -> None:
    x, grad_out = draw_tensor(data, shape, dtype), draw_tensor(data, shape, dtype)
    x[0] += 3
    gamma, beta, mean, var = (draw_tensor(data, shape[1:2], dtype) for _ in range(4))
    options: dict[str, Any] = {
        "mean": mean,
        "var": var.abs() + 0.5,
        "training": training,
        "eps": 0.1,
    }

    def theirs(grad_out: Tensor, x: Tensor, gamma: Tensor, *, which: int) -> Tensor:
        leaves = [v if v.requires_grad else v.requires_grad_() for v in (x, gamma)]
        leaves.append(beta.detach().requires_grad_())
        y = torch_normalise(*leaves, **options)
        return torch.autograd.grad(y, leaves, grad_out, create_graph=True)[which]

    def ours(grad_out: Tensor, x: Tensor, gamma: Tensor, *, which: int) -> Tensor:
        *_, cache = stability.batch_norm_forward(
            x, gamma, beta, mean, options["var"], training=training, eps=0.1
        )
        return stability.batch_norm_backward(grad_out, cache)[which]

    for which in range(3):
        actual = derivatives(partial(ours, which=which), grad_out, x, gamma, order=1)
        expected = derivatives(partial(theirs, which=which), grad_out, x, gamma, order=1)
        for mine, reference in zip(actual, expected, strict=True):
            scale = max(1.0, reference.abs().max().item())
            assert_close(mine, reference, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_backward_passes_gradcheck(training: bool) -> None:
    running = torch.tensor([0.5, -1.0]).double(), torch.tensor([2.0, 0.5]).double()

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
            ctx.save_for_backward(x, gamma, beta)
            return stability.batch_norm_forward(x, gamma, beta, *running, training=training)[0]

        @staticmethod
        def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            x, gamma, beta = ctx.saved_tensors
            *_, cache = stability.batch_norm_forward(x, gamma, beta, *running, training=training)
            return stability.batch_norm_backward(grad_out, cache)

    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
        for shape in [(3, 2, 1, 2), (2,), (2,)]
    ]
    assert torch.autograd.gradcheck(ByHand.apply, inputs)
    assert torch.autograd.gradgradcheck(ByHand.apply, inputs)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("momentum", [0.1, 0.9])
def test_a_hundred_steps_of_training_equal_torch_state_included(
    device: str, dtype: torch.dtype, momentum: float
) -> None:
    """Descend on the squared distance to a target through batch norm and back, by hand."""
    generator = torch.Generator().manual_seed(0)
    layer = nn.BatchNorm2d(3, momentum=momentum, eps=0.01).to(device, dtype)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.05)
    gamma, beta = layer.weight.detach().clone(), layer.bias.detach().clone()
    mean, var = (layer.state_dict()[f"running_{name}"].clone() for name in ("mean", "var"))
    options = {"momentum": momentum, "eps": 0.01}
    for _ in range(100):
        x, target = torch.randn(2, 4, 3, 2, 5, generator=generator).to(device, dtype)
        x = 2 * x + torch.arange(3).to(x).reshape(3, 1, 1)
        y, mean, var, cache = stability.batch_norm_forward(
            x, gamma, beta, mean, var, training=True, **options
        )
        _, grad_gamma, grad_beta = stability.batch_norm_backward(2 * (y - target) / 120, cache)
        gamma, beta = gamma - 0.05 * grad_gamma, beta - 0.05 * grad_beta
        optimizer.zero_grad()
        F.mse_loss(layer(x), target).backward()
        optimizer.step()
    close: dict[str, Any] = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    ours = {"weight": gamma, "bias": beta, "running_mean": mean, "running_var": var}
    for name, value in ours.items():
        assert_close(value, layer.state_dict()[name], **close)
    layer.eval()
    y, kept_mean, kept_var, _ = stability.batch_norm_forward(
        x, gamma, beta, mean, var, training=False, **options
    )
    assert_close(y, layer(x).detach(), **close)
    assert_close((kept_mean, kept_var), (mean, var), rtol=0, atol=0)


def test_batch_norm_worked_out_on_paper() -> None:
    # Channel 0 holds 1, 3, 5, 7: mean 4, biased variance 5, unbiased 20 / 3. Channel 1 holds 2s.
    x = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]], [[[5.0, 7.0]], [[2.0, 2.0]]]])
    y, mean, var, _ = stability.batch_norm_forward(
        x,
        torch.tensor([2.0, 3.0]),
        torch.tensor([10.0, -1.0]),
        torch.tensor([8.0, 0.0]),
        torch.tensor([1.0, 1.0]),
        training=True,
        momentum=0.25,
        eps=4.0,
    )
    assert_close(y[:, 0].flatten(), torch.tensor([8.0, 10 - 2 / 3, 10 + 2 / 3, 12.0]))
    assert_close(y[:, 1].flatten(), torch.full((4,), -1.0))
    assert_close(mean, torch.tensor([7.0, 0.5]))
    assert_close(var, torch.tensor([0.75 + 5 / 3, 0.75]))


def test_in_evaluation_an_image_does_not_see_its_neighbours() -> None:
    x = torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    one, zero = torch.ones(3), torch.zeros(3)
    together = stability.batch_norm_forward(x, one, zero, zero, one, training=False)[0]
    alone = stability.batch_norm_forward(x[:1], one, zero, zero, one, training=False)[0]
    assert torch.equal(together[:1], alone)


# Dropout.


@pytest.mark.parametrize("dtype", [*TOLERANCE, *HALF], ids=str)
@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
def test_a_hundred_dropouts_equal_torch_draw_for_draw(p: float, dtype: torch.dtype) -> None:
    # On the CPU, where one generator state gives torch and us the same coins.
    generator = torch.Generator().manual_seed(3)
    x = torch.linspace(-2, 3, 35, dtype=dtype).reshape(5, 7).T
    torch.manual_seed(3)
    for _ in range(100):
        expected = F.dropout(x, p, training=True)
        actual = stability.dropout(x, p=p, training=True, generator=generator)
        assert_close(actual, expected)


@pytest.mark.parametrize("p", [0.1, 0.8])
def test_dropout_keeps_the_mean_and_passes_the_same_mask_to_the_gradient(
    device: str, p: float
) -> None:
    generator = torch.Generator(device).manual_seed(0)
    x = torch.full((200, 500), 3.0, device=device, requires_grad=True)
    y = stability.dropout(x, p=p, training=True, generator=generator)
    y.sum().backward()
    assert x.grad is not None
    assert_close(y.detach(), 3 * x.grad)
    assert sorted(x.grad.unique().tolist()) == pytest.approx([0, 1 / (1 - p)])
    # 100,000 coins: six standard deviations of their mean.
    assert (y == 0).double().mean().item() == pytest.approx(p, abs=6 * (p * (1 - p) / 1e5) ** 0.5)


def test_dropout_in_evaluation_is_nothing_and_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state()
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(1))
    assert torch.equal(stability.dropout(x, p=0.9, training=False, generator=generator), x)
    assert torch.equal(generator.get_state(), state)


def test_dropout_depends_on_its_generator_alone_and_leaves_its_input() -> None:
    x = torch.ones(50)
    draws = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        generator = torch.Generator().manual_seed(9)
        draws.append(stability.dropout(x, p=0.5, training=True, generator=generator))
    assert torch.equal(*draws)
    assert torch.equal(x, torch.ones(50))


# Initialisation.


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "leaky_relu"])
def test_kaiming_std_uses_the_gains_of_torch(nonlinearity: Any) -> None:
    expected = nn.init.calculate_gain(nonlinearity) / 37**0.5
    assert stability.kaiming_std(37, nonlinearity=nonlinearity) == pytest.approx(expected)
    weight = torch.empty(400, 37 * 9)
    nn.init.kaiming_normal_(
        weight, nonlinearity=nonlinearity, generator=torch.Generator().manual_seed(0)
    )
    actual = stability.kaiming_std(37 * 9, nonlinearity=nonlinearity)
    assert weight.std().item() == pytest.approx(actual, rel=0.02)


def test_xavier_std_is_what_torch_draws() -> None:
    weight = torch.empty(300, 700)
    nn.init.xavier_normal_(weight, generator=torch.Generator().manual_seed(0))
    assert weight.std().item() == pytest.approx(stability.xavier_std(700, 300), rel=0.02)


def test_kaiming_weights_keep_a_signal_alive_where_others_lose_it(
    measured: Callable[..., None],
) -> None:
    generator = torch.Generator().manual_seed(0)
    kaiming = stability.kaiming_std(256, nonlinearity="relu")
    for std, bounds in [(kaiming, {"at_least": 0.1, "at_most": 10.0}), (0.05, {"at_most": 0.01})]:
        h = torch.randn(256, 256, generator=generator)
        for _ in range(30):
            h = torch.relu(h @ (torch.randn(256, 256, generator=generator) * std))
        measured(f"mean square from {std:.3f}", h.square().mean().item(), **bounds)


# Gradients.


def network(device: str) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 6, 4)
    ).to(device)


def images(device: str) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 2, 4, 5, generator=generator).to(device)
    return x, torch.tensor([0, 3, 1, 1, 2], device=device)


def test_gradient_norms_are_those_of_a_backward_pass_layer_by_layer(device: str) -> None:
    model, (x, target) = network(device), images(device)
    norms = stability.gradient_norms(model, x, target)
    F.cross_entropy(model(x), target).backward()
    expected = [
        torch.nn.utils.get_total_norm(
            [p.grad for p in model[i].parameters() if p.grad is not None]
        ).item()
        for i in (0, 1, 4)
    ]
    assert norms == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_gradient_norms_leave_the_model_as_it_is(training: bool) -> None:
    model, (x, target) = network("cpu").train(training), images("cpu")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = stability.gradient_norms(model, x, target)
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(p.grad is None for p in model.parameters())
    assert model.training == training
    assert stability.gradient_norms(model, x, target) == first


def test_gradient_norms_skip_what_is_frozen_and_give_zero_for_what_is_unused() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 4))
    model.spare = nn.Linear(1, 1)
    model.forward = lambda x: model[1](model[0](x))  # type: ignore[method-assign]  # leaves spare out
    model[0].requires_grad_(False)
    norms = stability.gradient_norms(model, torch.ones(3, 2), torch.tensor([0, 1, 2]))
    assert len(norms) == 2
    assert norms[0] > 0
    assert norms[1] == 0


@pytest.mark.parametrize("dtype", [*TOLERANCE, *HALF], ids=str)
@given(data=st.data(), max_norm=st.sampled_from([1e-3, 0.5, 2.0, 1e3]))
@settings(max_examples=30)
def test_clip_gradients_equals_torch(
    draw_tensor: Callable[..., Tensor], dtype: torch.dtype, data: Any, max_norm: float
) -> None:
    shapes = data.draw(st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4))
    gradients = [draw_tensor(data, shape, dtype) for shape in shapes]
    before = [gradient.clone() for gradient in gradients]
    parameters = [torch.zeros_like(gradient, requires_grad=True) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, max_norm)
    actual = stability.clip_gradients(gradients, max_norm=max_norm)
    tolerance = {**TOLERANCE, **HALF}[dtype]
    assert_close(actual, [p.grad for p in parameters], rtol=tolerance, atol=tolerance * max_norm)
    assert_close(gradients, before, rtol=0, atol=0)


@pytest.mark.parametrize("odd", [torch.inf, torch.nan])
def test_one_gradient_out_of_hand_shows_in_all_as_in_torch(odd: float) -> None:
    gradients = [torch.tensor([3.0, odd]), torch.tensor([4.0])]
    parameters = [torch.zeros_like(gradient, requires_grad=True) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, 1.0)
    actual = stability.clip_gradients(gradients, max_norm=1.0)
    assert_close(actual, [p.grad for p in parameters], equal_nan=True)


def test_gradients_within_the_bound_keep_every_bit() -> None:
    gradients = [torch.tensor([0.1, -0.2]), torch.tensor(0.3)]
    assert all(map(torch.equal, stability.clip_gradients(gradients, max_norm=1.0), gradients))


ONE, ZERO, X = torch.ones(3), torch.zeros(3), torch.ones(2, 3, 4)
CACHE = stability.batch_norm_forward(X, ONE, ZERO, ZERO, ONE, training=True)[3]
forward = partial(stability.batch_norm_forward, training=True)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: forward(torch.ones(3), ONE, ZERO, ZERO, ONE), ["(3,)", "(N, C, ...)"]),
        (lambda: forward(X, torch.ones(4), ZERO, ZERO, ONE), ["(4,)", "(C,)"]),
        (lambda: forward(X, ONE, ZERO, ZERO, torch.ones(1)), ["(1,)", "(C,)"]),
        (lambda: forward(X, ONE, ZERO, ZERO, ONE, momentum=1.1), ["momentum is 1.1", "0..1"]),
        (lambda: forward(X, ONE, ZERO, ZERO, ONE, eps=0.0), ["eps 0.0", "above 0"]),
        (lambda: forward(X[:1, :, 0], ONE, ZERO, ZERO, ONE), ["(1, 3)", "two or more"]),
        (lambda: stability.batch_norm_backward(X[:1], CACHE), ["(1, 3, 4)", "(2, 3, 4)"]),
        (
            lambda: stability.dropout(X, p=1.5, training=True, generator=torch.Generator()),
            ["p is 1.5", "0 to 1"],
        ),
        (
            lambda: stability.dropout(X, p=-0.5, training=False, generator=torch.Generator()),
            ["p is -0.5", "0 to 1"],
        ),
        (lambda: stability.kaiming_std(0, nonlinearity="relu"), ["fan_in 0", "1 or more"]),
        (lambda: stability.kaiming_std(9, nonlinearity="gelu"), ["'gelu'", "leaky_relu"]),
        (lambda: stability.xavier_std(0, 3), ["fan_in is 0", "1 or more"]),
        (lambda: stability.xavier_std(3, -1), ["fan_out -1", "1 or more"]),
        (lambda: stability.gradient_norms(nn.ReLU(), X, ONE), ["ReLU", "trainable"]),
        (lambda: stability.clip_gradients([X], max_norm=0.0), ["0.0", "above 0"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
