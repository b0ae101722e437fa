"""The memory that an array lies in, as the storage that a file keeps for all tensors over it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.dtypes import dtype
from rushlight.tensor.storage import address, lowest_address


class Memory:
    """A span of bytes and the array that keeps it alive, whose element type is `dtype`."""

    __slots__ = ("address", "dtype", "is_copy", "owner", "size")

    def __init__(self, owner: np.ndarray, is_copy: bool = False) -> None:
        self.owner = owner
        self.is_copy = is_copy
        self.address = lowest_address(owner)
        self.size = _span(owner)
        self.dtype: dtype | None = dtypes.FROM_ARRAY.get(owner.dtype)

    @property
    def identity(self) -> Any:
        """Equal for tensors that share memory; empty memory is shared with nobody."""
        return (self.address, self.size) if self.size else id(self)

    def bytes(self) -> memoryview:
        """The bytes themselves, not a copy."""
        if not self.size:
            return memoryview(b"")
        return memoryview((ctypes.c_ubyte * self.size).from_address(self.address)).cast("B")


def memory_of(array: np.ndarray) -> Memory:
    """The memory of the array that `array` is a view of, or that of a copy of its elements.

    A copy is taken where no storage can describe the view: of strides that are negative or no
    whole elements, or of memory whose extent is not known.
    """
    owner = _owner(array)
    steps_fit = all(s >= 0 and s % array.itemsize == 0 for s in array.strides)
    memory = Memory(owner)
    offset = address(array) - memory.address
    whole = memory.dtype is not None and memory.size % memory.owner.itemsize == 0
    if array.size and not (steps_fit and whole and offset % array.itemsize == 0 and offset >= 0
                           and offset + _span(array) <= memory.size
                           and array.dtype.isnative):
        return Memory(np.array(array, array.dtype.newbyteorder("="), order="C"), True)
    return memory


def _owner(array: np.ndarray) -> np.ndarray:
    """The array at the end of the chain of bases; `as_strided` puts a holder between."""
    while True:
        base: Any = array.base
        if isinstance(base, np.ndarray):
            array = base
        elif isinstance(getattr(base, "base", None), np.ndarray):
            array = base.base
        else:
            return array


def _span(array: np.ndarray) -> int:
    """Bytes between the first and the last that an array looks at."""
    if not array.size:
        return 0
    return array.itemsize + sum((n - 1) * abs(s) for n, s in zip(array.shape, array.strides))
