"""Answers to the exercises of the lesson on activations.

The checks reject every misconception, and feedback names the one that answers as a student does.
They accept every alternative and every equivalent.
"""


# %% misconception="absolute_value" exercise="relu"
# Numbers below 0 are reflected instead of cut off, which gives the absolute value.
def relu(x):
    return x.abs()


# %% misconception="negative_part" exercise="relu"
# The comparison is the wrong way round, so the part below 0 is kept and the part above is cut.
def relu(x):
    return torch.where(x < 0, x, torch.zeros_like(x))


# %% misconception="step_function" exercise="relu"
# The comparison itself is returned: a step of 0 and 1 instead of the numbers above 0.
def relu(x):
    return (x > 0).to(x.dtype)


# %% misconception="in_place" exercise="relu"
# The numbers below 0 are overwritten in the input itself.
def relu(x):
    x[x < 0] = 0
    return x


# %% misconception="capped_at_six" exercise="relu"
# The result is cut off above as well, at 6, as in ReLU6.
def relu(x):
    return x.clamp(min=0, max=6)


# %% misconception="detached" exercise="relu"
# The result is built from numbers without their history, so no gradient flows back.
def relu(x):
    return torch.where(x.detach() > 0, x.detach(), torch.zeros_like(x))


# %% misconception="rebuilt_as_float32" exercise="relu"
# A new 32-bit tensor is built from Python numbers, so dtype and gradient are lost.
def relu(x):
    return torch.tensor([max(0.0, v) for v in x.flatten().tolist()]).reshape(x.shape)


# %% misconception="filtered" exercise="relu"
# The numbers below 0 are dropped instead of replaced, so the shape changes.
def relu(x):
    return x[x > 0]


# %% misconception="softplus" exercise="relu"
# A smooth curve near ReLU, log(1 + exp(x)), which is above 0 even for negative inputs.
def relu(x):
    return torch.log1p(torch.exp(x))


# %% misconception="leaks" exercise="relu"
# A hundredth of the negative part leaks through: this is leaky ReLU.
def relu(x):
    return torch.where(x > 0, x, 0.01 * x)


# %% misconception="largest_only" exercise="relu"
# One maximum is taken over the whole tensor instead of number by number.
def relu(x):
    return torch.zeros_like(x) + max(0.0, x.max().item())


# %% misconception="torchs_own" exercise="relu"
# Torch's own function is called, so nothing was built.
def relu(x):
    return F.relu(x)


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


# %% equivalent exercise="relu"
# The slope at 0 is free.
# - return torch.where(x <= 0, torch.zeros_like(x), x)
# + return torch.where(x < 0, torch.zeros_like(x), x)

# %% misconception="constant_slope" exercise="leaky_relu"
# The slope is always 0.01; the argument is ignored.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.where(x > 0, x, 0.01 * x)

# %% misconception="other_side" exercise="leaky_relu"
# The slope is applied above 0 instead of below.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.where(x > 0, negative_slope * x, x)

# %% misconception="both_sides" exercise="leaky_relu"
# The slope is applied to every number.
# - return torch.where(x > 0, x, negative_slope * x)
# + return negative_slope * x

# %% misconception="reflected" exercise="leaky_relu"
# The negative part comes out above 0, because the slope is multiplied with the absolute value.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.where(x > 0, x, negative_slope * x.abs())

# %% misconception="maximum" exercise="leaky_relu"
# max(x, a x) picks the wrong side once the slope is above 1.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.maximum(x, negative_slope * x)

# %% misconception="added_constant" exercise="leaky_relu"
# The slope itself stands below 0, instead of slope times input.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.where(x > 0, x, torch.full_like(x, -negative_slope))


# %% misconception="refuses_zero" exercise="leaky_relu"
# A slope of 0 is refused too, although it is the plain ReLU.
def leaky_relu(x, *, negative_slope=0.01):
    if negative_slope <= 0:
        raise ValueError(f"negative_slope is {negative_slope}; expected above 0")
    return torch.where(x > 0, x, negative_slope * x)


# %% misconception="default_of_a_tenth" exercise="leaky_relu"
# The default slope is 0.1 instead of 0.01.
# - def leaky_relu(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
# + def leaky_relu(x, *, negative_slope=0.1):

# %% misconception="in_place" exercise="leaky_relu"
# The numbers below 0 are scaled in the input itself.
# - return torch.where(x > 0, x, negative_slope * x)
# + x[x < 0] *= negative_slope
# + return x

