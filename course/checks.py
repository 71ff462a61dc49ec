"""What a check says: where it passes a line with the points, else symptom, likely cause, next step.

A check runs in three places: in the student's notebook, under nbgrader, and in the judge, where the
student's functions are remote references. So nothing here looks at a function except by calling it,
and by reading the names that its code uses.

A failed check raises CheckFailed, which a notebook shows as a block of three short paragraphs in
place of a traceback, and so does an exercise that has no answer yet. Where HTML is not shown, the
same words stand there as text.
"""

import math
import sys
import textwrap
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, NoReturn

import torch
from IPython import get_ipython
from IPython.display import display
from torch import Tensor

from course.borrowed import lent_by

__all__ = [
    "CheckFailed",
    "agree",
    "expect",
    "from_scratch",
    "gradient",
    "refuses",
    "right",
    "unchanged",
]

# In place of a traceback, for nbgrader gives 0 points where an error is shown.
LAST_LINE = "This cell ends here."
# Characters in a line of text, where no page wraps it.
WIDTH = 79
# The colours are those of JupyterLab's theme; without it, of a page that is light.
BLOCK = (
    "border-left: 4px solid var(--jp-error-color1, #b3261e); padding: 0.2em 1em; max-width: 48em; "
    "color: var(--jp-content-font-color1, #222222); line-height: 1.5"
)


class CheckFailed(AssertionError):
    """An answer is wrong: symptom, likely cause, next step.

    hidden_message is for tests that students do not see: it betrays neither input nor output.
    unseen is its symptom.
    """

    def __init__(
        self,
        symptom: str,
        *,
        cause: str,
        step: str,
        unseen: str = "A further check, on other inputs, fails.",
    ) -> None:
        advice = f"Likely cause: {cause}\nNext step: {step}"
        super().__init__(f"{symptom}\n{advice}")
        self.hidden_message = f"{unseen}\n{advice}"
        self._block = Block({"Not yet": symptom, "Likely cause": cause, "Next step": step})

    def _render_traceback_(self) -> list[str]:
        return _shown(self, self._block)


class NoAnswer(NotImplementedError):
    """An exercise is still what students were given."""

    def _render_traceback_(self) -> list[str]:
        step = f"{self}." if str(self) else "write the answer."
        return _shown(self, Block({"Not yet": "no answer here so far.", "Next step": step}))


class Block:
    """Short paragraphs with a head each, for a page and for plain text."""

    def __init__(self, paragraphs: dict[str, str]) -> None:
        self.paragraphs = paragraphs

    def __repr__(self) -> str:
        return "\n".join(
            textwrap.fill(f"{head}: {text}", WIDTH, subsequent_indent="    ")
            for head, text in self.paragraphs.items()
        )

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<p style='margin: 0.3em 0'><b>{escape(head)}:</b> {escape(text)}</p>"
            for head, text in self.paragraphs.items()
        )
        return f"<div style='{BLOCK}'>{lines}</div>"


def right(exercise: str, *, points: float, habit: bool = False) -> None:
    """Print the line of a check that passes: it stands at the end of what students see.

    points are those of the check's cell, and habit tells that the cell is an exercise's second.

    >>> right("relu", points=1)
    relu is right here: 1 point, if the grader's further inputs agree.
    """
    what = "refuses as it should" if habit else "is right here"
    unit = "point" if points == 1 else "points"
    print(f"{exercise} {what}: {points:g} {unit}, if the grader's further inputs agree.")  # noqa: T201 (it speaks to students)


def agree(
    actual: object,
    expected: Tensor | float,
    what: str,
    *,
    cause: str,
    step: str,
    rtol: float = 1e-5,
    atol: float = 1e-6,
) -> None:
    """Fail where an answer differs from what was expected, in shape, dtype or value.

    what names the answer as the student would write it, such as ``relu(x)``. The default
    tolerances leave room for two correct orders of evaluation in float32.

    >>> agree(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]), "f(x)", cause="a", step="b")
    Traceback (most recent call last):
    course.checks.CheckFailed: f(x) is 5 at [1], expected 2; 1 of 2 values differ.
    Likely cause: a
    Next step: b
    """
    symptom = _difference(actual, expected, what, rtol=rtol, atol=atol)
    if symptom:
        _fail(symptom, cause, step)


def expect(condition: object, symptom: str, *, cause: str, step: str) -> None:
    """Fail with this symptom where a condition is false."""
    if not condition:
        _fail(symptom, cause, step)


def refuses(call: Callable[[], object], what: str, *, word: str | None = None) -> None:
    """Fail unless a call raises ValueError with a message that tells what was passed.

    The message has to hold word, or else any number: a size, a shape, a value. How it is worded,
    and whether it tells the size of the kernel or of the image, is the student's affair. With an
    empty word any message will do.

    >>> refuses(lambda: float("1..0"), 'float("1..0")')
    """
    step = "raise it and say what was passed, as in ValueError(f'stride is {stride}; ...')."
    try:
        result = call()
    except ValueError as error:
        tells = word in str(error) if word is not None else any(c.isdigit() for c in str(error))
        if not tells:
            _fail(
                f"{what} raises ValueError({str(error)!r}), which holds no {word or 'number'}.",
                "the message does not tell its reader what was passed.",
                step,
                "A ValueError that is rightly raised has a message that does not say why.",
            )
    except NotImplementedError:
        raise
    except Exception as error:
        kind = type(error).__name__
        _fail(
            f"{what} raises {kind}, expected ValueError.",
            "an argument is used before it is looked at, and torch or Python stumbles over it.",
            step,
            f"An argument that makes no sense leads to {kind}, expected ValueError.",
        )
    else:
        shown = f"returns {_show(result)}" if isinstance(result, Tensor | float) else "returns"
        _fail(
            f"{what} {shown}, expected ValueError.",
            "an argument that makes no sense is taken as it is.",
            step,
            "An argument that makes no sense is not refused with a ValueError.",
        )


