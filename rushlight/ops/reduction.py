"""Reductions: sums, means, products, extremes, truth, variance, norms, over any dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.backends import reduce
from rushlight.base import dtypes
from rushlight.base.shapes import normalize_dim, normalize_dims
from rushlight.base.structure import structure
from rushlight.families.cast import astype, cast
from rushlight.families.composite import composite
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor

BOOL = np.dtype(np.bool_)

def _axes(dim: Any, ndim: int) -> tuple[int, ...]:
    """The dimensions to reduce; None and () stand for all."""
    if type(dim) is int and -ndim <= dim < ndim:
        return (dim if dim >= 0 else dim + ndim,)
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    return normalize_dims(dim, ndim) if ndim else normalize_dims(dim, ndim)[:0]


def _accumulator(input: Any, dtype: Any, floating: bool = False) -> np.dtype:
    """What sums of `input` are computed in and returned as."""
    if dtype is not None:
        return dtypes.as_dtype(dtype).array
    own = dtypes.from_array(input.dtype)
    if own.category < 2:
        return dtypes.default_dtype().array if floating else dtypes.int64.array
    return input.dtype


def of_target(dtype: Any, out: Any) -> Any:
    """The dtype that sums for `out` are formed in: what is asked for, else that of `out`."""
    return out.dtype if dtype is None and isinstance(out, Tensor) else dtype


def spread(gradient: Tensor, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Tensor:
    """The gradient of a reduction with the reduced dimensions back, broadcast to `shape`."""
    if not keepdim and gradient.ndim != len(shape):
        for axis in sorted(_axes(dim, len(shape))):
            gradient = gradient.unsqueeze(axis)  # type: ignore[attr-defined]
    return gradient.expand(shape)  # type: ignore[attr-defined]


@library("sum", family="reduction")
class sum:
    """The sum over `dim` (an int, several, or None for all); integers give int64.

    keepdim: keep the reduced dimensions with size 1. dtype: convert to it first.

    >>> import rushlight as rl
    >>> rl.tensor([[1., 2.], [3., 4.]]).sum(0)
    tensor([4., 6.])
    """

    in_target = True

    def forward(input, dim=None, keepdim=False, *, dtype=None):
        if dtype is None:
            found = reduce.few(reduce.SUM, input, dim, keepdim)
            if found is not None:
                return found
        kind = _accumulator(input, dtype)
        if input.dtype.kind == "b" and dim is None and not keepdim and type(input) is np.ndarray:
            return np.array(np.count_nonzero(input), kind)
        source = input if input.dtype == kind else astype(input, kind)
        return reduce.sum(source, _axes(dim, input.ndim), bool(keepdim))

    def backward(gradient, shape, dim, keepdim, kind):
        return cast(spread(gradient, shape, dim, keepdim), kind)


@library("mean", family="reduction")
class mean:
    """The mean over `dim` (an int, several, or None for all).

    Raises RuntimeError for integers unless dtype= names a floating type.

    >>> import rushlight as rl
    >>> rl.tensor([1., 2., 6.]).mean()
    tensor(3.)
    """

    def forward(input, dim=None, keepdim=False, *, dtype=None):
        found = None if dtype else reduce.few(reduce.MEAN, input, dim, keepdim)
        if found is not None:
            return found
        if dtype is None and input.dtype.kind in "biu":
            own = dtypes.from_array(input.dtype)
            raise RuntimeError(
                "mean(): could not infer output dtype. Input dtype must be either a floating point "
                f"or complex dtype. Got: {own.name}; convert it with .float(), or pass dtype=")
        kind = _accumulator(input, dtype)
        if kind.kind in "biu":
            raise RuntimeError("mean(): could not infer output dtype. Optional dtype must be "
                               "either a floating point or complex dtype. Got: "
                               + title(dtypes.from_array(kind)))
        source = input if input.dtype == kind else astype(input, kind)
        return reduce.mean(source, _axes(dim, input.ndim), bool(keepdim))

    def backward(gradient, shape, dim, keepdim, kind):
        count = math.prod(shape[d] for d in _axes(dim, len(shape)))
        return cast(spread(gradient / count, shape, dim, keepdim), kind)


@library("nansum", family="reduction")
class nansum:
    """The sum over `dim` of what is not NaN."""

    in_target = True

    def forward(input, dim=None, keepdim=False, *, dtype=None):
        kind = _accumulator(input, dtype)
        source = astype(input, kind)
        if kind.kind in "fcV" and type(source) is np.ndarray:
            source = np.where(np.isnan(source), kind.type(0), source)
        return reduce.sum(source, _axes(dim, input.ndim), bool(keepdim))

    def backward(gradient, input, shape, dim, keepdim):
        return spread(gradient, shape, dim, keepdim) * ~input.isnan()


@composite("nanmean", out=True)
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim` of what is not NaN."""
    count = (~input.isnan()).sum(dim, keepdim)  # type: ignore[attr-defined]
    return nansum(input, dim, keepdim, dtype=dtype) / count


