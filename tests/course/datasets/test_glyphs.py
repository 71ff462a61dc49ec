"""Every class can be read in every font, and the generator alone decides what is drawn."""

import re
from collections.abc import Callable

import pytest
import torch
from torch.testing import assert_close

from course.datasets.glyphs import CLASSES, FONTS, alphabet, glyphs


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("distortion", [0.0, 0.5, 1.0])
def test_images_are_floats_from_zero_to_one_with_a_label_each(distortion: float) -> None:
    images, labels = glyphs(500, generator=generator(), distortion=distortion)
    assert images.shape == (500, 1, 32, 32)
    assert images.dtype == torch.float32
    assert torch.isfinite(images).all()
    assert images.min() == 0.0
    assert 0.9 < images.max() <= 1.0
    # Ink on a dark ground, in every one of them.
    assert ((images > 0.3).float().mean(dim=(1, 2, 3)) < 0.6).all()
    assert (images.amax(dim=(1, 2, 3)) > 0.4).all()
    assert labels.shape == (500,)
    assert labels.dtype == torch.int64
    assert set(range(len(CLASSES))) >= set(labels.tolist())


def test_all_classes_occur_about_equally_often() -> None:
    _, labels = glyphs(4700, generator=generator(), distortion=0.0)
    counts = torch.bincount(labels, minlength=47)
    # 100 of each on average, with a standard deviation of 10.
    assert counts.min() > 55
    assert counts.max() < 150


def test_the_generator_decides_everything() -> None:
    torch.manual_seed(0)
    images, labels = glyphs(30, generator=generator())
    torch.manual_seed(1)
    again, same = glyphs(30, generator=generator())
    assert torch.equal(images, again)
    assert torch.equal(labels, same)
    other, _ = glyphs(30, generator=generator(1))
    assert not torch.equal(images, other)


def test_there_are_47_classes_and_every_font_has_them() -> None:
    assert len(set(CLASSES)) == len(CLASSES) == 47
    drawn = alphabet()
    assert drawn.shape == (len(FONTS), 47, 64, 64)
    # No font leaves a box or a blank: within a font all characters differ.
    for font in drawn.flatten(2):
        assert (font.sum(dim=1) > 100).all()
        assert (torch.cdist(font, font) + 100 * torch.eye(47)).min() > 3


def test_characters_are_in_the_middle_and_fill_the_same_square() -> None:
    ink = alphabet() > 0.1
    for line in (ink.any(dim=2), ink.any(dim=3)):
        first = line.int().argmax(dim=-1)
        last = 63 - line.flip(-1).int().argmax(dim=-1)
        assert_close((first + last) / 2, torch.full(first.shape, 31.5), rtol=0, atol=2.0)
    tall = ink.any(dim=3).sum(dim=-1)
    wide = ink.any(dim=2).sum(dim=-1)
    assert (torch.maximum(tall, wide) >= 43).all()
    assert (torch.maximum(tall, wide) <= 46).all()


def test_without_distortion_a_character_of_a_font_is_always_the_same() -> None:
    images, labels = glyphs(3000, generator=generator(), distortion=0.0)
    for k in (0, 20, 46):
        assert len(images[labels == k].flatten(1).unique(dim=0)) <= len(FONTS)
    distorted, labels = glyphs(300, generator=generator())
    assert len(distorted.flatten(1).unique(dim=0)) == 300


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda: glyphs(0, generator=generator()), ["count=0", "1 or more"]),
        (lambda: glyphs(1, generator=generator(), distortion=-0.1), ["-0.1", "0 to 1"]),
        (lambda: glyphs(1, generator=generator(), distortion=1.5), ["1.5", "0 to 1"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
