"""A run is its seed: shuffled, interrupted or killed, it ends with the same bits."""

import io
import itertools
import math
import os
import pickle
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from cnnlib import training
from cnnlib.device import available_devices
from cnnlib.training import Batches, evaluate, fit

CPU = torch.device("cpu")


def problem() -> tuple[nn.Sequential, Batches]:
    """A network with everything that holds state, and noisy batches in random order."""
    torch.manual_seed(7)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(64, 3),
    )
    x, target = torch.randn(30, 1, 6, 6), torch.arange(30) % 3
    batches = Batches(x, target, batch_size=8, shuffle=True, augment=add_noise)
    return model, batches


def add_noise(x: Tensor, generator: torch.Generator) -> Tensor:
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def train(epochs: int = 5, **options: Any) -> tuple[nn.Sequential, list[training.Epoch]]:
    model, batches = problem()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    options = {"seed": 3, "schedule": training.warmup_cosine, "device": CPU, **options}
    return model, fit(model, batches, optimizer=optimizer, epochs=epochs, **options)


def assert_same(a: nn.Module, b: nn.Module) -> None:
    assert_close(a.state_dict(), b.state_dict(), rtol=0, atol=0)


def without_times(history: list[training.Epoch]) -> list[tuple[Any, ...]]:
    return [(e.number, e.loss, e.accuracy, e.lr, e.validation) for e in history]


