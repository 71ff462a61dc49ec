r"""LeNet-5, the network that read cheques (LeCun, Bottou, Bengio and Haffner, 1998).

Two rounds of convolution and subsampling turn a 32x32 image into 16 maps of 5x5; three dense
layers read them. A convolution with ``k x k`` kernels from ``C`` to ``K`` maps has
``K (C k^2 + 1)`` parameters, however large the image:

                    1998                                          today
    C1  6@28x28     conv 5x5                              156     the same                    156
    S2  6@14x14     4 pixels summed, times a, plus b       12     max pool 2x2                  0
    C3  16@10x10    conv 5x5, table of connections      1,516     conv 5x5 from all 6       2,416
    S4  16@5x5      as S2                                  32     max pool 2x2                  0
    C5  120         dense                              48,120     the same                 48,120
    F6  84          dense                              10,164     the same                 10,164
        10          squared distance to fixed codes         0     dense                       850
                                                       60,000                              61,706

The paper squashes with ``1.7159 tanh(2x/3)``; today one takes ReLU. Its output units measure how
far the 84 values of F6 are from a drawing of each digit in 7x12 pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["LeNet5", "PaperLeNet5", "small_lenet"]


class LeNet5(nn.Module):
    """LeNet-5 as it is written today: ReLU, max pooling, a dense output. 61,706 parameters.

    Shape: (N, in_channels, 32, 32) -> (N, num_classes). 28x28 images need a margin of 2.
    Raises ValueError where an argument is below 1. Source: LeCun et al. (1998), with the changes
    that the module's table tells.

    >>> LeNet5()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        if min(num_classes, in_channels) < 1:
            raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images to logits."""
        # N x 1 x 32 x 32
        x = F.relu(self.conv1(x))
        # N x 6 x 28 x 28
        x = F.max_pool2d(x, 2)
        # N x 6 x 14 x 14
        x = F.relu(self.conv2(x))
        # N x 16 x 10 x 10
        x = F.max_pool2d(x, 2)
        # N x 16 x 5 x 5
        x = torch.flatten(x, 1)
        # N x 400
        x = F.relu(self.fc1(x))
        # N x 120
        x = F.relu(self.fc2(x))
        # N x 84
        x = self.fc3(x)
        # N x 10
        return x


# Table I of the paper: which maps of S2 each of the 16 maps of C3 sees.
C3_SEES = (
    *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)

# The ten digits in 7x12 pixels, one hexadecimal number per row, after Figure 3 of the paper.
DIGIT_ROWS = (
    "00 1c 22 41 41 41 41 41 41 22 1c 00",
    "00 08 18 28 08 08 08 08 08 08 1c 00",
    "00 3c 42 01 01 02 0c 10 20 40 7f 00",
    "00 3e 41 01 01 1e 01 01 01 41 3e 00",
    "00 02 06 0a 12 22 42 7f 02 02 02 00",
    "00 7f 40 40 7c 02 01 01 01 42 3c 00",
    "00 1e 20 40 40 7e 41 41 41 41 3e 00",
    "00 7f 01 02 02 04 04 08 08 10 10 00",
    "00 3e 41 41 41 3e 41 41 41 41 3e 00",
    "00 3e 41 41 41 3f 01 01 01 02 3c 00",
)


class PaperLeNet5(nn.Module):
    """LeNet-5 as published: 60,000 trainable parameters and fixed output codes.

    Shape: (N, 1, 32, 32) -> (N, 10). A score is minus the squared distance to a digit's code, so
    that the largest wins, as with logits; the paper takes the distance and lets the smallest win.
    It scales images so that the background is -0.1 and ink is 1.175. The codes are this project's
    drawing, since the paper prints them only as a picture. Source: LeCun et al. (1998).

    >>> sum(p.numel() for p in PaperLeNet5().parameters())
    60000
    """

    codes: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = SparseConv2d(C3_SEES, kernel_size=5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        rows = torch.tensor([[int(row, 16) for row in rows.split()] for rows in DIGIT_ROWS])
        ink = (rows.unsqueeze(-1) >> torch.arange(6, -1, -1)) & 1
        self.register_buffer("codes", ink.flatten(1) * 2.0 - 1.0)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 2.4 / layer.weight[0].numel()
                nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores."""
        # N x 1 x 32 x 32
        x = squash(self.c1(x))
        # N x 6 x 28 x 28
        x = squash(self.s2(x))
        # N x 6 x 14 x 14
        x = squash(self.c3(x))
        # N x 16 x 10 x 10
        x = squash(self.s4(x))
        # N x 16 x 5 x 5
        x = squash(self.c5(x))
        # N x 120 x 1 x 1
        x = squash(self.f6(torch.flatten(x, 1)))
        # N x 84
        return -(x.unsqueeze(1) - self.codes).square().sum(dim=2)


def squash(x: Tensor) -> Tensor:
    """The paper's activation, whose constants send 1 to 1 and -1 to -1."""
    return 1.7159 * torch.tanh(2 / 3 * x)


class Subsampling(nn.Module):
    """Sum of each 2x2 window, times one coefficient and plus one bias per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 1).uniform_(-2.4 / 4, 2.4 / 4))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C, H/2, W/2)."""
        return F.avg_pool2d(x, 2, divisor_override=1) * self.weight + self.bias


class SparseConv2d(nn.Module):
    """Convolution whose every output channel sees only some input channels."""

    def __init__(self, sees: tuple[tuple[int, ...], ...], *, kernel_size: int) -> None:
        super().__init__()
        self.sees = sees
        self.convs = nn.ModuleList(nn.Conv2d(len(maps), 1, kernel_size) for maps in sees)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, len(sees), H', W')."""
        pairs = zip(self.convs, self.sees, strict=True)
        return torch.cat([conv(x[:, list(maps)]) for conv, maps in pairs], dim=1)


def small_lenet(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """LeNet's plan for images of 8x8 pixels and more, whatever their size.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8. Raises ValueError
    where an argument is below 1.

    >>> small_lenet()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
    return nn.Sequential(
        nn.Conv2d(in_channels, 16, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 84),
        nn.ReLU(inplace=True),
        nn.Linear(84, num_classes),
    )
