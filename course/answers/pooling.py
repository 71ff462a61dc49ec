"""Answers to the exercises of the lesson on pooling.

The checks reject every misconception, and feedback names the one that answers as a student does.
They accept every alternative and every equivalent.
"""

# %% misconception="goes_round" exercise="shift_consistency"
# What leaves the image at one side comes in at the other.
# - shifted = F.pad(x, (right, -right, down, -down))
# + shifted = x.roll((down, right), dims=(2, 3))

# %% misconception="up_and_left" exercise="shift_consistency"
# The image moves up and to the left where it should move down and to the right.
# - shifted = F.pad(x, (right, -right, down, -down))
# + shifted = F.pad(x, (-right, right, -down, down))

# %% misconception="swapped_directions" exercise="shift_consistency"
# The two numbers of shift are taken as (right, down).
# - down, right = (shift, shift) if isinstance(shift, int) else shift
# + right, down = (shift, shift) if isinstance(shift, int) else shift

# %% misconception="right_only" exercise="shift_consistency"
# A single number moves the image to the right only, not down.
# - down, right = (shift, shift) if isinstance(shift, int) else shift
# + down, right = (0, shift) if isinstance(shift, int) else shift

# %% misconception="down_only" exercise="shift_consistency"
# A single number moves the image down only, not to the right.
# - down, right = (shift, shift) if isinstance(shift, int) else shift
# + down, right = (shift, 0) if isinstance(shift, int) else shift

# %% misconception="repeats_the_edge" exercise="shift_consistency"
# The pixels that come in repeat the edge of the image instead of being 0.
# - shifted = F.pad(x, (right, -right, down, -down))
# + rows = (torch.arange(x.shape[2]) - down).clamp(0, x.shape[2] - 1)
# + columns = (torch.arange(x.shape[3]) - right).clamp(0, x.shape[3] - 1)
# + shifted = x[:, :, rows][:, :, :, columns]

# %% misconception="ones_come_in" exercise="shift_consistency"
# The pixels that come in are 1, which is white in many images, instead of 0.
# - shifted = F.pad(x, (right, -right, down, -down))
# + shifted = F.pad(x, (right, -right, down, -down), value=1.0)

# %% misconception="compares_scores" exercise="shift_consistency"
# Scores are compared instead of answers, so any change of a score counts.
# - same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
# + same = (model(x) == model(shifted)).all(dim=1)

# %% misconception="share_that_changes" exercise="shift_consistency"
# The share of answers that change is returned.
# - same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
# + same = model(x).argmax(dim=1) != model(shifted).argmax(dim=1)

# %% misconception="count_of_images" exercise="shift_consistency"
# The number of images is returned instead of their share.
# - return same.double().mean().item()
# + return float(same.sum())

# %% misconception="all_or_nothing" exercise="shift_consistency"
# The result is 1 only where every answer stays, and 0 otherwise.
# - return same.double().mean().item()
# + return float(same.all())

# %% misconception="first_image" exercise="shift_consistency"
# Only the first image of the batch is looked at.
# - return same.double().mean().item()
# + return float(same[0])

# %% misconception="answer_over_images" exercise="shift_consistency"
# argmax runs over the images instead of the classes.
# - same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
# + same = model(x).argmax(dim=0) == model(shifted).argmax(dim=0)

# %% misconception="size_of_the_shift" exercise="shift_consistency"
# The sign of the shift is dropped, so images never move up or to the left.
# - shifted = F.pad(x, (right, -right, down, -down))
# + shifted = F.pad(x, (abs(right), -abs(right), abs(down), -abs(down)))

# %% misconception="in_place" exercise="shift_consistency"
# The images themselves are overwritten by the shifted ones.
# - shifted = F.pad(x, (right, -right, down, -down))
# + shifted = F.pad(x, (right, -right, down, -down)).clone()
# + x.copy_(shifted)

# %% misconception="takes_any_shift" exercise="shift_consistency"
# A shift that moves the whole image out is taken as it is.
# - height, width = x.shape[2:]
# - if abs(down) >= height or abs(right) >= width:
# -     raise ValueError(f"shift is {shift}; expected less than the image's {height} x {width}")
# - # A negative width of padding crops.

# %% misconception="refuses_by_height" exercise="shift_consistency"
# Both numbers are compared with the height, so a wide image cannot move far to the right.
# - height, width = x.shape[2:]
# - if abs(down) >= height or abs(right) >= width:
# -     raise ValueError(f"shift is {shift}; expected less than the image's {height} x {width}")
# + if abs(down) >= x.shape[2] or abs(right) >= x.shape[2]:
# +     raise ValueError(f"shift is {shift}; expected less than the image")


# %% misconception="silent_error" exercise="shift_consistency"
# The error does not name the shift that was passed.
# - height, width = x.shape[2:]
# - if abs(down) >= height or abs(right) >= width:
# -     raise ValueError(f"shift is {shift}; expected less than the image's {height} x {width}")
# + if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
# +     raise ValueError("bad shift")

# %% alternative="rows_and_columns" exercise="shift_consistency"
# Slices are copied onto an image of zeros.
# - shifted = F.pad(x, (right, -right, down, -down))
# + height, width = x.shape[2:]
# + shifted = torch.zeros_like(x)
# + top, left = max(down, 0), max(right, 0)
# + rows, columns = height - abs(down), width - abs(right)
# + part = x[:, :, max(-down, 0) :, max(-right, 0) :][:, :, :rows, :columns]
# + shifted[:, :, top : top + rows, left : left + columns] = part


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


# %% equivalent exercise="shift_consistency"
# The lesson does not ask for this refusal.
# - if x.dim() != 4 or x.numel() == 0:
# -     raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() < 4 or x.numel() == 0:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() > 4 or x.numel() == 0:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() != 4 and x.numel() == 0:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() != 4 or x.numel() < 0:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() != 4 or x.numel() <= 0:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() != 4 or x.numel() == -1:
# or
# - if x.dim() != 4 or x.numel() == 0:
# + if x.dim() != 4 or x.numel() == 1:
# or
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
# + pass

