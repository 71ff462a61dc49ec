"""A tiny course: one lesson of two exercises, with a bank, in a folder of its own."""

import shutil
from pathlib import Path

import pytest

from autograder.config import Course
from autograder.lessons import build

CONFIG = """
c = get_config()
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer.*"
c.Autograder.answers = "answers"
"""

TEXT = '''# %% [markdown]
# # Tiny
#
# Two functions and a question.

# %% setup
import math

# %% predict="sign"
sign = ...

# %% reveal="sign"
print("above 0" if sign else "answer first")


# %% exercise="double"
def double(x):
    """Return twice x."""
    ### BEGIN SOLUTION
    return x + x
    ### END SOLUTION


# %% [markdown] hints="double"
# Add it to itself.

# %% check="double" points=2
assert double(3) == 6, f"double(3) is {double(3)}"
### BEGIN HIDDEN TESTS
assert double(-1.5) == -3.0, "double of a number below 0"
### END HIDDEN TESTS


# %% exercise="root"
def root(x):
    ### BEGIN SOLUTION
    return math.sqrt(abs(x))
    ### END SOLUTION


# %% check="root" points=0.5
assert root(16.0) == 4.0
### BEGIN HIDDEN TESTS
assert root(-6.25) == 2.5
### END HIDDEN TESTS

# %% claim="exact"
print(double(0.1) == 0.2)

# %% [markdown] written="why" points=3
# Why is the square root of 2 irrational?
#
# ### BEGIN SOLUTION
# If p/q in lowest terms squares to 2, then p is even, and so is q.
# ### END SOLUTION

# %%
print(double(root(4.0)))
'''

ANSWERS = '''"""Answers, wrong and right."""


# %% misconception="squared" exercise="double"
# The number is squared,
# which is right for 2 alone.
def double(x):
    return x * x


# %% misconception="above_zero" exercise="double"
# Numbers below 0 are cut off.
# - return x + x
# + return 2 * max(x, 0)


# %% misconception="signed" exercise="root"
# The sign is kept.
def root(x):
    return math.copysign(math.sqrt(abs(x)), x)


# %% alternative="times_two" exercise="double"
# A product, of an argument with another name.
def double(number):
    return 2 * number


# %% alternative="power" exercise="root"
# A power of 1/2, of an argument with another name.
def root(number):
    return abs(number) ** 0.5
'''


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny course, built once; tests get copies."""
    root = tmp_path_factory.mktemp("tiny").resolve()
    for name, content in {
        "nbgrader_config.py": CONFIG,
        "source/tiny.py": TEXT,
        "answers/tiny.py": ANSWERS,
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(content)
    build.build(Course(root), ["tiny"])
    return root


@pytest.fixture
def course(tiny: Path, tmp_path: Path) -> Course:
    """A copy of the tiny course, to do anything with."""
    return Course(shutil.copytree(tiny, tmp_path / "course"))
