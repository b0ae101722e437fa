"""Arrays converted to other element types, without NumPy's warnings about what does not fit."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.ufunc import compile_ufunc
from rushlight.backends.quiet import silent

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def astype(array: Any, dtype: np.dtype) -> Any:
    """A converted copy, as torch converts: complex to real drops the imaginary part."""
    source = array.dtype
    if source.kind == "c" and dtype.kind not in "cb":
        array, source = array.real, array.real.dtype
    if type(array) is not np.ndarray or _never_warns(source, dtype):
        return array.astype(dtype)
    if source is FLOAT64 and dtype is FLOAT32:
        kernel = _narrow()
        if kernel is not None:
            return kernel(array, out=...)
    return _silent_astype(array, dtype)


@silent
def _silent_astype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return array.astype(dtype)


@cache
def _never_warns(source: np.dtype, dtype: np.dtype) -> bool:
    """Whether no value can overflow, or be invalid, on the way: integers wrap around in silence."""
    if dtype.kind in "biu":
        return dtype.kind == "b" or source.kind in "biu"
    return np.can_cast(source, dtype, "safe") or (source.kind in "biu" and dtype.itemsize >= 4
                                                  and dtype.kind in "fc")


@cache
def _narrow() -> Any:
    """float64 to float32; None where no code can be generated. (NumPy's cast is as fast, but
    keeping it quiet takes longer than a small array.)"""
    try:
        return compile_ufunc("narrow", """define float @body(double %x) alwaysinline {
  %y = fptrunc double %x to float
  ret float %y
}""", ["float64"], ["float32"])
    except Unavailable:
        return None
