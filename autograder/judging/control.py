"""The instructor's own solution, judged as a submission is: what it fails is no student's fault.

A check that it fails is tried once more as stock nbgrader would run it: as a plain cell behind the
others, in one process of the sandbox. Where it passes there, it asks for something that does not
work across the boundary between judge and submission: the check is the course's fault, and no
student may lose points by it. Where it fails there too, the solution does not pass its own test.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from nbformat import NotebookNode

from autograder.judging.advice import advice
from autograder.judging.grader import Grader
from autograder.judging.records import Known
from autograder.judging.verdict import Verdict
from autograder.notebooks.cells import is_check, is_run, marks_of, verdict_of
from autograder.notebooks.rebuild import Original, rebuild
from autograder.sandbox.submission import Gone, Submission

__all__ = ["Finding", "examine"]


class Finding(msgspec.Struct, frozen=True):
    """A check that gives the instructor's own solution less than all points.

    across says that it gives more where test and solution share a process. said is what the judge
    says, hidden tests included, so it is for the instructor alone; mend is what may help.
    """

    check: str
    across: bool
    said: str
    mend: str


def examine(grader: Grader, original: NotebookNode) -> tuple[Finding, ...]:
    """Judge an instructor's notebook, which the grader judges submissions of, with its solutions.

    Raises SandboxError.
    """
    own = replace(
        grader,
        files=grader.own_files,
        known=Known(),
        stubs={},
        faults={},
        candid=True,
    )
    refused = _refused(own, original)
    if refused:
        # A machine that was busy for a moment is no fault of the course's.
        again = _refused(own, original)
        refused = {name: again[name] for name in refused if name in again}
    if not refused:
        return ()
    plainly = _plainly(own, original)
    return tuple(
        Finding(
            name,
            across=plainly.get(name, 0.0) > points,
            said=f"{verdict.word}: {verdict.message}",
            mend=advice(source, verdict),
        )
        for name, (verdict, points, source) in refused.items()
    )


def _refused(grader: Grader, original: NotebookNode) -> dict[str, tuple[Verdict, float, str]]:
    """Return verdict, points and code of the checks that give less than all points."""
    notebook = rebuild(Original(original, {}, grader.delimiters), ())
    solutions = {marks_of(c).grade_id: c.source for c in original.cells}
    for cell in notebook.cells:
        if marks_of(cell).solution:
            cell.source = solutions[marks_of(cell).grade_id]
    verdicts = grader.grade(notebook)
    found = {}
    for cell in notebook.cells:
        noted = verdict_of(cell)
        if is_check(cell) and noted is not None and noted.points < marks_of(cell).points:
            name = marks_of(cell).grade_id
            found[name] = verdicts[name], noted.points, cell.source
    return found


def _plainly(grader: Grader, notebook: NotebookNode) -> Mapping[str, float]:
    """Return the points of checks that run as plain cells, in a process of the sandbox."""
    seconds = grader.sandbox.limits.cell_time
    points: dict[str, float] = {}
    with grader.sandbox.submission(grader.own_files) as submission:
        for cell in notebook.cells:
            if not is_run(cell):
                continue
            try:
                earned = _points(submission, cell, seconds)
            except Gone:
                break
            if is_check(cell):
                points[marks_of(cell).grade_id] = earned
    return points


def _points(submission: Submission, cell: Any, seconds: float) -> float:
    """Run a cell; return its points by nbgrader's rules: a number that it shows counts."""
    result = submission.run(cell.source, seconds)
    if result.ended or result.ran.failure is not None:
        return 0.0
    most = marks_of(cell).points
    shown = [item.data.get("text/plain", "") for item in result.ran.displayed if item.result]
    try:
        earned = float(shown[0])
    except (IndexError, ValueError):
        return most
    return earned if 0 <= earned <= most else most
