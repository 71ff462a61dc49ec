r"""Augmentation: new training images from old ones, by changes that leave the label true.

A batch is (N, C, H, W) with values from 0 to 1; where colour matters, C is 3 (red, green, blue) or
1 (grey). Functions with a generator draw anew for every image.

A change of geometry asks from which input position each output pixel comes, and reads the image
there, between pixels: rotation and zoom compute it, elastic deformation (Simard et al., 2003)
draws it. A change of colour blends with a duller image, ``factor * x + (1 - factor) * other``:
black for brightness, the mean grey for contrast, the grey image for saturation. Cutout (DeVries
and Taylor, 2017) erases a square. Mixup (Zhang et al., 2018) blends pairs of images and of labels.

Which changes keep a label true is a question about the data: a mirrored cat is a cat, a mirrored 3
is no digit. And it belongs to training alone: ``Augment`` rests in evaluation mode.
"""

import math
import random
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnlib.convolution import pair

__all__ = [
    "Augment",
    "add_noise",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_saturation",
    "bilinear_sample",
    "color_jitter",
    "cutout",
    "elastic_deform",
    "horizontal_flip",
    "label_preserving",
    "mixup",
    "pixel_offsets",
    "random_crop",
    "rotate",
    "to_grey",
    "vertical_flip",
    "zoom",
]


def horizontal_flip(x: Tensor) -> Tensor:
    """Images mirrored left to right, as by torchvision's hflip.

    Shape: (N, C, H, W) -> the same. Raises ValueError for another number of dimensions.

    >>> horizontal_flip(torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 2., 1.]]]])
    """
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    return x.flip(3)


def vertical_flip(x: Tensor) -> Tensor:
    """Images mirrored top to bottom, as by torchvision's vflip.

    Shape: (N, C, H, W) -> the same. Raises ValueError for another number of dimensions.

    >>> vertical_flip(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])).flatten()
    tensor([3., 4., 1., 2.])
    """
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    return x.flip(2)


