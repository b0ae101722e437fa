"""The safetensors format.

A file is the length of a header (8 bytes, little-endian), the header (JSON: for every name a
dtype, a shape and the place of its bytes) and the bytes. Nothing that is read is ever executed.
"""

from __future__ import annotations

import json
import mmap as memory_maps
import os
from collections.abc import Mapping
from math import prod
from typing import IO, Any, NamedTuple

import numpy as np

from rushlight.base import dtypes
from rushlight.base.dtypes import dtype
from rushlight.serialization.atomic import Path, atomic_file
from rushlight.tensor import Tensor, wrap

LONGEST_HEADER = 100_000_000  # bytes, as everywhere: a longer one is an attack or not a header
ALIGNMENT = 8
METADATA = "__metadata__"
_CODES = {
    dtypes.float64: "F64", dtypes.int64: "I64", dtypes.complex64: "C64", dtypes.float32: "F32",
    dtypes.int32: "I32", dtypes.float16: "F16", dtypes.bfloat16: "BF16", dtypes.int16: "I16",
    dtypes.int8: "I8", dtypes.uint8: "U8", dtypes.bool_: "BOOL",
    dtypes.uint64: "U64", dtypes.uint32: "U32", dtypes.uint16: "U16",
    dtypes.float8_e4m3fn: "F8_E4M3", dtypes.float8_e5m2: "F8_E5M2",
}
_DTYPES = {code: kind for kind, code in _CODES.items()}


class _Entry(NamedTuple):
    name: str
    dtype: dtype
    shape: tuple[int, ...]
    begin: int  # from the end of the header
    end: int


def save_file(
    tensors: Mapping[str, Tensor], filename: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors, such as a module's `state_dict()`, to a safetensors file, atomically.

    Args:
        tensors: by name, of any dtype but complex128. Views are written whole and dense.
        filename: replaced only once the new file is complete.
        metadata: names and texts of one's own, for `load_metadata`.

    Raises:
        TypeError: a value that is no tensor, a dtype or metadata that the format has no place for.
        OSError: the file cannot be written.

    >>> import os, tempfile
    >>> import rushlight as rl
    >>> from rushlight.serialization import load_file, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     save_file({"weight": rl.ones(2)}, path)
    ...     load_file(path)
    {'weight': tensor([1., 1.])}
    """
    order = _checked(tensors)
    header: dict[str, Any] = {}
    if metadata:
        header[METADATA] = _checked_metadata(metadata)
    place = 0
    for name in order:
        tensor = tensors[name]
        size = tensor.nbytes
        header[name] = {"dtype": _CODES[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)  # the bytes of tensors begin aligned
    with atomic_file(filename) as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in order:
            file.write(_bytes(tensors[name]._array))


def _checked(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names in the order of their bytes: wide dtypes first, so that all are aligned."""
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == METADATA:
            raise TypeError(f"a safetensors file cannot hold a tensor called {name!r}")
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"save_file() takes tensors by name, but {name!r} is of type "
                f"{type(tensor).__name__}; nested states are flattened first"
            )
        if tensor.dtype not in _CODES:
            raise TypeError(
                f"a safetensors file cannot hold {tensor.dtype} ({name!r}); save "
                "view_as_real() of it"
            )
        if tensor.is_meta:
            raise TypeError(f"{name!r} is a meta tensor: it has no data to save")
    return sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))


def _checked_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"metadata are texts by name, but {key!r} is {value!r}")
    return dict(metadata)


def _bytes(array: np.ndarray) -> memoryview:
    return memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))


def load_file(filename: Path, device: Any = "cpu", *, mmap: bool = True) -> dict[str, Tensor]:
    """The tensors of a safetensors file, by name, without a copy.

    The file is mapped into memory: what is read comes from it, and what is written to a tensor
    stays in this process (copy on write), so that the file never changes.

    Args:
        filename: written by `save_file` or by any other program. While its tensors are used it may
            be replaced, as `save_file` does, but not be written over or cut off in place.
        device: "cpu".
        mmap: False reads the file instead, once and for all.

    Raises:
        FileNotFoundError: there is no such file.
        RuntimeError: it is not a safetensors file, is truncated or corrupt.
    """
    if str(device) != "cpu":
        raise RuntimeError(f"load_file: tensors are loaded to 'cpu', not to {str(device)!r}")
    with _opened(filename) as file:
        entries, _, start = _read_header(file, filename)
        mapped = memory_maps.mmap(file.fileno(), 0, access=memory_maps.ACCESS_COPY) if (
            mmap) else None
        return {entry.name: wrap(_array(file, mapped, entry, start, filename))
                for entry in sorted(entries, key=lambda e: e.begin)}


