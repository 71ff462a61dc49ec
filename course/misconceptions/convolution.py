"""Wrong answers to the exercises of the lesson on convolution, each with what went wrong in it.

Hidden tests must reject every one, and feedback names the one whose outputs equal a student's.
"""


# %% misconception="no_bias" exercise="dense_parameters"
# The biases are left out.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * in_features


# %% misconception="bias_always" exercise="dense_parameters"
# The biases are counted even where there are none.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (in_features + 1)


# %% misconception="bias_per_input" exercise="dense_parameters"
# There is one bias per input instead of one per output.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return in_features * (out_features + bias)


# %% misconception="sum" exercise="dense_parameters"
# Inputs and outputs are added instead of multiplied.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return in_features + out_features + bias


# %% misconception="one_bias" exercise="dense_parameters"
# One bias is counted for the whole layer.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * in_features + bias


# %% misconception="square" exercise="dense_parameters"
# The layer is taken as square.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (out_features + bias)


# %% misconception="in_thousands" exercise="dense_parameters"
# The count goes through a 16-bit float and is rounded.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 1:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return int(torch.tensor(float(out_features * (in_features + bias)), dtype=torch.bfloat16))


# %% misconception="takes_any_size" exercise="dense_parameters"
# Sizes below 1 are taken as they are, where a ValueError is asked for.
def dense_parameters(in_features, out_features, *, bias=True):
    return out_features * (in_features + bias)


# %% misconception="takes_zero" exercise="dense_parameters"
# A size of 0 is taken as it is.
def dense_parameters(in_features, out_features, *, bias=True):
    if min(in_features, out_features) < 0:
        raise ValueError(
            f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
        )
    return out_features * (in_features + bias)


# %% misconception="no_bias" exercise="conv_parameters"
# The biases are left out.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels // groups * kh * kw)


# %% misconception="bias_per_weight" exercise="conv_parameters"
# There is one bias for each kernel, not one for each output channel.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels // groups) * (kh * kw + bias)


# %% misconception="one_input_channel" exercise="conv_parameters"
# A filter is taken to have one kernel for all input channels.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (kh * kw + bias)


# %% misconception="square_kernel" exercise="conv_parameters"
# The kernel is taken as square.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, _kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels // groups * kh * kh + bias)


# %% misconception="ignores_groups" exercise="conv_parameters"
# groups is ignored.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels * kh * kw + bias)


# %% misconception="divides_outputs" exercise="conv_parameters"
# groups divides the output channels too.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels // groups * (in_channels // groups * kh * kw + bias)


# %% misconception="divides_biases" exercise="conv_parameters"
# groups divides the biases as well.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels * kh * kw + bias) // groups


# %% misconception="one_filter" exercise="conv_parameters"
# The parameters of a single filter are counted.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return in_channels // groups * kh * kw + bias


# %% misconception="multiplies_groups" exercise="conv_parameters"
# Every group is counted with all channels.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return groups * out_channels * (in_channels * kh * kw + bias)


# %% misconception="takes_any_groups" exercise="conv_parameters"
# groups that do not divide the channels are taken as they are.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels // groups * kh * kw + bias)


