"""torch.autograd and torch.optim are the oracles: gradients by hand, steps, and the two modes."""

import math
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

from cnnlib import gradient_descent as gd

# Sums of a few dozen products, in two orders.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 6e-2, torch.float16: 8e-3}
sizes = st.integers(1, 5)


def functional(forward: Callable[..., Tensor], backward: Callable[..., Any]) -> Callable[..., Any]:
    """Our forward and our backward, which sees (grad_out, *inputs), as one function of autograd."""

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad_out: Tensor) -> Any:
            return backward(grad_out, *ctx.saved_tensors)

    return ByHand.apply


# Numerical gradient and gradient descent.


@given(data=st.data())
def test_numerical_gradient_equals_autograd(draw_tensor: Callable[..., Tensor], data: Any) -> None:
    shape = data.draw(st.lists(st.integers(0, 3), max_size=3), label="shape")
    x = draw_tensor(data, shape)

    def f(x: Tensor) -> Tensor:
        return (x.sin() * torch.arange(1, x.numel() + 1).to(x).reshape(x.shape)).sum() + x.prod()

    leaf = x.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(f(leaf), leaf)
    actual = gd.numerical_gradient(f, leaf)
    assert not actual.requires_grad
    # The error of a central difference is eps^2 f''' / 6 and 1e-16 f / eps: some 1e-10.
    assert_close(actual, expected, rtol=1e-8, atol=1e-8)


def test_numerical_gradient_takes_a_number_and_calls_f_away_from_x() -> None:
    x, points = torch.tensor([3.0], requires_grad=True), []

    def f(point: Tensor) -> float:
        points.append(point.item())
        return float(point) ** 2  # torch warns where the point is part of a graph

    assert_close(gd.numerical_gradient(f, x, eps=0.5), torch.tensor([6.0]))
    assert points == [3.5, 2.5]
    assert x.item() == 3.0
    assert x.grad is None


def test_numerical_gradient_in_float32_needs_a_larger_step() -> None:
    x = torch.tensor([1.0, -2.0])
    assert_close(
        gd.numerical_gradient(lambda x: (x**3).sum(), x, eps=1e-2),
        torch.tensor([3.0, 12.0]),
        rtol=1e-3,  # eps^2, and the rounding of float32 over eps
        atol=0,
    )


@pytest.mark.parametrize(("lr", "ends_near"), [(0.1, 0.0), (0.19, 0.0), (0.21, math.inf)])
def test_descent_on_a_parabola_diverges_beyond_two_over_its_curvature(
    device: str, lr: float, ends_near: float
) -> None:
    x0 = torch.tensor([[1.0, -3.0, 2.0]], dtype=torch.float64, device=device)
    before = x0.clone()
    path = gd.gradient_descent(lambda x: 10 * x, x0, lr=lr, steps=400)
    growth = (1 - 10 * lr) ** torch.arange(401, dtype=torch.float64, device=device)
    assert_close(path, growth[:, None, None] * x0, rtol=1e-9, atol=1e-12)
    assert (path[-1].abs().max() < 1e-6) == (ends_near == 0)
    assert torch.equal(x0, before)


def test_descent_of_no_steps_is_its_start() -> None:
    assert_close(gd.gradient_descent(lambda x: x, torch.ones(2), lr=1.0, steps=0), torch.ones(1, 2))


# Optimisers.