# %% misconception="zeros_win" exercise="max_pool2d" of="unfolded"
# The padding is 0, which wins over pixels below 0.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (pw, pw, ph, ph))

# %% misconception="small_padding_value" exercise="max_pool2d" of="unfolded"
# The padding is -1, which still wins over pixels below it.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (pw, pw, ph, ph), value=-1.0)

# %% misconception="billion_wins" exercise="max_pool2d" of="unfolded"
# The padding is minus a billion, which still wins over pixels below it.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (pw, pw, ph, ph), value=-1e9)

# %% misconception="pads_one_side" exercise="max_pool2d" of="unfolded"
# Only the right and the lower border are padded.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (0, pw, 0, ph), value=-torch.inf)

# %% misconception="pads_the_start" exercise="max_pool2d" of="unfolded"
# The image is padded at the left and above only.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (pw, 0, ph, 0), value=-torch.inf)

# %% misconception="absolute_values" exercise="max_pool2d" of="unfolded"
# The largest absolute value is returned, so numbers below 0 come out above it.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x.abs(), (pw, pw, ph, ph))

# %% misconception="pads_height_as_width" exercise="max_pool2d" of="unfolded"
# Height and width of the padding are swapped.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (ph, ph, pw, pw), value=-torch.inf)

# %% misconception="swaps_the_window" exercise="max_pool2d" of="unfolded"
# Height and width of the window are swapped.
# - windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# + windows = x.unfold(2, kw, sh).unfold(3, kh, sw)

# %% misconception="swaps_the_stride" exercise="max_pool2d" of="unfolded"
# The strides down and to the right are swapped.
# - windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# + windows = x.unfold(2, kh, sw).unfold(3, kw, sh)

# %% misconception="stride_of_one" exercise="max_pool2d" of="unfolded"
# Without a stride the windows lie one pixel apart instead of side by side.
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(1 if stride is None else stride, name="stride", least=1)

# %% misconception="ignores_the_stride" exercise="max_pool2d" of="unfolded"
# The windows always lie side by side; the argument stride is ignored.
#   x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + sh, sw = kh, kw

# %% misconception="takes_the_mean" exercise="max_pool2d" of="unfolded"
# The mean of each window is taken instead of the largest value.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + x = F.pad(x, (pw, pw, ph, ph), value=0.0)
#   windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# - return windows.amax(dim=(4, 5))
# + return windows.mean(dim=(4, 5))

# %% misconception="largest_magnitude" exercise="max_pool2d" of="unfolded"
# The value of the largest magnitude is taken, whatever its sign.
# - return windows.amax(dim=(4, 5))
# + flat = windows.flatten(4)
# + magnitude = torch.where(flat.isinf(), -1.0, flat.abs())
# + return flat.gather(4, magnitude.argmax(dim=4, keepdim=True))[..., 0]

# %% misconception="over_channels" exercise="max_pool2d" of="unfolded"
# The maximum runs over the channels as well, so all channels come out alike.
# - return windows.amax(dim=(4, 5))
# + return windows.amax(dim=(4, 5)).amax(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)

# %% misconception="detached" exercise="max_pool2d" of="unfolded"
# The result is built from numbers without their history, so no gradient flows back.
# - return windows.amax(dim=(4, 5))
# + return windows.amax(dim=(4, 5)).detach()

# %% misconception="partial_windows" exercise="max_pool2d" of="unfolded"
# Windows that reach over the lower and right border are kept: sizes are rounded up.
#   x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + over = [(s - n % s) % s for n, s in ((x.shape[3] - kw, sw), (x.shape[2] - kh, sh))]
# + x = F.pad(x, (0, over[0], 0, over[1]), value=-torch.inf)

# %% misconception="through_float32" exercise="max_pool2d" of="unfolded"
# The result goes through 32-bit numbers, so float64 loses half of its digits.
# - return windows.amax(dim=(4, 5))
# + return windows.float().amax(dim=(4, 5)).to(x.dtype)

# %% misconception="finite_padding_of_float32" exercise="max_pool2d" of="unfolded"
# The padding is the lowest 32-bit number, which does not fit into 16 bits.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + lowest = torch.finfo(torch.float32).min
# + x = F.pad(x.double(), (pw, pw, ph, ph), value=lowest).float()

# %% misconception="in_place" exercise="max_pool2d" of="unfolded"
# Every pixel is shifted in the input itself to make all of them positive.
# - x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
# + least = x.min().item()
# + x -= least
# + x = F.pad(x, (pw, pw, ph, ph), value=-1.0)
#   windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# - return windows.amax(dim=(4, 5))
# + return windows.amax(dim=(4, 5)) + least

# %% misconception="takes_any_padding" exercise="max_pool2d" of="unfolded"
# Padding above half of the window is taken, and whole windows lie outside the image.
# - if ph > kh // 2 or pw > kw // 2:
# -     raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")

# %% misconception="half_of_the_larger_side" exercise="max_pool2d" of="unfolded"
# The padding is compared with the larger side of the window for both directions.
# - if ph > kh // 2 or pw > kw // 2:
# + if max(ph, pw) > max(kh, kw) // 2:


# %% misconception="takes_any_window" exercise="max_pool2d"
# A window larger than the image is left to torch, which raises another error.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="torchs_own" exercise="max_pool2d"
# Torch's own function is called, so nothing was built.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    return F.max_pool2d(x, kernel_size, stride, padding)


# %% alternative="unfolded" exercise="max_pool2d"
# All windows at once, and the largest along their two dimensions.
# - winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
# - # Taking the winners out of the image, not out of the windows, makes the way back cheap.
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# - index = row * x.shape[3] + column
# - return x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)
# + return windows.amax(dim=(4, 5))

