"""torch.nn.functional is the oracle; equivariance, linearity and counts are the laws."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import convolution as conv

# Of the largest entry: sums of up to 72 products, in two orders.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 4e-2, torch.float16: 5e-3}
counts = st.integers(1, 3)


def assert_close_to_scale(actual: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    for ours, theirs in zip(actual, expected, strict=True):
        scale = theirs.abs().max().item() if theirs.numel() else 1.0
        assert_close(ours, theirs, rtol=tolerance, atol=tolerance * scale)


def one_or_pair(least: int, most: int) -> st.SearchStrategy[int | tuple[int, int]]:
    number = st.integers(least, most)
    return number | st.tuples(number, number)


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    """Shapes and options of a convolution whose kernel fits."""
    groups = draw(counts)
    kernel = draw(st.tuples(counts, counts))
    options = {
        "stride": draw(one_or_pair(1, 3)),
        "padding": draw(one_or_pair(0, 2)),
        "dilation": draw(one_or_pair(1, 2)),
        "groups": groups,
    }
    size = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    ph, pw = conv.pair(options["padding"], name="padding", least=0)
    dh, dw = conv.pair(options["dilation"], name="dilation", least=1)
    assume(size[0] + 2 * ph > dh * (kernel[0] - 1) and size[1] + 2 * pw > dw * (kernel[1] - 1))
    in_channels, out_channels = groups * draw(counts), groups * draw(counts)
    return {
        "x": (draw(counts), in_channels, *size),
        "w": (out_channels, in_channels // groups, *kernel),
        "b": (out_channels,),
        "options": options,
    }


# Convolution.


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), layout=layouts())
@settings(max_examples=60)
def test_conv2d_equals_torch_in_value_and_gradient_and_beyond(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    oracle: Callable[[Callable[..., Tensor]], Callable[..., Tensor]],
    dtype: torch.dtype,
    data: Any,
    layout: dict[str, Any],
) -> None:
    names = ["x", "w", "b"] if data.draw(st.booleans(), label="bias") else ["x", "w"]
    inputs = [draw_tensor(data, layout[name], dtype) for name in names]
    before = [value.clone() for value in inputs]
    # Half precision would lose the second derivatives in cancellation.
    order = 2 if dtype in (torch.float64, torch.float32) else 1
    actual = derivatives(partial(conv.conv2d, **layout["options"]), *inputs, order=order)
    expected = derivatives(partial(oracle(F.conv2d), **layout["options"]), *inputs, order=order)
    assert actual[0].dtype == dtype
    assert_close_to_scale(actual, expected, TOLERANCE[dtype] * (10 if order == 2 else 1))
    assert_close(inputs, before, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@given(data=st.data(), layout=layouts())
@settings(max_examples=20)
def test_the_loops_equal_torch_in_value_and_gradient(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    data: Any,
    layout: dict[str, Any],
) -> None:
    options = {name: layout["options"][name] for name in ("stride", "padding")}
    w = (layout["w"][0], layout["x"][1], *layout["w"][2:])
    ph, pw = conv.pair(options["padding"], name="padding", least=0)
    assume(layout["x"][2] + 2 * ph >= w[2] and layout["x"][3] + 2 * pw >= w[3])
    inputs = [draw_tensor(data, shape, dtype) for shape in (layout["x"], w, layout["b"])]
    before = [value.clone() for value in inputs]
    actual = derivatives(partial(conv.conv2d_naive, **options), *inputs, order=1)
    expected = derivatives(partial(F.conv2d, **options), *inputs, order=1)
    assert_close_to_scale(actual, expected, TOLERANCE[dtype])
    assert_close(inputs, before, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), layout=layouts())
@settings(max_examples=40)
def test_conv2d_backward_equals_autograd_and_can_be_derived_again(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    oracle: Callable[[Callable[..., Tensor]], Callable[..., Tensor]],
    dtype: torch.dtype,
    data: Any,
    layout: dict[str, Any],
) -> None:
    options = {name: layout["options"][name] for name in ("stride", "padding")}
    x = draw_tensor(data, layout["x"], dtype)
    w = draw_tensor(data, (layout["w"][0], layout["x"][1], *layout["w"][2:]), dtype)
    b = draw_tensor(data, layout["b"], dtype)
    ph, pw = conv.pair(options["padding"], name="padding", least=0)
    assume(x.shape[2] + 2 * ph >= w.shape[2] and x.shape[3] + 2 * pw >= w.shape[3])
    conv2d = partial(oracle(F.conv2d), **options)
    grad_out = draw_tensor(data, conv2d(x, w).shape, dtype)

    def theirs(grad_out: Tensor, x: Tensor, w: Tensor, *, which: int) -> Tensor:
        leaves = [value if value.requires_grad else value.requires_grad_() for value in (x, w)]
        leaves.append(b.detach().requires_grad_())
        return torch.autograd.grad(conv2d(*leaves), leaves, grad_out, create_graph=True)[which]

    def ours(grad_out: Tensor, x: Tensor, w: Tensor, *, which: int) -> Tensor:
        return conv.conv2d_backward(grad_out, x, w, **options)[which]

    order = 1 if dtype in (torch.float64, torch.float32) else 0
    for which in range(3):
        actual = derivatives(partial(ours, which=which), grad_out, x, w, order=order)
        expected = derivatives(partial(theirs, which=which), grad_out, x, w, order=order)
        assert_close_to_scale(actual, expected, TOLERANCE[dtype])


def test_conv2d_backward_passes_gradcheck() -> None:
    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
            ctx.save_for_backward(x, w)
            return conv.conv2d(x, w, b, stride=(2, 1), padding=(0, 1))

        @staticmethod
        def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return conv.conv2d_backward(grad_out, *ctx.saved_tensors, stride=(2, 1), padding=(0, 1))

    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
        for shape in [(2, 3, 5, 4), (2, 3, 3, 2), (2,)]
    ]
    assert torch.autograd.gradcheck(ByHand.apply, inputs)
    assert torch.autograd.gradgradcheck(ByHand.apply, inputs)


def test_a_convolution_worked_out_on_paper(device: str) -> None:
    x = torch.tensor([[1, -2, 0, 3], [4, 0, -1, 2], [-3, 5, 1, 0]]).to(device).float()
    w = torch.tensor([[2, -1, 0], [1, 0, -3]]).to(device).float()
    # Stride 1 down and 2 right, a column of zeros on both sides, and a bias of 10. First window:
    # rows (0, 1, -2) and (0, 4, 0) give -1 + 0; the next: (-2, 0, 3), (0, -1, 2) give -4 - 6.
    expected = torch.tensor([[[[9.0, 0.0], [-9.0, 16.0]]]], device=device)
    bias = torch.tensor([10.0], device=device)
    for function in (conv.conv2d, conv.conv2d_naive):
        y = function(x[None, None], w[None, None], bias, stride=(1, 2), padding=(0, 1))
        assert torch.equal(y, expected), function.__name__


def test_an_empty_batch_gives_an_empty_batch() -> None:
    x, w = torch.ones(0, 2, 5, 4), torch.ones(3, 2, 2, 2)
    assert conv.conv2d(x, w).shape == conv.conv2d_naive(x, w).shape == (0, 3, 4, 3)


@given(data=st.data(), down=st.integers(-2, 2), right=st.integers(-2, 2))
@settings(max_examples=20)
def test_convolution_commutes_with_shifts_away_from_the_border(
    draw_tensor: Callable[..., Tensor], data: Any, down: int, right: int
) -> None:
    x, w = draw_tensor(data, (1, 2, 9, 8)), draw_tensor(data, (3, 2, 3, 2))
    shifted = conv.conv2d(x.roll((down, right), (2, 3)), w)
    assert_close(
        shifted[..., 2:-2, 2:-2], conv.conv2d(x, w).roll((down, right), (2, 3))[..., 2:-2, 2:-2]
    )


def test_convolution_is_linear_in_image_and_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 2, 3, 5, 4, dtype=torch.float64, generator=generator)
    v, w = torch.randn(2, 4, 3, 2, 2, dtype=torch.float64, generator=generator)
    assert_close(conv.conv2d(2 * x - y, w), 2 * conv.conv2d(x, w) - conv.conv2d(y, w))
    assert_close(conv.conv2d(x, 2 * v - w), 2 * conv.conv2d(x, v) - conv.conv2d(x, w))


# Sizes, padding, matrices.


@given(
    size=st.integers(1, 12),
    kernel_size=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_output_size_is_what_torch_makes(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int
) -> None:
    options: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
    try:
        y = F.conv1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel_size), **options)
    except RuntimeError:
        with pytest.raises(ValueError, match="the window covers"):
            conv.output_size(size, kernel_size=kernel_size, **options)
    else:
        assert conv.output_size(size, kernel_size=kernel_size, **options) == y.shape[2]


@given(data=st.data(), padding=one_or_pair(0, 3), value=st.sampled_from([0.0, -1.5, float("inf")]))
def test_pad2d_equals_torch(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    data: Any,
    padding: int | tuple[int, int],
    value: float,
) -> None:
    x = draw_tensor(data, (2, 3, 1, 4))
    rows, columns = conv.pair(padding, name="padding", least=0)
    expected = F.pad(x, (columns, columns, rows, rows), value=value)
    assert torch.equal(conv.pad2d(x, padding, value=value), expected)
    if value < float("inf"):
        assert_close(
            derivatives(partial(conv.pad2d, padding=padding, value=value), x),
            derivatives(partial(F.pad, pad=(columns, columns, rows, rows), value=value), x),
        )


@given(
    data=st.data(),
    kernel=st.tuples(counts, counts),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
@settings(max_examples=30)
def test_the_matrix_of_a_convolution_times_an_image_is_its_map(
    draw_tensor: Callable[..., Tensor],
    data: Any,
    kernel: tuple[int, int],
    more: tuple[int, int],
) -> None:
    size = kernel[0] + more[0], kernel[1] + more[1]
    w, x = draw_tensor(data, kernel), draw_tensor(data, size)
    matrix = conv.conv_as_matrix(w, size)
    expected = F.conv2d(x[None, None], w[None, None])[0, 0]
    assert_close((matrix @ x.flatten()).reshape(expected.shape), expected)
    assert matrix.dtype == w.dtype
    # The transpose is what carries a gradient back.
    back = conv.conv2d_backward(expected[None, None], x[None, None], w[None, None])[0]
    assert_close((matrix.T @ expected.flatten()).reshape(size), back[0, 0])


# Counts.


@given(layout=layouts(), bias=st.booleans())
def test_conv_parameters_counts_what_torch_holds(layout: dict[str, Any], bias: bool) -> None:
    groups, (out_channels, _, kh, kw) = layout["options"]["groups"], layout["w"]
    layer = nn.Conv2d(layout["x"][1], out_channels, (kh, kw), groups=groups, bias=bias)
    expected = sum(p.numel() for p in layer.parameters())
    options = {"bias": bias, "groups": groups}
    actual = conv.conv_parameters(layout["x"][1], out_channels, kernel_size=(kh, kw), **options)
    assert actual == expected
    if bias and groups == 1 and kh == kw:  # the defaults
        assert conv.conv_parameters(layout["x"][1], out_channels, kernel_size=kh) == expected


@given(
    layers=st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 3))
        | st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
        max_size=4,
    )
)
def test_receptive_field_is_what_the_gradient_of_one_output_reaches(
    layers: list[tuple[int, ...]],
) -> None:
    x = torch.zeros(1, 1, 400, requires_grad=True)
    y = x
    for kernel_size, *rest in layers:
        stride, dilation = (*rest, 1)[:2]
        y = F.conv1d(y, torch.ones(1, 1, kernel_size), stride=stride, dilation=dilation)
    (gradient,) = torch.autograd.grad(y[0, 0, 0], x)
    reached = gradient[0, 0].nonzero().flatten()
    assert conv.receptive_field(layers) == reached.max() - reached.min() + 1


X, W = torch.ones(2, 4, 5, 6), torch.ones(6, 4, 3, 2)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (
            lambda: conv.pair(cast(Any, (1, 2, 3)), name="stride", least=1),
            ["stride", "(1, 2, 3)", "pair"],
        ),
        (
            lambda: conv.pair(cast(Any, 1.5), name="stride", least=1),
            ["stride", "1.5", "whole number"],
        ),
        (lambda: conv.pair((1, 0), name="stride", least=1), ["stride", "(1, 0)", "1 or more"]),
        (lambda: conv.output_size(5, kernel_size=0), ["kernel_size 0", "1 or more"]),
        (lambda: conv.output_size(5, kernel_size=1, stride=0), ["stride 0", "1 or more"]),
        (lambda: conv.output_size(5, kernel_size=1, padding=-1), ["padding -1", "0 or more"]),
        (lambda: conv.output_size(3, kernel_size=3, dilation=2), ["5 pixels", "has 3", "smaller"]),
        (lambda: conv.pad2d(X[0], 1), ["(4, 5, 6)", "(N, C, H, W)"]),
        (lambda: conv.pad2d(X, (0, -1)), ["padding is (0, -1)", "0 or more"]),
        *(
            (partial(function, *arguments, **cast(dict[str, Any], options)), names)
            for function in (conv.conv2d, conv.conv2d_naive)
            for arguments, options, names in [
                ((X[0], W), {}, ["(4, 5, 6)", "(6, 4, 3, 2)", "(N, C, H, W)"]),
                ((X[:, :, 0], W), {}, ["(2, 4, 6)", "(6, 4, 3, 2)", "(N, C, H, W)"]),
                ((X, W[..., 0]), {}, ["(6, 4, 3)", "(O, C"]),
                ((X, torch.ones(1, 4, 1, 7)), {}, ["1 x 7", "padded image", "6"]),
                ((X, W[0]), {}, ["(4, 3, 2)", "(O, C"]),
                ((X, W[:, :3]), {}, ["(2, 4, 5, 6)", "(6, 3, 3, 2)", "(O, C"]),
                ((X, W, torch.ones(4)), {}, ["b has shape (4,)", "(6,)"]),
                ((X, W), {"stride": 0}, ["stride is 0", "1 or more"]),
                ((X, W), {"padding": (-1, 0)}, ["padding is (-1, 0)", "0 or more"]),
                ((X, torch.ones(1, 4, 6, 1)), {}, ["6 x 1", "padded image", "5"]),
            ]
        ),
        (lambda: conv.conv2d(X, W, dilation=0), ["dilation is 0", "1 or more"]),
        (lambda: conv.conv2d(X, W, dilation=3), ["7 x 4", "5 x 6"]),
        (lambda: conv.conv2d(X, W[:, :, :0]), ["0 x 2", "5 x 6"]),
        (lambda: conv.conv2d(X, W[:, :2], groups=0), ["groups is 0", "multiples"]),
        (lambda: conv.conv2d(X, W[:5, :2], groups=2), ["(5, 2, 3, 2)", "groups is 2", "multiples"]),
        (
            lambda: conv.conv2d_backward(torch.ones(2, 6, 3, 4), X, W),
            ["(2, 6, 3, 4)", "(2, 6, 3, 5)"],
        ),
        (lambda: conv.conv2d_backward(X, X, W[:, :3]), ["(6, 3, 3, 2)", "(O, C, kh, kw)"]),
        (lambda: conv.conv2d_backward(X, X[:, :, 0], W), ["(2, 4, 6)", "(N, C, H, W)"]),
        (lambda: conv.conv2d_backward(X, X, W[..., 0]), ["(6, 4, 3)", "(O, C, kh, kw)"]),
        (lambda: conv.conv2d_backward(X, X, W, stride=0), ["stride is 0", "1 or more"]),
        (lambda: conv.conv2d_backward(X, X, W, padding=-1), ["padding is -1", "0 or more"]),
        (lambda: conv.conv_parameters(3, 0, kernel_size=1), ["out_channels 0", "1 or more"]),
        (lambda: conv.conv_parameters(3, 4, kernel_size=0), ["kernel_size is 0", "1 or more"]),
        (lambda: conv.conv_parameters(3, 4, kernel_size=1, groups=3), ["groups 3", "multiples"]),
        (lambda: conv.conv_parameters(4, 3, kernel_size=1, groups=3), ["groups 3", "multiples"]),
        (lambda: conv.receptive_field([(3, 1), (3,)]), ["(3,)", "(kernel_size, stride)"]),
        (lambda: conv.conv_as_matrix(W[0, 0], (2, 6)), ["3 x 2", "2 x 6"]),
        (lambda: conv.receptive_field([(3, 0)]), ["(3, 0)", "1 or more"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
