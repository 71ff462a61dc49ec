"""A course is what nbgrader_config.py in its root says, and nothing else."""

from pathlib import Path

import pytest

from autograder.config import Course
from autograder.errors import CourseError


@pytest.fixture
def configured(tmp_path: Path):
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


def test_nbgraders_names_of_folders_are_kept(configured) -> None:
    course = configured(
        'c.CourseDirectory.source_directory = "texts"\n'
        'c.CourseDirectory.release_directory = "handed_out"\n'
    )
    assert course.source == course.root / "texts"
    assert course.release_path("tiny") == course.root / "handed_out/tiny/tiny.ipynb"


def test_nbgrader_is_told_where_the_course_lies(configured, tmp_path: Path) -> None:
    # From wherever --root leads here, and on a cluster's workers.
    course = configured("")
    assert course.config.CourseDirectory.root == str(course.root)
    own = configured(f"c.CourseDirectory.root = {str(tmp_path)!r}\n")
    assert own.config.CourseDirectory.root == str(tmp_path)


def test_banks_are_optional(configured) -> None:
    assert configured("").answers is None


def test_topics_are_the_texts_in_order_of_their_names(course: Course) -> None:
    (course.source / "another.py").write_text("")
    (course.source / "notes.md").write_text("")
    (course.source / "folder").mkdir()
    assert course.topics() == ["another", "tiny"]


def test_an_unknown_topic_is_named_with_those_that_are_known(course: Course, configured) -> None:
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
