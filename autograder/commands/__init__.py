"""The command autograder: arguments in, library calls, words out."""
