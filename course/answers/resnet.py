"""Answers to the exercises of the lesson on residual networks.

The checks reject every misconception, and feedback names the one that answers as a student does.
They accept every alternative and every equivalent.
"""

# %% misconception="always_a_projection" exercise="shortcut"
# A projection stands there even where the shape stays, so the block has no identity to fall
# back to.
# - if stride == 1 and in_channels == out_channels:
# -     return nn.Identity()

# %% misconception="forgot_the_stride" exercise="shortcut"
# The 1x1 convolution has no stride, so the image keeps its size.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.Conv2d(in_channels, out_channels, 1, bias=False),

# %% misconception="no_batch_norm" exercise="shortcut"
# The batch norm behind the 1x1 convolution is missing.
# - return nn.Sequential(
# -     nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# -     nn.BatchNorm2d(out_channels),
# - )
# + return nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False)

# %% misconception="bias_before_batch_norm" exercise="shortcut"
# The convolution has a bias, which the batch norm behind it cancels.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.Conv2d(in_channels, out_channels, 1, stride=stride),

# %% misconception="kernel_of_three" exercise="shortcut"
# The convolution looks at 3x3 pixels, where a shortcut should only change the shape.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),

# %% misconception="padded_kernel_of_one" exercise="shortcut"
# A 1x1 convolution with padding adds a rim of zeros, so the image is too large.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.Conv2d(in_channels, out_channels, 1, stride=stride, padding=1, bias=False),

# %% misconception="relu_at_its_end" exercise="shortcut"
# A ReLU ends the shortcut, so nothing negative gets through.
#   nn.BatchNorm2d(out_channels),
# + nn.ReLU(),

# %% misconception="identity_by_channels_alone" exercise="shortcut"
# The stride is not looked at: with equal channels the image should still be made smaller.
# - if stride == 1 and in_channels == out_channels:
# + if in_channels == out_channels:

# %% misconception="identity_by_stride_alone" exercise="shortcut"
# The channels are not looked at: with stride 1 they may still differ.
# - if stride == 1 and in_channels == out_channels:
# + if stride == 1:

# %% misconception="stride_of_two_always" exercise="shortcut"
# The stride is 2 whatever was asked for.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.Conv2d(in_channels, out_channels, 1, stride=2, bias=False),

# %% misconception="average_pool_first" exercise="shortcut"
# The image is averaged before the 1x1 convolution, in place of a stride.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# + nn.AvgPool2d(stride, ceil_mode=True),
# + nn.Conv2d(in_channels, out_channels, 1, bias=False),

# %% misconception="norm_before_the_convolution" exercise="shortcut"
# Batch norm stands before the convolution, not behind it.
# - nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# - nn.BatchNorm2d(out_channels),
# + nn.BatchNorm2d(in_channels),
# + nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),

# %% misconception="option_a" exercise="shortcut"
# This is option A, which pads with zeros; option B is asked for.
# - return nn.Sequential(
# -     nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
# -     nn.BatchNorm2d(out_channels),
# - )
# + return option_a(in_channels, out_channels, stride=stride)


# %% alternative="list_of_layers" exercise="shortcut"
# The layers are collected in a list, which is empty where the shape stays.
def shortcut(in_channels, out_channels, *, stride):
    if in_channels < 1 or out_channels < 1 or stride < 1:
        raise ValueError(f"got {in_channels}, {out_channels}, stride {stride}; need 1 or more")
    layers = []
    if stride != 1 or in_channels != out_channels:
        conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
        layers = [conv, nn.BatchNorm2d(out_channels)]
    return nn.Sequential(*layers)


# %% alternative="module_of_its_own" exercise="shortcut"
# A module that takes the pixels by slicing, and convolves without stride.
class Slicing(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        return self.norm(self.conv(x[:, :, :: self.stride, :: self.stride]))


def shortcut(in_channels, out_channels, *, stride):
    if min(in_channels, out_channels, stride) < 1:
        raise ValueError(f"{in_channels} and {out_channels} channels, stride {stride}")
    if (in_channels, 1) == (out_channels, stride):
        return nn.Identity()
    return Slicing(in_channels, out_channels, stride)


# %% equivalent exercise="shortcut"
# The lesson does not ask for this refusal.
# - if min(in_channels, out_channels, stride) < 1:
# -     raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
# or
# - if min(in_channels, out_channels, stride) < 1:
# + if min(in_channels, out_channels, stride) < 0:
# or
# - raise ValueError(f"{in_channels=}, {out_channels=}, {stride=}; expected 1 or more of each")
# + pass

# %% equivalent exercise="shortcut"
# Strides below 1 are refused above.
# - if stride == 1 and in_channels == out_channels:
# + if stride <= 1 and in_channels == out_channels:

# %% misconception="activation_of_the_input" exercise="basic_block"
# The activation is applied to the input and F(x) is added after it: ReLU(x) + F(x).
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.downsample(x)) + self.residual(x)

# %% misconception="activation_of_the_residual" exercise="basic_block"
# The ReLU comes before the addition, so a block can only ever add.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x)) + self.downsample(x)