# %% alternative="slices" exercise="max_pool2d"
# One slice of the image for each place in the window, and a running maximum.
# - windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# - winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
# - # Taking the winners out of the image, not out of the windows, makes the way back cheap.
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# - index = row * x.shape[3] + column
# - return x.flatten(2).gather(2, index.flatten(2)).reshape(index.shape)
# + rows, columns = (x.shape[2] - kh) // sh + 1, (x.shape[3] - kw) // sw + 1
# + largest = None
# + for i in range(kh):
# +     for j in range(kw):
# +         piece = x[:, :, i::sh, j::sw][:, :, :rows, :columns]
# +         largest = piece if largest is None else torch.maximum(largest, piece)
# + return largest


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


# %% equivalent exercise="max_pool2d"
# The lesson does not ask for this refusal.
# - kh, kw = pair(kernel_size, name="kernel_size", least=1)
# + kh, kw = pair(kernel_size, name="kernel_size", least=0)
# or
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=0)
# or
# - ph, pw = pair(padding, name="padding", least=0)
# + ph, pw = pair(padding, name="padding", least=-1)
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() < 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() > 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:

# %% equivalent exercise="max_pool2d"
# Padding is a whole number, so rounding half of the window down changes nothing.
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh / 2 or pw > kw // 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 2 or pw > kw / 2:

# %% equivalent exercise="max_pool2d"
# Checks run on the processor alone, where the device is the same.
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# + row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# or
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# + column = winner % kw + sw * torch.arange(winner.shape[3])

# %% misconception="never_counts_padding" exercise="avg_pool2d" of="unfolded"
# The padding is never counted; the argument is ignored.
# - if count_include_pad:
# -     return window_sums(x) / (kh * kw)

# %% misconception="always_counts_padding" exercise="avg_pool2d" of="unfolded"
# The padding is always counted; the argument is ignored.
# - if count_include_pad:
# -     return window_sums(x) / (kh * kw)
# - return window_sums(x) / window_sums(torch.ones_like(x))
# + return window_sums(x) / (kh * kw)

# %% misconception="the_other_way_round" exercise="avg_pool2d" of="unfolded"
# The padding is counted exactly where it should not be.
# - if count_include_pad:
# + if not count_include_pad:

# %% misconception="default_is_false" exercise="avg_pool2d" of="unfolded"
# The padding is not counted unless asked for, where torch counts it.
# - def avg_pool2d(
# -     x: Tensor,
# -     *,
# -     kernel_size: int | tuple[int, int],
# -     stride: int | tuple[int, int] | None = None,
# -     padding: int | tuple[int, int] = 0,
# -     count_include_pad: bool = True,
# - ) -> Tensor:
# + def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=False):

# %% misconception="sums" exercise="avg_pool2d" of="unfolded"
# The sum of each window is returned, without dividing.
# - return window_sums(x) / (kh * kw)
# + return window_sums(x)

# %% misconception="divides_by_the_side" exercise="avg_pool2d" of="unfolded"
# The sum is divided by the height of the window squared.
# - return window_sums(x) / (kh * kw)
# + return window_sums(x) / kh**2

# %% misconception="counts_what_is_not_zero" exercise="avg_pool2d" of="unfolded"
# Pixels that are not 0 are counted, so a dark pixel inside the image is left out.
# - return window_sums(x) / window_sums(torch.ones_like(x))
# + return window_sums(x) / window_sums((x != 0).to(x.dtype))

# %% misconception="pads_minus_infinity" exercise="avg_pool2d" of="unfolded"
# The padding is minus infinity, as in max pooling, and every mean at the border too.
# - image = F.pad(image, (pw, pw, ph, ph))
# + image = F.pad(image, (pw, pw, ph, ph), value=-torch.inf)

# %% misconception="repeats_the_edge" exercise="avg_pool2d" of="unfolded"
# The padding repeats the edge of the image instead of being 0.
# - image = F.pad(image, (pw, pw, ph, ph))
# + image = F.pad(image, (pw, pw, ph, ph), mode="replicate")

# %% misconception="takes_the_largest" exercise="avg_pool2d" of="unfolded"
# The largest value of each window is taken instead of the mean.
# - return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# + return image.unfold(2, kh, sh).unfold(3, kw, sw).amax(dim=(4, 5)) * kh * kw

# %% misconception="takes_the_median" exercise="avg_pool2d" of="unfolded"
# The median of each window is taken instead of the mean.
# - return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# + return image.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4).median(dim=4).values * kh * kw

# %% misconception="swaps_the_window" exercise="avg_pool2d" of="unfolded"
# Height and width of the window are swapped.
# - return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# + return image.unfold(2, kw, sh).unfold(3, kh, sw).sum(dim=(4, 5))

# %% misconception="swaps_the_stride" exercise="avg_pool2d" of="unfolded"
# The strides down and to the right are swapped.
# - return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# + return image.unfold(2, kh, sw).unfold(3, kw, sh).sum(dim=(4, 5))

# %% misconception="stride_of_one" exercise="avg_pool2d" of="unfolded"
# Without a stride the windows lie one pixel apart instead of side by side.
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(1 if stride is None else stride, name="stride", least=1)

# %% misconception="pads_height_as_width" exercise="avg_pool2d" of="unfolded"
# Height and width of the padding are swapped.
# - image = F.pad(image, (pw, pw, ph, ph))
# + image = F.pad(image, (ph, ph, pw, pw))

# %% misconception="mixes_channels" exercise="avg_pool2d" of="unfolded"
# The mean runs over the channels as well.
# - return window_sums(x) / (kh * kw)
# + return (window_sums(x) / (kh * kw)).mean(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)

# %% misconception="through_float32" exercise="avg_pool2d"
# The result goes through 32-bit numbers, so float64 loses half of its digits.
# - rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1
# + dtype, x = x.dtype, x.float()
# ...
# - image = torch.stack([image[..., j::sw][..., :columns] for j in range(kw)]).sum(dim=0)
# - return torch.stack([image[:, :, i::sh][:, :, :rows] for i in range(kh)]).sum(dim=0)
# + return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# ...
# -     return window_sums(x) / (kh * kw)
# - return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))
# +     return (window_sums(x) / (kh * kw)).to(dtype)
# + return (window_sums(x) / window_sums(torch.ones_like(x))).to(dtype)

