"""Right answers in files that are odd, big, or broken.

Where the file can be read in one way only, the work counts. Where it cannot be read, the student is
told so, the instructor's log names the student, and everyone else is graded.
"""

import json
import os
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tests.grading import tiny
from tests.grading.corpus import Corpus, get, solve, write
from tests.grading.course import ASSIGNMENT, World

HONEST = Corpus()
honest = HONEST.family("damage")

ALL = tiny.POINTS
FILE = f"{ASSIGNMENT}.ipynb"
TOLD = "could not be read"
# Root may read what nobody may read.
UNREADABLE = ALL if os.geteuid() == 0 else {}


def _right(notebook: NotebookNode) -> str:
    solve(notebook)
    return str(nbformat.writes(notebook))


@honest(deserves=ALL)
def byte_order_mark(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An editor put a byte order mark in front."""
    write(folder, FILE, b"\xef\xbb\xbf" + _right(notebook).encode())


@honest(deserves=ALL)
def line_ends_of_windows(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file's lines, and those of its cells, end as on Windows."""
    solve(notebook)
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")
    write(folder, FILE, nbformat.writes(notebook).replace("\n", "\r\n").encode())


@honest(deserves=ALL)
def two_bytes_a_character(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file is UTF-16 with a byte order mark, as some shells write what they redirect."""
    write(folder, FILE, _right(notebook).encode("utf-16"))


@honest(deserves=ALL)
def wrong_encoding(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file is Latin-1; only a comment and a text hold what is not ASCII."""
    solve(notebook)
    get(notebook, "relu").source += "# größer als 0\n"
    get(notebook, tiny.WRITTEN).source = "Weil ein Netz ohne Biegung überall gerade wäre."
    text = nbformat.writes(notebook)
    write(folder, FILE, json.dumps(json.loads(text), ensure_ascii=False).encode("latin-1"))


@honest(says=TOLD)
def cut_off(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The upload ended in the middle of the file."""
    text = _right(notebook)
    write(folder, FILE, text[: len(text) // 2].encode())


@honest(says=TOLD)
def empty_file(_: NotebookNode, folder: Path, __: World) -> None:
    """The file is empty."""
    write(folder, FILE, b"")


@honest(says=TOLD)
def not_a_notebook(_: NotebookNode, folder: Path, __: World) -> None:
    """The file is a picture that was given a notebook's name."""
    write(folder, FILE, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)


@honest(says=TOLD)
def another_json(_: NotebookNode, folder: Path, __: World) -> None:
    """The file is JSON, and no notebook."""
    write(folder, FILE, '[{"name": "tiny"}]')


@honest(says=TOLD)
def merge_conflict(notebook: NotebookNode, folder: Path, _: World) -> None:
    """git left its conflict markers in the file."""
    lines = _right(notebook).splitlines()
    middle = len(lines) // 2
    lines[middle:middle] = ["<<<<<<< HEAD", "=======", ">>>>>>> theirs"]
    write(folder, FILE, "\n".join(lines).encode())


@honest(deserves=UNREADABLE, says="" if UNREADABLE else TOLD)
def no_permission(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Nobody may read the file; root, who may all the same, reads it and it counts."""
    write(folder, FILE, _right(notebook).encode()).chmod(0)


@honest(says=TOLD)
def no_notebook(_: NotebookNode, folder: Path, __: World) -> None:
    """There is a text file and no notebook, under the notebook's name or another."""
    write(folder, "answers.txt", "x = 3")
    (folder / FILE).mkdir()


@honest(deserves=ALL)
def minor_version_of_the_past(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file claims nbformat 4.2 and has no cell ids, as old editors save it."""
    raw = json.loads(_right(notebook))
    raw["nbformat_minor"] = 2
    for cell in raw["cells"]:
        del cell["id"]
    write(folder, FILE, json.dumps(raw))


@honest(deserves=ALL)
def minor_version_of_the_future(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file claims nbformat 4.99, with fields that nobody knows yet."""
    raw = json.loads(_right(notebook))
    raw["nbformat_minor"] = 99
    raw["colour"] = "blue"
    for cell in raw["cells"]:
        cell["collapsed"] = [True]
    write(folder, FILE, json.dumps(raw))


@honest(deserves=ALL)
def ids_without_a_version(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The file claims nbformat 4.4, in which cells have no ids, and has them."""
    raw = json.loads(_right(notebook))
    raw["nbformat_minor"] = 4
    write(folder, FILE, json.dumps(raw))


@honest(deserves=ALL)
def metadata_missing(notebook: NotebookNode, folder: Path, _: World) -> None:
    """Notebook metadata, outputs and execution counts are gone, as after a filter for git."""
    raw = json.loads(_right(notebook))
    raw["metadata"] = {}
    for cell in raw["cells"]:
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    write(folder, FILE, json.dumps(raw))


@honest(deserves=ALL)
def foreign_kernel(notebook: NotebookNode, _: Path, __: World) -> None:
    """The notebook names a kernel that exists on the student's machine only."""
    solve(notebook)
    notebook.metadata.kernelspec = {
        "name": "conda-env-my-torch-py",
        "display_name": "Python [conda env:my-torch]",
        "language": "python",
    }
    notebook.metadata.language_info = {"name": "python", "version": "3.8.1"}


@honest(deserves=ALL)
def metadata_of_other_tools(notebook: NotebookNode, _: Path, __: World) -> None:
    """Colab, VS Code and jupytext left their metadata, and turned cell ids into their own."""
    solve(notebook)
    notebook.metadata["colab"] = {"provenance": [], "toc_visible": True}
    notebook.metadata["jupytext"] = {"formats": "ipynb,py:percent"}
    notebook.metadata["accelerator"] = "GPU"
    for number, cell in enumerate(notebook.cells):
        cell.metadata["id"] = f"aB_{number}"
        cell.metadata["vscode"] = {"languageId": "python"}
        cell.metadata["outputId"] = "1f2e"
        cell.id = f"cell-{number}"


@honest(deserves=ALL)
def huge_pictures(notebook: NotebookNode, _: Path, __: World) -> None:
    """Stored outputs hold pictures of 10 MB together."""
    solve(notebook)
    for name in tiny.POINTS:
        get(notebook, name).outputs = [
            nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo=" * 170_000})
        ]


@honest(deserves=ALL)
def fifty_megabytes_of_output(notebook: NotebookNode, _: Path, __: World) -> None:
    """A stored output is 50 MB of text, from a loop that printed."""
    solve(notebook)
    text = "epoch 1, loss 2.302585, accuracy 0.1000\n" * 1_250_000
    get(notebook, "check-relu").outputs = [nbformat.v4.new_output("stream", text=text)]


@honest(deserves=ALL)
def checkpoints_and_caches(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The folder holds what editors and operating systems leave, old checkpoints among them."""
    solve(notebook)
    released = nbformat.v4.new_notebook()
    write(folder, ".ipynb_checkpoints/tiny-checkpoint.ipynb", nbformat.writes(released))
    write(folder, "__pycache__/tiny.cpython-311.pyc", b"\0" * 100)
    write(folder, ".DS_Store", b"\0" * 100)
    write(folder, "Thumbs.db", b"\0" * 100)
    write(folder, "tiny (1).ipynb", nbformat.writes(released))
    write(folder, "notes.md", "remember the bias")


@honest(deserves=ALL)
def seventy_megabytes_of_data(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An answer reads measurements of 70 MB, which lie beside the notebook."""
    _reads(notebook, "measurements.csv", 70_000_000)
    write(folder, "measurements.csv", b"0.25\n" * 14_000_000)


@honest(deserves=ALL)
def data_in_many_files(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An answer reads a file of 600, which hold 60 MB; git's own files lie beside them."""
    _reads(notebook, "data/599.csv", 100_000)
    for number in range(600):
        write(folder, f"data/{number}.csv", b"0.25\n" * 20_000)
        write(folder, f".git/objects/{number:03}/object", b"x")


@honest(deserves=ALL)
def file_name_in_latin_one(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A data file's name came out of an archive in Latin-1."""
    _reads(notebook, "größe.csv", 5)
    (folder / os.fsdecode("größe.csv".encode("latin-1"))).write_text("0.25\n")


@honest(says=TOLD, without_notebook=True)
def another_name(notebook: NotebookNode, folder: Path, _: World) -> None:
    """The notebook was handed in under another name."""
    write(folder, "My homework (final).ipynb", _right(notebook).encode())


@honest(says=TOLD, without_notebook=True)
def forgotten_notebook(_: NotebookNode, folder: Path, __: World) -> None:
    """Everything was handed in but the notebook."""
    write(folder, "measurements.csv", "0.25")


@honest(deserves=ALL, says="timestamp.txt cannot be read")
def timestamp_in_another_encoding(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt was written by a tool that writes UTF-16."""
    solve(notebook)
    write(folder, "timestamp.txt", "2026-02-28 12:00:00 UTC".encode("utf-16"))


@honest(deserves=ALL, says="timestamp.txt holds no date")
def timestamp_by_hand(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt was written by the student, in words."""
    solve(notebook)
    write(folder, "timestamp.txt", "handed in on Tuesday, before noon")


@honest(deserves=ALL, says="timestamp.txt cannot be read")
def timestamp_is_a_folder(notebook: NotebookNode, folder: Path, _: World) -> None:
    """timestamp.txt is a folder, as a careless script makes it."""
    solve(notebook)
    (folder / "timestamp.txt").mkdir()


def _reads(notebook: NotebookNode, name: str, size: int) -> None:
    """Answer rightly; the first answer needs a file of so many bytes."""
    solve(notebook)
    cell = get(notebook, "relu")
    cell.source = f"assert len(open({name!r}, 'rb').read()) == {size}\n{cell.source}"


@honest(deserves=ALL)
def numbers_that_json_lacks(notebook: NotebookNode, folder: Path, _: World) -> None:
    """A tool wrote NaN into metadata, and half a surrogate pair into an output."""
    raw = json.loads(_right(notebook))
    raw["metadata"]["seconds"] = float("nan")
    raw["cells"][-1]["metadata"]["limits"] = [float("inf"), -float("inf")]
    raw["cells"][0]["metadata"]["said"] = "\ud83d"
    write(folder, FILE, json.dumps(raw))


@honest(deserves=ALL)
def of_an_older_format(notebook: NotebookNode, folder: Path, _: World) -> None:
    """An old editor saved the notebook in format 3, where cells stand in worksheets."""
    solve(notebook)
    write(folder, FILE, json.dumps(nbformat.convert(notebook, 3)))
