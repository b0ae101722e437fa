"""torchvision's names for downloads and archives, for data sets written on top of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rushlight.utils.archives import extract
from rushlight.utils.download import checksum, download, intact
from rushlight.vision.datasets.vision import choice, fetch

__all__ = ["calculate_md5", "check_integrity", "check_md5", "download_and_extract_archive",
           "download_url", "extract_archive", "verify_str_arg"]


def calculate_md5(fpath: str | Path, chunk_size: int = 1 << 20) -> str:
    """The MD5 of a file, in hexadecimal digits."""
    return checksum(fpath)


def check_md5(fpath: str | Path, md5: str) -> bool:
    """Whether the file has this MD5."""
    return checksum(fpath) == md5


def check_integrity(fpath: str | Path, md5: str | None = None) -> bool:
    """Whether the file is there, and has this MD5 where one is given."""
    return intact(fpath, md5)


def download_url(url: str, root: str | Path, filename: str | Path | None = None,
                 md5: str | None = None, max_redirect_hops: int = 3) -> None:
    """Bring a file to the folder `root`, unless it is there; errors as of `download`."""
    place = Path(root).expanduser() / (filename or os.path.basename(url))
    if not intact(place, md5):
        download(url, place, md5=md5)


def extract_archive(from_path: str | Path, to_path: str | Path | None = None,
                    remove_finished: bool = False) -> str | Path:
    """Unpack an archive, beside itself by default; errors as of `extract`."""
    place = extract(from_path, Path(from_path).parent if to_path is None else to_path)
    if remove_finished:
        os.unlink(from_path)
    return place


def download_and_extract_archive(url: str, download_root: str | Path,
                                 extract_root: str | Path | None = None,
                                 filename: str | Path | None = None, md5: str | None = None,
                                 remove_finished: bool = False) -> None:
    """Bring an archive to a folder, unless it is there, and unpack it."""
    root = Path(download_root).expanduser()
    name = str(filename or os.path.basename(url))
    fetch(url, root, name, md5)
    extract_archive(root / name, extract_root or root, remove_finished)


def verify_str_arg(value: str, arg: str | None = None, valid_values: Sequence[str] | None = None,
                   custom_msg: str | None = None) -> str:
    """`value`, if it is one of the valid ones. Raises ValueError otherwise."""
    if custom_msg is not None and valid_values is not None and value not in valid_values:
        raise ValueError(custom_msg)
    return choice(value, arg or "value", [value] if valid_values is None else valid_values)
