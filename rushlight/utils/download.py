"""Files from the network: mirrors in order, resumed where they broke off, whole or absent."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

BLOCK = 1 << 16
ATTEMPTS = 3  # of one address, each going on where the last broke off
TIMEOUT = 60.0  # seconds without a byte


class ChecksumError(RuntimeError):
    """The content is not what it should be."""


def checksum(path: str | os.PathLike[str], kind: str = "md5") -> str:
    """The MD5 or SHA-256 ("sha256") of a file, in hexadecimal digits."""
    digest = hashlib.new(kind, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def intact(path: str | os.PathLike[str], md5: str | None = None) -> bool:
    """Whether the file is there, and has this MD5 where one is given."""
    return os.path.isfile(path) and (md5 is None or checksum(path) == md5)


def download(urls: str | Sequence[str], target: str | os.PathLike[str], *, md5: str | None = None,
             sha256: str | None = None, progress: bool = True) -> Path:
    """Bring the first of `urls` that answers to the file `target`, which appears whole or not.

    md5, sha256: how the checksum of the content begins. What broke off lies beside the target as
    `<name>.partial`; where a checksum is known, the next call goes on from there.

    Raises:
        ChecksumError: (a RuntimeError) the content is another one.
        urllib.error.HTTPError: the server refused, with its code.
        urllib.error.URLError: no address can be reached; says where to put the file.

    Where several addresses failed, the error is that of the last, and names them all.
    """
    place = Path(target).expanduser()
    place.parent.mkdir(parents=True, exist_ok=True)
    addresses = [urls] if isinstance(urls, str) else list(urls)
    failures: list[tuple[str, Exception]] = []
    for address in addresses:
        if progress:
            sys.stderr.write(f'Downloading: "{address}" to {place}\n')
        try:
            _from_one(address, place, md5, sha256)
        except (OSError, http.client.HTTPException, ChecksumError) as error:
            failures.append((address, error))
        else:
            return place
    raise _failed(failures, place)


def _failed(failures: list[tuple[str, Exception]], place: Path) -> Exception:
    """The error to raise when no address answered."""
    if len(failures) == 1 and isinstance(failures[0][1],
                                         ChecksumError | urllib.error.HTTPError):
        return failures[0][1]
    reasons = "; ".join(f"{address} ({getattr(error, 'reason', error)})"
                        for address, error in failures)
    text = f"cannot reach {reasons}: put the file at {place} yourself"
    if all(isinstance(error, ChecksumError) for _, error in failures):
        return ChecksumError(text)
    return urllib.error.URLError(text)


def _from_one(url: str, target: Path, md5: str | None, sha256: str | None) -> None:
    with _partial(target, keep=bool(md5 or sha256)) as partial:
        resumed = partial.file.seek(0, os.SEEK_END) > 0
        _fill(url, partial.file)
        wrong = _difference(partial.path, md5, sha256)
        if wrong and resumed:  # its beginning was of another file
            partial.file.truncate(0)
            _fill(url, partial.file)
            wrong = _difference(partial.path, md5, sha256)
        if wrong:
            partial.spoilt = True
            raise ChecksumError(f"invalid hash value ({wrong}) of {url}")
        partial.file.close()
        os.replace(partial.path, target)


def _fill(url: str, file: Any) -> None:
    """The whole of `url` on disk, in several attempts where it breaks off."""
    for attempt in range(ATTEMPTS):
        try:
            _fetch(url, file)
            break
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            if attempt + 1 == ATTEMPTS or not file.tell():
                raise
    file.flush()
    os.fsync(file.fileno())


def _difference(path: Path, md5: str | None, sha256: str | None) -> str:
    """How the checksum is not what it should be; empty if it is."""
    for kind, want in (("md5", md5), ("sha256", sha256)):
        found = checksum(path, kind) if want else ""
        if want and not found.startswith(want):
            return f'expected "{want}", got "{found}"'
    return ""


def _fetch(url: str, file: Any) -> None:
    """Append what is missing of `url` to the file."""
    file.seek(0, os.SEEK_END)
    start = file.tell()
    headers = {"User-Agent": "rushlight"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers),
                                        timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()  # or its connection stays open
        if error.code != 416 or not start:
            raise
        # Nothing lies behind what we have: it is complete, or from another file.
        if error.headers.get("Content-Range", "") == f"bytes */{start}":
            return
        file.truncate(0)
        _fetch(url, file)
        return
    with answer:
        goes_on = answer.status == 206 and (
            answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"))
        if start and not goes_on:
            file.truncate(0)
            file.seek(0)
        expected = answer.headers.get("Content-Length")
        received = 0
        while block := answer.read(BLOCK):
            file.write(block)
            received += len(block)
        if expected is not None and received < int(expected):
            raise ConnectionError(f"{url} broke off after {received} of {expected} bytes")


class _partial:
    """The file that is being filled: kept for the next call where its end can be checked."""

    def __init__(self, target: Path, keep: bool) -> None:
        self.path = target.with_name(f"{target.name}.partial")
        self.keep, self.spoilt = keep, False
        self.file: Any = open(self.path, "ab+") if keep else None  # noqa: SIM115
        if self.file is None or not _locked(self.file):  # another process is filling it
            if self.file is not None:
                self.file.close()
            self.keep = False
            handle, path = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial",
                                            dir=target.parent)
            self.path, self.file = Path(path), os.fdopen(handle, "wb+")

    def __enter__(self) -> _partial:
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        if not self.file.closed:
            empty = not self.file.tell()
            self.file.close()
            if self.spoilt or empty or not self.keep:
                with suppress(OSError):
                    os.unlink(self.path)


def _locked(file: Any) -> bool:
    """Whether this process may fill the file; always, where files cannot be locked."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
