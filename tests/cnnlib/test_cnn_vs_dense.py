"""torch is the oracle of shapes and counts; real digits are the judge of the rivals."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib import cnn_vs_dense as cnn
from cnnlib.gradient_descent import evaluate, train_epoch

# Shapes and counts.


@given(data=st.data(), shape=st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_flatten_equals_torch(
    draw_tensor: Callable[..., Tensor], data: Any, shape: list[int]
) -> None:
    x = draw_tensor(data, shape)
    start_dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    expected = torch.flatten(x, start_dim)
    assert torch.equal(cnn.flatten(x, start_dim=start_dim), expected)
    if len(shape) > 1:
        assert torch.equal(cnn.flatten(x), torch.flatten(x, 1))


@pytest.mark.parametrize("bias", [True, False])
def test_dense_parameters_counts_what_torch_holds(bias: bool) -> None:
    layer = nn.Linear(7, 3, bias=bias)
    expected = sum(p.numel() for p in layer.parameters())
    assert cnn.dense_parameters(7, 3, bias=bias) == expected
    assert cnn.dense_parameters(7, 3) == 24


@given(
    inputs=st.integers(1, 9),
    classes=st.integers(1, 5),
    hidden=st.integers(1, 6),
    spare=st.integers(0, 20),
)
def test_a_dense_twin_holds_as_many_parameters_as_fit(
    inputs: int, classes: int, hidden: int, spare: int
) -> None:
    unit = inputs + 1 + classes
    spare = min(spare, unit - 1)
    twin = cnn.dense_twin(hidden * unit + classes + spare, inputs=inputs, classes=classes)
    assert sum(p.numel() for p in twin.parameters()) == hidden * unit + classes
    x = torch.rand(3, 1, inputs, 1)
    first, last = twin[1], twin[3]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    assert_close(twin(x), last(torch.relu(first(x.flatten(1)))))


def test_the_trail_of_shapes_is_what_hooks_see() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 5, (3, 2), stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(60, 7, bias=False)
    )
    seen: list[tuple[str, tuple[int, ...], int]] = []
    for layer in model:
        layer.register_forward_hook(
            lambda m, _, y: seen.append(
                (type(m).__name__, tuple(y.shape[1:]), sum(p.numel() for p in m.parameters()))
            )
        )
    trail = cnn.shape_trail(model, (2, 9, 6))
    assert (
        trail
        == seen
        == [
            ("Conv2d", (5, 4, 3), 65),
            ("ReLU", (5, 4, 3), 0),
            ("Flatten", (60,), 0),
            ("Linear", (7,), 420),
        ]
    )
    assert model.training
    assert all(p.grad is None for p in model.parameters())


# What excites a channel.


@given(
    kernels=st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3),
    strides=st.lists(st.integers(1, 2), min_size=3, max_size=3),
)
@settings(max_examples=20)
def test_the_field_of_a_unit_is_where_its_gradient_arrives(
    kernels: list[int], strides: list[int]
) -> None:
    layers = [
        nn.Conv2d(1, 1, k, stride=s, padding=k // 2) for k, s in zip(kernels, strides, strict=False)
    ]
    for layer in layers:
        nn.init.ones_(layer.weight)
    model = nn.Sequential(*layers)
    side, jump, first = cnn.field_of(model, len(layers) - 1)
    x = torch.zeros(1, 1, 80, 80, requires_grad=True)
    y = model(x)
    row = y.shape[2] // 2
    (gradient,) = torch.autograd.grad(y[0, 0, row, row], x)
    reached = gradient[0, 0].sum(dim=1).nonzero().flatten()
    assert int(reached.min()) == first + jump * row
    assert int(reached.max()) == first + jump * row + side - 1


def test_the_network_answers_to_a_patch_as_to_the_image_that_it_was_cut_from() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3, stride=2, padding=1)
    )
    # With empty margins and no biases, what lies beyond the rim is 0 in every layer.
    images = F.pad(torch.rand(12, 1, 11, 9), (3, 3, 3, 3))
    for layer in (model[0], model[2]):
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # a parameter
    for channel in range(4):
        patches = cnn.top_patches(model, 2, images, channel=channel, k=5)
        strongest = model(images)[:, channel].amax(dim=(1, 2)).sort(descending=True).values[:5]
        first, last = model[0], model[2]
        assert isinstance(first, nn.Conv2d)
        assert isinstance(last, nn.Conv2d)
        inner = torch.relu(F.conv2d(patches, first.weight))
        assert_close(F.conv2d(inner, last.weight)[:, channel, 0, 0], strongest)


@pytest.mark.parametrize(
    ("model", "same"),
    [
        (nn.Flatten(), True),
        (nn.Softmax(dim=0), False),
        (nn.Unflatten(1, (2, 2)), True),
        (lambda x: x.reshape(-1, 2), False),
        (lambda x: x[:1], False),
        (lambda x: x.flip(0), False),
    ],
)
def test_a_model_that_mixes_images_is_told_from_one_that_does_not(
    model: Callable[[Tensor], Tensor], same: bool
) -> None:
    assert cnn.same_alone(model, torch.arange(12.0).reshape(3, 4)) == same  # type: ignore[arg-type]  # any callable


# Figures.


def test_the_rivals_have_as_many_parameters_as_they_state() -> None:
    own = sum(p.numel() for p in cnn.DigitsCNN().parameters())
    assert own == 11_018
    assert "11,018" in str(cnn.DigitsCNN.__doc__)
    twin = cnn.dense_twin(own, inputs=256, classes=10)
    assert own - sum(p.numel() for p in twin.parameters()) == 61


def test_the_convolutional_network_beats_its_rival_on_moved_digits(
    device: str, measured: Callable[..., None]
) -> None:
    digits = load_digits()
    x = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    target = torch.tensor(digits.target)
    generator = torch.Generator().manual_seed(0)
    places = torch.randint(9, (len(x), 2), generator=generator).tolist()
    x = torch.stack(
        [F.pad(image, (j, 8 - j, i, 8 - i)) for image, (i, j) in zip(x, places, strict=True)]
    )
    order = torch.randperm(len(x), generator=generator)
    train, test = order[:1400], order[1400:]
    accuracy = []
    for make in (cnn.DigitsCNN, lambda: cnn.dense_twin(11_018, inputs=256, classes=10)):
        torch.manual_seed(0)
        model = make().to(device)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 12)
        for _ in range(12):
            mixed = train[torch.randperm(1400, generator=generator)]
            batches = zip(x[mixed].split(50), target[mixed].split(50), strict=True)
            train_epoch(model, batches, optimizer, F.cross_entropy)
            slower.step()
        accuracy.append(evaluate(model, [(x[test], target[test])])[1])
    measured("accuracy", accuracy[0], at_least=0.6)
    measured("lead over the dense twin", accuracy[0] - accuracy[1], at_least=0.1)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (
            lambda: cnn.flatten(torch.ones(2, 4, 5, 6), start_dim=4),
            ["start_dim is 4", "(2, 4, 5, 6)"],
        ),
        (lambda: cnn.dense_parameters(0, 4), ["in_features is 0", "1 or more"]),
        (lambda: cnn.DigitsCNN()(torch.ones(2, 256)), ["(2, 256)", "(N, 1, 16, 16)"]),
        (
            lambda: cnn.dense_twin(13, inputs=3, classes=5),
            ["parameters is 13", "14 or more", "3 inputs", "5 classes"],
        ),
    ],
)
def test_a_bad_argument_is_named_with_what_was_expected(
    call: Callable[[], object], names: list[str]
) -> None:
    with pytest.raises(ValueError, match=".*".join(map(re.escape, names))):
        call()
