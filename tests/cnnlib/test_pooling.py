"""torch.nn.functional is the oracle, ties, padding and not-a-number included."""

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

from cnnlib import pooling
from cnnlib.convolution import conv2d, pair

# Sums of up to 16 numbers, in two orders; a maximum is exact.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}
counts = st.integers(1, 3)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Shape of an image and options of a pooling whose window fits."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    number = st.integers(1, 3)
    options = {
        "kernel_size": kernel,
        "stride": draw(st.none() | number | st.tuples(number, number)),
        "padding": padding[0] if padding[0] == padding[1] else padding,
    }
    if kernel[0] == kernel[1] and draw(st.booleans()):
        options["kernel_size"] = kernel[0]
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    assume(all(s + 2 * p >= k for s, p, k in zip(size, padding, kernel, strict=True)))
    return (draw(counts), draw(counts), *size), options


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("ties", [False, True])
@given(data=st.data(), layout=layouts())
@settings(max_examples=50)
def test_max_pool2d_equals_torch_in_value_and_gradient_and_beyond(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    ties: bool,
    data: Any,
    layout: tuple[tuple[int, ...], dict[str, Any]],
) -> None:
    shape, options = layout
    x = draw_tensor(data, shape, dtype) - 3  # mostly below 0, where padding must not win
    x = x.round() if ties else x
    before = x.clone()
    order = 2 if dtype in (torch.float64, torch.float32) else 1
    actual = derivatives(partial(pooling.max_pool2d, **options), x, order=order)
    expected = derivatives(partial(F.max_pool2d, **options), x, order=order)
    assert torch.equal(actual[0], expected[0])
    assert actual[0].dtype == dtype
    assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), layout=layouts(), count_include_pad=st.booleans())
@settings(max_examples=50)
def test_avg_pool2d_equals_torch_in_value_and_gradient_and_beyond(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    data: Any,
    layout: tuple[tuple[int, ...], dict[str, Any]],
    count_include_pad: bool,
) -> None:
    shape, options = layout
    options = options if count_include_pad else {**options, "count_include_pad": False}
    x = draw_tensor(data, shape, dtype)
    before = x.clone()
    order = 2 if dtype in (torch.float64, torch.float32) else 1
    actual = derivatives(partial(pooling.avg_pool2d, **options), x, order=order)
    expected = derivatives(partial(F.avg_pool2d, **options), x, order=order)
    assert actual[0].dtype == dtype
    assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), n=counts, c=counts, h=st.integers(1, 5), w=st.integers(1, 5))
@settings(max_examples=30)
def test_global_avg_pool_equals_torch(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    data: Any,
    n: int,
    c: int,
    h: int,
    w: int,
) -> None:
    x = draw_tensor(data, (n, c, h, w), dtype)
    actual = derivatives(pooling.global_avg_pool, x, order=1)
    expected = derivatives(lambda x: F.adaptive_avg_pool2d(x, 1)[:, :, 0, 0], x, order=1)
    assert_close(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("ties", [False, True])
@given(data=st.data(), layout=layouts())
@settings(max_examples=50)
def test_max_pool2d_backward_equals_autograd_and_can_be_derived_again(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    dtype: torch.dtype,
    ties: bool,
    data: Any,
    layout: tuple[tuple[int, ...], dict[str, Any]],
) -> None:
    shape, options = layout
    del options["padding"]
    kh, kw = pair(options["kernel_size"], name="kernel_size", least=1)
    assume(shape[2] >= kh and shape[3] >= kw)
    x = draw_tensor(data, shape, dtype)
    x = x.round() if ties else x
    grad_out = draw_tensor(data, F.max_pool2d(x, **options).shape, dtype)

    def theirs(grad_out: Tensor) -> Tensor:
        leaf = x.detach().requires_grad_()
        y = F.max_pool2d(leaf, **options)
        return torch.autograd.grad(y, leaf, grad_out, create_graph=True)[0]

    def ours(grad_out: Tensor) -> Tensor:
        return pooling.max_pool2d_backward(grad_out, x, **options)

    actual = derivatives(ours, grad_out, order=1)
    assert actual[0].dtype == dtype
    assert_close(
        actual, derivatives(theirs, grad_out, order=1), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype]
    )


