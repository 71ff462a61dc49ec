"""Figure 5 of the paper: sizes, counts, and where the ReLUs stand."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from cnnlib.device import available_devices
from cnnlib.inception import separable_conv
from cnnlib.vgg import count_parameters, layer_table
from cnnlib.xception import SeparableConv2d, Xception, XceptionModule, small_xception


def on_meta() -> Xception:
    with torch.device("meta"):
        return Xception()


def test_22_855_952_parameters_36_convolutions_14_modules() -> None:
    model = on_meta()
    assert count_parameters(model) == 22_855_952
    convolutions = [
        name
        for name, m in model.named_modules()
        if isinstance(m, SeparableConv2d) or name in ("conv1", "conv2")
    ]
    assert len(convolutions) == 36
    # 12 with a shortcut, and the two pairs of convolutions at either end.
    assert sum(isinstance(m, XceptionModule) for m in model.modules()) + 2 == 14
    assert len(model.middle) == 8
    assert not any(m.bias is not None for m in model.modules() if isinstance(m, nn.Conv2d))


def test_shapes_are_those_of_figure_five(
    stage_shapes: Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]],
    show: Callable[..., None],
) -> None:
    model = on_meta()
    entry = stage_shapes(model.entry, (64, 147, 147))
    shapes = stage_shapes(model, (3, 299, 299))
    show("Xception", "stage shape", [*shapes.items(), *entry.items()])
    # The figure gives the sizes in and out of the three flows; in between they follow from strides.
    assert shapes["conv1"] == (32, 149, 149)
    assert shapes["conv2"] == (64, 147, 147)
    assert list(entry.values()) == [(128, 74, 74), (256, 37, 37), (728, 19, 19)]
    assert shapes["entry"] == shapes["middle"] == (728, 19, 19)
    assert shapes["exit"] == (1024, 10, 10)
    assert shapes["conv3"] == (1536, 10, 10)
    assert shapes["conv4"] == (2048, 10, 10)
    assert shapes["avgpool"] == (2048, 1, 1)
    assert shapes["fc"] == (1000,)


def test_multiply_adds_are_half_of_what_torch_counts(show: Callable[..., None]) -> None:
    model = on_meta()
    rows = layer_table(model, (3, 299, 299))
    total = sum(row.multiply_adds for row in rows)
    show("Xception", "parameters multiply-adds", [(sum(r.parameters for r in rows), total)])
    counter = FlopCounterMode(display=False)
    with counter:
        model.eval()(torch.empty(1, 3, 299, 299, device="meta"))
    assert total == counter.get_total_flops() / 2


def test_the_layer_is_the_function_of_the_inception_lesson() -> None:
    layer = SeparableConv2d(3, 5)
    x = torch.linspace(-1, 1, 2 * 3 * 7 * 4).reshape(2, 3, 7, 4)
    expected = separable_conv(x, layer.depthwise.weight, layer.pointwise.weight)
    assert_close(layer(x), expected)


@pytest.mark.parametrize("starts_with_relu", [True, False])
def test_a_module_adds_its_branch_to_a_shortcut(starts_with_relu: bool) -> None:
    torch.manual_seed(0)
    module = XceptionModule(3, (4, 6), stride=2, starts_with_relu=starts_with_relu).eval()
    x = torch.randn(2, 3, 9, 6)
    before = x.clone()
    first, second = (m for m in module.branch if isinstance(m, SeparableConv2d))
    norms = [m for m in module.branch if isinstance(m, nn.BatchNorm2d)]
    y = norms[0](first(F.relu(x) if starts_with_relu else x))
    y = F.max_pool2d(norms[1](second(F.relu(y))), 3, 2, 1)
    assert_close(module(x), y + module.shortcut(x))
    assert module(x).shape == (2, 6, 5, 3)
    assert torch.equal(x, before)


def test_a_module_of_the_middle_flow_can_be_the_identity() -> None:
    module = XceptionModule(4, (4, 4, 4))
    last = module.branch[-1]
    assert isinstance(last, nn.BatchNorm2d)
    nn.init.zeros_(last.weight)
    x = torch.randn(2, 4, 5, 3)
    assert torch.equal(module(x), x)


def test_a_whole_pass_runs_in_both_modes() -> None:
    model = Xception(num_classes=3, in_channels=1)
    x = torch.rand(2, 1, 71, 75)
    assert model(x).shape == (2, 3)
    with torch.no_grad():
        assert torch.isfinite(model.eval()(x)).all()


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [Xception, small_xception])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    assert small_xception(num_classes=5, in_channels=3)(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(small_xception, at_least=0.95, epochs=4)


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = small_xception().eval(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    # float32 sums of up to 128 products per layer, in another order; cudnn may use TF32.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)


def test_bad_arguments_are_named_with_what_was_expected() -> None:
    with pytest.raises(ValueError, match="stride is 1 from 3 to 4 channels; expected 2, or 1"):
        XceptionModule(3, (3, 4))
    with pytest.raises(ValueError, match="stride is 3 from 4 to 4 channels"):
        XceptionModule(4, (4,), stride=3)
