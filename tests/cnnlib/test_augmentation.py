"""torchvision is the oracle where it has the change; elsewhere laws of the paper's definition."""

import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, cast

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.testing import assert_close

from cnnlib import augmentation as aug

# Of values from 0 to 1: coordinates and blends of a few roundings.
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float16: 2e-3}
sides = st.integers(1, 6)
Images = Callable[[Tensor], Tensor]


def seeded(seed: int, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


@pytest.fixture(scope="session")
def draw_images(draw_tensor: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Give a function that draws images with values from 0 to 1."""

    def draw(data: Any, channels: int, dtype: torch.dtype = torch.float64) -> Tensor:
        shape = (data.draw(st.integers(1, 3)), channels, data.draw(sides), data.draw(sides))
        return draw_tensor(data, shape, dtype).abs().clamp(max=1)

    return draw


# Geometry against torchvision.


def geometry(torchvision: ModuleType, name: str, amount: float) -> tuple[Images, Images]:
    """Our function and torchvision's, of images alone."""
    theirs = torchvision.transforms.functional
    bilinear = torchvision.transforms.InterpolationMode.BILINEAR
    if name == "rotate":
        return partial(aug.rotate, degrees=amount), partial(
            theirs.rotate, angle=amount, interpolation=bilinear
        )
    if name == "zoom":
        factor = 2.0 ** (amount / 100)
        return partial(aug.zoom, factor=factor), partial(
            theirs.affine,
            angle=0.0,
            translate=[0, 0],
            scale=factor,
            shear=[0.0, 0.0],
            interpolation=bilinear,
        )
    return getattr(aug, name), theirs.hflip if name == "horizontal_flip" else theirs.vflip


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("name", ["horizontal_flip", "vertical_flip", "rotate", "zoom"])
@given(data=st.data(), amount=st.floats(-200, 200).map(lambda a: round(a, 2)))
@settings(max_examples=40)
def test_geometry_equals_torchvision_in_value_and_gradient(
    torchvision: ModuleType,
    draw_images: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    name: str,
    dtype: torch.dtype,
    data: Any,
    amount: float,
) -> None:
    x = draw_images(data, data.draw(st.sampled_from([1, 3])), dtype)
    before = x.clone()
    ours, theirs = geometry(torchvision, name, amount)
    actual, expected = derivatives(ours, x, order=1), derivatives(theirs, x, order=1)
    assert actual[0].dtype == dtype
    # torchvision finds its positions in float32, to some 1e-6 of a pixel.
    assert_close(actual, expected, rtol=0, atol=1e-4)
    assert torch.equal(x, before)


@given(data=st.data(), aligned=st.booleans())
@settings(max_examples=50)
def test_bilinear_sample_equals_grid_sample_in_value_and_gradient(
    draw_tensor: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    data: Any,
    aligned: bool,
) -> None:
    n, h, w = data.draw(st.integers(1, 3)), data.draw(sides), data.draw(sides)
    x = draw_tensor(data, (n, 2, h, w))
    down, right = (3 * draw_tensor(data, (n, 4, 5)) for _ in range(2))
    if aligned:  # exactly on pixels or between two: the weights are 0, 1/2 or 1
        down, right = down.round() / 2 + 1e-9, right.round() / 2 + 1e-9

    def theirs(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
        grid = torch.stack([right * 2 / w, down * 2 / h], dim=-1)
        return F.grid_sample(x, grid, align_corners=False)

    assert_close(
        derivatives(aug.bilinear_sample, x, down, right, order=1),
        derivatives(theirs, x, down, right, order=1),
        rtol=1e-7,
        atol=1e-7,
    )


def test_quarter_turns_are_those_of_rot90(device: str) -> None:
    x = torch.rand(2, 3, 5, 5, generator=seeded(0), dtype=torch.float64).to(device)
    for quarters in range(-2, 4):
        assert_close(aug.rotate(x, 90.0 * quarters), x.rot90(quarters, (2, 3)))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_half_precision_loses_no_position(dtype: torch.dtype, device: str) -> None:
    # 300 pixels: half precision cannot even number them all.
    x = torch.rand(1, 1, 2, 300, generator=seeded(0)).to(device, dtype)
    for change in (partial(aug.rotate, degrees=7.0), partial(aug.zoom, factor=1.3)):
        y = change(x)
        assert y.dtype == dtype
        assert_close(y.double(), change(x.double()), rtol=0, atol=4 * TOLERANCE[dtype])


def test_no_change_is_exactly_none(device: str) -> None:
    x = torch.rand(2, 3, 4, 7, generator=seeded(0)).to(device)
    for y in (
        aug.rotate(x, 0.0),
        aug.zoom(x, 1.0),
        aug.adjust_brightness(x, 1.0),
        aug.add_noise(x, std=0.0, generator=seeded(0)),
        aug.elastic_deform(x, alpha=0.0, sigma=3.0, generator=seeded(0)),
        aug.random_crop(x, (4, 7), generator=seeded(0)),
        aug.horizontal_flip(aug.horizontal_flip(x)),
        aug.vertical_flip(aug.vertical_flip(x)),
    ):
        assert torch.equal(y, x)
    for adjust in (aug.adjust_contrast, aug.adjust_saturation):
        assert_close(adjust(x, 1.0), x)


def test_zoom_by_three_shows_the_middle_third() -> None:
    x = torch.arange(27.0).reshape(1, 1, 3, 9) / 27
    y = aug.zoom(x, 3.0)
    assert_close(y[0, 0, 1, 1::3], x[0, 0, 1, 3:6])
    # Made smaller, the image has a border of 0.
    small = aug.zoom(torch.ones(1, 1, 9, 9), 1 / 3)
    assert small[0, 0, 3:6, 3:6].eq(1).all()
    assert small.sum() == 9


# Colour against torchvision.

ADJUST = ["adjust_brightness", "adjust_contrast", "adjust_saturation"]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [*ADJUST, "to_grey"])
@given(data=st.data(), factor=st.sampled_from([0.0, 0.3, 1.0, 1.7, 4.0]))
@settings(max_examples=15)
def test_colour_equals_torchvision_in_value_and_gradient(
    torchvision: ModuleType,
    draw_images: Callable[..., Tensor],
    derivatives: Callable[..., list[Tensor]],
    name: str,
    channels: int,
    dtype: torch.dtype,
    data: Any,
    factor: float,
) -> None:
    x = draw_images(data, channels, dtype)
    before = x.clone()
    functional = torchvision.transforms.functional
    if name == "to_grey":
        ours, theirs = aug.to_grey, functional.rgb_to_grayscale
    else:
        ours = partial(getattr(aug, name), factor=factor)
        theirs = partial(getattr(functional, name), **{f"{name.split('_')[1]}_factor": factor})
    order = 1 if dtype == torch.float64 else 0
    if order:
        x = 0.1 + 0.8 * x  # where the cut at 0 and 1 begins, the gradient is a matter of rounding
    actual, expected = derivatives(ours, x, order=order), derivatives(theirs, x, order=order)
    assert actual[0].dtype == dtype
    tolerance = TOLERANCE[dtype] * max(1.0, factor)
    assert_close(actual, expected, rtol=tolerance, atol=tolerance)
    if not order:
        assert torch.equal(x, before)


def test_colour_worked_out_on_paper() -> None:
    x = torch.tensor([[0.2, 1.0], [0.0, 0.5], [0.6, 0.0]]).reshape(1, 3, 1, 2)
    grey = torch.tensor([0.2989 * 0.2 + 0.114 * 0.6, 0.2989 + 0.587 * 0.5])  # 0.12818, 0.5924
    assert_close(aug.to_grey(x).flatten(), grey)
    assert_close(aug.adjust_brightness(x, 2.0), (2 * x).clamp(max=1))
    assert_close(aug.adjust_contrast(x, 0.5), 0.5 * x + 0.5 * grey.mean())
    assert_close(aug.adjust_saturation(x, 0.5), 0.5 * x + 0.5 * grey)


def test_contrast_is_adjusted_image_by_image() -> None:
    x = torch.rand(4, 3, 5, 6, generator=seeded(0))
    alone = torch.cat([aug.adjust_contrast(image[None], 0.3) for image in x])
    assert_close(aug.adjust_contrast(x, 0.3), alone)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_jitter_of_one_property_is_an_adjustment_drawn_for_each_image(
    device: str, name: str
) -> None:
    x = 0.4 + 0.2 * torch.rand(400, 3, 2, 3, generator=seeded(0), dtype=torch.float64).to(device)
    amounts = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, name: 0.5}
    y = aug.color_jitter(x, **amounts, generator=seeded(1))
    none = getattr(aug, f"adjust_{name}")(x, 0.0)
    # y = factor x + (1 - factor) none, so every pixel of an image gives the same factor.
    factor = ((y - none) * (x - none)).sum(dim=(1, 2, 3)) / (x - none).square().sum(dim=(1, 2, 3))
    assert_close(y, factor[:, None, None, None] * (x - none) + none)
    # Uniform on [0.5, 1.5]: mean 1, standard deviation 0.289, and 400 draws of it.
    assert 0.5 <= factor.min() < 0.52
    assert 1.48 < factor.max() <= 1.5
    assert factor.mean().item() == pytest.approx(1.0, abs=0.06)


def test_jitter_draws_no_factor_below_zero_and_stays_within_zero_and_one() -> None:
    x = torch.rand(500, 3, 2, 2, generator=seeded(0))
    options = {"brightness": 3.0, "contrast": 3.0, "saturation": 3.0}
    y = aug.color_jitter(x, **options, generator=seeded(1))
    assert y.min() >= 0
    assert y.max() <= 1
    dark = aug.color_jitter(x, brightness=3.0, contrast=0.0, saturation=0.0, generator=seeded(1))
    # A factor from [0, 4], and not from [-2, 4] cut at 0, of which a third would be black.
    assert (dark.amax(dim=(1, 2, 3)) == 0).double().mean() < 0.02


# Draws.


@given(
    data=st.data(),
    padding=st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)),
    seed=st.integers(0, 99),
)
@settings(max_examples=50)
def test_every_crop_is_a_window_of_its_own_image(
    draw_images: Callable[..., Tensor],
    data: Any,
    padding: int | tuple[int, int],
    seed: int,
) -> None:
    x = draw_images(data, 2)
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    padded = F.pad(x, (pw, pw, ph, ph))
    size = (
        data.draw(st.integers(1, padded.shape[2])),
        data.draw(st.integers(1, padded.shape[3])),
    )
    y = aug.random_crop(x, size, padding=padding, generator=seeded(seed))
    windows = padded.unfold(2, size[0], 1).unfold(3, size[1], 1)  # N, C, rows, columns, *size
    same = (windows == y[:, :, None, None]).all(dim=(1, 4, 5))
    assert same.flatten(1).any(dim=1).all()


