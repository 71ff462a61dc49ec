"""What a cell is: all that its metadata says, read and written here and nowhere else.

In the text (jupytext's py:percent)            In the notebook (nbgrader's schema 3)

    # %% setup                                 locked
    # %% exercise="relu"                       answer cell
    # %% check="relu" points=2                 locked test cell, visible and hidden part; folded
    # %% habit="relu" points=0.5               a second check of an exercise, of small worth; folded
    # %% [markdown] written="why" points=3     graded by hand
    # %% [markdown] hints="relu"               no nbgrader cell; the hints of an exercise
    # %% predict="slope"                       no nbgrader cell; folded, the student chooses
    # %% reveal="slope"                        no nbgrader cell; folded, shows what was right
    # %% claim="one_map"                       no nbgrader cell; folded, a claim is measured
    # %% experiment="train"                    no nbgrader cell; takes long, and no answer needs it

Grading runs every code cell except those that no answer needs: reveals, claims, experiments.
Solutions, model answers and hidden tests stand between nbgrader's own comments. JupyterLab shows
the first line of a folded cell, so that one is a comment which says what the cell is.

Metadata has one key for each thing, so that none can be taken for another:

    nbgrader              Marks: nbgrader's own
    autograder            Marker of a cell that nbgrader does not know; of a notebook, Built
    autograder_role       Role: what a rebuilt notebook's cell is beside the instructor's own
    autograder_verdict    Noted: what judging a check found
    autograder_grading    Grading: of a notebook, how far grading came

A notebook may come from a student, so what is read may be anything; whatever is not as it should
be counts as not there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from autograder.errors import MarkerError

__all__ = [
    *("FOLDED", "GRADED", "Built", "Grading", "Kind", "Marker", "Marks", "Noted", "Role"),
    *("allow_plain", "built_of", "exercise_of", "from_notebook", "from_text", "grading_of"),
    *("hints_of", "is_check", "is_open", "is_run", "marks_of", "note_built", "note_checksum"),
    *("note_grading", "note_plain", "note_role", "note_verdict", "role_of", "verdict_of"),
]

Kind = Literal[
    "setup",
    "exercise",
    "check",
    "habit",
    "written",
    "hints",
    "predict",
    "reveal",
    "claim",
    "experiment",
]

CHECKS = ("check", "habit")
GRADED = (*CHECKS, "written")
UNGRADED: tuple[Kind, ...] = ("hints", "predict", "reveal", "claim", "experiment")
NOT_RUN = ("reveal", "claim", "experiment")
FOLDED = (*CHECKS, "predict", "reveal", "claim")
MARKDOWN = ("written", "hints")
NAME = re.compile(r"[a-z][a-z0-9_]*")


Role = Literal["rubric", "student", "missing"]
"""A cell for who grades by hand; a student's own cell; an answer that was not handed in."""


class Marks(msgspec.Struct, frozen=True):
    """What nbgrader says of a cell. Without a grade_id nbgrader does not know the cell."""

    grade_id: str = ""
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    points: float = 0.0

    @property
    def exercise(self) -> str:
        """Name of the exercise that the cell is an answer to, or a check of."""
        return exercise_of(self.grade_id)


class Noted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A verdict as a check's cell remembers it: its word, the points earned, what it took.

    reason is for the instructor, where a check could not work; no student reads it.
    """

    verdict: str
    points: float
    seconds: float
    reason: str = ""


class Built(msgspec.Struct, frozen=True):
    """Hashes of the text and of the cells that an instructor's notebook was built with."""

    text: str
    cells: str


