"""Running results along a dimension: cumsum, cumprod, cummax, logcumsumexp, diff, trapezoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.backends.quiet import quiet
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim, required
from rushlight.base.structure import structure
from rushlight.families.cast import astype
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.joining import cat, stack
from rushlight.ops.reduction import _accumulator, of_target
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import running, running_extremes
else:
    running = Deferred("rushlight.backends.cpu.running", globals())
    running_extremes = Deferred("rushlight.backends.cpu.running_extremes", globals())

Array = np.ndarray
Option = Any


def _accumulated(function: np.ufunc, general: Any, source: np.ndarray, dim: int) -> np.ndarray:
    """Running results of `function`; of a 0-d array a copy."""
    if not source.ndim or is_meta(source):
        return source.copy()
    if source.dtype in dtypes.HALF_TYPES:
        wide = _accumulated(function, general, astype(source, dtypes.float32.array), dim)
        return astype(wide, source.dtype)  # type: ignore[no-any-return]
    if source.dtype.kind == "V":
        return general(source, axis=dim, dtype=source.dtype)
    result = running.scan("add" if function is np.add else "mul", source, dim)
    if result is not None:
        return result
    result = quiet(function.accumulate)(source, dim, source.dtype)
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


@composite("cumsum", inplace=True, samples=lambda x: [(x(2, 3), 0), (x(2, 3), -1)])
def cumsum(input: Tensor, dim: Any = None, *, dtype: Any = None, out: Any = None,
           axis: Any = None) -> Tensor:
    """Running sums along `dim`.

    >>> import rushlight as rl
    >>> rl.arange(4).cumsum(0)
    tensor([0, 1, 3, 6])
    """
    array = input._array
    dim = required("cumsum", dim, axis)
    return _cumulate(input, normalize_dim(dim, array.ndim),
                     _accumulator(array, of_target(dtype, out)), out=out)


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


@composite("cumprod", inplace=True, samples=lambda x: [
    (x(2, 3), 1), (x.tensor([1.0, 0.0, 2.0]).double(), 0)])
def cumprod(input: Tensor, dim: Any = None, *, dtype: Any = None, out: Any = None,
            axis: Any = None) -> Tensor:
    """Running products along `dim`."""
    dim = required("cumprod", dim, axis)
    return _cumulate_product(input, normalize_dim(dim, input._array.ndim),
                             _accumulator(input._array, of_target(dtype, out)), out=out)


def _running(input: Array, dim: int, function: np.ufunc) -> tuple[Array, Array]:
    """The extreme so far, and where it stands: of equal ones the last, of NaN the last."""
    if not input.ndim:
        return input.copy(), np.zeros((), np.int64)
    if is_meta(input):
        return input.copy(), MetaArray(input.shape, np.dtype(np.int64))
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


@composite("cummax", samples=lambda x: [(x(2, 3), 1)])
def cummax(input: Tensor, dim: int, *, out: Any = None) -> Any:
    """(values, indices) of the largest element so far along `dim`; NaN stays once it came.

    >>> import rushlight as rl
    >>> rl.cummax(rl.tensor([1., 3., 2.]), 0).values
    tensor([1., 3., 3.])
    """
    _comparable("cummax", input)
    return _cummax(input, normalize_dim(dim, input.ndim), out=out)


@composite("cummin", samples=lambda x: [(x(2, 3), 0)])
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
        if not input.ndim or is_meta(input):
            return input.copy()
        if input.dtype.kind == "c":
            return _complex_logcumsumexp(input, dim)
        wide = input.astype(np.float32) if input.dtype in dtypes.HALF_TYPES else input
        found = quiet(np.logaddexp.accumulate)(wide, axis=dim)
        return found.astype(input.dtype, copy=False)

    def backward(gradient, input, output, shape, dim):
        if not shape or not shape[dim]:
            return gradient
        # The sum over j >= i of g_j e**(x_i - y_j), from the last i on: no factor exceeds 1.
        decay = _ratio(output.narrow(dim, 0, shape[dim] - 1), output.narrow(dim, 1, shape[dim] - 1))
        decay = cat([decay.new_zeros(()).expand(_one_wide(shape, dim)), decay.flip(dim)], dim)
        following = _decaying_sum(gradient.flip(dim), decay, dim).flip(dim)
        return following * _ratio(input, output)


def _one_wide(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return tuple(1 if i == dim else n for i, n in enumerate(shape))


def _ratio(a: Any, b: Any) -> Any:
    """conj(e**(a - b)); 0 where both are infinite."""
    difference = a - b
    return difference.masked_fill(difference.isnan(), -float("inf")).exp().conj()


@library("_decaying_sum", family="scan")
class _decaying_sum:
    """y_i = x_i + decay_i y_{i-1} along `dim`."""

    def forward(input, decay, dim: Option):
        if is_meta(input):
            return input.copy()
        rows, factors = np.moveaxis(input, dim, 0), np.moveaxis(decay, dim, 0)
        result = np.empty(input.shape, input.dtype)
        sums = np.moveaxis(result, dim, 0)
        sums[:1] = rows[:1]
        for i in range(1, len(rows)):
            np.multiply(sums[i - 1], factors[i], out=sums[i, ...])
            sums[i] += rows[i]
        return result

    def backward(gradient, decay, output, dim, shape):
        later = decay.conj().roll(-1, dim).flip(dim)  # the first one is not used
        to_input = _decaying_sum(gradient.flip(dim), later, dim).flip(dim)
        first = output.new_zeros(()).expand(_one_wide(shape, dim))
        before = cat([first, output.narrow(dim, 0, shape[dim] - 1)], dim)
        return to_input, to_input * before.conj()


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


@composite("logcumsumexp", samples=lambda x: [(x(2, 3), 1)])
def logcumsumexp(input: Tensor, dim: int, *, out: Any = None) -> Tensor:
    """log(running sum of e**x) along `dim`, without overflow.

    Unlike torch, gradients of half types are summed without overflow, and are not 0 there.

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


@composite("trapezoid trapz", samples=lambda x: [
    (x(2, 3),), (x(2, 3), x(3)), (x(2, 3), {"dx": 0.5, "dim": 0})])
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


@composite("cumulative_trapezoid", samples=lambda x: [
    (x(2, 3),), (x(2, 3), x(3)), (x(2, 3), {"dx": 0.5, "dim": 0})])
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral of `y` along `dim` by the trapezoidal rule: see trapezoid.

    >>> import rushlight as rl
    >>> rl.cumulative_trapezoid(rl.tensor([1., 5., 10.]))
    tensor([ 3.0000, 10.5000])
    """
    return _panels("cumulative_trapezoid", y, x, dx, dim).cumsum(dim) / 2