# %% misconception="detached" exercise="avg_pool2d" of="unfolded"
# The result is built from numbers without their history, so no gradient flows back.
# - return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# + return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5)).detach()


# %% misconception="torchs_own" exercise="avg_pool2d"
# Torch's own function is called, so nothing was built.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    return F.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=count_include_pad)


# %% alternative="unfolded" exercise="avg_pool2d"
# All windows at once, and the counts from an image of ones.
# - rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1
# -
# ...
# - image = torch.stack([image[..., j::sw][..., :columns] for j in range(kw)]).sum(dim=0)
# - return torch.stack([image[:, :, i::sh][:, :, :rows] for i in range(kh)]).sum(dim=0)
# + return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))
# ...
# - return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))
# + return window_sums(x) / window_sums(torch.ones_like(x))

# %% alternative="convolution" exercise="avg_pool2d"
# A convolution of each channel with equal weights.
# - rows, columns = (x.shape[2] + 2 * ph - kh) // sh + 1, (x.shape[3] + 2 * pw - kw) // sw + 1
# -
# ...
# - image = F.pad(image, (pw, pw, ph, ph))
# - image = torch.stack([image[..., j::sw][..., :columns] for j in range(kw)]).sum(dim=0)
# - return torch.stack([image[:, :, i::sh][:, :, :rows] for i in range(kh)]).sum(dim=0)
# + channels = image.shape[1]
# + ones = torch.ones(channels, 1, kh, kw, dtype=image.dtype)
# + return F.conv2d(image, ones, stride=(sh, sw), padding=(ph, pw), groups=channels)
# ...
# - return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))
# + return window_sums(x) / window_sums(torch.ones_like(x))


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


# %% equivalent exercise="avg_pool2d"
# The lesson does not ask for this refusal.
# - kh, kw = pair(kernel_size, name="kernel_size", least=1)
# + kh, kw = pair(kernel_size, name="kernel_size", least=0)
# or
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=0)
# or
# - ph, pw = pair(padding, name="padding", least=0)
# + ph, pw = pair(padding, name="padding", least=-1)
# or
# - if ph > kh // 2 or pw > kw // 2:
# -     raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh * 2 or pw > kw // 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh / 2 or pw > kw // 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 1 or pw > kw // 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 2 and pw > kw // 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 2 or pw > kw * 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 2 or pw > kw / 2:
# or
# - if ph > kh // 2 or pw > kw // 2:
# + if ph > kh // 2 or pw > kw // 1:
# or
# - raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
# + pass
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
# -         f"is at least as large as the window {(kh, kw)}"
# -     )
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() < 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() > 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 and x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 or x.shape[2] + 3 * ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 or x.shape[2] + 2 + ph < kh or x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 or x.shape[2] + 2 * ph < kh and x.shape[3] + 2 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 3 * pw < kw:
# or
# - if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
# + if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 + pw < kw:
# or
# - raise ValueError(
# -     f"x has shape {tuple(x.shape)}; expected (N, C, H, W) that, with padding {padding}, "
# -     f"is at least as large as the window {(kh, kw)}"
# - )
# + pass

# %% equivalent exercise="avg_pool2d"
# One image counts the pixels under each window, and two count the same.
# - return window_sums(x) / window_sums(torch.ones_like(x[:1, :1]))
# + return window_sums(x) / window_sums(torch.ones_like(x[:2, :1]))

# %% misconception="largest" exercise="global_avg_pool"
# The largest pixel of each channel is taken instead of the mean.
# - return x.mean(dim=(2, 3))
# + return x.amax(dim=(2, 3))

# %% misconception="sums" exercise="global_avg_pool"
# The pixels are summed up and not divided.
# - return x.mean(dim=(2, 3))
# + return x.sum(dim=(2, 3))

# %% misconception="keeps_dimensions" exercise="global_avg_pool"
# Height and width stay as dimensions of length 1.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=(2, 3), keepdim=True)

# %% misconception="squeezes" exercise="global_avg_pool"
# Every dimension of length 1 is dropped, that of a single image or channel too.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=(2, 3), keepdim=True).squeeze()

# %% misconception="rows_only" exercise="global_avg_pool"
# The mean runs over the width alone, so the height is left.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=3)

# %% misconception="over_channels" exercise="global_avg_pool"
# The mean runs over the channels as well, so an image becomes one number.
# - return x.mean(dim=(2, 3))
# + return x.flatten(1).mean(dim=1)

# %% misconception="channels_last" exercise="global_avg_pool"
# The channels are taken for the last dimension.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=(1, 2))

# %% misconception="over_the_batch" exercise="global_avg_pool"
# The mean runs over the images as well.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=(0, 2, 3))[None].expand(len(x), -1)

# %% misconception="positive_pixels" exercise="global_avg_pool"
# Only pixels above 0 enter the mean.
# - return x.mean(dim=(2, 3))
# + return x.relu().mean(dim=(2, 3))

# %% misconception="one_map" exercise="global_avg_pool"
# The mean runs over the channels and not over the pixels.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=1).flatten(1)

# %% misconception="divides_by_the_height" exercise="global_avg_pool"
# The sum over all pixels is divided by the height only.
# - return x.mean(dim=(2, 3))
# + return x.sum(dim=(2, 3)) / x.shape[2]

# %% misconception="divides_by_the_width" exercise="global_avg_pool"
# The sum over all pixels is divided by the width only.
# - return x.mean(dim=(2, 3))
# + return x.sum(dim=(2, 3)) / x.shape[3]

# %% misconception="one_row_of_channels" exercise="global_avg_pool"
# The mean runs over the images as well, and one number is left for each channel.
# - return x.mean(dim=(2, 3))
# + return x.mean(dim=(0, 2, 3))

# %% misconception="divides_by_a_side" exercise="global_avg_pool"
# The sum is divided by the width squared, which is right for square images only.
# - return x.mean(dim=(2, 3))
# + return x.sum(dim=(2, 3)) / x.shape[3] ** 2

