"""What a submission may use of the machine that grades it."""

from dataclasses import dataclass

__all__ = ["KEPT", "Limits"]

KEPT = 64  # copies of a submission that wait for hidden tests, at most


@dataclass(frozen=True)
class Limits:
    """What a submission may use: memory and disk in bytes, time in seconds.

    cell_time bounds one cell, time the whole submission, both in seconds of the processor, summed
    over its processes. By the clock on the wall each may take wall times as long: who waits uses
    no processor, and on a busy machine a second of the processor takes longer. memory holds what
    processes share and what lies in sockets; files in /tmp and /dev/shm count as disk. output is
    the number of bytes kept of what a cell prints, and of what it displays. keep names folders
    below /tmp that stay visible when a submission gets a /tmp of its own.
    """

    cell_time: float = 60.0
    time: float = 600.0
    wall: float = 3.0
    memory: int = 3 * 2**30
    disk: int = 256 * 2**20
    processes: int = 128
    output: int = 200_000
    keep: tuple[str, ...] = ()
