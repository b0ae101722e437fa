"""Sums, means and other folds over axes, with the array API standard's signatures.

Without `dtype`, sums and products of bool and integers are computed in 64 bits: unsigned ones in
uint64.
"""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.array_api.data_types import UNSIGNED
from rushlight.base import dtypes
from rushlight.tensor import Tensor

Axes = int | tuple[int, ...] | None


def _axes(x: Tensor, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _folded(function: Any, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """A fold that is torch's over several dimensions at once; over none it changes nothing."""
    axes = _axes(x, axis)
    return function(x, axes, keepdim=keepdims) if axes else x.clone()


def _one_by_one(function: Any, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """A fold that takes one dimension at a time."""
    axes = sorted(one % x.ndim for one in _axes(x, axis))
    for one in reversed(axes):
        x = function(x, one, keepdim=keepdims)
    return x


def _totals(dtype: Any, x: Tensor) -> tuple[Any, Any]:
    """The type that a sum is computed in, and that of its result."""
    if dtype is None and x.dtype.category < 2:
        dtype = dtypes.uint64 if x.dtype in UNSIGNED else dtypes.int64
    dtype = dtype or x.dtype
    return (dtypes.int64 if dtype in dtypes.WIDE_UNSIGNED else dtype), dtype


def sum(x: Tensor, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The sum over `axis`; None: of all elements."""
    computed, wanted = _totals(dtype, x)
    return _folded(ops.sum, x.to(computed), axis, keepdims).to(wanted)


def prod(x: Tensor, /, *, axis: Axes = None, dtype: Any = None, keepdims: bool = False) -> Tensor:
    """The product over `axis`; None: of all elements."""
    computed, wanted = _totals(dtype, x)
    return _one_by_one(ops.prod, x.to(computed), axis, keepdims).to(wanted)


def mean(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The mean over `axis`; None: of all elements."""
    return _folded(ops.mean, x, axis, keepdims)


def var(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0,
        keepdims: bool = False) -> Tensor:
    """The variance over `axis`, the sum of squares divided by their number less `correction`."""
    axes = _axes(x, axis)
    return ops.var(x, axes, correction=correction, keepdim=keepdims) if axes else x * 0


def std(x: Tensor, /, *, axis: Axes = None, correction: float = 0.0,
        keepdims: bool = False) -> Tensor:
    """The square root of `var`."""
    return ops.sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))


def max(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The largest element over `axis`; None: of all."""
    return _folded(ops.amax, x, axis, keepdims)


def min(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The smallest element over `axis`; None: of all."""
    return _folded(ops.amin, x, axis, keepdims)


def all(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether no element over `axis` is zero."""
    return _one_by_one(ops.all, x.bool(), axis, keepdims)


def any(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Whether an element over `axis` is not zero."""
    return _one_by_one(ops.any, x.bool(), axis, keepdims)


def count_nonzero(x: Tensor, /, *, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """How many elements over `axis` are not zero."""
    return _folded(ops.sum, (x != 0).to(dtypes.int64), axis, keepdims)


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the largest element along `axis`; None: as if flat."""
    return _place(ops.argmax, x, axis, keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the smallest element along `axis`; None: as if flat."""
    return _place(ops.argmin, x, axis, keepdims)


def _place(function: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    if axis is None:
        found: Tensor = function(x)
        return found.reshape((1,) * x.ndim) if keepdims else found
    return function(x, axis, keepdim=keepdims)


def cumulative_sum(x: Tensor, /, *, axis: int | None = None, dtype: Any = None,
                   include_initial: bool = False) -> Tensor:
    """The sums of the elements up to each place; include_initial: a zero comes first."""
    return _running(ops.cumsum, x, axis, dtype, 0 if include_initial else None)


def cumulative_prod(x: Tensor, /, *, axis: int | None = None, dtype: Any = None,
                    include_initial: bool = False) -> Tensor:
    """The products of the elements up to each place; include_initial: a one comes first."""
    return _running(ops.cumprod, x, axis, dtype, 1 if include_initial else None)


def _running(function: Any, x: Tensor, axis: int | None, dtype: Any, first: Any) -> Tensor:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"axis is required for arrays of {x.ndim} dimensions")
        axis = 0
    computed, wanted = _totals(dtype, x)
    result: Tensor = function(x.to(computed), axis)
    if first is not None:
        shape = [*x.shape]
        shape[axis] = 1
        result = ops.cat([ops.full(shape, first, dtype=computed), result], axis)
    return result.to(wanted)


def diff(x: Tensor, /, *, axis: int = -1, n: int = 1, prepend: Tensor | None = None,
         append: Tensor | None = None) -> Tensor:
    """The differences of neighbours along `axis`, n times over."""
    return ops.diff(x, n, axis, prepend, append)
