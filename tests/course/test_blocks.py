"""What the lesson on residual networks hands out, against the reference library."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from cnnlib import resnet as reference
from course import blocks
from course.weights import load_known
from tests.course.students import unwritten

SKIPS = {
    "option A": (blocks.option_a, reference.option_a),
    "nothing": (blocks.no_skip, reference.no_skip),
}


@pytest.mark.parametrize("skip", SKIPS)
@pytest.mark.parametrize(("channels", "stride"), [(5, 2), (3, 1), (4, 3)])
def test_the_given_block_computes_what_cnnlib_s_does(skip: str, channels: int, stride: int) -> None:
    ours, theirs = SKIPS[skip]
    given = blocks.PaddedBlock(3, channels, stride=stride, skip=ours)
    answer = reference.BasicBlock(3, channels, stride=stride, skip=theirs)
    load_known(given)
    load_known(answer)
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4).cos().reshape(2, 3, 7, 4)
    assert_close(given(x), answer(x))
    assert_close(given.eval()(x), answer.eval()(x))
    assert given.state_dict().keys() == answer.state_dict().keys()


def test_a_way_around_with_a_norm_normalises_and_then_pads() -> None:
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4).cos().reshape(2, 3, 7, 4)
    y = blocks.normed(3, 5, stride=2)(x)
    assert y.shape == (2, 5, 4, 2)
    normed = F.batch_norm(x, None, None, training=True)[:, :, ::2, ::2]
    assert_close(y[:, :3], normed)
    assert not y[:, 3:].any()


@pytest.mark.parametrize("block", [blocks.PaddedBlock, reference.BasicBlock])
def test_a_stack_is_the_small_family_at_half_its_width(block: Callable[..., nn.Module]) -> None:
    for depth in (8, 20):
        plain, residual = (
            blocks.stack(depth, block=partial(block, skip=skip), seed=3)
            for skip in (blocks.no_skip, blocks.option_a)
        )
        assert_close(plain.state_dict(), residual.state_dict(), rtol=0, atol=0)
        assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in plain.modules()) == depth
        x = torch.rand(4, 1, 8, 8)
        assert not torch.allclose(plain(x), residual(x))
        other = blocks.stack(depth, block=block, seed=4)
        assert not torch.equal(other.get_parameter("0.weight"), residual.get_parameter("0.weight"))
    assert len(blocks.residual_blocks(residual)) == 9
    assert residual(x).shape == (4, 10)


def test_projections_leave_the_other_filters_as_they_are() -> None:
    block = partial(reference.BasicBlock, skip=reference.shortcut)
    projected, padded = (
        blocks.stack(8, block=make, seed=3) for make in (block, reference.BasicBlock)
    )
    state = projected.state_dict()
    for name, tensor in padded.state_dict().items():
        assert torch.equal(state[name], tensor), name


def test_a_block_that_cannot_be_trained_is_replaced() -> None:
    assert str(blocks.yours_or_given(reference.BasicBlock)) == "yours"

    class Stubborn(reference.BasicBlock):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).detach()

    class Bare(nn.Module):
        def __init__(self, *_: int, **__: object) -> None:
            super().__init__()

    for own, problem in (
        (unwritten, "is not written yet"),
        (Stubborn, "raises RuntimeError"),
        (Bare, "has no method residual"),
        (lambda a, b, stride: reference.BasicBlock(a, b, stride=stride), "raises TypeError"),
        (lambda *_, **__: reference.BasicBlock(3, 4), "returns shape"),
    ):
        stand_in = blocks.yours_or_given(own)
        assert stand_in.function is blocks.PaddedBlock
        assert stand_in.problem.startswith(problem)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: blocks.stack(21, block=blocks.PaddedBlock, seed=0), "depth is 21; expected 6n"),
        (lambda: blocks.stack(2, block=blocks.PaddedBlock, seed=0), "depth is 2; expected 6n"),
        (lambda: blocks.PaddedBlock(4, 3), "out_channels=3"),
        (lambda: blocks.option_a(4, 4, stride=0), "stride=0"),
        (lambda: blocks.residual_blocks(nn.ReLU()), "ReLU without residual blocks"),
    ],
)
def test_a_bad_argument_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