def test_hand_written_and_automatic_gradients_pass_gradcheck() -> None:
    options: dict[str, Any] = {"kernel_size": (3, 2), "stride": (1, 2)}

    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return pooling.max_pool2d(x, **options)

        @staticmethod
        def backward(ctx: Any, grad_out: Tensor) -> Tensor:
            return pooling.max_pool2d_backward(grad_out, *ctx.saved_tensors, **options)

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 5, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    average = partial(pooling.avg_pool2d, **options, padding=1, count_include_pad=False)
    for function in (ByHand.apply, partial(pooling.max_pool2d, **options, padding=1), average):
        assert torch.autograd.gradcheck(function, x)
        assert torch.autograd.gradgradcheck(function, x)


def test_pooling_worked_out_on_paper(device: str) -> None:
    x = torch.tensor([[-5, -1, -2, -7, -3], [-4, -6, -9, -8, -2], [-3, -3, -8, 0, -1]])
    x = x.to(device).float()[None, None]
    # Windows of 2 x 3, one row and two columns apart.
    options: dict[str, Any] = {"kernel_size": (2, 3), "stride": (1, 2)}
    largest = torch.tensor([[[[-1.0, -2.0], [-3.0, 0.0]]]], device=device)
    mean = torch.tensor([[[[-27.0, -31.0], [-33.0, -28.0]]]], device=device) / 6
    assert torch.equal(pooling.max_pool2d(x, **options), largest)
    assert_close(pooling.avg_pool2d(x, **options), mean)
    # A border of one: corners see one or two pixels of a window of four.
    options = {"kernel_size": 2, "padding": 1, "stride": (2, 4)}
    largest = torch.tensor([[[[-5.0, -3.0], [-3.0, 0.0]]]], device=device)
    counted = torch.tensor([[[[-5 / 4, -10 / 4], [-7 / 4, -11 / 4]]]], device=device)
    not_counted = torch.tensor([[[[-5.0, -5.0], [-3.5, -2.75]]]], device=device)
    assert torch.equal(pooling.max_pool2d(x, **options), largest)
    assert_close(pooling.avg_pool2d(x, **options), counted)
    assert_close(pooling.avg_pool2d(x, **options, count_include_pad=False), not_counted)