# %% alternative="two_parts" exercise="leaky_relu"
# The parts above and below 0, each clamped, and added.
# - return torch.where(x > 0, x, negative_slope * x)
# + return x.clamp(min=0) + negative_slope * x.clamp(max=0)


# %% alternative="slope_tensor" exercise="leaky_relu"
# A tensor of slopes, multiplied with x.
def leaky_relu(x, *, negative_slope=0.01):
    if not negative_slope >= 0:
        raise ValueError(f"negative_slope must not be negative, but is {negative_slope}")
    slope = torch.where(x > 0, 1.0, negative_slope * torch.ones_like(x))
    return slope * x


# %% equivalent exercise="leaky_relu"
# The lesson does not ask for this refusal.
# - if negative_slope < 0:
# -     raise ValueError(f"negative_slope is {negative_slope}; expected 0 or more")
# or
# - if negative_slope < 0:
# + if negative_slope < -1:
# or
# - raise ValueError(f"negative_slope is {negative_slope}; expected 0 or more")
# + pass

# %% equivalent exercise="leaky_relu"
# The slope at 0 is free.
# - return torch.where(x > 0, x, negative_slope * x)
# + return torch.where(x >= 0, x, negative_slope * x)

# %% misconception="unguarded_exp" exercise="elu"
# exp overflows in the branch that torch.where does not take, so the gradient is not a number.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * (torch.exp(x) - 1))

# %% misconception="forgot_minus_one" exercise="elu"
# Below 0 stands alpha * exp(x), without the minus 1, so the curve jumps at 0.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)))

# %% misconception="misplaced_minus_one" exercise="elu"
# alpha multiplies exp(x) alone instead of exp(x) - 1.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * torch.exp(x.clamp(max=0)) - 1)

# %% misconception="ignores_alpha" exercise="elu"
# alpha is always 1; the argument is ignored.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, torch.expm1(x.clamp(max=0)))

# %% misconception="scales_both_sides" exercise="elu"
# alpha multiplies the part above 0 as well.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return alpha * torch.where(x > 0, x, torch.expm1(x.clamp(max=0)))

# %% misconception="minus_exponent" exercise="elu"
# The exponent has the wrong sign: exp(-x) grows without bound below 0.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * torch.expm1(-x.clamp(max=0)))

# %% misconception="leaky_instead" exercise="elu"
# Below 0 stands a straight line, alpha * x: this is leaky ReLU.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * x)


# %% misconception="refuses_zero" exercise="elu"
# An alpha of 0 is refused too, although it is the plain ReLU.
def elu(x, *, alpha=1.0):
    if not alpha > 0:
        raise ValueError(f"alpha is {alpha}; expected above 0")
    return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))


# %% misconception="clamped_too_far" exercise="elu"
# The input is clamped before it is chosen, so everything above 0 becomes 0.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + x = x.clamp(max=0)
# + return torch.where(x > 0, x, alpha * torch.expm1(x))

# %% alternative="two_parts" exercise="elu"
# The parts above and below 0 are added; exp(0) - 1 is 0, so they do not disturb each other.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return x.clamp(min=0) + alpha * (torch.exp(x.clamp(max=0)) - 1)

# %% alternative="masked" exercise="elu"
# Only the numbers below 0 ever meet exp.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + out = x.clone()
# + below = x <= 0
# + out[below] = alpha * torch.expm1(x[below])
# + return out

# %% equivalent exercise="elu"
# The lesson does not ask for this refusal.
# - if alpha < 0:
# -     raise ValueError(f"alpha is {alpha}; expected 0 or more")
# or
# - if alpha < 0:
# + if alpha < -1:
# or
# - raise ValueError(f"alpha is {alpha}; expected 0 or more")
# + pass

# %% equivalent exercise="elu"
# The slope at 0 is free.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x >= 0, x, alpha * torch.expm1(x.clamp(max=0)))

# %% equivalent exercise="elu"
# Any bound keeps exp from overflowing in the branch that is not taken.
# - return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=0)))
# + return torch.where(x > 0, x, alpha * torch.expm1(x.clamp(max=1)))

# %% misconception="counts_entries" exercise="dead_fraction"
# The share of entries is taken instead of the share of units that are dead for every image.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations <= 0).double().mean().item()