def test_crops_are_drawn_evenly_and_for_each_image_alone(device: str) -> None:
    # A pixel's value is its position, so a crop of one pixel says where it was taken.
    x = torch.arange(12.0).reshape(1, 1, 3, 4).expand(6000, 1, 3, 4).to(device)
    y = aug.random_crop(x, 1, generator=seeded(0))
    counts = torch.bincount(y.flatten().long().cpu(), minlength=12)
    # 500 expected each; six standard deviations of a binomial are 129.
    assert (counts - 500).abs().max() < 129


def test_noise_has_the_spread_asked_for_and_no_bias(device: str) -> None:
    x = torch.zeros(100, 1, 20, 30, device=device)
    noise = aug.add_noise(x, std=0.3, generator=seeded(0))
    # 60,000 draws: four standard deviations of their mean and of their spread.
    assert noise.mean().item() == pytest.approx(0, abs=4 * 0.3 / 6e4**0.5)
    assert noise.std().item() == pytest.approx(0.3, abs=4 * 0.3 / 12e4**0.5)
    assert noise.double().pow(4).mean().item() == pytest.approx(3 * 0.3**4, rel=0.05)  # Gaussian


def test_elastic_deformation_is_that_of_its_paper_read_by_torchvision(
    torchvision: ModuleType, device: str
) -> None:
    x = torch.rand(3, 2, 9, 14, generator=seeded(0), dtype=torch.float64).to(device)
    alpha, sigma = 20.0, 2.5
    y = aug.elastic_deform(x, alpha=alpha, sigma=sigma, generator=seeded(7))
    field = torch.rand(2, 3, 9, 14, generator=seeded(7)).double() * 2 - 1
    for i in range(3):
        # A Gaussian average over the pixels that the image has.
        smooth = partial(gaussian_filter, sigma=sigma, mode="constant", truncate=20)
        down, right = (
            torch.tensor(
                alpha * smooth(field[axis, i].numpy()) / smooth(torch.ones(9, 14).double())
            )
            for axis in (0, 1)
        )
        assert down.abs().max() > 0.5  # or the test would compare images that hardly differ
        displacement = torch.stack([right * 2 / 14, down * 2 / 9], dim=-1)[None].to(device)
        expected = torchvision.transforms.functional.elastic_transform(x[i : i + 1], displacement)
        assert_close(y[i : i + 1], expected, rtol=0, atol=1e-5)


