"""Files that are more to read than they seem, and memory of the kernel's: variations on both."""

import json
import os
import socket
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.corpus import Corpus, answer, get, in_a_cell, solve, write, wrong
from tests.grading.course import ASSIGNMENT, World

ATTACKS = Corpus()
attack = ATTACKS.family("files")
harm = ATTACKS.family("harming")

NOTEBOOK = f"{ASSIGNMENT}.ipynb"
BUT_RELU = {name: points for name, points in tiny.POINTS.items() if name != "relu"}


@attack()
def old_format_with_millions_of_sheets(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook is of an older format, with three million worksheets and outputs of no kind."""
    cell = b'{"cell_type": "code", "input": [], "outputs": [[]], "language": 5, "collapsed": 1}'
    sheets = b'{"cells": [' + cell + b"]}," + b'{"cells": []},' * 3_000_000 + b"[]"
    head = b'{"nbformat": 3, "nbformat_minor": 0, "metadata": [], "worksheets": ['
    write(folder, NOTEBOOK, head + sheets + b"]}")


@attack()
def numbers_of_millions_of_digits(_: NotebookNode, folder: Path, __: World) -> None:
    """The format's version is an integer of 30 million digits, and so are counts and an id."""
    digits = b"9" * 30_000_000
    head = b'{"nbformat": 4' + digits + b', "nbformat_minor": 1e99999, "metadata": {}, '
    write(folder, NOTEBOOK, head + b'"cells": [{"id": ' + digits + b"}]}")


@attack()
def keys_in_millions(_: NotebookNode, folder: Path, __: World) -> None:
    """A table in the notebook's metadata has three million keys, and a cell as many."""
    table = ",".join(f'"{number}":0' for number in range(3_000_000))
    cell = '{"cell_type": "code", "source": "", "metadata": {' + table + "}}"
    text = '{"nbformat": 4, "nbformat_minor": 5, "metadata": {' + table + '}, "cells": ['
    write(folder, NOTEBOOK, text + cell + "]}")


@attack(deserves=tiny.POINTS)
def texts_that_are_no_text(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Right answers carry half a surrogate pair, NUL, marks of direction, escapes of terminals."""
    solve(notebook)
    text = "# \x07\u202e\u2066\x1b]0;spoiled\x07\x1b[2J\ufeff\uffff"
    for name in tiny.POINTS:
        get(notebook, name).source += "\n" + text + "\n"
    raw = json.loads(nbformat.writes(notebook))
    raw["metadata"]["authors"] = [{"name": "\ud800"}]
    raw["cells"][1]["metadata"]["tags"] = ["\udfff", "\x00"]
    write(folder, NOTEBOOK, json.dumps(raw))


@attack()
def attachments_in_numbers(notebook: NotebookNode, _: Path, __: World) -> None:
    """A written answer has 50,000 attachments of kinds and names that are no picture's."""
    wrong(notebook)
    cell = get(notebook, tiny.WRITTEN)
    cell.source = "".join(f"![a](attachment:{n}.png)\n" for n in range(50_000))
    cell.attachments = {f"{n}.png": {"image/png": '"><b onclick=spoiled()>'} for n in range(50_000)}
    cell.attachments["x\"onerror='spoiled()'.png"] = {"text/html": "<script>spoiled()</script>"}
    cell.attachments["../../a.png"] = {"image/svg+xml": "<svg onload=spoiled()>", "": ""}


@attack(without_notebook=True)
def folders_in_folders(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook lies below folders whose path is longer than a path may be, and 950 deep."""
    for name, depth in (("f" * 200, 60), ("f", 950)):
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        for _level in range(depth):
            os.mkdir(name, dir_fd=place)
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=place)
            os.close(place)
            place = below
        os.close(os.open(NOTEBOOK, os.O_CREAT | os.O_WRONLY, dir_fd=place))
        os.close(place)


@attack()
def timestamp_leads_to_a_pipe(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt is a link to a named pipe beside it, for which somebody waits."""
    wrong(notebook)
    os.mkfifo(folder / "pipe")
    (folder / "timestamp.txt").symlink_to("pipe")


@attack()
def timestamp_outside_of_time(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt holds a date at the end of time, in a zone that leads beyond it."""
    wrong(notebook)
    write(folder, "timestamp.txt", b"9999-12-31 23:59:59.999999 -2359\xff\xfe\x00")


@attack()
def sockets_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A socket lies beside the notebook, with the name of a data file."""
    wrong(notebook)
    here = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(f"/proc/self/fd/{here}/data.csv")  # a path to a socket must be short
    os.close(here)


@attack(dangerous="it would read a terabyte")
def sparse_file_of_a_terabyte(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A data file of a terabyte takes no room, and a link leads to it under twenty names."""
    wrong(notebook)
    with (folder / "data.csv").open("wb") as stream:
        stream.truncate(2**40)
    for number in range(20):
        os.link(folder / "data.csv", folder / f"data-{number}.csv")


@harm(dangerous="it would fill memory")
def memory_in_pipes_and_tables(notebook: NotebookNode, _: Path, __: World) -> None:
    """Memory is taken that is the kernel's: pipes, tables of pages, System V, watches, keys."""
    in_a_cell(
        notebook,
        """
        import ctypes
        import fcntl
        import mmap
        import os
        import select
        import time

        library = ctypes.CDLL(None, use_errno=True)
        for _ in range(60):
            try:
                if os.fork() == 0:
                    break
            except OSError:
                pass
        kept = []
        for turn in range(10_000):
            for take in (
                lambda: kept.append(os.pipe()),
                lambda: fcntl.fcntl(kept[-1][1], 1031, 2**20),
                lambda: os.set_blocking(kept[-1][1], False),
                lambda: [os.write(kept[-1][1], bytes(2**16)) for _ in range(16)],
                lambda: kept.append((select.epoll(),)),
                lambda: library.shmget(0, 2**26, 0o1600),
                lambda: library.shmat(library.shmget(0, 2**26, 0o1600), 0, 0),
                lambda: library.syscall(248, b"user", b"%d" % turn, bytes(20_000), 20_000, -3),
                lambda: kept.append(mmap.mmap(-1, 2**21)),
                lambda: kept[-1].__setitem__(0, 1),
            ):
                try:
                    take()
                except (OSError, ValueError, IndexError, MemoryError):
                    pass
        time.sleep(60)
        """,
    )


@harm(deserves=BUT_RELU)
def threads_that_compute(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer multiplies matrices in sixty threads of torch's and of Python's."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        """
        import threading

        def relu(x):
            torch.set_num_threads(60)

            def work():
                a = torch.randn(400, 400)
                while True:
                    a = (a @ a).clamp(-1, 1)

            for _ in range(60):
                threading.Thread(target=work, daemon=True).start()
            work()
        """,
    )


@harm(deserves=BUT_RELU)
def waits_in_every_place(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer waits where no processor time is used: at its definition, and in every call."""
    solve(notebook)
    answer(
        notebook,
        "relu",
        "import time\n\ndef relu(x):\n    time.sleep(3.5)\n    return x\n\ntime.sleep(3)",
    )
