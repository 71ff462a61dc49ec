"""Ways for the input of a hidden test to get out: what is told of a hidden test says nothing.

What is told of each check must be one of a few sentences, and those of the visible parts are
right here, so whatever else shows came of a hidden input.
"""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.broad import lesson
from tests.grading.corpus import Corpus, answer, extra, solve
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("words", lesson)

REST = {
    name: 0.0 if name in ("double", "clip", "refuse", "relu", "stack", "positive") else points
    for name, points in lesson.POINTS.items()
}


def _on_hidden(notebook: NotebookNode, strike: str) -> None:
    """Answer rightly, and do this with each number that only a hidden test passes."""
    solve(notebook, lesson=lesson)
    body = "\n".join("    " + line for line in strike.strip("\n").splitlines())
    extra(
        notebook,
        "import os, signal, sys, time\n\n"
        "def tell(value):\n"
        "    try:\n        number = int(abs(float(value)))\n"
        "    except (TypeError, ValueError):\n        return\n"
        "    if number > 1000:\n        strike(number)\n\n"
        f"def strike(number):\n    digits = str(number)\n{body}\n",
    )
    calls = {
        "double": "for value in (x.flatten() if hasattr(x, 'flatten') else [x]): tell(value)",
        "positive": "tell(x)",
        "clip": "tell(x)",
        "refuse": "tell(x)",
        "relu": "for value in x.flatten(): tell(value)",
    }
    for name, call in calls.items():
        head, body = lesson.RIGHT[name].split("\n", 1)
        answer(notebook, name, f"{head}\n    {call}\n{body}")
    head, body = lesson.RIGHT["stack"].split("def push(self, item):", 1)
    answer(notebook, "stack", f"{head}def push(self, item):\n        tell(item){body}")


@attack(deserves=REST)
def exit_status_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The process ends with a status that is a digit of the input, another one for each check."""
    _on_hidden(notebook, "os._exit(int(digits[len(sys.argv) % 7]) + 100)")


@attack(deserves=REST)
def signal_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The process ends by a signal whose number is a part of the input."""
    _on_hidden(
        notebook,
        "number = number % 30 + 1\nsignal.signal(number, signal.SIG_DFL) if number not in (9, 19)"
        " else None\nos.kill(os.getpid(), number)\ntime.sleep(0.1)\nos.abort()",
    )


@attack(deserves=REST)
def type_of_exception_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The exception's class is one of 64 of Python's, chosen by six bits of the input."""
    _on_hidden(
        notebook,
        "import builtins\n"
        "kinds = [k for k in vars(builtins).values() if isinstance(k, type)"
        " and issubclass(k, Exception)]\n"
        "raise kinds[number % 64 % len(kinds)](digits)",
    )


@attack(deserves=REST)
def name_of_exception_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The exception's class is made for the occasion, and has the input in its name and notes."""
    _on_hidden(
        notebook,
        "error = type('Was' + digits, (AssertionError,), {'hidden_message': digits})(digits)\n"
        "error.add_note(digits)\nerror.kind = error.remote = digits\nraise error from error",
    )


@attack(deserves=REST)
def base_exception_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The exception is one of a test runner's or of a program's end, with the input in it."""
    _on_hidden(
        notebook,
        "kinds = [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException]\n"
        "raise type('Failed', (kinds[number % 4],), {'msg': digits, 'pytrace': False})(digits)",
    )


@attack(deserves=REST)
def message_says_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The exception's words are those of the check, with the input behind a label that is kept."""
    _on_hidden(
        notebook,
        "raise AssertionError('relu is wrong\\nNext step: ' + digits + '\\n' + 'stack is wrong')",
    )


@attack(deserves=REST)
def values_say_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """What is printed, warned of, logged, returned to standard error and displayed is the input."""
    _on_hidden(
        notebook,
        "import logging, warnings\nprint(digits)\nprint(digits, file=sys.stderr)\n"
        "warnings.warn(digits)\nlogging.error(digits)\nos.system('echo ' + digits)\n"
        "display(digits)\nos.write(1, digits.encode())\nraise Exception(digits)",
    )


@attack(deserves=REST)
def files_say_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """The input goes into files, shared memory, a semaphore and a port, and cells look there."""
    _on_hidden(
        notebook,
        "import multiprocessing.shared_memory as shared, socket\n"
        "open('/tmp/said', 'a').write(digits)\nopen('said.txt', 'a').write(digits)\n"
        "open('/dev/shm/said', 'a').write(digits)\n"
        "os.symlink(digits, '/tmp/said-' + digits)\n"
        "block = shared.SharedMemory('said', create=True, size=16)\n"
        "block.buf[:7] = digits[:7].encode()\n"
        "socket.socket(socket.AF_UNIX).bind(chr(0) + digits)",
    )
    extra(
        notebook,
        """
        import glob
        import multiprocessing.shared_memory as shared

        for path in ("/tmp/said", "said.txt", "/dev/shm/said", *glob.glob("/tmp/said-*")):
            print(path, os.path.lexists(path) and open(path).read())
        try:
            print(bytes(shared.SharedMemory("said").buf))
        except OSError as error:
            print(error)
        """,
        after="check-stack",
    )


@attack(deserves=REST)
def time_and_memory_say_it(notebook: NotebookNode, _: Path, __: World) -> None:
    """How long a check takes, and whether it is ended for its memory, is chosen by the input."""
    _on_hidden(
        notebook,
        "time.sleep(int(digits[1]) / 5)\n"
        "hoard = bytearray(b'x') * 2**33 if number % 2 else 0\nraise Exception",
    )
