r"""Pooling: one number for each window of each channel.

    max       y[n, c, i, j] = the largest of x in window (i, j)
    average   y[n, c, i, j] = the mean of x in window (i, j)
    global    y[n, c]       = the mean of x over the whole channel   (Lin, Chen and Yan, 2014)

No weights are learnt. Windows lie stride pixels apart, by default side by side, so that pooling
also makes the image smaller; a convolution with a stride does that too. On the way back the
average spreads the gradient evenly, and the maximum sends it to the pixel that won, the first one
in row-major order where several are equal.

Inside a window the maximum does not care where the largest value lies, hence the hope that pooling
makes a network invariant to shifts. It does so in part only: a shift by less than the stride moves
values across the borders of windows (Zhang, 2019). ``shift_consistency`` measures what is left.

What breaks the invariance is the fixed grid of the samples. ``polyphase_sample`` lets the image
choose the grid, and moves along with it exactly under circular shifts (Chaman and Dokmanic, 2021).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from cnnlib.convolution import pair

__all__ = [
    "avg_pool2d",
    "global_avg_pool",
    "max_pool2d",
    "max_pool2d_backward",
    "polyphase_sample",
    "shift_consistency",
]


def max_pool2d(
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Largest value of each window. Padding never wins, not even over negative values.

    stride is kernel_size where not given. Shape: (N, C, H, W) -> (N, C, H', W').
    Raises ValueError where kernel_size or stride is below 1, padding is below 0 or above half of
    kernel_size, or the window is larger than the padded image. Source: torch.nn.MaxPool2d.

    >>> max_pool2d(torch.tensor([[[[-4.0, -1.0, -3.0]]]]), kernel_size=(1, 2), padding=(0, 1))
    tensor([[[[-4., -1.]]]])
    """
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
            f"is at least as large as the window {(kh, kw)}"
        )
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
    winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
    # Taking the winners out of the image, not out of the windows, makes the way back cheap.
    row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
    index = row * x.shape[3] + column
    return x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)


def avg_pool2d(
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window, over padding zeros too unless count_include_pad is False.

    stride is kernel_size where not given. Shape: (N, C, H, W) -> (N, C, H', W').
    Raises ValueError where kernel_size or stride is below 1, padding is below 0 or above half of
    kernel_size, or the window is larger than the padded image. Source: torch.nn.AvgPool2d.

    >>> x = torch.tensor([[[[2.0, 4.0, 6.0]]]])
    >>> avg_pool2d(x, kernel_size=(1, 2), padding=(0, 1))
    tensor([[[[1., 5.]]]])
    >>> avg_pool2d(x, kernel_size=(1, 2), padding=(0, 1), count_include_pad=False)
    tensor([[[[2., 5.]]]])
    """
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
            f"is at least as large as the window {(kh, kw)}"
        )

    rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1

    def window_sums(image: Tensor) -> Tensor:
        # First along rows, then along columns: kw + kh additions a pixel instead of kh * kw.
        image = F.pad(image, (pw, pw, ph, ph))
        image = torch.stack([image[..., j::sw][..., :columns] for j in range(kw)]).sum(dim=0)
        return torch.stack([image[:, :, i::sh][:, :, :rows] for i in range(kh)]).sum(dim=0)

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))


def global_avg_pool(x: Tensor) -> Tensor:
    """Mean of each channel over the whole image.

    Shape: (N, C, H, W) -> (N, C). Raises ValueError for another number of dimensions and for an
    image without pixels. Source: Lin, Chen and Yan (2014).

    >>> global_avg_pool(torch.tensor([[[[1.0, 2.0, 6.0]], [[0.0, 0.0, -3.0]]]]))
    tensor([[ 3., -1.]])
    """
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3))


def max_pool2d_backward(
    grad_out: Tensor,
    x: Tensor,
    *,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
) -> Tensor:
    """Gradient of max_pool2d without padding: every window hands its gradient to its winner.

    The first pixel in row-major order wins a tie. A pixel that wins several windows gets the sum.
    Shape: grad_out (N, C, H', W'), x (N, C, H, W) -> (N, C, H, W). Raises ValueError where
    kernel_size or stride is below 1, the window is larger than x, or grad_out does not fit.
    Source: as in torch.nn.MaxPool2d.

    >>> x = torch.tensor([[[[1.0, 5.0, 5.0, 2.0]]]])
    >>> max_pool2d_backward(torch.tensor([[[[1.0, 10.0, 100.0]]]]), x, kernel_size=(1, 2), stride=1)
    tensor([[[[  0.,  11., 100.,   0.]]]])
    """
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) at least as large as the "
            f"window {(kh, kw)}"
        )
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
    winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}, "
            "the shape of the output"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
    index = row * x.shape[3] + column
    grad_x = torch.zeros_like(x.flatten(2), dtype=grad_out.dtype)
    return grad_x.scatter_add(2, index.flatten(2), grad_out.flatten(2)).reshape(x.shape)


def polyphase_sample(x: Tensor, *, stride: int | tuple[int, int]) -> Tensor:
    """Of the grids of pixels that lie a stride apart, each image's one of largest norm.

    Grid (i, j) holds the pixels i, i + stride, ... down and j, j + stride, ... to the right; its
    norm, the root of the sum of squares, runs over all channels. The first in row-major order wins
    a tie. An image that moves round its borders gives the same pixels, moved round, unless two
    grids tie. Shape: (N, C, H, W) -> (N, C, H / stride, W / stride). Raises ValueError where stride
    is below 1 or does not divide H and W. Source: Chaman and Dokmanic, CVPR 2021.

    >>> polyphase_sample(torch.tensor([[[[1.0, 5.0, -2.0, 0.0]]]]), stride=(1, 2))
    tensor([[[[5., 0.]]]])
    >>> polyphase_sample(torch.tensor([[[[0.0, 1.0, 5.0, -2.0]]]]), stride=(1, 2))
    tensor([[[[0., 5.]]]])
    """
    sh, sw = pair(stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with H and W multiples of the "
            f"stride {(sh, sw)}"
        )
    grids = torch.stack([x[:, :, i::sh, j::sw] for i in range(sh) for j in range(sw)], dim=1)
    largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
    return grids[torch.arange(len(x), device=x.device), largest]


def shift_consistency(
    model: Callable[[Tensor], Tensor], x: Tensor, *, shift: int | tuple[int, int]
) -> float:
    """Share of images whose predicted class stays the same when the image is shifted.

    shift is in pixels: a whole number, or (down, right), negative for up and left; pixels that come
    in are 0. model maps images to logits (N, K); put a network into evaluation mode first.
    Shape: x (N, C, H, W) -> a number from 0 to 1. Raises ValueError for an empty batch and where
    shift moves the whole image out. Source: Zhang (2019).

    >>> x = torch.tensor([[[[1.0, 0.0, 0.0]]], [[[1.0, 9.0, 2.0]]]])
    >>> shift_consistency(lambda images: images.flatten(1), x, shift=(0, 1))  # position is class
    0.0
    >>> shift_consistency(lambda images: images.mean(dim=(2, 3)), x, shift=(0, 1))
    1.0
    """
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    height, width = x.shape[2:]
    if abs(down) >= height or abs(right) >= width:
        raise ValueError(f"shift is {shift}; expected less than the image's {height} x {width}")
    # A negative width of padding crops.
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()
