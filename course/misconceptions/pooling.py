"""Wrong answers to the exercises of the lesson on pooling, each with what went wrong in it.

Hidden tests must reject every one, and feedback names the one whose outputs equal a student's.
"""


# %% misconception="goes_round" exercise="shift_consistency"
# What leaves the image at one side comes in at the other.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = x.roll((down, right), dims=(2, 3))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="up_and_left" exercise="shift_consistency"
# The image moves up and to the left where it should move down and to the right.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (-right, right, -down, down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="swapped_directions" exercise="shift_consistency"
# The two numbers of shift are taken as (right, down).
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    right, down = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="right_only" exercise="shift_consistency"
# A single number moves the image to the right only, not down.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (0, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="down_only" exercise="shift_consistency"
# A single number moves the image down only, not to the right.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, 0) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="repeats_the_edge" exercise="shift_consistency"
# The pixels that come in repeat the edge of the image instead of being 0.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    rows = (torch.arange(x.shape[2]) - down).clamp(0, x.shape[2] - 1)
    columns = (torch.arange(x.shape[3]) - right).clamp(0, x.shape[3] - 1)
    shifted = x[:, :, rows][:, :, :, columns]
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="ones_come_in" exercise="shift_consistency"
# The pixels that come in are 1, which is white in many images, instead of 0.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down), value=1.0)
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="compares_scores" exercise="shift_consistency"
# Scores are compared instead of answers, so any change of a score counts.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = (model(x) == model(shifted)).all(dim=1)
    return same.double().mean().item()


# %% misconception="share_that_changes" exercise="shift_consistency"
# The share of answers that change is returned.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) != model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="count_of_images" exercise="shift_consistency"
# The number of images is returned instead of their share.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return float(same.sum())


# %% misconception="all_or_nothing" exercise="shift_consistency"
# The result is 1 only where every answer stays, and 0 otherwise.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return float(same.all())


# %% misconception="first_image" exercise="shift_consistency"
# Only the first image of the batch is looked at.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return float(same[0])


# %% misconception="answer_over_images" exercise="shift_consistency"
# argmax runs over the images instead of the classes.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=0) == model(shifted).argmax(dim=0)
    return same.double().mean().item()


# %% misconception="size_of_the_shift" exercise="shift_consistency"
# The sign of the shift is dropped, so images never move up or to the left.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (abs(right), -abs(right), abs(down), -abs(down)))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="in_place" exercise="shift_consistency"
# The images themselves are overwritten by the shifted ones.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down)).clone()
    x.copy_(shifted)
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="takes_any_shift" exercise="shift_consistency"
# A shift that moves the whole image out is taken as it is.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="refuses_by_height" exercise="shift_consistency"
# Both numbers are compared with the height, so a wide image cannot move far to the right.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[2]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="takes_no_image" exercise="shift_consistency"
# An empty batch is taken as it is, and the share of nothing is not a number.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError(f"shift is {shift}; expected less than the image")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="silent_error" exercise="shift_consistency"
# The error does not name the shift that was passed.
def shift_consistency(model, x, *, shift):
    if x.dim() != 4 or x.numel() == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W), none of them 0")
    down, right = (shift, shift) if isinstance(shift, int) else shift
    if abs(down) >= x.shape[2] or abs(right) >= x.shape[3]:
        raise ValueError("bad shift")
    shifted = F.pad(x, (right, -right, down, -down))
    with torch.no_grad():
        same = model(x).argmax(dim=1) == model(shifted).argmax(dim=1)
    return same.double().mean().item()


# %% misconception="zeros_win" exercise="max_pool2d"
# The padding is 0, which wins over pixels below 0.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph))
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="small_padding_value" exercise="max_pool2d"
# The padding is -1, which still wins over pixels below it.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-1.0)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="billion_wins" exercise="max_pool2d"
# The padding is minus a billion, which still wins over pixels below it.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-1e9)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="pads_one_side" exercise="max_pool2d"
# Only the right and the lower border are padded.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (0, pw, 0, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="pads_height_as_width" exercise="max_pool2d"
# Height and width of the padding are swapped.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (ph, ph, pw, pw), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="swaps_the_window" exercise="max_pool2d"
# Height and width of the window are swapped.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kw, sh).unfold(3, kh, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="swaps_the_stride" exercise="max_pool2d"
# The strides down and to the right are swapped.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sw).unfold(3, kw, sh)
    return windows.amax(dim=(4, 5))


