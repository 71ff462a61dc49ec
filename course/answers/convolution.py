"""Answers to the exercises of the lesson on convolution.

The checks reject every misconception, and feedback names the one that answers as a student does.
They accept every alternative and every equivalent.
"""

# %% misconception="no_bias" exercise="conv_parameters"
# The biases are left out.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (in_channels // groups * kh * kw)

# %% misconception="bias_per_weight" exercise="conv_parameters"
# There is one bias for each kernel, not one for each output channel.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (in_channels // groups) * (kh * kw + bias)

# %% misconception="one_input_channel" exercise="conv_parameters"
# A filter is taken to have one kernel for all input channels.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (kh * kw + bias)

# %% misconception="square_kernel" exercise="conv_parameters"
# The kernel is taken as square.
# - kh, kw = pair(kernel_size, name="kernel_size", least=1)
# + kh, _kw = pair(kernel_size, name="kernel_size", least=1)
# ...
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (in_channels // groups * kh * kh + bias)

# %% misconception="ignores_groups" exercise="conv_parameters"
# groups is ignored.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (in_channels * kh * kw + bias)

# %% misconception="divides_outputs" exercise="conv_parameters"
# groups divides the output channels too.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels // groups * (in_channels // groups * kh * kw + bias)

# %% misconception="divides_biases" exercise="conv_parameters"
# groups divides the biases as well.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return out_channels * (in_channels * kh * kw + bias) // groups

# %% misconception="one_filter" exercise="conv_parameters"
# The parameters of a single filter are counted.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return in_channels // groups * kh * kw + bias

# %% misconception="multiplies_groups" exercise="conv_parameters"
# Every group is counted with all channels.
# - return out_channels * (in_channels // groups * kh * kw + bias)
# + return groups * out_channels * (in_channels * kh * kw + bias)

# %% misconception="takes_any_groups" exercise="conv_parameters"
# groups that do not divide the channels are taken as they are.
# - if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
# + if min(in_channels, out_channels, groups) < 1:
#       raise ValueError(
# -         f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}; "
# -         "expected 1 or more of each, and both channel counts multiples of groups"
# +         f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"

# %% misconception="looks_at_inputs_alone" exercise="conv_parameters"
# Only the input channels are checked against groups.
# - if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
# + if min(in_channels, out_channels, groups) < 1 or in_channels % groups:
#       raise ValueError(
# -         f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}; "
# -         "expected 1 or more of each, and both channel counts multiples of groups"
# +         f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"


# %% alternative="weights_and_biases" exercise="conv_parameters"
# Weights and biases are counted apart, group by group.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    height, width = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    if min(in_channels, out_channels, groups, height, width) < 1:
        raise ValueError(f"got {in_channels}, {out_channels}, {kernel_size}, groups={groups}")
    if in_channels % groups != 0 or out_channels % groups != 0:
        raise ValueError(f"groups={groups} must divide {in_channels} and {out_channels}")
    per_group = (in_channels // groups) * (out_channels // groups) * height * width
    return groups * per_group + (out_channels if bias else 0)


# %% alternative="from_shapes" exercise="conv_parameters"
# The product of the weight's shape, and the length of the bias.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    import math

    kernel = pair(kernel_size, name="kernel_size", least=1)
    if groups < 1 or in_channels < 1 or out_channels < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {groups=}")
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"{groups=} does not divide {in_channels=} and {out_channels=}")
    return math.prod((out_channels, in_channels // groups, *kernel)) + out_channels * int(bias)


# %% misconception="no_plus_one" exercise="output_size"
# The first position is not counted.
# - return (size + 2 * padding - reach) // stride + 1
# + return (size + 2 * padding - reach) // stride

# %% misconception="rounds_up" exercise="output_size"
# A window that does not fit at the end is counted.
# - return (size + 2 * padding - reach) // stride + 1
# + return -(-(size + 2 * padding - reach) // stride) + 1

# %% misconception="pads_one_side" exercise="output_size"
# The padding is added once instead of on both sides.
# - return (size + 2 * padding - reach) // stride + 1
# + return max(size + padding - reach, 0) // stride + 1

# %% misconception="ignores_dilation" exercise="output_size"
# The dilation is ignored.
# - reach = dilation * (kernel_size - 1) + 1  # pixels from the first to the last kernel entry
# + reach = kernel_size

# %% misconception="dilates_all" exercise="output_size"
# The window is taken as dilation * kernel_size.
# - reach = dilation * (kernel_size - 1) + 1  # pixels from the first to the last kernel entry
# + reach = dilation * kernel_size

# %% misconception="ignores_stride" exercise="output_size"
# The stride is ignored.
# - return (size + 2 * padding - reach) // stride + 1
# + return size + 2 * padding - reach + 1

# %% misconception="divides_first" exercise="output_size"
# The size is divided by the stride before the window is taken off.
# - return (size + 2 * padding - reach) // stride + 1
# + return (size + 2 * padding) // stride - reach + 1

# %% misconception="float_result" exercise="output_size"
# The division leaves a fraction.
# - return (size + 2 * padding - reach) // stride + 1
# + return (size + 2 * padding - reach) / stride + 1

# %% misconception="refuses_exact_fit" exercise="output_size"
# A window as large as the padded image is refused.
# - if reach > size + 2 * padding:
# + if reach >= size + 2 * padding:
#       raise ValueError(
# -         f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}; "
# -         "expected a smaller kernel_size or dilation, or more padding"
# +         f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"


# %% misconception="takes_large_windows" exercise="output_size"
# A window larger than the padded image is not refused.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(f"{size}, {kernel_size}, {stride}, {padding}, {dilation}; expected more")
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


# %% misconception="default_padding" exercise="output_size"
# The default of padding is 1 instead of 0.
# - def output_size(
# -     size: int, *, kernel_size: int, stride: int = 1, padding: int = 0, dilation: int = 1
# - ) -> int:
# + def output_size(size, *, kernel_size, stride=1, padding=1, dilation=1):


# %% alternative="count_starts" exercise="output_size"
# The positions are listed and counted.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if size < 1 or kernel_size < 1 or stride < 1 or dilation < 1 or padding < 0:
        raise ValueError(f"{size=}, {kernel_size=}, {stride=}, {padding=}, {dilation=}")
    last = size + 2 * padding - dilation * (kernel_size - 1)
    count = len(range(0, last, stride))
    if count == 0:
        raise ValueError(f"a window of {kernel_size} does not fit into {size} + 2 * {padding}")
    return count


# %% alternative="floor" exercise="output_size"
# The formula as it is printed, with math.floor.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    import math

    if min(size, kernel_size, stride, dilation, padding + 1) < 1:
        raise ValueError(f"{size=}, {kernel_size=}, {stride=}, {padding=}, {dilation=}")
    free = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if free < 0:
        raise ValueError(f"kernel_size={kernel_size} is too large for size={size}")
    return math.floor(free / stride + 1)


# %% misconception="always_zero" exercise="pad2d"
# The value is ignored: the border is always 0.
# - padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
# + padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), 0.0)

# %% misconception="exchanged" exercise="pad2d"
# Rows and columns of the padding are exchanged.
# - rows, columns = pair(padding, name="padding", least=0)
# + columns, rows = pair(padding, name="padding", least=0)

# %% misconception="one_side" exercise="pad2d"
# The border is put above and left only.
# - padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
# + padded = x.new_full((n, c, h + rows, w + columns), value)

# %% misconception="corner" exercise="pad2d"
# The shape is right, but the image stands in the corner instead of the middle.
# - padded[:, :, rows : rows + h, columns : columns + w] = x
# + padded[:, :, :h, :w] = x

# %% misconception="empty_slice" exercise="pad2d"
# The slice rows:-rows is empty where the width is 0.
# - padded[:, :, rows : rows + h, columns : columns + w] = x
# + if padded[:, :, rows:-rows, columns:-columns].shape == x.shape:
# +     padded[:, :, rows:-rows, columns:-columns] = x

# %% misconception="float32" exercise="pad2d"
# The result is always float32.
# - padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
# + padded = torch.full((n, c, h + 2 * rows, w + 2 * columns), value)

# %% misconception="detached" exercise="pad2d"
# The image is copied without its history, so no gradient flows back.
# - padded[:, :, rows : rows + h, columns : columns + w] = x
# + padded[:, :, rows : rows + h, columns : columns + w] = x.detach()


# %% misconception="repeats_the_rim" exercise="pad2d"
# The border repeats the rim of the image.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    _n, _c, h, w = x.shape
    i = (torch.arange(h + 2 * rows) - rows).clamp(0, h - 1)
    j = (torch.arange(w + 2 * columns) - columns).clamp(0, w - 1)
    return x[:, :, i][:, :, :, j]


# %% misconception="adds_value" exercise="pad2d"
# The value is added to the image too.
# - padded[:, :, rows : rows + h, columns : columns + w] = x
# + padded[:, :, rows : rows + h, columns : columns + w] = x + value


# %% misconception="torchs_own" exercise="pad2d"
# Torch's own function does the work.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    _n, _c, _h, _w = x.shape
    return F.pad(x, (columns, columns, rows, rows), value=value)


# %% misconception="masked" exercise="pad2d"
# The value is multiplied by a mask, and 0 times infinity is not a number.
# - padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
# + padded = x.new_zeros((n, c, h + 2 * rows, w + 2 * columns))
# + mask = torch.ones_like(padded)
#   padded[:, :, rows : rows + h, columns : columns + w] = x
# - return padded
# + mask[:, :, rows : rows + h, columns : columns + w] = 0
# + return padded + value * mask


# %% alternative="concatenate" exercise="pad2d"
# Strips of the value are put around the image, first above and below, then left and right.
def pad2d(x, padding, *, value=0.0):
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    if rows < 0 or columns < 0:
        raise ValueError(f"padding must not be negative, got {padding}")
    if x.ndim != 4:
        raise ValueError(f"expected four dimensions, got {list(x.shape)}")
    strip = x.new_full((*x.shape[:2], rows, x.shape[3]), value)
    x = torch.cat([strip, x, strip], dim=2)
    strip = x.new_full((*x.shape[:3], columns), value)
    return torch.cat([strip, x, strip], dim=3)


# %% alternative="index" exercise="pad2d"
# Every place of the result is told where its number comes from.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}, expected four dimensions")
    h, w = x.shape[2:]
    i, j = torch.arange(-rows, h + rows), torch.arange(-columns, w + columns)
    inside = ((i >= 0) & (i < h))[:, None] & ((j >= 0) & (j < w))
    taken = x[:, :, i.clamp(0, h - 1)][..., j.clamp(0, w - 1)]
    return torch.where(inside, taken, torch.full_like(taken, value))


# %% equivalent exercise="pad2d"
# Taking four sizes out of another number of them is a ValueError too.
# - if x.dim() != 4:
# -     raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
# or
# - if x.dim() != 4:
# + if x.dim() < 4:
# or
# + if x.dim() > 4:
# or
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
# + pass

# %% misconception="flipped" exercise="conv2d_naive"
# The kernel is flipped, as in the convolution of signal processing.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window * w[channel].flip(1, 2)).sum()

# %% misconception="exchanged_stride" exercise="conv2d_naive"
# The strides of rows and columns are exchanged.
# - sh, sw = pair(stride, name="stride", least=1)
# + sw, sh = pair(stride, name="stride", least=1)

# %% misconception="exchanged_padding" exercise="conv2d_naive"
# The padding of rows and columns is exchanged.
# - x = F.pad(x, (pw, pw, ph, ph))
# + x = F.pad(x, (ph, ph, pw, pw))

# %% misconception="one_side" exercise="conv2d_naive"
# The border is put above and left only.
# - x = F.pad(x, (pw, pw, ph, ph))
# + x = F.pad(x, (2 * pw, 0, 2 * ph, 0))

# %% misconception="ignores_padding" exercise="conv2d_naive"
# The padding is ignored.
# - ph, pw = pair(padding, name="padding", least=0)
# + _ph, _pw = pair(padding, name="padding", least=0)
# ...
# - x = F.pad(x, (pw, pw, ph, ph))

# %% misconception="ignores_stride" exercise="conv2d_naive"
# The output is small, but the windows move by one pixel.
# - window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
# + window = x[image, :, i : i + kh, j : j + kw]

# %% misconception="first_channel" exercise="conv2d_naive"
# Only the first input channel is looked at.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window[0] * w[channel, 0]).sum()

# %% misconception="mean" exercise="conv2d_naive"
# The products are averaged instead of summed.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window * w[channel]).mean()

# %% misconception="no_bias" exercise="conv2d_naive"
# The bias is left out.
# - return y if b is None else y + b[:, None, None]
# + return y

# %% misconception="bias_per_column" exercise="conv2d_naive"
# The bias is added along the columns instead of the channels.
# - return y if b is None else y + b[:, None, None]
# + return y if b is None else y + b.sum() / len(b)

# %% misconception="first_image" exercise="conv2d_naive"
# Every output shows the first image.
# - window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
# + window = x[0, :, i * sh : i * sh + kh, j * sw : j * sw + kw]

# %% misconception="last_row_missing" exercise="conv2d_naive"
# The last row and column of outputs are left at 0.
# - for i in range(rows):
# + for i in range(max(rows - 1, 1)):

# %% misconception="plain_numbers" exercise="conv2d_naive"
# The sums are turned into plain numbers, so no gradient flows back.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window * w[channel]).sum().item()

# %% misconception="float32" exercise="conv2d_naive"
# The result is always float32.
# - y = x.new_zeros(len(x), len(w), rows, columns)
# + y = torch.zeros(len(x), len(w), rows, columns)

# %% misconception="reads_transposed" exercise="conv2d_naive"
# The kernel is read with rows and columns exchanged.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (
# +     window.flatten() * w[channel].transpose(1, 2).flatten()
# + ).sum()


# %% misconception="torchs_own" exercise="conv2d_naive"
# Torch's own convolution does the work.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    return F.conv2d(x, w, b, stride=stride, padding=padding)


# %% misconception="with_relu" exercise="conv2d_naive"
# Negative sums are cut off: an activation is built in.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window * w[channel]).sum().clamp(min=0)

# %% misconception="takes_other_channels" exercise="conv2d_naive"
# Filters for more channels than the image has are cut down instead of refused.
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
# -         "expected (N, C, H, W) and (O, C, kh, kw)"
# -     )
# + if x.dim() != 4 or w.dim() != 4:
# +     raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
# ...
#       raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# + w = w[:, : x.shape[1]]


# %% alternative="over_positions" exercise="conv2d_naive"
# Two loops, over the positions; all images and filters at once.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    (sh, sw), (ph, pw) = (
        pair(stride, name="stride", least=1),
        pair(padding, name="padding", least=0),
    )
    if x.ndim != 4 or w.ndim != 4:
        raise ValueError(f"x and w need four dimensions, got {x.shape} and {w.shape}")
    if x.shape[1] != w.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, w is for {w.shape[1]}")
    if b is not None and tuple(b.shape) != (w.shape[0],):
        raise ValueError(f"b needs {w.shape[0]} entries, got {tuple(b.shape)}")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[-2:]
    h, wide = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    if h < 1 or wide < 1:
        raise ValueError(f"kernel {kh} x {kw} is larger than {x.shape[2]} x {x.shape[3]}")
    rows = []
    for r in range(h):
        row = []
        for c in range(wide):
            window = x[:, None, :, r * sh : r * sh + kh, c * sw : c * sw + kw]
            row.append((window * w).sum((2, 3, 4)))
        rows.append(torch.stack(row, dim=-1))
    y = torch.stack(rows, dim=-2)
    return y if b is None else y + b.reshape(1, -1, 1, 1)


# %% alternative="with_matmul" exercise="conv2d_naive"
# Loops over images and positions; the filters as rows of a matrix, the bias in the loop.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.size(1) != w.size(1):
        raise ValueError(f"shapes {tuple(x.shape)} and {tuple(w.shape)} do not fit")
    o, _, kh, kw = w.shape
    if b is not None and b.shape != (o,):
        raise ValueError(f"b is {tuple(b.shape)}, expected {(o,)}")
    n, c, height, width = x.shape
    height, width = height + 2 * ph, width + 2 * pw
    if kh > height or kw > width:
        raise ValueError(f"kernel {kh} x {kw} on an image of {height} x {width}")
    padded = x.new_zeros(n, c, height, width)
    padded[:, :, ph : height - ph, pw : width - pw] = x
    y = x.new_empty(n, o, (height - kh) // sh + 1, (width - kw) // sw + 1)
    for k in range(n):
        for i in range(y.shape[2]):
            for j in range(y.shape[3]):
                window = padded[k, :, sh * i :, sw * j :][:, :kh, :kw]
                y[k, :, i, j] = w.flatten(1) @ window.flatten()
                if b is not None:
                    y[k, :, i, j] += b
    return y


# %% equivalent exercise="conv2d_naive"
# Taking two sizes out of another number of them, below, is a ValueError too.
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() != 4 or w.dim() < 4 or x.shape[1] != w.shape[1]:
# or
# + if x.dim() != 4 or w.dim() > 4 or x.shape[1] != w.shape[1]:

# %% misconception="flipped" exercise="conv2d"
# The kernel is flipped, as in the convolution of signal processing.
# - kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
# + kernels = w.flip(2, 3).reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)

# %% misconception="exchanged_dilation" exercise="conv2d"
# The dilations of rows and columns are exchanged.
# - dh, dw = pair(dilation, name="dilation", least=1)
# + dw, dh = pair(dilation, name="dilation", least=1)

# %% misconception="exchanged_stride" exercise="conv2d"
# The strides of rows and columns are exchanged.
# - sh, sw = pair(stride, name="stride", least=1)
# + sw, sh = pair(stride, name="stride", least=1)

# %% misconception="ignores_dilation" exercise="conv2d"
# The dilation is ignored.
#   dh, dw = pair(dilation, name="dilation", least=1)
# + dh, dw = 1, 1

# %% misconception="exchanged_padding" exercise="conv2d"
# The padding of rows and columns is exchanged.
# - x = F.pad(x, (pw, pw, ph, ph))
# + x = F.pad(x, (ph, ph, pw, pw))

# %% misconception="interleaved_groups" exercise="conv2d"
# The groups take every second output channel instead of neighbouring ones.
# - y = y.reshape(n, o, rows, columns)
# + y = (
# +     y.reshape(n, groups, o // groups, rows, columns)
# +     .transpose(1, 2)
# +     .reshape(n, o, rows, columns)
# + )

# %% misconception="mixed_windows" exercise="conv2d"
# Channels and kernel entries are merged in another order than in the filters.
# - unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
# + unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=1)

# %% misconception="no_bias" exercise="conv2d"
# The bias is left out.
# - return y if b is None else y + b[:, None, None]
# + return y

# %% misconception="overwrites" exercise="conv2d"
# Each kernel row overwrites the sum of the rows before it.
# - y = torch.baddbmm(y, kernel, band)  # y + kernel @ band
# + y = torch.bmm(kernel, band)

# %% misconception="ends_too_early" exercise="conv2d"
# The slice ends before the last window where the stride leaves pixels over.
# - rows, columns = (height - reach_h) // sh + 1, (width - reach_w) // sw + 1
# + rows, columns = max((height - reach_h) // sh, 1), max((width - reach_w) // sw, 1)


# %% misconception="torchs_own" exercise="conv2d"
# Torch's own convolution does the work.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)


# %% misconception="detached" exercise="conv2d"
# The filters are copied without their history, so they get no gradient.
# - kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
# + kernels = w.detach().reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)

# %% misconception="float32" exercise="conv2d"
# The computation runs in float32, whatever comes in.
# - x = F.pad(x, (pw, pw, ph, ph))
# + w = w.float()
# + x = F.pad(x.float(), (pw, pw, ph, ph))

# %% misconception="over_loops" exercise="conv2d"
# Four loops over images, filters and positions: right, but far too slow.
# - unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
# - unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
# - kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
# - y = x.new_zeros(n * groups, o // groups, rows * columns)
# - for i in range(kh):
# -     band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
# -     kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
# -     y = torch.baddbmm(y, kernel, band)  # y + kernel @ band
# - y = y.reshape(n, o, rows, columns)
# + y = x.new_zeros(n, o, rows, columns)
# + for k, f, i, j in torch.cartesian_prod(*map(torch.arange, y.shape)).tolist():
# +     first = f // (o // groups) * c
# +     rows_seen = slice(i * sh, i * sh + reach_h, dh)
# +     columns_seen = slice(j * sw, j * sw + reach_w, dw)
# +     y[k, f, i, j] = (x[k, first : first + c, rows_seen, columns_seen] * w[f]).sum()

# %% misconception="takes_any_groups" exercise="conv2d"
# Filters that do not divide into the groups are cut off instead of refused.
# - if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}; "
# -         "expected (N, C, H, W) and (O, C / groups, kh, kw), with C and O multiples of groups"
# -     )
# + if not fits or x.shape[1] != groups * w.shape[1]:
# +     raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
# ...
#       raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# + w = w[: len(w) // groups * groups]
# + b = b if b is None else b[: len(w)]


# %% alternative="unfold" exercise="conv2d"
# torch cuts out the windows, and one matrix product per group does the rest.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    stride = pair(stride, name="stride", least=1)
    padding = pair(padding, name="padding", least=0)
    dilation = pair(dilation, name="dilation", least=1)
    if x.ndim != 4 or w.ndim != 4 or groups < 1 or x.shape[1] != w.shape[1] * groups:
        raise ValueError(f"x {tuple(x.shape)}, w {tuple(w.shape)} and groups {groups} do not fit")
    if len(w) % groups:
        raise ValueError(f"{len(w)} filters do not divide into {groups} groups")
    if b is not None and b.shape != (len(w),):
        raise ValueError(f"b is {tuple(b.shape)}, expected {(len(w),)}")
    size = []
    for dim in (0, 1):
        reach = dilation[dim] * (w.shape[2 + dim] - 1) + 1
        free = x.shape[2 + dim] + 2 * padding[dim] - reach
        if free < 0:
            raise ValueError(f"kernel of {tuple(w.shape[2:])} is too large for {tuple(x.shape)}")
        size.append(free // stride[dim] + 1)
    columns = F.unfold(x, w.shape[2:], dilation=dilation, padding=padding, stride=stride)
    columns = columns.reshape(len(x), groups, -1, size[0] * size[1])
    y = (w.reshape(groups, len(w) // groups, -1) @ columns).reshape(len(x), len(w), *size)
    return y if b is None else y + b.reshape(-1, 1, 1)


# %% alternative="over_entries" exercise="conv2d"
# A loop over kernel entries and groups, with einsum at each.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    (sh, sw), (ph, pw), (dh, dw) = (
        pair(stride, name="stride", least=1),
        pair(padding, name="padding", least=0),
        pair(dilation, name="dilation", least=1),
    )
    if x.dim() != 4 or w.dim() != 4:
        raise ValueError(f"expected four dimensions each, got {x.shape} and {w.shape}")
    if groups < 1 or x.shape[1] != groups * w.shape[1] or w.shape[0] % groups != 0:
        raise ValueError(f"{x.shape[1]} channels, w {tuple(w.shape)}, groups {groups}")
    if b is not None and list(b.shape) != [w.shape[0]]:
        raise ValueError(f"b has shape {tuple(b.shape)}, expected ({w.shape[0]},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2], w.shape[3]
    rows = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    columns = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"kernel {kh} x {kw} with dilation {dilation} exceeds {x.shape[2:]}")
    parts = []
    for images, filters in zip(x.chunk(groups, dim=1), w.chunk(groups), strict=True):
        total = 0
        for i in range(kh):
            for j in range(kw):
                seen = images[:, :, i * dh : i * dh + sh * (rows - 1) + 1 : sh]
                seen = seen[..., j * dw : j * dw + sw * (columns - 1) + 1 : sw]
                total = total + torch.einsum("nkrc,ok->norc", seen, filters[:, :, i, j])
        parts.append(total)
    y = torch.cat(parts, dim=1)
    return y if b is None else y + b.view(1, -1, 1, 1)


# %% alternative="over_images" exercise="conv2d"
# A loop over images; slices for the kernel's entries, and one product per image.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    if x.dim() != 4 or w.dim() != 4 or groups < 1:
        raise ValueError(f"x {tuple(x.shape)}, w {tuple(w.shape)}, {groups=}")
    if x.shape[1] != groups * w.shape[1] or w.shape[0] % groups:
        raise ValueError(f"{groups=} with {x.shape[1]} channels and filters {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"{b.shape[0]} biases for {len(w)} filters")
    kh, kw = w.shape[2:]
    rows = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    columns = (x.shape[3] + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    if rows < 1 or columns < 1:
        raise ValueError(f"the kernel {kh} x {kw} is too large")
    maps = []
    for image in F.pad(x, (pw, pw, ph, ph)):
        seen = [
            image[:, i * dh :: sh, j * dw :: sw][:, :rows, :columns]
            for i in range(kh)
            for j in range(kw)
        ]
        windows = torch.stack(seen, dim=1).reshape(groups, -1, rows * columns)
        product = w.reshape(groups, len(w) // groups, -1) @ windows
        maps.append(product.reshape(len(w), rows, columns))
    y = torch.stack(maps)
    return y if b is None else y + b[:, None, None]


# %% equivalent exercise="conv2d"
# Taking four sizes out of another number of them, below, is a ValueError too; and with 0 groups
# there are no channels, which is not what x has.
# - fits = x.dim() == w.dim() == 4 and groups >= 1
# + fits = x.dim() <= w.dim() == 4 and groups >= 1
# or
# + fits = x.dim() >= w.dim() == 4 and groups >= 1
# or
# + fits = x.dim() == w.dim() <= 4 and groups >= 1
# or
# + fits = x.dim() == w.dim() >= 4 and groups >= 1
# or
# + fits = x.dim() == w.dim() == 4 or groups >= 1
# or
# + fits = x.dim() == w.dim() == 4 and groups >= 0

# %% equivalent exercise="conv2d"
# A kernel without rows or columns is nothing that the text speaks of.
# - if not (0 < reach_h <= height and 0 < reach_w <= width):
# + if not (-1 < reach_h <= height and 0 < reach_w <= width):
# or
# + if not (0 != reach_h <= height and 0 < reach_w <= width):
# or
# + if not (0 <= reach_h <= height and 0 < reach_w <= width):
# or
# + if not (0 < reach_h <= height and -1 < reach_w <= width):
# or
# + if not (0 < reach_h <= height and 0 != reach_w <= width):
# or
# + if not (0 < reach_h <= height and 0 <= reach_w <= width):

# %% misconception="first_position" exercise="conv2d_backward"
# A weight gets the gradient of one position instead of the sum over all.
# - grad_w[:, :, i, j] = grad @ seen.flatten(1).T
# + grad_w[:, :, i, j] = grad[:, :1] @ seen.flatten(1)[:, :1].T

# %% misconception="averaged" exercise="conv2d_backward"
# The gradient of the weights is averaged over positions and images.
# - grad_w[:, :, i, j] = grad @ seen.flatten(1).T
# + grad_w[:, :, i, j] = grad @ seen.flatten(1).T / grad.shape[1]

# %% misconception="flipped" exercise="conv2d_backward"
# The kernel is flipped once too often on the way back to the pixels.
# - grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
# + grad_seen += (w[:, :, kh - 1 - i, kw - 1 - j].T @ grad).reshape(c, n, rows, columns)

# %% misconception="overwrites" exercise="conv2d_backward"
# A pixel under several windows keeps the last gradient instead of the sum.
# - grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
# + grad_seen.copy_((w[:, :, i, j].T @ grad).reshape(c, n, rows, columns))

# %% misconception="keeps_the_border" exercise="conv2d_backward"
# The gradient of x still has the padded border on one side.
# - grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
# + grad_x = grad_padded[:, :, :height, :width].movedim(0, 1)

# %% misconception="bias_mean" exercise="conv2d_backward"
# The gradient of the bias is a mean instead of a sum.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_x, grad_w, grad.mean(dim=1)

# %% misconception="bias_over_all" exercise="conv2d_backward"
# The gradient of the bias is summed over the channels too.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_x, grad_w, grad.sum().expand(o)

# %% misconception="ignores_stride" exercise="conv2d_backward"
# The stride is left out where the pixels are collected.
# - seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
# + seen = padded[:, :, i:, j:][:, :, :rows, :columns]

# %% misconception="exchanged_stride" exercise="conv2d_backward"
# The strides of rows and columns are exchanged.
# - seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
# + seen = padded[:, :, i::sw, j::sh][:, :, :rows, :columns]
#   grad_w[:, :, i, j] = grad @ seen.flatten(1).T
# - grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
# + grad_seen = grad_padded[:, :, i::sw, j::sh][:, :, :rows, :columns]

# %% misconception="exchanged_results" exercise="conv2d_backward"
# The gradients are returned in another order.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_w, grad_x, grad.sum(dim=1)

# %% misconception="minus_sign" exercise="conv2d_backward"
# The gradients point downhill: a sign too many.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return -grad_x, -grad_w, -grad.sum(dim=1)

# %% misconception="ignores_padding" exercise="conv2d_backward"
# The border is not there when the weights' gradient is computed.
# - seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
# + seen = F.pad(x, (0, 2 * pw, 0, 2 * ph)).movedim(1, 0)[:, :, i::sh, j::sw][
# +     :, :, :rows, :columns
# + ]


# %% misconception="by_autograd" exercise="conv2d_backward"
# Autograd and torch's convolution do the work.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=padding)
    grad_x, grad_w = torch.autograd.grad(y, (x, w), grad_out)
    return grad_x, grad_w, grad_out.sum((0, 2, 3))


# %% misconception="no_bias" exercise="conv2d_backward"
# Two gradients are returned: that of the bias is missing.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_x, grad_w

# %% misconception="float32" exercise="conv2d_backward"
# The gradients are always float32.
# - grad = grad_out.movedim(1, 0).flatten(1)
# - grad_padded, grad_w = torch.zeros_like(padded), torch.zeros_like(w)
# + w, padded = w.float(), padded.float()
# + grad = grad_out.float().movedim(1, 0).flatten(1)
# + grad_padded, grad_w = torch.zeros(padded.shape), torch.zeros(w.shape)

# %% misconception="takes_any_shape" exercise="conv2d_backward"
# A gradient of another shape than the output is cut to size instead of refused.
# - raise ValueError(
# -     f"grad_out has shape {tuple(grad_out.shape)}; expected {(n, o, rows, columns)}, "
# -     "the shape of the output"
# - )
# + grad_out = grad_out.new_zeros(n, o, rows, columns)


# %% alternative="over_windows" exercise="conv2d_backward"
# Window by window, as the loops go forward.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"{tuple(x.shape)} and {tuple(w.shape)} do not fit")
    kh, kw = w.shape[2:]
    padded = F.pad(x, (pw, pw, ph, ph))
    rows, columns = (padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1
    if grad_out.shape != (x.shape[0], w.shape[0], rows, columns):
        raise ValueError(f"grad_out {tuple(grad_out.shape)} does not fit {rows} x {columns}")
    grad_padded, grad_w = torch.zeros_like(padded), torch.zeros_like(w)
    for i in range(rows):
        for j in range(columns):
            place = (..., slice(i * sh, i * sh + kh), slice(j * sw, j * sw + kw))
            g = grad_out[:, :, i, j]
            grad_w += torch.einsum("no,nkij->okij", g, padded[place])
            grad_padded[place] += torch.einsum("no,okij->nkij", g, w)
    h, wide = x.shape[2:]
    return grad_padded[:, :, ph : ph + h, pw : pw + wide], grad_w, grad_out.sum(dim=(0, 2, 3))


# %% alternative="fold" exercise="conv2d_backward"
# Unrolled windows: one product for the weights, one and a fold for the pixels.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    stride = pair(stride, name="stride", least=1)
    padding = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.size(1) != w.size(1):
        raise ValueError(f"x {list(x.shape)}, w {list(w.shape)}")
    options = {"kernel_size": tuple(w.shape[2:]), "stride": stride, "padding": padding}
    size = [(x.shape[2 + d] + 2 * padding[d] - w.shape[2 + d]) // stride[d] + 1 for d in range(2)]
    if list(grad_out.shape) != [len(x), len(w), *size]:
        raise ValueError(f"grad_out has shape {list(grad_out.shape)}")
    columns, g = F.unfold(x, **options), grad_out.flatten(2)
    grad_w = (g @ columns.transpose(1, 2)).sum(dim=0).reshape(w.shape)
    grad_x = F.fold(w.flatten(1).T @ g, tuple(x.shape[2:]), **options)
    return grad_x, grad_w, g.sum(dim=2).sum(dim=0)


# %% equivalent exercise="conv2d_backward"
# Taking four sizes out of another number of them, below, is a ValueError too.
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() < 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# + if x.dim() > 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# + if x.dim() != 4 and w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# + if x.dim() != 4 or w.dim() < 4 or x.shape[1] != w.shape[1]:
# or
# + if x.dim() != 4 or w.dim() > 4 or x.shape[1] != w.shape[1]:

# %% misconception="sum_of_kernels" exercise="receptive_field"
# The kernel sizes are added up, without taking the shared pixel off.
# - field += dilation * (kernel_size - 1) * jump
# + field += dilation * kernel_size * jump

# %% misconception="product_of_kernels" exercise="receptive_field"
# The kernel sizes are multiplied.
# - kernel_size, stride, dilation = (*layer, 1)[:3]
# - field += dilation * (kernel_size - 1) * jump
# + kernel_size, stride, _dilation = (*layer, 1)[:3]
# + field *= kernel_size

# %% misconception="ignores_stride" exercise="receptive_field"
# Strides do not widen the steps of the layers behind.
# - kernel_size, stride, dilation = (*layer, 1)[:3]
# + kernel_size, _stride, dilation = (*layer, 1)[:3]
#   field += dilation * (kernel_size - 1) * jump
# - jump *= stride
# + jump *= 1

# %% misconception="own_stride" exercise="receptive_field"
# A layer's own stride widens its own window.
# + jump *= stride
#   field += dilation * (kernel_size - 1) * jump
# - jump *= stride

# %% misconception="ignores_dilation" exercise="receptive_field"
# The dilation is ignored.
# - kernel_size, stride, dilation = (*layer, 1)[:3]
# - field += dilation * (kernel_size - 1) * jump
# + kernel_size, stride, _dilation = (*layer, 1)[:3]
# + field += 1 * (kernel_size - 1) * jump

# %% misconception="adds_strides" exercise="receptive_field"
# Strides are added up instead of multiplied.
# - jump *= stride
# + jump += stride - 1

# %% misconception="output_side_first" exercise="receptive_field"
# The list is read from the output side.
# - for layer in layers:
# + for layer in layers[::-1]:

# %% misconception="starts_at_zero" exercise="receptive_field"
# The count starts at 0, so one pixel is missing.
# - field, jump = 1, 1  # jump: input pixels between two neighbours of the current layer
# + field, jump = 0, 1

# %% misconception="largest" exercise="receptive_field"
# Only the largest window counts.
# - field += dilation * (kernel_size - 1) * jump
# + field = max(field, dilation * (kernel_size - 1) * jump + 1)

# %% misconception="dilation_widens_steps" exercise="receptive_field"
# The dilation is taken as a stride for the layers behind.
# - jump *= stride
# + jump *= stride * dilation


# %% alternative="from_the_output" exercise="receptive_field"
# From the output back to the input: s * (field - 1) + reach.
def receptive_field(layers):
    field = 1
    for layer in reversed(layers):
        if not 2 <= len(layer) <= 3 or any(number < 1 for number in layer):
            raise ValueError(f"cannot read {layer}")
        kernel_size, stride, *rest = layer
        dilation = rest[0] if rest else 1
        field = stride * (field - 1) + dilation * (kernel_size - 1) + 1
    return field


# %% alternative="first_and_last" exercise="receptive_field"
# The first and the last pixel that the output at 0 sees.
def receptive_field(layers):
    import math

    for layer in layers:
        if len(layer) != 2 and len(layer) != 3:
            raise ValueError(f"{layer} has {len(layer)} entries, expected 2 or 3")
        if min(layer) < 1:
            raise ValueError(f"{layer} holds a number below 1")
    last = 0
    for number, layer in enumerate(layers):
        jump = math.prod(earlier[1] for earlier in layers[:number])
        last += jump * (layer[0] - 1) * (layer[2] if len(layer) == 3 else 1)
    return last + 1


# %% misconception="zero_filters" exercise="telling_inputs"
# The filters are zero: every output is 0, whatever the code does.
# - w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = torch.zeros(4, 3, 3, 2)


# %% misconception="ones" exercise="telling_inputs"
# Everything is 1, so no place differs from another.
def telling_inputs():
    torch.Generator().manual_seed(0)
    x = torch.ones(2, 3, 7, 5)
    w = torch.ones(4, 3, 3, 2)
    return (x, w, (2, 1), (1, 2))


# %% misconception="equal_strides" exercise="telling_inputs"
# Stride and padding are the same both ways, so an exchange does not show.
# - return x, w, (2, 1), (1, 2)
# + return x, w, (2, 2), (1, 1)

# %% misconception="equal_padding" exercise="telling_inputs"
# The padding is the same both ways, so an exchange of it does not show.
# - return x, w, (2, 1), (1, 2)
# + return x, w, (2, 1), (1, 1)

# %% misconception="no_padding" exercise="telling_inputs"
# Without a border nobody sees what the border is made of.
# - return x, w, (2, 1), (1, 2)
# + return x, w, (2, 1), (0, 0)

# %% misconception="one_channel" exercise="telling_inputs"
# With one channel nobody sees whether channels are summed.
# - x = torch.randn(2, 3, 7, 5, generator=generator)
# - w = torch.randn(4, 3, 3, 2, generator=generator)
# + x = torch.randn(2, 1, 7, 5, generator=generator)
# + w = torch.randn(4, 1, 3, 2, generator=generator)

# %% misconception="one_image" exercise="telling_inputs"
# With one image nobody sees whether images are mixed up.
# - x = torch.randn(2, 3, 7, 5, generator=generator)
# + x = torch.randn(1, 3, 7, 5, generator=generator)

# %% misconception="one_filter" exercise="telling_inputs"
# With one filter nobody sees whether filters are mixed up.
# - w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = torch.randn(1, 3, 3, 2, generator=generator)

# %% misconception="symmetric_kernel" exercise="telling_inputs"
# The kernel is the same from both sides, so flipping it changes nothing.
#   w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = w + w.flip(2, 3)

# %% misconception="same_filters" exercise="telling_inputs"
# All filters are copies of the first.
#   w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = w[:1].repeat(4, 1, 1, 1)

# %% misconception="positive_image" exercise="telling_inputs"
# No pixel is below 0, so absolute values do not show.
#   w = torch.randn(4, 3, 3, 2, generator=generator)
# + x = x.abs()

# %% misconception="dark_rim" exercise="telling_inputs"
# The image is 0 at its rim, so a border that repeats the rim does not show.
#   w = torch.randn(4, 3, 3, 2, generator=generator)
# + x[:, :, [0, -1]] = 0
# + x[:, :, :, [0, -1]] = 0

# %% misconception="one_pixel" exercise="telling_inputs"
# A kernel of 1 x 1 has no direction.
# - w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = torch.randn(4, 3, 1, 1, generator=generator)

# %% misconception="too_large" exercise="telling_inputs"
# The image is far larger than the limit.
# - x = torch.randn(2, 3, 7, 5, generator=generator)
# + x = torch.randn(2, 3, 32, 32, generator=generator)


# %% alternative="waves" exercise="telling_inputs"
# No chance: numbers of a wave, in shapes that fit nowhere else.
def telling_inputs():
    x = (torch.arange(2 * 2 * 6 * 9) * 0.7 + 1).sin().reshape(2, 2, 6, 9)
    w = (torch.arange(3 * 2 * 2 * 4) * 1.3 + 2).cos().reshape(3, 2, 2, 4)
    return x, w, (1, 2), (2, 1)


# %% alternative="in_double" exercise="telling_inputs"
# float64, and larger strides.
def telling_inputs():
    torch.manual_seed(7)
    x = torch.randn(3, 2, 9, 11, dtype=torch.float64)
    w = torch.randn(5, 2, 3, 4, dtype=torch.float64) * 10
    return x, w, (3, 2), (1, 3)


# %% equivalent exercise="telling_inputs"
# Any inputs will do that tell the wrong ones apart, random ones too.
# - generator = torch.Generator().manual_seed(0)
# + generator = torch.Generator().manual_seed(-1)
# or
# + generator = torch.Generator().manual_seed(1)
# or
# - x = torch.randn(2, 3, 7, 5, generator=generator)
# + x = torch.randn(3, 3, 7, 5, generator=generator)
# or
# + x = torch.randn(2, 3, 6, 5, generator=generator)
# or
# + x = torch.randn(2, 3, 8, 5, generator=generator)
# or
# + x = torch.randn(2, 3, 7, 4, generator=generator)
# or
# + x = torch.randn(2, 3, 7, 6, generator=generator)
# or
# + x = torch.randn(2, 3, 7, 5)
# or
# - w = torch.randn(4, 3, 3, 2, generator=generator)
# + w = torch.randn(3, 3, 3, 2, generator=generator)
# or
# + w = torch.randn(5, 3, 3, 2, generator=generator)
# or
# + w = torch.randn(4, 3, 2, 2, generator=generator)
# or
# + w = torch.randn(4, 3, 4, 2, generator=generator)
# or
# + w = torch.randn(4, 3, 3, 3, generator=generator)
# or
# + w = torch.randn(4, 3, 3, 2)
# or
# - return x, w, (2, 1), (1, 2)
# + return x, w, (3, 1), (1, 2)
# or
# + return x, w, (2, 1), (0, 2)
# or
# + return x, w, (2, 1), (1, 3)

# %% misconception="transposed" exercise="conv_as_matrix"
# Rows and columns of the matrix are exchanged: it takes a map to an image.
# - return matrix.reshape(rows * columns, height * width)
# + return matrix.reshape(rows * columns, height * width).T

# %% misconception="flipped" exercise="conv_as_matrix"
# The kernel is flipped, as in the convolution of signal processing.
# - matrix[i, j, i : i + kh, j : j + kw] = w
# + matrix[i, j, i : i + kh, j : j + kw] = w.flip(0, 1)

# %% misconception="column_by_column" exercise="conv_as_matrix"
# The pixels are numbered column by column.
# - return matrix.reshape(rows * columns, height * width)
# + return matrix.transpose(2, 3).reshape(rows * columns, height * width)

# %% misconception="places_by_column" exercise="conv_as_matrix"
# The places of the window are numbered column by column.
# - return matrix.reshape(rows * columns, height * width)
# + return matrix.transpose(0, 1).reshape(rows * columns, height * width)

# %% misconception="dense" exercise="conv_as_matrix"
# The rows hold the whole kernel's mean at every pixel: nothing is local.
# - matrix[i, j, i : i + kh, j : j + kw] = w
# + matrix[i, j] = w.mean()

# %% misconception="local_only" exercise="conv_as_matrix"
# Every place has weights of its own: nothing is shared.
# - matrix[i, j, i : i + kh, j : j + kw] = w
# + matrix[i, j, i : i + kh, j : j + kw] = w * (i * columns + j + 1)

# %% misconception="stays_at_the_corner" exercise="conv_as_matrix"
# The window does not move: every row is the same.
# - matrix[i, j, i : i + kh, j : j + kw] = w
# + matrix[i, j, :kh, :kw] = w

# %% misconception="moves_across_alone" exercise="conv_as_matrix"
# The window moves across and never down.
# - matrix[i, j, i : i + kh, j : j + kw] = w
# + matrix[i, j, :kh, j : j + kw] = w

# %% misconception="one_place_too_few" exercise="conv_as_matrix"
# The last place of the window is forgotten, down and across.
# - rows, columns = height - kh + 1, width - kw + 1
# + rows, columns = height - kh, width - kw

# %% misconception="four_dimensions" exercise="conv_as_matrix"
# The result is not laid out as a matrix.
# - return matrix.reshape(rows * columns, height * width)
# + return matrix

# %% misconception="float32" exercise="conv_as_matrix"
# The matrix is always float32.
# - matrix = w.new_zeros(rows, columns, height, width)
# + matrix = torch.zeros(rows, columns, height, width)


# %% alternative="by_images" exercise="conv_as_matrix"
# Column by column: each pixel's image of ones and zeros goes through the convolution.
def conv_as_matrix(w, size):
    height, width = size
    pixels = torch.eye(height * width, dtype=w.dtype).reshape(-1, 1, height, width)
    return F.conv2d(pixels, w[None, None]).flatten(1).T


# %% alternative="by_rows" exercise="conv_as_matrix"
# Row by row: the kernel with zeros around it, flattened.
def conv_as_matrix(w, size):
    (kh, kw), (height, width) = w.shape, size
    rows = [
        F.pad(w, (j, width - kw - j, i, height - kh - i)).flatten()
        for i in range(height - kh + 1)
        for j in range(width - kw + 1)
    ]
    return torch.stack(rows)


# %% misconception="a_single_stride" exercise="following_move"
# Two pixels suit the first layer alone.
# - return 2 * 3 * 2
# + return 2

# %% misconception="sum_of_strides" exercise="following_move"
# The strides are added instead of multiplied.
# - return 2 * 3 * 2
# + return 2 + 3 + 2

# %% misconception="largest_stride" exercise="following_move"
# Three pixels suit the second layer's stride, and not its place behind the first.
# - return 2 * 3 * 2
# + return 3

# %% misconception="two_layers" exercise="following_move"
# Six pixels suit the first two layers; the third stride is forgotten, or the smallest number that
# all strides divide was taken.
# - return 2 * 3 * 2
# + return 2 * 3

# %% misconception="no_move" exercise="following_move"
# An image that does not move is no move.
# - return 2 * 3 * 2
# + return 0

# %% misconception="too_far" exercise="following_move"
# Twice the product suits, but is farther than 20 pixels.
# - return 2 * 3 * 2
# + return 2 * 2 * 3 * 2

# %% misconception="one_position" exercise="following_move"
# The move is told in positions of the map.
# - return 2 * 3 * 2
# + return 1

# %% misconception="four_pixels" exercise="following_move"
# The two equal strides alone.
# - return 2 * 3 * 2
# + return 2 * 2


# %% alternative="found_by_trying" exercise="following_move"
# The first move that fits.
def following_move():
    from course.equivariance import off_by

    return next(s for s in range(1, 21) if off_by([2, 3, 2], step=s, seed=0) < 0.01)


# %% alternative="written_down" exercise="following_move"
# The number.
def following_move():
    return 12


# %% misconception="first_bias" exercise="conv2d_naive"
# The first bias is added everywhere.
# - return y if b is None else y + b[:, None, None]
# + return y if b is None else y + b[0]

# %% misconception="mean_over_channels" exercise="conv2d_naive"
# The mean over the channels is taken instead of their sum.
# - y[image, channel, i, j] = (window * w[channel]).sum()
# + y[image, channel, i, j] = (window * w[channel]).sum(dim=(1, 2)).mean()

# %% misconception="sum_over_batch" exercise="conv2d_naive"
# The images of the batch are added up.
# - return y if b is None else y + b[:, None, None]
# + y = y.sum(dim=0, keepdim=True).expand_as(y)
# + return y if b is None else y + b[:, None, None]

# %% misconception="first_bias" exercise="conv2d"
# The first bias is added everywhere.
# - return y if b is None else y + b[:, None, None]
# + return y if b is None else y + b[0]

# %% misconception="sum_over_batch" exercise="conv2d"
# The images of the batch are added up.
# - y = y.reshape(n, o, rows, columns)
# + y = y.reshape(n, o, rows, columns)
# + y = y.sum(dim=0, keepdim=True).expand_as(y)

# %% misconception="mean_over_channels" exercise="conv2d"
# The mean over the channels is taken instead of their sum.
# - y = y.reshape(n, o, rows, columns)
# + y = y.reshape(n, o, rows, columns) / c

# %% misconception="first_group_alone" exercise="conv2d"
# All groups see the channels of the first one.
# - unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
# + unrolled = unrolled.reshape(n, groups, c * kw, height, columns)
# + unrolled = unrolled[:, :1].expand(-1, groups, -1, -1, -1).flatten(0, 1)

# %% misconception="sum_over_batch" exercise="conv2d_backward"
# Each image gets the gradient of all images together.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_x.sum(dim=0, keepdim=True).expand_as(grad_x), grad_w, grad.sum(dim=1)

# %% misconception="mean_over_channels" exercise="conv2d_backward"
# The gradient of the weights is divided by the number of channels.
# - return grad_x, grad_w, grad.sum(dim=1)
# + return grad_x, grad_w / c, grad.sum(dim=1)


# %% equivalent exercise="conv_as_matrix"
# The lesson does not ask for this refusal.
# - if rows < 1 or columns < 1:
# -     raise ValueError(f"the kernel is {kh} x {kw}, but the image {height} x {width}")
# or
# - if rows < 1 or columns < 1:
# + if rows < 0 or columns < 1:
# or
# - if rows < 1 or columns < 1:
# + if rows < 1 and columns < 1:
# or
# - if rows < 1 or columns < 1:
# + if rows < 1 or columns < 0:
# or
# - raise ValueError(f"the kernel is {kh} x {kw}, but the image {height} x {width}")
# + pass

# %% equivalent exercise="output_size"
# The lesson does not ask for this refusal.
# - if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
# -     raise ValueError(
# -         f"size is {size}, kernel_size {kernel_size}, stride {stride}, padding {padding} and "
# -         f"dilation {dilation}; expected padding of 0 or more and 1 or more for the others"
# -     )
# or
# - if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
# + if min(size, kernel_size, stride, dilation) < 0 or padding < 0:
# or
# - if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
# + if min(size, kernel_size, stride, dilation) < 1 and padding < 0:
# or
# - if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
# + if min(size, kernel_size, stride, dilation) < 1 or padding < -1:
# or
# - raise ValueError(
# -     f"size is {size}, kernel_size {kernel_size}, stride {stride}, padding {padding} and "
# -     f"dilation {dilation}; expected padding of 0 or more and 1 or more for the others"
# - )
# + pass

# %% equivalent exercise="pad2d"
# The lesson does not ask for this refusal.
# - rows, columns = pair(padding, name="padding", least=0)
# + rows, columns = pair(padding, name="padding", least=-1)

# %% equivalent exercise="conv_parameters"
# The lesson does not ask for this refusal.
# - kh, kw = pair(kernel_size, name="kernel_size", least=1)
# + kh, kw = pair(kernel_size, name="kernel_size", least=0)
# or
# - if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
# + if min(in_channels, out_channels, groups) < 0 or in_channels % groups or out_channels % groups:

# %% equivalent exercise="receptive_field"
# The lesson does not ask for this refusal.
# - if len(layer) not in (2, 3) or min(layer) < 1:
# -     raise ValueError(
# -         f"layers holds {layer}; expected (kernel_size, stride) or "
# -         "(kernel_size, stride, dilation), each 1 or more"
# -     )
# or
# - if len(layer) not in (2, 3) or min(layer) < 1:
# + if len(layer) not in (2, 3) and min(layer) < 1:
# or
# - if len(layer) not in (2, 3) or min(layer) < 1:
# + if len(layer) not in (2, 3) or min(layer) < 0:
# or
# - raise ValueError(
# -     f"layers holds {layer}; expected (kernel_size, stride) or "
# -     "(kernel_size, stride, dilation), each 1 or more"
# - )
# + pass

# %% misconception="exchanged_windows" exercise="conv2d_naive"
# The windows move by the stride of the other direction, though the output has the right size.
# - window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
# + window = x[image, :, i * sw : i * sw + kh, j * sh : j * sh + kw]

# %% misconception="dilates_columns_alone" exercise="conv2d"
# The dilation of the rows is left out where the pixels are collected.
# - band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
# + band = unrolled[:, :, i::sh][:, :, :rows].flatten(2)

# %% misconception="averaged_over_images" exercise="conv2d_backward"
# The gradient of the weights is averaged over the images of the batch.
# - grad_w[:, :, i, j] = grad @ seen.flatten(1).T
# + grad_w[:, :, i, j] = grad @ seen.flatten(1).T / n

# %% equivalent exercise="conv2d_naive"
# The lesson does not ask for this refusal.
# - sh, sw = pair(stride, name="stride", least=1)
# + sh, sw = pair(stride, name="stride", least=0)
# or
# - ph, pw = pair(padding, name="padding", least=0)
# + ph, pw = pair(padding, name="padding", least=-1)
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() < 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() > 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() != 4 and w.dim() != 4 or x.shape[1] != w.shape[1]:
# or
# - if b is not None and b.shape != w.shape[:1]:
# -     raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# or
# - if b is not None and b.shape != w.shape[:1]:
# + if b is not None and b.shape < w.shape[:1]:
# or
# - if b is not None and b.shape != w.shape[:1]:
# + if b is not None and b.shape > w.shape[:1]:
# or
# - raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# + pass
# or
# - if kh > x.shape[2] or kw > x.shape[3]:
# -     raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
# or
# - if kh > x.shape[2] or kw > x.shape[3]:
# + if kh > x.shape[2] and kw > x.shape[3]:
# or
# - raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
# + pass

# %% equivalent exercise="conv2d_backward"
# The lesson does not ask for this refusal.
# - sh, sw = pair(stride, name="stride", least=1)
# + sh, sw = pair(stride, name="stride", least=0)
# or
# - ph, pw = pair(padding, name="padding", least=0)
# + ph, pw = pair(padding, name="padding", least=-1)
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
# -         "expected (N, C, H, W) and (O, C, kh, kw)"
# -     )
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() != 4 or w.dim() != 4 and x.shape[1] != w.shape[1]:
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() != 4 or w.dim() != 4 or x.shape[1] < w.shape[1]:
# or
# - if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
# + if x.dim() != 4 or w.dim() != 4 or x.shape[1] > w.shape[1]:
# or
# - raise ValueError(
# -     f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}; "
# -     "expected (N, C, H, W) and (O, C, kh, kw)"
# - )
# + pass

# %% equivalent exercise="conv2d"
# The lesson does not ask for this refusal.
# - sh, sw = pair(stride, name="stride", least=1)
# + sh, sw = pair(stride, name="stride", least=0)
# or
# - ph, pw = pair(padding, name="padding", least=0)
# + ph, pw = pair(padding, name="padding", least=-1)
# or
# - dh, dw = pair(dilation, name="dilation", least=1)
# + dh, dw = pair(dilation, name="dilation", least=0)
# or
# - if b is not None and b.shape != w.shape[:1]:
# -     raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# or
# - if b is not None and b.shape != w.shape[:1]:
# + if b is not None and b.shape < w.shape[:1]:
# or
# - if b is not None and b.shape != w.shape[:1]:
# + if b is not None and b.shape > w.shape[:1]:
# or
# - raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
# + pass
# or
# - if not (0 < reach_h <= height and 0 < reach_w <= width):
# -     raise ValueError(
# -         f"the kernel covers {reach_h} x {reach_w} pixels, "
# -         f"but the padded image has {height} x {width}"
# -     )
# or
# - if not (0 < reach_h <= height and 0 < reach_w <= width):
# + if not (0 < reach_h <= height or 0 < reach_w <= width):
# or
# - raise ValueError(
# -     f"the kernel covers {reach_h} x {reach_w} pixels, "
# -     f"but the padded image has {height} x {width}"
# - )
# + pass