def random_crop(
    x: Tensor,
    size: int | tuple[int, int],
    *,
    padding: int | tuple[int, int] = 0,
    generator: torch.Generator,
) -> Tensor:
    """Window of the given size, in pixels, at a random place of each image padded with zeros.

    Shape: (N, C, H, W) -> (N, C, *size). Raises ValueError where size is below 1, padding below 0,
    or size larger than the padded image. Source: Krizhevsky, Sutskever and Hinton (2012).

    >>> random_crop(torch.ones(2, 3, 8, 8), (5, 7), generator=torch.Generator()).shape
    torch.Size([2, 3, 5, 7])
    """
    height, width = pair(size, name="size", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or x.shape[2] + 2 * ph < height or x.shape[3] + 2 * pw < width:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
            f"is at least as large as {(height, width)}"
        )
    x = F.pad(x, (pw, pw, ph, ph))

    def starts(choices: int) -> Tensor:
        draw = torch.randint(choices, (len(x),), generator=generator, device=generator.device)
        return draw.to(x.device)

    rows = starts(x.shape[2] - height + 1)[:, None] + torch.arange(height, device=x.device)
    columns = starts(x.shape[3] - width + 1)[:, None] + torch.arange(width, device=x.device)
    image = torch.arange(len(x), device=x.device)[:, None, None]
    return x[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def pixel_offsets(x: Tensor) -> tuple[Tensor, Tensor]:
    """How many pixels each row lies below, and each column right of, the centre of the image.

    Shape: (N, C, H, W) -> (H, 1) and (1, W), in float32 at least: half precision would round
    positions. Raises ValueError for another number of dimensions.

    >>> pixel_offsets(torch.zeros(1, 1, 1, 3))
    (tensor([[0.]]), tensor([[-1.,  0.,  1.]]))
    """
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    dtype = torch.promote_types(x.dtype, torch.float32)
    down, right = (torch.arange(size, dtype=dtype, device=x.device) for size in x.shape[2:])
    return (down - (x.shape[2] - 1) / 2)[:, None], (right - (x.shape[3] - 1) / 2)[None]


def bilinear_sample(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Images read at positions between pixels, as weighted means of the four pixels around each.

    Positions are in pixels from the centre of the image; pixels outside it count as 0.
    Shape: x (N, C, H, W), down and right together (H', W') or (N, H', W') -> (N, C, H', W').
    Raises ValueError for other shapes. Source: torch.nn.functional.grid_sample.

    >>> x = torch.tensor([[[[0.0, 10.0], [20.0, 30.0]]]])
    >>> bilinear_sample(x, torch.tensor([[0.0]]), torch.tensor([[-0.25]]))
    tensor([[[[12.5000]]]])
    """
    down, right = torch.broadcast_tensors(down, right)
    if x.dim() != 4 or down.dim() not in (2, 3):
        shapes = f"x has shape {tuple(x.shape)} and positions {tuple(down.shape)}"
        raise ValueError(f"{shapes}; expected (N, C, H, W) and (H', W') or (N, H', W')")
    n, _, height, width = x.shape
    image = torch.arange(n, device=x.device)[:, None, None]
    rows, columns = down + (height - 1) / 2, right + (width - 1) / 2
    y = x.new_zeros(())
    for row in (rows.floor(), rows.floor() + 1):
        for column in (columns.floor(), columns.floor() + 1):
            weight = (1 - (rows - row).abs()) * (1 - (columns - column).abs())
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            i, j = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
            y = y + x[image, :, i, j] * (weight * inside).to(x.dtype)[..., None]  # (N, H', W', C)
    return y.permute(0, 3, 1, 2)


def rotate(x: Tensor, degrees: float) -> Tensor:
    """Images turned about their centre, counter-clockwise, bilinear, with 0 coming in.

    Shape: (N, C, H, W) -> the same. Raises ValueError where degrees is not finite, and for another
    number of dimensions. Source: torchvision's rotate.

    >>> rotate(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), 90.0).round().flatten()
    tensor([2., 4., 1., 3.])
    """
    if not math.isfinite(degrees):
        raise ValueError(f"degrees is {degrees}; expected a finite angle")
    down, right = pixel_offsets(x)
    sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    # An output pixel comes from where the opposite turn takes it.
    return bilinear_sample(x, cos * down + sin * right, cos * right - sin * down)


def zoom(x: Tensor, factor: float) -> Tensor:
    """Images magnified about their centre (below 1: made smaller), bilinear, with 0 coming in.

    Shape: (N, C, H, W) -> the same. Raises ValueError where factor is not above 0 and finite, and
    for another number of dimensions. Source: torchvision's affine with scale.

    >>> zoom(torch.tensor([[[[0.0, 4.0, 0.0]]]]), 2.0)
    tensor([[[[2., 4., 2.]]]])
    """
    if not 0 < factor < math.inf:
        raise ValueError(f"factor is {factor}; expected a finite number above 0")
    down, right = pixel_offsets(x)
    return bilinear_sample(x, down / factor, right / factor)


def to_grey(x: Tensor) -> Tensor:
    """Brightness of each pixel as the eye weighs red, green and blue; grey images as they are.

    Shape: (N, 3 or 1, H, W) -> (N, 1, H, W). Raises ValueError for any other shape.
    Source: ITU-R BT.601, rounded as in torchvision.

    >>> to_grey(torch.tensor([1.0, 1.0, 0.0]).reshape(1, 3, 1, 1)).flatten()
    tensor([0.8859])
    """
    if x.dim() != 4 or x.shape[1] not in (1, 3):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 3, H, W) or (N, 1, H, W)")
    if x.shape[1] == 1:
        return x
    return 0.2989 * x[:, :1] + 0.587 * x[:, 1:2] + 0.114 * x[:, 2:]


def adjust_brightness(x: Tensor, factor: float) -> Tensor:
    """Images times factor, cut to [0, 1]: 0 gives black, 1 the image.

    Shape: any -> the same. Raises ValueError where factor is below 0. Source: as in torchvision.

    >>> adjust_brightness(torch.tensor([0.0, 0.2, 0.6]), 2.0)
    tensor([0.0000, 0.4000, 1.0000])
    """
    if not factor >= 0:
        raise ValueError(f"factor is {factor}; expected 0 or more")
    return (factor * x).clamp(0, 1)


def adjust_contrast(x: Tensor, factor: float) -> Tensor:
    """Images pulled from their mean grey, cut to [0, 1]: 0 gives plain grey, 1 the image.

    Shape: (N, 3 or 1, H, W) -> the same. Raises ValueError for any other shape and where factor
    is below 0. Source: as in torchvision.

    >>> adjust_contrast(torch.tensor([[[[0.2, 0.6]]]]), 0.5)
    tensor([[[[0.3000, 0.5000]]]])
    """
    if not factor >= 0:
        raise ValueError(f"factor is {factor}; expected 0 or more")
    mean = to_grey(x).mean(dim=(1, 2, 3), keepdim=True)
    return (factor * x + (1 - factor) * mean).clamp(0, 1)


def adjust_saturation(x: Tensor, factor: float) -> Tensor:
    """Images pulled from their grey version, cut to [0, 1]: 0 gives grey, 1 the image.

    Shape: (N, 3 or 1, H, W) -> the same. Raises ValueError for any other shape and where factor
    is below 0. Source: as in torchvision.

    >>> adjust_saturation(torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1), 0.0).flatten()
    tensor([0.2989, 0.2989, 0.2989])
    """
    if not factor >= 0:
        raise ValueError(f"factor is {factor}; expected 0 or more")
    return (factor * x + (1 - factor) * to_grey(x)).clamp(0, 1)


def color_jitter(
    x: Tensor, *, brightness: float, contrast: float, saturation: float, generator: torch.Generator
) -> Tensor:
    """Random brightness, then contrast, then saturation, with factors of its own for every image.

    A factor is uniform between 1 - amount, but at least 0, and 1 + amount; amount 0 changes
    nothing. Shape: (N, 3 or 1, H, W) -> the same. Raises ValueError for any other shape and where
    an amount is below 0. Source: torchvision's ColorJitter, in a fixed order and without hue.

    >>> x = torch.rand(2, 3, 4, 5)
    >>> same = color_jitter(x, brightness=0, contrast=0, saturation=0, generator=torch.Generator())
    >>> torch.allclose(same, x)
    True
    """
    amounts = (brightness, contrast, saturation)
    if not min(amounts) >= 0:
        raise ValueError(f"brightness, contrast and saturation are {amounts}; expected 0 or more")

    def blend(x: Tensor, other: Tensor, amount: float) -> Tensor:
        draw = torch.rand(len(x), 1, 1, 1, generator=generator, device=generator.device).to(x)
        lowest, highest = max(0.0, 1 - amount), 1 + amount
        factor = lowest + (highest - lowest) * draw
        return (factor * x + (1 - factor) * other).clamp(0, 1)

    x = blend(x, torch.zeros_like(x), brightness)
    x = blend(x, to_grey(x).mean(dim=(1, 2, 3), keepdim=True), contrast)
    return blend(x, to_grey(x), saturation)


def add_noise(x: Tensor, *, std: float, generator: torch.Generator) -> Tensor:
    """Images plus independent Gaussian noise of mean 0. Not cut to [0, 1], which would bias it.

    Shape: any -> the same. Raises ValueError where std is below 0. Source: Bishop (1995).

    >>> add_noise(torch.ones(3), std=0.0, generator=torch.Generator())
    tensor([1., 1., 1.])
    """
    if not std >= 0:
        raise ValueError(f"std is {std}; expected 0 or more")
    noise = torch.randn(x.shape, generator=generator, device=generator.device)
    return x + std * noise.to(x)


def elastic_deform(x: Tensor, *, alpha: float, sigma: float, generator: torch.Generator) -> Tensor:
    """Images read through a smooth random field of displacements, bilinear, with 0 coming in.

    Displacements are drawn from [-1, 1] for every pixel, averaged with a Gaussian of standard
    deviation sigma pixels, and multiplied by alpha pixels. Shape: (N, C, H, W) -> the same. Raises
    ValueError where alpha is below 0 or sigma not above 0. Source: Simard et al. (2003).

    >>> x = torch.rand(2, 1, 4, 5)
    >>> torch.equal(elastic_deform(x, alpha=0.0, sigma=2.0, generator=torch.Generator()), x)
    True
    """
    if not alpha >= 0 or not sigma > 0:
        raise ValueError(f"alpha is {alpha} and sigma {sigma}; expected 0 or more, and above 0")
    down, right = pixel_offsets(x)

    def gaussian(positions: Tensor) -> Tensor:
        weight = torch.exp(-(((positions[:, None] - positions) / sigma) ** 2) / 2)
        return weight / weight.sum(dim=1, keepdim=True)

    field = torch.rand(2, len(x), *x.shape[2:], generator=generator, device=generator.device)
    field = alpha * gaussian(down[:, 0]) @ (2 * field.to(down) - 1) @ gaussian(right[0]).T
    return bilinear_sample(x, down + field[0], right + field[1])


def cutout(x: Tensor, *, size: int, generator: torch.Generator) -> Tensor:
    """Images with a square of size x size pixels set to 0, its centre anywhere in the image.

    A part of the square may lie outside. Shape: (N, C, H, W) -> the same. Raises ValueError where
    size is below 1 or larger than the image. Source: DeVries and Taylor (2017).

    >>> cutout(torch.ones(1, 1, 1, 3), size=1, generator=torch.Generator()).sum()
    tensor(2.)
    """
    if x.dim() != 4 or not 1 <= size <= min(x.shape[2:]):
        raise ValueError(
            f"x has shape {tuple(x.shape)} and size is {size}; expected (N, C, H, W), 1..min(H, W)"
        )

    def covered(length: int) -> Tensor:
        centre = torch.randint(length, (len(x), 1), generator=generator, device=generator.device)
        start = centre.to(x.device) - size // 2
        position = torch.arange(length, device=x.device)
        return (position >= start) & (position < start + size)  # (N, length)

    square = covered(x.shape[2])[:, None, :, None] & covered(x.shape[3])[:, None, None, :]
    return x.masked_fill(square, 0)


def mixup(
    x: Tensor, target: Tensor, *, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Every image blended with another one of the batch, and its label with that one's label.

    An image keeps a share drawn from Beta(alpha, alpha). Shape: x (N, C, H, W), target (N, K) of
    probabilities, such as one_hot(labels) -> the same. Raises ValueError where alpha is not above
    0 or target is not one row of floats per image. Source: Zhang et al. (2018).

    >>> x, target = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1), torch.eye(2)
    >>> mixed, labels = mixup(x, target, alpha=1.0, generator=torch.Generator().manual_seed(0))
    >>> torch.equal(mixed.flatten(), labels[:, 1]), labels.sum(dim=1)
    (True, tensor([1., 1.]))
    """
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha is {alpha}; expected a finite number above 0")
    if x.dim() != 4 or target.dim() != 2 or len(target) != len(x) or not target.is_floating_point():
        raise ValueError(
            f"x has shape {tuple(x.shape)} and target {tuple(target.shape)} of {target.dtype}; "
            "expected (N, C, H, W) and probabilities (N, K): one-hot encode labels first"
        )
    order = torch.randperm(len(x), generator=generator, device=generator.device).to(x.device)
    # torch's Beta takes no generator, so one draw of it seeds Python's.
    seed = torch.randint(2**62, (), generator=generator, device=generator.device)
    beta = random.Random(seed.item())
    share = torch.tensor([beta.betavariate(alpha, alpha) for _ in range(len(x))]).to(x)
    mixed = torch.lerp(x[order], x, share[:, None, None, None])
    return mixed, torch.lerp(target[order], target, share.to(target)[:, None])


