"""Harming whoever looks at the graded notebook: scripts in outputs, texts and errors.

Each script names the word "spoiled". The tests look for it in what a browser would run: script
elements, event attributes, addresses, frames.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading.corpus import Corpus, in_a_cell, in_function, markdown, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("outputs")

SCRIPT = "<script>document.title = 'spoiled'</script>"
IMAGE = "<img src=x onerror=\"document.title = 'spoiled'\">"
LINK = "<a href=\"javascript:document.title = 'spoiled'\">look</a>"
FRAME = "<iframe srcdoc=\"<script>parent.document.title = 'spoiled'</script>\"></iframe>"
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "spoiled"</script>'
    '<circle r="9" onload="document.title = \'spoiled\'"/></svg>'
)
ALL = SCRIPT + IMAGE + LINK + FRAME + DRAWING


@attack()
def html_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell displays HTML that runs scripts in five ways."""
    in_a_cell(notebook, f"from IPython.display import HTML, display\ndisplay(HTML({ALL!r}))")


@attack()
def javascript_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell displays JavaScript, by its own format and by a magic."""
    in_a_cell(
        notebook,
        """
        from IPython.display import Javascript, display

        display(Javascript("document.title = 'spoiled'"))
        get_ipython().run_cell_magic("javascript", "", "document.title = 'spoiled'")
        """,
    )


@attack()
def svg_latex_and_markdown_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell displays scripts as drawing, formula, text and unknown formats."""
    in_a_cell(
        notebook,
        f"""
        from IPython.display import display

        for kind in ("image/svg+xml", "text/markdown", "text/latex", "text/vnd.mermaid"):
            display({{kind: {ALL!r}}}, raw=True)
        formula = r"$\\href{{javascript:document.title='spoiled'}}{{look}}$"
        display({{"text/latex": formula}}, raw=True)
        widget = {{"model_id": {SCRIPT!r}}}
        display({{"application/vnd.jupyter.widget-view+json": widget}}, raw=True)
        display({{"image/png": "\\"><script>document.title='spoiled'</script>"}}, raw=True)
        """,
    )


