"""Inception: look at several scales at once, and pay for it with 1x1 convolutions.

An inception module (Szegedy et al., 2015) sends its input through four branches of equal height
and width and concatenates what comes out, channel after channel:

    1x1            ch1x1
    1x1 -> 3x3     ch3x3red -> ch3x3
    1x1 -> 5x5     ch5x5red -> ch5x5
    max 3x3 -> 1x1            pool_proj

A 1x1 convolution is one matrix for all pixels, ``y[n, :, h, w] = W x[n, :, h, w] + b``. In front of
the large kernels it reduces the channels: a k x k convolution from C to K channels costs
``k^2 C K`` multiply-adds per pixel, by way of R channels only ``C R + k^2 R K``. What the reduction
can keep depends on how many directions the C channels use (``effective_rank``).

``cnnlib.googlenet`` puts nine modules together. Two auxiliary heads in the middle classify as well;
their losses, times 0.3, send gradients to the layers below them, in training only.

A convolution whose spatial part works on each channel alone and whose 1x1 part then mixes them is
the limit of this idea; ``cnnlib.xception`` is built of it (Chollet, 2017).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "AuxiliaryHead",
    "InceptionModule",
    "effective_rank",
    "googlenet_loss",
    "pointwise_conv",
    "reduction_savings",
    "separable_conv",
]


class InceptionModule(nn.Module):
    """Four branches (1x1, 3x3, 5x5, max pool), concatenated along the channels, in this order.

    Shape: (N, in_channels, H, W) -> (N, ch1x1 + ch3x3 + ch5x5 + pool_proj, H, W). Every
    convolution has a bias and is followed by ReLU. Raises ValueError where a width is below 1.
    Source: Szegedy et al. (2015), Figure 2b.

    >>> module = InceptionModule(
    ...     192, ch1x1=64, ch3x3red=96, ch3x3=128, ch5x5red=16, ch5x5=32, pool_proj=32)
    >>> module(torch.zeros(1, 192, 6, 5)).shape
    torch.Size([1, 256, 6, 5])
    """

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
        given = (in_channels, ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj)
        if min(given) < 1:
            raise ValueError(f"the widths are {given}; expected 1 or more of each")
        self.branch1 = conv_relu(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            conv_relu(in_channels, ch3x3red, kernel_size=1),
            conv_relu(ch3x3red, ch3x3, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            conv_relu(in_channels, ch5x5red, kernel_size=1),
            conv_relu(ch5x5red, ch5x5, kernel_size=5, padding=2),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            conv_relu(in_channels, pool_proj, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Every branch sees the same x."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


def conv_relu(
    in_channels: int, out_channels: int, *, kernel_size: int, stride: int = 1, padding: int = 0
) -> nn.Sequential:
    """Convolution with a bias, then ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=stride, padding=padding),
        nn.ReLU(inplace=True),
    )


class AuxiliaryHead(nn.Module):
    """Classifier on 14x14 maps in the middle of GoogLeNet, for training only.

    Average pool 5x5 with stride 3, 1x1 convolution to 128 channels, dense 1024, dropout 0.7, dense.
    Shape: (N, in_channels, 14, 14) -> (N, num_classes). Raises ValueError where in_channels or
    num_classes is below 1. Source: Szegedy et al. (2015), Section 5.

    >>> AuxiliaryHead(512, 10)(torch.zeros(2, 512, 14, 14)).shape
    torch.Size([2, 10])
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        if min(in_channels, num_classes) < 1:
            raise ValueError(f"{in_channels=}, {num_classes=}; expected 1 or more of each")
        self.conv = nn.Conv2d(in_channels, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.dropout = nn.Dropout(0.7)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Maps to logits."""
        # N x 512 x 14 x 14
        x = F.avg_pool2d(x, 5, stride=3)
        # N x 512 x 4 x 4
        x = F.relu(self.conv(x))
        # N x 128 x 4 x 4
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        # N x 1024
        x = self.fc2(self.dropout(x))
        # N x 1000
        return x


def googlenet_loss(
    main: Tensor, aux1: Tensor | None, aux2: Tensor | None, target: Tensor
) -> Tensor:
    """Cross-entropy of the main head plus 0.3 times that of each auxiliary head.

    Heads that are None, as when the model is evaluated, are left out. Shape: logits (N, K) and
    labels (N,) -> a number. Raises ValueError where the shapes differ. Source: Szegedy et al.
    (2015), Section 5.

    >>> logits = torch.zeros(2, 10)  # each loss is log 10
    >>> googlenet_loss(logits, logits, logits, torch.tensor([3, 7])) / math.log(10)
    tensor(1.6000)
    """
    heads = [(1.0, main), (0.3, aux1), (0.3, aux2)]
    given = [(weight, logits) for weight, logits in heads if logits is not None]
    for _, logits in given:
        if logits.shape != main.shape or main.dim() != 2 or target.shape != main.shape[:1]:
            raise ValueError(
                f"logits are {tuple(logits.shape)} and {tuple(main.shape)}, target is "
                f"{tuple(target.shape)}; expected (N, K) and (N,)"
            )
    return sum((w * F.cross_entropy(z, target) for w, z in given), start=main.new_zeros(()))


