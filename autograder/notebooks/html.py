"""A submission's outputs, made safe to look at.

What a submission displays is shown in the instructor's browser, by formgrader and in the feedback.
Only text, cleaned HTML and pictures get there.
"""

import base64
import binascii
import html
import re
from typing import Any

import nh3

__all__ = ["clean", "clean_markdown", "clean_text"]

PICTURES = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}
INLINE = ("data:image/png;base64,", "data:image/jpeg;base64,")
MAX_OUTPUTS = 201
# A link of Markdown that runs a script, and what MathJax makes links of. Who reads the page undoes
# entities and escapes, and a browser leaves out white space.
ADDRESS = re.compile(
    r"(\(|<|\]:)(javascript:|vbscript:|data:(text/|application/|image/svg))", re.IGNORECASE
)
UNREAD = re.compile(r"[\s\\\x00-\x1f]")
MATH_LINK = re.compile(r"\\(href|mmlToken|require|csname)")


def clean(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's outputs as nbformat writes them; whatever is malformed is dropped."""
    outputs = result.get("outputs")
    cleaned = []
    for output in outputs[:MAX_OUTPUTS] if isinstance(outputs, list) else []:
        data = output.get("data") if isinstance(output, dict) else None
        kept = _data(data) if isinstance(data, dict) else {}
        if kept:
            count = output.get("execution_count")
            more = {"execution_count": count} if isinstance(count, int) else {}
            kind = "execute_result" if more else "display_data"
            cleaned.append({"output_type": kind, "data": kept, "metadata": {}, **more})
    if result.get("cut") is True:
        text = "[More was printed or displayed than is kept.]\n"
        cleaned.append({"output_type": "stream", "name": "stdout", "text": text})
    error = result.get("error")
    if isinstance(error, list) and len(error) == 3:
        name, value, lines = error
        trace = [str(line)[:20_000] for line in lines[:100]] if isinstance(lines, list) else []
        cleaned.append(
            {
                "output_type": "error",
                "ename": str(name)[:200],
                "evalue": str(value)[:4000],
                "traceback": trace,
            }
        )
    return cleaned


def clean_text(text: str) -> str:
    """Return text, as it is where it holds no HTML, else without scripts and what else can act."""
    if not nh3.is_html(text):
        return text
    schemes = {*nh3.ALLOWED_URL_SCHEMES, "data"}
    return nh3.clean(text, url_schemes=schemes, attribute_filter=_attribute)


def clean_markdown(text: str) -> str:
    """Return a text cell without what could act in a page.

    Where a link could run a script, the whole text is shown as it was typed.
    """
    cleaned = clean_text(text)
    if not (_acts(cleaned) or MATH_LINK.search(cleaned)):
        return cleaned
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"


def _acts(text: str) -> bool:
    """Tell whether a link may run a script, however it is written."""
    for _ in range(3):
        text = html.unescape(text)
    return bool(ADDRESS.search(UNREAD.sub("", text)))


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Keep data: addresses for pictures alone."""
    picture = tag == "img" and name == "src" and value.startswith(INLINE)
    return None if value.strip().lower().startswith("data:") and not picture else value


def _data(data: dict[Any, Any]) -> dict[str, str]:
    kept = {}
    for mime, value in data.items():
        if mime in PICTURES:
            picture = _picture(mime, value)
            if picture:
                kept[mime] = picture
        elif mime == "text/plain" and isinstance(value, str):
            kept[mime] = value
        elif mime == "text/html" and isinstance(value, str):
            kept[mime] = clean_text(value)
        elif mime in ("text/markdown", "text/latex") and isinstance(value, str):
            kept[mime] = clean_markdown(value)
    return kept


def _picture(mime: str, value: Any) -> str | None:
    """Return a picture in base64, or None where it is none."""
    try:
        raw = base64.b64decode(value, validate=False) if isinstance(value, str) else bytes(value)
    except (binascii.Error, ValueError, TypeError):
        return None
    return base64.b64encode(raw).decode() if raw.startswith(PICTURES[mime]) else None