# %% misconception="zero_is_alive" exercise="dead_fraction"
# A preactivation of exactly 0 counts as alive, although ReLU outputs 0 and passes no gradient.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations < 0).all(dim=0).double().mean().item()

# %% misconception="over_units" exercise="dead_fraction"
# The images for which the whole layer is silent are counted, not the units.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations <= 0).all(dim=1).double().mean().item()

# %% misconception="any_image" exercise="dead_fraction"
# A unit counts as dead where it is silent for a single image.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations <= 0).any(dim=0).double().mean().item()

# %% misconception="count_not_share" exercise="dead_fraction"
# The number of dead units is returned, not their share.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return float((preactivations <= 0).all(dim=0).sum())

# %% misconception="living_share" exercise="dead_fraction"
# The share of units that are alive is returned.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations > 0).any(dim=0).double().mean().item()

# %% misconception="mean_below_zero" exercise="dead_fraction"
# A unit counts as dead where its mean over the batch is at or below 0.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations.mean(dim=0) <= 0).double().mean().item()

# %% misconception="divides_by_batch" exercise="dead_fraction"
# The number of dead units is divided by the number of images.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return float((preactivations <= 0).all(dim=0).sum() / len(preactivations))


# %% misconception="takes_any_shape" exercise="dead_fraction"
# A tensor without images or with one dimension is taken as it is, where a ValueError is asked for.
def dead_fraction(preactivations):
    return (preactivations <= 0).all(dim=0).double().mean().item()


# %% misconception="never_fires_by_sum" exercise="dead_fraction"
# Positive and negative inputs of a unit are summed up and cancel before they are judged.
# - return (preactivations <= 0).all(dim=0).double().mean().item()
# + return (preactivations.sum(dim=0) < 0).double().mean().item()


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


# %% equivalent exercise="dead_fraction"
# The lesson does not ask for a refusal of empty batches, and none has fewer than 0 numbers.
# - if preactivations.dim() != 2 or preactivations.numel() == 0:
# + if preactivations.dim() != 2 or preactivations.numel() < 0:
# or
# + if preactivations.dim() != 2 or preactivations.numel() <= 0:
# or
# + if preactivations.dim() != 2 or preactivations.numel() == -1:


# %% misconception="as_typed" exercise="sigmoid"
# The formula as it stands: exp(-x) overflows far to the left, and the gradient is not a number.
def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


# %% misconception="unguarded_where" exercise="sigmoid"
# Both formulas are there, but each is computed for every x: the branch not taken overflows.
def sigmoid(x):
    return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))


# %% misconception="abs_loses_slope" exercise="sigmoid"
# exp(-|x|) with x.abs(): the slope of abs at 0 is 0 in torch, so the gradient at 0 is lost.
# - e = torch.exp(torch.where(x >= 0, -x, x))
# + e = torch.exp(-x.abs())


# %% misconception="clamped" exercise="sigmoid"
# The input is clamped to -20..20, which bends the tail and stops the gradient outside.
def sigmoid(x):
    return 1 / (1 + torch.exp(-x.clamp(-20, 20)))


# %% misconception="one_minus" exercise="sigmoid"
# For x below 0 the result is 1 minus something near 1, which loses the digits of the tail.
# - return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))
# + return torch.where(x >= 0, 1 / (1 + e), 1 - 1 / (1 + e))

# %% misconception="wrong_sign" exercise="sigmoid"
# The exponent has the wrong sign, so the curve falls from 1 to 0.
# - return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))
# + return torch.where(x >= 0, e / (1 + e), 1 / (1 + e))


# %% misconception="nan_to_num" exercise="sigmoid"
# The overflow is papered over in the value; the gradient still passes through it.
def sigmoid(x):
    return torch.nan_to_num(torch.exp(x) / (1 + torch.exp(x)), nan=1.0)


# %% misconception="epsilon" exercise="sigmoid"
# A small constant is added to be safe, which changes the tail of the curve.
# - return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))
# + return torch.where(x >= 0, 1 / (1 + e), e / (1 + e)) + 1e-8


# %% misconception="through_float32" exercise="sigmoid"
# The input is turned into 32-bit numbers, so a float64 input loses half of its digits.
def sigmoid(x):
    e = torch.exp(torch.where(x >= 0, -x, x).float())
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e)).to(x.dtype)


# %% misconception="tanh_of_x" exercise="sigmoid"
# (tanh(x) + 1) / 2 without halving x: a sigmoid that is twice as steep.
def sigmoid(x):
    m = torch.expm1(torch.where(x >= 0, -2 * x, 2 * x))
    return (1 + torch.where(x >= 0, -m / (m + 2), m / (m + 2))) / 2


