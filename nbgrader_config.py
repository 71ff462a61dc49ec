"""nbgrader's configuration: the course directory is the repository's root."""

from pathlib import Path

import autograder
from course.syllabus import topics

ROOT = Path(__file__).parent
ORDER = list(topics())
LIBRARY = {path.stem for path in (ROOT / "cnnlib").glob("[a-z]*.py")}

c = get_config()  # noqa: F821 (traitlets puts it there)

c.CourseDirectory.course_id = "cnn"
c.CourseDirectory.root = str(ROOT)

c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("replace this line with your answer")'
}
c.ClearSolutions.text_stub = "*Replace this line with your answer.*"

autograder.harden(
    c,
    cell_time=60.0,
    time=300.0,
    memory=2048,
    warm=["torch", "numpy", "matplotlib.pyplot", "sklearn.datasets", "tqdm.auto", "ipywidgets"],
    # cnnlib answers the exercises of its topic: those of earlier lessons alone are offered.
    expose={
        "*": ["course"],
        **{
            topic: [f"cnnlib.{name}" for name in ORDER[:place] if name in LIBRARY]
            for place, topic in enumerate(ORDER)
        },
    },
    answers="course/answers",
)
