"""Gradients against autograd, curves against means, widgets at every corner."""

import base64
import io
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch.testing import assert_close

from cnnlib import resnet as reference
from course import blocks
from course.figures import BLUE, GREEN, ORANGE
from course.widgets import resnet
from course.widgets.explorer import Explorer
from course.widgets.resnet.gradients import DEPTHS, SPREADS
from tests.course.students import unwritten


def test_the_flow_back_is_that_of_the_network_itself() -> None:
    net = blocks.stack(8, block=partial(blocks.PaddedBlock, skip=blocks.no_skip), seed=0).eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    images, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])
    share = resnet.backflow(net, images, labels)
    assert_close(dict(net.state_dict()), before, rtol=0, atol=0)
    assert not net.training
    net.train()
    first = net[:3](images).detach().requires_grad_()
    last = net[3:6](first)
    grads = torch.autograd.grad(F.cross_entropy(net[6:](last), labels), (first, last))
    sizes = [grad.double().square().mean().sqrt().item() for grad in grads]
    assert share == pytest.approx(sizes[0] / sizes[1], rel=1e-4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: resnet.curves([]), "runs are"),
        (lambda: resnet.curves([resnet.Run(8, True, (1.0,))]), "runs are"),
        (
            lambda: resnet.curves([resnet.Run(8, True, (1.0,)), resnet.Run(8, False, (1.0, 2.0))]),
            r"\[1, 2\] steps",
        ),
    ],
)
def test_a_bad_argument_is_named(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_gradients_are_those_of_autograd_at_every_block() -> None:
    state = resnet.compute_gradients(
        {}, skip=False, norm=True, depth=9, spread="He's", block="given"
    )
    assert state.on.shape == state.off.shape == (5,)
    assert state.on[-1] == state.off[-1] == 1
    assert np.array_equal(state.shown, state.off)
    # A spread does not matter where batch norm divides by it, and does where nothing does.
    small = resnet.compute_gradients(
        {}, skip=True, norm=True, depth=9, spread="torch's default", block="given"
    )
    np.testing.assert_allclose(small.on, state.on, rtol=0.02)
    bare = [
        resnet.arriving(layers=9, skip=False, norm=False, spread=SPREADS[spread])
        for spread in ("He's", "torch's default")
    ]
    assert bare[0] != resnet.arriving(layers=9, skip=False, norm=False, spread=1.0, seed=1)
    # Eight layers, linear in each weight: the ratio is that of the spreads to the power of eight.
    assert bare[1] / bare[0] == pytest.approx(6 ** (-8 / 2), rel=1e-3)


def test_a_student_s_block_is_measured_like_the_given_one() -> None:
    options: dict[str, Any] = {"skip": True, "norm": True, "depth": 9, "spread": "He's"}
    given = resnet.compute_gradients({}, block="given", **options)
    own = resnet.compute_gradients({"own": reference.BasicBlock}, block="own", **options)
    assert own.problem == ""
    np.testing.assert_allclose(own.on, given.on, rtol=1e-5)
    np.testing.assert_allclose(own.off, given.off, rtol=1e-5)


def corners(explorer: Explorer) -> int:
    """Set every combination of first and last values; the alt text has to follow."""
    seen = set()
    ends = {}
    for name, control in explorer.controls.items():
        options = getattr(control, "_options_values", None)
        if isinstance(control.value, bool):
            ends[name] = (False, True)
        else:
            ends[name] = (options[0], options[-1]) if options else (control.min, control.max)
    for values in itertools.product(*ends.values()):
        explorer.set(**dict(zip(ends, values, strict=True)))
        assert explorer.picture.png.startswith(b"\x89PNG")
        seen.add(explorer.picture.alt)
    return len(seen)


def test_the_gradient_widget_stands_every_corner() -> None:
    # Depth, switch, batch norm, spread and block each show in the words.
    assert corners(resnet.gradients(BasicBlock=reference.BasicBlock)) == 32
    assert corners(resnet.gradients(unwritten=unwritten)) == 32
    assert resnet.gradients().controls["depth"].options == DEPTHS
    assert list(resnet.gradients().controls["spread"].options) == list(SPREADS)


def runs() -> list[resnet.Run]:
    return [
        resnet.Run(depth, skip, tuple(2.0 + 0.1 * step - skip for step in range(30)))
        for depth in (8, 20)
        for skip in (True, False)
    ]


def test_the_curve_widget_stands_every_corner() -> None:
    assert corners(resnet.curves(runs())) == 6  # at step 1 there is nothing to smooth
    alt = resnet.curves(runs()).picture.alt
    assert alt.startswith("Training loss after 30 steps. Plain: 8 layers 4.35, 20 layers 4.35.")


def test_the_curve_widget_says_the_loss_that_the_lesson_prints() -> None:
    made = runs()
    for run in made:
        said = f"{run.depth} layers {run.final:.2f}"
        assert said in resnet.curves(made).picture.alt


@pytest.mark.parametrize("depth", [8, 20, 56])
def test_the_picture_that_stands_in_has_the_colours_of_the_legend(depth: int) -> None:
    explorer = resnet.curves(
        [
            resnet.Run(layers, skip, tuple(2 - layers * step / 2000 for step in range(60)))
            for layers in (8, 20, 56)
            for skip in (False, True)
        ]
    )
    explorer.set(depth=depth)
    data = explorer._repr_mimebundle_()["image/png"]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
    for color in (BLUE, ORANGE, GREEN):
        wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
        assert (abs(picture.astype(int) - wanted).max(axis=-1) < 4).sum() > 50


def test_smoothing_is_a_mean_of_the_last_batches() -> None:
    state = resnet.compute_curves(runs(), depth=8, step=30, window=4)
    losses = runs()[1].losses
    expected = [np.mean(losses[max(0, i - 3) : i + 1]) for i in range(30)]
    np.testing.assert_allclose(state.plain[8], expected)
    one = resnet.compute_curves(runs(), depth=8, step=30, window=1)
    np.testing.assert_allclose(one.residual[20], runs()[2].losses)


def test_a_run_ends_with_the_mean_of_twelve_batches() -> None:
    shallow = resnet.Run(8, True, (9.0,) * 50 + (1.0,) * 12)
    assert shallow.final == 1.0