# %% misconception="stride_of_one" exercise="max_pool2d"
# Without a stride the windows lie one pixel apart instead of side by side.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(1 if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="ignores_the_stride" exercise="max_pool2d"
# The windows always lie side by side; the argument stride is ignored.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    sh, sw = kh, kw
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="takes_the_mean" exercise="max_pool2d"
# The mean of each window is taken instead of the largest value.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=0.0)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.mean(dim=(4, 5))


# %% misconception="largest_magnitude" exercise="max_pool2d"
# The value of the largest magnitude is taken, whatever its sign.
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
    flat = windows.flatten(4)
    magnitude = torch.where(flat.isinf(), -1.0, flat.abs())
    return flat.gather(4, magnitude.argmax(dim=4, keepdim=True))[..., 0]


# %% misconception="over_channels" exercise="max_pool2d"
# The maximum runs over the channels as well, so all channels come out alike.
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
    return windows.amax(dim=(4, 5)).amax(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)


# %% misconception="detached" exercise="max_pool2d"
# The result is built from numbers without their history, so no gradient flows back.
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
    return windows.amax(dim=(4, 5)).detach()


# %% misconception="partial_windows" exercise="max_pool2d"
# Windows that reach over the lower and right border are kept: sizes are rounded up.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    over = [(s - n % s) % s for n, s in ((x.shape[3] - kw, sw), (x.shape[2] - kh, sh))]
    x = F.pad(x, (0, over[0], 0, over[1]), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="through_float32" exercise="max_pool2d"
# The result goes through 32-bit numbers, so float64 loses half of its digits.
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
    return windows.float().amax(dim=(4, 5)).to(x.dtype)


# %% misconception="finite_padding_of_float32" exercise="max_pool2d"
# The padding is the lowest 32-bit number, which does not fit into 16 bits.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    lowest = torch.finfo(torch.float32).min
    x = F.pad(x.double(), (pw, pw, ph, ph), value=lowest).float()
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="in_place" exercise="max_pool2d"
# Every pixel is shifted in the input itself to make all of them positive.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    least = x.min().item()
    x -= least
    x = F.pad(x, (pw, pw, ph, ph), value=-1.0)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5)) + least


# %% misconception="takes_any_padding" exercise="max_pool2d"
# Padding above half of the window is taken, and whole windows lie outside the image.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="half_of_the_larger_side" exercise="max_pool2d"
# The padding is compared with the larger side of the window for both directions.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if max(ph, pw) > max(kh, kw) // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw)
    return windows.amax(dim=(4, 5))


# %% misconception="takes_three_dimensions" exercise="max_pool2d"
# An image without a batch is taken as it is.
def max_pool2d(x, *, kernel_size, stride=None, padding=0):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.shape[-2] + 2 * ph < kh or x.shape[-1] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    x = F.pad(x, (pw, pw, ph, ph), value=-torch.inf)
    windows = x.unfold(-2, kh, sh).unfold(-2, kw, sw)
    return windows.amax(dim=(-2, -1))


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


# %% misconception="never_counts_padding" exercise="avg_pool2d"
# The padding is never counted; the argument is ignored.
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

    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="always_counts_padding" exercise="avg_pool2d"
# The padding is always counted; the argument is ignored.
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

    return window_sums(x) / (kh * kw)


# %% misconception="the_other_way_round" exercise="avg_pool2d"
# The padding is counted exactly where it should not be.
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

    if not count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="default_is_false" exercise="avg_pool2d"
# The padding is not counted unless asked for, where torch counts it.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=False):
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


# %% misconception="sums" exercise="avg_pool2d"
# The sum of each window is returned, without dividing.
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
        return window_sums(x)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="divides_by_the_side" exercise="avg_pool2d"
# The sum is divided by the height of the window squared.
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
        return window_sums(x) / kh**2
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="counts_what_is_not_zero" exercise="avg_pool2d"
# Pixels that are not 0 are counted, so a dark pixel inside the image is left out.
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
    return window_sums(x) / window_sums((x != 0).to(x.dtype))


