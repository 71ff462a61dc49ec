"""One check cell, three places: whether all of them say the same of every answer in the banks."""

import time
from collections.abc import Iterator

from rich.table import Table

from tests.grading.places import TOPICS, Place, in_notebook, in_stock, in_the_judge

PLACES = {"notebook": in_notebook, "stock nbgrader": in_stock, "judge": in_the_judge}


def tables() -> Iterator[Table]:
    """Compare the places lesson by lesson; raise AssertionError where they differ."""
    for topic in TOPICS:
        table = Table(title=f"{topic}: one check, three places")
        table.add_column("place")
        for heading in ("answers", "killed by visible", "killed by hidden", "passed", "seconds"):
            table.add_column(heading, justify="right")
        found: dict[str, Place] = {}
        for name, place in PLACES.items():
            start = time.monotonic()
            found[name] = place(topic)
            seconds = time.monotonic() - start
            outcomes = list(found[name].values())
            counts = [
                outcomes.count(o) for o in ("killed by visible", "killed by hidden", "passed")
            ]
            table.add_row(name, *(str(n) for n in (len(outcomes), *counts)), f"{seconds:.0f}")
        yield table
        _require_agreement(topic, found)


def _require_agreement(topic: str, found: dict[str, Place]) -> None:
    lines = []
    for answer in dict.fromkeys(answer for place in found.values() for answer in place):
        said = {name: place.get(answer, "absent") for name, place in found.items()}
        if len(set(said.values())) > 1:
            lines.append(f"{' / '.join(answer)}: {said}")
    if lines:
        raise AssertionError(f"{topic}: the places differ\n" + "\n".join(lines))
