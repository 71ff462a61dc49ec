"""What submissions are offered: sources and data of allowed modules, and nothing else."""

import py_compile
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from autograder.errors import SandboxError
from autograder.inside.probe import ATTEMPTS, Given
from autograder.limits import Limits
from autograder.sandbox import offer as offers
from autograder.sandbox.offer import Offer
from autograder.sandbox.sandbox import Sandbox

ANSWER = "def double(x):\n    return x + x  # the answer key\n"
EARLY = """import pathlib
WORDS = pathlib.Path(__file__).with_name("words.toml").read_text()
"""
FILES = {
    "__init__.py": "",
    "early.py": EARLY,
    "late.py": ANSWER,
    "late.toml": ANSWER,
    "late.py.bak": ANSWER,
    "late.py~": ANSWER,
    ".late.py.swp": ANSWER,
    "late.ipynb": ANSWER,
    "notes": ANSWER,
    ".git/objects/late.py": ANSWER,
    ".ipynb_checkpoints/late.py": ANSWER,
    "answers/topic.py": ANSWER,
    "words.toml": "a = 1",
    "deep/__init__.py": "",
    "deep/early.py": "",
    "deep/late.py": ANSWER,
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in which answers lie about in every form, bytecode among them."""
    folder = tmp_path / "lessons"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for path in (folder / "late.py", folder / "deep/late.py"):
        py_compile.compile(str(path))
        py_compile.compile(str(path), str(path.with_suffix(".pyc")))
    (folder / "link.py").symlink_to("answers/topic.py")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "lessons"]:
        del sys.modules[name]


def copied(offer: Offer, target: Path) -> list[str]:
    offer.copy(target)
    return sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())


def test_a_package_comes_without_what_is_hidden_withheld_or_no_source(
    package: Path, tmp_path: Path
) -> None:
    offer = Offer(
        expose=("lessons",),
        hide=("lessons.late", "lessons.deep.late"),
        withhold=(package / "answers",),
    )
    assert copied(offer, tmp_path / "copy") == [
        "lessons/__init__.py",
        "lessons/deep/__init__.py",
        "lessons/deep/early.py",
        "lessons/early.py",
        "lessons/words.toml",
    ]


def test_a_module_comes_alone_with_the_packages_above_it(package: Path, tmp_path: Path) -> None:
    assert package.is_dir()
    found = copied(Offer(expose=("lessons.deep.early",)), tmp_path / "copy")
    assert found == ["lessons/__init__.py", "lessons/deep/__init__.py", "lessons/deep/early.py"]


def test_a_module_that_is_a_file_comes_as_a_file(package: Path, tmp_path: Path) -> None:
    (package.parent / "single.py").write_text("x = 1")
    place = package.parent / "single.py"
    assert Offer(expose=("single",)).copy(tmp_path / "copy") == {
        place: tmp_path / "copy" / "single.py"
    }
    assert (tmp_path / "copy" / "single.py").read_text() == "x = 1"


def test_a_module_that_is_not_there_is_told(package: Path) -> None:
    assert package.is_dir()
    with pytest.raises(SandboxError, match=r"'lessons\.missing' is not installed"):
        Offer(expose=("lessons.missing",)).locations()


def test_a_submission_reads_no_answer_in_any_form(package: Path) -> None:
    """Bytecode above all: it is there as soon as anybody has imported the package."""
    assert list(package.glob("__pycache__/late.*.pyc"))
    box = Sandbox(
        expose=["lessons"],
        hide=["lessons.late", "lessons.deep.late"],
        withhold=[package / "answers"],
    )
    look = f"""
import glob, importlib, os
from lessons import early
print(early.WORDS)
for place, _, names in os.walk({str(package)!r}):
    for name in names:
        path = os.path.join(place, name)
        if b"answer key" in open(path, "rb").read() or name.endswith(".pyc"):
            print("leaked", path)
for name in ("lessons.late", "lessons.deep.late", "lessons.answers.topic", "lessons.link"):
    try:
        importlib.import_module(name)
        print("leaked", name)
    except ModuleNotFoundError:
        pass
"""
    with box as sandbox, sandbox.submission() as process:
        result = process.run(look, 20.0)
    assert "".join(output["text"] for output in result.printed) == "a = 1\n"


def test_a_hidden_module_of_the_environment_is_covered_with_its_bytecode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "answers.py").write_text(ANSWER)
    py_compile.compile(str(tmp_path / "answers.py"))
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "topic.py").write_text(ANSWER)
    (tmp_path / "gradebook.db").write_text("grades")
    monkeypatch.syspath_prepend(tmp_path)
    # As if the course were installed into the environment, or the other way round.
    inside = [*offers.environment_folders(), tmp_path]
    monkeypatch.setattr(offers, "environment_folders", lambda: inside)
    offer = Offer(hide=("answers",), withhold=(tmp_path / "bank", tmp_path / "gradebook.db"))
    (bytecode,) = (tmp_path / "__pycache__").iterdir()
    assert set(offer.covers()) == {
        *(tmp_path / "bank", tmp_path / "gradebook.db", tmp_path / "answers.py", bytecode)
    }


def test_what_lies_outside_of_all_that_is_seen_needs_no_cover(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    assert Offer(withhold=(tmp_path / "source",)).covers() == []


@pytest.mark.parametrize(
    ("files", "kept", "seen"),
    [
        ({}, "env", False),
        ({"env/bin/python": ""}, "env", False),
        ({"deep/env/bin/python": ""}, "deep/env", False),
        ({"deep/env/bin/python": "", "thesis.txt": ""}, "deep/env", True),
        ({"deep/env/bin/python": "", "other/x": ""}, "deep/env", True),
    ],
)
def test_a_home_in_which_python_lives_is_empty_but_for_it(
    tmp_path: Path, files: Mapping[str, str], kept: str, seen: bool
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    given = Given(
        port=1,
        secret="",
        canary="",
        home=str(tmp_path),
        # Homes of this machine, which a sandbox would not show.
        kept=(str(tmp_path / kept), *(str(p) for h in ("/home", "/root") for p in children(h))),
        withheld=(),
        hidden=(),
        limits=Limits(),
    )
    (homes,) = [each for each in ATTEMPTS if each.name == "list home folders"]
    assert homes.succeeds(given) is seen


def children(folder: str) -> list[Path]:
    return [*Path(folder).iterdir()] if Path(folder).is_dir() else []
