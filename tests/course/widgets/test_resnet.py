"""Given networks against torch, drawings against their models, widgets at every corner."""

import base64
import io
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.testing import assert_close

from cnnlib import resnet as reference
from course.figures import BLUE, GREEN, ORANGE
from course.weights import load_known
from course.widgets import resnet
from course.widgets.explorer import Explorer
from course.widgets.resnet.drawing import parts
from course.widgets.resnet.gradients import DEPTHS, SPREADS


def unfinished(*_: object, **__: object) -> nn.Module:
    raise NotImplementedError


def broken(*_: object, **__: object) -> nn.Module:
    raise TypeError("no such thing")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        (resnet.PaddedBlock(3, 5, stride=2), reference.PaddedBlock(3, 5, stride=2)),
        (resnet.PaddedBlock(3, 3), reference.PaddedBlock(3, 3)),
        (resnet.option_b(3, 5, stride=2), reference.shortcut(3, 5, stride=2)),
        (resnet.option_b(3, 3, stride=1), reference.shortcut(3, 3, stride=1)),
    ],
)
def test_what_the_lesson_hands_out_computes_what_cnnlib_does(
    given: nn.Module, answer: nn.Module
) -> None:
    load_known(given)
    load_known(answer)
    x = torch.linspace(-2, 1, 2 * 3 * 7 * 4).cos().reshape(2, 3, 7, 4)
    assert_close(given(x), answer(x))
    assert_close(given.eval()(x), answer.eval()(x))


def test_a_stack_is_the_small_family_at_half_its_width() -> None:
    for depth in (8, 20):
        plain, residual = (resnet.stack(depth, skip=skip, seed=3) for skip in (False, True))
        assert_close(plain.state_dict(), residual.state_dict(), rtol=0, atol=0)
        assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in plain.modules()) == depth
        x = torch.rand(4, 1, 8, 8)
        twin = resnet.without_skips(residual)
        assert_close(plain(x), twin(x))
        assert not torch.allclose(plain(x), residual(x))
        other = resnet.stack(depth, skip=True, seed=4)
        assert not torch.equal(other[0].weight, residual[0].weight)
    assert len(resnet.residual_blocks(residual)) == 9


def test_a_zeroed_stack_starts_with_blocks_that_are_the_identity() -> None:
    zeroed = resnet.stack(14, skip=True, seed=3, zeroed=True).eval()
    x = torch.rand(2, 8, 8, 8)
    assert torch.equal(zeroed[3](x), x)
    usual, state = resnet.stack(14, skip=True, seed=3).state_dict(), zeroed.state_dict()
    changed = [name for name, tensor in state.items() if not torch.equal(tensor, usual[name])]
    assert changed == [f"{position}.bn2.weight" for position in range(3, 9)]


def test_the_flow_back_is_that_of_the_network_itself() -> None:
    net = resnet.stack(8, skip=False, seed=0).eval()
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
        (lambda: resnet.stack(21, skip=True, seed=0), "depth is 21; expected 6n"),
        (lambda: resnet.stack(2, skip=True, seed=0), "depth is 2; expected 6n"),
        (lambda: resnet.PaddedBlock(4, 3), "out_channels=3"),
        (lambda: resnet.option_b(4, 0, stride=1), "out_channels=0"),
        (lambda: resnet.residual_blocks(nn.ReLU()), "ReLU without residual blocks"),
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


def test_a_drawing_has_the_operations_of_the_block_and_nothing_else() -> None:
    drawn = parts(reference.BasicBlock(16, 32, stride=2))
    kinds = [part.kind for part in drawn if part.lane == 0]
    assert kinds == ["input", "conv", "norm", "relu", "conv", "norm", "add", "relu"]
    assert [part.kind for part in drawn if part.lane == 1] == ["conv", "norm"]
    same = parts(reference.BottleneckBlock(64, 16))
    assert [part.label.split("\n")[0] for part in same if part.kind == "conv"] == [
        "1x1 conv",
        "3x3 conv",
        "1x1 conv",
    ]
    assert all(part.lane == 0 for part in same)
    (add,) = (part for part in same if part.kind == "add")
    assert same[0].name in add.inputs
    plain = parts(resnet.without_skips(resnet.PaddedBlock(4, 4)))
    assert [part.kind for part in plain] == [
        "input",
        "conv",
        "norm",
        "relu",
        "conv",
        "norm",
        "relu",
    ]


def test_a_relu_in_the_wrong_place_is_drawn_there() -> None:
    class Early(resnet.PaddedBlock):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.residual(x) + F.relu(x)

    drawn = parts(Early(4, 4))
    assert [part.kind for part in drawn if part.lane == 1] == ["relu"]
    assert drawn[-1].kind == "add"


def test_drawings_say_in_words_what_they_show() -> None:
    picture = resnet.draw_block(reference.BasicBlock, 4, 4)
    assert picture.alt.startswith("BasicBlock(4, 4): 3x3 conv 4→4, batch norm, ReLU,")
    assert "without any layer" in picture.alt
    assert "through 1x1 conv" in resnet.draw_block(reference.BasicBlock, 4, 8, stride=2).alt
    assert resnet.draw_block(unfinished).alt == "unfinished() is not written yet."
    assert resnet.draw_block(broken, 3).alt == "broken(3) cannot be drawn: TypeError: no such thing"
    net = resnet.stack(8, skip=True, seed=0)
    alt = resnet.draw_network(net, (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, 3 with a skip" in alt
    assert "8 by 8 by 8, 16 by 4 by 4, 32 by 2 by 2, 32 by 1 by 1, 10" in alt
    plain = resnet.draw_network(resnet.without_skips(net), (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, none with a skip" in plain
    assert net.training


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
        resnet.arriving(layers=9, skip=False, norm=False, spread=spread)
        for spread in ("He's", "torch's default")
    ]
    # Eight layers, linear in each weight: the ratio is that of the spreads to the power of eight.
    assert bare[1] / bare[0] == pytest.approx(6 ** (-8 / 2), rel=1e-3)


def test_a_student_s_block_is_measured_like_the_given_one() -> None:
    options = {"skip": True, "norm": True, "depth": 9, "spread": "He's"}
    given = resnet.compute_gradients({}, block="given", **options)
    own = resnet.compute_gradients({"own": reference.BasicBlock}, block="own", **options)
    assert own.problem == ""
    np.testing.assert_allclose(own.on, given.on, rtol=1e-5)
    np.testing.assert_allclose(own.off, given.off, rtol=1e-5)
    for make, words in ((unfinished, "not written yet"), (broken, "TypeError: no such thing")):
        missing = resnet.compute_gradients({"own": make}, block="own", **options)
        assert words in missing.problem
        np.testing.assert_allclose(missing.on, given.on)


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
    assert corners(resnet.gradients(unfinished=unfinished)) == 32
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
    deep = resnet.Run(20, True, (1.5,) * 62)
    assert shallow.final == 1.0
    assert resnet.gap(shallow, deep) == 0.5