# %% misconception="detached" exercise="global_avg_pool"
# The result is built from numbers without their history, so no gradient flows back.
# - return x.mean(dim=(2, 3))
# + return x.detach().mean(dim=(2, 3))


# %% alternative="flattened" exercise="global_avg_pool"
# The pixels are flattened first.
# - return x.mean(dim=(2, 3))
# + return x.flatten(2).mean(dim=-1)

# %% alternative="one_axis_at_a_time" exercise="global_avg_pool"
# The mean of the means of the rows.
# - return x.mean(dim=(2, 3))
# + return x.mean(3).mean(2)


# %% equivalent exercise="global_avg_pool"
# The lesson does not ask for this refusal.
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# -     raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() < 4 or x.shape[2] * x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() > 4 or x.shape[2] * x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 and x.shape[2] * x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[1] * x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[3] * x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] + x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] / x.shape[3] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] * x.shape[2] == 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] * x.shape[3] < 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] * x.shape[3] <= 0:
# or
# - if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
# + if x.dim() != 4 or x.shape[2] * x.shape[3] == -1:
# or
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
# + pass

# %% misconception="all_ties" exercise="max_pool2d_backward" of="loops"
# Every pixel that equals the largest gets the full gradient, so more comes out than went in.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += mask * grad

# %% misconception="shared_ties" exercise="max_pool2d_backward" of="loops"
# Pixels that tie share the gradient, where the first one takes it all.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += mask / mask.sum(dim=(2, 3), keepdim=True) * grad

# %% misconception="last_of_ties" exercise="max_pool2d_backward" of="unfolded"
# The last of equal pixels gets the gradient instead of the first.
# - winner = windows.max(dim=4).indices
# + winner = kh * kw - 1 - windows.flip(4).max(dim=4).indices

# %% misconception="overwrites" exercise="max_pool2d_backward" of="unfolded"
# A pixel that wins several windows keeps the gradient of the last one only.
# - return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)
# + return grad_x.scatter(2, index, grad_out.flatten(2)).reshape(x.shape)

# %% misconception="spreads_evenly" exercise="max_pool2d_backward" of="loops"
# The gradient is spread over the whole window, as for average pooling.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += torch.ones_like(mask) / (kh * kw) * grad

# %% misconception="whole_window" exercise="max_pool2d_backward" of="loops"
# Every pixel of the window gets the full gradient.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += torch.ones_like(mask) * grad

# %% misconception="times_the_value" exercise="max_pool2d_backward" of="loops"
# The gradient is multiplied with the winning value, whose slope is 1.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += mask * window * grad

# %% misconception="times_the_winner" exercise="max_pool2d_backward" of="unfolded"
# The gradient is multiplied by the winner's value, where its slope is 1.
# - index = (row * x.shape[3] + column).flatten(2)
# + index = (row * x.shape[3] + column).flatten(2)
# + grad_out = grad_out * windows.amax(dim=4)

# %% misconception="one_winner_for_all_channels" exercise="max_pool2d_backward" of="unfolded"
# The winner is looked for once for all channels instead of in each.
# - winner = windows.max(dim=4).indices
# + winner = windows.sum(dim=1, keepdim=True).max(dim=4).indices.expand(-1, x.shape[1], -1, -1)

# %% misconception="divides_by_the_height" exercise="max_pool2d_backward" of="unfolded"
# The winner's number is split by the height of the window instead of its width.
# - row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3])
# + row = winner // kh + sh * torch.arange(winner.shape[2])[:, None]
# + column = winner % kh + sw * torch.arange(winner.shape[3])

# %% misconception="steps_by_the_window" exercise="max_pool2d_backward" of="unfolded"
# The windows are taken to lie side by side; the argument stride is ignored.
# - row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3])
# + row = winner // kw + kh * torch.arange(winner.shape[2])[:, None]
# + column = winner % kw + kw * torch.arange(winner.shape[3])
# ...
# - return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)
# + return grad_x.scatter_add(
# +     2, index.clamp(max=x.shape[2] * x.shape[3] - 1), grad_out.flatten(2)
# + ).reshape(x.shape)

# %% misconception="swaps_the_stride" exercise="max_pool2d_backward" of="unfolded"
# The strides down and to the right are swapped where the winner is placed.
# - row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3])
# + row = winner // kw + sw * torch.arange(winner.shape[2])[:, None]
# + column = winner % kw + sh * torch.arange(winner.shape[3])
# ...
# - return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)
# + return grad_x.scatter_add(
# +     2, index.clamp(max=x.shape[2] * x.shape[3] - 1), grad_out.flatten(2)
# + ).reshape(x.shape)

# %% misconception="smallest_wins" exercise="max_pool2d_backward" of="unfolded"
# The smallest pixel of the window gets the gradient.
# - winner = windows.max(dim=4).indices
# + winner = windows.min(dim=4).indices

# %% misconception="upper_left_pixel" exercise="max_pool2d_backward" of="unfolded"
# The upper left pixel of the window gets the gradient, whoever won.
# - winner = windows.max(dim=4).indices
# + winner = torch.zeros_like(windows[..., 0], dtype=torch.int64)

# %% misconception="stops_at_zero" exercise="max_pool2d_backward" of="loops"
# Winners at or below 0 get nothing, as if a ReLU stood in between.
# - for n in range(x.shape[0]):
# -     for c in range(x.shape[1]):
# -         window = x[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
# -         down, right = divmod(window.flatten().argmax().item(), kw)
# -         grad_x[n, c, i * sh + down, j * sw + right] += grad_out[n, c, i, j]
# + part = (
# +     slice(None),
# +     slice(None),
# +     slice(i * sh, i * sh + kh),
# +     slice(j * sw, j * sw + kw),
# + )
# + window, grad = x[part], grad_out[:, :, i, j, None, None]
# + mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
# + grad_x[part] += (mask.cumsum(2).cumsum(3) == 1) * mask * (window > 0) * grad

