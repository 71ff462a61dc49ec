"""GoogLeNet: 22 layers with a ninth of AlexNet's parameters (Szegedy et al., 2015).

Three convolutions, nine inception modules, global average pooling and one dense layer. Two
auxiliary heads read modules 4a and 4d in training. ``variant="torchvision"`` differs from the paper
in seven ways:

                            variant="paper"              variant="torchvision"
    after a convolution     bias, ReLU                   batch normalisation (eps 0.001), ReLU
    "5x5" branch            5x5                          3x3, a slip kept for its weights' sake
    before module 5a        max pool 3x3, stride 2       2x2, stride 2
    local response norm     after pool 1 and conv 3      none
    auxiliary heads' pool   average 5x5, stride 3        adaptive average to 4x4
    dropout before fc       0.4                          0.2
    order of outputs        main, aux1, aux2             main, aux2, aux1; here as the paper's
    parameters              6,998,552                    6,624,904
    ... with both heads     13,378,280                   13,004,888
    multiply-adds           1.583 thousand million       1.498

The paper's Table 1 adds up to 1.50 thousand million, because it prints 34 million for the first
convolution; 7x7x3x64 weights at 112x112 places make 118. The other rows agree with this network
within 1 percent, but for 5a (54 million in print, 51 by its own widths).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnlib.inception import AuxiliaryHead, InceptionModule, conv_relu

__all__ = ["GoogLeNet", "GoogLeNetOutput", "small_googlenet"]


class GoogLeNetOutput(NamedTuple):
    """What GoogLeNet returns in training mode: three logits, each (N, K).

    >>> GoogLeNetOutput(*torch.zeros(3, 2, 10)).aux1.shape
    torch.Size([2, 10])
    """

    main: Tensor
    aux1: Tensor
    aux2: Tensor


class GoogLeNet(nn.Module):
    """GoogLeNet as published, or as torchvision has it (state dicts are exchangeable).

    Shape: (N, in_channels, 224, 224) -> (N, num_classes), and in training mode, where auxiliary
    is true, a GoogLeNetOutput of three such. Other image sizes work in evaluation mode; the heads
    of the paper's variant are made for 224. Raises ValueError where variant is neither "paper" nor
    "torchvision", and where a number is below 1. Source: Szegedy et al. (2015), Table 1 and
    Section 5.

    >>> with torch.device("meta"):  # shapes only: no memory, no arithmetic
    ...     [logits.shape for logits in GoogLeNet()(torch.zeros(2, 3, 224, 224))]
    [torch.Size([2, 1000]), torch.Size([2, 1000]), torch.Size([2, 1000])]
    """

    def __init__(
        self,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        auxiliary: bool = True,
        variant: str = "paper",
    ) -> None:
        super().__init__()
        if variant not in ("paper", "torchvision"):
            raise ValueError(f"variant is {variant!r}; expected 'paper' or 'torchvision'")
        if min(num_classes, in_channels) < 1:
            raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
        paper = variant == "paper"
        conv: Callable[..., nn.Module] = conv_relu if paper else ConvNormReLU
        module: Callable[..., nn.Module] = InceptionModule if paper else TorchvisionModule
        head: Callable[..., nn.Module] = AuxiliaryHead if paper else TorchvisionHead

        def norm() -> nn.Module:
            # torch divides alpha by the window's size, Krizhevsky et al. (2012) do not.
            return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2) if paper else nn.Identity()

        def pool(kernel_size: int = 3) -> nn.Module:
            return nn.MaxPool2d(kernel_size, stride=2, ceil_mode=True)

        self.conv1 = conv(in_channels, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = pool()
        self.norm1 = norm()
        self.conv2 = conv(64, 64, kernel_size=1)
        self.conv3 = conv(64, 192, kernel_size=3, padding=1)
        self.norm2 = norm()
        self.maxpool2 = pool()
        self.inception3a = module(192, **widths(64, 96, 128, 16, 32, 32))
        self.inception3b = module(256, **widths(128, 128, 192, 32, 96, 64))
        self.maxpool3 = pool()
        self.inception4a = module(480, **widths(192, 96, 208, 16, 48, 64))
        self.inception4b = module(512, **widths(160, 112, 224, 24, 64, 64))
        self.inception4c = module(512, **widths(128, 128, 256, 24, 64, 64))
        self.inception4d = module(512, **widths(112, 144, 288, 32, 64, 64))
        self.inception4e = module(528, **widths(256, 160, 320, 32, 128, 128))
        self.maxpool4 = pool(3 if paper else 2)
        self.inception5a = module(832, **widths(256, 160, 320, 32, 128, 128))
        self.inception5b = module(832, **widths(384, 192, 384, 48, 128, 128))
        self.aux1 = head(512, num_classes) if auxiliary else None
        self.aux2 = head(528, num_classes) if auxiliary else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.4 if paper else 0.2)
        self.fc = nn.Linear(1024, num_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor | GoogLeNetOutput:
        """Images to logits, or to three in training mode."""
        # N x 3 x 224 x 224
        x = self.conv1(x)
        # N x 64 x 112 x 112
        x = self.norm1(self.maxpool1(x))
        # N x 64 x 56 x 56
        x = self.conv2(x)
        # N x 64 x 56 x 56
        x = self.norm2(self.conv3(x))
        # N x 192 x 56 x 56
        x = self.maxpool2(x)
        # N x 192 x 28 x 28
        x = self.inception3a(x)
        # N x 256 x 28 x 28
        x = self.inception3b(x)
        # N x 480 x 28 x 28
        x = self.maxpool3(x)
        # N x 480 x 14 x 14
        x = self.inception4a(x)
        # N x 512 x 14 x 14
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception4b(x)
        # N x 512 x 14 x 14
        x = self.inception4c(x)
        # N x 512 x 14 x 14
        x = self.inception4d(x)
        # N x 528 x 14 x 14
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.inception4e(x)
        # N x 832 x 14 x 14
        x = self.maxpool4(x)
        # N x 832 x 7 x 7
        x = self.inception5a(x)
        # N x 832 x 7 x 7
        x = self.inception5b(x)
        # N x 1024 x 7 x 7
        x = self.avgpool(x)
        # N x 1024 x 1 x 1
        x = self.fc(self.dropout(torch.flatten(x, 1)))
        # N x 1000
        return x if aux1 is None or aux2 is None else GoogLeNetOutput(x, aux1, aux2)


class ConvNormReLU(nn.Module):
    """torchvision's unit: convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, K, H', W')."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class TorchvisionModule(nn.Module):
    """torchvision's inception module, whose third branch is 3x3 where the paper's is 5x5."""

    def __init__(
        self,
        in_channels: int,
        *,
        ch1x1: int,
        ch3x3red: int,
        ch3x3: int,
        ch5x5red: int,
        ch5x5: int,
        pool_proj: int,
    ) -> None:
        super().__init__()
        self.branch1 = ConvNormReLU(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            ConvNormReLU(in_channels, ch3x3red, kernel_size=1),
            ConvNormReLU(ch3x3red, ch3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            ConvNormReLU(in_channels, ch5x5red, kernel_size=1),
            ConvNormReLU(ch5x5red, ch5x5, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            ConvNormReLU(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Every branch sees the same x."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


class TorchvisionHead(nn.Module):
    """torchvision's auxiliary classifier, which takes maps of any size."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvNormReLU(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps to logits."""
        x = self.conv(F.adaptive_avg_pool2d(x, 4))
        # N x 128 x 4 x 4
        x = F.relu(self.fc1(torch.flatten(x, 1)), inplace=True)
        # N x 1024
        x = self.fc2(self.dropout(x))
        return x


def widths(
    ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool_proj: int
) -> dict[str, int]:
    """A row of the paper's Table 1 as the keywords of InceptionModule."""
    return {
        "ch1x1": ch1x1,
        "ch3x3red": ch3x3red,
        "ch3x3": ch3x3,
        "ch5x5red": ch5x5red,
        "ch5x5": ch5x5,
        "pool_proj": pool_proj,
    }


def small_googlenet(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """Three inception modules and global average pooling, for 8x8 pixels and more.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8. Raises ValueError
    where an argument is below 1.

    >>> small_googlenet()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
    return nn.Sequential(
        conv_relu(in_channels, 32, kernel_size=3, padding=1),
        InceptionModule(32, **widths(16, 16, 24, 8, 12, 12)),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        InceptionModule(64, **widths(32, 32, 48, 8, 24, 24)),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        InceptionModule(128, **widths(32, 32, 48, 8, 24, 24)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Linear(128, num_classes),
    )
