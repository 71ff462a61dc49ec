"""A mutant is rejected, listed as an equivalent with its reason, or a fault."""

import dataclasses
import os
from pathlib import Path

import pytest

from autograder.config import Course
from autograder.errors import CourseError
from autograder.lessons.lesson import Lesson, load
from autograder.lessons.mutants import all_mutants, out_of_date, sample, try_out
from autograder.lessons.mutation import Mutant

EQUIVALENT = """
# %% equivalent exercise="root"
# Nothing is below 0 there.
# - return math.sqrt(abs(x))
# + return math.sqrt(+abs(x))
"""


@pytest.fixture
def lesson(course: Course) -> Lesson:
    return load(course, "tiny")


def answer(lesson: Lesson, exercise: str, source: str) -> Mutant:
    reference = next(e.solution for e in lesson.exercises if e.name == exercise)
    return Mutant(exercise, reference, source)


def test_a_mutant_is_killed_by_the_visible_part_the_hidden_part_or_time(lesson: Lesson) -> None:
    tried = [
        answer(lesson, "double", "def double(x):\n    return x * x"),
        answer(lesson, "double", "def double(x):\n    return 2 * max(x, 0)"),
        answer(lesson, "double", "import os\nos._exit(3)"),
        answer(lesson, "double", "def double(x):\n    return 2 * x"),
        answer(lesson, "root", "def root(x):\n    return math.sqrt(x)"),
    ]
    findings = list(try_out(lesson, tried, processes=2))
    assert [finding.mutant for finding in findings] == tried
    assert [(finding.outcome, finding.good) for finding in findings] == [
        ("killed by visible", True),
        ("killed by hidden", True),
        ("killed by time", True),
        ("passed", False),
        ("killed by hidden", True),
    ]


def test_a_mutant_that_hangs_costs_its_own_time_alone(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograder.lessons.mutants.SPARE", 1)
    tried = [
        answer(lesson, "double", "while True:\n    pass"),
        answer(lesson, "double", "def double(x):\n    return x * x"),
    ]
    outcomes = [finding.outcome for finding in try_out(lesson, tried, processes=1)]
    assert outcomes == ["killed by time", "killed by visible"]


def test_mutants_run_elsewhere_and_in_silence(
    lesson: Lesson, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    note = tmp_path / "pid"
    source = (
        f"import os, pathlib\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        "print('loud')\ndef double(x):\n    return 2 * x"
    )
    list(try_out(lesson, [answer(lesson, "double", source)], processes=1))
    assert int(note.read_text()) != os.getpid()
    assert capfd.readouterr() == ("", "")


def test_a_reference_that_does_not_pass_is_a_fault_of_the_lesson(lesson: Lesson) -> None:
    double, root = lesson.exercises
    broken = dataclasses.replace(double, check="assert double(3) == 7")
    lesson = dataclasses.replace(lesson, exercises=(broken, root))
    with pytest.raises(CourseError, match="tiny: the reference of double is killed by visible"):
        list(try_out(lesson, all_mutants(lesson), processes=1))


def test_an_equivalent_is_known_by_what_it_means(course: Course) -> None:
    bank = course.root / "answers/tiny.py"
    bank.write_text(bank.read_text() + EQUIVALENT)
    lesson = load(course, "tiny")
    same = "def root(x):\n    # A comment.\n    return math.sqrt(+ abs(x))"
    killed = "def root(x):\n    return math.sqrt(-abs(x))"
    tried = [answer(lesson, "root", source) for source in (same, killed)]
    right, wrong = try_out(lesson, tried, processes=1)
    assert (right.outcome, right.reason, right.good) == (
        "passed",
        "Nothing is below 0 there.",
        True,
    )
    assert (wrong.reason, wrong.good) == ("", True)
    # One that the check rejects is no equivalent, and one that is no mutant is out of date.
    assert not dataclasses.replace(wrong, reason="None.").good
    assert out_of_date(lesson, tried) == []
    (old,) = out_of_date(lesson, all_mutants(lesson))
    assert old.edit == "- return math.sqrt(abs(x))\n+ return math.sqrt(+abs(x))"


def test_a_sample_is_always_the_same_and_in_order(lesson: Lesson) -> None:
    every = all_mutants(lesson)
    assert len(every) > 3
    chosen = sample(every, 3)
    assert chosen == sample(every, 3) == sample(list(every), 3)
    assert chosen == [mutant for mutant in every if mutant in chosen]
    assert sample(every, 10**6) == every
    # Without one of them the others stay.
    assert set(chosen[1:]) < set(sample([m for m in every if m != chosen[0]], 3))
