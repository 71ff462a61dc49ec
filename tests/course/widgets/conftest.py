"""What tests of widgets share: pictures as arrays, and every control at its ends."""

import io
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image

from course.widgets.explorer import Explorer


@pytest.fixture
def pixels() -> Callable[[bytes], np.ndarray]:
    """Decode a PNG to (height, width, 3)."""
    return lambda png: np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.fixture
def corners() -> Callable[[Explorer], Iterator[dict[str, object]]]:
    """Give the values of a widget's controls for every combination of ends and options."""

    def ends(control: Any) -> list[object]:
        if hasattr(control, "options"):
            return [o[1] if isinstance(o, tuple) else o for o in control.options]
        return [control.min, control.max] if hasattr(control, "min") else [False, True]

    def combine(explorer: Explorer) -> Iterator[dict[str, object]]:
        choices = [ends(control) for control in explorer.controls.values()]
        for values in product(*choices):
            yield dict(zip(explorer.controls, values, strict=True))

    return combine
