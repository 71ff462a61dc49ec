"""Wrong answers to the exercises of the lesson on residual networks, each with what went wrong.

Hidden tests must reject every one, and feedback names the one whose outputs equal a student's.
"""


# %% misconception="always_a_projection" exercise="shortcut"
# A projection stands there even where the shape stays, so the block has no identity to fall
# back to.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="forgot_the_stride" exercise="shortcut"
# The 1x1 convolution has no stride, so the image keeps its size.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="no_batch_norm" exercise="shortcut"
# The batch norm behind the 1x1 convolution is missing.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)


# %% misconception="bias_before_batch_norm" exercise="shortcut"
# The convolution has a bias, which the batch norm behind it cancels.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="kernel_of_three" exercise="shortcut"
# The convolution looks at 3x3 pixels, where a shortcut should only change the shape.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="padded_kernel_of_one" exercise="shortcut"
# A 1x1 convolution with padding adds a rim of zeros, so the image is too large.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="relu_at_its_end" exercise="shortcut"
# A ReLU ends the shortcut, so nothing negative gets through.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


# %% misconception="identity_by_channels_alone" exercise="shortcut"
# The stride is not looked at: with equal channels the image should still be made smaller.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="identity_by_stride_alone" exercise="shortcut"
# The channels are not looked at: with stride 1 they may still differ.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="stride_of_two_always" exercise="shortcut"
# The stride is 2 whatever was asked for.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="average_pool_first" exercise="shortcut"
# The image is averaged before the 1x1 convolution, in place of a stride.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.AvgPool2d(stride, ceil_mode=True),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="takes_any_number" exercise="shortcut"
# Senseless numbers are taken as they are, where a ValueError is asked for.
def shortcut(in_channels, out_channels, *, stride):
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="silent_error" exercise="shortcut"
# The error does not name what was passed.
def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError("bad shape")
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


# %% misconception="given_function" exercise="shortcut"
# The finished function of the lesson is called, so nothing was built.
def shortcut(in_channels, out_channels, *, stride):
    return option_b(in_channels, out_channels, stride=stride)


# %% misconception="activation_of_the_input" exercise="basic_block"
# The activation is applied to the input and F(x) is added after it: ReLU(x) + F(x).
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.downsample(x)) + self.residual(x)


# %% misconception="activation_of_the_residual" exercise="basic_block"
# The ReLU comes before the addition, so a block can only ever add.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x)) + self.downsample(x)


# %% misconception="no_last_relu" exercise="basic_block"
# The ReLU behind the addition is missing.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return self.residual(x) + self.downsample(x)


# %% misconception="no_skip" exercise="basic_block"
# Nothing is added: this is a plain pair of layers.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x))


# %% misconception="difference" exercise="basic_block"
# The input is subtracted, as if H(x) - x were what the block puts out.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) - self.downsample(x))


# %% misconception="average" exercise="basic_block"
# Half of the sum is taken.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x)) / 2


# %% misconception="concatenated" exercise="basic_block"
# The input is put beside the residual, as in an Inception module, in place of being added.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(torch.cat([self.residual(x), self.downsample(x)], dim=1))


# %% misconception="relu_behind_each_norm" exercise="basic_block"
# A second ReLU stands behind the second batch norm, before the addition.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_relu_inside" exercise="basic_block"
# The ReLU between the two convolutions is missing, so F is linear.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(self.bn1(self.conv1(x))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="stride_in_the_second" exercise="basic_block"
# The second convolution has the stride, so the first works on the large image.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="stride_in_both" exercise="basic_block"
# Both convolutions have the stride, so the residual is too small to be added.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_padding" exercise="basic_block"
# Without padding each convolution cuts off a rim, and the sizes do not fit.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="shared_batch_norm" exercise="basic_block"
# One batch norm is used twice, and the other never.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn1(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_batch_norm" exercise="basic_block"
# There is no batch norm in the residual.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.conv2(F.relu(self.conv1(x)))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="biases" exercise="basic_block"
# The convolutions have biases, which the batch norms behind them cancel.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="skip_around_the_second_alone" exercise="basic_block"
# The skip starts behind the first convolution, so it does not carry the input.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + y)


