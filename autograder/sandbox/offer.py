"""What submissions are offered of a course: sources and data of allowed modules, copied by list.

A folder less some names would show what nobody thought of: the bytecode of a hidden module in
__pycache__, a backup that an editor left, the notes in a drawer. So each file is taken because of
what it is. The copies are mounted where the originals lie, and are the only thing there.
"""

import importlib.util
import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import SandboxError

__all__ = ["DATA", "HOUSE", "OWN", "Offer", "environment_folders", "location"]

HOUSE = Path(__file__).parents[1]
# What runs beside a submission, and nothing else of this package. Without its __init__.py the
# package is a namespace there, which imports nothing.
OWN = (HOUSE / "inside", HOUSE / "wire", HOUSE / "limits.py")

# Endings of the files that a module may bring: its code, and what code reads.
DATA = (
    *(".py", ".so", ".toml", ".json", ".yaml", ".yml", ".js", ".mjs", ".css", ".svg", ".html"),
    *(".csv", ".tsv", ".txt", ".npy", ".npz", ".safetensors", ".parquet", ".gz", ".zip"),
    *(".png", ".jpg", ".jpeg", ".gif", ".ttf", ".otf", ".wav"),
)


@dataclass(frozen=True)
class Offer:
    """Modules that submissions may import, and files of the course that they must not see.

    expose names modules outside Python's environment: a package as a whole, or one module of it,
    which brings the package's __init__.py. hide names modules that are not offered, be it as a
    part of what is exposed or out of the environment. withhold are files and folders.
    """

    expose: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    withhold: tuple[Path, ...] = ()

    def locations(self) -> dict[str, Path]:
        """Return the place of each package or module at the top of what is exposed.

        Raises SandboxError for a module that is not there.
        """
        for name in self.expose:
            location(name)
        return {top: location(top) for top in dict.fromkeys(n.split(".")[0] for n in self.expose)}

    def visible(self) -> list[Path]:
        """Return the folders that a submission sees besides the system's."""
        return [*environment_folders(), *OWN, *self.locations().values()]

    def copy(self, target: Path) -> dict[Path, Path]:
        """Copy what is exposed into a folder; return where each copy belongs."""
        copies = {}
        for top, place in self.locations().items():
            copy = copies[place] = target / place.name
            if place.is_dir():
                copy.mkdir(parents=True)
            for file in self._files(top, place):
                goal = copy / file.relative_to(place) if place.is_dir() else copy
                goal.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(file.resolve(), goal)
                except OSError:  # another file system, or another owner
                    shutil.copyfile(file, goal)
        return copies

    def covers(self) -> list[Path]:
        """Return files and folders within the environment that must be covered.

        These are what is withheld and lies there, and hidden modules with their bytecode.
        """
        places = list(self.locations().values())
        paths = [path for path in self.withhold if path.exists()]
        for name in self.hide:
            try:
                place = location(name)
            except SandboxError:
                continue  # what is not there needs no hiding
            paths.append(place)
            if not place.is_dir():
                paths += place.parent.glob(f"__pycache__/{place.name.split('.')[0]}.*")
        return [path for path in paths if _is_seen(path) and not _is_below(path, places)]

    def _files(self, top: str, place: Path) -> Iterator[Path]:
        if not place.is_dir():
            yield place
            return
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith("."))
            for path in (Path(folder, name) for name in sorted(names)):
                dotted = _dotted(top, path.relative_to(place))
                if path.suffix in DATA and self._offers(dotted, path):
                    yield path

    def _offers(self, dotted: str, path: Path) -> bool:
        if any(_within(dotted, name) for name in self.hide):
            return False
        if _is_below(path, self.withhold) or _is_below(path.resolve(), self.withhold):
            return False
        package = path.name == "__init__.py"
        return any(
            _within(dotted, name) or (package and _within(name, dotted)) for name in self.expose
        )


def environment_folders() -> list[Path]:
    """Folders of Python and its packages outside the system's, the outer ones first."""
    folders = {Path(sys.base_prefix), Path(sys.prefix), Path(sysconfig.get_path("stdlib"))}
    folders |= {Path(path) for path in site.getsitepackages()}
    folders.add(Path(sys.executable).parent)
    folders.add(Path(sys.executable).resolve().parent.parent)
    folders.discard(Path("/"))
    system = Path("/usr")
    return sorted(path for path in folders if path.is_dir() and system not in [path, *path.parents])


def location(module: str) -> Path:
    """Return the file or folder of a module. Raises SandboxError where there is none."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise SandboxError(f"the module {module!r} is not installed, so it cannot be offered")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(str(spec.origin))


def _dotted(top: str, path: Path) -> str:
    """Return the module to which a file of a package belongs; of data, the one of its name."""
    parts = [*path.parts[:-1], path.name.split(".")[0]]
    return ".".join([top, *(part for part in parts if part != "__init__")])


def _within(name: str, whole: str) -> bool:
    return name == whole or name.startswith(f"{whole}.")


def _is_below(path: Path, folders: Sequence[Path]) -> bool:
    return any(folder in [path, *path.parents] for folder in folders)


def _is_seen(path: Path) -> bool:
    return _is_below(path, [Path("/usr"), *environment_folders()])
