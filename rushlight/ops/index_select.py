"""index_select, index_add, index_copy, index_fill: one index for every slice along a dimension."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.base.assign import copy_into, fit
from rushlight.base.first_use import Deferred
from rushlight.base.shapes import normalize_dim
from rushlight.families import index_kernels as kernels
from rushlight.families.composite import composite
from rushlight.families.index import INDEX_DTYPES, at_least_1d, index_op, title, zeros
from rushlight.ops.scatter import scatter_reduce
from rushlight.tensor import Tensor

if TYPE_CHECKING:
    from rushlight.backends.cpu import few_places as few
else:
    few = Deferred("rushlight.backends.cpu.few_places", globals())

Array = np.ndarray
Number = bool | int | float | complex


def _check_vector(op: str, index: Array, allowed: frozenset, error: type, wanted: str) -> None:
    if index.dtype not in allowed:
        raise error(f"{op}(): Expected {wanted} for index but got: {title(index.dtype)}")
    if index.ndim > 1:
        raise IndexError(
            f"{op}(): Index is supposed to be a vector, but got dim: {index.ndim} "
            f"with type: {title(index.dtype)} and size: {list(index.shape)}"
        )


LONG = np.dtype(np.int64)


@index_op(
    "index_select",
    saves="index",
    shape=lambda input, dim, index: (
        *input.shape[: normalize_dim(dim, input.ndim)],
        index.size,
        *input.shape[normalize_dim(dim, input.ndim) + 1 :],
    ),
    grad={
        "input": lambda g, call: index_add(zeros(call.input, g), call.dim, call.index, g),
    },
    samples=lambda x: [(x(3, 2), 0, x.tensor([2, 0, 2])), (x(2, 3), 1, x.tensor([1]))],
)
def index_select(input: Array, dim: int, index: Array) -> Array:
    """Return the slices along ``dim`` that ``index`` names, in a new tensor.

    Args:
        index: (n,) int64 or int32, elements from 0 to ``input.size(dim) - 1``.

    >>> import rushlight as rl
    >>> rl.index_select(rl.tensor([[1, 2, 3], [4, 5, 6]]), 1, rl.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    found = few.take(input, dim, index)
    if found is not None:
        return found
    dim = normalize_dim(dim, input.ndim)
    if index.dtype not in INDEX_DTYPES:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if input.ndim == 0 and index.size != 1:
        raise RuntimeError(
            f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)"
        )
    size = input.shape[dim] if input.ndim else 1
    wrong = kernels.outside(index, size)
    if wrong is not None:
        raise IndexError(
            f"index out of range in self: index_select got {wrong} for dimension {dim} "
            f"with size {size}"
        )
    if input.ndim == 0:
        return input.copy()
    return kernels.take(input, dim, index.reshape(-1))


def _check_slices(op: str, input: Array, dim: int, index: Array, source: Array) -> None:
    rest = input.shape[:dim] + input.shape[dim + 1 :]
    if source.shape[:dim] + source.shape[dim + 1 :] != rest or source.ndim != input.ndim:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. "
            f"Got self.shape = {list(input.shape)} source.shape = {list(source.shape)}"
        )


@index_op(
    "index_add",
    writes=True,
    saves="index",
    grad={
        "input": lambda g, call: g,
        "source": lambda g, call: _scaled(index_select(g, call.dim, call.index), call),
    },
    samples=lambda x: [
        (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2)),
        (x(2, 3), 1, x.tensor([1]), x(2, 1), {"alpha": 0.5})],
)
def index_add(input: Array, dim: int, index: Array, source: Array, *, alpha: Number = 1) -> None:
    """Add slices: ``out[:, index[j]] += alpha * source[:, j]`` for ``dim=1``.

    Args:
        index: (n,) int64 or int32; slices that repeat add up, in order.
        source: n slices along ``dim``, of the input's dtype.

    >>> import rushlight as rl
    >>> rl.zeros(3).index_add(0, rl.tensor([0, 0]), rl.tensor([1.0, 2.0]), alpha=2)
    tensor([6., 0., 0.])
    """
    if alpha == 1 and few.index_add(input, dim, index, source):
        return
    dim = normalize_dim(dim, input.ndim)
    _check_vector("index_add_", index, INDEX_DTYPES, RuntimeError, "dtype int32/int64")
    if input.dtype != source.dtype:
        raise RuntimeError(
            f"index_add_(): self ({title(input.dtype)}) and source ({title(source.dtype)}) "
            "must have the same scalar type"
        )
    slices = source.shape[dim] if source.ndim > dim else 1
    if slices != index.size:
        raise RuntimeError(
            f"index_add_(): Number of indices ({index.size}) should be equal to source.size(dim): "
            f"({slices}), for dim: {dim}"
        )
    target, index, source = at_least_1d(input, index, source)
    _check_slices("index_add_", target, dim, index, source)
    wrong = kernels.outside(index, target.shape[dim])
    if wrong is not None:
        raise IndexError(
            f"index out of range in self: index_add got {wrong} for dimension {dim} "
            f"with size {target.shape[dim]}"
        )
    if alpha != 1:
        source = source * fit(alpha, source.dtype)
    kernels.index_add(target, dim, index, source)


def _scaled(g: Tensor, call: SimpleNamespace) -> Tensor:
    g = g if call.alpha == 1 else g * call.alpha
    return g if g._array.shape == call.source.shape else g.reshape(call.source.shape)


