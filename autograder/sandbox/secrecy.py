"""Can a submission read the answers to its own lesson? As source, as bytecode, as text in any file.

A solution is told by its lines, compared letter by letter without blanks and punctuation, so that
an indent, a notebook's JSON or a reflowed docstring hide nothing; and by the code that Python makes
of it, which is the same in every .pyc. What students are given of either is no secret. How much of
it gives a solution away stands in autograder.inside.search: where a file surely does so, nothing
is graded, and where it may, the instructor is told.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from types import CodeType

from autograder.errors import SandboxError, SecrecyError
from autograder.inside.search import Marks
from autograder.sandbox.submission import Submission

__all__ = ["Marks", "marks_of", "readable_answers", "require_secrecy"]

SECONDS = 600.0
SHORTEST_LINE = 16  # letters and digits; "return x" is nobody's
SHORTEST_CODE = 60  # bytes
END = "that was all"


def marks_of(solutions: Mapping[str, str], shown: Iterable[str] = ()) -> tuple[Marks, ...]:
    """Return by what the solutions of some exercises are known.

    solutions are sources by exercise; shown are those that students are given, which are no secret.
    """
    given = list(shown)
    public, known = (
        _letters("\n".join(given)),
        {code for source in given for code in _codes(source)},
    )
    found = []
    for name, source in solutions.items():
        lines = tuple(line for line in dict.fromkeys(_lines(source)) if line not in public)
        codes = tuple(code for code in dict.fromkeys(_codes(source)) if code not in known)
        if len(lines) > 1 or codes:
            found.append(Marks(name, lines, codes))
    return tuple(found)


def readable_answers(
    submission: Callable[[], Submission], marks: Sequence[Marks], folders: Sequence[str]
) -> list[str]:
    """Return in words which files below some folders give an answer away to a submission.

    Raises SandboxError where the search did not come to its end.
    """
    source = (
        "from autograder.inside import search\nfrom autograder.inside.search import Marks\n"
        f"print(*search.find({list(folders)!r}, {list(marks)!r}), sep='\\n')\nprint({END!r})"
    )
    with submission() as process:
        result = process.run(source, SECONDS)
    text = "".join(output["text"] for output in result.printed if output["name"] == "stdout")
    *lines, end = [line for line in text.splitlines() if line] or [""]
    if end != END:
        raise SandboxError(f"the search for answers did not finish: {result.ran.failure}")
    return lines


def require_secrecy(
    submission: Callable[[], Submission], marks: Sequence[Marks], folders: Sequence[str]
) -> list[str]:
    """Return what may give an answer away.

    Raises SecrecyError where a file surely does.
    """
    found = readable_answers(submission, marks, folders) if marks and folders else []
    sure = [line for line in found if " perhaps answers " not in line]
    if sure:
        raise SecrecyError(
            f"submissions could read answers, so nothing is graded: {'; '.join(sure)}. Take the "
            "file out of what c.Autograder.expose names, or its module into c.Autograder.hide"
        )
    return found


def _lines(source: str) -> Iterator[str]:
    for line in source.splitlines():
        letters = _letters(line.split("#")[0])
        if len(letters) >= SHORTEST_LINE:
            yield letters


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "", text)


@lru_cache(maxsize=1024)
def _codes(source: str) -> tuple[bytes, ...]:
    """Compile a cell of the instructor's, once for all submissions; return its functions' code."""
    try:
        waiting = [compile(ast.parse(source), "<solution>", "exec")]
    except SyntaxError:
        return ()
    found = []
    while waiting:
        code = waiting.pop()
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                waiting.append(constant)
                if len(constant.co_code) >= SHORTEST_CODE:
                    found.append(constant.co_code)
    return tuple(found)
