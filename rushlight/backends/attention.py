"""Scaled dot-product attention on arrays, there and back: generated code, or NumPy on the host."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import attention as cpu
from rushlight.backends.cpu import task
from rushlight.backends.host import attention as host
from rushlight.backends.memory import LARGE, recycle
from rushlight.base.dtypes import NAMES

Array = Any  # an np.ndarray
HALF = ("float16", "bfloat16")


def serves(array: Any) -> bool:
    """Whether attention of this element type runs here."""
    return type(array) is np.ndarray and (
        (array.dtype.char in "fd" and array.dtype.isnative) or NAMES[array.dtype] in HALF)


def _heads(x: Array, dtype: np.dtype) -> Array:
    """(..., heads, time, dim) as four dimensions of which the last is contiguous."""
    x = x.astype(dtype, copy=False)
    if x.ndim != 4:
        lead = x.shape[:-2] if x.ndim > 2 else (1,)
        x = x.reshape(prod(lead[:-1]), lead[-1], *x.shape[-2:])
    return x if x.strides[3] == x.itemsize else contiguous(x)


def _mask(mask: Array | None, shape: tuple[int, ...], dtype: np.dtype) -> Array | None:
    """What is added to scores of `shape`, broadcast to it without a copy but along the last
    dimension."""
    if mask is None:
        return None
    if mask.dtype.kind == "b":
        mask = np.where(mask, dtype.type(0), dtype.type(-np.inf))
    mask = np.ascontiguousarray(mask, dtype)
    if mask.shape[-1] != shape[-1]:
        mask = np.repeat(mask, shape[-1], -1)
    return np.broadcast_to(mask, shape).reshape(-1, *shape[-3:]) if len(shape) > 4 else (
        np.broadcast_to(mask, (*(1,) * (4 - len(shape)), *shape)))


def _prepared(q: Array, k: Array, v: Array, mask: Array | None) -> tuple[Any, ...]:
    dtype = np.dtype(np.float32) if q.dtype.itemsize == 2 else q.dtype
    shape = (*q.shape[:-1], k.shape[-2])
    return *(_heads(x, dtype) for x in (q, k, v)), _mask(mask, shape, dtype)


def forward(q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float,
            ) -> tuple[Array, Array]:
    """softmax(scale q k^T + mask) v, and the logarithm of each row's sum for the gradient.

    q: (..., heads, targets, dim). k: (..., heads or a divisor of them, sources, dim). v: as k, any
    dim. mask: bool (True takes part) or added, broadcastable to (..., heads, targets, sources).
    causal: targets look at sources up to their own place. scale: positive. Rows that may look
    nowhere are zeros. Sizes are positive.
    """
    if q.size >= LARGE:
        recycle()
    out, total = _native().forward(*_prepared(q, k, v, mask), causal, scale)
    return _as(out, (*q.shape[:-1], v.shape[-1]), q.dtype), total


def backward(gradient: Array, q: Array, k: Array, v: Array, mask: Array | None, causal: bool,
             scale: float, out: Array, total: Array) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v; `out` and `total` are what `forward` returned."""
    *given, mask = _prepared(q, k, v, mask)
    found = _native().backward(_heads(gradient, given[0].dtype), *given, mask, causal, scale,
                               _heads(out, given[0].dtype), total)
    return tuple(_as(g, x.shape, x.dtype)
                 for g, x in zip(found, (q, k, v), strict=True))


def _as(x: Array, shape: tuple[int, ...], dtype: np.dtype) -> Array:
    x = x if x.shape == shape else x.reshape(shape)
    return x.astype(dtype, copy=False)


@cache
def _native() -> Any:
    return cpu if task.available() else host
