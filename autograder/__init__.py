"""Everything around nbgrader: notebooks from text, the kill matrix, grading, reports.

It knows no lesson and would serve any nbgrader course.
"""
