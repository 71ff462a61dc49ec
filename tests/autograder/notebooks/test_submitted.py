"""Whatever file was handed in is read in bounded memory, or refused in words that help."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from autograder.notebooks.submitted import (
    LONGEST_CELL,
    MOST_CELLS,
    DamagedError,
    SubmittedCell,
    read_cells,
    read_submission,
)


def read(*cells: Any, **more: Any) -> list[SubmittedCell]:
    return read_cells(json.dumps({**more, "cells": cells}).encode())


def code(source: Any, **more: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, **more}


def test_a_cell_is_what_was_typed_and_by_what_it_is_found() -> None:
    marks = {"nbgrader": {"grade_id": "f", "points": 99}, "tags": ["x"]}
    cell = code(["a\n", "b"], id="f-1", metadata=marks, outputs=[{"text": "c"}])
    assert read(cell) == [SubmittedCell("code", "a\nb", "f", "f-1")]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends_are_read(tmp_path: Path, encoding: str, newline: str) -> None:
    text = json.dumps({"cells": [code(["# für"])], "nbformat": 4}, indent=1, ensure_ascii=False)
    path = tmp_path / "x.ipynb"
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    assert read_submission(path)[0].text == "# für"


def test_an_old_notebook_is_read() -> None:
    old = nbformat.convert(new_notebook(cells=[new_code_cell("x = 1")]), 3)
    heading = {"cell_type": "heading", "level": 3_000_000_000, "source": ["Title"]}
    old["worksheets"][0]["cells"].append(heading)
    cells = read_cells(json.dumps(old).encode())
    assert [cell.text for cell in cells] == ["x = 1", "###### Title"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b'{"cells": [', "not JSON"),
        (b'{"cells": []} and more', "not JSON"),
        (b"[" * 100_000, "holds no cells"),
        (b'{"cells": [], "x": ' + b'{"a":' * 100_000, "not JSON"),
        (b"\0" * 100_000, "not JSON"),
        (b"\xff\xfe" + b"\xd8\xd8" * 1000, "not JSON"),
        (b"[]", "holds no cells"),
        (b'"text"', "holds no cells"),
        (b"7", "holds no cells"),
        (b'{"nbformat": 99}', "holds no cells"),
        (b'{"cells": {}}', "holds no cells"),
        (b'{"cells": 7}', "holds no cells"),
        (b'{"worksheets": [{"cells": 7}]}', "holds no cells"),
        (b'{"cells": [' + b"{}," * MOST_CELLS + b"{}]}", "more than 2000 cells"),
        (json.dumps({"cells": [code("x" * 2**20)] * 5}).encode(), "5242880 characters together"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_damage_is_told_in_words_that_help(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(DamagedError, match=message):
        read_submission(path)


@pytest.mark.parametrize(
    "cell",
    [
        *(7, "x", None, [], {}, {"cell_type": "code"}),
        {"cell_type": 7, "source": 8, "metadata": 9, "id": 10, "attachments": 11},
        code(None, metadata={"nbgrader": {"grade_id": ["f"]}}),
        code({"a": "b"}, metadata={"nbgrader": {"grade_id": 10**4000}}),
        code("", metadata={"nbgrader": []}, id="a" * 65),
        code("", attachments={"a": 7, "b": {"image/png": ["x"]}}),
        code("", id="\u00e4"),
        code([[[["deep"]]], 7, None]),
    ],
    ids=lambda cell: repr(cell)[:60],
)
def test_what_is_malformed_counts_as_not_there(cell: Any) -> None:
    cells = read(code("before"), cell, code("after"))
    assert [c.text for c in cells if c.text] == ["before", "after"]
    assert all(c.grade_id == "" and c.cell_id == "" and c.attachments == {} for c in cells)


def test_what_python_writes_and_json_does_not_have_is_read() -> None:
    strange = (
        '{"cells": [{"cell_type": "code", "source": "x = NaN # \\\\ud800 \\ud83d\\ude00 \\ud800",'
    )
    strange += '"metadata": {"y": [NaN, Infinity, -Infinity, "NaN"]}}], "z": "\\udc00"}'
    (cell,) = read_cells(strange.encode())
    assert cell.text == "x = NaN # \\ud800 \U0001f600 \ufffd"


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    (cell,) = read_cells(b'{"cells": [], "cells": [{"source": "a", "source": "b"}]}')
    assert cell.text == "b"


def test_the_items_of_a_source_that_are_text_are_its_text() -> None:
    (cell,) = read(code(["a\n", 7, "b"]))
    assert cell.text == "a\nb"


def test_a_cell_that_is_too_long_says_so() -> None:
    first, second = read(code("x" * (LONGEST_CELL + 1)), code("y"))
    assert first.text.startswith(f"# {LONGEST_CELL + 3} bytes stood in this cell.")
    compile(first.text, "cell", "exec")
    assert second.text == "y"


def test_pictures_of_a_text_are_kept_and_a_thousand_are_not() -> None:
    pictures = {"a.png": {"image/png": "AAAA"}}
    assert read(code("", attachments=pictures))[0].attachments == pictures
    damaged: dict[str, Any] = {**pictures, "b": 7}
    assert read(code("", attachments=damaged))[0].attachments == pictures
    many = {str(number): {"image/png": ""} for number in range(1000)}
    assert read(code("", attachments=many))[0].attachments == {}


NEARLY = st.text(alphabet='{}[]":,\\ud8NaN"cels0', max_size=60).map(str.encode)


@given(raw=st.binary(max_size=200) | NEARLY)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(DamagedError):
        assert all(isinstance(cell, SubmittedCell) for cell in read_cells(raw))


HUGE = {
    "empty lists for cells": ('{"cells": [', "[],", "[]]}"),
    "empty cells": ('{"cells": [', "{},", "{}]}"),
    "empty lists elsewhere": ('{"cells": [], "x": [', "[],", "[]]}"),
    "empty outputs": ('{"cells": [{"outputs": [', "{},", "{}]}]}"),
    "lines of a source": ('{"cells": [{"source": [', '"",', '""]}]}'),
    "lists in a source": ('{"cells": [{"source": [', "[],", "[]]}]}"),
    "attachments": ('{"cells": [{"attachments": {', '"":{},', '"":{}}}]}'),
    "lists for attachments": ('{"cells": [{"attachments": [', "[],", "[]]}]}"),
    "marks": ('{"cells": [{"metadata": {"nbgrader": {', '"":{},', '"":{}}}}]}'),
    "grade ids": ('{"cells": [{"metadata": {"nbgrader": {"grade_id": [', '"",', '""]}}}]}'),
    "worksheets": ('{"worksheets": [', "{},", "{}]}"),
    "cells of a worksheet": ('{"worksheets": [{"cells": [', "{},", "{}]}]}"),
    "digits": ('{"cells": [{"source": ', "9", "9}]}"),
    "a level": ('{"cells": [{"cell_type": "heading", "level": ', "9", "9}]}"),
    "escapes": ('{"cells": [{"source": "', "\\u00e4", '"}]}'),
    "NaN": ('{"cells": [], "x": [', "NaN,", "NaN]}"),
    "surrogates": ('{"cells": [], "x": ["', "\\ud800", '"]}'),
    "depth": ('{"cells": [', "[", ""),
}
READ = """
import re, sys, time
from pathlib import Path
from autograder.notebooks.submitted import DamagedError, read_submission

