"""Right answers, written in other ways than the reference: every check must accept them."""


# %% alternative="weights_and_biases" exercise="dense_parameters"
# Weights and biases are counted apart.
def dense_parameters(in_features, out_features, *, bias=True):
    for size in (in_features, out_features):
        if size < 1:
            raise ValueError(f"sizes must be at least 1, got {in_features} and {out_features}")
    weights = in_features * out_features
    return weights + out_features if bias else weights


# %% alternative="from_a_layer" exercise="dense_parameters"
# torch's own layer is asked, without storing its numbers.
def dense_parameters(in_features, out_features, *, bias=True):
    if in_features <= 0 or out_features <= 0:
        raise ValueError(f"got in_features={in_features}, out_features={out_features}; need >= 1")
    layer = nn.Linear(in_features, out_features, bias=bias, device="meta")
    return sum(p.numel() for p in layer.parameters())


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
    kernel = pair(kernel_size, name="kernel_size", least=1)
    if groups < 1 or in_channels < 1 or out_channels < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {groups=}")
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"{groups=} does not divide {in_channels=} and {out_channels=}")
    return math.prod((out_channels, in_channels // groups, *kernel)) + out_channels * int(bias)


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
    if min(size, kernel_size, stride, dilation, padding + 1) < 1:
        raise ValueError(f"{size=}, {kernel_size=}, {stride=}, {padding=}, {dilation=}")
    free = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if free < 0:
        raise ValueError(f"kernel_size={kernel_size} is too large for size={size}")
    return math.floor(free / stride + 1)


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


# %% alternative="view_of_a_copy" exercise="flatten"
# A contiguous copy, viewed in its new shape.
def flatten(x, *, start_dim=1):
    if start_dim not in range(-x.ndim, x.ndim):
        raise ValueError(f"dimension {start_dim} does not exist in {list(x.shape)}")
    start_dim %= x.ndim
    length = 1
    for size in x.shape[start_dim:]:
        length *= size
    return x.contiguous().view(*x.shape[:start_dim], length)


# %% alternative="from_numel" exercise="flatten"
# The length is what is left of all numbers.
def flatten(x, *, start_dim=1):
    if start_dim < -x.dim() or start_dim >= x.dim():
        raise ValueError(f"start_dim={start_dim} for a tensor with {x.dim()} dimensions")
    return x.reshape([*x.shape[:start_dim], x.shape[start_dim:].numel()])


# %% alternative="pooled" exercise="digits_cnn"
# Pooling in place of the stride, all in one Sequential.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(128, 10),
        )

    def forward(self, x):
        if x.ndim != 4 or x.shape[1:] != (1, 8, 8):
            raise ValueError(f"expected (N, 1, 8, 8), got {tuple(x.shape)}")
        return self.layers(x)


# %% alternative="normalised" exercise="digits_cnn"
# With batch normalisation, whose statistics are buffers and no parameters.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 10, 3, padding=1, bias=False)
        self.second = nn.Conv2d(10, 24, 3, stride=2, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(10), nn.BatchNorm2d(24)])
        self.out = nn.Linear(24 * 16, 10)

    def forward(self, x):
        if tuple(x.shape[1:]) != (1, 8, 8):
            raise ValueError(f"x is {tuple(x.shape)}")
        x = self.norms[0](self.first(x)).relu()
        x = self.norms[1](self.second(x)).relu()
        return self.out(x.reshape(len(x), -1))


# %% alternative="by_hand" exercise="digits_cnn"
# Weights as plain parameters, and torch's functions.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(10, 1, 3, 3) / 3)
        self.w2 = nn.Parameter(torch.randn(25, 10, 3, 3) / 90**0.5)
        self.w3 = nn.Parameter(torch.randn(400, 10) / 20)
        self.b1, self.b2, self.b3 = (nn.Parameter(torch.zeros(n)) for n in (10, 25, 10))

    def forward(self, x):
        if x.dim() != 4 or list(x.shape[1:]) != [1, 8, 8]:
            raise ValueError(f"x has shape {tuple(x.shape)}")
        x = F.relu(F.conv2d(x, self.w1, self.b1, padding=1))
        x = F.relu(F.conv2d(x, self.w2, self.b2, stride=2, padding=1))
        return x.flatten(1) @ self.w3 + self.b3


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