def unchanged(x: Tensor, before: Tensor, what: str) -> None:
    """Fail where a call changed its input; before is a clone made ahead of the call."""
    if not torch.equal(x, before):
        _fail(
            f"{what} changes its input.",
            "an operation in place, such as x += 1, x[mask] = 0 or x.clamp_().",
            "build a new tensor; an underscore at the end of a torch method means in place.",
        )


def from_scratch(
    function: Any,
    name: str,
    *,
    without: Iterable[str],
    step: str = "build it from exponentials, comparisons and torch.where.",
) -> None:
    """Fail where a function makes use of one of torch's names for what it should build itself.

    step says what to do instead.

    >>> from_scratch(lambda x: torch.relu(x), "relu", without=["relu"], step="compare with 0.")
    Traceback (most recent call last):
    course.checks.CheckFailed: relu uses 'relu'.
    Likely cause: torch's own function does the work that this exercise is about.
    Next step: compare with 0.
    """
    # What its code names stands where the check stands.
    used = lent_by(function, sys._getframe(1).f_globals, tuple(without))
    if used is not None:
        _fail(
            f"{name} uses {used!r}.",
            "torch's own function does the work that this exercise is about.",
            step,
        )


def gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the gradient at x of a fixed, uneven weighting of a function's outputs.

    The weights are 1, 2, 3, ...: under equal weights a softmax has gradient 0, and a gradient that
    went to the wrong place would not show.

    >>> gradient(torch.square, torch.tensor([1.0, 1.0]))
    tensor([2., 4.])
    """
    leaf = x.detach().clone().requires_grad_()
    y = function(leaf)
    if not isinstance(y, Tensor) or not y.requires_grad:
        _fail(
            "no gradient flows back from the output to the input.",
            "the output was detached, converted to numbers, or built from constants.",
            "stay in torch operations from x to the result.",
        )
    weights = torch.arange(1, y.numel() + 1, dtype=y.dtype, device=y.device).reshape(y.shape)
    (result,) = torch.autograd.grad((y * weights).sum(), leaf)
    return result


def _difference(
    actual: object, expected: Tensor | float, what: str, *, rtol: float, atol: float
) -> str | None:
    """Describe how an answer differs, or None where it does not."""
    if isinstance(expected, Tensor):
        if not isinstance(actual, Tensor):
            return f"{what} is a {type(actual).__name__}, expected a tensor."
        if actual.shape != expected.shape:
            return (
                f"{what} has shape {tuple(actual.shape)}, expected shape {tuple(expected.shape)}."
            )
        if actual.dtype != expected.dtype:
            return f"{what} has dtype {actual.dtype}, expected {expected.dtype}."
        close = torch.isclose(
            actual, expected.to(actual.device), rtol=rtol, atol=atol, equal_nan=True
        )
        if close.all():
            return None
        where = (~close).nonzero()[0].tolist()
        index = tuple(where)
        place = f" at {where}" if where else ""
        count = f"; {int((~close).sum())} of {close.numel()} values differ" if where else ""
        return f"{what} is {_show(actual[index])}{place}, expected {_show(expected[index])}{count}."
    if isinstance(actual, Tensor) and actual.numel() == 1:
        actual = actual.item()
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        return f"{what} is a {type(actual).__name__}, expected a number."
    if math.isclose(actual, expected, rel_tol=rtol, abs_tol=atol):
        return None
    return f"{what} is {actual:.6g}, expected {expected:.6g}."


def _show(value: object) -> str:
    if isinstance(value, Tensor):
        if value.numel() != 1:
            return f"a tensor of shape {tuple(value.shape)}"
        value = value.item()
    return f"{value:.6g}" if isinstance(value, int | float) else repr(value)


def _fail(symptom: str, cause: str, step: str, unseen: str | None = None) -> NoReturn:
    more = {} if unseen is None else {"unseen": unseen}
    raise CheckFailed(symptom, cause=cause, step=step, **more)


def _shown(error: Exception, block: Block) -> list[str]:
    """Show a block once, and return the line that stands in place of its error's traceback.

    An error output holds text alone, so the block is an output of its own before it. IPython asks
    for the lines of one error more than once.
    """
    if not getattr(error, "shown", False):
        display(block)
        error.shown = True  # type: ignore[attr-defined]  # whatever the error, it can carry this
    return [LAST_LINE]


def _without_traceback(shell: Any, _: Any, error: Exception, trace: Any, **__: Any) -> None:
    shell.showtraceback((NoAnswer, NoAnswer(*error.args), trace))


if (_shell := get_ipython()) is not None:
    _shell.set_custom_exc((NotImplementedError,), _without_traceback)
