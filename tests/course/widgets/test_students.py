"""Every widget and drawing takes a student's function in the same way."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from course.blocks import PaddedBlock
from course.figures.resnet import draw_block
from course.widgets import activations, convolution, pooling, resnet
from course.widgets.cnn_vs_dense import usable
from course.widgets.pooling_shift import moves
from tests.course.students import MISTAKES, broken, unwritten

# What takes a function of tensors, with the right one; it returns the alt text.
TAKERS: dict[str, tuple[Callable[[Any], str], Callable[..., Any]]] = {
    "curves": (lambda f: activations.curves(relu=f).picture.alt, F.relu),
    "depth": (lambda f: activations.depth(relu=f).picture.alt, F.relu),
    "convolution": (lambda f: convolution.stepper(f).picture.alt, F.conv2d),
    "pooling": (lambda f: pooling.stepper(max_pool2d=f).picture.alt, F.max_pool2d),
    "shift": (lambda f: shifted(f), F.max_pool2d),
}


def shifted(function: Callable[..., Any]) -> str:
    explorer = moves(max_pool2d=function)
    explorer.set(way="max")
    return explorer.picture.alt


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_the_same_words_by_every_widget(taker: str, mistake: str) -> None:
    take, right = TAKERS[taker]
    change, words = MISTAKES[mistake]
    assert f"ours {words}" in take(change(right))


@pytest.mark.parametrize("taker", TAKERS)
def test_a_right_function_agrees_in_every_widget(taker: str) -> None:
    take, right = TAKERS[taker]
    assert "agrees" in take(right)


@pytest.mark.parametrize("taker", ["curves", "convolution", "pooling", "shift"])
def test_a_function_that_is_off_is_told_by_how_much(taker: str) -> None:
    take, right = TAKERS[taker]
    assert "is off by up to 0.5" in take(lambda *args, **options: right(*args, **options) + 0.5)
    nan = take(lambda *args, **options: right(*args, **options) * torch.nan)
    assert "is not a number in places" in nan


def test_a_curve_that_cannot_be_drawn_leaves_torchs_alone() -> None:
    settings: dict[str, Any] = {"name": "relu", "probe": 0.5, "negative_slope": 0.2, "alpha": 1.5}
    state = activations.compute_curves({"relu": broken}, **settings)
    assert state.own.value is None
    assert torch.equal(state.value, state.x.relu())
    # The slope is part of what is drawn.
    detached = activations.compute_curves({"relu": lambda x: x.relu().detach()}, **settings)
    assert detached.own.problem.startswith("raises RuntimeError: element 0 of tensors")


@pytest.mark.parametrize(
    ("make", "words"),
    [(unwritten, "is not written yet"), (broken, "raises IndexError: no such thing")],
)
def test_a_class_that_cannot_be_made_is_told_like_a_function(
    make: Callable[..., Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw_block(make, 3).alt == f"{make.__name__}(3) {words}."
    usable(make)
    assert f"since yours {words}" in capsys.readouterr().out
    options: dict[str, Any] = {"skip": True, "norm": True, "depth": 9, "spread": "He's"}
    missing = resnet.compute_gradients({"own": make}, block="own", **options)
    assert missing.problem == f"yours {words}"
    given = resnet.compute_gradients({}, block="given", **options)
    assert (missing.on == given.on).all()
    assert resnet.compute_gradients({"own": PaddedBlock}, block="own", **options).problem == ""
