"""The bytes of a file at given places: of one on disk, in memory, or of any object that reads."""

from __future__ import annotations

import io
from typing import IO, Any


class Source:
    """What lies between the present position of `file` and its end; places count from there.

    Raises:
        AttributeError: an object that has no read, seek and tell.
        OSError: one that cannot seek.
    """

    __slots__ = ("_file", "_origin", "size")

    def __init__(self, file: IO[bytes]) -> None:
        for method in ("read", "seek", "tell"):
            if not hasattr(file, method):
                raise AttributeError(
                    f"'{type(file).__name__}' object has no attribute '{method}': pass a path, or "
                    "a file that can seek, such as io.BytesIO(file.read())")
        self._file = file
        self._origin = file.tell()
        self.size = max(0, file.seek(0, io.SEEK_END) - self._origin)
        self.leave_at(0)

    def read(self, place: int, count: int) -> bytes:
        """The `count` bytes at `place`; fewer at the end of the file."""
        self._file.seek(self._origin + place)
        parts = []
        while count > 0 and (part := self._file.read(count)):
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, place: int, target: memoryview) -> bool:
        """Fill `target` with the bytes at `place`; whether there were enough of them."""
        self._file.seek(self._origin + place)
        read_into: Any = getattr(self._file, "readinto", None)
        done = 0
        while done < len(target):
            if read_into is not None:
                count = read_into(target[done:])
            else:
                part = self._file.read(len(target) - done)
                count = len(part)
                target[done:done + count] = part
            if not count:
                return False
            done += count
        return True

    def leave_at(self, place: int) -> None:
        """Set the position of the file itself: where others go on reading."""
        self._file.seek(self._origin + place)