# %% misconception="in_place" exercise="sigmoid"
# The input itself is negated and exponentiated, with methods that end in an underscore.
def sigmoid(x):
    return 1 / (1 + x.neg_().exp_())


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


# %% misconception="as_typed" exercise="tanh"
# The formula as it stands: both exponentials overflow far out, and inf / inf is not a number.
def tanh(x):
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


# %% misconception="half_the_exponent" exercise="tanh"
# exp(-x) where exp(-2x) belongs: tanh(x/2), half as steep.
def tanh(x):
    e = torch.exp(torch.where(x >= 0, -x, x))
    return torch.where(x >= 0, (1 - e) / (1 + e), (e - 1) / (1 + e))


# %% misconception="even" exercise="tanh"
# The sign is lost: the left half comes out positive.
def tanh(x):
    e = torch.exp(torch.where(x >= 0, -2 * x, 2 * x))
    return (1 - e) / (1 + e)


# %% misconception="one_sided" exercise="tanh"
# One formula for both sides overflows on the left, where exp(-2x) is large.
def tanh(x):
    e = torch.exp(-2 * x)
    return (1 - e) / (1 + e)


# %% misconception="abs_loses_slope" exercise="tanh"
# exp(-2|x|) with x.abs(): the slope of abs at 0 is 0 in torch, so the gradient at 0 is lost.
def tanh(x):
    e = torch.exp(-2 * x.abs())
    return torch.where(x >= 0, (1 - e) / (1 + e), (e - 1) / (1 + e))


# %% misconception="sign_times_abs" exercise="tanh"
# The sign is multiplied back on: it is 0 at 0, and so is its gradient.
def tanh(x):
    e = torch.exp(-2 * torch.where(x >= 0, x, -x))
    return torch.sign(x) * (1 - e) / (1 + e)


# %% misconception="sigmoid_instead" exercise="tanh"
# A sigmoid, from 0 to 1, instead of tanh, from -1 to 1.
def tanh(x):
    e = torch.exp(torch.where(x >= 0, -x, x))
    return torch.where(x >= 0, 1 / (1 + e), e / (1 + e))


# %% misconception="clamped" exercise="tanh"
# The input is clamped to -3..3, which cuts the curve off too early.
def tanh(x):
    e = torch.exp(-2 * x.clamp(-3, 3))
    return (1 - e) / (1 + e)


# %% misconception="through_float32" exercise="tanh"
# The input is turned into 32-bit numbers, so a float64 input loses half of its digits.
def tanh(x):
    m = torch.expm1(torch.where(x >= 0, -2 * x, 2 * x).float())
    return torch.where(x >= 0, -m / (m + 2), m / (m + 2)).to(x.dtype)


# %% misconception="shifted_not_scaled" exercise="tanh"
# 2 sigmoid(x) - 1 without doubling x: the range is right, the slope is half.
def tanh(x):
    e = torch.exp(torch.where(x >= 0, -x, x))
    return 2 * torch.where(x >= 0, 1 / (1 + e), e / (1 + e)) - 1


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


# %% misconception="values_not_slopes" exercise="activation_gradient"
# The activations themselves are returned instead of their slopes.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": lambda t: F.leaky_relu(t, negative_slope),
        "elu": lambda t: F.elu(t, alpha),
    }
    if name not in functions:
        raise ValueError(f"name is {name!r}; expected one of {list(functions)}")
    return functions[name](x)


# %% misconception="sigmoid_without_square" exercise="activation_gradient"
# The slope of the sigmoid is e / (1 + e) instead of e / (1 + e)^2.
# + e = torch.exp(-x.abs())
#   if name == "sigmoid":
# -     e = torch.exp(-x.abs())
# -     return e / (1 + e) ** 2
# +     return e / (1 + e)
#   if name == "tanh":
# -     e = torch.exp(-2 * x.abs())
# -     return 4 * e / (1 + e) ** 2
# +     return 4 * e**2 / (1 + e**2) ** 2
# ...
# - raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")
# + raise ValueError(f"name is {name!r}; expected one of the five of the lesson")

