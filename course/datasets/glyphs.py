"""Letters and figures from the fonts that matplotlib carries, bent until they look handwritten.

The source task of the transfer lesson: plenty of labelled images, none of them handwritten. The
classes are the 47 of EMNIST "balanced" (Cohen et al., 2017): ten figures, 26 capitals, and the
eleven small letters that differ from their capitals. Each image is a character of a random font,
turned, sheared, stretched and moved; bent by a smooth random field (Simard, Steinkraus and Platt,
2003); drawn with a thinner or thicker pen; sometimes coarsened to 16x16 or 8x8 pixels; and made
paler and noisy. Ink is 1 on a ground of 0.

``python -m course.datasets.glyphs OUT.safetensors`` writes the images that the backbone of
``cnnlib.pretrained`` is trained on.
"""

import argparse
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import save_file
from torch import Tensor

from course.datasets.images import Images

__all__ = ["CLASSES", "FONTS", "figures", "glyphs"]

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"

# The ones among matplotlib's fonts that hold letters, and not symbols alone.
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmmi10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)

SIZE = 32
DRAWN = 64  # characters are drawn twice as large and reduced at the end


def glyphs(
    count: int, *, generator: torch.Generator, distortion: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Images of random characters, and their classes as indices into CLASSES.

    distortion scales every change, from 0 (print) to 1 (as trained on). Returns float32 images
    (count, 1, 32, 32) from 0 to 1, and int64 labels (count,). Raises ValueError where count is
    below 1 or distortion is outside 0 to 1.

    >>> images, labels = glyphs(3, generator=torch.Generator().manual_seed(0))
    >>> images.shape, [CLASSES[label] for label in labels]
    (torch.Size([3, 1, 32, 32]), ['Y', 'L', 'g'])
    """
    if count < 1 or not 0 <= distortion <= 1:
        raise ValueError(f"{count=}, {distortion=}; expected 1 or more, and 0 to 1")
    labels = torch.randint(len(CLASSES), (count,), generator=generator)
    fonts = torch.randint(len(FONTS), (count,), generator=generator)
    drawn = alphabet()[fonts, labels].unsqueeze(1)
    # In parts, since the random fields are many times larger than the images.
    images = [distort(part, distortion, generator) for part in drawn.split(1024)]
    return torch.cat(images), labels


def figures(count: int, *, generator: torch.Generator, moved: int = 0) -> Images:
    """Return labelled images (count, 1, 16, 16) of the ten figures, moderately distorted.

    Each is moved by up to so many pixels down or up, right or left; what leaves the frame is lost.
    The same generator gives the same figures, moved or not. Raises ValueError where count is below
    1 or moved outside 0 to 8.

    >>> data = figures(3, generator=torch.Generator().manual_seed(0))
    >>> tuple(data.images.shape), data.labels.tolist()
    ((3, 1, 16, 16), [4, 9, 3])
    """
    if count < 1 or not 0 <= moved <= 8:
        raise ValueError(f"{count=}, {moved=}; expected 1 or more, and 0 to 8")
    labels = torch.randint(10, (count,), generator=generator)
    fonts = torch.randint(len(FONTS), (count,), generator=generator)
    drawn = distort(alphabet()[fonts, labels].unsqueeze(1), 0.6, generator)
    frame = F.pad(F.avg_pool2d(drawn, 2), (moved,) * 4)
    places = torch.randint(2 * moved + 1, (count, 2), generator=generator).tolist()
    images = [f[:, i : i + 16, j : j + 16] for f, (i, j) in zip(frame, places, strict=True)]
    return Images(torch.stack(images), labels, tuple(CLASSES[:10]))


@cache
def alphabet() -> Tensor:
    """Every character of every font, (fonts, classes, 64, 64)."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = [ImageFont.truetype(folder / f"{name}.ttf", 96) for name in FONTS]
    return torch.stack([torch.stack([draw(c, font) for c in CLASSES]) for font in fonts])


def draw(character: str, font: ImageFont.FreeTypeFont) -> Tensor:
    """One character in the middle of 64x64, its longer side 46 pixels."""
    canvas = Image.new("L", (256, 256))
    ImageDraw.Draw(canvas).text((64, 64), character, fill=255, font=font)
    ink = canvas.crop(canvas.getbbox())
    scale = 46 / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))))
    image = Image.new("L", (DRAWN, DRAWN))
    image.paste(ink, ((DRAWN - ink.width) // 2, (DRAWN - ink.height) // 2))
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255)


def distort(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """(N, 1, 64, 64) in print to (N, 1, 32, 32) as if by hand."""
    n = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=generator)

    # Each row says where in the source, from -1 to 1, an output pixel's x or y comes from.
    angle, shear = uniform(-0.25, 0.25) * strength, uniform(-0.35, 0.35) * strength
    wide, tall = 1 + uniform(-0.3, 0.6) * strength, 1 + uniform(-0.32, 0.15) * strength
    right, down = uniform(-0.12, 0.12) * strength, uniform(-0.12, 0.12) * strength
    cos, sin = torch.cos(angle), torch.sin(angle)
    x = torch.stack([wide * cos, wide * (shear * cos - sin), right], dim=1)
    y = torch.stack([tall * sin, tall * (shear * sin + cos), down], dim=1)
    grid = F.affine_grid(torch.stack([x, y], dim=1), [n, 1, DRAWN, DRAWN], align_corners=False)
    field = torch.randn(n, 2, 5, 5, generator=generator) * (0.06 * strength)
    field = F.interpolate(field, size=DRAWN, mode="bicubic", align_corners=False)
    images = F.grid_sample(images, grid + field.permute(0, 2, 3, 1), align_corners=False)

    # The pen: blurred ink above a level is ink. A low level makes it broad.
    blurred = F.avg_pool2d(F.avg_pool2d(images, 5, 1, 2), 5, 1, 2)
    level = uniform(0.25, 0.65).reshape(n, 1, 1, 1)
    darkest = blurred.amax((1, 2, 3), keepdim=True).clamp(min=1e-6)
    pen = torch.sigmoid(15 * (blurred / darkest - level))
    images = F.avg_pool2d(torch.lerp(images, pen, strength), 2)

    coarse = uniform(0.0, 1.0).reshape(n, 1, 1, 1)
    for factor, share in ((2, 0.6), (4, 0.3)):
        small = F.avg_pool2d(images, factor)
        enlarged = F.interpolate(small, size=SIZE, mode="bilinear", align_corners=False)
        images = torch.where(coarse < share * strength, enlarged, images)

    # Coarsening thins the ink, so stretch what is left of it to 1 before making it paler.
    full = images / images.amax((1, 2, 3), keepdim=True).clamp(min=1e-6)
    images = torch.lerp(images, full, strength)
    pale = 1 - uniform(0.0, 0.4).reshape(n, 1, 1, 1) * strength
    noise = torch.randn(images.shape, generator=generator) * (0.04 * strength)
    return (images * pale + noise).clamp(0, 1)


def main() -> None:
    """Write a training set for the backbone: images as bytes, labels, both seeded."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--count", type=int, default=24_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    images, labels = glyphs(given.count, generator=torch.Generator().manual_seed(given.seed))
    save_file({"images": (images * 255).round().byte(), "labels": labels}, given.out)


if __name__ == "__main__":
    main()
