"""Tensors as raw bytes and strides, and back; nothing that a sender says of them is believed."""

import math
from typing import Any

__all__ = ["MAX_BYTES", "WireError", "dtype_of", "span", "tensor_of"]

MAX_BYTES = 64 * 2**20  # of a frame


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


def dtype_of(torch: Any, name: str) -> Any:
    """Return torch's dtype of a name. Raises WireError where there is none."""
    dtype = getattr(torch, name)
    if not isinstance(dtype, torch.dtype):
        raise WireError(f"torch has no dtype {name!r}")
    return dtype


def tensor_of(torch: Any, form: list[Any], device: str | None) -> Any:
    """Return the tensor of a form. Raises WireError where its parts do not fit one another."""
    _, name, shape, strides, own_device, data, _ = form
    dtype = dtype_of(torch, name)
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
    return torch.as_strided(flat, shape, strides).to(device or own_device)
