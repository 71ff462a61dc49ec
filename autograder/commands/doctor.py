"""What a person who helps needs to know of a machine, in a block to paste into an issue."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from autograder.commands.group import main
from autograder.config import Course
from autograder.errors import CourseError, SandboxError
from autograder.nbgrading.comparison import assignments
from autograder.sandbox.sandbox import Sandbox

__all__ = ["doctor", "report"]

PACKAGES = ("nbgrader", "jupyterlab", "torch", "torchvision", "ipywidgets", "matplotlib")


@main.command()
@click.pass_obj
def doctor(root: Path) -> None:
    """Say what this machine has, and whether the sandbox holds; fail where grading cannot work."""
    try:
        course = Course(root)
    except CourseError as error:
        course = None
        click.echo(f"course: {error}")
    good = True
    for name, finding, fine in report(course):
        click.echo(f"{name}: {finding}")
        good = good and fine
    if not good:
        raise SystemExit(1)


def report(course: Course | None) -> Iterator[tuple[str, str, bool]]:
    """Yield name, finding, and whether grading can do with it."""
    yield "python", f"{platform.python_version()} at {sys.executable}", True
    yield "system", f"{platform.platform()}, {os.cpu_count()} cores", True
    for name in PACKAGES:
        try:
            yield name, version(name), True
        except PackageNotFoundError:
            yield name, "not installed", name != "nbgrader"
    if sys.platform == "linux":
        yield _bubblewrap()
    yield _sandbox(course)
    if course is not None:
        yield "compare", _recommended(course), True
    yield "device", _device(), True


def _bubblewrap() -> tuple[str, str, bool]:
    program = shutil.which("bwrap")
    if program is None:
        return "bubblewrap", "missing; on Debian: sudo apt-get install bubblewrap", False
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return "bubblewrap", f"{words.stdout.strip()} at {program}", True


def _sandbox(course: Course | None) -> tuple[str, str, bool]:
    options = course.options.settings("*") if course else None
    try:
        with Sandbox(
            warm=options.warm if options else (),
            expose=options.expose if options else (),
            withhold=options.withhold if options else (),
        ):
            return "sandbox", "holds: every attempt of the self-test to break out failed", True
    except (SandboxError, CourseError) as error:
        return "sandbox", str(error), False


def _recommended(course: Course) -> str:
    names = ", ".join(assignments(course)) or "none yet"
    return (
        "run `autograder compare ASSIGNMENT` before you grade: it lists the points that stock "
        f"nbgrader gives otherwise, and why; assignments: {names}"
    )


def _device() -> str:
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    if torch.backends.mps.is_available():
        return "mps"
    return f"cpu, {torch.get_num_threads()} threads"
