"""Whether an array holds a NaN or an infinity, at the speed of memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.cpu import finite

SMALL = 1 << 10  # elements that NumPy looks through in less time than a call takes


def all_finite(array: Any) -> bool:
    """Whether no element is a NaN or an infinity; true of what has no values."""
    if type(array) is not np.ndarray or array.dtype.kind in "biu":
        return True
    if array.size >= SMALL and array.dtype.isnative and finite.serves(array.dtype):
        count = _together(array)
        if count:
            return finite.finite(array, count)
    return bool(np.isfinite(array).all())  # quicker than a sum, and nothing overflows


def _together(array: np.ndarray) -> int:
    """How many elements the array has in memory, if there is no gap between them, else 0."""
    if array.flags.forc:
        return array.size
    expected = array.itemsize
    for stride, size in sorted(zip(array.strides, array.shape, strict=True)):
        if size == 1 or stride == 0:  # repeated, not stored again
            continue
        if stride != expected:
            return 0
        expected *= size
    return expected // array.itemsize
