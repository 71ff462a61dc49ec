"""The pattern of a lesson: what points are for, and how much of what is seen is apparatus."""

import ast
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.config import Course
from autograder.lessons import build
from autograder.lessons.lesson import Exercise, load
from autograder.lessons.matrix import in_process
from autograder.notebooks.cells import FOLDED, Marker, from_notebook

# Of a lesson's points that checks give, the share that an answer without any refusal keeps.
KEPT = 0.85
# Of the lines that are seen while nothing is unfolded, the share of apparatus.
APPARATUS = 0.15
KINDS_OF_APPARATUS = ("check", "habit", "claim", "predict", "reveal")
FIRST_LINES = {
    "check": "# Check of ",
    "habit": "# Habit of ",
    "claim": "# Trial: ",
    "predict": "# ",
    "reveal": "# ",
}
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)


def lessons(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "source").glob("*.py"))


def released(root: Path, topic: str) -> Iterator[tuple[NotebookNode, Marker | None]]:
    path = root / f"release/{topic}/{topic}.ipynb"
    for cell in nbformat.read(path, as_version=4).cells:
        yield cell, from_notebook(cell.metadata)


class WithoutRefusals(ast.NodeTransformer):
    """Takes every ``raise ValueError`` out of an answer, with the question that guards it."""

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        refusal = isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) == "ValueError"
        return ast.Return(ast.Constant(None)) if refusal else node

    def visit_If(self, node: ast.If) -> ast.stmt | None:
        guarded = [self.visit(statement) for statement in node.body]
        if all(isinstance(s, ast.Raise) for s in node.body) and guarded != node.body:
            return None
        self.generic_visit(node)
        return node


def without_refusals(source: str) -> str:
    return ast.unparse(ast.fix_missing_locations(WithoutRefusals().visit(ast.parse(source))))


def points_are_for_what_a_lesson_teaches(root: Path) -> list[str]:
    violations = []
    for topic in lessons(root):
        lesson = load(Course(root), topic)
        kept = total = 0.0
        for exercise in lesson.exercises:
            answer = without_refusals(exercise.solution)
            total += exercise.points + exercise.habit_points
            problem = in_process(lesson.setup, answer, exercise.check)
            if problem is None:
                kept += exercise.points
            else:
                violations.append(f"{topic}: {exercise.name} is lost: {problem}")
            if exercise.habit and in_process(lesson.setup, answer, exercise.habit) is None:
                violations.append(f"{topic}: the habit of {exercise.name} asks for nothing")
        if kept < KEPT * total:
            violations.append(f"{topic}: {kept:g} of {total:g} points are kept")
    return violations


def points_stand_where_students_see_them(root: Path) -> list[str]:
    """In the text before the exercise, in the folded line, and in what a check that passes says."""
    violations = []
    for topic in lessons(root):
        exercises = {e.name: e for e in load(Course(root), topic).exercises}
        text = ""
        for cell, marker in released(root, topic):
            if cell.cell_type == "markdown":
                text += cell.source
            elif marker and marker.kind == "exercise":
                if split(exercises[marker.name]) not in text:
                    wanted = split(exercises[marker.name])
                    violations.append(f"{topic}, {marker.name}: the text lacks {wanted!r}")
                text = ""
            elif marker and marker.kind in ("check", "habit"):
                assert marker.points
                first, last = cell.source.splitlines()[0], cell.source.splitlines()[-1]
                habit = ", habit=True" if marker.kind == "habit" else ""
                call = f'right("{marker.name}", points={marker.points:g}{habit})'
                begins = f"{FIRST_LINES[marker.kind]}{marker.name}, {counted(marker.points)}"
                if not first.startswith(begins):
                    violations.append(f"{topic}, {cell.id}: begins {first!r}, expected {begins!r}")
                if last != call:
                    violations.append(f"{topic}, {cell.id}: ends {last!r}, expected {call!r}")
    return violations


