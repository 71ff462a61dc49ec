"""Finished parts of the lesson on residual networks, so that none of its exercises needs another.

A residual block here is a module with a method ``residual``, which computes F(x) alone, and a child
``downsample``, which computes what F(x) is added to.
"""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "LongBlock",
    "NoShortcut",
    "PaddedBlock",
    "PaddedShortcut",
    "option_b",
    "residual_blocks",
    "stack",
    "without_skips",
]

# Channels of the three stages of the networks that the lesson trains: narrow, to fit its time.
WIDTHS = (8, 16, 32)


class PaddedBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut without parameters (option A).

    Shape: (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride)). Raises
    ValueError where an argument is below 1 and where out_channels is below in_channels.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        if min(in_channels, stride) < 1 or out_channels < in_channels:
            raise ValueError(
                f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each, and "
                "out_channels not below in_channels"
            )
        same = stride == 1 and in_channels == out_channels
        extra = out_channels - in_channels
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Identity() if same else PaddedShortcut(extra=extra, stride=stride)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(F(x) + x)."""
        return F.relu(self.residual(x) + self.downsample(x))


class LongBlock(nn.Module):
    """Three 3x3 convolutions with batch norm, and a shortcut with a projection (option B).

    A block that is in no paper, to try out what should work for any. Shapes as for PaddedBlock.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv3 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = option_b(in_channels, out_channels, stride=stride)

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(F(x) + shortcut(x))."""
        return F.relu(self.residual(x) + self.downsample(x))


class PaddedShortcut(nn.Module):
    """Every stride-th pixel, and channels of zeros behind the given ones."""

    def __init__(self, *, extra: int, stride: int) -> None:
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample, then pad."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


class NoShortcut(nn.Module):
    """Zero, whatever comes in: a block with it is a plain pair of layers, ReLU(F(x))."""

    def forward(self, x: Tensor) -> Tensor:
        """A zero that broadcasts."""
        return x.new_zeros(())


def option_b(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """The identity where the shape stays, else a 1x1 convolution and batch norm.

    Raises ValueError where an argument is below 1.
    """
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def residual_blocks(model: nn.Module) -> list[nn.Module]:
    """The residual blocks of a model, input side first; ValueError where it has none."""
    blocks = [m for m in model.modules() if callable(getattr(m, "residual", None))]
    if not blocks:
        raise ValueError(
            f"model is a {type(model).__name__} without residual blocks; expected a block, or a "
            "network of them"
        )
    return blocks


def without_skips(model: nn.Module) -> nn.Module:
    """A copy of a residual network with the same weights and no skip: its plain twin."""
    twin = copy.deepcopy(model)
    for block in residual_blocks(twin):
        block.downsample = NoShortcut()
    return twin


def stack(depth: int, *, skip: bool, seed: int, zeroed: bool = False) -> nn.Sequential:
    """A narrow network of depth layers, plain or residual, with equal weights for an equal seed.

    One convolution, three stages of blocks with 8, 16 and 32 channels, a dense layer; zeroed lets
    every block start with F = 0. Shape: (N, 1, H, W) -> (N, 10). Raises ValueError where depth is
    not 6n + 2.
    """
    blocks = (depth - 2) // 6
    if blocks < 1 or depth != 6 * blocks + 2:
        raise ValueError(f"depth is {depth}; expected 6n + 2, such as 8, 14, 20")
    layers: list[nn.Module] = [nn.Conv2d(1, WIDTHS[0], 3, padding=1, bias=False)]
    layers += [nn.BatchNorm2d(WIDTHS[0]), nn.ReLU()]
    channels = WIDTHS[0]
    for width in WIDTHS:
        for i in range(blocks):
            stride = 2 if i == 0 and width != WIDTHS[0] else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    model = nn.Sequential(*layers)
    draw = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=draw)
        if isinstance(module, nn.Linear):
            # torch's own spread; with a smaller one 60 steps are too few.
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=draw)
            nn.init.zeros_(module.bias)
    if not skip:
        for block in residual_blocks(model):
            block.downsample = NoShortcut()
    if zeroed:
        for name, parameter in model.named_parameters():
            if name.endswith("bn2.weight"):
                nn.init.zeros_(parameter)
    return model