# %% misconception="in_place" exercise="max_pool2d_backward" of="unfolded"
# The gradient is written into the image itself.
# - grad_x = torch.zeros_like(x.flatten(2))
# + y = x.clone()
# + x.zero_()
# + grad_x = torch.zeros_like(y.flatten(2))

# %% misconception="default_stride_of_one" exercise="max_pool2d_backward" of="unfolded"
# Without a stride the windows are taken to lie one pixel apart.
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(1 if stride is None else stride, name="stride", least=1)

# %% misconception="takes_any_gradient" exercise="max_pool2d_backward" of="unfolded"
# A gradient of another shape is broadcast or cut off instead of being refused.
# - if grad_out.shape != winner.shape:
# -     raise ValueError(
# -         f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}, "
# -         "the shape of the output"
# -     )
# + grad_out = grad_out[:, :, : winner.shape[2], : winner.shape[3]].expand(winner.shape)

# %% misconception="adds_into_float32" exercise="max_pool2d_backward" of="unfolded"
# The zeros to add into are 32-bit numbers, so a gradient in float64 does not fit.
# - grad_x = torch.zeros_like(x.flatten(2))
# + n, c, h, w = x.shape
# + grad_x = torch.zeros(n, c, h * w)


# %% misconception="by_autograd" exercise="max_pool2d_backward"
# Autograd is asked, so the backward pass was not written.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    pair(1 if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    leaf = x.clone().requires_grad_()
    y = F.max_pool2d(leaf, kernel_size, stride)
    return torch.autograd.grad(y, leaf, grad_out)[0]


# %% alternative="unfolded" exercise="max_pool2d_backward"
# All winners at once, added into a flat image.
# - windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# - winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
# + windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
# + winner = windows.max(dim=4).indices
# ...
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# - index = row * x.shape[3] + column
# - grad_x = torch.zeros_like(x.flatten(2), dtype=grad_out.dtype)
# - return grad_x.scatter_add(2, index.flatten(2), grad_out.flatten(2)).reshape(x.shape)
# + row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# + column = winner % kw + sw * torch.arange(winner.shape[3])
# + index = (row * x.shape[3] + column).flatten(2)
# + grad_x = torch.zeros_like(x.flatten(2))
# + return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


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
# - windows = x.unfold(2, kh, sh).unfold(3, kw, sw)  # (N, C, H', W', kh, kw)
# - winner = windows.movedim((4, 5), (0, 1)).flatten(0, 1).max(dim=0).indices
# + _, winner = F.max_pool2d(x, (kh, kw), (sh, sw), return_indices=True)
# ...
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# - index = row * x.shape[3] + column
# - grad_x = torch.zeros_like(x.flatten(2), dtype=grad_out.dtype)
# - return grad_x.scatter_add(2, index.flatten(2), grad_out.flatten(2)).reshape(x.shape)
# + index = winner.flatten(2)
# + grad_x = torch.zeros_like(x.flatten(2))
# + return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% equivalent exercise="max_pool2d_backward"
# The lesson does not ask for this refusal.
# - kh, kw = pair(kernel_size, name="kernel_size", least=1)
# + kh, kw = pair(kernel_size, name="kernel_size", least=0)
# or
# - sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
# + sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=0)
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)}; expected (N, C, H, W) at least as large as the "
# -         f"window {(kh, kw)}"
# -     )
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# + if x.dim() < 4 or x.shape[2] < kh or x.shape[3] < kw:
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# + if x.dim() > 4 or x.shape[2] < kh or x.shape[3] < kw:
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# + if x.dim() != 4 and x.shape[2] < kh or x.shape[3] < kw:
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# + if x.dim() != 4 or x.shape[2] < kh and x.shape[3] < kw:
# or
# - if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
# + if x.dim() != 4 or x.shape[2] < kh or x.shape[2] < kw:
# or
# - raise ValueError(
# -     f"x has shape {tuple(x.shape)}; expected (N, C, H, W) at least as large as the "
# -     f"window {(kh, kw)}"
# - )
# + pass

# %% equivalent exercise="max_pool2d_backward"
# Checks run on the processor alone, where the device is the same.
# - row = winner // kw + sh * torch.arange(winner.shape[2], device=x.device)[:, None]
# + row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
# or
# - column = winner % kw + sw * torch.arange(winner.shape[3], device=x.device)
# + column = winner % kw + sw * torch.arange(winner.shape[3])

# %% equivalent exercise="max_pool2d_backward"
# The gradient of the output has the dtype of x.
# - grad_x = torch.zeros_like(x.flatten(2), dtype=grad_out.dtype)
# + grad_x = torch.zeros_like(x.flatten(2))


# %% misconception="zeros" exercise="unmask"
# An image of zeros cannot be exceeded by zeros.
def unmask(shape):
    return torch.zeros(shape)


# %% misconception="ones" exercise="unmask"
# Where all pixels are 1, the zeros of the padding lose.
def unmask(shape):
    return torch.ones(shape)


# %% misconception="half_below_zero" exercise="unmask"
# Some pixels are above 0, so no output is larger than all of them.
def unmask(shape):
    return torch.arange(math.prod(shape)).reshape(shape) - math.prod(shape) / 2.0


# %% misconception="dark_border" exercise="unmask"
# The border is below 0, but pixels inside are not, and the largest pixel stays the largest.
def unmask(shape):
    x = -torch.ones(shape)
    x[:, :, 0, 0] = 1.0
    return x


# %% misconception="fixed_shape" exercise="unmask"
# The shape is not taken from the argument.
def unmask(shape):
    return -torch.ones(1, 1, 4, 6)


# %% misconception="bright_at_the_right" exercise="unmask"
# The padded border holds the brightest pixels, which win there.
def unmask(shape):
    x = -torch.ones(shape)
    x[:, :, :, -1] = 2.0
    return x


# %% misconception="not_a_number" exercise="unmask"
# Not a number wins every window, and is no image.
def unmask(shape):
    return torch.full(shape, torch.nan)


# %% misconception="minus_infinity" exercise="unmask"
# Pixels of minus infinity are no image that a network sends.
def unmask(shape):
    return torch.full(shape, -torch.inf)


