"""Coloured shapes, drawn by formula: every property of an image is known and can be set.

A shape is a signed distance d(x, y), negative inside, in units of half the image's side. Moving,
turning and scaling a shape is moving, turning and scaling the coordinates before d is evaluated,
so positions are exact to fractions of a pixel, and the edge is smoothed over one pixel.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from course.datasets.images import Images

__all__ = ["CLASSES", "DOMAINS", "TEXTURES", "Scenes", "render_shapes", "sample_shapes", "shapes"]

CLASSES = ("disc", "square", "triangle", "cross", "ring")
TEXTURES = ("plain", "stripes", "checks")
DOMAINS = ("clean", "noisy", "inverted", "cluttered")


@dataclass(frozen=True)
class Scenes:
    """What N images show, one entry per image.

    kind (N,) is an index into CLASSES, texture (N,) one into TEXTURES. x and y (N,) are the
    centre, from -1 (left, top) to 1. scale (N,) is the half-width of the shape, 1 filling the
    image. rotation (N,) is in degrees, counter-clockwise. color and background (N, 3) lie in 0..1.
    """

    kind: Tensor
    texture: Tensor
    x: Tensor
    y: Tensor
    scale: Tensor
    rotation: Tensor
    color: Tensor
    background: Tensor


def shapes(
    n: int, *, generator: torch.Generator, size: int = 32, domain: str = "clean", **ranges: object
) -> Images:
    """Draw n labelled images (n, 3, size, size) of random shapes.

    ranges are the options of sample_shapes; domain shifts the appearance and not the labels.

    >>> data = shapes(4, generator=torch.Generator().manual_seed(0))
    >>> tuple(data.images.shape), data.classes[0]
    ((4, 3, 32, 32), 'disc')
    """
    scenes = sample_shapes(n, generator=generator, **ranges)  # type: ignore[arg-type]  # forwarded as they are
    images = render_shapes(scenes, size=size, domain=domain, generator=generator)
    return Images(images, scenes.kind, CLASSES)


def sample_shapes(
    n: int,
    *,
    generator: torch.Generator,
    balance: Sequence[float] | None = None,
    position: tuple[float, float] = (-0.4, 0.4),
    scale: tuple[float, float] = (0.35, 0.6),
    rotation: tuple[float, float] = (0.0, 360.0),
    textures: Sequence[str] = TEXTURES,
) -> Scenes:
    """Draw n scenes, each property uniform over its range; equal ends fix a property.

    balance gives the share of each class of CLASSES; the default is equal shares.
    Raises ValueError for a negative n, shares that do not fit, or an unknown texture.
    """
    shares = torch.tensor([1.0] * len(CLASSES) if balance is None else [float(s) for s in balance])
    if len(shares) != len(CLASSES) or (shares < 0).any() or shares.sum() == 0:
        raise ValueError(
            f"balance is {balance}; expected {len(CLASSES)} shares of 0 or more, one for each of "
            + ", ".join(CLASSES)
        )
    unknown = [name for name in textures if name not in TEXTURES]
    if n < 1 or unknown or not textures:
        raise ValueError(
            f"n is {n} and textures are {list(textures)}; expected n of 1 or more and textures "
            "among " + ", ".join(TEXTURES)
        )

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    allowed = torch.tensor([TEXTURES.index(name) for name in textures])
    background = uniform(0.0, 0.35, 3)
    return Scenes(
        kind=torch.multinomial(shares, n, replacement=True, generator=generator),
        texture=allowed[torch.randint(len(allowed), (n,), generator=generator)],
        x=uniform(*position),
        y=uniform(*position),
        scale=uniform(*scale),
        rotation=uniform(*rotation),
        # Lighter than any background, so that a shape can always be seen.
        color=uniform(0.5, 1.0, 3),
        background=background,
    )


def render_shapes(
    scenes: Scenes,
    *,
    size: int = 32,
    domain: str = "clean",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw scenes as images (N, 3, size, size), float32 in [0, 1].

    domain is clean, noisy (Gaussian noise of standard deviation 0.15), inverted (1 - image) or
    cluttered (a grating behind the shape). Only noisy needs a generator.
    Raises ValueError for an unknown domain, and for noise without a generator.
    """
    if domain not in DOMAINS:
        raise ValueError(f"domain is {domain!r}; expected one of {', '.join(DOMAINS)}")
    if domain == "noisy" and generator is None:
        raise ValueError("domain 'noisy' draws random numbers; expected a generator")
    centres = (torch.arange(size) + 0.5) * 2 / size - 1
    image_y, image_x = torch.meshgrid(centres, centres, indexing="ij")
    column = lambda values: values[:, None, None]  # noqa: E731 (one word for three index tricks)

    # The image's coordinates, seen from a shape of half-width 1 that stands upright at 0.
    dx, dy = image_x - column(scenes.x), image_y - column(scenes.y)
    angle = column(scenes.rotation * math.pi / 180)
    u = (dx * angle.cos() - dy * angle.sin()) / column(scenes.scale)
    v = (dx * angle.sin() + dy * angle.cos()) / column(scenes.scale)

    distances = torch.stack(_distances(u, v))
    distance = distances.gather(0, scenes.kind[None, :, None, None].expand(1, *u.shape))[0]
    pixel = 2 / size / column(scenes.scale)
    cover = (0.5 - distance / pixel).clamp(0, 1)[:, None]

    stripes = torch.sin(3 * math.pi * u) > 0
    checks = stripes ^ (torch.sin(3 * math.pi * v) > 0)
    dark = torch.stack([torch.zeros_like(stripes), stripes, checks])
    dark = dark.gather(0, scenes.texture[None, :, None, None].expand(1, *u.shape))[0]
    ink = scenes.color[..., None, None] * torch.where(dark, 0.55, 1.0)[:, None]

    ground = scenes.background[..., None, None].expand(-1, -1, size, size)
    if domain == "cluttered":
        ground = ground + 0.2 * (torch.sin(9 * (image_x + 2 * image_y)) > 0)
    image = cover * ink + (1 - cover) * ground
    if domain == "inverted":
        image = 1 - image
    if domain == "noisy":
        image = image + 0.15 * torch.randn(image.shape, generator=generator)
    return image.clamp(0, 1)


def _distances(u: Tensor, v: Tensor) -> list[Tensor]:
    """Signed distances of the shapes of CLASSES, upright at 0 with half-width 1."""
    radius = (u**2 + v**2).sqrt()
    square = torch.maximum(u.abs(), v.abs()) - 0.85
    # An equilateral triangle: the largest of the distances to its three sides.
    triangle = torch.maximum(v - 0.5, math.sqrt(3) / 2 * u.abs() - v / 2 - 0.5)
    cross = torch.minimum(
        torch.maximum(u.abs() - 0.3, v.abs() - 1), torch.maximum(v.abs() - 0.3, u.abs() - 1)
    )
    ring = (radius - 0.75).abs() - 0.25
    return [radius - 0.95, square, triangle, cross, ring]
