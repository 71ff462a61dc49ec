"""A layer learns by the backward pass that it is given, and by nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.testing import assert_close

from cnnlib.convolution import conv2d, conv2d_backward
from course.by_hand import Convolution, torch_backward


def gradients(layer: Convolution, x: Tensor) -> list[Tensor]:
    x = x.clone().requires_grad_()
    y = layer(x)
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    return list(torch.autograd.grad((y * weights).sum(), [x, layer.weight, layer.bias]))


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_torchs_passes_and_ours_give_what_autograd_gives(padding: int) -> None:
    x = torch.linspace(-2, 3, 2 * 3 * 5 * 4).sin().reshape(2, 3, 5, 4).double()
    found = []
    for forward, backward in ((conv2d, conv2d_backward), (F.conv2d, torch_backward)):
        torch.manual_seed(0)
        layer = Convolution(3, 4, 3, padding=padding, forward=forward, backward=backward)
        found.append(gradients(layer.double(), x))
    torch.manual_seed(0)
    plain = torch.nn.Conv2d(3, 4, 3, padding=padding).double()
    leaf = x.clone().requires_grad_()
    y = plain(leaf)
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    leaves = [leaf, *plain.parameters()]
    expected = list(torch.autograd.grad((y * weights).sum(), leaves))
    for ours in found:
        assert_close(ours, expected)


def test_a_wrong_backward_pass_is_what_the_layer_learns_by() -> None:
    def wrong(grad_out: Tensor, x: Tensor, w: Tensor, **options: int) -> tuple[Tensor, ...]:
        grad_x, grad_w, grad_b = torch_backward(grad_out, x, w, **options)
        return grad_x, 3 * grad_w, grad_b

    x = torch.rand(2, 1, 5, 5)
    found = []
    for backward in (torch_backward, wrong):
        torch.manual_seed(0)
        layer = Convolution(1, 2, 3, padding=1, forward=F.conv2d, backward=backward)  # type: ignore[arg-type]  # a tuple of three
        found.append(gradients(layer, x))
    assert_close(found[1], [found[0][0], 3 * found[0][1], found[0][2]])