STEPS: dict[str, tuple[Callable[..., Any], Callable[..., torch.optim.Optimizer]]] = {
    "sgd": (partial(gd.sgd_step, lr=0.3), partial(torch.optim.SGD, lr=0.3)),
    "momentum": (
        partial(gd.momentum_step, lr=0.02, momentum=0.7),
        partial(torch.optim.SGD, lr=0.02, momentum=0.7),
    ),
    "momentum by default": (
        partial(gd.momentum_step, lr=0.02),
        partial(torch.optim.SGD, lr=0.02, momentum=0.9),
    ),
    "rmsprop": (
        partial(gd.rmsprop_step, lr=0.01, alpha=0.8, eps=0.1),
        partial(torch.optim.RMSprop, lr=0.01, alpha=0.8, eps=0.1),
    ),
    "rmsprop by default": (
        partial(gd.rmsprop_step, lr=0.01),
        partial(torch.optim.RMSprop, lr=0.01),
    ),
    "adam": (
        partial(gd.adam_step, lr=0.05, betas=(0.7, 0.9), eps=0.1),
        partial(torch.optim.Adam, lr=0.05, betas=(0.7, 0.9), eps=0.1),
    ),
    "adam by default": (partial(gd.adam_step, lr=0.05), partial(torch.optim.Adam, lr=0.05)),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", STEPS)
def test_a_hundred_steps_equal_torch_state_included(
    name: str, dtype: torch.dtype, device: str
) -> None:
    step, make = STEPS[name]
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 2, generator=generator).to(device, dtype)
    theirs = start.clone().requires_grad_()
    optimizer = make([theirs])
    ours = start
    state: dict[str, Any] = {}
    for _ in range(100):
        grad = torch.randn(3, 2, generator=generator).to(device, dtype)
        theirs.grad = grad.clone()
        optimizer.step()
        ours, state = step(ours, grad, state)
        assert_close(ours, theirs.detach(), rtol=1e3 * torch.finfo(dtype).eps, atol=1e-6)
    assert ours.dtype == dtype
    their_state = optimizer.state[theirs]
    if "rmsprop" in name:  # torch counts its steps here too, and never reads the count
        their_state = {"square_avg": their_state["square_avg"]}
    their_state = {key: value for key, value in their_state.items() if value is not None}
    assert_close(state, their_state, rtol=1e3 * torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_pure(name: str) -> None:
    step, _ = STEPS[name]
    param, grad = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25])
    _, state = step(param, grad, {})
    kept = {key: value.clone() for key, value in state.items()}
    first, second = step(param, grad, state), step(param, grad, state)
    assert_close(first, second)
    assert_close(state, kept)
    assert_close((param, grad), (torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25])))


def test_a_step_keeps_an_unknown_state_out_of_plain_descent() -> None:
    state = {"mine": torch.ones(1)}
    assert gd.sgd_step(torch.ones(1), torch.ones(1), state, lr=0.1)[1] == state


# Layers by hand.


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), n=sizes, fan_in=sizes, fan_out=sizes)
@settings(max_examples=40)
def test_linear_equals_torch_in_value_and_gradients(
    draw_tensor: Callable[..., Tensor],
    dtype: torch.dtype,
    data: Any,
    n: int,
    fan_in: int,
    fan_out: int,
) -> None:
    x, w, b, grad_out = (
        draw_tensor(data, shape, dtype)
        for shape in [(n, fan_in), (fan_out, fan_in), (fan_out,), (n, fan_out)]
    )
    leaves = [value.detach().clone().requires_grad_() for value in (x, w, b)]
    y = F.linear(*leaves)
    expected = [y, *torch.autograd.grad(y, leaves, grad_out)]
    actual = [gd.linear_forward(x, w, b), *gd.linear_backward(grad_out, x, w)]
    assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_relu_backward_equals_autograd_zero_and_nan_included(
    dtype: torch.dtype, device: str
) -> None:
    x = torch.tensor([-2.0, -0.0, 0.0, 1e-3, 5.0, torch.nan], dtype=dtype, device=device)
    grad_out = torch.arange(1.0, 7.0, dtype=dtype, device=device)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(torch.relu(leaf), leaf, grad_out)
    assert_close(gd.relu_backward(grad_out, x), expected, rtol=0, atol=0)


def test_hand_written_backwards_pass_gradcheck() -> None:
    generator = torch.Generator().manual_seed(0)
    x, w, b = (
        torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
        for shape in [(4, 3), (2, 3), (2,)]
    )
    linear = functional(gd.linear_forward, lambda g, x, w, _: gd.linear_backward(g, x, w))
    assert torch.autograd.gradcheck(linear, (x, w, b))
    assert torch.autograd.gradgradcheck(linear, (x, w, b))
    relu = functional(torch.relu, gd.relu_backward)
    assert torch.autograd.gradcheck(relu, x)
    target = torch.tensor([2, 0, 1, 1])
    entropy = functional(
        lambda logits: gd.softmax_cross_entropy(logits, target)[0],
        lambda g, logits: g * gd.softmax_cross_entropy(logits, target)[1],
    )
    assert torch.autograd.gradcheck(entropy, x)
    assert torch.autograd.gradgradcheck(entropy, x)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), n=sizes, k=sizes)
