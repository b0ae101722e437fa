"""Reductions over any dimensions: fused threaded kernels where memory allows, NumPy elsewhere.

Contiguous float32 and float64 arrays are summed in blocks whose sums are added in double, along
rows or down columns, so that neither the layout nor the number of threads shows in the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.cast import FLOAT32, astype
from rushlight.backends.copies import contiguous
from rushlight.backends.host import reduce as host
from rushlight.backends.meta.array import is_meta
from rushlight.backends.quiet import quiet, silent
from rushlight.backends.row_kernels import COLUMNS, Kernels, Wide, as_rows, column_sum, filled
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_order, running, whole_sum
    from rushlight.backends.host import norms
else:
    few_order = Deferred("rushlight.backends.cpu.few_order", globals())
    running = Deferred("rushlight.backends.cpu.running", globals())
    whole_sum = Deferred("rushlight.backends.cpu.whole_sum", globals())
    norms = Deferred("rushlight.backends.host.norms", globals())

Axes = tuple[int, ...]
CHUNK = 1 << 14  # elements of a row of their own when a whole array is reduced
SUM, MEAN, VARIANCE, DEVIATION = (Kernels(n) for n in ("sum", "mean", "variance", "deviation"))
LENGTHS = Kernels("length")
WIDE_SUM = Wide("sum")
EXTREMES = {name: Kernels(name) for name in ("amax", "amin")}
PLACES = {name: Kernels(name) for name in ("argmax", "argmin")}
VALUES = {"argmax": "amax", "argmin": "amin"}

FOLDS = {"sum": "add", "amax": "max", "amin": "min"}  # of whole numbers
FEW = 4096  # elements below which one call of a kernel is all that a reduction should cost


def few(kernels: Kernels, array: Any, dim: Any, keepdim: bool = False) -> Any:
    """A small array reduced by one kernel over one dimension, or over all of it (dim None).

    None where it is not for that: the general way then knows what to do, or what is wrong.
    """
    kernel = kernels.ufuncs[array.dtype]
    if kernel is None:
        fold = FOLDS.get(kernels.name)
        return fold and running.few(fold, array, dim, keepdim)
    if type(array) is not np.ndarray or not 0 < array.size < FEW:
        return None
    if dim is None:
        if keepdim or not array.flags.c_contiguous:
            return None
        return kernel(array.reshape(-1), out=...)
    n = array.ndim
    if type(dim) is not int or not -n <= dim < n:
        return None
    if keepdim:
        return _dense(kernel(array, axis=dim, keepdims=True, out=...))
    if dim == -1 or dim == n - 1:
        return _dense(kernel(array, out=...))
    return _dense(kernel(array, axis=dim, out=...))


def _dense(results: Any) -> Any:
    """The results in row-major order: those of a kernel lie as its operands do."""
    if type(results) is tuple:
        return results if results[0].ndim < 2 else tuple([_dense(result) for result in results])
    return results if results.ndim < 2 or results.flags.c_contiguous else (
        np.ascontiguousarray(results))


def _suits(array: Any) -> bool:
    """Whether the kernels take the array as it lies in memory."""
    return array.dtype.char in "fd" and array.flags.c_contiguous and array.dtype.isnative


def _rearranged(array: Any, axes: Axes) -> tuple[Any, Axes, list[int]] | None:
    """A strided array as a contiguous one (a view if it is one transposed), the axes there, and
    the order of the dimensions that are left; None where the kernels cannot take it."""
    if array.dtype.char not in "fd" or not array.dtype.isnative or 0 in array.strides:
        return None
    order = sorted(range(array.ndim), key=lambda i: -abs(array.strides[i]))
    moved = contiguous(array.transpose(order))
    kept = [i for i in order if i not in axes]
    return moved, tuple(sorted(order.index(a) for a in axes)), [
        kept.index(i) for i in sorted(kept)]


def _elsewhere(function: Callable[..., Any], reference: Callable[..., Any], array: Any, axes: Axes,
               keepdim: bool, *options: Any) -> Any:
    """`function` of a strided array by way of a contiguous one, or else the host's."""
    found = _rearranged(array, axes)
    if found is None:
        with np.errstate(all="ignore"):
            return reference(array, axes, *options, keepdim)
    moved, places, order = found
    result = contiguous(function(moved, places, *options, False).transpose(order))
    return result.reshape(host.reduced_shape(array.shape, axes, keepdim))