def test_the_first_of_equal_pixels_takes_the_gradient() -> None:
    x = torch.zeros(1, 1, 2, 4, requires_grad=True)
    pooling.max_pool2d(x, kernel_size=2).sum().backward()
    assert x.grad is not None
    expected = torch.tensor([[[[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]])
    assert torch.equal(x.grad, expected)
    by_hand = pooling.max_pool2d_backward(torch.ones(1, 1, 1, 2), x.detach(), kernel_size=2)
    assert torch.equal(by_hand, expected)


def test_not_a_number_wins_every_window_as_in_torch() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    x[..., 1, 1] = torch.nan
    assert_close(
        pooling.max_pool2d(x, kernel_size=2), F.max_pool2d(x, kernel_size=2), equal_nan=True
    )


def test_an_average_is_a_convolution_with_equal_weights() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 6, dtype=torch.float64, generator=generator)
    w = torch.full((3, 1, 3, 2), 1 / 6, dtype=torch.float64)
    options: dict[str, Any] = {"stride": (2, 1), "padding": 1}
    assert_close(
        pooling.avg_pool2d(x, kernel_size=(3, 2), **options), conv2d(x, w, groups=3, **options)
    )


def test_a_maximum_of_maxima_is_the_maximum_of_the_larger_window() -> None:
    x = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    twice = pooling.max_pool2d(pooling.max_pool2d(x, kernel_size=2), kernel_size=(2, 3))
    assert torch.equal(twice, pooling.max_pool2d(x, kernel_size=(4, 6)))


def test_an_empty_batch_gives_an_empty_batch() -> None:
    x = torch.ones(0, 2, 5, 4)
    assert pooling.max_pool2d(x, kernel_size=2).shape == (0, 2, 2, 2)
    assert pooling.avg_pool2d(x, kernel_size=2).shape == (0, 2, 2, 2)


# Adaptive polyphase sampling.


@given(
    data=st.data(),
    n=counts,
    c=counts,
    stride=st.tuples(counts, counts),
    size=st.tuples(counts, counts),
    shift=st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
)
def test_what_polyphase_sampling_keeps_moves_round_with_the_image(
    draw_tensor: Callable[..., Tensor],
    data: Any,
    n: int,
    c: int,
    stride: tuple[int, int],
    size: tuple[int, int],
    shift: tuple[int, int],
) -> None:
    shape = (n, c, size[0] * stride[0], size[1] * stride[1])
    x = draw_tensor(data, shape, torch.float64)
    norms = grids(x, stride).flatten(2).norm(dim=2).sort(dim=1, descending=True).values
    # Two grids of one norm are told apart by their place alone, which moves.
    assume(norms.shape[1] == 1 or bool((norms[:, 0] > norms[:, 1] + 1e-9).all()))
    still = pooling.polyphase_sample(x, stride=stride)
    moved = pooling.polyphase_sample(x.roll(shift, dims=(2, 3)), stride=stride)
    ways = [still.roll((a, b), dims=(2, 3)) for a in range(size[0]) for b in range(size[1])]
    for image in range(n):
        assert any(torch.equal(moved[image], way[image]) for way in ways)


def grids(x: Tensor, stride: tuple[int, int]) -> Tensor:
    sh, sw = stride
    n, c, h, w = x.shape
    return x.reshape(n, c, h // sh, sh, w // sw, sw).permute(0, 3, 5, 1, 2, 4).flatten(1, 2)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@given(data=st.data(), n=counts, c=counts, stride=st.tuples(counts, counts))
@settings(max_examples=30)
def test_polyphase_sampling_keeps_one_whole_grid_of_each_image_and_its_gradient(
    draw_tensor: Callable[..., Tensor],
    dtype: torch.dtype,
    data: Any,
    n: int,
    c: int,
    stride: tuple[int, int],
) -> None:
    x = draw_tensor(data, (n, c, 2 * stride[0], 3 * stride[1]), dtype)
    leaf = x.clone().requires_grad_()
    y = pooling.polyphase_sample(leaf, stride=stride)
    assert y.dtype == dtype
    candidates = grids(x, stride)
    norms = candidates.double().flatten(2).norm(dim=2)
    for image in range(n):
        kept = [bool(torch.equal(y[image], grid)) for grid in candidates[image]]
        assert max(norms[image][torch.tensor(kept)]) >= norms[image].max() * (1 - 1e-2)
    (gradient,) = torch.autograd.grad(y.sum(), leaf)
    assert gradient.sum().item() == y.numel()
    assert set(gradient.flatten().tolist()) <= {0.0, 1.0}


def test_the_first_grid_wins_a_tie_and_channels_stay_together(device: str) -> None:
    x = torch.tensor([[[[1.0, -2.0, 1.0, 0.0]], [[3.0, 0.0, 0.0, 3.0]]]], device=device)
    # Sums of squares: 1 + 1 + 9 in the even columns, 4 + 9 in the odd ones.
    odd = pooling.polyphase_sample(x, stride=(1, 2))
    assert odd.tolist() == [[[[-2.0, 0.0]], [[0.0, 3.0]]]]
    tied = torch.tensor([[[[1.0, -1.0], [-1.0, 1.0]]]], device=device)
    assert pooling.polyphase_sample(tied, stride=2).item() == 1.0


def test_a_network_with_strides_can_keep_every_answer_under_circular_shifts() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 1, 8, 8, dtype=torch.float64, generator=generator)
    weight = torch.randn(6, 1, 3, 3, dtype=torch.float64, generator=generator)

    def sampled(x: Tensor) -> Tensor:
        features = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), weight).relu()
        return pooling.global_avg_pool(pooling.polyphase_sample(features, stride=2))

    for shift in [(0, 1), (1, 0), (3, 5)]:
        assert_close(sampled(x.roll(shift, dims=(2, 3))), sampled(x))


# Shift consistency.


def brightest_column(x: Tensor) -> Tensor:
    return x.sum(dim=(1, 2))


def test_shift_consistency_counts_unchanged_predictions(device: str) -> None:
    # Columns 0, 1, 2 and 2 are the brightest. Two to the right, (0, 0, 3) keeps class 2; one to
    # the left, (4, 0, 0) keeps class 0; the rest change.
    x = torch.tensor([[5, 4, 0], [0, 5, 1], [3, 0, 5], [0, 0, 5]], device=device).float()
    x = x[:, None, None]
    shares = {(0, 0): 1.0, (0, 1): 0.0, (0, 2): 0.25, (0, -1): 0.25}
    for shift, share in shares.items():
        assert pooling.shift_consistency(brightest_column, x, shift=shift) == share, shift