# %% misconception="one_minus_tanh" exercise="activation_gradient"
# The slope of tanh is 1 - tanh instead of 1 - tanh^2.
# -     e = torch.exp(-x.abs())
# -     return e / (1 + e) ** 2
# +     return torch.sigmoid(x) * torch.sigmoid(-x)
#   if name == "tanh":
# -     e = torch.exp(-2 * x.abs())
# -     return 4 * e / (1 + e) ** 2
# +     return 1 - torch.tanh(x)
# ...
# - raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")
# + raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="one_at_zero" exercise="activation_gradient"
# At 0 the slope of ReLU and of its leaky kin is 1; torch's convention takes the left side.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        return torch.sigmoid(x) * torch.sigmoid(-x)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return (x >= 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x >= 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x >= 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="half_at_zero" exercise="activation_gradient"
# At 0 the slope of ReLU is taken as 1/2, halfway between both sides.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        return torch.sigmoid(x) * torch.sigmoid(-x)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return (torch.sign(x) + 1) / 2
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="ignores_options" exercise="activation_gradient"
# negative_slope and alpha are always 0.01 and 1; the arguments are ignored.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        return torch.sigmoid(x) * torch.sigmoid(-x)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return (x > 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), 0.01)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="overflows" exercise="activation_gradient"
# exp(-x) overflows far to the left, where inf / inf is not a number.
# + e = torch.exp(-x)
#   if name == "sigmoid":
# -     e = torch.exp(-x.abs())
# ...
# - e = torch.exp(-2 * x.abs())
# - return 4 * e / (1 + e) ** 2
# + return 4 * e**2 / (1 + e**2) ** 2
# ...
# - raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")
# + raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="elu_without_alpha_inside" exercise="activation_gradient"
# The slope of elu is written as elu + 1, which is right for alpha = 1 only.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        return torch.sigmoid(x) * torch.sigmoid(-x)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return (x > 0).to(x.dtype)
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), F.elu(x, alpha) + 1)
    raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="boolean_slopes" exercise="activation_gradient"
# The slope of ReLU is returned as True and False instead of 1 and 0.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    if name == "sigmoid":
        return torch.sigmoid(x) * torch.sigmoid(-x)
    if name == "tanh":
        return 1 - torch.tanh(x) ** 2
    if name == "relu":
        return x > 0
    if name == "leaky_relu":
        return torch.where(x > 0, torch.ones_like(x), negative_slope)
    if name == "elu":
        return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
    raise ValueError(f"name is {name!r}; expected one of the five of the lesson")


# %% misconception="unknown_is_linear" exercise="activation_gradient"
# A name that is not known is taken for the identity, with slope 1, instead of being refused.
# -     e = torch.exp(-x.abs())
# -     return e / (1 + e) ** 2
# +     return torch.sigmoid(x) * torch.sigmoid(-x)
#   if name == "tanh":
# -     e = torch.exp(-2 * x.abs())
# -     return 4 * e / (1 + e) ** 2
# +     return 1 - torch.tanh(x) ** 2
# ...
# - raise ValueError(f"name is {name!r}; expected 'sigmoid', 'tanh', 'relu', 'leaky_relu' or 'elu'")
# + return torch.ones_like(x)


# %% misconception="autograd" exercise="activation_gradient"
# Autograd finds the slopes, where the formulas are asked for.
def activation_gradient(name, x, *, negative_slope=0.01, alpha=1.0):
    functions = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": lambda t: F.leaky_relu(t, negative_slope),
        "elu": lambda t: F.elu(t, alpha),
    }
    if name not in functions:
        raise ValueError(f"name is {name!r}; expected one of {list(functions)}")
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(functions[name](leaf).sum(), leaf)[0]


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


# %% equivalent exercise="activation_gradient"
# Any bound keeps exp from overflowing in the branch that is not taken.
# - return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=0)))
# + return torch.where(x > 0, torch.ones_like(x), alpha * torch.exp(x.clamp(max=1)))

# %% misconception="gain_unscaled" exercise="signal_by_depth"
# The weights have standard deviation gain, not gain / sqrt(width), so the spread explodes.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + h = activation(h @ torch.randn(width, width, generator=generator) * gain)

# %% misconception="divided_by_width" exercise="signal_by_depth"
# The weights are divided by the width instead of its square root, so the spread dies out.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + h = activation(h @ torch.randn(width, width, generator=generator) * gain / width)

# %% misconception="uniform_weights" exercise="signal_by_depth"
# The weights are drawn uniformly from 0 to 1, so they have a mean and the wrong spread.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + weight = torch.rand(width, width, generator=generator) * gain / math.sqrt(width)
# + h = activation(h @ weight)

