"""Frames over a Unix socket, with a deadline, and with open files beside them."""

import select
import socket
import struct
import time
from collections.abc import Callable

from autograder.wire.tensors import MAX_BYTES, WireError

__all__ = ["Channel", "Closed", "DeadlineError"]

HEADER = struct.Struct("!I")


class Closed(Exception):
    """The other side is gone."""


class DeadlineError(Exception):
    """The other side did not answer in time."""


class Channel:
    """One end of a stream of frames.

    seconds is how long this end may yet wait for the other one, in all; None is for ever. Time that
    this end spends otherwise does not count. When they are over, more says how many are added.
    largest bounds the bytes of a frame that comes.
    """

    def __init__(
        self,
        end: socket.socket,
        seconds: float | None = None,
        *,
        more: Callable[[], float] | None = None,
        largest: int = MAX_BYTES,
    ) -> None:
        self.socket = end
        self.seconds = seconds
        self.more = more
        self.largest = largest

    def send(self, frame: bytes, files: tuple[int, ...] = ()) -> None:
        """Send a frame. Raises Closed and DeadlineError."""
        data = memoryview(HEADER.pack(len(frame)) + frame)
        try:
            if files:
                self._wait(write=True)
                data = data[socket.send_fds(self.socket, [data], list(files)) :]
            while data:
                self._wait(write=True)
                data = data[self.socket.send(data) :]
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, files: int = 0) -> tuple[bytes, list[int]]:
        """Return the next frame and the open files that came with it.

        Raises Closed, DeadlineError, and WireError for a frame that is too long.
        """
        opened: list[int] = []
        header = self._read(HEADER.size, files, opened)
        (length,) = HEADER.unpack(header)
        if length > self.largest:
            raise WireError(f"a message of {length:,} bytes was announced")
        return self._read(length, 0, opened), opened

    def close(self) -> None:
        """Close this end; the other one reads that it is gone."""
        self.socket.close()

    def _read(self, length: int, files: int, opened: list[int]) -> bytes:
        parts = []
        try:
            while length:
                self._wait(write=False)
                size = min(length, 2**20)
                if files:
                    data, fds, _, _ = socket.recv_fds(self.socket, size, files)
                    opened += fds
                else:
                    data = self.socket.recv(size)
                if not data:
                    raise Closed("the other side closed the connection")
                parts.append(data)
                length -= len(data)
        except OSError as error:
            raise Closed(str(error)) from None
        return b"".join(parts)

    def _wait(self, *, write: bool) -> None:
        if self.seconds is None:
            return
        poll = select.poll()
        poll.register(self.socket, select.POLLOUT if write else select.POLLIN)
        while True:
            start = time.monotonic()
            ready = poll.poll(max(0.0, self.seconds) * 1000)
            self.seconds -= time.monotonic() - start
            if ready:
                return
            added = self.more() if self.more is not None else 0.0
            if added <= 0:
                raise DeadlineError("no answer in time")
            self.seconds = added
