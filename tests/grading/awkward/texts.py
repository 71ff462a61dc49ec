"""Right answers beside written ones that are easily taken for something else.

What must reach the person who grades stands in ``ARRIVES``.
"""

import base64
import io
from pathlib import Path

from nbformat import NotebookNode
from PIL import Image

from tests.grading import tiny
from tests.grading.corpus import Corpus, get, markdown, solve
from tests.grading.course import World

__all__ = ["ARRIVES", "HONEST"]

HONEST = Corpus()
honest = HONEST.family("texts")

ALL = tiny.POINTS


def _picture(kind: str, side: int = 4) -> str:
    file = io.BytesIO()
    Image.effect_noise((side, side), 90).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


GIF = _picture("gif")
# By submission, what the feedback must hold.
ARRIVES = {
    "comparisons_in_words": (
        "i &lt; n",
        "x&lt;low and y&gt;high",
        "a &lt;b the loop",
        "&lt;script",
    ),
    "pasted_gif": (f"data:image/gif;base64,{GIF}",),
    "pasted_photograph": ('src="data:image/png;base64,',),
    "attachment_dropped": ("lost.png: no picture", "the rest of the answer"),
    "pasted_into_the_text": (f"data:image/gif;base64,{GIF}", "the rest of the answer"),
    "formulas_in_words": (r"$\frac{a_1}{b_2} \lt c_3$", "costs <span>$</span>5"),
    "long_answer": ("too long to be laid out", "the rest of the answer"),
}


@honest(deserves=ALL)
def comparisons_in_words(notebook: NotebookNode, _: Path, __: World) -> None:
    """The written answer compares numbers without blanks, and names an element of HTML."""
    text = "Where i < n, or x<low and y>high.\n\nIf a <b the loop ends. The <script tag does not."
    _write(notebook, text)


@honest(deserves=ALL)
def pasted_gif(notebook: NotebookNode, _: Path, __: World) -> None:
    """A GIF was pasted into the written answer."""
    _write(notebook, "![a](attachment:a.gif)", {"a.gif": {"image/gif": GIF}})


@honest(deserves=ALL)
def pasted_photograph(notebook: NotebookNode, _: Path, __: World) -> None:
    """A picture of 6 MB was pasted into the written answer."""
    data = _picture("png", 2500)
    _write(notebook, "![a](attachment:a.png)", {"a.png": {"image/png": data}})


@honest(deserves=ALL)
def attachment_dropped(notebook: NotebookNode, _: Path, __: World) -> None:
    """An editor dropped the picture that the written answer shows."""
    _write(notebook, "![a](attachment:lost.png)\n\nand the rest of the answer")
    markdown(notebook, "![a](attachment:lost.png)")


@honest(deserves=ALL)
def pasted_into_the_text(notebook: NotebookNode, _: Path, __: World) -> None:
    """An editor wrote a pasted picture into the text itself."""
    _write(notebook, f"![a](data:image/gif;base64,{GIF})\n\nand the rest of the answer")


@honest(deserves=ALL)
def formulas_in_words(notebook: NotebookNode, _: Path, __: World) -> None:
    """The written answer has formulas, and dollars."""
    _write(notebook, r"So $\frac{a_1}{b_2} < c_3$, which costs $5 and $6.")


@honest(deserves=ALL)
def long_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """The written answer has thirty pages."""
    _write(notebook, "A word and another. " * 3000 + "and the rest of the answer")


def _write(
    notebook: NotebookNode, text: str, attachments: dict[str, dict[str, str]] | None = None
) -> None:
    solve(notebook)
    cell = get(notebook, tiny.WRITTEN)
    cell.source = text
    if attachments:
        cell["attachments"] = attachments
