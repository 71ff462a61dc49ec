"""What a student writes arrives whole and does nothing, whoever reads it afterwards."""

import base64
import io
import re
import time
import zlib
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert.filters import markdown2html, strip_files_prefix
from PIL import Image

from autograder.notebooks.markup import LONGEST_HTML, LONGEST_MARKDOWN, Layout, as_typed
from tests.grading.attacks import ATTACKS, FORMULAS, MARKDOWN, nested
from tests.grading.pages import active, alarms


def markdown(text: str, **attachments: object) -> str:
    return Layout().markdown(text, attachments)


def shown(page: str) -> str:
    """Return the text of a page, as a browser shows it."""
    words: list[str] = []
    reader = HTMLParser()
    reader.handle_data = words.append  # type: ignore[assignment,method-assign]  # all that is wanted
    reader.feed(page)
    reader.close()
    return "".join(words).strip()


def picture(kind: str, width: int = 2) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, 2)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def later(page: str) -> str:
    """Do to a text cell what nbconvert does."""
    return str(strip_files_prefix(markdown2html(page)))


@pytest.mark.parametrize("lay_out", [Layout.markdown, Layout.html, Layout.latex])
def test_nothing_acts_as_markdown_or_as_html(lay_out: Callable[[Layout, str], str]) -> None:
    for text in (*ATTACKS, *MARKDOWN, *FORMULAS):
        page = lay_out(Layout(), text)
        assert alarms(page) == [], text
        assert active(page, "spoiled") == [], text
        assert later(page).strip() == page.strip(), text


TEXTS = st.text(alphabet="<>/\"'=&;#xaI$\\[]()!`*_~|:- \n\t\ue000\ue0010spc", max_size=80)


@given(text=TEXTS)
def test_a_text_is_one_line_that_readers_of_markdown_pass_on(text: str) -> None:
    for page in (Layout().markdown(text), Layout().html(text), as_typed(text, "Why")):
        assert "\n" not in page
        assert alarms(page) == []
        assert later(page).strip() == page


WORDS = st.sampled_from(["i<n", "x<low", "and", "y>high", "a<=b", "p&q", "c>=d", "<<", "List<int>"])


@given(words=st.lists(WORDS, max_size=20))
def test_signs_of_comparison_are_not_taken_for_elements(words: list[str]) -> None:
    text = " ".join(["So", *words])
    assert shown(markdown(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "i < n",
        "for i<n and j>m",
        "x<low and y>high",
        "if a <b the loop ends",
        "x<b and y>c",
        "<T> is a type, List<int> another, and 1<2>0",
        "the <script> tag; the <style> tag",
        "costs $5 and $6",
        "C:\\temp\\new is $HOME",
        "The data: text in JavaScript: [a] list [b](c and ![d",
        "100 % & more; &c &notit; a&b",
        "see 'src=files/y' and a[i] (files/x)",
        "AT&T \\begin and \\href{x}{y}",
        "ẞ ü 漢字 \U0001f600 עברית",
        "`<b>` and `a < b`",
    ],
)
def test_honest_text_arrives_whole(text: str) -> None:
    plain = text.replace("`", "")
    assert shown(markdown(text)) == plain


def test_what_a_page_knows_is_laid_out() -> None:
    text = (
        "# Title\n\n*a* **b** ~~c~~ `d`\n\n- e\n\n1. f\n\n> g\n\n| h |\n|---|\n| i |\n\n"
        "```python\nj\n```\n\n<details><summary>k</summary>l</details>\n\n"
        "[m](https://example.org/?n=o&p=[q]) <mailto:r@example.org>"
    )
    page = markdown(text)
    names = "h1 em strong s code ul ol blockquote table pre details summary a"
    assert all(f"<{name}" in page for name in names.split())
    assert 'href="https://example.org/?n=o&amp;p=%5Bq%5D" target="_blank"' in page.replace(
        ' rel="noopener noreferrer"', ""
    )


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("so $a_1 < b_2$ and", "$a_1 \\lt b_2$"),
        ("$$\\sum_{i=1}^n x_i$$", "$$\\sum_{i=1}^n x_i$$"),
        ("\\begin{align}\na &= b\n\\end{align}", "\\begin{align} a & = b \\end{align}"),
        ("so \\\\(x^2\\\\) and", "$x^2$"),
        ("\\\\[x^2\\\\]", "$$x^2$$"),
        ("| $x$ | $y*z*w$ |\n|-|-|", "$y*z*w$"),
        ("$50\\%$ % of", "$50\\%$"),
        ("<b>$x$</b>", "$x$"),
        ("a $\\color{red}{x}$", "$\\color{red}{x}$"),
    ],
)
def test_a_formula_is_left_to_mathjax(text: str, formula: str) -> None:
    assert formula in markdown(text)


@pytest.mark.parametrize("text", FORMULAS, ids=lambda text: text[:50])
def test_a_formula_with_other_commands_is_shown_as_it_was_typed(text: str) -> None:
    page = Layout().markdown(text)
    # MathJax finds a formula in one piece of text, and each of its signs stands in another.
    assert not re.search(r"[$\\]", page)
    typed = text.replace("\\\\(", "\\(").replace("\\\\)", "\\)")
    assert "".join(shown(page).split()) == "".join(typed.split())


