"""A real JupyterLab server on this machine, driven through Debian's Chromium."""

import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

__all__ = [
    "answered",
    "cell",
    "chromium",
    "close_notebook",
    "explorers",
    "open_notebook",
    "outputs",
    "run",
    "run_all",
    "save",
    "server",
    "use_theme",
]

START = 300  # seconds; a server or a lesson that takes longer hangs, however busy the machine
CHROMIUM = (
    "--no-sandbox",  # Chromium's own sandbox cannot start as root; it shows our pages only
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A notice that pops up in a corner covers what a test wants to click.
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    }
}
# Where scripts in the page find the open notebook and its kernel.
PANEL = "window.jupyterapp.shell.currentWidget"
KERNEL = f"{PANEL}?.context?.sessionContext?.session?.kernel"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab; yield its address, token included."""
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        overrides = home / "labconfig" / "default_setting_overrides.json"
        overrides.parent.mkdir()
        overrides.write_text(json.dumps(SETTINGS))
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(home),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_TOKEN": token,
            # Kernels that share a busy machine stall where each wants all of its cores.
            "OMP_NUM_THREADS": "1",
        }
        with (home / "log").open("w") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", "--port=0", f"--notebook-dir={folder}"),
                    "--LabApp.expose_app_in_browser=True",
                ],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                yield f"{_address(process, home / 'log')}?token={token}"
            finally:
                process.terminate()
                process.wait(timeout=START)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Debian's Chromium. Raises RuntimeError where it is missing."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("chromium is missing; install it with: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield browser
        browser.close()


def open_notebook(
    browser: Browser, address: str, name: str, *, width: int = 1280, height: int = 900
) -> Page:
    """Open a notebook of the served folder in a page of its own and wait for its kernel.

    Every page has a context, and so a JupyterLab workspace, of its own.
    """
    page = browser.new_page(viewport=ViewportSize(width=width, height=height))
    page.set_default_timeout(START * 1000)
    # The workspace's name keeps the server from restoring what another page had open.
    page.goto(address.replace("?", f"lab/workspaces/{secrets.token_hex(4)}/tree/{name}?"))
    page.get_by_role("tab", name=Path(name).name).wait_for()
    page.wait_for_function(f"() => {KERNEL}?.status === 'idle'")
    page.evaluate("() => window.jupyterapp.restored")
    return page


def close_notebook(page: Page) -> None:
    """Shut the kernel down and close the page."""
    page.evaluate(f"() => {PANEL}.context.sessionContext.shutdown()")
    page.context.close() if len(page.context.pages) == 1 else page.close()


def run_all(page: Page) -> None:
    """Run every cell and wait until the kernel has answered all of them.

    Raises TimeoutError where that takes longer than START seconds.
    """
    # JupyterLab sends every cell at once, and its promise is done with the first cell that fails.
    _in_time(page, "window.jupyterapp.commands.execute('notebook:run-all-cells')")
    answered(page)


def answered(page: Page) -> None:
    """Wait until the kernel has answered everything that it was sent so far, widgets included.

    A kernel answers in order, so its answer to one more question comes after all others.
    """
    _in_time(page, f"{KERNEL}.requestKernelInfo()")


def cell(page: Page, cell_id: str) -> Locator:
    """Return the cell with an id, scrolled into view. Raises ValueError where there is none."""
    index = page.evaluate(
        """id => {
            const content = window.jupyterapp.shell.currentWidget.content;
            const index = content.widgets.findIndex(w => w.model.sharedModel.getId() === id);
            if (index >= 0) {
                content.activeCellIndex = index;
                content.scrollToItem(index, "start");
            }
            return index;
        }""",
        cell_id,
    )
    if index < 0:
        raise ValueError(f"cell is {cell_id!r}, which the open notebook does not have")
    return page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]:visible')


def run(page: Page, cell_id: str) -> Locator:
    """Run one cell, wait for the kernel, and return the cell."""
    found = cell(page, cell_id)
    _in_time(page, "window.jupyterapp.commands.execute('notebook:run-cell')")
    answered(page)
    return found


def outputs(page: Page) -> dict[str, list[dict[str, Any]]]:
    """Return the outputs of every code cell, by cell id, as the notebook file would hold them."""
    found: dict[str, list[dict[str, Any]]] = page.evaluate(
        f"""() => Object.fromEntries({PANEL}.content.widgets
                .filter(w => w.model.type === "code")
                .map(w => [w.model.sharedModel.getId(), w.model.outputs.toJSON()]))"""
    )
    return found


def explorers(page: Page) -> dict[str, Locator]:
    """Return the widgets that the open notebook shows, by the id of their cell."""
    ids = page.evaluate(
        f"""() => {PANEL}.content.widgets
                .filter(w => w.node.querySelector(".widget-explorer"))
                .map(w => w.model.sharedModel.getId())"""
    )
    return {cell_id: cell(page, cell_id).locator(".widget-explorer") for cell_id in ids}


def save(page: Page) -> None:
    """Write the open notebook to its file."""
    _in_time(page, f"{PANEL}.context.save()")


def use_theme(page: Page, theme: str) -> None:
    """Change JupyterLab's theme, such as "JupyterLab Dark"."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
    )
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)


def _in_time(page: Page, promise: str) -> None:
    """Wait for a promise in the page, for START seconds: playwright itself would wait for ever."""
    done = page.evaluate(
        f"""seconds => Promise.race([
            Promise.resolve({promise}).then(() => true),
            new Promise(resolve => setTimeout(() => resolve(false), 1000 * seconds))
        ])""",
        START,
    )
    if not done:
        raise TimeoutError(f"{promise} was not done after {START} seconds")


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the server to print where it listens, and to answer there."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        if found:
            with contextlib.suppress(urllib.error.URLError):
                urllib.request.urlopen(found[0] + "api", timeout=5)
                return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.1)  # between two looks at the log
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")
