"""Sorting, searching, picking and sets, with the array API standard's signatures."""

from __future__ import annotations

from typing import Any, NamedTuple

from rushlight import ops
from rushlight.tensor import Tensor


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Tensor
    inverse_indices: Tensor


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False,
            stable: bool = True) -> Tensor:
    """The places of the elements in sorted order along `axis`."""
    return ops.argsort(x, dim=axis, descending=descending, stable=stable)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The elements in order along `axis`."""
    return ops.sort(x, dim=axis, descending=descending, stable=stable)[0]


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """The places of the elements that are not zero, dimension by dimension.

    Raises ValueError for a 0-d tensor.
    """
    if not x.ndim:
        raise ValueError("nonzero: zero-dimensional arrays are not allowed")
    return tuple(ops.nonzero(x, as_tuple=True))


def searchsorted(x1: Tensor, x2: Any, /, *, side: str = "left",
                 sorter: Tensor | None = None) -> Tensor:
    """Where the elements of x2 belong in the sorted x1."""
    if not isinstance(x2, Tensor):
        x2 = ops.scalar_tensor(x2, dtype=x1.dtype)
    return ops.searchsorted(x1, x2, side=side, sorter=sorter)


def take(x: Tensor, indices: Tensor, /, *, axis: int | None = None) -> Tensor:
    """The elements at `indices` along `axis`, which x of one dimension need not be told."""
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"take: axis is required for arrays of {x.ndim} dimensions")
        axis = 0
    axis %= x.ndim
    picked = ops.index_select(x, axis, indices.reshape(-1))
    return picked.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1:]))


def take_along_axis(x: Tensor, indices: Tensor, /, *, axis: int = -1) -> Tensor:
    """The elements at `indices`, which has the dimensions of `x`, along `axis`."""
    return ops.take_along_dim(x, indices, axis)


def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Tensor:
    """Whether each element of x1 is found in x2."""
    return ops.isin(x1, x2, invert=invert)


def unique_all(x: Tensor, /) -> UniqueAll:
    """The distinct elements in order, where each is first found, the place of every element
    among them, and their counts."""
    values, inverse, counts = ops.unique(x, return_inverse=True, return_counts=True)
    order = ops.argsort(inverse.reshape(-1), stable=True)
    starts = ops.cumsum(counts, 0) - counts
    return UniqueAll(values, order[starts], inverse, counts)


def unique_counts(x: Tensor, /) -> UniqueCounts:
    """The distinct elements in order, and their counts."""
    return UniqueCounts(*ops.unique(x, return_counts=True))


def unique_inverse(x: Tensor, /) -> UniqueInverse:
    """The distinct elements in order, and the place of every element among them."""
    return UniqueInverse(*ops.unique(x, return_inverse=True))


def unique_values(x: Tensor, /) -> Tensor:
    """The distinct elements in order."""
    return ops.unique(x)
