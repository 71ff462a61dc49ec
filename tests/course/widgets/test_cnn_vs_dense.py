"""A number of a map is what torch gives there, and its window what the kernel meets."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course.datasets import Images, figures
from course.race import convolutional
from course.widgets.cnn_vs_dense import compute_number, inside, usable
from tests.course.students import unwritten


@pytest.fixture(scope="module")
def network() -> nn.Sequential:
    torch.manual_seed(0)
    return convolutional()


@pytest.fixture(scope="module")
def data() -> Images:
    return figures(20, generator=torch.Generator().manual_seed(0))


def test_every_corner_is_shown_and_described(network: nn.Sequential, data: Images) -> None:
    explorer = inside(network, data)
    ends: list[set[Any]] = []
    for control in explorer.controls.values():
        options = getattr(control, "options", None)
        values = [control.min, control.max] if options is None else [*options.values()]
        ends.append({values[0], values[-1]})
    seen = set()
    for corner in itertools.product(*ends):
        explorer.set(**dict(zip(explorer.controls, corner, strict=True)))
        seen.add((explorer.picture.alt, explorer.picture.png))
    assert len(seen) > 16
    assert len({alt for alt, _ in seen}) > 16
    assert all(control.description for control in explorer.controls.values())


@pytest.mark.parametrize(("layer", "at"), [(1, 0), (2, 2), (3, 4)])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 3)])
def test_a_number_is_taken_apart_as_the_layer_computes_it(
    network: nn.Sequential, data: Images, layer: int, at: int, row: int, column: int
) -> None:
    options = {"number": 4, "layer": layer, "channel": 5, "row": row, "column": column}
    state = compute_number(network, data, **options)
    with torch.no_grad():
        below = network[:at](data.images[4:5])
        maps = network[: at + 1](data.images[4:5])
    assert state.value == maps[0, 5, row, column].item()
    assert torch.equal(torch.tensor(state.maps), maps[0].relu().double())
    conv = network[at]
    assert isinstance(conv, nn.Conv2d)
    alone = F.conv2d(
        below[:, state.source : state.source + 1].double(),
        conv.weight[5:6, state.source : state.source + 1].double(),
        stride=conv.stride,
        padding=1,
    )
    assert state.share == pytest.approx(alone[0, 0, row, column].item())
    assert state.share == pytest.approx(float((state.window * state.kernel).sum()))
    assert (state.said, state.label) == (
        int(network(data.images[4:5]).argmax()),
        int(data.labels[4]),
    )


def test_only_pixels_in_the_marked_square_change_a_number(
    network: nn.Sequential, data: Images
) -> None:
    options: dict[str, Any] = {"number": 1, "layer": 3, "channel": 9, "row": 1, "column": 2}
    state = compute_number(network, data, **options)
    x = data.images[1:2].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network[:5](x)[0, 9, 1, 2], x)
    rows, columns = gradient[0, 0].nonzero().T
    assert state.top <= int(rows.min())
    assert int(rows.max()) < state.top + state.side
    assert state.left <= int(columns.min())
    assert int(columns.max()) < state.left + state.side


def test_a_place_beyond_the_last_means_the_last(network: nn.Sequential, data: Images) -> None:
    state = compute_number(network, data, number=0, layer=3, channel=31, row=15, column=15)
    assert (state.row, state.column) == (3, 3)
    state = compute_number(network, data, number=0, layer=1, channel=31, row=15, column=15)
    assert state.channel == 7


class Raising(nn.Module):
    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("no idea")


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (convolutional, "your network"),
        (unwritten, "not written yet"),
        (Raising, "raises RuntimeError: no idea"),
        (
            lambda: nn.Sequential(nn.Conv2d(1, 5, 16), nn.Flatten()),
            "returns shape (2, 5), expected shape (2, 10)",
        ),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(256, 10)), "no nn.Conv2d"),
    ],
)
def test_only_a_convolutional_network_for_figures_is_usable(
    own: Callable[[], nn.Module], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = usable(own)
    assert words in capsys.readouterr().out
    assert (chosen is own) == (words == "your network")
    assert chosen()(torch.zeros(2, 1, 16, 16)).shape == (2, 10)
