"""Storages of checkpoints: the memory that tensors share, by element type and location."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.memory import LARGE, recycle
from rushlight.backends.meta.array import MetaArray
from rushlight.base import dtypes
from rushlight.base.device import KNOWN, device
from rushlight.base.dtypes import dtype
from rushlight.serialization.errors import refused, shown
from rushlight.tensor.storage import UntypedStorage

# torch's names of storages by element type; one of bytes has the tensor say its type.
TYPES = {
    "DoubleStorage": dtypes.float64, "FloatStorage": dtypes.float32, "HalfStorage": dtypes.float16,
    "BFloat16Storage": dtypes.bfloat16, "LongStorage": dtypes.int64, "IntStorage": dtypes.int32,
    "ShortStorage": dtypes.int16, "CharStorage": dtypes.int8, "ByteStorage": dtypes.uint8,
    "BoolStorage": dtypes.bool_, "ComplexFloatStorage": dtypes.complex64,
    "ComplexDoubleStorage": dtypes.complex128,
}
NAMES = {kind: name for name, kind in TYPES.items()}


class StorageType:
    """A storage class of torch, as a file names it; `dtype` None is one of plain bytes."""

    __slots__ = ("dtype",)

    def __init__(self, kind: dtype | None) -> None:
        self.dtype = kind


class Storage(UntypedStorage):
    """Memory of a file: `array` has one dimension; `device` says whether it is there at all."""

    def __init__(self, array: np.ndarray | None, size: int, kind: dtype | None) -> None:
        self.array = array
        self.bytes = size
        self.dtype = kind
        # What to do once the bytes are there, where tensors come before them; else None.
        self.waiting: list[Callable[[], Any]] | None = None
        self.room = [8 * size]  # bytes that copies of it may take, so that no file asks for many
        if array is not None:
            super().__init__(array)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self.bytes

    size = __len__ = nbytes

    @property
    def device(self) -> device:
        """Where the bytes lie: on the cpu, or nowhere."""
        return device("meta" if self.array is None else "cpu")

    def cpu(self) -> Storage:
        """This storage: for functions given as `map_location`."""
        return self

    def of_type(self, kind: dtype | None) -> Storage:
        """This storage seen as one of elements of `kind`; shares the memory."""
        if kind is None or kind is self.dtype:
            return self
        made = Storage(None if self.array is None else self.typed(kind), self.bytes, kind)
        made.waiting, made.room = self.waiting, self.room
        return made

    def typed(self, kind: dtype) -> np.ndarray:
        """The memory as elements of `kind`; shared."""
        if self.array is None:
            raise refused("It asks for the data of a storage on 'meta'")
        if self.array.dtype == kind.array:
            return self.array
        whole = self.bytes // kind.itemsize * kind.itemsize
        array = self.array.view(np.uint8)[:whole].view(kind.array)
        settle(array, kind if kind is dtypes.bool_ else None, False)
        return array


def empty(kind: dtype | None, size: int) -> np.ndarray:
    """Memory of `size` bytes for a storage; large ones from the recycling allocator."""
    itemsize = 1 if kind is None else kind.itemsize
    if size > LARGE * 4:
        recycle()
    return np.empty(size // itemsize, np.uint8 if kind is None else kind.array)


def settle(array: np.ndarray, kind: dtype | None, swapped: bool) -> None:
    """Make bytes that were read elements of this machine: its byte order, bools of 0 and 1."""
    if kind is dtypes.bool_:
        raw = array.view(np.uint8)
        if raw.size and raw.max() > 1:
            np.minimum(raw, 1, out=raw)
    elif swapped and kind is not None and kind.itemsize > 1:
        size = kind.itemsize // 2 if kind.is_complex else kind.itemsize
        array.view(f"u{size}").byteswap(inplace=True)


def checked_size(count: object, kind: dtype | None) -> int:
    """Bytes of a storage of `count` elements, as a file gives them."""
    if type(count) is not int or not 0 <= count < 1 << 62:
        raise refused(f"It holds a storage with {shown(count)} elements")
    return count * (1 if kind is None else kind.itemsize)


class Locations:
    """Where storages go: `map_location` of `load`."""

    def __init__(self, map_location: Any) -> None:
        self._map = map_location
        if map_location is not None and not isinstance(map_location, str | device | dict) and (
                not callable(map_location)):
            raise TypeError("map_location should be a device, a string, a dict or a function of "
                            f"(storage, location), but got {type(map_location).__name__}")
        if isinstance(map_location, str | device):
            _reachable(str(map_location))

    def place(self, location: object, make: Callable[[], Storage], size: int,
              kind: dtype | None) -> Storage:
        """The storage that `make` reads, or one without data for "meta"."""
        if not isinstance(location, str):
            raise refused(f"It gives {shown(location)} for the location of a storage")
        chosen = self._map
        if isinstance(chosen, str | device):
            location = str(chosen)
        elif isinstance(chosen, dict):
            location = str(chosen.get(location, location))
        elif callable(chosen):
            made = make()
            found = chosen(made, location)
            if found is not None:
                return _as_storage(found, made)
        _reachable(location)
        return Storage(None, size, kind) if location.startswith("meta") else make()


def _reachable(location: str) -> None:
    """A location that is not here has torch's error, which programs look for."""
    kind = location.partition(":")[0]
    if kind in ("cpu", "meta"):
        return
    if kind not in KNOWN:
        raise RuntimeError("don't know how to restore data location of torch.storage."
                           f"UntypedStorage (tagged with {location[:80]})")
    name = kind.upper()
    raise RuntimeError(
        f"Attempting to deserialize object on a {name} device but torch.{kind}.is_available() is "
        "False. If you are running on a CPU-only machine, please use torch.load with "
        "map_location=torch.device('cpu') to map your storages to the CPU.")


def _as_storage(found: Any, made: Storage) -> Storage:
    if isinstance(found, Storage):
        return found
    if isinstance(found, UntypedStorage):
        array = found._root.reshape(-1)
        return Storage(array, array.nbytes, dtypes.FROM_ARRAY.get(array.dtype))
    raise TypeError("map_location() is given a storage and its location, and must return a "
                    f"storage or None, but returned {type(found).__name__}")


def meta_array(shape: tuple[int, ...], stride: tuple[int, ...], kind: dtype) -> MetaArray:
    """An array without data of that geometry; strides in elements."""
    return MetaArray(shape, kind.array, [s * kind.itemsize for s in stride])
