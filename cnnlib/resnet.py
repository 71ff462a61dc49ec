r"""ResNet: let a block learn what to add to its input (He, Zhang, Ren and Sun, 2015).

Deeper plain networks train worse, on the training set itself: the paper calls it degradation. A
deeper network could copy a shallower one and let the rest be the identity, but plain layers hardly
find the identity. So give it to them. A block with input ``x`` computes

    H(x) = F(x) + x,    output = ReLU(H(x)),    dH/dx = I + dF/dx

and learns the residual ``F``: two 3x3 convolutions (basic block), or 1x1, 3x3, 1x1 (bottleneck),
each followed by batch normalisation. ``F = 0`` is the identity. Where the shape changes, ``x``
takes a shortcut of its own: a 1x1 convolution with the stride (option B of the paper), or every
second pixel and channels of zeros, without parameters (option A).

    depth   blocks             parameters   multiply-adds in thousand millions
    18      2, 2, 2, 2 basic   11,689,512   1.81
    34      3, 4, 6, 3 basic   21,797,672   3.66
    50      3, 4, 6, 3         25,557,032   3.86 (paper), 4.09 (torchvision)
    101     3, 4, 23, 3        44,549,160   7.57 (paper), 7.80 (torchvision)
    152     3, 8, 36, 3        60,192,808   11.28 (paper), 11.51 (torchvision)

``variant="paper"`` halves the image in the first 1x1 convolution of a bottleneck; torchvision does
so in its 3x3, at no cost in parameters, and so does ``BottleneckBlock``. For 32x32 images the paper
has a narrower family, ``make_resnet``: 6n + 2 layers, option A.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    *("BasicBlock", "BottleneckBlock", "PaddedBlock", "PaddedShortcut", "ResNet", "make_resnet"),
    *("no_skip", "option_a", "residual_jacobian", "shortcut", "small_resnet"),
    "zero_init_residual",
]


class ResNet(nn.Module):
    """ResNet for ImageNet with torchvision's names, so that state dicts are exchangeable.

    depth is 18, 34, 50, 101 or 152. Shape: (N, in_channels, 224, 224) -> (N, num_classes); other
    sizes from 32 up work as well. Raises ValueError for another depth, where variant is neither
    "paper" nor "torchvision", and where a number is below 1. Source: He et al. (2015), Table 1,
    with option B.

    >>> with torch.device("meta"):  # shapes only: no memory, no arithmetic
    ...     ResNet(50)(torch.zeros(2, 3, 224, 224)).shape
    torch.Size([2, 1000])
    """

    def __init__(
        self,
        depth: int,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        variant: str = "paper",
    ) -> None:
        super().__init__()
        if depth not in BLOCKS:
            raise ValueError(f"depth is {depth}; expected one of {', '.join(map(str, BLOCKS))}")
        if variant not in ("paper", "torchvision"):
            raise ValueError(f"variant is {variant!r}; expected 'paper' or 'torchvision'")
        if min(num_classes, in_channels) < 1:
            raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
        block, expansion, blocks = BLOCKS[depth]
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = stage(block, 64, 64, expansion, blocks=blocks[0], stride=1)
        self.layer2 = stage(block, 64 * expansion, 128, expansion, blocks=blocks[1], stride=2)
        self.layer3 = stage(block, 128 * expansion, 256, expansion, blocks=blocks[2], stride=2)
        self.layer4 = stage(block, 256 * expansion, 512, expansion, blocks=blocks[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * expansion, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if isinstance(module, BottleneckBlock) and variant == "paper":
                module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride

    def forward(self, x: Tensor) -> Tensor:
        """Images to logits."""
        # N x 3 x 224 x 224
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        # N x 64 x 112 x 112
        x = self.maxpool(x)
        # N x 64 x 56 x 56
        x = self.layer1(x)
        # N x 64 x 56 x 56, or 256 with bottlenecks
        x = self.layer2(x)
        # N x 128 x 28 x 28, or 512
        x = self.layer3(x)
        # N x 256 x 14 x 14, or 1024
        x = self.layer4(x)
        # N x 512 x 7 x 7, or 2048
        x = torch.flatten(self.avgpool(x), 1)
        # N x 512, or 2048
        x = self.fc(x)
        # N x 1000
        return x


def stage(
    block: "type[BasicBlock | BottleneckBlock]",
    in_channels: int,
    width: int,
    expansion: int,
    *,
    blocks: int,
    stride: int,
) -> nn.Sequential:
    """Blocks of equal width, which give out expansion times as many channels.

    The first of them changes the shape.
    """
    first = block(in_channels, width, stride=stride, skip=shortcut)
    rest = (block(width * expansion, width, skip=shortcut) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def option_a(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """The identity where the shape stays, else every stride-th pixel and channels of zeros.

    Shapes as for shortcut. Raises ValueError where an argument is below 1 or out_channels below
    in_channels. Source: He et al. (2015), option A.

    >>> sum(p.numel() for p in option_a(16, 32, stride=2).parameters())
    0
    """
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    extra = out_channels - in_channels
    return PaddedShortcut(extra=extra, stride=stride) if extra or stride > 1 else nn.Identity()


class PaddedShortcut(nn.Module):
    """Every stride-th pixel, and channels of zeros behind the given ones: no parameters.

    Shape: (N, C, H, W) -> (N, C + extra, ceil(H / stride), ceil(W / stride)). Raises ValueError
    where extra is below 0 or stride below 1. Source: He et al. (2015), option A.

    >>> PaddedShortcut(extra=1, stride=2)(torch.arange(9.0).reshape(1, 1, 3, 3)).flatten(2)
    tensor([[[0., 2., 6., 8.],
             [0., 0., 0., 0.]]])
    """

    def __init__(self, *, extra: int, stride: int) -> None:
        super().__init__()
        if extra < 0 or stride < 1:
            raise ValueError(f"{extra=}, {stride=}; expected 0 and 1, or more of each")
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        """Subsample, then pad."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.extra))


