"""NumPy forms of the kernels in `backends/cpu/rowwise.py`: the same names, arguments and results.

They work on the last axis, leading dimensions broadcast, and the sums of float32 are taken in
float64. `out=` takes what a generalised ufunc takes: an array, a tuple of arrays, or `...`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # an np.ndarray; NumPy's stubs know little more of most results
FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _register(function: Callable[..., Any]) -> Callable[..., Any]:
    """Results in the dtype of the first operand, into `out` where that is given, no warnings."""

    @wraps(function)
    def wrapper(*operands: Any, out: Any = ...) -> Any:
        operands = tuple(map(np.asarray, operands))
        with np.errstate(all="ignore"):
            results = function(*operands)
            single = not isinstance(results, tuple)
            results = tuple(map(np.asarray, (results,) if single else results))
            results = tuple(r if r.dtype == np.int64
                            else r.astype(operands[0].dtype, copy=False) for r in results)
        if out is not ... and out is not None:
            targets = out if isinstance(out, tuple) else (out,)
            results = tuple(map(_deliver, targets, results))
        return results[0] if single else results

    FUNCTIONS[function.__name__.removesuffix("_")] = wrapper
    return wrapper


def _deliver(target: Array | None, result: Array) -> Array:
    if target is None:
        return result
    np.copyto(target, result)
    return target


def _total(x: Array) -> Array:
    """The sum over the last axis, kept as an axis of length 1, in double precision."""
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    return np.sum(x, axis=-1, keepdims=True, dtype=wide)


def _max(x: Array) -> Array:
    return np.max(x, axis=-1, keepdims=True, initial=-np.inf)


def _shift(x: Array) -> Array:
    largest = _max(x.real if x.dtype.kind == "c" else x)
    return np.where(np.isinf(largest), x.dtype.type(0), largest)


def _column(x: Array) -> Array:
    return np.expand_dims(x, -1)


@_register
def sum_(x: Array) -> Array:
    """sum x"""
    return _total(x)[..., 0]


@_register
def mean(x: Array) -> Array:
    """sum x / n"""
    return _total(x)[..., 0] / x.shape[-1]


@_register
def amax(x: Array) -> Array:
    """max x; nan if there is one"""
    return _max(x)[..., 0]


@_register
def length(x: Array) -> Array:
    """sqrt(sum x^2)"""
    return np.sqrt(np.square(x).sum(-1))


@_register
def argmax(x: Array) -> tuple[Array, Array]:
    """max x and the first index where it is; the first nan before all"""
    return _max(x)[..., 0], np.asarray(np.argmax(x, axis=-1), np.int64)


@_register
def amin(x: Array) -> Array:
    """min x; nan if there is one"""
    return np.min(x, axis=-1, initial=np.inf)


@_register
def argmin(x: Array) -> tuple[Array, Array]:
    """min x and the first index where it is; the first nan before all"""
    return np.min(x, axis=-1, initial=np.inf), np.asarray(np.argmin(x, axis=-1), np.int64)


@_register
def deviation(x: Array, centre: Array) -> Array:
    """sum (x - centre)^2"""
    return _total(np.square(x - _column(centre)))[..., 0]


@_register
def products(gradient: Array, x: Array, centre: Array) -> tuple[Array, Array]:
    """sum gradient and sum gradient (x - centre)"""
    moved = gradient * (x - _column(centre))
    return _total(gradient)[..., 0], _total(moved)[..., 0]


@_register
def variance(x: Array, correction: Array) -> tuple[Array, Array]:
    """sum (x - mean)^2 / (n - correction) and the mean"""
    n = x.shape[-1]
    centre = (_total(x) / n).astype(x.dtype)
    return _total(np.square(x - centre))[..., 0] / np.maximum(n - correction, 0), centre[..., 0]


@_register
def softmax(x: Array) -> Array:
    """e^x / sum e^x"""
    e = np.exp(x - _max(x))
    return e / _total(e)


@_register
def log_softmax(x: Array) -> Array:
    """x - log sum e^x"""
    moved = x - _max(x)
    return moved - np.log(_total(np.exp(moved)))


@_register
def logsumexp(x: Array) -> Array:
    """log sum e^x"""
    shift = _shift(x)
    return (np.log(_total(np.exp(x - shift))) + shift)[..., 0]


@_register
def softmax_backward(gradient: Array, output: Array) -> Array:
    """(gradient - sum gradient output) output"""
    return (gradient - _total(gradient * output)) * output


@_register
def log_softmax_backward(gradient: Array, output: Array) -> Array:
    """gradient - e^output sum gradient"""
    return gradient - np.exp(output) * _total(gradient)


@_register
def cross_entropy(x: Array, index: Array) -> tuple[Array, Array]:
    """log sum e^x - x[index] and log sum e^x; 0 for a class that x does not have"""
    shape = np.broadcast_shapes(x.shape[:-1], index.shape)
    index, x = np.broadcast_to(index, shape), np.broadcast_to(x, (*shape, x.shape[-1]))
    shift = _shift(x)
    total = np.log(_total(np.exp(x - shift)))
    inside, safe = _inside(index, x.shape[-1])
    chosen = np.take_along_axis(x, _column(safe), -1) - shift
    return np.where(inside, (total - chosen)[..., 0], 0), (total + shift)[..., 0]


def _inside(index: Array, n: int) -> tuple[Array, Array]:
    inside = (index >= 0) & (index < n)
    return inside, np.where(inside, index, 0)


@_register
def cross_entropy_backward(gradient: Array, x: Array, index: Array, total: Array) -> Array:
    """gradient (e^(x - total) - [index]), total = log sum e^x; 0 for a class x does not have"""
    inside, _ = _inside(index, x.shape[-1])
    p = np.exp(x - _column(total)) - (np.arange(x.shape[-1]) == _column(index))
    return np.where(_column(inside), p * _column(gradient), 0)


@_register
def layer_norm(x: Array, weight: Array, bias: Array, eps: Array) -> tuple[Array, Array, Array]:
    """(x - mean) rstd weight + bias, mean and rstd = 1 / sqrt(variance + eps)"""
    n = x.shape[-1]
    centre = (_total(x) / n).astype(x.dtype)
    rstd = (1 / np.sqrt(_total(np.square(x - centre)) / n + _column(eps))).astype(x.dtype)
    return (x - centre) * rstd * weight + bias, centre[..., 0], rstd[..., 0]


@_register
def layer_norm_backward(gradient: Array, x: Array, weight: Array, centre: Array,
                        rstd: Array) -> Array:
    """The gradient of x, from the mean (`centre`) and rstd of the forward pass"""
    n, rstd = x.shape[-1], _column(rstd)
    g = gradient * weight
    normal = (x - _column(centre)) * rstd
    return (g - _total(g) / n - normal * (_total(g * normal) / n)) * rstd


@_register
def rms_norm(x: Array, weight: Array, eps: Array) -> tuple[Array, Array]:
    """x rstd weight and rstd = 1 / sqrt(mean x^2 + eps)"""
    square = _total(np.square(x)) / x.shape[-1]
    rstd = (1 / np.sqrt(square + _column(eps))).astype(x.dtype)
    return x * rstd * weight, rstd[..., 0]


@_register
def rms_norm_backward(gradient: Array, x: Array, weight: Array, rstd: Array) -> Array:
    """The gradient of x"""
    g, rstd = gradient * weight, _column(rstd)
    return (g - x * rstd * (_total(g * (x * rstd)) / x.shape[-1])) * rstd


@_register
def batch_norm(x: Array, weight: Array, bias: Array, eps: Array) -> tuple[Array, Array, Array]:
    """(x - mean) / sqrt(variance + eps) weight + bias, mean and variance"""
    centre = _total(x) / x.shape[-1]
    variance = _total(np.square(x - centre)) / x.shape[-1]
    factor = _column(weight) / np.sqrt(variance + _column(eps))
    return (x - centre) * factor + _column(bias), centre[..., 0], variance[..., 0]


@_register
def batch_norm_backward(gradient: Array, x: Array, weight: Array, mean: Array, variance: Array,
                        eps: Array) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias"""
    n, rstd = x.shape[-1], 1 / np.sqrt(_column(variance) + _column(eps))
    normal = (x - _column(mean)) * rstd
    total, moment = _total(gradient), _total(gradient * normal)
    slope = (gradient - total / n - normal * (moment / n)) * (_column(weight) * rstd)
    return slope, moment[..., 0], total[..., 0]


