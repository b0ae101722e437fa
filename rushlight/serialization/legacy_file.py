"""Checkpoints of torch before 1.6: pickles one after the other, then the bytes of storages."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from typing import IO, Any

import numpy as np

from rushlight.serialization import tensors
from rushlight.serialization.errors import PHRASE, refused, shown
from rushlight.serialization.pickler import Pickler
from rushlight.serialization.reader import PickleReader
from rushlight.serialization.storages import (
    Locations,
    Storage,
    StorageType,
    checked_size,
    empty,
    settle,
)

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
COUNT = struct.Struct("<q")  # the number of elements before a storage's bytes
HEADER = PickleReader(True, "utf-8")  # whatever the user allows, these parts hold only data


def write_legacy(obj: Any, file: IO[bytes], protocol: int) -> None:
    """Write a checkpoint that torch before 1.6 reads."""
    content = io.BytesIO()
    pickler = Pickler(content, protocol, lambda kind, key, count: (
        "storage", kind, key, "cpu", count, None))
    pickler.dump(obj)
    system = {"protocol_version": PROTOCOL, "little_endian": sys.byteorder == "little",
              "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for part in (MAGIC, PROTOCOL, system):
        file.write(pickle.dumps(part, protocol))
    file.write(content.getbuffer())
    keys = sorted(pickler.storages)
    file.write(pickle.dumps(keys, protocol))
    for key in keys:
        memory = pickler.storages[key]
        itemsize = pickler.itemsize(key)
        file.write(COUNT.pack(memory.size // itemsize))
        file.write(memory.bytes())


def read_legacy(data: bytes, reader: PickleReader, locations: Locations) -> tuple[Any, int]:
    """The object, and the place where the file ends."""
    try:
        magic, at = HEADER.read(data, 0, None)
    except (pickle.UnpicklingError, EOFError) as error:
        raise pickle.UnpicklingError(
            f"Weights only load failed. This is no checkpoint: it begins with {data[:8]!r}. "
            f"{str(error).removeprefix(PHRASE)}") from None
    if type(magic) is not int or magic != MAGIC:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version, at = HEADER.read(data, at, None)
    if version != PROTOCOL:
        raise RuntimeError(f"Invalid protocol version: {shown(version)}")
    system, at = HEADER.read(data, at, None)
    little = system.get("little_endian") if isinstance(system, dict) else None
    if not isinstance(little, bool):
        raise RuntimeError("the file does not say which byte order it has: it is damaged")
    storages = _Storages(data, locations, little != (sys.byteorder == "little"))
    begin = at
    with tensors.unfilled() as met:
        result, at = reader.read(data, begin, storages.make)
    keys, at = HEADER.read(data, at, None)
    end = storages.fill(keys, at)
    if met.sparse:  # whose places can be looked at only now
        result, _ = reader.read(data, begin, storages.make)
    return result, end


class _Storages:
    """Storages that are made before their bytes, which come last in the file, are read."""

    def __init__(self, data: bytes, locations: Locations, swapped: bool) -> None:
        self._data = data
        self._locations = locations
        self._swapped = swapped
        self._made: dict[Any, Storage] = {}
        self._parts: dict[Any, Storage] = {}
        self._room = len(data)

    def make(self, place: Any) -> Any:
        """The storage that a persistent id describes, or the part of one."""
        if isinstance(place, tuple) and len(place) == 4 and place[0] in ("module", b"module"):
            return place[1]  # a class, and its source text, which nobody runs
        if not isinstance(place, tuple) or len(place) != 6 or place[0] not in (
                "storage", b"storage") or not isinstance(place[1], StorageType):
            raise refused("It refers to something that is no storage")
        _, kind, key, location, count, part = place
        key, location = (x.decode("ascii") if isinstance(x, bytes) else x
                         for x in (key, location))
        if not isinstance(key, str):
            raise refused(f"A storage has the key {shown(key)}")
        size = checked_size(count, kind.dtype)
        known = self._made.get(key)
        if known is None:
            known = self._made[key] = self._empty(kind, location, size)
        elif known.nbytes() != size:
            raise refused(f"A storage has {known.nbytes()} bytes and {size} bytes")
        return known.of_type(kind.dtype) if part is None else self._part(known, part)

    def _empty(self, kind: StorageType, location: Any, size: int) -> Storage:
        self._room -= size
        if self._room < 0:
            raise refused(f"Its storages should have {len(self._data) - self._room} bytes, more "
                          f"than the whole file, which has {len(self._data)}")
        made = self._locations.place(
            location, lambda: Storage(empty(kind.dtype, size), size, kind.dtype), size, kind.dtype)
        made.waiting = []
        return made

    def _part(self, whole: Storage, part: Any) -> Storage:
        if not isinstance(part, tuple) or len(part) != 3 or not isinstance(part[0], str | bytes):
            raise refused("A part of a storage is not described as such")
        key, start, count = part
        if key not in self._parts:
            self._parts[key] = part_of(whole, start, count)
            self._parts[key].waiting = whole.waiting
        return self._parts[key]

    def fill(self, keys: Any, at: int) -> int:
        """Read the bytes of all storages, in the order of their keys; returns where they end."""
        if not isinstance(keys, list) or not all(isinstance(key, str | bytes) for key in keys):
            raise refused("The list of storages is not there")
        keys = [key.decode("ascii") if isinstance(key, bytes) else key for key in keys]
        if len(keys) != len(set(keys)) or set(keys) != set(self._made):
            raise refused("The list of storages is not that of the tensors")
        for key in keys:
            at = fill(self._made[key], self._data, at, self._swapped)
        for storage in self._made.values():
            for work in storage.waiting or ():
                work()
            storage.waiting = None
        return at


def fill(storage: Storage, data: bytes, at: int, swapped: bool) -> int:
    """Read the bytes of a storage, after the number of its elements; returns where they end."""
    itemsize = 1 if storage.dtype is None else storage.dtype.itemsize
    size = storage.nbytes()
    start = at + COUNT.size
    if start + size > len(data):
        raise RuntimeError("unexpected EOF: the file is truncated or damaged")
    count = int.from_bytes(data[at:start], "big" if swapped else "little", signed=True)
    if count * itemsize != size:
        raise RuntimeError(f"storage has wrong byte size: expected {size} got {count * itemsize}")
    if storage.array is not None and size:
        storage.array.view(np.uint8)[:] = np.frombuffer(data, np.uint8, size, start)
        settle(storage.array, storage.dtype, swapped)
    return start + size


def part_of(whole: Storage, start: Any, count: Any) -> Storage:
    """Some elements of a storage, as a storage; shares the memory."""
    if type(start) is not int or type(count) is not int or start < 0 or count < 0:
        raise refused(f"A part of a storage has {shown(start)} and {shown(count)} for its place")
    itemsize = 1 if whole.dtype is None else whole.dtype.itemsize
    if (start + count) * itemsize > whole.nbytes():
        raise refused("A part of a storage reaches beyond its end")
    array = None if whole.array is None else whole.array[start:start + count]
    return Storage(array, count * itemsize, whole.dtype)