def _flat(kernels: Kernels, array: np.ndarray) -> np.ndarray:
    """A whole contiguous array reduced to a 0-d one: in rows of equal length, so that threads can
    share it and their number does not matter."""
    kernel = kernels[array.dtype]
    flat = array.reshape(-1)
    if flat.size < 2 * CHUNK:
        return kernel(flat, out=...)
    return kernel(_by_chunk(kernel, flat), out=...)


def _wide_sum(array: np.ndarray, axes: Axes, keepdim: bool) -> Any:
    """The sum of a half type as float32, for which nothing is converted but what is read."""
    over = WIDE_SUM[array.dtype] if array.flags.c_contiguous and array.size else None
    if over is None:
        return sum(astype(array, FLOAT32), axes, keepdim)
    if len(axes) < array.ndim:
        found = _sum(array, sorted(axes))
    elif whole_sum.serves(array):
        found = whole_sum.total(array)
    else:
        found = over(array.reshape(-1), out=...)
    return found.reshape(host.reduced_shape(array.shape, axes, keepdim))


def _by_chunk(kernel: Callable[..., Any], flat: np.ndarray, *options: Any) -> np.ndarray:
    """The kernel's number for each chunk of a long row."""
    count, rest = divmod(flat.size, CHUNK)
    parts = np.empty(count + (rest > 0), flat.dtype)
    kernel(flat[:count * CHUNK].reshape(count, CHUNK), *options, out=parts[:count])
    if rest:
        kernel(flat[count * CHUNK:], *options, out=parts[count, ...])
    return parts


def _last(array: Any, axes: Axes) -> Any:
    """The array with the reduced dimensions, its last ones, as one."""
    lead = array.shape[:array.ndim - len(axes)]
    return array.reshape(*lead, math.prod(array.shape[len(lead):]))


def _trailing(array: Any, axes: Axes) -> bool:
    return max(axes) == array.ndim - 1 and max(axes) - min(axes) == len(axes) - 1


def sum(array: Any, axes: Axes, keepdim: bool = False) -> Any:
    """The sum over `axes` in the array's own dtype."""
    found = few(SUM, array, axes[0], keepdim) if len(axes) == 1 else None
    if found is not None:
        return found
    if is_meta(array) or not axes:
        return host.sum(array, axes, keepdim)
    if array.dtype.kind in "biu":
        found = running.fold("add", array, axes)
        return host.sum(array, axes, keepdim) if found is None else found.reshape(
            host.reduced_shape(array.shape, axes, keepdim))
    if array.dtype.itemsize == 2:
        with np.errstate(all="ignore"):
            return _wide_sum(array, axes, keepdim).astype(array.dtype)
    if not _suits(array):
        return _elsewhere(sum, host.sum, array, axes, keepdim)
    if len(axes) == array.ndim:
        result = whole_sum.total(array) if whole_sum.serves(array) else _flat(SUM, array)
    else:
        result = _sum(array, sorted(axes))
    return result.reshape(host.reduced_shape(array.shape, axes, True)) if keepdim else result


def prod(array: Any, axes: Axes, keepdim: bool) -> Any:
    """The product over `axes` in the array's own dtype."""
    if is_meta(array) or array.dtype.kind == "V" or array.dtype.itemsize == 2:
        return silent(host.prod)(array, axes, keepdim)
    found = running.few("mul", array, axes[0] if len(axes) == 1 else None, keepdim) if len(
        axes) in (1, array.ndim) else None
    if found is not None:
        return found
    found = running.fold("mul", array, axes)
    if found is not None:
        return found.reshape(host.reduced_shape(array.shape, axes, keepdim))
    return _dense(quiet(np.multiply).reduce(array, axis=axes, dtype=array.dtype, keepdims=keepdim,
                                            out=...))


