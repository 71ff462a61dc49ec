"""What the tests of cnnlib share: tensors of any layout, derivatives, torchvision, digits."""

from collections.abc import Callable, Iterable, Sequence
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib.pretrained import torchvision_models
from cnnlib.training import Batches, evaluate, fit, warmup_cosine


@pytest.fixture(scope="session", params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request: pytest.FixtureRequest) -> str:
    """Every device that this machine has."""
    # On a GPU torch's convolutions otherwise round float32 to 10 bits, and are no oracle.
    torch.backends.cudnn.allow_tf32 = False
    return request.param


def in_float32(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Compute f of 16-bit tensors in float32 and round: the oracle for 16 bits.

    The cast's own derivative rounds the gradients as well. Wider tensors pass as they are.
    """

    def compute(*inputs: Tensor | None, **options: object) -> Tensor:
        dtype = next(x.dtype for x in inputs if x is not None)
        if dtype.itemsize > 2:
            return f(*inputs, **options)
        return f(*(x if x is None else x.float() for x in inputs), **options).to(dtype)

    return compute


@pytest.fixture(scope="session")
def oracle() -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Give in_float32, which makes a function of torch an oracle for 16 bits too."""
    return in_float32


@pytest.fixture(scope="session")
def draw_tensor(device: str) -> Callable[..., Tensor]:
    """Give a function that draws a normal tensor, contiguous or not, from hypothesis' data."""

    def draw(
        data: st.DataObject, shape: Sequence[int], dtype: torch.dtype = torch.float64
    ) -> Tensor:
        seed = data.draw(st.integers(0, 2**32), label="seed")
        x = torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed)).to(
            device, dtype
        )
        layout = data.draw(st.sampled_from(["contiguous", "transposed", "every other"]))
        if layout == "transposed":
            return x.mT.contiguous().mT if x.dim() > 1 else x
        if layout == "every other":
            return torch.stack([x, -x], dim=-1)[..., 0]
        return x

    return draw


@pytest.fixture(scope="session")
def derivatives() -> Callable[..., list[Tensor]]:
    """Give a function that lists f(*inputs), its gradients, and the gradients of those."""

    def weigh(y: Tensor) -> Tensor:
        # Unequal weights, so that no two entries can be exchanged; squares, for a second order.
        weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype, device=y.device)
        return (weights.reshape(y.shape) * (y + y**2)).sum()

    def compute(f: Callable[..., Tensor], *inputs: Tensor, order: int = 2) -> list[Tensor]:
        leaves = [value.detach().requires_grad_() for value in inputs]
        found = [f(*leaves)]
        total = weigh(found[0])
        for _ in range(order):
            gradients = torch.autograd.grad(
                total, leaves, create_graph=True, materialize_grads=True
            )
            found += gradients
            total = torch.stack([weigh(gradient) for gradient in gradients]).sum()
        return [value.detach() for value in found]

    return compute


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision, whatever build of torch it stands beside."""
    torchvision_models()
    import torchvision

    return torchvision


@pytest.fixture
def show() -> Callable[..., None]:
    """Print a table; `pytest -s` shows it."""

    def table(title: str, columns: str, rows: Iterable[Sequence[object]]) -> None:
        printed = Table(*columns.split(), title=title)
        for row in rows:
            printed.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row))
        Console().print(printed)

    return table


@pytest.fixture
def interchangeable() -> Callable[[nn.Module, nn.Module, Tensor], None]:
    """Assert that ours loads the other's weights and then does the same in both modes."""

    def check(ours: nn.Module, theirs: nn.Module, x: Tensor) -> None:
        generator = torch.Generator().manual_seed(0)
        for name, tensor in theirs.state_dict().items():
            # Fresh batch norms all have the same statistics, which would hide a wrong one.
            batch_norm = "running" in name or "bn" in name or "downsample.1" in name
            if batch_norm and tensor.is_floating_point():
                tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        # An optimizer's state dict knows parameters by their place, so the order matters too.
        assert list(ours.state_dict()) == list(theirs.state_dict())
        ours.load_state_dict(theirs.state_dict())
        # Both call the same kernels in the same order, so the default tolerances are generous.
        with torch.no_grad():
            assert_close(ours.eval()(x), theirs.eval()(x))
            torch.manual_seed(1)
            actual = ours.train()(x)
            torch.manual_seed(1)
            expected = theirs.train()(x)
        if isinstance(expected, tuple):
            # torchvision puts the second auxiliary head before the first.
            logits, second, first = expected
            expected = (logits, first, second)
            actual = tuple(actual)
        assert_close(actual, expected)
        assert_close(ours.state_dict(), theirs.state_dict())

    return check


@pytest.fixture
def stage_shapes() -> Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    """Output shape of every direct child of a network for one image, in running order."""

    def shapes(model: nn.Module, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for name, child in model.named_children():
            child.register_forward_hook(
                lambda _m, _x, y, name=name: found.update({name: tuple(y.shape[1:])})
            )
        model.to("meta").eval()(torch.empty(1, *input_shape, device="meta"))
        return found

    return shapes


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's 1,797 handwritten digits: (N, 1, 8, 8) from 0 to 1, and labels."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
    return images, torch.tensor(data.target)


@pytest.fixture
def learns_digits(
    digits: tuple[Tensor, Tensor], measured: Callable[..., None]
) -> Callable[..., None]:
    """Train on three digits of four; the share of the others that is read rightly is measured."""

    def learn(
        make: Callable[[], nn.Module], *, at_least: float, epochs: int = 8, lr: float = 2e-3
    ) -> None:
        images, target = digits
        held_out = torch.arange(len(images)) % 4 == 0
        torch.manual_seed(0)
        model = make()
        fit(
            model,
            Batches(images[~held_out], target[~held_out], batch_size=32, shuffle=True),
            optimizer=torch.optim.Adam(model.parameters(), lr=lr),
            epochs=epochs,
            seed=0,
            # Slow steps at the end, where the last of many fast ones would decide.
            schedule=warmup_cosine,
            device=torch.device("cpu"),
        )
        test = Batches(images[held_out], target[held_out], batch_size=500)
        accuracy = evaluate(model, test, loss_fn=F.cross_entropy).accuracy
        measured("accuracy", accuracy, at_least=at_least)

    return learn
