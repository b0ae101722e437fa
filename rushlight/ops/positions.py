"""nonzero, argwhere, tril_indices, triu_indices: positions as integer tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends import masks
from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.base.device import as_device
from rushlight.base.shapes import contiguous_strides
from rushlight.families.composite import composite, function
from rushlight.families.index import title
from rushlight.families.inplace import write_out
from rushlight.tensor import Tensor, wrap

Array = np.ndarray


def _positions(array: Array) -> Array:
    """The positions of nonzero elements, (n, ndim), in row-major order."""
    return masks.nonzero(array).astype(np.int64, copy=False)


@composite("nonzero")
def nonzero(
    input: Tensor, *, as_tuple: bool = False, out: Tensor | None = None
) -> Tensor | tuple[Tensor, ...]:
    """Return the positions of the elements that are not zero, in row-major order.

    Args:
        as_tuple: False gives one (n, ndim) int64 tensor; True gives one (n,) tensor a dimension,
            which together index ``input``.

    >>> import rushlight as rl
    >>> rl.nonzero(rl.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    array = _with_data(input, "nonzero")
    if as_tuple:
        if array.ndim == 0:
            array = array.reshape(1)
        return tuple(wrap(np.ascontiguousarray(part)) for part in _positions(array).T)
    positions = _positions(array)
    if out is None:
        return wrap(positions)
    if out._array.dtype != np.int64:
        raise RuntimeError(
            "nonzero: Expected out tensor to have scalar type Long but got scalar type"
            f"{title(out._array.dtype)}"
        )
    return write_out(out, positions, "nonzero")


@composite("argwhere")
def argwhere(input: Tensor) -> Tensor:
    """Return the positions of the elements that are not zero, (n, ndim): as ``nonzero``.

    >>> import rushlight as rl
    >>> rl.argwhere(rl.tensor([0, 3, 4]))
    tensor([[1],
            [2]])
    """
    return wrap(_positions(_with_data(input, "argwhere")))


def _with_data(input: Tensor, name: str) -> Array:
    if is_meta(input._array):
        raise NotImplementedError(
            f"{name}() on meta tensors: the shape of the result depends on the data"
        )
    return input._array


@composite("nonzero_static", samples=lambda x: [(x(3), {"size": 4})])
def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """Return the first ``size`` rows of ``nonzero``, or those there are and ``fill_value``.

    >>> import rushlight as rl
    >>> rl.nonzero_static(rl.tensor([0, 5]), size=2)
    tensor([[ 1],
            [-1]])
    """
    if size < 0:
        raise RuntimeError(f"nonzero_static: 'size' must be an non-negative integer (got {size})")
    positions: Any = MetaArray((size, input.ndim), np.dtype(np.int64))
    if not is_meta(input._array):
        found = _positions(input._array)[:size]
        positions = np.full((size, input.ndim), fill_value, np.int64)
        positions[: len(found)] = found
    return wrap(positions) if out is None else write_out(out, positions, "nonzero_static")


@function("unravel_index", samples=lambda x: [(x.integers(3), (2, 3))])
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Return the positions that flat ``indices`` stand for in a tensor of ``shape``.

    One tensor a dimension, of the indices' shape; together they index such a tensor.

    >>> import rushlight as rl
    >>> rl.unravel_index(rl.tensor([5]), (2, 3))
    (tensor([1]), tensor([2]))
    """
    array = indices._array
    if array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    if is_meta(array):
        return tuple(wrap(array.copy()) for _ in sizes)
    steps = contiguous_strides(sizes)
    return tuple(
        wrap(np.asarray(array // step % size, array.dtype))
        for step, size in zip(steps, sizes, strict=True)
    )


def _triangle(name: str, mask: Any, row: int, col: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        which, value = ("row", row) if row < 0 else ("col", col)
        raise RuntimeError(f"{which} must be non-negative, got{value} ({name})")
    wanted = dtypes.int64 if dtype is None else dtypes.as_dtype(dtype)
    if wanted not in (dtypes.int64, dtypes.int32):
        raise NotImplementedError(
            f"\"{name}\" not implemented for '{title(wanted.array)}': int32 and int64 are"
        )
    positions = np.stack(mask.nonzero())
    if as_device(device).type == "meta":
        return wrap(MetaArray(positions.shape, wanted.array))
    return wrap(positions.astype(wanted.array, copy=False))


@function("tril_indices", samples=lambda x: [(3, 2, -1)])
def tril_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the positions of the lower triangle of a (row, col) matrix: (2, n), row by row.

    offset: counts diagonals upwards from the main one, the last that is included.

    >>> import rushlight as rl
    >>> rl.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    mask = np.tri(max(row, 0), max(col, 0), offset, dtype=bool)
    return _triangle("tril_indices", mask, row, col, dtype, device)


@function("triu_indices", samples=lambda x: [(3, 2, 1)])
def triu_indices(
    row: int,
    col: int,
    offset: int = 0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Return the positions of the upper triangle of a (row, col) matrix: (2, n), row by row.

    offset: counts diagonals upwards from the main one, the first that is included.

    >>> import rushlight as rl
    >>> rl.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    mask = ~np.tri(max(row, 0), max(col, 0), offset - 1, dtype=bool)
    return _triangle("triu_indices", mask, row, col, dtype, device)
