"""Norms of vectors and tensors."""

from __future__ import annotations

import math
from typing import Any

from rushlight.backends import reduce
from rushlight.base import dtypes
from rushlight.families.cast import cast
from rushlight.families.composite import composite, function
from rushlight.families.library import library
from rushlight.families.node_names import called
from rushlight.ops.reduction import _axes, spread
from rushlight.tensor import Tensor


@library("_euclidean", family="reduction")
class _euclidean:
    """sqrt(sum(|x|**2)) over `dims`; its gradient at 0 is 0."""

    def forward(input, dims: Option, keepdim: Option):
        return reduce.length(input, dims, keepdim)

    def backward(gradient, input, output, shape, dims, keepdim):
        length = spread(output, shape, dims, keepdim)
        unit = (input / length).masked_fill(length == 0, 0)
        return spread(gradient, shape, dims, keepdim) * unit

    def samples(x):
        return [(x(2, 3), (0,), False), (x(2, 3), (0, 1), True)]


@function("linalg.vector_norm", out=True,
          samples=lambda x: [(x(2, 3),), (x(2, 3), 3, 1), (x(2, 3), float('inf'), 0, True), (x(2,
              3), 1)])
@called("LinalgVectorNorm")
def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """sum(|x|**ord) ** (1/ord) over `dim`; inf and -inf give the extremes, 0 counts nonzeros.

    >>> import rushlight as rl
    >>> rl.linalg.vector_norm(rl.tensor([3., 4.]))
    tensor(5.)
    """
    if dtype is not None:
        x = cast(x, dtypes.as_dtype(dtype).array)
    if x.dtype.category < 2:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as "
                           f"input. Got {x.dtype.name}")
    return _norm(x, ord, _axes(dim, x.ndim), keepdim)


def _norm(x: Any, p: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    if p == 2 and dims and x.ndim:
        return _euclidean(x, dims, keepdim)
    size = x.abs()
    if p == 0:
        size = (0 * size).masked_fill(size != 0, 1)
    if x.ndim == 0 or not dims:
        return size
    if p == 0:
        return size.sum(dims, keepdim)
    if p == 1:
        return size.sum(dims, keepdim)
    if p == math.inf:
        return size.amax(dims, keepdim)
    if p == -math.inf:
        return size.amin(dims, keepdim)
    return _power_norm(size, p, dims, keepdim)


def _power_norm(size: Any, p: float, dims: tuple[int, ...], keepdim: bool) -> Any:
    """The p-norm of nonnegative numbers; no gradient flows where the norm is 0."""
    if p < 0:  # one zero makes the norm zero, whatever the others are
        none = (size == 0).any(dims, keepdim=True)
        total = (size.masked_fill(none, 1) ** p).sum(dims, keepdim)
        return (total ** (1 / p)).masked_fill(none if keepdim else none.squeeze(dims), 0)
    if 0 < p < 1:  # the slope of the power is infinite at 0
        none = size == 0
        total = (size.masked_fill(none, 1) ** p).masked_fill(none, 0).sum(dims, keepdim)
    else:
        total = (size ** p).sum(dims, keepdim)
    zero = total == 0
    if not total.is_meta and bool(zero.any()):
        return (total.masked_fill(zero, 1) ** (1 / p)).masked_fill(zero, 0)
    return total ** (1 / p)


@composite("norm", out=True, samples=lambda x: [(x(2, 3),), (x(2, 3), 3, 1, True)])
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *,
         dtype: Any = None) -> Tensor:
    """The p-norm over `dim`, or over everything; "fro" is 2, "nuc" sums singular values.

    >>> import rushlight as rl
    >>> rl.tensor([3., 4.]).norm()
    tensor(5.)
    """
    if dtype is not None:
        input = cast(input, dtypes.as_dtype(dtype).array)
    if (p == "fro" or p == 2) and input._array.dtype.kind == "f" and input._array.ndim:
        return _euclidean(input, _axes(dim, input._array.ndim), keepdim)
    if input.dtype.category < 2:
        raise RuntimeError("linalg.vector_norm: Expected a floating point or complex tensor as "
                           f"input. Got {input.dtype.name}; convert it with .float()")
    if p == "nuc":
        return input.svd()[1].sum(-1)
    order = 2 if p in ("fro", None) else p
    return vector_norm(input, float(order), dim, keepdim)


@composite("renorm", out=True, inplace=True, samples=lambda x: [(x(3, 4), 2, 0, 0.5)])
@called("Renorm")
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Tensor:
    """Each slice along `dim` scaled down to a p-norm of at most maxnorm."""
    if input.ndim < 2:
        raise RuntimeError("renorm: input needs at least 2 dimensions, got "
                           f"{input.ndim} dimensions")
    others = tuple(d for d in range(input.ndim) if d != dim % input.ndim)
    length = _norm(input, p, others, True)
    scale = (maxnorm / (length + 1e-7)).masked_fill(length <= maxnorm, 1)
    return input * scale
