"""Submissions that deserve nothing and try to get something, or to spoil something.

``CORPUS`` holds them by name. Unless a submission says otherwise it has no right answer, and
deserves no point.
"""

from tests.grading.corpus import Corpus
from tests.grading.hostile import (
    comparisons,
    files,
    harming,
    interpreter,
    metadata,
    objects,
    outputs,
    protocol,
    readers,
    reading,
)

__all__ = ["CORPUS"]

CORPUS = Corpus()
for _module in (
    *(interpreter, protocol, metadata, files, comparisons, objects, reading, harming, outputs),
    readers,
):
    for _name, _attack in _module.ATTACKS.items():
        if _name in CORPUS:
            raise ValueError(f"{_name!r} is in two families")
        CORPUS[_name] = _attack
