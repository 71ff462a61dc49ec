"""Convolution and pooling from scratch against torch's own, forward and backward.

Both run in turns in one loop, on one thread, so that what else the machine does hits both alike.
The ratio is the median over the rounds; the aim is at most 3.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from rich.table import Table
from torch import Tensor

from cnnlib.convolution import conv2d, conv2d_backward
from cnnlib.pooling import avg_pool2d, max_pool2d, max_pool2d_backward

Function = Callable[..., Tensor]

ROUNDS = 15

# N, C, O, size, kernel, stride, padding
CONVOLUTIONS = [
    (32, 3, 32, 32, 3, 1, 1),
    (16, 16, 32, 32, 3, 1, 1),
    (32, 32, 32, 32, 3, 1, 1),
    (64, 64, 64, 32, 3, 1, 1),
    (32, 32, 64, 32, 3, 2, 1),
    (32, 64, 64, 32, 1, 1, 0),
]
# N, C, size, kernel, stride, padding
POOLINGS = [(32, 32, 32, 2, 2, 0), (64, 64, 32, 2, 2, 0), (32, 32, 32, 3, 2, 1)]


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(ours: Callable[[], object], theirs: Callable[[], object]) -> list[str]:
    """Median milliseconds of both and the median ratio, measured in turns."""
    ours(), theirs()  # warm up
    rounds = []
    for turn in range(ROUNDS):
        # Who goes first may find warmer or colder caches, so they take turns at that too.
        first, second = (ours, theirs) if turn % 2 else (theirs, ours)
        times = [seconds(first), seconds(second)]
        rounds.append(times if turn % 2 else times[::-1])
    ratio = median(own / other for own, other in rounds)
    own, other = (1000 * median(column) for column in zip(*rounds, strict=True))
    return [f"{own:.2f}", f"{other:.2f}", f"{ratio:.1f}"]


def backward(function: Callable[..., Tensor], inputs: list[Tensor]) -> Callable[[], object]:
    """Backward pass of one forward pass, to be run many times."""
    leaves = [value.clone().requires_grad_() for value in inputs]
    y = function(*leaves)
    return partial(torch.autograd.grad, y, leaves, torch.ones_like(y), retain_graph=True)


def rows(
    ours: Callable[..., Tensor], theirs: Callable[..., Tensor], inputs: list[Tensor]
) -> Iterator[list[str]]:
    """Forward, and backward by autograd."""
    yield ["forward", *compare(partial(ours, *inputs), partial(theirs, *inputs))]
    yield ["backward", *compare(backward(ours, inputs), backward(theirs, inputs))]


def table(title: str) -> Table:
    """Empty table of one operator."""
    result = Table(title=title)
    for name in ("layout", "pass", "ours ms", "torch ms", "ratio"):
        result.add_column(name, justify="left" if name in ("layout", "pass") else "right")
    return result


def tables() -> Iterator[Table]:
    """Measure on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    try:
        yield convolutions()
        yield from poolings()
    finally:
        torch.set_num_threads(threads)


def convolutions() -> Table:
    """Convolution, its gradient by autograd, and its gradient by hand."""
    result = table("conv2d")
    for n, c, o, size, kernel, stride, padding in CONVOLUTIONS:
        inputs = [torch.randn(n, c, size, size), torch.randn(o, c, kernel, kernel)]
        options: dict[str, Any] = {"stride": stride, "padding": padding}
        layout = f"{n} x {c} x {size} x {size} -> {o}, {kernel} x {kernel} / {stride}"
        ours, theirs = partial(conv2d, **options), partial(F.conv2d, **options)
        for row in rows(ours, theirs, inputs):
            result.add_row(layout, *row)
        by_hand = partial(conv2d_backward, torch.ones_like(theirs(*inputs)), *inputs, **options)
        result.add_row(layout, "by hand", *compare(by_hand, backward(theirs, inputs)))
    return result


def poolings() -> Iterator[Table]:
    """Maximum and average; and the gradient of the maximum by hand."""
    pairs: list[tuple[str, Function, Function]] = [
        ("max_pool2d", max_pool2d, F.max_pool2d),
        ("avg_pool2d", avg_pool2d, F.avg_pool2d),
    ]
    for name, ours, theirs in pairs:
        result = table(name)
        for n, c, size, kernel, stride, padding in POOLINGS:
            inputs = [torch.randn(n, c, size, size)]
            options: dict[str, Any] = {
                "kernel_size": kernel,
                "stride": stride,
                "padding": padding,
            }
            layout = f"{n} x {c} x {size} x {size}, {kernel} x {kernel} / {stride}"
            for row in rows(partial(ours, **options), partial(theirs, **options), inputs):
                result.add_row(layout, *row)
        yield result

    result = table("max_pool2d_backward (torch: forward too, which finds the winners)")
    for n, c, size, kernel, stride, _ in POOLINGS:
        inputs = [torch.randn(n, c, size, size)]
        theirs = partial(F.max_pool2d, kernel_size=kernel, stride=stride)
        by_hand = partial(
            max_pool2d_backward,
            torch.ones_like(theirs(*inputs)),
            *inputs,
            kernel_size=kernel,
            stride=stride,
        )
        both = partial(lambda theirs, inputs: backward(theirs, inputs)(), theirs, inputs)
        layout = f"{n} x {c} x {size} x {size}, {kernel} x {kernel} / {stride}"
        result.add_row(layout, "by hand", *compare(by_hand, both))
    yield result
