"""The rooms of autograder, and which may import which: the trust boundary as a test.

Every import counts, wherever it stands: at the top, in a function, under TYPE_CHECKING.
"""

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.laws import drawing
from tests.laws.reading import graph, room

# What each room may import. The modules beside the rooms are rooms of their own.
MAY_IMPORT = {
    "limits": set(),
    "wire": {"limits"},
    "inside": {"wire", "limits"},
    "errors": set(),
    "config": {"errors", "limits"},
    "notebooks": {"errors"},
    "lessons": {"config", "errors", "notebooks"},
    "sandbox": {"config", "errors", "inside", "limits", "wire"},
    "judging": {"config", "errors", "lessons", "limits", "notebooks", "sandbox", "wire"},
}
MAY_IMPORT["nbgrading"] = {"judging", "inside", *MAY_IMPORT["judging"]}
MAY_IMPORT["commands"] = {"nbgrading", *MAY_IMPORT["nbgrading"]}
MAY_IMPORT["__main__"] = {"commands"}
MAY_IMPORT[""] = {"config", "nbgrading"}  # the package itself: harden(c)
BESIDE_HOSTILE_CODE = ("inside", "wire", "limits")


def no_modules_import_in_a_circle(root: Path) -> list[str]:
    try:
        TopologicalSorter(graph(root)).prepare()
    except CycleError as error:
        return [" imports ".join(reversed(error.args[1]))]
    return []


def rooms_import_as_the_plan_says(root: Path) -> list[str]:
    return [
        f"{module} imports {target}"
        for module, targets in sorted(graph(root).items())
        for target in sorted(targets)
        if room(target) not in MAY_IMPORT.get(room(module), set()) | {room(module)}
    ]


def the_plan_has_no_circle(root: Path) -> list[str]:  # noqa: ARG001 (a law takes a root)
    TopologicalSorter(MAY_IMPORT).prepare()
    return []


Law = Callable[[Path], list[str]]
SOUND = {
    "autograder/__init__.py": "def harden():\n    from autograder.config import Autograder\n",
    "autograder/limits.py": "",
    "autograder/config.py": "from autograder.limits import Limits\n",
    "autograder/wire/__init__.py": "",
    "autograder/wire/values.py": "import msgspec\n",
    "autograder/wire/peer.py": "from autograder.wire.values import Encoder\n",
    "autograder/inside/worker.py": "from autograder.wire import peer\n",
    "autograder/judging/judge.py": "from autograder.wire.peer import Peer\n",
}


@pytest.mark.parametrize(
    "law",
    [no_modules_import_in_a_circle, rooms_import_as_the_plan_says, the_plan_has_no_circle],
    ids=lambda law: law.__name__,
)
def test_the_house_keeps_the_law(law: Law, repository: Path) -> None:
    assert len(graph(repository)) > 30
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "text", "violation"),
    [
        (
            no_modules_import_in_a_circle,
            "autograder/wire/values.py",
            "def late():\n    from autograder.wire.peer import Peer\n",
            "autograder.wire.peer",
        ),
        (
            no_modules_import_in_a_circle,
            "autograder/wire/values.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
            "    from autograder.wire.peer import Peer\n",
            "autograder.wire.peer",
        ),
        (
            rooms_import_as_the_plan_says,
            "autograder/inside/worker.py",
            "from autograder.config import Autograder",
            "autograder.inside.worker imports autograder.config",
        ),
        (
            rooms_import_as_the_plan_says,
            "autograder/wire/peer.py",
            "def late():\n    import autograder.judging.judge",
            "autograder.wire.peer imports autograder.judging.judge",
        ),
        (
            rooms_import_as_the_plan_says,
            "autograder/attic/box.py",
            "import autograder.limits",
            "autograder.attic.box imports autograder.limits",
        ),
    ],
)
def test_a_planted_import_breaks_the_law(
    law: Law, path: str, text: str, violation: str, plant: Callable[[Mapping[str, str]], Path]
) -> None:
    assert law(plant(SOUND)) == []
    (found,) = law(plant({path: text}))
    assert violation in found


def test_the_page_on_architecture_shows_the_house_as_it_is(repository: Path) -> None:
    page = drawing.PAGE.read_text()
    assert drawing.fresh(page, repository) == page, "run: python -m tests.laws.drawing"
    with pytest.raises(ValueError, match="no place for the drawing"):
        drawing.fresh("no markers", repository)