def _array(file: IO[bytes], mapped: memory_maps.mmap | None, entry: _Entry, start: int,
           filename: Path) -> np.ndarray:
    kind, place = entry.dtype, start + entry.begin
    if mapped is not None and entry.end > entry.begin and place % kind.itemsize == 0:
        flat = np.frombuffer(mapped, kind.array, prod(entry.shape), place)
        array: np.ndarray = flat.reshape(entry.shape)
    else:
        array = np.empty(entry.shape, kind.array)
        file.seek(place)
        if entry.end > entry.begin and file.readinto(  # type: ignore[attr-defined]
                _bytes(array)) != array.nbytes:
            raise _broken(filename, f"it ends inside {entry.name!r}")
    if kind is dtypes.bool_ and array.size and array.view(np.uint8).max() > 1:
        array = array.view(np.uint8) != 0  # other bytes than 0 and 1 are no bools
    return array


def load_metadata(filename: Path) -> dict[str, str]:
    """The texts that were saved beside the tensors of a safetensors file.

    Raises:
        FileNotFoundError, RuntimeError: as of `load_file`.
    """
    with _opened(filename) as file:
        return _read_header(file, filename)[1]


def _opened(filename: Path) -> Any:
    try:
        return open(filename, "rb")
    except FileNotFoundError:
        raise FileNotFoundError(f"No such file or directory: {os.fspath(filename)!r}") from None


def _broken(filename: Path, why: str) -> RuntimeError:
    return RuntimeError(f"{os.fspath(filename)!r} is not a complete safetensors file: {why}")


def _read_header(file: IO[bytes], filename: Path) -> tuple[list[_Entry], dict[str, str], int]:
    """Entries, metadata and the place where bytes of tensors begin."""
    total = os.fstat(file.fileno()).st_size
    if total < 8:
        raise _broken(filename, f"it has {total} bytes, and the length of the header alone takes 8")
    length = int.from_bytes(file.read(8), "little")
    if length > LONGEST_HEADER:
        raise _broken(filename, f"its header would be {length} bytes long")
    if 8 + length > total:
        raise _broken(filename, f"its header should have {length} bytes, {total - 8} are there")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _broken(filename, f"its header cannot be read ({error})") from None
    if not isinstance(header, dict):
        raise _broken(filename, "its header is not an object")
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _broken(filename, "its metadata are not texts")
    entries = [_entry(filename, name, value) for name, value in header.items()]
    _check_places(filename, entries, total - 8 - length)
    return entries, metadata, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands there twice")
    return result


def _entry(filename: Path, name: str, value: Any) -> _Entry:
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise _broken(filename, f"the entry of {name!r} is not that of a tensor")
    kind = _DTYPES.get(value["dtype"]) if isinstance(value["dtype"], str) else None
    if kind is None:
        raise _broken(filename, f"{name!r} has the unknown dtype {value['dtype']!r}")
    shape, offsets = value["shape"], value["data_offsets"]
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(type(n) is int and n >= 0 for n in numbers):
            raise _broken(filename, f"the entry of {name!r} has {numbers!r} for sizes or places")
    if len(offsets) != 2 or len(shape) > 64:
        raise _broken(filename, f"the entry of {name!r} is not that of a tensor")
    begin, end = offsets
    if prod(shape) * kind.itemsize != end - begin:
        raise _broken(
            filename, f"{name!r} is {value['dtype']}{shape} but has {end - begin} bytes")
    return _Entry(name, kind, tuple(shape), begin, end)


def _check_places(filename: Path, entries: list[_Entry], total: int) -> None:
    """Bytes of tensors follow each other without gap or overlap, to the end of the file."""
    place = 0
    for entry in sorted(entries, key=lambda e: (e.begin, e.end)):
        if entry.begin != place:
            raise _broken(filename, f"{entry.name!r} begins at {entry.begin}, not at {place}")
        place = entry.end
    if place != total:
        raise _broken(filename, f"its tensors take {place} bytes, {total} are there")
