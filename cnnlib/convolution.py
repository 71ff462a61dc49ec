r"""Convolution: one small set of weights, used at every position of an image.

What networks call a convolution is a cross-correlation: the kernel is not flipped. For kernel
entries i, j, stride s and an image padded with zeros,

    y[n, o, r, c] = b[o] + sum over channels k and i, j of w[o, k, i, j] * x[n, k, s r + i, s c + j]

A size of h pixels becomes ``(h + 2 padding - dilation (kernel - 1) - 1) // stride + 1``, rounded
down. Weights are shared between positions: a layer from C to O channels has ``O (C k^2 + 1)`` of
them whatever the size of the image, where a dense layer needs one per pair of input and output
pixels. A shifted image gives a shifted output (equivariance); invariance, which
would be the same output, is another matter.

Three ways to compute it: loops, which say what is meant; matrix products over unrolled windows,
"im2col", which are fast (Chellapilla, Puri and Simard, 2006), here one for each kernel row; and
for the gradients a sum over kernel entries. The idea is Fukushima's (1980), trained by
backpropagation in LeCun et al. (1989). Arithmetic of shapes: Dumoulin and Visin (2016).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "conv2d",
    "conv2d_backward",
    "conv2d_naive",
    "conv_as_matrix",
    "conv_parameters",
    "output_size",
    "pad2d",
    "pair",
    "receptive_field",
]


def pair(value: int | tuple[int, int], *, name: str, least: int) -> tuple[int, int]:
    """Argument as (height, width): a single number stands for both.

    Raises ValueError, with the argument's name, unless both are whole numbers of least or more.

    >>> pair(3, name="stride", least=1), pair((1, 2), name="stride", least=1)
    ((3, 3), (1, 2))
    """
    both = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(both) != 2 or not all(isinstance(v, int) and v >= least for v in both):
        raise ValueError(
            f"{name} is {value}; expected a whole number of {least} or more, "
            "or a pair (height, width) of them"
        )
    return both


def output_size(
    size: int, *, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
) -> int:
    """Number of positions of a window along one dimension, in pixels in -> pixels out.

    Raises ValueError where padding is below 0, another argument below 1, or where the window is
    larger than the padded image. Source: Dumoulin and Visin (2016).

    >>> output_size(224, kernel_size=7, stride=2, padding=3)
    112
    """
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"size is {size}, kernel_size {kernel_size}, stride {stride}, padding {padding} and "
            f"dilation {dilation}; expected padding of 0 or more and 1 or more for the others"
        )
    reach = dilation * (kernel_size - 1) + 1  # pixels from the first to the last kernel entry
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}; "
            "expected a smaller kernel_size or dilation, or more padding"
        )
    return (size + 2 * padding - reach) // stride + 1


def conv_as_matrix(w: Tensor, size: tuple[int, int]) -> Tensor:
    """The dense matrix that a convolution of one channel is, stride 1 and no padding.

    One row for each position of the window, one column for each pixel, both counted row by row.
    Shape: w (kh, kw), size (H, W) -> (H' W', H W) with H' = H - kh + 1 and W' = W - kw + 1.
    Raises ValueError where the kernel is larger than the image. Source: Dumoulin and Visin (2016).

    >>> conv_as_matrix(torch.tensor([[1.0, 2.0]]), (1, 4))
    tensor([[1., 2., 0., 0.],
            [0., 1., 2., 0.],
            [0., 0., 1., 2.]])
    """
    (kh, kw), (height, width) = w.shape, size
    rows, columns = height - kh + 1, width - kw + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"the kernel is {kh} x {kw}, but the image {height} x {width}")
    matrix = w.new_zeros(rows, columns, height, width)
    for i in range(rows):
        for j in range(columns):
            matrix[i, j, i : i + kh, j : j + kw] = w
    return matrix.reshape(rows * columns, height * width)


def pad2d(x: Tensor, padding: int | tuple[int, int], *, value: float = 0.0) -> Tensor:
    """Image with a border of constant value, padding pixels wide on every side.

    padding is a whole number or (rows above and below, columns left and right).
    Shape: (N, C, H, W) -> (N, C, H + 2 rows, W + 2 columns).
    Raises ValueError where x has another number of dimensions or padding is below 0.
    Source: torch.nn.functional.pad.

    >>> pad2d(torch.ones(1, 1, 1, 2), (0, 1))
    tensor([[[[0., 1., 1., 0.]]]])
    """
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


def conv2d_naive(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Convolution as it is written on paper: one window, one number, in four loops.

    Shape: x (N, C, H, W), w (O, C, kh, kw), b (O,) or None -> (N, O, H', W').
    Raises ValueError where the shapes disagree, stride is below 1, padding is below 0, or the
    kernel is larger than the padded image. Source: torch.nn.functional.conv2d.

    >>> conv2d_naive(torch.arange(4.0).reshape(1, 1, 1, 4), torch.tensor([[[[-1.0, 1.0]]]]))
    tensor([[[[1., 1., 1.]]]])
    """
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
            "expected (N, C, H, W) and (O, C, kh, kw)"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


