"""Everything about nbgrader: build lessons, grade submissions. It knows no lesson.

Another course turns the hardened grading on with two lines in its nbgrader_config.py:

    import autograder
    autograder.harden(c)
"""

import os
import shutil
import sys
import sysconfig
from typing import Any

__all__ = ["harden"]


def harden(c: Any, **options: Any) -> None:
    """Put the judge and the sandbox in place of nbgrader's execution of submissions.

    c is nbgrader's configuration. options are those of autograder.config.Autograder, for instance
    cell_time=30, memory=2048, warm=["torch"], hide={"lesson": ["answers"]}. Ends the program for an
    option that is none, or whose value is none of its kind: nbgrader goes on without a
    configuration that raises an exception, and would run submissions unprotected.
    """
    from traitlets import TraitError

    from autograder.config import Autograder

    known = Autograder.class_traits(config=True)
    for name, value in options.items():
        if name not in known:
            names = ", ".join(sorted(known))
            raise SystemExit(f"autograder.harden() has no option {name!r}; options: {names}")
        try:
            Autograder(**{name: value})
        except TraitError as error:
            raise SystemExit(f"autograder.harden({name}={value!r}): {error}") from None
        setattr(c.Autograder, name, value)
    _let_nbgrader_find_alembic()
    if "nbgrader.apps.api" in sys.modules:
        # formgrader reads what students have handed in, too.
        from autograder.nbgrading.converter import guard_timestamps

        guard_timestamps()
    ours = "autograder.nbgrading.preprocessors"
    c.Autograde.exporter_class = "autograder.nbgrading.converter.Entrance"
    c.Autograde.sanitize_preprocessors = [f"{ours}.Rebuild"]
    c.Autograde.autograde_preprocessors = [
        f"{ours}.Judge",
        f"{ours}.SaveVerdicts",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        f"{ours}.HideFromStudents",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]


def _let_nbgrader_find_alembic() -> None:
    """Put this environment's commands on the PATH: nbgrader starts one when it makes a gradebook.

    Started as .venv/bin/nbgrader, without the environment being activated, it would not find it.
    """
    if shutil.which("alembic") is None:
        scripts = sysconfig.get_path("scripts")
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)])
