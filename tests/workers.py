"""A run in which a worker died is red: pytest-xdist calls it green where no test was running."""

import pytest
from xdist.workermanage import WorkerController

DIED = pytest.StashKey[bool]()


def pytest_testnodedown(node: WorkerController, error: object | None) -> None:
    if error:
        node.config.stash[DIED] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(DIED, False) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
