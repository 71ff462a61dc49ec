"""No text and no output of a student's acts in the pages of whoever grades, in a real browser.

One submission holds every attack that the tests know, in text cells, in code, and in outputs of
each format. nbgrader's own templates make the feedback and formgrader's page of it.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader import handlers
from playwright.sync_api import Browser, Route
from traitlets.config import Config

from autograder.notebooks.html import clean
from autograder.notebooks.rebuild import Original, rebuild
from autograder.notebooks.submitted import SubmittedCell
from tests.grading.attacks import ATTACKS, FORMULAS, MARKDOWN

EVERY = (*ATTACKS, *MARKDOWN, *FORMULAS)
STYLES = Path(handlers.template_path).parent / "static/node_modules/bootstrap/dist/css"
# What nbconvert and formgrader know of a submission.
RESOURCES = {
    "nbgrader": {"notebook": "lesson", "score": 0, "max_score": 1, "late_penalty": 0},
    "base_url": "",
    "index": 0,
    "total": 1,
    **dict.fromkeys(("assignment_id", "notebook_id", "notebook_path", "student"), "lesson"),
    **dict.fromkeys(("submission_id", "first_name", "last_name"), "ada"),
}
SPY = """
window.heard = [];
window.spoiled = () => { heard.push(String(document.currentScript?.outerHTML || "called")); };
"""
# Do what a reader may do, without leaving the page; return what a page of text does not have.
LOOK = """
async (where) => {
    document.addEventListener("click", (event) => {
        const link = event.target.closest("a");
        if (link && ["http:", "https:", "mailto:"].includes(link.protocol)) event.preventDefault();
    }, true);
    const parts = [...document.querySelectorAll(where)];
    const found = [];
    for (const element of parts.flatMap((part) => [...part.querySelectorAll("*")])) {
        const name = element.localName;
        if (/^(script|style|link|meta|base|iframe|frame|object|embed|form|svg|math)$/.test(name)) {
            found.push(`<${name}>`);
        }
        for (const { name: key, value } of element.attributes) {
            const address = /^(href|src|action|formaction|data|srcset|ping)$/.test(key);
            const safe = /^(https?:|mailto:|#|data:image\\/(png|jpeg|gif);base64,)/.test(value);
            if (key.startsWith("on") || key === "srcdoc" || (address && !safe)) {
                found.push(`<${name} ${key}=${value}>`);
            }
            if (key === "style" && /(position|url|expression)/.test(value)) found.push(value);
        }
        for (const kind of ["mouseover", "focus", "click", "toggle", "load", "error", "begin"]) {
            element.dispatchEvent(new Event(kind, { bubbles: true, cancelable: true }));
        }
        element.click?.();
    }
    await new Promise((done) => setTimeout(done, 300));
    return { found, heard, parts: parts.length };
}
"""


def submission() -> NotebookNode:
    """Return the graded notebook of somebody who tries everything."""
    texts = [SubmittedCell("markdown", text) for text in EVERY]
    book = rebuild(Original(new_notebook(), {}), [*texts, SubmittedCell("code", "\n".join(EVERY))])
    displayed = [
        {"data": {mime: text}}
        for text in EVERY
        for mime in ("text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml")
    ]
    for begin in range(0, len(displayed), 200):
        part = clean({"outputs": displayed[begin : begin + 200]})
        outputs = [nbformat.from_dict(output) for output in part]
        book.cells.append(new_code_cell("x", outputs=outputs))
    printed = [new_output("stream", name="stdout", text="\n".join(EVERY))]
    error = clean({"error": ["\n".join(EVERY), "\n".join(EVERY), list(EVERY)]})
    book.cells.append(new_code_cell("x", outputs=[*printed, nbformat.from_dict(error[0])]))
    return book


def untouched() -> NotebookNode:
    """Return what nbgrader's pages show without us, of texts that do not lead out of the page."""
    texts = [
        text for text in EVERY if not re.search("meta|base|form|frame|isindex|xmp|plain", text)
    ]
    outputs = [new_output("display_data", {"text/html": text}) for text in texts]
    cells = [new_markdown_cell(text.replace("attachment:", "")) for text in texts]
    return new_notebook(cells=[*cells, new_code_cell("x", outputs=outputs)])


def in_feedback(book: NotebookNode) -> str:
    return exported(book, "feedback", extra_template_paths=[str(STYLES)])


def in_formgrader(book: NotebookNode) -> str:
    return exported(book, "formgrade")


def exported(book: NotebookNode, template: str, **more: Any) -> str:
    options = {"template_name": template, "extra_template_basedirs": [handlers.template_path]}
    exporter = HTMLExporter(config=Config({"HTMLExporter": {**options, **more}}))
    page, _ = exporter.from_notebook_node(book, resources=dict(RESOURCES))
    return str(page)


@pytest.fixture
def look(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Return a function that opens a page, does what a reader may do, and tells what it found."""
    asked: list[str] = []
    context = browser.new_context()
    context.add_init_script(SPY)

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route(re.compile("^https?:"), refuse)

    def open_and_look(page: str) -> dict[str, Any]:
        file = tmp_path / "page.html"
        file.write_text(page)
        tab = context.new_page()
        tab.goto(file.as_uri(), wait_until="domcontentloaded", timeout=120_000)
        seen = tab.evaluate(LOOK, ".text_cell_render, .output_area, .input_area")
        return {**seen, "asked": [address for address in asked if "x.org" in address]}

    yield open_and_look
    context.close()


@pytest.mark.parametrize("page", [in_feedback, in_formgrader])
def test_nothing_acts_in_the_page(
    page: Callable[[NotebookNode], str], look: Callable[[str], dict[str, Any]]
) -> None:
    seen = look(page(submission()))
    assert seen["parts"] > 4 * len(EVERY)
    assert seen["found"] == []
    assert seen["heard"] == []
    assert seen["asked"] == []


@pytest.mark.parametrize("page", [in_feedback, in_formgrader])
def test_without_us_the_same_texts_act(
    page: Callable[[NotebookNode], str], look: Callable[[str], dict[str, Any]]
) -> None:
    seen = look(page(untouched()))
    assert seen["found"]
    assert len(seen["heard"]) > 10
    assert seen["asked"]
