from collections.abc import Iterator
from typing import Any

import pytest

from tests.grading.killing import Class


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Class, dict[Any, Any]]]:
    """A class, and what its gradebook and files say where nobody was killed."""
    group = Class(tmp_path_factory.mktemp("killing") / "base")
    try:
        group.run("autograder grade")
        yield group, group.everything()
    finally:
        group.close()
