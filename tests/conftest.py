"""Strictness for every test: no deadlines, the same examples on every run, oracles that agree."""

import os
from collections.abc import Callable, Iterator
from functools import wraps

import pytest
import torch.nn.functional as F
from hypothesis import HealthCheck, settings
from torch import Tensor

from tests import measured as values
from tests.measured import pytest_collection_modifyitems
from tests.workers import pytest_sessionfinish, pytest_testnodedown

# Hooks are found by their names.
__all__ = ["pytest_collection_modifyitems", "pytest_sessionfinish", "pytest_testnodedown"]

settings.register_profile(
    "course",
    deadline=None,
    derandomize=True,
    # A busy machine makes examples slowly, and that is no defect of a test.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("course")
# For the kernels and graders that tests start: one per core is busy as it is.
os.environ.setdefault("OMP_NUM_THREADS", "1")
values.settle_threads()


@pytest.fixture(scope="session")
def measured() -> Callable[..., None]:
    """Give the function that every value goes through which depends on how processors round."""
    return values.measured


@pytest.fixture(scope="session")
def noted() -> Callable[..., None]:
    """Give the function that every value of a lesson's trial goes through."""
    return values.noted


def refused_in_sixteen_bits(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Let no tensor of 16 bits on the CPU into f.

    Torch hands such convolutions to oneDNN, whose kernels differ from one processor to the next;
    one of them ended a test run with a segmentation fault.
    """

    @wraps(f)
    def check(*arguments: object, **options: object) -> Tensor:
        for x in (*arguments, *options.values()):
            if not isinstance(x, Tensor) or not x.is_floating_point():
                continue
            if x.dtype.itemsize == 2 and x.device.type == "cpu":
                raise TypeError(
                    f"{f.__name__} got {x.dtype} on the CPU, where it is no oracle; "
                    "expected float32 or float64: compute in float32 and round"
                )
        return f(*arguments, **options)

    return check


@pytest.fixture(scope="session", autouse=True)
def no_convolution_in_sixteen_bits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for dimensions in ("1d", "2d", "3d"):
            for name in (f"conv{dimensions}", f"conv_transpose{dimensions}"):
                patch.setattr(F, name, refused_in_sixteen_bits(getattr(F, name)))
        yield
