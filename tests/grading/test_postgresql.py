"""A gradebook in PostgreSQL holds what one in a file does, also where the grader was killed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grading.killing import Class, Gradebook, Moment

# It shares the undisturbed class with test_killing.py.
pytestmark = pytest.mark.xdist_group("killing")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an empty database, in a server that is thrown away afterwards."""
    # Debian's pg_virtualenv starts a server for a command, and sets the variables of libpq for it.
    address = "postgresql+psycopg://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/postgres"
    command = ["pg_virtualenv", "-o", "fsync=off", "sh", "-c", f'echo "{address}"; cat']
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        said = iter(process.stdout.readline, "")
        yield next(line.strip() for line in said if line.startswith("postgresql+psycopg:"))
        process.communicate()


def test_rerun_after_a_kill_ends_as_an_undisturbed_run_with_a_file(
    undisturbed: tuple[Class, Gradebook], server: str, tmp_path: Path
) -> None:
    _, expected = undisturbed
    group = Class(tmp_path / "base", server=server)
    try:
        moment = Moment(begun=4, seconds=0.2, whom="group")
        assert group.run_and_kill("autograder grade", moment)
        assert group.everything() != expected
        group.run("autograder grade")
        assert group.everything() == expected
        assert not (group.root / "gradebook.db").exists()
    finally:
        group.close()
