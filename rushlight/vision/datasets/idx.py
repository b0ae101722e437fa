"""The idx format of MNIST and its relatives: a magic number, the sizes, then the plain values."""

from __future__ import annotations

import gzip
import lzma
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

# Third byte of the magic number -> how one value is stored (big-endian).
VALUE_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LARGEST = 1 << 32  # bytes; a header that claims more is damaged, or made to exhaust memory


def find_idx(folder: Path, name: str, owner: str = "MNIST") -> Path:
    """Return the path of idx file `name` in `folder`, plain or with `.gz` added.

    `folder` may be a parent in torchvision's layout (`MNIST/raw/` below it, or another `owner`'s
    folder), or the one that holds the file, itself or in `raw/`.

    Raises:
        FileNotFoundError: it is in none of these places.
    """
    for place in (folder / owner / "raw", folder, folder / "raw"):
        for path in (place / name, place / f"{name}.gz", place / f"{name}.xz"):
            if path.is_file():
                return path
    raise FileNotFoundError(f"{name} (or {name}.gz) not found in {folder}, raw/ or "
                            f"{owner}/raw/")


def read_idx(path: str | Path) -> np.ndarray:
    """Return the array stored in idx file `path`, gzip or not, in native byte order.

    The header is checked before anything is read, and no more than it announces is read.

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is not an idx file, or has fewer or more bytes than its header says.

    Example:
        >>> from rushlight.vision.datasets.idx import read_idx
        >>> from rushlight.vision.datasets import embedded_mnist
        >>> read_idx(embedded_mnist() / "MNIST/raw/t10k-labels-idx1-ubyte.gz").shape
        (2000,)

    Source: http://yann.lecun.com/exdb/mnist, section on file formats.
    """
    path = Path(path)
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    try:
        if path.suffix == ".xz":
            with lzma.open(path) as unpacked:
                return _parse(unpacked, path)
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            return _parse(file, path)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{path} is truncated or damaged: {error}") from error


def _parse(file: BinaryIO, path: Path) -> np.ndarray:
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path} is truncated: {len(magic)} bytes, no idx header")
    if magic[:2] != b"\0\0" or magic[2] not in VALUE_TYPES or not magic[3]:
        raise ValueError(f"{path} is not an idx file: magic number 0x{magic.hex()}")
    dtype = np.dtype(VALUE_TYPES[magic[2]])
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise ValueError(f"{path} is truncated: its header ends after {4 + len(sizes)} bytes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    expected = math.prod(shape) * dtype.itemsize
    if expected > LARGEST:
        raise ValueError(f"{path} is damaged: its header claims shape {shape}")
    values = file.read(expected)
    if len(values) < expected:
        raise ValueError(f"{path} is truncated: {len(values)} of {expected} bytes of {shape}")
    if file.read(1):  # also makes gzip check the sum at its end
        raise ValueError(f"{path} is damaged: bytes follow the {expected} that {shape} needs")
    return np.frombuffer(values, dtype).reshape(shape).astype(dtype.newbyteorder("="))
