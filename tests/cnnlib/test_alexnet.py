"""Layer shapes of 2012, outputs of torchvision, and the paper's formulas written out."""

from collections.abc import Callable
from dataclasses import astuple
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib.alexnet import AlexNet, small_alexnet
from cnnlib.device import available_devices
from cnnlib.vgg import layer_table


def on_meta(variant: str) -> AlexNet:
    with torch.device("meta"):
        return AlexNet(variant=variant)


@pytest.mark.parametrize(
    ("variant", "parameters", "multiply_adds"),
    # Multiply-adds of the second from torchvision's documentation: 0.714 G; of the first, 724 M, by
    # the paper's layer sizes (Caffe's model of it counts the same).
    [("paper", 60_965_224, 0.724e9), ("torchvision", 61_100_840, 0.714e9)],
)
def test_parameters_and_multiply_adds(
    variant: str, parameters: int, multiply_adds: float, show: Callable[..., None]
) -> None:
    rows = layer_table(on_meta(variant), (3, 224, 224))
    total = sum(row.multiply_adds for row in rows)
    show(f"AlexNet, {variant}", "layer shape parameters multiply-adds", map(astuple, rows))
    assert sum(row.parameters for row in rows) == parameters
    assert total == pytest.approx(multiply_adds, rel=0.002)


def test_the_paper_s_layers_have_the_paper_s_sizes() -> None:
    # Section 3.5 and Figure 2; kernels per channel of a layer's input, so half in two groups.
    model = on_meta("paper")
    rows = [
        (row, layer)
        for row in layer_table(model, (3, 224, 224))
        if isinstance(layer := model.get_submodule(row.name), nn.Conv2d | nn.Linear)
    ]
    assert [(row.output_shape, tuple(layer.weight.shape)) for row, layer in rows] == [
        ((96, 55, 55), (96, 3, 11, 11)),
        ((256, 27, 27), (256, 48, 5, 5)),
        ((384, 13, 13), (384, 256, 3, 3)),
        ((384, 13, 13), (384, 192, 3, 3)),
        ((256, 13, 13), (256, 192, 3, 3)),
        ((4096,), (4096, 9216)),
        ((4096,), (4096, 4096)),
        ((1000,), (1000, 4096)),
    ]


def test_response_normalisation_is_the_paper_s_formula() -> None:
    norm = next(m for m in on_meta("paper").modules() if isinstance(m, nn.LocalResponseNorm))
    a = torch.linspace(-40, 60, 2 * 7 * 2 * 3).reshape(2, 7, 2, 3)
    expected = torch.empty_like(a)
    for i in range(7):
        around = a[:, max(0, i - 2) : i + 3].square().sum(dim=1)
        expected[:, i] = a[:, i] / (2 + 1e-4 * around) ** 0.75
    assert_close(norm(a), expected)


def test_the_paper_starts_some_biases_at_one() -> None:
    torch.manual_seed(0)
    layers = [m for m in AlexNet(num_classes=5).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    biases = [layer.bias.unique().tolist() for layer in layers if layer.bias is not None]
    assert biases == [[0.0], [1.0], [0.0], [1.0], [1.0], [1.0], [1.0], [0.0]]
    assert all(abs(layer.weight.std().item() - 0.01) < 5e-4 for layer in layers)


def test_with_torchvision_s_weights_the_outputs_are_torchvision_s(
    torchvision: ModuleType, interchangeable: Callable[[nn.Module, nn.Module, Tensor], None]
) -> None:
    theirs = torchvision.models.alexnet(num_classes=7)
    interchangeable(AlexNet(num_classes=7, variant="torchvision"), theirs, torch.rand(2, 3, 96, 80))


def test_another_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="'one-gpu'; expected 'paper' or 'torchvision'"):
        AlexNet(variant="one-gpu")


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [AlexNet, small_alexnet])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    assert small_alexnet(num_classes=5, in_channels=3)(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(small_alexnet, at_least=0.95, epochs=12)


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = small_alexnet().eval(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    # float32 sums of up to 864 products per layer, in another order; cudnn may use TF32.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)
