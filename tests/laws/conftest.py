"""Laws about the repository: each is a function from a root folder to the violations under it.

Every law is tested twice: it finds nothing in the repository, and it finds a fault that is planted
in a small tree or in a copy.
"""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def repository() -> Path:
    return ROOT


@pytest.fixture
def plant(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Write files under a root of its own, which git knows, and return the root."""

    def write(files: Mapping[str, str]) -> Path:
        if not (tmp_path / ".git").exists():
            subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return the root of a copy of everything that belongs to the lessons."""
    for folder in ("autograder", "cnnlib", "course", "source", "release", "tests"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"),
        )
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return tmp_path
