"""The command ``autograder``, with all of its parts."""

from autograder.commands import build, check, demo, doctor, grade, matrix, mutants
from autograder.commands.group import main

__all__ = ["build", "check", "demo", "doctor", "grade", "main", "matrix", "mutants"]