# %% misconception="no_last_relu" exercise="basic_block"
# The ReLU behind the addition is missing.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return self.residual(x) + self.downsample(x)

# %% misconception="no_skip" exercise="basic_block"
# Nothing is added: this is a plain pair of layers.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x))

# %% misconception="difference" exercise="basic_block"
# The input is subtracted, as if H(x) - x were what the block puts out.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) - self.downsample(x))

# %% misconception="average" exercise="basic_block"
# Half of the sum is taken.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) + self.downsample(x)) / 2

# %% misconception="concatenated" exercise="basic_block"
# The input is put beside the residual, as in an Inception module, in place of being added.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(torch.cat([self.residual(x), self.downsample(x)], dim=1))

# %% misconception="relu_behind_each_norm" exercise="basic_block"
# A second ReLU stands behind the second batch norm, before the addition.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))

# %% misconception="no_relu_inside" exercise="basic_block"
# The ReLU between the two convolutions is missing, so F is linear.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.bn2(self.conv2(self.bn1(self.conv1(x))))

# %% misconception="stride_in_the_second" exercise="basic_block"
# The second convolution has the stride, so the first works on the large image.
# - self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
#   self.bn1 = nn.BatchNorm2d(out_channels)
# - self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)

# %% misconception="stride_in_both" exercise="basic_block"
# Both convolutions have the stride, so the residual is too small to be added.
# - self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride=stride, padding=1, bias=False)

# %% misconception="no_padding" exercise="basic_block"
# Without padding each convolution cuts off a rim, and the sizes do not fit.
# - self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, bias=False)
#   self.bn1 = nn.BatchNorm2d(out_channels)
# - self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(out_channels, out_channels, 3, bias=False)

# %% misconception="shared_batch_norm" exercise="basic_block"
# One batch norm is used twice, and the other never.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.bn1(self.conv2(F.relu(self.bn1(self.conv1(x)))))

# %% misconception="no_batch_norm" exercise="basic_block"
# There is no batch norm in the residual.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.conv2(F.relu(self.conv1(x)))

# %% misconception="biases" exercise="basic_block"
# The convolutions have biases, which the batch norms behind them cancel.
# - self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
#   self.bn1 = nn.BatchNorm2d(out_channels)
# - self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)

# %% misconception="skip_around_the_second_alone" exercise="basic_block"
# The skip starts behind the first convolution, so it does not carry the input.
# - return F.relu(self.residual(x) + self.downsample(x))
# + y = F.relu(self.bn1(self.conv1(x)))
# + return F.relu(self.bn2(self.conv2(y)) + y)

# %% misconception="changes_its_input" exercise="basic_block"
# The first operation is in place and changes the input, and with it what the skip carries.
#   """Return ReLU(F(x) + skip(x))."""
# + x = x.mul_(1.5)

# %% misconception="detached_skip" exercise="basic_block"
# The skip is detached, so no gradient comes back through it.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) + self.downsample(x).detach())

# %% misconception="skip_ignored" exercise="basic_block"
# skip is not used: option A lies on the way around, whatever was asked for.
# - around = skip(in_channels, out_channels, stride=stride)
# + around = option_a(in_channels, out_channels, stride=stride)

# %% misconception="skip_without_stride" exercise="basic_block"
# The stride does not reach skip, so what comes around is too large.
# - around = skip(in_channels, out_channels, stride=stride)
# + around = skip(in_channels, out_channels, stride=1)

# %% misconception="channels_exchanged_for_skip" exercise="basic_block"
# skip gets the channels of the output twice, so it cannot know how many come in.
# - around = skip(in_channels, out_channels, stride=stride)
# + around = skip(out_channels, out_channels, stride=stride)

# %% misconception="identity_always" exercise="basic_block"
# The input is added as it is, also where the shape changes.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) + x)

# %% misconception="product" exercise="basic_block"
# The two parts are multiplied in place of being added.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) * self.downsample(x))

# %% misconception="norm_behind_relu" exercise="basic_block"
# The first ReLU stands before its batch norm.
# - x = F.relu(self.bn1(self.conv1(x)))
# + x = self.bn1(F.relu(self.conv1(x)))

# %% misconception="norm_before_convolution" exercise="basic_block"
# The second batch norm stands before its convolution, as in later kinds of blocks.
# - x = self.bn2(self.conv2(x))
# + x = self.conv2(self.bn2(x))

# %% misconception="preactivation" exercise="basic_block"
# Batch norm and ReLU stand before the convolutions and nothing behind the sum, as in the block of
# 2016.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.conv2(F.relu(self.bn2(self.conv1(F.relu(x)))))
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + return self.residual(x) + self.downsample(x)

# %% misconception="sum_in_residual" exercise="basic_block"
# residual returns the sum H(x), not F(x) alone.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + y = F.relu(self.bn1(self.conv1(x)))
# + return self.bn2(self.conv2(y)) + self.downsample(x)
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x))


