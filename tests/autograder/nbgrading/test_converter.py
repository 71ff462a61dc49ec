"""What nbgrader itself reads of a submission, formgrader included, it reads with bounds."""

import os
from datetime import datetime
from pathlib import Path

import pytest
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

import autograder
from autograder.nbgrading.converter import Converter, take_over


@pytest.fixture(autouse=True)
def _nbgrader_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, name in (
        (CourseDirectory, "get_existing_timestamp"),
        (NbGraderAPI, "get_submitted_timestamp"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))


@pytest.fixture
def api(tmp_path: Path) -> NbGraderAPI:
    """nbgrader's API for a course that is configured as formgrader's is: by harden alone."""
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    autograder.harden(config)
    return NbGraderAPI(CourseDirectory(config=config), config=config)


def test_formgrader_waits_for_no_pipe_and_reads_no_device(api: NbGraderAPI, tmp_path: Path) -> None:
    for student in ("ann", "bob", "cem"):
        (tmp_path / "submitted" / student / "tiny").mkdir(parents=True)
    os.mkfifo(tmp_path / "submitted" / "ann" / "tiny" / "timestamp.txt")
    (tmp_path / "submitted" / "bob" / "tiny" / "timestamp.txt").symlink_to("/dev/zero")
    honest = tmp_path / "submitted" / "cem" / "tiny"
    (honest / "timestamp.txt").write_text("2026-02-28 12:00:00 UTC")
    assert api.get_submitted_timestamp("tiny", "ann") is None
    assert api.get_submitted_timestamp("tiny", "bob") is None
    assert api.get_submitted_timestamp("tiny", "cem") == datetime(2026, 2, 28, 12)
    assert api.coursedir.get_existing_timestamp(str(honest)) == datetime(2026, 2, 28, 12)


def test_a_converter_that_is_taken_over_keeps_its_configuration(api: NbGraderAPI) -> None:
    converter = Autograde(coursedir=api.coursedir, parent=api)
    converter.force = True
    names = converter.sanitize_preprocessors
    take_over(converter)
    assert isinstance(converter, Converter)
    assert converter.force
    assert converter.sanitize_preprocessors == names
    assert converter.permissions == 444
