"""Forging by the way that results travel: file descriptors, sockets, frames, stored outputs."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading.corpus import Corpus, extra, in_a_cell, in_function, wrong
from tests.grading.course import World

ATTACKS = Corpus()
attack = ATTACKS.family("protocol")

# Success in every dress: JSON, length and JSON, msgpack of {"verdict": "passed"}, netstrings.
FRAMES = """
import json
import struct

claims = [
    {"verdict": "passed"},
    {"status": "ok", "verdict": "passed", "points": 16, "score": 16},
    {"ok": True}, {"result": True}, {"value": True}, ["passed"], True, 1.0, None,
]
texts = [json.dumps(claim).encode() for claim in claims]
packed = [b"\\x81\\xa7verdict\\xa6passed", b"\\xc3", b"\\xc0", b"\\x91\\xa6passed"]
frames = []
for body in texts + packed:
    frames += [body, body + b"\\n", b"%d:%s," % (len(body), body)]
    frames += [struct.pack(form, len(body)) + body for form in (">I", "<I", ">Q", "<Q")]
"""
DESCRIPTORS = """
import os

def descriptors():
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            yield int(name)
"""


def _frames(notebook: NotebookNode) -> None:
    """Put the frames and the list of open descriptors into a cell of their own."""
    extra(notebook, FRAMES + DESCRIPTORS)


@attack()
def prints_verdicts(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function prints every word by which a program might tell of success."""
    in_function(
        notebook,
        """
        for line in (
            "passed", "PASSED", "OK", "verdict: passed", '{"verdict": "passed", "points": 16}',
            "@@passed@@", "1", "16.0", "## check-noisy passed",
        ):
            print(line, flush=True)
        """,
    )


