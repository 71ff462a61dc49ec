"""What holds for every lesson that has a text in source/."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode

from autograder.config import Course
from autograder.lessons import build, leaks
from autograder.notebooks.cells import from_notebook

LONGEST_CELL = 25
LONGEST_SETUP = 15
# One topic is one identifier, and these are the places where it stands.
PLACES = (
    "source/{0}/{0}.ipynb",
    "release/{0}/{0}.ipynb",
    "cnnlib/{0}.py",
    "course/widgets/{0}.py",
    "course/answers/{0}.py",
    "tests/cnnlib/test_{0}.py",
    "tests/course/widgets/test_{0}.py",
)
# Folders that hold nothing but lessons.
OWNED = ("source", "release", "course/answers")


def lessons(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "source").glob("*.py"))


def syllabus(root: Path) -> dict[str, dict[str, object]]:
    table = tomllib.loads((root / "course/syllabus.toml").read_text())
    return {topic["name"]: topic for topic in table["topic"]}


def text_cells(root: Path, topic: str) -> list[NotebookNode]:
    return jupytext.reads((root / "source" / f"{topic}.py").read_text(), fmt="py:percent").cells


def notebooks(root: Path, *folders: str) -> Iterator[tuple[str, NotebookNode]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                yield path.relative_to(root).as_posix(), nbformat.read(path, as_version=4)


def a_topic_has_one_name_everywhere(root: Path) -> list[str]:
    known = lessons(root)
    violations = [
        f"{topic} is not in the syllabus" for topic in known if topic not in syllabus(root)
    ]
    for topic in known:
        places = [place.format(topic) for place in PLACES]
        # A widget module that grew is a package, and so are its tests.
        there = [
            (root / place).is_file() or (root / place).with_suffix("").is_dir() for place in places
        ]
        violations += [
            f"{place} is missing" for place, found in zip(places, there, strict=True) if not found
        ]
    for folder in OWNED:
        for path in sorted((root / folder).iterdir()):
            if path.stem not in known and path.name != "__pycache__":
                violations.append(f"{folder}/{path.name} belongs to no lesson")
    return violations


def released_code_cells_are_short(root: Path) -> list[str]:
    """Blank lines do not count."""
    violations = []
    for name, notebook in notebooks(root, "release"):
        for cell in notebook.cells:
            marker = from_notebook(cell.metadata)
            longest = LONGEST_SETUP if marker and marker.kind == "setup" else LONGEST_CELL
            length = sum(bool(line.strip()) for line in cell.source.splitlines())
            if cell.cell_type == "code" and length > longest:
                violations.append(f"{name}, {cell.id}: {length} lines; expected {longest} or fewer")
    return violations


def heads_agree_with_the_syllabus(root: Path) -> list[str]:
    violations = []
    for topic in lessons(root):
        head = text_cells(root, topic)[0].source
        title, _, rest = head.partition("\n")
        listed = re.findall(r"^- (.*?[,.])$(?=\n- |\n\n)", rest, re.MULTILINE | re.DOTALL)
        minutes = re.search(r"\*\*Time\.\*\* (\d+) to (\d+) minutes", rest)
        actual = {
            "title": title.removeprefix("# "),
            "objectives": [" ".join(item.split()).rstrip(",.") for item in listed],
            "minutes": [int(number) for number in minutes.groups()] if minutes else None,
        }
        violations += [
            f"{topic}: {key} is {value!r}; the syllabus says {syllabus(root)[topic][key]!r}"
            for key, value in actual.items()
            if value != syllabus(root)[topic][key]
        ]
    return violations


def solutions_are_the_reference_library(root: Path) -> list[str]:
    """Docstrings aside: a lesson's is the exercise's text, the library's has an example."""
    violations = []
    for topic in lessons(root):
        library = definitions((root / "cnnlib" / f"{topic}.py").read_text())
        solutions: dict[str, str] = {}
        for cell in text_cells(root, topic):
            if "exercise" in cell.metadata and cell.cell_type == "code":
                solutions |= definitions(cell.source)
        shared = sorted(solutions.keys() & library.keys())
        violations += [
            f"{topic}: {name} differs from cnnlib.{topic}.{name}"
            for name in shared
            if solutions[name] != library[name]
        ]
        if not shared:
            violations.append(f"{topic}: no exercise has the name of anything in cnnlib.{topic}")
    return violations


def definitions(code: str) -> dict[str, str]:
    """Functions and classes at the top of some code: name -> syntax tree without docstrings."""
    tree = ast.parse(code)
    kinds = ast.FunctionDef | ast.ClassDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            del node.body[0]
    return {node.name: ast.dump(node) for node in tree.body if isinstance(node, kinds)}


