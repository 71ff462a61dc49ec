"""Which device to compute on, and in which number format.

A convolution is one large matrix product, and graphics processors multiply matrices faster than
CPUs by one or two orders of magnitude. The library runs on any of them: CUDA (NVIDIA, and AMD
through ROCm) first, then MPS (Apple), then the CPU. Results agree within rounding, because each
device adds the same products in another order.

Mixed precision (Micikevicius et al., 2018) keeps the weights in 32 bits and multiplies in 16.
bfloat16 has float32's range; float16 does not, and needs its loss scaled so that small gradients
are not rounded to 0.
"""

import torch

__all__ = ["autocast_dtype", "available_devices", "pick_device"]


def available_devices() -> list[torch.device]:
    """Devices of this machine, fastest first; the CPU is always the last.

    >>> available_devices()[-1]
    device(type='cpu')
    """
    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [torch.device(name) for name, present in found.items() if present] + [
        torch.device("cpu")
    ]


def pick_device(name: str | None = None) -> torch.device:
    """Device to compute on: the one named, else CUDA, else MPS, else the CPU.

    name may carry an index, as in "cuda:1". Raises ValueError where torch knows no such device
    or this machine has none.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    devices = available_devices()
    if name is None:
        return devices[0]
    offered = ", ".join(d.type for d in devices)
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"device is {name!r}; this machine offers {offered}") from None
    indices = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in {d.type for d in devices} or (device.index or 0) >= indices:
        raise ValueError(f"device is {name!r}; this machine offers {offered}")
    return device


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """16-bit format for mixed precision: bfloat16 or float16 on CUDA, None elsewhere.

    None means float32 throughout: a CPU gains little from 16 bits, and MPS not in every version.
    Source: Micikevicius et al. (2018).

    >>> autocast_dtype(torch.device("cpu")) is None
    True
    """
    if device.type != "cuda":
        return None
    return (
        torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    )