@library("_prod", family="reduction")
class _prod:
    """The product over the dimensions `dims`."""

    def forward(input, dims: Option, keepdim: Option, kind: Option):
        return reduce.prod(input if input.dtype is kind else astype(input, kind), dims, keepdim)

    def backward(gradient, input, dims, keepdim, output, shape):
        whole = spread(gradient, shape, dims, keepdim)
        if not (input == 0).any():
            result = spread(output, shape, dims, keepdim)
            return whole * (result / input).conj()
        return whole * _product_of_others(input, dims).conj()


def _product_of_others(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """For each element the product of all others along `dims`, where zeros forbid division."""
    keep = [d for d in range(input.ndim) if d not in dims]
    order = [*keep, *dims]
    moved: Any = input.permute(order)  # type: ignore[attr-defined]
    flat = moved.reshape(*moved.shape[:len(keep)], -1)
    one = flat.new_ones(*flat.shape[:-1], 1)
    before = cat([one, flat[..., :-1].cumprod(-1)], -1)
    after = cat([one, flat.flip(-1)[..., :-1].cumprod(-1)], -1).flip(-1)
    others = (before * after).reshape(moved.shape)
    return others.permute([order.index(i) for i in range(input.ndim)])


@composite("prod")
def prod(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None,
         out: Any = None, axis: Any = None, keepdims: Any = None) -> Tensor:
    """The product of all elements, or over one dimension; integers give int64.

    out: a tensor for the result, in whose dtype is computed.

    >>> import rushlight as rl
    >>> rl.tensor([2., 3.]).prod()
    tensor(6.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is None else keepdims
    kind = _accumulator(input._array, of_target(dtype, out))
    return _prod(input, _axes(dim, input._array.ndim), keepdim, kind, out=out)


AMAX, AMIN = reduce.EXTREMES["amax"], reduce.EXTREMES["amin"]


def _check_some(name: str, input: Any, dim: Any) -> None:
    """Raises RuntimeError where the extreme of all of no elements is asked for."""
    if not input.size and dim in (None, (), []):
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() "
                           "== 0. Specify the reduction dim with the 'dim' argument.")


@library("amax", family="reduction")
class amax:
    """The largest element over `dim`; equal ones share the gradient. NaN wins.

    >>> import rushlight as rl
    >>> rl.tensor([[1., 5.], [7., 3.]]).amax(1)
    tensor([5., 7.])
    """

    def forward(input, dim=(), keepdim=False):
        found = reduce.few(AMAX, input, None if dim == () else dim, keepdim)
        if found is not None:
            return found
        _check_some("amax", input, dim)
        return reduce.extreme("amax", input, _axes(dim, input.ndim), bool(keepdim))

    def backward(gradient, input, output, shape, dim, keepdim):
        return _to_extremes(gradient, input, output, shape, dim, keepdim)


@library("amin", family="reduction")
class amin:
    """The smallest element over `dim`; equal ones share the gradient. NaN wins."""

    def forward(input, dim=(), keepdim=False):
        found = reduce.few(AMIN, input, None if dim == () else dim, keepdim)
        if found is not None:
            return found
        _check_some("amin", input, dim)
        return reduce.extreme("amin", input, _axes(dim, input.ndim), bool(keepdim))

    def backward(gradient, input, output, shape, dim, keepdim):
        return _to_extremes(gradient, input, output, shape, dim, keepdim)


def _to_extremes(gradient: Tensor, input: Tensor, output: Tensor, shape: Any, dim: Any,
                 keepdim: bool) -> Tensor:
    at = (input == spread(output, shape, dim, keepdim)).to(input.dtype)
    count = at.sum(dim, keepdim=True)
    return at / count * spread(gradient, shape, dim, keepdim)


@composite("aminmax", out=True)
def aminmax(input: Tensor, *, dim: Any = None, keepdim: bool = False) -> Any:
    """(min, max) over `dim`, or over everything.

    Unlike torch, `out` may have any dtype that the results can be converted to.
    """
    if dim is None and not input._array.size:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the "
                           "operation has no identity.")
    return AMINMAX(amin(input, () if dim is None else dim, keepdim),
                   amax(input, () if dim is None else dim, keepdim))


AMINMAX = structure("aminmax", "min max")


class _Extreme:
    """What the ops that return (values, indices) along one dimension share."""

    outputs = 2
    differentiable = (0,)

    def backward(gradient, output1, shape, dim, keepdim):
        values = gradient[0]
        if not shape:
            return values
        index = output1
        if not keepdim:
            values, index = values.unsqueeze(dim), index.unsqueeze(dim)
        return values.new_zeros(shape).scatter(dim, index, values)


@library("_max_along", family="reduction")
class _max_along(_Extreme):
    """The largest elements along `dim`, and where they stand."""

    structure = structure("max", "values indices")

    def forward(input, dim: Option, keepdim: Option):
        return reduce.along("argmax", input, dim, keepdim)

    backward = _Extreme.backward


@library("_min_along", family="reduction")
class _min_along(_Extreme):
    """The smallest elements along `dim`, and where they stand."""

    structure = structure("min", "values indices")

    def forward(input, dim: Option, keepdim: Option):
        return reduce.along("argmin", input, dim, keepdim)

    backward = _Extreme.backward


def _extreme(name: str, whole: Any, along: Any, pairwise: str) -> Any:
    def op(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None,
           out: Any = None, axis: Any = None, keepdims: Any = None) -> Any:
        array = input._array
        if axis is not None:
            dim = axis
        if dim is None and other is None and out is None and array.dtype.kind != "c" and array.size:
            return whole(input)
        if isinstance(dim, Tensor):
            other, dim = dim, None
        if other is not None:
            return getattr(input, pairwise)(other, out=out)
        if array.dtype.kind == "c":
            raise RuntimeError(f"{name}(): does not support complex input")
        if dim is None:
            if not input._array.size:
                raise RuntimeError(f"{name}(): Expected reduction dim to be specified for "
                                   "input.numel() == 0. Specify the reduction dim with the 'dim' "
                                   "argument.")
            return whole(input, (), False, out=out)
        keepdim = keepdim if keepdims is None else keepdims
        return along(input, normalize_dim(dim, array.ndim), keepdim, out=out)

    op.__name__ = op.__qualname__ = name
    word = "largest" if name == "max" else "smallest"
    op.__doc__ = (f"The {word} element; with `dim` (values, indices) along it; with another "
                  f"tensor the {word} of each pair.\n\n    >>> import rushlight as rl\n"
                  f"    >>> rl.tensor([2., 2.]).{name}()\n    tensor(2.)\n    ")
    return composite(name)(op)


max = _extreme("max", amax, _max_along, "maximum")
min = _extreme("min", amin, _min_along, "minimum")


@library("argmax", family="reduction")
class argmax:
    """Where the largest element along `dim` stands (in the flattened tensor if None).

    >>> import rushlight as rl
    >>> rl.tensor([1., 5., 2.]).argmax()
    tensor(1)
    """

    def forward(input, dim=None, keepdim=False):
        return reduce.where("argmax", input, dim, bool(keepdim))


@library("argmin", family="reduction")
class argmin:
    """Where the smallest element along `dim` stands (in the flattened tensor if None)."""

    def forward(input, dim=None, keepdim=False):
        return reduce.where("argmin", input, dim, bool(keepdim))


@library("all", family="reduction")
class all:
    """Whether all elements over `dim` are nonzero.

    >>> import rushlight as rl
    >>> rl.tensor([True, False]).all()
    tensor(False)
    """

    def forward(input, dim=None, keepdim=False):
        if input.dtype is BOOL and dim is None and not keepdim and type(input) is np.ndarray:
            return np.array(np.count_nonzero(input) == input.size)
        return reduce.truth(np.logical_and, input, _axes(dim, input.ndim), bool(keepdim))


@library("any", family="reduction")
class any:
    """Whether any element over `dim` is nonzero."""

    def forward(input, dim=None, keepdim=False):
        if input.dtype is BOOL and dim is None and not keepdim and type(input) is np.ndarray:
            return np.array(np.count_nonzero(input) > 0)
        return reduce.truth(np.logical_or, input, _axes(dim, input.ndim), bool(keepdim))


@composite("count_nonzero")
def count_nonzero(input: Tensor, dim: Any = None, *, axis: Any = None) -> Tensor:
    """How many elements over `dim` are nonzero."""
    dim = dim if axis is None else axis
    return (input != 0).sum(dim)  # type: ignore[attr-defined]


def _settle(dim: Any, unbiased: Any, correction: Any) -> tuple[Any, float]:
    """torch's overloads of var and std: var(unbiased), var(dim, unbiased), var(correction=)."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    return dim, correction


@library("_variance", family="reduction")
class _variance:
    """The mean squared deviation over `dims`, divided by the count less `correction`."""

    def forward(input, dims: Option, correction: Option, keepdim: Option):
        return reduce.variance(input, dims, correction, keepdim)

    def backward(gradient, input, shape, dims, correction, keepdim):
        count = math.prod(shape[d] for d in dims)
        scale = 2.0 / builtin_max(count - correction, 0) if count > correction else float("nan")
        centred = input - mean(input, dims, True)
        return spread(gradient, shape, dims, keepdim) * (scale * centred)


def builtin_max(a: float, b: float) -> float:
    """The larger of two numbers (`max` here is the op)."""
    return a if a > b else b


@composite("var")
def var(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
        correction: Any = None, out: Any = None, axis: Any = None,
        keepdims: Any = None) -> Tensor:
    """The variance over `dim`, divided by the count less `correction` (1).

    >>> import rushlight as rl
    >>> rl.tensor([1., 3.]).var()
    tensor(2.)
    """
    dim, keepdim = dim if axis is None else axis, keepdim if keepdims is None else keepdims
    dim, correction = _settle(dim, unbiased, correction)
    if input.dtype.category < 2:
        raise RuntimeError("std and var only support floating point and complex dtypes")
    if input.dtype.is_complex:
        parts: list[Any] = [var(part, dim, None, keepdim, correction=correction)
                            for part in (input.real, input.imag)]
        return parts[0].add(parts[1], out=out) if out is not None else parts[0] + parts[1]
    return _variance(input, _axes(dim, input.ndim), correction, keepdim, out=out)


@composite("std")
def std(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
        correction: Any = None, out: Any = None, axis: Any = None,
        keepdims: Any = None) -> Tensor:
    """The standard deviation over `dim`: the square root of the variance."""
    dim, keepdim = dim if axis is None else axis, keepdim if keepdims is None else keepdims
    dim, correction = _settle(dim, unbiased, correction)
    variance: Any = var(input, dim, None, keepdim, correction=correction)
    return _root(variance) if out is None else variance.sqrt(out=out)


@library("_root")
class _root:
    """The square root of a variance; its gradient at 0 is 0, as that of std is in torch."""

    def forward(input):
        return np.sqrt(input, out=...)

    def backward(gradient, output):
        return (gradient / (2 * output)).masked_fill(output == 0, 0)


@composite("var_mean")
def var_mean(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
             correction: Any = None) -> tuple[Tensor, Tensor]:
    """The variance and the mean over `dim`."""
    dim, correction = _settle(dim, unbiased, correction)
    return var(input, dim, None, keepdim, correction=correction), mean(input, dim, keepdim)


@composite("std_mean")
def std_mean(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *,
             correction: Any = None) -> tuple[Tensor, Tensor]:
    """The standard deviation and the mean over `dim`."""
    dim, correction = _settle(dim, unbiased, correction)
    return std(input, dim, None, keepdim, correction=correction), mean(input, dim, keepdim)


@composite("Tensor.sum_to_size", samples=lambda x: [(x(2, 3), (1, 3)), (x(2, 3), 3)])
def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """Summed over the dimensions in which `size` would be broadcast to this shape."""
    target = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    if not target:
        return sum(input)
    if target == input._array.shape:
        return input
    shape = input._array.shape
    lead = len(shape) - len(target)
    if lead < 0 or not _fits(shape[lead:], target):
        raise RuntimeError(f"size {{{list(target)}}} is not expandable to size {{{list(shape)}}}.")
    axes = (*range(lead), *(lead + i for i, n in enumerate(target)
                            if n == 1 and shape[lead + i] != 1))
    return sum(input, axes, True).reshape(target) if axes else (
        input.reshape(target))  # type: ignore[attr-defined]


def _fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return not [1 for a, b in zip(shape, target, strict=True) if b not in (1, a)]
