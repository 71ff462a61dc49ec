r"""Training loop: fit, evaluate, and checkpoints that survive being killed.

One step of stochastic gradient descent takes a batch, computes the loss, its gradient, and lets an
optimizer change the weights; an epoch shows every image once. Three things around it matter:

Randomness. Shuffling, augmentation and dropout draw random numbers. ``fit`` seeds torch anew at the
start of every epoch, from the seed and the epoch's number alone. So a run that is killed and
started again goes on as if nothing had happened: on a CPU, to the last bit.

Checkpoints. A file that is being written when the power fails is torn. ``save_checkpoint`` writes a
second file, waits until the disk has it (fsync), and then gives it the name of the first, which
the operating system does in one step. At every moment there is the old checkpoint or the new one.

Learning rate. ``schedule`` maps the share of training that is done, from 0 to 1, to a factor on the
optimizer's rate. It is a function of that share alone, so there is nothing to save.
"""

import hashlib
import math
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnlib.device import autocast_dtype, pick_device

__all__ = [
    "Batches",
    "Epoch",
    "Evaluation",
    "evaluate",
    "fit",
    "load_checkpoint",
    "save_checkpoint",
    "warmup_cosine",
]


class Loader(Protocol):
    """What fit and evaluate read: Batches, or torch's DataLoader."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...


Progress = Callable[[Loader], Iterable[Any]]


@dataclass(frozen=True)
class Evaluation:
    """Mean loss and share of right answers over a data set.

    >>> Evaluation(loss=0.5, accuracy=0.9).accuracy
    0.9
    """

    loss: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    """What one epoch of fit brought: means over its images while the weights changed.

    number counts from 1, lr is the last step's rate in the first parameter group, and seconds is
    the time that training took, without validation.

    >>> Epoch(number=1, loss=2.3, accuracy=0.1, lr=0.1, seconds=1.5, validation=None).number
    1
    """

    number: int
    loss: float
    accuracy: float
    lr: float
    seconds: float
    validation: Evaluation | None


def fit(
    model: nn.Module,
    train: Loader,
    *,
    optimizer: torch.optim.Optimizer,
    epochs: int,
    seed: int,
    loss_fn: Callable[[Any, Tensor], Tensor] = F.cross_entropy,
    schedule: Callable[[float], float] | None = None,
    validation: Loader | None = None,
    device: torch.device | None = None,
    mixed_precision: bool = False,
    checkpoint: Path | None = None,
    progress: Progress = iter,
    on_epoch: Callable[[Epoch], object] | None = None,
) -> list[Epoch]:
    """Train a model, and return what each epoch brought.

    train and validation yield (images, labels): N images of any shape and labels (N,). loss_fn
    takes what the model returns, in either mode, and the labels; where the model returns a tuple,
    accuracy is that of its first member. The model moves to device, by default the fastest there
    is, and is left in evaluation mode. mixed_precision multiplies in 16 bits where the device has
    them.

    With a checkpoint, every epoch ends by writing that file, and a call that finds it there goes on
    behind its last epoch. progress wraps the batches, as tqdm does; on_epoch sees each epoch.

    Raises ValueError where epochs is below 1, train is empty, or the checkpoint belongs to another
    run; FloatingPointError where the loss is no longer a finite number.

    >>> x = torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    >>> batches = Batches(x, torch.tensor([0, 0, 1, 1]), batch_size=2, shuffle=True)
    >>> model = nn.Linear(1, 2)
    >>> sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    >>> fit(model, batches, optimizer=sgd, epochs=40, seed=0)[-1].accuracy
    1.0
    """
    if epochs < 1 or len(train) < 1:
        raise ValueError(f"{epochs=}, {len(train)} batches; expected 1 or more of each")
    device = device or pick_device()
    model.to(device)
    dtype = autocast_dtype(device) if mixed_precision else None
    run = Run(
        model=model,
        optimizer=optimizer,
        scaler=torch.amp.GradScaler(device.type, enabled=dtype == torch.float16),
        plan={"seed": seed, "batches": len(train), "epochs": epochs if schedule else None},
        history=[],
    )
    if checkpoint is not None and checkpoint.exists():
        run.resume(checkpoint)
        if len(run.history) > epochs:
            raise ValueError(f"epochs is {epochs}, but {checkpoint} holds {len(run.history)}")
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])

    for done in range(len(run.history), epochs):
        started = time.perf_counter()
        totals = torch.zeros(3, device=device)
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            seed_epoch(train, seed, done)
            model.train()
            for step, (x, target) in enumerate(progress(train)):
                if schedule is not None:
                    factor = schedule((done + step / len(train)) / epochs)
                    for group in optimizer.param_groups:
                        group["lr"] = group["initial_lr"] * factor
                x, target = x.to(device), target.to(device)
                with precision(device, dtype):
                    output = model(x)
                    loss = loss_fn(output, target)
                optimizer.zero_grad()
                run.scaler.scale(loss).backward()
                run.scaler.step(optimizer)
                run.scaler.update()
                totals += tally(output, loss, target)
        mean = means(totals)  # waits until the device is done
        seconds = time.perf_counter() - started
        lr = optimizer.param_groups[0]["lr"]
        if not math.isfinite(mean.loss):
            raise FloatingPointError(
                f"the loss is {mean.loss} in epoch {done + 1}, with a learning rate of {lr:g}; "
                "expected a finite number: lower the rate"
            )
        after = None
        if validation is not None:
            after = evaluate(model, validation, loss_fn=loss_fn, mixed_precision=mixed_precision)
        epoch = Epoch(done + 1, mean.loss, mean.accuracy, lr, seconds, after)
        run.history.append(epoch)
        if checkpoint is not None:
            run.save(checkpoint)
        if on_epoch is not None:
            on_epoch(epoch)
    model.eval()
    return run.history


def evaluate(
    model: nn.Module,
    batches: Loader,
    *,
    loss_fn: Callable[[Any, Tensor], Tensor] = F.cross_entropy,
    mixed_precision: bool = False,
    progress: Progress = iter,
) -> Evaluation:
    """Mean loss and accuracy of a model, on its device, in evaluation mode, without gradients.

    batches yields (images, labels) as for fit; the means weigh every image the same, however the
    batches are cut. The model's modes are as before afterwards. Raises ValueError where batches is
    empty.

    >>> batches = Batches(torch.eye(3), torch.tensor([0, 1, 0]), batch_size=2)
    >>> round(evaluate(nn.Identity(), batches).accuracy, 4)
    0.6667
    """
    if len(batches) < 1:
        raise ValueError("batches is empty; expected 1 or more")
    parameter = next(model.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    dtype = autocast_dtype(device) if mixed_precision else None
    totals = torch.zeros(3, device=device)
    training = {module: module.training for module in model.modules()}
    try:
        model.eval()
        with torch.no_grad(), precision(device, dtype):
            for x, target in progress(batches):
                x, target = x.to(device), target.to(device)
                output = model(x)
                totals += tally(output, loss_fn(output, target), target)
    finally:
        for module, mode in training.items():
            module.training = mode
    return means(totals)


def precision(device: torch.device, dtype: torch.dtype | None) -> AbstractContextManager[object]:
    """Autocast to dtype, or nothing for None."""
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype=dtype)


def tally(output: Any, loss: Tensor, target: Tensor) -> Tensor:
    """Loss times batch size, right answers and batch size; left on the device, which goes on."""
    logits = output[0] if isinstance(output, tuple) else output
    right = (logits.detach().argmax(dim=1) == target).sum()
    count = len(target)
    return torch.stack([loss.detach().float() * count, right.float(), right.new_tensor(count)])


def means(totals: Tensor) -> Evaluation:
    """Sums of tally to means."""
    loss, right, count = totals.tolist()
    return Evaluation(loss / count, right / count)


def seed_epoch(train: Loader, seed: int, epoch: int) -> None:
    """Make the random numbers of an epoch depend on the seed and its number alone."""
    digest = hashlib.sha256(f"{seed} {epoch}".encode()).digest()
    number = int.from_bytes(digest[:7], "big")
    torch.manual_seed(number)
    generator = getattr(train, "generator", None)
    if generator is not None:
        generator.manual_seed(number)


def warmup_cosine(share: float, *, warmup: float = 0.1) -> float:
    """Factor on a learning rate: a straight rise from 0 to 1, then half a cosine down to 0.

    share is the part of training that is done, from 0 to 1; the rise takes its first warmup part.
    Raises ValueError where warmup is not from 0 up to, and without, 1.
    Source: Goyal et al. (2017), Loshchilov and Hutter (2017).

    >>> [round(warmup_cosine(share), 2) for share in (0.0, 0.05, 0.1, 0.55, 1.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup is {warmup}; expected 0 or more, and less than 1")
    if share < warmup:
        return share / warmup
    return (1 + math.cos(math.pi * (share - warmup) / (1 - warmup))) / 2


class Batches:
    """Images and labels held in memory, cut into batches; faster than a DataLoader for small ones.

    With shuffle, every pass has an order of its own, and augment(images, generator), where given,
    changes each batch. All random numbers come from ``generator``. Shape: images (N, ...), target
    (N,). Raises ValueError where the two differ in length or batch_size is below 1.

    >>> batches = Batches(torch.zeros(5, 1, 8, 8), torch.arange(5), batch_size=2)
    >>> [target.tolist() for _, target in batches]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        images: Tensor,
        target: Tensor,
        *,
        batch_size: int,
        shuffle: bool = False,
        augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    ) -> None:
        if len(images) != len(target) or batch_size < 1:
            raise ValueError(
                f"{len(images)} images, {len(target)} labels and batch_size {batch_size}; "
                "expected as many labels as images, and a batch_size of 1 or more"
            )
        self.images, self.target = images, target
        self.batch_size, self.shuffle, self.augment = batch_size, shuffle, augment
        self.generator = torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return math.ceil(len(self.images) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.arange(len(self.images))
        if self.shuffle:
            order = torch.randperm(len(order), generator=self.generator)
        for index in order.to(self.images.device).split(self.batch_size):
            x = self.images[index]
            if self.augment is not None:
                x = self.augment(x, self.generator)
            yield x, self.target[index]


@dataclass
class Run:
    """What a checkpoint holds of a training run, and the plan that it must agree with."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    plan: dict[str, int | None]
    history: list[Epoch]

    def save(self, path: Path) -> None:
        """Write the run as it is now."""
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "plan": self.plan,
            "history": [asdict(epoch) for epoch in self.history],
        }
        save_checkpoint(state, path)

    def resume(self, path: Path) -> None:
        """Go back to what path holds; ValueError where it is another run's."""
        state = load_checkpoint(path)
        if state.get("plan") != self.plan:
            raise ValueError(
                f"{path} is of a run with {state.get('plan')}; this one has {self.plan}: "
                "give the run a file of its own, or delete this one"
            )
        try:
            self.model.load_state_dict(state["model"])
        except RuntimeError as error:
            raise ValueError(f"{path} is of another model: {error}") from None
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        for epoch in state["history"]:
            validation = epoch.pop("validation")
            after = None if validation is None else Evaluation(**validation)
            self.history.append(Epoch(**epoch, validation=after))


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write state to path so that a kill at any moment leaves the old file whole, or the new.

    state may hold tensors, numbers, text, lists and dictionaries.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint({"step": 3}, Path(folder, "run.pt"))
    ...     load_checkpoint(Path(folder, "run.pt"))
    {'step': 3}
    """
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    if os.name == "posix":  # the new name is on the disk once the folder is
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what save_checkpoint wrote, on the CPU. Nothing in the file is executed.

    Raises ValueError where the file is torn or something else.

    >>> load_checkpoint(Path(__file__))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: ...training.py is no checkpoint; delete it to begin anew
    """
    with path.open("rb") as file:
        # A file that torch wrote is a zip archive, and a torn one lacks the directory at its end.
        if not zipfile.is_zipfile(file):
            raise ValueError(f"{path} is no checkpoint; delete it to begin anew")
        file.seek(0)
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return state
