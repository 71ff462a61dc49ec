"""One submission: run its cells in the sandbox, judge its checks, write down what was found."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import nbformat
from nbformat import NotebookNode, v4

from autograder.judging.judge import Given, Verdict, Word, judge
from autograder.notebooks import cells
from autograder.notebooks.cells import is_check, is_run, marks_of
from autograder.notebooks.html import clean
from autograder.notebooks.regions import USUAL, Delimiters, hidden_lines, visible
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.submission import Gone, Submission
from autograder.wire.channel import Closed

__all__ = ["Grader", "note_verdict"]

DEATHS = 8  # of a submission's processes; then the rest of it is given up

# Explains a wrong answer by its calls; "" where nothing is known.
Diagnose = Callable[[str, Verdict], str]


@dataclass
class Grader:
    """Grades one notebook after another in a sandbox."""

    sandbox: Sandbox
    given: Given
    files: list[tuple[str, bytes]] = field(default_factory=list)
    diagnose: Diagnose | None = None
    stubs: dict[str, str] = field(default_factory=dict)  # by exercise, to know an untouched answer
    delimiters: Delimiters = USUAL

    def grade(self, notebook: NotebookNode) -> dict[str, Verdict]:
        """Fill in the outputs of a rebuilt notebook's cells; return the verdicts by grade_id.

        The cells run twice. The first time the checks are what students see of them, and what the
        submission prints and says is kept. The second time they are whole, and nothing is kept
        but verdicts: so what a hidden test passes to an answer comes back to nobody, whether it
        is carried on in a file, in shared memory or by another answer.

        Raises SandboxError where the sandbox itself fails; nothing is said of the student then.
        """
        found = _Run(self, notebook).seen()
        passed = [index for index, verdict in found.items() if verdict.word == "passed"]
        sources = {index: notebook.cells[index].source for index in passed}
        hidden = {i for i, source in sources.items() if hidden_lines(source, self.delimiters)}
        found |= _Run(self, notebook).unseen(hidden)
        for index, verdict in found.items():
            note_verdict(notebook.cells[index], verdict)
        return {marks_of(notebook.cells[index]).grade_id: v for index, v in found.items()}


class _Run:
    """A submission's processes, one after another where one dies."""

    def __init__(self, grader: Grader, notebook: NotebookNode) -> None:
        self.grader, self.cells = grader, notebook.cells
        self.limits = grader.sandbox.limits
        self._end = time.monotonic() + self.limits.time
        self._history: list[int] = []  # cells that ran and left the process alive
        self._process: Submission | None = None
        self._deaths = 0
        self._answers = {
            marks_of(cell).grade_id: cell for cell in notebook.cells if marks_of(cell).solution
        }

    def seen(self) -> dict[int, Verdict]:
        """Run all cells; return by index the verdicts of the checks' visible parts."""
        found = {}
        with closing(self):
            for index, cell in self._code():
                if is_check(cell):
                    found[index] = self.judge(cell, visible(cell.source, self.grader.delimiters))
                else:
                    cell.outputs = [nbformat.from_dict(output) for output in self.execute(index)]
        return found

    def unseen(self, checks: set[int]) -> dict[int, Verdict]:
        """Run all cells up to the last of some checks; return by index the checks' verdicts."""
        found = {}
        with closing(self):
            for index, cell in self._code():
                if index > max(checks, default=-1):
                    break
                if index in checks:
                    found[index] = self.judge(cell, cell.source, blind=True)
                elif not is_check(cell):
                    self.execute(index)
        return found

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def _code(self) -> Iterator[tuple[int, NotebookNode]]:
        """Yield the cells that grading runs, with their index."""
        for index, cell in enumerate(self.cells):
            if is_run(cell):
                yield index, cell

    def execute(self, index: int) -> list[dict[str, Any]]:
        """Run a cell; return its outputs."""
        try:
            process, seconds = self._alive()
        except _UsedUp as reason:
            return [_error("not run", str(reason))]
        try:
            result = process.run(self.cells[index].source, seconds)
        except Gone as gone:
            outputs = process.printed()
            self._bury()
            return [*outputs, _error(*_end_in_words(gone.reason, "This cell"))]
        self._history.append(index)
        self.cells[index].execution_count = result.count
        outputs = [*result.printed, *clean(result.said)]
        if result.ended == "timeout":
            text = f"This cell took more than {seconds:.0f} s and was interrupted."
            return [*outputs, _error("timeout", text)]
        return outputs

    def judge(self, cell: NotebookNode, source: str, *, blind: bool = False) -> Verdict:
        """Run a check's source against a fork of the process; diagnose a wrong answer."""
        exercise = marks_of(cell).exercise
        verdict: Verdict | None = None
        try:
            process, seconds = self._alive()
        except _UsedUp as reason:
            return Verdict("timeout", str(reason))
        try:
            with process.check(seconds) as peer:
                try:
                    untouched = self._is_untouched(exercise)
                    verdict = judge(
                        source,
                        peer,
                        self.grader.given,
                        untouched=untouched,
                        blind=blind,
                        delimiters=self.grader.delimiters,
                    )
                except Closed:
                    verdict = Verdict("crashed", "The code ended its own process.")
        except Gone as gone:
            self._bury()
            if verdict is None or verdict.word == "crashed":
                verdict = Verdict(*_end_in_words(gone.reason, "The code"))
        if self.grader.diagnose is not None and verdict.word in ("failed", "error"):
            return replace(verdict, diagnosis=self.grader.diagnose(exercise, verdict))
        return verdict

    def _is_untouched(self, exercise: str) -> bool:
        answer = self._answers.get(exercise)
        stub = self.grader.stubs.get(exercise, "")
        return answer is not None and answer.source.strip() in ("", stub.strip())

    def _alive(self) -> tuple[Submission, float]:
        """Return a process that has run all cells so far, and the seconds that the next may take.

        Raises _UsedUp where the submission has had its time, or its share of processes.
        """
        while True:
            seconds = min(self.limits.cell_time, self._end - time.monotonic())
            if seconds <= 0:
                raise _UsedUp(f"The submission has used up its {self.limits.time:.0f} s.")
            if self._process is not None:
                return self._process, seconds
            if self._deaths > DEATHS:
                raise _UsedUp(f"The submission has ended its process {self._deaths} times.")
            self._process = self.grader.sandbox.submission(self.grader.files)
            for index in tuple(self._history):
                try:
                    self._process.run(self.cells[index].source, seconds)
                except Gone:
                    self._history.remove(index)
                    self._bury()
                    break

    def _bury(self) -> None:
        self.close()
        self._deaths += 1


