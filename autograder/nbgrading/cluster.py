"""A class on many machines: one task per student for the workers of a Dask cluster.

Dask does the scheduling, tries again where a worker dies, and gives up on a task after the third
worker. Here is how a course uses it: the machines share the course's folder, at the same path, and
a gradebook that several machines can write. Tasks run side by side in processes, so start workers
with ``dask worker ADDRESS --nworkers N --nthreads 1``.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from autograder.errors import CourseError

__all__ = ["each_on_cluster"]

Result = TypeVar("Result")

PATIENCE = 10.0  # seconds to wait for a scheduler, and for the first worker

# nbgrader and a sandbox serve one thread of a process at a time.
_ALONE = threading.Lock()


def each_on_cluster(
    address: str, function: Callable[[str], Result], names: list[str], *, one_machine: bool
) -> Iterator[tuple[str, Result | BaseException]]:
    """Call a function for each name on a cluster's workers; yield what it returned or raised.

    Where a run is killed and started again, a worker that is still busy with a name is waited for.
    one_machine refuses a cluster that reaches beyond this machine. Raises CourseError where there
    is no such cluster.
    """
    try:
        from distributed import as_completed
    except ImportError:
        raise CourseError(
            "--cluster needs Dask; install it with: pip install distributed"
        ) from None
    with _connect(address) as client:
        elsewhere = sorted(_machines(client) - {socket.gethostname()})
        if one_machine and elsewhere:
            raise CourseError(
                f"the cluster has workers on {', '.join(elsewhere)}, and a gradebook in SQLite is "
                "for one machine; set c.CourseDirectory.db_url in nbgrader_config.py to a "
                "database server, such as postgresql+psycopg://user@host/gradebook"
            )
        tasks = {client.submit(_alone, function, name, pure=False): name for name in names}
        for task in as_completed(tasks):
            error = task.exception()
            yield tasks[task], task.result() if error is None else error


def _connect(address: str) -> Any:
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise CourseError(
            f"no Dask scheduler answers at {address!r} ({type(error).__name__}); start one with "
            "`dask scheduler`, and workers with `dask worker ADDRESS --nthreads 1`"
        ) from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise CourseError(
            f"the Dask scheduler at {address!r} has no workers; start some with "
            f"`dask worker {address} --nthreads 1`"
        ) from None
    return client


def _machines(client: Any) -> set[str]:
    return set(client.run(socket.gethostname).values())


def _alone(function: Callable[[str], Result], name: str) -> Result:
    """Call a function, on a worker, while no other worker does so for the same name."""
    from distributed import Lock

    with _ALONE, Lock(f"autograder {name}"):
        return function(name)
