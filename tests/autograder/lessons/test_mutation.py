"""A mutant is a reference with one change, and nothing that a check should not look at changes."""

import ast

import pytest

from autograder.lessons.bank import same_code
from autograder.lessons.lesson import Exercise
from autograder.lessons.mutation import mutants


def edits(solution: str) -> set[str]:
    found = mutants(Exercise("f", solution, "", "", 1))
    assert len({same_code(mutant.source) for mutant in found}) == len(found)
    return {mutant.edit for mutant in found}


def changed(body: str) -> set[str]:
    """What comes in place of a function's one line."""
    found = edits(f"def f(x, y):\n    {body}\n")
    gone = {edit.partition("\n")[0] for edit in found}
    assert gone <= {f"- {body}"}
    return {edit.partition("\n")[2].removeprefix("+ ") for edit in found} - {"pass"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x + y", {"return x - y", "return x * y"}),
        ("return x // y", {"return x / y", "return x * y"}),
        ("return -x", {"return +x"}),
        ("return not x", {"return  x"}),
        ("return x and y", {"return x or y"}),
        ("return True", {"return False"}),
        ("return 3", {"return 2", "return 4"}),
        ("return x[1:]", {"return x[0:]", "return x[2:]"}),
        (
            "return x < y",
            {f"return x {sign} y" for sign in ("<=", "==", "!=", ">=", ">")},
        ),
        ("return x is y", {"return x is not y"}),
        ("return x if y else None", {"return x if not y else None"}),
        # One keyword less, wherever it stands; what is passed on whole stays.
        ("return g(x, a=y, **x)", {"return g(x, **x)"}),
        ("return g(a=x, b=y)", {"return g(b=y)", "return g(a=x)"}),
    ],
)
def test_one_word_is_changed_at_a_time(body: str, expected: set[str]) -> None:
    assert changed(body) == expected


def test_a_statement_is_left_out_or_passes() -> None:
    found = edits(
        "def f(x):\n    if x:\n        raise ValueError\n"
        "    for a in x:\n        g(a)\n    return x\n"
    )
    assert {
        "- if x:\n-     raise ValueError",
        "- raise ValueError\n+ pass",
        "- for a in x:\n-     g(a)",
        "- g(a)\n+ pass",
        "- for a in x:\n+ for a in []:",
        "- if x:\n+ if not x:",
        "- return x",
    } == found


def test_words_and_types_are_left_alone() -> None:
    quiet = (
        'def f(x: int | None, *, y: tuple[int, ...] = ()) -> "list[int] | None":\n'
        '    """Return 1 + 1, or not."""\n'
        "    total: int | None = x\n"
        '    raise ValueError(f"x is {x + 1}", 3, a=2)\n'
    )
    assert edits(quiet) == {
        "- total: int | None = x",
        '- raise ValueError(f"x is {x + 1}", 3, a=2)',
    }


def test_a_default_is_part_of_a_signature_that_counts() -> None:
    assert "- def f(x, *, stride=1):\n+ def f(x, *, stride=2):" in edits(
        "def f(x, *, stride=1):\n    return x\n"
    )


def test_marks_of_regions_are_no_part_of_a_mutant() -> None:
    solution = "def f(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION"
    for mutant in mutants(Exercise("f", solution, "", "", 1)):
        assert "SOLUTION" not in mutant.source
        ast.parse(mutant.source)


def test_mutants_come_in_the_order_of_their_places() -> None:
    solution = "def f(x):\n    y = x + 1\n    return y - 1\n"
    firsts = [m.edit.partition("\n")[0] for m in mutants(Exercise("f", solution, "", "", 1))]
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[0] == "- y = x + 1"
