"""``python -m autograder`` is the command ``autograder``."""

from autograder.app import main

main()
