"""Rowwise kernels on arrays: softmax, normalisation and their gradients, along one dimension."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rushlight.backends.host.reduce import mean, variance
from rushlight.backends.meta.array import MetaArray, is_meta

Array = np.ndarray


def along(function: Callable[..., Array], dim: int, *arrays: Any) -> Any:
    """`function` of arrays whose last dimension is `dim` of the given ones; half types widened."""
    first = arrays[0]
    if is_meta(first):
        return MetaArray(first.shape, first.dtype)
    if not first.ndim:
        return along(function, 0, *(a.reshape(1) for a in arrays)).reshape(())
    kind = first.dtype
    half = kind.itemsize == 2
    moved = [a.astype(np.float32) if half else a for a in arrays]
    if dim != first.ndim - 1:
        moved = [a.swapaxes(dim, -1) for a in moved]
    result = function(*moved)
    if dim != first.ndim - 1:
        result = np.ascontiguousarray(result.swapaxes(dim, -1))
    return result.astype(kind) if half else result


def _shifted(x: Array) -> Array:
    """x less its largest element; rows of -inf are left alone so that they give NaN, as torch."""
    if not x.shape[-1]:
        return x.copy()
    return x - np.maximum.reduce(x, axis=-1, keepdims=True)


def softmax(x: Array) -> Array:
    """e**x / sum(e**x)."""
    e = _shifted(x)
    np.exp(e, out=e)
    return np.divide(e, np.add.reduce(e, axis=-1, keepdims=True), out=e)


def softmax_backward(g: Array, y: Array) -> Array:
    """(g - sum(g y)) y."""
    product = g * y
    total = np.add.reduce(product, axis=-1, keepdims=True)
    return np.subtract(product, np.multiply(y, total), out=product)


def log_softmax(x: Array) -> Array:
    """x - log(sum(e**x))."""
    shifted = _shifted(x)
    total = np.log(np.add.reduce(np.exp(shifted), axis=-1, keepdims=True))
    return np.subtract(shifted, total, out=shifted)


def log_softmax_backward(g: Array, y: Array) -> Array:
    """g - sum(g) e**y."""
    result = np.exp(y)
    np.multiply(result, np.add.reduce(g, axis=-1, keepdims=True), out=result)
    return np.subtract(g, result, out=result)


def normalize(x: Array, eps: float) -> tuple[Array, Array]:
    """((x - mean) * rstd, rstd) along the last dimension."""
    kind = x.dtype
    wide = x.astype(np.float32) if kind.itemsize == 2 else x
    axes = (wide.ndim - 1,)
    centred = wide - mean(wide, axes, True)
    total = mean(centred * centred, axes, True)
    rstd = 1 / np.sqrt(total + wide.dtype.type(eps))
    return (np.multiply(centred, rstd, out=centred).astype(kind, copy=False),
            rstd.astype(kind, copy=False))


def _channel_axes(x: Array) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and biased variance of each channel of (batch, channels, *)."""
    wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    axes = _channel_axes(wide)
    return mean(wide, axes, True), variance(wide, axes, 0, True)


def batch_normalize(x: Array, eps: float) -> tuple[Array, Array, Array]:
    """(x - mean) / sqrt(variance + eps) of each channel, and the two."""
    kind = x.dtype
    wide = x.astype(np.float32) if kind.itemsize == 2 else x
    centre, spread = batch_statistics(wide)
    result = wide - centre
    np.multiply(result, 1 / np.sqrt(spread + wide.dtype.type(eps)), out=result)
    return result.astype(kind, copy=False), centre, spread


def cross_entropy(x: Array, target: Array, ignore_index: int) -> tuple[Array, Array]:
    """(the mean of -log_softmax(x)[target], log_softmax(x)); ignored targets do not count."""
    n, classes = x.shape
    logs = log_softmax(x)
    if target.min() >= 0 and target.max() < classes:
        picked = logs[np.arange(n), target] if not 0 <= ignore_index < classes else None
    else:
        picked = None
    if picked is not None:
        return np.array(-picked.mean(), x.dtype), logs
    ignored = target == ignore_index
    bad = ~ignored & ((target < 0) | (target >= classes))
    if bad.any():
        raise IndexError(f"Target {int(target[bad][0])} is out of bounds: there are {classes} "
                         f"classes, so targets go from 0 to {classes - 1}")
    safe = np.where(ignored, 0, target)
    picked = np.where(ignored, x.dtype.type(0), logs[np.arange(n), safe])
    with np.errstate(all="ignore"):
        return np.array(-picked.sum() / x.dtype.type((~ignored).sum()), x.dtype), logs


def cross_entropy_backward(g: Array, logs: Array, target: Array, ignore_index: int) -> Array:
    """g (softmax - onehot) / samples that count."""
    n = len(target)
    result = np.exp(logs)
    ignored = target == ignore_index
    count = n - int(ignored.sum())
    safe = np.where(ignored, 0, target) if count != n else target
    result[np.arange(n), safe] -= 1
    with np.errstate(all="ignore"):
        result *= g / logs.dtype.type(count)
    if count != n:
        result[ignored] = 0
    return result
