"""Table 1 of the paper, row for row, and torchvision's outputs."""

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib.device import available_devices
from cnnlib.googlenet import GoogLeNet, GoogLeNetOutput, small_googlenet
from cnnlib.inception import InceptionModule, googlenet_loss
from cnnlib.vgg import count_parameters, layer_table

# Szegedy et al. (2015), Table 1: output (height, channels) and 10^6 multiply-adds of each row.
TABLE = {
    "conv1": (112, 64, 34),
    "maxpool1": (56, 64, None),
    "conv3": (56, 192, 360),
    "maxpool2": (28, 192, None),
    "inception3a": (28, 256, 128),
    "inception3b": (28, 480, 304),
    "maxpool3": (14, 480, None),
    "inception4a": (14, 512, 73),
    "inception4b": (14, 512, 88),
    "inception4c": (14, 512, 100),
    "inception4d": (14, 528, 119),
    "inception4e": (14, 832, 170),
    "maxpool4": (7, 832, None),
    "inception5a": (7, 832, 54),
    "inception5b": (7, 1024, 71),
    "avgpool": (1, 1024, None),
    "fc": (None, 1000, 1),
}
# Two rows of the print do not follow from its own widths: 7x7x3x64 weights at 112x112 places are
# 118 million, and 5a's widths make 51.
MISPRINTS = {"conv1": 118, "inception5a": 51}


def on_meta(variant: str, *, auxiliary: bool = True) -> GoogLeNet:
    with torch.device("meta"):
        return GoogLeNet(variant=variant, auxiliary=auxiliary)


@pytest.mark.parametrize(
    ("variant", "auxiliary", "parameters"),
    [
        ("paper", False, 6_998_552),
        ("paper", True, 13_378_280),
        ("torchvision", False, 6_624_904),
        ("torchvision", True, 13_004_888),
    ],
)
def test_parameters(variant: str, auxiliary: bool, parameters: int) -> None:
    assert count_parameters(on_meta(variant, auxiliary=auxiliary)) == parameters


@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_shapes_are_those_of_table_one(
    variant: str,
    stage_shapes: Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]],
    show: Callable[..., None],
) -> None:
    shapes = stage_shapes(on_meta(variant), (3, 224, 224))
    show(f"GoogLeNet, {variant}", "stage shape", shapes.items())
    for name, (height, channels, _) in TABLE.items():
        assert shapes[name] == ((channels,) if height is None else (channels, height, height))
    assert not {"aux1", "aux2"} & set(shapes)


def test_multiply_adds_are_those_of_table_one(show: Callable[..., None]) -> None:
    rows = layer_table(on_meta("paper"), (3, 224, 224))
    found = dict.fromkeys(TABLE, 0)
    for row in rows:
        # The paper's row "convolution 3x3" holds the 1x1 reduction before it.
        name = row.name.split(".")[0].replace("conv2", "conv3")
        found[name] = found.get(name, 0) + row.multiply_adds
    expected = {name: MISPRINTS.get(name, ops) for name, (_, _, ops) in TABLE.items() if ops}
    columns = [(name, f"{found[name] / 1e6:.1f}", TABLE[name][2]) for name in expected]
    show("GoogLeNet, million multiply-adds", "row here printed", columns)
    for name, ops in expected.items():
        assert found[name] / 1e6 == pytest.approx(ops, rel=0.01, abs=0.5)
    total = sum(found.values())
    # 1,502 in print; 1,583 with the two rows put right. The text's "1.5 billion" is the former.
    assert total == pytest.approx(1e6 * sum(expected.values()), rel=0.02)
    assert sum(ops or 0 for _, _, ops in TABLE.values()) == 1502


def test_multiply_adds_of_torchvision_s_are_what_it_says() -> None:
    total = sum(row.multiply_adds for row in layer_table(on_meta("torchvision"), (3, 224, 224)))
    assert total == pytest.approx(1.498e9, rel=0.001)


def test_with_torchvision_s_weights_the_outputs_are_torchvision_s(
    torchvision: ModuleType, interchangeable: Callable[[nn.Module, nn.Module, Tensor], None]
) -> None:
    theirs = torchvision.models.GoogLeNet(num_classes=7, init_weights=False)
    ours = GoogLeNet(num_classes=7, variant="torchvision")
    interchangeable(ours, theirs, torch.rand(3, 3, 80, 64))


def test_there_are_nine_modules_and_the_heads_read_4a_and_4d() -> None:
    model = on_meta("paper")
    assert sum(isinstance(m, InceptionModule) for m in model.modules()) == 9
    seen: dict[str, tuple[int, ...]] = {}
    for name in ("aux1", "aux2"):
        head = getattr(model, name)
        head.register_forward_hook(
            lambda _m, x, _y, name=name: seen.update({name: tuple(x[0].shape[1:])})
        )
    model.train()(torch.empty(2, 3, 224, 224, device="meta"))
    assert seen == {"aux1": (512, 14, 14), "aux2": (528, 14, 14)}
    assert model.dropout.p == 0.4


def test_auxiliary_losses_reach_the_layers_below_their_head_only() -> None:
    torch.manual_seed(0)
    model = GoogLeNet(num_classes=3)
    output = model(torch.rand(1, 3, 224, 224))
    assert isinstance(output, GoogLeNetOutput)
    output.aux1.square().sum().backward(retain_graph=True)
    reached = {
        name: any(p.grad is not None and bool(p.grad.any()) for p in child.parameters())
        for name, child in model.named_children()
        if count_parameters(child)
    }
    below = {"conv1", "conv2", "conv3", "inception3a", "inception3b", "inception4a", "aux1"}
    assert {name for name, did in reached.items() if did} == below
    googlenet_loss(*output, torch.tensor([1])).backward()
    assert all(p.grad is not None for p in model.parameters())


def test_the_heads_run_in_training_only() -> None:
    x = torch.empty(2, 3, 224, 224, device="meta")
    model = on_meta("paper")
    assert isinstance(model.train()(x), GoogLeNetOutput)
    assert isinstance(model.eval()(x), Tensor)
    assert isinstance(on_meta("paper", auxiliary=False).train()(x), Tensor)


def test_another_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="'v3'; expected 'paper' or 'torchvision'"):
        GoogLeNet(variant="v3")


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [GoogLeNet, small_googlenet])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    assert small_googlenet(num_classes=5, in_channels=3)(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(small_googlenet, at_least=0.95, lr=4e-3)


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = small_googlenet().eval(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    # float32 sums of up to 432 products per layer, in another order; cudnn may use TF32.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)
