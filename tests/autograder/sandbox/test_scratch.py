"""A folder lives as long as the process that made it, and no longer than to the next sweep."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox.scratch import LOCK, PREFIX, scratch_folder, sweep

OWNER = """
import sys, time
from autograder.sandbox.scratch import scratch_folder

with scratch_folder() as folder:
    (folder / "work").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary directory of the test's own, for other runs sweep the machine's."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@pytest.fixture
def owner() -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process with a scratch folder, which it leaves when its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    ) as process:
        assert process.stdout
        yield process, Path(process.stdout.readline().strip()).parent
        process.kill()


def test_a_folder_is_gone_when_its_owner_is_done(temporary: Path) -> None:
    with scratch_folder() as folder:
        assert folder.is_dir()
        assert folder.is_relative_to(temporary)
    assert list(temporary.iterdir()) == []


def test_a_killed_owners_folder_is_swept_and_a_living_ones_is_not(
    owner: tuple["subprocess.Popen[str]", Path],
) -> None:
    process, folder = owner
    with scratch_folder() as own:
        assert sweep() == []
        assert (folder / "inside" / "work").is_file()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert folder.is_dir()
        assert sweep() == [folder]
        assert not folder.exists()
        assert own.is_dir()


KILLED = """
import os, pathlib, shutil, signal, sys
from autograder.sandbox.scratch import PREFIX, scratch_folder

owner, name = {"os": os, "shutil": shutil, "Path": pathlib.Path}[sys.argv[1]], sys.argv[2]
real = getattr(owner, name)

def dies(path, *rest, **options):
    if PREFIX in str(path):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(path, *rest, **options)

setattr(owner, name, dies)
with scratch_folder():
    pass
"""


@pytest.mark.parametrize(
    "step", [("os", "open"), ("Path", "mkdir"), ("shutil", "rmtree"), ("Path", "rmdir")]
)
def test_an_owner_that_is_killed_at_any_step_leaves_what_is_swept(
    step: tuple[str, str], temporary: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, *step], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = temporary.iterdir()
    assert sweep() == [left]
    assert list(temporary.iterdir()) == []


def test_what_is_not_known_to_be_ours_stays(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    (elsewhere / "work").mkdir(parents=True)
    (elsewhere / LOCK).touch()
    (temporary / "other" / LOCK).parent.mkdir()
    (temporary / "other" / LOCK).touch()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere, target_is_directory=True)
    (temporary / f"{PREFIX}file").touch()
    (temporary / f"{PREFIX}unlocked" / "work").mkdir(parents=True)
    linked = temporary / f"{PREFIX}linked-lock"
    linked.mkdir()
    (linked / LOCK).symlink_to(elsewhere / LOCK)
    before = sorted(temporary.rglob("*"))
    assert sweep() == []
    assert sorted(temporary.rglob("*")) == before


def test_a_folder_that_is_swept_before_it_is_locked_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    make = tempfile.mkdtemp

    def swept(prefix: str) -> str:
        made.append(make(prefix=prefix))
        if len(made) == 1:
            # As another run sees it between two steps of this one.
            real = os.open

            def open_and_sweep(path: Path, flags: int, mode: int) -> int:
                monkeypatch.setattr(os, "open", real)
                file = real(path, flags, mode)
                assert sweep() == [Path(made[0])]
                return file

            monkeypatch.setattr(os, "open", open_and_sweep)
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    with scratch_folder() as folder:
        assert len(made) == 2
        assert folder.parent == Path(made[1])
        assert sweep() == []
