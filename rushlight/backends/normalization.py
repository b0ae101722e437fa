"""Layer, RMS, batch and group norm on arrays: statistics, result and gradients in fused kernels.

Half types are computed in float32; means and reciprocal deviations stay in float32 then.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends.channels_last import arranged, is_last
from rushlight.backends.copies import contiguous
from rushlight.backends.memory import LARGE, recycle
from rushlight.backends.quiet import silent
from rushlight.backends.row_kernels import Kernels, column_sum, column_sums, filled

LAYER_NORM, LAYER_NORM_BACKWARD = Kernels("layer_norm"), Kernels("layer_norm_backward")
RMS_NORM, RMS_NORM_BACKWARD = Kernels("rms_norm"), Kernels("rms_norm_backward")
BATCH_NORM, BATCH_NORM_BACKWARD = Kernels("batch_norm"), Kernels("batch_norm_backward")
SUM, DEVIATION, VARIANCE = Kernels("sum"), Kernels("deviation"), Kernels("variance")
SCALE, SCALE_COLUMNS = Kernels("scale"), Kernels("scale_columns")
PRODUCTS, SLOPE, SLOPE_COLUMNS = Kernels("products"), Kernels("slope"), Kernels("slope_columns")


FEW = 1 << 13  # elements up to which one kernel for everything is quickest, even if it copies


def _wide(array: Any) -> Any:
    """A contiguous array, half types as float32."""
    if array.size >= LARGE:
        recycle()
    if array.dtype.itemsize == 2:
        return np.ascontiguousarray(array, np.float32)
    return contiguous(array)


def _gradient_matrix(gradient: Any, places: int) -> Any:
    """`gradient` as rows; that of a sum, one number everywhere, as one row for all."""
    if any(gradient.strides) or gradient.size < LARGE or gradient.dtype.itemsize == 2:
        return _matrix(gradient, places)
    shape = (math.prod(gradient.shape[:-places]), math.prod(gradient.shape[-places:]))
    return np.broadcast_to(np.full(shape[1], gradient.flat[0]), shape)


def _vector(array: Any, n: int, missing: float, dtype: np.dtype) -> Any:
    """A weight or bias as a contiguous vector of that dtype; `missing` n times where there is
    none."""
    if array is None:
        return filled(missing, (n,), dtype)
    if array.dtype is dtype and array.shape == (n,) and array.flags.c_contiguous:
        return array
    return np.ascontiguousarray(array.reshape(n), dtype)


def _matrix(x: Any, places: int) -> Any:
    """`x` as rows of its last `places` dimensions."""
    wide = _wide(x)
    if places == 1 == wide.ndim - 1:
        return wide
    return wide.reshape(math.prod(x.shape[:-places]), math.prod(x.shape[-places:]))


def _like(result: Any, model: Any) -> Any:
    """A result in the shape and dtype of what it belongs to."""
    if result.shape != model.shape:
        result = result.reshape(model.shape)
    return result if result.dtype is model.dtype else _narrowed(result, model.dtype)


@silent
def _narrowed(array: Any, dtype: np.dtype) -> Any:
    return array.astype(dtype, copy=False)


def layer_norm(x: Any, places: int, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """(x - mean) rstd weight + bias over the last `places` dimensions, mean and rstd of each row.

    rstd: 1 / sqrt(variance + eps).
    """
    rows = _matrix(x, places)
    n, kind = rows.shape[1], rows.dtype
    result, mean, rstd = LAYER_NORM[kind](
        rows, _vector(weight, n, 1, kind), _vector(bias, n, 0, kind), filled(eps, (), kind))
    return _like(result, x), mean, rstd


def layer_norm_backward(gradient: Any, x: Any, places: int, weight: Any, bias: Any, mean: Any,
                        rstd: Any, needs: tuple[bool, ...]) -> tuple[Any, Any, Any]:
    """The gradients of x, weight and bias; None for those not needed."""
    g, rows = _gradient_matrix(gradient, places), _matrix(x, places)
    to_x = to_weight = to_bias = None
    if needs[0]:
        weights = _vector(weight, rows.shape[1], 1, rows.dtype)
        to_x = _like(LAYER_NORM_BACKWARD[rows.dtype](g, rows, weights, mean, rstd, out=...), x)
    if needs[1]:
        to_bias, to_weight = column_sums("column_slopes", g, rows, mean, rstd)
        to_weight = _like(to_weight, weight)
    elif needs[2]:
        to_bias = column_sum(g)
    return to_x, to_weight, _like(to_bias, bias) if needs[2] else None


@silent
def rms_norm(x: Any, places: int, weight: Any, eps: float) -> tuple[Any, Any]:
    """x rstd weight over the last `places` dimensions, and rstd = 1 / sqrt(mean x^2 + eps)."""
    rows = _matrix(x, places)
    result, rstd = RMS_NORM[rows.dtype](rows, _vector(weight, rows.shape[1], 1, rows.dtype),
                                        filled(eps, (), rows.dtype))
    return _like(result, x), rstd


@silent
def rms_norm_backward(gradient: Any, x: Any, places: int, weight: Any, rstd: Any,
                      needs: tuple[bool, ...]) -> tuple[Any, Any]:
    """The gradients of x and weight; None for those not needed."""
    g, rows = _gradient_matrix(gradient, places), _matrix(x, places)
    to_x = to_weight = None
    if needs[0]:
        weights = _vector(weight, rows.shape[1], 1, rows.dtype)
        to_x = _like(RMS_NORM_BACKWARD[rows.dtype](g, rows, weights, rstd, out=...), x)
    if needs[1]:
        centre = np.zeros(len(rstd), rstd.dtype)
        to_weight = _like(column_sums("column_slopes", g, rows, centre, rstd)[1], weight)
    return to_x, to_weight


class Channels:
    """(batch, channels, *) as memory has it: rows of one channel, or places with all channels.

    Channels that lie side by side in memory (one place, or channels last) are columns of a
    matrix (batch * places, channels); else each sample has a row for each channel.
    """

    __slots__ = ("columns", "data", "dtype", "last", "shape")

    def __init__(self, x: Any, columns: bool | None = None) -> None:
        self.shape, self.dtype = x.shape, x.dtype
        n, c = x.shape[:2]
        places = math.prod(x.shape[2:])
        last = x if x.ndim == 2 else x.transpose((0, *range(2, x.ndim), 1))
        self.columns = columns
        if columns is None:
            self.columns = places == 1 or (last.flags.c_contiguous and not x.flags.c_contiguous)
        self.last = places != 1 or is_last(x)
        self.data = _wide(last).reshape(n * places, c) if self.columns else _wide(x).reshape(
            n, c, places)

    def numbers(self, vector: Any) -> Any:
        """One number for each channel, or for each (sample, channel), as the kernels take it."""
        vector = vector.astype(self.data.dtype, copy=False)
        if self.columns or vector.ndim == 2:
            return vector
        made = np.empty(self.data.shape[:2], vector.dtype)
        made[...] = vector
        return made

    def sums(self, name: str, *operands: Any) -> Any:
        """For each channel the sums of a kernel, in double."""
        if self.columns:
            return [s.astype(np.float64) for s in column_sums(f"column_{name}", *operands)]
        found = KERNELS[name][self.data.dtype](*operands)
        return [np.add.reduce(s, 0, np.float64) for s in (
            found if isinstance(found, tuple) else (found,))]

    def back(self, result: Any, dtype: np.dtype) -> Any:
        """`result` in the shape and memory order of the tensor."""
        result = result.astype(dtype, copy=False)
        if not self.columns or not self.last:
            return result.reshape(self.shape)
        n, c, *places = self.shape
        order = (0, len(self.shape) - 1, *range(1, len(self.shape) - 1))
        return result.reshape(n, *places, c).transpose(order)


KERNELS = {"sum": SUM, "deviation": DEVIATION, "products": PRODUCTS}


@silent
def channel_statistics(x: Any) -> tuple[Any, Any]:
    """Mean and biased variance of each channel of (batch, channels, *)."""
    channels = Channels(x)
    data, kind = channels.data, channels.data.dtype
    count = x.size / max(x.shape[1], 1)
    (total,) = channels.sums("sum", data)
    mean = (total / count).astype(kind)
    (squares,) = channels.sums("deviation", data, channels.numbers(mean))
    return mean, (squares / count).astype(kind)


def scale_channels(x: Any, centre: Any, factor: Any, shift: Any) -> Any:
    """(x - centre) factor + shift, with a number of each for every channel."""
    if x.ndim == 2 and x.size < LARGE and x.flags.c_contiguous and (
            x.dtype is centre.dtype is factor.dtype is shift.dtype) and x.dtype.char in "fd":
        return SCALE_COLUMNS[x.dtype](x, centre, factor, shift, out=...)
    return _scaled_channels(x, centre, factor, shift)


@silent
def _scaled_channels(x: Any, centre: Any, factor: Any, shift: Any) -> Any:
    channels = Channels(x)
    kernel = (SCALE_COLUMNS if channels.columns else SCALE)[channels.data.dtype]
    result = kernel(channels.data, *map(channels.numbers, (centre, factor, shift)), out=...)
    return channels.back(result, x.dtype)


def _reciprocal_deviation(variance: Any, eps: float) -> Any:
    return 1 / np.sqrt(variance.astype(np.float64) + eps)


def _few_rows(x: Any) -> tuple[Any, int]:
    """The elements of each channel of a small array, and the axis along which they lie."""
    if x.ndim == 2:
        return x, 0
    last = x.transpose((0, *range(2, x.ndim), 1))
    if last.flags.c_contiguous and not x.flags.c_contiguous:
        return last.reshape(-1, x.shape[1]), 0
    return x.swapaxes(0, 1).reshape(x.shape[1], -1), 1


def _from_rows(rows: Any, axis: int, shape: tuple[int, ...]) -> Any:
    """What `_few_rows` gave as an array of `shape`, in the order of memory that it had."""
    if len(shape) == 2:
        return rows
    n, c, *places = shape
    if axis == 1:
        if c == 1:
            return rows.reshape(shape)
        return contiguous(rows.reshape(c, n, *places).swapaxes(0, 1))
    return rows.reshape(n, *places, c).transpose((0, len(places) + 1, *range(1, len(places) + 1)))


def batch_norm(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """(x - mean) / sqrt(variance + eps) weight + bias of each channel, mean and variance."""
    kernel = BATCH_NORM.ufuncs[x.dtype]
    if kernel is None or not 0 < x.size <= FEW:
        return _batch_norm(x, weight, bias, eps)
    rows, axis = _few_rows(x)
    c, kind = x.shape[1], x.dtype
    result, mean, variance = kernel(rows, _vector(weight, c, 1, kind), _vector(bias, c, 0, kind),
                                    filled(eps, (), kind), axis=axis,
                                    out=(np.empty(rows.shape, kind), None, None))
    return _from_rows(result, axis, x.shape), mean, variance


@silent
def _batch_norm(x: Any, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    mean, variance = channel_statistics(x)
    c = x.shape[1]
    factor = _reciprocal_deviation(variance, eps) * _vector(weight, c, 1, mean.dtype)
    return scale_channels(x, mean, factor, _vector(bias, c, 0, mean.dtype)), mean, variance


def batch_norm_backward(gradient: Any, x: Any, weight: Any, mean: Any, variance: Any, eps: float,
                        ) -> tuple[Any, Any, Any]:
    """The gradients of x, weight and bias."""
    kernel, kind = BATCH_NORM_BACKWARD.ufuncs[x.dtype], x.dtype
    if kernel is None or not 0 < x.size <= FEW or gradient.dtype is not kind:
        return _batch_norm_backward(gradient, x, weight, mean, variance, eps)
    rows, axis = _few_rows(x)
    g = gradient if x.ndim == 2 else (
        gradient.swapaxes(0, 1).reshape(rows.shape) if axis == 1 else
        gradient.transpose((0, *range(2, x.ndim), 1)).reshape(rows.shape))
    to_x, to_weight, to_bias = kernel(g, rows, _vector(weight, x.shape[1], 1, kind), mean, variance,
                                      filled(eps, (), kind), axis=axis,
                                      out=(np.empty(rows.shape, kind), None, None))
    return _from_rows(to_x, axis, x.shape), to_weight, to_bias


@silent
def _batch_norm_backward(gradient: Any, x: Any, weight: Any, mean: Any, variance: Any, eps: float,
                         ) -> tuple[Any, Any, Any]:
    channels = Channels(x)
    data, kind = channels.data, channels.data.dtype
    g = Channels(gradient, channels.columns).data
    count = x.size / max(x.shape[1], 1)
    total, moment = channels.sums("products", g, data, channels.numbers(mean))
    rstd = _reciprocal_deviation(variance, eps)
    a = rstd * _vector(weight, x.shape[1], 1, kind)
    numbers = (mean, a, a * rstd * rstd * moment / count, a * total / count)
    kernel = (SLOPE_COLUMNS if channels.columns else SLOPE)[kind]
    result = kernel(g, data, *map(channels.numbers, numbers), out=...)
    return channels.back(result, x.dtype), moment * rstd, total


def group_norm(x: Any, groups: int, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    """Layer norm of each group of channels; also mean and rstd, (batch, channels) each."""
    kernel, kind = LAYER_NORM.ufuncs[x.dtype], x.dtype
    if not x.flags.c_contiguous and is_last(x):
        result, mean, rstd = group_norm(contiguous(x), groups, weight, bias, eps)
        return arranged(result), mean, rstd
    if kernel is None or not 0 < x.size <= FEW or not x.flags.c_contiguous:
        return _group_norm(x, groups, weight, bias, eps)
    n, c = x.shape[:2]
    size, each = x.size // (n * groups), c // groups
    factor, shift = (vector.repeat(size // each).reshape(groups, size) for vector in (
        _vector(weight, c, 1, kind), _vector(bias, c, 0, kind)))
    result, mean, rstd = kernel(x.reshape(n, groups, size), factor, shift, filled(eps, (), kind))
    return result.reshape(x.shape), mean.repeat(each, 1), rstd.repeat(each, 1)


@silent
def _group_norm(x: Any, groups: int, weight: Any, bias: Any, eps: float) -> tuple[Any, Any, Any]:
    n, c = x.shape[:2]
    wide = _wide(x)
    kind = wide.dtype
    rows = wide.reshape(n, groups, x.size // max(n * groups, 1))
    variance, mean = VARIANCE[kind](rows, filled(0, (), kind))
    rstd = _reciprocal_deviation(variance, eps)
    mean, rstd = (np.repeat(v, c // groups, axis=1).astype(kind) for v in (mean, rstd))
    shift = np.ascontiguousarray(np.broadcast_to(_vector(bias, c, 0, kind), (n, c)))
    result = SCALE[kind](wide.reshape(n, c, math.prod(x.shape[2:])), mean,
                         rstd * _vector(weight, c, 1, kind), shift, out=...)
    return _like(result, x), mean, rstd


@silent
def group_norm_backward(gradient: Any, x: Any, groups: int, weight: Any, mean: Any, rstd: Any,
                        ) -> tuple[Any, Any, Any]:
    """The gradients of x, weight and bias."""
    if not x.flags.c_contiguous and is_last(x):
        found = group_norm_backward(contiguous(gradient), contiguous(x), groups, weight, mean, rstd)
        return arranged(found[0]), *found[1:]
    n, c = x.shape[:2]
    g, data = Channels(gradient, False).data, Channels(x, False).data
    kind, count = data.dtype, x.size / max(n * groups, 1)
    total, moment = (s.astype(np.float64) for s in PRODUCTS[kind](g, data, mean))
    w = _vector(weight, c, 1, kind)
    along, level = (np.repeat((s * w).reshape(n, groups, c // groups).sum(-1), c // groups, 1)
                    for s in (moment, total))
    numbers = (rstd * w, rstd.astype(np.float64)**3 * along / count, rstd * level / count)
    result = SLOPE[kind](g, data, mean, *(v.astype(kind) for v in numbers), out=...)
    return (_like(result, x), (moment * rstd).sum(0),
            total.sum(0))
