"""What a course says in its nbgrader_config.py, beside nbgrader's own options.

    import autograder

    c = get_config()
    autograder.harden(c)

Everything else has a default. harden's keywords are the options of Autograder below.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Float, Int, List, Unicode, Union
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import CourseError
from autograder.limits import Limits

__all__ = ["FINDINGS", "Autograder", "Course", "Settings"]

CONFIG_FILE = "nbgrader_config.py"
FINDINGS = ".autograder"  # the folder of a course for what grading finds out once


class Autograder(Configurable):
    """Options of ours in nbgrader_config.py; paths are relative to the course's root."""

    answers = Unicode("", help="folder of the banks of answers, <topic>.py").tag(config=True)
    cell_time = Float(
        60.0,
        help="seconds of the processor that a cell or a check may take; nbgrader's own "
        "Execute.timeout stands in where only that is set, and of two limits the lower counts",
    ).tag(config=True)
    time = Float(
        600.0,
        help="seconds of the processor that a whole submission may take, summed over all "
        "that it starts",
    ).tag(config=True)
    wall = Float(
        3.0,
        min=1.0,
        help="how many times as long as cell_time and time may pass on the clock, for "
        "who waits uses no processor",
    ).tag(config=True)
    memory = Int(
        3072,
        help="megabytes of memory for a submission, shared memory and what lies in its "
        "sockets included",
    ).tag(config=True)
    disk = Int(256, help="megabytes of files in /tmp; a quarter of it is added for /dev/shm").tag(
        config=True
    )
    processes = Int(128, help="processes that a submission may have at once").tag(config=True)
    warm = List(
        Unicode(),
        help="modules to import once, before any submission; best the slow ones. Of well-known "
        "packages, what an assignment's locked cells import is added",
    ).tag(config=True)
    expose = Union(
        [List(Unicode()), Dict(value_trait=List(Unicode()))],
        help="modules outside the Python environment that submissions may import, or by "
        "assignment such modules; '*' stands for all. A package comes as a whole, package.module "
        "alone. Sources and data are copied, bytecode is not",
    ).tag(config=True)
    hide = Dict(
        value_trait=List(Unicode()),
        help="by assignment, modules that submissions may not import, of those that are exposed "
        "or installed; '*' stands for all",
    ).tag(config=True)
    files = List(
        Unicode(),
        ["*.csv", "*.txt", "*.json", "*.npy", "*.npz", "*.png", "*.jpg", "*.jpeg"],
        help="patterns of files of a submission that its code finds in its folder",
    ).tag(config=True)
    sandbox = Bool(
        True,
        help="whether to isolate submissions; without it they can read and change what you can",
    ).tag(config=True)

    def settings(self, assignment: str) -> "Settings":
        """Return what the sandbox of an assignment needs to know."""
        exposed = self.expose if isinstance(self.expose, dict) else {"*": self.expose}
        limits = Limits(
            cell_time=self._cell_time(),
            time=self.time,
            wall=self.wall,
            memory=self.memory * 2**20,
            disk=self.disk * 2**20,
            processes=self.processes,
        )
        return Settings(
            limits,
            warm=tuple(self.warm),
            expose=_for_assignment(exposed, assignment),
            hide=_for_assignment(self.hide, assignment),
            withhold=tuple(self._withheld()),
            isolate=bool(self.sandbox),
        )

    def _withheld(self) -> Iterator[Path]:
        """Yield the files and folders of the course that no submission may see."""
        directory = self.config.CourseDirectory
        root = Path(directory.get("root") or ".").resolve()
        for step in ("source", "release", "submitted", "autograded", "feedback"):
            yield root / str(directory.get(f"{step}_directory", step))
        if self.answers:
            yield root / self.answers
        yield root / "gradebook.db"
        yield root / FINDINGS

    def _cell_time(self) -> float:
        nbgrader_s = _seconds(self.config.Execute.get("timeout"))
        if "cell_time" in self.config.Autograder or nbgrader_s == math.inf:
            return min(self.cell_time, nbgrader_s)
        return nbgrader_s


@dataclass(frozen=True)
class Settings:
    """How a sandbox is started; equal settings can share one.

    warm are modules that the course names, and chosen those that an assignment imports anyway.
    """

    limits: Limits
    warm: tuple[str, ...]
    expose: tuple[str, ...]
    hide: tuple[str, ...]
    withhold: tuple[Path, ...]
    isolate: bool
    chosen: tuple[str, ...] = ()


def _for_assignment(table: Mapping[str, Sequence[str]], assignment: str) -> tuple[str, ...]:
    """Return what holds for all assignments and for this one, each name once."""
    return tuple(dict.fromkeys([*table.get("*", ()), *table.get(assignment, ())]))


def _seconds(timeout: Any) -> float:
    """Return a time limit of nbgrader's: None, -1 and 0 are none, a command line gives text."""
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        return math.inf
    return seconds if seconds > 0 else math.inf


class Course:
    """A course directory as nbgrader_config.py in its root describes it.

    Only that file counts, and override, not a user's own nbgrader configuration: a build gives
    everyone the same bytes. Raises CourseError where the root has no such file.
    """

    def __init__(self, root: Path, override: Config | None = None) -> None:
        self.root = root.resolve()
        if not (self.root / CONFIG_FILE).is_file():
            raise CourseError(
                f"{self.root} has no {CONFIG_FILE}; run this in the root of a course, "
                "or name the root with --root"
            )
        # A plain Config: the loader's own type cannot be copied, and nbgrader copies it.
        self.config = Config(PyFileConfigLoader(CONFIG_FILE, path=str(self.root)).load_config())
        self.config.merge(override or Config())
        # Else nbgrader takes the folder that a process happens to run in.
        self.config.CourseDirectory.setdefault("root", str(self.root))
        self.options = options = Autograder(config=self.config)
        self.answers = self.root / options.answers if options.answers else None

    @property
    def source(self) -> Path:
        """Folder of the lessons' texts and of the instructor's notebooks."""
        return self.root / self.directory("source")

    @property
    def release(self) -> Path:
        """Folder of the students' notebooks."""
        return self.root / self.directory("release")

    def topics(self) -> list[str]:
        """Names of the lessons that have a text."""
        return sorted(path.stem for path in self.source.glob("*.py"))

    def text_path(self, topic: str) -> Path:
        """Path of a lesson's text. Raises CourseError where there is none."""
        path = self.source / f"{topic}.py"
        if not path.is_file():
            known = ", ".join(self.topics()) or "none"
            raise CourseError(f"{topic!r} has no text {path}; lessons with a text: {known}")
        return path

    def notebook_path(self, topic: str) -> Path:
        """Path of a lesson's instructor's notebook."""
        return self.source / topic / f"{topic}.ipynb"

    def release_path(self, topic: str) -> Path:
        """Path of a lesson's student's notebook."""
        return self.release / topic / f"{topic}.ipynb"

    def directory(self, step: str) -> str:
        """Return nbgrader's folder of a step: source, release, submitted, autograded, feedback."""
        return str(self.config.CourseDirectory.get(f"{step}_directory", step))
