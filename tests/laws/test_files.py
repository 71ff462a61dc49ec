"""What files are called, how long they are, and what stands in none of them."""

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

LONGEST_MODULE = 400
BANKS = ("course/answers/",)
# Pictographs, dingbats, arrows and stars of the kinds that are drawn in colour.
EMOJI = re.compile(r"[\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]")
# Dependencies are named with a version; which host serves them is the reader's business.
REGISTRY = re.compile(
    r"\b(pypi\.org|pythonhosted\.org|anaconda\.(org|com)|prefix\.dev|npmjs\.(org|com)"
    r"|unpkg\.com|jsdelivr\.net|download\.pytorch\.org)\b",
    re.IGNORECASE,
)


def files(root: Path) -> list[str]:
    """Files under a root that git tracks or would track."""
    # A checkout may belong to another user, as in a container.
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z"]
    listed = subprocess.run(
        [*command, "--cached", "--others", "--exclude-standard"], check=True, capture_output=True
    ).stdout.decode()
    return sorted(name for name in set(listed.split("\0")) if name and (root / name).is_file())


def texts(root: Path) -> Iterator[tuple[str, str]]:
    for name in files(root):
        content = (root / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode()


def no_file_is_a_catch_all(root: Path) -> list[str]:
    return [
        f"{name}: a name that says nothing"
        for name in files(root)
        if Path(name).stem in ("utils", "util", "helpers", "misc", "common")
    ]


def no_name_has_a_digit(root: Path) -> list[str]:
    return [f"{name} has a digit in its name" for name in files(root) if re.search(r"\d", name)]


def modules_are_short(root: Path) -> list[str]:
    """Banks hold dozens of answers each, and lessons are as long as they have to be."""
    return [
        f"{name} has {len(text.splitlines())} lines; expected {LONGEST_MODULE} or fewer"
        for name, text in texts(root)
        if re.match(r"(autograder|cnnlib|course)/.*\.py$", name)
        if not name.startswith(BANKS) and len(text.splitlines()) > LONGEST_MODULE
    ]


def no_file_holds_an_emoji(root: Path) -> list[str]:
    return [
        f"{name} holds {found[0]!r}" for name, text in texts(root) if (found := EMOJI.search(text))
    ]


def no_file_names_a_package_registry(root: Path) -> list[str]:
    return [
        f"{name} names {found[0]}" for name, text in texts(root) if (found := REGISTRY.search(text))
    ]


Law = Callable[[Path], list[str]]
SOUND = {
    ".gitignore": "build/\n",
    "build/1.txt": "ignored, whatever its name",
    "autograder/app.py": "x = 1\n" * LONGEST_MODULE,
    "course/answers/vgg.py": "# an answer\n" * 2 * LONGEST_MODULE,
    "tests/test_app.py": "# a case\n" * 2 * LONGEST_MODULE,
    "cnnlib/weights.safetensors": "\0\U0001f600",
    "README.md": "x ≤ y → z · é, √2\n├── a tree\n",
    "environment.yml": "channels: [conda-forge]\n",
}


@pytest.mark.parametrize(
    "law",
    [
        no_file_is_a_catch_all,
        no_name_has_a_digit,
        modules_are_short,
        no_file_holds_an_emoji,
        no_file_names_a_package_registry,
    ],
    ids=lambda law: law.__name__,
)
def test_the_repository_keeps_the_law(law: Law, repository: Path) -> None:
    assert len(files(repository)) > 50
    assert law(repository) == []


@pytest.mark.parametrize(
    ("law", "path", "text"),
    [
        (no_file_is_a_catch_all, "course/utils.py", ""),
        (no_file_is_a_catch_all, "tests/helpers.py", ""),
        (no_name_has_a_digit, "cnnlib/resnet50.py", ""),
        (no_name_has_a_digit, "source/07_vgg/vgg.ipynb", ""),
        (modules_are_short, "course/widgets/vgg.py", "x = 1\n" * (LONGEST_MODULE + 1)),
        (no_file_holds_an_emoji, "source/vgg.py", "# well done \U0001f389\n"),
        (no_file_holds_an_emoji, "README.md", "\u2714 done\n"),
        (no_file_names_a_package_registry, "environment.yml", "- https://py" + "pi.org/simple\n"),
        (no_file_names_a_package_registry, "course/a.js", "import 'https://un" + "pkg.com/d3'\n"),
    ],
)
def test_a_planted_file_breaks_the_law(
    law: Law, path: str, text: str, plant: Callable[[Mapping[str, str]], Path]
) -> None:
    assert law(plant(SOUND)) == []
    (found,) = law(plant({path: text}))
    assert found.startswith(path)