class Grading(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far grading came with a notebook.

    damaged says why a submission could not be read, and remarks what of its folder was not used.
    unsolved are checks that the instructor's own solution does not pass, and what they say.
    readable are files that submissions see and that may give an answer away.
    """

    damaged: str = ""
    graded: bool = False
    remarks: tuple[str, ...] = ()
    unsolved: tuple[tuple[str, str], ...] = ()
    readable: tuple[str, ...] = ()


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
        folded = {"jupyter": {"source_hidden": True}} if self.kind in FOLDED else {}
        if self.kind in UNGRADED:
            return {"autograder": {self.kind: self.name}, **folded}
        nbgrader = {
            "grade": self.kind in GRADED,
            "grade_id": self.cell_id,
            "locked": self.kind in ("setup", *CHECKS),
            "schema_version": 3,
            "solution": self.kind in ("exercise", "written"),
            "task": False,
        }
        if self.points is not None:
            nbgrader["points"] = _short(self.points)
        # A failing check must not stop "Run All": the rest of the lesson needs nothing from it.
        tags = {"tags": ["raises-exception"]} if self.kind in CHECKS else {}
        return {"nbgrader": nbgrader, **tags, **folded}


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
        wanted = (
            "expected points=..." if points is None else "only a check, habit or written has points"
        )
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
    for kind in UNGRADED:
        name = _table(metadata, "autograder").get(kind)
        if isinstance(name, str):
            return Marker(kind, name)
    if not _table(metadata, "nbgrader"):
        return None
    marks = _marks(metadata)
    name = marks.grade_id
    # As it was written, so that 2 stays 2.
    points = _table(metadata, "nbgrader").get("points")
    match marks.grade, marks.solution, marks.locked:
        case _ if marks.task:
            pass
        case False, True, _:
            return Marker("exercise", name)
        case True, False, _:
            habit = name.startswith("habit-")
            return Marker("habit" if habit else "check", marks.exercise, points)
        case True, True, _:
            return Marker("written", name, points)
        case False, False, True if name == "setup":
            return Marker("setup", name)
    raise MarkerError(
        f"cell {name!r} is an nbgrader cell that a lesson's text has no marker for; "
        "in JupyterLab's Create Assignment panel set its type to '-' or to one that lessons use"
    )


def exercise_of(grade_id: str) -> str:
    """Return the exercise that a check or a habit belongs to.

    >>> exercise_of("check-relu"), exercise_of("habit-relu"), exercise_of("root")
    ('relu', 'relu', 'root')
    """
    return grade_id.removeprefix("check-").removeprefix("habit-")


def marks_of(cell: Mapping[str, Any]) -> Marks:
    """Return what nbgrader says of a cell; blank marks where it says nothing."""
    return _marks(_table(cell, "metadata"))


def is_check(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell is one of the instructor's tests that give points."""
    marks = marks_of(cell)
    return cell["cell_type"] == "code" and marks.grade and not (marks.solution or marks.task)


def is_open(cell: Mapping[str, Any]) -> bool:
    """Tell whether students may change a cell of the instructor's."""
    marks = marks_of(cell)
    return not marks.task and (marks.solution or not (marks.locked or marks.grade))


def is_run(cell: Mapping[str, Any]) -> bool:
    """Tell whether grading runs a cell: code that an answer may need."""
    kinds = _table(_table(cell, "metadata"), "autograder")
    skipped = any(kind in kinds for kind in NOT_RUN)
    return cell["cell_type"] == "code" and bool(cell["source"].strip()) and not skipped


def hints_of(cell: Mapping[str, Any]) -> str | None:
    """Return the name of the exercise that a cell's hints are for; None for any other cell."""
    name = _table(_table(cell, "metadata"), "autograder").get("hints")
    return name if isinstance(name, str) else None


def note_checksum(cell: Any, checksum: str) -> None:
    """Write what students were given into an answer's marks.

    By it nbgrader knows an answer that nobody has touched.
    """
    cell.metadata["nbgrader"]["checksum"] = checksum


def note_plain(cell: Any) -> None:
    """Let a cell's code be shown without colours; its notebook must allow it."""
    cell.metadata["magics_language"] = "text"


def allow_plain(notebook: Any) -> None:
    """Let cells of a notebook say in what language they are to be coloured.

    nbconvert asks them where the notebook's own language is one of IPython's.
    """
    notebook.metadata.setdefault("language_info", {"name": "python"})
    notebook.metadata["language_info"]["pygments_lexer"] = "ipython3"


def note_role(cell: Any, role: Role) -> None:
    """Write down what a cell of a rebuilt notebook is."""
    cell.metadata["autograder_role"] = role


def role_of(cell: Mapping[str, Any]) -> Role | None:
    """Return what note_role wrote down; None for a cell of the instructor's."""
    return _read(_table(cell, "metadata").get("autograder_role"), Role)


def note_verdict(cell: Any, noted: Noted) -> None:
    """Write a verdict into a check's metadata."""
    cell.metadata["autograder_verdict"] = msgspec.to_builtins(noted)


def verdict_of(cell: Mapping[str, Any]) -> Noted | None:
    """Return what note_verdict wrote down; None where the cell was not judged."""
    return _read(_table(cell, "metadata").get("autograder_verdict"), Noted)


def note_grading(notebook: Any, grading: Grading) -> None:
    """Write into a rebuilt notebook how far its grading came."""
    notebook.metadata["autograder_grading"] = msgspec.to_builtins(grading)


def grading_of(notebook: Mapping[str, Any]) -> Grading | None:
    """Return what note_grading wrote down; None where the notebook was graded without it."""
    return _read(_table(notebook, "metadata").get("autograder_grading"), Grading)


def note_built(notebook: Any, built: Built) -> None:
    """Write into an instructor's notebook what it was built with."""
    notebook.metadata["autograder"] = msgspec.to_builtins(built)


def built_of(notebook: Mapping[str, Any]) -> Built | None:
    """Return what note_built wrote down; None where the notebook was not built."""
    return _read(_table(notebook, "metadata").get("autograder"), Built)


def _marks(metadata: Mapping[str, Any]) -> Marks:
    said = _table(metadata, "nbgrader")
    name, points = said.get("grade_id"), said.get("points")
    return Marks(
        grade_id=name if isinstance(name, str) else "",
        grade=bool(said.get("grade")),
        solution=bool(said.get("solution")),
        locked=bool(said.get("locked")),
        task=bool(said.get("task")),
        points=float(points) if isinstance(points, int | float) else 0.0,
    )


def _table(holder: Any, key: str) -> Mapping[str, Any]:
    """Return the table under a key; an empty one where there is none, whatever holder is."""
    found = holder.get(key) if isinstance(holder, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _read(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


def _short(points: float) -> float:
    return int(points) if float(points).is_integer() else float(points)


def _spell(metadata: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value!r}" for key, value in metadata.items())