def test_cross_entropy_equals_torch_in_value_gradient_and_beyond(
    draw_tensor: Callable[..., Tensor], dtype: torch.dtype, data: Any, n: int, k: int
) -> None:
    logits = draw_tensor(data, (n, k), dtype) * data.draw(st.sampled_from([0.1, 1.0, 20.0]))
    target = torch.tensor(data.draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    target = target.to(logits.device)
    leaf = logits.detach().clone().requires_grad_()
    loss = F.cross_entropy(leaf, target)
    (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
    weights = torch.linspace(-1, 2, n * k).to(logits).reshape(n, k)
    (second,) = torch.autograd.grad((gradient * weights).sum(), leaf)

    own = logits.detach().clone().requires_grad_()
    own_loss, own_gradient = gd.softmax_cross_entropy(own, target)
    (from_graph,) = torch.autograd.grad(own_loss, own, retain_graph=True)
    (own_second,) = torch.autograd.grad((own_gradient * weights).sum(), own)
    assert own_loss.dtype == own_gradient.dtype == dtype
    assert_close(
        [own_loss, own_gradient, from_graph, own_second],
        [loss, gradient, gradient, second],
        rtol=TOLERANCE[dtype],
        atol=TOLERANCE[dtype],
    )


def test_cross_entropy_is_finite_at_a_thousand() -> None:
    logits = torch.tensor([[1000.0, -1000.0, 0.0], [-1000.0, -1000.0, 1000.0]])
    target = torch.tensor([1, 2], dtype=torch.int32)
    loss, gradient = gd.softmax_cross_entropy(logits, target)
    assert loss == 1000.0  # (2000 + 0) / 2
    assert_close(gradient, torch.tensor([[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]]))


def test_cross_entropy_of_equal_logits_is_log_k() -> None:
    loss, gradient = gd.softmax_cross_entropy(torch.full((2, 5), 7.0), torch.tensor([0, 4]))
    assert_close(loss, torch.tensor(math.log(5)))
    assert_close(gradient.sum(dim=1), torch.zeros(2))


def mlp(x: Tensor, params: dict[str, Tensor]) -> Tensor:
    hidden = F.relu(F.linear(x, params["w1"], params["b1"]))
    return F.linear(hidden, params["w2"], params["b2"])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(data=st.data(), n=sizes, d=sizes, h=sizes, k=sizes)
@settings(max_examples=40)
def test_mlp_gradients_equal_autograd(
    draw_tensor: Callable[..., Tensor],
    dtype: torch.dtype,
    data: Any,
    n: int,
    d: int,
    h: int,
    k: int,
) -> None:
    x = draw_tensor(data, (n, d), dtype)
    target = torch.tensor(data.draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)))
    target = target.to(x.device)
    shapes = {"w1": (h, d), "b1": (h,), "w2": (k, h), "b2": (k,)}
    params = {name: draw_tensor(data, shape, dtype) for name, shape in shapes.items()}
    leaves = {name: value.detach().clone().requires_grad_() for name, value in params.items()}
    expected = F.cross_entropy(mlp(x, leaves), target)
    gradients = torch.autograd.grad(expected, list(leaves.values()))
    loss, actual = gd.mlp_gradients(x, target, params)
    assert_close(loss, expected.detach(), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert_close(
        actual,
        dict(zip(leaves, gradients, strict=True)),
        rtol=TOLERANCE[dtype],
        atol=TOLERANCE[dtype],
    )


def test_mlp_gradients_equal_finite_differences() -> None:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(3, 2, dtype=torch.float64, generator=generator)
    target = torch.tensor([0, 2, 1])
    shapes = {"w1": (4, 2), "b1": (4,), "w2": (3, 4), "b2": (3,)}
    params = {
        name: torch.randn(shape, dtype=torch.float64, generator=generator)
        for name, shape in shapes.items()
    }
    _, gradients = gd.mlp_gradients(x, target, params)
    for name in params:

        def loss(value: Tensor, name: str = name) -> Tensor:
            return F.cross_entropy(mlp(x, {**params, name: value}), target)

        expected = gd.numerical_gradient(loss, params[name])
        assert_close(gradients[name], expected, rtol=1e-7, atol=1e-9)


# Training and inference.


def small_network(device: str) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)).to(device)


