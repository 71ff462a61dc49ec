"""Python files read as syntax trees, for the laws on imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["called", "graph", "imports", "modules", "room", "top"]

LATE = ("import_module", "importorskip", "__import__")


def modules(root: Path, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text())


def imports(tree: ast.AST) -> set[str]:
    """Dotted names that a module imports, wherever in it; ``from a import b`` counts as a.b."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and called(node) in LATE:
            found |= {str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


def called(node: ast.Call) -> str:
    """Last part of the name of what is called: ``load`` for ``torch.load(...)``."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def top(name: str) -> str:
    return name.partition(".")[0]


def graph(root: Path) -> dict[str, set[str]]:
    """Modules of autograder by dotted name, and those of them that each imports."""
    trees = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): tree
        for path, tree in modules(root, "autograder")
    }
    found = {}
    for name, tree in trees.items():
        targets = set()
        for dotted in imports(tree):
            # ``from a import b`` may name a module b or something in a module a.
            longest = next((d for d in (dotted, dotted.rpartition(".")[0]) if d in trees), None)
            if longest:
                targets.add(longest)
        found[name] = targets - {name}
    return found


def room(module: str) -> str:
    return [*module.split("."), ""][1]
