r"""VGG: nothing but 3x3 convolutions, and many of them (Simonyan and Zisserman, 2015).

A 5x5 kernel sees 5x5 pixels; so does a 3x3 on top of a 3x3, with 18 weights in place of 25 and one
non-linearity more. In general ``n`` stacked 3x3 convolutions see ``(2n + 1) x (2n + 1)`` pixels and
cost ``9n C^2`` weights against ``(2n + 1)^2 C^2``. The paper stacks them in five blocks, halves the
image after each, and asks what depth alone is worth. "VGG-16" counts the layers that have weights:

                     VGG-11        VGG-13        VGG-16        VGG-19
    224x224, 64      1 conv        2             2             2
    112x112, 128     1             2             2             2
     56x56,  256     2             2             3             4
     28x28,  512     2             2             3             4
     14x14,  512     2             2             3             4
      7x7            dense 4096, dense 4096, dense 1000
    parameters       132,863,336   133,047,848   138,357,544   143,667,240

Nine tenths of the parameters of VGG-16 are in its three dense layers, and 99 percent of its 15.5
thousand million multiply-adds are in its thirteen convolutions. The two networks before it are in
``cnnlib.lenet`` and ``cnnlib.alexnet``.
"""

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from cnnlib.lenet import LeNet5

__all__ = [
    "SMALL",
    "VGG11",
    "VGG13",
    "VGG16",
    "VGG19",
    "LayerRow",
    "LeNet5",
    "VGGConfig",
    "count_parameters",
    "layer_table",
    "make_vgg",
    "small_vgg",
    "stacked_equivalent",
    "vgg_block",
]


@dataclass(frozen=True)
class VGGConfig:
    """What one VGG has that another has not.

    blocks holds (channels, convolutions) pairs; hidden, the widths of the dense layers before the
    last; pooled, the height and width that the dense layers read.

    >>> sum(convs for _, convs in VGG16.blocks) + len(VGG16.hidden) + 1
    16
    """

    blocks: tuple[tuple[int, int], ...]
    hidden: tuple[int, ...] = (4096, 4096)
    pooled: int = 7


VGG11 = VGGConfig(((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)))
VGG13 = VGGConfig(((64, 2), (128, 2), (256, 2), (512, 2), (512, 2)))
VGG16 = VGGConfig(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)))
VGG19 = VGGConfig(((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)))
SMALL = VGGConfig(((16, 1), (32, 2), (64, 2)), hidden=(128,), pooled=1)


