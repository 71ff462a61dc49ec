"""CUDA before MPS before the CPU, and a named device only where there is one."""

import re

import pytest
import torch

from cnnlib.device import autocast_dtype, available_devices, pick_device


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [
        (True, True, ["cuda", "mps", "cpu"]),
        (False, True, ["mps", "cpu"]),
        (True, False, ["cuda", "cpu"]),
        (False, False, ["cpu"]),
    ],
)
def test_the_fastest_comes_first(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: list[str]
) -> None:
    pretend(monkeypatch, cuda=cuda, mps=mps)
    assert [device.type for device in available_devices()] == expected
    assert pick_device().type == expected[0]
    assert [pick_device(name).type for name in expected] == expected


def test_an_index_counts_the_devices_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, cuda=True, mps=False)
    assert pick_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(ValueError, match="cuda:2"):
        pick_device("cuda:2")


@pytest.mark.parametrize("name", ["cuda", "mps", "gpu", "", "cpu:x"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pretend(monkeypatch, cuda=False, mps=False)
    with pytest.raises(ValueError, match=re.escape(f"{name!r}; this machine offers cpu")):
        pick_device(name)


def test_only_cuda_multiplies_in_sixteen_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert autocast_dtype(torch.device("cpu")) is None
    assert autocast_dtype(torch.device("mps")) is None
    for bfloat16, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda b=bfloat16, **_: b)
        assert autocast_dtype(torch.device("cuda")) == expected


@pytest.mark.parametrize("device", available_devices(), ids=str)
def test_a_product_is_the_same_on_every_device(device: torch.device) -> None:
    a = torch.linspace(-1, 1, 12).reshape(3, 4)
    # float32 sums of four products: a few units in the last place.
    torch.testing.assert_close((a.to(device) @ a.to(device).T).cpu(), a @ a.T)
