"""One server and one browser for all tests here, and each lesson run once as a student gets it and
once with its solutions filled in.

They live as long as this package: while playwright is open, its event loop runs in this thread.
"""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from autograder.config import Course
from autograder.lessons.lesson import load
from tests.browser.lab import chromium, close_notebook, open_notebook, run_all, server

COURSE = Course(Path(__file__).parents[2])
TOPICS = [topic for topic in COURSE.topics() if COURSE.release_path(topic).is_file()]


# playwright's five seconds are too few where other work holds both cores.
expect.set_options(timeout=30_000)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Under --dist=loadgroup a lesson stays with one worker, and so is run once.
    for item in items:
        if item.path.parent == Path(__file__).parent:
            params = (
                item.callspec.params
                if isinstance(item, pytest.Function) and hasattr(item, "callspec")
                else {}
            )
            item.add_marker(pytest.mark.xdist_group(f"browser {params.get('topic', '')}"))


def solved_notebook(topic: str) -> nbformat.NotebookNode:
    """Return a student's notebook with the reference solution in every answer cell."""
    notebook = nbformat.read(COURSE.release_path(topic), as_version=4)
    solutions = {exercise.name: exercise.solution for exercise in load(COURSE, topic).exercises}
    for cell in notebook.cells:
        cell.source = solutions.get(cell.id, cell.source)
    return notebook


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the server serves."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="package")
def address(folder: Path) -> Iterator[str]:
    with server(folder) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package", params=TOPICS)
def topic(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="package")
def released(topic: str, folder: Path, address: str, browser: Browser) -> Iterator[Page]:
    """The student's notebook, untouched, after Run All."""
    nbformat.write(
        nbformat.read(COURSE.release_path(topic), as_version=4), folder / f"{topic}.ipynb"
    )
    page = open_notebook(browser, address, f"{topic}.ipynb")
    run_all(page)
    yield page
    close_notebook(page)


@pytest.fixture(scope="package")
def solved(topic: str, folder: Path, address: str, browser: Browser) -> Iterator[Page]:
    """The student's notebook with every exercise solved, after Run All."""
    nbformat.write(solved_notebook(topic), folder / f"{topic}-solved.ipynb")
    page = open_notebook(browser, address, f"{topic}-solved.ipynb")
    run_all(page)
    yield page
    close_notebook(page)