def conv2d(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution as matrix products over unrolled windows, one for each kernel row.

    Shape: x (N, C, H, W), w (O, C / groups, kh, kw), b (O,) or None -> (N, O, H', W').
    Raises ValueError where the shapes or groups disagree, stride or dilation is below 1, padding
    is below 0, or the dilated kernel is larger than the padded image.
    Source: Chellapilla, Puri and Simard (2006).

    >>> x = torch.arange(10.0).reshape(1, 2, 1, 5)
    >>> conv2d(x, torch.tensor([[[[-1.0, 1.0]]], [[[0.5, 0.5]]]]), stride=3, groups=2)
    tensor([[[[1.0000, 1.0000]],
    <BLANKLINE>
             [[5.5000, 8.5000]]]])
    """
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(
            f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}; "
            "expected (N, C, H, W) and (O, C / groups, kh, kw), with C and O multiples of groups"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = x.shape, w.shape
    reach_h, reach_w = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(
            f"the kernel covers {reach_h} x {reach_w} pixels, "
            f"but the padded image has {height} x {width}"
        )
    rows, columns = (height - reach_h) // sh + 1, (width - reach_w) // sw + 1
    # Unroll along the width only: what kernel row i sees is then a band of rows, and no copy.
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)  # y + kernel @ band
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


def conv2d_backward(
    grad_out: Tensor,
    x: Tensor,
    w: Tensor,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a convolution with respect to x, w and b, as a sum over kernel entries.

    Shape: grad_out (N, O, H', W'), x (N, C, H, W), w (O, C, kh, kw) -> those of x, w and (O,).
    Raises ValueError where the shapes disagree, stride is below 1, or padding is below 0.
    Source: LeCun et al. (1989).

    >>> x, w = torch.tensor([[[[1.0, 2.0, 3.0]]]]), torch.tensor([[[[4.0, 5.0]]]])
    >>> grad_x, grad_w, grad_b = conv2d_backward(torch.ones(1, 1, 1, 2), x, w)
    >>> grad_x.flatten(), grad_w.flatten(), grad_b
    (tensor([4., 9., 5.]), tensor([3., 5.]), tensor([2.]))
    """
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(
            f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
            "expected (N, C, H, W) and (O, C, kh, kw)"
        )
    (n, c, height, width), (o, _, kh, kw) = x.shape, w.shape
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {(n, o, rows, columns)}, "
            "the shape of the output"
        )
    # Channels first: a sum over all images and pixels is then one matrix product.
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = torch.zeros_like(padded), torch.zeros_like(w)
    for i in range(kh):
        for j in range(kw):
            # The pixels that kernel entry (i, j) was multiplied with, one per output pixel.
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return grad_x, grad_w, grad.sum(dim=1)


def conv_parameters(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: int | tuple[int, int],
    bias: bool = True,
    groups: int = 1,
) -> int:
    """Number of weights and biases of a convolution, whatever the size of its image.

    Raises ValueError where a size is below 1 or groups does not divide both channel counts.
    Source: torch.nn.Conv2d.

    >>> conv_parameters(3, 64, kernel_size=3)
    1792
    """
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}; "
            "expected 1 or more of each, and both channel counts multiples of groups"
        )
    return out_channels * (in_channels // groups * kh * kw + bias)


def receptive_field(layers: Sequence[tuple[int, ...]]) -> int:
    """Side of the square of input pixels that one output pixel can see, in pixels.

    layers lists (kernel_size, stride) or (kernel_size, stride, dilation) of each convolution or
    pooling, input side first. Raises ValueError where an entry has another length or holds a
    number below 1. Source: Dumoulin and Visin (2016).

    >>> receptive_field([(3, 1), (3, 1)]), receptive_field([(3, 2), (3, 1)])
    (5, 7)
    """
    field, jump = 1, 1  # jump: input pixels between two neighbours of the current layer
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(
                f"layers holds {layer}; expected (kernel_size, stride) or "
                "(kernel_size, stride, dilation), each 1 or more"
            )
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field
