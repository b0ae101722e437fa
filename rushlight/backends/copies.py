"""Copies of arrays: large ones in blocks by all threads where code can be generated, else NumPy's.

All take arrays of any kind and give what NumPy would; results are new arrays, in recycled memory
where they are large.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from rushlight.backends.cpu import copies
from rushlight.backends.memory import recycle
from rushlight.backends.memory_order import empty_like

LARGE = 1 << 19  # bytes from which on a copy of its own kind is worth the call, ...
JOINED = 1 << 20  # ... of several arrays to join ...
SCATTERED = 1 << 16  # ... and of an array that is not contiguous
PIECE = 1 << 13  # bytes of each of several arrays to join


def _large(array: Any) -> bool:
    size = array.size * array.dtype.itemsize
    return size >= SCATTERED and type(array) is np.ndarray and array.dtype.isnative and (
        size >= LARGE or not array.flags.c_contiguous)


def copied(array: Any, order: Literal["C", "K"] = "C") -> Any:
    """A copy in row-major order; with order "K" in the order that the dimensions have in memory."""
    spread = order == "K" and type(array) is np.ndarray and 0 in array.strides
    if not _large(array) and not spread:
        return array.copy(order)
    recycle()
    made = empty_like(array) if spread else np.empty_like(array, order=order)
    if not copies.copy_into(made, array):
        made[...] = array
    return made


def contiguous(array: Any) -> Any:
    """The array itself where it is row-major, else a copy that is."""
    return array if array.flags.c_contiguous else copied(array)


def assign(target: np.ndarray, source: np.ndarray) -> None:
    """``target[...] = source``; raises ValueError where `source` does not broadcast."""
    if (_large(target) and target.dtype == source.dtype and type(source) is np.ndarray
            and source.ndim <= target.ndim and target.flags.writeable and distinct(target)
            and not np.may_share_memory(target, source) and copies.copy_into(target, source)):
        return
    target[...] = source


def fill(target: Any, value: Any) -> None:
    """``target.fill(value)`` for a number that the dtype can hold."""
    if _large(target):
        assign(target, np.asarray(value, target.dtype))
    else:
        target.fill(value)


def distinct(array: np.ndarray) -> bool:
    """Whether the strides show that each element has a place of its own in memory."""
    if array.flags.forc:
        return True
    extent = 0  # bytes that the dimensions of smaller strides span
    for stride, size in sorted((abs(s), n) for s, n in zip(array.strides, array.shape,
                                                           strict=True) if n > 1):
        if stride <= extent:
            return False
        extent += stride * (size - 1)
    return True


def joined(arrays: Sequence[np.ndarray], dim: int) -> np.ndarray:
    """The arrays one after another along `dim`, as `numpy.concatenate` does it."""
    if not arrays or (arrays[0].nbytes < PIECE and arrays[-1].nbytes < PIECE):
        return np.concatenate(arrays, dim)
    piece = max(arrays[0].nbytes, arrays[-1].nbytes)
    if len(arrays) * piece < JOINED or not _alike(arrays, dim):
        return np.concatenate(arrays, dim)
    recycle()
    first = arrays[0]
    dim %= first.ndim
    shape = list(first.shape)
    shape[dim] = sum(array.shape[dim] for array in arrays)
    made = np.empty_like(first, shape=shape)  # images may have their channels last
    places, begin = [], 0
    for array in arrays:
        end = begin + array.shape[dim]
        places.append(made[(slice(None),) * dim + (slice(begin, end),)])
        begin = end
    if not copies.copy_all(list(zip(places, arrays, strict=True))):
        return np.concatenate(arrays, dim, out=made)
    return made


def _alike(arrays: Sequence[np.ndarray], dim: int) -> bool:
    """Whether the arrays are of one dtype and differ in size along `dim` alone."""
    first = arrays[0]
    if type(first) is not np.ndarray or not -first.ndim <= dim < first.ndim:
        return False
    dim %= first.ndim
    kind, before, after = first.dtype, first.shape[:dim], first.shape[dim + 1:]
    return all(type(a) is np.ndarray and a.dtype == kind and a.ndim == first.ndim
               and a.shape[:dim] == before and a.shape[dim + 1:] == after for a in arrays)
