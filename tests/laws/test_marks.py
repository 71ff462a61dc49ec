"""What a cell's metadata means is known in one place."""

import ast
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.laws.reading import modules

HOME = "autograder/notebooks/cells.py"
# Keys of metadata that mean something to us; others, such as a kernel's name, are other people's.
OURS = {
    *("nbgrader", "autograder", "autograder_role", "autograder_verdict", "autograder_grading"),
    "magics_language",
}


def metadata_is_read_and_written_in_one_place(root: Path) -> list[str]:
    return [
        f"{path}:{line} reads or writes {key!r} of metadata; expected a function of {HOME}"
        for path, tree in modules(root, "autograder")
        if path != HOME
        for line, key in uses(tree)
    ]


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the lines that look one of our keys up, and the key.

    nbconvert's resources, which have a key of the same name, are no metadata.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=holder, slice=ast.Constant(value=str(key))):
                pass
            case ast.Call(
                func=ast.Attribute(value=holder, attr="get" | "pop" | "setdefault"),
                args=[ast.Constant(value=str(key)), *_],
            ):
                pass
            case ast.Compare(left=ast.Constant(value=str(key)), comparators=[holder]):
                pass
            case ast.Attribute(value=ast.Attribute(attr="metadata") as holder, attr=key):
                pass
            case ast.Dict(keys=keys):
                named = [k.value for k in keys if isinstance(k, ast.Constant)]
                yield from ((node.lineno, key) for key in named if key in OURS)
                continue
            case _:
                continue
        if key in OURS and ast.unparse(holder) != "resources":
            yield node.lineno, key


def test_metadata_is_read_and_written_in_one_place(repository: Path) -> None:
    assert metadata_is_read_and_written_in_one_place(repository) == []
    home = ast.parse((repository / HOME).read_text())
    assert {key for _, key in uses(home)} == OURS


@pytest.mark.parametrize(
    "line",
    [
        'cell.metadata["autograder"] = {"verdict": "passed"}',
        'name = cell.metadata.get("nbgrader", {}).get("grade_id")',
        "points = cell.metadata.nbgrader.points",
        'kinds = metadata.get("autograder", {})',
        'found = "nbgrader" in cell.metadata',
        'cell = new_code_cell(metadata={"autograder_role": "rubric"})',
        'cell.metadata.setdefault("autograder_verdict", {})',
    ],
)
def test_a_planted_line_breaks_the_law(
    line: str, plant: Callable[[Mapping[str, str]], Path]
) -> None:
    sound = 'about = resources["nbgrader"]\nlanguage = notebook.metadata.get("language_info")\n'
    files = {"autograder/judging/run.py": sound, HOME: line + "\n"}
    assert metadata_is_read_and_written_in_one_place(plant(files)) == []
    files["autograder/judging/run.py"] = sound + line + "\n"
    (found,) = metadata_is_read_and_written_in_one_place(plant(files))
    assert found.startswith("autograder/judging/run.py:3")
