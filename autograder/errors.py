"""What can be wrong with a course's own files.

CourseError            anything below; the command prints it without a traceback
├── MarkerError        a cell of a lesson or a bank is marked wrongly
├── UnpulledError      building would overwrite what was changed in JupyterLab
├── LeakError          a release would show students a solution or a hidden test
└── SandboxError       the sandbox cannot be had or does not hold; nothing was graded
    └── SecrecyError   submissions could read a solution; nothing was graded
"""

__all__ = [
    *("CourseError", "LeakError", "MarkerError", "SandboxError", "SecrecyError"),
    "UnpulledError",
]


class CourseError(Exception):
    """A course's own files are wrong; the message says which, why, and what to do."""


class MarkerError(CourseError):
    """A cell of a lesson or a bank is marked wrongly."""


class UnpulledError(CourseError):
    """Building would overwrite what was changed in JupyterLab."""


class LeakError(CourseError):
    """A release would show students a solution or a hidden test."""


class SandboxError(CourseError):
    """The sandbox cannot be had or does not hold; nothing was graded."""


class SecrecyError(SandboxError):
    """Submissions could read a solution; nothing was graded."""
