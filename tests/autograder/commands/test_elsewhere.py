"""Where there is no Linux, autograder imports, builds, and says that grading needs one.

Another system is played by taking away what Linux alone has; sys.platform changes once Python's own
library, which looks at it too, is loaded.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.config import Course

ELSEWHERE = """
import ctypes, os, platform, select, sys
for name in ("fcntl", "resource", "termios"):
    sys.modules[name] = None
for name in ("fork", "memfd_create", "setsid", "waitid"):
    delattr(os, name)
for name in ("epoll", "poll"):
    delattr(select, name)
load = ctypes.CDLL

def CDLL(name, *rest, **options):
    if name is None:
        raise TypeError("expected a name")
    return load(name, *rest, **options)

ctypes.CDLL = CDLL
import IPython, jupytext, nbconvert, nbgrader.apps, rich.progress, torch
sys.platform = "darwin"
platform.system = lambda: "Darwin"
platform.platform = lambda: "macOS"
"""
COMMAND = "from autograder.commands.app import main; main(prog_name='autograder')"


def elsewhere(code: str, *words: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ELSEWHERE + code, *words]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_another_system_is_played_well(tmp_path: Path) -> None:
    done = elsewhere("import autograder.inside.worker", root=tmp_path)
    assert done.returncode == 1
    assert "halted; None in sys.modules" in done.stderr


@pytest.mark.parametrize("code", ["import autograder", "import autograder.nbgrading.preprocessors"])
def test_it_imports(code: str, tmp_path: Path) -> None:
    done = elsewhere(code, root=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_explains_itself(tmp_path: Path) -> None:
    done = elsewhere(COMMAND, "grade", "--help", root=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: autograder grade")


def test_it_builds(course: Course) -> None:
    edited = course.text_path("tiny").read_text().replace("# # Tiny", "# # Small")
    course.text_path("tiny").write_text(edited)
    done = elsewhere(COMMAND, "build", root=course.root)
    assert done.stdout.splitlines() == [
        "wrote source/tiny/tiny.ipynb",
        "wrote release/tiny/tiny.ipynb",
    ]
    assert elsewhere(COMMAND, "build", "--check", root=course.root).returncode == 0


def test_doctor_says_that_grading_needs_linux(tmp_path: Path) -> None:
    done = elsewhere(COMMAND, "doctor", root=tmp_path)
    assert done.returncode == 1
    assert "system: macOS" in done.stdout
    assert "sandbox: grading needs Linux, and this is Darwin" in done.stdout
    assert "bubblewrap" not in done.stdout


@pytest.mark.parametrize("words", [[], ["--no-sandbox"]])
def test_check_says_so_too(words: list[str], course: Course) -> None:
    notebook = course.root / "release/tiny/tiny.ipynb"
    done = elsewhere(COMMAND, "check", str(notebook), *words, root=course.root)
    assert done.returncode == 1
    assert "Error: grading needs Linux" in done.stderr
    assert "Traceback" not in done.stderr
