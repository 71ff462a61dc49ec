"""Draw the house from its code, into the page on architecture: ``python -m tests.laws.drawing``."""

from graphlib import TopologicalSorter
from pathlib import Path

from tests.laws.reading import graph, room

__all__ = ["PAGE", "drawn", "fresh"]

PAGE = Path(__file__).parents[2] / "docs/architecture.md"
BEGIN, END = "<!-- drawn from the code -->\n", "<!-- end of the drawing -->\n"


def drawn(root: Path) -> str:
    """Return the rooms, the upper ones first, each with the rooms it imports."""
    below: dict[str, set[str]] = {}
    for module, targets in graph(root).items():
        below.setdefault(room(module), set()).update(map(room, targets))
    for name, targets in below.items():
        targets.discard(name)
    plan = {name: sorted(below[name]) for name in sorted(below)}
    order = reversed(list(TopologicalSorter(plan).static_order()))
    rows = [f"{name or '(the package)':<14}{', '.join(plan[name]) or '-'}" for name in order]
    return "\n".join(["```text", f"{'room':<14}imports", *rows, "```", ""])


def fresh(text: str, root: Path) -> str:
    """Return a page's text with the drawing that the code gives."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the drawing, between {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n{drawn(root)}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(fresh(PAGE.read_text(), Path(__file__).parents[2]))
