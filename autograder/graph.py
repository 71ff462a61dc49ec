"""One autograd graph over two processes."""

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from autograder.peer import Peer

__all__ = ["join"]


def join(
    peer: "Peer", node: int, outputs: list[torch.Tensor], inputs: list[torch.Tensor]
) -> tuple[torch.Tensor, ...]:
    """Return outputs as functions of inputs, whose derivative the other end computes.

    The other end may have parameters of its own and the outputs then require a gradient even where
    no input does, hence the anchor.
    """
    anchor = torch.zeros((), requires_grad=True)
    with torch.enable_grad():
        joined = _Remote.apply(peer, node, outputs, anchor, *inputs)
    return tuple(joined)


class _Remote(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, peer: Any, node: Any, outputs: Any, _anchor: Any, *inputs: Any) -> Any:
        ctx.peer, ctx.node = peer, node
        ctx.save_for_backward(*inputs)
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        inputs = ctx.saved_tensors
        if torch.is_grad_enabled():
            # The derivative is itself a function, of the inputs and of the gradients that come in.
            found = ctx.peer.backward(ctx.node, list(gradients), [*inputs, *gradients])
        else:
            found = ctx.peer.backward(ctx.node, list(gradients), None)
        return (None, None, None, None, *found)
