"""One autograd graph over two processes."""

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["join"]

# The other end's part of a backward pass: number of the call, gradients of its outputs, and its
# inputs where the gradients are to be functions of them.
Backward = Callable[[int, list[Any], list[Any] | None], list[Any]]


def join(
    backward: Backward, node: int, outputs: list[torch.Tensor], inputs: list[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Return outputs as functions of inputs, whose derivative the other end computes.

    The other end may have parameters of its own and the outputs then require a gradient even where
    no input does, hence the anchor.
    """
    anchor = torch.zeros((), requires_grad=True)
    with torch.enable_grad():
        joined = _Remote.apply(backward, node, outputs, anchor, *inputs)
    return tuple(joined)


class _Remote(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Any, node: Any, outputs: Any, _anchor: Any, *inputs: Any) -> Any:
        ctx.part, ctx.node = part, node
        ctx.save_for_backward(*inputs)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        inputs = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The derivative is itself a function, of the inputs and of the gradients that come in.
            found = ctx.part(ctx.node, list(gradients), [*inputs, *gradients])
        else:
            found = ctx.part(ctx.node, list(gradients), None)
        return (None, None, None, None, *found)
