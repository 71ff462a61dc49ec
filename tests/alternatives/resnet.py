"""Right answers, written in other ways than the reference: every check must accept them."""


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


# %% alternative="sequential" exercise="basic_block"
# F is one nn.Sequential, and the shortcut is written out.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        if min(in_channels, out_channels, stride) < 1:
            raise ValueError(f"got {in_channels}, {out_channels}, stride {stride}; need 1 or more")
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.way = nn.Sequential()
        if stride > 1 or in_channels != out_channels:
            self.way.append(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))
            self.way.append(nn.BatchNorm2d(out_channels))

    def residual(self, x):
        return self.layers(x)

    def forward(self, x):
        return torch.relu(self.way(x) + self.layers(x))


# %% alternative="relu_as_a_layer" exercise="basic_block"
# ReLU is a layer that works in place on tensors which nobody else needs.
class BasicBlock(nn.Module):
    def __init__(self, in_channels, out_channels, *, stride=1):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.downsample = option_b(in_channels, out_channels, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)

    def residual(self, x):
        return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))

    def forward(self, x):
        return self.relu(self.residual(x) + self.downsample(x))


# %% alternative="sum_in_place" exercise="basic_block"
# The shortcut is added in place, as torchvision does.
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
        identity = x
        out = self.residual(x)
        out += self.downsample(identity)
        return out.clamp(min=0)


# %% alternative="sequential" exercise="bottleneck_block"
# F is one nn.Sequential.
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        out = width * 4
        self.downsample = option_b(in_channels, out, stride=stride)
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
class BottleneckBlock(nn.Module):
    def __init__(self, in_channels, width, *, stride=1):
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.downsample = option_b(in_channels, 4 * width, stride=stride)
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    def residual(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.bn3(self.conv3(x))

    def forward(self, x):
        return self.relu(self.residual(x) + self.downsample(x))


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


# %% alternative="list_of_layers" exercise="make_resnet"
# All layers in one list, blocks included.
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
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)]
    return nn.Sequential(*layers)


# %% alternative="module_of_its_own" exercise="make_resnet"
# A module with a forward pass of its own, and a mean in place of the pooling layer.
class Net(nn.Module):
    def __init__(self, blocks, num_classes, in_channels):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(16)
        widths = [16 << i for i in range(len(blocks))]
        self.body = nn.ModuleList()
        before = 16
        for width, count in zip(widths, blocks, strict=True):
            self.body.append(PaddedBlock(before, width, stride=1 if width == 16 else 2))
            self.body.extend(PaddedBlock(width, width) for _ in range(1, count))
            before = width
        self.head = nn.Linear(before, num_classes)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        for block in self.body:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


def make_resnet(blocks, *, num_classes, in_channels=3):
    numbers = [num_classes, in_channels, *blocks]
    if not blocks or any(number < 1 for number in numbers):
        raise ValueError(f"got {blocks!r}, {num_classes} classes, {in_channels} channels")
    return Net(blocks, num_classes, in_channels)


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
