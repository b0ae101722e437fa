"""How processes find each other: addresses in the environment, in a URL, or in a file."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from rushlight.distributed.board import StoreError
from rushlight.distributed.store import HashStore, Store, TCPStore


def meet(init_method: str | None, rank: int, world_size: int, timeout: timedelta
         ) -> tuple[Store, int, int]:
    """The store that all share, this process's rank, and how many there are.

    init_method: "env://" (what None means), "tcp://host:port" or "file:///path"; the first two may
    say `?rank=0&world_size=2`. rank, world_size: -1 where they are to be found there.
    """
    parts = urlsplit(init_method or "env://")
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "env":
        said = {name: os.environ[name.upper()] for name in ("rank", "world_size")
                if name.upper() in os.environ} | said
    elif parts.scheme not in ("tcp", "file"):
        raise RuntimeError(f"No rendezvous handler for {parts.scheme}://: init_method is env://, "
                           "tcp://host:port or file:///path")
    rank = _number("rank", rank, said, parts.scheme)
    world_size = _number("world_size", world_size, said, parts.scheme)
    if not 0 <= rank < world_size:
        raise ValueError(f"init_process_group: rank {rank} of {world_size}: ranks are 0 to "
                         f"{world_size - 1}")
    if parts.scheme == "file":
        return _by_file(unquote(parts.path), rank, world_size, timeout), rank, world_size
    host, port = (parts.hostname, parts.port) if parts.scheme == "tcp" else _master()
    if host is None or port is None:
        raise ValueError(f"init_method={init_method!r}: tcp:// needs a host and a port")
    return _store(host, port, rank, world_size, timeout), rank, world_size


def _number(name: str, given: int, said: Mapping[str, str], scheme: str) -> int:
    if given >= 0:
        return given
    if name not in said:
        where = f"environment variable {name.upper()}" if scheme == "env" else f"{name} parameter"
        raise ValueError(f"Error initializing torch.distributed using {scheme}:// rendezvous: "
                         f"{where} expected, but not set")
    return int(said[name])


def _master() -> tuple[str, int]:
    for name in ("MASTER_ADDR", "MASTER_PORT"):
        if name not in os.environ:
            raise ValueError("Error initializing torch.distributed using env:// rendezvous: "
                             f"environment variable {name} expected, but not set")
    return os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])


def _store(host: str, port: int, rank: int, world_size: int, timeout: timedelta) -> Store:
    if world_size == 1:  # nobody else is to come: no socket
        return HashStore()
    return TCPStore(host, port, world_size, rank == 0, timeout, rank=rank)


def _by_file(path: str, rank: int, world_size: int, timeout: timedelta) -> Store:
    """Rank 0 writes to the file where it listens; the others read it."""
    if world_size == 1:
        return HashStore()
    if rank == 0:
        store = TCPStore("localhost", 0, world_size, True, timeout, wait_for_workers=False)
        _write(path, str(store.port))
        store.wait_for_all(world_size)
        with contextlib.suppress(OSError):  # a later group may use the same file
            os.unlink(path)
        return store
    end = time.monotonic() + timeout.total_seconds()
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, StoreError):  # or it is of an earlier group
            with open(path, encoding="utf-8") as file:
                port = int(file.read())
            store = TCPStore("localhost", port, world_size, False, timedelta(seconds=1), rank=rank)
            store.set_timeout(timeout)
            return store
        time.sleep(0.02)
    raise StoreError(f"the process of rank 0 did not write to {path} within {timeout}")


def _write(path: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path) or ".", delete=False,
                                     encoding="utf-8") as file:
        file.write(text)
    os.replace(file.name, path)
