"""Questions about objects of the submission, which Python asks of types: isinstance, __class__.

A reference has a type of its own, so Python would answer for that. What a check writes out is asked
of the object itself; its answer is the submission's word.
"""

import ast
import builtins
import inspect
import types
from typing import Any

from autograder.wire.reference import Remote, RemoteClass, RemoteFunction, ask, remote_type

__all__ = ["ASKED", "prepare", "written_out"]


def _is_instance(instance: Any, kinds: Any) -> bool:
    if isinstance(kinds, tuple):
        return any(_is_instance(instance, kind) for kind in kinds)
    if isinstance(kinds, types.UnionType):
        return _is_instance(instance, kinds.__args__)
    if isinstance(kinds, RemoteClass) and not isinstance(instance, Remote):
        asked: Any = kinds
        return _is_row(instance, kinds) or isinstance(instance, asked)
    if isinstance(instance, Remote) and _is_ours(kinds):
        return ask(instance, "is a", value=_path(kinds)) is True
    return isinstance(instance, kinds)


def _is_subclass(made: Any, kinds: Any) -> bool:
    if isinstance(kinds, tuple):
        return any(_is_subclass(made, kind) for kind in kinds)
    if isinstance(made, RemoteClass) and _is_ours(kinds):
        return ask(made, "derives", value=_path(kinds)) is True
    return issubclass(made, kinds)


def _is_ours(kind: Any) -> bool:
    return isinstance(kind, builtins.type) and kind is not remote_type


def _path(kind: Any) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _is_row(value: Any, kind: RemoteClass) -> bool:
    """Tell whether a named tuple, which came as a value, is one of a class of the submission's."""
    fields = getattr(type(value), "_fields", None)
    if not isinstance(value, tuple) or fields is None or not hasattr(kind, "_fields"):
        return False
    return bool(type(value).__name__ == kind.__name__ and fields == kind._fields)


# What a check gets under these names.
ASKED = {"type": remote_type, "isinstance": _is_instance, "issubclass": _is_subclass}


class _WrittenOut(ast.NodeTransformer):
    """Turns x.__class__ into a question. Python itself asks every object for it, and often."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if node.attr != "__class__" or not isinstance(node.ctx, ast.Load):
            return node
        call = ast.Call(ast.Name("type", ast.Load()), [node.value], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def written_out(tree: ast.Module) -> ast.Module:
    """Return a check's code with its questions written out as calls."""
    changed: ast.Module = _WrittenOut().visit(tree)
    return changed


def prepare() -> None:
    """Let inspect speak of references, in a process that is a judge and nothing else."""
    for name, answer in _INSPECTING.items():
        setattr(inspect, name, _either(answer, getattr(inspect, name)))


def _either(remotely: Any, usually: Any) -> Any:
    def inspected(found: Any) -> Any:
        return remotely(found) if isinstance(found, Remote) else usually(found)

    return inspected


_INSPECTING = {
    "getsource": lambda found: str(ask(found, "source")),
    "isclass": lambda found: isinstance(found, RemoteClass),
    "isfunction": lambda found: (
        isinstance(found, RemoteFunction) and ask(found, "is a", value="types:FunctionType") is True
    ),
}
