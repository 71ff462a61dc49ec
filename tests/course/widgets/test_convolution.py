"""Torch is the oracle of the compute functions; every control goes to every corner."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cnnlib.convolution import conv_as_matrix
from course.datasets import photo
from course.widgets.convolution import KERNELS, compute_cost, compute_step, cost, stepper
from course.widgets.convolution_sharing import STEPS, compute_sharing, four_networks, from_dense
from course.widgets.explorer import Explorer
from tests.course.students import unwritten


def conv_parameters(in_channels: int, out_channels: int, *, kernel_size: int) -> int:
    return out_channels * (in_channels * kernel_size**2 + 1)


def corners(explorer: Explorer) -> Iterator[dict[str, object]]:
    """All combinations of the first and the last value of every control."""
    ends: list[set[Any]] = []
    for control in explorer.controls.values():
        if hasattr(control, "options"):
            values = [
                option[1] if isinstance(option, tuple) else option for option in _pairs(control)
            ]
            ends.append({values[0], values[-1]})
        else:
            ends.append({control.min, control.max})
    for chosen in itertools.product(*ends):
        yield dict(zip(explorer.controls, chosen, strict=True))


def _pairs(control: Any) -> list[Any]:
    options = control.options
    return list(options.items()) if isinstance(options, dict) else list(options)


MEASURED = {step: (0.95, 0.1 * n) for n, step in enumerate(STEPS)}


@pytest.fixture
def explorers() -> dict[str, Explorer]:
    return {
        "stepper": stepper(F.conv2d),
        "stepper, unwritten": stepper(unwritten),
        "cost": cost(conv_parameters=conv_parameters),
        "cost, unwritten": cost(conv_parameters=unwritten),
        "from dense": from_dense(MEASURED, conv_as_matrix=conv_as_matrix),
        "from dense, unwritten": from_dense(MEASURED, conv_as_matrix=unwritten),
    }


@pytest.mark.parametrize(
    "name",
    [
        "stepper",
        "stepper, unwritten",
        "cost",
        "cost, unwritten",
        "from dense",
        "from dense, unwritten",
    ],
)
def test_every_corner_is_shown_and_described(name: str, explorers: dict[str, Explorer]) -> None:
    explorer = explorers[name]
    seen = set()
    for corner in corners(explorer):
        explorer.set(**corner)
        seen.add((explorer.picture.alt, explorer.picture.png))
    settings = 1 << len(explorer.controls)
    assert len(seen) > min(4, settings - 1)
    assert len({alt for alt, _ in seen}) > min(4, settings - 1)
    assert all(control.description for control in explorer.controls.values())


def test_four_networks_differ_in_their_weights_and_read_the_same_digits() -> None:
    counts = []
    for step, network in four_networks().items():
        assert network(torch.zeros(2, 1, 10, 10)).shape == (2, 10)
        counts.append(sum(p.numel() for p in network[1].parameters()))
        state = compute_sharing(MEASURED, conv_as_matrix, step=step)
        assert (state.middle, state.places) == MEASURED[step]
    assert counts == sorted(counts, reverse=True)
    assert counts[1] == 12 * 196 * 26
    assert counts[2] == counts[3] == 12 * 26


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (conv_as_matrix, "Your matrix agrees."),
        (lambda w, size: 2 * conv_as_matrix(w, size), "Your matrix is off by up to 1.8."),
        (unwritten, "Your matrix is not written yet."),
    ],
)
def test_the_matrix_in_the_picture_is_the_students(own: Callable[..., Tensor], words: str) -> None:
    explorer = from_dense(MEASURED, conv_as_matrix=own)
    assert "matrix" not in explorer.picture.alt.split("pixels")[1]
    explorer.set(step="shared")
    assert words in explorer.picture.alt
    assert "25 weights for one map" in explorer.picture.alt


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), (4, 2)])
def test_a_step_is_one_number_of_torchs_convolution(kernel: str, stride: int, padding: int) -> None:
    state = compute_step(F.conv2d, kernel=kernel, row=3, column=5, stride=stride, padding=padding)
    image = photo("china", height=28).mean(dim=0)[None, None].double()
    weights = torch.tensor(KERNELS[kernel], dtype=torch.float64)
    expected = F.conv2d(image, weights[None, None], stride=stride, padding=padding)[0, 0]
    assert torch.equal(state.feature_map, expected)
    assert state.value == pytest.approx(float((state.window * state.weights).sum()))
    assert state.value == pytest.approx(expected[3, 5].item())
    assert state.own.gap == 0


def test_a_position_beyond_the_last_output_means_the_last() -> None:
    state = compute_step(F.conv2d, kernel="average", row=27, column=41, stride=4, padding=0)
    assert (state.row + 1, state.column + 1) == state.feature_map.shape
    assert state.window.shape == (3, 3)


@pytest.mark.parametrize(
    ("side", "channels", "out", "kernel", "stride"),
    [(8, 1, 10, 3, 1), (16, 3, 4, 5, 2), (8, 2, 3, 1, 4)],
)
def test_costs_are_what_torchs_layers_hold_and_compute(
    side: int, channels: int, out: int, kernel: int, stride: int
) -> None:
    state = compute_cost(
        conv_parameters,
        side=side,
        in_channels=channels,
        out_channels=out,
        kernel_size=kernel,
        stride=stride,
    )
    layer = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2)
    image = torch.zeros(1, channels, side, side)
    outputs = layer(image).numel()
    dense = nn.Linear(image.numel(), outputs)
    for index, (module, given) in ((0, (layer, image)), (2, (dense, image.flatten(1)))):
        assert state.parameters[index] == sum(p.numel() for p in module.parameters())
        with FlopCounterMode(display=False) as counter:
            module(given)
        assert 2 * state.multiply_adds[index] == counter.get_total_flops()
    # The local layer: a filter of its own for each output.
    window = channels * kernel**2
    assert state.parameters[1] == outputs * (window + 1)
    assert state.multiply_adds[1] == state.multiply_adds[0]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (conv_parameters, "yours agrees."),
        (lambda *_, **__: 7, "yours: 7."),
        (unwritten, "yours is not written yet."),
        (lambda *_, **__: "many", "yours returns a str, expected a number."),
    ],
)
def test_the_cost_widget_says_how_a_students_count_does(
    count: Callable[..., Any], words: str
) -> None:
    explorer = cost(conv_parameters=count)
    assert words in explorer.picture.alt
