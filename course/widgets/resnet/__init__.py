"""Widgets of the lesson on residual networks: ``gradients`` by depth, curves of ``training``."""

from course.widgets.resnet.gradients import arriving, backflow, compute_gradients, gradients
from course.widgets.resnet.training import Run, compute_curves, curves

__all__ = [
    "Run",
    "arriving",
    "backflow",
    "compute_curves",
    "compute_gradients",
    "curves",
    "gradients",
]