@attack()
def html_from_the_function(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function displays and prints HTML with scripts, so that it stands in the check."""
    in_function(
        notebook,
        f"""
        import sys
        from IPython.display import HTML, display

        display(HTML({ALL!r}))
        print({ALL!r})
        print({ALL!r}, file=sys.stderr)
        """,
    )


@attack()
def html_in_errors(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function raises an error whose name and text are HTML with scripts."""
    in_function(notebook, f"raise type({SCRIPT!r}, (Exception,), {{}})({ALL!r})")


@attack()
def html_returned(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return HTML with scripts, which a message might quote."""
    wrong(notebook)
    for cell in notebook.cells:
        if cell.id in ("relu", "mean_and_spread", "iterate"):
            signature = next(line for line in cell.source.splitlines() if line.startswith("def"))
            cell.source = f"{signature}\n    return ({ALL!r}, {ALL!r})\n"


@attack()
def html_in_text_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """Text cells of the student's own, and the written answer, hold HTML with scripts."""
    wrong(notebook)
    markdown(notebook, ALL)
    for cell in notebook.cells:
        if cell.id == "why_nonlinear":
            cell.source = f"{ALL}\n\n[look](javascript:document.title='spoiled')"
            cell["attachments"] = {"a.svg": {"image/svg+xml": DRAWING}}


@attack()
def escapes_in_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell prints terminal escapes, NUL, lone surrogates and right-to-left marks."""
    in_a_cell(
        notebook,
        """
        import os

        print("\\x1b]0;spoiled\\x07\\x1b[2J\\x1b[1;31m\\x00\\x08\\ud800\\u202e")
        os.write(1, b"\\xff\\xfe\\x80\\x1b[H")
        """,
    )


@attack()
def page_taken_apart(notebook: NotebookNode, _: Path, __: World) -> None:
    """Outputs and code close the page's elements, to open a script of their own."""
    in_a_cell(
        notebook,
        """
        # </pre></div></script><script>document.title = 'spoiled'</script>
        print("</pre></div></script><script>document.title = 'spoiled'</script>")
        """,
    )
    notebook.cells.append(nbformat.v4.new_raw_cell(f"</main>{SCRIPT}"))
    notebook.metadata["title"] = f"</title>{SCRIPT}"
    notebook.metadata["widgets"] = {
        "application/vnd.jupyter.widget-state+json": {"state": {"x": f"</script>{SCRIPT}"}}
    }


@attack()
def tags_without_an_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """Tags lack their closing sign, which the page's next element would give them."""
    tag = "<img src=x onerror=\"document.title = 'spoiled'\" "
    in_a_cell(
        notebook,
        f"""
        from IPython.display import HTML, Latex, Markdown, display

        for kind in (HTML, Latex, Markdown):
            display(kind({tag!r}))
            display(kind("a " + {tag!r} + "b"))
        """,
    )
    markdown(notebook, f"a {tag}")
    _answer_in_words(notebook, f"because {tag}")


@attack()
def links_in_every_spelling(notebook: NotebookNode, _: Path, __: World) -> None:
    """Formulas, entities, folders and attachments lead to addresses that run scripts."""
    run = "javascript:document.title='spoiled'"
    links = [
        rf"$\href{{{run}}}{{x}}$",
        rf"$\def\f{{\href}}\f{{{run}}}{{x}}$",
        rf"\begin{{align}}\href{{{run}}}{{x}}\end{{align}}",
        f"&#36;&#92;href{{{run}}}{{x}}&#36;",
        f"[x](files/{run}) <a href='files/{run}'>x</a> <a href='/files/{run}'>x</a>",
        f"[x](attachment:{run}) ![x](attachment:{run})",
        f"<a href='{run.replace(':', '&colon;')}'>x</a> <{run}>",
        f"<math href='{run}'>x</math> <svg><a xlink:href='{run}'><text>x</text></a></svg>",
    ]
    text = "\n\n".join(links)
    in_a_cell(
        notebook,
        f"from IPython.display import HTML, Latex, Markdown, display\n"
        f"display(HTML({text!r}), Latex({text!r}), Markdown({text!r}))",
    )
    markdown(notebook, text)
    _answer_in_words(notebook, text)


@attack()
def pictures_that_end_their_attribute(notebook: NotebookNode, _: Path, __: World) -> None:
    """Attachments hold, and are named, what closes the attribute that they stand in."""
    wrong(notebook)
    out = f'">{SCRIPT}'
    _answer_in_words(notebook, f"![a](attachment:a.png) ![b](attachment:{out}) ![{out}](x.png)")
    for cell in notebook.cells:
        if cell.id == "why_nonlinear":
            bundle = {"image/png": out, f"image/png{out}": "AAAA", "image/svg+xml": DRAWING}
            cell["attachments"] = {"a.png": bundle, out: bundle}


@attack()
def pages_that_take_for_ever(notebook: NotebookNode, _: Path, __: World) -> None:
    """Texts, code and outputs are what readers of Markdown, HTML and code sit over for minutes."""
    slow = [" \n" * 12_000, "[" * 400_000, "<div>" * 40_000, "*a_ " * 50_000, "$$a " * 50_000]
    in_a_cell(
        notebook,
        """
        from IPython.display import HTML, Latex, Markdown, display

        for text in ("<div>" * 30_000, "[" * 150_000, " \\n" * 70_000, "<b><p>" * 25_000):
            display(HTML(text), Markdown(text), Latex(text))
        """,
    )
    for text in slow:
        markdown(notebook, f"a{text}b")
    _answer_in_words(notebook, "".join(slow))
    for text in ('"' + "[" * 400_000 + '"', "x = 1\n" + " \n" * 12_000, "#" + "a." * 50_000):
        notebook.cells.append(nbformat.v4.new_code_cell(text))


def _answer_in_words(notebook: NotebookNode, text: str) -> None:
    for cell in notebook.cells:
        if cell.id == "why_nonlinear":
            cell.source = text