def no_skip(*_: int, **__: int) -> nn.Module:
    """Return zero: a block with it is a plain pair of layers, ReLU(F(x)).

    Takes what option_a takes.

    >>> no_skip(2, 3, stride=1)(torch.ones(1, 2, 4, 4))
    tensor(0.)
    """
    return NoShortcut()


class NoShortcut(nn.Module):
    """Zero, whatever comes in."""

    def forward(self, x: Tensor) -> Tensor:
        """A zero that broadcasts."""
        return x.new_zeros(())


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a way around them; out_channels channels.

    skip makes that way, as option_a, shortcut and no_skip do. Shape: (N, in_channels, H, W) ->
    (N, out_channels, ceil(H / stride), ceil(W / stride)). ``residual`` is F alone, before the skip
    is added. Raises ValueError where skip does. Source: He et al. (2015), Figure 5, left.

    >>> BasicBlock(16, 32, stride=2)(torch.zeros(1, 16, 7, 4)).shape
    torch.Size([1, 32, 4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        skip: Callable[..., nn.Module] = option_a,
    ) -> None:
        super().__init__()
        around = skip(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = around

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(F(x) + skip(x))."""
        return F.relu(self.residual(x) + self.downsample(x))


class BottleneckBlock(nn.Module):
    """1x1 to width channels, 3x3, 1x1 to 4 x width, and a way around them, made by skip.

    The stride is in the 3x3 convolution, as in torchvision. Shape: (N, in_channels, H, W) ->
    (N, 4 * width, ceil(H / stride), ceil(W / stride)). ``residual`` is F alone, before the skip is
    added. Raises ValueError where skip does. Source: He et al. (2015), Figure 5, right; Goyal et
    al. (2017) for the stride.

    >>> BottleneckBlock(64, 16, stride=2)(torch.zeros(1, 64, 7, 4)).shape
    torch.Size([1, 64, 4, 2])
    """

    def __init__(
        self,
        in_channels: int,
        width: int,
        *,
        stride: int = 1,
        skip: Callable[..., nn.Module] = option_a,
    ) -> None:
        super().__init__()
        around = skip(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = around

    def residual(self, x: Tensor) -> Tensor:
        """F(x), what the block adds to its input."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """ReLU(F(x) + skip(x))."""
        return F.relu(self.residual(x) + self.downsample(x))


# The block, how many times its width it gives out, and how many of them each stage has.
BLOCKS: dict[int, tuple[type[BasicBlock | BottleneckBlock], int, tuple[int, ...]]] = {
    18: (BasicBlock, 1, (2, 2, 2, 2)),
    34: (BasicBlock, 1, (3, 4, 6, 3)),
    50: (BottleneckBlock, 4, (3, 4, 6, 3)),
    101: (BottleneckBlock, 4, (3, 4, 23, 3)),
    152: (BottleneckBlock, 4, (3, 8, 36, 3)),
}


def shortcut(in_channels: int, out_channels: int, *, stride: int) -> nn.Module:
    """The identity where the shape stays, else a 1x1 convolution and batch normalisation.

    Shape: (N, in_channels, H, W) -> (N, out_channels, ceil(H / stride), ceil(W / stride)). Raises
    ValueError where an argument is below 1. Source: He et al. (2015), option B.

    >>> shortcut(64, 64, stride=1)
    Identity()
    >>> shortcut(64, 128, stride=2)(torch.zeros(1, 64, 7, 4)).shape
    torch.Size([1, 128, 4, 2])
    """
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# The lesson's name for a finished block with option A, so that no exercise there needs another.
PaddedBlock = BasicBlock


def make_resnet(
    blocks: Sequence[int],
    *,
    num_classes: int,
    in_channels: int = 3,
    block: Callable[..., nn.Module] = PaddedBlock,
) -> nn.Sequential:
    """ResNet for small images: stages of blocks with 16, 32, 64, ... channels.

    blocks says how many blocks each stage has; (n, n, n) basic ones with option A are the paper's
    6n + 2 layers, with 269,722 parameters for n = 3 and ten classes. Each stage but the first
    halves the image. Shape: (N, in_channels, H, W) -> (N, num_classes), 32x32 in the paper. Raises
    ValueError where there is no stage or a number is below 1. Source: He et al. (2015), Sec. 4.2.

    >>> make_resnet([1, 1, 1], num_classes=10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    # N x 3 x 32 x 32
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
        bn1=nn.BatchNorm2d(16),
        relu=nn.ReLU(inplace=True),
    )
    # N x 16 x 32 x 32
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        first = block(channels, width, stride=1 if i == 0 else 2)
        rest = (block(width, width) for _ in range(count - 1))
        layers[f"layer{i + 1}"] = nn.Sequential(first, *rest)
        channels = width
    # N x 64 x 8 x 8
    layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    # N x 64
    layers["fc"] = nn.Linear(channels, num_classes)
    return nn.Sequential(layers)


def small_resnet(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """ResNet with eight layers and 75 thousand parameters, for 8x8 pixels and more.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8.

    >>> small_resnet()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    return make_resnet([1, 1, 1], num_classes=num_classes, in_channels=in_channels)


def residual_blocks(model: nn.Module) -> list[BasicBlock | BottleneckBlock]:
    """The residual blocks of a model, input side first; ValueError where it has none."""
    blocks = [m for m in model.modules() if isinstance(m, BasicBlock | BottleneckBlock)]
    if not blocks:
        raise ValueError(f"model is a {type(model).__name__} without residual blocks")
    return blocks


def residual_jacobian(block: nn.Module, x: Tensor) -> Tensor:
    """Jacobian of H(x) = F(x) + x at one image: the identity plus dF/dx.

    Row i, column j: how H's i-th number changes with the j-th of x. Shape: (1, C, H, W) ->
    (C H W, C H W). Raises ValueError where the batch is not one image, where the block's shortcut
    is not the identity, and in training mode, in which batch normalisation makes F depend on
    statistics of x. Source: He et al. (2016), "Identity mappings".

    >>> block = BasicBlock(1, 1).eval()
    >>> zero_init_residual(block)  # F = 0
    >>> residual_jacobian(block, torch.ones(1, 1, 1, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError(
            f"block has training={block.training} and shortcut {block.downsample}; "
            "expected evaluation mode, block.eval(), and an identity shortcut"
        )
    n = x.numel()
    # (1, C, H, W, 1, C, H, W)
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()  # type: ignore[arg-type]  # a method: see residual_blocks
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)


def zero_init_residual(model: nn.Module) -> None:
    """Set the last batch norm's weight of every residual block to 0, in place.

    F is then 0, and each block with an identity shortcut starts as ReLU(x). Raises ValueError where
    the model holds no residual block. Source: Goyal et al. (2017), Section 5.1.

    >>> block = BasicBlock(4, 4)
    >>> zero_init_residual(block)
    >>> x = torch.rand(1, 4, 5, 3)
    >>> torch.equal(block(x), x)
    True
    """
    for block in residual_blocks(model):
        # The shortcut's batch norm is no child of the block, but of its shortcut.
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)