# %% misconception="global_generator" exercise="signal_by_depth"
# The weights come from torch's global generator, so the same seed gives different numbers.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + h = activation(h @ torch.randn(width, width) * gain / math.sqrt(width))

# %% misconception="own_seed" exercise="signal_by_depth"
# A fixed seed of its own is used, so the generator that was passed has no effect.
#       raise ValueError(f"depth is {depth} and width is {width}; expected 1 or more of each")
# + generator = torch.Generator().manual_seed(0)
# ...
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + h = activation(h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width))

# %% misconception="before_activation" exercise="signal_by_depth"
# The spread is measured before the activation, not after it.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# - spread.append(h.std().item())
# + z = h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width)
# + spread.append(z.std().item())
# + h = activation(z)

# %% misconception="no_activation" exercise="signal_by_depth"
# The activation is never applied.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# + h = h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width)

# %% misconception="input_included" exercise="signal_by_depth"
# The spread of the input is in the list too, so there is one number too many.
# - spread = []
# + spread = [h.std().item()]
#   for _ in range(depth):
# -     weight = torch.randn(width, width, generator=generator, device=generator.device)
# -     h = activation(h @ weight * (gain / math.sqrt(width)))
# +     h = activation(h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width))

# %% misconception="root_mean_square" exercise="signal_by_depth"
# The root mean square is taken, which counts the mean as spread.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# - spread.append(h.std().item())
# + h = activation(h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width))
# + spread.append(h.square().mean().sqrt().item())

# %% misconception="variance" exercise="signal_by_depth"
# The variance is returned instead of the standard deviation.
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# - h = activation(h @ weight * (gain / math.sqrt(width)))
# - spread.append(h.std().item())
# + h = activation(h @ torch.randn(width, width, generator=generator) * gain / math.sqrt(width))
# + spread.append(h.var().item())


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


# %% equivalent exercise="signal_by_depth"
# The lesson does not ask for this refusal.
# - if depth < 1 or width < 1:
# -     raise ValueError(f"depth is {depth} and width is {width}; expected 1 or more of each")
# or
# - if depth < 1 or width < 1:
# + if depth < 0 or width < 1:
# or
# + if depth < 1 and width < 1:
# or
# + if depth < 1 or width < 0:
# or
# - raise ValueError(f"depth is {depth} and width is {width}; expected 1 or more of each")
# + pass

# %% equivalent exercise="signal_by_depth"
# One input more or less does not change the spread beyond chance.
# - h = torch.randn(256, width, generator=generator, device=generator.device)
# + h = torch.randn(255, width, generator=generator, device=generator.device)
# or
# + h = torch.randn(257, width, generator=generator, device=generator.device)

# %% equivalent exercise="signal_by_depth"
# Checks run on the processor alone, where the device is the same.
# - h = torch.randn(256, width, generator=generator, device=generator.device)
# + h = torch.randn(256, width, generator=generator)
# or
# - weight = torch.randn(width, width, generator=generator, device=generator.device)
# + weight = torch.randn(width, width, generator=generator)


# %% misconception="inverse_of_the_steepest_slope" exercise="sigmoid_gain"
# The gain makes up for the slope at 0, which is 1/4; but only a unit at 0 has that slope.
def sigmoid_gain():
    return 4.0


# %% misconception="gain_of_relu" exercise="sigmoid_gain"
# The gain is that of ReLU, whose slope is 1 half of the time.
def sigmoid_gain():
    return math.sqrt(2)


# %% misconception="usual_gain" exercise="sigmoid_gain"
# The largest gain of the widget is taken, at which the claim still holds.
def sigmoid_gain():
    return 3.0


# %% misconception="too_large" exercise="sigmoid_gain"
# The gradient does arrive, a hundred times too large: it explodes.
def sigmoid_gain():
    return 14.0


# %% misconception="square_of_the_gain" exercise="sigmoid_gain"
# The square of the gain is returned, or its inverse slope squared: far too large.
def sigmoid_gain():
    return 100.0


# %% misconception="one_seed_was_enough" exercise="sigmoid_gain"
# The gain was tried with one seed, for which enough arrives, and not with the other four.
def sigmoid_gain():
    return 9.2


# %% misconception="gain_and_share" exercise="sigmoid_gain"
# What arrives is returned in place of the gain.
def sigmoid_gain():
    return 0.74


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


