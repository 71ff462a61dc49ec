"""The pooling widgets compute what loops compute, and say what they show."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from course.figures.pooling import edges
from course.widgets.explorer import Explorer
from course.widgets.pooling import (
    OUTPUT,
    TABLE,
    Windows,
    compute_windows,
    describe_windows,
    stepper,
)
from course.widgets.pooling_shift import (
    FARTHEST,
    WAYS,
    Moves,
    compute_moves,
    describe_moves,
    moves,
)
from tests.course.students import unwritten

Functions = dict[str, Callable[..., Tensor]]
RIGHT: Functions = {
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "global_avg_pool": lambda x: x.mean(dim=(2, 3)),
}


def settings(explorer: Explorer) -> Iterator[dict[str, Any]]:
    """Every combination of the ends of sliders and the options of menus."""
    ends = [
        list(control.options) if hasattr(control, "options") else [control.min, control.max]
        for control in explorer.controls.values()
    ]
    for values in product(*ends):
        yield dict(zip(explorer.controls, values, strict=True))


def stepped(functions: Functions | None = None, **changes: Any) -> Windows:
    plain: dict[str, Any] = {"kind": "max", "step": 0, "kernel_size": 2, "stride": 2, "padding": 0}
    return compute_windows(functions or {}, **(plain | changes))


def moved(functions: Functions | None = None, **changes: Any) -> Moves:
    plain: dict[str, Any] = {"way": "max", "window": 2, "shift": 1, "digit": 3}
    return compute_moves(functions or {}, **(plain | changes))


# The stepper


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(("kernel_size", "stride", "padding"), [(2, 1, 1), (3, 2, 1), (4, 3, 0)])
def test_every_step_gives_the_pooling_of_its_box(
    kind: str, kernel_size: int, stride: int, padding: int
) -> None:
    options: dict[str, Any] = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
    }
    filling = -np.inf if kind == "max" else 0.0
    image = TABLE[0, 0].numpy()
    padded = np.pad(image, 4, constant_values=filling)
    first = stepped(kind=kind, **options)
    boxes = set()
    for step in range(first.output.size):
        state = stepped(kind=kind, step=step, **options)
        left, top, width, height = state.box
        assert (width, height) == (kernel_size, kernel_size)
        inside = padded[top + 4 : top + 4 + height, left + 4 : left + 4 + width]
        expected = inside.max() if kind == "max" else inside.mean()
        assert state.output[state.row, state.column] == pytest.approx(expected)
        if kind == "max":
            assert state.winner is not None
            row, column = state.winner
            assert image[row, column] == expected
            assert top <= row < top + height
            assert left <= column < left + width
        boxes.add(state.box)
    assert len(boxes) == first.output.size
    assert stepped(kind=kind, step=first.output.size, **options).box == first.box


def test_the_first_of_equal_numbers_is_the_winner() -> None:
    # Rows 0 and 1 of columns 2 and 3 hold 0, 3, -3, -3; rows 1 and 2 of column 2 and 3 are negative
    # but for a 1; the 6 stands twice in row 3.
    assert stepped(step=1).winner == (0, 3)
    assert stepped(kernel_size=4, stride=1, step=3).winner == (3, 3)


def test_a_global_average_has_one_window() -> None:
    for step in (0, 55):
        state = stepped(kind="global average", step=step, padding=2, stride=4)
        assert state.output.shape == (1, 1)
        assert state.output[0, 0] == pytest.approx(TABLE.mean().item())
        assert state.box == (0, 0, 7, 6)
        assert state.winner is None


def test_padding_above_half_of_the_window_is_named_and_not_drawn() -> None:
    state = stepped(kernel_size=3, padding=2)
    assert "more than half" in state.problem
    assert state.problem in describe_windows(state)
    stepper().set(kernel_size=3, padding=2)


def test_every_setting_of_the_stepper_can_be_shown_and_fits() -> None:
    widget = stepper(**RIGHT)
    told = set()
    for setting in settings(widget):
        widget.set(**setting)
        state = compute_windows(RIGHT, **setting)
        rows, columns = state.output.shape
        assert rows <= OUTPUT[0]
        assert columns <= OUTPUT[1]
        assert state.problem or state.own == "yours agrees"
        told.add(widget.picture.alt)
    assert len(told) > 20


def test_the_stepper_tells_what_it_shows() -> None:
    assert describe_windows(stepped(step=2)) == (
        "max pooling of a table of 6 by 7 numbers gives 3 by 3. The window of output row 0, "
        "column 2 covers rows 0 to 1 and columns 4 to 5 and gives -1."
    )
    assert "Yours agrees." in describe_windows(stepped(RIGHT))


# Moving features


def test_distances_are_those_of_loops() -> None:
    state = moved()
    assert set(state.distances) == set(WAYS)
    assert all(len(d) == FARTHEST + 1 and d[0] == 0 for d in state.distances.values())
    from course.datasets import digits

    test = digits()[1]
    images = F.pad(test.images[:100], (4, 4, 4, 4))
    still = F.max_pool2d(edges(images), 2)
    shifted = F.max_pool2d(edges(images.roll(2, dims=3)), 2)
    near = [(a - b).norm().item() for a, b in zip(still, shifted, strict=True)]
    far = [
        (still[i] - still[j]).norm().item()
        for i in range(100)
        for j in range(i)
        if test.labels[i] != test.labels[j]
    ]
    expected = np.mean(near) / np.mean(far)
    assert state.distances["max"][2] == pytest.approx(expected, rel=1e-4)


def test_what_the_lesson_says_about_one_pixel_is_what_the_widget_shows(
    measured: Callable[..., None],
) -> None:
    distances = moved(window=2).distances
    assert distances["global average"][:4].max() < 1e-3
    for name, said, shown in [
        ("no pooling, one pixel", 0.99, distances["no pooling"][1]),
        ("max, one pixel", 0.92, distances["max"][1]),
        ("max, four pixels", 1.93, distances["max"][4]),
        ("no pooling, four pixels", 1.59, distances["no pooling"][4]),
        ("max over 4 x 4, one pixel", 0.88, moved(window=4).distances["max"][1]),
    ]:
        # What rounds to the two decimals that the lesson gives.
        measured(name, float(shown), at_least=said - 0.005, at_most=said + 0.005)


def test_what_the_lesson_says_about_thin_features_is_so() -> None:
    from course.datasets import digits

    maps = edges(F.pad(digits()[1].images[:100], (4, 4, 4, 4))).flatten(0, 1)
    bright = maps > maps.amax(dim=(1, 2), keepdim=True) / 2
    rows = ["".join(" x"[pixel] for pixel in row) for row in bright.flatten(0, 1).tolist()]
    runs = [len(run) for row in rows for run in row.split()]
    assert round(100 * sum(run <= 2 for run in runs) / len(runs)) == 86


def test_what_the_lesson_says_about_the_table_of_the_stepper_is_so() -> None:
    for side, stride, padding in product(range(1, 5), range(1, 5), range(3)):
        if padding <= side // 2:
            largest = F.max_pool2d(TABLE, side, stride, padding)
            mean = F.avg_pool2d(TABLE, side, stride, padding)
            assert (largest == mean).any() == (side == 1)


def test_maps_are_those_of_the_digit_and_its_shift() -> None:
    state = moved(way="no pooling", shift=3)
    np.testing.assert_allclose(state.after, np.roll(state.before, 3, axis=1), atol=1e-6)
    for way, side in [("stride", 8), ("average", 8), ("max", 8), ("global average", 1)]:
        assert moved(way=way).before.shape == (side, side)
    assert not np.allclose(moved(digit=0).before, moved(digit=1).before)


def test_every_setting_of_the_moves_can_be_shown() -> None:
    widget = moves(max_pool2d=F.max_pool2d, avg_pool2d=F.avg_pool2d)
    told = set()
    for setting in settings(widget):
        widget.set(**setting)
        told.add(widget.picture.alt)
    assert len(told) > 30


def test_the_moves_tell_what_they_show() -> None:
    told = describe_moves(moved({"max_pool2d": unwritten}))
    assert told.startswith(
        "Edge features of a 3, max of 2, beside those of the same digit 1 pixel "
    )
    assert "0.92" in told
    assert told.endswith("Yours is not written yet.")
    assert "2 pixels to the right" in describe_moves(moved(shift=2))


# A student's functions


def test_without_a_students_function_there_are_no_words() -> None:
    assert stepped().own == ""
    assert moved().own == ""


def test_a_name_that_is_no_pooling_is_refused_with_the_names_that_are() -> None:
    with pytest.raises(ValueError, match=r"functions are relu; expected .*max_pool2d"):
        stepper(relu=torch.relu)
    with pytest.raises(ValueError, match=r"functions are global_avg_pool; expected"):
        moves(global_avg_pool=RIGHT["global_avg_pool"])
