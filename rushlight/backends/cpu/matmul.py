"""Matrix products on the CPU: BLAS through NumPy for small ones, oneDNN for the rest.

NumPy's `dot` has the smallest overhead there is (0.5 us). But its BLAS threads spin, and ruin
every call while another process holds a core; so it gets only what it does on one thread.
"""

from __future__ import annotations

import warnings
from math import prod
from typing import Any

import ml_dtypes
import numpy as np

from rushlight.backends.cast import astype
from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import matrix_vector
from rushlight.backends.cpu.onednn import kept_matmul
from rushlight.backends.cpu.onednn import matmul as library
from rushlight.backends.cpu.onednn.layout import describable
from rushlight.backends.cpu.onednn.library import available
from rushlight.backends.kept_weights import Kept
from rushlight.backends.quiet import quiet
from rushlight.base.dtypes import NAMES

SMALL = 262_144  # multiplications; above, OpenBLAS starts its threads
FEWEST_KEPT = 16  # rows from which a matrix in the library's own layout is worth its memory

# An infinite product is an answer, not a surprise; np.errstate would cost as much as one takes.
warnings.filterwarnings("ignore", "(overflow|invalid value) encountered in dot", RuntimeWarning,
                        r"rushlight\.backends\.cpu\.matmul")

_FLOAT = np.dtype(np.float32)
_HALF = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))


def matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for arrays of one data type and at least one dimension each, as a new array."""
    if a.ndim == 2 and b.ndim == 2:
        return product(a, b)
    if a.ndim == 1 and b.ndim == 1:
        return np.asarray(_dot(a, b))
    if b.ndim == 1 and a.ndim == 2 and a.dtype is _FLOAT and a.size <= SMALL:
        return _dot(a, b)
    if b.ndim <= 2:  # the leading dimensions of `a` are just more rows
        rows = a.reshape(prod(a.shape[:-1]), a.shape[-1]) if a.ndim != 1 else a[None]
        columns = b if b.ndim == 2 else b[:, None]
        out = product(rows, columns)
        return out.reshape(*a.shape[:-1], *b.shape[1:])
    if a.ndim == 1:
        return _batched(a[None], b)[..., 0, :]
    return _batched(a, b)


def keeps(x: np.ndarray, weight: np.ndarray) -> bool:
    """Whether a copy of `weight`, (out, in), in another layout makes `linear` quicker."""
    return (weight.ndim == 2 and x.ndim > 1 and FEWEST_KEPT * weight.shape[1] <= x.size
            and x.size * weight.shape[0] > SMALL and _served(x, weight)
            and weight.flags.c_contiguous)


def linear_kept(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, kept: Kept
                ) -> np.ndarray:
    """`linear` for arrays that `keeps` accepts, with a copy of `weight` made now or earlier."""
    rows = x.reshape(prod(x.shape[:-1]), x.shape[-1])
    out = np.empty((*x.shape[:-1], weight.shape[0]), x.dtype)
    if bias is not None:
        bias = np.ascontiguousarray(bias)
    kept_matmul.matmul(_dense(rows), weight.T, bias, out.reshape(-1, weight.shape[0]), kept)
    return out


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """x @ weight.T + bias for a `weight` of (out, in) or (in,), as a new array."""
    if x.ndim == 2 and weight.ndim == 2:
        return product(x, weight.T, bias)
    if weight.ndim != 2 or x.ndim == 1:
        out = matmul(x, weight.T)
        return out if bias is None else np.add(out, bias, out=...)
    rows = x.reshape(prod(x.shape[:-1]), x.shape[-1])
    return product(rows, weight.T, bias).reshape(*x.shape[:-1], weight.shape[0])


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a @ b + bias for matrices; `bias`, if any, is (columns,)."""
    rows, inner = a.shape
    if rows * inner * b.shape[1] <= SMALL or not _served(a, b):
        if a.dtype is not _FLOAT and a.dtype in _HALF:
            return _through_float32(product, a, b, bias)
        out = _dot(a, b)
        return out if bias is None else np.add(out, bias, out)
    if a.dtype is _FLOAT and (rows == 1 or b.shape[1] == 1) and matrix_vector.serves(a, b):
        one = matrix_vector.product(a, b)
        if one is not None:
            return one if bias is None else np.add(one, bias, one)
    out = np.empty((rows, b.shape[1]), a.dtype)
    if bias is not None:
        bias = np.ascontiguousarray(bias)
    return library.matmul(_dense(a), _dense(b), bias, out)


def _batched(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b over leading dimensions that broadcast; `b` has some."""
    if a.dtype is _FLOAT and a.size * b.shape[-1] < 16_384:
        return quiet(np.matmul)(a, b)
    rows, inner, columns = *a.shape[-2:], b.shape[-1]
    if a.size == rows * inner and b.size == inner * columns and a.size and b.size:
        out = product(a.reshape(rows, inner), b.reshape(b.shape[-2:]))
        return out.reshape(*(1,) * (max(a.ndim, b.ndim) - 2), rows, columns)
    if a.dtype in _HALF and not library.supports(NAMES[a.dtype]):
        return _through_float32(_batched, a, b)
    if a.size * b.shape[-1] < 16_384 or not _served(a, b) or a.size == 0 or b.size == 0:
        return _host(np.matmul, a, b)
    ndim = max(a.ndim, b.ndim)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    if ndim > library.MAX_DIMS or 0 in batch:
        return _host(np.matmul, a, b)
    out = np.empty((*batch, a.shape[-2], b.shape[-1]), a.dtype)
    a, b = (x.reshape((1,) * (ndim - x.ndim) + x.shape) for x in (a, b))
    return library.matmul(_dense(a), _dense(b), None, out)


def _dense(array: np.ndarray) -> np.ndarray:
    """`array`, or a copy where neither its rows nor its columns lie together in memory.

    For such matrices (heads that were mixed as channels, every second column) oneDNN has only its
    reference loops, a thousand times slower than the copy.
    """
    if array.flags.c_contiguous or array.itemsize in array.strides[-2:]:
        return describable(array)
    return contiguous(array)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    try:
        found: np.ndarray = a.dot(b) if a.dtype is _FLOAT else _host(np.dot, a, b)
    except (RuntimeWarning, FloatingPointError):  # as set by the user, who ends the filter above
        found = _host(np.dot, a, b)
    return found


def _host(function: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """NumPy's product."""
    if a.dtype in _HALF:
        return _through_float32(function, a, b)
    result: np.ndarray = quiet(function)(a, b)  # inf and nan are results
    return result


def _through_float32(function: Any, *arrays: np.ndarray | None) -> np.ndarray:
    """The function of half types, summed in float32 and rounded once."""
    kind = next(x.dtype for x in arrays if x is not None)
    wide = (x if x is None else astype(x, _FLOAT) for x in arrays)
    with np.errstate(all="ignore"):
        result: np.ndarray = astype(np.asarray(function(*wide)), kind)
    return result


def _served(a: np.ndarray, b: np.ndarray) -> bool:
    return ((a.dtype is _FLOAT or library.supports(NAMES[a.dtype])) and available()
            and a.size > 0 and b.size > 0)
