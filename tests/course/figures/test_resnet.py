"""A drawing shows what the model computes, and nothing else."""

import torch
import torch.nn.functional as F

from cnnlib import resnet as reference
from course import blocks
from course.figures.resnet import draw_block, draw_network, parts
from tests.course.students import broken, unwritten


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
    plain = parts(blocks.without_skips(blocks.PaddedBlock(4, 4)))
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
    class Early(blocks.PaddedBlock):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.residual(x) + F.relu(x)

    drawn = parts(Early(4, 4))
    assert [part.kind for part in drawn if part.lane == 1] == ["relu"]
    assert drawn[-1].kind == "add"


def test_drawings_say_in_words_what_they_show() -> None:
    picture = draw_block(reference.BasicBlock, 4, 4)
    assert picture.alt.startswith("BasicBlock(4, 4): 3x3 conv 4→4, batch norm, ReLU,")
    assert "without any layer" in picture.alt
    assert "through 1x1 conv" in draw_block(reference.BasicBlock, 4, 8, stride=2).alt
    assert draw_block(unwritten).alt == "unwritten() is not written yet."
    assert draw_block(broken, 3).alt == "broken(3) raises IndexError: no such thing."
    net = blocks.stack(8, skip=True, seed=0)
    alt = draw_network(net, (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, 3 with a skip" in alt
    assert "8 by 8 by 8, 16 by 4 by 4, 32 by 2 by 2, 32 by 1 by 1, 10" in alt
    plain = draw_network(blocks.without_skips(net), (1, 8, 8), title="net").alt
    assert "3 of them blocks of layers, none with a skip" in plain
    assert net.training