def test_fit_is_the_loop_that_one_would_write() -> None:
    model, batches = problem()
    batches.shuffle, batches.augment = False, None
    model[4] = nn.Identity()
    by_hand, _ = problem()
    by_hand[4] = nn.Identity()
    optimizer = torch.optim.SGD(by_hand.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(2):
        by_hand.train()
        total = 0.0
        for x, target in batches:
            loss = F.cross_entropy(by_hand(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        losses.append(total / 30)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    history = fit(model, batches, optimizer=optimizer, epochs=2, seed=0, device=CPU)
    assert_same(model, by_hand)
    assert [e.loss for e in history] == pytest.approx(losses)
    assert [e.number for e in history] == [1, 2]
    assert [e.lr for e in history] == [0.1, 0.1]
    assert not model.training


def test_the_seed_decides_everything() -> None:
    first, history = train()
    second, again = train()
    assert_same(first, second)
    assert without_times(history) == without_times(again)
    other, _ = train(seed=4)
    assert not torch.equal(first.get_parameter("5.weight"), other.get_parameter("5.weight"))


def test_torch_s_own_random_numbers_neither_matter_nor_change() -> None:
    ends = []
    for global_seed in (0, 1):
        model, batches = problem()
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        torch.manual_seed(global_seed)
        before = torch.get_rng_state()
        fit(model, batches, optimizer=sgd, epochs=1, seed=0, device=CPU)
        assert torch.equal(torch.get_rng_state(), before)
        ends.append(model)
    assert_same(*ends)


def test_the_mode_that_a_model_comes_in_does_not_matter() -> None:
    ends = []
    for mode in (True, False):
        model, batches = problem()
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        model.train(mode)
        fit(model, batches, optimizer=sgd, epochs=2, seed=0, validation=batches, device=CPU)
        ends.append(model)
    assert_same(*ends)
    assert ends[0].get_buffer("1.num_batches_tracked") == 8


@pytest.mark.parametrize("with_generator", [True, False])
def test_a_data_loader_is_as_good_as_batches(with_generator: bool) -> None:
    def run(global_seed: int) -> nn.Sequential:
        model, batches = problem()
        data = TensorDataset(batches.images, batches.target)
        generator = torch.Generator() if with_generator else None
        loader = DataLoader(data, batch_size=8, shuffle=True, generator=generator)
        torch.manual_seed(global_seed)
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        fit(model, loader, optimizer=sgd, epochs=2, seed=0, device=CPU)
        return model

    assert_same(run(0), run(1))


def test_epochs_are_shuffled_differently() -> None:
    model, batches = problem()
    orders: list[list[float]] = [[]]

    def watch(loader: Any) -> Iterator[Any]:
        for x, target in loader:
            orders[-1] += x[:, 0, 0, 0].tolist()
            yield x, target
        orders.append([])

    batches.augment = None
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    fit(model, batches, optimizer=sgd, epochs=2, seed=0, device=CPU, progress=watch)
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(batches.images[:, 0, 0, 0].tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_a_run_that_stops_goes_on_as_if_it_had_not(stop_after: int, tmp_path: Path) -> None:
    model, history = train()

    def stop(epoch: training.Epoch) -> None:
        if epoch.number == stop_after:
            raise KeyboardInterrupt

    file = tmp_path / "run.pt"
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=file, on_epoch=stop)
    resumed, rest = train(checkpoint=file)
    assert_same(resumed, model)
    assert without_times(rest) == without_times(history)
    # A run that is complete is not trained further.
    again, _ = train(checkpoint=file)
    assert_same(again, model)
    assert list(tmp_path.iterdir()) == [file]


def test_the_scale_of_float16_gradients_is_part_of_a_run(tmp_path: Path) -> None:
    model, _ = problem()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    for scale in (4.0, 8.0):
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        run = training.Run(model, sgd, scaler, plan={}, history=[])
        if scale == 4.0:
            scaler.scale(torch.zeros(1))
            run.save(tmp_path / "run.pt")
    run.resume(tmp_path / "run.pt")
    assert scaler.get_scale() == 4.0


def test_without_a_schedule_a_run_can_be_made_longer(tmp_path: Path) -> None:
    model, _ = train(epochs=4, schedule=None)
    train(epochs=2, schedule=None, checkpoint=tmp_path / "run.pt")
    longer, history = train(epochs=4, schedule=None, checkpoint=tmp_path / "run.pt")
    assert_same(longer, model)
    assert [e.number for e in history] == [1, 2, 3, 4]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment: str, epoch: int, file: Path) -> None:
    """Train, and be killed in this epoch: in a batch, or at a moment of writing the checkpoint."""
    now = 1
    save, fsync, replace = torch.save, os.fsync, Path.replace
    checkpoint = training.save_checkpoint

    def begins(state: dict[str, Any], path: Path) -> None:
        nonlocal now
        now = len(state["history"])
        checkpoint(state, path)
        now += 1

    def saves(state: dict[str, Any], stream: io.BufferedWriter) -> None:
        whole = io.BytesIO()
        save(state, whole)
        if (moment, epoch) == ("half written", now):
            stream.write(whole.getvalue()[: len(whole.getvalue()) // 2])
            stream.flush()
            die()
        stream.write(whole.getvalue())

    def syncs(number: int) -> None:
        folder = stat.S_ISDIR(os.fstat(number).st_mode)
        if (moment, epoch) == ("renamed" if folder else "written", now):
            die()
        fsync(number)

    def renames(partial: Path, path: Path) -> None:
        if (moment, epoch) == ("synced", now):
            die()
        replace(partial, path)

    training.save_checkpoint = begins
    torch.save, os.fsync, Path.replace = saves, syncs, renames  # type: ignore[assignment]

    def progress(loader: Iterable[Any]) -> Iterator[Any]:
        for step, batch in enumerate(loader):
            if (moment, epoch) == ("batch", now) and step == 2:
                die()
            if (moment, epoch) == ("from outside", now) and step == 2:
                os.kill(os.getppid(), signal.SIGUSR1)  # which kills this one, however late
                signal.pause()
            yield batch

    train(epochs=8, checkpoint=file, progress=progress)


def die_again_and_again(file: Path) -> None:
    """Start ``die_at`` for each line of a moment and an epoch, and print what it ended with.

    What the test below starts, ``python -m tests.cnnlib.test_training``: torch is imported once.
    """
    torch.set_num_threads(1)
    for line in sys.stdin:
        moment, epoch = line.rsplit(maxsplit=1)
        # A signal that comes before its handler is kept until then.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        pid = os.fork()
        if pid == 0:
            try:
                die_at(moment, int(epoch), file)
            finally:
                os._exit(1)
        signal.signal(signal.SIGUSR1, lambda *_, pid=pid: os.kill(pid, signal.SIGKILL))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_weights(tmp_path: Path) -> None:
    model, history = train(epochs=8)
    file = tmp_path / "run.pt"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.cnnlib.test_training", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for moment, epoch in [
            ("batch", 1),
            ("half written", 1),
            ("written", 2),
            ("synced", 3),
            ("renamed", 4),
            ("half written", 5),
            ("from outside", 6),
        ]:
            process.stdin.write(f"{moment} {epoch}\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{-signal.SIGKILL}\n", moment
            if file.exists():
                # Whole, whatever lies beside it, and of the last epoch that could be saved.
                done = len(training.load_checkpoint(file)["history"])
                assert done == (epoch if moment == "renamed" else epoch - 1), moment
    resumed, rest = train(epochs=8, checkpoint=file)
    assert_same(resumed, model)
    assert without_times(rest) == without_times(history)


def test_a_failure_while_writing_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.pt"
    training.save_checkpoint({"step": 1}, file)

    def full(_state: object, stream: io.BufferedWriter) -> None:
        stream.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="no space"):
        training.save_checkpoint({"step": 2}, file)
    assert training.load_checkpoint(file) == {"step": 1}


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", None])
def test_a_torn_file_is_no_checkpoint(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "run.pt"
    training.save_checkpoint({"x": torch.zeros(100)}, file)
    file.write_bytes(file.read_bytes()[:-100] if content is None else content)
    with pytest.raises(ValueError, match=r"run\.pt is no checkpoint; delete it"):
        training.load_checkpoint(file)
    with pytest.raises(ValueError, match="no checkpoint"):
        train(checkpoint=file)


def test_a_checkpoint_executes_nothing(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.mkdir, (str(tmp_path / "exploded"),)

    torch.save({"x": Bomb()}, tmp_path / "run.pt")
    with pytest.raises(pickle.UnpicklingError):
        training.load_checkpoint(tmp_path / "run.pt")
    assert not (tmp_path / "exploded").exists()


def test_evaluation_weighs_images_and_not_batches() -> None:
    model, batches = problem()
    whole = evaluate(model, Batches(batches.images, batches.target, batch_size=30))
    parts = evaluate(model, Batches(batches.images, batches.target, batch_size=7))
    assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
    assert parts.accuracy == whole.accuracy
    with torch.no_grad():
        logits = model.eval()(batches.images)
    assert whole.loss == pytest.approx(F.cross_entropy(logits, batches.target).item(), rel=1e-5)
    assert whole.accuracy == (logits.argmax(dim=1) == batches.target).double().mean().item()


def test_evaluation_changes_nothing() -> None:
    model, batches = problem()
    model.train()
    model[1].eval()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    evaluate(model, batches)
    assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert [m.training for m in model] == [True, False, True, True, True, True]


def test_validation_is_what_evaluate_says() -> None:
    _, batches = problem()
    batches.shuffle, batches.augment = False, None
    model, history = train(epochs=2, validation=batches)
    assert history[-1].validation == evaluate(model, batches)


def test_several_outputs_count_by_their_first() -> None:
    class Two(nn.Linear):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
            y = super().forward(x)
            return y, -y

    x, target = torch.eye(3), torch.arange(3)
    model = Two(3, 3)
    with torch.no_grad():
        model.weight.copy_(torch.eye(3))
    batches = Batches(x, target, batch_size=2)
    result = evaluate(model, batches, loss_fn=lambda y, t: F.cross_entropy(y[0], t))
    assert result.accuracy == 1.0


def test_the_schedule_sets_every_group_by_its_own_rate() -> None:
    model, batches = problem()
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[5].parameters(), "lr": 1.0}]
    )
    asked: list[float] = []

    def schedule(share: float) -> float:
        asked.append(share)
        return 1 - share

    fit(model, batches, optimizer=optimizer, epochs=2, seed=0, schedule=schedule, device=CPU)
    # Four batches of eight images or fewer, twice.
    assert asked == pytest.approx([k / 8 for k in range(8)])
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.0125, 0.125])


