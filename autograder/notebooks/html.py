"""A submission's outputs, made safe to look at.

What a submission displays is shown in the instructor's browser, by formgrader and in the feedback.
Only plain text, pictures, and HTML that shows and does nothing else get there: Markdown and LaTeX
are laid out here, and by no later reader.
"""

import base64
from collections.abc import Mapping
from typing import Any

from autograder.notebooks.markup import Layout
from autograder.notebooks.pictures import FORMATS, address

__all__ = ["clean"]

MOST_OUTPUTS = 201
LONGEST = 200_000  # characters of one text
MOST_PICTURES = 30_000_000  # characters of a cell's pictures, in base64
MOST_TEXT = 1_000_000  # characters of a cell's texts
LINES = 100  # of a traceback
TOO_MUCH = "[More was printed or displayed than is kept.]\n"
# What notebooks show where an output is there in several formats, best first, and what lays it out.
MARKED_UP = {
    "text/html": Layout.html,
    "text/markdown": Layout.markdown,
    "text/latex": Layout.latex,
}
# The two that nbconvert shows; others need an element of HTML.
SHOWN_AS_THEY_ARE = ("image/png", "image/jpeg")


def clean(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's outputs as nbformat writes them; whatever is malformed is dropped."""
    outputs = result.get("outputs")
    layout = Layout()
    kept: list[dict[str, Any]] = []
    cut = result.get("cut") is True
    text, pictures = MOST_TEXT, MOST_PICTURES
    for output in outputs[:MOST_OUTPUTS] if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        shown = _data(data, layout) if isinstance(data, dict) else {}
        if not shown:
            continue
        sizes = {mime: len(value) for mime, value in shown.items()}
        drawn = sum(size for mime, size in sizes.items() if mime in SHOWN_AS_THEY_ARE)
        if drawn > pictures or sum(sizes.values()) - drawn > text:
            cut = True
            continue
        pictures, text = pictures - drawn, text - sum(sizes.values()) + drawn
        count = output.get("execution_count")
        counted = type(count) is int and 0 <= count < 10**9
        more = {"execution_count": count} if counted else {}
        kind = "execute_result" if more else "display_data"
        kept.append({"output_type": kind, "data": shown, "metadata": {}, **more})
    if cut:
        kept.append({"output_type": "stream", "name": "stdout", "text": TOO_MUCH})
    match result.get("error"):
        case [str(name), str(value), list(lines)]:
            trace = [line[:20_000] for line in lines[:LINES] if isinstance(line, str)]
            said = {"ename": name[:200], "evalue": value[:4000], "traceback": trace}
            kept.append({"output_type": "error", **said})
    return kept


def _data(data: dict[Any, Any], layout: Layout) -> dict[str, str]:
    """Return an output in the formats that are shown."""
    kept = {}
    plain = data.get("text/plain")
    if isinstance(plain, str):
        kept["text/plain"] = plain[:LONGEST]
    drawn = {mime: found for mime in FORMATS if (found := address(mime, _base(data.get(mime))))}
    for mime in SHOWN_AS_THEY_ARE:
        if mime in drawn:
            kept[mime] = drawn[mime].partition(",")[2]
    for mime, lay_out in MARKED_UP.items():
        marked = data.get(mime)
        if isinstance(marked, str):
            kept["text/html"] = lay_out(layout, marked)
            return kept
    if drawn and not any(mime in drawn for mime in SHOWN_AS_THEY_ARE):
        kept["text/html"] = f'<div><img src="{next(iter(drawn.values()))}"></div>'
    return kept


def _base(value: Any) -> Any:
    """Return a picture in base64: a kernel sends it so, or as the bytes themselves."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
