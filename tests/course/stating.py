"""Numbers that a lesson's text states, each in tests/course/stated with the range measured.

A number that comes out of the run needs no test. One that the text states in words does: the words
have to be in the lesson, and the measurement in the range that they stand for.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jupytext

__all__ = ["Measured", "played", "stated"]

ROOT = Path(__file__).parents[2]
Measured = Callable[..., None]


def stated(topic: str, *words: str) -> None:
    """Check that a lesson's text has some words, wherever its lines break."""
    text = " ".join((ROOT / f"source/{topic}.py").read_text().replace("\n# ", " ").split())
    for phrase in words:
        assert phrase in text, f"{topic} does not say {phrase!r}"


@cache
def played(topic: str, *experiments: str) -> dict[str, Any]:
    """Run a lesson's definitions, its solutions and some experiments; give what they leave.

    A plain cell that needs what another experiment defines is left out as that one is.
    """
    cells = jupytext.reads((ROOT / f"source/{topic}.py").read_text(), fmt="py:percent").cells
    marks = {"check", "habit", "predict", "reveal", "claim", "hints", "written"}
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell.cell_type != "code" or marks & cell.metadata.keys():
            continue
        if cell.metadata.get("experiment", experiments[0]) in experiments:
            with suppress(NameError):
                exec(compile(cell.source, f"<{topic}>", "exec"), namespace)
    return namespace
