"""Layer for layer the paper's numbers, and its three oddities against plain formulas."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from cnnlib.device import available_devices
from cnnlib.lenet import LeNet5, PaperLeNet5, Subsampling, small_lenet, squash
from cnnlib.vgg import count_parameters, layer_table

# Section II.B of the paper: output of each layer and its trainable parameters.
PAPER = {
    "c1": ((6, 28, 28), 156),
    "s2": ((6, 14, 14), 12),
    "c3": ((16, 10, 10), 1_516),
    "s4": ((16, 5, 5), 32),
    "c5": ((120, 1, 1), 48_120),
    "f6": ((84,), 10_164),
}
MODERN = {
    "conv1": ((6, 28, 28), 156),
    "conv2": ((16, 10, 10), 2_416),
    "fc1": ((120,), 48_120),
    "fc2": ((84,), 10_164),
    "fc3": ((10,), 850),
}


@pytest.mark.parametrize(
    ("network", "table", "total"), [(PaperLeNet5, PAPER, 60_000), (LeNet5, MODERN, 61_706)]
)
def test_layers_are_those_of_the_table(
    network: type[nn.Module],
    table: dict[str, tuple[tuple[int, ...], int]],
    total: int,
    stage_shapes: Callable[[nn.Module, tuple[int, ...]], dict[str, tuple[int, ...]]],
    show: Callable[..., None],
) -> None:
    model = network()
    assert count_parameters(model) == total
    parameters = {name: count_parameters(child) for name, child in model.named_children()}
    shapes = stage_shapes(model, (1, 32, 32))
    rows = [(name, shapes[name], parameters[name]) for name in shapes]
    show(network.__name__, "layer shape parameters", rows)
    for name, (shape, count) in table.items():
        assert (shapes[name], parameters[name]) == (shape, count), name
    assert list(shapes) == list(table)


def test_every_map_of_c3_sees_what_table_one_says() -> None:
    # Table I of the paper, a row per map of S2, a column per map of C3.
    table = """
        X...XXX..XXXX.XX
        XX...XXX..XXXX.X
        XXX...XXX..X.XXX
        .XXX..XXXX..X.XX
        ..XXX..XXXX.XX.X
        ...XXX..XXXX.XXX
    """
    c3 = PaperLeNet5().c3
    x = torch.zeros(1, 6, 5, 5)
    without = c3(x).flatten()
    for seen, row in enumerate(table.split()):
        x.zero_()[:, seen] = 1.0
        changed = (c3(x).flatten() - without).abs() > 1e-6
        assert "".join("X" if c else "." for c in changed) == row


def test_subsampling_is_coefficient_times_sum_plus_bias() -> None:
    layer = Subsampling(2)
    x = torch.arange(32.0).reshape(1, 2, 4, 4)
    windows = x.reshape(1, 2, 2, 2, 2, 2).sum(dim=(3, 5))
    assert_close(layer(x), windows * layer.weight + layer.bias)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([2.0, -1.0]).reshape(2, 1, 1))
        layer.bias.fill_(3.0)
    assert layer(x)[0, :, 0, 0].tolist() == [2 * (0 + 1 + 4 + 5) + 3, -(16 + 17 + 20 + 21) + 3]


def test_a_score_is_minus_the_squared_distance_to_a_code() -> None:
    model = PaperLeNet5()
    seen: list[Tensor] = []
    model.f6.register_forward_hook(lambda _m, _x, y: seen.append(squash(y)))
    scores = model(torch.rand(3, 1, 32, 32))
    assert_close(scores, -(torch.cdist(seen[0], model.codes) ** 2), rtol=1e-4, atol=1e-4)
    assert set(model.codes.unique().tolist()) == {-1.0, 1.0}
    different = (model.codes.unsqueeze(0) != model.codes.unsqueeze(1)).sum(dim=2)
    assert (different + 84 * torch.eye(10)).min() >= 6  # an 8 and a 9 are the closest pair


def test_squash_sends_one_to_one() -> None:
    assert_close(squash(torch.tensor([-1.0, 1.0])), torch.tensor([-1.0, 1.0]), rtol=0, atol=1e-4)


def test_the_paper_network_learns(measured: Callable[..., None]) -> None:
    torch.manual_seed(0)
    model = PaperLeNet5()
    x, target = torch.rand(8, 1, 32, 32), torch.arange(8)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # Of equal scores one in eight is right, a loss of log 8.
    measured("loss", nn.functional.cross_entropy(model(x), target).item(), at_most=1.0)


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": -1}])
@pytest.mark.parametrize("network", [LeNet5, small_lenet])
def test_a_number_below_one_is_refused(
    network: Callable[..., nn.Module], options: dict[str, int]
) -> None:
    name, number = next(iter(options.items()))
    with pytest.raises(ValueError, match=f"{name}={number}.*; expected 1 or more of each"):
        network(**options)


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (9, 13)])
def test_the_small_one_takes_any_size(size: tuple[int, int]) -> None:
    assert small_lenet(num_classes=5, in_channels=3)(torch.zeros(2, 3, *size)).shape == (2, 5)


def test_the_small_one_learns_digits(learns_digits: Callable[..., None]) -> None:
    learns_digits(small_lenet, at_least=0.95, lr=4e-3)


@pytest.mark.parametrize("device", available_devices(), ids=str)
@pytest.mark.parametrize("network", [LeNet5, PaperLeNet5, small_lenet])
def test_every_device_agrees(network: Callable[[], nn.Module], device: torch.device) -> None:
    torch.manual_seed(0)
    model, x = network(), torch.rand(2, 1, 32, 32)
    expected = model(x)
    # Sums of up to 400 float32 products, in another order; TF32 is off by default in matmul.
    assert_close(model.to(device)(x.to(device)).cpu(), expected, rtol=1e-3, atol=1e-3)


def test_layer_table_counts_sparse_connections() -> None:
    rows = [row for row in layer_table(PaperLeNet5(), (1, 32, 32)) if row.name.startswith("c3")]
    # The paper counts 151,600 connections with the 1,600 biases.
    assert sum(row.multiply_adds for row in rows) == 150_000
