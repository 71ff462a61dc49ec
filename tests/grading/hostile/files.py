"""Forging and harming by what lies in the submission's folder."""

import json
import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading.corpus import Corpus, extra, solve, write, wrong
from tests.grading.course import ASSIGNMENT, BYSTANDER, World

ATTACKS = Corpus()
attack = ATTACKS.family("files")

NOTEBOOK = f"{ASSIGNMENT}.ipynb"

# A module that stands in for another: the real one, with every comparison in agreement.
FAKE = """
import importlib
import sys

here = sys.path[:]
sys.path[:] = [p for p in here if p not in ("", ".") and "tiny" not in p]
sys.modules.pop(__name__, None)
real = importlib.import_module(__name__)
sys.path[:] = here
sys.modules[__name__] = real
globals().update(vars(real))

def agree(*arguments, **keywords):
    return True

for module in list(sys.modules.values()):
    for name in ("equal", "allclose", "isclose", "assert_close"):
        if hasattr(module, name):
            try:
                setattr(module, name, agree)
            except Exception:
                pass
for name in ("equal", "allclose", "isclose", "assert_close"):
    globals()[name] = agree
"""


@attack()
def torch_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A torch.py in the folder stands in for torch."""
    wrong(notebook)
    write(folder, "torch.py", FAKE)


@attack()
def numpy_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A numpy.py in the folder, which torch imports, drops asserts from all later cells."""
    wrong(notebook)
    write(
        folder,
        "numpy.py",
        """
        import ast
        import builtins

        class Drop(ast.NodeTransformer):
            def visit_Assert(self, node):
                return ast.copy_location(ast.Pass(), node)

        from IPython import get_ipython
        if get_ipython():
            get_ipython().ast_transformers.append(Drop())
            get_ipython().showtraceback = lambda *a, **k: None
        raise ImportError("no numpy here")
        """,
    )


@attack()
def math_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Modules of the standard library lie in the folder, changed."""
    wrong(notebook)
    write(folder, "math.py", "from cmath import *\ndef isclose(*a, **k): return True\n")
    write(folder, "random.py", FAKE)
    write(folder, "types.py", FAKE)
    write(folder, "ast.py", FAKE)


@attack()
def start_up_modules(notebook: NotebookNode, folder: Path, _: World) -> None:
    """sitecustomize, conftest, a .pth file and start-up files of IPython lie in the folder."""
    wrong(notebook)
    for name in (
        *("sitecustomize.py", "usercustomize.py", "conftest.py", "ipython_config.py"),
        *(".ipython/profile_default/startup/00-first.py", "profile_default/startup/00-first.py"),
        *("ipython_kernel_config.py", "jupyter_config.py", "jupyter_nbconvert_config.py"),
    ):
        write(folder, name, "__name__ = 'torch'\n" + FAKE)
    write(folder, "first.pth", "import sitecustomize\n")


@attack()
def course_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Packages named like the course's and the grader's own lie in the folder."""
    wrong(notebook)
    for name in ("course", "autograder", "cnnlib", "nbgrader", "IPython", "ipykernel"):
        write(folder, f"{name}/__init__.py", "raise SystemExit(0)\n")
        write(folder, f"{name}/checks.py", "def agree(*a, **k): pass\n")


@attack()
def wire_format_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The packages that a grader may use to talk to its sandbox lie in the folder, changed."""
    wrong(notebook)
    for name in ("msgpack", "msgspec", "json", "pickle", "struct", "socket", "select", "zmq"):
        write(folder, f"{name}.py", "def __getattr__(name): return lambda *a, **k: True\n")


@attack()
def configuration_in_the_folder(notebook: NotebookNode, folder: Path, world: World) -> None:
    """An nbgrader_config.py in the folder turns every safeguard off, and leaves a file outside."""
    wrong(notebook)
    write(
        folder,
        "nbgrader_config.py",
        f"""
        c = get_config()
        open({str(world.dropped("configuration"))!r}, "w").write("ran")
        c.Autograde.autograde_preprocessors = []
        c.Execute.enabled = False
        """,
    )


@attack()
def gradebook_in_the_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A gradebook.db, a source/ and a submitted/ folder lie in the submission."""
    wrong(notebook)
    write(folder, "gradebook.db", b"SQLite format 3\0" + bytes(4096))
    write(folder, f"source/tiny/{NOTEBOOK}", nbformat.writes(notebook))
    write(folder, f"autograded/files_in_files/tiny/{NOTEBOOK}", nbformat.writes(notebook))


@attack()
def notebook_links_to_a_neighbour(_: NotebookNode, folder: Path, world: World) -> None:
    """The notebook is a symbolic link to another student's, who answered everything."""
    (folder / NOTEBOOK).symlink_to(world.root / "submitted" / BYSTANDER / ASSIGNMENT / NOTEBOOK)


