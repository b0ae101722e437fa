"""A board of named values that several processes read and write; who waits is woken.

`Board` holds the values and answers requests, which are lists of bytes: the same for a process of
its own (HashStore) and for others that ask through a socket (TCPStore).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

_OK, _FAILED = b"+", b"-"


class StoreError(RuntimeError):
    """A value did not come: the time was up, or the process that was to write it has ended."""


class Board:
    """Values by name, and messages that vanish when the last of their readers has them."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._messages: dict[bytes, tuple[bytes, set[int]]] = {}
        self._gone: set[int] = set()
        self._changed = threading.Condition()

    def answer(self, request: Sequence[bytes]) -> list[bytes]:
        """Carry out a request: its name, then its arguments. Errors are answers as well."""
        name, *arguments = request
        try:
            found = _REQUESTS[name](self, *arguments)
        except StoreError as error:
            return [_FAILED, str(error).encode()]
        return [_OK, *found]

    def leave(self, rank: int) -> None:
        """Process `rank` has ended: who waits for it alone is told."""
        with self._changed:
            self._gone.add(rank)
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until every message is read, or those who should read it have ended."""
        end = time.monotonic() + seconds
        with self._changed:
            while any(readers - self._gone for _, readers in self._messages.values()):
                if not self._changed.wait(min(1.0, max(0.0, end - time.monotonic()))) \
                        and time.monotonic() >= end:
                    return

    def _until(self, holds: Callable[[], bool], seconds: float, what: str,
               sources: Sequence[int] = ()) -> None:
        """Wait for `holds()`; the lock must be held. sources: those who could bring it about."""
        end = time.monotonic() + seconds
        while not holds():
            if sources and self._gone.issuperset(sources):
                raise StoreError(f"Connection closed by peer: process {_listed(sources)} ended "
                                 f"before it sent {what}")
            left = end - time.monotonic()
            if left <= 0:
                raise StoreError(f"wait timeout after {seconds * 1000:.0f}ms, keys: {what}")
            self._changed.wait(left)

    def _set(self, key: bytes, value: bytes) -> list[bytes]:
        with self._changed:
            self._values[key] = value
            self._changed.notify_all()
        return []

    def _get(self, key: bytes, seconds: bytes) -> list[bytes]:
        with self._changed:
            self._until(lambda: key in self._values, float(seconds), key.decode())
            return [self._values[key]]

    def _wait(self, seconds: bytes, *keys: bytes) -> list[bytes]:
        with self._changed:
            self._until(lambda: all(key in self._values for key in keys), float(seconds),
                        b", ".join(keys).decode())
        return []

    def _add(self, key: bytes, amount: bytes) -> list[bytes]:
        with self._changed:
            self._values[key] = total = b"%d" % (int(self._values.get(key, b"0")) + int(amount))
            self._changed.notify_all()
        return [total]

    def _compare_set(self, key: bytes, expected: bytes, desired: bytes) -> list[bytes]:
        with self._changed:
            if self._values.get(key, b"") == expected:
                self._values[key] = desired
                self._changed.notify_all()
            return [self._values.get(key, expected)]

    def _check(self, *keys: bytes) -> list[bytes]:
        with self._changed:
            return [b"1"] if all(key in self._values for key in keys) else []

    def _delete(self, key: bytes) -> list[bytes]:
        with self._changed:
            return [b"1"] if self._values.pop(key, None) is not None else []

    def _count(self) -> list[bytes]:
        with self._changed:
            return [b"%d" % len(self._values)]

    def _post(self, key: bytes, readers: bytes, value: bytes) -> list[bytes]:
        with self._changed:
            self._messages[key] = (value, {int(rank) for rank in readers.split()})
            self._changed.notify_all()
        return []

    def _take(self, reader: bytes, seconds: bytes, *rows: bytes) -> list[bytes]:
        """The first message that there is of `rows`: b"who sends it, a blank, its key"."""
        wanted = [(int(source), key) for source, key in (row.split(b" ", 1) for row in rows)]
        with self._changed:
            self._until(lambda: any(key in self._messages for _, key in wanted), float(seconds),
                        b", ".join(key for _, key in wanted).decode(),
                        [source for source, _ in wanted])
            place = next(i for i, (_, key) in enumerate(wanted) if key in self._messages)
            value, readers = self._messages[wanted[place][1]]
            readers.discard(int(reader))
            if not readers:
                del self._messages[wanted[place][1]]
                self._changed.notify_all()
        return [b"%d" % place, value]


def _listed(ranks: Sequence[int]) -> str:
    return ", ".join(map(str, sorted(set(ranks))))


def checked(answer: Sequence[bytes]) -> list[bytes]:
    """What a board answered; raises the error that the answer stands for."""
    if answer[0] == _FAILED:
        raise StoreError(answer[1].decode())
    return list(answer[1:])


_REQUESTS: dict[bytes, Callable[..., list[bytes]]] = {
    b"set": Board._set, b"get": Board._get, b"wait": Board._wait, b"add": Board._add,
    b"compare_set": Board._compare_set, b"check": Board._check, b"delete": Board._delete,
    b"count": Board._count, b"post": Board._post, b"take": Board._take}
