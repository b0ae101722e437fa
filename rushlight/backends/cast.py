"""Arrays converted to other element types, without NumPy's warnings about what does not fit."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.ufunc import compile_ufunc
from rushlight.backends.memory import recycle
from rushlight.backends.memory_order import arranged
from rushlight.backends.quiet import silent
from rushlight.base.first_use import Deferred
from rushlight.expr.expression import call, symbol

if TYPE_CHECKING:
    from rushlight.backends.cpu import kernels
else:
    kernels = Deferred("rushlight.backends.cpu.kernels", globals())

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
HALF = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
LARGE = 1 << 16  # elements from which on threads share a conversion, of those where no number is
EXACT = {  # out of range: what becomes of fractions that no integer holds is NumPy's to say
    "float32": ("bool", "float64"), "float64": ("bool", "float32"),
    "bool": ("float32", "float64", "int32", "int64"),
    "int32": ("bool", "float32", "float64", "int64"),
    "int64": ("bool", "float32", "float64", "int32"),
}
MANY = 256  # elements from which on a kernel for half types is quicker than NumPy's loop


def astype(array: Any, dtype: np.dtype) -> Any:
    """A converted copy, as torch converts: complex to real drops the imaginary part."""
    source = array.dtype
    if source.kind == "c" and dtype.kind not in "cb":
        array, source = array.real, array.real.dtype
    if type(array) is np.ndarray and ((source is FLOAT32 and dtype in HALF) or (  # NumPy may warn
            array.size >= MANY and dtype is FLOAT32 and source in HALF)):
        kernel = _kernel(source, dtype)
        if kernel is not None:
            recycle()
            return kernel(array, out=np.empty_like(array, dtype))
    if type(array) is np.ndarray and array.size >= LARGE and array.flags.forc:
        kernel = _large_kernel(source, dtype)
        if kernel is not None:
            recycle()
            return kernel(array, out=np.empty_like(array, dtype))
    if type(array) is np.ndarray and 0 in array.strides and array.ndim > 1:
        return arranged(_silent_astype(array, dtype), (array,))
    if type(array) is not np.ndarray or never_warns(source, dtype):
        return array.astype(dtype)
    if source is FLOAT64 and dtype is FLOAT32:
        kernel = _kernel(source, dtype)
        if kernel is not None:
            return kernel(array, out=...)
    return _silent_astype(array, dtype)


@cache  # by dtypes: NumPy makes their names anew whenever asked, which takes 2 us
def _large_kernel(source: np.dtype, dtype: np.dtype) -> Any:
    """A conversion that cannot fail, for the threads to share; None for any other."""
    if dtype.name not in EXACT.get(source.name, ()):
        return None
    x = symbol("x", boolean=source.kind == "b")
    try:
        return kernels.kernel(call("nonzero", x) if dtype.kind == "b" else x, ["x"],
                              (source,), dtype)
    except kernels.Unsupported:
        return None


@silent
def _silent_astype(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return array.astype(dtype)


@cache
def never_warns(source: np.dtype, dtype: np.dtype) -> bool:
    """Whether no value can overflow, or be invalid, on the way: integers wrap around in silence."""
    if dtype.kind in "biu":
        return dtype.kind == "b" or source.kind in "biu"
    return np.can_cast(source, dtype, "safe") or (source.kind in "biu" and dtype.itemsize >= 4
                                                  and dtype.kind in "fc")


@cache
def _kernel(source: np.dtype, dtype: np.dtype) -> Any:
    """The conversion as a ufunc; None where no code can be generated. (NumPy takes half types one
    by one; its cast from float64 is as fast, but keeping it quiet takes longer than a small array.)
    """
    body = """define float @body(float %x) alwaysinline {
  ret float %x
}"""  # numbers of half types reach a body as float
    if source is FLOAT64:
        body = """define float @body(double %x) alwaysinline {
  %y = fptrunc double %x to float
  ret float %y
}"""
    try:
        return compile_ufunc(f"{source.name}_to_{dtype.name}", body, [source.name], [dtype.name])
    except Unavailable:
        return None
