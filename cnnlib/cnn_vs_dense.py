r"""A convolutional network against a dense one, and where either forgets the place of a stroke.

Convolutions turn an image into maps, ``flatten`` lays the maps in one row, and a dense head weighs
each entry of it for each class. Flatten has no parameters and loses no number; what gets lost is
who is whose neighbour. The dense head behind it has a weight for each class and position, so a
network with one is tied to positions, and to one size of image, where the convolutions are not. A
dense layer from I inputs to O outputs holds ``O (I + 1)`` parameters.

``DigitsCNN`` reads figures of 16 x 16 pixels; ``dense_twin`` is its rival, with one hidden layer
that is as wide as the same number of parameters allows. ``shape_trail`` tells what each layer puts
out, and ``top_patches`` which parts of images excite a channel most (Zeiler and Fergus, 2014). The
architecture is LeCun's (1989).
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "DigitsCNN",
    "dense_parameters",
    "dense_twin",
    "field_of",
    "flatten",
    "shape_trail",
    "top_patches",
]


class DigitsCNN(nn.Module):
    """Convolutional network for grey figures of 16 x 16 pixels, with 11,018 parameters.

    The second and the third convolution halve the image by their stride. Weights start as torch's
    layers start them, from torch's global generator: torch.manual_seed decides them.
    Shape: (N, 1, 16, 16) -> logits (N, 10). Raises ValueError for any other shape.

    >>> DigitsCNN()(torch.zeros(2, 1, 16, 16)).shape
    torch.Size([2, 10])
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Shape: (N, 1, 16, 16) -> logits (N, 10)."""
        if x.shape[1:] != (1, 16, 16):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 16, 16)")
        # N x 1 x 16 x 16
        x = torch.relu(self.conv1(x))
        # N x 8 x 16 x 16
        x = torch.relu(self.conv2(x))
        # N x 16 x 8 x 8
        x = torch.relu(self.conv3(x))
        # N x 32 x 4 x 4
        logits: Tensor = self.head(x.flatten(1))
        # N x 10
        return logits


def dense_twin(parameters: int, *, inputs: int, classes: int) -> nn.Sequential:
    """Dense network of one hidden layer, as wide as a number of parameters allows.

    Flatten, dense layer, ReLU, dense layer. Shape: (N, C, H, W) with C H W = inputs -> logits
    (N, classes). Raises ValueError where the parameters do not suffice for one hidden unit.

    >>> sum(p.numel() for p in dense_twin(11018, inputs=256, classes=10).parameters())
    10957
    """
    # A hidden unit has a weight for each input, a bias, and a weight for each class.
    hidden = (parameters - classes) // (inputs + 1 + classes)
    if hidden < 1:
        raise ValueError(
            f"parameters is {parameters}; expected {inputs + 1 + 2 * classes} or more, "
            f"for {inputs} inputs and {classes} classes"
        )
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


def dense_parameters(in_features: int, out_features: int, *, bias: bool = True) -> int:
    """Number of weights and biases of a dense layer.

    Raises ValueError where a size is below 1. Source: torch.nn.Linear.

    >>> dense_parameters(7 * 7 * 512, 4096)  # the first dense layer of VGG-16
    102764544
    """
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (in_features + bias)


def flatten(x: Tensor, *, start_dim: int = 1) -> Tensor:
    """Tensor with all dimensions from start_dim on merged into one, in row-major order.

    Shape: (N, C, H, W) -> (N, C H W) by default. Raises ValueError where x has no such dimension.
    Source: torch.flatten.

    >>> flatten(torch.zeros(2, 3, 4, 5)).shape, flatten(torch.zeros(2, 3, 4), start_dim=0).shape
    (torch.Size([2, 60]), torch.Size([24]))
    """
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = x.shape[:start_dim], x.shape[start_dim:]
    return x.reshape(*kept, math.prod(merged))


def shape_trail(
    model: nn.Sequential, input_shape: tuple[int, ...]
) -> list[tuple[str, tuple[int, ...], int]]:
    """What each layer of a network puts out: name of its class, shape for one image, parameters.

    input_shape is that of one image, without the batch. The model's parameters and mode stay.

    >>> shape_trail(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten()), (1, 8, 8))
    [('Conv2d', (4, 6, 6), 40), ('Flatten', (144,), 0)]
    """
    trail = []
    x = torch.zeros(1, *input_shape)
    with torch.no_grad():
        for layer in model.children():
            x = layer(x)
            parameters = sum(p.numel() for p in layer.parameters())
            trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
    return trail


def field_of(model: nn.Sequential, layer: int) -> tuple[int, int, int]:
    """What a unit behind a layer sees: side of its receptive field, jump, and its first pixel.

    The unit at row r sees the rows from first + jump r on, beyond the rim where that is below 0.
    Convolutions are square and not dilated.

    >>> field_of(nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.Conv2d(2, 2, 3)), 1)
    (7, 2, -1)
    """
    side, jump, first = 1, 1, 0
    for m in list(model.children())[: layer + 1]:
        if isinstance(m, nn.Conv2d):
            assert isinstance(m.padding, tuple)
            first -= m.padding[0] * jump
            side += (m.kernel_size[0] - 1) * jump
            jump *= m.stride[0]
    return side, jump, first


def top_patches(
    model: nn.Sequential, layer: int, images: Tensor, *, channel: int, k: int
) -> Tensor:
    """What excites a channel most: patches of k images, strongest first, one from each image.

    Each patch is the receptive field of the strongest unit of the channel, behind the layer of that
    number. Beyond the rim pixels are 0.
    Shape: images (N, C, H, W) -> (k, C, side, side). Source: Zeiler and Fergus (2014).

    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU())
    >>> top_patches(model, 1, torch.zeros(4, 1, 6, 6), channel=0, k=2).shape
    torch.Size([2, 1, 3, 3])
    """
    side, jump, first = field_of(model, layer)
    with torch.no_grad():
        maps = model[: layer + 1](images)[:, channel]
    values, places = maps.flatten(1).max(dim=1)
    padded = F.pad(images, (side,) * 4)
    patches = []
    for image in values.argsort(descending=True)[:k].tolist():
        row, column = divmod(int(places[image]), maps.shape[2])
        top, left = side + first + jump * row, side + first + jump * column
        patches.append(padded[image, :, top : top + side, left : left + side])
    return torch.stack(patches)


def same_alone(model: nn.Module, x: Tensor) -> bool:
    """Whether a model gives each image of a batch the row of scores that it gets alone.

    Shape: x (N, ...). Rows may differ by a relative 1e-4 plus 1e-5.

    >>> x = torch.rand(3, 2)
    >>> same_alone(nn.Softmax(dim=1), x), same_alone(nn.Softmax(dim=0), x)
    (True, False)
    """
    together = model(x)
    alone = torch.cat([model(x[i : i + 1]) for i in range(len(x))])
    if len(together) != len(x) or together.shape != alone.shape:
        return False
    return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