def test_elastic_deformation_is_smooth_and_differs_between_images() -> None:
    ramp = torch.arange(32.0).expand(2, 1, 32, 32) / 32
    deform = partial(aug.elastic_deform, ramp, alpha=30.0, generator=seeded(0))
    rough, smooth = deform(sigma=1.0), deform(sigma=6.0)
    assert not torch.equal(smooth[0], smooth[1])
    inside = (..., slice(8, -8), slice(8, -8))
    bends = [(y[inside] - ramp[inside]).diff(dim=2).abs().mean() for y in (rough, smooth)]
    assert bends[1] < bends[0] / 10


@given(data=st.data(), seed=st.integers(0, 99))
@settings(max_examples=50)
def test_cutout_erases_one_square_of_each_image(
    draw_images: Callable[..., Tensor], data: Any, seed: int
) -> None:
    x = draw_images(data, 3) + 1
    size = data.draw(st.integers(1, min(x.shape[2:])))
    y = aug.cutout(x, size=size, generator=seeded(seed))
    erased = y == 0
    assert torch.equal(torch.where(erased, x, y), x)
    assert torch.equal(erased, erased[:, :1].expand_as(erased))  # the same in every channel
    for image in erased[:, 0]:
        rows, columns = image.any(dim=1).nonzero(), image.any(dim=0).nonzero()
        assert image.sum() == len(rows) * len(columns)
        # From a bit less than half of the square, at the border, to all of it.
        assert size // 2 <= len(rows) <= size
        assert size // 2 <= len(columns) <= size
        assert rows.max() - rows.min() + 1 == len(rows)
        assert columns.max() - columns.min() + 1 == len(columns)