# %% misconception="pads_minus_infinity" exercise="avg_pool2d"
# The padding is minus infinity, as in max pooling, and every mean at the border too.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph), value=-torch.inf)
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="repeats_the_edge" exercise="avg_pool2d"
# The padding repeats the edge of the image instead of being 0.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph), mode="replicate")
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="takes_the_largest" exercise="avg_pool2d"
# The largest value of each window is taken instead of the mean.
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
        return image.unfold(2, kh, sh).unfold(3, kw, sw).amax(dim=(4, 5)) * kh * kw

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="takes_the_median" exercise="avg_pool2d"
# The median of each window is taken instead of the mean.
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
        return image.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4).median(dim=4).values * kh * kw

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="swaps_the_window" exercise="avg_pool2d"
# Height and width of the window are swapped.
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
        return image.unfold(2, kw, sh).unfold(3, kh, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="swaps_the_stride" exercise="avg_pool2d"
# The strides down and to the right are swapped.
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
        return image.unfold(2, kh, sw).unfold(3, kw, sh).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="stride_of_one" exercise="avg_pool2d"
# Without a stride the windows lie one pixel apart instead of side by side.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(1 if stride is None else stride, name="stride", least=1)
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


# %% misconception="pads_height_as_width" exercise="avg_pool2d"
# Height and width of the padding are swapped.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (ph, ph, pw, pw))
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="mixes_channels" exercise="avg_pool2d"
# The mean runs over the channels as well.
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
        return (window_sums(x) / (kh * kw)).mean(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="through_float32" exercise="avg_pool2d"
# The result goes through 32-bit numbers, so float64 loses half of its digits.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    dtype, x = x.dtype, x.float()

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph))
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return (window_sums(x) / (kh * kw)).to(dtype)
    return (window_sums(x) / window_sums(torch.ones_like(x))).to(dtype)


# %% misconception="detached" exercise="avg_pool2d"
# The result is built from numbers without their history, so no gradient flows back.
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
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5)).detach()

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="takes_any_padding" exercise="avg_pool2d"
# Padding above half of the window is taken, and whole windows lie outside the image.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if x.dim() != 4 or x.shape[2] + 2 * ph < kh or x.shape[3] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph))
        return image.unfold(2, kh, sh).unfold(3, kw, sw).sum(dim=(4, 5))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="takes_three_dimensions" exercise="avg_pool2d"
# An image without a batch is taken as it is.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    ph, pw = pair(padding, name="padding", least=0)
    if ph > kh // 2 or pw > kw // 2:
        raise ValueError(f"padding is {padding}; expected at most half of {(kh, kw)}")
    if x.shape[-2] + 2 * ph < kh or x.shape[-1] + 2 * pw < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")

    def window_sums(image):
        image = F.pad(image, (pw, pw, ph, ph))
        return image.unfold(-2, kh, sh).unfold(-2, kw, sw).sum(dim=(-2, -1))

    if count_include_pad:
        return window_sums(x) / (kh * kw)
    return window_sums(x) / window_sums(torch.ones_like(x))


# %% misconception="torchs_own" exercise="avg_pool2d"
# Torch's own function is called, so nothing was built.
def avg_pool2d(x, *, kernel_size, stride=None, padding=0, count_include_pad=True):
    return F.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=count_include_pad)


# %% misconception="largest" exercise="global_avg_pool"
# The largest pixel of each channel is taken instead of the mean.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.amax(dim=(2, 3))


# %% misconception="sums" exercise="global_avg_pool"
# The pixels are summed up and not divided.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.sum(dim=(2, 3))


# %% misconception="keeps_dimensions" exercise="global_avg_pool"
# Height and width stay as dimensions of length 1.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3), keepdim=True)


# %% misconception="squeezes" exercise="global_avg_pool"
# Every dimension of length 1 is dropped, that of a single image or channel too.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3), keepdim=True).squeeze()


# %% misconception="rows_only" exercise="global_avg_pool"
# The mean runs over the width alone, so the height is left.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=3)


# %% misconception="over_channels" exercise="global_avg_pool"
# The mean runs over the channels as well, so an image becomes one number.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.flatten(1).mean(dim=1)