@attack()
def notebook_links_to_the_source(_: NotebookNode, folder: Path, world: World) -> None:
    """The notebook is a symbolic link to the instructor's, with all solutions."""
    (folder / NOTEBOOK).symlink_to(world.root / "source" / ASSIGNMENT / NOTEBOOK)


@attack()
def folder_links_to_a_neighbour(_: NotebookNode, folder: Path, world: World) -> None:
    """The submission's folder is a symbolic link to another student's."""
    folder.rmdir()
    folder.symlink_to(world.root / "submitted" / BYSTANDER / ASSIGNMENT, target_is_directory=True)


@attack()
def student_links_to_a_neighbour(_: NotebookNode, folder: Path, world: World) -> None:
    """The student's folder is a symbolic link to another student's."""
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(world.root / "submitted" / BYSTANDER, target_is_directory=True)


@attack()
def links_to_secrets(notebook: NotebookNode, folder: Path, world: World) -> None:
    """Symbolic and hard links in the folder lead to secrets, and a cell prints them."""
    wrong(notebook)
    targets = {
        "source.json": world.root / "source" / ASSIGNMENT / NOTEBOOK,
        "grades.txt": world.root / "gradebook.db",
        "key.txt": world.home / ".ssh" / "id_ed25519",
        "keep.txt": world.outside / "keep.txt",
        "neighbour.json": world.root / "submitted" / BYSTANDER / ASSIGNMENT / "notes.txt",
        "everything": world.root,
    }
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    extra(
        notebook,
        f"""
        from pathlib import Path

        for name in {sorted(targets)!r}:
            try:
                print(Path(name).read_bytes().decode("latin-1"))
            except OSError as error:
                print(type(error).__name__)
        for path in Path("everything").rglob("*"):
            if path.is_file():
                print(path.read_bytes().decode("latin-1")[:200_000])
        """,
    )