# %% misconception="looks_at_inputs_alone" exercise="conv_parameters"
# Only the input channels are checked against groups.
def conv_parameters(in_channels, out_channels, *, kernel_size, bias=True, groups=1):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups:
        raise ValueError(
            f"in_channels is {in_channels}, out_channels {out_channels} and groups {groups}"
        )
    return out_channels * (in_channels // groups * kh * kw + bias)


# %% misconception="no_plus_one" exercise="output_size"
# The first position is not counted.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride


# %% misconception="rounds_up" exercise="output_size"
# A window that does not fit at the end is counted.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return -(-(size + 2 * padding - reach) // stride) + 1


# %% misconception="pads_one_side" exercise="output_size"
# The padding is added once instead of on both sides.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return max(size + padding - reach, 0) // stride + 1


# %% misconception="ignores_dilation" exercise="output_size"
# The dilation is ignored.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = kernel_size
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride + 1


# %% misconception="dilates_all" exercise="output_size"
# The window is taken as dilation * kernel_size.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * kernel_size
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride + 1


# %% misconception="ignores_stride" exercise="output_size"
# The stride is ignored.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return size + 2 * padding - reach + 1


# %% misconception="divides_first" exercise="output_size"
# The size is divided by the stride before the window is taken off.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding) // stride - reach + 1


# %% misconception="float_result" exercise="output_size"
# The division leaves a fraction.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) / stride + 1


# %% misconception="refuses_exact_fit" exercise="output_size"
# A window as large as the padded image is refused.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach >= size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride + 1


# %% misconception="takes_large_windows" exercise="output_size"
# A window larger than the padded image is not refused.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(f"{size}, {kernel_size}, {stride}, {padding}, {dilation}; expected more")
    return (size + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1


# %% misconception="takes_negative_padding" exercise="output_size"
# A padding below 0 is taken as it is.
def output_size(size, *, kernel_size, stride=1, padding=0, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride + 1


# %% misconception="default_padding" exercise="output_size"
# The default of padding is 1 instead of 0.
def output_size(size, *, kernel_size, stride=1, padding=1, dilation=1):
    if min(size, kernel_size, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"{size}, {kernel_size}, {stride}, {padding}, {dilation}: expected 1 or more"
        )
    reach = dilation * (kernel_size - 1) + 1
    if reach > size + 2 * padding:
        raise ValueError(
            f"the window covers {reach} pixels, but the padded image has {size + 2 * padding}"
        )
    return (size + 2 * padding - reach) // stride + 1


# %% misconception="always_zero" exercise="pad2d"
# The value is ignored: the border is always 0.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), 0.0)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="exchanged" exercise="pad2d"
# Rows and columns of the padding are exchanged.
def pad2d(x, padding, *, value=0.0):
    columns, rows = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="one_side" exercise="pad2d"
# The border is put above and left only.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + rows, w + columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="corner" exercise="pad2d"
# The shape is right, but the image stands in the corner instead of the middle.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, :h, :w] = x
    return padded


# %% misconception="empty_slice" exercise="pad2d"
# The slice rows:-rows is empty where the width is 0.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    if padded[:, :, rows:-rows, columns:-columns].shape == x.shape:
        padded[:, :, rows:-rows, columns:-columns] = x
    return padded


# %% misconception="float32" exercise="pad2d"
# The result is always float32.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = torch.full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="detached" exercise="pad2d"
# The image is copied without its history, so no gradient flows back.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x.detach()
    return padded


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
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x + value
    return padded


# %% misconception="torchs_own" exercise="pad2d"
# Torch's own function does the work.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    _n, _c, _h, _w = x.shape
    return F.pad(x, (columns, columns, rows, rows), value=value)


# %% misconception="takes_any_padding" exercise="pad2d"
# A padding below 0 cuts the image instead of being refused.
def pad2d(x, padding, *, value=0.0):
    rows, columns = padding if isinstance(padding, tuple) else (padding, padding)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    if min(rows, columns) < 0:
        return x[:, :, -rows : h + rows, -columns : w + columns]
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="takes_any_shape" exercise="pad2d"
# A single image is padded too, where a ValueError is asked for.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() == 3:
        x = x[None]
    n, c, h, w = x.shape
    padded = x.new_full((n, c, h + 2 * rows, w + 2 * columns), value)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    return padded


# %% misconception="masked" exercise="pad2d"
# The value is multiplied by a mask, and 0 times infinity is not a number.
def pad2d(x, padding, *, value=0.0):
    rows, columns = pair(padding, name="padding", least=0)
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W)")
    n, c, h, w = x.shape
    padded = x.new_zeros((n, c, h + 2 * rows, w + 2 * columns))
    mask = torch.ones_like(padded)
    padded[:, :, rows : rows + h, columns : columns + w] = x
    mask[:, :, rows : rows + h, columns : columns + w] = 0
    return padded + value * mask


# %% misconception="flipped" exercise="conv2d_naive"
# The kernel is flipped, as in the convolution of signal processing.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel].flip(1, 2)).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="exchanged_stride" exercise="conv2d_naive"
# The strides of rows and columns are exchanged.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sw, sh = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="exchanged_padding" exercise="conv2d_naive"
# The padding of rows and columns is exchanged.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (ph, ph, pw, pw))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="one_side" exercise="conv2d_naive"
# The border is put above and left only.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (2 * pw, 0, 2 * ph, 0))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="ignores_padding" exercise="conv2d_naive"
# The padding is ignored.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    _ph, _pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="ignores_stride" exercise="conv2d_naive"
# The output is small, but the windows move by one pixel.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i : i + kh, j : j + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="first_channel" exercise="conv2d_naive"
# Only the first input channel is looked at.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window[0] * w[channel, 0]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="mean" exercise="conv2d_naive"
# The products are averaged instead of summed.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).mean()
    return y if b is None else y + b[:, None, None]


# %% misconception="no_bias" exercise="conv2d_naive"
# The bias is left out.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y


# %% misconception="bias_per_column" exercise="conv2d_naive"
# The bias is added along the columns instead of the channels.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b.sum() / len(b)


# %% misconception="first_image" exercise="conv2d_naive"
# Every output shows the first image.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[0, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="last_row_missing" exercise="conv2d_naive"
# The last row and column of outputs are left at 0.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(max(rows - 1, 1)):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="plain_numbers" exercise="conv2d_naive"
# The sums are turned into plain numbers, so no gradient flows back.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum().item()
    return y if b is None else y + b[:, None, None]


# %% misconception="float32" exercise="conv2d_naive"
# The result is always float32.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = torch.zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="reads_transposed" exercise="conv2d_naive"
# The kernel is read with rows and columns exchanged.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (
                        window.flatten() * w[channel].transpose(1, 2).flatten()
                    ).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="torchs_own" exercise="conv2d_naive"
# Torch's own convolution does the work.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    return F.conv2d(x, w, b, stride=stride, padding=padding)


# %% misconception="with_relu" exercise="conv2d_naive"
# Negative sums are cut off: an activation is built in.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum().clamp(min=0)
    return y if b is None else y + b[:, None, None]


# %% misconception="takes_other_channels" exercise="conv2d_naive"
# Filters for more channels than the image has are cut down instead of refused.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    w = w[:, : x.shape[1]]
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="takes_large_kernels" exercise="conv2d_naive"
# A kernel larger than the image gives an empty output instead of an error.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        return x.new_zeros(len(x), len(w), 0, 0)
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="takes_any_bias" exercise="conv2d_naive"
# A bias of another length is taken as it is.
def conv2d_naive(x, w, b=None, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    if b is not None and b.shape != w.shape[:1]:
        b = b.mean().expand(len(w))
    x = F.pad(x, (pw, pw, ph, ph))
    kh, kw = w.shape[2:]
    if kh > x.shape[2] or kw > x.shape[3]:
        raise ValueError(f"the kernel is {kh} x {kw}, but the padded image {tuple(x.shape[2:])}")
    rows, columns = ((x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1)
    y = x.new_zeros(len(x), len(w), rows, columns)
    for image in range(len(x)):
        for channel in range(len(w)):
            for i in range(rows):
                for j in range(columns):
                    window = x[image, :, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    y[image, channel, i, j] = (window * w[channel]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="flipped" exercise="conv2d"
# The kernel is flipped, as in the convolution of signal processing.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.flip(2, 3).reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="exchanged_dilation" exercise="conv2d"
# The dilations of rows and columns are exchanged.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dw, dh = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="exchanged_stride" exercise="conv2d"
# The strides of rows and columns are exchanged.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sw, sh = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="ignores_dilation" exercise="conv2d"
# The dilation is ignored.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    dh, dw = 1, 1
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="exchanged_padding" exercise="conv2d"
# The padding of rows and columns is exchanged.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (ph, ph, pw, pw))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="interleaved_groups" exercise="conv2d"
# The groups take every second output channel instead of neighbouring ones.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = (
        y.reshape(n, groups, o // groups, rows, columns)
        .transpose(1, 2)
        .reshape(n, o, rows, columns)
    )
    return y if b is None else y + b[:, None, None]


# %% misconception="mixed_windows" exercise="conv2d"
# Channels and kernel entries are merged in another order than in the filters.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=1)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="no_bias" exercise="conv2d"
# The bias is left out.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y


# %% misconception="overwrites" exercise="conv2d"
# Each kernel row overwrites the sum of the rows before it.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.bmm(kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="ends_too_early" exercise="conv2d"
# The slice ends before the last window where the stride leaves pixels over.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = (max((height - reach_h) // sh, 1), max((width - reach_w) // sw, 1))
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="torchs_own" exercise="conv2d"
# Torch's own convolution does the work.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    return F.conv2d(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)


# %% misconception="detached" exercise="conv2d"
# The filters are copied without their history, so they get no gradient.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.detach().reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="float32" exercise="conv2d"
# The computation runs in float32, whatever comes in.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    w = w.float()
    x = F.pad(x.float(), (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="over_loops" exercise="conv2d"
# Four loops over images, filters and positions: right, but far too slow.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    y = x.new_zeros(n, o, rows, columns)
    for k, f, i, j in torch.cartesian_prod(*map(torch.arange, y.shape)).tolist():
        first = f // (o // groups) * c
        rows_seen = slice(i * sh, i * sh + reach_h, dh)
        columns_seen = slice(j * sw, j * sw + reach_w, dw)
        y[k, f, i, j] = (x[k, first : first + c, rows_seen, columns_seen] * w[f]).sum()
    return y if b is None else y + b[:, None, None]


# %% misconception="takes_any_groups" exercise="conv2d"
# Filters that do not divide into the groups are cut off instead of refused.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    w = w[: len(w) // groups * groups]
    b = b if b is None else b[: len(w)]
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        raise ValueError(f"the kernel covers {reach_h} x {reach_w}, the image {height} x {width}")
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="takes_large_kernels" exercise="conv2d"
# A kernel larger than the image gives an empty output instead of an error.
def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    dh, dw = pair(dilation, name="dilation", least=1)
    fits = x.dim() == w.dim() == 4 and groups >= 1
    if not fits or x.shape[1] != groups * w.shape[1] or len(w) % groups:
        raise ValueError(f"x has shape {tuple(x.shape)}, w {tuple(w.shape)} and groups is {groups}")
    if b is not None and b.shape != w.shape[:1]:
        raise ValueError(f"b has shape {tuple(b.shape)}; expected ({len(w)},)")
    x = F.pad(x, (pw, pw, ph, ph))
    (n, _, height, width), (o, c, kh, kw) = (x.shape, w.shape)
    reach_h, reach_w = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if not (0 < reach_h <= height and 0 < reach_w <= width):
        return x.new_zeros(n, o, 0, 0)
    rows, columns = ((height - reach_h) // sh + 1, (width - reach_w) // sw + 1)
    unrolled = torch.stack([x[..., j * dw :: sw][..., :columns] for j in range(kw)], dim=2)
    unrolled = unrolled.reshape(n * groups, c * kw, height, columns)
    kernels = w.reshape(groups, o // groups, c, kh, kw).movedim(3, 0).flatten(3)
    y = x.new_zeros(n * groups, o // groups, rows * columns)
    for i in range(kh):
        band = unrolled[:, :, i * dh :: sh][:, :, :rows].flatten(2)
        kernel = kernels[i].expand(n, -1, -1, -1).flatten(0, 1)
        y = torch.baddbmm(y, kernel, band)
    y = y.reshape(n, o, rows, columns)
    return y if b is None else y + b[:, None, None]


# %% misconception="first_position" exercise="conv2d_backward"
# A weight gets the gradient of one position instead of the sum over all.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad[:, :1] @ seen.flatten(1)[:, :1].T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="averaged" exercise="conv2d_backward"
# The gradient of the weights is averaged over the batch.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T / grad.shape[1]
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="flipped" exercise="conv2d_backward"
# The kernel is flipped once too often on the way back to the pixels.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, kh - 1 - i, kw - 1 - j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="overwrites" exercise="conv2d_backward"
# A pixel under several windows keeps the last gradient instead of the sum.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen.copy_((w[:, :, i, j].T @ grad).reshape(c, n, rows, columns))
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="keeps_the_border" exercise="conv2d_backward"
# The gradient of x still has the padded border on one side.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, :height, :width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="bias_mean" exercise="conv2d_backward"
# The gradient of the bias is a mean instead of a sum.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.mean(dim=1))


# %% misconception="bias_over_all" exercise="conv2d_backward"
# The gradient of the bias is summed over the channels too.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum().expand(o))


# %% misconception="ignores_stride" exercise="conv2d_backward"
# The stride is left out where the pixels are collected.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i:, j:][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="exchanged_stride" exercise="conv2d_backward"
# The strides of rows and columns are exchanged.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sw, j::sh][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sw, j::sh][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="exchanged_results" exercise="conv2d_backward"
# The gradients are returned in another order.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_w, grad_x, grad.sum(dim=1))


# %% misconception="minus_sign" exercise="conv2d_backward"
# The gradients point downhill: a sign too many.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (-grad_x, -grad_w, -grad.sum(dim=1))


# %% misconception="ignores_padding" exercise="conv2d_backward"
# The border is not there when the weights' gradient is computed.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = F.pad(x, (0, 2 * pw, 0, 2 * ph)).movedim(1, 0)[:, :, i::sh, j::sw][
                :, :, :rows, :columns
            ]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="by_autograd" exercise="conv2d_backward"
# Autograd and torch's convolution do the work.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    y = F.conv2d(x, w, stride=stride, padding=padding)
    grad_x, grad_w = torch.autograd.grad(y, (x, w), grad_out)
    return grad_x, grad_w, grad_out.sum((0, 2, 3))


# %% misconception="no_bias" exercise="conv2d_backward"
# Two gradients are returned: that of the bias is missing.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w)


# %% misconception="float32" exercise="conv2d_backward"
# The gradients are always float32.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}")
    w, padded = w.float(), padded.float()
    grad = grad_out.float().movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros(padded.shape), torch.zeros(w.shape))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="takes_any_shape" exercise="conv2d_backward"
# A gradient of another shape than the output is cut to size instead of refused.
def conv2d_backward(grad_out, x, w, *, stride=1, padding=0):
    sh, sw = pair(stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or w.dim() != 4 or x.shape[1] != w.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and w {tuple(w.shape)}")
    (n, c, height, width), (o, _, kh, kw) = (x.shape, w.shape)
    padded = F.pad(x, (pw, pw, ph, ph)).movedim(1, 0)
    rows, columns = ((padded.shape[2] - kh) // sh + 1, (padded.shape[3] - kw) // sw + 1)
    if grad_out.shape != (n, o, rows, columns):
        grad_out = grad_out.new_zeros(n, o, rows, columns)
    grad = grad_out.movedim(1, 0).flatten(1)
    grad_padded, grad_w = (torch.zeros_like(padded), torch.zeros_like(w))
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_w[:, :, i, j] = grad @ seen.flatten(1).T
            grad_seen = grad_padded[:, :, i::sh, j::sw][:, :, :rows, :columns]
            grad_seen += (w[:, :, i, j].T @ grad).reshape(c, n, rows, columns)
    grad_x = grad_padded[:, :, ph : ph + height, pw : pw + width].movedim(0, 1)
    return (grad_x, grad_w, grad.sum(dim=1))


# %% misconception="sum_of_kernels" exercise="receptive_field"
# The kernel sizes are added up, without taking the shared pixel off.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * kernel_size * jump
        jump *= stride
    return field


# %% misconception="product_of_kernels" exercise="receptive_field"
# The kernel sizes are multiplied.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, _dilation = (*layer, 1)[:3]
        field *= kernel_size
        jump *= stride
    return field


# %% misconception="ignores_stride" exercise="receptive_field"
# Strides do not widen the steps of the layers behind.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, _stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= 1
    return field


# %% misconception="own_stride" exercise="receptive_field"
# A layer's own stride widens its own window.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        jump *= stride
        field += dilation * (kernel_size - 1) * jump
    return field


# %% misconception="ignores_dilation" exercise="receptive_field"
# The dilation is ignored.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, _dilation = (*layer, 1)[:3]
        field += 1 * (kernel_size - 1) * jump
        jump *= stride
    return field


# %% misconception="adds_strides" exercise="receptive_field"
# Strides are added up instead of multiplied.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump += stride - 1
    return field


# %% misconception="output_side_first" exercise="receptive_field"
# The list is read from the output side.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers[::-1]:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field


# %% misconception="starts_at_zero" exercise="receptive_field"
# The count starts at 0, so one pixel is missing.
def receptive_field(layers):
    field, jump = (0, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field


# %% misconception="largest" exercise="receptive_field"
# Only the largest window counts.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field = max(field, dilation * (kernel_size - 1) * jump + 1)
        jump *= stride
    return field


# %% misconception="dilation_widens_steps" exercise="receptive_field"
# The dilation is taken as a stride for the layers behind.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        if len(layer) not in (2, 3) or min(layer) < 1:
            raise ValueError(f"layers holds {layer}")
        kernel_size, stride, dilation = (*layer, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride * dilation
    return field


# %% misconception="takes_any_entry" exercise="receptive_field"
# Entries of another length or below 1 are taken as they are.
def receptive_field(layers):
    field, jump = (1, 1)
    for layer in layers:
        kernel_size, stride, dilation = (*layer, 1, 1)[:3]
        field += dilation * (kernel_size - 1) * jump
        jump *= stride
    return field


# %% misconception="merges_images" exercise="flatten"
# The images of the batch are merged too.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    _kept, _merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.reshape(-1)


# %% misconception="ignores_start_dim" exercise="flatten"
# start_dim is ignored: it is always 1.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = (x.shape[:1], x.shape[1:])
    return x.reshape(*kept, math.prod(merged))


# %% misconception="column_by_column" exercise="flatten"
# The numbers are laid out column by column.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.transpose(-1, -2).reshape(*kept, math.prod(merged))


# %% misconception="channels_last" exercise="flatten"
# The channels are moved behind rows and columns first.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.movedim(1, -1).reshape(*kept, math.prod(merged))


# %% misconception="view" exercise="flatten"
# view goes by memory and refuses a tensor that is not contiguous.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.view(*kept, math.prod(merged))


# %% misconception="minus_one" exercise="flatten"
# The length is left to -1, which cannot be worked out for an empty batch.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, _merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.reshape(*kept, -1)


# %% misconception="torchs_own" exercise="flatten"
# Torch's own function does the work.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    _kept, _merged = (x.shape[:start_dim], x.shape[start_dim:])
    return torch.flatten(x, start_dim)


# %% misconception="detached" exercise="flatten"
# The history is lost, so no gradient flows back.
def flatten(x, *, start_dim=1):
    if not -x.dim() <= start_dim < x.dim():
        raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
    kept, merged = (x.shape[:start_dim], x.shape[start_dim:])
    return x.detach().reshape(*kept, math.prod(merged))


# %% misconception="takes_any_dim" exercise="flatten"
# A dimension that is not there merges nothing, where a ValueError is asked for.
def flatten(x, *, start_dim=1):
    return x.reshape(*x.shape[:start_dim], math.prod(x.shape[start_dim:]))


# %% misconception="dense" exercise="digits_cnn"
# There is no convolution in it: this is the dense rival.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 85)
        self.head = nn.Linear(85, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        return self.head(torch.relu(self.hidden(x.flatten(1))))


# %% misconception="linear" exercise="digits_cnn"
# There is no activation between the layers, so the network is one linear map.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = self.conv1(x)
        x = self.conv2(x)
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="softmax_inside" exercise="digits_cnn"
# Softmax is applied inside the network, and the loss applies it again.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1)).softmax(dim=1)
        return logits


# %% misconception="sigmoid_inside" exercise="digits_cnn"
# Each score is squeezed through a sigmoid.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1)).sigmoid()
        return logits


# %% misconception="relu_at_the_end" exercise="digits_cnn"
# The scores pass a ReLU, so none can fall below 0.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1)).relu()
        return logits


# %% misconception="too_large" exercise="digits_cnn"
# The network is several times larger than the budget.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(1024, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="too_small" exercise="digits_cnn"
# Two and three channels are too few to tell ten digits apart.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(2, 3, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="mixed_images" exercise="digits_cnn"
# The maps of different images are mixed up when they are flattened.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.transpose(0, 1).reshape(len(x), -1))
        return logits


# %% misconception="takes_any_shape" exercise="digits_cnn"
# Images of other shapes are cut to 8 x 8, where a ValueError is asked for.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            x = x.reshape(len(x), -1)[:, :64].reshape(-1, 1, 8, 8)
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="frozen" exercise="digits_cnn"
# The convolutions are frozen at their random start.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)
        self.conv1.requires_grad_(False)
        self.conv2.requires_grad_(False)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="all_zero" exercise="digits_cnn"
# All weights start at 0, so nothing can be learnt behind the ReLU.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)
        for p in self.parameters():
            nn.init.zeros_(p)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="centred_on_batch" exercise="digits_cnn"
# The mean of the batch is subtracted, so each result depends on the other images.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x - x.mean(dim=0)))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="always_dropping" exercise="digits_cnn"
# Dropout goes on at test time, because it is never told the mode.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(F.dropout(x.flatten(1), 0.3))
        return logits


# %% misconception="in_place" exercise="digits_cnn"
# The image itself is overwritten.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x -= 0.5
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="two_classes_more" exercise="digits_cnn"
# The head has twelve outputs.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 12)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.flatten(1))
        return logits


# %% misconception="detached" exercise="digits_cnn"
# The maps are detached before the head, so the convolutions learn nothing.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
        self.head = nn.Linear(400, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 8, 8):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        logits = self.head(x.detach().flatten(1))
        return logits


# %% misconception="zero_filters" exercise="telling_inputs"
# The filters are zero: every output is 0, whatever the code does.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.zeros(4, 3, 3, 2)
    return (x, w, (2, 1), (1, 2))


# %% misconception="ones" exercise="telling_inputs"
# Everything is 1, so no place differs from another.
def telling_inputs():
    torch.Generator().manual_seed(0)
    x = torch.ones(2, 3, 7, 5)
    w = torch.ones(4, 3, 3, 2)
    return (x, w, (2, 1), (1, 2))


# %% misconception="equal_strides" exercise="telling_inputs"
# Stride and padding are the same both ways, so an exchange does not show.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return (x, w, (2, 2), (1, 1))


# %% misconception="equal_padding" exercise="telling_inputs"
# The padding is the same both ways, so an exchange of it does not show.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return (x, w, (2, 1), (1, 1))


# %% misconception="no_padding" exercise="telling_inputs"
# Without a border nobody sees what the border is made of.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return (x, w, (2, 1), (0, 0))


# %% misconception="one_channel" exercise="telling_inputs"
# With one channel nobody sees whether channels are summed.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 1, 7, 5, generator=generator)
    w = torch.randn(4, 1, 3, 2, generator=generator)
    return (x, w, (2, 1), (1, 2))


# %% misconception="one_image" exercise="telling_inputs"
# With one image nobody sees whether images are mixed up.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return (x, w, (2, 1), (1, 2))


# %% misconception="one_filter" exercise="telling_inputs"
# With one filter nobody sees whether filters are mixed up.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(1, 3, 3, 2, generator=generator)
    return (x, w, (2, 1), (1, 2))


# %% misconception="symmetric_kernel" exercise="telling_inputs"
# The kernel is the same from both sides, so flipping it changes nothing.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    w = w + w.flip(2, 3)
    return (x, w, (2, 1), (1, 2))


# %% misconception="same_filters" exercise="telling_inputs"
# All filters are copies of the first.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    w = w[:1].repeat(4, 1, 1, 1)
    return (x, w, (2, 1), (1, 2))


# %% misconception="positive_image" exercise="telling_inputs"
# No pixel is below 0, so absolute values do not show.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    x = x.abs()
    return (x, w, (2, 1), (1, 2))


# %% misconception="dark_rim" exercise="telling_inputs"
# The image is 0 at its rim, so a border that repeats the rim does not show.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    x[:, :, [0, -1]] = 0
    x[:, :, :, [0, -1]] = 0
    return (x, w, (2, 1), (1, 2))


# %% misconception="one_pixel" exercise="telling_inputs"
# A kernel of 1 x 1 has no direction.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 7, 5, generator=generator)
    w = torch.randn(4, 3, 1, 1, generator=generator)
    return (x, w, (2, 1), (1, 2))


# %% misconception="too_large" exercise="telling_inputs"
# The image is far larger than the limit.
def telling_inputs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 32, 32, generator=generator)
    w = torch.randn(4, 3, 3, 2, generator=generator)
    return (x, w, (2, 1), (1, 2))
