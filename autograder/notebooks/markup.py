"""A student's texts and outputs as HTML that shows, and does nothing else.

Formgrader and the feedback put them into a page that the person who grades has open, logged in. So
whatever a student wrote goes one way: Markdown is read by markdown-it, HTML by nh3, which keeps the
elements, attributes and addresses of a list, and what comes out is one line of HTML between <div>
and </div>. Every reader of Markdown passes such a line on as it stands; in it no sign is left that
a later step, such as nbconvert's search for links or MathJax's for formulas, takes for its own.

What is too long or too deep to be laid out is shown as it was typed.
"""

import html
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

import nh3

from autograder.notebooks.formulas import typeset
from autograder.notebooks.pictures import FORMATS, address

__all__ = ["Layout", "as_typed"]

# Characters. Reading Markdown takes time that grows with the square of a text's length: one second
# for the first limit at worst, which is some twelve pages.
LONGEST_MARKDOWN = 20_000
LONGEST_HTML = 200_000
LONGEST_SHOWN = 100_000
MOST_OF_A_NOTEBOOK = 200_000
MOST_OF_PICTURES = 50_000_000  # characters in base64; a text can show one picture many times
DEEPEST = 30

ATTRIBUTES = {
    "*": {"title", "lang", "dir"},
    "a": {"href"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan", "style"},
    "th": {"align", "colspan", "rowspan", "style"},
}
TAGS = frozenset(nh3.ALLOWED_TAGS - {"area", "map"} | {"tfoot"})
# Elements that are dropped where they stand in HTML, unlike <low and y>, which is none.
OTHERS = """
html head body title meta link base font big form input button label select option textarea fieldset
legend iframe object embed param audio video source track canvas picture main section svg g path
circle rect line polyline polygon ellipse text tspan defs use image marker symbol clippath
lineargradient radialgradient stop filter mask pattern foreignobject animate set math mi mo mn ms
mrow msup msub mfrac msqrt mtext maction semantics annotation
"""
DROPPED = frozenset(OTHERS.split())
BARE = {"open", "hidden", "disabled", "checked", "reversed", "controls", "nowrap", "scoped", ""}
SCHEMES = {"http", "https", "mailto", "attachment"}
LINK = re.compile(r"(https?://|mailto:|#)[^\s\x00-\x1f\\]*", re.IGNORECASE)
PICTURE = re.compile(r"(https?://|attachment:)[^\x00-\x1f]*", re.IGNORECASE)
NUMBER = re.compile(r"\d{1,3}%?|1\d{3}")

TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[\s/][^<>]*)?)>|<")
VALUE = re.compile(r"""[^\s=]+\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)""")
INLINE = re.compile(rf"data:({'|'.join(FORMATS)});base64,([A-Za-z0-9+/=]+)")
# What nh3 writes: elements, whose values stand in double quotes, and text between them.
PIECE = re.compile(r'<[^"<>]*(?:"[^"]*"[^"<>]*)*>|[^<]+')
# Other delimiters of Jupyter's Markdown; there they have two backslashes, of which HTML has one.
BRACKETED = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
WRITTEN = re.compile(r'(\w+)="([^"]*)"')
FORMULA = re.compile("\ue000([0-9]{1,6})\ue001")
# What a later step would read as its own: as text in a page they are the same.
QUIET = {
    ord("$"): "<span>&#36;</span>",
    ord("\\"): "<span>&#92;</span>",
    ord("["): "&#91;",
    ord("`"): "&#96;",
    ord("="): "&#61;",
    ord("\n"): "&#10;",
    **dict.fromkeys(map(ord, "\r\x0b\x0c\x85\u2028\u2029"), " "),
}
# In values and in code MathJax does not look.
QUIET_CODE = {**QUIET, ord("$"): "&#36;", ord("\\"): "&#92;"}
QUIET_VALUE = {**QUIET_CODE, ord("="): "="}
VOID = {"br", "hr", "img", "input", "meta", "link", "col", "wbr", "p", "li", "td", "th", "tr"}


Formulas = list[tuple[str, str]]  # as MathJax is to find them, and as they were typed


