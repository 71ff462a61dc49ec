"""A bank gives its answers with their explanations, and says which cell is no answer."""

from pathlib import Path

import pytest

from autograder.errors import MarkerError
from autograder.lessons.bank import Answer, read

REFERENCES = {
    "double": '''def double(x: float) -> float:
    """Return twice x."""
    ### BEGIN SOLUTION
    if x is None:
        raise ValueError("x is None")

    y = x
    y = y + x
    return y
    ### END SOLUTION''',
    "half": "class Half:\n    def up(self, x):\n        y = x\n        return y / 2\n\n"
    "    def down(self, x):\n        y = x\n        return y // 2\n",
}
WHOLE = '# %% misconception="a" exercise="double"\n# A sentence.\ndef double(x):\n    return x\n'
EDIT = '# %% misconception="a" exercise="double"\n# A sentence.\n# - y = y + x\n# + y = y * x\n'


def answers(text: str, tmp_path: Path) -> tuple[Answer, ...]:
    path = tmp_path / "tiny.py"
    path.write_text(f'"""Answers."""\n\n{text}')
    return read(path, REFERENCES)


def edited(edit: str, tmp_path: Path, exercise: str = "double") -> str:
    text = f'# %% misconception="a" exercise="{exercise}"\n# A sentence.\n{edit}'
    (answer,) = answers(text, tmp_path)
    return answer.source


def test_a_whole_answer_stands_for_the_cell(tmp_path: Path) -> None:
    assert answers(WHOLE, tmp_path) == (
        Answer(
            "misconception",
            "a",
            "double",
            "A sentence.",
            "# A sentence.\ndef double(x):\n    return x",
        ),
    )


def test_a_bank_is_read_in_its_order(tmp_path: Path) -> None:
    bank = (
        WHOLE
        + EDIT.replace('"a"', '"b" of="c"')
        + WHOLE.replace('misconception="a"', 'alternative="c"')
    )
    text = bank.replace("    return x\n", "    y = x\n    y = y + x\n    return y\n")
    assert [a.name for a in answers(text, tmp_path)] == ["a", "b", "c"]


def test_only_the_comment_at_the_top_explains(tmp_path: Path) -> None:
    (answer,) = answers(WHOLE + "    # not this\n", tmp_path)
    assert answer.explanation == "A sentence."
    text = EDIT.replace("# A sentence.", "# Two lines,\n# -1 and 1 among them.")
    (answer,) = answers(text, tmp_path)
    assert answer.explanation == "Two lines, -1 and 1 among them."


def test_an_edit_is_the_reference_with_its_lines_in_place(tmp_path: Path) -> None:
    (answer,) = answers(EDIT, tmp_path)
    assert answer.edit == "- y = y + x\n+ y = y * x"
    assert answer.source == (
        'def double(x: float) -> float:\n    """Return twice x."""\n    if x is None:\n'
        '        raise ValueError("x is None")\n\n    y = x\n    y = y * x\n    return y\n'
    )


@pytest.mark.parametrize(
    ("edit", "exercise", "gone", "come"),
    [
        # A line goes and none comes; one comes behind, or before, one that stays.
        ("# - y = y + x\n", "double", "    y = y + x\n", ""),
        (
            "#   y = y + x\n# + y = y + 1\n",
            "double",
            "    return y\n",
            "    y = y + 1\n    return y\n",
        ),
        ("# + y = 3\n#   return y\n", "double", "    return y\n", "    y = 3\n    return y\n"),
        # Lines of their own indentation, and an empty one.
        (
            '# - if x is None:\n# -     raise ValueError("x is None")\n# -\n',
            "double",
            '    if x is None:\n        raise ValueError("x is None")\n\n',
            "",
        ),
        # A line that stands there twice is found by the one beside it, at any depth.
        (
            "# - y = x\n# + y = 2 * x\n#   return y / 2\n",
            "half",
            "        y = x\n        return y / 2\n",
            "        y = 2 * x\n        return y / 2\n",
        ),
    ],
)
def test_lines_go_come_and_stay(
    edit: str, exercise: str, gone: str, come: str, tmp_path: Path
) -> None:
    plain = (
        "\n".join(line for line in REFERENCES[exercise].splitlines() if "###" not in line) + "\n"
    )
    assert gone in plain
    assert edited(edit, tmp_path, exercise) == plain.replace(gone, come, 1)


