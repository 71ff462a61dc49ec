"""A small nbgrader course in a folder, with secrets to steal and bystanders to harm.

    base/course/    the course directory: configuration, source/, release/, submitted/, gradebook
    base/home/      the instructor's home, with a key in .ssh/
    base/outside/   files that grading must leave alone
    base/keys/      Python packages that the instructor can import: one with an answer in it, and
                    one that submissions may import, but for its answers and their bytecode

Everything is graded as an instructor types it: ``nbgrader autograde tiny`` in the course's folder.
What came of it is read from the gradebook, from the notebooks that nbgrader wrote, and from the
machine: never from what a submission says about itself.
"""

import contextlib
import copy
import hashlib
import os
import py_compile
import secrets
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.notebooks.cells import role_of
from tests.grading import tiny
from tests.grading.pages import active, texts
from tests.grading.watch import Listener, processes_naming, survivors

__all__ = [
    *("ASSIGNMENT", "BYSTANDER", "FIRST", "HARDENED", "HASTY", "LAST", "STOCK", "VERDICTS"),
    *("Course", "Outcome", "World"),
]

ASSIGNMENT = "tiny"
FIRST, LAST = "aaron", "zoe"  # honest students, first and last in the class list
BYSTANDER = "yolanda"  # graded by hand before, with a comment; the last but one

VERDICTS = ("passed", "failed", "error", "timeout", "memory", "crashed", "missing")

SPOILED = "spoiled"  # what every script of an attack names

BASE_CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "attacked"
c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("replace this line with your answer")'
}
c.ClearSolutions.text_stub = "*Replace this line with your answer.*"
c.Execute.timeout = TIMEOUT
"""
STOCK = BASE_CONFIG.replace("TIMEOUT", "20")
# The two lines of the design, and a library that submissions see in part. The time limit of a cell
# is nbgrader's own option.
HARDENED = (
    BASE_CONFIG.replace("TIMEOUT", "8")
    + """\