class Augment(nn.Module):
    """Steps applied one after another in training mode; in evaluation mode, nothing.

    Shape: (N, C, H, W) -> what the steps make. Raises ValueError where a step is no function.

    >>> augment = Augment([horizontal_flip])
    >>> x = torch.tensor([[[[1.0, 2.0]]]])
    >>> augment.train()(x), augment.eval()(x)
    (tensor([[[[2., 1.]]]]), tensor([[[[1., 2.]]]]))
    """

    def __init__(self, steps: Sequence[Callable[[Tensor], Tensor]]) -> None:
        super().__init__()
        if not all(map(callable, steps)):
            raise ValueError(f"steps is {steps}; expected functions of images")
        self.steps = tuple(steps)

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (N, C, H, W) -> what the steps return."""
        if self.training:
            for step in self.steps:
                x = step(x)
        return x


def label_preserving(flip: str, digit: int) -> bool:
    """Whether a digit is still read as itself after a "horizontal" or "vertical" flip.

    A matter of convention at the edges: 1 is taken as a plain stroke, 3 as round above and below.
    Raises ValueError for another flip and a digit outside 0..9. Source: our own reading.

    >>> [digit for digit in range(10) if label_preserving("vertical", digit)]
    [0, 1, 3, 8]
    """
    survivors = {"horizontal": {0, 1, 8}, "vertical": {0, 1, 3, 8}}
    if flip not in survivors or digit not in range(10):
        raise ValueError(f"flip is {flip!r}, digit {digit}; expected horizontal or vertical, 0..9")
    return digit in survivors[flip]
