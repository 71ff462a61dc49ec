"""Check cells, run where the submission cannot reach them.

A check is the instructor's code. It runs here, in the grader's process, and never runs a student's
code: a name that the check does not define is looked up, in this order, among Python's builtins,
among what the instructor's own locked cells define and import (made anew, here), and in the
student's process. From there plain values come as copies, and functions, classes and other objects
as references (autograder.peer).

So what a student does to torch, to numpy or to Python itself is done in another process, and a
verdict depends on nothing but the values that the student's functions return.
"""

import ast
import builtins
import contextlib
import io
import symtable
import time
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from autograder.notebooks.cells import marks_of
from autograder.notebooks.regions import USUAL, Delimiters, hidden_lines, plain_python
from autograder.wire import randomness
from autograder.wire.channel import Closed, DeadlineError
from autograder.wire.peer import Call, Peer
from autograder.wire.reference import Remote, Restriction
from autograder.wire.values import WireError

__all__ = ["Given", "Verdict", "judge"]

Word = Literal[
    "passed", "failed", "error", "timeout", "memory", "crashed", "missing", "infrastructure"
]
FILE = "<check>"


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    score is what an expression at a check's end said, for partial credit. calls are what the check
    asked of the submission and what it answered, for the diagnosis.
    """

    word: Word
    message: str = ""
    score: float | None = None
    diagnosis: str = ""
    seconds: float = 0.0
    calls: list[Call] = field(default_factory=list, repr=False, compare=False)


class Given:
    """Names that the instructor's cells define, and the statements that define them.

    Of locked cells every import, function, class and assignment counts; of other cells, which
    students may edit, the imports alone.
    """

    def __init__(self, cells: Iterable[tuple[str, bool]]) -> None:
        self._statements: dict[str, str] = {}
        for source, locked in cells:
            try:
                tree = ast.parse(plain_python(source))
            except SyntaxError:
                continue
            for statement in tree.body:
                for name in _bound_names(statement, imports_only=not locked):
                    self._statements[name] = ast.unparse(statement)

    @staticmethod
    def of(notebook: Any) -> "Given":
        """Return what an instructor's notebook defines outside answers and tests."""
        marked = [(cell, marks_of(cell)) for cell in notebook.cells]
        return Given(
            (cell.source, marks.locked)
            for cell, marks in marked
            if cell.cell_type == "code" and not marks.solution and not marks.grade
        )

    def statement(self, name: str) -> str | None:
        """Return the statement that defines a name, if there is one."""
        return self._statements.get(name)


def judge(
    source: str,
    peer: Peer,
    given: Given,
    *,
    untouched: bool = False,
    blind: bool = False,
    delimiters: Delimiters = USUAL,
) -> Verdict:
    """Run a check against a submission's process; the peer's deadline bounds it.

    untouched says that the answer is still what students were given, for the message. blind says
    that nothing of what the submission says may be told, as if all of the check were hidden.
    Raises Closed where the process went away, which the caller can explain.
    """
    start = time.monotonic()
    hidden: set[int | None] = {*hidden_lines(source, delimiters)}
    if blind:
        # None stands for an error that comes from no line of the check.
        hidden |= {None, *range(1, 1 + len(source.splitlines()))}
    silence = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), randomness.preserved(), silence:
        warnings.simplefilter("ignore")
        verdict = _run(source, peer, given, hidden)
    if untouched and verdict.word in ("failed", "error"):
        verdict = replace(verdict, word="missing", message="This exercise has no answer yet.")
    return replace(verdict, seconds=time.monotonic() - start, calls=peer.calls)


def _run(source: str, peer: Peer, given: Given, hidden: set[int | None]) -> Verdict:
    try:
        code = plain_python(source)
        namespace = _Namespace(peer, given)
        namespace.define(_free_names(code))
        score = _execute(code, namespace)
    except Closed:
        raise
    except DeadlineError:
        return Verdict("timeout", "The check did not end in time.")
    except WireError as error:
        why = "" if None in hidden else f": {error}"
        return Verdict("error", f"What the submission returned cannot be read{why}.")
    except MemoryError:
        return Verdict("memory", "More memory was needed than there is.")
    except AssertionError as error:
        if getattr(error, "remote", False):
            return Verdict("error", _raised_by_submission(error, hidden))
        return Verdict("failed", _author_s_words(error, source, hidden))
    except Exception as error:
        if getattr(error, "remote", False):
            return Verdict("error", _raised_by_submission(error, hidden))
        return Verdict("error", _raised_by_check(error, hidden))
    return Verdict("passed", score=score)