# %% misconception="changes_its_input" exercise="basic_block"
# The first operation is in place and changes the input, and with it what the skip carries.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        x = x.mul_(1.5)
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="detached_skip" exercise="basic_block"
# The skip is detached, so no gradient comes back through it.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x).detach())


# %% misconception="projection_everywhere" exercise="basic_block"
# A projection stands on the shortcut even where the shape stays.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        option_b(in_channels, out_channels, stride=stride)
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="option_a" exercise="basic_block"
# The shortcut pads with zeros, which is option A, where option B is asked for.
class BasicBlock(PaddedBlock):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__(in_channels, max(in_channels, out_channels), stride=stride)
        keep = self.downsample
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = keep

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="shortcut_without_norm" exercise="basic_block"
# The projection on the shortcut has no batch norm.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="takes_any_number" exercise="basic_block"
# Senseless numbers are taken as they are, where a ValueError is asked for.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.downsample = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="activation_of_the_input" exercise="bottleneck_block"
# The activation is applied to the input and F(x) is added after it: ReLU(x) + F(x).
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.downsample(x)) + self.residual(x)


# %% misconception="activation_of_the_residual" exercise="bottleneck_block"
# The ReLU comes before the addition, so a block can only ever add.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x)) + self.downsample(x)


# %% misconception="no_last_relu" exercise="bottleneck_block"
# The ReLU behind the addition is missing.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return self.residual(x) + self.downsample(x)


# %% misconception="no_skip" exercise="bottleneck_block"
# Nothing is added: this is a plain chain of three layers.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x))


# %% misconception="stride_in_the_first" exercise="bottleneck_block"
# The stride is in the first 1x1 convolution, as in the paper, which then skips three pixels of
# four.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="stride_in_the_last" exercise="bottleneck_block"
# The stride is in the last 1x1 convolution.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, stride=stride, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_expansion" exercise="bottleneck_block"
# The last convolution gives out width channels, where it should bring back four times as many.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="twice_the_width" exercise="bottleneck_block"
# The block expands by 2 in place of 4.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 2 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 2 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(2 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="width_means_output" exercise="bottleneck_block"
# width is taken for the channels of the output, and a quarter of it for those inside.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        width = max(width // 4, 1)
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="wide_in_the_middle" exercise="bottleneck_block"
# The 3x3 convolution works on the wide tensor, as in an inverted bottleneck.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, 4 * width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.conv2 = nn.Conv2d(4 * width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_relu_behind_the_first" exercise="bottleneck_block"
# The ReLU between the first 1x1 and the 3x3 convolution is missing.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = self.bn1(self.conv1(x))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_relu_behind_the_second" exercise="bottleneck_block"
# The ReLU between the 3x3 and the last 1x1 convolution is missing.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="relu_before_the_sum" exercise="bottleneck_block"
# A ReLU stands behind the third batch norm as well, before the addition.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="shared_batch_norm" exercise="bottleneck_block"
# One batch norm is used behind the first and the second convolution.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn1(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="no_last_norm" exercise="bottleneck_block"
# The third batch norm is missing.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.conv3(x)

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="biases" exercise="bottleneck_block"
# The convolutions have biases, which the batch norms behind them cancel.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="basic_block" exercise="bottleneck_block"
# These are two 3x3 convolutions, as in a basic block, with four times the channels.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="always_a_projection" exercise="bottleneck_block"
# A projection stands on the shortcut even where the shape stays.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        option_b(in_channels, width, stride=stride)
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, 4 * width, 1, stride=stride, bias=False),
            nn.BatchNorm2d(4 * width),
        )
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="detached_skip" exercise="bottleneck_block"
# The skip is detached, so no gradient comes back through it.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x).detach())


