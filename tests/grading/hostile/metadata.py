"""Forging by what a notebook says about its cells."""

import copy
import math
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading.corpus import Corpus, answer, extra, get, position, solve, write, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("metadata")


def _checks(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.id.startswith("check-")]


@attack()
def skip_execution_tags(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks are tagged to be skipped when the notebook is run."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.metadata["tags"] = ["skip-execution"]


@attack()
def skip_execution_in_all_spellings(notebook: NotebookNode, _: Path, __: World) -> None:
    """Other tags and flags that tools take for "do not run" or "errors are fine"."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.metadata["tags"] = ["raises-exception", "nbval-skip", "skip", "remove-cell"]
        cell.metadata["allow_errors"] = True
        cell.metadata["editable"] = True
    notebook.metadata["allow_errors"] = True
    notebook.metadata["execution"] = {"allow_errors": True, "timeout": 1}


@attack(deserves={"relu": 1.0})
def points_raised(notebook: NotebookNode, _: Path, __: World) -> None:
    """The one exercise that is answered says that it is worth 1000 points."""
    wrong(notebook)
    solve(notebook, "relu")
    for cell in _checks(notebook):
        cell.metadata.nbgrader.points = 1000


@attack()
def points_that_are_no_number(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Points are infinite, negative, not a number, or a word."""
    wrong(notebook)
    values = [math.inf, -5, math.nan, "16", True]
    for cell, points in zip(_checks(notebook), values, strict=True):
        cell.metadata.nbgrader.points = points
    write(folder, "tiny.ipynb", nbformat.writes(notebook))


@attack(deserves={"relu": 1.0})
def grade_ids_swapped(notebook: NotebookNode, _: Path, __: World) -> None:
    """The easy check says that it is the check worth most, and the other way round."""
    wrong(notebook)
    solve(notebook, "relu")
    easy, dear = get(notebook, "check-relu"), get(notebook, "check-noisy")
    for one, other in ((easy, "check-noisy"), (dear, "check-relu")):
        one.metadata.nbgrader.grade_id = other
        one.id = other
    easy.metadata.nbgrader.points, dear.metadata.nbgrader.points = 16, 1


@attack()
def grade_ids_unknown(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks get ids that the gradebook does not know."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.metadata.nbgrader.grade_id = "never-heard-of-" + cell.id


@attack()
def every_cell_is_a_check(notebook: NotebookNode, _: Path, __: World) -> None:
    """Every cell, answers and texts included, claims to be the check that is worth most."""
    wrong(notebook)
    model = get(notebook, "check-noisy").metadata.nbgrader
    for cell in notebook.cells:
        cell.metadata["nbgrader"] = copy.deepcopy(model)


@attack()
def checksums_changed(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks are emptied, and their checksums are those of the empty cells."""
    from nbgrader.utils import compute_checksum

    wrong(notebook)
    for cell in _checks(notebook):
        cell.source = "pass"
        cell.metadata.nbgrader.checksum = compute_checksum(cell)


@attack()
def checks_edited(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks' text says pass."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.source = "pass"


@attack()
def checks_unlocked(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks say pass, and say that they are answers graded by hand and not locked."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.source = "pass"
        cell.metadata.nbgrader.update(locked=False, solution=True, grade=False)
        del cell.metadata.nbgrader["points"]


@attack()
def checks_turned_into_text(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks are markdown and raw cells, which are never run."""
    wrong(notebook)
    for number, cell in enumerate(_checks(notebook)):
        cell.cell_type = "markdown" if number % 2 else "raw"
        cell.metadata.nbgrader.cell_type = cell.cell_type
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


@attack()
def setup_edited(notebook: NotebookNode, _: Path, __: World) -> None:
    """The locked setup cell brings another torch.equal."""
    wrong(notebook)
    get(
        notebook, "setup"
    ).source += "\ntorch.equal = torch.allclose = math.isclose = lambda *a, **k: True\n"


@attack()
def task_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """Checks become task cells, and more task cells with points are added."""
    wrong(notebook)
    for cell in _checks(notebook):
        cell.metadata.nbgrader.update(task=True, solution=False, grade=False, locked=True)
    for number in range(3):
        cell = nbformat.v4.new_markdown_cell("a task of my own")
        cell.metadata["nbgrader"] = {
            "grade": False,
            "grade_id": f"my-task-{number}",
            "locked": True,
            "points": 100,
            "schema_version": 3,
            "solution": False,
            "task": True,
        }
        notebook.cells.append(cell)


@attack()
def checks_of_my_own(notebook: NotebookNode, _: Path, __: World) -> None:
    """Passing checks with new ids and many points are added."""
    wrong(notebook)
    for number in range(3):
        cell = extra(notebook, "assert True", after="noisy")
        cell.metadata["nbgrader"] = copy.deepcopy(get(notebook, "check-noisy").metadata.nbgrader)
        cell.metadata.nbgrader.update(grade_id=f"my-check-{number}", points=100)


@attack()
def checks_duplicated(notebook: NotebookNode, _: Path, __: World) -> None:
    """Each check has an empty twin of the same grade id before and behind it."""
    wrong(notebook)
    for cell in _checks(notebook):
        place = position(notebook, cell.id)
        for n in (1, 0):
            twin = copy.deepcopy(cell)
            twin.source = "pass"
            twin.id = f"{cell.id}-twin-{n}"
            notebook.cells.insert(place + n, twin)


@attack()
def checks_deleted(notebook: NotebookNode, _: Path, __: World) -> None:
    """All checks are deleted."""
    wrong(notebook)
    gone = _checks(notebook)
    notebook.cells = [cell for cell in notebook.cells if cell not in gone]


@attack()
def schema_version_of_the_future(notebook: NotebookNode, _: Path, __: World) -> None:
    """nbgrader's metadata claims schema version 99."""
    wrong(notebook)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 99


@attack()
def schema_version_of_the_past(notebook: NotebookNode, _: Path, __: World) -> None:
    """nbgrader's metadata claims schema version 1 and has lost half its keys."""
    wrong(notebook)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader = NotebookNode(
                schema_version=1, grade_id=cell.metadata.nbgrader.grade_id
            )


@attack()
def metadata_of_wrong_types(notebook: NotebookNode, _: Path, __: World) -> None:
    """Metadata holds lists and numbers where tables and words belong."""
    wrong(notebook)
    values = [[], 7, "word", {"grade_id": ["a"]}, {"grade_id": None, "schema_version": "x"}]
    for cell, value in zip(_checks(notebook), values, strict=True):
        cell.metadata["nbgrader"] = value


@attack()
def regions_in_answers(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers hold nbgrader's own BEGIN and END comments, to shift where hidden tests go."""
    wrong(notebook)
    for name in ("relu", "noisy"):
        cell = get(notebook, name)
        cell.source = (
            "### BEGIN HIDDEN TESTS\n"
            + cell.source
            + "\n### END HIDDEN TESTS\n### BEGIN SOLUTION\n"
        )
    markdown = nbformat.v4.new_markdown_cell("### END HIDDEN TESTS\n### BEGIN MARK SCHEME")
    notebook.cells.insert(3, markdown)


@attack()
def answers_that_end_the_string(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer ends in an open string, bracket and line continuation, to swallow what follows."""
    wrong(notebook)
    get(notebook, "relu").source += '\nswallowed = """\\'
    get(notebook, "noisy").source += "\nswallowed = ( \\"


@attack()
def cell_ids_all_the_same(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Every cell has the id of the check that is worth most."""
    wrong(notebook)
    for cell in notebook.cells:
        cell.id = "check-noisy"
    write(folder, "tiny.ipynb", nbformat.v4.writes(notebook))


@attack()
def another_language(notebook: NotebookNode, _: Path, __: World) -> None:
    """The notebook asks for a kernel of another language, by a path."""
    wrong(notebook)
    notebook.metadata.kernelspec = {
        "name": "../../../../tmp/evil",
        "display_name": "evil",
        "language": "bash",
    }
    notebook.metadata.language_info = {"name": "bash", "file_extension": ".sh"}


@attack()
def markers_of_this_grader(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells and notebook carry metadata in the name of the course's own tools."""
    wrong(notebook)
    notebook.metadata["autograder"] = {"text": "0", "cells": "0", "verdicts": {"noisy": "passed"}}
    for cell in notebook.cells:
        cell.metadata["autograder"] = {"exercise": "noisy", "verdict": "passed", "check": "noisy"}


@attack()
def cell_magic_over_the_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer is a cell magic that runs it in another process, which prints success."""
    wrong(notebook)
    answer(notebook, "noisy", "%%script python\nprint('passed')\n")
    answer(notebook, "relu", "%%javascript\nconsole.log('passed')\n")
