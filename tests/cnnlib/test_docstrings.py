"""A law about the library: what it offers says what it does, and shows it."""

import importlib
import inspect
from pathlib import Path

import pytest

import cnnlib

OFFERED = [
    (path.stem, name)
    for path in sorted(Path(cnnlib.__file__).parent.glob("[a-z]*.py"))
    for name in importlib.import_module(f"cnnlib.{path.stem}").__all__
]


@pytest.mark.parametrize(("module", "name"), OFFERED)
def test_a_public_name_has_one_line_and_a_doctest(module: str, name: str) -> None:
    offered = getattr(importlib.import_module(f"cnnlib.{module}"), name)
    if inspect.isclass(offered) or inspect.isfunction(offered):
        text = inspect.getdoc(offered) or ""
        assert text.splitlines()[0].endswith("."), "the first line is a sentence"
        if "raise ValueError" in inspect.getsource(offered):
            assert "ValueError" in text, "errors are told"
        assert ">>> " in text, "a doctest shows it"


@pytest.mark.parametrize("module", sorted({module for module, _ in OFFERED}))
def test_a_module_begins_with_a_lecture_and_sorts_what_it_offers(module: str) -> None:
    loaded = importlib.import_module(f"cnnlib.{module}")
    assert len((loaded.__doc__ or "").splitlines()) > 5
    # Constants, then classes, then functions, as ruff sorts them.
    names = loaded.__all__
    assert names == sorted(names, key=lambda n: (not n.isupper(), n.islower(), n))
