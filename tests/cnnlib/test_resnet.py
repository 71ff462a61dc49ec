"""The paper's tables, torchvision's outputs, and the algebra of a block."""

import re
from collections.abc import Callable
from functools import partial
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import resnet
from cnnlib.device import available_devices
from cnnlib.resnet import BasicBlock, BottleneckBlock, ResNet, make_resnet
from cnnlib.vgg import count_parameters, layer_table

# Depth: parameters, and 10^9 multiply-adds from He et al. (2015), Table 1, and from torchvision's
# documentation. The paper halves the image in the first 1x1 convolution of a bottleneck block,
# torchvision in its 3x3, which sees four times as many pixels for it. Projections are counted.
PUBLISHED = {
    18: (11_689_512, 1.8, 1.814),
    34: (21_797_672, 3.6, 3.664),
    50: (25_557_032, 3.8, 4.089),
    101: (44_549_160, 7.6, 7.801),
    152: (60_192_808, 11.3, 11.514),
}
# Section 4.2 and Table 6: 0.27, 0.46, 0.66, 0.85 and 1.7 million.
CIFAR = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018, 110: 1_727_962}
PLAIN = partial(BasicBlock, skip=resnet.no_skip)


def on_meta(depth: int, variant: str) -> ResNet:
    with torch.device("meta"):
        return ResNet(depth, variant=variant)