# %% alternative="sequential" exercise="basic_block"
# F is one nn.Sequential, and the way around has another name.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1, skip=option_a):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.way = skip(in_channels, out_channels, stride=stride)

    def residual(self, x):
        return self.layers(x)

    def forward(self, x):
        return torch.relu(self.way(x) + self.layers(x))


# %% alternative="relu_as_a_layer" exercise="basic_block"
# ReLU is a layer that works in place on tensors which nobody else needs.
# - around = skip(in_channels, out_channels, stride=stride)
# + self.relu = nn.ReLU(inplace=True)
# + around = skip(in_channels, out_channels, stride=stride)
# ...
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + return self.relu(self.residual(x) + self.downsample(x))

# %% alternative="sum_in_place" exercise="basic_block"
# The shortcut is added in place, as torchvision does.
# - around = skip(in_channels, out_channels, stride=stride)
# + around = skip(in_channels, out_channels, stride=stride)
# ...
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = self.bn2(self.conv2(x))
# - return x
# + return self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + identity = x
# + out = self.residual(x)
# + out += self.downsample(identity)
# + return out.clamp(min=0)

# %% misconception="forgot_the_identity" exercise="residual_jacobian"
# Only the Jacobian of F is returned; the skip is left out.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return slope.reshape(n, n)

# %% misconception="ones_for_the_identity" exercise="residual_jacobian"
# A matrix of ones is added in place of the identity: every number of x would reach every number
# of H.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return 1 + slope.reshape(n, n)

# %% misconception="of_the_whole_block" exercise="residual_jacobian"
# The block with its last ReLU was differentiated, in place of H.
# - slope = torch.func.jacrev(block.residual)(x.detach()).detach()
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + slope = torch.func.jacrev(block)(x.detach()).detach()
# + return slope.reshape(n, n)

# %% misconception="block_plus_identity" exercise="residual_jacobian"
# The skip is counted twice: the block has it already.
# - slope = torch.func.jacrev(block.residual)(x.detach()).detach()
# + slope = torch.func.jacrev(lambda x: block.residual(x) + x)(x.detach()).detach()

# %% misconception="transposed" exercise="residual_jacobian"
# Rows and columns are exchanged.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n).T

# %% misconception="gradient_of_the_sum" exercise="residual_jacobian"
# The gradient of the sum of all outputs is put on the diagonal: that is one row of numbers, no
# Jacobian.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.diag((1 + slope.reshape(n, n)).sum(dim=0))

# %% misconception="diagonal_alone" exercise="residual_jacobian"
# Only the diagonal is kept, as if each pixel depended on itself alone.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.diag(torch.diag(torch.eye(n, dtype=x.dtype) + slope.reshape(n, n)))

# %% misconception="six_dimensions" exercise="residual_jacobian"
# The result keeps the dimensions of images and is no matrix.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return (torch.eye(n, dtype=x.dtype) + slope.reshape(n, n)).reshape(*x.shape, *x.shape)

# %% misconception="always_float32" exercise="residual_jacobian"
# The identity is built in float32, and so is the sum.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return (torch.eye(n) + slope.reshape(n, n)).float()

# %% misconception="channels_last" exercise="residual_jacobian"
# The numbers are taken with the channels last, not in the order of x.flatten().
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.eye(n, dtype=x.dtype) + slope.permute(0, 2, 3, 1, 4, 6, 7, 5).reshape(n, n)

# %% misconception="minus" exercise="residual_jacobian"
# F is taken for x - H, so its slope is subtracted.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.eye(n, dtype=x.dtype) - slope.reshape(n, n)

# %% misconception="takes_training_mode" exercise="residual_jacobian"
# A block in training mode is taken, where F depends on the statistics of x.
# - if block.training or not isinstance(block.downsample, nn.Identity):
# -     raise ValueError(
# -         f"block has training={block.training} and shortcut {block.downsample}; "
# -         "expected evaluation mode, block.eval(), and an identity shortcut"
# -     )
# + if not isinstance(block.downsample, nn.Identity):
# +     raise ValueError("expected evaluation mode and an identity shortcut")


# %% alternative="row_by_row" exercise="residual_jacobian"
# One backward pass per row, with autograd alone.
def residual_jacobian(block, x):
    if x.ndim != 4 or len(x) != 1:
        raise ValueError(f"expected one image (1, C, H, W), got shape {list(x.shape)}")
    if block.training:
        raise ValueError("the block is in training mode; call block.eval() first")
    if not isinstance(block.downsample, nn.Identity):
        raise ValueError(f"the shortcut is {block.downsample}, expected nn.Identity()")
    leaf = x.detach().clone().requires_grad_()
    h = (block.residual(leaf) + leaf).flatten()
    rows = [torch.autograd.grad(number, leaf, retain_graph=True)[0].flatten() for number in h]
    return torch.stack(rows)


