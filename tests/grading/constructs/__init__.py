"""A course that asks for everything that real courses' tests ask for, a test for each construct.

Each test gives full marks under stock nbgrader to the instructor's own solution.
"""

from nbformat import NotebookNode

from tests.grading.constructs import kinds, objects, passing
from tests.grading.other import answer, book, check, plain

__all__ = ["BEYOND", "FILES", "TESTS", "notebook"]

FILES = {"fields.py": "def side(area):\n    return area**0.5\n\n\nLONG = 7\n"}

IMPORTS = """
import collections
import contextlib
import datetime
import enum
import inspect
import io
import math
import random
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch

import fields

torch.set_default_dtype(torch.float64)
tolerance = 1e-6


def close(a, b):
    return abs(a - b) < tolerance
"""

# By the name of their answer cell.
MODULES = {"account": objects, "numbers": passing, "library": kinds}


def _tests(text: str) -> dict[str, str]:
    blocks = text.strip().removeprefix("# %% ").split("\n# %% ")
    return {name: source.strip() for name, _, source in (b.partition("\n") for b in blocks)}


TESTS = {name: _tests(module.TESTS) for name, module in MODULES.items()}

# What works for stock nbgrader alone, and why.
BEYOND = {
    "account-state-in-place": "what a check gets of an object is a copy",
    "account-truth": "the truth of an object is its own word",
    "account-copying": "an object stays where it is",
    "account-using": "an object of the submission ends with the test that made it",
    "numbers-grown-there": "what a check gets of a variable is a copy",
    "numbers-rebound-there": "what a test binds stays in the judge, or a submission could read it",
    "numbers-very-large": "a message has a bound",
}


def notebook(*, beyond: bool = True) -> NotebookNode:
    """Return the assignment; without what works for stock nbgrader alone, where that is asked."""
    cells = [plain("imports", IMPORTS)]
    for name, module in MODULES.items():
        cells.append(answer(name, "", module.ANSWER.strip()))
        cells += [
            check(f"{name}-{construct}", source)
            for construct, source in TESTS[name].items()
            if beyond or f"{name}-{construct}" not in BEYOND
        ]
    return book(*cells)