class _UsedUp(Exception):
    """A submission gets no further process, or no further time."""


def note_verdict(cell: NotebookNode, verdict: Verdict) -> None:
    """Write a verdict into a check: in its outputs for people, in its metadata for nbgrader."""
    points = marks_of(cell).points
    earned = 0.0
    if verdict.word == "passed":
        earned = points if verdict.score is None else verdict.score
    if not 0 <= earned <= points:
        verdict = Verdict(
            "infrastructure",
            f"The check ended with {earned:g}; expected a number of points from 0 to {points:g}.",
        )
        earned = 0.0
    # Tenths, so that grading the same again nearly always gives the same bytes.
    cells.note_verdict(cell, cells.Noted(verdict.word, earned, round(verdict.seconds, 1)))
    text = verdict.message
    if verdict.diagnosis:
        text = f"{text}\n\n{verdict.diagnosis}"
    if verdict.word == "passed":
        said = f"passed: {earned:g} of {points:g} points"
        cell.outputs = [v4.new_output("display_data", {"text/plain": said})]
    else:
        cell.outputs = [nbformat.from_dict(_error(verdict.word, text))]


def _end_in_words(reason: str, what: str) -> tuple[Word, str]:
    match reason:
        case "memory":
            return "memory", f"{what} used more memory than a submission may."
        case "processes":
            return "crashed", f"{what} started more processes than a submission may."
        case "timeout":
            return "timeout", f"{what} did not end in time and did not heed an interrupt."
    return "crashed", f"{what} ended the process of the submission ({reason})."


def _error(name: str, text: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": text, "traceback": [f"{name}: {text}"]}
