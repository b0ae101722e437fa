"""Euclidean lengths, without overflow in half types."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.host import reduce
from rushlight.backends.meta.array import MetaArray, is_meta


def euclidean(array: Any, axes: tuple[int, ...], keepdim: bool) -> Any:
    """sqrt(sum(|x|**2)) over `axes`, real."""
    kind = array.dtype
    real = np.dtype(f"f{kind.itemsize // 2}") if kind.kind == "c" else kind
    if is_meta(array):
        shape = reduce.sum(array, axes, keepdim).shape
        return MetaArray(shape, real)
    wide = array.astype(np.float32) if kind.itemsize == 2 else array
    square = wide.real**2 + wide.imag**2 if kind.kind == "c" else wide * wide
    return np.sqrt(reduce.sum(square, axes, keepdim), out=...).astype(real, copy=False)
