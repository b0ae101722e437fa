"""The order of memory of elementwise results: the first operand decides.

Of two dimensions that lies further in which has the smaller stride in the first operand that tells
them apart; one that is spread along either (stride 0) does not. NumPy does the same where operands
agree, but makes a row-major result where they don't.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from rushlight.backends.memory import LARGE, recycle

Array = Any  # np.ndarray
Numbers = tuple[int, ...]


def empty(shape: Numbers, dtype: Any, operands: Sequence[Array]) -> Array:
    """A new dense array for a result of `operands`, which broadcast to `shape`."""
    recycle()
    order = _order(shape, *[(a.shape, a.strides) for a in operands])
    places = sorted(range(len(shape)), key=order.__getitem__)
    return np.empty([shape[k] for k in order], dtype).transpose(places)


def empty_like(array: Array, dtype: Any = None) -> Array:
    """A new dense array with the dimensions of `array` in the order that they have in memory."""
    if array.flags.forc or 0 not in array.strides:
        if array.size >= LARGE:
            recycle()
        return np.empty_like(array, dtype, subok=False)
    return empty(array.shape, array.dtype if dtype is None else dtype, (array,))


def arranged(result: Array, operands: Sequence[Array]) -> Array:
    """`result` if it has the order that `operands` ask for, else a copy that has it."""
    order = _order(result.shape, *[(a.shape, a.strides) for a in operands])
    if result.transpose(order).flags.c_contiguous:
        return result
    made = empty(result.shape, result.dtype, operands)
    made[...] = result
    return made


def arranged_as(result: Array, strides: Numbers) -> Array:
    """`result` in the order that these strides ask for, which say nothing where they are 0."""
    order = _order(result.shape, (result.shape, strides))
    if result.transpose(order).flags.c_contiguous:
        return result
    return np.ascontiguousarray(result.transpose(order)).transpose(np.argsort(order))


@lru_cache(1024)
def _order(shape: Numbers, *operands: tuple[Numbers, Numbers]) -> Numbers:
    """The dimensions of a result of `shape`, from the outermost in memory to the innermost."""
    spread = [_spread(shape, *operand) for operand in operands]
    order = list(range(len(shape)))
    for begin in range(len(shape) - 2, -1, -1):  # insertion; in doubt things stay
        place = begin
        for other in range(begin + 1, len(shape)):
            further_in = _compared(order[other], order[place], shape, spread)
            if further_in > 0:
                order[place], order[other] = order[other], order[place]
                place = other
            elif further_in < 0:
                break
    return tuple(order)


def _spread(shape: Numbers, own: Numbers, strides: Numbers) -> Numbers:
    """The strides of an operand, 0 where it is broadcast."""
    missing = len(shape) - len(own)
    return (0,) * missing + tuple(
        0 if n == 1 != size else abs(stride)
        for n, size, stride in zip(own, shape[missing:], strides, strict=True))


def _compared(inner: int, outer: int, shape: Numbers, operands: Sequence[Numbers]) -> int:
    """Whether the dimension `inner` should change places with `outer`: 1, -1 for no, 0 in doubt."""
    for strides in operands:
        if strides[inner] and strides[outer]:
            if strides[inner] != strides[outer]:
                return 1 if strides[inner] > strides[outer] else -1
            if shape[inner] > shape[outer]:
                return 1
    return 0

