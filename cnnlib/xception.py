"""Xception: an inception module taken to its limit (Chollet, 2017).

An inception module first maps all channels with 1x1 convolutions and then looks at space in a few
groups of channels. With one group per channel this is a depthwise separable convolution: a k x k
kernel for each of the C channels, then a 1x1 convolution that mixes them. Its ``k^2 C + C K``
weights replace ``k^2 C K``. Xception does nothing else, with a shortcut around every module:

    entry flow    299x299x3 -> 19x19x728    two convolutions, three modules that halve the image
    middle flow   19x19x728                 eight modules of three separable convolutions
    exit flow     10x10x2048 -> 2048        one module, two separable convolutions, average pool

36 convolutions in 14 modules (the shortcuts' 1x1 convolutions are not among them), 22,855,952
trainable parameters. Batch normalisation follows every convolution, so none has a bias; nothing
stands between the two halves of a separable convolution. The paper's framework pads an even image
on one side only where this one pads both, which moves some pooling windows by a pixel.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SeparableConv2d", "Xception", "XceptionModule", "small_xception"]


class Xception(nn.Module):
    """Xception as published, without the optional dense layers before the last.

    Shape: (N, in_channels, 299, 299) -> (N, num_classes); other sizes from 71 up work as well.
    Raises ValueError where num_classes or in_channels is below 1. Source: Chollet (2017), Figure 5.

    >>> with torch.device("meta"):  # shapes only: no memory, no arithmetic
    ...     Xception()(torch.zeros(2, 3, 299, 299)).shape
    torch.Size([2, 1000])
    """

    def __init__(self, *, num_classes: int = 1000, in_channels: int = 3) -> None:
        super().__init__()
        if min(num_classes, in_channels) < 1:
            raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
        self.conv1 = nn.Conv2d(in_channels, 32, 3, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.entry = nn.Sequential(
            XceptionModule(64, (128, 128), stride=2, starts_with_relu=False),
            XceptionModule(128, (256, 256), stride=2),
            XceptionModule(256, (728, 728), stride=2),
        )
        self.middle = nn.Sequential(*(XceptionModule(728, (728, 728, 728)) for _ in range(8)))
        self.exit = XceptionModule(728, (728, 1024), stride=2)
        self.conv3 = SeparableConv2d(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = SeparableConv2d(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(2048, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Images to logits."""
        # N x 3 x 299 x 299
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        # N x 32 x 149 x 149
        x = F.relu(self.bn2(self.conv2(x)), inplace=True)
        # N x 64 x 147 x 147
        x = self.entry(x)
        # N x 728 x 19 x 19
        x = self.middle(x)
        # N x 728 x 19 x 19
        x = self.exit(x)
        # N x 1024 x 10 x 10
        x = F.relu(self.bn3(self.conv3(x)), inplace=True)
        # N x 1536 x 10 x 10
        x = F.relu(self.bn4(self.conv4(x)), inplace=True)
        # N x 2048 x 10 x 10
        x = torch.flatten(self.avgpool(x), 1)
        # N x 2048
        x = self.fc(self.dropout(x))
        # N x 1000
        return x


class XceptionModule(nn.Module):
    """Separable convolutions of the given widths, with a shortcut around them.

    ReLU comes before each convolution (before the first one only where starts_with_relu says so)
    and batch normalisation after it. With stride 2 a max pool 3x3 ends the branch, and the shortcut
    is a 1x1 convolution with stride 2 and batch normalisation; with stride 1 it is the identity.
    Shape: (N, in_channels, H, W) -> (N, widths[-1], ceil(H / stride), ceil(W / stride)). Raises
    ValueError where stride is neither 1 nor 2, and where it is 1 and the last width is not
    in_channels. Source: Chollet (2017), Figure 5.

    >>> XceptionModule(8, (16, 24), stride=2)(torch.zeros(1, 8, 7, 4)).shape
    torch.Size([1, 24, 4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, ...],
        *,
        stride: int = 1,
        starts_with_relu: bool = True,
    ) -> None:
        super().__init__()
        if stride not in (1, 2) or (stride == 1 and widths[-1] != in_channels):
            raise ValueError(
                f"stride is {stride} from {in_channels} to {widths[-1]} channels; "
                "expected 2, or 1 with as many channels out as in"
            )
        layers: list[nn.Module] = []
        channels = in_channels
        for width in widths:
            # Not in place: the input of the first is the shortcut's input too.
            layers += [nn.ReLU(), SeparableConv2d(channels, width), nn.BatchNorm2d(width)]
            channels = width
        if stride == 2:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        self.branch = nn.Sequential(*layers[0 if starts_with_relu else 1 :])
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride=2, bias=False),
                nn.BatchNorm2d(channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Branch plus shortcut."""
        x = self.branch(x) + self.shortcut(x)
        return x


class SeparableConv2d(nn.Module):
    """3x3 convolution of each channel alone, then 1x1 of all, without biases.

    Shape: (N, in_channels, H, W) -> (N, out_channels, H, W). Source: Chollet (2017).

    >>> sum(p.numel() for p in SeparableConv2d(64, 128).parameters())  # 9 x 64 + 64 x 128
    8768
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, 3, padding=1, groups=in_channels, bias=False
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) to (N, out_channels, H, W)."""
        x = self.pointwise(self.depthwise(x))
        return x


def small_xception(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """Xception's plan (halving modules, one middle module, average pool) for 8x8 pixels and more.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8. Raises ValueError
    where an argument is below 1.

    >>> small_xception()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
    return nn.Sequential(
        nn.Conv2d(in_channels, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        XceptionModule(32, (64, 64), stride=2, starts_with_relu=False),
        XceptionModule(64, (128, 128), stride=2),
        XceptionModule(128, (128, 128, 128)),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(128, num_classes),
    )
