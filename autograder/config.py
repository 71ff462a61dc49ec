"""Where a course keeps its files: nbgrader's own configuration plus a few options of ours.

c = get_config()
c.Autograder.misconceptions = "course/misconceptions"
c.Autograder.alternatives = "tests/alternatives"
"""

from pathlib import Path

from traitlets import Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import CourseError

__all__ = ["Autograder", "Course"]

CONFIG_FILE = "nbgrader_config.py"


class Autograder(Configurable):
    """Options of ours in nbgrader_config.py; paths are relative to the course's root."""

    misconceptions = Unicode("", help="folder of the misconception banks, <topic>.py").tag(
        config=True
    )
    alternatives = Unicode("", help="folder of the alternative answers, <topic>.py").tag(
        config=True
    )


class Course:
    """A course directory as nbgrader_config.py in its root describes it.

    Only that file counts, not a user's own nbgrader configuration: a build gives everyone the
    same bytes. Raises CourseError where the root has no such file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not (self.root / CONFIG_FILE).is_file():
            raise CourseError(
                f"{self.root} has no {CONFIG_FILE}; run this in the root of a course, "
                "or name the root with --root"
            )
        # A plain Config: the loader's own type cannot be copied, and nbgrader copies it.
        self.config = Config(PyFileConfigLoader(CONFIG_FILE, path=str(self.root)).load_config())
        options = Autograder(config=self.config)
        self.misconceptions = self.root / options.misconceptions if options.misconceptions else None
        self.alternatives = self.root / options.alternatives if options.alternatives else None

    @property
    def source(self) -> Path:
        """Folder of the lessons' texts and of the instructor's notebooks."""
        return self.root / self._directory("source")

    @property
    def release(self) -> Path:
        """Folder of the students' notebooks."""
        return self.root / self._directory("release")

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

    def _directory(self, step: str) -> str:
        return str(self.config.CourseDirectory.get(f"{step}_directory", step))
