"""Hostile and honest submissions to the second assignment; ``CORPUS`` holds them by name."""

from tests.grading.broad import claims, frames, honest, weights, words
from tests.grading.corpus import Corpus

__all__ = ["CORPUS", "HOSTILE"]

CORPUS = Corpus()
HOSTILE = Corpus()
for _module in (claims, frames, weights, words):
    HOSTILE.update(_module.ATTACKS)
CORPUS.update(HOSTILE)
CORPUS.update(honest.HONEST)
if len(CORPUS) < sum(len(m.ATTACKS) for m in (claims, frames, weights, words)) + len(honest.HONEST):
    raise ValueError("a submission of the second assignment is in two families")