# %% alternative="functional_jacobian" exercise="residual_jacobian"
# torch.autograd.functional of H itself, in place of adding the identity.
def residual_jacobian(block, x):
    if x.dim() != 4 or x.shape[0] != 1:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
    if block.training or type(block.downsample) is not nn.Identity:
        raise ValueError("expected a block in evaluation mode with an identity shortcut")
    full = torch.autograd.functional.jacobian(lambda t: block.residual(t) + t, x.detach())
    return full.flatten(0, 3).flatten(1)


# %% equivalent exercise="residual_jacobian"
# The lesson does not ask for this refusal.
# - if x.dim() != 4 or x.shape[0] != 1:
# -     raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
# or
# - if x.dim() != 4 or x.shape[0] != 1:
# + if x.dim() < 4 or x.shape[0] != 1:
# or
# + if x.dim() > 4 or x.shape[0] != 1:
# or
# + if x.dim() != 4 and x.shape[0] != 1:
# or
# + if x.dim() != 4 or x.shape[0] < 1:
# or
# + if x.dim() != 4 or x.shape[0] > 1:
# or
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (1, C, H, W)")
# + pass

# %% equivalent exercise="residual_jacobian"
# The sum has the wider dtype of the two, which in float32 and float64 is that of the slope; and
# checks run on the processor alone.
# - return torch.eye(n, dtype=x.dtype, device=x.device) + slope.reshape(n, n)
# + return torch.eye(n, device=x.device) + slope.reshape(n, n)
# or
# + return torch.eye(n, dtype=x.dtype) + slope.reshape(n, n)

# %% misconception="activation_of_the_input" exercise="bottleneck_block"
# The activation is applied to the input and F(x) is added after it: ReLU(x) + F(x).
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.downsample(x)) + self.residual(x)

# %% misconception="activation_of_the_residual" exercise="bottleneck_block"
# The ReLU comes before the addition, so a block can only ever add.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x)) + self.downsample(x)

# %% misconception="no_last_relu" exercise="bottleneck_block"
# The ReLU behind the addition is missing.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return self.residual(x) + self.downsample(x)

# %% misconception="no_skip" exercise="bottleneck_block"
# Nothing is added: this is a plain chain of three layers.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x))

# %% misconception="stride_in_the_first" exercise="bottleneck_block"
# The stride is in the first 1x1 convolution, as in the paper, which then skips three pixels of
# four.
# - self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, width, 1, stride=stride, bias=False)
#   self.bn1 = nn.BatchNorm2d(width)
# - self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)

# %% misconception="stride_in_the_last" exercise="bottleneck_block"
# The stride is in the last 1x1 convolution.
# - self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
#   self.bn2 = nn.BatchNorm2d(width)
# - self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
# + self.conv3 = nn.Conv2d(width, 4 * width, 1, stride=stride, bias=False)

# %% misconception="no_expansion" exercise="bottleneck_block"
# The last convolution gives out width channels, where it should bring back four times as many.
# - around = skip(in_channels, 4 * width, stride=stride)
# + around = skip(in_channels, width, stride=stride)
# ...
# - self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
# - self.bn3 = nn.BatchNorm2d(4 * width)
# + self.conv3 = nn.Conv2d(width, width, 1, bias=False)
# + self.bn3 = nn.BatchNorm2d(width)

# %% misconception="twice_the_width" exercise="bottleneck_block"
# The block expands by 2 in place of 4.
# - around = skip(in_channels, 4 * width, stride=stride)
# + around = skip(in_channels, 2 * width, stride=stride)
# ...
# - self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
# - self.bn3 = nn.BatchNorm2d(4 * width)
# + self.conv3 = nn.Conv2d(width, 2 * width, 1, bias=False)
# + self.bn3 = nn.BatchNorm2d(2 * width)

# %% misconception="width_means_output" exercise="bottleneck_block"
# width is taken for the channels of the output, and a quarter of it for those inside.
#   super().__init__()
# + width = max(width // 4, 1)

# %% misconception="wide_in_the_middle" exercise="bottleneck_block"
# The 3x3 convolution works on the wide tensor, as in an inverted bottleneck.
# - self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
# - self.bn1 = nn.BatchNorm2d(width)
# - self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, 4 * width, 1, bias=False)
# + self.bn1 = nn.BatchNorm2d(4 * width)
# + self.conv2 = nn.Conv2d(4 * width, width, 3, stride=stride, padding=1, bias=False)

# %% misconception="no_relu_behind_the_first" exercise="bottleneck_block"
# The ReLU between the first 1x1 and the 3x3 convolution is missing.
# - x = F.relu(self.bn1(self.conv1(x)))
# + x = self.bn1(self.conv1(x))

# %% misconception="no_relu_behind_the_second" exercise="bottleneck_block"
# The ReLU between the 3x3 and the last 1x1 convolution is missing.
# - x = F.relu(self.bn2(self.conv2(x)))
# + x = self.bn2(self.conv2(x))

# %% misconception="relu_before_the_sum" exercise="bottleneck_block"
# A ReLU stands behind the third batch norm as well, before the addition.
# - x = self.bn3(self.conv3(x))
# - return x
# + return F.relu(self.bn3(self.conv3(x)))

