"""What the instructor's own notebook has in each place, for the judge to run or to leave alone."""

import ast
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from autograder.notebooks.cells import marks_of
from autograder.notebooks.regions import plain_python

__all__ = ["given_in", "modules_imported_by", "names_bound_in", "warm_for"]

# Packages that are slow to import, and that go on working in a fork of who imported them. Of others
# nobody here knows whether they start threads.
FORKABLE = {
    *("IPython", "PIL", "cv2", "ipywidgets", "matplotlib", "networkx", "nltk", "numpy", "pandas"),
    *("scipy", "seaborn", "skimage", "sklearn", "statsmodels", "sympy", "torch", "torchvision"),
}


def given_in(source: str, *, locked: bool) -> str:
    """Return what the judge runs of an instructor's cell.

    Of a locked cell that is all of it. Of a cell that students may edit it is the instructor's
    imports, for what students import there lies in another process.
    """
    tree = _tree(source)
    if tree is None:
        return ""
    if locked:
        return plain_python(source)
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, imports))


def modules_imported_by(notebook: Any) -> tuple[str, ...]:
    """Return the modules that an instructor's locked cells and checks import, in order.

    A judge that has them already need not import them for each submission.
    """
    return _imported(cell for cell in notebook.cells if marks_of(cell).locked)


def warm_for(notebook: Any) -> tuple[str, ...]:
    """Return modules that a submission will import, to be imported once for all.

    They come from cells that students cannot change and that hold no test: what a hidden test
    imports is a secret, and a submission could see what has been imported.
    """
    given = (c for c in notebook.cells if marks_of(c).locked and not marks_of(c).grade)
    return tuple(name for name in _imported(given) if name.split(".")[0] in FORKABLE)


def _imported(cells: Iterable[Any]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for cell in cells:
        tree = _tree(cell.source) if cell.cell_type == "code" else None
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Import):
                found |= dict.fromkeys(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module] = None
    return tuple(found)


def names_bound_in(source: str) -> tuple[str, ...]:
    """Return the names that a cell binds globally and not by an import."""
    tree = _tree(source)
    if tree is None:
        return ()
    found: set[str] = set()
    for node in _outside_functions(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            found.add(node.id)
    return tuple(sorted(found))


def _outside_functions(tree: ast.AST) -> Any:
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _outside_functions(node)


@lru_cache(maxsize=1024)
def _tree(source: str) -> ast.Module | None:
    """Parse a cell of the instructor's, once for all submissions; nobody changes the tree."""
    try:
        return ast.parse(plain_python(source))
    except SyntaxError:
        return None
