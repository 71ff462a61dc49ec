"""Both rivals see the figures where the widget puts them, and what it says of them is so."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from course.datasets import Images, figures
from course.race import convolutional, dense, trained
from course.widgets.cnn_vs_dense_moves import compute_duel, describe_duel, moved, moves
from course.widgets.explorer import Explorer

Corners = Callable[[Explorer], Iterator[dict[str, object]]]


@pytest.fixture(scope="module")
def data() -> Images:
    return figures(300, generator=torch.Generator().manual_seed(5))


def test_every_corner_is_shown_and_described(data: Images, corners: Corners) -> None:
    explorer = moves(data)
    seen = set()
    for values in corners(explorer):
        explorer.set(**values)
        seen.add((explorer.picture.alt, explorer.picture.png))
    assert len({alt for alt, _ in seen}) == len({png for _, png in seen}) == 16
    assert all(control.description for control in explorer.controls.values())


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, 0), (-3, 1), (1, -4)])
def test_a_figure_moves_by_whole_pixels_and_what_leaves_is_lost(down: int, right: int) -> None:
    image = torch.zeros(1, 1, 9, 9)
    image[0, 0, 4, 4] = 1.0
    expected = torch.zeros(9, 9)
    expected[4 + down, 4 + right] = 1.0
    assert torch.equal(moved(image, down=down, right=right)[0, 0], expected)
    assert moved(torch.ones(2, 3, 5, 7), down=down, right=right).shape == (2, 3, 5, 7)
    kept = (5 - abs(down)) * (7 - abs(right))
    assert moved(torch.ones(1, 1, 5, 7), down=down, right=right).sum() == kept


def test_what_is_shown_is_what_the_networks_say(data: Images) -> None:
    state = compute_duel(data, seen="figures in the middle", figure=4, down=2, right=-1)
    images = moved(data.images, down=2, right=-1)
    for row, share, make in zip(state.chances, state.read, (convolutional, dense), strict=True):
        network = trained(make, 0, moved=0)
        with torch.no_grad():
            scores = network(images)
        assert torch.allclose(torch.tensor(row).float(), scores[4].softmax(dim=0))
        assert share == (scores.argmax(dim=1) == data.labels).double().mean().item()


def test_the_words_tell_where_the_figure_went(data: Images) -> None:
    how: dict[str, Any] = {"seen": "moved by up to 2", "figure": 0}
    still = describe_duel(compute_duel(data, **how, down=0, right=0))
    assert still.startswith(f"A {int(data.labels[0])}, not moved: the convolutional network takes")
    gone = describe_duel(compute_duel(data, **how, down=-1, right=3))
    assert ", 1 pixel up and 3 pixels to the right: " in gone


def test_both_are_lost_where_the_head_has_never_seen_figures(
    data: Images, measured: Callable[..., None]
) -> None:
    def read(seen: str, down: int) -> tuple[float, float]:
        return compute_duel(data, seen=seen, figure=0, down=down, right=0).read

    middle, rival = read("figures in the middle", 0)
    measured("in the middle", min(middle, rival), at_least=0.75)
    measured("4 pixels off", max(read("figures in the middle", 4)), at_most=0.5)
    ours, theirs = read("moved by up to 2", 2)
    measured("ahead where both have seen such", ours - theirs, at_least=0.05)
