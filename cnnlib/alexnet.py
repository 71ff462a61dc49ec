"""AlexNet, which won ImageNet in 2012 (Krizhevsky, Sutskever and Hinton, 2012).

Five convolutions, three of them followed by max pooling, and three dense layers; ReLU after each
layer but the last; dropout in the dense ones. Its two published forms:

                  variant="paper", two GPUs              variant="torchvision", one GPU (2014)
    conv1         96 kernels 11x11, stride 4             64
    conv2        256 kernels 5x5, two groups            192, one group
    conv3        384 kernels 3x3                        384
    conv4        384 kernels 3x3, two groups            256, one group
    conv5        256 kernels 3x3, two groups            256, one group
    normalise     local response, after conv1, conv2    none
    dropout       after fc6 and fc7                     before them
    parameters    60,965,224                             61,100,840

In a convolution with two groups each half of the output sees one half of the input: what one GPU
could hold. Local response normalisation divides a value by those at the same place in the five
channels around it, ``b = a / (2 + 1e-4 sum a^2)^0.75``; batch normalisation replaced it. Pooling
windows are 3 wide and 2 apart, so they overlap. The paper says 224x224 and counts 55x55 outputs;
a margin of 2 makes that true. One GPU's form is Krizhevsky's "One weird trick" (2014).
"""

import torch
from torch import Tensor, nn

__all__ = ["AlexNet", "small_alexnet"]


class AlexNet(nn.Module):
    """AlexNet as published in 2012, or as torchvision has it (state dicts are exchangeable).

    Shape: (N, in_channels, 224, 224) -> (N, num_classes). Raises ValueError where variant is
    neither "paper" nor "torchvision", and where a number is below 1. Source: Krizhevsky et al.
    (2012), Krizhevsky (2014).

    >>> with torch.device("meta"):  # shapes only: no memory, no arithmetic
    ...     AlexNet(variant="paper")(torch.zeros(2, 3, 224, 224)).shape
    torch.Size([2, 1000])
    """

    def __init__(
        self, *, num_classes: int = 1000, in_channels: int = 3, variant: str = "paper"
    ) -> None:
        super().__init__()
        if variant not in ("paper", "torchvision"):
            raise ValueError(f"variant is {variant!r}; expected 'paper' or 'torchvision'")
        if min(num_classes, in_channels) < 1:
            raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
        layers = paper_layers if variant == "paper" else torchvision_layers
        features, classifier = layers(in_channels, num_classes)
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(*classifier)

    def forward(self, x: Tensor) -> Tensor:
        """Images to logits."""
        # N x 3 x 224 x 224
        x = self.features(x)
        # N x 256 x 6 x 6
        x = self.avgpool(x)
        # N x 256 x 6 x 6; other image sizes arrive here too
        x = torch.flatten(x, 1)
        # N x 9216
        x = self.classifier(x)
        # N x 1000
        return x


def paper_layers(in_channels: int, num_classes: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """Convolutions and dense layers of 2012, with that paper's initial weights."""
    # torch divides alpha by the window's size, the paper does not: hence 5 times its 1e-4.
    features: list[nn.Module] = [
        nn.Conv2d(in_channels, 96, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2),
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 384, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1, groups=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
    ]
    classifier: list[nn.Module] = [
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, num_classes),
    ]
    # A bias of 1 lets ReLUs start with positive inputs: conv2, conv4, conv5, fc6 and fc7.
    ones = (features[4], features[10], features[12], classifier[0], classifier[3])
    for layer in features + classifier:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.constant_(layer.bias, 1.0 if layer in ones else 0.0)
    return features, classifier


def torchvision_layers(
    in_channels: int, num_classes: int
) -> tuple[list[nn.Module], list[nn.Module]]:
    """Convolutions and dense layers of 2014, in torchvision's order."""
    features: list[nn.Module] = [
        nn.Conv2d(in_channels, 64, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
    ]
    classifier: list[nn.Module] = [
        nn.Dropout(0.5),
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Linear(4096, num_classes),
    ]
    return features, classifier


def small_alexnet(*, num_classes: int = 10, in_channels: int = 1) -> nn.Sequential:
    """AlexNet's plan (five convolutions, overlapping pools, dropout) for 8x8 pixels and more.

    Shape: (N, in_channels, H, W) -> (N, num_classes), H and W at least 8. Raises ValueError
    where an argument is below 1.

    >>> small_alexnet()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    """
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"{num_classes=}, {in_channels=}; expected 1 or more of each")
    model = nn.Sequential(
        nn.Conv2d(in_channels, 32, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(64, 96, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(96, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.AdaptiveMaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(64 * 2 * 2, 256),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Linear(256, 256),
        nn.ReLU(inplace=True),
        nn.Linear(256, num_classes),
    )
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return model
