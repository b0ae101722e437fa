"""How an array lies in memory, as oneDNN is told of it."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from rushlight.backends.cpu.onednn.interface import Descriptor

Ints = tuple[int, ...]


class Layout(NamedTuple):
    """Shape, strides in elements, and the data type's name."""

    shape: Ints
    strides: Ints
    kind: str

    @classmethod
    def of(cls, array: np.ndarray) -> Layout:
        """The layout of `array`; a new dimension of NumPy's, of one element in steps of nothing,
        would send a product to oneDNN's reference loops, a thousand times slower.
        """
        size = array.itemsize
        strides = [s // size for s in array.strides]
        if 0 in strides:
            whole = max(s * n for s, n in zip(strides, array.shape, strict=True)) or 1
            strides = [s or (whole if n == 1 else 0)
                       for s, n in zip(strides, array.shape, strict=True)]
        return cls(array.shape, tuple(strides), array.dtype.name)

    def part(self, axis: int, first: int, last: int) -> tuple[Layout, int]:
        """The layout of a range along a dimension, and its distance from the start in elements."""
        shape = (*self.shape[:axis], last - first, *self.shape[axis + 1 :])
        return self._replace(shape=shape), first * self.strides[axis]

    def descriptor(self) -> Descriptor:
        """The memory descriptor of this layout."""
        return Descriptor.strided(self.shape, self.strides, self.kind)


def contiguous(shape: Ints) -> Ints:
    """Strides, in elements, of a row-major array."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def channels_last(shape: Ints) -> Ints:
    """Strides, in elements, of (batch, channels, *space) with the channels innermost."""
    _, channels, *space = shape
    inner = contiguous((*space, channels))
    return (prod(space) * channels, 1, *inner[:-1])


def describable(array: np.ndarray) -> np.ndarray:
    """`array`, or a copy where oneDNN cannot be told of its strides (repeating, reversed)."""
    if array.flags.c_contiguous:
        return array
    reach = size = array.itemsize
    for stride, extent in sorted(zip(array.strides, array.shape, strict=True)):
        if extent > 1:
            if stride < reach or stride % size:
                return np.ascontiguousarray(array)
            reach = stride * extent
    return array
