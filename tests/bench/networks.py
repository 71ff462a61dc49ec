"""Networks against torchvision's, and seconds until a small one reads digits."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import torch
import torch.nn.functional as F
from rich.table import Table
from sklearn.datasets import load_digits
from torch import Tensor, nn

from cnnlib.alexnet import AlexNet
from cnnlib.device import autocast_dtype, available_devices
from cnnlib.googlenet import GoogLeNet, small_googlenet
from cnnlib.lenet import small_lenet
from cnnlib.pretrained import torchvision_models
from cnnlib.resnet import ResNet, small_resnet
from cnnlib.training import Batches, Epoch, fit, warmup_cosine
from cnnlib.vgg import VGG11, make_vgg, small_vgg
from cnnlib.xception import small_xception

OURS: dict[str, Callable[[], nn.Module]] = {
    "alexnet": lambda: AlexNet(variant="torchvision"),
    "vgg11": lambda: make_vgg(VGG11, num_classes=1000),
    "googlenet": lambda: GoogLeNet(variant="torchvision"),
    "resnet18": lambda: ResNet(18, variant="torchvision"),
    "resnet50": lambda: ResNet(50, variant="torchvision"),
}
SMALL = [small_lenet, small_vgg, small_googlenet, small_xception, small_resnet]


def tables() -> Iterator[Table]:
    """One table per device and number format, then the digits."""
    # With as many threads as cores, other work on the machine decides what is measured.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for device in available_devices():
            yield against_torchvision(device, mixed=False)
            if autocast_dtype(device) is not None:
                yield against_torchvision(device, mixed=True)
            yield digits(device)
    finally:
        torch.set_num_threads(threads)


def against_torchvision(device: torch.device, *, mixed: bool) -> Table:
    """Forward and backward, one step of ours and one of theirs in turn.

    The ratio is that of the best times, which other work on the machine disturbs least.
    """
    note = ", 16 bits, channels last" if mixed else ", float32"
    table = Table("network", "images", "best ms", "torchvision's", "ratio", "quartiles of ratios")
    where = "one core" if device.type == "cpu" else device
    table.title = f"forward and backward, {where}{note}, 224x224"
    images, rounds = (64, 30) if device.type == "cuda" else (2, 9)
    layout = torch.channels_last if mixed else torch.contiguous_format
    x = torch.rand(images, 3, 224, 224, device=device).to(memory_format=layout)
    for name, ours in OURS.items():
        options = {"init_weights": False} if name == "googlenet" else {}
        theirs = getattr(torchvision_models(), name)(**options)
        models: list[Any] = [ours(), theirs]  # nn.Module.to takes a memory format, unannounced
        models = [model.to(device, memory_format=layout) for model in models]
        times: list[list[float]] = [[], []]
        for turn in range(rounds + 2):
            for model, seconds in zip(models, times, strict=True):
                taken = step(model, x, mixed=mixed)
                if turn > 1:  # the first turns warm up
                    seconds.append(taken)
        ratios = sorted(a / b for a, b in zip(*times, strict=True))
        low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
        table.add_row(
            name,
            str(images),
            f"{1e3 * min(times[0]):.1f}",
            f"{1e3 * min(times[1]):.1f}",
            f"{min(times[0]) / min(times[1]):.2f}",
            f"{low:.2f} to {high:.2f}",
        )
    return table


def step(model: nn.Module, x: Tensor, *, mixed: bool) -> float:
    """Seconds that a forward and a backward pass take."""
    target = torch.arange(len(x), device=x.device)
    dtype = autocast_dtype(x.device) if mixed else None
    wait(x.device)
    started = time.perf_counter()
    with torch.autocast(x.device.type, dtype=dtype, enabled=dtype is not None):
        output = model(x)
        loss = F.cross_entropy(output[0] if isinstance(output, tuple) else output, target)
    model.zero_grad()
    loss.backward()
    wait(x.device)
    return time.perf_counter() - started


def wait(device: torch.device) -> None:
    """Until the device has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    if device.type == "mps":
        torch.mps.synchronize()


class Enough(Exception):
    """The accuracy that was asked for is there."""


def digits(device: torch.device) -> Table:
    """Train on three digits of four until 98 percent of the others are read rightly."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    target, held_out = torch.tensor(data.target), torch.arange(len(images)) % 4 == 0
    table = Table("network", "parameters", "epochs", "seconds", "test accuracy")
    where = "one core" if device.type == "cpu" else device
    table.title = f"scikit-learn's digits to 98 percent, {where}"
    for make in SMALL:
        torch.manual_seed(0)
        model = make()
        history: list[Epoch] = []

        def note(epoch: Epoch, history: list[Epoch] = history) -> None:
            history.append(epoch)
            if epoch.validation is not None and epoch.validation.accuracy >= 0.98:
                raise Enough

        started = time.perf_counter()
        with suppress(Enough):
            fit(
                model,
                Batches(images[~held_out], target[~held_out], batch_size=32, shuffle=True),
                optimizer=torch.optim.AdamW(model.parameters(), lr=4e-3),
                epochs=15,
                seed=0,
                schedule=warmup_cosine,
                validation=Batches(images[held_out], target[held_out], batch_size=500),
                device=device,
                on_epoch=note,
            )
        seconds = time.perf_counter() - started
        reached = history[-1].validation
        table.add_row(
            make.__name__,
            f"{sum(p.numel() for p in model.parameters()):,}",
            str(len(history)),
            f"{seconds:.1f}",
            f"{reached.accuracy:.3f}" if reached else "",
        )
    return table
