"""A judge's process: forked for one submission, bounded, and thrown away.

    grader ── warm process ── judge ──(sockets)── the submission's process, in the sandbox
              (modules, banks)

The judge reads what a submission sends, which may be small on the wire and large behind it. So it
has limits of memory and processor time of its own, and when it dies the grader, which has read
nothing but small typed records, counts that against the exercise at hand and has another one
forked.
"""

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import socket
import sys
import warnings
from pathlib import Path

from autograder.judging.blame import is_the_submission_s, where
from autograder.judging.diagnosis import Diagnosis, load
from autograder.judging.questions import prepare
from autograder.judging.records import (
    Began,
    Begin,
    Broke,
    Ended,
    Event,
    Finished,
    Fork,
    Forked,
    Known,
    Task,
)
from autograder.judging.run import run
from autograder.sandbox.submission import Ends, Submission
from autograder.wire.channel import Channel, Closed
from autograder.wire.records import read, write

__all__ = ["main"]

MEMORY = 768 * 2**20  # bytes that a judge may take beside what the warm process has
SLACK = 10.0  # seconds of a judge's processor time beyond those of a cell


def main() -> None:
    """Import what is asked for, then fork one judge after another. Never returns."""
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    begin: Begin = read(channel.receive()[0], Begin)
    warnings.simplefilter("ignore")
    for name in begin.modules:
        with contextlib.suppress(Exception):  # the check that needs it says what is wrong
            importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    prepare()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the grader ends with it, and this with the grader
    channel.send(write(Finished()))
    with contextlib.suppress(Closed):
        while True:
            frame, files = channel.receive(1)
            known: Known = read(frame, Known)
            diagnosis = load(known)
            child = os.fork()
            if child == 0:
                channel.close()
                _serve(Channel(socket.socket(fileno=files[0])), diagnosis)
            for file in files:
                os.close(file)
            handle = os.pidfd_open(child)
            channel.send(write(Finished()), (handle,))
            os.close(handle)
            _, status = os.waitpid(child, 0)
            channel.send(write(Ended(os.waitstatus_to_exitcode(status))))
    os._exit(0)


def _serve(grader: Channel, diagnosis: Diagnosis) -> None:
    """Be a judge: take a task, tell what comes of it, be it that this broke. Never returns."""
    try:
        _work(grader, diagnosis)
    except BaseException as error:
        with contextlib.suppress(BaseException):  # the grader may be gone
            if not is_the_submission_s(error):
                grader.send(write(Broke(where(error))))
    os._exit(0)


def _work(grader: Channel, diagnosis: Diagnosis) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    # The submission must not outlive whoever watches its judge, nor the judge its grader.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    task: Task = read(grader.receive()[0], Task)
    _bound()

    def fork() -> Submission:
        grader.send(write(Fork()))
        frame, files = grader.receive(len(Ends._fields))
        forked: Forked = read(frame, Forked)
        if forked.failure:
            os._exit(0)  # the grader knows why
        return Submission(Ends(*files), task.limits)

    def tell(event: Event) -> None:
        if isinstance(event, Began):
            # SIGPROF ends a process that has used up so much processor time, whatever it does.
            signal.setitimer(signal.ITIMER_PROF, task.limits.cell_time + SLACK)
        grader.send(write(event))

    _settle(task)
    run(task, fork, tell, diagnosis)
    tell(Finished())


def _bound() -> None:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY, in_use + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _settle(task: Task) -> None:
    """Work in the judge's folder, with the course's own files, which locked cells may need."""
    for name, content in task.files:
        path = Path(task.folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    os.chdir(task.folder)
    sys.path.insert(0, task.folder)


if __name__ == "__main__":
    main()