@_register
def scale(x: Array, centre: Array, factor: Array, shift: Array) -> Array:
    """(x - centre) factor + shift"""
    return scale_columns(x, *map(_column, (centre, factor, shift)))


@_register
def scale_columns(x: Array, centre: Array, factor: Array, shift: Array) -> Array:
    """(x - centre) factor + shift, each element with its own"""
    return (x - centre) * factor + shift


@_register
def slope(gradient: Array, x: Array, centre: Array, a: Array, b: Array, c: Array) -> Array:
    """gradient a - (x - centre) b - c"""
    return slope_columns(gradient, x, *map(_column, (centre, a, b, c)))


@_register
def slope_columns(gradient: Array, x: Array, centre: Array, a: Array, b: Array,
                  c: Array) -> Array:
    """gradient a - (x - centre) b - c, each element with its own"""
    return gradient * a - (x - centre) * b - c


@_register
def count_classes(classes: Array, n: Array, ignored: Array) -> tuple[Array, Array]:
    """How many are not the ignored one, and where the first of these stands that is not one of 0
    to n - 1 (the length if none)"""
    counted = classes != _column(ignored)
    bad = counted & ((classes < 0) | (classes >= _column(n)))
    first = np.where(bad.any(-1), np.argmax(bad, -1) if bad.size else 0, classes.shape[-1])
    return np.asarray(counted.sum(-1), np.int64), np.asarray(first, np.int64)


@_register
def column_sum(x: Array) -> Array:
    """sum x down the columns"""
    return np.sum(x, axis=-2, dtype=np.float64)


@_register
def column_deviation(x: Array, centre: Array) -> Array:
    """sum (x - centre)^2 down the columns"""
    return np.sum(np.square(x - centre[..., None, :]), axis=-2, dtype=np.float64)


@_register
def column_products(gradient: Array, x: Array, centre: Array) -> tuple[Array, Array]:
    """sum gradient and sum gradient (x - centre) down the columns"""
    moved = gradient * (x - centre[..., None, :])
    return column_sum(gradient), np.sum(moved, axis=-2, dtype=np.float64)


@_register
def column_slopes(gradient: Array, x: Array, centre: Array, factor: Array) -> tuple[Array, Array]:
    """sum gradient and sum gradient (x - centre) factor down the columns"""
    moved = gradient * ((x - _column(centre)) * _column(factor))
    return column_sum(gradient), np.sum(moved, axis=-2, dtype=np.float64)
