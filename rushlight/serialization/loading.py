"""`load`: what `save`, or torch, wrote."""

from __future__ import annotations

import mmap as memory_maps
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from rushlight.base.dtypes import dtype
from rushlight.serialization import options
from rushlight.serialization.atomic import Path
from rushlight.serialization.errors import refused, shown
from rushlight.serialization.legacy_file import read_legacy
from rushlight.serialization.legacy_tar import is_tar, read_tar
from rushlight.serialization.reader import PickleReader
from rushlight.serialization.source import Source
from rushlight.serialization.storages import (
    Locations,
    Storage,
    StorageType,
    checked_size,
    empty,
    settle,
)
from rushlight.serialization.unpickler import unknown_names
from rushlight.serialization.zip_file import SIGNATURE, Record, ZipReader

ORDERS = {b"little": "little", b"big": "big"}


def load(
    f: Path | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read what `save`, or `torch.save`, wrote; tensors that shared memory share it again.

    Only tensors and plain containers are made; nothing that a file names is called or imported.
    `add_safe_globals` adds classes of one's own. Every byte that is read is checked by the
    checksums in the file.

    Args:
        f: a path, or a file object with `read`, `seek` and `tell`.
        map_location: where tensors go: a device, a dictionary from location to location, or a
            function of (storage, location). Those saved on a GPU need `map_location="cpu"`.
        pickle_module: only with `weights_only=False`, where it is Python's pickle.
        weights_only: False makes whole objects of any class, which **runs code that the file
            names**: only for files that you trust as much as a program.
        mmap: map the file, given by path, into memory in place of reading it: only what is used
            is read, without checksums; writes to the tensors do not reach the file, unless
            `set_default_mmap_options` says so.
        pickle_load_args: `encoding` of the texts of Python 2, "utf-8" by default.

    Raises:
        FileNotFoundError, EOFError: no file, an empty file.
        pickle.UnpicklingError: the file asks for more than tensors and plain containers.
        RuntimeError: it is damaged, or its tensors are on a device that is not here.

    >>> import io
    >>> import rushlight as rl
    >>> file = io.BytesIO()
    >>> x = rl.zeros(3)
    >>> rl.save([x, x[1:]], file)
    >>> _ = file.seek(0)
    >>> a, b = rl.load(file)
    >>> b += 1
    >>> a
    tensor([0., 1., 1.])
    """
    weights_only = True if weights_only is None else weights_only
    mmap = options.loading.mmap and isinstance(f, str | os.PathLike) if mmap is None else mmap
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified: "
                           "leave it out, or pass weights_only=False")
    encoding = pickle_load_args.pop("encoding", "utf-8")
    if pickle_load_args:
        raise TypeError(f"load() got unexpected keyword arguments {sorted(pickle_load_args)}")
    reader = PickleReader(weights_only, encoding)
    locations = Locations(map_location)
    with _opened(f) as file:
        source = Source(file)
        start = source.read(0, 512)
        if not start:
            raise EOFError("Ran out of input: the file is empty, or its position is at its end")
        if start[:4] == SIGNATURE:
            mapped = _mapped(f, file) if mmap else None
            return _Archive(ZipReader(source), locations, mapped).load(reader)
        if mmap:
            raise RuntimeError("mmap can only be used with files saved with `torch.save("
                               "_use_new_zipfile_serialization=True)`: save this one again")
        if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < source.size:
            raise RuntimeError("this looks like a safetensors file: use load_file()")
        data = source.read(0, source.size)
        if is_tar(start):
            return read_tar(data, reader, locations)
        result, end = read_legacy(data, reader, locations)
        source.leave_at(end)
        return result


def get_unsafe_globals_in_checkpoint(f: Path | IO[bytes]) -> list[str]:
    """The names in a checkpoint that `load` refuses until `add_safe_globals` is told of them.

    Nothing is made of the file's contents. Raises what `load` raises for other files.

    >>> import io, argparse
    >>> import rushlight as rl
    >>> file = io.BytesIO()
    >>> rl.save(argparse.Namespace(rate=0.1), file)
    >>> _ = file.seek(0)
    >>> rl.serialization.get_unsafe_globals_in_checkpoint(file)
    ['argparse.Namespace']
    """
    with _opened(f) as file:
        source = Source(file)
        if source.read(0, 4) != SIGNATURE:
            raise ValueError("get_unsafe_globals_in_checkpoint() reads files in the zip format; "
                             "save this one again")
        return unknown_names(ZipReader(source).read("data.pkl"))


@contextmanager
def _opened(f: Path | IO[bytes]) -> Iterator[IO[bytes]]:
    """The file to read from; one that is opened here is closed here."""
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            yield file
    else:
        yield f


def _mapped(f: Path | IO[bytes], file: IO[bytes]) -> memory_maps.mmap:
    if not isinstance(f, str | os.PathLike):
        raise ValueError("f must be a file path in order to use the mmap argument")
    if options.loading.mmap_flags == options.SHARED:
        with open(f, "r+b") as writable:
            return memory_maps.mmap(writable.fileno(), 0, access=memory_maps.ACCESS_WRITE)
    return memory_maps.mmap(file.fileno(), 0, access=memory_maps.ACCESS_COPY)


def _usual_order() -> bytes:
    """The byte order of a file that does not say it."""
    chosen = options.loading.endianness or options.LoadEndianness.LITTLE
    native = chosen is options.LoadEndianness.NATIVE
    return (sys.byteorder if native else chosen.name.lower()).encode()


class _Archive:
    """A checkpoint in a zip archive: a pickle, and a record for every storage."""

    def __init__(self, archive: ZipReader, locations: Locations,
                 mapped: memory_maps.mmap | None) -> None:
        if "constants.pkl" in archive.records:
            raise RuntimeError("this is a TorchScript archive, which holds a program: save the "
                               "module's state_dict() instead, and load that")
        order = archive.read("byteorder") if "byteorder" in archive.records else _usual_order()
        if order not in ORDERS:
            raise RuntimeError(f"Unknown endianness type: {order[:20]!r}")
        self._archive = archive
        self._locations = locations
        self._mapped = mapped
        self._swapped = ORDERS[order] != sys.byteorder
        self._storages: dict[str, Storage] = {}

    def load(self, reader: PickleReader) -> Any:
        """The object."""
        data = self._archive.read("data.pkl")
        return reader.read(data, 0, self._storage)[0]

    def _storage(self, place: Any) -> Storage:
        """The storage that a persistent id describes, read at its first mention."""
        if not isinstance(place, tuple) or len(place) != 5 or place[0] not in (
                "storage", b"storage") or not isinstance(place[1], StorageType):
            raise refused("It refers to something that is no storage")
        _, kind, key, location, count = place
        key = key.decode("ascii") if isinstance(key, bytes) else key
        if not isinstance(key, str):
            raise refused(f"A storage has the key {shown(key)}")
        size = checked_size(count, kind.dtype)
        known = self._storages.get(key)
        if known is None:
            record = self._archive.record(f"data/{key}")
            if record.size != size:
                raise refused(f"A storage should have {size} bytes, but has {record.size}")
            known = self._storages[key] = self._locations.place(
                location, lambda: self._read(record, kind.dtype), size, kind.dtype)
        elif known.nbytes() != size:
            raise refused(f"A storage has {known.nbytes()} bytes and {size} bytes")
        return known.of_type(kind.dtype)

    def _read(self, record: Record, kind: dtype | None) -> Storage:
        itemsize = 1 if kind is None else kind.itemsize
        if options.without_data():
            zeros = np.zeros(record.size // itemsize, np.uint8 if kind is None else kind.array)
            return Storage(zeros, record.size, kind)
        if self._mapped is not None and record.size and record.place % itemsize == 0:
            array = np.frombuffer(self._mapped, np.uint8 if kind is None else kind.array,
                                  record.size // itemsize, record.place)
        else:
            array = empty(kind, record.size)
            self._archive.read_into(record, array)
        if self._swapped and kind is None and record.size:
            raise RuntimeError("the file has the byte order of other machines, and a storage "
                               "of plain bytes, which cannot be converted")
        settle(array, kind, self._swapped)
        return Storage(array, record.size, kind)
