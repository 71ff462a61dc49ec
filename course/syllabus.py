"""The syllabus as data: ``course/syllabus.toml``, read and checked."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Topic", "earlier", "topics"]


@dataclass(frozen=True)
class Topic:
    """One lesson of the course.

    name is its identifier everywhere, minutes what a person takes at least and at most, and written
    whether the lesson exists yet.
    """

    name: str
    title: str
    objectives: tuple[str, ...]
    prerequisites: tuple[str, ...]
    seeds: tuple[str, ...]
    minutes: tuple[int, int]
    written: bool


@cache
def topics() -> dict[str, Topic]:
    """Return the lessons by name, in the order in which they are taught.

    >>> list(topics())[:3]
    ['activations', 'gradient_descent', 'convolution']
    """
    table = tomllib.loads(Path(__file__).with_name("syllabus.toml").read_text())
    return {
        entry["name"]: Topic(
            name=entry["name"],
            title=entry["title"],
            objectives=tuple(entry["objectives"]),
            prerequisites=tuple(entry["prerequisites"]),
            seeds=tuple(entry["seeds"]),
            minutes=tuple(entry["minutes"]),
            written=entry["written"],
        )
        for entry in table["topic"]
    }


def earlier(name: str) -> list[str]:
    """Return the topics taught before a topic: what its lesson may use of the reference library.

    Raises ValueError for a name that is not in the syllabus.

    >>> earlier("convolution")
    ['activations', 'gradient_descent']
    """
    names = list(topics())
    if name not in names:
        raise ValueError(f"topic is {name!r}; expected one of {', '.join(names)}")
    return names[: names.index(name)]
