"""What is read of an instructor's notebook before anything runs."""

from autograder.judging.given import modules_imported_by, warm_for
from tests.grading.other import answer, book, check, plain

LESSON = book(
    plain("imports", "import numpy as np, os\nimport matplotlib.pyplot as plt\nimport tensorly"),
    plain("broken", "import scipy +"),
    answer("one", "import sympy", "import pandas"),
    check("one-right", "import scipy.stats", "from sklearn import svm"),
)


def test_a_judge_imports_what_locked_cells_and_tests_import() -> None:
    usual = ("numpy", "os", "matplotlib.pyplot", "tensorly", "scipy.stats", "sklearn")
    assert modules_imported_by(LESSON) == usual


def test_a_sandbox_imports_no_more_than_every_student_sees_and_no_unknown_package() -> None:
    assert warm_for(LESSON) == ("numpy", "matplotlib.pyplot")
