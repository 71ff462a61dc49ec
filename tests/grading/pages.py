"""What stands in graded pages: texts in outputs, and what a browser would run."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

__all__ = ["active", "texts"]

ADDRESSES = ("href", "src", "srcdoc", "action", "formaction", "data", "xlink:href", "style")


class _Reader(HTMLParser):
    def __init__(self, word: str) -> None:
        super().__init__(convert_charrefs=True)
        self.word = word
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for name, value in attrs:
            if value and self.word in value and (name.startswith("on") or _runs(name, value)):
                self.found.append(f"<{tag} {name}>")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and self.word in data:
            self.found.append("<script>")


def active(page: str, word: str) -> list[str]:
    """Return the elements of an HTML page in which a browser would run something naming a word.

    >>> active("<p>spoiled <img src=x onerror='spoiled()'></p>", "spoiled")
    ['<img onerror>']
    >>> active("<pre>&lt;script&gt;spoiled&lt;/script&gt;</pre>", "spoiled")
    []
    """
    reader = _Reader(word)
    reader.feed(page)
    reader.close()
    return reader.found


def _runs(name: str, value: str) -> bool:
    plain = "".join(value.split()).lower()
    return name == "srcdoc" or (
        name in ADDRESSES and plain.startswith(("javascript:", "vbscript:", "data:text/html"))
    )


def texts(outputs: list[Mapping[str, Any]]) -> Iterator[str]:
    """Every text in a cell's outputs, in whatever format it stands."""
    for output in outputs:
        yield from _leaves(output)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