# %% misconception="takes_any_number" exercise="bottleneck_block"
# Senseless numbers are taken as they are, where a ValueError is asked for.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.downsample = option_b(max(in_channels, 1), max(4 * width, 1), stride=max(stride, 1))
        self.conv1 = nn.Conv2d(max(in_channels, 1), max(width, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(max(width, 1))
        self.conv2 = nn.Conv2d(
            max(width, 1), max(width, 1), 3, stride=max(stride, 1), padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(max(width, 1))
        self.conv3 = nn.Conv2d(max(width, 1), max(4 * width, 1), 1, bias=False)
        self.bn3 = nn.BatchNorm2d(max(4 * width, 1))

    def residual(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return F.relu(self.residual(x) + self.downsample(x))


# %% misconception="forgot_the_identity" exercise="residual_jacobian"
# Only the Jacobian of F is returned; the skip is left out.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return slope.reshape(n, n)


# %% misconception="ones_for_the_identity" exercise="residual_jacobian"
# A matrix of ones is added in place of the identity: every number of x would reach every number
# of H.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return 1 + slope.reshape(n, n)


# %% misconception="of_the_whole_block" exercise="residual_jacobian"
# The block with its last ReLU was differentiated, in place of H.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block)(x.detach()).detach()
    return slope.reshape(n, n)


# %% misconception="block_plus_identity" exercise="residual_jacobian"
# The skip is counted twice: the block has it already.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(lambda x: block.residual(x) + x)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)


# %% misconception="transposed" exercise="residual_jacobian"
# Rows and columns are exchanged.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n).T


# %% misconception="gradient_of_the_sum" exercise="residual_jacobian"
# The gradient of the sum of all outputs is put on the diagonal: that is one row of numbers, no
# Jacobian.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.diag((1 + slope.reshape(n, n)).sum(dim=0))


# %% misconception="diagonal_alone" exercise="residual_jacobian"
# Only the diagonal is kept, as if each pixel depended on itself alone.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.diag(torch.diag(torch.eye(n, dtype=x.dtype) + slope.reshape(n, n)))


# %% misconception="product_with_the_identity" exercise="residual_jacobian"
# The identity is multiplied with dF/dx in place of being added.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype) @ slope.reshape(n, n)


# %% misconception="six_dimensions" exercise="residual_jacobian"
# The result keeps the dimensions of images and is no matrix.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return (torch.eye(n, dtype=x.dtype) + slope.reshape(n, n)).reshape(*x.shape, *x.shape)


# %% misconception="always_float32" exercise="residual_jacobian"
# The identity is built in float32, and so is the sum.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return (torch.eye(n) + slope.reshape(n, n)).float()


# %% misconception="channels_last" exercise="residual_jacobian"
# The numbers are taken with the channels last, not in the order of x.flatten().
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype) + slope.permute(0, 2, 3, 1, 4, 6, 7, 5).reshape(n, n)


# %% misconception="minus" exercise="residual_jacobian"
# F is taken for x - H, so its slope is subtracted.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype) - slope.reshape(n, n)


# %% misconception="takes_a_batch" exercise="residual_jacobian"
# A batch of several images is taken, and the first is used.
def residual_jacobian(block, x):
    x = x[:1]
    if block.training or not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)


# %% misconception="takes_training_mode" exercise="residual_jacobian"
# A block in training mode is taken, where F depends on the statistics of x.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if not isinstance(block.downsample, nn.Identity):
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)


# %% misconception="takes_any_shortcut" exercise="residual_jacobian"
# A block whose shortcut changes the shape is taken, where I is not the other half.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training:
        raise ValueError("expected evaluation mode and an identity shortcut")
    n = x.numel()
    slope = torch.func.jacrev(block.residual)(x.detach()).detach()
    return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)


# %% misconception="never_smaller" exercise="make_resnet"
# No stage halves the image.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for _ in range(count):
            stride = 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="first_stage_halves_too" exercise="make_resnet"
# The first stage halves the image as well.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="every_block_halves" exercise="make_resnet"
# Every block of a later stage halves the image, not only the first.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for _ in range(count):
            stride = 2 if i > 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="last_block_halves" exercise="make_resnet"