# %% equivalent exercise="sigmoid_gain"
# Any gain of the window is right.
# - return 10.0
# + return 11.0

# %% misconception="as_typed" exercise="softmax"
# Nothing is subtracted, so exp overflows for large scores.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# + e = torch.exp(x)

# %% misconception="global_maximum" exercise="softmax"
# One maximum is taken over everything: rows far below it become 0 / 0.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# + e = torch.exp(x - x.max())

# %% misconception="global_sum" exercise="softmax"
# One sum is taken over everything, so the rows share a total of 1.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + e = torch.exp(x - x.amax(dim=dim, keepdim=True))
# + return e / e.sum()

# %% misconception="axis_zero" exercise="softmax"
# The sum runs along dimension 0, whatever dim says.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + e = torch.exp(x - x.amax(dim=0, keepdim=True))
# + return e / e.sum(dim=0, keepdim=True)

# %% misconception="last_axis" exercise="softmax"
# The sum always runs along the last dimension, whatever dim says.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + e = torch.exp(x - x.amax(dim=-1, keepdim=True))
# + return e / e.sum(dim=-1, keepdim=True)

# %% misconception="no_keepdim" exercise="softmax"
# The reduced dimension is dropped, so the division pairs the wrong numbers or fails.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + e = torch.exp(x - x.amax(dim=dim))
# + return e / e.sum(dim=dim)

# %% misconception="divides_scores" exercise="softmax"
# The scores themselves are divided by their sum, without exp.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + return x / x.sum(dim=dim, keepdim=True)

# %% misconception="detached_sum" exercise="softmax"
# The sum is detached, so the gradient forgets that the probabilities share a total.
# - return e / e.sum(dim=dim, keepdim=True)
# + return e / e.sum(dim=dim, keepdim=True).detach()

# %% misconception="clamped_scores" exercise="softmax"
# The scores are clamped to 80 to avoid overflow, so large scores become equal.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# + e = torch.exp(x.clamp(-80, 80))

# %% misconception="base_two" exercise="softmax"
# Powers of 2 are taken instead of powers of e.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# + e = torch.exp2(x - x.amax(dim=dim, keepdim=True))


# %% misconception="in_place" exercise="softmax"
# The maximum is subtracted from the input itself.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# + x -= x.amax(dim=dim, keepdim=True)
# + e = torch.exp(x)


# %% alternative="max_values" exercise="softmax"
# max with its indices, and the gradient through the maximum, which cancels.
def softmax(x, *, dim):
    if dim not in range(-x.ndim, x.ndim):
        raise ValueError(f"dim={dim} does not exist in a tensor with {x.ndim} dimensions")
    powers = (x - x.max(dim=dim, keepdim=True).values).exp()
    return powers / powers.sum(dim=dim, keepdim=True)


# %% alternative="moved_axis" exercise="softmax"
# The classes are moved to the end and back.
# - e = torch.exp(x - x.amax(dim=dim, keepdim=True).detach())
# - return e / e.sum(dim=dim, keepdim=True)
# + y = x.movedim(dim, -1)
# + largest, _ = y.max(-1)
# + e = (y - largest.unsqueeze(-1)).exp()
# + return (e / e.sum(-1).unsqueeze(-1)).movedim(-1, dim)


# %% equivalent exercise="softmax"
# The lesson does not ask for this refusal.
# - if not -x.dim() <= dim < x.dim():
# -     raise ValueError(f"dim is {dim}, but x has shape {tuple(x.shape)}")
# or
# - if not -x.dim() <= dim < x.dim():
# + if not -x.dim() <= dim != x.dim():
# or
# + if not -x.dim() <= dim <= x.dim():
# or
# - raise ValueError(f"dim is {dim}, but x has shape {tuple(x.shape)}")
# + pass


# %% misconception="right_output" exercise="wrong_but_accepted"
# The right output is returned, which proves nothing about the exhibit.
def wrong_but_accepted(right):
    return right.clone()


# %% misconception="wrong_everywhere" exercise="wrong_but_accepted"
# Every number is changed, and that is the one case that the exhibit does reject.
def wrong_but_accepted(right):
    return right + 1


# %% misconception="hardly_wrong" exercise="wrong_but_accepted"
# The output is off by a thousandth, which is no wrong output in earnest.
def wrong_but_accepted(right):
    return torch.where(right > 0, right + 1e-3, right)


