"""Nothing of a solution or a hidden test may reach a release, in whatever file or metadata.

A line counts as secret where it stands between nbgrader's BEGIN and END comments and nowhere in
the visible text: a hint may well quote a line of the solution.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.errors import LeakError
from autograder.notebooks.regions import USUAL, Delimiters, split

__all__ = ["find", "refuse", "secrets"]

# Shorter lines, such as ")" or "else:", say nothing.
SHORTEST = 8


def secrets(notebook: NotebookNode, delimiters: Delimiters = USUAL) -> set[str]:
    """Return the lines of an instructor's notebook that students must not see."""
    parts = [split(cell.source, delimiters) for cell in notebook.cells]
    shown = "\n".join(line for outside, _ in parts for line in outside)
    hidden = {line.strip() for _, inside in parts for line in inside}
    return {line for line in hidden if len(line) >= SHORTEST and line not in shown}


def find(secret: set[str], folder: Path) -> dict[Path, str]:
    """Return the files under a folder that hold a secret line, each with the first one found."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            text = "\n".join(_strings(path))
            leaked = next((line for line in sorted(secret) if line in text), None)
            if leaked is not None:
                found[path] = leaked
    return found


def refuse(notebook: NotebookNode, folder: Path, delimiters: Delimiters = USUAL) -> None:
    """Raise LeakError where a file under a release folder holds a secret of the notebook."""
    for path, line in find(secrets(notebook, delimiters), folder).items():
        raise LeakError(
            f"{path.name} would show students the line {line!r} of a solution or a hidden test; "
            "take it out of the visible text, or the file out of the assignment's folder"
        )


def _strings(path: Path) -> Iterator[str]:
    """Every text in a file: a notebook's JSON is undone, since it escapes quotes and newlines."""
    raw = path.read_bytes().decode(errors="replace")
    yield raw
    if path.suffix == ".ipynb":
        yield from _leaves(json.loads(raw))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
