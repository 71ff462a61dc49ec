"""requirements.lock is fresh: what make installs is what pyproject.toml asks for, by its hash."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.laws.reading import extras, required

LOCK = "requirements.lock"
US = "cnn-course"
# Their builds differ from machine to machine, and with them their hashes.
MACHINE = {"torch", "torchvision"}
# What the build of torch with CUDA needs besides: the machine's business too.
CUDA = ("cuda-", "nvidia-", "triton")


@dataclass(frozen=True)
class Locked:
    """A package of the lock, under one marker: who asked for it, and what its files hash to."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    users: frozenset[str]


def locked(text: str) -> list[Locked]:
    """Read a lock as uv writes it: a line with the package, then its hashes and its users."""
    entries = re.split(r"^(?=[a-z])", re.sub(r" \\\n", "\n", text), flags=re.MULTILINE)[1:]
    found = []
    for entry in entries:
        head, *rest = entry.splitlines()
        pin, _, marker = head.partition(" ; ")
        name, _, version = pin.partition("==")
        hashes = tuple(line.split("=", 1)[1] for line in map(str.strip, rest) if "--hash" in line)
        # "# via a", or "# via" and a line for each; a blank line ends them
        notes = entry.partition("\n\n")[0].partition("    # via")[2]
        users = re.findall(r"(?:^ |# {3})([\w.-]+)", notes, flags=re.MULTILINE)
        found.append(Locked(name, version, marker.strip(), hashes, frozenset(users)))
    return found


def directly(root: Path) -> list[Requirement]:
    """What make installs."""
    return [*required(root), *extras(root)["dev"]]


def pins(root: Path) -> dict[str, str]:
    """Versions of all that make installs directly, but for what the lock leaves to the machine."""
    wanted = directly(root)
    found = {canonicalize_name(r.name): str(r.specifier).removeprefix("==") for r in wanted}
    return {name: version for name, version in found.items() if name not in MACHINE}


def the_lock_holds_the_pins(root: Path) -> list[str]:
    """And nothing that was asked for once, and is not any more."""
    wanted = pins(root)
    direct = {p.name: p.version for p in locked((root / LOCK).read_text()) if US in p.users}
    return [
        f"{name}: pyproject.toml has {wanted.get(name)}, {LOCK} {direct.get(name)}; run make lock"
        for name in sorted(wanted.keys() | direct.keys())
        if wanted.get(name) != direct.get(name)
    ]


def what_is_locked_has_hashes_and_users(root: Path) -> list[str]:
    packages = locked((root / LOCK).read_text())
    known = {package.name for package in packages} | MACHINE | {US}
    violations = []
    for package in packages:
        if not package.hashes or not all(
            re.fullmatch(r"sha256:[0-9a-f]{64}", word) for word in package.hashes
        ):
            violations.append(f"{package.name} has no hashes, or other than sha256")
        if not package.users or not package.users <= known:
            violations.append(f"{package.name} is needed by nobody who is locked; run make lock")
        if package.name in MACHINE or package.name.startswith(CUDA):
            violations.append(f"{package.name} is the machine's business, not the lock's")
    return violations


def what_is_installed_is_locked(root: Path) -> list[str]:
    """Follow what the installed packages say they need, from this one on.

    So a package that the lock lacks is found, and one that nobody here needs any more.
    """
    here = {
        package.name: package.version
        for package in locked((root / LOCK).read_text())
        if not package.marker or Marker(package.marker).evaluate()
    }
    installed = closure(directly(root))
    return [
        f"{name}: {version} is installed, {here.get(name)} is locked; run make lock"
        for name, version in sorted(installed.items())
        if here.get(name) != version
    ] + [f"{name} is locked, and nobody needs it" for name in sorted(here.keys() - installed)]


