"""What stands in graded pages: texts in outputs, and what a browser would run."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

__all__ = ["active", "alarms", "texts"]

ADDRESSES = ("href", "src", "srcdoc", "action", "formaction", "data", "xlink:href", "style")
# What a student's text may consist of, written down here once more: elements that show.
HARMLESS = frozenset(
    """
    a abbr acronym article aside b bdi bdo blockquote br caption center cite code col colgroup data
    dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i
    img ins kbd li mark nav ol p pre q rp rt rtc ruby s samp small span strike strong sub summary
    sup table tbody td tfoot th thead time tr tt u ul var wbr
    """.split()  # noqa: SIM905  a list of words is read more easily
)
VALUES = {
    "href": r"(https?://|mailto:|#)[^\s\\]*",
    "src": r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+",
    "style": r"(text-align:\s*[a-z]+;?|white-space: pre-wrap|)",
    "target": "_blank",
    "rel": "noopener noreferrer",
    "width": r"\d{1,4}%?",
    "height": r"\d{1,4}%?",
    "colspan": r"\d{1,4}",
    "rowspan": r"\d{1,4}",
    "start": r"\d{1,4}",
    **dict.fromkeys(("title", "lang", "dir", "alt", "align", "open"), r"[^\n]*"),
}


class _Strict(HTMLParser):
    """Notes everything in a page that is not known to be harmless."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in HARMLESS:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if not re.fullmatch(VALUES.get(name, "(?!)"), value or "", re.IGNORECASE | re.DOTALL):
                self.found.append(f"<{tag} {name}={value!r}>")

    handle_startendtag = handle_starttag

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"<![{data}]>")


def alarms(page: str) -> list[str]:
    """Return what of an HTML fragment is not on a list of harmless elements and values.

    >>> alarms("<p>a <b>word</b> &lt;script&gt;</p>")
    []
    >>> alarms("<p onclick='f()'>a<a href='javascript:f()'>b</a></p>")
    ["<p onclick='f()'>", "<a href='javascript:f()'>"]
    """
    reader = _Strict()
    reader.feed(page)
    reader.close()
    return reader.found


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
