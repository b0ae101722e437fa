"""The wire format of protocol buffers: fields of a message as bytes (protobuf.dev, Encoding)."""

from __future__ import annotations

import struct
from collections.abc import Iterable


def varint(value: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first; negative ones as 64 bits."""
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def integer(field: int, value: int) -> bytes:
    """A field of type int64."""
    return varint(field << 3) + varint(value)


def real(field: int, value: float) -> bytes:
    """A field of type double."""
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    """A field of type float."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def content(field: int, value: bytes | str) -> bytes:
    """A field that is a text, bytes, or another message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def reals(field: int, values: Iterable[float]) -> bytes:
    """A repeated field of type double, packed."""
    values = list(values)
    return content(field, struct.pack(f"<{len(values)}d", *values))
