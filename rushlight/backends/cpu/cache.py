"""Compiled objects on disk, so that a kernel is compiled once per machine, not once per process.

A file holds a magic word, a checksum and the object code; its name is the hash of everything the
code depends on. Files are only ever replaced whole, so readers in other processes see an old file,
a new one or none. A file that fails its checksum is a miss and is removed.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from _blake2 import blake2b  # hashlib's, without the OpenSSL that it loads
from contextlib import suppress
from typing import TYPE_CHECKING

from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    import pathlib
else:
    pathlib = Deferred("pathlib", globals())

MAGIC = b"RLOBJ01\n"
_DIGEST = 16
_SUFFIX = ".rlo"
_PARTIAL = ".partial"
_STALE_SECONDS = 3600.0  # an unfinished file this old belongs to a process that died
_WRITES_PER_SWEEP = 64


def default_directory() -> pathlib.Path | None:
    """`RUSHLIGHT_CACHE_DIR`, else the user's cache folder; None if that variable is empty."""
    chosen = os.environ.get("RUSHLIGHT_CACHE_DIR")
    if chosen is not None:
        return pathlib.Path(chosen) if chosen else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return pathlib.Path(base).expanduser() / "rushlight" / "objects"
    except RuntimeError:  # no home directory
        return None


class ObjectCache:
    """A folder of compiled objects, at most `limit` bytes; silently absent where it cannot be used.

    The objects are run, so a folder that other users could write to is not read.
    """

    __slots__ = ("_directory", "_writes", "limit")

    def __init__(self, directory: pathlib.Path | None, limit: int = 256 << 20) -> None:
        self._directory = directory
        self.limit = limit
        self._writes = 0
        if directory is not None and not _usable(directory):
            self._directory = None

    @property
    def directory(self) -> pathlib.Path | None:
        """The folder in use, None if there is none."""
        return self._directory

    def get(self, key: str) -> bytes | None:
        """The object stored under `key`, or None."""
        if self._directory is None:
            return None
        path = self._directory / (key + _SUFFIX)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        head = len(MAGIC) + _DIGEST
        payload = content[head:]
        if content[:head] != MAGIC + _checksum(payload):
            _remove(path)
            return None
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Store `payload` under `key`; a full disk or a read-only folder is not an error."""
        if self._directory is None:
            return
        writer = f"{os.getpid()}.{threading.get_ident()}"
        partial = self._directory / f"{key}.{writer}{_PARTIAL}"
        try:
            partial.write_bytes(MAGIC + _checksum(payload) + payload)
            os.replace(partial, self._directory / (key + _SUFFIX))
        except OSError:
            _remove(partial)
            return
        if self._writes % _WRITES_PER_SWEEP == 0:
            self._sweep()
        self._writes += 1

    def clear(self) -> None:
        """Remove every object; other processes that share the folder compile again."""
        for _, _, path in self._files():
            _remove(path)

    def size(self) -> int:
        """Bytes on disk."""
        return sum(size for _, size, _ in self._files())

    def _files(self) -> list[tuple[float, int, pathlib.Path]]:
        files: list[tuple[float, int, pathlib.Path]] = []
        if self._directory is None:
            return files
        try:
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    if entry.name.endswith((_SUFFIX, _PARTIAL)):
                        files.append(_describe(entry))
        except OSError:  # the folder, or a file listed a moment ago, was removed
            pass
        return files

    def _sweep(self) -> None:
        """Drop the oldest objects until three quarters of the limit are left."""
        files = sorted(self._files())
        for modified, _, path in files:
            if path.name.endswith(_PARTIAL) and time.time() - modified > _STALE_SECONDS:
                _remove(path)
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in files:
            if path.name.endswith(_SUFFIX):
                _remove(path)
                total -= size
            if total <= self.limit * 3 // 4:
                break


def _describe(entry: os.DirEntry[str]) -> tuple[float, int, pathlib.Path]:
    status = entry.stat()
    return status.st_mtime, status.st_size, pathlib.Path(entry.path)


def _usable(directory: pathlib.Path) -> bool:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError:
        return False
    if sys.platform == "win32":
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_DIGEST).digest()


def _remove(path: pathlib.Path) -> None:
    with suppress(OSError):
        path.unlink()
