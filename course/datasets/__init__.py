"""Data sets of the course. All are on the machine already; nothing is downloaded."""

from course.datasets.digits import digits
from course.datasets.glyphs import figures
from course.datasets.images import Images
from course.datasets.photos import photo
from course.datasets.shapes import render_shapes, sample_shapes, shapes

__all__ = ["Images", "digits", "figures", "photo", "render_shapes", "sample_shapes", "shapes"]
