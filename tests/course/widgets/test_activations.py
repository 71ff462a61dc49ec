"""The lesson's widgets compute what torch computes, and say what they show."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course.widgets.activations import (
    REFERENCES,
    Curves,
    Depth,
    compute_curves,
    compute_depth,
    curves,
    depth,
    describe_curves,
    describe_depth,
)
from course.widgets.explorer import Explorer
from tests.course.students import broken, unwritten

Function = Callable[..., Any]
Corners = Callable[[Explorer], Iterator[dict[str, object]]]
SETTINGS = {"probe": 0.5, "negative_slope": 0.2, "alpha": 1.5}
# torch's functions and their slopes, from another formula than the module's.
ORACLES: dict[str, tuple[Function, Function]] = {
    "sigmoid": (torch.sigmoid, lambda x: torch.sigmoid(x) * torch.sigmoid(-x)),
    "tanh": (torch.tanh, lambda x: 1 / torch.cosh(x) ** 2),
    "relu": (F.relu, lambda x: (x > 0).double()),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.2), lambda x: 0.2 + 0.8 * (x > 0).double()),
    "elu": (
        lambda x: F.elu(x, 1.5),
        lambda x: torch.where(x > 0, 1.0, 1.5 * torch.exp(x)),
    ),
}


def curve(function: Function, name: str = "relu", **changes: float) -> Curves:
    return compute_curves({name: function}, name=name, **(SETTINGS | changes))


def spread(function: Function, name: str = "relu", **changes: float) -> Depth:
    settings: dict[str, Any] = {"layers": 10, "gain": 1.0, "seed": 0} | changes
    return compute_depth({name: function}, name=name, **settings)


def drawn(state: Curves | Depth) -> tuple[Any, Any]:
    """What is drawn of the student's function."""
    assert state.own.value is not None
    return state.own.value


# The curve widget


@pytest.mark.parametrize("name", REFERENCES)
def test_curves_are_torchs_values_and_slopes(name: str) -> None:
    state = curve(REFERENCES[name], name)
    value, slope = ORACLES[name]
    x = state.x
    assert (x.min().item(), x.max().item(), len(x)) == (-6, 6, 240)
    np.testing.assert_allclose(state.value, value(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(state.slope, slope(x), rtol=1e-12, atol=1e-12)
    at = torch.tensor(0.5, dtype=torch.float64)
    assert state.probe_value == pytest.approx(value(at).item(), abs=1e-12)
    assert state.probe_slope == pytest.approx(slope(at).item(), abs=1e-12)
    assert state.own.gap == 0
    assert "Your curve agrees." in describe_curves(state)


def test_options_reach_the_functions_that_have_them() -> None:
    def leaky(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
        return torch.where(x > 0, x, negative_slope * x)

    assert curve(leaky, "leaky_relu", negative_slope=0.7).own.gap == 0
    assert curve(leaky, "leaky_relu", negative_slope=0.7).value[0] == pytest.approx(-4.2)
    assert curve(F.elu, "elu", alpha=0.5).value[0] == pytest.approx(0.5 * (np.exp(-6) - 1))
    # The student's relu takes no options, and gets none.
    assert curve(lambda x: F.relu(x)).own.agrees


def test_a_curve_that_is_off_is_told_by_how_much() -> None:
    state = curve(lambda x: F.relu(x) * 1.5)
    assert state.own.gap == pytest.approx(3.0)
    assert "Your curve is off by up to 3." in describe_curves(state)
    wrong_slope = curve(lambda x: F.relu(x).detach() + 0.25 * (x - x.detach()))
    np.testing.assert_allclose(drawn(wrong_slope)[0], wrong_slope.value)
    assert wrong_slope.own.gap == pytest.approx(0.75)


def test_the_description_of_curves_says_where_and_how_much() -> None:
    said = describe_curves(curve(torch.tanh, "tanh", probe=-0.5))
    assert said.startswith("tanh and its slope from -6 to 6. At x = -0.5 the value is -0.462")
    assert "the slope 0.786" in said


# The depth widget


def test_without_an_activation_spreads_follow_the_gain() -> None:
    # 64 units are few, so each layer is off by some percent, in either direction.
    state = spread(torch.relu, layers=3, gain=2.0)
    assert len(state.signal) == len(state.gradient) == 3
    linear = spread(lambda x: x, layers=3, gain=2.0)
    np.testing.assert_allclose(drawn(linear)[0], [2, 4, 8], rtol=0.15)
    np.testing.assert_allclose(drawn(linear)[1], [8, 4, 2], rtol=0.15)


@pytest.mark.parametrize("name", REFERENCES)
def test_spreads_are_those_of_a_forward_and_a_backward_pass_by_hand(name: str) -> None:
    state = spread(REFERENCES[name], name, layers=4, gain=1.3, seed=2)
    generator = torch.Generator().manual_seed(2)
    h = torch.randn(64, 64, generator=generator, dtype=torch.float64)
    weights = torch.randn(50, 64, 64, generator=generator, dtype=torch.float64) / 8
    grad = torch.randn(64, 64, generator=generator, dtype=torch.float64)
    slope = {
        "leaky_relu": lambda x: 0.01 + 0.99 * (x > 0).double(),
        "elu": lambda x: torch.where(x > 0, 1.0, torch.exp(x)),
    }.get(name, ORACLES[name][1])
    before = []
    signal = []
    for weight in weights[:4]:
        before.append(h @ (1.3 * weight))
        h = REFERENCES[name](before[-1])
        signal.append(h.std().item())
    gradient = []
    for weight, z in zip(weights[:4].flip(0), reversed(before), strict=True):
        grad = (grad * slope(z)) @ (1.3 * weight).T
        gradient.append(grad.square().mean().sqrt().item())
    np.testing.assert_allclose(state.signal, signal, rtol=1e-10)
    np.testing.assert_allclose(state.gradient, gradient[::-1], rtol=1e-10)
    np.testing.assert_array_equal(drawn(state)[0], state.signal)


def test_the_description_of_depth_says_what_arrives(measured: Callable[..., None]) -> None:
    state = spread(torch.relu, layers=30, gain=1.0)
    said = describe_depth(state)
    assert said.startswith("30 layers of relu with gain 1.00.")
    assert f"standard deviation {state.signal[-1]:.2g}" in said
    assert f"{state.gradient[0]:.2g} reaches the first" in said
    # What the lesson asks to predict: half of the squared gradient passes each layer.
    measured("gradient", float(state.gradient[0]), at_least=2**-18, at_most=2**-12)


# Both widgets


@pytest.mark.parametrize("widget", [curves, depth])
def test_every_control_goes_to_every_corner(
    widget: Callable[..., Explorer], corners: Corners
) -> None:
    explorer = widget(
        sigmoid=torch.sigmoid, tanh=unwritten, relu=broken, leaky_relu=F.leaky_relu, elu=F.elu
    )
    shown = set()
    for values in corners(explorer):
        explorer.set(**values)
        assert str(values["name"]) in explorer.picture.alt
        assert "nan" not in explorer.picture.alt
        assert "inf" not in explorer.picture.alt
        shown.add(explorer.picture.alt)
    assert len(shown) > 10


@pytest.mark.parametrize("widget", [curves, depth])
def test_a_widget_wants_functions_that_torch_knows(widget: Callable[..., Explorer]) -> None:
    with pytest.raises(ValueError, match=r"functions are relu, swish; expected some of sigmoid,"):
        widget(relu=torch.relu, swish=F.silu)
    with pytest.raises(ValueError, match=r"functions are none; expected some of"):
        widget()