def test_dots_join_two_places(tmp_path: Path) -> None:
    source = edited(
        "# - y = x\n# + y = 1\n#   y = y + x\n# ...\n# - return y\n# + return 0\n", tmp_path
    )
    assert "    y = 1\n    y = y + x\n    return 0\n" in source


def test_a_wrong_answer_may_be_no_python(tmp_path: Path) -> None:
    assert "return y y" in edited("# - return y\n# + return y y\n", tmp_path)


def test_an_answer_may_be_an_edit_of_an_alternative(tmp_path: Path) -> None:
    other = WHOLE.replace('misconception="a"', 'alternative="other"')
    text = (
        '# %% misconception="b" exercise="double" of="other"\n# B.\n# - return x\n# + return 0\n'
        + other
    )
    misconception, alternative = answers(text, tmp_path)
    assert alternative.kind == "alternative"
    assert misconception.source.endswith("def double(x):\n    return 0\n")


def test_an_equivalent_may_have_several_edits_with_one_reason(tmp_path: Path) -> None:
    text = (
        '# %% equivalent exercise="double"\n# No reason.\n# - y = y + x\n# + y = x + y\n'
        "# or\n# + y = 2 * x\n# or\n# - return y\n# + return 1 * y\n"
    )
    found = answers(text, tmp_path)
    assert [(a.kind, a.explanation) for a in found] == [("equivalent", "No reason.")] * 3
    assert [a.name for a in found] == [
        "- y = y + x\n+ y = x + y",
        "- y = y + x\n+ y = 2 * x",
        "- return y\n+ return 1 * y",
    ]


def test_no_bank_has_no_answers(tmp_path: Path) -> None:
    assert read(None, REFERENCES) == ()
    assert read(tmp_path / "tiny.py", REFERENCES) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WHOLE.replace("misconception", "mistake"), ["mistake", 'misconception="..."']),
        (WHOLE.replace(' exercise="double"', ""), ['exercise="..."']),
        (WHOLE.replace('exercise="double"', 'exercise="double" points=2'), ["points"]),
        (WHOLE.replace('misconception="a"', 'misconception="a" alternative="b"'), ["alternative"]),
        (WHOLE.replace('misconception="a"', 'equivalent="a"'), ["equivalent exercise="]),
        (WHOLE + "\n# %%\nx = 1\n", ["{}", 'exercise="..."']),
        (WHOLE.replace("# A sentence.\n", ""), ["double/a", "no comment at its top"]),
        (WHOLE + "\n" + WHOLE, ["double/a", "twice"]),
        (WHOLE.replace('="double"', '="cube"'), ["cube/a", "no such exercise", "double, half"]),
        (EDIT.replace('"double"', '"double" of="b"'), ["double/a", "'b'", "no alternative"]),
        # An edit that says nothing, or of lines that are not there, there twice, or the same.
        (EDIT.partition("# -")[0], ["double/a", "neither code nor"]),
        (EDIT.replace("# - y = y + x\n", ""), ["double/a", "neither code nor"]),
        (EDIT.replace("# - y = y + x", "# - y = y + 2"), ["double/a", "nowhere", "y = y + 2"]),
        (
            EDIT.replace("double", "half").replace("y = y + x", "y = x"),
            ["half/a", "2 times", "with lines around it"],
        ),
        (EDIT.replace("y * x", "y + x"), ["double/a", "changes nothing"]),
        (EDIT + "# ...\n# - y = y + x\n# + y = 3\n", ["double/a", "edits a line twice"]),
        (EDIT + "# one more word\n", ["double/a", "'# one more word'", "no line of an edit"]),
        (EDIT + "# or\n# + y = 3\n", ["double/a", "'# or'"]),
    ],
)
def test_a_cell_that_is_no_answer_is_named(text: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(MarkerError) as caught:
        answers(text, tmp_path)
    said = str(caught.value)
    assert all(word in said for word in [str(tmp_path / "tiny.py"), *words]), said


def test_one_name_may_serve_two_exercises(tmp_path: Path) -> None:
    both = answers(WHOLE + "\n" + WHOLE.replace('="double"', '="half"'), tmp_path)
    assert [a.exercise for a in both] == ["double", "half"]
