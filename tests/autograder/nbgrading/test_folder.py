"""What a folder of students can hold, and what is taken of it."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from autograder.nbgrading import folder as folders
from autograder.nbgrading.folder import bring, handed_in, in_print

IGNORED = [".ipynb_checkpoints", "*.pyc", "__pycache__"]
MOST = 10_000_000


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[Path]:
    """A submission's folder. A deep one is more than Python can delete."""
    folder = tmp_path / "submitted"
    folder.mkdir()
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "autograded"


def brought(to: Path) -> list[str]:
    return sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file())


def test_plain_files_come_along_with_their_folders_and_notebooks_do_not(
    handed: Path, to: Path
) -> None:
    for name in ("notes.md", "data/values.csv", "tiny.ipynb", "a.pyc", "__pycache__/b.txt"):
        (handed / name).parent.mkdir(exist_ok=True)
        (handed / name).write_text(name)
    assert bring(handed, to, ignore=IGNORED, most=MOST) == []
    assert brought(to) == ["data/values.csv", "notes.md"]
    assert (to / "data/values.csv").read_text() == "data/values.csv"


def test_links_pipes_and_devices_stay_and_nobody_waits_for_them(handed: Path, to: Path) -> None:
    secret = handed.parent / "secret.txt"
    secret.write_text("secret")
    (handed / "soft.txt").symlink_to(secret)
    (handed / "hard.txt").hardlink_to(secret)
    (handed / "folder").symlink_to(handed.parent, target_is_directory=True)
    (handed / "endless.csv").symlink_to("/dev/zero")
    os.mkfifo(handed / "pipe.csv")
    said = bring(handed, to, ignore=IGNORED, most=MOST)
    assert brought(to) == []
    assert said == [
        "Left behind (a link): `endless.csv`, `folder`, `hard.txt`, `soft.txt`.",
        "Left behind (no plain file): `pipe.csv`.",
    ]


def test_seventy_megabytes_come_along_and_sparse_terabytes_do_not(handed: Path, to: Path) -> None:
    (handed / "honest.csv").write_bytes(bytes(70_000_000))
    for number in range(150):
        with (handed / f"sparse-{number:03}.csv").open("wb") as file:
            file.truncate(10**10)
    (said,) = bring(handed, to, ignore=IGNORED, most=128 * 2**20)
    assert brought(to) == ["honest.csv"]
    assert said.startswith("Left behind (too large, alone or with the others): `sparse-000.csv`")
    assert said.endswith("and 145 more.")


def test_files_that_are_too_much_together_are_left(handed: Path, to: Path) -> None:
    for name in "abcd":
        (handed / name).write_bytes(bytes(40 if name == "b" else 10))
    (said,) = bring(handed, to, ignore=IGNORED, most=25)
    assert brought(to) == ["a", "c"]
    assert said == "Left behind (too large, alone or with the others): `b`, `d`."


def test_of_too_many_files_those_nearest_to_the_top_come_along(
    handed: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 10)
    for name in (".git/objects", "data"):
        (handed / name).mkdir(parents=True)
    for number in range(20):
        (handed / ".git" / "objects" / f"{number:02}").touch()
    (handed / "data" / "values.csv").touch()
    said = bring(handed, to, ignore=IGNORED, most=MOST)
    assert len(brought(to)) == 10
    assert "data/values.csv" in brought(to)
    assert said == ["Left behind (after the first 10 files): `.git/objects/09`."]


def test_a_hundred_thousand_files_cost_a_moment(handed: Path, to: Path) -> None:
    (handed / "crowd").mkdir()
    for number in range(100_000):
        os.close(os.open(handed / "crowd" / f"{number}.txt", os.O_CREAT))
    (handed / "values.csv").touch()
    start = time.process_time()
    said = bring(handed, to, ignore=IGNORED, most=MOST)
    assert time.process_time() - start < 5.0
    assert brought(to) == ["values.csv"]
    assert said == ["Left behind (more than 20000 files): `crowd`."]


