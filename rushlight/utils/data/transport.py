"""Batches between processes: large arrays through shared memory, the rest as a pickle.

The memory has no name in the file system, so nothing is left behind however a process ends, and
the size of /dev/shm does not matter. The worker that made a segment writes a batch into it; the
main process makes arrays right over it, and the worker may write there again once all those arrays
are gone. Where there is no such memory, or no more of it, arrays travel in the pickle.
"""

from __future__ import annotations

import mmap
import os
import pickle
import socket
import struct
import sys
from multiprocessing.connection import Connection
from typing import Any

SMALLEST = 4096  # bytes of an array for which shared memory pays
ALIGNMENT = 64
PAGE = 1 << 16  # sizes of segments are multiples of this
MOST_SEGMENTS = 4096  # of a worker, in use at once; further batches are copied
# The segment (-1: none), its size if it is new, how many segments are given up, how many arrays.
HEADER = struct.Struct("<2q2I")
INDEX = struct.Struct("<q")
SPAN = struct.Struct("<2q")


def available() -> bool:
    """Whether memory can be shared without a name."""
    return hasattr(os, "memfd_create") and hasattr(socket, "AF_UNIX")


class Writer:
    """The worker's end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._segments: dict[int, mmap.mmap] = {}
        self._free: list[int] = []
        self._given_up: list[int] = []
        self._next = 0
        self._shared = available()

    def release(self, segments: list[int]) -> None:
        """Take back segments that the main process no longer uses."""
        self._free.extend(segments)

    def send(self, value: Any) -> None:
        """Send one object. Raises what pickling it raises."""
        buffers: list[pickle.PickleBuffer] = []

        def keep(buffer: pickle.PickleBuffer) -> bool:
            """False leaves the bytes of a buffer out of the pickle."""
            if not self._shared or buffer.raw().nbytes < SMALLEST:
                return True
            buffers.append(buffer)
            return False

        data = pickle.dumps(value, protocol=5, buffer_callback=keep)
        spans, size = [], 0
        for buffer in buffers:
            count = buffer.raw().nbytes
            spans.append((size, count))
            size += -(-count // ALIGNMENT) * ALIGNMENT
        index, descriptor = self._segment(size) if buffers else (-1, -1)
        if buffers and index < 0:  # no memory to share: all of it goes in the pickle
            data, spans = pickle.dumps(value, protocol=5), []
        elif buffers:
            with memoryview(self._segments[index]) as segment:
                for (start, count), buffer in zip(spans, buffers, strict=True):
                    segment[start:start + count] = buffer.raw()
        whole = len(self._segments[index]) if descriptor >= 0 else 0
        head = [HEADER.pack(index, whole, len(self._given_up), len(spans)),
                *(INDEX.pack(i) for i in self._given_up), *(SPAN.pack(*s) for s in spans)]
        self._given_up.clear()
        self._connection.send_bytes(b"".join([*head, data]))
        if descriptor >= 0:
            _send_descriptor(self._connection, descriptor)
            os.close(descriptor)

    def _segment(self, size: int) -> tuple[int, int]:
        """A free segment of at least `size` bytes, and its descriptor if it is new, else -1."""
        fitting = [i for i in self._free if len(self._segments[i]) >= size]
        if fitting:
            best = min(fitting, key=lambda i: len(self._segments[i]))
            self._free.remove(best)
            return best, -1
        for small in self._free:  # batches have grown: those will not be used again
            self._segments.pop(small).close()
        self._given_up += self._free
        self._free.clear()
        try:
            descriptor = os.memfd_create("rushlight", os.MFD_CLOEXEC)
            try:
                size = -(-size // PAGE) * PAGE
                os.posix_fallocate(descriptor, 0, size)  # or a full machine would kill us later
                segment = mmap.mmap(descriptor, size)
            except BaseException:
                os.close(descriptor)
                raise
        except OSError:
            return -1, -1
        index, self._next = self._next, self._next + 1
        self._segments[index] = segment
        return index, descriptor


class Reader:
    """The main process's end of one worker's connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._segments: dict[int, mmap.mmap] = {}
        self._lent: set[int] = set()  # the worker knows that these are in use

    def receive(self) -> Any:
        """The next object; its arrays lie in shared memory. Raises EOFError, OSError where the
        worker is gone."""
        message = self._connection.recv_bytes()
        index, size, given_up, count = HEADER.unpack_from(message)
        for i in range(given_up):
            del self._segments[INDEX.unpack_from(message, HEADER.size + i * INDEX.size)[0]]
        start = HEADER.size + given_up * INDEX.size
        at = start + count * SPAN.size
        if size:
            self._map(index, size)
        if index < 0:
            return pickle.loads(memoryview(message)[at:])
        self._lent.add(index)
        segment = memoryview(self._segments[index])
        spans = [SPAN.unpack_from(message, start + i * SPAN.size) for i in range(count)]
        copied = len(self._lent) > MOST_SEGMENTS
        buffers = [bytearray(segment[begin:begin + n]) if copied else segment[begin:begin + n]
                   for begin, n in spans]
        return pickle.loads(memoryview(message)[at:], buffers=buffers)

    def _map(self, index: int, size: int) -> None:
        descriptor = _receive_descriptor(self._connection)
        try:
            self._segments[index] = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)

    def unused(self) -> list[int]:
        """Segments over which no array is left; the worker is to be told."""
        free = [i for i in self._lent if sys.getrefcount(self._segments[i]) == 2]
        self._lent.difference_update(free)
        return free


def _send_descriptor(connection: Connection, descriptor: int) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        socket.send_fds(channel, [b"d"], [descriptor])


def _receive_descriptor(connection: Connection) -> int:
    with socket.socket(fileno=os.dup(connection.fileno())) as channel:
        _, found, _, _ = socket.recv_fds(channel, 1, 1)
    if not found:
        raise EOFError
    return found[0]
