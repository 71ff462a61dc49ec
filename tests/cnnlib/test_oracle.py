"""What the other tests compare 16 bits with."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

X = torch.tensor([[[1.0, 2**-9, -1.0]]])
W = torch.tensor([[[1.0, 1.0, 1.0]]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_oracle_sums_in_float32_and_rounds_value_and_gradient(
    oracle: Callable[[Callable[..., Tensor]], Callable[..., Tensor]], dtype: torch.dtype
) -> None:
    # In bfloat16, 1 + 2**-9 would be 1, and the sum 0.
    x, w = (value.to(dtype).requires_grad_() for value in (X, W))
    y = oracle(F.conv1d)(x, w, None)
    y.backward(torch.full_like(y, 3.0))
    assert x.grad is not None
    assert y.dtype == x.grad.dtype == dtype
    assert y.item() == 2**-9
    assert x.grad.tolist() == [[[3.0, 3.0, 3.0]]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_oracle_leaves_other_formats_alone(
    oracle: Callable[[Callable[..., Tensor]], Callable[..., Tensor]], dtype: torch.dtype
) -> None:
    assert oracle(F.conv1d)(X.to(dtype), W.to(dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", ["conv1d", "conv2d", "conv3d", "conv_transpose2d"])
def test_no_test_asks_the_processor_for_a_convolution_in_sixteen_bits(
    name: str, dtype: torch.dtype
) -> None:
    x = torch.ones([2] * 5, dtype=dtype)
    with pytest.raises(TypeError, match=f"{name} got {dtype} on the CPU.*expected float32"):
        getattr(F, name)(x, x)
    with pytest.raises(TypeError, match="expected float32"):
        getattr(F, name)(x.float(), weight=x)


def test_nor_does_a_layer() -> None:
    with pytest.raises(TypeError, match=r"conv2d got torch\.float16"):
        nn.Conv2d(1, 1, 2).half()(torch.ones(1, 1, 2, 2, dtype=torch.float16))