def truth(function: np.ufunc, array: Any, axes: Axes, keepdim: bool) -> Any:
    """All or any of the elements over `axes`; of uint8 as uint8, as torch has it."""
    result = host.truth(function, array, axes, keepdim)
    return result if is_meta(result) else _dense(result)


def _sum(array: Any, axes: list[int]) -> Any:
    """The sum over sorted axes: the last run of neighbours first, then the others."""
    begin = end = axes[-1]
    while begin - 1 in axes:
        begin -= 1
    rest = [a for a in axes if a < begin]
    shape = array.shape
    if end == array.ndim - 1:
        result = WIDE_SUM[array.dtype](_last(array, tuple(range(begin, end + 1))), out=...)
    else:
        rows, inner = math.prod(shape[begin:end + 1]), math.prod(shape[end + 1:])
        if begin == 0:
            result = column_sum(array.reshape(rows, inner))
        else:
            result = COLUMNS["column_sum"][array.dtype](
                array.reshape(math.prod(shape[:begin]), rows, inner), out=...)
        result = result.reshape(*shape[:begin], *shape[end + 1:])
    return _sum(result, rest) if rest else result


def mean(array: Any, axes: Axes, keepdim: bool) -> Any:
    """The mean over `axes`; NaN over nothing."""
    if is_meta(array) or not axes or array.dtype.kind not in "fcV":
        return host.mean(array, axes, keepdim)
    if array.dtype.itemsize == 2:
        with np.errstate(all="ignore"):
            total = _wide_sum(array, axes, keepdim)
            return (total / math.prod([array.shape[a] for a in axes])).astype(array.dtype)
    if _suits(array) and not keepdim and _trailing(array, axes) and (
            len(axes) < array.ndim or array.size < 2 * CHUNK):
        return MEAN[array.dtype](_last(array, axes), out=...)
    total = sum(array, axes, keepdim)
    count = math.prod([array.shape[a] for a in axes])
    return quiet(np.divide)(total, filled(count, (), total.dtype), out=...)


def extreme(name: str, array: Any, axes: Axes, keepdim: bool) -> Any:
    """The largest ("amax") or smallest ("amin") element over `axes`; NaN wins."""
    if is_meta(array) or not axes or not _suits(array) or not array.size or not _trailing(
            array, axes):
        found = running.fold(name[1:], array, axes)
        return host.extreme(name, array, axes, keepdim) if found is None else found.reshape(
            host.reduced_shape(array.shape, axes, keepdim))
    kernels = EXTREMES[name]
    result = _flat(kernels, array) if len(axes) == array.ndim else kernels[array.dtype](
        _last(array, axes), out=...)
    return result.reshape(host.reduced_shape(array.shape, axes, True)) if keepdim else result


def where(name: str, array: Any, dim: Any, keepdim: bool) -> Any:
    """The index of an extreme ("argmax", "argmin"), the first NaN before all."""
    found = few(PLACES[name], array, dim, keepdim)
    if found:
        return found[1]
    if dim is not None and array.ndim:
        return along(name, array, normalize_dim(dim, array.ndim), keepdim)[1]
    if dim is not None or is_meta(array) or not _suits(array) or not array.size:
        return host.where(name, array, dim, keepdim)
    kernel, flat = PLACES[name][array.dtype], array.reshape(-1)
    if flat.size < 2 * CHUNK:
        index = kernel(flat, out=(None, None))[1]
    else:
        largest = _by_chunk(EXTREMES[VALUES[name]][array.dtype], flat)
        row = int(kernel(largest, out=(None, None))[1])
        index = row * CHUNK + kernel(flat[row * CHUNK:(row + 1) * CHUNK], out=(None, None))[1]
    return np.array(index, np.int64).reshape((1,) * array.ndim if keepdim else ())


