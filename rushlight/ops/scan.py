"""Running results along a dimension: cumsum, cumprod, cummax, logcumsumexp, diff, trapezoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.cpu import running, running_extremes
from rushlight.backends.meta.array import is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dim, required
from rushlight.base.structure import structure
from rushlight.families.cast import astype
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.joining import cat, stack
from rushlight.ops.reduction import _accumulator
from rushlight.ops.selection import where
from rushlight.tensor import Tensor

Array = np.ndarray
Option = Any


def _accumulated(function: np.ufunc, general: Any, source: np.ndarray, dim: int) -> np.ndarray:
    """Running results of `function`; of a 0-d array a copy."""
    if not source.ndim or is_meta(source):
        return source.copy()
    if source.dtype.kind == "V":
        return general(source, axis=dim, dtype=source.dtype)
    result = running.scan("add" if function is np.add else "mul", source, dim)
    if result is not None:
        return result
    result = function.accumulate(source, dim, source.dtype)
    return result if result.flags.c_contiguous else np.ascontiguousarray(result)


@library("_cumulate", family="scan")
class _cumulate:
    """Running sums along `dim`."""

    def forward(input, dim: Option, kind: Option):
        source = input if input.dtype is kind else astype(input, kind)
        return _accumulated(np.add, np.cumsum, source, dim)

    def backward(gradient, dim, shape):
        if not shape:
            return gradient
        return _cumulate(gradient.flip(dim), dim, gradient._array.dtype).flip(dim)


@composite("cumsum", inplace=True)
def cumsum(input: Tensor, dim: Any = None, *, dtype: Any = None, out: Any = None,
           axis: Any = None) -> Tensor:
    """Running sums along `dim`.

    >>> import rushlight as rl
    >>> rl.arange(4).cumsum(0)
    tensor([0, 1, 3, 6])
    """
    array = input._array
    dim = required("cumsum", dim, axis)
    return _cumulate(input, normalize_dim(dim, array.ndim), _accumulator(array, dtype), out=out)


@library("_cumulate_product", family="scan")
class _cumulate_product:
    """Running products along `dim`."""

    def forward(input, dim: Option, kind: Option):
        source = input if input.dtype is kind else astype(input, kind)
        return _accumulated(np.multiply, np.cumprod, source, dim)

    def backward(gradient, input, output, dim, shape):
        if not shape:
            return gradient
        if not (input == 0).any():
            weighted = (gradient * output.conj()).flip(dim).cumsum(dim).flip(dim)
            return weighted / input.conj()
        return _cumprod_gradient(gradient, input, dim)


def _cumprod_gradient(gradient: Any, input: Any, dim: int) -> Tensor:
    """The gradient of cumprod where zeros forbid division: for each element, without it."""
    n = input.shape[dim]
    parts = []
    for i in range(n):
        before = input.narrow(dim, 0, i).prod(dim, keepdim=True)
        after = input.narrow(dim, i + 1, n - i - 1)
        one = before.new_ones(before.shape)
        products = before * cat([one, after.cumprod(dim)], dim)
        parts.append((gradient.narrow(dim, i, n - i) * products.conj()).sum(dim))
    return stack(parts, dim)


@composite("cumprod", inplace=True)
def cumprod(input: Tensor, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
    """Running products along `dim`."""
    dim = required("cumprod", dim, axis)
    return _cumulate_product(input, normalize_dim(dim, input._array.ndim),
                             _accumulator(input._array, dtype), out=out)


def _running(input: Array, dim: int, function: np.ufunc) -> tuple[Array, Array]:
    """The extreme so far, and where it stands: of equal ones the last, of NaN the last."""
    if not input.ndim:
        return input.copy(), np.zeros((), np.int64)
    found = running_extremes.scan("max" if function is np.maximum else "min", input, dim)
    if found is not None:
        return found
    wide = input.astype(np.float32) if input.dtype in dtypes.HALF_TYPES else input
    values = function.accumulate(wide, axis=dim)
    shape = [-1 if i == dim else 1 for i in range(input.ndim)]
    places = np.arange(input.shape[dim]).reshape(shape)
    holds = (wide == values) | (wide != wide)
    index = np.maximum.accumulate(np.where(holds, places, 0), axis=dim)
    return values.astype(input.dtype, copy=False), index


def _to_origins(gradient: Any, output1: Any, shape: Any, dim: int) -> Any:
    values = gradient[0]
    return values.new_zeros(shape).scatter_add(dim, output1, values) if shape else values


@library("_cummax", family="scan")
class _cummax:
    """The largest elements so far along `dim`."""

    outputs = 2
    differentiable = (0,)
    structure = structure("cummax", "values indices")

    def forward(input, dim: Option):
        return _running(input, dim, np.maximum)

    def backward(gradient, output1, shape, dim):
        return _to_origins(gradient, output1, shape, dim)


@library("_cummin", family="scan")
class _cummin:
    """The smallest elements so far along `dim`."""

    outputs = 2
    differentiable = (0,)
    structure = structure("cummin", "values indices")

    def forward(input, dim: Option):
        return _running(input, dim, np.minimum)

    def backward(gradient, output1, shape, dim):
        return _to_origins(gradient, output1, shape, dim)


def _comparable(op: str, input: Tensor) -> None:
    if input.dtype.is_complex:
        raise NotImplementedError(f"\"{op}_cpu\" not implemented for '{title(input.dtype)}'")


@composite("cummax")
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """(values, indices) of the largest element so far along `dim`; NaN stays once it came.

    >>> import rushlight as rl
    >>> rl.cummax(rl.tensor([1., 3., 2.]), 0).values
    tensor([1., 3., 3.])
    """
    _comparable("cummax", input)
    return _cummax(input, normalize_dim(dim, input.ndim), out=out)


@composite("cummin")
def cummin(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """(values, indices) of the smallest element so far along `dim`; NaN stays once it came.

    >>> import rushlight as rl
    >>> rl.cummin(rl.tensor([2., 3., 1.]), 0).values
    tensor([2., 2., 1.])
    """
    _comparable("cummin", input)
    return _cummin(input, normalize_dim(dim, input.ndim), out=out)


@library("_logcumsumexp", family="scan")
class _logcumsumexp:
    """log(running sum of e**x) along `dim`."""

    def forward(input, dim: Option):
        if not input.ndim:
            return input.copy()
        if input.dtype.kind == "c":
            return _complex_logcumsumexp(input, dim)
        wide = input.astype(np.float32) if input.dtype in dtypes.HALF_TYPES else input
        return np.logaddexp.accumulate(wide, axis=dim).astype(input.dtype, copy=False)

    def backward(gradient, input, output, shape, dim):
        if not shape:
            return gradient
        if input.dtype.is_complex:
            return _complex_share(gradient, input, output, dim)
        top = output.detach().amax(dim, keepdim=True)  # large numbers cancel here, exactly
        top = top.masked_fill(~top.isfinite(), 0)
        input, output = input - top, output - top
        return _share(gradient, input, output, dim) - _share(-gradient, input, output, dim)


def _complex_share(gradient: Any, input: Any, output: Any, dim: int) -> Tensor:
    """sum over j >= i of gradient_j conj(e**(input_i - output_j)), from the last i on."""
    gradients, inputs, outputs = (x.unbind(dim) for x in (gradient, input, output))
    following, shares = gradients[-1], []
    for i in reversed(range(len(inputs))):
        if i < len(inputs) - 1:
            following = gradients[i] + following * (outputs[i] - outputs[i + 1]).exp().conj()
        shares.append(following * (inputs[i] - outputs[i]).exp().conj())
    return stack(shares[::-1], dim)


def _complex_logcumsumexp(input: Array, dim: int) -> Array:
    """By the largest real part so far, step by step: logaddexp knows no complex numbers."""
    rows = np.moveaxis(input, dim, 0)
    result = np.empty_like(rows)
    if len(rows):
        total = result[0] = rows[0]
    for i in range(1, len(rows)):
        below = total.real < rows[i].real
        high, low = np.where(below, rows[i], total), np.where(below, total, rows[i])
        sum_ = high + np.log(1 + np.exp(low - high))
        total = result[i] = np.where(np.isneginf(low.real), high, sum_)
    return np.moveaxis(result, 0, dim)


def _share(gradient: Any, input: Any, output: Any, dim: int) -> Any:
    """What the positive part of the gradient gives, summed in logarithms: nothing overflows."""
    positive = gradient > 0
    logarithm = where(positive, gradient, 1.0).log() - output
    logarithm = where(positive, logarithm, -float("inf"))
    total = _logcumsumexp(logarithm.flip(dim), dim).flip(dim) + input
    return where(total > -float("inf"), total, 0.0).exp() * (total > -float("inf"))


@composite("logcumsumexp")
def logcumsumexp(input: Tensor, dim: int, *, out: Any = None) -> Tensor:
    """log(running sum of e**x) along `dim`, without overflow.

    >>> import rushlight as rl
    >>> rl.logcumsumexp(rl.tensor([0., 0.]), 0)
    tensor([0.0000, 0.6931])
    """
    if input.dtype.category < 2:
        raise NotImplementedError("\"logcumsumexp_out_cpu\" not implemented for "
                                  f"'{title(input.dtype)}'; convert it with .float()")
    return _logcumsumexp(input, normalize_dim(dim, input.ndim), out=out)


@composite("diff", out=True)
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None,
         append: Tensor | None = None) -> Tensor:
    """The n-th difference along `dim`: each element less the one before.

    prepend, append: joined to the input first. Differences of truth values are exclusive ors.

    >>> import rushlight as rl
    >>> rl.diff(rl.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if not input.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    dim = normalize_dim(dim, input.ndim)
    for x in (prepend, append):
        if x is not None and x.ndim != input.ndim:
            raise RuntimeError("diff expects prepend or append to be the same dimension as input: "
                               f"{operands(input=input, prepend=prepend, append=append)}")
    if n == 0:
        return input.clone()  # type: ignore[attr-defined]
    joined = [x for x in (prepend, input, append) if x is not None]
    result: Any = cat(joined, dim) if len(joined) > 1 else input
    for _ in range(min(n, result.shape[dim])):
        length = max(result.shape[dim] - 1, 0)
        later, earlier = result.narrow(dim, min(1, result.shape[dim]), length), result.narrow(
            dim, 0, length)
        result = later ^ earlier if result.dtype is dtypes.bool_ else later - earlier
    return result


def _panels(name: str, y: Any, x: Any, dx: Any, dim: int) -> Any:
    """Areas between neighbours along `dim`, twice."""
    if x is not None and dx is not None:
        raise TypeError(f"{name}() received an invalid combination of arguments: give x or dx, "
                        "not both")
    dim = normalize_dim(dim, y.ndim)
    n = y.shape[dim] if y.ndim else 1
    if x is None:
        widths: Any = 1 if dx is None else dx
    else:
        if x.ndim and (x.shape[0] if x.ndim == 1 else x.shape[dim]) != n:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point: "
                               f"{operands(y=y, x=x)}")
        if x.ndim == 1:
            widths = diff(x).reshape([-1 if i == dim else 1 for i in range(y.ndim)])
        else:
            widths = diff(x, dim=dim)
    return (y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)) * widths


@composite("trapezoid trapz")
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of `y` along `dim` by the trapezoidal rule.

    x: the places of the samples, of the shape of `y` or (n,). dx: their distance (1), instead.

    >>> import rushlight as rl
    >>> rl.trapezoid(rl.tensor([1., 5., 10.]))
    tensor(10.5000)
    """
    if y.ndim and y.shape[dim] == 0:
        return y.sum(dim) * 1.0
    return _panels("trapezoid", y, x, dx, dim).sum(dim) / 2


@composite("cumulative_trapezoid")
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral of `y` along `dim` by the trapezoidal rule: see trapezoid.

    >>> import rushlight as rl
    >>> rl.cumulative_trapezoid(rl.tensor([1., 5., 10.]))
    tensor([ 3.0000, 10.5000])
    """
    return _panels("cumulative_trapezoid", y, x, dx, dim).cumsum(dim) / 2
