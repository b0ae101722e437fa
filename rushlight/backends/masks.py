"""Reading and writing where a mask holds: large arrays by generated code, others by NumPy."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import strided
from rushlight.backends.cpu.blocks import SIZES
from rushlight.backends.memory import recycle
from rushlight.base.first_use import Deferred
from rushlight.expr.expression import call, constant, symbol

if TYPE_CHECKING:
    from rushlight.backends.cpu import kernels, selected
else:
    kernels = Deferred("rushlight.backends.cpu.kernels", globals())
    selected = Deferred("rushlight.backends.cpu.selected", globals())

Array = np.ndarray
BOOL = np.dtype(np.bool_)
BITS = {size: np.dtype(f"i{size}") for size in (1, 2, 4, 8)}
NUMBERS = {"f": (float, int), "i": (int,), "u": (int,)}  # that NumPy takes as they are, by kind
FEW = 256  # elements up to which NumPy's own loop, which asks little, is quicker
LARGE = 1 << 12  # elements of a mask from which on this pays


def _serves(mask: Array, *arrays: Array) -> bool:
    """Whether there is a kernel for arrays that lie as the mask does."""
    if mask.size < LARGE or mask.dtype != np.bool_ or not selected.available():
        return False
    return all(type(a) is np.ndarray and a.flags.c_contiguous and a.itemsize in SIZES
               for a in (mask, *arrays))


def nonzero(array: Array) -> Array:
    """(n, dims): the positions of the elements that are not zero, in row-major order."""
    if array.size < LARGE or not array.ndim:
        if array.ndim == 1:
            return array.nonzero()[0].reshape(-1, 1)
        return np.stack(array.nonzero(), axis=1) if array.ndim else (
            np.empty((int(array != 0), 0), np.int64))
    mask = array if array.dtype == np.bool_ else array != 0
    if not _serves(mask):
        return np.stack(mask.nonzero(), axis=1)
    recycle()
    if mask.ndim == 1:
        return selected.flat_positions(mask).reshape(-1, 1)
    found = selected.positions(mask)
    if mask.ndim == 2:
        return found
    lead = np.unravel_index(found[:, 0], mask.shape[:-1])
    return np.stack([*lead, found[:, 1]], axis=1)


def take(array: Array, mask: Array) -> Array:
    """``array[mask]``, for a mask of the shape of the array or of its first dimensions."""
    if array.shape == mask.shape and _serves(mask, array):
        recycle()
        return selected.take(array, mask)
    return array[mask]


def put(target: Array, mask: Array, values: Array) -> None:
    """``target[mask] = values``, for as many values as the mask selects."""
    if (target.shape == mask.shape and values.dtype == target.dtype and values.ndim == 1
            and _serves(mask, target, values)
            and np.count_nonzero(mask) == values.size):
        selected.put(target, mask, values)
    else:
        target[mask] = values


def fill(target: Array, mask: Array, value: Any) -> None:
    """Write one number wherever the mask, which broadcasts to the target, holds."""
    if (target.size <= FEW and type(value) in NUMBERS.get(target.dtype.kind, ())
            and mask.dtype is BOOL and mask.shape == target.shape):
        np.putmask(target, mask, value)
        return
    kernel = None
    large = target.size >= LARGE
    if type(target) is np.ndarray and target.itemsize <= 8 and (
            target.flags.forc if large else target.flags.c_contiguous
            and mask.shape == target.shape and mask.dtype is BOOL):
        kernel = _filling(target.itemsize)
    if type(value) is not np.ndarray or value.dtype != target.dtype:
        value = np.asarray(value, target.dtype)
    if kernel is None:
        np.copyto(target, value, where=mask)
        return
    bits = BITS[target.itemsize]
    one = (value.reshape(()) if value.ndim else value).view(bits)
    whole = target.view(bits)
    if large:
        strided.apply(kernel, (mask, one, whole), whole)
    else:
        kernel(mask, one, whole, out=whole)


def scaled(array: Any, mask: Array, scale: float) -> Any:
    """array * (scale where the mask, of the same shape, holds, else 0), as a new array."""
    factor = np.asarray(scale, array.dtype)
    kernel = _scaling(array.dtype) if mask.flags.c_contiguous else None
    if kernel is None:
        with np.errstate(all="ignore"):
            return array * np.where(mask, factor, array.dtype.type(0))
    recycle()
    result = np.empty(array.shape, array.dtype)
    strided.apply(kernel, (contiguous(array), mask, factor), result)
    return result


@cache
def _scaling(dtype: np.dtype) -> np.ufunc | None:
    """(number, kept, factor) -> number * (factor if kept else 0)."""
    x, kept, factor = symbol("x"), symbol("kept", boolean=True), symbol("factor")
    body = call("mul", x, call("where", kept, factor, constant(0.0)))
    try:
        return kernels.kernel(body, ["x", "kept", "factor"], (dtype, BOOL, dtype), dtype)
    except kernels.Unsupported:
        return None


@cache
def _filling(size: int) -> np.ufunc | None:
    """The kernel that chooses between two numbers of so many bytes."""
    condition, value, old = symbol("condition", boolean=True), symbol("value"), symbol("old")
    bits = BITS[size]
    try:
        return kernels.kernel(call("where", condition, value, old), ["condition", "value", "old"],
                              (np.dtype(np.bool_), bits, bits), bits)
    except kernels.Unsupported:
        return None
