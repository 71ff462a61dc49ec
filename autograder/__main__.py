"""``python -m autograder`` is the command ``autograder``."""

from autograder.commands.app import main

main()
