"""Every property of a drawn image is the one that its scene states."""

import re
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from course.datasets import render_shapes, sample_shapes, shapes
from course.datasets.shapes import CLASSES, DOMAINS, TEXTURES, Scenes


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scene(kind: str, **changes: float) -> Scenes:
    """One white shape on black, upright in the middle, plain, half as wide as the image."""
    one = Scenes(
        kind=torch.tensor([CLASSES.index(kind)]),
        texture=torch.tensor([0]),
        x=torch.zeros(1),
        y=torch.zeros(1),
        scale=torch.tensor([0.5]),
        rotation=torch.zeros(1),
        color=torch.ones(1, 3),
        background=torch.zeros(1, 3),
    )
    return replace(one, **{name: torch.tensor([value]) for name, value in changes.items()})


def mask(kind: str, *, size: int = 64, **changes: float) -> Tensor:
    return render_shapes(scene(kind, **changes), size=size)[0, 0]


def centre(image: Tensor) -> tuple[float, float]:
    """Centre of mass (x, y), from -1 to 1."""
    place = (torch.arange(len(image)) + 0.5) * 2 / len(image) - 1
    return ((image.sum(0) @ place) / image.sum()).item(), (
        (image.sum(1) @ place) / image.sum()
    ).item()


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("size", [8, 33])
def test_images_are_floats_from_zero_to_one_with_their_labels(domain: str, size: int) -> None:
    data = shapes(20, generator=generator(), size=size, domain=domain)
    assert data.images.shape == (20, 3, size, size)
    assert data.images.dtype == torch.float32
    assert data.images.min() >= 0
    assert data.images.max() <= 1
    assert data.labels.dtype == torch.int64
    assert data.classes == CLASSES
    assert set(data.labels.tolist()) <= set(range(len(CLASSES)))


def test_the_generator_alone_decides_what_is_drawn() -> None:
    torch.manual_seed(0)
    first = shapes(6, generator=generator(3), domain="noisy")
    torch.manual_seed(1)
    again = shapes(6, generator=generator(3), domain="noisy")
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.images, shapes(6, generator=generator(4), domain="noisy").images)


def test_a_domain_changes_what_images_look_like_and_not_what_they_show() -> None:
    clean = shapes(30, generator=generator())
    for domain in DOMAINS:
        other = shapes(30, generator=generator(), domain=domain)
        assert torch.equal(other.labels, clean.labels)
        assert torch.equal(other.images, clean.images) == (domain == "clean")


# Sampling


def test_properties_stay_within_their_ranges() -> None:
    scenes = sample_shapes(
        500,
        generator=generator(),
        position=(-0.3, 0.7),
        scale=(0.2, 0.4),
        rotation=(10.0, 20.0),
        textures=["plain", "checks"],
    )
    for values, low, high in (
        (scenes.x, -0.3, 0.7),
        (scenes.y, -0.3, 0.7),
        (scenes.scale, 0.2, 0.4),
        (scenes.rotation, 10.0, 20.0),
        (scenes.color, 0.5, 1.0),
        (scenes.background, 0.0, 0.35),
    ):
        assert values.min() >= low
        assert values.max() <= high
        # They fill the range, too.
        assert values.max() - values.min() > 0.9 * (high - low)
    assert set(scenes.texture.tolist()) == {TEXTURES.index("plain"), TEXTURES.index("checks")}
    assert not torch.equal(scenes.x, scenes.y)


def test_equal_ends_fix_a_property() -> None:
    scenes = sample_shapes(5, generator=generator(), scale=(0.5, 0.5), rotation=(0.0, 0.0))
    assert scenes.scale.tolist() == [0.5] * 5
    assert scenes.rotation.tolist() == [0.0] * 5


def test_every_field_has_one_entry_per_image() -> None:
    scenes = sample_shapes(7, generator=generator())
    assert all(len(getattr(scenes, field.name)) == 7 for field in fields(scenes))


def test_classes_come_in_equal_shares_or_in_those_asked_for() -> None:
    equal = torch.bincount(sample_shapes(5000, generator=generator()).kind, minlength=5)
    # 1000 each on average, with a standard deviation of 28.
    assert (equal - 1000).abs().max() < 140
    skewed = sample_shapes(5000, generator=generator(), balance=[8, 0, 1, 1, 0]).kind
    counts = torch.bincount(skewed, minlength=5)
    assert counts[1] == counts[4] == 0
    assert 3850 < counts[0] < 4150


# Drawing


