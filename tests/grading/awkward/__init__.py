"""Honest submissions that are awkward to grade, and what each deserves.

``CORPUS`` holds them by name. Where nothing else is said, every answer is right and the submission
deserves all points.
"""

from tests.grading.awkward import answers, cells, damage, texts
from tests.grading.corpus import Corpus

__all__ = ["CORPUS"]

CORPUS = Corpus()
for _module in (answers, cells, damage, texts):
    for _name, _submission in _module.HONEST.items():
        if _name in CORPUS:
            raise ValueError(f"{_name!r} is in two families")
        CORPUS[_name] = _submission