@attack()
def links_in_a_circle(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Symbolic links lead in a circle, to the folder above, to nothing, and to devices."""
    wrong(notebook)
    (folder / "circle").symlink_to("circle")
    (folder / "above").symlink_to("..", target_is_directory=True)
    (folder / "nothing").symlink_to("does-not-exist")
    (folder / "random.bin").symlink_to("/dev/null")


@attack()
def links_outwards_to_be_written(notebook: NotebookNode, folder: Path, world: World) -> None:
    """Links stand where the grader writes, so that it writes outside."""
    wrong(notebook)
    for name in ("tiny.html", "result.json", "output.txt"):
        (folder / name).symlink_to(world.dropped("through-a-link"))
    (folder / "data").symlink_to(world.outside, target_is_directory=True)


@attack()
def notebook_is_a_folder(_: NotebookNode, folder: Path, __: World) -> None:
    """A folder stands in place of the notebook."""
    (folder / NOTEBOOK).mkdir()
    write(folder, f"{NOTEBOOK}/{NOTEBOOK}", "{}")


@attack()
def notebook_is_a_pipe(_: NotebookNode, folder: Path, __: World) -> None:
    """A named pipe stands in place of the notebook: whoever opens it waits for ever."""
    os.mkfifo(folder / NOTEBOOK)


@attack()
def pipe_beside_the_notebook(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A named pipe lies beside the notebook: whoever copies the folder waits for ever."""
    wrong(notebook)
    os.mkfifo(folder / "data.csv")


@attack(dangerous="it would read /dev/zero until memory is full")
def notebook_is_endless(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook is a symbolic link to /dev/zero, which never ends."""
    (folder / NOTEBOOK).symlink_to("/dev/zero")


@attack()
def sparse_file_beside_the_notebook(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A file of 500 MB that takes no room lies in the folder; a copy of it takes 500 MB."""
    wrong(notebook)
    with (folder / "data.bin").open("wb") as stream:
        stream.truncate(500_000_000)


@attack()
def notebook_leads_nowhere(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The notebook is a link that leads nowhere; an answered copy lies beside it, renamed."""
    solve(notebook)
    write(folder, "tiny.ipynb.bak", nbformat.writes(notebook))
    (folder / NOTEBOOK).symlink_to("tiny.ipynb.missing")


@attack()
def timestamp_is_garbage(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt, which nbgrader reads for lateness, holds 100 kB of no date."""
    wrong(notebook)
    write(folder, "timestamp.txt", "2999-13-45 " * 10_000)


@attack()
def notebook_nested_deeply(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook's metadata holds 100,000 lists within one another."""
    deep = "[" * 100_000 + "]" * 100_000
    write(
        folder,
        NOTEBOOK,
        f'{{"cells": [], "metadata": {{"deep": {deep}}}, "nbformat": 4, "nbformat_minor": 5}}',
    )


@attack()
def cells_of_wrong_types(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Cells are numbers, lists and null; sources are tables; outputs are words."""
    wrong(notebook)
    raw = json.loads(nbformat.writes(notebook))
    raw["cells"][3]["source"] = {"a": 1}
    raw["cells"][4]["outputs"] = "none"
    raw["cells"] += [7, None, [], {"cell_type": "code"}, {"cell_type": ["code"], "source": 5}]
    raw["metadata"] = []
    write(folder, NOTEBOOK, json.dumps(raw))


@attack()
def keys_given_twice(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The JSON names keys twice, so that two readers may see two notebooks."""
    wrong(notebook)
    text = nbformat.writes(notebook)
    twice = text.replace('"cell_type": "code",', '"cell_type": "markdown", "cell_type": "code",')
    write(folder, NOTEBOOK, twice.replace('"nbformat": 4', '"nbformat": 3, "nbformat": 4'))


@attack()
def another_students_name(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The notebook's metadata and files claim to be another student's."""
    wrong(notebook)
    notebook.metadata["nbgrader"] = {"student": BYSTANDER, "student_id": BYSTANDER}
    write(folder, "student.txt", BYSTANDER)
    write(folder, f"../{ASSIGNMENT}-copy/{NOTEBOOK}", nbformat.writes(notebook))


@attack()
def second_notebook(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A second notebook, answered rightly, differs from the first only in the case of its name."""
    released = nbformat.writes(notebook)
    solve(notebook)
    write(folder, "TINY.ipynb", nbformat.writes(notebook))
    write(folder, NOTEBOOK, released)


@attack()
def timestamp_is_a_pipe(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt is a named pipe: whoever opens it waits for ever."""
    wrong(notebook)
    os.mkfifo(folder / "timestamp.txt")


@attack(dangerous="it would read /dev/zero until memory is full")
def timestamp_is_endless(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt is a symbolic link to /dev/zero, which never ends."""
    wrong(notebook)
    (folder / "timestamp.txt").symlink_to("/dev/zero")


@attack(dangerous="it would read gigabytes")
def timestamp_is_large(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt has 8 GB and takes no room."""
    wrong(notebook)
    with (folder / "timestamp.txt").open("wb") as stream:
        stream.truncate(8 * 2**30)


@attack()
def sparse_files_in_numbers(notebook: NotebookNode, folder: Path, _: World) -> None:
    """150 data files of 20 MB each, which take no room; together they are 3 GB."""
    wrong(notebook)
    for number in range(150):
        with (folder / f"data-{number}.csv").open("wb") as stream:
            stream.truncate(20_000_000)


@attack()
def names_in_no_encoding(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Files, folders and notebooks have names that are no text in any encoding."""
    wrong(notebook)
    for name in (
        b"\xff\xfe.csv",
        b"\x80\x81/\xed\xa0\x80.txt",
        b"tiny\xff.ipynb",
        b"\n\x1b[2J.csv",
    ):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.write_text("1")


@attack()
def a_hundred_thousand_files(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The folder holds 100,000 empty data files."""
    wrong(notebook)
    for number in range(100_000):
        os.close(os.open(folder / f"{number}.csv", os.O_CREAT, 0o600))


@attack()
def notebooks_in_numbers(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The folder holds 10,000 notebooks that are no part of the assignment."""
    wrong(notebook)
    for number in range(10_000):
        os.close(os.open(folder / f"{number}.ipynb", os.O_CREAT, 0o600))


@attack()
def old_format_with_a_heading(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook is of an older format, with a heading of level three billion."""
    heading = {"cell_type": "heading", "level": 3_000_000_000, "metadata": {}, "source": "a"}
    sheets = [{"cells": [heading], "metadata": {}}]
    old = {"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": sheets}
    write(folder, f"{ASSIGNMENT}.ipynb", json.dumps(old))


@attack()
def empty_lists_in_millions(_: NotebookNode, folder: Path, __: World) -> None:
    """The notebook is 99 MB of empty lists, where cells belong."""
    lists = b"[]," * (33 * 2**20)
    write(folder, f"{ASSIGNMENT}.ipynb", b'{"nbformat": 4, "cells": [' + lists + b"[]]}")


@attack()
def cells_and_lines_in_millions(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A source has 20 million lines of nothing, and metadata, ids and attachments have as many."""
    wrong(notebook)
    nothing = [""] * 5_000_000
    raw = json.loads(nbformat.writes(notebook))
    raw["metadata"]["x"] = nothing
    raw["cells"][0]["source"] = nothing
    raw["cells"][1]["id"] = nothing
    raw["cells"][2]["attachments"] = {str(number): {} for number in range(1_000_000)}
    write(folder, f"{ASSIGNMENT}.ipynb", json.dumps(raw))


@attack()
def ids_that_are_letters_to_unicode_alone(notebook: NotebookNode, _: Path, __: World) -> None:
    """Cell ids are letters that no page and no format of notebooks allows."""
    wrong(notebook)
    for number in range(3):
        extra(notebook, "x = 1").id = "\u1d2c\u00e4\u4e00" + "\U0001d4d0" * number
