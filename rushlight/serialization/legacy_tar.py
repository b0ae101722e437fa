"""Checkpoints of torch before 0.1.10: tar archives of storages, tensors and a pickle."""

from __future__ import annotations

import struct
import sys
from typing import Any

from rushlight.base.dtypes import dtype
from rushlight.serialization import tensors
from rushlight.serialization.errors import refused, shown
from rushlight.serialization.legacy_file import COUNT, HEADER, fill, part_of
from rushlight.serialization.reader import PickleReader
from rushlight.serialization.storages import Locations, Storage, StorageType, checked_size, empty
from rushlight.tensor import Tensor

BLOCK = 512


def is_tar(start: bytes) -> bool:
    """Whether a file that starts so is a tar archive."""
    return start[257:262] == b"ustar"


def _damaged(why: str) -> RuntimeError:
    return RuntimeError(f"the tar archive is damaged: {why}")


def _members(data: bytes) -> dict[str, memoryview]:
    """The files of the archive, by name; nothing is written to disk."""
    found: dict[str, memoryview] = {}
    at, view = 0, memoryview(data)
    while at + BLOCK <= len(data) and data[at:at + BLOCK].strip(b"\0"):
        header = data[at:at + BLOCK]
        size = _octal(header[124:136])
        unsigned = sum(header[:148]) + 8 * 0x20 + sum(header[156:])
        if _octal(header[148:156]) != unsigned:
            raise _damaged("a header has another checksum")
        at += BLOCK
        if at + size > len(data):
            raise _damaged("it ends inside a file")
        name = header[:100].partition(b"\0")[0].decode("latin-1")
        if header[156:157] in (b"0", b"\0"):
            found[name.removeprefix("./")] = view[at:at + size]
        at += -(-size // BLOCK) * BLOCK
    return found


def _octal(field: bytes) -> int:
    text = field.strip(b" \0")
    if not text.isdigit() or any(digit > 0x37 for digit in text):
        raise _damaged("a header has no size")
    return int(text, 8)


def read_tar(data: bytes, reader: PickleReader, locations: Locations) -> Any:
    """The object. Raises RuntimeError for an archive that is damaged or no checkpoint."""
    members = _members(data)
    missing = {"storages", "tensors", "pickle"} - members.keys()
    if missing:
        raise _damaged(f"{', '.join(sorted(missing))} not found: this is no checkpoint")
    objects: dict[Any, Any] = {}
    _read_storages(bytes(members["storages"]), objects, locations)
    _read_tensors(bytes(members["tensors"]), objects)

    def persistent_load(place: Any) -> Any:
        if isinstance(place, tuple) and place:
            return place[0]
        found = objects.get(_key(place))
        if found is None:
            raise refused(f"It refers to the object {shown(place)}, which is not there")
        return found

    return reader.read(bytes(members["pickle"]), 0, persistent_load)[0]


def _key(value: Any) -> int:
    """Keys were the addresses of objects, as numbers or as text."""
    if isinstance(value, str) and value.isdigit() and len(value) < 32:
        return int(value)
    if type(value) is not int:
        raise refused(f"It has {shown(value)} for the key of a storage")
    return value


def _tuple(value: Any, length: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list) or len(value) != length:
        raise _damaged("an entry has other parts than it should")
    return tuple(value)


def _count(data: bytes, at: int) -> tuple[int, int]:
    count, at = HEADER.read(data, at, None)
    if type(count) is not int or not 0 <= count <= len(data):
        raise _damaged(f"it says that it has {shown(count)} entries")
    return count, at


def _read_storages(data: bytes, objects: dict[Any, Any], locations: Locations) -> None:
    count, at = _count(data, 0)
    for _ in range(count):
        entry, at = HEADER.read(data, at, None)
        key, location, kind = _tuple(entry, 3)
        if not isinstance(kind, StorageType):
            raise refused("A storage has a type that is none")
        elements = COUNT.unpack_from(data, at)[0] if at + COUNT.size <= len(data) else -1
        size = checked_size(elements, kind.dtype)
        if at + COUNT.size + size > len(data):
            raise RuntimeError("unexpected EOF: the file is truncated or damaged")
        made = locations.place(location, _maker(kind.dtype, size), size, kind.dtype)
        at = fill(made, data, at, sys.byteorder != "little")
        objects[_key(key)] = made
    views, at = HEADER.read(data, at, None)
    for view in views if isinstance(views, list) else []:
        key, root, start, length = _tuple(view, 4)
        whole = objects.get(_key(root))
        if not isinstance(whole, Storage):
            raise refused("A part of a storage belongs to none")
        objects[_key(key)] = part_of(whole, start, length)


def _maker(kind: dtype | None, size: int) -> Any:
    return lambda: Storage(empty(kind, size), size, kind)


def _read_tensors(data: bytes, objects: dict[Any, Any]) -> None:
    count, at = _count(data, 0)
    for _ in range(count):
        entry, at = HEADER.read(data, at, None)
        key, storage, _kind = _tuple(entry, 3)
        dimensions = struct.unpack_from("<i", data, at)[0] if at + 8 <= len(data) else -1
        at += 8  # four bytes more than the number takes
        if not 0 <= dimensions <= tensors.MAX_DIMENSIONS or (
                at + 16 * dimensions + 8 > len(data)):
            raise _damaged("it ends inside a tensor")
        shape = struct.unpack_from(f"<{dimensions}q", data, at)
        stride = struct.unpack_from(f"<{dimensions}q", data, at + 8 * dimensions)
        offset = COUNT.unpack_from(data, at + 16 * dimensions)[0]
        at += 16 * dimensions + 8
        objects[_key(key)] = _tensor(objects.get(_key(storage)), offset, shape, stride)


def _tensor(storage: Any, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    return tensors.tensor(storage, offset, shape, stride)
