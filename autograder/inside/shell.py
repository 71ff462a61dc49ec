"""The IPython shell that runs a submission's cells, and keeps what they print and display."""

import base64
import io
import os
import sys
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.wire.records import Displayed, Failure, Ran

__all__ = ["Output", "get_shell", "make_shell"]

# What an instructor's browser may be shown; the grader cleans it once more.
KEPT = ("text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg")


class Output:
    """What one cell displays, up to a number of bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept: list[Displayed] = []
        self.cut = False
        self._room = limit * 10

    def add(self, data: dict[str, Any], *, result: bool = False) -> None:
        """Keep one output, or note that it was too much."""
        kept = {
            mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for mime, value in data.items()
            if mime in KEPT and isinstance(value, str | bytes)
        }
        size = sum(len(value) for value in kept.values())
        if size > self._room or len(self.kept) > 200:
            self.cut = True
            return
        self._room -= size
        self.kept.append(Displayed(kept, result))


class Stream(io.TextIOBase):
    """Standard output or error, unbuffered, and silent after a number of bytes for each cell."""

    def __init__(self, file: int, limit: int) -> None:
        self._file, self._limit = file, limit
        self.room = limit

    def write(self, text: str) -> int:
        data = text.encode(errors="replace")
        if self.room > 0:
            os.write(self._file, data[: self.room])
        self.room -= len(data)
        return len(text)

    def fileno(self) -> int:
        return self._file

    def writable(self) -> bool:
        return True

    def refill(self) -> bool:
        """Start anew for the next cell; tell whether something was dropped."""
        cut, self.room = self.room < 0, self._limit
        return cut


class Publisher(DisplayPublisher):
    """Where display() goes."""

    shell: Any

    def publish(self, data: Any, *_: Any, **__: Any) -> None:
        self.shell.capture.add(dict(data))

    def clear_output(self, *_: Any, **__: Any) -> None:
        self.shell.capture.kept.clear()


class Hook(DisplayHook):
    """Where the value of a cell's last expression goes."""

    shell: Any

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, *_: Any) -> None:
        self.shell.capture.add(dict(format_dict), result=True)

    def finish_displayhook(self) -> None:
        pass


class Shell(InteractiveShell):
    """IPython without a terminal, a history file or a kernel."""

    displayhook_class = Hook
    display_pub_class = Publisher
    capture = Output(0)
    streams: tuple[Stream, ...] = ()
    failure: Failure | None = None

    def redirect(self, limit: int) -> None:
        """Keep what cells print, up to a number of bytes each."""
        self.capture = Output(limit)
        self.streams = Stream(1, limit), Stream(2, limit)
        sys.stdout, sys.stderr = self.streams

    def init_io(self) -> None:
        """Leave standard streams alone."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        name, text = str(getattr(etype, "__name__", etype))[:1000], str(evalue)[:4000]
        self.failure = Failure(name, text, [str(line)[:20_000] for line in stb][:100])

    def run(self, source: str) -> Ran:
        """Run a cell; return what it displayed and its error."""
        self.capture = Output(self.capture.limit)
        self.failure = None
        self.running = self.execution_count
        try:
            self.run_cell(source, store_history=True)
        except KeyboardInterrupt:
            self.failure = Failure("KeyboardInterrupt", "", [])
        except SystemExit as error:
            self.failure = Failure("SystemExit", str(error)[:4000], [])
        for stream in self.streams:
            self.capture.cut |= stream.refill()
        return Ran(self.capture.kept, self.capture.cut, self.failure, self.running)


def make_shell() -> Shell:
    """Make the one shell of this process."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.cache_size = 0
    shell = Shell.instance(config=config)
    # Names as in a kernel; what IPython's own start put there is no student's.
    shell.reset(new_session=False)
    if "matplotlib" in sys.modules:
        from matplotlib_inline.backend_inline import flush_figures

        shell.events.register("post_execute", flush_figures)
    return shell


def get_shell() -> Shell:
    """Return the shell that make_shell made."""
    return Shell.instance()
