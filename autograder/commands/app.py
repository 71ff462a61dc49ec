"""The command ``autograder``, with all of its parts."""

from autograder.commands import build, check, compare, demo, doctor, grade, matrix, mutants
from autograder.commands.group import main

__all__ = ["build", "check", "compare", "demo", "doctor", "grade", "main", "matrix", "mutants"]
