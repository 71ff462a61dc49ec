"""A drawing shows what the model computes, and nothing else."""

from functools import partial

import torch
import torch.nn.functional as F

from cnnlib import resnet as reference
from course import blocks
from course.figures.resnet import (
    draw_block,
    draw_network,
    parts,
    variances,
    variances_by_block,
)
from tests.course.students import broken, unwritten


def test_a_drawing_has_the_operations_of_the_block_and_nothing_else() -> None:
    drawn = parts(reference.BasicBlock(16, 32, stride=2, skip=reference.shortcut))
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
    plain = parts(reference.BasicBlock(4, 4, skip=blocks.no_skip))
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
    class Early(reference.BasicBlock):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.residual(x) + F.relu(x)

    drawn = parts(Early(4, 4))
    assert [part.kind for part in drawn if part.lane == 1] == ["relu"]
    assert drawn[-1].kind == "add"


def test_drawings_say_in_words_what_they_show() -> None:
    picture = draw_block(reference.BasicBlock, 4, 4)
    assert picture.alt.startswith("BasicBlock(4, 4): 3x3 conv 4→4, batch norm, ReLU,")
    assert "without any layer" in picture.alt
    assert "through 1x1 conv" in draw_block(reference.BasicBlock, 4, 8, skip=reference.shortcut).alt
    titled = draw_block(reference.BasicBlock, 4, 8, stride=2, skip=blocks.option_a).alt
    assert titled.startswith("BasicBlock(4, 8, stride=2, skip=option_a): ")
    assert draw_block(unwritten).alt == "unwritten() is not written yet."
    assert draw_block(broken, 3).alt == "broken(3) raises IndexError: no such thing."
    net = blocks.stack(8, block=blocks.PaddedBlock, seed=0)
    alt = draw_network(net, (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, 3 with a skip" in alt
    assert "8 by 8 by 8, 16 by 4 by 4, 32 by 2 by 2, 32 by 1 by 1, 10" in alt
    bare = blocks.stack(8, block=partial(blocks.PaddedBlock, skip=blocks.no_skip), seed=0)
    plain = draw_network(bare, (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, none with a skip" in plain
    assert net.training


def test_variance_is_multiplied_by_blocks_without_norm_and_added_to_by_blocks_with_it() -> None:
    for norm in (False, True):
        for row in variances_by_block(reference.BasicBlock, norm=norm):
            assert len(row) == 27
            early, late = row[8] / row[0], row[26] / row[17]
            # Growth by a factor goes on; growth by an amount is a smaller factor each time.
            assert (late < 0.6 * early) if norm else (late > 10)
    alt = variances(unwritten).alt
    assert "Blocks: the reference, since yours is not written yet." in alt
    assert "Blocks: yours." in variances(reference.BasicBlock).alt
