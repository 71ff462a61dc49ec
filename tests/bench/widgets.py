"""From a slider's key to pixels: each widget of each lesson, beside stock ``interact``.

In a real JupyterLab a key moves the first slider of a widget by one step, fifty times. The clock
starts with the key's event in the page and stops with the first animation frame in which the
picture, decoded and drawn to a canvas, differs. A frame is 17 ms, which is the resolution.

Stock means ``ipywidgets.interact`` with the same controls, compute function and figure, shown by
matplotlib's inline backend. It keeps its figure from move to move, which is kind to it: the usual
way builds a new one. The law is a 95th percentile of at most 100 ms.
"""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import nbformat
from playwright.sync_api import Locator, TimeoutError
from rich.table import Table

from tests.browser.conftest import TOPICS, solved_notebook
from tests.browser.lab import (
    answered,
    cell,
    chromium,
    close_notebook,
    open_notebook,
    run_all,
    server,
)

WARM_UP, MOVES = 5, 50
LAW = 100.0  # milliseconds
STOCK = "stock-of-"

# Shows what an Explorer shows, the stock way.
SETUP = """
%matplotlib inline
import ipywidgets as _ipywidgets
from IPython.display import display as _display

def _stock(explorer):
    if not hasattr(explorer, "controls"):
        return  # a still figure
    view = explorer._frame.view
    for artist in view.moving:
        artist.set_animated(False)
    figure = view.axes[0].figure
    for control in explorer.controls.values():
        control.unobserve(explorer._on_change, names="value")
    def show(**values):
        view.update(explorer._compute(**values))
        _display(figure)
    _ipywidgets.interact(show, **explorer.controls)
"""

SAMPLER = """
    container => {
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d", {willReadFrequently: true});
        let seen = {}; // a picture is decoded and read once, not in every frame
        const look = () => {
            const image = [...container.querySelectorAll("img")]
                .sort((a, b) => b.width * b.height - a.width * a.height)[0];
            if (!image?.complete || !image.naturalWidth) return null;
            if (image === seen.image && image.src === seen.src) return seen.hash;
            if (canvas.width !== image.naturalWidth) canvas.width = image.naturalWidth;
            if (canvas.height !== image.naturalHeight) canvas.height = image.naturalHeight;
            context.drawImage(image, 0, 0);
            const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
            let hash = 2166136261;
            for (const word of new Uint32Array(data.buffer)) {
                hash = Math.imul(hash ^ word, 16777619);
            }
            seen = {image, src: image.src, hash};
            return hash;
        };
        window.move = null;
        container.addEventListener("keydown", () => {
            const move = window.move = {started: performance.now(), took: null};
            const before = look();
            const frame = () => {
                if (window.move !== move) return;
                const took = performance.now() - move.started; // looking costs time of its own
                const now = look();
                if (now !== null && now !== before) move.took = took;
                else requestAnimationFrame(frame);
            };
            requestAnimationFrame(frame);
        }, {capture: true});
    }
"""


def tables() -> Iterator[Table]:
    """One table: a row per widget."""
    table = Table(title="from a slider's key to pixels, in milliseconds")
    table.add_column("lesson")
    table.add_column("widget, slider")
    for name in ("median", "p95", "interact's median", "its p95", "ratio of medians"):
        table.add_column(name, justify="right")
    for topic in TOPICS:
        for name, ours, stock in measure(topic):
            table.add_row(
                topic,
                name,
                f"{median(ours):.0f}",
                f"{p95(ours):.0f}{'' if p95(ours) <= LAW else ' (!)'}",
                f"{median(stock):.0f}",
                f"{p95(stock):.0f}",
                f"{median(stock) / median(ours):.1f}",
            )
    table.caption = f"The law: p95 at most {LAW:.0f}; (!) marks what breaks it."
    yield table


def measure(topic: str) -> Iterator[tuple[str, list[float], list[float]]]:
    """Yield name, our times and stock's times of each widget of a solved lesson."""
    notebook, ids = with_stock(solved_notebook(topic))
    with tempfile.TemporaryDirectory() as scratch:
        nbformat.write(notebook, Path(scratch) / "both.ipynb")
        with server(Path(scratch)) as address, chromium() as browser:
            page = open_notebook(browser, address, "both.ipynb")
            run_all(page)
            for cell_id, name in ids.items():
                # JupyterLab holds a cell in the page only while it is near what is in view.
                ours = cell(page, cell_id)
                ours.locator("img").first.wait_for()
                if ours.get_by_role("slider").count():  # a still figure has none
                    label = ours.get_by_role("slider").first.get_attribute("aria-label")
                    found = times(ours)
                    yield f"{name}, {label}", found, times(cell(page, STOCK + cell_id))
            close_notebook(page)


def with_stock(
    notebook: nbformat.NotebookNode,
) -> tuple[nbformat.NotebookNode, dict[str, str]]:
    """Put behind each cell that shows a widget one that shows it the stock way.

    Return also the widgets' names by the id of their cell.
    """
    trees = {c.id: ast.parse(c.source) for c in notebook.cells if c.cell_type == "code"}
    widgets = {
        name.asname or name.name
        for tree in trees.values()
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom)
        and (statement.module or "").startswith("course.widgets.")
        for name in statement.names
    }
    cells, ids = [nbformat.v4.new_code_cell(SETUP)], {}
    for own in notebook.cells:
        cells.append(own)
        body = trees[own.id].body if own.id in trees else []
        last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
        if (
            isinstance(last, ast.Call)
            and isinstance(last.func, ast.Name)
            and last.func.id in widgets
        ):
            lines = [ast.unparse(statement) for statement in body[:-1]]
            source = "\n".join([*lines, f"_stock({ast.unparse(last)})"])
            cells.append(nbformat.v4.new_code_cell(source, id=STOCK + own.id))
            ids[own.id] = last.func.id
    notebook.cells = cells
    return notebook, ids


def times(container: Locator) -> list[float]:
    """Move the first slider there and back by single steps; return milliseconds until pixels."""
    page = container.page
    container.evaluate(SAMPLER)
    slider = container.get_by_role("slider").first
    found: list[float] = []
    key, moves, still = "ArrowRight", 0, 0
    while moves < WARM_UP + MOVES:
        ends = {"ArrowRight": "aria-valuemax", "ArrowLeft": "aria-valuemin"}
        if slider.get_attribute("aria-valuenow") == slider.get_attribute(ends[key]):
            key = "ArrowLeft" if key == "ArrowRight" else "ArrowRight"
        slider.press(key)
        try:
            page.wait_for_function("() => window.move.took !== null", timeout=3_000)
        except TimeoutError:
            still += 1  # there are steps that change nothing to be seen
            if still > MOVES // 5:
                label = slider.get_attribute("aria-label")
                raise RuntimeError(f"{still} steps of {label!r} changed nothing") from None
        else:
            if moves >= WARM_UP:
                found.append(page.evaluate("window.move.took"))
        answered(page)  # a move begins when the last one has ended
        moves += 1
    return found


def p95(values: list[float]) -> float:
    """95th percentile: the value that 5 of 100 exceed."""
    return sorted(values)[int(0.95 * len(values))]