def ready(block: nn.Module) -> nn.Module:
    """A block in evaluation mode whose batch norms have seen something."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in block.state_dict().items():
        if ("bn" in name or "downsample.1" in name) and tensor.is_floating_point():
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
    return block.eval()


def test_parameters_and_multiply_adds_are_the_published_ones(show: Callable[..., None]) -> None:
    lines = []
    for depth, (parameters, in_paper, in_torchvision) in PUBLISHED.items():
        found = {}
        for variant in ("paper", "torchvision"):
            rows = layer_table(on_meta(depth, variant), (3, 224, 224))
            assert sum(row.parameters for row in rows) == parameters
            found[variant] = sum(row.multiply_adds for row in rows) / 1e9
        lines.append(
            (
                depth,
                parameters,
                f"{found['paper']:.3f}",
                in_paper,
                f"{found['torchvision']:.3f}",
                in_torchvision,
            )
        )
        assert found["paper"] == pytest.approx(in_paper, rel=0.02)
        assert found["torchvision"] == pytest.approx(in_torchvision, rel=0.001)
    show("ResNet", "depth parameters paper He torchvision documented", lines)


@pytest.mark.parametrize("variant", ["paper", "torchvision"])
def test_resnet50_has_the_shapes_of_table_one(
    variant: str,
    stage_shapes: Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]],
    show: Callable[..., None],
) -> None:
    model = on_meta(50, variant)
    shapes = stage_shapes(model, (3, 224, 224))
    show(f"ResNet-50, {variant}", "stage shape", shapes.items())
    assert shapes == {
        "conv1": (64, 112, 112),
        "bn1": (64, 112, 112),
        "maxpool": (64, 56, 56),
        "layer1": (256, 56, 56),
        "layer2": (512, 28, 28),
        "layer3": (1024, 14, 14),
        "layer4": (2048, 7, 7),
        "avgpool": (2048, 1, 1),
        "fc": (1000,),
    }
    stages = [model.layer1, model.layer2, model.layer3, model.layer4]
    assert [len(stage) for stage in stages] == [3, 4, 6, 3]
    first = model.layer2[0]
    assert isinstance(first, BottleneckBlock)
    assert (first.conv1.stride, first.conv2.stride) == (
        ((2, 2), (1, 1)) if variant == "paper" else ((1, 1), (2, 2))
    )


@pytest.mark.parametrize("depth", PUBLISHED)
def test_torchvision_s_weights_fit(depth: int, torchvision: ModuleType) -> None:
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"resnet{depth}")()
    expected = {key: tensor.shape for key, tensor in theirs.state_dict().items()}
    for variant in ("paper", "torchvision"):
        state = on_meta(depth, variant).state_dict()
        assert {key: tensor.shape for key, tensor in state.items()} == expected


@pytest.mark.parametrize("depth", [18, 50])
def test_with_torchvision_s_weights_the_outputs_are_torchvision_s(
    depth: int,
    torchvision: ModuleType,
    interchangeable: Callable[[nn.Module, nn.Module, Tensor], None],
) -> None:
    theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=7)
    ours = ResNet(depth, num_classes=7, variant="torchvision")
    interchangeable(ours, theirs, torch.rand(3, 3, 64, 48))


def test_the_cifar_family_has_the_paper_s_parameters_and_so_have_the_plain_ones(
    show: Callable[..., None],
) -> None:
    found = {}
    for depth in CIFAR:
        with torch.device("meta"):
            model = make_resnet([(depth - 2) // 6] * 3, num_classes=10)
        found[depth] = count_parameters(model)
        with torch.device("meta"):
            plain = make_resnet([(depth - 2) // 6] * 3, num_classes=10, block=PLAIN)
        assert count_parameters(plain) == found[depth]
        rows = layer_table(model, (3, 32, 32))
        assert sum(row.multiply_adds > 0 for row in rows) == depth
    show("CIFAR", "depth parameters", found.items())
    assert found == CIFAR


def test_the_cifar_family_halves_the_image_twice(
    stage_shapes: Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]],
) -> None:
    shapes = stage_shapes(make_resnet([3, 3, 3], num_classes=10), (3, 32, 32))
    assert shapes["layer1"] == (16, 32, 32)
    assert shapes["layer2"] == (32, 16, 16)
    assert shapes["layer3"] == (64, 8, 8)
    assert shapes["fc"] == (10,)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(("channels", "stride"), [(3, 1), (5, 2), (5, 1), (3, 2)])
def test_a_basic_block_is_relu_of_residual_plus_shortcut(
    channels: int, stride: int, dtype: torch.dtype
) -> None:
    block = ready(BasicBlock(3, channels, stride=stride, skip=resnet.shortcut).to(dtype))
    assert isinstance(block, BasicBlock)
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4, dtype=dtype).reshape(2, 3, 4, 7).transpose(2, 3)
    before = x.clone()
    y = F.conv2d(x, block.conv1.weight, stride=stride, padding=1)
    y = F.conv2d(F.relu(block.bn1(y)), block.conv2.weight, padding=1)
    skip = x
    if (channels, stride) != (3, 1):
        conv, norm = block.downsample.children()
        assert isinstance(conv, nn.Conv2d)
        skip = norm(F.conv2d(x, conv.weight, stride=stride))
    assert_close(block(x), F.relu(block.bn2(y) + skip))
    assert torch.equal(x, before)


def test_a_bottleneck_reduces_looks_and_expands() -> None:
    block = ready(BottleneckBlock(6, 2, stride=2, skip=resnet.shortcut))
    assert isinstance(block, BottleneckBlock)
    x = torch.linspace(-2, 1, 2 * 6 * 7 * 4).reshape(2, 6, 7, 4)
    y = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    y = F.relu(block.bn2(F.conv2d(y, block.conv2.weight, stride=2, padding=1)))
    y = block.bn3(F.conv2d(y, block.conv3.weight))
    assert y.shape == (2, 8, 4, 2)
    assert_close(block(x), F.relu(y + block.downsample(x)))


def test_option_a_takes_every_second_pixel_and_adds_empty_channels() -> None:
    x = torch.arange(2 * 3 * 5 * 4.0).reshape(2, 3, 5, 4)
    y = resnet.PaddedShortcut(extra=2, stride=2)(x)
    assert y.shape == (2, 5, 3, 2)
    assert torch.equal(y[:, :3], x[:, :, ::2, ::2])
    assert not y[:, 3:].any()
    # What it adds up to in a block has the shape of the residual.
    block = make_resnet([1, 1], num_classes=2).get_submodule("layer2.0")
    assert block(torch.rand(1, 16, 7, 5)).shape == (1, 32, 4, 3)


def test_a_basic_block_has_a_shortcut_without_parameters_unless_told_otherwise() -> None:
    block = ready(BasicBlock(3, 5, stride=2))
    assert isinstance(block, BasicBlock)
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4).reshape(2, 3, 7, 4)
    y = F.conv2d(
        F.relu(block.bn1(F.conv2d(x, block.conv1.weight, stride=2, padding=1))),
        block.conv2.weight,
        padding=1,
    )
    skip = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, 2))
    assert_close(block(x), F.relu(block.bn2(y) + skip))
    assert count_parameters(block) == 3 * 5 * 9 + 5 * 5 * 9 + 4 * 5
    assert isinstance(BasicBlock(3, 3).downsample, nn.Identity)
    plain = BasicBlock(3, 5, stride=2, skip=resnet.no_skip)
    assert torch.equal(plain(x), F.relu(plain.residual(x)))


@pytest.mark.parametrize("make", [lambda: BasicBlock(2, 2), lambda: BottleneckBlock(4, 1)])
def test_the_jacobian_is_the_identity_plus_that_of_the_residual(
    make: Callable[[], BasicBlock | BottleneckBlock],
) -> None:
    torch.manual_seed(0)
    block = make().double()
    ready(block)
    channels = block.conv1.in_channels
    x = torch.linspace(-1, 2, channels * 6, dtype=torch.float64).cos().reshape(1, channels, 3, 2)
    actual = resnet.residual_jacobian(block, x)
    n = x.numel()
    of_sum = torch.func.jacrev(lambda x: block.residual(x) + block.downsample(x))(x)
    assert_close(actual, of_sum.reshape(n, n).detach())
    # Central differences, independent of autograd; 1e-6 leaves an error of about 1e-9.
    with torch.no_grad():
        steps = 1e-6 * torch.eye(n, dtype=torch.float64).reshape(n, 1, *x.shape[1:])
        columns = [(block.residual(x + s) - block.residual(x - s)).flatten() / 2e-6 for s in steps]
    assert_close(actual, torch.eye(n) + torch.stack(columns, dim=1), rtol=1e-6, atol=1e-7)


def test_blocks_that_start_with_zero_are_the_identity() -> None:
    for block in (BasicBlock(3, 3), BottleneckBlock(8, 2)):
        resnet.zero_init_residual(block)
        x = torch.randn(2, block.conv1.in_channels, 5, 3)
        assert torch.equal(block(x), F.relu(x))
        assert_close(
            resnet.residual_jacobian(block.eval(), x[:1, :, :2, :2]),
            torch.eye(4 * x.shape[1]),
        )


@pytest.mark.parametrize("depth", [18, 50])
def test_zero_init_sets_the_weights_that_torchvision_sets(
    depth: int, torchvision: ModuleType
) -> None:
    theirs = getattr(torchvision.models, f"resnet{depth}")(zero_init_residual=True, num_classes=2)
    ours = ResNet(depth, num_classes=2)
    resnet.zero_init_residual(ours)

    def zero(model: nn.Module) -> list[str]:
        named = model.named_parameters()
        return [name for name, p in named if name.endswith("weight") and not p.any()]

    assert zero(ours) == zero(theirs)
    assert len(zero(ours)) == len(resnet.residual_blocks(ours))


def test_without_a_skip_the_same_weights_make_a_plain_network() -> None:
    torch.manual_seed(0)
    model = make_resnet([1, 1], num_classes=3)
    plain = make_resnet([1, 1], num_classes=3, block=PLAIN)
    plain.load_state_dict(model.state_dict())
    for block, twin in zip(
        resnet.residual_blocks(model), resnet.residual_blocks(plain), strict=True
    ):
        x = torch.randn(2, block.conv1.in_channels, 4, 4)
        assert torch.equal(twin(x), F.relu(block.residual(x)))
        assert not torch.equal(twin(x), block(x))


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [partial(ResNet, 18), resnet.small_resnet])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    small = resnet.small_resnet(num_classes=5, in_channels=3)
    assert small(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(resnet.small_resnet, at_least=0.95, epochs=4)


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = resnet.small_resnet().eval(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    block = ready(BasicBlock(2, 2))
    jacobian = resnet.residual_jacobian(block, x[:1, :, :2, :2].expand(1, 2, 2, 2))
    # float32 sums of up to 576 products per layer, in another order; cudnn may use TF32.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)
    moved = x[:1, :, :2, :2].expand(1, 2, 2, 2).to(device)
    assert_close(
        resnet.residual_jacobian(block.to(device), moved).cpu(), jacobian, rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: ResNet(20), ["depth is 20", "18, 34, 50, 101, 152"]),
        (lambda: ResNet(18, variant="v2"), ["'v2'", "'paper' or 'torchvision'"]),
        (lambda: BasicBlock(0, 4), ["in_channels=0", "1 or more"]),
        (lambda: BasicBlock(4, 4, stride=0), ["stride=0", "1 or more"]),
        (lambda: BottleneckBlock(4, 0), ["out_channels=0", "1 or more"]),
        (lambda: resnet.shortcut(4, -1, stride=1), ["out_channels=-1", "1 or more"]),
        (lambda: resnet.PaddedShortcut(extra=-1, stride=2), ["extra=-1", "0 and 1"]),
        (lambda: resnet.PaddedShortcut(extra=0, stride=0), ["stride=0", "0 and 1"]),
        (lambda: BasicBlock(4, 3), ["extra=-1", "0 and 1"]),
        (lambda: make_resnet([], num_classes=2), ["blocks=[]", "1 or more"]),
        (lambda: make_resnet([1, 0], num_classes=2), ["blocks=[1, 0]", "1 or more"]),
        (lambda: make_resnet([1], num_classes=0), ["num_classes=0", "1 or more"]),
        (lambda: resnet.zero_init_residual(nn.ReLU()), ["ReLU", "residual blocks"]),
        (
            lambda: resnet.residual_jacobian(BasicBlock(2, 2), torch.ones(2, 2, 2, 2)),
            ["(2, 2, 2, 2)", "(1, C, H, W)"],
        ),
        (
            lambda: resnet.residual_jacobian(BasicBlock(2, 2), torch.ones(1, 2, 2, 2)),
            ["training=True", "block.eval()"],
        ),
        (
            lambda: resnet.residual_jacobian(BasicBlock(2, 3).eval(), torch.ones(1, 2, 2, 2)),
            ["PaddedShortcut()", "identity shortcut"],
        ),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, names))):
        call()
