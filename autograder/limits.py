"""What a submission may use of the machine that grades it."""

from dataclasses import dataclass

__all__ = ["KEPT", "Limits"]

KEPT = 64  # copies of a submission that wait for hidden tests, at most


@dataclass(frozen=True)
class Limits:
    """What a submission may use: memory and disk in bytes, time in seconds.

    cell_time bounds one cell, time the whole submission, both by the clock on the wall. output is
    the number of bytes kept of what a cell prints, and of what it displays. keep names folders
    below /tmp that stay visible when a submission gets a /tmp of its own.
    """

    cell_time: float = 60.0
    time: float = 600.0
    memory: int = 3 * 2**30
    disk: int = 256 * 2**20
    processes: int = 128
    output: int = 200_000
    keep: tuple[str, ...] = ()
