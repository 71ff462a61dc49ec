"""Torch is the oracle of the compute functions; every control goes to every corner."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from course.datasets import digits, photo
from course.widgets.convolution import KERNELS, compute_cost, compute_step, cost, stepper
from course.widgets.convolution_features import (
    compute_maps,
    feature_maps,
    ready_made,
    usable,
)
from course.widgets.explorer import Explorer
from tests.course.students import unwritten


def conv_parameters(in_channels: int, out_channels: int, *, kernel_size: int) -> int:
    return out_channels * (in_channels * kernel_size**2 + 1)


def dense_parameters(in_features: int, out_features: int) -> int:
    return out_features * (in_features + 1)


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


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    return ready_made()


@pytest.fixture
def explorers(network: nn.Module) -> dict[str, Explorer]:
    return {
        "stepper": stepper(F.conv2d),
        "stepper, unwritten": stepper(unwritten),
        "cost": cost(conv_parameters=conv_parameters, dense_parameters=dense_parameters),
        "cost, unwritten": cost(conv_parameters=unwritten, dense_parameters=unwritten),
        "feature maps": feature_maps(network, digits()[1]),
    }


@pytest.mark.parametrize(
    "name", ["stepper", "stepper, unwritten", "cost", "cost, unwritten", "feature maps"]
)
def test_every_corner_is_shown_and_described(name: str, explorers: dict[str, Explorer]) -> None:
    explorer = explorers[name]
    seen = set()
    for corner in corners(explorer):
        explorer.set(**corner)
        seen.add((explorer.picture.alt, explorer.picture.png))
    assert len(seen) > 4
    assert len({alt for alt, _ in seen}) > 4
    assert all(control.description for control in explorer.controls.values())


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
        dense_parameters,
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
        (dense_parameters, "yours agree."),
        (lambda *_: 7, "yours: 280 and 7."),
        (unwritten, "yours is not written yet."),
        (lambda *_: "many", "yours returns a str, expected a number."),
    ],
)
def test_the_cost_widget_says_how_a_students_count_does(
    count: Callable[..., Any], words: str
) -> None:
    explorer = cost(conv_parameters=conv_parameters, dense_parameters=count)
    assert words in explorer.picture.alt


def test_maps_are_what_the_layer_puts_out_for_the_moved_image(network: nn.Module) -> None:
    _, test = digits()
    assert isinstance(network, nn.Sequential)
    state = compute_maps(network, test, number=4, layer=1, down=1, right=-2)
    image = torch.zeros(1, 1, 8, 8)
    image[..., 1:, :6] = test.images[4:5, :, :7, 2:]
    assert np.array_equal(state.image, image[0, 0].double().numpy())
    with torch.no_grad():
        maps, scores = network[:4](image), network(image)
    assert torch.equal(torch.tensor(state.maps), maps[0].double())
    assert torch.equal(torch.tensor(state.probabilities), scores[0].softmax(dim=0).double())
    assert (state.layer, state.label) == (2, int(test.labels[4]))


def test_looking_at_a_network_leaves_it_as_it_was(network: nn.Module) -> None:
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    compute_maps(network, digits()[1], number=0, layer=0, down=0, right=0)
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


class Raising(nn.Module):
    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (ready_made, "your network"),
        (unwritten, "not written yet"),
        (Raising, "raises RuntimeError: no idea"),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 5, 8), nn.Flatten()),
            "returns shape (2, 5), expected shape (2, 10)",
        ),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), "no nn.Conv2d"),
    ],
)
def test_only_a_convolutional_network_for_digits_is_usable(
    own: Callable[[], nn.Module], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = usable(own)
    assert words in capsys.readouterr().out
    assert (chosen is own) == (words == "your network")
    assert chosen()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
