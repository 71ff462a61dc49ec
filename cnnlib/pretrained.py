"""Networks that come with what they have learnt.

``pretrained("glyphs")`` is a residual network of 15 layers and 400 thousand parameters that reads
letters and figures drawn from fonts. Its weights lie beside this file; nothing is downloaded. They
are data and not code (safetensors; a pickle may run anything), and the checksum below says which
ones belong to this version. ``make backbone`` trains them anew, in some minutes on two cores:

    python -m course.datasets.glyphs IMAGES.safetensors
    python -m cnnlib.pretrained IMAGES.safetensors WEIGHTS.safetensors

The other names are torchvision's: this library's networks with weights from ImageNet, which
torchvision downloads when one asks for them.
"""

import argparse
import hashlib
import importlib
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F
from safetensors.torch import load, load_file, save_file
from torch import Tensor, nn

from cnnlib.alexnet import AlexNet
from cnnlib.resnet import ResNet, make_resnet
from cnnlib.training import Batches, Epoch, fit, warmup_cosine
from cnnlib.vgg import VGG11, VGG13, VGG16, VGG19, make_vgg

__all__ = ["make_backbone", "pretrained", "torchvision_models", "train_backbone"]

WEIGHTS = Path(__file__).with_name("glyphs.safetensors")
SHA256 = "8e77f873ba2061c1ae14c5db125ff53a216b1f032c4e6f0def4822d658f367f8"

FROM_TORCHVISION: dict[str, Callable[[], nn.Module]] = {
    "alexnet": partial(AlexNet, variant="torchvision"),
    "vgg11": partial(make_vgg, VGG11, num_classes=1000),
    "vgg13": partial(make_vgg, VGG13, num_classes=1000),
    "vgg16": partial(make_vgg, VGG16, num_classes=1000),
    "vgg19": partial(make_vgg, VGG19, num_classes=1000),
    "resnet18": partial(ResNet, 18, variant="torchvision"),
    "resnet34": partial(ResNet, 34, variant="torchvision"),
    "resnet50": partial(ResNet, 50, variant="torchvision"),
    "resnet101": partial(ResNet, 101, variant="torchvision"),
    "resnet152": partial(ResNet, 152, variant="torchvision"),
}


def pretrained(name: str = "glyphs") -> nn.Module:
    """Trained network, in evaluation mode: "glyphs" from this package, others from torchvision.

    glyphs takes (N, 1, 32, 32) with ink 1 on ground 0 and gives (N, 47) logits; its layer "flatten"
    gives (N, 128) features. The others, "alexnet", "vgg11" to "vgg19" and "resnet18" to
    "resnet152", take (N, 3, 224, 224) normalised as torchvision says, and give (N, 1000). Raises
    ValueError for another name and where the weights' checksum is wrong; ConnectionError where
    torchvision cannot download; ImportError where it is not installed.

    >>> pretrained()(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 47])
    """
    if name == "glyphs":
        return with_weights(make_backbone, load(verified(WEIGHTS.read_bytes(), SHA256))).eval()
    if name not in FROM_TORCHVISION:
        raise ValueError(f"name is {name!r}; expected 'glyphs', {', '.join(FROM_TORCHVISION)}")
    weights = torchvision_models().get_model_weights(name).DEFAULT
    try:
        state = weights.get_state_dict(check_hash=True, weights_only=True)
    except OSError as error:
        raise ConnectionError(
            f"the weights of {name} could not be downloaded ({error}); connect to the internet, "
            "or take 'glyphs', which needs no download"
        ) from error
    return with_weights(FROM_TORCHVISION[name], state).eval()


def make_backbone() -> nn.Sequential:
    """The network of ``pretrained("glyphs")``, not trained yet.

    Shape: (N, 1, 32, 32) -> (N, 47); 8x8 pixels and more work as well.

    >>> sum(p.numel() for p in make_backbone().parameters())
    399327
    """
    return make_resnet([2, 2, 2, 1], num_classes=47, in_channels=1)


def verified(content: bytes, sha256: str) -> bytes:
    """The content itself; ValueError where its checksum is another."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(
            f"{WEIGHTS.name} has the checksum {found}; expected {sha256}: install the package "
            "anew, or train the weights with `make backbone`"
        )
    return content


def with_weights(make: Callable[[], nn.Module], state: dict[str, Tensor]) -> nn.Module:
    """The network that make builds, holding these very tensors; no time is spent on others."""
    with torch.device("meta"):
        model = make()
    model.load_state_dict(state, assign=True)
    return model


@cache
def torchvision_models() -> ModuleType:
    """torchvision.models, imported when first asked for, also beside a torch without its operators.

    Raises ImportError where torchvision is not installed.

    >>> torchvision_models().resnet18.__name__
    'resnet18'
    """
    try:
        return importlib.import_module("torchvision.models")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    # torchvision's compiled operators were made for another build of torch and did not load. Its
    # models need none, but importing them registers functions for two, which must exist.
    for name in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )
    return importlib.import_module("torchvision.models")


def train_backbone(
    images: Tensor,
    labels: Tensor,
    *,
    epochs: int = 6,
    seed: int = 0,
    on_epoch: Callable[[Epoch], object] | None = None,
) -> nn.Sequential:
    """Backbone trained by the recipe of its published weights; the seed decides all randomness.

    SGD with momentum, weight decay and label smoothing; the rate rises for a tenth of the time and
    falls like a cosine. Shape: images (N, 1, 32, 32) from 0 to 1, labels (N,) from 0 to 46. Raises
    ValueError where the two differ in length.

    >>> one = train_backbone(torch.zeros(2, 1, 32, 32), torch.tensor([3, 5]), epochs=1)
    >>> two = train_backbone(torch.zeros(2, 1, 32, 32), torch.tensor([3, 5]), epochs=1)
    >>> torch.equal(one.fc.weight, two.fc.weight)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make_backbone()
    fit(
        model,
        Batches(images, labels, batch_size=128, shuffle=True),
        optimizer=torch.optim.SGD(
            model.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
        ),
        epochs=epochs,
        seed=seed,
        loss_fn=partial(F.cross_entropy, label_smoothing=0.1),
        schedule=warmup_cosine,
        device=torch.device("cpu"),
        on_epoch=on_epoch,
    )
    return model


def main() -> None:
    """Train the backbone on images and labels from a file, and write its weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("images", type=Path, metavar="IMAGES.safetensors")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS.safetensors")
    given = parser.parse_args()

    def report(epoch: Epoch) -> None:
        sys.stderr.write(
            f"epoch {epoch.number}: loss {epoch.loss:.3f}, accuracy {epoch.accuracy:.3f}, "
            f"{epoch.seconds:.0f} s\n"
        )

    data = load_file(given.images)
    model = train_backbone(data["images"].float() / 255, data["labels"], on_epoch=report)
    save_file(model.state_dict(), given.weights)
    sys.stderr.write(f"SHA256 = {hashlib.sha256(given.weights.read_bytes()).hexdigest()}\n")


if __name__ == "__main__":
    main()
