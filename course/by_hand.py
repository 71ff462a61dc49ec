"""A layer of convolution whose forward and backward pass are somebody's functions.

A lesson trains a network with what a student wrote. Autograd calls the student's backward pass
where it would call torch's, so that no gradient comes from anywhere else.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv2d_weight

__all__ = ["Convolution", "torch_backward"]

Forward = Callable[..., Tensor]
Backward = Callable[..., tuple[Tensor, Tensor, Tensor]]


class _ByHand(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        w: Tensor,
        b: Tensor,
        passes: tuple[Forward, Backward],
        padding: int,
    ) -> Tensor:
        forward, ctx.backward, ctx.padding = *passes, padding
        ctx.save_for_backward(x, w)
        return forward(x, w, b, padding=padding)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, ...]:
        (grad_out,) = grads
        return *ctx.backward(grad_out, *ctx.saved_tensors, padding=ctx.padding), None, None


class Convolution(nn.Module):
    """Convolution that computes by forward(x, w, b, padding=...) and learns by backward.

    backward(grad_out, x, w, padding=...) returns the gradients of x, w and b. Weights start as
    those of torch's own layer. Shape: (N, in_channels, H, W) -> (N, out_channels, H', W').

    >>> import torch.nn.functional as F
    >>> layer = Convolution(1, 4, 3, padding=2, forward=F.conv2d, backward=torch_backward)
    >>> layer(torch.zeros(2, 1, 5, 5)).shape
    torch.Size([2, 4, 7, 7])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        padding: int,
        forward: Forward,
        backward: Backward,
    ) -> None:
        super().__init__()
        start = nn.Conv2d(in_channels, out_channels, kernel_size)
        assert start.bias is not None
        self.weight, self.bias = start.weight, start.bias
        self._passes, self._padding = (forward, backward), padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve a batch."""
        y: Tensor = _ByHand.apply(x, self.weight, self.bias, self._passes, self._padding)
        return y


def torch_backward(
    grad_out: Tensor, x: Tensor, w: Tensor, *, stride: int = 1, padding: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Return torch's gradients of a convolution, for x, w and b.

    >>> x, w = torch.ones(1, 1, 1, 3), torch.ones(1, 1, 1, 2)
    >>> [gradient.flatten().tolist() for gradient in torch_backward(torch.ones(1, 1, 1, 2), x, w)]
    [[1.0, 2.0, 1.0], [2.0, 2.0], [2.0]]
    """
    grad_x = conv2d_input(x.shape, w, grad_out, stride=stride, padding=padding)
    grad_w = conv2d_weight(x, w.shape, grad_out, stride=stride, padding=padding)
    return grad_x, grad_w, grad_out.sum(dim=(0, 2, 3))
