"""torch is the oracle: every activation equals torch's in value and gradient."""

import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

from cnnlib import activations

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

# ours, torch's: both take a tensor alone
PAIRS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "sigmoid": (activations.sigmoid, torch.sigmoid),
    "tanh": (activations.tanh, torch.tanh),
    "relu": (activations.relu, torch.relu),
    "leaky_relu": (
        partial(activations.leaky_relu, negative_slope=0.2),
        partial(F.leaky_relu, negative_slope=0.2),
    ),
    "elu": (partial(activations.elu, alpha=1.7), partial(F.elu, alpha=1.7)),
    "softmax": (partial(activations.softmax, dim=-1), partial(torch.softmax, dim=-1)),
}
SLOPED = ["sigmoid", "tanh", "relu", "leaky_relu", "elu"]
EXTREME = [-torch.inf, -1e30, -1000.0, -88.8, -1e-6, -0.0, 0.0, 1e-6, 88.8, 1000.0, 1e30]

# Largest difference between two correct orders of evaluation, in units that torch's own tests use.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 2e-2, torch.float16: 4e-3}


def value_and_gradient(f: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    # Unequal weights: the plain sum of a softmax has gradient 0.
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype, device=y.device).reshape(y.shape)
    (y * weights).sum().backward()
    assert leaf.grad is not None
    return y.detach(), leaf.grad


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", PAIRS)
@given(data=st.data())
def test_equals_torch_in_value_and_gradient(
    name: str, dtype: torch.dtype, device: str, data: st.DataObject
) -> None:
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3), label="shape")
    seed = data.draw(st.integers(0, 2**32), label="seed")
    scale = data.draw(st.sampled_from([0.01, 1.0, 30.0]), label="scale")
    x = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device, dtype) * scale
    if data.draw(st.booleans(), label="non-contiguous"):
        x = torch.stack([x, -x], dim=-1)[..., 0]
    ours, theirs = PAIRS[name]
    tolerance = TOLERANCE[dtype]
    for actual, expected in zip(
        value_and_gradient(ours, x), value_and_gradient(theirs, x), strict=True
    ):
        assert actual.dtype == dtype
        assert_close(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", SLOPED)
def test_is_finite_wherever_torch_is(name: str, dtype: torch.dtype) -> None:
    ours, theirs = PAIRS[name]
    x = torch.tensor(EXTREME, dtype=dtype)
    for actual, expected in zip(
        value_and_gradient(ours, x), value_and_gradient(theirs, x), strict=True
    ):
        assert_close(actual, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("offset", [-1e30, -1000.0, 1000.0, 1e30])
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax_takes_any_dim_and_any_offset(offset: float, dim: int) -> None:
    x = torch.linspace(-3, 5, 24).reshape(2, 3, 4)
    shifted = torch.where(x > 0, x, x + offset) if abs(offset) > 1e6 else x + offset
    actual = value_and_gradient(partial(activations.softmax, dim=dim), shifted)
    expected = value_and_gradient(partial(torch.softmax, dim=dim), shifted)
    assert_close(actual, expected)
    assert_close(actual[0].sum(dim), torch.ones_like(actual[0].sum(dim)))


@pytest.mark.parametrize("name", PAIRS)
def test_passes_gradcheck(name: str) -> None:
    x = torch.linspace(-2, 3, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(PAIRS[name][0], x)


@pytest.mark.parametrize("name", PAIRS)
def test_leaves_its_input_alone_and_carries_nan(name: str) -> None:
    x = torch.tensor([1.0, -2.0, torch.nan])
    before = x.clone()
    y = PAIRS[name][0](x)
    assert_close(x, before, equal_nan=True)
    assert y[-1].isnan()


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", SLOPED)
def test_activation_gradient_is_what_autograd_finds(name: str, dtype: torch.dtype) -> None:
    x = torch.tensor([*EXTREME[1:], -0.5, 0.5, -3.0, 3.0]).to(dtype)
    _, theirs = PAIRS[name]
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(theirs(leaf).sum(), leaf)
    actual = activations.activation_gradient(name, x, negative_slope=0.2, alpha=1.7)
    assert actual.dtype == dtype
    assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_dead_fraction_counts_units_not_entries() -> None:
    preactivations = torch.tensor([[-1.0, 2.0, 0.0, -5.0], [-3.0, -4.0, 0.0, 1e-9]])
    assert activations.dead_fraction(preactivations) == 0.5
    assert activations.dead_fraction(preactivations[:1]) == 0.75


@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_a_linear_signal_grows_by_its_gain(gain: float) -> None:
    generator = torch.Generator().manual_seed(1)
    spread = activations.signal_by_depth(
        lambda x: x, depth=4, width=512, gain=gain, generator=generator
    )
    assert_close(spread, [gain**k for k in range(1, 5)], rtol=0.05, atol=0)


def test_relu_keeps_its_mean_square_at_gain_root_two() -> None:
    generator = torch.Generator().manual_seed(1)
    spread = activations.signal_by_depth(
        torch.relu, depth=6, width=512, gain=2**0.5, generator=generator
    )
    # E[h^2] stays 1, and half of the entries are 0: Var h = 1 - 1/pi.
    assert spread[-1] == pytest.approx((1 - 1 / torch.pi) ** 0.5, rel=0.15)


def test_the_signal_depends_on_the_generator_alone() -> None:
    def once(global_seed: int) -> list[float]:
        torch.manual_seed(global_seed)
        generator = torch.Generator().manual_seed(3)
        return activations.signal_by_depth(
            torch.tanh, depth=3, width=8, gain=1.0, generator=generator
        )

    assert once(0) == once(1)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: activations.leaky_relu(torch.ones(1), negative_slope=-0.1), ["-0.1", "0 or more"]),
        (lambda: activations.elu(torch.ones(1), alpha=-1.0), ["-1.0", "0 or more"]),
        (lambda: activations.softmax(torch.ones(2, 3), dim=2), ["2", "(2, 3)"]),
        (lambda: activations.softmax(torch.tensor(1.0), dim=0), ["0", "()"]),
        (lambda: activations.activation_gradient("gelu", torch.ones(1)), ["'gelu'", "'elu'"]),
        (lambda: activations.dead_fraction(torch.ones(3)), ["(3,)", "(N, units)"]),
        (lambda: activations.dead_fraction(torch.ones(0, 3)), ["(0, 3)", "at least one"]),
        (
            lambda: activations.signal_by_depth(
                torch.relu, depth=0, width=3, gain=1.0, generator=torch.Generator()
            ),
            ["depth is 0", "1 or more"],
        ),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
