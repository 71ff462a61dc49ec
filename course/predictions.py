"""Predictions: answer first, then see.

A cell asks a question with radio buttons. A click shows what is right, at once or after the
measurement that the lesson makes, and writes ``answer="b"`` into the cell's source: so the answer
survives a restart and travels with the submission. Typing it there does the same. The cell is
folded, since it holds what is right. Where no kernel runs, question and options stand as text.
"""

from html import escape
from pathlib import Path
from string import ascii_lowercase
from types import EllipsisType
from typing import Any

import anywidget
import traitlets

__all__ = ["Prediction", "Reveal", "predict"]

# What stands in a notebook, by kind, and its metadata.
Bundle = tuple[dict[Any, Any], dict[Any, Any]]


class Prediction(anywidget.AnyWidget):
    """A question with lettered options; answer is the chosen letter, empty before the choice.

    told says, by letter, what stands below the question after a choice. final means that the choice
    then stands, for what is right is seen.
    """

    _esm = Path(__file__).with_name("predictions.js")
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    answer = traitlets.Unicode().tag(sync=True)
    told = traitlets.Dict().tag(sync=True)
    invitation = traitlets.Unicode().tag(sync=True)
    final = traitlets.Bool().tag(sync=True)
    # By which the page finds the cell that shows this widget.
    key = traitlets.Unicode().tag(sync=True)

    def reveal(self, right: str, why: str) -> "Reveal":
        """Show below a measurement which option is right, and why, once there is an answer.

        Raises ValueError where right is no option.
        """
        return Reveal(self, _verdicts(self.options, right, why))

    @property
    def status(self) -> str:
        """What stands below the question now."""
        return str(self.told.get(self.answer, self.invitation))

    def __repr__(self) -> str:
        lines = [self.question, *(f"  {letter}) {text}" for letter, text in self.options.items())]
        return "\n".join([*lines, self.status])

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle:
        options = "".join(
            f"<li style='list-style: none'>{escape(letter)}) {escape(text)}</li>"
            for letter, text in self.options.items()
        )
        page = (
            f"<p><b>{escape(self.question)}</b></p><ul>{options}</ul><p>{escape(self.status)}</p>"
        )
        return _bundle(super()._repr_mimebundle_(**kwargs), page, repr(self))


class Reveal(anywidget.AnyWidget):
    """What is right, below the measurement; it appears as soon as there is an answer."""

    _esm = """
    export default {
      render({ model, el }) {
        const status = document.createElement("p");
        status.setAttribute("role", "status");
        status.style.cssText =
          "margin:0;color:var(--jp-content-font-color1,inherit);" +
          "font-size:var(--jp-content-font-size1,inherit)";
        const show = () => (status.textContent = model.get("text"));
        el.append(status);
        model.on("change:text", show);
        show();
        return () => model.off("change:text", show);
      },
    };
    """
    text = traitlets.Unicode("Choose an answer to the question above, and it is told here.").tag(
        sync=True
    )

    def __init__(self, prediction: Prediction, verdicts: dict[str, str]) -> None:
        super().__init__()
        self._prediction, self._verdicts = prediction, verdicts
        prediction.observe(self._tell, names="answer")
        self._tell()

    def _tell(self, _: object = None) -> None:
        if self._prediction.answer:
            self.text = self._verdicts[self._prediction.answer]
            self._prediction.final = True

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **kwargs: Any) -> Bundle:
        page = f"<p>{escape(self.text)}</p>"
        return _bundle(super()._repr_mimebundle_(**kwargs), page, self.text)


def predict(
    question: str,
    *,
    answer: str | EllipsisType,
    right: str | None = None,
    why: str = "",
    **options: str,
) -> Prediction:
    """Ask a question with lettered options; answer is the student's letter, or ... for none yet.

    right and why are told after the choice; without them, a later reveal tells them.
    Raises ValueError for options that are not a, b and so on, and for an answer or a right that is
    none of them.

    >>> predict("Which is larger?", a="1/2", b="1/4", right="a", why="By a half.", answer="b")
    Which is larger?
      a) 1/2
      b) 1/4
    You predicted b). Right is a) 1/2. By a half.
    """
    if len(options) < 2 or [*options] != [*ascii_lowercase[: len(options)]]:
        raise ValueError(f"options are {', '.join(options) or 'none'}; expected a, b and so on")
    chosen = "" if isinstance(answer, EllipsisType) else _letter("answer", answer, options)
    if right is None:
        told = {k: f"You predicted {k}). What is right comes out below." for k in options}
    else:
        told = _verdicts(options, right, why)
    prediction = Prediction(
        question=question,
        options=options,
        answer=chosen,
        told=told,
        invitation="Choose one." if right is None else "Choose one, and you see what is right.",
        final=right is not None,
    )
    prediction.key = prediction.model_id
    return prediction


def _verdicts(options: dict[str, str], right: str, why: str) -> dict[str, str]:
    """What is told of each possible answer."""
    _letter("right", right, options)
    return {
        letter: f"Right: {letter}) {text}. {why}"
        if letter == right
        else f"You predicted {letter}). Right is {right}) {options[right]}. {why}"
        for letter, text in options.items()
    }


def _letter(name: str, value: object, options: dict[str, str]) -> str:
    if not isinstance(value, str) or value not in options:
        letters = ", ".join(f'"{letter}"' for letter in options)
        raise ValueError(f"{name} is {value!r}; expected one of {letters}")
    return value


def _bundle(live: Bundle | None, page: str, text: str) -> Bundle:
    """Add to a widget's bundle what stands in for it where no kernel runs."""
    data, metadata = live or ({}, {})
    return {**data, "text/html": page, "text/plain": text}, metadata