@index_op(
    "index_copy",
    writes=True,
    saves="index",
    grad={
        "input": lambda g, call: index_fill(g, call.dim, call.index, 0),
        "source": lambda g, call: index_select(g, call.dim, call.index).reshape(call.source.shape),
    },
    samples=lambda x: [(x(3, 2), 0, x.tensor([2, 0]), x(2, 2))],
)
def index_copy(input: Array, dim: int, index: Array, source: Array) -> None:
    """Write slices: ``out[:, index[j]] = source[:, j]`` for ``dim=1``.

    Args:
        index: (n,) int64. Where it repeats a slice, the last one stays.
        source: n slices along ``dim``, of the input's dtype.

    >>> import rushlight as rl
    >>> rl.zeros(3).index_copy(0, rl.tensor([2, 0]), rl.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    dim = normalize_dim(dim, input.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    slices = source.shape[dim] if source.ndim > dim else 1
    if index.size != slices and (source.ndim or index.size != 1):
        raise IndexError(
            f"index_copy_(): Number of indices ({index.size}) should be equal to "
            f"source.size(dim) ({slices})"
        )
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality "
            f"must match. Source dimensionality ({source.ndim}), destination dimensionality "
            f"({input.ndim})"
        )
    if index.dtype != LONG:
        raise RuntimeError(
            f"index_copy_(): Expected a long tensor for index, but got {title(index.dtype)}"
        )
    if input.dtype != source.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{title(input.dtype)} and (source) {title(source.dtype)}"
        )
    target, index, source = at_least_1d(input, index, source)
    ours = target.shape[:dim] + target.shape[dim + 1 :]
    theirs = source.shape[:dim] + source.shape[dim + 1 :]
    if ours != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination "
            f"slice shape: {list(ours)} and source slice shape: {list(theirs)} "
            f"apart from dimension {dim}."
        )
    wrong = kernels.outside(index, target.shape[dim])
    if wrong is not None:
        raise IndexError(
            f"index_copy_(): index {wrong} is out of bounds for dimension {dim} "
            f"with size {target.shape[dim]}"
        )
    target[kernels.slices(dim, index)] = source


@index_op(
    "index_fill",
    writes=True,
    saves="index",
    grad={
        "input": lambda g, call: index_fill(g, call.dim, call.index, 0),
        "value": lambda g, call: (g - index_fill(g, call.dim, call.index, 0)).sum(),
    },
    samples=lambda x: [(x(3, 2), 0, x.tensor([2, 0]), 0.5), (x(3, 2), 1, x.tensor([1]), x())],
)
def index_fill(input: Array, dim: int, index: Array, value: Array | Number) -> None:
    """Fill slices: ``out[:, index[j]] = value`` for ``dim=1``.

    Args:
        index: (n,) int64, from ``-input.size(dim)``.
        value: a number or a 0-d tensor.

    >>> import rushlight as rl
    >>> rl.zeros(3).index_fill(0, rl.tensor([0, 2]), 7.0)
    tensor([7., 0., 7.])
    """
    dim = normalize_dim(dim, input.ndim)
    if index.dtype != LONG:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if isinstance(value, np.ndarray) and value.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value.ndim} dimension(s)."
        )
    if isinstance(value, complex) and input.dtype.kind != "c":
        raise RuntimeError(
            "index_fill_(): Converting complex Scalar to non-complex type is not supported"
        )
    target, index = at_least_1d(input, index)
    size = target.shape[dim]
    wrong = kernels.outside(np.where(index < 0, index + size, index), size)
    if wrong is not None:
        first = index[(index < -size) | (index >= size)][0]
        raise IndexError(f"index {first} is out of bounds for dimension {dim} with size {size}")
    single = np.empty((), input.dtype)
    copy_into(single, value)
    target[kernels.slices(dim, index)] = single


def _index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str
) -> tuple[Any, ...]:
    """The arguments of scatter_reduce that do the same."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce}."
        )
    dim = normalize_dim(dim, input.ndim)
    _check_vector("index_reduce_", index._array, INDEX_DTYPES, RuntimeError, "dtype int32/int64")
    slices = source.shape[dim] if source.ndim > dim else 1
    if slices != index.numel():
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({index.numel()}) should be equal to "
            f"source.size(dim): ({slices}), for dim: {dim}"
        )
    if source.ndim == 0:
        return dim, index.reshape(()), source, reduce
    rows = index.reshape((-1,) + (1,) * (source.ndim - dim - 1))
    return dim, rows.expand(source.shape), source, reduce


@composite("index_reduce", samples=lambda x: [
    (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2), "prod"),
    (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2), "mean", {"include_self": False}),
    (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2), "amax"),
    (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2), "amin")])
def index_reduce(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
    out: Tensor | None = None,
) -> Tensor:
    """Reduce the slices of ``source`` into the slices of ``input`` that ``index`` names.

    Args:
        index: (n,) int64 or int32.
        source: n slices along ``dim``, of the input's dtype.
        reduce: "prod", "mean", "amax" or "amin".
        include_self: whether the slice that was there takes part.

    >>> import rushlight as rl
    >>> rl.ones(2).index_reduce(0, rl.tensor([0, 0]), rl.tensor([3.0, 4.0]), "prod")
    tensor([12.,  1.])
    """
    arguments = _index_reduce(input, dim, index, source, reduce)
    return scatter_reduce(input, *arguments, include_self=include_self, out=out)


@composite("Tensor.index_reduce_", samples=lambda x: [
    (x(3, 2), 0, x.tensor([2, 0, 2]), x(3, 2), "mean")])
def index_reduce_(
    input: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Tensor:
    """``index_reduce`` in place."""
    arguments = _index_reduce(input, dim, index, source, reduce)
    return input.scatter_reduce_(*arguments, include_self=include_self)
