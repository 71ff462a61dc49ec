"""The paper's tables, torchvision's outputs, and torch's own counter of multiply-adds."""

import dataclasses
import math
import re
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from cnnlib import lenet, vgg
from cnnlib.device import available_devices

CONFIGS = {"vgg11": vgg.VGG11, "vgg13": vgg.VGG13, "vgg16": vgg.VGG16, "vgg19": vgg.VGG19}


def on_meta(config: vgg.VGGConfig) -> nn.Sequential:
    with torch.device("meta"):
        return vgg.make_vgg(config, num_classes=1000)


@pytest.mark.parametrize(
    ("name", "parameters", "weighted", "billions"),
    # Parameters: torchvision's, which the paper's Table 2 rounds to 133, 133, 138 and 144 million.
    # Multiply-adds: torchvision's documentation; He et al. (2015) say 15.3 and 19.6 for the last.
    [
        ("vgg11", 132_863_336, 11, 7.61),
        ("vgg13", 133_047_848, 13, 11.31),
        ("vgg16", 138_357_544, 16, 15.47),
        ("vgg19", 143_667_240, 19, 19.63),
    ],
)
def test_parameters_and_multiply_adds_are_the_published_ones(
    name: str, parameters: int, weighted: int, billions: float
) -> None:
    rows = vgg.layer_table(on_meta(CONFIGS[name]), (3, 224, 224))
    multiply_adds = sum(row.multiply_adds for row in rows)
    assert sum(row.parameters for row in rows) == parameters
    assert vgg.count_parameters(on_meta(CONFIGS[name])) == parameters
    assert sum(row.parameters > 0 for row in rows) == weighted
    assert multiply_adds == pytest.approx(billions * 1e9, rel=0.001)
    he = {"vgg16": 15.3e9, "vgg19": 19.6e9}
    assert multiply_adds == pytest.approx(he.get(name, multiply_adds), rel=0.02)


def test_vgg16_has_the_shapes_of_configuration_d(show: Callable[..., None]) -> None:
    table = """
        conv 64 224, conv 64 224, pool 64 112,
        conv 128 112, conv 128 112, pool 128 56,
        conv 256 56, conv 256 56, conv 256 56, pool 256 28,
        conv 512 28, conv 512 28, conv 512 28, pool 512 14,
        conv 512 14, conv 512 14, conv 512 14, pool 512 7
    """
    model = on_meta(vgg.VGG16)
    kinds = {nn.Conv2d: "conv", nn.MaxPool2d: "pool"}
    rows = vgg.layer_table(model, (3, 224, 224))
    found = []
    show("VGG-16", "layer shape parameters multiply-adds", map(dataclasses.astuple, rows))
    for row in rows:
        kind = kinds.get(type(model.get_submodule(row.name)))
        if kind is not None:
            channels, height, width = row.output_shape
            assert height == width
            found.append(f"{kind} {channels} {height}")
    assert found == [entry.strip() for entry in table.split(",")]
    dense = {row.name: row for row in rows if row.name.startswith("classifier")}
    assert [dense[f"classifier.{i}"].output_shape for i in (0, 3, 6)] == [(4096,), (4096,), (1000,)]
    assert dense["classifier.0"].parameters == 102_764_544
    assert sum(r.parameters for r in rows if r.name.startswith("features")) == 14_714_688


@pytest.mark.parametrize("name", CONFIGS)
def test_torchvision_s_weights_fit(name: str, torchvision: ModuleType) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    expected = {key: tensor.shape for key, tensor in theirs.state_dict().items()}
    actual = {key: tensor.shape for key, tensor in on_meta(CONFIGS[name]).state_dict().items()}
    assert actual == expected


def test_with_torchvision_s_weights_the_outputs_are_torchvision_s(
    torchvision: ModuleType, interchangeable: Callable[[nn.Module, nn.Module, Tensor], None]
) -> None:
    # VGG-13 with narrow dense layers: the same code as the others, at a tenth of the memory.
    config = dataclasses.replace(vgg.VGG13, hidden=(64, 32))
    theirs = torchvision.models.vgg13(num_classes=7)
    theirs.classifier[0] = nn.Linear(512 * 7 * 7, 64)
    theirs.classifier[3] = nn.Linear(64, 32)
    theirs.classifier[6] = nn.Linear(32, 7)
    interchangeable(vgg.make_vgg(config, num_classes=7), theirs, torch.rand(2, 3, 48, 32))


def test_a_block_is_convolutions_with_relu_and_a_pool() -> None:
    block = vgg.vgg_block(3, 4, convs=2)
    x = torch.linspace(-1, 1, 2 * 3 * 7 * 6).reshape(2, 3, 7, 6)
    first, second = (m for m in block.modules() if isinstance(m, nn.Conv2d))
    expected = F.relu(F.conv2d(x, first.weight, first.bias, padding=1))
    expected = F.relu(F.conv2d(expected, second.weight, second.bias, padding=1))
    assert_close(block(x), F.max_pool2d(expected, 2))


