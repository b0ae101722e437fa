"""The idx parser: what it reads, and how damaged files end."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from rushlight.vision.datasets.idx import find_idx, read_idx


def idx(kind: int, shape: tuple[int, ...], values: bytes) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


@pytest.fixture
def write(tmp_path: Path):
    def write(content: bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")],
)
def test_reads_every_type(write, kind: int, dtype: str, packed: bool) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    content = idx(kind, (2, 3), values.astype(values.dtype.newbyteorder(">")).tobytes())
    array = read_idx(write(gzip.compress(content) if packed else content))
    assert array.dtype == np.dtype(dtype)
    assert array.flags.writeable
    np.testing.assert_array_equal(array, values)


GOOD = idx(0x08, (2, 3), bytes(range(6)))
DAMAGED = {
    "empty": (b"", "truncated"),
    "half a magic number": (b"\0\0\x08", "truncated"),
    "wrong magic": (b"\x89PNG" + GOOD, "magic number 0x89504e47"),
    "unknown type": (b"\0\0\x0a\x01" + GOOD, "magic number"),
    "no dimension": (b"\0\0\x08\0", "magic number"),
    "half a header": (GOOD[:7], "truncated"),
    "too few values": (GOOD[:-1], "truncated: 5 of 6 bytes"),
    "too many values": (GOOD + b"\0", "bytes follow"),
    "absurd shape": (idx(0x0E, (2**32 - 1,) * 3, b""), "header claims"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_say_what_is_wrong(write, case: str, packed: bool) -> None:
    content, message = DAMAGED[case]
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(write(gzip.compress(content) if packed else content))
    assert "file" in str(caught.value)


@pytest.mark.parametrize("keep", [3, 12, 25, -1])
def test_truncated_gzip(write, keep: int) -> None:
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_idx(write(gzip.compress(GOOD)[:keep]))


def test_gzip_with_a_wrong_sum(write) -> None:
    content = bytearray(gzip.compress(GOOD))
    content[-8] ^= 1
    with pytest.raises(ValueError, match="truncated or damaged"):
        read_idx(write(bytes(content)))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")


@pytest.mark.parametrize("folder", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_find_in_every_layout(tmp_path: Path, folder: str, suffix: str) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    file = tmp_path / folder / f"labels{suffix}"
    file.touch()
    assert find_idx(tmp_path, "labels") == file
    with pytest.raises(FileNotFoundError, match="images"):
        find_idx(tmp_path, "images")
