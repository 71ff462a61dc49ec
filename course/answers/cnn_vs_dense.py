"""Answers to the exercises of the lesson on convolution.

The checks reject every misconception, and feedback names the one that answers as a student does.
They accept every alternative and every equivalent.
"""

# %% misconception="no_bias" exercise="dense_parameters"
# The biases are left out.
# - return out_features * (in_features + bias)
# + return out_features * in_features

# %% misconception="bias_always" exercise="dense_parameters"
# The biases are counted even where there are none.
# - return out_features * (in_features + bias)
# + return out_features * (in_features + 1)

# %% misconception="bias_per_input" exercise="dense_parameters"
# There is one bias per input instead of one per output.
# - return out_features * (in_features + bias)
# + return in_features * (out_features + bias)

# %% misconception="sum" exercise="dense_parameters"
# Inputs and outputs are added instead of multiplied.
# - return out_features * (in_features + bias)
# + return in_features + out_features + bias

# %% misconception="one_bias" exercise="dense_parameters"
# One bias is counted for the whole layer.
# - return out_features * (in_features + bias)
# + return out_features * in_features + bias

# %% misconception="square" exercise="dense_parameters"
# The layer is taken as square.
# - return out_features * (in_features + bias)
# + return out_features * (out_features + bias)

# %% misconception="in_thousands" exercise="dense_parameters"
# The count goes through a 16-bit float and is rounded.
# - return out_features * (in_features + bias)
# + return int(torch.tensor(float(out_features * (in_features + bias)), dtype=torch.bfloat16))


# %% misconception="takes_any_size" exercise="dense_parameters"
# Sizes below 1 are taken as they are, where a ValueError is asked for.
def dense_parameters(in_features, out_features, *, bias=True):
    return out_features * (in_features + bias)


# %% misconception="takes_zero" exercise="dense_parameters"
# A size of 0 is taken as it is.
# - if min(in_features, out_features) < 1:
# + if min(in_features, out_features) < 0:


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


# %% misconception="merges_images" exercise="flatten"
# The images of the batch are merged too.
# - kept, merged = x.shape[:start_dim], x.shape[start_dim:]
# - return x.reshape(*kept, math.prod(merged))
# + _kept, _merged = x.shape[:start_dim], x.shape[start_dim:]
# + return x.reshape(-1)

# %% misconception="ignores_start_dim" exercise="flatten"
# start_dim is ignored: it is always 1.
# - kept, merged = x.shape[:start_dim], x.shape[start_dim:]
# + kept, merged = x.shape[:1], x.shape[1:]

# %% misconception="column_by_column" exercise="flatten"
# The numbers are laid out column by column.
# - return x.reshape(*kept, math.prod(merged))
# + return x.transpose(-1, -2).reshape(*kept, math.prod(merged))

# %% misconception="channels_last" exercise="flatten"
# The channels are moved behind rows and columns first.
# - return x.reshape(*kept, math.prod(merged))
# + return x.movedim(1, -1).reshape(*kept, math.prod(merged))

# %% misconception="view" exercise="flatten"
# view goes by memory and refuses a tensor that is not contiguous.
# - return x.reshape(*kept, math.prod(merged))
# + return x.view(*kept, math.prod(merged))

# %% misconception="minus_one" exercise="flatten"
# The length is left to -1, which cannot be worked out for an empty batch.
# - kept, merged = x.shape[:start_dim], x.shape[start_dim:]
# - return x.reshape(*kept, math.prod(merged))
# + kept, _merged = x.shape[:start_dim], x.shape[start_dim:]
# + return x.reshape(*kept, -1)

# %% misconception="torchs_own" exercise="flatten"
# Torch's own function does the work.
# - kept, merged = x.shape[:start_dim], x.shape[start_dim:]
# - return x.reshape(*kept, math.prod(merged))
# + _kept, _merged = x.shape[:start_dim], x.shape[start_dim:]
# + return torch.flatten(x, start_dim)