def most():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

before = most()
try:
    read_submission(Path(sys.argv[1]))
except DamagedError:
    pass
print(most() - before, time.process_time())
"""
MEGABYTES = int(os.environ.get("SUBMITTED_MEGABYTES", "15"))


@pytest.mark.parametrize("name", HUGE)
def test_a_file_takes_a_few_times_its_size_in_memory(tmp_path: Path, name: str) -> None:
    begin, item, end = HUGE[name]
    path = tmp_path / "x.ipynb"
    path.write_bytes((begin + item * (MEGABYTES * 2**20 // len(item)) + end).encode())
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    megabytes, seconds = map(float, done.stdout.split())
    with (tmp_path.parent / "cost").open("a") as file:
        file.write(f"{name}: {megabytes:.0f} MB {seconds:.1f} s\n")
    # Without bounds the first of them takes 25 times its size.
    assert megabytes < 5 * MEGABYTES + 10
    assert seconds < 1 + MEGABYTES


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    with path.open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DamagedError, match="953674 MB; at most 100 MB"):
        read_submission(path)


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    for name in ("missing", "folder", "pipe", "link"):
        path = tmp_path / name
        if name == "folder":
            path.mkdir()
        if name == "pipe":
            os.mkfifo(path)
        if name == "link":
            path.symlink_to("/etc/passwd")
        with pytest.raises(DamagedError, match="no plain file"):
            read_submission(path)


def test_a_folder_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    other = tmp_path / "submitted" / "ada" / "lesson"
    other.mkdir(parents=True)
    (other / "x.ipynb").write_text(json.dumps({"cells": [code("1")]}))
    (tmp_path / "submitted" / "ben").mkdir()
    (tmp_path / "submitted" / "ben" / "lesson").symlink_to(other)
    (tmp_path / "submitted" / "cai").symlink_to(other.parent)
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "submitted")
    for student in ("ben", "cai"):
        with pytest.raises(DamagedError, match="is a link"):
            read_submission(linked / student / "lesson" / "x.ipynb", linked)
    # Where a course keeps its submissions is the instructor's affair.
    assert len(read_submission(linked / "ada" / "lesson" / "x.ipynb", linked)) == 1
