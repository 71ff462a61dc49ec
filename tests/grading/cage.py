"""Grade one submission with stock nbgrader where it can do no harm.

Some submissions kill processes and write files, and stock nbgrader lets them. So each is graded in
a bubblewrap cage of its own: namespaces, a throw-away copy of the course, limits on processor time,
memory and file size. Those that would harm the machine all the same are not run.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from nbgrader.api import MissingEntry

from tests.grading.corpus import Submission
from tests.grading.course import ASSIGNMENT, BYSTANDER, LAST, Course

__all__ = ["stock"]

REPOSITORY = Path(__file__).parents[2]
LOG = "caged.log"
SECONDS = 100  # for nbgrader; the cage goes a little later
# Families of which one submission may stop the others: there the last student must get a turn too.
INFECTIOUS = ("files", "metadata", "harming")


def stock(submission: Submission, course: Course, scratch: Path) -> str:
    """Return what stock nbgrader gives for a submission, in words.

    The course is the template; scratch is a folder for its copy.
    """
    if submission.dangerous:
        return f"not run: {submission.dangerous}"
    copy = course.copy(scratch / submission.name)
    try:
        submission.hand_in(copy)
        infectious = submission.family in INFECTIOUS
        if infectious:
            # An empty file costs nothing to grade, and the log tells that its turn came.
            (copy.submit(LAST) / f"{ASSIGNMENT}.ipynb").touch()
            options = ["--CourseDirectory.student_id_exclude", BYSTANDER]
        else:
            options = ["--student", submission.name]
        report = _cage(course, copy, options)
        return _words(submission, copy, report, infectious=infectious)
    finally:
        shutil.rmtree(copy.base, ignore_errors=True)


def _cage(course: Course, copy: Course, options: list[str]) -> dict[str, object]:
    """Run nbgrader in the cage; return its report, which is empty where there was none."""
    inside = [
        *(sys.executable, "-m", "tests.grading.watch"),
        *(str(course.world.port), str(SECONDS)),
        *("autograde", ASSIGNMENT, *options),
    ]
    system = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc") if Path(path).exists()]
    shown = [*system, sys.base_prefix, sys.prefix, str(REPOSITORY)]
    command = [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session"),
        *("--tmpfs", "/tmp", "--proc", "/proc", "--dev", "/dev"),
        *(word for path in shown for word in ("--ro-bind", path, path)),
        *("--bind", str(copy.base), str(course.base), "--chdir", str(course.root)),
    ]
    environment = course.environment()
    paths = [environment["PYTHONPATH"], str(REPOSITORY)]
    environment |= {
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": "1",
        # On a command line it would be found there.
        "NBGRADER_LOG": str(course.base / LOG),
        "WORD_OF_SURVIVORS": course.world.left_behind,
    }
    process = subprocess.Popen(
        [*command, *inside],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        said, _ = process.communicate(timeout=SECONDS + 30)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    with contextlib.suppress(json.JSONDecodeError):
        report: dict[str, object] = json.loads(said)
        return report
    return {}


def _words(
    submission: Submission, copy: Course, report: dict[str, object], *, infectious: bool
) -> str:
    """Say what came of a submission."""
    words = [_points(submission, copy)]
    found = sorted(copy.printed(submission.name))
    if found:
        words.append("its code showed: " + ", ".join(found))
    if copy.active(submission.name):
        words.append("scripts reach the grader's browser")
    if report.get("connections"):
        words.append("it reached the network")
    if report.get("survivors"):
        words.append("processes survived")
    if copy.harmed():
        words.append("it changed " + ", ".join(Path(path).name for path in copy.harmed()))
    turn = f"student with ID '{LAST}'"
    if infectious and turn not in (copy.base / LOG).read_text("utf8", "replace"):
        words.append("the class after it was not graded")
    if copy.by_hand(BYSTANDER)[0] != 3.0:
        words.append("another student's grade was changed")
    if not report:
        words.append("nbgrader and the cage ended with it")
    elif report["status"] is None:
        words.append(f"nbgrader was still busy after {SECONDS} s")
    return "; ".join(words)


def _points(submission: Submission, copy: Course) -> str:
    with copy.gradebook() as book:
        try:
            book.find_submission(ASSIGNMENT, submission.name)
        except MissingEntry:
            return "no grade"
    if copy.autograded(submission.name) is None:
        return "no grade"
    points = copy.points(submission.name)
    gained = sum(points.values())
    unearned = [name for name, value in points.items() if value > submission.deserves[name]]
    lost = [name for name, value in points.items() if value < submission.deserves[name]]
    words = f"{gained:g} of {submission.lesson.FULL:g} points"
    if unearned:
        words += ", unearned: " + ", ".join(unearned)
    if lost:
        words += ", lost: " + ", ".join(lost)
    return words