# %% misconception="one_number" exercise="wrong_but_accepted"
# A single number is changed, where more than half of those above 0 should be.
def wrong_but_accepted(right):
    wrong = right.clone()
    wrong.view(-1)[right.argmax()] += 1
    return wrong


# %% misconception="zeros_changed" exercise="wrong_but_accepted"
# The zeros are changed, and the numbers above 0 are left as they are.
def wrong_but_accepted(right):
    return torch.where(right > 0, right, right + 1)


# %% misconception="other_shape" exercise="wrong_but_accepted"
# The output has another shape.
def wrong_but_accepted(right):
    return torch.zeros(right.numel() + 1)


# %% misconception="in_place" exercise="wrong_but_accepted"
# The right output itself is overwritten, so there is nothing left to compare with.
def wrong_but_accepted(right):
    return right.zero_()


# %% misconception="sign_flipped" exercise="wrong_but_accepted"
# Everything is negated and shifted, so no number is left as it was.
def wrong_but_accepted(right):
    return -right - 1


# %% alternative="ten_times" exercise="wrong_but_accepted"
# ReLU's zeros stay, and everything else is ten times too large.
def wrong_but_accepted(right):
    return right * 10 + (right > 0)


# %% alternative="shuffled_sign" exercise="wrong_but_accepted"
# The numbers above 0 come out below 0.
def wrong_but_accepted(right):
    return -right - (right > 0).to(right.dtype)


# %% misconception="any_agrees" exercise="same_output"
# One number that agrees is enough: the exhibit again, in other words.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return bool(((output - right).abs() <= atol + rtol * right.abs()).any())


# %% misconception="exact" exercise="same_output"
# Numbers have to be equal to the last digit, so rounding fails a correct answer.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return torch.equal(output, right)


# %% misconception="no_shape" exercise="same_output"
# The shapes are not compared, and broadcasting lets one number stand for many.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return bool(((output == right) | ((output - right).abs() <= atol + rtol * right.abs())).all())


# %% misconception="signed_difference" exercise="same_output"
# Without the absolute value, a number that is far too low passes.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    return bool(((output == right) | (output - right <= atol + rtol * right.abs())).all())


# %% misconception="mean_difference" exercise="same_output"
# Errors of both signs cancel in the mean difference.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    return bool((output - right).mean().abs() <= atol + rtol * right.abs().mean())


# %% misconception="sums" exercise="same_output"
# Only the sums are compared, so numbers in the wrong places pass.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return output.shape == right.shape and torch.allclose(output.sum(), right.sum(), rtol, atol)


# %% misconception="first_row" exercise="same_output"
# Only the first row is compared.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return output.shape == right.shape and torch.allclose(output[0], right[0], rtol, atol)


# %% misconception="nan_agrees" exercise="same_output"
# Not a number is taken to agree with itself.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return output.shape == right.shape and torch.allclose(
        output, right, rtol=rtol, atol=atol, equal_nan=True
    )


# %% misconception="infinities_differ" exercise="same_output"
# Equal infinities are rejected, because infinity minus infinity is not a number.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    return bool(((output - right).abs() <= atol + rtol * right.abs().clamp(max=1e30)).all())


# %% misconception="output_infinities_only" exercise="same_output"
# Infinities are compared only where the output has them, so any finite number passes for infinity.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    near = (output - right).abs() <= atol + rtol * right.abs()
    return bool(torch.where(output.isinf(), output == right, near).all())


# %% misconception="formula_alone" exercise="same_output"
# Where right is infinite the formula says inf <= inf, and infinity of the other sign passes.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    return bool(((output == right) | ((output - right).abs() <= atol + rtol * right.abs())).all())


# %% misconception="fixed_tolerance" exercise="same_output"
# The tolerances are fixed; the arguments are ignored.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return output.shape == right.shape and torch.allclose(output, right, rtol=1e-5, atol=1e-6)


# %% misconception="absolute_only" exercise="same_output"
# Only the absolute tolerance is used, which is too strict for large numbers.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    return output.shape == right.shape and torch.allclose(output, right, rtol=0, atol=atol)


# %% misconception="not_all_differ" exercise="same_output"
# The exhibit with a tolerance: an output is rejected only where every number is off.
def same_output(output, right, *, rtol=1e-5, atol=1e-6):
    if output.shape != right.shape:
        return False
    return not bool(((output - right).abs() > atol + rtol * right.abs()).all())


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
