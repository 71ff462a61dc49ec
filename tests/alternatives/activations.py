"""Right answers, written in other ways than the reference: every check must accept them."""


# %% alternative="clamp" exercise="relu"
# The slope at 0 is 1 here, which is as good as 0.
def relu(x):
    return x.clamp(min=0)


# %% alternative="maximum" exercise="relu"
# The slope at 0 is 1/2 here.
def relu(x):
    return torch.maximum(x, torch.zeros_like(x))


# %% alternative="half_the_sum" exercise="relu"
# (x + |x|) / 2, without any comparison.
def relu(x):
    return (x + x.abs()) / 2


# %% alternative="two_parts" exercise="leaky_relu"
# The parts above and below 0, each clamped, and added.
def leaky_relu(x, *, negative_slope=0.01):
    if negative_slope < 0:
        raise ValueError(f"got negative_slope={negative_slope}, need a slope that is not below 0")
    return x.clamp(min=0) + negative_slope * x.clamp(max=0)


# %% alternative="slope_tensor" exercise="leaky_relu"
# A tensor of slopes, multiplied with x.
def leaky_relu(x, *, negative_slope=0.01):
    if not negative_slope >= 0:
        raise ValueError(f"negative_slope must not be negative, but is {negative_slope}")
    slope = torch.where(x > 0, 1.0, negative_slope * torch.ones_like(x))
    return slope * x


# %% alternative="two_parts" exercise="elu"
# The parts above and below 0 are added; exp(0) - 1 is 0, so they do not disturb each other.
def elu(x, *, alpha=1.0):
    if alpha < 0:
        raise ValueError(f"alpha must be 0 or above, got {alpha}")
    return x.clamp(min=0) + alpha * (torch.exp(x.clamp(max=0)) - 1)


# %% alternative="masked" exercise="elu"
# Only the numbers below 0 ever meet exp.
def elu(x, *, alpha=1.0):
    if alpha < 0:
        raise ValueError(f"alpha is {alpha}")
    out = x.clone()
    below = x <= 0
    out[below] = alpha * torch.expm1(x[below])
    return out


# %% alternative="largest" exercise="dead_fraction"
# A unit is dead where its largest input is at or below 0.
def dead_fraction(preactivations):
    if preactivations.ndim != 2 or 0 in preactivations.shape:
        raise ValueError(f"expected (N, units), got {list(preactivations.shape)}")
    return float((preactivations.amax(dim=0) <= 0).float().mean())


# %% alternative="loop" exercise="dead_fraction"
# A loop over the units.
def dead_fraction(preactivations):
    if preactivations.dim() != 2 or min(preactivations.shape) == 0:
        raise ValueError(f"expected (N, units), got {preactivations.shape}")
    units = preactivations.shape[1]
    return sum(not (preactivations[:, j] > 0).any() for j in range(units)) / units


# %% alternative="two_clamps" exercise="sigmoid"
# Each formula sees the side of x that it can bear.
def sigmoid(x):
    e = torch.exp(x.clamp(max=0))
    return torch.where(x >= 0, 1 / (1 + torch.exp(-x.clamp(min=0))), e / (1 + e))


# %% alternative="masked" exercise="sigmoid"
# Each side is computed on its own.
def sigmoid(x):
    out = torch.empty_like(x)
    right = x >= 0
    out[right] = 1 / (1 + torch.exp(-x[right]))
    e = torch.exp(x[~right])
    out[~right] = e / (1 + e)
    return out


# %% alternative="shifted_exponentials" exercise="sigmoid"
# exp(x - m) / (exp(-m) + exp(x - m)) with the larger of 0 and x as m.
def sigmoid(x):
    m = x.clamp(min=0).detach()
    return torch.exp(x - m) / (torch.exp(-m) + torch.exp(x - m))


# %% alternative="plain_exp" exercise="tanh"
# exp instead of expm1: near 0 the last digits are lost, within the tolerance.
def tanh(x):
    e = torch.exp(torch.where(x >= 0, -2 * x, 2 * x))
    return torch.where(x >= 0, (1 - e) / (1 + e), (e - 1) / (1 + e))


# %% alternative="by_sigmoid" exercise="tanh"
# 2 sigmoid(2x) - 1, with the sigmoid written out.
def tanh(x):
    y = 2 * x
    e = torch.exp(torch.where(y >= 0, -y, y))
    return 2 * torch.where(y >= 0, 1 / (1 + e), e / (1 + e)) - 1