import autograder
autograder.harden(
    c, expose=["library"], hide={"*": ["library.answers", "library.drafts.answers"]}
)
"""
)
# For classes in which many cells never end.
HASTY = HARDENED.replace("timeout = 8", "timeout = 4")


@dataclass(frozen=True)
class World:
    """What a well-informed attacker knows about the machine that grades."""

    root: Path  # the course directory
    home: Path  # the instructor's home
    outside: Path  # a folder whose files must stay as they are
    port: int  # a TCP port on 127.0.0.1 that counts connections
    token: str  # to be named by every process that an attack leaves behind

    @property
    def left_behind(self) -> str:
        """A word for the command line of processes that are meant to survive."""
        return f"left-behind-{self.token}"

    def dropped(self, name: str) -> Path:
        """A file that an attack may try to create outside its own folder."""
        return self.outside / f"dropped-{name}"


@dataclass
class Outcome:
    """What a run of nbgrader left: the exit status, the log, and what became of each student."""

    status: int
    log: str
    seconds: float
    course: "Course"
    memory: int = 0  # bytes that nbgrader's own process held at most
    connections: int = 0
    survivors: list[str] = field(default_factory=list)
    harmed: list[str] = field(default_factory=list)

    def points(self, student: str) -> dict[str, float]:
        """Points of each exercise in the gradebook; 0 where it holds none."""
        return self.course.points(student)

    def leaks(self, student: str) -> set[str]:
        """Canaries in what the student gets to see: kind of each, such as "hidden" or "home"."""
        return self.course.leaks(student)


class Course:
    """One course in a folder, ready to be graded; lesson is the assignment, tiny or another."""

    def __init__(self, base: Path, config: str = HARDENED, lesson: ModuleType = tiny) -> None:
        self.base = base
        self.lesson = lesson
        self.root = base / "course"
        self.home = base / "home"
        self.outside = base / "outside"
        self.keys = base / "keys"
        self.listener = Listener()
        self.number = 1_000_000.0 + secrets.randbelow(9_000_000)
        self.canaries = {
            kind: f"canary-{kind}-{secrets.token_hex(8)}"
            for kind in (
                *("hidden", "solution", "gradebook", "neighbour", "environment"),
                *("home", "outside", "keys"),
            )
        }
        self.world = World(
            root=self.root,
            home=self.home,
            outside=self.outside,
            port=self.listener.port,
            token=secrets.token_hex(8),
        )
        self.students: list[str] = []
        self.memory = 0  # bytes that an nbgrader held at most
        self._lay_out(config)
        self._generate()
        self._enrol_bystander()
        self._before = self._fingerprints()

    def _lay_out(self, config: str) -> None:
        (self.base / "jupyter" / "ipython").mkdir(parents=True)
        for folder in (self.root / "source" / ASSIGNMENT, self.home / ".ssh", self.outside):
            folder.mkdir(parents=True)
        (self.home / ".ssh" / "id_ed25519").write_text(self.canaries["home"] + "\n")
        (self.outside / "keep.txt").write_text(self.canaries["outside"] + "\n")
        package = self.keys / "answer_key"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"SECRET = {self.canaries['keys']!r}\n")
        for name in ("answers", "drafts/answers"):
            path = self.keys / "library" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(f"def answer():\n    return {self.canaries['keys']!r}\n")
            py_compile.compile(str(path))  # as soon as anybody has imported it
        (self.root / "nbgrader_config.py").write_text(config)
        notebook = self.lesson.lesson(
            hidden=self.canaries["hidden"], solution=self.canaries["solution"], number=self.number
        )
        nbformat.write(notebook, self.root / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb")

    def _generate(self) -> None:
        done = self._nbgrader("generate_assignment", ASSIGNMENT)
        if done.returncode:
            raise RuntimeError(f"nbgrader generate_assignment failed:\n{done.stdout}")
        path = self.root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        self._released = path.read_text()

    def _enrol_bystander(self) -> None:
        """Let one student have a grade given by hand and a comment, as a harmed party to be."""
        self.submit(BYSTANDER, self.solved())
        secret = self.folder(BYSTANDER) / "notes.txt"
        secret.write_text(self.canaries["neighbour"])
        with self.gradebook() as book:
            book.add_student(BYSTANDER, first_name=self.canaries["gradebook"])
            book.add_submission(ASSIGNMENT, BYSTANDER)
            grade = book.find_grade(tiny.WRITTEN, ASSIGNMENT, ASSIGNMENT, BYSTANDER)
            grade.manual_score = 3.0
            comment = book.find_comment(tiny.WRITTEN, ASSIGNMENT, ASSIGNMENT, BYSTANDER)
            comment.manual_comment = self.canaries["gradebook"]
            book.db.commit()

    def released(self) -> NotebookNode:
        """Return a fresh copy of the notebook that students get."""
        return nbformat.reads(self._released, as_version=4)

    def solved(self) -> NotebookNode:
        """Return the released notebook with every exercise answered rightly."""
        notebook = self.released()
        for cell in notebook.cells:
            if cell.id in self.lesson.RIGHT:
                cell.source = self.lesson.RIGHT[cell.id]
            elif cell.id == tiny.WRITTEN:
                cell.source = "Layers without a bend in between are one layer."
        return notebook

    def folder(self, student: str) -> Path:
        """Folder of a student's submission."""
        return self.root / "submitted" / student / ASSIGNMENT

    def submit(self, student: str, notebook: NotebookNode | None = None) -> Path:
        """Enrol a student; write the notebook, if there is one; return the submission's folder."""
        folder = self.folder(student)
        folder.mkdir(parents=True)
        self.students.append(student)
        if notebook is not None:
            nbformat.write(notebook, folder / f"{ASSIGNMENT}.ipynb")
        return folder

    def copy(self, base: Path) -> "Course":
        """Return a copy whose files lie elsewhere, and whose world is that of the original.

        So it must be mounted where the original lies before anything runs in it. Making a course
        takes seconds, a copy takes none.
        """
        shutil.copytree(self.base, base, symlinks=True)
        twin = copy.copy(self)
        twin.base, twin.root, twin.home = base, base / "course", base / "home"
        twin.outside, twin.keys, twin.students = base / "outside", base / "keys", []
        return twin

    def environment(self) -> dict[str, str]:
        """The instructor's environment, with a secret in it."""
        jupyter = self.base / "jupyter"
        paths = [str(self.keys), *filter(None, [os.environ.get("PYTHONPATH")])]
        # nbgrader starts alembic by its bare name.
        programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
        return os.environ | {
            "HOME": str(self.home),
            "USER": "instructor",
            "PATH": os.pathsep.join(programs),
            "COURSE_SECRET": self.canaries["environment"],
            "PYTHONPATH": os.pathsep.join(paths),
            "JUPYTER_CONFIG_DIR": str(jupyter),
            "JUPYTER_DATA_DIR": str(jupyter / "data"),
            "JUPYTER_RUNTIME_DIR": str(jupyter / "runtime"),
            "IPYTHONDIR": str(jupyter / "ipython"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }

    def _nbgrader(self, *words: str, timeout: float = 1200) -> "subprocess.CompletedProcess[str]":
        """Run nbgrader as a command; what it says goes to a file, which no survivor can hold up."""
        log = self.base / "nbgrader.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "nbgrader", *words],
                cwd=self.root,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                # An attack that signals its process group must not reach the tests.
                start_new_session=True,
            )
            try:
                self._watch(process, timeout)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        return subprocess.CompletedProcess(
            words, process.returncode, log.read_text("utf8", "replace")
        )

    def _watch(self, process: "subprocess.Popen[bytes]", timeout: float) -> None:
        """Wait for nbgrader, and note its memory. Raises TimeoutExpired."""
        end = time.monotonic() + timeout
        while process.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(process.args, timeout)
            with contextlib.suppress(OSError, IndexError):
                # The kernel keeps the maximum itself (proc(5)); in kB.
                status = Path(f"/proc/{process.pid}/status").read_text()
                self.memory = max(self.memory, int(status.split("VmHWM:")[1].split()[0]) * 1024)
            time.sleep(0.2)

    def grade(self, *, timeout: float = 1200, feedback: bool = True) -> Outcome:
        """Autograde the class and write its feedback; look at what that did to the machine."""
        self.memory = 0
        start = time.monotonic()
        done = self._nbgrader("autograde", ASSIGNMENT, timeout=timeout)
        seconds = time.monotonic() - start
        left = survivors(self.world.left_behind)
        if feedback:
            self._nbgrader("generate_feedback", ASSIGNMENT, timeout=timeout)
        return Outcome(
            status=done.returncode,
            log=done.stdout,
            seconds=seconds,
            course=self,
            memory=self.memory,
            connections=self.listener.connections,
            survivors=left,
            harmed=self.harmed(),
        )

    def close(self) -> None:
        """Stop listening, end what the attacks left running, remove what Python cannot."""
        self.listener.close()
        # Folders may lie deeper within one another than shutil.rmtree goes.
        for step in ("submitted", "autograded", "feedback"):
            subprocess.run(["rm", "-rf", str(self.root / step)], check=False)
        for pid in processes_naming(self.world.left_behind):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def database(self) -> str:
        """Where the gradebook lies, as nbgrader's option db_url has it."""
        return f"sqlite:///{self.root / 'gradebook.db'}"

    @contextlib.contextmanager
    def gradebook(self) -> Iterator[Any]:
        """The course's gradebook, by nbgrader's own interface."""
        from nbgrader.api import Gradebook

        # nbgrader's models warn about sessions while they are filled.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Gradebook(self.database(), "attacked") as book:
                yield book

    def points(self, student: str) -> dict[str, float]:
        """Points of each exercise in the gradebook; 0 where it holds none."""
        from nbgrader.api import MissingEntry

        points = dict.fromkeys(self.lesson.POINTS, 0.0)
        with self.gradebook() as book:
            try:
                notebook = book.find_submission_notebook(ASSIGNMENT, ASSIGNMENT, student)
            except MissingEntry:
                return points
            for grade in notebook.grades:
                name = grade.name.removeprefix("check-")
                if name in points:
                    points[name] = grade.score
        return points

    def by_hand(self, student: str) -> tuple[float | None, str | None]:
        """The score and the comment that a person gave to the written answer."""
        with self.gradebook() as book:
            grade = book.find_grade(tiny.WRITTEN, ASSIGNMENT, ASSIGNMENT, student)
            comment = book.find_comment(tiny.WRITTEN, ASSIGNMENT, ASSIGNMENT, student)
            return grade.manual_score, comment.manual_comment

    def autograded(self, student: str) -> NotebookNode | None:
        """The notebook that autograde wrote, or None."""
        path = self.root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def feedback(self, student: str) -> str:
        """The page that generate_feedback wrote; empty where there is none."""
        path = self.root / "feedback" / student / ASSIGNMENT / f"{ASSIGNMENT}.html"
        return path.read_text() if path.is_file() else ""

    def said(self, student: str) -> dict[str, str]:
        """What the output of each check says in the autograded notebook, by exercise."""
        notebook = self.autograded(student)
        cells = notebook.cells if notebook else []
        return {
            cell.metadata.nbgrader.grade_id.removeprefix("check-"): "\n".join(texts(cell.outputs))
            for cell in cells
            if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "").startswith("check-")
        }

    def shown(self, student: str) -> str:
        """Everything of the graded work that the student gets to see.

        That is the feedback page, and of the autograded notebook, which is the instructor's and
        holds hidden tests and rubrics, all outputs and all cells except these.
        """
        shown = [self.feedback(student)]
        notebook = self.autograded(student)
        for cell in notebook.cells if notebook else []:
            identity = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
            if not identity.startswith("check-") and role_of(cell) != "rubric":
                shown.append(cell.source)
            shown.extend(texts(cell.get("outputs", [])))
        for path in self._files_beside(student):
            shown.append(path.read_bytes()[:1_000_000].decode("utf8", "replace"))
        return "\n".join(shown)

    def leaks(self, student: str) -> set[str]:
        """Kinds of the canaries in what the student gets to see."""
        kinds = self._kinds(self.shown(student))
        # The bystander's own files hold what others must not see.
        return kinds - {"neighbour", "gradebook"} if student == BYSTANDER else kinds

    def _kinds(self, shown: str) -> set[str]:
        kinds = {kind for kind, word in self.canaries.items() if word in shown}
        return kinds | ({"input"} if str(int(self.number)) in shown else set())

    def _files_beside(self, student: str) -> list[Path]:
        """Files that go back to a student with the feedback, other than the page itself."""
        folder = self.root / "feedback" / student
        return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".html"]

    def active(self, student: str) -> list[str]:
        """Elements of a student's pages in which a browser would run a script of the student's.

        The pages are the feedback, and the autograded notebook as formgrader shows it.
        """
        found = active(self.feedback(student), SPOILED)
        notebook = self.autograded(student)
        if notebook is not None:
            from nbconvert import HTMLExporter

            page, _ = HTMLExporter().from_notebook_node(notebook)
            found += active(page, SPOILED)
        return found

    def printed(self, student: str) -> set[str]:
        """Kinds of the canaries that the student's code itself showed, tracebacks not counted."""
        notebook = self.autograded(student)
        outputs = (
            [o for cell in notebook.cells for o in cell.get("outputs", [])] if notebook else []
        )
        return self._kinds("\n".join(texts([o for o in outputs if o.output_type != "error"])))

    def harmed(self) -> list[str]:
        """Files that grading must leave alone, and that were changed, made or deleted."""
        after = self._fingerprints()
        paths = sorted(self._before.keys() | after.keys())
        return [path for path in paths if self._before.get(path) != after.get(path)]

    def _fingerprints(self) -> dict[str, str]:
        """Hash of every file that grading must not change, create or delete."""
        folders = (self.root / "source", self.root / "release", self.home / ".ssh", self.outside)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        files += [self.root / "nbgrader_config.py", self.folder(BYSTANDER) / f"{ASSIGNMENT}.ipynb"]
        return {
            str(path.relative_to(self.base)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if path.is_file()
        }