# The last block of a stage halves the image, not the first.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == count - 1 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="constant_width" exercise="make_resnet"
# All stages have 16 channels.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="widths_grow_by_sixteen" exercise="make_resnet"
# The channels grow by 16 per stage in place of doubling.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * (i + 1)
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="one_block_too_many" exercise="make_resnet"
# Each stage has one block more than asked for.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count + 1):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="stem_of_imagenet" exercise="make_resnet"
# The first convolution is that for ImageNet, with 7x7 pixels and stride 2.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [
        nn.Conv2d(in_channels, 16, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
    ]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="max_pool_behind_the_stem" exercise="make_resnet"
# A max pool follows the first convolution, as in the networks for ImageNet.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [
        nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="no_relu_in_the_stem" exercise="make_resnet"
# The ReLU behind the first batch norm is missing, so the first skip carries negative numbers.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="no_norm_in_the_stem" exercise="make_resnet"
# The batch norm behind the first convolution is missing.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="bias_in_the_stem" exercise="make_resnet"
# The first convolution has a bias, which the batch norm behind it cancels.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="max_pool_at_the_end" exercise="make_resnet"
# The largest value of each channel is taken at the end, not the average.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="no_average" exercise="make_resnet"
# The image is flattened without an average, for one size of images.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.Flatten(), nn.LazyLinear(num_classes)]
    return nn.Sequential(*layers)


# %% misconception="softmax_at_the_end" exercise="make_resnet"
# A softmax ends the network, where logits are asked for.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, num_classes),
        nn.Softmax(dim=1),
    ]
    return nn.Sequential(*layers)


# %% misconception="relu_at_the_end" exercise="make_resnet"
# A ReLU ends the network, so no logit is negative.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes), nn.ReLU()]
    return nn.Sequential(*layers)


# %% misconception="three_channels_always" exercise="make_resnet"
# in_channels is ignored: the images have three channels always.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="ten_classes_always" exercise="make_resnet"
# num_classes is ignored: there are ten classes always.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]
    return nn.Sequential(*layers)


# %% misconception="three_stages_always" exercise="make_resnet"
# There are three stages always, whatever blocks says.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate((list(blocks) * 3)[:3]):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="option_b" exercise="make_resnet"
# The shortcuts have projections, option B, and so parameters of their own.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            block = PaddedBlock(channels, width, stride=stride)
            block.downsample = option_b(channels, width, stride=stride)
            layers.append(block)
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="no_skips" exercise="make_resnet"
# The blocks have no skip: this is the plain network.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            block = PaddedBlock(channels, width, stride=stride)
            layers += [block.conv1, block.bn1, nn.ReLU(), block.conv2, block.bn2, nn.ReLU()]
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="takes_any_number" exercise="make_resnet"
# Senseless numbers are taken as they are, where a ValueError is asked for.
def make_resnet(blocks, *, num_classes, in_channels=3):
    num_classes, in_channels = max(num_classes, 1), max(in_channels, 1)
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="blocks_unchecked" exercise="make_resnet"
# Only classes and channels are looked at; a stage without a block passes.
def make_resnet(blocks, *, num_classes, in_channels=3):
    if min(num_classes, in_channels) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(PaddedBlock(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% misconception="nothing" exercise="zero_init_residual"
# What changed is not the last batch norm's weight of each F, set to 0, and nothing else.
def zero_init_residual(model):
    # First of its exercise: answers that return None look alike to the diagnosis, and what it says
    # of this one is true of all.
    residual_blocks(model)


# %% misconception="first_norm" exercise="zero_init_residual"
# The first batch norm is set to 0 in place of the last, so the second still adds its bias.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[0].weight)


# %% misconception="second_norm" exercise="zero_init_residual"
# The second batch norm is taken for the last; a block may have three.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[1].weight)


# %% misconception="all_norms" exercise="zero_init_residual"
# All batch norms are set to 0, so no gradient reaches what is before them.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        for norm in norms:
            nn.init.zeros_(norm.weight)


# %% misconception="norm_of_the_shortcut" exercise="zero_init_residual"
# The shortcut's batch norm was taken for the last one of F: block.modules() goes into the shortcut
# as well, block.children() does not.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.modules() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)


# %% misconception="every_norm_of_the_model" exercise="zero_init_residual"
# The last batch norm of the whole model is set to 0, not one in each block.
def zero_init_residual(model):
    residual_blocks(model)
    norms = [child for child in model.modules() if isinstance(child, nn.BatchNorm2d)]
    nn.init.zeros_(norms[-1].weight)


# %% misconception="first_block_alone" exercise="zero_init_residual"
# Only the first block is changed.
def zero_init_residual(model):
    for block in residual_blocks(model)[:1]:
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)


# %% misconception="bias_instead" exercise="zero_init_residual"
# The bias is set to 0 in place of the weight.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].bias)


# %% misconception="bias_too" exercise="zero_init_residual"
# The bias is set to 0 as well, which nobody asked for.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)
        nn.init.zeros_(norms[-1].bias)


# %% misconception="convolution" exercise="zero_init_residual"
# The weights of the last convolution are set to 0, not those of the batch norm behind it.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.Conv2d)]
        nn.init.zeros_(norms[-1].weight)


# %% misconception="ones" exercise="zero_init_residual"
# The weight is set to 1, where batch norm starts anyway.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.ones_(norms[-1].weight)


# %% misconception="small_number" exercise="zero_init_residual"
# The weight is small, not 0.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.constant_(norms[-1].weight, 1e-3)


# %% misconception="on_a_copy" exercise="zero_init_residual"
# A copy is changed, and the model stays as it is.
def zero_init_residual(model):
    for block in residual_blocks(copy.deepcopy(model)):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)


