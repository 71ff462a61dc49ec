"""A course is what nbgrader_config.py in its root says, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.config import Course
from autograder.errors import CourseError

Configured = Callable[[str], Course]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    def write(config: str) -> Course:
        (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n" + config)
        return Course(tmp_path)

    return write


def test_paths_follow_the_course_directory(course: Course) -> None:
    root = course.root
    assert course.source == root / "source"
    assert course.release == root / "release"
    assert course.text_path("tiny") == root / "source/tiny.py"
    assert course.notebook_path("tiny") == root / "source/tiny/tiny.ipynb"
    assert course.release_path("tiny") == root / "release/tiny/tiny.ipynb"
    assert course.answers == root / "answers"


def test_nbgraders_names_of_folders_are_kept(configured: Configured) -> None:
    course = configured(
        'c.CourseDirectory.source_directory = "texts"\n'
        'c.CourseDirectory.release_directory = "handed_out"\n'
    )
    assert course.source == course.root / "texts"
    assert course.release_path("tiny") == course.root / "handed_out/tiny/tiny.ipynb"


def test_nbgrader_is_told_where_the_course_lies(configured: Configured, tmp_path: Path) -> None:
    # From wherever --root leads here, and on a cluster's workers.
    course = configured("")
    assert course.config.CourseDirectory.root == str(course.root)
    own = configured(f"c.CourseDirectory.root = {str(tmp_path)!r}\n")
    assert own.config.CourseDirectory.root == str(tmp_path)


def test_banks_are_optional(configured: Configured) -> None:
    assert configured("").answers is None


def test_topics_are_the_texts_in_order_of_their_names(course: Course) -> None:
    (course.source / "another.py").write_text("")
    (course.source / "notes.md").write_text("")
    (course.source / "folder").mkdir()
    assert course.topics() == ["another", "tiny"]


def test_an_unknown_topic_is_named_with_those_that_are_known(
    course: Course, configured: Configured
) -> None:
    with pytest.raises(CourseError, match=r"'huge' has no text .*huge\.py; .*: tiny"):
        course.text_path("huge")
    with pytest.raises(CourseError, match="lessons with a text: none"):
        configured("").text_path("huge")


def test_a_folder_without_a_configuration_is_no_course(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"has no nbgrader_config\.py; .*--root"):
        Course(tmp_path)


def test_a_configuration_of_the_user_does_not_count(
    course: Course, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "home"
    own.mkdir()
    (own / "nbgrader_config.py").write_text(
        'get_config().ClearSolutions.code_stub = {"python": "?"}'
    )
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(own))
    monkeypatch.chdir(own)
    stub = Course(course.root).config.ClearSolutions.code_stub
    assert stub == {"python": "raise NotImplementedError"}


def test_modules_are_exposed_to_all_assignments_or_to_some(
    configured: Configured,
) -> None:
    config = 'c.Autograder.expose = {"*": ["course"], "late": ["lib.early", "course"]}\n'
    options = configured(config).options
    assert options.settings("early").expose == ("course",)
    assert options.settings("late").expose == ("course", "lib.early")
    assert configured('c.Autograder.expose = ["course"]\n').options.settings("any").expose == (
        "course",
    )


def test_what_belongs_to_instructors_and_to_others_is_withheld(
    configured: Configured,
) -> None:
    course = configured(
        'c.CourseDirectory.source_directory = "texts"\nc.Autograder.answers = "banks"\n'
    )
    names = {str(p.relative_to(course.root)) for p in course.options.settings("any").withhold}
    assert names == {
        *("texts", "release", "submitted", "autograded", "feedback", "gradebook.db"),
        *("banks", ".autograder"),
    }


def test_limits_by_the_clock_are_a_multiple_of_those_on_the_processor(
    configured: Configured,
) -> None:
    assert configured("").options.settings("any").limits.wall == 3.0
    limits = configured("c.Autograder.wall = 5.0\n").options.settings("any").limits
    assert limits.wall == 5.0


@pytest.mark.parametrize(
    ("option", "said"), [("memroy=5", "has no option 'memroy'"), ('memory="much"', "memory='much'")]
)
def test_an_option_that_is_none_ends_the_program(
    configured: Configured, option: str, said: str
) -> None:
    # nbgrader goes on without a configuration that raises an exception, and without protection.
    with pytest.raises(SystemExit, match=said):
        configured(f"import autograder\nautograder.harden(c, {option})\n")
    assert not issubclass(SystemExit, Exception)