def make_vgg(config: VGGConfig, *, num_classes: int, in_channels: int = 3) -> nn.Sequential:
    """VGG of this configuration, with torchvision's names, so that state dicts are exchangeable.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 2 to the number of blocks;
    224x224 in the paper. Raises ValueError where a number of the configuration, num_classes or
    in_channels is below 1. Source: Simonyan and Zisserman (2015), Table 1.

    >>> make_vgg(SMALL, num_classes=10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, config.pooled, *config.hidden) < 1 or not config.blocks:
        raise ValueError(f"{num_classes=}, {config=}; expected 1 or more of each")
    # N x 3 x 224 x 224
    features: list[nn.Module] = []
    for channels, convs in config.blocks:
        features += vgg_block(in_channels, channels, convs=convs)
        in_channels = channels
    # N x 512 x 7 x 7
    dense: list[nn.Module] = []
    width = in_channels * config.pooled**2
    for hidden in config.hidden:
        dense += [nn.Linear(width, hidden), nn.ReLU(inplace=True), nn.Dropout(0.5)]
        width = hidden
    # N x 4096
    return nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*features),
            avgpool=nn.AdaptiveAvgPool2d(config.pooled),
            flatten=nn.Flatten(),
            classifier=nn.Sequential(*dense, nn.Linear(width, num_classes)),
        )
    )


def vgg_block(in_channels: int, out_channels: int, *, convs: int) -> nn.Sequential:
    """3x3 convolutions with ReLU, convs of them, then a 2x2 max pool that halves the image.

    Shape: (N, in_channels, H, W) -> (N, out_channels, H // 2, W // 2). The weights start with
    He's spread, since without batch normalisation torch's own fades in a deep stack.
    Raises ValueError where an argument is below 1. Source: Simonyan and Zisserman (2015).

    >>> vgg_block(3, 64, convs=2)(torch.zeros(1, 3, 10, 8)).shape
    torch.Size([1, 64, 5, 4])
    """
    if min(in_channels, out_channels, convs) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {convs=}; expected 1 or more of each")
    layers: list[nn.Module] = []
    for _ in range(convs):
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        layers += [conv, nn.ReLU(inplace=True)]
        in_channels = out_channels
    return nn.Sequential(*layers, nn.MaxPool2d(2))


def small_vgg(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """VGG with three blocks and one hidden dense layer, for images of 8x8 pixels and more.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8.

    >>> small_vgg()(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    return make_vgg(SMALL, num_classes=num_classes, in_channels=in_channels)


def count_parameters(model: nn.Module) -> int:
    """Parameters of a model, frozen ones too; a tensor that two layers share counts once.

    Moving averages of batch normalisation are buffers, not parameters, and do not count.

    >>> count_parameters(nn.Conv2d(3, 64, 3))  # 64 x (3 x 3 x 3 + 1)
    1792
    """
    return sum(p.numel() for p in model.parameters())


@dataclass(frozen=True)
class LayerRow:
    """One line of layer_table: a layer, what comes out of it, and what it costs for one image.

    >>> LayerRow("conv1", (64, 224, 224), 1792, 86704128).parameters
    1792
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_table(model: nn.Module, input_shape: Sequence[int]) -> list[LayerRow]:
    """One row per layer, in the order in which they run, for one image in evaluation mode.

    input_shape is (C, H, W); output shapes leave the batch out as well. Multiply-adds are those of
    convolutions and dense layers, without biases, as the papers count them. What runs only in
    training, like GoogLeNet's auxiliary heads, has no row. Nothing is computed and the model stays
    as it is: shapes come from torch's meta device. Raises ValueError where the model cannot take
    the shape.

    >>> for row in layer_table(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 10, 6)):
    ...     print(row.name, row.output_shape, row.parameters, row.multiply_adds)
    0 (8, 8, 4) 224 6912
    1 (8, 8, 4) 0 0
    """
    rows: list[LayerRow] = []
    seen: set[Tensor] = set()

    def record(name: str, layer: nn.Module, _: object, output: Tensor) -> None:
        fresh = set(layer.parameters(recurse=False)) - seen
        seen.update(fresh)
        parameters = sum(p.numel() for p in fresh)
        per_value = layer.weight[0].numel() if isinstance(layer, nn.Conv2d | nn.Linear) else 0
        rows.append(LayerRow(name, tuple(output.shape[1:]), parameters, output.numel() * per_value))

    tensors = [*model.parameters(), *model.buffers()]
    # The second argument tells deepcopy what stands in for each tensor, so none is copied.
    twin = copy.deepcopy(model, {id(t): t.detach().to("meta") for t in tensors}).eval()
    for name, layer in twin.named_modules():
        if not list(layer.children()) or list(layer.parameters(recurse=False)):
            layer.register_forward_hook(partial(record, name))
    dtype = tensors[0].dtype if tensors else torch.float32
    try:
        twin(torch.empty(1, *input_shape, dtype=dtype, device="meta"))
    except RuntimeError as error:
        raise ValueError(f"input_shape is {tuple(input_shape)}: {error}") from None
    return rows


def stacked_equivalent(kernel_size: int) -> tuple[int, float]:
    """How many stacked 3x3 convolutions see kernel_size x kernel_size, and the weights they save.

    Returns the number of convolutions and the saved share, from 0 to 1, of the large kernel's
    weights, for equally many channels throughout and no biases. Raises ValueError where
    kernel_size is even or below 3. Source: Simonyan and Zisserman (2015), Section 2.3.

    >>> stacked_equivalent(5)  # 2 x 9 = 18 weights in place of 25
    (2, 0.28)
    """
    if kernel_size < 3 or kernel_size % 2 == 0:
        raise ValueError(f"kernel_size is {kernel_size}; expected an odd number from 3 up")
    convs = (kernel_size - 1) // 2
    return convs, 1 - 9 * convs / kernel_size**2