def split(exercise: Exercise) -> str:
    """Tell how an exercise's points are split, as its text does."""
    if exercise.habit:
        return f"**{counted(exercise.points)}, and {exercise.habit_points:g} for the habit.**"
    return f"**{counted(exercise.points)}.**"


def counted(points: float) -> str:
    return f"{points:g} point" + "s" * (points != 1)


def folded_cells_say_in_their_first_line_what_they_are(root: Path) -> list[str]:
    return [
        f"{topic}, {cell.id}: begins {cell.source.splitlines()[0]!r}"
        for topic in lessons(root)
        for cell, marker in released(root, topic)
        if marker and marker.kind in FOLDED and not cell.source.startswith(FIRST_LINES[marker.kind])
    ]


def seen(cell: NotebookNode) -> int:
    """Count the lines that a student sees of a cell while nothing is unfolded."""
    marker = from_notebook(cell.metadata)
    if marker and marker.kind == "predict":
        # Its code is folded; the question and each option are shown.
        options = re.findall(r"^    [a-z]=", cell.source, re.MULTILINE)
        return 1 + len(options)
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        return 1
    # Of what unfolds, the line to click on is seen.
    text = DETAILS.sub("hint", cell.source) if cell.cell_type == "markdown" else cell.source
    return sum(bool(line.strip()) for line in text.splitlines())


def share_of_apparatus(root: Path, topic: str) -> float:
    cells = list(released(root, topic))
    apparatus = sum(seen(c) for c, marker in cells if marker and marker.kind in KINDS_OF_APPARATUS)
    return apparatus / sum(seen(cell) for cell, _ in cells)


def little_of_what_is_seen_is_apparatus(root: Path) -> list[str]:
    shares = {topic: share_of_apparatus(root, topic) for topic in lessons(root)}
    return [f"{topic}: {s:.1%} is apparatus" for topic, s in shares.items() if s > APPARATUS]


def how_it_works_is_told_once(root: Path) -> list[str]:
    """In the first lesson; the others refer to it."""
    violations = []
    for topic in lessons(root):
        texts = [cell.source for cell, _ in released(root, topic) if cell.cell_type == "markdown"]
        told = any(text.startswith("## How it works") for text in texts)
        linked = any("activations.ipynb#How-it-works" in text for text in texts)
        if told != (topic == "activations") or linked == told:
            violations.append(f"{topic}: how it works is {'told' if told else 'not linked to'}")
    return violations


def trials_are_followed_by_words(root: Path) -> list[str]:
    """No two trials stand one after the other: something is said, asked or done between them."""
    violations = []
    for topic in lessons(root):
        kinds = [(marker.kind if marker else "", cell.id) for cell, marker in released(root, topic)]
        violations += [
            f"{topic}: {second} follows {first} at once"
            for (kind, first), (following, second) in pairwise(kinds)
            if kind == following == "claim"
        ]
    return violations


Law = Callable[[Path], list[str]]
LAWS = (
    points_are_for_what_a_lesson_teaches,
    points_stand_where_students_see_them,
    folded_cells_say_in_their_first_line_what_they_are,
    little_of_what_is_seen_is_apparatus,
    how_it_works_is_told_once,
    trials_are_followed_by_words,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_lesson_keeps_the_law(law: Law, repository: Path) -> None:
    assert lessons(repository)
    assert law(repository) == []


def edit(root: Path, old: str, new: str, *, rebuild: bool = False) -> None:
    """Change the text of the first lesson, or its released notebook."""
    topic = lessons(root)[0]
    path = root / (f"source/{topic}.py" if rebuild else f"release/{topic}/{topic}.ipynb")
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, 1))
    if rebuild:
        build.build(Course(root), [topic])


def ask_for_nothing(root: Path) -> None:
    """Let a habit call a function that accepts everything."""
    heading = "# Habit of dead_fraction, 0.5 points: it refuses what is not (N, units).\n"
    edit(root, heading, "def refuses(*_): ...\n\n\n", rebuild=True)
    edit(
        root,
        "from course.checks import refuses, right\n",
        "from course.checks import right\n",
        rebuild=True,
    )