# %% misconception="shared_batch_norm" exercise="bottleneck_block"
# One batch norm is used behind the first and the second convolution.
# - x = F.relu(self.bn2(self.conv2(x)))
# + x = F.relu(self.bn1(self.conv2(x)))

# %% misconception="no_last_norm" exercise="bottleneck_block"
# The third batch norm is missing.
# - x = self.bn3(self.conv3(x))
# - return x
# + return self.conv3(x)

# %% misconception="biases" exercise="bottleneck_block"
# The convolutions have biases, which the batch norms behind them cancel.
# - self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, width, 1)
#   self.bn1 = nn.BatchNorm2d(width)
# - self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
# + self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1)
#   self.bn2 = nn.BatchNorm2d(width)
# - self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
# + self.conv3 = nn.Conv2d(width, 4 * width, 1)

# %% misconception="basic_block" exercise="bottleneck_block"
# These are two 3x3 convolutions, as in a basic block, with four times the channels.
# - self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
# + self.conv1 = nn.Conv2d(in_channels, width, 3, padding=1, bias=False)

# %% misconception="detached_skip" exercise="bottleneck_block"
# The skip is detached, so no gradient comes back through it.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) + self.downsample(x).detach())

# %% misconception="skip_ignored" exercise="bottleneck_block"
# skip is not used: option A lies on the way around, whatever was asked for.
# - around = skip(in_channels, 4 * width, stride=stride)
# + around = option_a(in_channels, 4 * width, stride=stride)

# %% misconception="skip_without_stride" exercise="bottleneck_block"
# The stride does not reach skip, so what comes around is too large.
# - around = skip(in_channels, 4 * width, stride=stride)
# + around = skip(in_channels, 4 * width, stride=1)

# %% misconception="skip_to_the_width" exercise="bottleneck_block"
# skip is told of width channels, but the block gives out four times as many.
# - around = skip(in_channels, 4 * width, stride=stride)
# + around = skip(in_channels, width, stride=stride)

# %% misconception="sum_in_residual" exercise="bottleneck_block"
# residual returns the sum H(x), not F(x) alone.
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = F.relu(self.bn2(self.conv2(x)))
# - x = self.bn3(self.conv3(x))
# - return x
# + y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
# + return self.bn3(self.conv3(y)) + self.downsample(x)
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x))

# %% misconception="relu_before_and_after" exercise="bottleneck_block"
# What comes around goes through a ReLU of its own.
# - return F.relu(self.residual(x) + self.downsample(x))
# + return F.relu(self.residual(x) + F.relu(self.downsample(x)))


