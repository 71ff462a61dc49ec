"""Tensors as raw bytes and strides, and back; nothing that a sender says of them is believed."""

import math
from typing import Any

__all__ = ["MAX_BYTES", "MOST_AXES", "WireError", "dtype_of", "span", "tensor_of", "word"]

MAX_BYTES = 64 * 2**20  # of a frame
MOST_AXES = 64
LONGEST_WORD = 100  # characters


class WireError(Exception):
    """Bytes are no frame, or a value cannot be put into one."""


def span(torch: Any, tensor: Any) -> bytes:
    """Bytes of a tensor's memory from its first element to its last."""
    if tensor.numel() == 0:
        return b""
    data = tensor.detach().resolve_conj().resolve_neg().cpu()
    if data.stride() != tensor.stride():
        data = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype).copy_(data)
    length = 1 + sum((n - 1) * s for n, s in zip(data.shape, data.stride(), strict=True))
    if length * data.element_size() > MAX_BYTES:
        raise WireError(f"a tensor has {length * data.element_size():,} bytes in memory")
    flat = torch.as_strided(data, (length,), (1,), data.storage_offset())
    return bytes(flat.view(torch.uint8).numpy().tobytes())


def word(value: Any) -> str:
    """Return the name of a dtype or a device, which are short; else raise WireError."""
    if type(value) is not str or len(value) > LONGEST_WORD:
        raise WireError("a name is malformed")
    return value


def dtype_of(torch: Any, name: str) -> Any:
    """Return torch's dtype of a name. Raises WireError where there is none."""
    dtype = getattr(torch, word(name))
    if not isinstance(dtype, torch.dtype):
        raise WireError(f"torch has no dtype {name!r}")
    return dtype


def tensor_of(torch: Any, form: list[Any], device: str | None) -> Any:
    """Return the tensor of a form. Raises WireError where its parts do not fit one another."""
    _, name, shape, strides, own_device, data, _ = form
    dtype = dtype_of(torch, name)
    if max(len(shape), len(strides)) > MOST_AXES:
        raise WireError("a tensor has too many axes")
    shape, strides = [int(n) for n in shape], [int(s) for s in strides]
    if len(shape) != len(strides) or min([0, *shape, *strides]) < 0:
        raise WireError("a tensor's shape and strides are malformed")
    if 0 in shape:
        return torch.empty_strided(shape, strides, dtype=dtype)
    length = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
    if length * dtype.itemsize != len(data) or math.prod(shape) * dtype.itemsize > MAX_BYTES:
        raise WireError("a tensor's bytes do not fit its shape")
    flat = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    # A byte that is neither 0 nor 1 is no truth value, and torch would not notice.
    flat = flat != 0 if dtype is torch.bool else flat.view(dtype)
    return torch.as_strided(flat, shape, strides).to(device or word(own_device))