def test_folders_deeper_than_python_can_walk_are_left(handed: Path, to: Path) -> None:
    subprocess.run(["mkdir", "-p", handed / "/".join(["d"] * 1500)], check=True)
    (handed / "values.csv").touch()
    said = bring(handed, to, ignore=IGNORED, most=MOST)
    assert brought(to) == ["values.csv"]
    assert len(said) == 1
    assert said[0].startswith("Left behind (more than 20 folders deep): `d/d/d")


def test_names_in_latin_one_come_in_unicode_and_no_name_is_refused(handed: Path, to: Path) -> None:
    for name in (b"gr\xf6\xdfe.csv", "höhe.csv".encode(), b"\xff\xfe\n.csv", b"\xe4" * 250):
        (handed / os.fsdecode(name)).write_text("1")
    (said,) = bring(handed, to, ignore=IGNORED, most=MOST)
    assert brought(to) == sorted(["größe.csv", "höhe.csv", "ÿþ\n.csv"])
    assert said.startswith("Left behind (cannot be copied: File name too long): `äää")


def test_what_is_said_of_a_name_can_neither_act_on_a_page_nor_fill_it() -> None:
    assert in_print("a`b<script>c\nd[e](f)\udcff") == "a?b?script?c?d?e?(f)?"
    assert len(in_print("x" * 255)) == 83


@pytest.mark.parametrize(
    ("content", "moment"),
    [
        (b"2026-02-28 12:00:00 UTC", datetime(2026, 2, 28, 12)),
        (b"2026-02-28 12:00:00.5 America/New_York\n", datetime(2026, 2, 28, 17, 0, 0, 500_000)),
        (b"2026-02-28 12:00:00 +0200", None),
        (b"", None),
    ],
)
def test_a_timestamp_says_when_something_was_handed_in(
    content: bytes, moment: datetime | None, handed: Path
) -> None:
    (handed / "timestamp.txt").write_bytes(content)
    found = handed_in(handed)
    assert found.complaint == ""
    if moment:
        assert found.moment == moment


def test_without_a_timestamp_nothing_is_known_and_nothing_wrong(handed: Path) -> None:
    assert handed_in(handed) == folders.Handed(None)


@pytest.mark.filterwarnings("ignore")  # dateutil warns of the second one, and reads it
@pytest.mark.parametrize("zone", ["/usr/share/zoneinfo/UTC", "../zoneinfo/UTC"])
def test_the_time_zone_of_a_timestamp_is_no_path(zone: str, handed: Path) -> None:
    (handed / "timestamp.txt").write_text(f"2026-02-28 12:00:00 {zone}")
    assert "no date" in handed_in(handed).complaint


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (os.mkfifo, "no plain file"),
        (Path.mkdir, "no plain file"),
        (lambda path: path.symlink_to("/dev/zero"), "a link"),
        (lambda path: path.symlink_to("nowhere"), "a link"),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 2**30), "more than 1000"),
        (lambda path: path.write_bytes(b"2026-02-28 12:00:00 \xff"), "no text in UTF-8"),
        (lambda path: path.write_text("the day before yesterday"), "no date"),
        (lambda path: path.write_text("2026-02-31 12:00:00 UTC"), "no date"),
        (lambda path: path.write_text("0001-01-01 00:00:00 +1400"), "no date"),
        (lambda path: path.write_text("9999-12-31 23:59:59 -1400"), "no date"),
        (lambda path: path.write_text("1500-01-01 00:00:00 UTC"), "no date"),
        (lambda path: path.write_text("9" * 900), "no date"),
    ],
)
def test_a_timestamp_that_is_none_is_complained_of(
    make: Callable[[Path], object], word: str, handed: Path, to: Path
) -> None:
    make(handed / "timestamp.txt")
    found = handed_in(handed)
    assert found.moment is None
    assert found.complaint.startswith("timestamp.txt")
    assert word in found.complaint
    # nbgrader reads the copy: when feedback is released, of the whole class.
    assert bring(handed, to, ignore=IGNORED, most=MOST) == []
    assert (to / "timestamp.txt").read_text() == ""