def twin(root: Path) -> None:
    """Put a trial beside another one."""
    path = root / "release/activations/activations.ipynb"
    notebook = nbformat.read(path, as_version=4)
    at = next(i for i, cell in enumerate(notebook.cells) if cell.id.startswith("claim-"))
    again = notebook.cells[at].copy()
    again.id = "claim-again"
    notebook.cells.insert(at, again)
    nbformat.write(notebook, path)


def unfold(root: Path) -> None:
    """Unfold every cell of a lesson."""
    path = root / "release/activations/activations.ipynb"
    path.write_text(path.read_text().replace('"source_hidden": true', '"source_hidden": false'))


FAULTS: dict[str, tuple[Law, Callable[[Path], object], str]] = {
    "a refusal in a check": (
        points_are_for_what_a_lesson_teaches,
        lambda root: edit(
            root,
            'right("dead_fraction", points=1)\n',
            "from course.checks import refuses\n"
            'refuses(lambda: dead_fraction(torch.ones(3)), "dead_fraction")\n'
            'right("dead_fraction", points=1)\n',
            rebuild=True,
        ),
        "dead_fraction is lost",
    ),
    "a dear habit": (
        points_are_for_what_a_lesson_teaches,
        lambda root: edit(
            root, 'habit="dead_fraction" points=0.5', 'habit="dead_fraction" points=9', rebuild=True
        ),
        "points are kept",
    ),
    "a habit that asks for nothing": (
        points_are_for_what_a_lesson_teaches,
        ask_for_nothing,
        "the habit of dead_fraction asks for nothing",
    ),
    "points that the text does not tell": (
        points_stand_where_students_see_them,
        lambda root: edit(root, "**1 point.** The simplest", "The simplest"),
        "relu: the text lacks '**1 point.**'",
    ),
    "points that the folded line does not tell": (
        points_stand_where_students_see_them,
        lambda root: edit(root, "# Check of elu, 2 points", "# Check of elu, 3 points"),
        "check-elu: begins",
    ),
    "points that a check tells wrongly": (
        points_stand_where_students_see_them,
        lambda root: edit(root, 'right(\\"elu\\", points=2)', 'right(\\"elu\\", points=3)'),
        "check-elu: ends",
    ),
    "a trial without a first line": (
        folded_cells_say_in_their_first_line_what_they_are,
        lambda root: edit(root, "# Trial: does a leaky unit come back?", "import os"),
        "claim-leaky_units: begins 'import os'",
    ),
    "unfolded checks": (little_of_what_is_seen_is_apparatus, unfold, "is apparatus"),
    "how it works left out": (
        how_it_works_is_told_once,
        lambda root: edit(root, "## How it works", "## Before you begin"),
        "activations: how it works is not linked to",
    ),
    "two trials in a row": (trials_are_followed_by_words, twin, "follows claim-again at once"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_breaks_the_law(name: str, copy: Path) -> None:
    law, plant, violation = FAULTS[name]
    plant(copy)
    assert any(violation in found for found in law(copy)), law(copy)


def test_every_law_has_a_planted_fault() -> None:
    assert {law for law, _, _ in FAULTS.values()} == set(LAWS)


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f(x):\n    if x < 0:\n        raise ValueError(x)\n    return x", "return x"),
        ("def f(x):\n    if x:\n        return x\n    raise ValueError('x')", "return None"),
        (
            "def f(x):\n    if x < 0:\n        raise TypeError(x)\n    return x",
            "raise TypeError(x)",
        ),
        ("def f(x):\n    if x < 0:\n        x = 0\n    return x", "x = 0"),
    ],
)
def test_refusals_and_nothing_else_are_taken_out(source: str, left: str) -> None:
    stripped = without_refusals(source)
    assert left in stripped
    assert "ValueError" not in stripped