class Layout:
    """Lays the texts of one notebook out, and counts what that takes."""

    def __init__(self) -> None:
        self._left = MOST_OF_A_NOTEBOOK
        self._pictures_left = MOST_OF_PICTURES

    def markdown(self, text: str, attachments: Any = None) -> str:
        """Return Markdown as one line of HTML; attachments are a cell's, as nbformat has them."""
        if not text.strip():
            return ""
        short, pictures = _without_pictures(text, attachments)
        if len(short) > min(LONGEST_MARKDOWN, self._left):
            return as_typed(text, "This text is too long to be laid out")
        self._left -= len(short)
        formulas: Formulas = []
        tokens = _reader().parse(short, {"formulas": formulas})
        if any(token.level >= DEEPEST - 1 for token in tokens):
            return as_typed(text, "This text is nested too deeply to be laid out")
        page = _reader().renderer.render(tokens, _reader().options, {"formulas": formulas})
        return self._finish(page, pictures, formulas)

    def latex(self, text: str) -> str:
        """Return LaTeX as one line of HTML: a formula, or words with formulas between them."""
        plain = text.strip()
        for opening, closing, sign in ((r"\[", r"\]", "$$"), (r"\(", r"\)", "$")):
            if plain.startswith(opening) and plain.endswith(closing):
                plain = f"{sign}{plain[2:-2].strip()}{sign}"
        return self.markdown(plain)

    def html(self, text: str) -> str:
        """Return HTML as one line of HTML that only shows."""
        short, pictures = _without_pictures(text, None)
        if len(short) > LONGEST_HTML:
            return as_typed(text, "This output is too long to be laid out")
        if _depth(short) > DEEPEST:
            return as_typed(text, "This output is nested too deeply to be laid out")
        return self._finish(_honest(short), pictures, None)

    def _finish(self, page: str, pictures: Mapping[str, str], formulas: Formulas | None) -> str:
        """Clean HTML, put pictures and formulas into it, and write it in one line."""
        safe = nh3.clean(
            page,
            tags=set(TAGS),
            attributes=ATTRIBUTES,
            attribute_filter=_attribute,
            url_schemes=SCHEMES,
            filter_style_properties={"text-align"},
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )
        pieces = []
        in_code = 0
        for piece in PIECE.findall(safe.strip()):
            if piece.startswith("<img"):
                pieces.append(self._picture(piece, pictures))
            elif piece.startswith("<"):
                in_code += piece in ("<code>", "<pre>")
                in_code -= piece in ("</code>", "</pre>")
                pieces.append(piece.translate(QUIET_VALUE))
            else:
                if formulas is not None and not in_code:
                    piece = BRACKETED.sub(lambda found: _take(found, formulas), piece)
                quiet = piece.translate(QUIET_CODE if in_code else QUIET)
                pieces.append(FORMULA.sub(lambda found: _formula(formulas, found[1]), quiet))
        return f"<div>{''.join(pieces)}</div>"

    def _picture(self, element: str, pictures: Mapping[str, str]) -> str:
        """Return an <img> that brings its picture with it; in words, where there is none.

        An address elsewhere would tell somebody who looks at the page, and when.
        """
        values = {name: html.unescape(value) for name, value in WRITTEN.findall(element)}
        source, words = values.pop("src", ""), values.get("alt", "")
        if source.lower().startswith("http"):
            text = html.escape(f"picture: {words or source}").translate(QUIET)
            href = html.escape(source).translate(QUIET_VALUE)
            return f'<a href="{href}" target="_blank" rel="noopener noreferrer">{text}</a>'
        name = source.partition(":")[2]
        found = pictures.get(name) or pictures.get(unquote(name))
        if found is None or len(found) > self._pictures_left:
            why = "no picture of a known format came with the text"
            if found is not None:
                why = "it is left out, since the pictures of the notebook are too large together"
            about = " ".join(filter(None, (words, unquote(name))))
            text = f"[{about or 'a picture'}: {why}]"
            return f"<em>{html.escape(text).translate(QUIET)}</em>"
        self._pictures_left -= len(found)
        quiet = {name: html.escape(v).translate(QUIET_VALUE) for name, v in values.items()}
        rest = "".join(f' {name}="{value}"' for name, value in quiet.items())
        return f'<img src="{found}"{rest}>'


def as_typed(text: str, why: str) -> str:
    """Return text as it was typed, cut where it is very long, behind a sentence that says why."""
    cut = ""
    if len(text) > LONGEST_SHOWN:
        cut = f", and cut: {LONGEST_SHOWN} of its {len(text)} characters are shown"
    shown = html.escape(text[:LONGEST_SHOWN], quote=False).translate(QUIET_CODE)
    # A style of ours: lines are broken, as they are in a text.
    return (
        f"<div><p><em>{why}. It is shown as it was typed{cut}.</em></p>"
        f'<pre style="white-space: pre-wrap">{shown}</pre></div>'
    )


