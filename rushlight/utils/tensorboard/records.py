"""Files of records, each with its length and check sums (TensorFlow's TFRecord)."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

_POLYNOMIAL = 0x82F63B78  # CRC-32C, its bits reversed


def _table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def checksum(data: bytes) -> int:
    """CRC-32C of `data`, rotated and shifted as records have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(data: bytes) -> bytes:
    """`data` as a record."""
    length = struct.pack("<Q", len(data))
    return (length + struct.pack("<I", checksum(length)) + data
            + struct.pack("<I", checksum(data)))


class RecordFile:
    """A file that records are appended to; whole records only, also from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab")
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Append a record."""
        with self._lock:
            self._file.write(record(data))

    def flush(self) -> None:
        """Hand all records to the system, so that readers see them."""
        with self._lock:
            self._file.flush()

    def close(self) -> None:
        """Flush and close; a second call does nothing."""
        with self._lock:
            self._file.close()