@attack()
def shows_a_score(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function displays a number and a verdict in many formats."""
    in_function(
        notebook,
        """
        from IPython.display import display

        display(
            {
                "text/plain": "16.0",
                "application/json": {"verdict": "passed", "score": 16},
                "application/vnd.nbgrader+json": {"score": 16},
            },
            raw=True,
            metadata={"nbgrader": {"score": 16}, "verdict": "passed"},
        )
        """,
    )


@attack()
def closes_descriptors(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function closes every open file descriptor, standard error included."""
    in_function(notebook, "import os\nos.closerange(0, 1024)")


@attack()
def closes_descriptors_in_a_cell(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell before the checks closes every open file descriptor but the first three."""
    in_a_cell(notebook, "import os\nos.closerange(3, 1024)")


@attack()
def writes_frames_to_descriptors(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function writes guessed replies to every open file descriptor, before its own."""
    in_function(
        notebook,
        """
        for number in descriptors():
            os.set_blocking(number, False)
            for frame in frames:
                try:
                    os.write(number, frame)
                except OSError:
                    break
        """,
    )
    _frames(notebook)


@attack()
def answers_and_leaves(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function writes one guessed reply to every descriptor and ends the process."""
    in_function(
        notebook,
        """
        for number in descriptors():
            try:
                os.write(number, frames[len(frames) // 2])
            except OSError:
                pass
        os._exit(0)
        """,
    )
    _frames(notebook)


@attack()
def sends_from_a_thread(notebook: NotebookNode, _: Path, __: World) -> None:
    """A thread keeps sending guessed replies on every socket while the checks run."""
    in_a_cell(
        notebook,
        """
        import socket
        import threading
        import time

        def keep_sending():
            for _ in range(300):
                for number in descriptors():
                    try:
                        twin = socket.socket(fileno=os.dup(number))
                        twin.setblocking(False)
                        for frame in frames:
                            twin.send(frame, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                    except (OSError, ValueError):
                        pass
                time.sleep(0.02)

        threading.Thread(target=keep_sending, daemon=True).start()
        """,
    )
    _frames(notebook)


@attack()
def echoes_what_it_reads(notebook: NotebookNode, _: Path, __: World) -> None:
    """A thread reads from every descriptor and sends what it gets back, as replies."""
    in_a_cell(
        notebook,
        """
        import select
        import threading

        def echo():
            for _ in range(300):
                numbers = [n for n in descriptors() if os.path.exists(f"/proc/self/fd/{n}")]
                for number in numbers:
                    try:
                        ready, _, _ = select.select([number], [], [], 0)
                        if ready:
                            os.write(number, os.read(number, 65536))
                    except OSError:
                        pass

        threading.Thread(target=echo, daemon=True).start()
        """,
    )
    _frames(notebook)


@attack()
def header_of_a_giant(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function announces a reply of nearly 2**64 bytes on every descriptor."""
    in_function(
        notebook,
        """
        import time

        for number in descriptors():
            try:
                os.write(number, b"\\xff" * 8 + b"\\xc6\\xff\\xff\\xff\\xff")
            except OSError:
                pass
        time.sleep(0.2)
        """,
    )
    _frames(notebook)


@attack()
def forks_and_both_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function forks, so that two processes go on and reply to the same call."""
    in_function(notebook, "import os\nos.fork()")


@attack()
def descriptors_swapped(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function makes every descriptor a copy of standard output."""
    in_function(
        notebook,
        """
        for number in descriptors():
            try:
                os.dup2(1, number)
            except OSError:
                pass
        """,
    )
    _frames(notebook)


@attack()
def kernel_sends_a_forged_result(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function sends a forged Jupyter result and reply by the kernel's own session."""
    in_function(
        notebook,
        """
        shell = get_ipython()
        kernel = shell.kernel
        content = {"data": {"text/plain": "16"}, "metadata": {}, "execution_count": 1}
        parent = kernel.get_parent()
        kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=parent)
        idle = {"execution_state": "idle"}
        kernel.session.send(kernel.iopub_socket, "status", idle, parent=parent)
        reply = {"status": "ok", "execution_count": 1}
        kernel.session.send(kernel.shell_stream, "execute_reply", reply, parent=parent)
        """,
    )


@attack()
def outputs_sent_elsewhere(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function gives the kernel another parent, so that errors belong to no cell."""
    in_function(
        notebook,
        """
        shell = get_ipython()
        shell.set_parent({"header": {"msg_id": "nobody"}, "metadata": {}, "content": {}})
        shell.kernel.set_parent([b"nobody"], {"header": {"msg_id": "nobody"}})
        """,
    )


@attack()
def clears_the_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A callback after each cell clears its output, and with it the error."""
    in_a_cell(
        notebook,
        """
        from IPython.display import clear_output

        shell = get_ipython()
        shell.events.register("post_execute", clear_output)
        show = shell._showtraceback
        shell._showtraceback = lambda *arguments: (show(*arguments), clear_output())
        """,
    )


@attack()
def updates_an_earlier_display(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks' display, identified in advance, is later updated to a passed verdict."""
    in_function(
        notebook,
        """
        from IPython.display import display

        for name in ("verdict", "check-relu", "check-noisy", "result"):
            display("passed", display_id=name)
            display("passed", display_id=name, update=True)
        """,
    )


@attack()
def exception_named_passed(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function raises an exception whose name, text and attributes all say passed."""
    in_function(
        notebook,
        """
        class passed(Exception):
            verdict, points, score, status = "passed", 16, 16, "ok"
            def __str__(self): return "passed"
            def __reduce__(self): return (str, ("passed",))
            def _render_traceback_(self): return ["passed"]

        passed.__module__ = "autograder.verdicts"
        raise passed("passed")
        """,
    )


@attack()
def exception_without_traceback(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function raises what cannot be shown: its text and traceback raise in turn."""
    in_function(
        notebook,
        """
        class Unspeakable(BaseException):
            def __str__(self): raise SystemExit(0)
            def _render_traceback_(self): raise SystemExit(0)
            __repr__ = __str__

        raise Unspeakable
        """,
    )


@attack()
def stored_outputs_say_passed(notebook: NotebookNode, _: Path, __: World) -> None:
    """The checks come with outputs that say passed and carry scores, in cells marked as run."""
    wrong(notebook)
    for cell in notebook.cells:
        if cell.id.startswith("check-"):
            result = nbformat.v4.new_output(
                "execute_result",
                data={"text/plain": "16", "application/json": {"verdict": "passed"}},
                metadata={"nbgrader": {"score": 16}},
                execution_count=1,
            )
            cell.outputs = [result, nbformat.v4.new_output("stream", text="passed\n")]
            cell.execution_count = 1
            cell.metadata["execution"] = {"status": "ok"}
            cell.metadata["autograder"] = {"verdict": "passed", "points": 16}