def test_the_centre_of_a_cutout_may_be_any_pixel(device: str) -> None:
    x = torch.ones(6000, 1, 3, 4, device=device)
    erased = aug.cutout(x, size=1, generator=seeded(0)) == 0
    # 500 expected each; six standard deviations of a binomial are 129.
    assert (erased.sum(dim=(0, 1)) - 500).abs().max() < 129
    # Of a square of two pixels at one of three rows, 1 + 2 + 2 rows of three lie inside.
    wide = aug.cutout(x, size=2, generator=seeded(0)) == 0
    assert wide.double().sum().item() / 6000 == pytest.approx(5 / 3 * 7 / 4, rel=0.02)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixup_blends_pairs_with_shares_from_beta(device: str, alpha: float) -> None:
    n = 2000
    x = torch.arange(float(n), dtype=torch.float64, device=device).reshape(n, 1, 1, 1)
    x = x.expand(n, 2, 1, 3)
    target = torch.eye(n, dtype=torch.float64, device=device)
    mixed, labels = aug.mixup(x, target, alpha=alpha, generator=seeded(0))
    # With one-hot labels that number the images, the blended label says what the image must be.
    assert_close(mixed[:, 0, 0, 0], labels @ x[:, 0, 0, 0])
    assert torch.equal(mixed, mixed[:, :1, :, :1].expand_as(mixed))
    assert_close(labels.sum(dim=1), torch.ones(n, dtype=torch.float64, device=device))
    assert (labels > 0).sum(dim=1).max() == 2
    share = labels.diagonal()
    # Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)).
    assert share.mean().item() == pytest.approx(0.5, abs=0.03)
    assert share.var().item() == pytest.approx(1 / (8 * alpha + 4), rel=0.1)
    # Every image is the partner of one image at most, and seldom its own.
    assert (labels > 0).sum(dim=0).max() == 2
    assert (labels > 0).sum() > 1.7 * n


