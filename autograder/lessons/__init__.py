"""Lessons as text, the notebooks built from them, and the answers that prove their checks."""
