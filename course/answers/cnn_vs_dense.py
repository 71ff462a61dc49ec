"""Answers to the exercises of the lesson on convolutional against dense networks.

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
        self.hidden = nn.Linear(256, 41)
        self.head = nn.Linear(41, 10)

    def forward(self, x):
        if x.shape[1:] != (1, 16, 16):
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 16, 16)")
        return self.head(torch.relu(self.hidden(x.flatten(1))))


# %% misconception="linear" exercise="digits_cnn"
# There is no activation between the layers, so the network is one linear map.
# - x = torch.relu(self.conv1(x))
# - # N x 8 x 16 x 16
# - x = torch.relu(self.conv2(x))
# - # N x 16 x 8 x 8
# - x = torch.relu(self.conv3(x))
# + x = self.conv1(x)
# + x = self.conv2(x)
# + x = self.conv3(x)

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
# The network is larger than the budget.
# - self.conv3 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
# - self.head = nn.Linear(512, 10)
# + self.conv3 = nn.Conv2d(16, 64, kernel_size=3, stride=2, padding=1)
# + self.head = nn.Linear(1024, 10)

# %% misconception="too_small" exercise="digits_cnn"
# Two and three channels are too few to tell ten figures apart.
# - self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
# - self.conv2 = nn.Conv2d(8, 16, kernel_size=3, stride=2, padding=1)
# - self.conv3 = nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1)
# - self.head = nn.Linear(512, 10)
# + self.conv1 = nn.Conv2d(1, 2, kernel_size=3, padding=1)
# + self.conv2 = nn.Conv2d(2, 3, kernel_size=3, stride=2, padding=1)
# + self.conv3 = nn.Conv2d(3, 3, kernel_size=3, stride=2, padding=1)
# + self.head = nn.Linear(48, 10)

# %% misconception="mixed_images" exercise="digits_cnn"
# The maps of different images are mixed up when they are flattened.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.transpose(0, 1).reshape(len(x), -1))

# %% misconception="takes_any_shape" exercise="digits_cnn"
# Images of other shapes are stretched or cut to 16 x 16, where a ValueError is asked for.
# - raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 1, 16, 16)")
# + flat = x.reshape(len(x), -1)
# + x = F.pad(flat, (0, max(0, 256 - flat.shape[1])))[:, :256].reshape(-1, 1, 16, 16)

# %% misconception="frozen" exercise="digits_cnn"
# The convolutions are frozen at their random start.
#   self.head = nn.Linear(512, 10)
# + for layer in (self.conv1, self.conv2, self.conv3):
# +     layer.requires_grad_(False)

# %% misconception="all_zero" exercise="digits_cnn"
# All weights start at 0, so nothing can be learnt behind the ReLU.
#   self.head = nn.Linear(512, 10)
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
# - # N x 1 x 16 x 16
# + x -= 0.5

# %% misconception="two_classes_more" exercise="digits_cnn"
# The head has twelve outputs.
# - self.head = nn.Linear(512, 10)
# + self.head = nn.Linear(512, 12)

# %% misconception="detached" exercise="digits_cnn"
# The maps are detached before the head, so the convolutions learn nothing.
# - logits: Tensor = self.head(x.flatten(1))
# + logits = self.head(x.detach().flatten(1))

# %% misconception="fixed_dtype" exercise="digits_cnn"
# The image goes through float32 inside, whatever the network's dtype.
# - x = torch.relu(self.conv1(x))
# + x = torch.relu(self.conv1(x.float()))


# %% alternative="pooled" exercise="digits_cnn"
# Pooling in place of the strides, all in one Sequential.
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
            nn.Linear(512, 10),
        )

    def forward(self, x):
        if x.ndim != 4 or x.shape[1:] != (1, 16, 16):
            raise ValueError(f"expected (N, 1, 16, 16), got {tuple(x.shape)}")
        return self.layers(x)


# %% alternative="normalised" exercise="digits_cnn"
# With batch normalisation, whose statistics are buffers and no parameters.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 8, 3, padding=1, bias=False)
        self.second = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.third = nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(8), nn.BatchNorm2d(16), nn.BatchNorm2d(32)])
        self.out = nn.Linear(512, 10)

    def forward(self, x):
        if tuple(x.shape[1:]) != (1, 16, 16):
            raise ValueError(f"x is {tuple(x.shape)}")
        for norm, layer in zip(self.norms, (self.first, self.second, self.third), strict=True):
            x = norm(layer(x)).relu()
        return self.out(x.reshape(len(x), -1))


# %% alternative="by_hand" exercise="digits_cnn"
# Weights as plain parameters, and torch's functions.
class DigitsCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(8, 1, 3, 3) / 3)
        self.w2 = nn.Parameter(torch.randn(16, 8, 3, 3) / 72**0.5)
        self.w3 = nn.Parameter(torch.randn(32, 16, 3, 3) / 144**0.5)
        self.w4 = nn.Parameter(torch.randn(512, 10) / 512**0.5)
        self.b1, self.b2, self.b3, self.b4 = (nn.Parameter(torch.zeros(n)) for n in (8, 16, 32, 10))

    def forward(self, x):
        if x.dim() != 4 or list(x.shape[1:]) != [1, 16, 16]:
            raise ValueError(f"x has shape {tuple(x.shape)}")
        x = F.relu(F.conv2d(x, self.w1, self.b1, padding=1))
        x = F.relu(F.conv2d(x, self.w2, self.b2, stride=2, padding=1))
        x = F.relu(F.conv2d(x, self.w3, self.b3, stride=2, padding=1))
        return x.flatten(1) @ self.w4 + self.b4


# %% misconception="weights_only" exercise="shape_trail"
# The biases are not counted.
# - parameters = sum(p.numel() for p in layer.parameters())
# + parameters = sum(p.numel() for p in layer.parameters() if p.dim() > 1)

# %% misconception="what_goes_in" exercise="shape_trail"
# The shape is that of what goes into the layer.
# - x = layer(x)
# - parameters = sum(p.numel() for p in layer.parameters())
# - trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
# + parameters = sum(p.numel() for p in layer.parameters())
# + trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
# + x = layer(x)

# %% misconception="with_the_batch" exercise="shape_trail"
# The batch is part of the shape.
# - trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
# + trail.append((type(layer).__name__, tuple(x.shape), parameters))

# %% misconception="tensors_counted" exercise="shape_trail"
# The parameter tensors are counted, and not the numbers in them.
# - parameters = sum(p.numel() for p in layer.parameters())
# + parameters = sum(1 for p in layer.parameters())

# %% misconception="layers_with_weights" exercise="shape_trail"
# Layers without parameters are left out.
# - trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
# + if parameters:
# +     trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))

# %% misconception="all_modules" exercise="shape_trail"
# Layers inside of layers are run once more: modules() goes all the way down.
# - for layer in model.children():
# + for layer in list(model.modules())[1:]:

# %% misconception="whole_model" exercise="shape_trail"
# The parameters of the whole network are counted at every layer.
# - parameters = sum(p.numel() for p in layer.parameters())
# + parameters = sum(p.numel() for p in model.parameters())

# %% misconception="always_the_image" exercise="shape_trail"
# Every layer is given the image, and not what the layer before put out.
# - x = layer(x)
# + try:
# +     x = layer(torch.zeros(1, *input_shape))
# + except RuntimeError:
# +     x = layer(x)

# %% misconception="numbers_of_a_map" exercise="shape_trail"
# The shape is told as one number, how many values there are.
# - trail.append((type(layer).__name__, tuple(x.shape[1:]), parameters))
# + trail.append((type(layer).__name__, (x[0].numel(),), parameters))

# %% misconception="evaluates" exercise="shape_trail"
# The network is left in evaluation mode.
# - trail = []
# + trail = []
# + model.eval()

# %% misconception="running_total" exercise="shape_trail"
# The parameters are added up from the first layer on.
# - parameters = sum(p.numel() for p in layer.parameters())
# + parameters = sum(p.numel() for p in layer.parameters()) + sum(t[2] for t in trail[-1:])


# %% alternative="two_images" exercise="shape_trail"
# Two images instead of one, and the counts in a helper.
def shape_trail(model, input_shape):
    def held(layer):
        return sum(p.shape.numel() for p in layer.parameters())

    x, found = torch.ones(2, *input_shape), []
    for layer in model:
        x = layer(x).detach()
        found.append((layer.__class__.__name__, tuple(x[0].shape), held(layer)))
    return found


# %% alternative="by_slices" exercise="shape_trail"
# Each layer's output from the beginning: slower, and the same.
def shape_trail(model, input_shape):
    trail = []
    for number in range(len(model)):
        with torch.no_grad():
            y = model[: number + 1](torch.zeros(1, *input_shape))
        counts = [p.numel() for p in model[number].parameters()]
        trail.append((type(model[number]).__name__, tuple(y.shape)[1:], sum(counts)))
    return trail


# %% misconception="forgets_the_head" exercise="dense_twin"
# The last layer is left out of the count, so the network is too large.
# - hidden = (parameters - classes) // (inputs + 1 + classes)
# + hidden = parameters // (inputs + 1)

# %% misconception="no_biases" exercise="dense_twin"
# The biases are left out of the count.
# - hidden = (parameters - classes) // (inputs + 1 + classes)
# + hidden = parameters // (inputs + classes)

# %% misconception="last_biases" exercise="dense_twin"
# The biases of the last layer are left out of the count.
# - hidden = (parameters - classes) // (inputs + 1 + classes)
# + hidden = parameters // (inputs + 1 + classes)

# %% misconception="rounds_up" exercise="dense_twin"
# The number of hidden units is rounded up, beyond the budget.
# - hidden = (parameters - classes) // (inputs + 1 + classes)
# + hidden = -(-(parameters - classes) // (inputs + 1 + classes))

# %% misconception="one_too_few" exercise="dense_twin"
# One hidden unit more would fit.
# - hidden = (parameters - classes) // (inputs + 1 + classes)
# + hidden = max(1, (parameters - classes) // (inputs + 1 + classes) - 1)

# %% misconception="no_activation" exercise="dense_twin"
# There is no ReLU between the layers.
# - nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
# + nn.Flatten(), nn.Linear(inputs, hidden), nn.Linear(hidden, classes)

# %% misconception="relu_at_the_end" exercise="dense_twin"
# The scores pass a ReLU.
# - nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
# + nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes), nn.ReLU()

# %% misconception="softmax" exercise="dense_twin"
# The scores are made probabilities.
# - nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
# + *(nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU()),
# + *(nn.Linear(hidden, classes), nn.Softmax(dim=1)),

# %% misconception="no_flatten" exercise="dense_twin"
# Images are not flattened.
# - nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
# + nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)

# %% misconception="linear" exercise="dense_twin"
# There is no hidden layer.
# - nn.Flatten(), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
# + nn.Flatten(), nn.Linear(inputs, classes)

# %% misconception="takes_any_budget" exercise="dense_twin"
# Too small a budget is overdrawn instead of refused.
# - if hidden < 1:
# + hidden = max(hidden, 1)
# + if hidden < 1:


# %% alternative="by_counting" exercise="dense_twin"
# One unit more as long as the budget allows.
def dense_twin(parameters, *, inputs, classes):
    hidden = 0
    while (hidden + 1) * (inputs + 1) + (hidden + 2) * classes <= parameters:
        hidden += 1
    if hidden == 0:
        raise ValueError(f"{parameters} parameters are too few")
    first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, classes)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)


# %% alternative="flatten_by_hand" exercise="dense_twin"
# The same widths, from a division with a remainder.
def dense_twin(parameters, *, inputs, classes):
    hidden, _ = divmod(parameters - classes, inputs + classes + 1)
    if hidden <= 0:
        raise ValueError(f"parameters is {parameters}, inputs {inputs}, classes {classes}")
    return nn.Sequential(
        nn.Flatten(start_dim=1), nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


# %% misconception="as_it_is" exercise="rearrange"
# The pixels stay where they are.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.clone()

# %% misconception="mirrored" exercise="rearrange"
# The images are mirrored, so neighbours stay neighbours.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.flip(3)

# %% misconception="transposed" exercise="rearrange"
# Rows and columns are exchanged, so neighbours stay neighbours.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.transpose(2, 3)

# %% misconception="rolled" exercise="rearrange"
# The images are moved round a ring, so nearly all neighbours stay neighbours.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.roll((8, 8), dims=(2, 3))

# %% misconception="another_order_each" exercise="rearrange"
# Each image gets an order of its own, so nothing can be learnt.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + orders = torch.rand(len(images), 256, generator=torch.Generator().manual_seed(0)).argsort(dim=1)
# + return images.flatten(1).gather(1, orders).reshape(images.shape)

# %% misconception="sorted" exercise="rearrange"
# Each image's pixels are sorted by size, which is another order for each image.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.flatten(1).sort(dim=1, descending=True).values.reshape(images.shape)

# %% misconception="drawn_anew" exercise="rearrange"
# Pixels are drawn with replacement, so some occur twice and others not at all.
# - order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
# + order = torch.randint(256, (256,), generator=torch.Generator().manual_seed(0))

# %% misconception="images_shuffled" exercise="rearrange"
# The images are shuffled, and not their pixels.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return images.flip(0)

# %% misconception="changed_numbers" exercise="rearrange"
# The numbers are changed, and not their places.
# - return images.flatten(1)[:, order].reshape(images.shape)
# + return 1 - images


# %% alternative="with_strides" exercise="rearrange"
# Every 37th pixel, round a ring of 256: no randomness needed.
def rearrange(images):
    order = torch.arange(256) * 37 % 256
    return images.reshape(len(images), 256)[:, order].reshape(len(images), 1, 16, 16)


# %% alternative="rows_and_columns" exercise="rearrange"
# Rows are shuffled, and then columns.
def rearrange(images):
    generator = torch.Generator().manual_seed(3)
    rows, columns = (torch.randperm(16, generator=generator) for _ in range(2))
    return images[:, :, rows][:, :, :, columns]


# %% misconception="weakest" exercise="top_patches"
# The images with the lowest values come first.
# - for image in values.argsort(descending=True)[:k].tolist():
# + for image in values.argsort()[:k].tolist():

# %% misconception="in_their_order" exercise="top_patches"
# The first images are taken instead of the strongest.
# - for image in values.argsort(descending=True)[:k].tolist():
# + for image in range(k):

# %% misconception="first_channel" exercise="top_patches"
# The channel is ignored.
# - maps = model[: layer + 1](images)[:, channel]
# + maps = model[: layer + 1](images)[:, 0]

# %% misconception="layer_before" exercise="top_patches"
# The slice ends before the layer.
# - maps = model[: layer + 1](images)[:, channel]
# + maps = model[: max(layer, 1)](images)[:, channel]

# %% misconception="exchanged" exercise="top_patches"
# Rows and columns of the place are exchanged.
# - row, column = divmod(int(places[image]), maps.shape[2])
# + column, row = divmod(int(places[image]), maps.shape[2])

# %% misconception="by_the_height" exercise="top_patches"
# The place is divided by the height of the map instead of its width.
# - row, column = divmod(int(places[image]), maps.shape[2])
# + row, column = divmod(int(places[image]), maps.shape[1])

# %% misconception="no_jump" exercise="top_patches"
# The strides are forgotten: neighbours in the map are taken for neighbours in the image.
# - top, left = side + first + jump * row, side + first + jump * column
# + top, left = side + first + row, side + first + column

# %% misconception="no_padding" exercise="top_patches"
# The padding of the layers is forgotten: the field of the first unit is taken to begin at 0.
# - top, left = side + first + jump * row, side + first + jump * column
# + top, left = side + jump * row, side + jump * column

# %% misconception="mean_of_the_map" exercise="top_patches"
# The images are ordered by the mean of the map, and not by its largest value.
# - values, places = maps.flatten(1).max(dim=1)
# + values, places = maps.flatten(1).mean(dim=1), maps.flatten(1).argmax(dim=1)

# %% misconception="absolute" exercise="top_patches"
# The largest size counts, so that very low values do too.
# - values, places = maps.flatten(1).max(dim=1)
# + values, places = maps.flatten(1).abs().max(dim=1)

# %% misconception="whole_images" exercise="top_patches"
# Whole images are returned instead of patches.
# - patches.append(padded[image, :, top : top + side, left : left + side])
# + patches.append(images[image])

# %% misconception="centred_wrongly" exercise="top_patches"
# The patch begins where its middle should be.
# - top, left = side + first + jump * row, side + first + jump * column
# + top, left = side + first + jump * row + side // 2, side + first + jump * column + side // 2


# %% alternative="topk" exercise="top_patches"
# The strongest by topk, the place by unravelling, one image padded at a time.
def top_patches(model, layer, images, *, channel, k):
    side, jump, first = field_of(model, layer)
    maps = model[: layer + 1](images).detach()[:, channel]
    best = maps.amax(dim=(1, 2)).topk(k).indices
    found = []
    for image in best:
        at = maps[image].argmax().item()
        row, column = at // maps.shape[-1], at % maps.shape[-1]
        frame = F.pad(images[image], (side, side, side, side))
        rows = slice(side + first + jump * row, 2 * side + first + jump * row)
        columns = slice(side + first + jump * column, 2 * side + first + jump * column)
        found.append(frame[:, rows, columns])
    return torch.stack(found)


# %% alternative="pixel_by_pixel" exercise="top_patches"
# Each pixel of a patch is fetched, if the image has it.
def top_patches(model, layer, images, *, channel, k):
    side, jump, first = field_of(model, layer)
    maps = model[: layer + 1](images).detach()[:, channel]
    strongest = sorted(range(len(images)), key=lambda i: -maps[i].max().item())[:k]
    patches = images.new_zeros(k, images.shape[1], side, side)
    for n, i in enumerate(strongest):
        row, column = divmod(maps[i].flatten().argmax().item(), maps.shape[2])
        for a in range(side):
            for b in range(side):
                r, c = first + jump * row + a, first + jump * column + b
                if 0 <= r < images.shape[2] and 0 <= c < images.shape[3]:
                    patches[n, :, a, b] = images[i, :, r, c]
    return patches


# %% misconception="first_image_alone" exercise="same_alone"
# Only the first image is compared.
# - alone = torch.cat([model(x[i : i + 1]) for i in range(len(x))])
# + alone, together = model(x[:1]), together[:1]
# - if len(together) != len(x) or together.shape != alone.shape:
# + if together.shape != alone.shape:

# %% misconception="shape_alone" exercise="same_alone"
# Only the shapes are compared.
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return True

# %% misconception="broadcasts" exercise="same_alone"
# The number of rows is not looked at: one row is compared with all.
# - if len(together) != len(x) or together.shape != alone.shape:
# -     return False
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return bool((together[:1] - alone[:1]).abs().max() < 1e-5)

# %% misconception="exactly" exercise="same_alone"
# Rounding fails the model: equality is asked for.
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return torch.equal(together, alone)

# %% misconception="too_lenient" exercise="same_alone"
# The tolerance is so wide that differences of a few percent pass.
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return torch.allclose(together, alone, rtol=0.1, atol=0.1)

# %% misconception="the_sum" exercise="same_alone"
# The sums over the batch are compared, so that exchanged rows pass.
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return torch.allclose(together.sum(dim=0), alone.sum(dim=0), rtol=1e-4, atol=1e-5)

# %% misconception="with_itself" exercise="same_alone"
# The batch is compared with itself.
# - alone = torch.cat([model(x[i : i + 1]) for i in range(len(x))])
# + alone = model(x)

# %% misconception="rows_are_not_counted" exercise="same_alone"
# Too many rows are taken: their number is not compared with that of the images.
# - if len(together) != len(x) or together.shape != alone.shape:
# + if together.shape != alone.shape:

# %% misconception="upside_down" exercise="same_alone"
# True and False are exchanged.
# - return torch.allclose(together, alone, rtol=1e-4, atol=1e-5)
# + return not torch.allclose(together, alone, rtol=1e-4, atol=1e-5)


# %% alternative="in_a_loop" exercise="same_alone"
# Image by image, with an early end.
def same_alone(model, x):
    together = model(x)
    if len(together) != len(x):
        return False
    for i in range(len(x)):
        alone = model(x[i : i + 1])
        if alone.shape != together[i : i + 1].shape:
            return False
        if not torch.allclose(together[i : i + 1], alone, rtol=1e-4, atol=1e-5):
            return False
    return True


# %% alternative="by_split" exercise="same_alone"
# The batch split into batches of one.
def same_alone(model, x):
    rows = [model(one) for one in x.split(1)]
    together = model(x)
    if any(len(row) != 1 for row in rows) or together.shape != torch.cat(rows).shape:
        return False
    return torch.allclose(torch.cat(rows), together, rtol=1e-4, atol=1e-5)


# %% equivalent exercise="shape_trail"
# The number of images in the batch is free: shapes are those of one image.
# - x = torch.zeros(1, *input_shape)
# + x = torch.zeros(0, *input_shape)
# or
# - x = torch.zeros(1, *input_shape)
# + x = torch.zeros(2, *input_shape)

# %% equivalent exercise="flatten"
# The lesson does not ask for this refusal.
# - if not -x.dim() <= start_dim < x.dim():
# -     raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
# or
# - if not -x.dim() <= start_dim < x.dim():
# + if not -x.dim() <= start_dim != x.dim():
# or
# - if not -x.dim() <= start_dim < x.dim():
# + if not -x.dim() <= start_dim <= x.dim():
# or
# - raise ValueError(f"start_dim is {start_dim}, but x has shape {tuple(x.shape)}")
# + pass

# %% equivalent exercise="dense_parameters"
# The lesson does not ask for this refusal.
# - if min(in_features, out_features) < 1:
# -     raise ValueError(
# -         f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
# -     )
# or
# - if min(in_features, out_features) < 1:
# + if min(in_features, out_features) < 0:
# or
# - raise ValueError(
# -     f"in_features is {in_features} and out_features {out_features}; expected 1 or more"
# - )
# + pass

# %% misconception="one_image_alone" exercise="top_patches"
# All patches are cut out of the strongest image.
# - for image in values.argsort(descending=True)[:k].tolist():
# + for image in [int(values.argmax())] * k:

# %% misconception="another_order_each_call" exercise="rearrange"
# A new order is drawn at each call, so that training and test images differ in it.
# - order = torch.randperm(256, generator=torch.Generator().manual_seed(0))
# + order = torch.randperm(256)
