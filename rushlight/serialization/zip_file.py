"""Zip archives of stored records, as torch keeps checkpoints in: written, and read with distrust.

Records are not compressed, and begin at multiples of 64 bytes, so that they can be mapped into
memory. What is read is checked against itself: places inside the file and without overlap, names
and sizes in the directory as before the record, every byte by its CRC-32. No file is extracted.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import numpy as np

from rushlight.serialization.source import Source

ALIGNMENT = 64
LIMIT16, LIMIT32 = 0xFFFF, 0xFFFFFFFF  # these values say that the zip64 fields hold the number
ZIP64 = 1  # the tag of extra fields with long sizes
PADDING = 0x4246  # the tag that torch gives extra fields which only align, "FB"
DATE_1980 = 0x21

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR = struct.Struct("<4sIQI")
SIGNATURE = b"PK\x03\x04"
UTF8, DESCRIPTOR, ENCRYPTED = 0x800, 0x8, 0x1


class Record(NamedTuple):
    """A file in an archive: its place is that of its bytes."""

    name: str
    place: int
    size: int
    crc: int


def bytes_of(data: Any) -> memoryview:
    """The memory of a contiguous buffer, as bytes."""
    view = memoryview(data)
    return view.cast("B") if view.contiguous and view.nbytes else memoryview(b"")


class ZipWriter:
    """Writes records one after the other to `file`, which needs no more than `write`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._place = 0
        self._records: list[tuple[bytes, int, int, int]] = []  # name, size, crc, place of header

    def write(self, name: str, data: Any) -> None:
        """Add a record with the bytes of `data`, any contiguous buffer; they are read twice."""
        content, encoded = bytes_of(data), name.encode()
        size, crc, start = len(content), zlib.crc32(content), self._place
        extra = struct.pack("<2H2Q", ZIP64, 16, size, size) if size >= LIMIT32 else b""
        padding = -(start + LOCAL.size + len(encoded) + len(extra) + 4) % ALIGNMENT
        extra += struct.pack("<2H", PADDING, padding) + b"Z" * padding
        short = min(size, LIMIT32)
        self._put(LOCAL.pack(SIGNATURE, 45 if size >= LIMIT32 else 20, UTF8, 0, 0, DATE_1980,
                             crc, short, short, len(encoded), len(extra)) + encoded + extra)
        self._put(content)
        self._records.append((encoded, size, crc, start))

    def close(self) -> None:
        """Write the directory, without which there is no archive."""
        start, count = self._place, len(self._records)
        for name, size, crc, place in self._records:
            long = [n for n in (size, size, place) if n >= LIMIT32]
            extra = struct.pack(f"<2H{len(long)}Q", ZIP64, 8 * len(long), *long) if long else b""
            short = min(size, LIMIT32)
            self._put(CENTRAL.pack(b"PK\x01\x02", 45, 45 if long else 20, UTF8, 0, 0, DATE_1980,
                                   crc, short, short, len(name), len(extra), 0, 0, 0, 0,
                                   min(place, LIMIT32)) + name + extra)
        end, size = self._place, self._place - start
        if count >= LIMIT16 or end >= LIMIT32:
            self._put(END64.pack(b"PK\x06\x06", END64.size - 12, 45, 45, 0, 0, count, count,
                                 size, start))
            self._put(LOCATOR.pack(b"PK\x06\x07", 0, end, 1))
        self._put(END.pack(b"PK\x05\x06", 0, 0, min(count, LIMIT16), min(count, LIMIT16),
                           min(size, LIMIT32), min(start, LIMIT32), 0))

    def _put(self, data: bytes | memoryview) -> None:
        done, rest = 0, memoryview(data)
        while done < len(rest):  # raw files may write less than they are given
            count = self._file.write(rest[done:])
            done += len(rest) if count is None else count
        self._place += len(rest)


def damaged(why: str) -> RuntimeError:
    """The error for an archive that is not whole."""
    return RuntimeError(f"PytorchStreamReader failed reading zip archive: {why}. The file is "
                        "truncated, damaged or no checkpoint; copy or download it again")


