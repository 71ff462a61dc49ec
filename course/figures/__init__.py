"""Still figures: ``picture`` draws any, and each lesson's lie in the module of its name.

A lesson's figure is a function that returns a Picture, which carries its alt text. A cell imports
it from ``course.figures.<topic>`` and calls it in its last line. What moves is a widget.
"""

from course.figures.picture import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PIXELS_PER_INCH,
    PURPLE,
    Picture,
    encode,
    panels,
    show,
)

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PIXELS_PER_INCH",
    "PURPLE",
    "Picture",
    "encode",
    "panels",
    "show",
]
