"""Everything that is imported is declared in pyproject.toml: no package comes along by chance."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.laws.reading import extras, imports, required, top

OURS = {"autograder", "cnnlib", "course", "tests"}


def what_users_run_imports_dependencies(root: Path) -> list[str]:
    """An extra's package may be imported too, late, in a module that catches its absence."""
    declared, more = declarations(root)
    optional = set().union(*more.values())
    return [
        f"{path} imports {module} of {distribution}, which dependencies lack"
        for path, module, distribution, harmless in imported(root, *runtime(root))
        if distribution not in declared and not (harmless and distribution in optional)
    ]


def developers_install_what_tests_import(root: Path) -> list[str]:
    declared, more = declarations(root)
    return [
        f"{path} imports {module} of {distribution}, which dependencies and the extra dev lack"
        for path, module, distribution, _ in imported(root, *sorted(root.glob("tests/**/*.py")))
        if distribution not in declared | more.get("dev", set())
    ]


def runtime(root: Path) -> list[Path]:
    packages = [path for name in sorted(OURS - {"tests"}) for path in root.glob(f"{name}/**/*.py")]
    return sorted([*packages, *root.glob("source/*.py"), *root.glob("nbgrader_config.py")])


def declarations(root: Path) -> tuple[set[str], dict[str, set[str]]]:
    """Names of the distributions that are dependencies, and of those in each extra."""

    def names(wanted: list[Requirement]) -> set[str]:
        return {canonicalize_name(requirement.name) for requirement in wanted}

    return names(required(root)), {name: names(more) for name, more in extras(root).items()}


def imported(root: Path, *paths: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Give path, top-level module, its distribution, and whether its absence does no harm."""
    owners = distributions()
    for path in paths:
        tree = ast.parse(path.read_text())
        tries = [node for node in ast.walk(tree) if isinstance(node, ast.Try) and catches(node)]
        caught = {top(name) for node in tries for name in imports(ast.Module(node.body, []))}
        early = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        harmless = caught - {top(name) for node in early for name in imports(node)}
        for module in sorted({top(name) for name in imports(tree)}):
            if module not in OURS | sys.stdlib_module_names:
                owner = canonicalize_name(owners.get(module, [module])[0])
                yield path.relative_to(root).as_posix(), module, owner, module in harmless


@cache
def distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def catches(node: ast.Try) -> bool:
    kinds = [ast.unparse(handler.type) for handler in node.handlers if handler.type is not None]
    return any("ImportError" in kind for kind in kinds)


PYPROJECT = """
[project]
dependencies = ["Click==8.5.1", "scikit_learn==1.9.1", "pillow==13.0.0"]
[project.optional-dependencies]
dev = ["pytest==9.1.1", "pyyaml==6.0.3", "packaging==26.3"]
cluster = ["distributed==2026.8.0"]
"""
SOUND = {
    "pyproject.toml": PYPROJECT,
    "autograder/commands/app.py": "import os.path\nimport click\nfrom . import grade\n",
    "autograder/cluster.py": "def f():\n    try:\n        from distributed import Client\n"
    "    except ImportError:\n        raise\n\ndef g():\n    from distributed import Lock\n",
    "course/digits.py": "def f():\n    from sklearn.datasets import load_digits\n",
    "cnnlib/vgg.py": "from cnnlib import resnet\nimport PIL.Image\n",
    "source/vgg.py": "# %% setup\nfrom course import checks\n",
    "nbgrader_config.py": "import autograder\n",
    "tests/laws/test_pins.py": "import yaml\nimport click\nfrom tests import conformance\n",
}
LAWS = (what_users_run_imports_dependencies, developers_install_what_tests_import)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_repository_keeps_the_law(law: Callable[[Path], list[str]], repository: Path) -> None:
    assert len(runtime(repository)) > 50
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "text", "violation"),
    [
        (LAWS[0], "autograder/a.py", "import traitlets", "traitlets of traitlets"),
        (LAWS[0], "autograder/wire/a.py", "def f():\n    import yaml", "yaml of pyyaml"),
        (LAWS[0], "cnnlib/a.py", "from numpy import array", "numpy of numpy"),
        (LAWS[0], "course/a.py", "import pytest", "pytest of pytest"),
        (LAWS[0], "source/a.py", "# %%\nfrom tqdm.auto import tqdm", "tqdm of tqdm"),
        (LAWS[0], "nbgrader_config.py", "import nbgrader", "nbgrader of nbgrader"),
        (LAWS[0], "course/a.py", "__import__('importlib').import_module('nh3')", "nh3 of nh3"),
        (LAWS[0], "autograder/a.py", "import distributed", "distributed of distributed"),
        (LAWS[0], "autograder/a.py", "def f():\n    import distributed", "distributed"),
        (
            LAWS[0],
            "autograder/a.py",
            "import distributed\ntry:\n    import distributed\nexcept ImportError:\n    raise",
            "distributed of distributed",
        ),
        (
            LAWS[0],
            "autograder/a.py",
            "try:\n    x = 1\nexcept ImportError:\n    import distributed",
            "distributed of distributed",
        ),
        (LAWS[0], "autograder/a.py", "import not_installed", "not_installed of not-installed"),
        (LAWS[1], "tests/a.py", "import distributed", "distributed of distributed"),
        (LAWS[1], "tests/a.py", "pytest.importorskip('scipy.ndimage')", "scipy of scipy"),
        (LAWS[1], "pyproject.toml", PYPROJECT.replace('"pyyaml==6.0.3", ', ""), "yaml of pyyaml"),
    ],
)
def test_a_planted_import_breaks_the_law(
    law: Callable[[Path], list[str]],
    path: str,
    text: str,
    violation: str,
    plant: Callable[[Mapping[str, str]], Path],
) -> None:
    assert law(plant(SOUND)) == []
    (found,) = law(plant({path: text}))
    assert violation in found
