"""What may import what, and what may load what."""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import jupytext
import pytest

from autograder.notebooks.regions import split
from tests.laws.reading import imports, modules, top

PACKAGES = ("autograder", "cnnlib", "course")
# What a lesson may import beside torch, course, the standard library and cnnlib's earlier topics:
# display shows two things from one cell, tqdm a progress bar.
LIBRARIES = {"IPython", "tqdm"}
# One makes the release, and one room is what nbgrader's API is; the rest would outlive it.
NBGRADER = ("autograder/lessons/build.py", "autograder/nbgrading/")
# Reading a file of one of these runs whatever the file says.
UNSAFE = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}


def packages_do_not_import_one_another(root: Path) -> list[str]:
    return [
        f"{path} imports {name}"
        for package in PACKAGES
        for path, tree in modules(root, package)
        for name in sorted(imports(tree))
        if top(name) in {*PACKAGES, "source", "tests"} - {package}
    ]


def packages_reach_nbgrader_in_few_places(root: Path) -> list[str]:
    found = {
        path
        for path, tree in modules(root, *PACKAGES)
        if any(top(name) == "nbgrader" for name in imports(tree))
    }
    return [f"{path} imports nbgrader" for path in sorted(found) if not path.startswith(NBGRADER)]


def lessons_import_only_what_students_have(root: Path) -> list[str]:
    """A hidden test, which students never see, may use all of cnnlib."""
    syllabus = tomllib.loads((root / "course/syllabus.toml").read_text())
    order = [topic["name"] for topic in syllabus["topic"]]
    violations = []
    for path in sorted((root / "source").glob("*.py")):
        earlier = order[: order.index(path.stem)] if path.stem in order else []
        for shown, hidden in cell_parts(path.read_text()):
            for part, allowed in ((shown, tuple(earlier)), (hidden, None)):
                violations += [
                    f"source/{path.name} imports {name}"
                    for name in sorted(imports(ast.parse(part)))
                    if not may_import(name, allowed)
                ]
    return violations


def cell_parts(text: str) -> Iterator[tuple[str, str]]:
    """Give each code cell of a lesson without its hidden tests, and its hidden tests alone."""
    for cell in jupytext.reads(text, fmt="py:percent").cells:
        if cell.cell_type != "code":
            continue
        if "BEGIN HIDDEN TESTS" in cell.source:
            shown, hidden = split(cell.source)
            yield "\n".join(shown), "\n".join(hidden)
        else:
            yield cell.source, ""


def may_import(name: str, earlier: tuple[str, ...] | None) -> bool:
    if top(name) == "cnnlib":
        return earlier is None or [*name.split("."), ""][1] in earlier
    return top(name) in {"torch", "course", *LIBRARIES, *sys.stdlib_module_names} - UNSAFE


def nothing_loads_a_file_that_can_run_code(root: Path) -> list[str]:
    violations = []
    for path, tree in [*modules(root, *PACKAGES), *modules(root, "source")]:
        names = imports(tree)
        violations += [f"{path} imports {name}" for name in sorted(names) if top(name) in UNSAFE]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            options = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
            if ast.unparse(node.func) == "torch.load" and options.get("weights_only") is not True:
                violations.append(f"{path}:{node.lineno} calls torch.load without weights_only")
            if options.get("allow_pickle"):
                violations.append(f"{path}:{node.lineno} allows pickles")
        if "torch.load" in names:
            violations.append(f"{path} imports load from torch; expected torch.load(...) in full")
    return violations


Law = Callable[[Path], list[str]]
SYLLABUS = '[[topic]]\nname = "first"\n[[topic]]\nname = "second"\n[[topic]]\nname = "third"\n'
HIDDEN = "# %%\n{}\n### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS\n"
SOUND = {
    "autograder/commands/app.py": "import click\nfrom autograder.lessons import build\n",
    "autograder/lessons/build.py": "def late():\n    from nbgrader.converters import X\n",
    "cnnlib/first.py": "import torch\nstate = torch.load('w', weights_only=True)\n",
    "cnnlib/second.py": "from cnnlib.first import relu\nfrom cnnlib import first\n",
    "course/checks.py": "import torch\nfrom course import claims\nfrom . import predictions\n",
    "course/syllabus.toml": SYLLABUS,
    "source/second.py": HIDDEN.format(
        "import math\nfrom tqdm.auto import tqdm\nfrom torch import nn\n"
        "from course.checks import agree\nfrom cnnlib.first import relu\nfrom cnnlib import first",
        "import cnnlib.second\nfrom cnnlib.third import late",
    ),
}