# %% alternative="sequential" exercise="bottleneck_block"
# F is one nn.Sequential.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1, skip=option_a):
        super().__init__()
        out = width * 4
        self.downsample = skip(in_channels, out, stride=stride)
        layers = []
        shapes = ((in_channels, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1))
        for a, b, size, step in shapes:
            layers.append(nn.Conv2d(a, b, size, step, padding=size // 2, bias=False))
            layers += [nn.BatchNorm2d(b), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def residual(self, x):
        return self.layers(x)

    def forward(self, x):
        return F.relu(self.downsample(x) + self.residual(x))


# %% alternative="relu_as_a_layer" exercise="bottleneck_block"
# ReLU is a layer that works in place on tensors which nobody else needs.
# - around = skip(in_channels, 4 * width, stride=stride)
# + self.relu = nn.ReLU(inplace=True)
# + around = skip(in_channels, 4 * width, stride=stride)
# ...
# - x = F.relu(self.bn1(self.conv1(x)))
# - x = F.relu(self.bn2(self.conv2(x)))
# - x = self.bn3(self.conv3(x))
# - return x
# + x = self.relu(self.bn1(self.conv1(x)))
# + x = self.relu(self.bn2(self.conv2(x)))
# + return self.bn3(self.conv3(x))
# ...
# - return F.relu(self.residual(x) + self.downsample(x))
# + return self.relu(self.residual(x) + self.downsample(x))

# %% misconception="never_smaller" exercise="make_resnet" of="list_of_layers"
# No stage halves the image.
# - for j in range(count):
# -     stride = 2 if i > 0 and j == 0 else 1
# + for _ in range(count):
# +     stride = 1

# %% misconception="first_stage_halves_too" exercise="make_resnet" of="list_of_layers"
# The first stage halves the image as well.
# - stride = 2 if i > 0 and j == 0 else 1
# + stride = 2 if j == 0 else 1

# %% misconception="every_block_halves" exercise="make_resnet" of="list_of_layers"
# Every block of a later stage halves the image, not only the first.
# - for j in range(count):
# -     stride = 2 if i > 0 and j == 0 else 1
# + for _ in range(count):
# +     stride = 2 if i > 0 else 1

# %% misconception="last_block_halves" exercise="make_resnet" of="list_of_layers"
# The last block of a stage halves the image, not the first.
# - stride = 2 if i > 0 and j == 0 else 1
# + stride = 2 if i > 0 and j == count - 1 else 1

# %% misconception="constant_width" exercise="make_resnet" of="list_of_layers"
# All stages have 16 channels.
# - width = 16 * 2**i
# + width = 16

# %% misconception="widths_grow_by_sixteen" exercise="make_resnet" of="list_of_layers"
# The channels grow by 16 per stage in place of doubling.
# - width = 16 * 2**i
# + width = 16 * (i + 1)

# %% misconception="one_block_too_many" exercise="make_resnet" of="list_of_layers"
# Each stage has one block more than asked for.
# - for j in range(count):
# + for j in range(count + 1):

# %% misconception="stem_of_imagenet" exercise="make_resnet" of="list_of_layers"
# The first convolution is that for ImageNet, with 7x7 pixels and stride 2.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [
# +     nn.Conv2d(in_channels, 16, 7, stride=2, padding=3, bias=False),
# +     nn.BatchNorm2d(16),
# +     nn.ReLU(),
# + ]

# %% misconception="max_pool_behind_the_stem" exercise="make_resnet" of="list_of_layers"
# A max pool follows the first convolution, as in the networks for ImageNet.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [
# +     nn.Conv2d(in_channels, 16, 3, padding=1, bias=False),
# +     nn.BatchNorm2d(16),
# +     nn.ReLU(),
# +     nn.MaxPool2d(2),
# + ]

# %% misconception="no_relu_in_the_stem" exercise="make_resnet" of="list_of_layers"
# The ReLU behind the first batch norm is missing, so the first skip carries negative numbers.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)]

# %% misconception="no_norm_in_the_stem" exercise="make_resnet" of="list_of_layers"
# The batch norm behind the first convolution is missing.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.ReLU()]

# %% misconception="bias_in_the_stem" exercise="make_resnet" of="list_of_layers"
# The first convolution has a bias, which the batch norm behind it cancels.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [nn.Conv2d(in_channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]

# %% misconception="max_pool_at_the_end" exercise="make_resnet" of="list_of_layers"
# The largest value of each channel is taken at the end, not the average.
# - layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
# + layers += [nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]

# %% misconception="no_average" exercise="make_resnet" of="list_of_layers"
# The image is flattened without an average, for one size of images.
# - layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
# + layers += [nn.Flatten(), nn.LazyLinear(num_classes)]

# %% misconception="softmax_at_the_end" exercise="make_resnet" of="list_of_layers"
# A softmax ends the network, where logits are asked for.
# - layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
# + layers += [
# +     nn.AdaptiveAvgPool2d(1),
# +     nn.Flatten(),
# +     nn.Linear(channels, num_classes),
# +     nn.Softmax(dim=1),
# + ]

# %% misconception="relu_at_the_end" exercise="make_resnet" of="list_of_layers"
# A ReLU ends the network, so no logit is negative.
# - layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
# + layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes), nn.ReLU()]

# %% misconception="three_channels_always" exercise="make_resnet" of="list_of_layers"
# in_channels is ignored: the images have three channels always.
# - layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
# + layers = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]

# %% misconception="ten_classes_always" exercise="make_resnet" of="list_of_layers"
# num_classes is ignored: there are ten classes always.
# - layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
# + layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]

# %% misconception="three_stages_always" exercise="make_resnet" of="list_of_layers"
# There are three stages always, whatever blocks says.
# - for i, count in enumerate(blocks):
# + for i, count in enumerate((list(blocks) * 3)[:3]):

# %% misconception="block_ignored" exercise="make_resnet" of="list_of_layers"
# The argument block is not used.
# - layers.append(block(channels, width, stride=stride))
# + layers.append(PaddedBlock(channels, width, stride=stride))

# %% misconception="one_block_too_few" exercise="make_resnet" of="list_of_layers"
# A stage of one block has none.
# - for j in range(count):
# + for j in range(count - 1):

# %% misconception="no_skips" exercise="make_resnet" of="list_of_layers"
# The blocks have no skip: this is the plain network.
# - layers.append(block(channels, width, stride=stride))
# + layers.append(PaddedBlock(channels, width, stride=stride, skip=no_skip))


# %% alternative="list_of_layers" exercise="make_resnet"
# All layers in one list, blocks included.
def make_resnet(blocks, *, num_classes, in_channels=3, block=PaddedBlock):
    if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
        raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
    layers = [nn.Conv2d(in_channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    channels = 16
    for i, count in enumerate(blocks):
        width = 16 * 2**i
        for j in range(count):
            stride = 2 if i > 0 and j == 0 else 1
            layers.append(block(channels, width, stride=stride))
            channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% alternative="module_of_its_own" exercise="make_resnet"
# A module with a forward pass of its own, and a mean in place of the pooling layer.
class Net(nn.Module):
    def __init__(self, blocks, num_classes, in_channels, make):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = [16 << i for i in range(len(blocks))]
        self.body = nn.ModuleList()
        before = 16
        for width, count in zip(widths, blocks, strict=True):
            self.body.append(make(before, width, stride=1 if width == 16 else 2))
            self.body.extend(make(width, width) for _ in range(1, count))
            before = width
        self.head = nn.Linear(before, num_classes)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        for block in self.body:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


def make_resnet(blocks, *, num_classes, in_channels=3, block=PaddedBlock):
    numbers = [num_classes, in_channels, *blocks]
    if not blocks or any(number < 1 for number in numbers):
        raise ValueError(f"got {blocks!r}, {num_classes} classes, {in_channels} channels")
    return Net(blocks, num_classes, in_channels, block)


# %% equivalent exercise="make_resnet"
# The lesson does not ask for this refusal.
# - if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
# -     raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
# or
# - if min(num_classes, in_channels, *blocks, len(blocks)) < 1:
# + if min(num_classes, in_channels, *blocks, len(blocks)) < 0:
# or
# - raise ValueError(f"{blocks=}, {num_classes=}, {in_channels=}; expected 1 or more of each")
# + pass

# %% equivalent exercise="make_resnet"
# In place or not, the numbers are the same.
# - relu=nn.ReLU(inplace=True),
# + relu=nn.ReLU(),
# or
# + relu=nn.ReLU(inplace=False),

# %% equivalent exercise="make_resnet"
# Stages are counted from 0.
# - first = block(channels, width, stride=1 if i == 0 else 2)
# + first = block(channels, width, stride=1 if i <= 0 else 2)

# %% equivalent exercise="make_resnet"
# What layers are called is free.
# - layers[f"layer{i + 1}"] = nn.Sequential(first, *rest)
# + layers[f"layer{i * 1}"] = nn.Sequential(first, *rest)
# or
# + layers[f"layer{i - 1}"] = nn.Sequential(first, *rest)
# or
# + layers[f"layer{i + 0}"] = nn.Sequential(first, *rest)
# or
# + layers[f"layer{i + 2}"] = nn.Sequential(first, *rest)


# %% misconception="nothing" exercise="zero_init_residual"
# What changed is not the last batch norm's weight of each F, set to 0, and nothing else.
def zero_init_residual(model):
    # First of its exercise: answers that return None look alike to the diagnosis, and what it says
    # of this one is true of all.
    residual_blocks(model)


# %% misconception="first_norm" exercise="zero_init_residual"
# The first batch norm is set to 0 in place of the last, so the second still adds its bias.
# - nn.init.zeros_(norms[-1].weight)
# + nn.init.zeros_(norms[0].weight)

# %% misconception="second_norm" exercise="zero_init_residual"
# The second batch norm is taken for the last; a block may have three.
# - nn.init.zeros_(norms[-1].weight)
# + nn.init.zeros_(norms[1].weight)

# %% misconception="all_norms" exercise="zero_init_residual"
# All batch norms are set to 0, so no gradient reaches what is before them.
# - nn.init.zeros_(norms[-1].weight)
# + for norm in norms:
# +     nn.init.zeros_(norm.weight)

# %% misconception="norm_of_the_shortcut" exercise="zero_init_residual"
# The shortcut's batch norm was taken for the last one of F: block.modules() goes into the shortcut
# as well, block.children() does not.
# - norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
# + norms = [child for child in block.modules() if isinstance(child, nn.BatchNorm2d)]


# %% misconception="every_norm_of_the_model" exercise="zero_init_residual"
# The last batch norm of the whole model is set to 0, not one in each block.
def zero_init_residual(model):
    residual_blocks(model)
    norms = [child for child in model.modules() if isinstance(child, nn.BatchNorm2d)]
    nn.init.zeros_(norms[-1].weight)


# %% misconception="first_block_alone" exercise="zero_init_residual"
# Only the first block is changed.
# - for block in residual_blocks(model):
# + for block in residual_blocks(model)[:1]:

# %% misconception="bias_instead" exercise="zero_init_residual"
# The bias is set to 0 in place of the weight.
# - nn.init.zeros_(norms[-1].weight)
# + nn.init.zeros_(norms[-1].bias)

# %% misconception="bias_too" exercise="zero_init_residual"
# The bias is set to 0 as well, which nobody asked for.
#   nn.init.zeros_(norms[-1].weight)
# + nn.init.zeros_(norms[-1].bias)

# %% misconception="convolution" exercise="zero_init_residual"
# The weights of the last convolution are set to 0, not those of the batch norm behind it.
# - norms = [child for child in block.children() if isinstance(child, nn.BatchNorm2d)]
# + norms = [child for child in block.children() if isinstance(child, nn.Conv2d)]

# %% misconception="ones" exercise="zero_init_residual"
# The weight is set to 1, where batch norm starts anyway.
# - nn.init.zeros_(norms[-1].weight)
# + nn.init.ones_(norms[-1].weight)

# %% misconception="small_number" exercise="zero_init_residual"
# The weight is small, not 0.
# - nn.init.zeros_(norms[-1].weight)
# + nn.init.constant_(norms[-1].weight, 1e-3)

# %% misconception="on_a_copy" exercise="zero_init_residual"
# A copy is changed, and the model stays as it is.
# - for block in residual_blocks(model):
# + for block in residual_blocks(copy.deepcopy(model)):

# %% misconception="frozen" exercise="zero_init_residual"
# The weight is 0 and no longer learns.
#   nn.init.zeros_(norms[-1].weight)
# + norms[-1].weight.requires_grad_(False)


# %% alternative="by_copy" exercise="zero_init_residual"
# The weight is multiplied by 0 without recording a gradient.
def zero_init_residual(model):
    for block in residual_blocks(model):
        last = None
        for child in block.children():
            if isinstance(child, nn.BatchNorm2d):
                last = child
        with torch.no_grad():
            last.weight.mul_(0)


# %% alternative="by_name" exercise="zero_init_residual"
# The numbered names of the given blocks are read, and the largest is taken.
def zero_init_residual(model):
    found = [module for module in model.modules() if hasattr(module, "residual")]
    if not found:
        raise ValueError(f"{type(model).__name__} holds no residual block")
    for block in found:
        names = sorted(name for name, _ in block.named_children() if name.startswith("bn"))
        nn.init.constant_(getattr(block, names[-1]).weight, 0.0)


# %% misconception="rate_of_the_lesson" exercise="harmful_rate"
# This is the lesson's rate, with which 56 layers do well.
# - return 0.1
# + return 0.03

# %% misconception="too_small" exercise="harmful_rate"
# With so small a rate not even 8 layers learn in 60 steps.
# - return 0.1
# + return 0.003

# %% misconception="far_too_large" exercise="harmful_rate"
# With so large a rate 8 layers do not learn either.
# - return 0.1
# + return 3.0

# %% alternative="a_little_more" exercise="harmful_rate"
# Somewhat larger rates will do, too.
# - return 0.1
# + return 0.11


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
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [name for name, size in zip(named, sizes, strict=True) if size == 0]

# %% misconception="absolute_bound" exercise="idle_parameters"
# The bound does not depend on the size of the other gradients.
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [name for name, size in zip(named, sizes, strict=True) if size < 1e-1]


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
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [name for name, size in zip(named, sizes, strict=True) if size > 1e-4 * max(sizes)]

# %% misconception="biases_by_name" exercise="idle_parameters"
# Every bias of a convolution is taken for idle, whatever follows it.
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [
# +     name for name, size in zip(named, sizes, strict=True) if size >= 0 and name.endswith("bias")
# + ]

# %% misconception="tensors_for_names" exercise="idle_parameters"
# The gradients are returned, not the names.
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [size for name, size in zip(named, sizes, strict=True) if size <= 1e-4 * max(sizes)]


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
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# - gradients = torch.autograd.grad(total, parameters, materialize_grads=True)
# + named = dict(twin.named_parameters())
# + gradients = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
#   sizes = [g.abs().max().item() for g in gradients]
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [name for name, size in zip(named, sizes, strict=True) if size < 1e-4 * max(sizes)]


# %% alternative="backward" exercise="idle_parameters"
# backward() on the copy, and other uneven weights.
def idle_parameters(model, x):
    twin = copy.deepcopy(model)
    twin.train()
    twin.zero_grad()
    y = twin(x)
    weights = torch.linspace(1, 3, y.numel(), dtype=y.dtype).square().cos().reshape(y.shape)
    (weights * y).sum().backward()
    sizes = {
        name: 0.0 if p.grad is None else p.grad.abs().amax().item()
        for name, p in twin.named_parameters()
    }
    return [name for name in sizes if sizes[name] <= 1e-4 * max(sizes.values())]


# %% alternative="in_float64" exercise="idle_parameters"
# The copy computes in float64, where rounding is far below the bound.
def idle_parameters(model, x):
    twin, names = copy.deepcopy(model).double().train(), []
    y = twin(x.double()).flatten()
    total = (y * torch.arange(len(y)).double().sin()).sum()
    parameters = list(twin.named_parameters())
    gradients = torch.autograd.grad(total, [p for _, p in parameters], allow_unused=True)
    top = max(g.abs().max() for g in gradients if g is not None)
    for (name, _), g in zip(parameters, gradients, strict=True):
        if g is None or g.abs().max() <= 1e-4 * top:
            names.append(name)
    return names


# %% equivalent exercise="idle_parameters"
# Any uneven weights will do, in float32 too.
# - total = (y * torch.arange(y.numel(), dtype=y.dtype).sin().reshape(y.shape)).sum()
# + total = (y * torch.arange(y.numel()).sin().reshape(y.shape)).sum()

# %% equivalent exercise="idle_parameters"
# Both are as long as the parameters are many.
# - names, parameters = zip(*twin.named_parameters(), strict=True)
# + names, parameters = zip(*twin.named_parameters())
# or
# + names, parameters = zip(*twin.named_parameters(), strict=False)
# or
# - return [name for name, size in zip(names, sizes, strict=True) if size <= 1e-4 * max(sizes)]
# + return [name for name, size in zip(names, sizes) if size <= 1e-4 * max(sizes)]
# or
# + return [name for name, size in zip(names, sizes, strict=False) if size <= 1e-4 * max(sizes)]
