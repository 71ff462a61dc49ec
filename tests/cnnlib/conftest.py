"""What the tests of cnnlib share: devices, tensors of any layout, derivatives, torchvision."""

from collections.abc import Callable, Sequence
from types import ModuleType

import pytest
import torch
from hypothesis import strategies as st
from torch import Tensor


@pytest.fixture(scope="session", params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request: pytest.FixtureRequest) -> str:
    """Every device that this machine has."""
    # On a GPU torch's convolutions otherwise round float32 to 10 bits, and are no oracle.
    torch.backends.cudnn.allow_tf32 = False
    return request.param


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
            total = sum(weigh(gradient) for gradient in gradients)
        return [value.detach() for value in found]

    return compute


def declare_torchvision_operators() -> torch.library.Library:
    """Declare what torchvision's compiled extension would, where the CPU build cannot load it.

    torchvision describes the shapes of these two operators on import and stops where they are
    unknown. Nothing here calls them. The declaration lasts as long as what is returned.
    """
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


@pytest.fixture(scope="session")
def torchvision() -> ModuleType:
    """torchvision with transforms and operators in Python, whatever build of torch there is."""
    global library
    try:
        import torchvision
    except RuntimeError:
        library = declare_torchvision_operators()
        import torchvision
    return torchvision