# %% misconception="channels_last" exercise="global_avg_pool"
# The channels are taken for the last dimension.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(1, 2))


# %% misconception="over_the_batch" exercise="global_avg_pool"
# The mean runs over the images as well.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(0, 2, 3))[None].expand(len(x), -1)


# %% misconception="positive_pixels" exercise="global_avg_pool"
# Only pixels above 0 enter the mean.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.relu().mean(dim=(2, 3))


# %% misconception="divides_by_a_side" exercise="global_avg_pool"
# The sum is divided by the width squared, which is right for square images only.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.sum(dim=(2, 3)) / x.shape[3] ** 2


# %% misconception="detached" exercise="global_avg_pool"
# The result is built from numbers without their history, so no gradient flows back.
def global_avg_pool(x):
    if x.dim() != 4 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.detach().mean(dim=(2, 3))


# %% misconception="takes_three_dimensions" exercise="global_avg_pool"
# An image without a batch is taken as it is.
def global_avg_pool(x):
    return x.mean(dim=(-2, -1))


# %% misconception="takes_no_pixels" exercise="global_avg_pool"
# An image without pixels is taken as it is, and its mean is not a number.
def global_avg_pool(x):
    if x.dim() != 4:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, C, H, W) with pixels in it")
    return x.mean(dim=(2, 3))


# %% misconception="all_ties" exercise="max_pool2d_backward"
# Every pixel that equals the largest gets the full gradient, so more comes out than went in.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += mask * grad
    return grad_x


# %% misconception="shared_ties" exercise="max_pool2d_backward"
# Pixels that tie share the gradient, where the first one takes it all.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += mask / mask.sum(dim=(2, 3), keepdim=True) * grad
    return grad_x


# %% misconception="last_of_ties" exercise="max_pool2d_backward"
# The last of equal pixels gets the gradient instead of the first.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = kh * kw - 1 - windows.flip(4).max(dim=4).indices
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="overwrites" exercise="max_pool2d_backward"
# A pixel that wins several windows keeps the gradient of the last one only.
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
    return grad_x.scatter(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="spreads_evenly" exercise="max_pool2d_backward"
# The gradient is spread over the whole window, as for average pooling.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += torch.ones_like(mask) / (kh * kw) * grad
    return grad_x


# %% misconception="whole_window" exercise="max_pool2d_backward"
# Every pixel of the window gets the full gradient.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += torch.ones_like(mask) * grad
    return grad_x


# %% misconception="times_the_value" exercise="max_pool2d_backward"
# The gradient is multiplied with the winning value, whose slope is 1.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += mask * window * grad
    return grad_x


# %% misconception="one_winner_for_all_channels" exercise="max_pool2d_backward"
# The winner is looked for once for all channels instead of in each.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = windows.sum(dim=1, keepdim=True).max(dim=4).indices.expand(-1, x.shape[1], -1, -1)
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="divides_by_the_height" exercise="max_pool2d_backward"
# The winner's number is split by the height of the window instead of its width.
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
    row = winner // kh + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kh + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="steps_by_the_window" exercise="max_pool2d_backward"
# The windows are taken to lie side by side; the argument stride is ignored.
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
    row = winner // kw + kh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + kw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(
        2, index.clamp(max=x.shape[2] * x.shape[3] - 1), grad_out.flatten(2)
    ).reshape(x.shape)


# %% misconception="swaps_the_stride" exercise="max_pool2d_backward"
# The strides down and to the right are swapped where the winner is placed.
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
    row = winner // kw + sw * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sh * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(
        2, index.clamp(max=x.shape[2] * x.shape[3] - 1), grad_out.flatten(2)
    ).reshape(x.shape)