def notebooks_are_what_the_texts_give(root: Path) -> list[str]:
    course = Course(root)
    return [
        f"{difference.path.relative_to(root)} {difference.reason}"
        for difference in build.check(course, course.topics())
    ]


def releases_show_no_solution(root: Path) -> list[str]:
    violations = []
    for topic in lessons(root):
        notebook = build.to_notebook((root / "source" / f"{topic}.py").read_text())
        secret = leaks.secrets(notebook) | {"BEGIN SOLUTION", "BEGIN HIDDEN", "BEGIN MARK SCHEME"}
        assert len(secret) > 20, f"{topic} has next to nothing to hide"
        violations += [
            f"{path.relative_to(root)} shows {line!r}"
            for path, line in leaks.find(secret, root / "release" / topic).items()
        ]
    return violations


def notebooks_hold_no_outputs(root: Path) -> list[str]:
    return [
        f"{name}, {cell.id}: was run"
        for name, notebook in notebooks(root, "source", "release")
        for cell in notebook.cells
        if cell.get("outputs") or cell.get("execution_count") is not None
    ]


def releases_are_not_paired_with_a_text(root: Path) -> list[str]:
    """Paired, a student's notebook would pull the solutions back in."""
    return [
        f"{name} carries jupytext metadata"
        for name, notebook in notebooks(root, "release")
        if any("jupytext" in item.metadata for item in (notebook, *notebook.cells))
    ]


def nothing_is_left_to_fill_in(root: Path) -> list[str]:
    return [
        f"source/{topic}.py: {found} is to be measured and filled in"
        for topic in lessons(root)
        for found in re.findall(r"@[A-Z_]+@", (root / f"source/{topic}.py").read_text())
    ]


def predictions_can_be_clicked(root: Path) -> list[str]:
    """A click writes the answer into the one place that the page's script looks for."""
    script = (root / "course/predictions.js").read_text()
    pattern = re.search(r"^const ANSWER = /(.+)/m;$", script, re.MULTILINE)
    assert pattern is not None
    violations = []
    for topic in lessons(root):
        for cell in text_cells(root, topic):
            name = cell.metadata.get("predict")
            places = re.findall(pattern[1], cell.source, re.MULTILINE)
            if name and len(places) != 1:
                violations.append(f"{topic}, {name}: {len(places)} lines answer=..., expected one")
            if name and not cell.source.startswith("# "):
                violations.append(f"{topic}, {name}: shows its first line, expected a comment")
            if name and '"' in "".join(re.findall(r"answer=(.*)", cell.source)):
                violations.append(f"{topic}, {name}: is answered already")
    return violations


