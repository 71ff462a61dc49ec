"""The lessons that are still to be brought to the pattern of a lesson; at the end there are none.

What is left out for them here is left out nowhere else.
"""

TO_MEND: frozenset[str] = frozenset()
