"""Weights in a library's own layout, kept from call to call while nobody can have written to them.

A copy stands for a tensor's memory as long as all of this holds: the array lives; the version
that its tensor, views and detached forms share has not moved; and nobody else could write. For the
last, nothing is kept for an array that others hold or that only borrows its memory, and `forget` is
called wherever memory is given out unwatched (`Tensor.data`, `numpy()`, `data_ptr()`, storages).
"""

from __future__ import annotations

from collections.abc import Hashable
from sys import getrefcount
from typing import Any
from weakref import ref

import numpy as np

SHAPES = 2  # kinds of input for which a weight is kept at a time
LIMIT = 1 << 30  # bytes of copies altogether: with them, no further weight is kept
SMALLEST = 1 << 14  # elements; changing the layout of fewer costs nothing


class Kept:
    """The copies of one weight, by what they were made for, and the version they were made of."""

    __slots__ = ("array", "copies", "count", "version")

    def __init__(self, array: np.ndarray, version: list[Any]) -> None:
        number = id(array)
        self.array = ref(array, lambda _: kept.pop(number, None))
        self.version, self.count = version, version[0]
        self.copies: dict[Hashable, np.ndarray] = {}

    def add(self, key: Hashable, copy: np.ndarray) -> None:
        """Keep one more copy; the oldest goes when there are too many."""
        while len(self.copies) >= SHAPES:
            self.copies.pop(next(iter(self.copies)), None)
        self.copies[key] = copy


kept: dict[int, Kept] = {}


def of(array: np.ndarray, version: list[Any]) -> Kept | None:
    """Where copies of `array` are kept, which only one tensor may hold; None if none may be.

    Call it as `of(tensor._array, version)`: a variable of the caller's would count as a holder.
    """
    found = kept.get(id(array))
    if found is not None and found.version is version and found.count == version[0]:
        return found
    if array.size < SMALLEST or array.base is not None or getrefcount(array) > _ALONE or _full():
        return None
    found = kept[id(array)] = Kept(array, version)
    return found


def _full() -> bool:
    """Whether the copies take all that they may: to keep the newest would make room by the oldest,
    and of weights that take turns none would be there when it is wanted."""
    return sum(copy.nbytes for entry in list(kept.values())
               for copy in list(entry.copies.values())) >= LIMIT


def forget(array: np.ndarray) -> None:
    """Drop what is kept for the memory that `array` looks at: it may be written to unseen."""
    while kept and isinstance(array, np.ndarray):
        kept.pop(id(array), None)
        array = array.base  # type: ignore[assignment]


class _Holder:
    __slots__ = ("_array",)


def _references(array: np.ndarray, version: Any) -> int:
    """As `of` counts them."""
    return getrefcount(array)


def _alone() -> int:
    holder: Any = _Holder()
    holder._array = np.empty(1)
    return _references(holder._array, None)


_ALONE = _alone()  # references to an array that one tensor holds, seen from `of`
