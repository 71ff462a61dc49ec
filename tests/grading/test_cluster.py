"""A class graded by a Dask cluster: the same gradebook, whoever dies meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from distributed import Client, LocalCluster

from autograder.commands.app import main
from autograder.config import Course
from autograder.errors import CourseError
from autograder.nbgrading import cluster
from autograder.nbgrading.classroom import grade_class
from autograder.nbgrading.cluster import each_on_cluster
from tests.grading.course import ASSIGNMENT
from tests.grading.killing import COMMANDS, Class, Gradebook

pytestmark = pytest.mark.xdist_group("killing")


@pytest.fixture(scope="module")
def small() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0"
    ) as found:
        yield found


@pytest.fixture(scope="module")
def address(
    undisturbed: tuple[Class, Gradebook], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A scheduler with two workers, which run in a folder that is not the course's."""
    group, _ = undisturbed
    folder = tmp_path_factory.mktemp("dask")
    told = folder / "scheduler.json"
    environment = group.environment() | {
        # Seconds for which a dead worker's student is kept from the others; thirty by default.
        "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": "3s",
        "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_VALIDATION_INTERVAL": "1s",
    }

    def start(command: str, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", "--no-dashboard", *options],
            env=environment,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    where = ["--host", "127.0.0.1", "--port", "0"]
    scheduler = start("dask_scheduler", *where, "--scheduler-file", str(told))
    workers = None
    try:
        while not told.is_file():
            assert scheduler.poll() is None, "the scheduler ended by itself"
            time.sleep(0.05)
        found = json.loads(told.read_text())["address"]
        workers = start("dask_worker", found, "--nworkers", "2", "--nthreads", "1")
        with Client(found, timeout=10) as client:
            client.wait_for_workers(2, timeout=60)
        yield found
    finally:
        for process in filter(None, (workers, scheduler)):
            process.terminate()
            process.wait(60)


def test_a_worker_that_is_killed_costs_nobody_anything(
    undisturbed: tuple[Class, Gradebook], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, expected = undisturbed
    group.start_anew()
    command = ["-m", "autograder", "grade", ASSIGNMENT, "--cluster", address]
    monkeypatch.setitem(COMMANDS, "on a cluster", command)
    killed = []

    def kill_one() -> None:
        with Client(address, timeout=10) as client:
            pids = client.run(os.getpid)
        assert len(pids) == 2
        killed.append(min(pids.values()))
        os.kill(killed[0], signal.SIGKILL)

    group.run("on a cluster", begun=2, then=kill_one)
    assert killed
    assert group.everything() == expected


def test_results_and_errors_come_back_by_name(small: LocalCluster) -> None:
    def work(name: str) -> int:
        return {"ann": 1, "bob": 2}[name]

    names = ["ann", "bob", "cem"]
    found = dict(each_on_cluster(small.scheduler_address, work, names, one_machine=True))
    assert (found["ann"], found["bob"]) == (1, 2)
    assert isinstance(found["cem"], KeyError)


def test_nobody_is_graded_by_two_workers_at_a_time(address: str, tmp_path: Path) -> None:
    busy = tmp_path / "busy"

    def work(_: str) -> None:
        busy.mkdir()
        time.sleep(0.05)
        busy.rmdir()

    # As where a run is killed and started again while its workers go on.
    names = ["ann"] * 6
    assert list(each_on_cluster(address, work, names, one_machine=True)) == [("ann", None)] * 6


def test_a_course_that_a_worker_cannot_see_is_said_to_be_missing(
    small: LocalCluster, tmp_path: Path
) -> None:
    config = tmp_path / "nbgrader_config.py"
    config.write_text("import autograder\nautograder.harden(get_config())\n")
    course = Course(tmp_path)
    config.unlink()
    (outcome,) = grade_class(course, "tiny", ["ann"], cluster=small.scheduler_address)
    assert not outcome.graded
    assert str(tmp_path) in outcome.reason
    assert "share the course's folder" in outcome.reason


def test_workers_elsewhere_are_refused_a_gradebook_in_a_file(
    small: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_machines", lambda _: {socket.gethostname(), "far-away"})
    with pytest.raises(CourseError, match=r"workers on far-away, .* SQLite .*db_url"):
        list(each_on_cluster(small.scheduler_address, str, ["ann"], one_machine=True))
    assert dict(each_on_cluster(small.scheduler_address, str, ["ann"], one_machine=False))


def test_a_cluster_that_is_not_there_is_told_with_what_starts_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.3)
    for nonsense in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(CourseError, match=rf"'{nonsense}' .*`dask scheduler`"):
            list(each_on_cluster(nonsense, str, ["ann"], one_machine=True))
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        pytest.raises(CourseError, match="has no workers; start some with `dask worker"),
    ):
        list(each_on_cluster(empty.scheduler_address, str, ["ann"], one_machine=True))


def test_jobs_are_refused_on_a_cluster(undisturbed: tuple[Class, Gradebook]) -> None:
    group, _ = undisturbed
    arguments = ["--root", str(group.root), "grade", ASSIGNMENT]
    done = CliRunner().invoke(main, [*arguments, "--jobs", "2", "--cluster", "tcp://x:1"])
    assert done.exit_code == 2
    assert "--jobs counts graders on this machine" in done.output
