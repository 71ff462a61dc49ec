"""A secret is found in whatever file, and under whatever escapes, it lies."""

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.errors import LeakError
from autograder.lessons.leaks import find, refuse, secrets

SECRET = 'return "twice", x + x'


def notebook(*sources: str) -> NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])


SOLUTION = f"def f(x):\n    ### BEGIN SOLUTION\n    {SECRET}\n    ### END SOLUTION"


def test_secrets_are_the_hidden_lines_that_stand_nowhere_in_the_open() -> None:
    found = secrets(
        notebook(
            f"{SOLUTION}\nx = 1",
            "### BEGIN HIDDEN TESTS\nassert f(7) == 14\nassert f(2) == 4\n### END HIDDEN TESTS",
            "# as you saw, assert f(2) == 4 holds",
        )
    )
    assert found == {SECRET, "assert f(7) == 14"}


@pytest.mark.parametrize("line", [")", "else:", "x = 1234", "        y = 123"])
def test_a_line_counts_from_eight_characters(line: str) -> None:
    found = secrets(notebook(f"### BEGIN SOLUTION\n{line}\n### END SOLUTION"))
    assert found == ({line.strip()} if len(line.strip()) >= 8 else set())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tiny.ipynb", nbformat.writes(notebook(f"try {SECRET}"))),
        ("tiny.py", f"    {SECRET}\n"),
        ("deep/er/data.csv", f"a,b\n{SECRET}\n"),
        ("picture.bin", f"\udcff\udcfe{SECRET}"),
        (
            "tiny.ipynb",
            nbformat.writes(nbformat.v4.new_notebook(metadata={"note": {SECRET: ["x"]}})),
        ),
        (
            "tiny.ipynb",
            nbformat.writes(
                nbformat.v4.new_notebook(
                    cells=[
                        nbformat.v4.new_code_cell(
                            "x", outputs=[nbformat.v4.new_output("stream", text=f">>> {SECRET}")]
                        )
                    ]
                )
            ),
        ),
    ],
    # The contents hold cell ids, which differ from worker to worker.
    ids=["notebook", "module", "data", "picture", "metadata", "output"],
)
def test_a_secret_is_found_wherever_it_lies(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, errors="surrogateescape")
    (tmp_path / "harmless.txt").write_text("nothing here")
    assert find({SECRET, "something else"}, tmp_path) == {path: SECRET}
    with pytest.raises(LeakError, match=r"would show students the line") as caught:
        refuse(notebook(SOLUTION), tmp_path)
    assert path.name in str(caught.value)
    assert SECRET in str(caught.value)


def test_a_release_without_secrets_passes(tmp_path: Path) -> None:
    (tmp_path / "tiny.ipynb").write_text(nbformat.writes(notebook("def f(x):\n    raise ...")))
    (tmp_path / "tiny.py").write_text("x = 1\n")
    refuse(notebook(SOLUTION), tmp_path)
    assert find({SECRET}, tmp_path) == {}