def unequal_batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(n, 3, generator=generator), torch.randint(4, (n,), generator=generator))
        for n in (7, 2, 5)
    ]


def test_train_epoch_equals_the_loop_written_out(device: str) -> None:
    ours, theirs = small_network(device), small_network(device)
    ours.eval()
    rate: dict[str, Any] = {"lr": 0.1, "momentum": 0.9}
    optimizer = torch.optim.SGD(ours.parameters(), **rate)
    reference = torch.optim.SGD(theirs.parameters(), **rate)
    total = 0.0
    for x, target in unequal_batches():
        loss = F.cross_entropy(theirs(x.to(device)), target.to(device))
        reference.zero_grad()
        loss.backward()
        reference.step()
        total += loss.item() * len(x)
    assert gd.train_epoch(ours, unequal_batches(), optimizer, F.cross_entropy) == total / 14
    assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)
    assert ours.training


def test_train_epoch_takes_any_loss() -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    expected = F.mse_loss(model(x), torch.zeros(5, 1)).item()
    batches = [(x[:4], torch.zeros(4, 1)), (x[4:], torch.zeros(1, 1))]
    assert gd.train_epoch(model, batches, optimizer, F.mse_loss) == pytest.approx(expected)


def test_evaluate_averages_over_images_not_batches(device: str) -> None:
    model = small_network(device).eval()
    x, target = (torch.cat(part).to(device) for part in zip(*unequal_batches(), strict=True))
    with torch.no_grad():
        logits = model(x)
    loss, accuracy = gd.evaluate(model, unequal_batches())
    assert loss == pytest.approx(F.cross_entropy(logits, target).item(), rel=1e-5)
    assert accuracy == (logits.argmax(dim=1) == target).double().mean().item()


def test_evaluate_changes_nothing_and_gives_every_mode_back() -> None:
    model = small_network("cpu")
    model[1].eval()  # a frozen layer in a model that trains
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    seen = []
    model[0].register_forward_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    gd.evaluate(model, unequal_batches())
    assert seen == [False] * 3
    assert [module.training for module in model.modules()] == modes
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_evaluate_runs_in_evaluation_mode_and_survives_an_error() -> None:
    model = nn.Sequential(nn.Dropout(1.0))
    loss, _ = gd.evaluate(model, [(torch.tensor([[0.0, 9.0]]), torch.tensor([1]))])
    assert loss < 1e-3
    with pytest.raises(IndexError):
        gd.evaluate(model, [(torch.ones(1, 2), torch.tensor([2]))])
    assert model.training


