"""What the lesson on residual networks hands out, against the reference library."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from cnnlib import resnet as reference
from course import blocks
from course.weights import load_known


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (blocks.PaddedBlock(3, 5, stride=2), reference.PaddedBlock(3, 5, stride=2)),
        (blocks.PaddedBlock(3, 3), reference.PaddedBlock(3, 3)),
        (blocks.option_b(3, 5, stride=2), reference.shortcut(3, 5, stride=2)),
        (blocks.option_b(3, 3, stride=1), reference.shortcut(3, 3, stride=1)),
    ],
)
def test_what_the_lesson_hands_out_computes_what_cnnlib_does(
    given: nn.Module, answer: nn.Module
) -> None:
    load_known(given)
    load_known(answer)
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4).cos().reshape(2, 3, 7, 4)
    assert_close(given(x), answer(x))
    assert_close(given.eval()(x), answer.eval()(x))


def test_a_stack_is_the_small_family_at_half_its_width() -> None:
    for depth in (8, 20):
        plain, residual = (blocks.stack(depth, skip=skip, seed=3) for skip in (False, True))
        assert_close(plain.state_dict(), residual.state_dict(), rtol=0, atol=0)
        assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in plain.modules()) == depth
        x = torch.rand(4, 1, 8, 8)
        twin = blocks.without_skips(residual)
        assert_close(plain(x), twin(x))
        assert not torch.allclose(plain(x), residual(x))
        other = blocks.stack(depth, skip=True, seed=4)
        assert not torch.equal(other.get_parameter("0.weight"), residual.get_parameter("0.weight"))
    assert len(blocks.residual_blocks(residual)) == 9


def test_a_zeroed_stack_starts_with_blocks_that_are_the_identity() -> None:
    zeroed = blocks.stack(14, skip=True, seed=3, zeroed=True).eval()
    x = torch.rand(2, 8, 8, 8)
    assert torch.equal(zeroed[3](x), x)
    usual, state = blocks.stack(14, skip=True, seed=3).state_dict(), zeroed.state_dict()
    changed = [name for name, tensor in state.items() if not torch.equal(tensor, usual[name])]
    assert changed == [f"{position}.bn2.weight" for position in range(3, 9)]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: blocks.stack(21, skip=True, seed=0), "depth is 21; expected 6n"),
        (lambda: blocks.stack(2, skip=True, seed=0), "depth is 2; expected 6n"),
        (lambda: blocks.PaddedBlock(4, 3), "out_channels=3"),
        (lambda: blocks.option_b(4, 0, stride=1), "out_channels=0"),
        (lambda: blocks.residual_blocks(nn.ReLU()), "ReLU without residual blocks"),
    ],
)
def test_a_bad_argument_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