def test_a_signal_keeps_its_size_through_the_blocks(measured: Callable[..., None]) -> None:
    torch.manual_seed(0)
    features = vgg.make_vgg(vgg.VGG16, num_classes=2).features
    assert isinstance(features, nn.Sequential)
    with torch.no_grad():
        y = features(torch.randn(1, 3, 64, 64))
    # Mean square 1 in; torch's own initial weights let about 1e-8 through.
    measured("root mean square", y.square().mean().sqrt().item(), at_least=0.1, at_most=10.0)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lenet.LeNet5(), (1, 32, 32)),
        (lenet.PaperLeNet5(), (1, 32, 32)),
        (vgg.small_vgg(), (1, 16, 8)),
        (nn.Sequential(nn.Conv2d(4, 6, (3, 5), stride=(2, 1), groups=2), nn.Flatten()), (4, 9, 11)),
    ],
    ids=["lenet", "paper lenet", "vgg", "groups"],
)
def test_multiply_adds_are_half_of_what_torch_counts(
    model: nn.Module, shape: tuple[int, ...]
) -> None:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model.eval()(torch.zeros(1, *shape))
    rows = vgg.layer_table(model, shape)
    assert 2 * sum(row.multiply_adds for row in rows) == counter.get_total_flops()


def test_layer_table_is_in_running_order_and_counts_shared_weights_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(4, 4)
            self.first = nn.Linear(4, 4)
            self.tied = nn.Linear(4, 4)
            self.tied.weight = self.first.weight

        def forward(self, x: Tensor) -> Tensor:
            x = self.tied(self.first(self.first(x)))
            x = self.last(x)
            return x

    model = Twice().double()
    rows = vgg.layer_table(model, (4,))
    assert [(row.name, row.parameters) for row in rows] == [
        ("first", 20),
        ("first", 0),
        ("tied", 4),
        ("last", 20),
    ]
    assert sum(row.parameters for row in rows) == vgg.count_parameters(model) == 44
    assert all(row.multiply_adds == 16 for row in rows)


def test_layer_table_has_no_row_for_what_runs_in_training_only() -> None:
    class Auxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aux = nn.Linear(4, 3), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                self.aux(x)
            x = self.main(x)
            return x

    assert [row.name for row in vgg.layer_table(Auxiliary().train(), (4,))] == ["main"]


def test_layer_table_leaves_the_model_as_it_is() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(), nn.ReLU())
    model[2].eval()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    vgg.layer_table(model, (1, 5, 5))
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert [module.training for module in model] == [True, True, False, True]
    assert not any(module._forward_hooks for module in model)
    assert torch.equal(torch.get_rng_state(), state)
    assert next(model.parameters()).device.type == "cpu"


def test_a_frozen_parameter_counts_and_a_buffer_does_not() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)).requires_grad_(False)
    assert vgg.count_parameters(model) == 8 * 28 + 16


@pytest.mark.parametrize("kernel_size", [3, 5, 7, 9, 11])
def test_the_stack_sees_exactly_as_far_for_the_weights_it_says(kernel_size: int) -> None:
    convs, saved = vgg.stacked_equivalent(kernel_size)
    stack = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(convs)))
    for weight in stack.parameters():
        nn.init.ones_(weight)
    x = torch.zeros(1, 1, 25, 25, requires_grad=True)
    stack(x)[0, 0, 12, 12].backward()
    assert x.grad is not None
    seen = x.grad[0, 0].nonzero()
    assert (seen.amax(dim=0) - seen.amin(dim=0) + 1).tolist() == [kernel_size, kernel_size]
    large = nn.Conv2d(1, 1, kernel_size, bias=False)
    ratio = vgg.count_parameters(stack) / vgg.count_parameters(large)
    assert saved == pytest.approx(1 - ratio)


def test_an_untrained_network_knows_nothing() -> None:
    torch.manual_seed(0)
    logits = vgg.small_vgg()(torch.rand(16, 1, 32, 32))
    loss = F.cross_entropy(logits, torch.arange(16) % 10)
    assert loss.item() == pytest.approx(math.log(10), abs=0.3)


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [vgg.small_vgg])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    assert vgg.small_vgg(num_classes=5, in_channels=3)(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(vgg.small_vgg, at_least=0.95)


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = vgg.small_vgg().eval(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    # float32 sums of up to 576 products per layer, in another order; cudnn may use TF32.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: vgg.vgg_block(0, 4, convs=1), ["in_channels=0", "1 or more"]),
        (lambda: vgg.vgg_block(3, 4, convs=0), ["convs=0", "1 or more"]),
        (lambda: vgg.make_vgg(vgg.SMALL, num_classes=0), ["num_classes=0", "1 or more"]),
        (lambda: vgg.make_vgg(vgg.SMALL, num_classes=2, in_channels=0), ["in_channels=0"]),
        (lambda: vgg.make_vgg(vgg.VGGConfig(()), num_classes=2), ["blocks=()", "1 or more"]),
        (
            lambda: vgg.make_vgg(dataclasses.replace(vgg.SMALL, pooled=0), num_classes=2),
            ["pooled=0", "1 or more"],
        ),
        (
            lambda: vgg.make_vgg(dataclasses.replace(vgg.SMALL, hidden=(0,)), num_classes=2),
            ["hidden=(0,)", "1 or more"],
        ),
        (lambda: vgg.layer_table(lenet.LeNet5(), (3, 32, 32)), ["(3, 32, 32)"]),
        (lambda: vgg.layer_table(lenet.LeNet5(), (1, 4, 4)), ["(1, 4, 4)"]),
        (lambda: vgg.stacked_equivalent(4), ["4", "odd"]),
        (lambda: vgg.stacked_equivalent(1), ["1", "from 3"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