# %% alternative="by_value" exercise="activation_gradient"
# The slopes from the values, as the text writes them.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        s = torch.sigmoid(x)
        return s * (1 - s)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return torch.where(x > 0, torch.ones_like(x), torch.zeros_like(x))
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), torch.full_like(x, negative_slope))
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), F.elu(x, alpha=alpha) + alpha)
    raise ValueError(f"unknown activation {name}")


# %% alternative="table" exercise="activation_gradient"
# A table of functions instead of a chain of conditions.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    above = (x > 0).to(x.dtype)
    table = {
        "sigmoid": lambda: torch.sigmoid(x) * torch.sigmoid(-x),
        "tanh": lambda: (1 - torch.tanh(x)) * (1 + torch.tanh(x)),
        "relu": lambda: above,
        "leaky_relu": lambda: above + negative_slope * (1 - above),
        "elu": lambda: (
            above + alpha * torch.exp(torch.minimum(x, torch.zeros_like(x))) * (1 - above)
        ),
    }
    if name not in table:
        raise ValueError(f"name {name!r} is not one of {sorted(table)}")
    return table[name]()


# %% alternative="normal_init" exercise="signal_by_depth"
# torch.nn.init draws the weights, and the product is the other way round.
def signal_by_depth(activation, *, depth, width, gain, generator):
    if depth < 1:
        raise ValueError(f"depth must be at least 1, got {depth}")
    if width < 1:
        raise ValueError(f"width must be at least 1, got {width}")
    h = torch.normal(0.0, 1.0, (width, 256), generator=generator)
    spreads = []
    for _ in range(depth):
        weight = torch.empty(width, width)
        nn.init.normal_(weight, std=gain / width**0.5, generator=generator)
        h = activation(weight @ h)
        spreads.append(float(h.std()))
    return spreads


# %% alternative="double" exercise="signal_by_depth"
# In float64, with all weights drawn ahead.
def signal_by_depth(activation, *, depth, width, gain, generator):
    if min(depth, width) < 1:
        raise ValueError(f"got depth={depth}, width={width}; both must be 1 or more")
    h = torch.randn(256, width, dtype=torch.float64, generator=generator)
    weights = torch.randn(depth, width, width, dtype=torch.float64, generator=generator)
    spreads = []
    for weight in weights:
        h = activation(gain / math.sqrt(width) * (h @ weight))
        spreads.append(torch.std(h).item())
    return spreads


# %% alternative="between" exercise="sigmoid_gain"
# Another number of the window.
def sigmoid_gain():
    return 10.6


# %% alternative="searched" exercise="sigmoid_gain"
# The window is searched when the function is called.
def sigmoid_gain():
    from course.dense import arriving

    low, high = 4.0, 16.0
    for _ in range(10):
        gain = (low + high) / 2
        arrived = arriving(torch.sigmoid, gain=gain)
        low, high = (gain, high) if arrived < 1 else (low, gain)
    return gain


# %% alternative="max_values" exercise="softmax"
# max with its indices, and the gradient through the maximum, which cancels.
def softmax(x, *, dim):
    if dim not in range(-x.ndim, x.ndim):
        raise ValueError(f"dim={dim} does not exist in a tensor with {x.ndim} dimensions")
    powers = (x - x.max(dim=dim, keepdim=True).values).exp()
    return powers / powers.sum(dim=dim, keepdim=True)


# %% alternative="moved_axis" exercise="softmax"
# The classes are moved to the end and back.
def softmax(x, *, dim):
    if not -x.dim() <= dim < x.dim():
        raise ValueError(f"dim {dim} is out of range for shape {tuple(x.shape)}")
    y = x.movedim(dim, -1)
    largest, _ = y.max(-1)
    e = (y - largest.unsqueeze(-1)).exp()
    return (e / e.sum(-1).unsqueeze(-1)).movedim(-1, dim)


# %% alternative="ten_times" exercise="wrong_but_accepted"
# ReLU's zeros stay, and everything else is ten times too large.
def wrong_but_accepted(right):
    return right * 10 + (right > 0)


# %% alternative="shuffled_sign" exercise="wrong_but_accepted"
# The numbers above 0 come out below 0.
def wrong_but_accepted(right):
    return -right - (right > 0).to(right.dtype)


# %% alternative="by_hand" exercise="same_output"
# Equal, or within the tolerance; infinities are equal or not.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    near = (output - right).abs() <= atol + rtol * right.abs()
    finite = output.isfinite() & right.isfinite()
    return ((near & finite) | (output == right)).all().item()


# %% alternative="isclose" exercise="same_output"
# Torch's own comparison, number by number.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return bool(
        output.shape == right.shape and torch.isclose(output, right, rtol=rtol, atol=atol).all()
    )
