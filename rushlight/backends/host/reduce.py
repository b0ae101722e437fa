"""Reductions by NumPy: sums in blocks, half types in float32, torch's answers in the corners."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base.shapes import normalize_dim

BLOCK = 512  # rows summed at a time: two short sums err less than a long one

Axes = tuple[int, ...]


def reduced_shape(shape: Axes, axes: Axes, keepdim: bool) -> Axes:
    """What is left of `shape` without `axes`, which keep size 1 if keepdim."""
    if keepdim:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def _wide(array: np.ndarray) -> np.ndarray:
    """Half types as float32, in which they are computed."""
    return array.astype(np.float32) if array.dtype.itemsize == 2 and (
        array.dtype.kind in "fV") else array


def sum(array: Any, axes: Axes, keepdim: bool = False) -> Any:
    """The sum over `axes` in the array's own dtype; floating sums in blocks."""
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), array.dtype)
    wide = _wide(array)
    if wide is not array:
        return sum(wide, axes, keepdim).astype(array.dtype)
    if axes == (0,) and array.ndim > 1 and array.shape[0] > 2 * BLOCK and array.dtype.kind in "fc":
        total = _sum_rows(array)
        return total[None] if keepdim else total
    return np.add.reduce(array, axis=axes, dtype=array.dtype, keepdims=keepdim, out=...)


def _sum_rows(array: np.ndarray) -> np.ndarray:
    n = array.shape[0] // BLOCK * BLOCK
    blocks = array[:n].reshape(-1, BLOCK, *array.shape[1:]).sum(axis=1).sum(axis=0)
    return blocks + array[n:].sum(axis=0) if n < array.shape[0] else blocks


def mean(array: Any, axes: Axes, keepdim: bool) -> Any:
    """The mean over `axes`; NaN over nothing."""
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), array.dtype)
    count = math.prod(array.shape[a] for a in axes)
    wide = _wide(array)
    total = sum(wide, axes, keepdim)
    if wide.dtype.kind in "iu":
        return total // count if count else total
    with np.errstate(all="ignore"):
        result = np.divide(total, wide.dtype.type(count), out=...)
    return result if wide is array else result.astype(array.dtype)


def prod(array: Any, axes: Axes, keepdim: bool) -> Any:
    """The product over `axes`."""
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), array.dtype)
    wide = _wide(array)
    result = np.multiply.reduce(wide, axis=axes, dtype=wide.dtype, keepdims=keepdim, out=...)
    return result.astype(array.dtype, copy=False)


def extreme(name: str, array: Any, axes: Axes, keepdim: bool) -> Any:
    """The largest ("amax") or smallest ("amin") element over `axes`; NaN wins."""
    if array.dtype.kind == "c":
        raise RuntimeError(f"{name}(): not implemented for complex dtypes")
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), array.dtype)
    for a in axes:
        if not array.shape[a]:
            raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size.")
    function = np.maximum if name == "amax" else np.minimum
    wide = _wide(array)
    result = function.reduce(wide, axis=axes, keepdims=keepdim, out=...)
    return result.astype(array.dtype, copy=False)


def truth(function: np.ufunc, array: Any, axes: Axes, keepdim: bool) -> Any:
    """All or any of the elements over `axes`; of uint8 as uint8, as torch has it."""
    kind = np.dtype(np.uint8 if array.dtype == np.uint8 else np.bool_)
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), kind)
    source = array if array.dtype.kind != "V" else array != 0
    return function.reduce(source, axis=axes, keepdims=keepdim, out=...).astype(kind, copy=False)


def where(name: str, array: Any, dim: Any, keepdim: bool) -> Any:
    """The index of an extreme ("argmax", "argmin"), the first NaN before all."""
    if array.dtype.kind == "c":
        raise NotImplementedError(f'"{name}_cpu" not implemented for complex dtypes')
    if dim is None:
        if not array.size:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for "
                             "input.numel() == 0.")
        shape = (1,) * array.ndim if keepdim else ()
        if is_meta(array):
            return MetaArray(shape, np.dtype(np.int64))
        flat = getattr(np, name)(_ordered(array))
        return np.array(flat, np.int64).reshape(shape)
    axis = normalize_dim(dim, array.ndim)
    return along(name, array, axis, keepdim)[1]


def along(name: str, array: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """(values, indices) of an extreme along one axis."""
    if not array.ndim:
        index = np.zeros((), np.int64)
        return (array if is_meta(array) else array.copy()), index
    if not array.shape[axis]:
        word = "max()" if name == "argmax" else "min()"
        raise IndexError(f"{word}: Expected reduction dim {axis} to have non-zero size.")
    if is_meta(array):
        shape = reduced_shape(array.shape, (axis,), keepdim)
        return MetaArray(shape, array.dtype), MetaArray(shape, np.dtype(np.int64))
    index = np.expand_dims(getattr(np, name)(_ordered(array), axis=axis), axis).astype(np.int64)
    values = np.take_along_axis(array, index, axis)
    if not keepdim:
        return values.squeeze(axis), index.squeeze(axis)
    return values, index


def _ordered(array: np.ndarray) -> np.ndarray:
    return _wide(array)


def variance(array: Any, axes: Axes, correction: float, keepdim: bool) -> Any:
    """The mean squared deviation over `axes`, in two passes; NaN where nothing is left."""
    if is_meta(array):
        return MetaArray(reduced_shape(array.shape, axes, keepdim), array.dtype)
    wide = _wide(array)
    count = math.prod(wide.shape[a] for a in axes)
    with np.errstate(all="ignore"):
        centred = wide - mean(wide, axes, True)
        total = sum(np.square(centred, out=centred) if centred.ndim else centred * centred,
                    axes, keepdim)
        result = np.divide(total, wide.dtype.type(count - correction if count > correction else 0),
                           out=...)
    return result.astype(array.dtype, copy=False)
