"""A bank gives its answers with their explanations, and says which cell is no answer."""

from pathlib import Path

import pytest

from autograder.config import Course
from autograder.errors import MarkerError
from autograder.lessons.bank import Answer, read

ANSWER = '# %% misconception="a" exercise="double"\n# A sentence.\ndef double(x):\n    return x\n'


def test_a_bank_is_read_in_its_order(course: Course) -> None:
    answers = read(course.root / "wrong/tiny.py", "misconception")
    assert [(a.exercise, a.name) for a in answers] == [
        ("double", "squared"),
        ("double", "above_zero"),
        ("root", "signed"),
    ]
    assert answers[0] == Answer(
        "misconception",
        "squared",
        "double",
        "The number is squared, which is right for 2 alone.",
        "# The number is squared,\n# which is right for 2 alone.\ndef double(x):\n    return x * x",
    )


def test_only_the_comment_at_the_top_explains(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(ANSWER + "    # not this\n")
    (answer,) = read(tmp_path / "tiny.py", "misconception")
    assert answer.explanation == "A sentence."


def test_no_bank_has_no_answers(tmp_path: Path) -> None:
    assert read(None, "alternative") == []
    assert read(tmp_path / "tiny.py", "alternative") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ANSWER.replace("misconception", "alternative"), ["alternative", 'misconception="..."']),
        (ANSWER.replace(' exercise="double"', ""), ['exercise="..."']),
        (ANSWER.replace('exercise="double"', 'exercise="double" points=2'), ["points"]),
        (ANSWER + "\n# %%\nx = 1\n", ["{}", 'exercise="..."']),
        (ANSWER.replace("# A sentence.\n", ""), ["double/a", "no comment at its top"]),
        (ANSWER + "\n" + ANSWER, ["double/a", "twice"]),
    ],
)
def test_a_cell_that_is_no_answer_is_named(text: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "tiny.py"
    path.write_text(f'"""Wrong answers."""\n\n{text}')
    with pytest.raises(MarkerError) as caught:
        read(path, "misconception")
    assert all(word in str(caught.value) for word in [str(path), *words]), str(caught.value)


def test_one_name_may_serve_two_exercises(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(ANSWER + "\n" + ANSWER.replace('="double"', '="half"'))
    assert [a.exercise for a in read(tmp_path / "tiny.py", "misconception")] == ["double", "half"]
