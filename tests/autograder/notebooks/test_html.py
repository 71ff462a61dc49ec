"""Of what a submission displays its text, its pictures and harmless HTML are shown."""

import base64
import io
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from autograder.notebooks.html import LONGEST, clean
from tests.grading.attacks import ATTACKS, FORMULAS, MARKDOWN
from tests.grading.pages import active, alarms


def displayed(**data: Any) -> dict[str, Any]:
    """Return what becomes of an output's formats: text__html="..." and so on."""
    formats = {name.replace("__", "/"): value for name, value in data.items()}
    (output,) = clean({"outputs": [{"data": formats}]})
    return dict(output["data"])


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2, 2)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("mime", ["text__html", "text__markdown", "text__latex"])
def test_nothing_acts_in_whatever_format_it_is_displayed(mime: str) -> None:
    for text in (*ATTACKS, *MARKDOWN, *FORMULAS):
        shown = displayed(**{mime: text})
        assert set(shown) == {"text/html"}, text
        assert alarms(shown["text/html"]) == [], text


@pytest.mark.parametrize(
    "mime",
    [
        "image/svg+xml",
        "application/javascript",
        "application/json",
        "application/vnd.jupyter.widget-view+json",
        "text/vnd.mermaid",
        "text/html; charset=utf-8",
        "TEXT/HTML",
        "image/png ",
    ],
)
def test_formats_that_can_act_are_dropped(mime: str) -> None:
    data = {mime: "<script>spoiled()</script>", "text/plain": "plain"}
    assert clean({"outputs": [{"data": data}]})[0]["data"] == {"text/plain": "plain"}


def test_plain_text_stays_as_it_is() -> None:
    text = "i < n\n\n\n$x$ <b> \\href \x1b[31mred\x1b[0m"
    assert displayed(text__plain=text) == {"text/plain": text}


def test_a_table_arrives_with_its_words() -> None:
    html = (
        "<div><style scoped>.dataframe { color: red }</style><table border='1' class='dataframe'>"
        "<thead><tr style='text-align: right;'><th>a</th></tr></thead><tr><td>1 &lt; 2</td></tr>"
        "</table><p>1 row</p></div>"
    )
    page = displayed(text__html=html)["text/html"]
    assert "<th>a</th>" in page
    assert "<td>1 &lt; 2</td>" in page
    assert "dataframe" not in page


def test_a_formula_of_sympy_is_one() -> None:
    page = displayed(text__latex="$\\displaystyle \\frac{x}{2}$", text__plain="x/2")
    assert page == {
        "text/plain": "x/2",
        "text/html": "<div><p>$\\displaystyle \\frac{x}{2}$</p></div>",
    }


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
@pytest.mark.parametrize("form", [bytes, lambda raw: base64.encodebytes(raw).decode()])
def test_pictures_are_shown(kind: str, form: Any) -> None:
    raw = picture(kind)
    kept = displayed(**{f"image__{kind}": form(raw), "text__plain": "x"})
    data = base64.b64encode(raw).decode()
    if kind in ("png", "jpeg"):
        assert kept[f"image/{kind}"] == data
    else:
        assert kept["text/html"] == f'<div><img src="data:image/{kind};base64,{data}"></div>'


@pytest.mark.parametrize(
    "value",
    [
        '"><script>spoiled()</script>',
        base64.b64encode(b"<svg onload=spoiled()>").decode(),
        base64.b64encode(picture("png")).decode() + '"onerror="spoiled()',
        base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        picture("gif"),
        b"",
        7,
        ["AAAA"],
        None,
    ],
    ids=repr,
)
def test_what_is_no_picture_is_dropped(value: Any) -> None:
    assert displayed(image__png=value, text__plain="x") == {"text/plain": "x"}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
KEYS = st.sampled_from(["data", "text/plain", "text/html", "image/png", "execution_count"])
BUNDLES = st.dictionaries(KEYS, ANYTHING)
RESULTS = {
    "outputs": ANYTHING | st.lists(st.dictionaries(KEYS, ANYTHING | BUNDLES)),
    "error": ANYTHING | st.lists(ANYTHING, min_size=3, max_size=3),
    "cut": ANYTHING,
}


@given(result=st.fixed_dictionaries({}, optional=RESULTS))
def test_whatever_a_worker_says_becomes_outputs_that_a_notebook_may_have(
    result: dict[str, Any],
) -> None:
    outputs = [nbformat.from_dict(output) for output in clean(result)]
    nbformat.validate(new_notebook(cells=[new_code_cell("x", outputs=outputs)]))


@pytest.mark.parametrize(
    ("count", "kept"),
    [(3, True), (0, True), (-1, False), (True, False), (10**30, False), ("<b>", False)],
)
def test_a_count_of_executions_is_a_small_number(count: Any, kept: bool) -> None:
    (output,) = clean({"outputs": [{"data": {"text/plain": "x"}, "execution_count": count}]})
    assert (output["output_type"] == "execute_result") == kept
    assert output.get("execution_count") == (count if kept else None)


def test_outputs_are_bounded_in_number_and_length() -> None:
    text = {"data": {"text/plain": "x" * 300_000, "text/html": "y" * 300_000}}
    outputs = clean({"outputs": [text] * 1000})
    assert outputs[-1]["text"].startswith("[More was printed")
    assert sum(len(o["data"]["text/plain"]) for o in outputs[:-1]) <= 5 * LONGEST
    many = clean({"outputs": [{"data": {"text/plain": "x"}}] * 10_000})
    assert len(many) == 201


def test_errors_are_text_and_shown_as_such() -> None:
    lines = ["\x1b[31m<script>spoiled()</script>", 7, "x" * 10**6, *["y"] * 10**4]
    (error,) = clean({"error": ["<b>" * 1000, "<img src=x onerror=spoiled()>", lines]})
    assert len(error["ename"]) == 200
    assert len(error["traceback"]) == 99
    assert max(map(len, error["traceback"])) == 20_000
    book = new_notebook(cells=[new_code_cell("x", outputs=[nbformat.from_dict(error)])])
    page, _ = HTMLExporter().from_notebook_node(book)
    assert active(page, "spoiled") == []
