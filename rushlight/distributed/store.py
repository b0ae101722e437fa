"""Stores: values by name that processes share. Groups of processes send everything through one."""

from __future__ import annotations

import socket
import threading
import time
import weakref
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from rushlight.distributed.board import Board, StoreError, checked
from rushlight.distributed.wire import Server, receive, send

_DEFAULT = timedelta(seconds=300)


class Store:
    """Values (bytes) by name. `get` and `wait` block until there is a value."""

    def __init__(self) -> None:
        self.timeout = _DEFAULT

    def ask(self, *request: bytes) -> list[bytes]:
        """What the board answers to a request."""
        raise NotImplementedError(f"{type(self).__name__}: a store answers requests")

    def set(self, key: str, value: str | bytes) -> None:
        """Write a value."""
        self.ask(b"set", self._name(key), _bytes(value))

    def get(self, key: str) -> bytes:
        """The value, as soon as there is one. Raises RuntimeError when the time is up."""
        return self.ask(b"get", self._name(key), _seconds(self.timeout))[0]

    def add(self, key: str, amount: int) -> int:
        """Add to a whole number, which is 0 at first; returns the sum."""
        return int(self.ask(b"add", self._name(key), b"%d" % amount)[0])

    def compare_set(self, key: str, expected_value: str, desired_value: str) -> bytes:
        """Write `desired_value` if the value is `expected_value`; returns what is there then."""
        return self.ask(b"compare_set", self._name(key), _bytes(expected_value),
                        _bytes(desired_value))[0]

    def check(self, keys: Sequence[str]) -> bool:
        """Whether all of them have values."""
        return bool(self.ask(b"check", *map(self._name, keys)))

    def wait(self, keys: Sequence[str], timeout: timedelta | None = None) -> None:
        """Block until all of them have values. Raises RuntimeError when the time is up."""
        self.ask(b"wait", _seconds(timeout or self.timeout), *map(self._name, keys))

    def delete_key(self, key: str) -> bool:
        """Remove a value; whether there was one."""
        return bool(self.ask(b"delete", self._name(key)))

    def num_keys(self) -> int:
        """How many values there are."""
        return int(self.ask(b"count")[0])

    def set_timeout(self, timeout: timedelta) -> None:
        """How long `get` and `wait` block at most."""
        self.timeout = timeout

    def settle(self, seconds: float) -> None:
        """Wait until others have read what only this process can give them."""

    def _name(self, key: str) -> bytes:
        return key.encode()


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _seconds(timeout: timedelta) -> bytes:
    return b"%f" % timeout.total_seconds()


class HashStore(Store):
    """A store within one process.

    >>> from rushlight.distributed import HashStore
    >>> store = HashStore()
    >>> store.set("greeting", "hello"); store.get("greeting"), store.add("visits", 2)
    (b'hello', 2)
    """

    def __init__(self) -> None:
        super().__init__()
        self._board = Board()

    def ask(self, *request: bytes) -> list[bytes]:
        return checked(self._board.answer(request))


class TCPStore(Store):
    """A store that one process holds (`is_master`) and others reach through the network.

    host_name, port: where the master listens; port 0 takes a free one, then `port` says which.
    world_size: the master waits, with `wait_for_workers`, for so many processes, itself included.
    rank: whose connection this is, so that its end is noticed; -1 for none. Whoever can connect can
    read and write: listen on "localhost", or on a network whose machines are trusted.

    Raises RuntimeError if the master does not answer within `timeout`.
    """

    def __init__(self, host_name: str, port: int, world_size: int | None = None,
                 is_master: bool = False, timeout: timedelta = _DEFAULT,
                 wait_for_workers: bool = True, *, rank: int = -1, **further: Any) -> None:
        super().__init__()
        self.host, self.timeout = host_name, timeout
        self._lock = threading.Lock()  # one request at a time goes through the connection
        if is_master:
            self._server = Server(Board(), host_name, port)
            self.port = self._server.port
            weakref.finalize(self, self._server.close)
        else:
            self.port = port
            self._connection = _connected(host_name, port, rank, timeout)
        self.is_master = is_master
        if world_size is not None and wait_for_workers:
            self.wait_for_all(world_size)

    def wait_for_all(self, world_size: int) -> None:
        """Count this process; the master waits until `world_size` are counted."""
        if self.add("init/", 1) >= world_size:
            self.set("init/all", "here")
        if self.is_master:
            self.get("init/all")

    def ask(self, *request: bytes) -> list[bytes]:
        if self.is_master:
            return checked(self._server.board.answer(request))
        try:
            with self._lock:
                send(self._connection, request)
                answer = receive(self._connection)
        except OSError as error:
            raise StoreError(f"Connection closed by peer [{self.host}]:{self.port}: the process "
                             f"of rank 0, which holds the store, has ended ({error})") from None
        return checked(answer)

    def settle(self, seconds: float) -> None:
        if self.is_master:
            self._server.board.settle(seconds)
            self._server.close()
        else:
            self._connection.close()


def _connected(host: str, port: int, rank: int, timeout: timedelta) -> socket.socket:
    end = time.monotonic() + timeout.total_seconds()
    while True:
        try:
            connection = socket.create_connection((host, port), timeout=5)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            send(connection, [b"hello", b"%d" % rank])
            receive(connection)
        except OSError as error:  # rank 0 may not listen yet
            if time.monotonic() >= end:
                raise StoreError(f"The client socket has timed out after {timeout} while trying "
                                 f"to connect to ({host}, {port}): {error}") from None
            time.sleep(0.05)
        else:
            connection.settimeout(None)
            return connection


class PrefixStore(Store):
    """The values of another store whose names begin with `prefix/`."""

    def __init__(self, prefix: str, store: Store) -> None:
        super().__init__()
        self.prefix, self.underlying_store = prefix, store
        self.timeout = store.timeout

    def ask(self, *request: bytes) -> list[bytes]:
        return self.underlying_store.ask(*request)

    def _name(self, key: str) -> bytes:
        return self.underlying_store._name(f"{self.prefix}/{key}")
