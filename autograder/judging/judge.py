"""One check cell, run where the submission cannot reach it.

A check is the instructor's code. It runs in a judge's process and never runs a student's code: what
it takes from the submission comes over the wire (autograder.wire.peer). So what a student does to
torch, to numpy or to Python itself is done in another process, and a verdict depends on nothing but
the values that the student's functions return.
"""

import ast
import contextlib
import io
import symtable
import warnings
from collections.abc import Collection

from msgspec.structs import replace

from autograder.judging.names import Names
from autograder.judging.questions import written_out
from autograder.judging.verdict import MAX_MESSAGE, Verdict
from autograder.notebooks.regions import plain_python
from autograder.wire import randomness
from autograder.wire.channel import Closed, DeadlineError
from autograder.wire.peer import Peer
from autograder.wire.values import WireError

__all__ = ["judge"]

FILE = "<check>"
# What the student is told where an error's own words could carry what a hidden test passed.
IN_HIDDEN_TEST = (
    "The code raised an exception in a hidden test. Try it on other inputs than those above: other "
    "sizes, types and options."
)
LABELS = ("Likely cause", "Next step")
NOT_USABLE = "A hidden test could not use what the code returned."


def judge(
    source: str,
    peer: Peer,
    names: Names,
    *,
    hidden: Collection[int] = (),
    untouched: bool = False,
    blind: bool = False,
) -> Verdict:
    """Run a check against a submission's process; the peer's deadline bounds it.

    hidden numbers the lines, from 1, that students never see. untouched says that the answer is
    still what students were given, for the message. blind says that nothing of what the submission
    says may be told, as if all of the check were hidden. Raises Closed where the process went away,
    which the caller can explain.
    """
    unseen: set[int | None] = set(hidden)
    if blind:
        # None stands for an error that comes from no line of the check.
        unseen |= {None, *range(1, 1 + len(source.splitlines()))}
    silence = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), randomness.preserved(), silence, names.of(peer):
        warnings.simplefilter("ignore")
        verdict = _run(source, names, unseen)
    if untouched and verdict.word in ("failed", "error"):
        verdict = replace(verdict, word="missing", message="This exercise has no answer yet.")
    if len(verdict.message) > MAX_MESSAGE:
        cut = verdict.message[: MAX_MESSAGE - 20]
        verdict = replace(verdict, message=f"{cut}\n[The rest was cut.]")
    return verdict


def _run(source: str, names: Names, hidden: set[int | None]) -> Verdict:
    try:
        code = plain_python(source)
        names.look_up(_free_names(code))
        score = _execute(code, names)
    except Closed:
        raise
    except DeadlineError:
        return Verdict("timeout", "The check did not end in time.")
    except WireError as error:
        why = "" if None in hidden else f": {error}"
        return Verdict("error", f"What the submission returned cannot be read{why}.")
    except MemoryError:
        return Verdict("memory", "More memory was needed than there is.")
    except BaseException as error:  # pytest's Failed and SystemExit are none of Exception
        if getattr(error, "remote", False):
            return Verdict("error", _raised_by_submission(error, hidden))
        if isinstance(error, AssertionError) or not isinstance(error, Exception):
            return Verdict("failed", _author_s_words(error, source, hidden))
        return Verdict("error", _raised_by_check(error, hidden))
    return Verdict("passed", score=score)


def _execute(source: str, namespace: Names) -> float | None:
    """Run the statements; return the value of an expression at the end, if it is a number."""
    tree = written_out(ast.parse(source, FILE))
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        exec(compile(tree, FILE, "exec"), namespace)
        return None
    tree.body.pop()
    exec(compile(tree, FILE, "exec"), namespace)
    value = eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)
    return float(value) if type(value) in (int, float) else None


def _free_names(source: str) -> set[str]:
    """Names that code looks up globally and does not bind first.

    What a function looks up counts even where the code binds it somewhere: it may be called before.
    """
    top = symtable.symtable(source, FILE, "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    defined = {s.get_name() for s in top.get_symbols() if s.is_namespace() or s.is_imported()}
    used = {s.get_name() for s in top.get_symbols() if s.is_referenced()} - bound
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        called = {s.get_name() for s in table.get_symbols() if s.is_referenced() and s.is_global()}
        used |= called - defined
    return used


def _line(error: BaseException) -> int | None:
    """Line of the check that was running when an error was raised."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _author_s_words(error: BaseException, source: str, hidden: set[int | None]) -> str:
    line = _line(error)
    if line in hidden:
        return _fixed_words(error, source)
    text = source.splitlines()[line - 1].strip() if line else ""
    return _text(error) or f"This does not hold: {text}"


def _fixed_words(error: BaseException, source: str) -> str:
    """Return what the author says of a hidden test, in so far as the check's text holds it.

    Words that are put together while the check runs could carry what it passed or got back. An
    author may have other words for hidden tests than for the instructor: hidden_message.
    """
    constants = {
        node.value.strip()
        for node in ast.walk(ast.parse(plain_python(source)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    said = getattr(error, "hidden_message", None)
    said = said if isinstance(said, str) else _text(error)
    kept = [said] if said.strip() in constants else _lines_of(said, constants)
    return "\n".join(kept) or "A hidden test failed."


def _lines_of(said: str, constants: set[str]) -> list[str]:
    """Lines that are a constant, or a constant behind a label such as "Next step: "."""
    kept = []
    for line in said.splitlines():
        label, colon, rest = line.partition(": ")
        labelled = bool(colon) and label in LABELS and rest.strip() in constants
        if line.strip() in constants or labelled:
            kept.append(line)
    return ["A hidden test failed.", *kept] if kept else []


def _raised_by_submission(error: BaseException, hidden: set[int | None]) -> str:
    """Say what the submission's code raised; its words only where they can betray nothing."""
    if _line(error) in hidden:
        return IN_HIDDEN_TEST
    kind = getattr(error, "kind", type(error).__name__)
    return f"The code raised {kind}: {_text(error)}"


def _raised_by_check(error: Exception, hidden: set[int | None]) -> str:
    if isinstance(error, NameError):
        name = getattr(error, "name", None) or "a name that the check needs"
        return f"{name} is not defined above this check."
    if _line(error) in hidden:
        return NOT_USABLE
    return f"The check could not use what the code returned: {type(error).__name__}: {_text(error)}"


def _text(error: BaseException) -> str:
    """Words of an exception, cut: a message may quote what the submission returned."""
    try:
        return str(error)[:MAX_MESSAGE]
    except Exception:
        return ""