def test_the_warmup_is_a_line_and_the_rest_half_a_cosine() -> None:
    for k in range(101):
        share = k / 100
        after = (share - 0.2) / 0.8
        expected = share / 0.2 if share < 0.2 else 0.5 * (1 + math.cos(math.pi * after))
        assert training.warmup_cosine(share, warmup=0.2) == pytest.approx(expected)
    assert training.warmup_cosine(0.0, warmup=0.0) == 1.0


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    model, batches = problem()
    sgd = torch.optim.SGD(model.parameters(), lr=1e30)
    with pytest.raises(FloatingPointError, match=r"epoch \d.* rate of 1e\+30"):
        fit(
            model,
            batches,
            optimizer=sgd,
            epochs=3,
            seed=0,
            device=CPU,
            checkpoint=tmp_path / "run.pt",
        )
    for file in tmp_path.iterdir():
        assert all(math.isfinite(e["loss"]) for e in training.load_checkpoint(file)["history"])


def test_batches_cover_everything_once_and_augment_with_their_generator() -> None:
    x, target = torch.arange(10.0).reshape(10, 1), torch.arange(10)
    batches = Batches(x, target, batch_size=4, shuffle=True)
    assert len(batches) == 3
    first = [t.tolist() for _, t in batches]
    assert [len(b) for b in first] == [4, 4, 2]
    assert sorted(itertools.chain(*first)) == list(range(10))
    assert [t.tolist() for _, t in batches] != first
    batches.generator.manual_seed(0)
    assert [t.tolist() for _, t in batches] == first
    assert all(torch.equal(images[:, 0].long(), labels) for images, labels in batches)
    doubled = Batches(x, target, batch_size=10, augment=lambda x, _: 2 * x)
    assert torch.equal(next(iter(doubled))[0], 2 * x)


