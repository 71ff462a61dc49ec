"""The sandbox's inside: a warm process that is forked for each submission.

    grader ── bubblewrap ── warm process ── supervisor ── the submission ── copies of it, kept
                            (modules only)  (watches)     (IPython)         └─ one check's fork

The warm process has imported what submissions need and nothing else. For each submission it forks
a supervisor, which opens new namespaces, forks the submission into them, watches its memory and
its processes, and ends it. The submission runs cells in IPython. Where a check stands, a copy of
it can be kept (a fork, which waits), so that hidden tests can be run after the last cell on what
was there at their place. A check talks to a fork of the submission or of such a copy, so that
neither what a check does nor what the student's functions do during it is there afterwards: not
for the next check, and not for a cell that would print it.

Everything that comes out of a submission's process is its own word, messages of this module
included. The judge treats it so.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any

from autograder.inside import confine as isolation
from autograder.inside.shell import get_shell, make_shell
from autograder.inside.watch import watch
from autograder.limits import Limits
from autograder.wire.channel import Channel, Closed
from autograder.wire.peer import Peer
from autograder.wire.records import (
    Begin,
    Keep,
    Look,
    Looked,
    Offer,
    Order,
    Over,
    Report,
    Request,
    read,
    write,
)

__all__ = ["main"]

MOST_FILES = 10_000  # that are looked at
# Open files that come with a submission: its channel, its standard output and standard error, what
# is in the files of its folder.
FILES = 4
CHUNK = 2**20


def main() -> None:
    """Import what is asked for, then fork a supervisor for each request. Never returns."""
    control = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(control)
    begin: Begin = read(channel.receive()[0], Begin)
    # Not later: matplotlib looks at it when it is imported.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in begin.modules:
        importlib.import_module(name)
    for name in begin.chosen:
        with contextlib.suppress(Exception):  # the cell that needs it says what is wrong
            importlib.import_module(name)
    _prepare()
    # Whoever is started in the background of a script has it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    channel.send(write(Over()))
    # Supervisors are waited for, so that what they used counts as used.
    signal.signal(signal.SIGCHLD, _reap)
    with contextlib.suppress(Closed):
        while True:
            frame, files = channel.receive(FILES + 1)
            request: Request = read(frame, Request)
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.close()
                _supervise(request, files)
            for file in files:
                os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()  # a supervisor ends with its submission, at the latest when the grader goes
    os._exit(0)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _prepare() -> None:
    """Make everything that a fork would otherwise make again: the shell, thread pools of one."""
    make_shell()
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        # A fork has one thread; a pool of several would wait for the others for ever.
        torch.set_num_threads(1)
        # The first backward pass with a given gradient imports much.
        leaf = torch.ones((), requires_grad=True)
        torch.autograd.backward([leaf * 2], [torch.ones(())])
    gc.collect()
    gc.freeze()


def _supervise(request: Request, files: list[int]) -> None:
    """Run a submission in a child, watch it, report how it ended. Never returns."""
    report, *passed = files
    channel = Channel(socket.socket(fileno=report))
    ready, told = os.pipe()
    try:
        if request.isolate:
            isolation.unshare()
        child = os.fork()
    except OSError as error:
        _report(channel, Report("infrastructure", str(error)))
        os._exit(1)
    if child == 0:
        channel.close()
        os.close(ready)
        _begin(request, passed, told)
    os.close(told)
    for file in passed:
        os.close(file)
    failure = os.read(ready, 1000)
    if failure != b"+":
        why = failure.decode(errors="replace") or "it died at once"
        _report(channel, Report("infrastructure", why))
        os._exit(1)
    _report(channel, Report("started"))
    reason = watch(channel, child, request.limits)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not request.isolate:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    if not reason:
        code = os.waitstatus_to_exitcode(status)
        reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    _report(channel, Report("ended", reason))
    os._exit(0)


def _report(channel: Channel, report: Report) -> None:
    with contextlib.suppress(Closed):
        channel.send(write(report))


def _begin(request: Request, passed: list[int], told: int) -> None:
    """Confine this process, tell the supervisor, and run the submission. Never returns."""
    try:
        main_end, output, error, contents = passed
        # A signal to the group of a process reaches all of the group, in other namespaces too.
        os.setsid()
        if request.isolate:
            isolation.confine(request.limits)
        else:
            isolation.limit(request.limits)
        os.nice(5)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (output, 1), (error, 2)):
            os.dup2(source, target)
        _fill(request, contents)
        # Not earlier: what the submission brought may be larger than what it may write.
        isolation.limit_files(request.limits)
    except BaseException as failure:
        os.write(told, str(failure).encode()[:900] or b"?")
        os._exit(1)
    os.write(told, b"+")
    os.close(told)
    os.closerange(3, main_end)
    os.closerange(main_end + 1, 256)
    _run(Channel(socket.socket(fileno=main_end)), request.limits)


def _fill(request: Request, contents: int) -> None:
    """Put the submission's files into its folder, and work there as a notebook would."""
    os.makedirs(request.folder, exist_ok=True)
    os.chdir(request.folder)
    place = 0
    for name, size in request.files:
        path = os.path.join(request.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        end = place + size
        with open(path, "wb") as file:
            while place < end:
                place += file.write(os.pread(contents, min(CHUNK, end - place), place))
    os.environ.update(request.environment)
    # A helper module may lie beside the notebook.
    sys.path.insert(0, request.folder)


def _run(channel: Channel, limits: Limits) -> None:
    """Run cells and offer forks to checks until the judge goes. Never returns."""
    shell = get_shell()
    shell.redirect(limits.output)
    status = 0
    try:
        _obey(channel, shell)
    except Closed:
        pass
    except BaseException:
        traceback.print_exc()
        status = 1
    os._exit(status)


def _obey(channel: Channel, shell: Any) -> None:
    own = os.getpid()
    files_then: dict[str, tuple[int, int]] = {}
    while True:
        frame, files = channel.receive(2)
        order: Any = read(frame, Order)
        if isinstance(order, Offer):
            _offer(channel, files, shell.user_ns)
        elif isinstance(order, Keep):
            files_then = _files()
            if os.fork() == 0:
                # The copy waits for a check, on a channel of its own.
                channel.close()
                channel, own = Channel(socket.socket(fileno=files[0])), os.getpid()
            else:
                os.close(files[0])
                channel.send(write(Over()))
        elif isinstance(order, Look):
            channel.send(write(Looked(files_then != _files())))
        else:
            result = shell.run(order.source)
            if os.getpid() != own:
                os._exit(0)  # a process that the cell forked; its parent answers
            channel.send(write(result))


def _files() -> dict[str, tuple[int, int]]:
    """Files that a submission can write, with size and time of change; not endlessly many."""
    found = {}
    for folder, _, names in os.walk("/tmp"):
        for name in names:
            with contextlib.suppress(OSError):
                path = os.path.join(folder, name)
                status = os.lstat(path)
                found[path] = status.st_size, status.st_mtime_ns
        if len(found) > MOST_FILES:
            break
    return found


def _offer(channel: Channel, files: list[int], namespace: dict[str, Any]) -> None:
    """Fork; the child answers one check's calls. The parent ends it when the check is over."""
    file, lifeline = files
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            channel.close()
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(1)
            peer = Peer(Channel(socket.socket(fileno=file)), "student")
            peer.own(namespace)
            peer.serve()
        os._exit(0)
    os.close(file)
    over = select.poll()
    over.register(lifeline, 0)  # the judge closes the other end
    over.poll()
    os.close(lifeline)
    # Where the submission ignores SIGCHLD, nothing is left of a child that has ended.
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    channel.send(write(Over()))


if __name__ == "__main__":
    main()