ONE = torch.ones(1)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: gd.numerical_gradient(torch.sum, ONE, eps=0.0), ["eps is 0.0", "above 0"]),
        (lambda: gd.numerical_gradient(torch.sum, ONE, eps=math.nan), ["nan", "above 0"]),
        (lambda: gd.numerical_gradient(lambda x: x, torch.ones(2)), ["(2,)", "one number"]),
        (lambda: gd.gradient_descent(torch.sum, ONE, lr=-0.1, steps=1), ["-0.1", "0 or more"]),
        (lambda: gd.gradient_descent(torch.sum, ONE, lr=0.1, steps=-1), ["-1", "0 or more"]),
        (lambda: gd.sgd_step(ONE, ONE, {}, lr=-1.0), ["-1.0", "0 or more"]),
        (lambda: gd.sgd_step(ONE, torch.ones(2), {}, lr=1.0), ["(1,)", "(2,)"]),
        (lambda: gd.momentum_step(ONE, ONE, {}, lr=-1.0), ["-1.0", "0 or more"]),
        (lambda: gd.momentum_step(ONE, ONE, {}, lr=1.0, momentum=1.0), ["1.0", "below 1"]),
        (lambda: gd.momentum_step(ONE, torch.ones(2), {}, lr=1.0), ["(1,)", "(2,)"]),
        (lambda: gd.rmsprop_step(ONE, ONE, {}, lr=-1.0), ["-1.0", "0 or more"]),
        (lambda: gd.rmsprop_step(ONE, ONE, {}, lr=1.0, eps=-2.0), ["-2.0", "0 or more"]),
        (lambda: gd.rmsprop_step(ONE, ONE, {}, lr=1.0, alpha=-0.1), ["-0.1", "below 1"]),
        (lambda: gd.rmsprop_step(ONE, torch.ones(2), {}, lr=1.0), ["(1,)", "(2,)"]),
        (lambda: gd.adam_step(ONE, ONE, {}, lr=math.nan), ["nan", "0 or more"]),
        (lambda: gd.adam_step(ONE, ONE, {}, lr=1.0, eps=-2.0), ["-2.0", "0 or more"]),
        (lambda: gd.adam_step(ONE, ONE, {}, lr=1.0, betas=(0.9, 1.0)), ["1.0", "below 1"]),
        (lambda: gd.adam_step(ONE, torch.ones(2), {}, lr=1.0), ["(1,)", "(2,)"]),
        (
            lambda: gd.linear_forward(torch.ones(2, 3), torch.ones(3, 4), torch.ones(3)),
            ["(2, 3)", "(3, 4)", "(out, in)"],
        ),
        (
            lambda: gd.linear_forward(torch.ones(2, 3), torch.ones(4, 3), torch.ones(1)),
            ["(1,)", "(out,)"],
        ),
        (lambda: gd.linear_forward(ONE, torch.ones(4, 1), torch.ones(4)), ["(1,)", "(N, in)"]),
        (
            lambda: gd.linear_forward(torch.ones(2, 3), torch.ones(4, 3, 1), torch.ones(4)),
            ["(4, 3, 1)", "(N, in)"],
        ),
        (
            lambda: gd.linear_backward(torch.ones(2, 3), torch.ones(2, 5), torch.ones(4, 5)),
            ["(2, 3)", "(N, out)"],
        ),
        (
            lambda: gd.linear_backward(torch.ones(2, 4), torch.ones(2, 6), torch.ones(4, 5)),
            ["(2, 6)", "(4, 5)", "(N, out)"],
        ),
        (lambda: gd.relu_backward(ONE, torch.ones(2)), ["(1,)", "(2,)"]),
        (
            lambda: gd.softmax_cross_entropy(torch.ones(2, 3), torch.tensor([0, 3])),
            ["0..3", "0..2"],
        ),
        (
            lambda: gd.softmax_cross_entropy(torch.ones(2, 3), torch.tensor([-1, 1])),
            ["-1..1", "0..2"],
        ),
        (lambda: gd.softmax_cross_entropy(torch.ones(2, 3), torch.ones(2)), ["float32", "0..2"]),
        (lambda: gd.softmax_cross_entropy(torch.ones(2, 3), torch.ones(3)), ["(3,)", "(N,)"]),
        (lambda: gd.softmax_cross_entropy(torch.ones(0, 3), torch.ones(0)), ["(0, 3)", "least 1"]),
        (lambda: gd.softmax_cross_entropy(torch.ones(1, 3, 2), torch.tensor([0])), ["(1, 3, 2)"]),
        (lambda: gd.mlp_gradients(ONE, ONE, {"w1": ONE}), ["'w1'", "w1, b1, w2 and b2"]),
        (
            lambda: gd.mlp_gradients(
                torch.ones(2, 3),
                torch.tensor([0, 1]),
                {"w1": torch.ones(3, 4), "b1": ONE, "w2": torch.ones(2, 4), "b2": torch.ones(2)},
            ),
            ["(3, 4)", "(H, D)"],
        ),
        *(
            (
                lambda x=x, target=target: gd.mlp_gradients(
                    x,
                    target,
                    {"w1": ONE[None], "b1": ONE, "w2": torch.ones(2, 1), "b2": ONE.repeat(2)},
                ),
                names,
            )
            for x, target, names in [
                (torch.ones(1, 1), torch.tensor([2]), ["2..2", "0..1"]),
                (torch.ones(1, 1), torch.tensor([-1]), ["-1..-1", "0..1"]),
                (torch.ones(1, 1), torch.tensor([1.0]), ["float32", "0..1"]),
                (torch.ones(0, 1), torch.tensor([]), ["(0, 1)", "N at least 1"]),
            ]
        ),
        (
            lambda: gd.train_epoch(nn.Linear(1, 1), [], torch.optim.SGD([ONE], lr=1.0), F.mse_loss),
            ["no images", "at least one"],
        ),
        (lambda: gd.evaluate(nn.Linear(1, 1), []), ["no images", "at least one"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