@pytest.mark.parametrize(
    ("kind", "area"),
    [
        # Shares of a square of half-width 1, from the formulas of the shapes.
        ("disc", torch.pi * 0.95**2 / 4),
        ("square", 0.85**2),
        ("triangle", 3 * 3**0.5 / 4 / 4),
        ("cross", (2 * 2 * 0.6 - 0.36) / 4),
        ("ring", torch.pi * (1 - 0.25) / 4),
    ],
)
def test_a_shape_covers_the_area_of_its_formula(kind: str, area: float) -> None:
    covered = mask(kind, scale=1.0, size=256).mean().item()
    # The smoothed edge takes what it gives, up to corners and the image's rim.
    assert covered == pytest.approx(area, abs=0.01)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_shape_half_as_wide_covers_a_quarter(kind: str) -> None:
    whole = mask(kind, scale=0.8, size=256).sum()
    half = mask(kind, scale=0.4, size=256).sum()
    assert_close(half / whole, torch.tensor(0.25), rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_shape_lies_where_it_was_put(kind: str) -> None:
    still = centre(mask(kind))
    moved = centre(mask(kind, x=0.31, y=-0.22))
    assert moved[0] - still[0] == pytest.approx(0.31, abs=0.005)
    assert moved[1] - still[1] == pytest.approx(-0.22, abs=0.005)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_move_by_whole_pixels_moves_the_pixels(kind: str) -> None:
    # 64 pixels are 2 units wide, so 1/8 is four pixels.
    still, moved = mask(kind), mask(kind, x=0.125, y=-0.25)
    assert_close(moved, still.roll((-8, 4), dims=(0, 1)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_quarter_turn_is_counter_clockwise(kind: str) -> None:
    still, turned = mask(kind), mask(kind, rotation=90.0)
    assert_close(turned, torch.rot90(still), rtol=0, atol=1e-4)
    symmetric = kind != "triangle"
    assert torch.allclose(turned, still, atol=1e-3) == symmetric


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("degrees", [20.0, 37.0, 45.0, 200.0])
def test_a_turn_by_any_angle_keeps_area_and_extent(kind: str, degrees: float) -> None:
    still, turned = mask(kind, size=128), mask(kind, size=128, rotation=degrees)
    assert_close(turned.sum(), still.sum(), rtol=0.01, atol=0)
    place = (torch.arange(128) + 0.5) / 64 - 1
    distance = place.square()[:, None] + place.square()
    assert_close((turned * distance).sum(), (still * distance).sum(), rtol=0.01, atol=0)


def test_a_triangle_points_up() -> None:
    rows = mask("triangle").sum(dim=1)
    inside = rows[rows > 0.5]
    assert (inside.diff() >= -1).all()
    assert inside[-1] > 10 * inside[0]


def test_edges_are_smoothed_over_one_pixel() -> None:
    row = mask("square", size=100, x=0.003)[50]
    partial = (row > 0) & (row < 1)
    assert 1 <= int(partial.sum()) <= 2
    assert row[50] == 1
    assert row[0] == 0


def test_textures_darken_parts_of_the_shape_alone() -> None:
    plain, stripes, checks = (mask("square", texture=k, scale=1.0) for k in range(3))
    inner = (slice(10, -10), slice(10, -10))
    assert plain[inner].unique().tolist() == [1.0]
    for textured in (stripes, checks):
        assert_close(textured[inner].unique(), torch.tensor([0.55, 1.0]))
        assert_close(textured[plain == 0], plain[plain == 0])
    # Stripes run down the image, and checks change both ways.
    assert (stripes[inner].diff(dim=0) == 0).all()
    assert (stripes[inner].diff(dim=1) != 0).any()
    assert (checks[inner].diff(dim=0) != 0).any()
    assert (checks[inner].diff(dim=1) != 0).any()


def test_colours_are_those_of_the_scene() -> None:
    one = replace(
        scene("disc"),
        color=torch.tensor([[0.9, 0.6, 0.5]]),
        background=torch.tensor([[0.1, 0.2, 0.3]]),
    )
    image = render_shapes(one, size=32)[0]
    assert_close(image[:, 16, 16], torch.tensor([0.9, 0.6, 0.5]))
    assert_close(image[:, 0, 0], torch.tensor([0.1, 0.2, 0.3]))


# Domains


def test_inverting_turns_light_into_dark() -> None:
    scenes = sample_shapes(4, generator=generator())
    assert_close(render_shapes(scenes, domain="inverted"), 1 - render_shapes(scenes))


def test_noise_has_the_stated_spread_and_no_bias() -> None:
    grey = replace(scene("disc"), color=torch.full((1, 3), 0.5), background=torch.full((1, 3), 0.5))
    noise = render_shapes(grey, size=200, domain="noisy", generator=generator()) - 0.5
    assert noise.std().item() == pytest.approx(0.15, rel=0.02)
    assert abs(noise.mean().item()) < 0.002


def test_clutter_lies_behind_the_shape() -> None:
    scenes = scene("square")
    clean, cluttered = render_shapes(scenes)[0], render_shapes(scenes, domain="cluttered")[0]
    shape, ground = clean == 1, clean == 0
    assert torch.equal(cluttered[shape], clean[shape])
    assert_close(cluttered[ground].unique(), torch.tensor([0.0, 0.2]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shapes(0, generator=generator()), "n is 0"),
        (lambda: shapes(-2, generator=generator()), "n is -2"),
        (lambda: sample_shapes(1, generator=generator(), textures=["wool"]), "['wool']"),
        (lambda: sample_shapes(1, generator=generator(), textures=[]), "textures are []"),
        (lambda: sample_shapes(1, generator=generator(), balance=[1, 1]), "balance is [1, 1]"),
        (
            lambda: sample_shapes(1, generator=generator(), balance=[1, 1, -1, 1, 1]),
            "balance is [1, 1, -1, 1, 1]; expected 5 shares",
        ),
        (
            lambda: sample_shapes(1, generator=generator(), balance=[0] * 5),
            "balance is [0, 0, 0, 0, 0]",
        ),
        (
            lambda: render_shapes(scene("disc"), domain="foggy"),
            "domain is 'foggy'; expected one of",
        ),
        (lambda: render_shapes(scene("disc"), domain="noisy"), "expected a generator"),
        (lambda: shapes(1, generator=generator(), domain="foggy"), "clean, noisy, inverted"),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], words: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        call()
