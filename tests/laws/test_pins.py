"""pyproject.toml pins every direct dependency, and environment.yml pins the same."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.laws.reading import extras, project, required

# What conda-forge calls some packages.
CONDA = {"matplotlib-base": "matplotlib", "pytorch": "torch", "pytorch-cpu": "torch"}


def dependencies_are_pinned(root: Path) -> list[str]:
    return [
        f"pyproject.toml: {requirement} is not pinned with =="
        for requirement in [*required(root), *optional(root)]
        if not re.fullmatch(r"==[\w.]+", str(requirement.specifier))
    ]


def environments_agree(root: Path) -> list[str]:
    """environment.yml may hold more, such as Python itself, and names conda-forge's own way."""
    if not (root / "environment.yml").is_file():
        return ["environment.yml is missing"]
    ours = environment(root)
    known = {name(r): r for r in optional(root)} | {name(r): r for r in required(root)}
    violations = [
        f"environment.yml lacks {requirement}"
        for requirement in required(root)
        if name(requirement) not in ours
    ]
    for package, version in ours.items():
        pinned = str(known[package].specifier).removeprefix("==") if package in known else version
        if version != pinned:
            violations.append(f"environment.yml has {package} {version}, pyproject.toml {pinned}")
    python = project(root)["requires-python"]
    if ours.get("python", "0") not in SpecifierSet(python):
        violations.append(f"environment.yml: Python {ours.get('python')}; expected {python}")
    return violations


def optional(root: Path) -> list[Requirement]:
    return [requirement for group in extras(root).values() for requirement in group]


def environment(root: Path) -> dict[str, str]:
    """Packages of environment.yml, conda's and pip's, by pyproject's name: their version."""
    listed = yaml.safe_load((root / "environment.yml").read_text())["dependencies"]
    pip = [line for group in listed if isinstance(group, dict) for line in group["pip"]]
    found = {}
    for line in [*(line for line in listed if isinstance(line, str)), *pip]:
        # channel::name=version=build for conda, name==version for pip; "-e ." is our own package
        match = re.match(r"(?:[\w-]+::)?([\w.-]+)\s*={1,2}\s*([\w.]+)", line)
        if match:
            package = match[1].lower().replace("_", "-")
            found[CONDA.get(package, package)] = match[2]
    return found


def name(requirement: Requirement) -> str:
    return requirement.name.lower().replace("_", "-")


PYPROJECT = """
[project]
requires-python = ">=3.11"
dependencies = ["torch==2.1.0", "matplotlib==3.2", "Scikit_Learn==1.4"]
[project.optional-dependencies]
dev = ["pytest==9.0"]
"""
ENVIRONMENT = """
channels: [conda-forge]
dependencies:
  - python=3.12
  - pip
  - nodejs=22
  - conda-forge::pytorch==2.1.0=cpu_generic*
  - matplotlib-base=3.2
  - pytest==9.0
  - pip:
      - scikit-learn==1.4
      - --editable .
"""
SOUND = {"pyproject.toml": PYPROJECT, "environment.yml": ENVIRONMENT}


@pytest.mark.parametrize(
    "law", [dependencies_are_pinned, environments_agree], ids=lambda law: law.__name__
)
def test_the_repository_keeps_the_law(law: Callable[[Path], list[str]], repository: Path) -> None:
    assert required(repository)
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "old", "new", "violation"),
    [
        (dependencies_are_pinned, "pyproject.toml", "torch==2.1.0", "torch>=2.1", "torch>=2.1"),
        (dependencies_are_pinned, "pyproject.toml", "torch==2.1.0", "torch==2.*", "torch==2.*"),
        (dependencies_are_pinned, "pyproject.toml", "pytest==9.0", "pytest", "pytest"),
        (environments_agree, "environment.yml", "==2.1.0", "=2.2.0", "torch 2.2.0"),
        (environments_agree, "environment.yml", "base=3.2", "base=3.3", "matplotlib 3.3"),
        (environments_agree, "environment.yml", "learn==1.4", "learn==1.5", "scikit-learn 1.5"),
        (environments_agree, "environment.yml", "pytest==9.0", "pytest==8.9", "pytest 8.9"),
        (
            environments_agree,
            "environment.yml",
            "  - matplotlib-base=3.2\n",
            "",
            "lacks matplotlib",
        ),
        (environments_agree, "environment.yml", "scikit-learn==1.4", "scikit-learn", "lacks"),
        (environments_agree, "environment.yml", "python=3.12", "python=3.10", "Python 3.10"),
        (environments_agree, "environment.yml", "  - python=3.12\n", "", "Python None"),
        (environments_agree, "pyproject.toml", "torch==2.1.0", "torch==2.2.0", "torch 2.1.0"),
    ],
)
def test_a_planted_pin_breaks_the_law(
    law: Callable[[Path], list[str]],
    path: str,
    old: str,
    new: str,
    violation: str,
    plant: Callable[[Mapping[str, str]], Path],
) -> None:
    assert law(plant(SOUND)) == []
    assert old in SOUND[path]
    (found,) = law(plant({path: SOUND[path].replace(old, new)}))
    assert violation in found
