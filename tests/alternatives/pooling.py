"""Right answers, written in other ways than the reference: every check must accept them."""


# %% alternative="rows_and_columns" exercise="shift_consistency"
# Slices are copied onto an image of zeros.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    height, width = x.shape[2:]
    shifted = torch.zeros_like(x)
    top, left = max(down, 0), max(right, 0)
    rows, columns = height - abs(down), width - abs(right)
    part = x[:, :, max(-down, 0) :, max(-right, 0) :][:, :, :rows, :columns]
    shifted[:, :, top : top + rows, left : left + columns] = part
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% alternative="one_batch" exercise="shift_consistency"
# Both sets of images go through the model together, and roll is blanked at the edge.
def shift_consistency(model, x, *, shift):
    if x.ndim != 4 or 0 in x.shape:
        raise ValueError(f"expected images (N, C, H, W), got {tuple(x.shape)}")
    down, right = [shift] * 2 if isinstance(shift, int) else shift
    n, _, height, width = x.shape
    if not (-height < down < height and -width < right < width):
        raise ValueError(f"a shift of {shift} moves images of {height} x {width} pixels out")
    rows = torch.arange(height)[:, None] - down
    columns = torch.arange(width) - right
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    shifted = torch.where(inside, x.roll((down, right), (2, 3)), torch.zeros_like(x))
    with torch.no_grad():
        answers = model(torch.cat([x, shifted])).max(dim=1).indices
    return float((answers[:n] == answers[n:]).float().mean())


# %% alternative="unfolded" exercise="max_pool2d"
# All windows at once, and the largest along their two dimensions.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% alternative="slices" exercise="max_pool2d"
# One slice of the image for each place in the window, and a running maximum.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    largest = None
    for i in range(kh):
        for j in range(kw):
            piece = x[:, :, i::sh, j::sw][:, :, :rows, :columns]
            largest = piece if largest is None else torch.maximum(largest, piece)
    return largest


# %% alternative="loops" exercise="max_pool2d"
# Window after window, with the lowest number of the dtype as padding.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    n, c, h, w = x.shape
    padded = torch.full((n, c, h + 2 * ph, w + 2 * pw), torch.finfo(x.dtype).min, dtype=x.dtype)
    padded[:, :, ph : ph + h, pw : pw + w] = x
    rows = [
        torch.stack(
            [
                padded[:, :, i : i + kh, j : j + kw].flatten(2).max(dim=2).values
                for j in range(0, padded.shape[3] - kw + 1, sw)
            ],
            dim=2,
        )
        for i in range(0, padded.shape[2] - kh + 1, sh)
    ]
    return torch.stack(rows, dim=2)


# %% alternative="unfolded" exercise="avg_pool2d"
# All windows at once, and the counts from an image of ones.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph))
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% alternative="convolution" exercise="avg_pool2d"
# A convolution of each channel with equal weights.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        channels = image.shape[1]
        ones = torch.ones(channels, 1, kh, kw, dtype=image.dtype)
        return F.conv2d(image, ones, stride=(sh, sw), padding=(ph, pw), groups=channels)

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% alternative="not_a_number_as_padding" exercise="avg_pool2d"
# The padding is marked and left out of mean and sum.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    filling = 0.0 if count_include_pad else torch.nan
    padded = F.pad(x, (pw, pw, ph, ph), value=filling)
    windows = padded.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    return windows.nanmean(dim=4)


# %% alternative="flattened" exercise="global_avg_pool"
# The pixels are flattened first.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.flatten(2).mean(dim=-1)


# %% alternative="one_axis_at_a_time" exercise="global_avg_pool"
# The mean of the means of the rows.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(3).mean(2)


# %% alternative="unfolded" exercise="max_pool2d_backward"
# All winners at once, added into a flat image.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = windows.max(dim=4).indices
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% alternative="loops" exercise="max_pool2d_backward"
# Image by image, channel by channel, window by window.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
    if grad_out.shape != (*x.shape[:2], rows, columns):
        expected = (*x.shape[:2], rows, columns)
        raise ValueError(f"grad_out has shape {tuple(grad_out.shape)}; expected {expected}")
    grad_x = torch.zeros_like(x)
    for i in range(rows):
        for j in range(columns):
            for n in range(x.shape[0]):
                for c in range(x.shape[1]):
                    window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
                    down, right = divmod(window.flatten().argmax().item(), kw)
                    grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
    return grad_x


# %% alternative="torchs_indices" exercise="max_pool2d_backward"
# Torch's forward pass says which pixels win.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    _, winner = F.max_pool2d(x, (kh, kw), (sh, sw), return_indices=True)
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    index = winner.flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% alternative="far_below_zero" exercise="unmask"
# Different numbers, all of them below 0.
def unmask(shape):
    return -1.0 - torch.rand(shape)


# %% alternative="float64" exercise="unmask"
# Any dtype and any negative number will do.
def unmask(shape):
    return torch.full(shape, -0.001, dtype=torch.float64)


# %% alternative="by_amax" exercise="same_max_pool2d"
# Padded by hand, windows by unfold.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    padded = F.pad(x, sides, value=torch.finfo(x.dtype).min)
    windows = padded.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride)
    return windows.amax(dim=(4, 5))


# %% alternative="smallest_pixel" exercise="same_max_pool2d"
# The smallest pixel of all as padding: it can tie, but not win.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    padded = F.pad(x, sides, value=float(x.min()))
    return F.max_pool2d(padded, kernel_size, stride)
