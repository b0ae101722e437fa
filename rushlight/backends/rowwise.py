"""Softmax, its kin and cross entropy on arrays, along one dimension, one fused kernel each."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import strips
from rushlight.backends.host.reduce import reduced_shape
from rushlight.backends.memory import LARGE, recycle
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.backends.quiet import quiet
from rushlight.backends.row_kernels import FLOAT32, Kernels, as_rows, filled

Array = np.ndarray
SOFTMAX, SOFTMAX_BACKWARD = Kernels("softmax"), Kernels("softmax_backward")
LOG_SOFTMAX, LOG_SOFTMAX_BACKWARD = Kernels("log_softmax"), Kernels("log_softmax_backward")
LOGSUMEXP, SUM, MEAN = Kernels("logsumexp"), Kernels("sum"), Kernels("mean")
CROSS_ENTROPY, CROSS_ENTROPY_BACKWARD = Kernels("cross_entropy"), Kernels("cross_entropy_backward")
COUNT_CLASSES = Kernels("count_classes")
INT64 = np.dtype(np.int64)


def _along(kernels: Kernels, dim: int, *arrays: Any) -> Any:
    """The row kernel along `dim` of the arrays; rows that lie in memory as they are uncopied."""
    first = arrays[0]
    last = first.ndim - 1
    if dim == last and type(first) is np.ndarray and first.size < LARGE and (
            first.flags.c_contiguous):
        return kernels[first.dtype](*arrays, out=...)
    if is_meta(first):
        return MetaArray(first.shape, first.dtype)
    if first.size >= LARGE:
        recycle()
    if dim == last:
        # A kernel's own output would follow the strides of its input.
        out: Any = ... if first.flags.c_contiguous else np.empty(first.shape, first.dtype)
        return kernels[first.dtype](*arrays, out=out)
    if last < 0:
        return _along(kernels, 0, *(a.reshape(1) for a in arrays)).reshape(())
    found = strips.run(kernels.name, dim, *arrays)
    if found is not None:
        return found
    moved = _along(kernels, last, *(contiguous(a.swapaxes(dim, last)) for a in arrays))
    return contiguous(moved.swapaxes(dim, last))


def softmax(x: Any, dim: int) -> Any:
    """e**x / sum(e**x)."""
    return _along(SOFTMAX, dim, x)


def softmax_backward(gradient: Any, output: Any, dim: int) -> Any:
    """(g - sum(g y)) y."""
    return _along(SOFTMAX_BACKWARD, dim, gradient, output)


def log_softmax(x: Any, dim: int) -> Any:
    """x - log(sum(e**x))."""
    return _along(LOG_SOFTMAX, dim, x)


def log_softmax_backward(gradient: Any, output: Any, dim: int) -> Any:
    """g - sum(g) e**y."""
    return _along(LOG_SOFTMAX_BACKWARD, dim, gradient, output)


def logsumexp(x: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    """log(sum(e**x)) over several dimensions."""
    if is_meta(x):
        return MetaArray(reduced_shape(x.shape, dims, keepdim), x.dtype)
    found = strips.run("logsumexp", dims[0], x) if len(dims) == 1 else None
    if found is not None:
        return found.reshape(reduced_shape(x.shape, dims, keepdim))
    rows = as_rows(x, dims)
    out: Any = ... if rows.flags.c_contiguous else np.empty(rows.shape[:-1], x.dtype)
    result = LOGSUMEXP[x.dtype](rows, out=out)
    return result if len(dims) == 1 and not keepdim else result.reshape(
        reduced_shape(x.shape, dims, keepdim))


def cross_entropy_rows(x: Any, target: Any, ignore_index: int) -> tuple[Any, Any, int]:
    """Of each row log(sum(e**x)) - x[target] (0 where ignored) and log(sum(e**x)), and how many
    rows are not ignored.

    x: (samples, classes). target: (samples) int64. Raises IndexError for a target outside.
    """
    if is_meta(x):
        return MetaArray(target.shape, x.dtype), None, 0
    classes = x.shape[1]
    counted, bad = COUNT_CLASSES[FLOAT32](
        target, filled(classes, (), INT64), filled(ignore_index, (), INT64))
    if bad != len(target):
        raise IndexError(f"Target {int(target[bad])} is out of bounds: there are {classes} "
                         f"classes, so targets go from 0 to {classes - 1}")
    if x.size >= LARGE:
        recycle()
    wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    losses, total = CROSS_ENTROPY[wide.dtype](
        wide, _without(target, ignore_index, classes), out=(None, None))
    return losses, total, int(counted)


def _without(target: Array, ignore_index: int, classes: int) -> Array:
    """The targets with the ignored ones outside the classes, where the kernels pass over them."""
    if 0 <= ignore_index < classes:
        return np.where(target == ignore_index, -1, target)
    return target


def cross_entropy(x: Any, target: Any, ignore_index: int) -> tuple[Any, Any, int]:
    """The mean of `cross_entropy_rows`, and its other two results; NaN where nothing counts."""
    if is_meta(x):
        return MetaArray((), x.dtype), None, 0
    losses, total, count = cross_entropy_rows(x, target, ignore_index)
    if count == losses.size:
        mean = MEAN[losses.dtype](losses, out=...)
    else:
        whole = SUM[losses.dtype](losses, out=...)
        mean = quiet(np.divide)(whole, filled(count, (), whole.dtype), out=...)
    return mean if mean.dtype is x.dtype else mean.astype(x.dtype), total, count


def cross_entropy_backward(gradient: Any, x: Any, target: Any, ignore_index: int,
                           total: Any) -> Any:
    """gradient (softmax(x) - onehot(target)): gradient is a number, or one for each row.

    total: log(sum(e**x)) of each row.
    """
    if is_meta(x):
        return MetaArray(x.shape, x.dtype)
    wide = x.astype(np.float32) if x.dtype.itemsize == 2 else x
    result = CROSS_ENTROPY_BACKWARD[wide.dtype](
        gradient.astype(wide.dtype, copy=False), wide,
        _without(target, ignore_index, x.shape[1]), total, out=...)
    return result.astype(x.dtype, copy=False)


def mean_cross_entropy_backward(gradient: Any, x: Any, target: Any, ignore_index: int,
                                total: Any, count: int) -> Any:
    """The gradient of the mean over the `count` rows that are not ignored."""
    if is_meta(x):
        return MetaArray(x.shape, x.dtype)
    kind = FLOAT32 if x.dtype.itemsize == 2 else x.dtype
    each = quiet(np.divide)(gradient.astype(kind, copy=False), filled(count, (), kind), out=...)
    return cross_entropy_backward(each, x, target, ignore_index, total)
