"""A real JupyterLab server on this machine, driven through Debian's Chromium."""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

__all__ = ["chromium", "open_notebook", "run_all", "server"]

START = 90  # seconds that a server, or a lesson, may take on a busy machine
CHROMIUM = (
    "--no-sandbox",  # Chromium's own sandbox cannot start as root; it shows our pages only
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Serve a folder with JupyterLab; yield its address, token included."""
    token = secrets.token_hex(16)
    home = folder / ".jupyter-home"
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_TOKEN": token,
    }
    log = (folder / "server.log").open("w+")
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ip=127.0.0.1", "--port=0", f"--notebook-dir={folder}"),
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ],
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield f"{_address(process, folder / 'server.log')}?token={token}"
    finally:
        process.terminate()
        process.wait(timeout=START)
        log.close()


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


def open_notebook(browser: Browser, address: str, name: str) -> Page:
    """Open a notebook of the served folder in a page of its own and wait for its kernel."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address.replace("?", f"lab/tree/{name}?"))
    page.get_by_role("tab", name=re.compile(name)).wait_for(timeout=START * 1000)
    page.wait_for_function(
        """() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext
                 .session?.kernel?.status === "idle" """,
        timeout=START * 1000,
    )
    return page


def run_all(page: Page) -> None:
    """Run every cell and wait until the kernel has answered all of them."""
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")


def cell(page: Page, cell_id: str) -> Locator:
    """Return the cell with an id, scrolled into view."""
    index = page.evaluate(
        """id => {
            const panel = window.jupyterapp.shell.currentWidget;
            const cells = panel.content.widgets;
            const index = cells.findIndex(cell => cell.model.sharedModel.getId() === id);
            panel.content.scrollToItem(index, "start");
            return index;
        }""",
        cell_id,
    )
    return page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{index}"]')


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
