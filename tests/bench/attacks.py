"""What stock nbgrader gives for every hostile submission, each graded in a cage of its own.

The table goes to ``tests/grading/stock.toml``, submission by submission. All of them take most of
an hour; ``python -m tests.bench.attacks NAME ...`` measures some anew, and without names those
that the table lacks.
"""

import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path

from rich.table import Table

from tests.grading.broad import HOSTILE
from tests.grading.cage import stock
from tests.grading.course import STOCK, Course
from tests.grading.hostile import CORPUS as TINY

CORPUS = {**TINY, **HOSTILE}
FAMILIES = list(dict.fromkeys(attack.family for attack in CORPUS.values()))
TABLE = Path(__file__).parents[1] / "grading" / "stock.toml"
HEAD = """\
# What stock nbgrader 0.9.6 gives for each hostile submission: points, and what else came of it.
# Written by `python -m tests.bench.attacks`. Stock feedback shows every student the hidden tests;
# "its code showed" counts only what the submission's own code put out.
"""


def tables() -> Iterator[Table]:
    """Measure all submissions; yield what stock nbgrader gives, family by family."""
    given = measure(CORPUS)
    for family in FAMILIES:
        table = Table("submission", "stock nbgrader", title=family)
        for name, attack in CORPUS.items():
            if attack.family == family:
                table.add_row(name, given[name])
        yield table


def measure(names: Iterable[str]) -> dict[str, str]:
    """Grade these submissions, noting each result as it comes; return all results so far."""
    given = read()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        courses: dict[str, Course] = {}  # by the assignment that submissions answer
        for name in names:
            lesson = CORPUS[name].lesson
            if lesson.__name__ not in courses:
                base = Path(folder) / str(len(courses)) / "base"
                courses[lesson.__name__] = course = Course(base, STOCK, lesson)
                stack.callback(course.close)
            given[name] = stock(CORPUS[name], courses[lesson.__name__], Path(folder) / "copies")
            _write(given)
    return given


def read() -> dict[str, str]:
    """Return the results noted so far."""
    return tomllib.loads(TABLE.read_text()) if TABLE.is_file() else {}


def _write(given: dict[str, str]) -> None:
    lines = [f"{name} = {json.dumps(given[name])}\n" for name in CORPUS if name in given]
    TABLE.write_text(HEAD + "".join(lines))


if __name__ == "__main__":
    # The first of each family, then the second of each: a run that is cut short says most.
    turns = [[name for name, a in CORPUS.items() if a.family == f] for f in FAMILIES]
    order = [name for turn in zip_longest(*turns) for name in turn if name]
    measure(sys.argv[1:] or [name for name in order if name not in read()])