RANDOM: dict[str, Callable[..., Any]] = {
    "random_crop": partial(aug.random_crop, size=(2, 3), padding=1),
    "color_jitter": partial(aug.color_jitter, brightness=0.3, contrast=0.3, saturation=0.3),
    "add_noise": partial(aug.add_noise, std=0.5),
    "elastic_deform": partial(aug.elastic_deform, alpha=9.0, sigma=1.5),
    "cutout": partial(aug.cutout, size=2),
    "mixup": partial(aug.mixup, target=torch.eye(5), alpha=1.0),
}


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_alone_decides_and_the_images_stay(name: str) -> None:
    x = torch.rand(5, 3, 4, 6, generator=seeded(0))
    before, change = x.clone(), RANDOM[name]
    draws = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        draws.append(change(x, generator=seeded(5)))
    assert_close(draws[0], draws[1], rtol=0, atol=0)
    other = change(x, generator=seeded(6))
    first, second = (draw[0] if name == "mixup" else draw for draw in (draws[0], other))
    assert not torch.equal(first, second)
    assert torch.equal(x, before)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("name", [n for n in RANDOM if n != "mixup"])
def test_a_gradient_flows_back_to_the_images_in_every_dtype(
    device: str, name: str, dtype: torch.dtype
) -> None:
    x = torch.rand(5, 3, 4, 6, generator=seeded(0)).to(device, dtype).mT.contiguous().mT
    leaf = x.detach().requires_grad_()
    y = RANDOM[name](leaf, generator=seeded(5))
    assert y.dtype == dtype
    assert y.device == x.device
    # All of them are piecewise linear in the image: a step along x changes y by grad . x.
    (gradient,) = torch.autograd.grad(y.double().sum(), leaf)
    assert gradient.abs().sum() > 0
    if name in ("random_crop", "elastic_deform", "cutout"):
        total = (gradient.double() * x.double()).sum()
        assert_close(total, y.double().sum(), rtol=10 * TOLERANCE[dtype], atol=0)


# Augment and labels.


def test_augment_applies_its_steps_in_order_and_in_training_only() -> None:
    x = torch.rand(2, 1, 3, 4, generator=seeded(0))
    augment = aug.Augment([lambda x: x + 1, lambda x: 2 * x])
    model = torch.nn.Sequential(augment)
    assert torch.equal(model.train()(x), 2 * (x + 1))
    assert torch.equal(model.eval()(x), x)
    assert list(model.parameters()) == []


@pytest.mark.parametrize(
    ("flip", "survivors"), [("horizontal", {0, 1, 8}), ("vertical", {0, 1, 3, 8})]
)
def test_these_digits_survive_a_flip(flip: str, survivors: set[int]) -> None:
    assert {digit for digit in range(10) if aug.label_preserving(flip, digit)} == survivors


