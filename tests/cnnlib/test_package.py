"""Laws about cnnlib itself: what a module may import, and what a public docstring must say."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from torch import Tensor, nn

import cnnlib

MODULES = [
    importlib.import_module(f"cnnlib.{module.name}")
    for module in pkgutil.iter_modules(cnnlib.__path__)
]
PUBLIC = [
    (module, name)
    for module in MODULES
    for name in module.__all__
    if callable(getattr(module, name))
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_module_is_short_and_imports_torch_and_the_standard_library_only(
    module: ModuleType,
) -> None:
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    # safetensors reads weights without running them, which torch.load of an old file would.
    weights = {"safetensors"} if module.__name__ == "cnnlib.pretrained" else set()
    assert imported <= {"torch", "cnnlib", *weights, *sys.stdlib_module_names}
    assert len(str(module.__doc__).splitlines()) > 5, "a module begins with a lecture"


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=[f"{m.__name__}.{n}" for m, n in PUBLIC])
def test_a_public_docstring_tells_shapes_and_errors_and_has_an_example(
    module: ModuleType, name: str
) -> None:
    value = getattr(module, name)
    doc = inspect.getdoc(value) or ""
    first, blank, *_ = [*doc.splitlines(), "", ""]
    assert first.endswith(".")
    assert blank == ""
    assert ">>> " in doc
    if "raise ValueError" in inspect.getsource(value):
        assert re.search("Raises\\s+ValueError|errors", doc)
    is_network = inspect.isclass(value) and issubclass(value, nn.Module)
    if is_network or Tensor in (
        parameter.annotation for parameter in inspect.signature(value).parameters.values()
    ):
        assert re.search("[Ss]hape", doc)
