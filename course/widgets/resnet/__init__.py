"""Widgets, drawings and given networks of the lesson on residual networks.

``blocks`` holds the finished parts that the lesson hands out; ``drawing`` draws any block or
network from the model itself; ``gradients`` and ``training`` are the two widgets.
"""

from course.widgets.resnet.blocks import (
    LongBlock,
    PaddedBlock,
    option_b,
    residual_blocks,
    stack,
    without_skips,
)
from course.widgets.resnet.drawing import draw_block, draw_network
from course.widgets.resnet.gradients import arriving, backflow, compute_gradients, gradients
from course.widgets.resnet.training import Run, compute_curves, curves, gap

__all__ = [
    "LongBlock",
    "PaddedBlock",
    "Run",
    "arriving",
    "backflow",
    "compute_curves",
    "compute_gradients",
    "curves",
    "draw_block",
    "draw_network",
    "gap",
    "gradients",
    "option_b",
    "residual_blocks",
    "stack",
    "without_skips",
]