@pytest.mark.parametrize("mixed_precision", [False, True])
@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_every_device_learns_the_same(device: torch.device, mixed_precision: bool) -> None:
    def run(where: torch.device, mixed: bool) -> list[training.Epoch]:
        model, batches = problem()
        batches.augment = None
        model[4] = nn.Identity()  # each device draws other random numbers for dropout
        sgd = torch.optim.SGD(model.parameters(), lr=0.1)
        return fit(
            model, batches, optimizer=sgd, epochs=3, seed=0, device=where, mixed_precision=mixed
        )

    expected = run(CPU, False)
    # Rounding grows from step to step: 12 steps in float32, or in bfloat16 with 8 bits.
    tolerance = 0.1 if mixed_precision and device.type == "cuda" else 1e-2
    for ours, theirs in zip(run(device, mixed_precision), expected, strict=True):
        assert ours.loss == pytest.approx(theirs.loss, rel=tolerance)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda _: train(epochs=0), ["epochs=0", "1 or more"]),
        (
            lambda _: fit(
                nn.Linear(1, 1),
                DataLoader(TensorDataset(torch.zeros(0, 1))),
                optimizer=torch.optim.SGD([torch.zeros(1)]),
                epochs=1,
                seed=0,
            ),
            ["0 batches", "1 or more"],
        ),
        (
            lambda _: evaluate(nn.Identity(), DataLoader(TensorDataset(torch.zeros(0, 1)))),
            ["batches is empty", "1 or more"],
        ),
        (
            lambda path: (train(checkpoint=path), train(checkpoint=path, seed=4)),
            ["'seed': 3", "'seed': 4"],
        ),
        (
            lambda path: (train(checkpoint=path), train(checkpoint=path, epochs=6)),
            ["'epochs': 5", "'epochs': 6"],
        ),
        (
            lambda path: (
                train(checkpoint=path, schedule=None),
                train(checkpoint=path, schedule=None, epochs=4),
            ),
            ["epochs is 4", "holds 5"],
        ),
        (
            lambda path: (
                train(checkpoint=path),
                fit(
                    nn.Linear(36, 3),
                    problem()[1],
                    optimizer=torch.optim.SGD([torch.zeros(1)]),
                    epochs=5,
                    seed=3,
                    schedule=training.warmup_cosine,
                    device=CPU,
                    checkpoint=path,
                ),
            ),
            ["run.pt is of another model"],
        ),
        (
            lambda _: Batches(torch.zeros(3), torch.zeros(2), batch_size=1),
            ["3 images, 2 labels", "as many"],
        ),
        (
            lambda _: Batches(torch.zeros(3), torch.zeros(3), batch_size=0),
            ["batch_size 0", "1 or more"],
        ),
        (lambda _: training.warmup_cosine(0.5, warmup=1.0), ["warmup is 1.0", "less than 1"]),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[Path], object], names: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="(?s)" + ".*".join(map(re.escape, names))):
        call(tmp_path / "run.pt")


if __name__ == "__main__":
    die_again_and_again(Path(sys.argv[1]))