class ZipReader:
    """The records of an archive, in one folder as torch puts them.

    Raises:
        RuntimeError: it is damaged, compressed or encrypted.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        start, size, count = self._find_directory()
        directory = source.read(start, size)
        if len(directory) != size:
            raise damaged("failed finding central directory")
        entries = list(_entries(directory, count))
        self._unchecked = all(crc == 0 for _, _, _, crc in entries)
        records = [self._record(*entry) for entry in entries]
        _check_spans([(entry[1], record) for entry, record in zip(entries, records)], start)
        if not records:
            raise damaged("it holds no records")
        self.folder = records[0].name.partition("/")[0]
        self.records: dict[str, Record] = {}
        for record in records:
            folder, _, name = record.name.partition("/")
            if folder != self.folder or name in self.records:
                raise damaged(f"the record {record.name[:80]!r} is out of place or there twice")
            self.records[name] = record

    def record(self, name: str) -> Record:
        """The record called `name` inside the archive's folder."""
        found = self.records.get(name)
        if found is None:
            raise damaged(f"file in archive is not in a subdirectory or missing: {name[:80]!r}")
        return found

    def read(self, name: str) -> bytes:
        """The bytes of a record."""
        record = self.record(name)
        data = self._source.read(record.place, record.size)
        self._check(record, data)
        return data

    def read_into(self, record: Record, target: np.ndarray) -> None:
        """Fill `target`, dense and of the record's size, with its bytes."""
        view = bytes_of(target.reshape(-1).view(np.uint8))  # bfloat16 arrays offer no buffer
        if not self._source.read_into(record.place, view):
            raise damaged(f"it ends inside the record {record.name!r}")
        self._check(record, view)

    def _check(self, record: Record, data: bytes | memoryview) -> None:
        """torch can be told to write no checksums: then all of them are 0."""
        if not self._unchecked and (len(data) != record.size or zlib.crc32(data) != record.crc):
            raise damaged(f"the bytes of the record {record.name!r} are not those that were "
                          "written: their checksum differs")
        if len(data) != record.size:
            raise damaged(f"it ends inside the record {record.name!r}")

    def _find_directory(self) -> tuple[int, int, int]:
        """Start, size and number of entries of the central directory."""
        total = self._source.size
        tail_start = max(0, total - END.size - LIMIT16)
        tail = self._source.read(tail_start, total - tail_start)
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or at + END.size > len(tail):
            raise damaged("failed finding central directory")
        _, disk, first, here, count, size, start, comment = END.unpack_from(tail, at)
        end = tail_start + at
        if end + END.size + comment != total or disk or first or here != count:
            raise damaged("failed finding central directory")
        if count == LIMIT16 or size == LIMIT32 or start == LIMIT32 or self._is_long(end):
            end, size, start, count = self._find_long(end)
        if start + size != end:
            raise damaged("its directory is not where it should be")
        if count * CENTRAL.size > size:
            raise damaged("its directory is too short")
        return start, size, count

    def _is_long(self, end: int) -> bool:
        return end >= LOCATOR.size and self._source.read(end - LOCATOR.size, 4) == b"PK\x06\x07"

    def _find_long(self, end: int) -> tuple[int, int, int, int]:
        """The zip64 end of the directory, for large archives: its place and its numbers."""
        locator = self._source.read(max(0, end - LOCATOR.size), LOCATOR.size)
        if len(locator) != LOCATOR.size or locator[:4] != b"PK\x06\x07":
            raise damaged("failed finding central directory")
        place = LOCATOR.unpack(locator)[2]
        header = self._source.read(place, END64.size) if place <= end else b""
        if len(header) != END64.size or header[:4] != b"PK\x06\x06":
            raise damaged("failed finding central directory")
        _, length, _, _, _, _, here, count, size, start = END64.unpack(header)
        if place + 12 + length + LOCATOR.size != end or here != count:
            raise damaged("failed finding central directory")
        return place, size, start, count

    def _record(self, name: bytes, place: int, size: int, crc: int) -> Record:
        """The entry as the header before its bytes confirms it."""
        text = _checked_name(name)
        header = self._source.read(place, LOCAL.size + len(name))
        if len(header) != LOCAL.size + len(name) or header[:4] != SIGNATURE:
            raise damaged(f"the record {text!r} has no header")
        _, _, flags, method, _, _, its_crc, short, whole, length, extra = LOCAL.unpack_from(header)
        if header[LOCAL.size:] != name or length != len(name) or method or flags & ENCRYPTED:
            raise damaged(f"the header of the record {text!r} is not that of the directory")
        if not flags & DESCRIPTOR and (its_crc != crc or {short, whole} - {size, LIMIT32}):
            raise damaged(f"the header of the record {text!r} is not that of the directory")
        start = place + LOCAL.size + length + extra
        if start + size > self._source.size:
            raise damaged(f"it ends inside the record {text!r}")
        return Record(text, start, size, crc)


def _checked_name(name: bytes) -> str:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        raise damaged(f"the name {name[:80]!r} is no text") from None
    parts = text.split("/")
    if ".." in parts or "" in parts[:-1] or "\\" in text or "\0" in text or ":" in parts[0]:
        raise damaged(f"the name {text[:80]!r} leads out of the archive")
    return text


def _entries(directory: bytes, count: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, place of the header, size and CRC of every entry of the directory."""
    at = 0
    for _ in range(count):
        if at + CENTRAL.size > len(directory):
            raise damaged("its directory is too short")
        (signature, _, _, flags, method, _, _, crc, short, size, length, extra, comment, disk, _,
         _, place) = CENTRAL.unpack_from(directory, at)
        name_at = at + CENTRAL.size
        at = name_at + length + extra + comment
        if signature != b"PK\x01\x02" or at > len(directory) or disk:
            raise damaged("its directory is damaged")
        name = directory[name_at:name_at + length]
        if method or flags & ENCRYPTED:
            raise damaged(f"the record {name[:80]!r} is compressed or encrypted, which records of "
                          "checkpoints never are")
        fields = directory[name_at + length:name_at + length + extra]
        size, short, place = _long_numbers(fields, (size, short, place))
        if size != short:
            raise damaged(f"the record {name[:80]!r} has two sizes, {short} and {size}")
        yield name, place, size, crc
    if at != len(directory):
        raise damaged("its directory has more entries than it says")


def _long_numbers(fields: bytes, numbers: tuple[int, ...]) -> list[int]:
    """The numbers with those that stand for "too long" taken from the zip64 field."""
    if LIMIT32 not in numbers:
        return list(numbers)
    at = 0
    while at + 4 <= len(fields):
        tag, length = struct.unpack_from("<2H", fields, at)
        if tag == ZIP64:
            break
        at += 4 + length
    result = []
    at += 4
    for number in numbers:
        if number == LIMIT32:
            if at + 8 > len(fields):
                raise damaged("its directory is damaged")
            (number,) = struct.unpack_from("<Q", fields, at)
            at += 8
        result.append(number)
    return result


def _check_spans(records: list[tuple[int, Record]], end: int) -> None:
    """Records that overlap would unfold to more memory than the file has bytes."""
    free = 0
    for place, record in sorted(records):
        if place < free:
            raise damaged(f"the record {record.name[:80]!r} overlaps another")
        free = record.place + record.size
    if free > end:
        raise damaged("a record reaches into the directory")
