"""Archives unpacked into a folder, and nowhere else: tar, zip, and single compressed files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import tarfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from rushlight.serialization import atomic_file

SINGLE = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz")


def extract(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Unpack a .tar(.gz, .bz2, .xz), .zip, .gz, .bz2 or .xz into `folder`; return where it lies.

    Raises:
        RuntimeError: an entry would lie outside the folder, or is a link or a device; nothing has
            been written then. Also for a suffix that is no archive's.
    """
    path, into = Path(archive), Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    if path.name.lower().endswith(TARS):
        with tarfile.open(path) as tar:
            _extract_tar(tar, into, path)
        return into
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                _inside(name, path)
            packed.extractall(into)
        return into
    opener: Any = SINGLE.get(path.suffix.lower())
    if opener is None:
        raise RuntimeError(f"Unknown compression or archive type: '{path.suffix}' of {path}. Known "
                           f"are {', '.join((*TARS, '.zip', *SINGLE))}.")
    with opener(path, "rb") as source, atomic_file(into / path.stem) as target:
        shutil.copyfileobj(source, target)
    return into / path.stem


def _extract_tar(tar: tarfile.TarFile, folder: Path, archive: Path) -> None:
    members = tar.getmembers()
    for member in members:
        _inside(member.name, archive)
        if not (member.isreg() or member.isdir()):
            raise RuntimeError(f"{archive} holds {member.name!r}, which is neither file nor "
                               "folder: it was not unpacked")
    for member in members:
        target = folder / member.name
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        source = tar.extractfile(member)
        assert source is not None  # a regular file has content
        with source, open(target, "wb") as file:
            shutil.copyfileobj(source, file)


def _inside(name: str, archive: Path) -> None:
    """Raises RuntimeError for a name that leads out of the folder."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name.split("/")[0]:
        raise RuntimeError(f"{archive} holds {name!r}, which lies outside its folder: it was not "
                           "unpacked")
