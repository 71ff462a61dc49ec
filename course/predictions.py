"""Predictions: answer first, then see.

A student types an answer into the cell that asks, so the answer is part of the notebook's text: it
survives a restart, travels with the submission, and an instructor can read it. The reveal shows
nothing until there is an answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import EllipsisType

__all__ = ["Prediction", "Reveal", "predict"]

# What was answered first in this kernel, by question, so that a change of mind shows.
_first: dict[str, str] = {}


@dataclass(frozen=True)
class Prediction:
    """A question with lettered options, and the letter that the student typed, or None."""

    question: str
    options: Mapping[str, str]
    answer: str | None

    def reveal(self, right: str, why: str) -> "Reveal":
        """Show which option is right, and why, once there is an answer."""
        return Reveal(self, right, why)

    def __repr__(self) -> str:
        lines = [self.question, *(f"  {letter}) {text}" for letter, text in self.options.items())]
        return "\n".join([*lines, self._status()])

    def _repr_html_(self) -> str:
        options = "".join(
            f"<li style='list-style: none'><b>{escape(letter)})</b> {escape(text)}</li>"
            for letter, text in self.options.items()
        )
        return (
            f"<p><b>{escape(self.question)}</b></p><ul>{options}</ul>"
            f"<p role='status'>{escape(self._status())}</p>"
        )

    def _status(self) -> str:
        if self.answer is None:
            letter = next(iter(self.options))
            return (
                f'Your prediction: none yet. Put your letter in place of the dots, as answer="'
                f'{letter}", and run this cell again.'
            )
        first = _first[self.question]
        before = "" if first == self.answer else f" (first answered: {first})"
        return f"Your prediction: {self.answer}) {self.options[self.answer]}{before}"


@dataclass(frozen=True)
class Reveal:
    """The right option of a prediction beside the student's own."""

    prediction: Prediction
    right: str
    why: str

    def __repr__(self) -> str:
        answer, options = self.prediction.answer, self.prediction.options
        if answer is None:
            return "Answer the question above first, then run this cell again."
        verdict = "as you predicted" if answer == self.right else f"you predicted {answer})"
        return f"{self.right}) {options[self.right]}: {verdict}. {self.why}"

    def _repr_html_(self) -> str:
        return f"<p role='status'>{escape(repr(self))}</p>"


def predict(question: str, *, answer: str | EllipsisType, **options: str) -> Prediction:
    """Ask a question with lettered options; answer is the student's letter, or ... for none yet.

    Raises ValueError for an answer that is no option.

    >>> predict("Which is larger?", a="1/2", b="1/4", answer="a").reveal("a", "Halves are larger.")
    a) 1/2: as you predicted. Halves are larger.
    """
    if isinstance(answer, EllipsisType):
        return Prediction(question, options, None)
    if answer not in options:
        letters = ", ".join(f'"{letter}"' for letter in options)
        raise ValueError(f"answer is {answer!r}; expected one of {letters}")
    _first.setdefault(question, answer)
    return Prediction(question, options, answer)
