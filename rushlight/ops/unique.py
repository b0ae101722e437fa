"""Distinct elements, and membership: unique, unique_consecutive, isin."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends import reduce
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.promotion import of_number, promote_ranks
from rushlight.base.shapes import normalize_dim
from rushlight.families.cast import astype
from rushlight.families.composite import composite, function
from rushlight.families.kernels import number
from rushlight.tensor import Tensor, wrap

Array = np.ndarray
SPREAD = 1 << 10  # distance of whole numbers up to which counting is quicker than sorting


def _array(name: str, input: Tensor) -> Array:
    if is_meta(input._array):
        raise NotImplementedError(f"{name}() on meta tensors: the shape of the result depends on "
                                  "the data")
    return input._array


def _rows(name: str, array: Array, dim: int) -> Array:
    """The slices along `dim` as rows of a matrix."""
    if 0 in array.shape[:dim] + array.shape[dim + 1:]:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique "
                           f"cannot be applied: {name} along dimension {dim} of "
                           f"{list(array.shape)}")
    moved = np.moveaxis(array, dim, 0)
    return moved.reshape(len(moved), int(np.prod(moved.shape[1:])))


def _results(parts: tuple, return_inverse: bool, return_counts: bool) -> Any:
    values, inverse, counts = parts
    wanted = [wrap(values)]
    if return_inverse:
        wanted.append(wrap(inverse.astype(np.int64, copy=False)))
    if return_counts:
        wanted.append(wrap(counts.astype(np.int64, copy=False)))
    return wanted[0] if len(wanted) == 1 else tuple(wanted)


@composite("unique")
def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False,
           return_counts: bool = False, dim: int | None = None) -> Any:
    """The distinct elements in ascending order, or the distinct slices along `dim`.

    return_inverse: also where each element of `input` stands in the result.
    return_counts: also how often each occurs. Each NaN is distinct from all others.

    >>> import rushlight as rl
    >>> rl.unique(rl.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    array = _array("unique", input)
    wide = array.astype(np.float32) if array.dtype in dtypes.HALF_TYPES else array
    if dim is None:
        parts = _counted(wide, return_inverse) or _sorted(wide, return_inverse)
        values = parts[0].astype(array.dtype, copy=False)
        return _results((values, *parts[1:]), return_inverse, return_counts)
    dim = normalize_dim(dim, input.ndim)
    rows = _rows("unique", wide, dim)
    order = np.lexsort(rows.T[::-1]) if rows.shape[1] else np.arange(len(rows))
    starts = _starts(rows[order])
    group = np.cumsum(starts) - 1
    inverse = np.empty(len(rows), np.int64)
    inverse[order] = group
    values = np.take(array, order[starts], axis=dim)
    return _results((values, inverse, np.bincount(group)), return_inverse, return_counts)


def _counted(array: Array, inverse: bool) -> tuple[Array, Array | None, Array] | None:
    """Distinct whole numbers that lie close together, their places where `inverse`, and how often
    each occurs, by counting; None for others."""
    if not array.size or array.dtype.kind not in "iu" or array.dtype.itemsize * (
            array.dtype.kind == "u") == 8:
        return None
    low, high = (int(reduce.extreme(name, array, tuple(range(array.ndim)), False))
                 for name in ("amin", "amax"))
    if high - low > max(array.size, SPREAD):
        return None
    flat = array.reshape(-1).astype(np.int64, copy=False)
    if low:
        flat = flat - low
    counts = np.bincount(flat)
    found = counts.nonzero()[0]
    values = found + low if low else found
    places = None
    if inverse:
        rank = np.empty(len(counts), np.int64)
        rank[found] = np.arange(len(found))
        places = rank[flat].reshape(array.shape)
    return values, places, counts[found]


def _sorted(array: Array, inverse: bool) -> tuple[Array, Array | None, Array]:
    """What `_counted` gives, of any elements, by sorting them."""
    if inverse:
        values, places, counts = np.unique(array, return_inverse=True, return_counts=True,
                                           equal_nan=False)
        return values, places.reshape(array.shape), counts
    values, counts = np.unique(array, return_counts=True, equal_nan=False)
    return values, None, counts


def _starts(rows: Array) -> Array:
    """Where a row differs from the one before."""
    starts = np.ones(len(rows), bool)
    if len(rows):
        starts[1:] = (rows[1:] != rows[:-1]).any(1)
    return starts


@composite("unique_consecutive")
def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False,
                       dim: int | None = None) -> Any:
    """The elements (or slices along `dim`) without those that equal the one before.

    >>> import rushlight as rl
    >>> rl.unique_consecutive(rl.tensor([1, 1, 2, 1]))
    tensor([1, 2, 1])
    """
    array = _array("unique_consecutive", input)
    if dim is None:
        array, shape = array.reshape(-1), array.shape
        dim = 0
    else:
        dim = normalize_dim(dim, input.ndim)
        shape = (array.shape[dim],)
    rows = _rows("unique_consecutive", array, dim) if array.size else array.reshape(
        array.shape[dim], -1 if array.shape[dim] else 0)
    starts = _starts(rows)
    group = np.cumsum(starts) - 1
    values = np.compress(starts, array, axis=dim)
    return _results((values, group.reshape(shape), np.bincount(group)), return_inverse,
                    return_counts)


@function("isin", out=True, samples=lambda x: [
    (x.integers(2, 3), x.integers(2)), (x.integers(3), x.integers(2), {"invert": True})])
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False,
         invert: bool = False) -> Tensor:
    """Whether each element is one of `test_elements`; either may be a number.

    assume_unique: accepted. invert: whether it is none of them.

    >>> import rushlight as rl
    >>> rl.isin(rl.tensor([1, 2, 3]), rl.tensor([2, 5]))
    tensor([False,  True, False])
    """
    given = (elements, test_elements)
    tensors = [x for x in given if isinstance(x, Tensor)]
    if not tensors:
        raise TypeError("isin() received an invalid combination of arguments: elements or "
                        f"test_elements must be a Tensor: {operands(elements=elements)}")
    common = promote_ranks([t.dtype for t in tensors if t.ndim],
                           [t.dtype for t in tensors if not t.ndim],
                           [of_number(x) for x in given if not isinstance(x, Tensor)])
    if common.is_complex:
        raise RuntimeError("Unsupported input type encountered for isin(): "
                           f"{common}; compare real and imaginary parts")
    if any(is_meta(t._array) for t in tensors):
        shape = elements.shape if isinstance(elements, Tensor) else ()
        return wrap(MetaArray(shape, np.dtype(bool)))
    kind = np.dtype(np.float32) if common.array in dtypes.HALF_TYPES else common.array
    arrays = [astype(x._array, kind) if isinstance(x, Tensor) else number(x, kind)
              for x in given]
    return wrap(np.asarray(np.isin(*arrays, invert=invert)))
