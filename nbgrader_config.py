"""nbgrader's configuration: the course directory is the repository's root."""

from pathlib import Path

c = get_config()  # noqa: F821 (traitlets puts it there)

c.CourseDirectory.course_id = "cnn"
c.CourseDirectory.root = str(Path(__file__).parent)

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("replace this line with your answer")'
}
c.ClearSolutions.text_stub = "*Replace this line with your answer.*"

c.Autograder.misconceptions = "course/misconceptions"
c.Autograder.alternatives = "tests/alternatives"