Law = Callable[[Path], list[str]]
LAWS = (
    a_topic_has_one_name_everywhere,
    released_code_cells_are_short,
    heads_agree_with_the_syllabus,
    solutions_are_the_reference_library,
    notebooks_are_what_the_texts_give,
    releases_show_no_solution,
    notebooks_hold_no_outputs,
    releases_are_not_paired_with_a_text,
    nothing_is_left_to_fill_in,
    predictions_can_be_clicked,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_repository_keeps_the_law(law: Law, repository: Path) -> None:
    assert lessons(repository)
    assert law(repository) == []


def edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1, f"{pattern} is not in {path}"
    path.write_text(text)


def change(path: Path, cell_id: str, **values: object) -> None:
    notebook = nbformat.read(path, as_version=4)
    next(cell for cell in notebook.cells if cell.id == cell_id).update(values)
    nbformat.write(notebook, path)


def pair(root: Path, topic: str) -> None:
    path = root / f"release/{topic}/{topic}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    nbformat.write(notebook, path)


def first_check(root: Path, topic: str) -> str:
    marks = (cell.metadata.get("check") for cell in text_cells(root, topic))
    return f"check-{next(name for name in marks if name)}"


def hidden_line(root: Path, topic: str) -> str:
    text = (root / f"source/{topic}.py").read_text()
    return max(leaks.secrets(build.to_notebook(text)), key=len)


FAULTS: dict[str, tuple[Law, Callable[[Path, str], object], str]] = {
    "no bank of answers": (
        a_topic_has_one_name_everywhere,
        lambda root, topic: (root / f"course/answers/{topic}.py").unlink(),
        "course/answers/{0}.py is missing",
    ),
    "no module of the library": (
        a_topic_has_one_name_everywhere,
        lambda root, topic: (root / f"cnnlib/{topic}.py").rename(root / "cnnlib/other.py"),
        "cnnlib/{0}.py is missing",
    ),
    "a release of another name": (
        a_topic_has_one_name_everywhere,
        lambda root, _: (root / "release/lecture").mkdir(),
        "release/lecture belongs to no lesson",
    ),
    "a long cell": (
        released_code_cells_are_short,
        lambda root, topic: change(
            root / f"release/{topic}/{topic}.ipynb", first_check(root, topic), source="x = 1\n" * 26
        ),
        "26 lines",
    ),
    "a long setup": (
        released_code_cells_are_short,
        lambda root, topic: change(
            root / f"release/{topic}/{topic}.ipynb", "setup", source="x = 1\n" * 16
        ),
        "16 lines",
    ),
    "another title": (
        heads_agree_with_the_syllabus,
        lambda root, topic: edit(root / f"source/{topic}.py", r"# # .*", "# # Another title"),
        "{0}: title is 'Another title'",
    ),
    "an objective more": (
        heads_agree_with_the_syllabus,
        lambda root, topic: edit(root / f"source/{topic}.py", r"\n# - ", "\n# - be brave,\n# - "),
        "{0}: objectives is ['be brave', ",
    ),
    "more minutes": (
        heads_agree_with_the_syllabus,
        lambda root, _: edit(root / "course/syllabus.toml", r"minutes = .*", "minutes = [7, 8]"),
        "the syllabus says [7, 8]",
    ),
    "another solution": (
        solutions_are_the_reference_library,
        lambda root, topic: edit(
            root / f"source/{topic}.py", r"    ### BEGIN SOLUTION\n", r"\g<0>    assert True\n"
        ),
        "differs from cnnlib.{0}",
    ),
    "nothing in common": (
        solutions_are_the_reference_library,
        lambda root, topic: (root / f"cnnlib/{topic}.py").write_text("def unheard_of(): ...\n"),
        "no exercise",
    ),
    "a text that went on": (
        notebooks_are_what_the_texts_give,
        lambda root, topic: edit(root / f"source/{topic}.py", r"# %% setup\n", r"\g<0>import os\n"),
        "source/{0}/{0}.ipynb is not what the text gives",
    ),
    "a solution in a page": (
        releases_show_no_solution,
        lambda root, topic: (root / f"release/{topic}/notes.md").write_text(
            f"Try this: {hidden_line(root, topic)}\n"
        ),
        "release/{0}/notes.md shows",
    ),
    "the source beside the release": (
        releases_show_no_solution,
        lambda root, topic: (root / f"release/{topic}/{topic}.py").write_text(
            (root / f"source/{topic}.py").read_text()
        ),
        "release/{0}/{0}.py shows",
    ),
    "an output": (
        notebooks_hold_no_outputs,
        lambda root, topic: change(
            root / f"source/{topic}/{topic}.ipynb",
            "setup",
            outputs=[nbformat.v4.new_output("stream", text="hello")],
        ),
        "source/{0}/{0}.ipynb, setup: was run",
    ),
    "a count": (
        notebooks_hold_no_outputs,
        lambda root, topic: change(
            root / f"release/{topic}/{topic}.ipynb", "setup", execution_count=1
        ),
        "release/{0}/{0}.ipynb, setup: was run",
    ),
    "a gap": (
        nothing_is_left_to_fill_in,
        lambda root, topic: edit(root / f"source/{topic}.py", r"# # .*", "# # @TITLE@"),
        "source/{0}.py: @TITLE@",
    ),
    "an answer that a click does not find": (
        predictions_can_be_clicked,
        lambda root, topic: edit(
            root / f"source/{topic}.py", r"\n    answer=\.\.\.", " answer=..."
        ),
        "0 lines answer=...",
    ),
    "a folded cell that shows its question": (
        predictions_can_be_clicked,
        lambda root, topic: edit(
            root / f"source/{topic}.py", r'(# %% predict="\w+"\n)# .*\n', r"\1"
        ),
        "expected a comment",
    ),
    "an answer given away": (
        predictions_can_be_clicked,
        lambda root, topic: edit(root / f"source/{topic}.py", r"answer=\.\.\.", 'answer="a"'),
        "is answered already",
    ),
    "a paired notebook": (
        releases_are_not_paired_with_a_text,
        pair,
        "release/{0}/{0}.ipynb carries jupytext metadata",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_breaks_the_law(name: str, copy: Path) -> None:
    law, plant, violation = FAULTS[name]
    topic = lessons(copy)[0]
    plant(copy, topic)
    assert any(violation.format(topic) in found for found in law(copy))


def test_every_law_has_a_planted_fault() -> None:
    assert {law for law, _, _ in FAULTS.values()} == set(LAWS)


def test_a_solution_may_have_a_docstring_of_its_own() -> None:
    ours = 'def f(x):\n    """Ours."""\n    return x\n'
    theirs = 'def f(x):\n    """Theirs, with an example."""\n    return x\n'
    assert definitions(ours) == definitions(theirs)
    assert definitions(ours) != definitions(theirs.replace("return x", "return x + 0"))
