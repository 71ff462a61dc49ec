"""What the lesson on residual networks hands out: ways around layers, blocks, networks of them.

A residual block here is a module with a method ``residual``, which computes F(x) alone, and a child
``downsample``, which computes what F(x) is added to. So none of the lesson's exercises needs
another one. Submissions can read this file: nothing in it is written as the lesson's answers are.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.comparison import Misfit, attempt, fitting
from course.stand_ins import StandIn

__all__ = [
    "LongBlock",
    "NoShortcut",
    "PaddedBlock",
    "PaddedShortcut",
    "Skip",
    "chain",
    "convolutions",
    "no_skip",
    "normed",
    "option_a",
    "residual_blocks",
    "stack",
    "yours_or_given",
]

# Channels of the three stages of the networks that the lesson trains: narrow, to fit its time.
WIDTHS = (8, 16, 32)
CLASSES = 10

# Takes channels in and out, and stride by name; returns the module on the way around the layers.
Skip = Callable[..., nn.Module]


class PaddedShortcut(nn.Module):
    """Every stride-th pixel, and channels of zeros behind the given ones."""

    def __init__(self, *, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample, then pad."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


class NoShortcut(nn.Module):
    """Zero, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        """A zero that broadcasts."""
        return x.new_zeros(())


def option_a(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """The identity where the shape stays, else every stride-th pixel and channels of zeros.

    Raises ValueError where an argument is below 1 or out_channels below in_channels.
    """
    extra = out_channels - in_channels
    if in_channels < 1 or stride < 1 or extra < 0:
        raise ValueError(
            f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each, and "
            "out_channels not below in_channels"
        )
    return PaddedShortcut(extra=extra, stride=stride) if extra or stride > 1 else nn.Identity()


def no_skip(*_: int, **__: int) -> nn.Module:
    """Zero: a block with it is a plain pair of layers, ReLU(F(x)). Takes what option_a takes."""
    return NoShortcut()


def normed(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """Batch norm, then option A, always: a way around that is in no paper, to try out others."""
    return nn.Sequential(
        nn.BatchNorm2d(in_channels),
        PaddedShortcut(extra=out_channels - in_channels, stride=stride),
    )


class PaddedBlock(nn.Module):
    """Some 3x3 convolutions in a row, each with batch norm, and a way around them, made by skip.

    Shape: (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride)). Raises
    ValueError where skip does.
    """

    layers = 2

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, skip: Skip = option_a
    ) -> None:
        super().__init__()
        widths = (in_channels, *[out_channels] * self.layers)
        around = skip(in_channels, out_channels, stride=stride)
        for i, (read, given) in enumerate(pairwise(widths), start=1):
            step = stride if i == 1 else 1
            self.add_module(f"conv{i}", nn.Conv2d(read, given, 3, step, 1, bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(given))
        self.add_module("downsample", around)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        for i in range(1, self.layers + 1):
            convolved = self.get_submodule(f"conv{i}")(F.relu(x) if i > 1 else x)
            x = self.get_submodule(f"bn{i}")(convolved)
        return x

    def forward(self, x: Tensor) -> Tensor:
        """ReLU of F(x) and of what comes around."""
        around = self.get_submodule("downsample")(x)
        return torch.relu(around + self.residual(x))


class LongBlock(PaddedBlock):
    """Three of them: a block that is in no paper, to try out what should work for any."""

    layers = 3


def residual_blocks(model: nn.Module) -> list[nn.Module]:
    """The residual blocks of a model, input side first; ValueError where it has none."""
    blocks = [m for m in model.modules() if callable(getattr(m, "residual", None))]
    if not blocks:
        raise ValueError(
            f"model is a {type(model).__name__} without residual blocks; expected a block, or a "
            "network of them"
        )
    return blocks


def stack(depth: int, *, block: Callable[..., nn.Module], seed: int) -> nn.Sequential:
    """A narrow network of depth layers made of blocks, with equal filters for an equal seed.

    One convolution, three stages of blocks with 8, 16 and 32 channels, a dense layer. block takes
    channels in and out, and stride by name. Shape: (N, 1, H, W) -> (N, 10). Raises ValueError where
    depth is not 6n + 2.
    """
    blocks = (depth - 2) // 6
    if blocks < 1 or depth != 6 * blocks + 2:
        raise ValueError(f"depth is {depth}; expected 6n + 2, such as 8, 14, 20")
    begin = nn.Conv2d(1, WIDTHS[0], 3, padding=1, bias=False)
    modules: list[nn.Module] = [begin, nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
    for before, width in zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False):
        modules.append(block(before, width, stride=1 if before == width else 2))
        modules += [block(width, width, stride=1) for _ in range(blocks - 1)]
    end = nn.Linear(WIDTHS[-1], CLASSES)
    model = nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), end)
    draw = torch.Generator().manual_seed(seed)
    # First what both arms of a race have, then what lies on the shortcuts of one of them.
    on_the_way = [c for c in convolutions(model) if c.kernel_size != (1, 1)]
    for convolution in on_the_way:
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=draw)
    # torch's own spread; with a smaller one 60 steps are too few.
    bound = end.in_features**-0.5
    nn.init.uniform_(end.weight, -bound, bound, generator=draw)
    nn.init.zeros_(end.bias)
    for convolution in convolutions(model):
        if convolution not in on_the_way:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=draw)
    return model


def convolutions(model: nn.Module) -> Iterator[nn.Conv2d]:
    """The convolutions of a model, in the order in which they were made."""
    return (module for module in model.modules() if isinstance(module, nn.Conv2d))


def chain(
    block: Callable[..., nn.Module],
    count: int,
    *,
    width: int,
    skip: bool,
    norm: bool,
    spread: float,
    generator: torch.Generator,
) -> list[nn.Module]:
    """Blocks of equal shape at their initial weights, in training mode.

    Filters are normal, with spread times He's standard deviation. Without norm every batch norm is
    the identity.
    """
    blocks = [block(width, width, skip=option_a if skip else no_skip) for _ in range(count)]
    for made in blocks:
        for module in list(made.modules()):
            if isinstance(module, nn.Conv2d):
                std = spread * (2 / module.weight[0].numel()) ** 0.5
                nn.init.normal_(module.weight, std=std, generator=generator)
            for name, child in list(module.named_children()):
                if isinstance(child, nn.BatchNorm2d) and not norm:
                    setattr(module, name, nn.Identity())
    return blocks


def yours_or_given(own: Callable[..., nn.Module]) -> StandIn:
    """The student's own basic block, or the given one where it cannot be trained.

    It can where it takes skip, has a residual, and sends images and a gradient through.
    """
    problem = attempt(lambda: _trainable(own)).problem
    return StandIn(PaddedBlock if problem else own, problem)


def _trainable(own: Callable[..., nn.Module]) -> None:
    """Send images and a gradient through a block; raise what keeps it from being trained."""
    x = torch.linspace(-2, 2, 2 * 3 * 5 * 4).reshape(2, 3, 5, 4).requires_grad_()
    for skip in (option_a, no_skip):
        block = own(3, 6, stride=2, skip=skip)
        if not callable(getattr(block, "residual", None)):
            raise Misfit("has no method residual")
        y = fitting(block(x * 1), torch.Size((2, 6, 3, 2)))
        torch.autograd.grad(y.sum(), x)