# %% alternative="far_below_zero" exercise="unmask"
# Different numbers, all of them below 0.
def unmask(shape):
    return -1.0 - torch.rand(shape)


# %% alternative="float64" exercise="unmask"
# Any dtype and any negative number will do.
def unmask(shape):
    return torch.full(shape, -0.001, dtype=torch.float64)


# %% misconception="exhibit" exercise="same_max_pool2d"
# The exhibit as it stands: its padding of 0 wins over pixels below 0.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + return F.max_pool2d(F.pad(x, sides), kernel_size, stride)

# %% misconception="minus_one" exercise="same_max_pool2d"
# The padding is -1, which still wins over pixels below it.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + return F.max_pool2d(F.pad(x, sides, value=-1.0), kernel_size, stride)

# %% misconception="minus_billion" exercise="same_max_pool2d"
# The padding is minus a billion, which still wins over pixels below it.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + return F.max_pool2d(F.pad(x, sides, value=-1e9), kernel_size, stride)

# %% misconception="odd_pixel_first" exercise="same_max_pool2d"
# The odd pixel of padding lies at the top and at the left.
# - sides += [extra // 2, extra - extra // 2]
# + sides += [extra - extra // 2, extra // 2]

# %% misconception="all_at_the_end" exercise="same_max_pool2d"
# All padding lies at the bottom and at the right.
# - sides += [extra // 2, extra - extra // 2]
# + sides += [0, extra]


