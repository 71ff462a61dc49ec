"""How to mend a test that does not work across the boundary, by what the judge said of it."""

import re

from autograder.judging.verdict import Verdict

__all__ = ["advice"]

# What the judge says, or what stands in the test; and what helps.
KNOWN = (
    (
        r"cannot compare or test",
        "compare what the object's methods return, or its attributes, and not the object itself; "
        "whether it is there at all, ask by `is not None`",
    ),
    (
        r"a check passed a .* to the submission",
        "pass numbers, strings, lists, arrays, tensors or functions; have the submission make an "
        "object of another kind, by a function of its own",
    ),
    (
        r"has no __\w+__ for a check",
        "call a function or a method that says it; of an object's names with double underscores a "
        "test sees those alone that describe it",
    ),
    (
        r"is not defined above this check",
        "bind the name in a locked cell or in the test itself: an object of the submission ends "
        "with the test that made it",
    ),
    (
        r"ModuleNotFoundError|ImportError",
        "put the module beside the notebook, or name it in Autograder.expose",
    ),
    (r"bytes was announced|message has|in memory|more memory", "use smaller values in the test"),
    (
        r"did not end in time|used up",
        "each call goes from one process to another: call once with a large array in place of many "
        "times, or raise Autograder.cell_time",
    ),
    (
        r"get_ipython|%\w+|In\[|Out\[",
        "a judge has no notebook around the test: do without IPython's own functions",
    ),
    (
        r"monkeypatch|mock|\bpatch\(",
        "what a test patches changes the judge's process and not the submission's: pass what is to "
        "be used in its place as an argument",
    ),
    (r"\b(pickle|copy)\b", "compare what the object's methods return in place of a copy of it"),
)
OTHERWISE = (
    "compare, with ==, numbers, strings, lists, arrays or tensors that functions return; what a "
    "test binds anew or changes in place is changed in the judge alone, so pass it as an argument"
)


def advice(source: str, verdict: Verdict) -> str:
    """Return how to mend a check, given its code and what the judge said of a right answer."""
    for pattern, help_ in KNOWN:
        if re.search(pattern, verdict.message):
            return help_
    return next((help_ for pattern, help_ in KNOWN if re.search(pattern, source)), OTHERWISE)