def test_a_shift_is_down_and_right_and_one_number_is_both() -> None:
    x = torch.arange(1.0, 13.0).reshape(1, 1, 3, 4)
    seen = []

    def model(images: Tensor) -> Tensor:
        seen.append(images)
        return images.flatten(1)

    shifts: list[int | tuple[int, int]] = [(1, -2), 1]
    for shift in shifts:
        pooling.shift_consistency(model, x, shift=shift)
    assert torch.equal(seen[1][0, 0], torch.tensor([[0.0, 0, 0, 0], [3, 4, 0, 0], [7, 8, 0, 0]]))
    assert torch.equal(seen[3][0, 0], torch.tensor([[0.0, 0, 0, 0], [0, 1, 2, 3], [0, 5, 6, 7]]))
    assert torch.equal(seen[0], x)


def test_global_pooling_makes_a_network_deaf_to_shifts_that_lose_nothing(
    measured: Callable[..., None],
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = F.pad(torch.randn(20, 1, 4, 4, generator=generator), (3, 3, 3, 3))
    torch.manual_seed(0)
    convolution, head = nn.Conv2d(1, 8, 3, bias=False), nn.Linear(8, 5)
    flat = nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(8 * 64, 5))

    def pooled(x: Tensor) -> Tensor:
        return head(pooling.global_avg_pool(convolution(x).relu()))

    assert pooling.shift_consistency(pooled, x, shift=1) == 1.0
    measured("kept by the flat one", pooling.shift_consistency(flat, x, shift=1), at_most=0.9)


X = torch.ones(2, 3, 5, 4)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        *(
            (partial(function, x, **cast(dict[str, Any], options)), names)
            for function in (pooling.max_pool2d, pooling.avg_pool2d)
            for x, options, names in [
                (X, {"kernel_size": (5, 5)}, ["(2, 3, 5, 4)", "(5, 5)"]),
                (X, {"kernel_size": (6, 1)}, ["(2, 3, 5, 4)", "(6, 1)"]),
                (X[0], {"kernel_size": 2}, ["(3, 5, 4)", "(N, C, H, W)"]),
                (X, {"kernel_size": 0}, ["kernel_size is 0", "1 or more"]),
                (X, {"kernel_size": 2, "stride": 0}, ["stride is 0", "1 or more"]),
                (X, {"kernel_size": 2, "padding": -1}, ["padding is -1", "0 or more"]),
                (X, {"kernel_size": 3, "padding": 2}, ["padding is 2", "half", "(3, 3)"]),
                (X, {"kernel_size": (1, 2), "padding": 1}, ["padding is 1", "half", "(1, 2)"]),
                (X, {"kernel_size": (2, 1), "padding": 1}, ["padding is 1", "half", "(2, 1)"]),
            ]
        ),
        (lambda: pooling.global_avg_pool(X[0]), ["(3, 5, 4)", "(N, C, H, W)"]),
        (lambda: pooling.global_avg_pool(X[:, :, :0]), ["(2, 3, 0, 4)", "pixels"]),
        (
            lambda: pooling.max_pool2d_backward(X, X, kernel_size=2),
            ["grad_out", "(2, 3, 5, 4)", "(2, 3, 2, 2)"],
        ),
        (lambda: pooling.max_pool2d_backward(X, X, kernel_size=(6, 1)), ["5, 4)", "(6, 1)"]),
        (lambda: pooling.max_pool2d_backward(X, X, kernel_size=(1, 5)), ["5, 4)", "(1, 5)"]),
        (lambda: pooling.max_pool2d_backward(X, X[0], kernel_size=1), ["(3, 5, 4)", "(N, C"]),
        (lambda: pooling.max_pool2d_backward(X, X, kernel_size=1, stride=0), ["stride is 0"]),
        (lambda: pooling.polyphase_sample(X, stride=2), ["(2, 3, 5, 4)", "(2, 2)"]),
        (lambda: pooling.polyphase_sample(X, stride=(5, 3)), ["(2, 3, 5, 4)", "(5, 3)"]),
        (lambda: pooling.polyphase_sample(X[0], stride=1), ["(3, 5, 4)", "(N, C, H, W)"]),
        (lambda: pooling.polyphase_sample(X, stride=0), ["stride is 0", "1 or more"]),
        (lambda: pooling.shift_consistency(torch.sum, X, shift=(5, 0)), ["(5, 0)", "5 x 4"]),
        (lambda: pooling.shift_consistency(torch.sum, X, shift=-4), ["-4", "5 x 4"]),
        (lambda: pooling.shift_consistency(torch.sum, X[:0], shift=1), ["(0, 3, 5, 4)", "(N, C"]),
        (lambda: pooling.shift_consistency(torch.sum, X[0], shift=1), ["(3, 5, 4)", "(N, C"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
