"""What a wrong answer probably did: a known misconception that answers just the same.

A check's calls are recorded. They are made once more, on the same arguments, to each misconception
of the exercise; one that answers every call as the submission did is what the student wrote, or
something that cannot be told from it. Misconceptions are the instructor's own code and run here.
"""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from autograder.judging.records import Known, Mistake
from autograder.judging.verdict import Verdict
from autograder.wire import randomness
from autograder.wire.operations import assign, operate
from autograder.wire.peer import Call
from autograder.wire.records import Done, Raised
from autograder.wire.values import Decoder, WireError

__all__ = ["Diagnosis", "load"]

MAX_CALLS = 200


class Diagnosis:
    """Knows the misconceptions of one lesson's exercises."""

    def __init__(self, setup: str, mistakes: tuple[Mistake, ...]) -> None:
        self._setup = setup
        self._mistakes = mistakes
        self._namespaces: dict[tuple[str, str], dict[str, Any] | None] = {}

    def __call__(self, exercise: str, verdict: Verdict, calls: list[Call]) -> tuple[str, str]:
        """Return a sentence about a wrong answer and the misconception's name, or "" and "".

        Nothing is said where several misconceptions answer as the submission did.
        """
        if not any(call.query.operation == "call" for call in calls) or len(calls) > MAX_CALLS:
            return "", ""
        if verdict.word == "failed" and isinstance(calls[-1].answer, Raised):
            # The check caught the error and found fault with it: with its words, perhaps, of which
            # a misconception that raises one too says nothing.
            return "", ""
        alike = [
            answer
            for answer in self._mistakes
            if answer.exercise == exercise and self._answers_alike(answer, calls)
        ]
        if len(alike) != 1:
            return "", ""
        sentence = f"Your outputs equal those of a common mistake. {alike[0].explanation}"
        return sentence, alike[0].name

    def _answers_alike(self, answer: Mistake, calls: list[Call]) -> bool:
        namespace = self._namespace(answer)
        if namespace is None:
            return False
        objects: dict[int, Any] = {1: namespace}
        compared = False
        with warnings.catch_warnings(), randomness.preserved(), _silence():
            warnings.simplefilter("ignore")
            for call in calls:
                try:
                    alike = _replay(call, objects)
                except Exception:  # what a submission answers may be malformed in any way
                    return False
                if not alike:
                    return False
                compared = compared or call.query.operation == "call"
        return compared

    def _namespace(self, answer: Mistake) -> dict[str, Any] | None:
        key = answer.exercise, answer.name
        if key not in self._namespaces:
            namespace: dict[str, Any] = {"__name__": "__main__"}
            try:
                with warnings.catch_warnings(), randomness.preserved(), _silence():
                    warnings.simplefilter("ignore")
                    exec(compile(self._setup, "<setup>", "exec"), namespace)
                    exec(compile(answer.source, "<misconception>", "exec"), namespace)
                self._namespaces[key] = namespace
            except Exception:
                self._namespaces[key] = None
        return self._namespaces[key]


@cache
def load(known: Known) -> Diagnosis:
    """Return the diagnosis of a lesson, made once for each state of its bank."""
    return Diagnosis(known.setup, known.mistakes)


@contextlib.contextmanager
def _silence() -> Any:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _replay(call: Call, objects: dict[int, Any]) -> bool:
    """Make a recorded call to a misconception's objects; tell whether it answers alike."""
    query, answer = call.query, call.answer

    def resolve(form: list[Any]) -> Any:
        if form[0] == "r" and form[1] in objects:
            return objects[form[1]]
        raise WireError("a function of the check cannot be called again")

    if query.target not in objects:
        return False
    arguments = Decoder(resolve)
    value = arguments.decode(query.value)
    try:
        result = operate(query.operation, objects[query.target], query.name, value)
    except Exception as error:
        return isinstance(answer, Raised) and answer.kinds[:1] == [type(error).__name__]
    if isinstance(answer, Raised) or not _changed_alike(call, arguments.mutable, resolve):
        return False
    form = answer.value
    if isinstance(form, list) and form and form[0] == "R":
        objects[form[1]] = result
        return True
    return _alike(result, Decoder(resolve, arguments=arguments.mutable).decode(form))


def _changed_alike(call: Call, mine: list[Any], resolve: Callable[[list[Any]], Any]) -> bool:
    """Tell whether a replayed call left its arguments as the recorded one left them."""
    theirs = Decoder(resolve)
    theirs.decode(call.query.value)
    for index, form in call.answer.changed if isinstance(call.answer, Done) else []:
        assign(theirs.mutable[index], Decoder(resolve).decode(form))
    return all(_alike(a, b) for a, b in zip(mine, theirs.mutable, strict=True))


def _alike(a: Any, b: Any) -> bool:
    torch, np = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(a, torch.nn.Module):
        return isinstance(b, torch.nn.Module) and _alike(a.state_dict(), b.state_dict())
    if torch is not None and isinstance(a, torch.Generator):
        return isinstance(b, torch.Generator) and bool(a.get_state().equal(b.get_state()))
    if torch is not None and isinstance(a, torch.Tensor):
        if not isinstance(b, torch.Tensor) or a.shape != b.shape or a.dtype != b.dtype:
            return False
        a, b = a.detach(), b.detach()
        if not a.dtype.is_floating_point:
            return bool(torch.equal(a, b))
        # Two ways to the same numbers round differently.
        return bool(torch.allclose(a.double(), b.double(), rtol=1e-4, atol=1e-6, equal_nan=True))
    if np is not None and isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and bool(np.allclose(a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= 1e-6 + 1e-4 * abs(b) or (a != a and b != b)
    if isinstance(a, list | tuple):
        same = isinstance(b, list | tuple) and len(a) == len(b)
        return same and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Mapping):
        same = isinstance(b, Mapping) and a.keys() == b.keys()
        return same and all(_alike(a[key], b[key]) for key in a)
    return type(a) is type(b) and bool(a == b)