def _take(match: re.Match[str], formulas: Formulas) -> str:
    """Put a formula of a text aside; return what stands for it."""
    formula = f"${match[1]}$" if match[1] else f"$${match[2]}$$"
    formulas.append((html.unescape(formula), html.unescape(match[0])))
    return f"\ue000{len(formulas) - 1}\ue001"


def _formula(formulas: Formulas | None, index: str) -> str:
    """Return a formula as MathJax is to find it, or as it was typed."""
    if formulas is None or int(index) >= len(formulas):
        return ""  # the sign was spelt as an entity
    formula, typed = formulas[int(index)]
    return typeset(formula) or html.escape(typed, quote=False).translate(QUIET)


def _attribute(_: str, name: str, value: str) -> str | None:
    """Return the value of an attribute, or None where it is not to stay."""
    match name:
        case "href":
            return value if LINK.fullmatch(value) else None
        case "src":
            return value if PICTURE.fullmatch(value) else None
        case "width" | "height" | "colspan" | "rowspan" | "start":
            return value if NUMBER.fullmatch(value) else None
    return value


def _without_pictures(text: str, attachments: Any) -> tuple[str, dict[str, str]]:
    """Return text with short names in the place of the pictures in it; pictures by their names."""
    pictures = {
        str(name): found
        for name, bundle in (attachments.items() if isinstance(attachments, Mapping) else ())
        if isinstance(bundle, Mapping)
        for mime, data in bundle.items()
        if (found := address(str(mime), data)) is not None
    }

    def take(match: re.Match[str]) -> str:
        name = f"pasted-{len(pictures)}"
        pictures[name] = address(match[1], match[2]) or ""
        return f"attachment:{name}"

    plain = text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd")
    return INLINE.sub(take, plain), {name: found for name, found in pictures.items() if found}


def _honest(page: str) -> str:
    """Return HTML in which every < that opens no element of HTML is text."""
    for opening, closing in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        page = _without(page, opening, closing)
    return TAG.sub(_element_or_text, page)


def _without(page: str, opening: str, closing: str) -> str:
    """Return HTML without what stands between two marks; an opening one alone stays."""
    kept, lower, start = [], page.lower(), 0
    while (begin := lower.find(opening, start)) >= 0:
        end = lower.find(closing, begin)
        if end < 0:
            break
        kept.append(page[start:begin])
        start = end + len(closing)
    return "".join([*kept, page[start:]])


def _element_or_text(match: re.Match[str]) -> str:
    name = (match[2] or "").lower()
    bare = VALUE.sub("", match[3] or "").lower().split()
    known = name in TAGS or name in DROPPED
    is_element = known and all(word.strip("/") in BARE for word in bare)
    return match[0] if is_element else "&lt;" + match[0][1:]


def _depth(page: str) -> int:
    """Return how deeply elements are nested, those apart that may go without an end."""
    depth = deepest = 0
    for end, name in re.findall(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)", page):
        if name.lower() not in VOID:
            depth += -1 if end else 1
            deepest = max(deepest, depth)
    return deepest


@cache
def _reader() -> Any:
    """Return a reader of Markdown as Jupyter has it: CommonMark, tables, formulas."""
    # They take a quarter of a second to import, and most commands do without them.
    from markdown_it import MarkdownIt
    from mdit_py_plugins.amsmath import amsmath_plugin
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    reader = MarkdownIt("commonmark", {"maxNesting": DEEPEST})
    reader.enable(["table", "strikethrough"])
    reader.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    reader.use(amsmath_plugin)
    formulas: dict[str, Callable[[str], str]] = {
        "math_inline": "${}$".format,
        "math_inline_double": "$${}$$".format,
        "math_block": "$${}$$".format,
        "math_block_label": "$${}$$".format,
        "amsmath": "{}".format,
    }
    rules: dict[str, Any] = reader.renderer.rules  # type: ignore[attr-defined]  # of HTML's renderer
    for name, write in formulas.items():
        rules[name] = _rule_for_formulas(write)
    for name in ("html_inline", "html_block"):
        rules[name] = lambda tokens, index, *_: _honest(tokens[index].content)
    return reader


def _rule_for_formulas(write: Callable[[str], str]) -> Any:
    def rule(tokens: Any, index: int, _: Any, env: Any) -> str:
        formula = write(tokens[index].content)
        env["formulas"].append((formula, formula))
        return f"\ue000{len(env['formulas']) - 1}\ue001"

    return rule
