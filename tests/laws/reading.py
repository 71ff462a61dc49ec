"""What several laws read: Python files as syntax trees, and what pyproject.toml declares."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

__all__ = ["called", "extras", "graph", "imports", "modules", "project", "required", "room", "top"]

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


def project(root: Path) -> dict[str, Any]:
    """The table ``project`` of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return table


def required(root: Path) -> list[Requirement]:
    """What every user installs."""
    return [Requirement(line) for line in project(root)["dependencies"]]


def extras(root: Path) -> dict[str, list[Requirement]]:
    """By the name of each extra, what it adds."""
    groups = project(root).get("optional-dependencies", {})
    return {name: [Requirement(line) for line in lines] for name, lines in groups.items()}
