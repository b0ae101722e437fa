"""Images and volumes with their channels innermost in memory: who has them, and how to make them.

(batch, channels, *space) in the order of memory (batch, *space, channels), torch's `channels_last`
and `channels_last_3d`. Kernels of operations that keep the order of their input ask `is_last`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.copies import copied
from rushlight.backends.memory import recycle

Array = Any  # np.ndarray
ORDER = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}  # dimensions as they lie in memory
BACK = {4: (0, 3, 1, 2), 5: (0, 4, 1, 2, 3)}


def is_last(array: Array) -> bool:
    """Whether the strides say that channels come last, as torch reads them.

    Where a size of 1 leaves it open the strides still tell, and row-major ones say no.
    """
    strides = array.strides
    if len(strides) < 4 or strides[-1] < strides[1]:  # row-major, as most are
        return False
    order, shape = ORDER.get(len(strides)), array.shape
    if order is None or not strides[1]:
        return False
    least = strides[1] * max(shape[1], 1)
    for d in order[-2:0:-1]:
        if strides[d] < least or not shape[d]:
            return False
        least = strides[d] * shape[d]
    return bool(shape[1] and shape[0] and strides[0] >= least > strides[1])


def empty(shape: tuple[int, ...], dtype: Any, last: bool = True) -> Array:
    """A new array with its channels last, or a row-major one."""
    if not last:
        return np.empty(shape, dtype)
    recycle()
    n, c, *space = shape
    return np.empty((n, *space, c), dtype).transpose(BACK[len(shape)])


def arranged(array: Array, last: bool = True) -> Array:
    """`array` if it is dense with its channels last, or row-major; else a copy that is."""
    if not last:
        return array if array.flags.c_contiguous else copied(array)
    inner = array.transpose(ORDER[array.ndim])
    if not inner.flags.c_contiguous:
        return copied(inner).transpose(BACK[array.ndim])
    n, c, *space = array.shape
    step = array.itemsize * c
    for extent, stride in zip((*space[::-1], n), (*array.strides[:1:-1], array.strides[0]),
                              strict=True):
        if stride != step:  # dense, but for a size of 1 whose stride says otherwise
            return inner.reshape(-1).reshape(inner.shape).transpose(BACK[array.ndim])
        step *= extent
    return array


def like(array: Array, source: Array) -> Array:
    """`array` in the order of memory of `source`: channels last if they are there, else as is."""
    return arranged(array) if is_last(source) and array.ndim == source.ndim else array
