"""Verdicts: checks run against a submission, and what a wrong answer probably did."""
