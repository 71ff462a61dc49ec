"""What a cell of a lesson is, in a few words in the text and in full in the notebook.

In the text (jupytext's py:percent)            In the notebook (nbgrader's schema 3)

    # %% setup                                 locked
    # %% exercise="relu"                       answer cell
    # %% check="relu" points=2                 locked test cell, visible and hidden part
    # %% [markdown] written="why" points=3     graded by hand
    # %% [markdown] hints="relu"               no nbgrader cell; the hints of an exercise
    # %% predict="slope"                       no nbgrader cell; folded, the student chooses
    # %% reveal="slope"                        no nbgrader cell; folded, shows what was right
    # %% claim="one_map"                       no nbgrader cell; a claim is put to a measurement
    # %% experiment="train"                    no nbgrader cell; takes long, and no answer needs it

Grading runs every code cell except those that no answer needs: reveals, claims, experiments.

Solutions, model answers and hidden tests stand between nbgrader's own comments.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from autograder.errors import MarkerError

__all__ = ["NOT_RUN", "Kind", "Marker", "from_notebook", "from_text"]

Kind = Literal[
    "setup", "exercise", "check", "written", "hints", "predict", "reveal", "claim", "experiment"
]

GRADED = ("check", "written")
UNGRADED = ("hints", "predict", "reveal", "claim", "experiment")
NOT_RUN = ("reveal", "claim", "experiment")
FOLDED = ("predict", "reveal")
MARKDOWN = ("written", "hints")
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Marker:
    """One cell's marker: its kind, the name it belongs to, its points where it is graded."""

    kind: Kind
    name: str
    points: float | None = None

    @property
    def cell_id(self) -> str:
        """Id of the cell and, where nbgrader knows the cell, its grade_id."""
        plain = self.kind in ("setup", "exercise", "written")
        return self.name if plain else f"{self.kind}-{self.name}"

    def text_metadata(self) -> dict[str, Any]:
        """Return the metadata that jupytext writes behind ``# %%``."""
        if self.kind == "setup":
            return {"title": "setup"}
        points = {} if self.points is None else {"points": _short(self.points)}
        return {self.kind: self.name, **points}

    def notebook_metadata(self) -> dict[str, Any]:
        """Return the metadata of the notebook's cell."""
        if self.kind in UNGRADED:
            folded = {"jupyter": {"source_hidden": True}} if self.kind in FOLDED else {}
            return {"autograder": {self.kind: self.name}, **folded}
        nbgrader = {
            "grade": self.kind in GRADED,
            "grade_id": self.cell_id,
            "locked": self.kind in ("setup", "check"),
            "schema_version": 3,
            "solution": self.kind in ("exercise", "written"),
            "task": False,
        }
        if self.points is not None:
            nbgrader["points"] = _short(self.points)
        # A failing check must not stop "Run All": the rest of the lesson needs nothing from it.
        tags = {"tags": ["raises-exception"]} if self.kind == "check" else {}
        return {"nbgrader": nbgrader, **tags}


def from_text(metadata: Mapping[str, Any], cell_type: str) -> Marker | None:
    """Read the metadata that jupytext found behind ``# %%``; None for a plain cell.

    Raises MarkerError for a marker that is none of the above.
    """
    words = {key: value for key, value in metadata.items() if key != "lines_to_next_cell"}
    if not words:
        return None
    if words == {"title": "setup"}:
        words = {"setup": "setup"}
    points = words.pop("points", None)
    if len(words) != 1 or next(iter(words)) not in get_args(Kind):
        raise MarkerError(
            f"a cell is marked {_spell(metadata)}; expected 'setup' or one of "
            + ", ".join(f'{kind}="..."' for kind in get_args(Kind)[1:])
        )
    kind: Kind
    kind, name = next(iter(words.items()))  # type: ignore[assignment]  # looked up just above
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise MarkerError(f"{kind}={name!r}: expected a name of a-z, 0-9 and _ in quotes")
    if (points is not None) != (kind in GRADED):
        wanted = "expected points=..." if points is None else "only a check or written has points"
        raise MarkerError(f'{kind}="{name}": {wanted}')
    if points is not None and not (isinstance(points, int | float) and points > 0):
        raise MarkerError(f'{kind}="{name}" points={points!r}: expected a number above 0')
    wanted = "markdown" if kind in MARKDOWN else "code"
    if cell_type != wanted:
        raise MarkerError(f'{kind}="{name}" is a {cell_type} cell; expected {wanted}')
    return Marker(kind, name, points)


def from_notebook(metadata: Mapping[str, Any]) -> Marker | None:
    """Read a notebook cell's metadata; None for a plain cell.

    Raises MarkerError for nbgrader cells that the text has no words for.
    """
    for kind, name in metadata.get("autograder", {}).items():
        return Marker(kind, name)
    nbgrader = metadata.get("nbgrader")
    if not nbgrader:
        return None
    name = nbgrader["grade_id"]
    match nbgrader.get("grade"), nbgrader.get("solution"), nbgrader.get("locked"):
        case False, True, _:
            return Marker("exercise", name)
        case True, False, _:
            return Marker("check", name.removeprefix("check-"), nbgrader["points"])
        case True, True, _:
            return Marker("written", name, nbgrader["points"])
        case False, False, True if name == "setup":
            return Marker("setup", name)
    raise MarkerError(
        f"cell {name!r} is an nbgrader cell that a lesson's text has no marker for; "
        "in JupyterLab's Create Assignment panel set its type to '-' or to one that lessons use"
    )


def _short(points: float) -> float:
    return int(points) if float(points).is_integer() else float(points)


def _spell(metadata: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value!r}" for key, value in metadata.items())