@pytest.mark.parametrize(
    "law",
    [
        packages_do_not_import_one_another,
        packages_reach_nbgrader_in_few_places,
        lessons_import_only_what_students_have,
        nothing_loads_a_file_that_can_run_code,
    ],
    ids=lambda law: law.__name__,
)
def test_the_repository_keeps_the_law(law: Law, repository: Path) -> None:
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "text", "violation"),
    [
        (packages_do_not_import_one_another, "cnnlib/a.py", "import course.checks", "course"),
        (packages_do_not_import_one_another, "course/a.py", "from cnnlib import first", "cnnlib"),
        (packages_do_not_import_one_another, "course/w/a.py", "import cnnlib as c", "cnnlib"),
        (packages_do_not_import_one_another, "autograder/a.py", "import course", "course"),
        (packages_do_not_import_one_another, "cnnlib/a.py", "import autograder", "autograder"),
        (packages_do_not_import_one_another, "autograder/a.py", "import tests.x", "tests"),
        (
            packages_do_not_import_one_another,
            "course/a.py",
            "from importlib import import_module\nf = lambda: import_module('cnnlib.vgg')",
            "cnnlib.vgg",
        ),
        (
            packages_reach_nbgrader_in_few_places,
            "autograder/a.py",
            "def f():\n    import nbgrader.api",
            "autograder/a.py",
        ),
        (packages_reach_nbgrader_in_few_places, "course/a.py", "import nbgrader", "course/a.py"),
        (
            lessons_import_only_what_students_have,
            "source/second.py",
            "# %%\nfrom cnnlib.second import relu",
            "cnnlib.second.relu",
        ),
        (
            lessons_import_only_what_students_have,
            "source/second.py",
            "# %%\nfrom cnnlib import third",
            "cnnlib.third",
        ),
        (
            lessons_import_only_what_students_have,
            "source/first.py",
            "# %%\nimport cnnlib",
            "cnnlib",
        ),
        (
            lessons_import_only_what_students_have,
            "source/first.py",
            "# %%\nimport autograder",
            "autograder",
        ),
        (
            lessons_import_only_what_students_have,
            "source/first.py",
            HIDDEN.format("import torch", "import pandas"),
            "pandas",
        ),
        (
            lessons_import_only_what_students_have,
            "source/first.py",
            "# %% exercise='a'\n### BEGIN SOLUTION\nimport cnnlib.first\n### END SOLUTION",
            "cnnlib.first",
        ),
        (nothing_loads_a_file_that_can_run_code, "course/a.py", "import pickle", "pickle"),
        (
            nothing_loads_a_file_that_can_run_code,
            "cnnlib/a.py",
            "import torch\ntorch.load('w')",
            "torch.load",
        ),
        (
            nothing_loads_a_file_that_can_run_code,
            "cnnlib/a.py",
            "import torch\ntorch.load('w', weights_only=False)",
            "torch.load",
        ),
        (
            nothing_loads_a_file_that_can_run_code,
            "cnnlib/a.py",
            "from torch import load\nload('w')",
            "load",
        ),
        (
            nothing_loads_a_file_that_can_run_code,
            "course/a.py",
            "import numpy as np\nnp.load('w', allow_pickle=True)",
            "pickles",
        ),
    ],
)
def test_a_planted_import_breaks_the_law(
    law: Law,
    path: str,
    text: str,
    violation: str,
    plant: Callable[[Mapping[str, str]], Path],
) -> None:
    assert law(plant(SOUND)) == []
    (found,) = law(plant({path: text}))
    assert path in found
    assert violation in found
