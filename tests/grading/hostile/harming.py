"""Harming the machine, the run, and other students: during the run and after it."""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.corpus import Corpus, answer, extra, in_a_cell, in_function, solve, wrong
from tests.grading.course import BYSTANDER, World

ATTACKS = Corpus()
attack = ATTACKS.family("harming")

REST = {"mean_and_spread": 2.0, "scale": 4.0, "iterate": 8.0, "noisy": 16.0}


def _one_of_five(notebook: NotebookNode, source: str) -> None:
    """Let relu run this code whenever it is called; answer all the others rightly."""
    solve(notebook)
    body = "".join(f"    {line}\n" for line in source.strip("\n").splitlines())
    answer(notebook, "relu", f"def relu(x):\n{body}    return x * 1.0\n")


@attack(dangerous="it would fill the process table")
def fork_bomb(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell starts processes that start processes, without end."""
    in_a_cell(
        notebook,
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    )


@attack(dangerous="it would fill the table of threads")
def thread_bomb(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell starts threads that sleep, without end."""
    in_a_cell(
        notebook,
        """
        import threading
        import time

        while True:
            try:
                threading.Thread(target=time.sleep, args=[600]).start()
            except RuntimeError:
                pass
        """,
    )


@attack(dangerous="it would fill the disk")
def fills_the_disk(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell writes files everywhere until nothing can be written."""
    in_a_cell(
        notebook,
        """
        block = bytes(2**20)
        for place in (".", "/tmp", "/dev/shm", "/var/tmp"):
            try:
                with open(f"{place}/filler", "wb") as stream:
                    while True:
                        stream.write(block)
            except OSError as error:
                print(place, error)
        """,
    )


@attack(dangerous="it would use up the disk's inodes")
def many_files(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell creates empty files and nested folders until none can be created."""
    in_a_cell(
        notebook,
        """
        import os

        place = "."
        for number in range(10_000_000):
            try:
                open(f"/tmp/empty-{number}", "w").close()
                if number % 100 == 0:
                    place = os.path.join(place, "d")
                    os.mkdir(place)
            except OSError:
                break
        """,
    )


@attack(dangerous="it would fill memory")
def memory_bomb(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell takes memory and writes to it until none is left."""
    in_a_cell(notebook, "hoard = []\nwhile True:\n    hoard.append(bytearray(b'x') * 2**26)")


@attack(deserves=REST, dangerous="it would fill memory")
def memory_bomb_in_a_function(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer takes memory without end; all others are right and count."""
    _one_of_five(notebook, "hoard = []\nwhile True:\n    hoard.append(torch.ones(2**24))")


@attack(dangerous="it would fill memory")
def memory_in_many_processes(notebook: NotebookNode, _: Path, __: World) -> None:
    """Many processes take a little memory each, so that no one of them is over a limit."""
    in_a_cell(
        notebook,
        """
        import os
        import time

        for _ in range(64):
            try:
                if os.fork() == 0:
                    hoard = bytearray(b"x") * (512 * 2**20)
                    time.sleep(60)
                    os._exit(0)
            except OSError:
                pass
        """,
    )


@attack(dangerous="it would fill memory")
def shared_memory_bomb(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell fills memory that belongs to no process: memfd, /dev/shm, pipes."""
    in_a_cell(
        notebook,
        """
        import os

        block, held = bytes(2**24), []
        try:
            for number in range(1000):
                handle = os.memfd_create(str(number))
                held.append(handle)
                for _ in range(16):
                    os.write(handle, block)
        except OSError as error:
            print(error)
        """,
    )


@attack(dangerous="it would fill memory")
def anonymous_memory_that_is_shared(notebook: NotebookNode, _: Path, __: World) -> None:
    """Processes fill shared memory and give its pages back, which frees nothing."""
    in_a_cell(
        notebook,
        """
        import mmap
        import os
        import time

        for _ in range(60):
            try:
                if os.fork() == 0:
                    hoard = mmap.mmap(-1, 2**30)
                    for place in range(0, len(hoard), 4096):
                        hoard[place] = 1
                    hoard.madvise(mmap.MADV_DONTNEED)
                    time.sleep(60)
                    os._exit(0)
            except OSError:
                pass
        time.sleep(60)
        """,
    )


@attack(dangerous="it would fill memory")
def memory_in_sockets(notebook: NotebookNode, _: Path, __: World) -> None:
    """Processes fill the buffers of sockets, made as large as may be, and read nothing."""
    in_a_cell(
        notebook,
        """
        import os
        import socket
        import time

        for _ in range(60):
            try:
                if os.fork() == 0:
                    break
            except OSError:
                pass
        kept = []
        while True:
            try:
                kept.append(socket.socketpair())
                for end in kept[-1]:
                    end.setblocking(False)
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**24)
                    while end.send(bytes(2**16)):
                        pass
            except BlockingIOError:
                pass
            except OSError:
                time.sleep(60)
        """,
    )


@attack(dangerous="it would take every processor")
def processes_that_compute(notebook: NotebookNode, _: Path, __: World) -> None:
    """Many processes compute as long as they are let, and so do the children that they leave."""
    in_a_cell(
        notebook,
        """
        import os
        import signal

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for _ in range(100):
            try:
                if os.fork() == 0:
                    os.setsid()
                    break
            except OSError:
                pass
        while True:
            try:
                os.sched_setaffinity(0, range(os.cpu_count()))
            except OSError:
                pass
        """,
    )


@attack()
def twenty_megabytes_of_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell prints 20 MB."""
    in_a_cell(notebook, "for _ in range(20):\n    print('spam ' * 200_000)")


@attack(dangerous="it would fill memory and disk with output")
def endless_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell prints for ever."""
    in_a_cell(notebook, "while True:\n    print('spam ' * 1000)")


@attack(deserves=REST, dangerous="it would fill memory and disk with output")
def endless_output_in_a_function(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer prints for ever, on both streams and by descriptor; all others are right."""
    _one_of_five(
        notebook,
        "import os, sys\nwhile True:\n    print('spam' * 1000)\n"
        "    print('spam', file=sys.stderr)\n    os.write(1, b'spam' * 1000)\n"
        "    os.write(2, b'spam' * 1000)",
    )


@attack()
def many_displays(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell displays 20,000 small things and opens 200 widget channels."""
    in_a_cell(
        notebook,
        """
        from IPython.display import display

        for number in range(20_000):
            display({"text/plain": str(number)}, raw=True)
        try:
            import comm

            for _ in range(200):
                comm.create_comm(target_name="jupyter.widget", data={"x": "y" * 1000})
        except Exception as error:
            print(type(error).__name__)
        """,
    )


@attack()
def huge_display(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell displays one picture of 40 MB and raises an error whose text is as long."""
    in_a_cell(
        notebook,
        """
        from IPython.display import display

        display({"image/png": "A" * 40_000_000, "text/html": "<b>" * 1_000_000}, raw=True)
        raise ValueError("x" * 20_000_000)
        """,
    )


@attack(deserves=REST)
def segmentation_fault(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer reads address 0; all others are right and count."""
    _one_of_five(notebook, "import ctypes\nctypes.string_at(0)")


@attack(deserves=REST)
def exits_in_a_function(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer ends the process by os._exit(0); all others are right and count."""
    _one_of_five(notebook, "import os\nos._exit(0)")


@attack()
def exits_in_a_cell(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell ends the process by os._exit(0), before any answer is defined."""
    in_a_cell(notebook, "import os\nos._exit(0)")


@attack()
def becomes_another_program(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell replaces its process by another program, which sleeps."""
    in_a_cell(
        notebook,
        f"""
        import os

        code = "import time; time.sleep(900)"
        os.execvp("python3", ["python3", "-c", code, "{world.left_behind}"])
        """,
    )


@attack()
def kills_its_parent(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell kills its parent process, its parent's parent, and its process group."""
    in_a_cell(
        notebook,
        """
        import os
        import signal

        parent = os.getppid()
        try:
            above = int(open(f"/proc/{parent}/stat").read().rsplit(")", 1)[1].split()[1])
        except OSError:
            above = 0
        for pid in (above, parent):
            if pid > 1:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError as error:
                    print(error)
        """,
    )


@attack()
def kills_its_group(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell kills every process of its group."""
    in_a_cell(notebook, "import os, signal\nos.killpg(0, signal.SIGKILL)")


@attack(dangerous="it would kill every process of the machine")
def kills_everything(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell kills every process that it may send a signal to."""
    in_a_cell(notebook, "import os, signal\nos.kill(-1, signal.SIGKILL)")


@attack()
def stops_itself(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell stops its own process and its group, which then neither runs nor ends."""
    in_a_cell(notebook, "import os, signal\nos.killpg(0, signal.SIGSTOP)")


@attack(deserves=REST)
def loop_that_ignores_interrupts(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer loops for ever and ignores all signals that can be ignored; the others count."""
    _one_of_five(
        notebook,
        """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    )


@attack(deserves=REST)
def loop_in_c(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer is busy for years in a single C call that looks at no signal; the others count."""
    _one_of_five(notebook, "import re\nre.match('(a+)+$', 'a' * 60 + 'b')")


@attack(deserves=REST)
def sleeps_for_ever(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer sleeps for ever, which costs no processor time; the others count."""
    _one_of_five(notebook, "import threading\nthreading.Event().wait()")


@attack(deserves=REST)
def deep_recursion(notebook: NotebookNode, _: Path, __: World) -> None:
    """One answer calls itself without end, with the limit of recursion lifted; the others count."""
    _one_of_five(
        notebook,
        "import sys\nsys.setrecursionlimit(2**30)\n"
        "def down(n):\n    return down(n + 1) + 1\ndown(0)",
    )


@attack()
def background_processes(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell starts processes in sessions of their own that are to outlive the grading."""
    in_a_cell(
        notebook,
        f"""
        import os
        import signal
        import subprocess
        import sys

        code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(900)"
        for _ in range(3):
            subprocess.Popen(
                [sys.executable or "python3", "-c", code, "{world.left_behind}"],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                os.execvp("sleep", ["sleep-{world.left_behind}", "900"])
            os._exit(0)
        """,
    )


@attack()
def background_process_holds_the_output(notebook: NotebookNode, _: Path, world: World) -> None:
    """A process that goes on holds all descriptors open, so that readers see no end."""
    in_a_cell(
        notebook,
        f"""
        import os

        if os.fork() == 0:
            os.setsid()
            os.execvp("sleep", ["sleep-{world.left_behind}", "900"])
        """,
    )


@attack()
def threads_that_survive(notebook: NotebookNode, _: Path, __: World) -> None:
    """Threads that are no daemons, and exit handlers that never return, keep the process alive."""
    in_a_cell(
        notebook,
        """
        import atexit
        import threading
        import time

        for _ in range(5):
            threading.Thread(target=time.sleep, args=[900], daemon=False).start()
        atexit.register(time.sleep, 900)

        class Last:
            def __del__(self): time.sleep(900)

        last = Last()
        """,
    )


@attack()
def writes_outside(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell creates files outside its folder, and appends to one of the instructor's."""
    in_a_cell(
        notebook,
        f"""
        for path, mode in (
            ({str(world.dropped("from-a-cell"))!r}, "w"),
            ({str(world.outside / "keep.txt")!r}, "a"),
            ({str(world.home / ".ssh" / "authorized_keys")!r}, "a"),
            ({str(world.root / "source" / "tiny" / "tiny.ipynb")!r}, "a"),
            ({str(world.root / "nbgrader_config.py")!r}, "a"),
            ({str(world.root / "release" / "tiny" / "extra.txt")!r}, "w"),
        ):
            try:
                with open(path, mode) as stream:
                    stream.write("\\n# spoiled\\n")
            except OSError as error:
                print(type(error).__name__)
        """,
    )


@attack(dangerous="it would delete files")
def deletes_files(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell deletes the course, other students' work, and all else that it can."""
    in_a_cell(
        notebook,
        f"""
        import shutil

        for folder in ({str(world.root)!r}, {str(world.outside)!r}, {str(world.home)!r}, ".."):
            shutil.rmtree(folder, ignore_errors=True)
        """,
    )


@attack()
def writes_the_gradebook(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell gives everyone full points in the gradebook's file, and the bystander none."""
    in_a_cell(
        notebook,
        f"""
        import sqlite3

        try:
            with sqlite3.connect({str(world.root / "gradebook.db")!r}, timeout=1) as book:
                book.execute("update grade set manual_score = 0")
                book.execute("update grade set auto_score = 16, manual_score = 16")
                book.execute("update comment set manual_comment = 'spoiled'")
        except sqlite3.Error as error:
            print(error)
        """,
    )


@attack()
def locks_the_gradebook(notebook: NotebookNode, _: Path, world: World) -> None:
    """A process that goes on holds the gradebook locked, so that nobody's grades can be written."""
    in_a_cell(
        notebook,
        f"""
        import os
        import sqlite3
        import time

        if os.fork() == 0:
            os.setsid()
            try:
                book = sqlite3.connect({str(world.root / "gradebook.db")!r}, timeout=5)
                book.execute("begin exclusive")
                time.sleep(30)
            finally:
                os._exit(0)
        time.sleep(1)
        """,
    )


@attack()
def writes_neighbours_work(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell overwrites another student's submission and graded notebook."""
    in_a_cell(
        notebook,
        f"""
        import os

        for step in ("submitted", "autograded", "feedback"):
            for root in ({str(world.root)!r}, "../../.."):
                folder = os.path.join(root, step, {BYSTANDER!r}, "tiny")
                for name in ("tiny.ipynb", "tiny.html"):
                    try:
                        os.chmod(os.path.join(folder, name), 0o666)
                        with open(os.path.join(folder, name), "w") as stream:
                            stream.write("spoiled")
                    except OSError as error:
                        print(type(error).__name__)
        """,
    )


@attack()
def reads_standard_input(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell and an answer wait for somebody to type."""
    in_function(notebook, "import os\nprint(os.read(0, 10))\ninput('password? ')")
    extra(notebook, "import sys\nprint(sys.stdin.read())\ninput('name? ')")


@attack()
def changes_folder_and_limits(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell changes folder, umask, priority, root and limits, and removes its own folder."""
    in_a_cell(
        notebook,
        """
        import os
        import resource
        import shutil

        here = os.getcwd()
        os.umask(0)
        for call in (
            lambda: os.nice(-20),
            lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
            lambda: resource.setrlimit(resource.RLIMIT_NPROC, (-1, -1)),
            lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)),
            lambda: shutil.rmtree(here),
            lambda: os.chdir("/"),
        ):
            try:
                call()
            except (OSError, ValueError) as error:
                print(type(error).__name__)
        """,
    )


@attack(dangerous="it would try to take the machine's mounts and namespaces apart")
def leaves_by_namespaces(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell makes namespaces of its own, mounts, enters those of others, and makes devices."""
    in_a_cell(
        notebook,
        f"""
        import ctypes
        import os

        library = ctypes.CDLL(None, use_errno=True)
        for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000):
            print(library.unshare(flag))
        print(library.mount(b"proc", b"/mnt", b"proc", 0, None))
        print(library.mount(b"/", b"/mnt", None, 4096, None))
        print(library.umount2(b"/proc", 2), library.umount2({str(world.root)!r}.encode(), 2))
        for pid in (1, os.getppid()):
            for name in ("mnt", "net", "pid", "user"):
                try:
                    print(library.setns(os.open(f"/proc/{{pid}}/ns/{{name}}", os.O_RDONLY), 0))
                except OSError as error:
                    print(type(error).__name__)
        try:
            os.mknod("disk", 0o60666, os.makedev(8, 0))
        except OSError as error:
            print(type(error).__name__)
        print(library.reboot(0), library.sethostname(b"spoiled", 7), os.system("swapoff -a"))
        """,
    )


@attack(deserves={})
def giant_values(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return giants: 600 MB of text, a tensor that claims 4 TB, an integer of 50 MB."""
    wrong(notebook)
    answer(
        notebook, "mean_and_spread", "def mean_and_spread(x):\n    return 'x' * 600_000_000, 1.0\n"
    )
    answer(notebook, "relu", "def relu(x):\n    return torch.zeros(1).expand(2**40)\n")
    answer(
        notebook, "iterate", "def iterate(step, start, times):\n    return [1 << 400_000_000] * 4\n"
    )
    answer(notebook, "noisy", "def noisy(x, *, generator):\n    return torch.zeros(60_000_000)\n")


@attack()
def nested_values(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return lists within lists, a list that holds itself, and a table of such."""
    wrong(notebook)
    extra(
        notebook,
        """
        def deep(depth):
            value = []
            for _ in range(depth):
                value = [value]
            return value

        own = []
        own.append(own)
        """,
    )
    answer(notebook, "relu", "def relu(x):\n    return deep(200_000)\n")
    answer(notebook, "mean_and_spread", "def mean_and_spread(x):\n    return own, own\n")
    answer(
        notebook,
        "iterate",
        "def iterate(step, start, times):\n    return {'a': own, 'b': deep(99)}\n",
    )
    answer(notebook, "noisy", "def noisy(x, *, generator):\n    return {(1, 2): own, 3: {4, 5}}\n")


@attack()
def endless_values(notebook: NotebookNode, _: Path, __: World) -> None:
    """Answers return iterators without end, and lists whose iteration and length never end."""
    wrong(notebook)
    extra(
        notebook,
        """
        import itertools
        import time

        class Endless(list):
            def __iter__(self): return itertools.count()
            def __len__(self): return time.sleep(900) or 0
            def __float__(self): return time.sleep(900) or 0.0
            def __repr__(self): return time.sleep(900) or ""
        """,
    )
    answer(notebook, "mean_and_spread", "def mean_and_spread(x):\n    return itertools.count()\n")
    answer(notebook, "iterate", "def iterate(step, start, times):\n    return Endless([1.0])\n")


@attack()
def callback_without_end(notebook: NotebookNode, _: Path, __: World) -> None:
    """iterate calls the check's function for ever, and from within itself."""
    wrong(notebook)
    answer(
        notebook,
        "iterate",
        "def iterate(step, start, times):\n    while True:\n        start = step(start) * 0.0\n",
    )


@attack()
def errors_that_cannot_be_shown(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cells raise errors whose text never ends, whose cause is themselves, or which raise again."""
    in_function(
        notebook,
        """
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass
            __repr__ = __str__

        raise Endless from Endless()
        """,
    )
    extra(
        notebook,
        """
        error = ValueError("circle")
        error.__cause__ = TypeError("of errors")
        error.__cause__.__context__ = error
        raise error
        """,
    )


@attack()
def many_cells(notebook: NotebookNode, _: Path, __: World) -> None:
    """The notebook has 3,000 more cells, each of which prints."""
    wrong(notebook)
    import nbformat

    notebook.cells += [nbformat.v4.new_code_cell(f"print({number})") for number in range(3000)]


@attack()
def slow_cells(notebook: NotebookNode, _path: Path, _world: World) -> None:
    """Forty cells take four seconds each, so that each is within its limit and all are not."""
    in_a_cell(notebook, "import time\ntime.sleep(4)")
    for _ in range(39):
        extra(notebook, "import time\ntime.sleep(4)")
