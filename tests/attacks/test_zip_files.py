"""Hostile zip archives: bombs, overlaps, names that lead elsewhere, numbers that lie."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

import rushlight as rl
from rushlight.serialization.source import Source
from rushlight.serialization.zip_file import ZipReader, ZipWriter

PHRASE = "failed reading zip archive.*"


def whole() -> bytearray:
    file = io.BytesIO()
    rl.save({"x": rl.arange(8.0)}, file)
    return bytearray(file.getvalue())


def refused(data: bytes | bytearray, message: str) -> None:
    with pytest.raises(RuntimeError, match=PHRASE + message):
        rl.load(io.BytesIO(data))


def zipped(names: list[tuple[str, bytes]], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", **options) as archive:
        for name, data in names:
            archive.writestr(name, data)
    return file.getvalue()


def directory(data: bytes | bytearray, record: str) -> int:
    """Where the directory's entry of a record begins."""
    return data.rindex(record.encode()) - 46


def test_compressed_records_are_refused_unread() -> None:
    bomb = zipped([("archive/data.pkl", b"N" * 50_000_000)], compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(bomb, "compressed or encrypted")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000


def test_records_that_overlap() -> None:
    """Many entries for the same bytes would unfold to many times the file."""
    data = whole()
    entry = data[directory(data, "archive/data/0"):][:46 + len("archive/data/0")]
    at = directory(data, "archive/data/0") + len(entry)
    twin = entry.replace(b"data/0", b"data/1")
    data[at:at] = twin
    count, size = struct.unpack_from("<HI", data, len(data) - 12)
    struct.pack_into("<2HI", data, len(data) - 14, count + 1, count + 1, size + len(twin))
    refused(data, "header of the record 'archive/data/1' is not that of the directory")
    name = data.index(b"archive/data/0")
    data[name:name + 14] = b"archive/data/1"
    refused(data, "header of the record 'archive/data/0' is not that of the directory")


def test_records_inside_records() -> None:
    inner = zipped([("archive/data/1", bytes(100))])
    data = bytearray(zipped([("archive/data.pkl", inner), ("archive/data/1", bytes(100))]))
    second = directory(data, "archive/data/1")
    struct.pack_into("<I", data, second + 42, data.index(inner))
    refused(data, "overlaps another")


@pytest.mark.parametrize("name", [
    "../data.pkl", "archive/../../x", "/etc/passwd", "archive//x", "C:/x", "archive/a\\..\\x"])
def test_names_that_lead_elsewhere(name: str) -> None:
    data = zipped([("archive/data.pkl", b"N."), (name, b"x")])
    refused(data, "leads out of the archive")


def test_names_are_there_once_and_in_one_folder() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = zipped([("archive/data.pkl", b"N."), ("archive/data.pkl", b"K\1.")])
    refused(data, "there twice")
    refused(zipped([("archive/data.pkl", b"N."), ("other/data/0", b"")]), "out of place")
    refused(zipped([("archive/other", b"N.")]), "missing: 'data.pkl'")
    refused(zipped([("archive/data.pkl", b"N.")])[:-1] + b"\1", "central directory")


@pytest.mark.parametrize(("at", "value", "message"), [
    (-6, b"\xff\xff\xff\xff", "central directory|directory is not where"),  # its place
    (-10, b"\xff\xff\xff\xff", "central directory"), (-10, b"\0\0\0\0", "directory is not where"),
    (-14, b"\xfe\xff\xfe\xff", "directory is too short"), (-14, b"\1\0\1\0", "more entries"),
    (-14, b"\1\0\2\0", "central directory"), (-18, b"\1\0", "central directory"),
    (-2, b"\1\0", "central directory"),
])
def test_numbers_of_the_end(at: int, value: bytes, message: str) -> None:
    data = whole()
    data[len(data) + at:len(data) + at + len(value)] = value
    refused(data, message)


@pytest.mark.parametrize(("at", "value", "message"), [
    (8, b"\1\0", "compressed or encrypted"), (10, b"\x08\0", "compressed or encrypted"),
    (20, b"\xff\xff\xff\x7f", "two sizes"), (24, b"\0\0\0\0", "two sizes"),
    (20, b"\xff\xff\xff\xff", "directory is damaged"), (20, b"\x21\0\0\0\x21", "header of the rec"),
    (16, b"\0\0\0\0", "header of the record"), (42, b"\1\0\0\0", "no header"),
    (42, b"\xff\xff\xff\x7f", "no header"), (28, b"\xff\xff", "directory is damaged"),
    (30, b"\xff\xff", "directory is damaged"), (0, b"PX", "directory is damaged"),
    (34, b"\1", "directory is damaged"),
])
def test_numbers_of_an_entry(at: int, value: bytes, message: str) -> None:
    data = whole()
    start = directory(data, "archive/data/0") + at
    data[start:start + len(value)] = value
    refused(data, message)


def test_every_byte_is_checked() -> None:
    data = whole()
    data[data.index(struct.pack("<f", 7.0))] ^= 1
    refused(data, "bytes of the record 'archive/data/0' are not those that were written")
    data = whole()
    data[data.index(b"_rebuild")] ^= 1
    refused(data, "'archive/data.pkl' are not those")


def test_archives_without_checksums_are_read() -> None:
    """torch can be told to write 0 for all of them."""
    data = whole()
    for name in ("data.pkl", ".format_version", ".storage_alignment", "byteorder", "data/0",
                 "version"):
        for start in (directory(data, f"archive/{name}") + 16,
                      data.index(f"archive/{name}".encode()) - 16):
            data[start:start + 4] = bytes(4)
    assert rl.load(io.BytesIO(data))["x"].tolist() == list(range(8))


def test_the_byte_order_is_known() -> None:
    content = zipfile.ZipFile(io.BytesIO(whole()))
    parts = [(n, content.read(n)) for n in content.namelist() if not n.endswith("byteorder")]
    assert rl.load(io.BytesIO(zipped(parts)))["x"].tolist() == list(range(8))
    with pytest.raises(RuntimeError, match="Unknown endianness type: b'middle'"):
        rl.load(io.BytesIO(zipped([*parts, ("archive/byteorder", b"middle")])))
    swapped = [(n, struct.pack(">8f", *range(8)) if n.endswith("data/0") else d) for n, d in parts]
    assert rl.load(io.BytesIO(zipped([*swapped, ("archive/byteorder", b"big")]))
                   )["x"].tolist() == list(range(8))


def test_programs_are_refused() -> None:
    data = zipped([("archive/data.pkl", b"N."), ("archive/constants.pkl", b"N.")])
    with pytest.raises(RuntimeError, match="TorchScript archive"):
        rl.load(io.BytesIO(data))


class Endless(io.RawIOBase):
    """A sparse file of many gigabytes: what is written to it is kept, all else is zeros."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "w+b")  # noqa: SIM115
        self.skipped = 0

    def write(self, data: Any) -> int:
        if len(data) > 1 << 20:
            return self.file.seek(len(data), os.SEEK_CUR) and len(data)
        return self.file.write(data)


def test_archives_beyond_four_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long sizes and places, in a file with holes where the bytes would be."""
    import rushlight.serialization.zip_file as module

    size = (1 << 32) + 5
    file = Endless(tmp_path / "large")
    monkeypatch.setattr(module.zlib, "crc32", lambda data: len(data) & 0xFFFFFFFF)
    monkeypatch.setattr(module, "bytes_of", lambda data: data if isinstance(data, Zeros) else
                        memoryview(data))
    monkeypatch.setattr(module, "memoryview", lambda data: data, raising=False)
    writer = ZipWriter(file)  # type: ignore[arg-type]
    writer.write("archive/data.pkl", b"N.")
    writer.write("archive/data/0", Zeros(size))
    writer.write("archive/version", b"3\n")
    writer.close()
    monkeypatch.undo()
    file.file.close()
    with zipfile.ZipFile(tmp_path / "large") as archive:
        assert archive.getinfo("archive/data/0").file_size == size
        assert archive.getinfo("archive/version").header_offset > size
    with open(tmp_path / "large", "rb") as large:
        records = ZipReader(Source(large)).records
    assert records["data/0"].size == size and records["version"].place > size
    assert records["data/0"].place % 64 == 0


class Zeros:
    """Stands for many zero bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice) -> Zeros:
        return Zeros(self.size - (part.start or 0))


def test_many_records() -> None:
    """More than 65,535 of them need the long end, too."""
    file = io.BytesIO()
    writer = ZipWriter(file)
    for i in range(70_000):
        writer.write(f"archive/{i}", b"")
    writer.close()
    file.seek(0)
    assert len(ZipReader(Source(file)).records) == 70_000
    assert len(zipfile.ZipFile(file).namelist()) == 70_000
    for at in (-42 + 8, -98 + 4, -98 + 24, -98 + 40, -98 + 48):
        data = bytearray(file.getvalue())
        data[at] ^= 0x10
        with pytest.raises(RuntimeError, match=PHRASE):
            ZipReader(Source(io.BytesIO(data)))


def test_unpickling_error_is_what_torch_raises() -> None:
    assert issubclass(pickle.UnpicklingError, Exception)
    refused(b"PK\3\4", "central directory")
