"""The picture in the README: a widget with a student's mistaken function drawn over torch's.

python -m tests.browser.screenshot docs/lesson.png
"""

import io
import re
import tempfile
from pathlib import Path

import click
import nbformat
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import solved_notebook
from tests.browser.lab import answered, cell, chromium, explorers, open_notebook, run_all, server

TOPIC = "activations"
# An ELU that ignores its alpha: wrong in a way that the curve shows.
MISTAKE = ("alpha * torch.expm1", "torch.expm1")


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    """Write the picture to PATH."""
    notebook = solved_notebook(TOPIC)
    for answer in notebook.cells:
        if answer.id == "elu":
            assert MISTAKE[0] in answer.source
            # As a student's cell looks, without the builder's comments.
            lines = answer.source.replace(*MISTAKE).splitlines()
            answer.source = "\n".join(line for line in lines if "###" not in line)
        if answer.id == "check-elu":
            answer.metadata["jupyter"] = {"source_hidden": True}
    with tempfile.TemporaryDirectory() as scratch:
        nbformat.write(notebook, Path(scratch) / f"{TOPIC}.ipynb")
        with server(Path(scratch)) as address, chromium() as browser:
            page = open_notebook(browser, address, f"{TOPIC}.ipynb", width=960, height=1280)
            for side in ("left", "right"):
                page.evaluate(
                    "side => window.jupyterapp.commands.execute("
                    "'application:toggle-side-tabbar', {side})",
                    side,
                )
            page.evaluate(
                "() => window.jupyterapp.commands.execute('application:toggle-left-area')"
            )
            run_all(page)
            explorer = next(iter(explorers(page).values()))
            explorer.get_by_role("combobox", name="Function").select_option("elu")
            answered(page)
            explorer.get_by_role("slider", name="alpha").press("End")
            probe = explorer.get_by_role("slider", name="Input x")
            for _ in range(5):
                probe.press("PageDown")
            expect(
                explorer.get_by_role("img", name=re.compile(r"alpha 2.* x = -1\.5"))
            ).to_be_visible()
            probe.blur()
            cell(page, "elu")
            page.mouse.move(0, 0)
            png = page.screenshot()
    # Few colours are in it, so a palette holds them all in a third of the bytes.
    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    path.parent.mkdir(exist_ok=True)
    image.save(path, optimize=True)
    click.echo(f"wrote {path}, {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
