"""What a running lesson needs: syllabus, claims, data sets, predictions, checks, widgets.

It never imports ``cnnlib``, the answer key, nor ``autograder``.
"""