def pointwise_conv(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    """1x1 convolution as one matrix product.

    Shape: x (N, C, H, W), w (K, C) or (K, C, 1, 1), b (K,) -> (N, K, H, W). Raises ValueError for
    other shapes. Source: Lin, Chen and Yan (2014).

    >>> pointwise_conv(torch.ones(1, 3, 2, 2), torch.tensor([[1.0, 2.0, 3.0]])).flatten()
    tensor([6., 6., 6., 6.])
    """
    matrix = w.flatten(1)
    if x.dim() != 4 or matrix.shape[1] != x.shape[1] or (b is not None and b.shape != w.shape[:1]):
        raise ValueError(
            f"x has shape {tuple(x.shape)}, w {tuple(w.shape)}, b "
            f"{None if b is None else tuple(b.shape)}; expected (N, C, H, W), (K, C) and (K,)"
        )
    y = matrix @ x.flatten(2)
    if b is not None:
        y = y + b.unsqueeze(1)
    return y.reshape(*y.shape[:2], *x.shape[2:])


def reduction_savings(
    in_channels: int, out_channels: int, *, reduced: int, kernel_size: int, size: tuple[int, int]
) -> tuple[int, int]:
    """Multiply-adds of a convolution alone, and of a 1x1 reduction followed by it.

    Both keep the image's size, (H, W). Raises ValueError where an argument is below 1.
    Source: Szegedy et al. (2015), Section 4.

    >>> reduction_savings(192, 32, reduced=16, kernel_size=5, size=(28, 28))  # in module 3a
    (120422400, 12443648)
    """
    if min(in_channels, out_channels, reduced, kernel_size, *size) < 1:
        raise ValueError(
            f"{in_channels=}, {out_channels=}, {reduced=}, {kernel_size=}, {size=}; "
            "expected 1 or more of each"
        )
    pixels = size[0] * size[1]
    alone = pixels * kernel_size**2 * in_channels * out_channels
    by_way = pixels * reduced * (in_channels + kernel_size**2 * out_channels)
    return alone, by_way


def separable_conv(x: Tensor, depthwise: Tensor, pointwise: Tensor) -> Tensor:
    """One kernel per channel, then a 1x1 convolution that mixes the channels.

    Height and width stay as they are. Shape: x (N, C, H, W), depthwise (C, 1, k, k) with k odd,
    pointwise (K, C) or (K, C, 1, 1) -> (N, K, H, W). Raises ValueError for other shapes.
    Source: Chollet (2017).

    >>> x = torch.ones(1, 2, 3, 3)
    >>> separable_conv(x, torch.ones(2, 1, 3, 3), torch.tensor([[1.0, -0.5]]))
    tensor([[[[2.0000, 3.0000, 2.0000],
              [3.0000, 4.5000, 3.0000],
              [2.0000, 3.0000, 2.0000]]]])
    """
    channels, odd = x.shape[1], all(k % 2 == 1 for k in depthwise.shape[2:])
    if depthwise.shape[:2] != (channels, 1) or depthwise.dim() != 4 or not odd:
        raise ValueError(
            f"depthwise has shape {tuple(depthwise.shape)} for x of shape {tuple(x.shape)}; "
            f"expected ({channels}, 1, k, k) with k odd"
        )
    each = F.conv2d(x, depthwise, padding="same", groups=channels)
    return pointwise_conv(each, pointwise)


def effective_rank(features: Tensor) -> float:
    """How many directions the channels of a feature map really use, from 0 to C.

    The pixels are points in C dimensions; take their mean away, since a bias can put it back. With
    s the singular values of what is left and p = s / sum(s), the effective rank is exp(H), where
    H = -sum p log p: k for k directions of equal strength. A 1x1 reduction to fewer channels than
    this must lose something. Shape: (N, C, H, W) -> a number; 0 where all channels are constant.
    Raises ValueError for any other shape. Source: Roy and Vetterli (2007).

    >>> x = torch.tensor([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]]).reshape(1, 2, 2, 2)
    >>> round(effective_rank(torch.cat([x, x.flip(1)], dim=1)), 6)  # two channels, each twice
    2.0
    """
    if features.dim() != 4 or features.numel() == 0:
        raise ValueError(f"features has shape {tuple(features.shape)}; expected (N, C, H, W)")
    points = features.detach().cpu().double().movedim(1, -1).flatten(end_dim=-2)
    s = torch.linalg.svdvals(points - points.mean(dim=0))
    if s.sum() == 0:
        return 0.0
    p = s / s.sum()
    return math.exp(torch.special.entr(p).sum().item())