# %% misconception="torchs_padding" exercise="same_max_pool2d"
# Half of the window is padded on both sides, which moves the windows.
def same_max_pool2d(x, *, kernel_size, stride):
    return F.max_pool2d(x, kernel_size, stride, padding=kernel_size // 2)


# %% misconception="no_padding" exercise="same_max_pool2d"
# No padding at all: sizes are rounded down.
def same_max_pool2d(x, *, kernel_size, stride):
    return F.max_pool2d(x, kernel_size, stride)


# %% misconception="swaps_the_sides" exercise="same_max_pool2d"
# The padding for the height lies at the left and right, that for the width above and below.
# - for size in (x.shape[3], x.shape[2]):
# + for size in (x.shape[2], x.shape[3]):


# %% misconception="rounds_up_only" exercise="same_max_pool2d"
# torch's ceil_mode keeps the last window and moves none to the left.
def same_max_pool2d(x, *, kernel_size, stride):
    return F.max_pool2d(x, kernel_size, stride, ceil_mode=True)


# %% misconception="shifts_to_positive" exercise="same_max_pool2d"
# The image is made positive first and stays so.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + return F.max_pool2d(F.pad(x - x.min(), sides), kernel_size, stride)

# %% alternative="by_amax" exercise="same_max_pool2d"
# Padded by hand, windows by unfold.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + padded = F.pad(x, sides, value=torch.finfo(x.dtype).min)
# + windows = padded.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride)
# + return windows.amax(dim=(4, 5))

# %% alternative="smallest_pixel" exercise="same_max_pool2d"
# The smallest pixel of all as padding: it can tie, but not win.
# - return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)
# + padded = F.pad(x, sides, value=float(x.min()))
# + return F.max_pool2d(padded, kernel_size, stride)

# %% misconception="one_pixel" exercise="equal_shift"
# After a shift by one pixel the samples are the pixels that were left out before.
# - return (0, 4)
# + return (0, 1)

# %% misconception="two_pixels" exercise="equal_shift"
# One of the two strides is forgotten.
# - return (0, 4)
# + return (0, 2)

# %% misconception="side_of_a_filter" exercise="equal_shift"
# A shift by the side of a filter, which has nothing to do with the samples.
# - return (0, 4)
# + return (3, 3)

# %% misconception="one_direction_only" exercise="equal_shift"
# To the right the samples come back to their places, downwards they do not.
# - return (0, 4)
# + return (2, 4)

# %% misconception="no_shift" exercise="equal_shift"
# A shift by nothing makes no difference to anything.
# - return (0, 4)
# + return (0, 0)

# %% misconception="once_round" exercise="equal_shift"
# The image moves round until it is where it was.
# - return (0, 4)
# + return (0, 16)

# %% misconception="one_number" exercise="equal_shift"
# A tuple of one number is returned in place of a pair.
# - return (0, 4)
# + return (4,)

# %% misconception="no_pair" exercise="equal_shift"
# One number is returned, and no pair at all.
# - return (0, 4)
# + return 4

# %% misconception="no_whole_number" exercise="equal_shift"
# The shift is no whole number.
# - return (0, 4)
# + return (0, 3.5)

# %% alternative="down" exercise="equal_shift"
# Down is as good.
# - return (0, 4)
# + return (4, 0)

# %% alternative="both_ways" exercise="equal_shift"
# Both ways at once, and backwards.
# - return (0, 4)
# + return (-4, 4)

# %% alternative="a_list" exercise="equal_shift"
# A list of two numbers.
# - return (0, 4)
# + return [4, -4]

# %% misconception="first_grid" exercise="polyphase_sample"
# The first grid is kept whatever the image holds, as a stride does.
# - return grids[torch.arange(len(x), device=x.device), largest]
# + return x[:, :, ::sh, ::sw]

# %% misconception="one_grid_for_the_batch" exercise="polyphase_sample"
# The norm runs over the images too, so all of them are sampled on one grid.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# - return grids[torch.arange(len(x), device=x.device), largest]
# + return grids[:, torch.linalg.vector_norm(grids, dim=(0, 2, 3, 4)).argmax()]

# %% misconception="each_channel_its_grid" exercise="polyphase_sample"
# Each channel is sampled on a grid of its own, so channels are no longer aligned.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# - return grids[torch.arange(len(x), device=x.device), largest]
# + largest = torch.linalg.vector_norm(grids, dim=(3, 4)).argmax(dim=1)
# + n, c = torch.arange(len(x))[:, None], torch.arange(x.shape[1])
# + return grids[n, largest, c]

# %% misconception="largest_sum" exercise="polyphase_sample"
# The sum of the pixels decides, where pixels below 0 count against a grid.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = grids.sum(dim=(2, 3, 4)).argmax(dim=1)

# %% misconception="sum_of_magnitudes" exercise="polyphase_sample"
# The sum of the absolute values decides in place of the root of the sum of squares.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = grids.abs().sum(dim=(2, 3, 4)).argmax(dim=1)

# %% misconception="largest_pixel" exercise="polyphase_sample"
# The grid that holds the largest pixel is kept.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = grids.amax(dim=(2, 3, 4)).argmax(dim=1)

# %% misconception="largest_magnitude" exercise="polyphase_sample"
# The grid that holds the pixel of largest absolute value is kept.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = grids.abs().amax(dim=(2, 3, 4)).argmax(dim=1)

# %% misconception="smallest_norm" exercise="polyphase_sample"
# The grid of smallest norm is kept.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmin(dim=1)

# %% misconception="last_of_ties" exercise="polyphase_sample"
# Of grids with the same norm the last is kept.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + norms = torch.linalg.vector_norm(grids, dim=(2, 3, 4))
# + largest = norms.shape[1] - 1 - norms.flip(1).argmax(dim=1)

# %% misconception="column_by_column" exercise="polyphase_sample"
# The grids are numbered column by column, so the first of ties is another one.
# - grids = torch.stack([x[:, :, i::sh, j::sw] for i in range(sh) for j in range(sw)], dim=1)
# + grids = torch.stack([x[:, :, i::sh, j::sw] for j in range(sw) for i in range(sh)], dim=1)

# %% misconception="swaps_the_strides" exercise="polyphase_sample"
# The stride's height is taken for its width.
# - sh, sw = pair(stride, name="stride", least=1)
# + sw, sh = pair(stride, name="stride", least=1)

# %% misconception="blocks" exercise="polyphase_sample"
# The image is cut into blocks of neighbours, in place of grids of pixels a stride apart.
# - grids = torch.stack([x[:, :, i::sh, j::sw] for i in range(sh) for j in range(sw)], dim=1)
# + a, b = x.shape[2] // sh, x.shape[3] // sw
# + corners = [(i * a, j * b) for i in range(sh) for j in range(sw)]
# + grids = torch.stack([x[:, :, i : i + a, j : j + b] for i, j in corners], dim=1)

# %% misconception="by_the_first_channel" exercise="polyphase_sample"
# The first channel alone decides.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = torch.linalg.vector_norm(grids[:, :, 0], dim=(2, 3)).argmax(dim=1)

# %% misconception="largest_in_each_window" exercise="polyphase_sample"
# The largest pixel of each window is taken, which is max pooling.
# - grids = torch.stack([x[:, :, i::sh, j::sw] for i in range(sh) for j in range(sw)], dim=1)
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# - return grids[torch.arange(len(x), device=x.device), largest]
# + return F.max_pool2d(x, (sh, sw))

# %% misconception="detached" exercise="polyphase_sample"
# The grid is taken out of the graph, so no gradient flows back.
# - return grids[torch.arange(len(x), device=x.device), largest]
# + return grids.detach()[torch.arange(len(x)), largest]

# %% misconception="takes_any_size" exercise="polyphase_sample"
# Where the stride does not divide the sides, rows and columns at the end are cut off.
# - if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with H and W multiples of the "
# -         f"stride {(sh, sw)}"
# -     )
# + x = x[:, :, : x.shape[2] // sh * sh, : x.shape[3] // sw * sw]

# %% misconception="silent_error" exercise="polyphase_sample"
# The error does not say what was passed.
# - if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
# -     raise ValueError(
# -         f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with H and W multiples of the "
# -         f"stride {(sh, sw)}"
# -     )
# + if x.shape[2] % sh or x.shape[3] % sw:
# +     raise ValueError("bad stride")

# %% alternative="squares" exercise="polyphase_sample"
# The sums of squares decide as their roots do.
# - largest = torch.linalg.vector_norm(grids, dim=(2, 3, 4)).argmax(dim=1)
# + largest = grids.square().sum(dim=(2, 3, 4)).argmax(dim=1)


# %% alternative="reshaped" exercise="polyphase_sample"
# Grids by a reshape, and the one that is kept by gather.
def polyphase_sample(x, *, stride):
    sh, sw = pair(stride, name="stride", least=1)
    n, c, h, w = x.shape
    if h % sh or w % sw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the stride is {(sh, sw)}")
    grids = x.reshape(n, c, h // sh, sh, w // sw, sw).permute(0, 3, 5, 1, 2, 4).flatten(1, 2)
    largest = grids.flatten(2).square().sum(dim=2).argmax(dim=1)
    index = largest[:, None, None, None, None].expand(-1, 1, *grids.shape[2:])
    return grids.gather(1, index)[:, 0]


# %% alternative="loops" exercise="polyphase_sample"
# Image by image.
def polyphase_sample(x, *, stride):
    sh, sw = pair(stride, name="stride", least=1)
    if x.shape[2] % sh or x.shape[3] % sw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the stride is {(sh, sw)}")
    kept = []
    for image in x:
        grids = [image[:, i::sh, j::sw] for i in range(sh) for j in range(sw)]
        kept.append(max(grids, key=lambda grid: (grid**2).sum().item()))
    return torch.stack(kept)


# %% equivalent exercise="polyphase_sample"
# The lesson does not ask for this refusal.
# - sh, sw = pair(stride, name="stride", least=1)
# + sh, sw = pair(stride, name="stride", least=0)
# or
# - if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
# + if x.dim() < 4 or x.shape[2] % sh or x.shape[3] % sw:
# or
# - if x.dim() != 4 or x.shape[2] % sh or x.shape[3] % sw:
# + if x.dim() > 4 or x.shape[2] % sh or x.shape[3] % sw:

# %% equivalent exercise="polyphase_sample"
# Checks run on the processor alone, where the device is the same.
# - return grids[torch.arange(len(x), device=x.device), largest]
# + return grids[torch.arange(len(x)), largest]