def along(name: str, array: Any, axis: int, keepdim: bool) -> tuple[Any, Any]:
    """(values, indices) of an extreme along one axis."""
    if is_meta(array) or array.dtype.char not in "fd" or not array.size or not array.ndim:
        found = None
        if not is_meta(array) and array.dtype.kind in "biu" and array.size:
            found = few_order.first(array, 1, axis, name == "argmax")
        if found is None:
            return host.along(name, array, axis, keepdim)
        rest = array.shape[:axis] + array.shape[axis + 1:]
        return found if keepdim else (found[0].reshape(rest), found[1].reshape(rest))
    found = few(PLACES[name], array, axis)
    values, index = found or PLACES[name][array.dtype](as_rows(array, (axis,)), out=...)
    if not keepdim:
        return values, index
    return np.expand_dims(values, axis), np.expand_dims(index, axis)


def length(array: Any, axes: Axes, keepdim: bool) -> Any:
    """The square root of the sum of squares over `axes`."""
    one = (None if len(axes) == array.ndim else axes[0]) if len(axes) in (1, array.ndim) else axes
    found = few(LENGTHS, array, one, keepdim)
    if found is not None:
        return found
    if is_meta(array) or not axes or not _suits(array) or not _trailing(array, axes):
        return norms.euclidean(array, axes, keepdim)
    result = _flat(LENGTHS, array) if len(axes) == array.ndim else LENGTHS[array.dtype](
        _last(array, axes), out=...)
    return result.reshape(host.reduced_shape(array.shape, axes, True)) if keepdim else result


def variance(array: Any, axes: Axes, correction: float, keepdim: bool) -> Any:
    """The mean squared deviation over `axes`, in two passes; NaN where nothing is left."""
    if is_meta(array) or not axes or array.dtype.itemsize == 2:
        return host.variance(array, axes, correction, keepdim)
    kind = array.dtype
    kernel = VARIANCE.ufuncs[kind] if len(axes) == 1 and array.size < FEW else None
    if kernel is not None:
        result = _dense(kernel(array, filled(correction, (), kind), axis=axes[0], out=...)[0])
        return np.expand_dims(result, axes[0]) if keepdim else result
    if not _suits(array):
        return _elsewhere(variance, host.variance, array, axes, keepdim, correction)
    if len(axes) == array.ndim and array.size >= 2 * CHUNK:
        result = _spread(array.reshape(-1), correction)
    elif _trailing(array, axes):
        result = VARIANCE[kind](_last(array, axes), filled(correction, (), kind),
                                out=(None, None))[0]
        result = np.asarray(result)
    elif min(axes) == 0 and max(axes) == len(axes) - 1:
        rows = math.prod(array.shape[:len(axes)])
        result = _down(array.reshape(rows, math.prod(array.shape[len(axes):])), correction)
    else:
        return host.variance(array, axes, correction, keepdim)
    return result.reshape(host.reduced_shape(array.shape, axes, keepdim))


def _spread(flat: np.ndarray, correction: float) -> np.ndarray:
    """The variance of a long row, in parts that threads can share."""
    centre = mean(flat, (0,), False)
    total = SUM[flat.dtype](_by_chunk(DEVIATION[flat.dtype], flat, centre), out=...)
    return quiet(np.divide)(
        total, filled(max(flat.size - correction, 0), (), flat.dtype), out=...)


def _down(matrix: np.ndarray, correction: float) -> np.ndarray:
    """The variance of each column of a matrix."""
    rows = len(matrix)
    centre = quiet(np.divide)(column_sum(matrix), filled(rows, (), matrix.dtype), out=...)
    total = COLUMNS["column_deviation"][matrix.dtype](matrix, centre, out=...)
    return quiet(np.divide)(
        total, filled(max(rows - correction, 0), (), matrix.dtype), out=...)
