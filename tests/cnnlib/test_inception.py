"""Each part against the formula or the torch function that it stands for."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import inception
from cnnlib.device import available_devices
from cnnlib.vgg import layer_table

WIDTHS = {"ch1x1": 2, "ch3x3red": 3, "ch3x3": 4, "ch5x5red": 1, "ch5x5": 5, "pool_proj": 6}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}


def ramp(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Values without symmetry, from -1 to 1.5, some of them negative."""
    return torch.linspace(-1, 1.5, math.prod(shape), dtype=dtype).sin().reshape(shape)


def test_the_module_concatenates_its_four_branches_in_order() -> None:
    module = inception.InceptionModule(3, **WIDTHS)
    x = ramp(2, 3, 7, 5)
    c1, c3red, c3, c5red, c5, proj = (m for m in module.modules() if isinstance(m, nn.Conv2d))

    def conv(layer: nn.Conv2d, x: Tensor) -> Tensor:
        return F.relu(F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[-1] // 2))

    expected = [
        conv(c1, x),
        conv(c3, conv(c3red, x)),
        conv(c5, conv(c5red, x)),
        conv(proj, F.max_pool2d(x, 3, stride=1, padding=1)),
    ]
    assert [branch.shape[1] for branch in expected] == [2, 4, 5, 6]
    assert [layer.weight.shape[-1] for layer in (c1, c3, c5, proj)] == [1, 3, 5, 1]
    assert_close(module(x), torch.cat(expected, dim=1))


def test_the_pool_branch_does_not_let_padding_win_over_negative_values() -> None:
    module = inception.InceptionModule(1, **WIDTHS)
    proj = module.get_submodule("branch4.1.0")
    assert isinstance(proj, nn.Conv2d)
    with torch.no_grad():
        proj.weight.fill_(-1.0)
        assert proj.bias is not None
        proj.bias.zero_()
    assert_close(module(torch.full((1, 1, 3, 4), -2.0))[0, -1], torch.full((3, 4), 2.0))


def test_the_auxiliary_head_pools_reduces_and_reads() -> None:
    head = inception.AuxiliaryHead(6, 3).eval()
    x = ramp(2, 6, 14, 14)
    y = F.relu(F.conv2d(F.avg_pool2d(x, 5, 3), head.conv.weight, head.conv.bias))
    assert y.shape == (2, 128, 4, 4)
    y = F.relu(F.linear(y.flatten(1), head.fc1.weight, head.fc1.bias))
    assert_close(head(x), F.linear(y, head.fc2.weight, head.fc2.bias))
    assert head.dropout.p == 0.7
    assert not torch.equal(head.train()(x), head(x))


def test_the_loss_weighs_each_auxiliary_head_with_three_tenths() -> None:
    main, aux1, aux2 = ramp(3, 4, 5, dtype=torch.float64).requires_grad_()
    target = torch.tensor([4, 0, 2, 2])
    loss = inception.googlenet_loss(main, aux1, aux2, target)
    each = [F.cross_entropy(z, target) for z in (main, aux1, aux2)]
    assert_close(loss, each[0] + 0.3 * each[1] + 0.3 * each[2])
    assert_close(inception.googlenet_loss(main, None, None, target), each[0])
    assert_close(inception.googlenet_loss(main, None, aux2, target), each[0] + 0.3 * each[2])


@pytest.mark.parametrize("device", available_devices(), ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data())
def test_pointwise_conv_is_torch_s_in_value_and_gradient(
    oracle: Callable[[Callable[..., Tensor]], Callable[..., Tensor]],
    dtype: torch.dtype,
    device: torch.device,
    data: st.DataObject,
) -> None:
    if device.type == "mps" and dtype == torch.float64:
        pytest.skip("MPS has no float64")
    n, c, h, w, k = (data.draw(st.integers(1, 5)) for _ in range(5))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**32)))
    four = data.draw(st.booleans(), label="weights in four dimensions")

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device, dtype)

    x, weight, bias = draw(n, c, h, w), draw(k, c), draw(k)
    if data.draw(st.booleans(), label="non-contiguous"):
        x = x.transpose(2, 3)
    b = bias if data.draw(st.booleans(), label="bias") else None

    def value_and_gradient(f: Callable[..., Tensor], given: Tensor) -> list[Tensor]:
        leaves = [t.detach().clone().requires_grad_() for t in (x, given, bias)]
        y = f(leaves[0], leaves[1], None if b is None else leaves[2])
        weights = torch.linspace(-1, 2, y.numel(), device=device).to(dtype).reshape(y.shape)
        return [y, *torch.autograd.grad((y * weights).sum(), leaves[:2])]

    square = weight.reshape(k, c, 1, 1)
    actual = value_and_gradient(inception.pointwise_conv, square if four else weight)
    expected = value_and_gradient(oracle(F.conv2d), square)
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.dtype == dtype
        assert_close(
            ours, theirs.reshape(ours.shape), rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype]
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 3)])
def test_separable_conv_is_a_full_one_with_a_kernel_of_rank_one(
    kernel: tuple[int, int], dtype: torch.dtype
) -> None:
    x, depthwise = ramp(2, 3, 7, 5, dtype=dtype), ramp(3, 1, *kernel, dtype=dtype)
    pointwise = ramp(4, 3, dtype=dtype)
    before = x.clone()
    full = pointwise.reshape(4, 3, 1, 1) * depthwise.reshape(1, 3, *kernel)
    padding = (kernel[0] // 2, kernel[1] // 2)
    expected = F.conv2d(x, full, padding=padding)
    for w in (pointwise, pointwise.reshape(4, 3, 1, 1)):
        actual = inception.separable_conv(x, depthwise, w)
        assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    grouped = F.conv2d(
        F.conv2d(x, depthwise, padding=padding, groups=3), pointwise[..., None, None]
    )
    assert_close(actual, grouped, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", ["pointwise", "separable"])
def test_passes_gradcheck(name: str) -> None:
    x = ramp(1, 2, 3, 2, dtype=torch.float64).requires_grad_()
    w = ramp(3, 2, dtype=torch.float64).requires_grad_()
    if name == "pointwise":
        b = ramp(3, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(inception.pointwise_conv, (x, w, b))
    else:
        d = ramp(2, 1, 3, 3, dtype=torch.float64).requires_grad_()
        assert torch.autograd.gradcheck(inception.separable_conv, (x, d, w))


@given(data=st.data())
def test_savings_are_the_multiply_adds_of_the_layers(data: st.DataObject) -> None:
    c, k, r, h, w = (data.draw(st.integers(1, 9)) for _ in range(5))
    size = data.draw(st.sampled_from([1, 3, 5, 7]))
    large = nn.Conv2d(c, k, size, padding=size // 2)
    by_way = nn.Sequential(nn.Conv2d(c, r, 1), nn.Conv2d(r, k, size, padding=size // 2))
    expected = tuple(
        sum(row.multiply_adds for row in layer_table(model, (c, h, w)))
        for model in (nn.Sequential(large), by_way)
    )
    actual = inception.reduction_savings(c, k, reduced=r, kernel_size=size, size=(h, w))
    assert actual == expected


def orthogonal_channels(count: int) -> Tensor:
    """(1, count, 4, 8): channels of equal strength, mean 0, orthogonal to one another."""
    angle = 2 * math.pi * torch.arange(32, dtype=torch.float64) / 32
    waves = [f((i // 2 + 1) * angle) for i, f in enumerate([torch.cos, torch.sin] * 8)]
    return torch.stack(waves[:count]).reshape(1, count, 4, 8)


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_the_effective_rank_of_equal_orthogonal_channels_is_their_number(count: int) -> None:
    x = orthogonal_channels(count)
    assert inception.effective_rank(x) == pytest.approx(count)
    # Neither scale, nor constants, nor copies, nor a rotation of the channels change it.
    assert inception.effective_rank(1e-3 * x + 7) == pytest.approx(count)
    assert inception.effective_rank(torch.cat([x, x, x], dim=1)) == pytest.approx(count)
    rotation, _ = torch.linalg.qr(ramp(count, count, dtype=torch.float64))
    assert inception.effective_rank(inception.pointwise_conv(x, rotation)) == pytest.approx(count)


def test_the_effective_rank_is_the_formula_over_singular_values() -> None:
    x = ramp(3, 6, 5, 4) * torch.tensor([1.0, 2.0, 0.1, 3.0, 0.5, 1.0]).reshape(1, 6, 1, 1) ** 2
    x = x + torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    points = x.permute(0, 2, 3, 1).reshape(-1, 6).double().numpy()
    s = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    p = s / s.sum()
    assert inception.effective_rank(x) == pytest.approx(float(np.exp(-(p * np.log(p)).sum())))


def test_a_reduction_to_fewer_channels_than_the_effective_rank_must_lose() -> None:
    x = orthogonal_channels(6)
    points = x.movedim(1, -1).flatten(end_dim=-2)
    _, s, _ = torch.linalg.svd(points, full_matrices=False)
    # Eckart and Young: the best rank-4 approximation leaves the two last singular values.
    kept = (s[:4] ** 2).sum() / (s**2).sum()
    assert kept.item() == pytest.approx(4 / 6)


def test_constant_channels_have_no_rank() -> None:
    assert inception.effective_rank(torch.full((2, 3, 4, 5), 2.5)) == 0.0


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_agrees(device: torch.device) -> None:
    torch.manual_seed(0)
    module, x = inception.InceptionModule(3, **WIDTHS), ramp(2, 3, 7, 5)
    expected = module(x)
    # float32 sums of up to 75 products, in another order; cudnn may use TF32.
    assert_close(module.to(device)(x.to(device)).cpu(), expected, rtol=1e-2, atol=1e-2)
    assert inception.effective_rank(x.to(device)) == pytest.approx(inception.effective_rank(x))


IMAGE, LOGITS, LABELS = torch.ones(1, 3, 2, 2), torch.zeros(2, 5), torch.zeros(2).long()


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (
            lambda: inception.InceptionModule(3, **{**WIDTHS, "ch5x5": 0}),
            ["(3, 2, 3, 4, 1, 0, 6)", "1 or more"],
        ),
        (lambda: inception.AuxiliaryHead(0, 5), ["in_channels=0", "1 or more"]),
        (lambda: inception.AuxiliaryHead(5, 0), ["num_classes=0", "1 or more"]),
        (
            lambda: inception.googlenet_loss(LOGITS, LOGITS[:, :4], None, LABELS),
            ["(2, 4)", "(2, 5)", "(N, K)"],
        ),
        (lambda: inception.googlenet_loss(LOGITS, None, None, LABELS[:1]), ["(1,)", "(N,)"]),
        (lambda: inception.googlenet_loss(IMAGE, None, None, LABELS), ["(1, 3, 2, 2)", "(N, K)"]),
        (lambda: inception.pointwise_conv(IMAGE, torch.ones(4, 2)), ["(4, 2)", "(K, C)"]),
        (
            lambda: inception.pointwise_conv(IMAGE, torch.ones(4, 3, 3, 3)),
            ["(4, 3, 3, 3)", "(K, C)"],
        ),
        (
            lambda: inception.pointwise_conv(IMAGE, torch.ones(4, 3), torch.ones(3)),
            ["b (3,)", "(K,)"],
        ),
        (lambda: inception.pointwise_conv(IMAGE[0], torch.ones(4, 3)), ["(3, 2, 2)", "(N, C"]),
        (
            lambda: inception.reduction_savings(4, 4, reduced=0, kernel_size=3, size=(2, 2)),
            ["reduced=0", "1 or more"],
        ),
        (
            lambda: inception.separable_conv(IMAGE, torch.ones(3, 1, 2, 2), torch.ones(4, 3)),
            ["(3, 1, 2, 2)", "k odd"],
        ),
        (
            lambda: inception.separable_conv(IMAGE, torch.ones(3, 3, 3, 3), torch.ones(4, 3)),
            ["(3, 3, 3, 3)", "(3, 1, k, k)"],
        ),
        (lambda: inception.effective_rank(torch.ones(3, 4)), ["(3, 4)", "(N, C, H, W)"]),
        (lambda: inception.effective_rank(torch.ones(0, 3, 2, 2)), ["(0, 3, 2, 2)"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
