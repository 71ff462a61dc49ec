"""Every value comes back equal, and no bytes do harm."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.wire.records import read, write
from autograder.wire.values import Decoder, Encoder, WireError


def refuse(value: Any) -> Any:
    raise WireError(f"no form for {value!r}")


def there_and_back(value: Any) -> Any:
    return Decoder(refuse).decode(read(write(Encoder(refuse).encode(value)), Any))


hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.just(...)
    | st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.sampled_from([-2, 1, 3])),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
plain = st.recursive(
    hashable | st.sets(hashable, max_size=4) | st.builds(slice, st.none() | st.integers(-9, 9)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(hashable, inner, max_size=4)
    ),
    max_leaves=12,
)


def identical(a: Any, b: Any) -> bool:
    """Equal, and of equal types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(map(identical, a.items(), b.items()))
    return bool(a == b)


@given(plain)
def test_plain_values_come_back_equal_and_of_the_same_type(value: Any) -> None:
    assert identical(there_and_back(value), value)


DTYPES = [
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int8, torch.uint8, torch.bool),
]


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from(DTYPES))
    wide = torch.randn([*(n + 1 for n in shape), 2], generator=generator).mul(9).to(dtype)
    match draw(st.sampled_from(["contiguous", "sliced", "permuted", "expanded"])):
        case "contiguous":
            x = wide[..., 0].contiguous()
        case "sliced":
            x = wide[tuple(slice(1, None) for _ in shape)][..., 1]
        case "permuted":
            x = wide.permute(draw(st.permutations(range(wide.dim()))))
        case _:
            x = wide[..., :1].expand(*wide.shape[:-1], 3)
    x = x.detach()
    if dtype.is_floating_point and draw(st.booleans()):
        x.requires_grad_()
        if draw(st.booleans()):
            x.grad = torch.full_like(x, 2.0)
    return x


@given(tensors())
def test_tensors_come_back_with_strides_dtype_and_gradient(x: torch.Tensor) -> None:
    y = there_and_back(x)
    assert (y.dtype, y.shape, y.stride()) == (x.dtype, x.shape, x.stride())
    assert y.device == x.device
    assert y.requires_grad == x.requires_grad
    assert torch.equal(y.detach(), x.detach())
    assert (y.grad is None) == (x.grad is None)
    assert x.grad is None or torch.equal(y.grad, x.grad)


@given(tensors())
def test_a_copy_shares_no_memory(x: torch.Tensor) -> None:
    y = there_and_back(x)
    assert x.numel() == 0 or y.data_ptr() != x.data_ptr()


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=3),
    st.sampled_from(["<f8", "<f4", "<i4", "|b1", "<c16", "<U3"]),
)
def test_arrays_come_back_with_their_order(shape: list[int], dtype: str) -> None:
    size = int(np.prod(shape))
    array = (np.arange(size) % 2).reshape(shape).astype(dtype)
    for x in (array, array.T, array[::-1]):
        y = there_and_back(x)
        assert y.dtype == x.dtype
        assert np.array_equal(x, y)
    assert there_and_back(array.T).flags.f_contiguous == array.T.flags.f_contiguous
    number = np.float32(1.5)
    assert type(there_and_back(number)) is np.float32


def test_special_values_of_torch_come_back() -> None:
    for value in (torch.float16, torch.device("cpu"), torch.Size([2, 3])):
        back = there_and_back(value)
        assert back == value
        assert type(back) is type(value)
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    back = there_and_back(generator)
    assert torch.equal(torch.rand(3, generator=back), torch.rand(3, generator=generator))
    nan, inf = there_and_back([float("nan"), float("-inf")])
    assert nan != nan
    assert inf == float("-inf")


def test_a_module_of_torch_comes_back_with_weights_and_mode() -> None:
    module = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, (3, 1)), torch.nn.BatchNorm2d(3), torch.nn.ReLU()
    )
    module(torch.randn(4, 2, 5, 3))
    module.eval()
    x = torch.randn(2, 2, 5, 3)
    back = there_and_back(module)
    assert not back.training
    assert torch.equal(back(x), module(x))


@pytest.mark.parametrize("value", [object(), len, ValueError(), torch.nn.Module, type])
def test_what_has_no_form_is_referred(value: Any) -> None:
    with pytest.raises(WireError, match="no form"):
        there_and_back(value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: 10**5000, "digits"),
        (lambda: "\ud800", "cannot be sent"),
        (lambda: b"x" * (65 * 2**20), "bytes"),
    ],
)
def test_what_is_too_large_or_no_text_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(WireError, match=message):
        there_and_back(make())


def test_nesting_is_bounded() -> None:
    value: list[Any] = []
    for _ in range(1000):
        value = [value]
    with pytest.raises(WireError, match="nested"):
        there_and_back(value)
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(WireError, match="nested"):
        there_and_back(endless)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_or_harmless(data: bytes) -> None:
    with contextlib.suppress(WireError):
        Decoder(refuse).decode(read(data, Any))


tags = st.sampled_from([*"luszdijcreTNnGDVSMRr", "x", ""])
forms = st.recursive(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(tags, inner, inner, inner).map(list),
    max_leaves=12,
)


@given(st.tuples(tags, forms, forms, forms, forms, forms, forms).map(list))
def test_malformed_values_are_refused_or_harmless(form: list[Any]) -> None:
    with contextlib.suppress(WireError):
        Decoder(refuse).decode(form)


@pytest.mark.parametrize(
    ("shape", "strides", "data"),
    [
        ([2, 2], [2, 1], b"\0" * 12),  # too few bytes
        ([2, 2], [-2, 1], b"\0" * 16),
        ([2, 2], [2], b"\0" * 16),
        ([2**40, 2**40], [0, 0], b"\0" * 4),  # a shape that no memory holds
    ],
)
def test_a_tensor_that_lies_about_its_size_is_refused(
    shape: list[int], strides: list[int], data: bytes
) -> None:
    form = ["T", "float32", shape, strides, "cpu", data, [False, False, None]]
    with pytest.raises(WireError):
        Decoder(refuse).decode(form)


def test_a_byte_that_is_no_truth_value_becomes_one() -> None:
    form = ["T", "bool", [2], [1], "cpu", b"\x00\x07", [False, False, None]]
    x = Decoder(refuse).decode(form)
    assert x.tolist() == [False, True]
    assert torch.equal(x, torch.tensor([False, True]))


@pytest.mark.parametrize(
    "form",
    [
        ["N", "f4," * 5_000_000, [1], [0], b"1234"],
        ["n", "(1,)" * 5_000_000 + "f4", b"1234"],
        ["N", "<f4", [1] * 5_000_000, [*range(5_000_000)], b"1234"],
        ["T", "float32", [1] * 5_000_000, [0] * 5_000_000, "cpu", b"1234", [False, False, None]],
        ["T", "x" * 20_000_000, [1], [1], "cpu", b"1234", [False, False, None]],
        ["D", "float32" * 3_000_000],
        ["V", "cpu:" + "1" * 20_000_000],
        ["G", "cpu:" + "1" * 20_000_000, b""],
        ["x" * 20_000_000],
    ],
    ids=["fields", "brackets", "axes", "tensor", "name", "dtype", "device", "generator", "tag"],
)
def test_names_of_megabytes_and_millions_of_axes_are_not_even_looked_at(form: list[Any]) -> None:
    start = time.process_time()
    with pytest.raises(WireError) as caught:
        Decoder(refuse).decode(form)
    assert time.process_time() - start < 0.5
    assert len(str(caught.value)) < 500