# %% misconception="frozen" exercise="zero_init_residual"
# The weight is 0 and no longer learns.
def zero_init_residual(model):
    for block in residual_blocks(model):
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)
        norms[-1].weight.requires_grad_(False)


# %% misconception="takes_any_model" exercise="zero_init_residual"
# A model without residual blocks is taken without a word.
def zero_init_residual(model):
    for block in [m for m in model.modules() if hasattr(m, "residual")]:
        norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
        nn.init.zeros_(norms[-1].weight)


# %% misconception="evaluation_mode" exercise="idle_parameters"
# The model runs in evaluation mode, where batch norm subtracts a fixed number and the bias
# counts.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).eval()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="mode_it_is_in" exercise="idle_parameters"
# The model runs in the mode it happens to be in.
def idle_parameters(model, x):
    twin = copy.deepcopy(model)
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="plain_sum" exercise="idle_parameters"
# The outputs are summed evenly: behind batch norm that sum is constant, so everything looks
# idle.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = y.sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="exactly_zero" exercise="idle_parameters"
# A gradient is asked to be exactly 0, and rounding leaves a little.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size == 0]


# %% misconception="absolute_bound" exercise="idle_parameters"
# The bound does not depend on the size of the other gradients.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size < 1e-1]


# %% misconception="smallest_entry" exercise="idle_parameters"
# One number without a gradient is enough to call the whole parameter idle.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().min().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="the_others" exercise="idle_parameters"
# The parameters that do have an effect are returned.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size > 1e-4 * max(sizes)]


# %% misconception="biases_by_name" exercise="idle_parameters"
# Every bias of a convolution is taken for idle, whatever follows it.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [
        name for name, size in zip(named, sizes, strict=True) if size >= 0 and name.endswith("bias")
    ]


# %% misconception="tensors_for_names" exercise="idle_parameters"
# The gradients are returned, not the names.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [size for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="on_the_model_itself" exercise="idle_parameters"
# The model itself is run in training mode, which changes its running averages.
def idle_parameters(model, x):
    twin = model.train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="used_parameters_alone" exercise="idle_parameters"
# A parameter that is never used has no gradient at all, and torch.autograd.grad raises an error.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    sizes = [g.abs().max().item() for g in torch.autograd.grad(total, list(named.values()))]
    return [name for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


# %% misconception="strictly_below" exercise="idle_parameters"
# Where all gradients are 0, none is below a share of the largest: "at most" is asked for.
def idle_parameters(model, x):
    twin = copy.deepcopy(model).train()
    y = twin(x)
    total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
    named = dict(twin.named_parameters())
    gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
    sizes = [g.abs().max().item() for g in gradients]
    return [name for name, size in zip(named, sizes, strict=True) if size < 1e-4 * max(sizes)]