def test_latex_of_an_output_is_a_formula() -> None:
    assert Layout().latex("$\\displaystyle x^{2}$") == "<div><p>$\\displaystyle x^{2}$</p></div>"
    assert Layout().latex("\\[ x^{2} \\]") == "<div>$$x^{2}$$</div>"
    assert "$x$" in Layout().latex("We have $x$.")


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_pictures_stand_where_they_were_pasted(kind: str) -> None:
    data, mime = picture(kind), f"image/{kind}"
    address = f'src="data:{mime};base64,{data}"'
    attached = {"my pic.x": {mime: data}, "ü.x": {mime: data}}
    assert address in Layout().markdown("![a](attachment:my%20pic.x)", attached)
    assert address in Layout().markdown("![a](<attachment:my pic.x>)", attached)
    assert address in Layout().markdown("![a](attachment:ü.x)", attached)
    assert address in Layout().markdown('<img src="attachment:ü.x" width="40">', attached)
    assert address in markdown(f"![a](data:{mime};base64,{data})")
    assert address in markdown(f"![a][b]\n\n[b]: <data:{mime};base64,{data}>")
    assert address in Layout().html(f'<img src="data:{mime};base64,{data}" alt="a">')


def test_a_large_picture_arrives() -> None:
    noise = Image.effect_noise((1700, 1700), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    assert len(file.getvalue()) > 2 * 2**20
    assert data in Layout().markdown("![a](attachment:b.png)", {"b.png": {"image/png": data}})


def test_a_picture_shown_a_thousand_times_stops_before_the_page_is_too_large() -> None:
    file = io.BytesIO()
    Image.effect_noise((1700, 1700), 90).save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    text = "![a](attachment:b.png) " * 500
    page = Layout().markdown(text, {"b.png": {"image/png": data}})
    assert len(page) < 60_000_000
    assert "are too large together" in page


@pytest.mark.parametrize(
    ("attachments", "why"),
    [
        ({}, "no attachment"),
        ({"a.png": {"image/png": "AAAA"}}, "no picture"),
        ({"a.png": {"image/png": picture("gif")}}, "another format"),
        ({"a.png": {"image/svg+xml": "<svg/>"}}, "a drawing that can act"),
        ({"a.png": {"image/png": '"><script>spoiled()</script>'}}, "an attribute closed"),
        ({"a.png": {'image/png;"><script>spoiled()</script>': "AAAA"}}, "a format closed"),
        ({"a.png": 7}, "no bundle"),
        ({"a.png": {"image/png": picture("png")[:40]}}, "cut off"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_picture_that_is_not_there_is_named(attachments: object, why: str) -> None:
    page = Layout().markdown("before ![x](attachment:a.png) after", attachments)
    told = "[x a.png: no picture of a known format came with the text]"
    assert shown(page) == f"before {told} after", why


def test_a_picture_of_millions_of_pixels_is_left_out() -> None:
    small = base64.b64decode(picture("png"))
    assert small[16:24] == bytes((0, 0, 0, 2, 0, 0, 0, 2)), "width and height"
    head = small[12:16] + bytes((0, 0, 255, 255, 0, 0, 255, 255)) + small[24:29]
    claims = small[:12] + head + zlib.crc32(head).to_bytes(4, "big") + small[33:]
    attached = {"a.png": {"image/png": base64.b64encode(claims).decode()}}
    page = Layout().markdown("![x](attachment:a.png)", attached)
    assert "no picture of a known format" in page


def test_a_picture_elsewhere_is_a_link() -> None:
    for text in ("![x](https://example.org/a.png)", "<img src='https://example.org/a.png' alt=x>"):
        page = markdown(text)
        assert "<img" not in page
        assert 'href="https://example.org/a.png"' in page
        assert shown(page) == "picture: x"


@pytest.mark.parametrize(("name", "text"), nested(LONGEST_MARKDOWN).items(), ids=lambda v: v[:20])
def test_the_longest_text_that_is_laid_out_takes_seconds(name: str, text: str) -> None:
    start = time.process_time()
    page = Layout().markdown(text)
    took = time.process_time() - start
    assert took < 10, name
    start = time.process_time()
    later(page)
    assert time.process_time() - start < 2, name
    assert alarms(page[:300_000].rpartition("<")[0]) == []


@pytest.mark.parametrize(("name", "text"), nested(400_000).items(), ids=lambda v: v[:20])
def test_longer_texts_are_shown_as_they_were_typed_and_said_to_be_cut(name: str, text: str) -> None:
    start = time.process_time()
    for lay_out in (Layout().markdown, Layout().html):
        page = lay_out(text)
        if page:
            assert "100000 of its" in page, name
            assert shown(page).startswith("This ")
        assert later(page).strip() == page
    assert time.process_time() - start < 5, name


@pytest.mark.parametrize(("name", "text"), nested(LONGEST_HTML).items(), ids=lambda v: v[:20])
def test_the_longest_output_takes_seconds(name: str, text: str) -> None:
    start = time.process_time()
    Layout().html(text)
    assert time.process_time() - start < 10, name


def test_a_notebook_s_texts_are_laid_out_up_to_a_limit() -> None:
    layout = Layout()
    pages = [layout.markdown("*a* " * 4500) for _ in range(20)]
    laid_out = [page for page in pages if "<em>a</em>" in page]
    assert len(laid_out) == 11
    assert "too long to be laid out" in pages[-1]


def test_what_is_nested_too_deeply_is_shown_whole() -> None:
    text = ">" * 150 + " deep"
    assert shown(markdown(text)).endswith(text)
    text = "<div>" * 150 + "deep"
    assert shown(Layout().html(text)).endswith(text)