def _execute(source: str, namespace: "_Namespace") -> float | None:
    """Run the statements; return the value of an expression at the end, if it is a number."""
    tree = ast.parse(source, FILE)
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, FILE, "exec"), namespace)
        return None
    tree.body.pop()
    exec(compile(tree, FILE, "exec"), namespace)
    value = eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else None


class _Namespace(dict[str, Any]):
    """Names of a check; those that neither it nor the instructor's cells define are the student's.

    A check may take a name away from the student's code, to see whether that uses it, and may put
    the student's own object back. What else it assigns stays here: it may be the right answer.
    """

    def __init__(self, peer: Peer, given: Given) -> None:
        super().__init__(__name__="__main__")
        self._peer, self._given = peer, given
        self._student_s: set[str] = set()

    def define(self, names: set[str]) -> None:
        """Look names up, and those that their definitions need."""
        prelude: list[str] = []
        remote: list[str] = []
        waiting, seen = set(names), set(names)
        while waiting:
            name = waiting.pop()
            if hasattr(builtins, name):
                continue
            statement = self._given.statement(name)
            if statement is None:
                remote.append(name)
            elif statement not in prelude:
                prelude.insert(0, statement)
                new = _free_names(statement) - seen
                seen |= new
                waiting |= new
        for name in sorted(remote):
            with contextlib.suppress(KeyError):
                super().__setitem__(name, self._peer.request("name", 1, name, None))
                self._student_s.add(name)
        for statement in prelude:
            exec(compile(statement, "<given>", "exec"), self)

    def __missing__(self, name: str) -> Any:
        """Look up a name that the check uses before it binds it, as in ``x = f(x)``."""
        self.define({name})
        if name not in self:
            raise KeyError(name)
        return self[name]

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        if name in self._student_s and isinstance(value, Remote):
            self._peer.request("put", 1, name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        if name in self._student_s:
            self._peer.request("drop", 1, name, None)


def _free_names(source: str) -> set[str]:
    """Names that code looks up globally and does not bind at its top level."""
    top = symtable.symtable(source, FILE, "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                used.add(symbol.get_name())
    return used - bound


def _bound_names(statement: ast.stmt, *, imports_only: bool) -> list[str]:
    if isinstance(statement, ast.Import):
        return [(a.asname or a.name).partition(".")[0] for a in statement.names]
    if isinstance(statement, ast.ImportFrom):
        return [a.asname or a.name for a in statement.names if a.name != "*"]
    if imports_only:
        return []
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _line(error: BaseException) -> int | None:
    """Line of the check that was running when an error was raised."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _author_s_words(error: AssertionError, source: str, hidden: set[int | None]) -> str:
    line = _line(error)
    if line in hidden:
        # An author may have words for hidden tests, which give no values away.
        spoken = getattr(error, "hidden_message", None)
        return str(spoken if spoken is not None else error) or "A hidden test failed."
    text = source.splitlines()[line - 1].strip() if line else ""
    return str(error) or f"This does not hold: {text}"


def _raised_by_submission(error: Exception, hidden: set[int | None]) -> str:
    """Say what the submission's code raised; its words only where they can betray nothing."""
    if _line(error) in hidden:
        return (
            f"The code raised {type(error).__name__} in a hidden test. Try it on other inputs "
            "than those above: other sizes, types and options."
        )
    return f"The code raised {type(error).__name__}: {error}"


def _raised_by_check(error: Exception, hidden: set[int | None]) -> str:
    if isinstance(error, NameError):
        name = getattr(error, "name", None) or "a name that the check needs"
        return f"{name} is not defined above this check."
    if _line(error) in hidden and not isinstance(error, Restriction):
        return f"A hidden test could not use what the code returned ({type(error).__name__})."
    return f"The check could not use what the code returned: {type(error).__name__}: {error}"