X, G = torch.ones(2, 3, 4, 5), torch.Generator()
EYE = torch.eye(2)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        *(
            (partial(change, X[0]), ["(3, 4, 5)", "(N, C, H, W)"])
            for change in (
                aug.horizontal_flip,
                aug.vertical_flip,
                partial(aug.random_crop, size=1, generator=G),
                aug.pixel_offsets,
                partial(aug.bilinear_sample, down=torch.ones(1, 1), right=torch.ones(1, 1)),
                partial(aug.rotate, degrees=1.0),
                partial(aug.zoom, factor=1.0),
                partial(aug.elastic_deform, alpha=1.0, sigma=1.0, generator=G),
                partial(aug.cutout, size=1, generator=G),
                partial(aug.mixup, target=torch.eye(3), alpha=1.0, generator=G),
            )
        ),
        *(
            (partial(change, X[:, :2]), ["(2, 2, 4, 5)", "(N, 1, H, W)"])
            for change in (
                aug.to_grey,
                partial(aug.adjust_contrast, factor=1.0),
                partial(aug.adjust_saturation, factor=1.0),
                partial(aug.color_jitter, brightness=0, contrast=0, saturation=0, generator=G),
            )
        ),
        *(
            (partial(getattr(aug, name), X, -0.5), ["factor is -0.5", "0 or more"])
            for name in ADJUST
        ),
        (lambda: aug.random_crop(X, (5, 5), generator=G), ["(2, 3, 4, 5)", "(5, 5)"]),
        (lambda: aug.random_crop(X, (4, 8), padding=1, generator=G), ["padding 1", "(4, 8)"]),
        (lambda: aug.random_crop(X, 0, generator=G), ["size is 0", "1 or more"]),
        (lambda: aug.random_crop(X, 1, padding=-1, generator=G), ["padding is -1", "0 or more"]),
        (lambda: aug.bilinear_sample(X, EYE[0], EYE[0]), ["(2,)", "(H', W')"]),
        (lambda: aug.rotate(X, float("nan")), ["nan", "finite"]),
        (lambda: aug.zoom(X, 0.0), ["0.0", "above 0"]),
        (lambda: aug.zoom(X, float("inf")), ["inf", "finite"]),
        (
            lambda: aug.color_jitter(X, brightness=0, contrast=-1, saturation=0, generator=G),
            ["contrast", "(0, -1, 0)", "0 or more"],
        ),
        (lambda: aug.add_noise(X, std=-0.1, generator=G), ["std is -0.1", "0 or more"]),
        (
            lambda: aug.elastic_deform(X, alpha=-1.0, sigma=1.0, generator=G),
            ["alpha is -1.0", "0 or more"],
        ),
        (
            lambda: aug.elastic_deform(X, alpha=1.0, sigma=0.0, generator=G),
            ["sigma 0.0", "above 0"],
        ),
        (lambda: aug.cutout(X, size=0, generator=G), ["size is 0", "1..min(H, W)"]),
        (lambda: aug.cutout(X, size=5, generator=G), ["size is 5", "1..min(H, W)"]),
        (lambda: aug.mixup(X, EYE, alpha=0.0, generator=G), ["alpha is 0.0", "above 0"]),
        (
            lambda: aug.mixup(X, torch.tensor([0, 1]), alpha=1.0, generator=G),
            ["(2,)", "one-hot"],
        ),
        (lambda: aug.mixup(X, EYE.long(), alpha=1.0, generator=G), ["int64", "one-hot"]),
        (lambda: aug.mixup(X, EYE[:1], alpha=1.0, generator=G), ["(1, 2)", "(N, K)"]),
        (lambda: aug.mixup(X, EYE[..., None], alpha=1.0, generator=G), ["(2, 2, 1)", "(N, K)"]),
        (lambda: aug.to_grey(X.mT[:, :, 0]), ["(2, 3, 4)", "(N, 3, H, W)"]),
        (lambda: aug.Augment(cast(Any, [torch.relu, 3])), ["3", "functions of images"]),
        (lambda: aug.label_preserving("diagonal", 3), ["'diagonal'", "vertical"]),
        (lambda: aug.label_preserving("vertical", 10), ["10", "0..9"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