def closure(waiting: list[Requirement]) -> dict[str, str]:
    """Installed versions of some packages and of what they need, but for the machine's."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = frozenset(requirement.extras)
        if (name, extras) in seen or name.startswith(CUDA):
            continue
        seen.add((name, extras))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            found[name] = "nothing"
            continue
        if name not in MACHINE:
            found[name] = package.version
        for line in package.requires or []:
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in extras | {""}
            ):
                waiting.append(needed)
    return found


Law = Callable[[Path], list[str]]
LAWS = (the_lock_holds_the_pins, what_is_locked_has_hashes_and_users, what_is_installed_is_locked)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_repository_keeps_the_law(law: Law, repository: Path) -> None:
    assert len(locked((repository / LOCK).read_text())) > 100
    assert law(repository) == []


HASH = "sha256:" + "0" * 64
FAULTS: dict[str, tuple[Law, str, str, str, str]] = {
    # law, file, what is replaced, by what, the violation
    "a pin went on": (LAWS[0], "pyproject.toml", "numpy==", "numpy==9.", "numpy: pyproject"),
    "a pin is new": (
        *(LAWS[0], "pyproject.toml", '    "numpy==', '    "attrs==1.0",\n    "numpy=='),
        "attrs: pyproject.toml has 1.0",
    ),
    "a pin has gone": (LAWS[0], "pyproject.toml", '    "nh3==', '    # "nh3==', "has None"),
    "a package without hashes": (
        LAWS[1],
        LOCK,
        r"(?m)^idna==.*\n( +--hash.*\n)+",
        "idna==1.0\n",
        "idna",
    ),
    "another hash": (LAWS[1], LOCK, "sha256:", "md5:", "other than sha256"),
    "a package for nothing": (
        LAWS[1],
        LOCK,
        r"\Z",
        f"zz==1.0 \\\n    --hash={HASH}\n",
        "zz is needed by nobody",
    ),
    "whoever needed it has gone": (
        LAWS[1],
        LOCK,
        r"\Z",
        f"zz==1.0 \\\n    --hash={HASH}\n    # via gone\n",
        "zz is needed by nobody",
    ),
    "torch": (
        LAWS[1],
        LOCK,
        r"\Z",
        f"torch==2.0 \\\n    --hash={HASH}\n    # via {US} (pyproject.toml)\n",
        "torch is the machine's business",
    ),
    "a need of torch left out": (
        *(LAWS[2], LOCK, r"(?m)^sympy==.*\n( +.*\n)+", ""),
        "is installed, None is locked",
    ),
    "another version": (LAWS[2], LOCK, r"\nidna==", "\nidna==9.", "is installed, 9."),
    "locked for nobody here": (
        *(LAWS[2], LOCK, r"\Z", f"zz==1.0 \\\n    --hash={HASH}\n    # via click\n"),
        "zz is locked, and nobody needs it",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_breaks_the_law(
    name: str, repository: Path, plant: Callable[[Mapping[str, str]], Path]
) -> None:
    law, file, old, new, violation = FAULTS[name]
    texts = {path: (repository / path).read_text() for path in ("pyproject.toml", LOCK)}
    assert law(plant(texts)) == []
    changed, count = re.subn(old, new, texts[file], count=1)
    assert count == 1
    (found,) = law(plant({file: changed}))
    assert violation in found


def test_a_lock_is_read_as_uv_writes_it() -> None:
    text = (
        f"# by uv\nidna==3.1 ; sys_platform == 'win32' \\\n    --hash={HASH} \\\n"
        f"    --hash={HASH}\n    # via\n    #   {US} (pyproject.toml)\n    #   async-lru\n"
        f"zipp==4 \\\n    --hash={HASH}\n    # via idna\n\n# Left out:\n# torch\n"
    )
    assert locked(text) == [
        Locked(
            "idna", "3.1", "sys_platform == 'win32'", (HASH, HASH), frozenset({US, "async-lru"})
        ),
        Locked("zipp", "4", "", (HASH,), frozenset({"idna"})),
    ]