# %% misconception="smallest_wins" exercise="max_pool2d_backward"
# The smallest pixel of the window gets the gradient.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = windows.min(dim=4).indices
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="upper_left_pixel" exercise="max_pool2d_backward"
# The upper left pixel of the window gets the gradient, whoever won.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = torch.zeros_like(windows[..., 0], dtype=torch.int64)
    if grad_out.shape != winner.shape:
        raise ValueError(
            f"grad_out has shape {tuple(grad_out.shape)}; expected {tuple(winner.shape)}"
        )
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="stops_at_zero" exercise="max_pool2d_backward"
# Winners at or below 0 get nothing, as if a ReLU stood in between.
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
            part = (
                slice(None),
                slice(None),
                slice(i * sh, i * sh + kh),
                slice(j * sw, j * sw + kw),
            )
            window, grad = x[part], grad_out[:, :, i, j, None, None]
            mask = (window == window.amax(dim=(2, 3), keepdim=True)).to(x.dtype)
            grad_x[part] += (mask.cumsum(2).cumsum(3) == 1) * mask * (window > 0) * grad
    return grad_x


# %% misconception="in_place" exercise="max_pool2d_backward"
# The gradient is written into the image itself.
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
    y = x.clone()
    x.zero_()
    grad_x = torch.zeros_like(y.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="default_stride_of_one" exercise="max_pool2d_backward"
# Without a stride the windows are taken to lie one pixel apart.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(1 if stride is None else stride, name="stride", least=1)
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


# %% misconception="takes_any_gradient" exercise="max_pool2d_backward"
# A gradient of another shape is broadcast or cut off instead of being refused.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
    if x.dim() != 4 or x.shape[2] < kh or x.shape[3] < kw:
        raise ValueError(f"x has shape {tuple(x.shape)}; the window is {(kh, kw)}")
    windows = x.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    winner = windows.max(dim=4).indices
    grad_out = grad_out[:, :, : winner.shape[2], : winner.shape[3]].expand(winner.shape)
    row = winner // kw + sh * torch.arange(winner.shape[2])[:, None]
    column = winner % kw + sw * torch.arange(winner.shape[3])
    index = (row * x.shape[3] + column).flatten(2)
    grad_x = torch.zeros_like(x.flatten(2))
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="adds_into_float32" exercise="max_pool2d_backward"
# The zeros to add into are 32-bit numbers, so a gradient in float64 does not fit.
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
    n, c, h, w = x.shape
    grad_x = torch.zeros(n, c, h * w)
    return grad_x.scatter_add(2, index, grad_out.flatten(2)).reshape(x.shape)


# %% misconception="takes_any_window" exercise="max_pool2d_backward"
# A window larger than the image is left to torch, which raises another error.
def max_pool2d_backward(grad_out, x, *, kernel_size, stride=None):
    kh, kw = pair(kernel_size, name="kernel_size", least=1)
    sh, sw = pair(kernel_size if stride is None else stride, name="stride", least=1)
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


# %% misconception="exhibit" exercise="same_max_pool2d"
# The exhibit as it stands: its padding of 0 wins over pixels below 0.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides), kernel_size, stride)


# %% misconception="minus_one" exercise="same_max_pool2d"
# The padding is -1, which still wins over pixels below it.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides, value=-1.0), kernel_size, stride)


# %% misconception="minus_billion" exercise="same_max_pool2d"
# The padding is minus a billion, which still wins over pixels below it.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides, value=-1e9), kernel_size, stride)


# %% misconception="odd_pixel_first" exercise="same_max_pool2d"
# The odd pixel of padding lies at the top and at the left.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra - extra // 2, extra // 2]
    return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)


# %% misconception="all_at_the_end" exercise="same_max_pool2d"
# All padding lies at the bottom and at the right.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [0, extra]
    return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)


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
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[2], x.shape[3]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x, sides, value=-torch.inf), kernel_size, stride)


# %% misconception="rounds_up_only" exercise="same_max_pool2d"
# torch's ceil_mode keeps the last window and moves none to the left.
def same_max_pool2d(x, *, kernel_size, stride):
    return F.max_pool2d(x, kernel_size, stride, ceil_mode=True)


# %% misconception="shifts_to_positive" exercise="same_max_pool2d"
# The image is made positive first and stays so.
def same_max_pool2d(x, *, kernel_size, stride):
    sides = []
    for size in (x.shape[3], x.shape[2]):
        extra = max((math.ceil(size / stride) - 1) * stride + kernel_size - size, 0)
        sides += [extra // 2, extra - extra // 2]
    return F.max_pool2d(F.pad(x - x.min(), sides), kernel_size, stride)