# %% misconception="detached" exercise="flatten"
# The history is lost, so no gradient flows back.
# - return x.reshape(*kept, math.prod(merged))
# + return x.detach().reshape(*kept, math.prod(merged))


# %% misconception="takes_any_dim" exercise="flatten"
# A dimension that is not there merges nothing, where a ValueError is asked for.
def flatten(x, *, start_dim=1):
    return x.reshape(*x.shape[:start_dim], math.prod(x.shape[start_dim:]))


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
# - x = torch.relu(self.conv1(x))
# - # N x 10 x 8 x 8
# - x = torch.relu(self.conv2(x))
# + x = self.conv1(x)
# + x = self.conv2(x)

# %% misconception="softmax_inside" exercise="digits_cnn"
# Softmax is applied inside the network, and the loss applies it again.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.flatten(1)).softmax(dim=1)

# %% misconception="sigmoid_inside" exercise="digits_cnn"
# Each score is squeezed through a sigmoid.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.flatten(1)).sigmoid()

# %% misconception="relu_at_the_end" exercise="digits_cnn"
# The scores pass a ReLU, so none can fall below 0.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.flatten(1)).relu()

# %% misconception="too_large" exercise="digits_cnn"
# The network is several times larger than the budget.
# - self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
# - self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
# - self.head = nn.Linear(400, 10)
# + self.conv1 = nn.Conv2d(1, 32, kernel_size=3, padding=1)
# + self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=2, padding=1)
# + self.head = nn.Linear(1024, 10)

# %% misconception="too_small" exercise="digits_cnn"
# Two and three channels are too few to tell ten digits apart.
# - self.conv1 = nn.Conv2d(1, 10, kernel_size=3, padding=1)
# - self.conv2 = nn.Conv2d(10, 25, kernel_size=3, stride=2, padding=1)
# - self.head = nn.Linear(400, 10)
# + self.conv1 = nn.Conv2d(1, 2, kernel_size=3, padding=1)
# + self.conv2 = nn.Conv2d(2, 3, kernel_size=3, stride=2, padding=1)
# + self.head = nn.Linear(48, 10)

# %% misconception="mixed_images" exercise="digits_cnn"
# The maps of different images are mixed up when they are flattened.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.transpose(0, 1).reshape(len(x), -1))

# %% misconception="takes_any_shape" exercise="digits_cnn"
# Images of other shapes are cut to 8 x 8, where a ValueError is asked for.
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 8, 8)")
# + x = x.reshape(len(x), -1)[:, :64].reshape(-1, 1, 8, 8)

# %% misconception="frozen" exercise="digits_cnn"
# The convolutions are frozen at their random start.
#   self.head = nn.Linear(400, 10)
# + self.conv1.requires_grad_(False)
# + self.conv2.requires_grad_(False)

# %% misconception="all_zero" exercise="digits_cnn"
# All weights start at 0, so nothing can be learnt behind the ReLU.
#   self.head = nn.Linear(400, 10)
# + for p in self.parameters():
# +     nn.init.zeros_(p)

# %% misconception="centred_on_batch" exercise="digits_cnn"
# The mean of the batch is subtracted, so each result depends on the other images.
# - x = torch.relu(self.conv1(x))
# + x = torch.relu(self.conv1(x - x.mean(dim=0)))

# %% misconception="always_dropping" exercise="digits_cnn"
# Dropout goes on at test time, because it is never told the mode.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(F.dropout(x.flatten(1), 0.3))

# %% misconception="in_place" exercise="digits_cnn"
# The image itself is overwritten.
# - # N x 1 x 8 x 8
# + x -= 0.5

# %% misconception="two_classes_more" exercise="digits_cnn"
# The head has twelve outputs.
# - self.head = nn.Linear(400, 10)
# + self.head = nn.Linear(400, 12)

# %% misconception="detached" exercise="digits_cnn"
# The maps are detached before the head, so the convolutions learn nothing.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.detach().flatten(1))


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
