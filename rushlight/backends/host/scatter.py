"""Gathering and scattering along one dimension of NumPy arrays.

A position (i, j, k) of ``index`` along dimension 1 stands for the element (i, index[i, j, k], k).
Dense arrays are addressed by one flat position an element, which NumPy does fastest. Additions to
one element happen in the order of the values: the same result in every run.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rushlight.base.index import add_rows

Array = np.ndarray


def outside(index: Array, size: int) -> int | None:
    """The first element of ``index`` that is not in [0, size), or None."""
    if index.size == 0:
        return None
    # Seen as unsigned, negative numbers are huge: one pass checks both ends.
    if index.flags.c_contiguous and index.view(f"u{index.itemsize}").max() < size:
        return None
    wrong = index[(index < 0) | (index >= size)]
    return int(wrong[0]) if wrong.size else None


def flat_positions(shape: Sequence[int], dim: int, index: Array) -> Array:
    """Positions, in a dense array of ``shape``, of what ``index`` stands for along ``dim``."""
    stride = 1
    step: list[int] = []
    for size in reversed(shape):
        step.insert(0, stride)
        stride *= size
    positions = index.astype(np.intp) if step[dim] == 1 else index.astype(np.intp) * step[dim]
    for axis, size in enumerate(index.shape):
        if axis != dim and size > 1:
            offsets = np.arange(size) * step[axis]
            positions += offsets.reshape((size,) + (1,) * (index.ndim - axis - 1))
    return positions


def _key(dim: int, index: Array) -> tuple[Array, ...]:
    """The same positions as a NumPy index: for arrays that are not dense."""
    key = list(np.ogrid[tuple(slice(size) for size in index.shape)])
    key[dim] = index
    return tuple(key)


def _crop(source: Array, shape: tuple[int, ...]) -> Array:
    return source if source.shape == shape else source[tuple(slice(size) for size in shape)]


def gather(array: Array, dim: int, index: Array) -> Array:
    """``array[i, index[i, j], ...]`` of the shape of ``index``; indices must be in range."""
    if array.flags.c_contiguous:
        return array.reshape(-1).take(flat_positions(array.shape, dim, index))
    picked: Array = array[_key(dim, index)]
    return picked


def scatter(target: Array, dim: int, index: Array, source: Array) -> None:
    """Write ``source`` (at least as large as ``index``, or 0-d) where ``index`` points."""
    values = source if source.ndim == 0 else _crop(source, index.shape)
    if target.flags.c_contiguous:
        target.reshape(-1)[flat_positions(target.shape, dim, index)] = values
    else:
        target[_key(dim, index)] = values


def scatter_with(function: np.ufunc, target: Array, dim: int, index: Array, source: Array) -> None:
    """Combine ``source`` into ``target`` by ``function`` (np.add, np.multiply, np.maximum, ...)."""
    values = np.broadcast_to(
        source if source.ndim == 0 else _crop(source, index.shape), index.shape
    )
    if target.flags.c_contiguous:
        positions = flat_positions(target.shape, dim, index).reshape(-1)
        # Flat, dense and of one dtype: only then does ufunc.at have a fast loop.
        function.at(target.reshape(-1), positions, np.ascontiguousarray(values).reshape(-1))
    else:
        function.at(target, _key(dim, index), values)


def counts(shape: Sequence[int], dim: int, index: Array) -> Array:
    """How many positions of ``index`` point to each element of an array of ``shape``."""
    total = int(np.prod(shape, dtype=np.intp))
    positions = flat_positions(shape, dim, index).reshape(-1)
    return np.bincount(positions, minlength=total).reshape(tuple(shape))


FUNCTIONS = {
    "sum": np.add,
    "mean": np.add,
    "prod": np.multiply,
    "amax": np.maximum,
    "amin": np.minimum,
}


def _start(reduce: str, dtype: np.dtype) -> Array:
    """The value that a reduction starts from: it leaves the first operand as it is."""
    if reduce in ("sum", "mean", "prod"):
        return np.array(reduce == "prod", dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.array(limits.min if reduce == "amax" else limits.max, dtype)
    return (
        np.array(reduce == "amin")
        if dtype.kind == "b"
        else np.array(-np.inf if reduce == "amax" else np.inf, dtype)
    )


def scatter_reduce(
    target: Array, dim: int, index: Array, source: Array, reduce: str, include_self: bool
) -> None:
    """Reduce into each element of ``target`` the values that point to it, in place.

    ``reduce`` is a key of FUNCTIONS; without ``include_self`` the former value takes no part.
    """
    if not include_self:
        scatter(target, dim, index, _start(reduce, target.dtype))
    scatter_with(FUNCTIONS[reduce], target, dim, index, source)
    if reduce == "mean":
        divide_by_counts(target, counts(target.shape, dim, index) + int(include_self))


def divide_by_counts(target: Array, number: Array) -> None:
    """Divide in place by the counts, where they are not 0; integers are rounded down."""
    number = np.maximum(number, 1).astype(target.dtype)
    if target.dtype.kind in "iu":
        np.floor_divide(target, number, out=target)
    else:
        np.divide(target, number, out=target)


def index_add(target: Array, dim: int, index: Array, source: Array) -> None:
    """Add the slices of ``source`` along ``dim`` to the slices of ``target`` that ``index`` names.

    ``index`` is (n,) and in range; ``source`` has n slices.
    """
    if dim == 0 or not target.flags.c_contiguous:
        add_rows(np.moveaxis(target, dim, 0), index, np.moveaxis(source, dim, 0))
    else:
        scatter_with(np.add, target, dim, along(index, dim, source.shape), source)


def along(index: Array, dim: int, shape: tuple[int, ...]) -> Array:
    """A vector of indices, broadcast to ``shape`` so that it runs along ``dim``."""
    return np.broadcast_to(index.reshape((-1,) + (1,) * (len(shape) - dim - 1)), shape)


def slices(dim: int, index: Array) -> tuple[slice | Array, ...]:
    """The NumPy index of the slices along ``dim`` that ``index`` names."""
    return (slice(None),) * dim + (index,)
