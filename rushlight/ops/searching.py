"""searchsorted and bucketize: where values belong in a sorted sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from rushlight.backends.meta.array import MetaArray, is_meta
from rushlight.base import dtypes
from rushlight.families.composite import function
from rushlight.families.inplace import write_out
from rushlight.tensor import Tensor, wrap

Array = np.ndarray
Number = bool | int | float


@function("searchsorted", samples=lambda x: [
    (x(4).sort()[0], x(2, 3)), (x(2, 4).sort()[0], x(2, 3), {"right": True, "out_int32": True})])
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor | Number,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return the places at which inserting ``input`` keeps each row of the sequence sorted.

    Args:
        sorted_sequence: (*rows, n), each row ascending; or (n,) for all values.
        input: (*rows, m) values, or a number where the sequence is 1-d.
        out_int32: int32 places instead of int64.
        right: behind equal elements, not before them. side="right" says the same.
        sorter: int64, of the sequence's shape: the order in which an unsorted sequence is sorted.

    >>> import rushlight as rl
    >>> rl.searchsorted(rl.tensor([1, 3, 5]), rl.tensor([3, 6]))
    tensor([1, 3])
    """
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(
            f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}"
        )
    if side == "left" and right:
        raise RuntimeError(
            "torch.searchsorted(): side and right can't be set to opposites, got side of left "
            "while right was True"
        )
    sequence = _comparable(sorted_sequence._array)
    values = _values(input)
    if sorter is not None:
        sequence = _in_order(sequence, sorter._array)
    _check_rows(sequence, values, isinstance(input, Tensor))
    places = _search(sequence, values, "right" if right or side == "right" else "left")
    return _result(places, out_int32, out, "searchsorted")


@function("bucketize", samples=lambda x: [
    (x(2, 3), x(4).sort()[0]), (x(2, 3), x(4).sort()[0], {"right": True})])
def bucketize(
    input: Tensor | Number,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Return the number of the bucket of each value.

    Bucket i holds ``boundaries[i-1] < value <= boundaries[i]``; with ``right`` it holds
    ``boundaries[i-1] <= value < boundaries[i]``.

    Args:
        input: values of any shape, or a number.
        boundaries: (n,), ascending.
        out_int32: int32 instead of int64.

    >>> import rushlight as rl
    >>> rl.bucketize(rl.tensor([0, 3, 9]), rl.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    places = _search(_comparable(boundaries._array), _values(input), "right" if right else "left")
    return _result(places, out_int32, out, "bucketize")


def _comparable(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype == dtypes.bfloat16.array else array


def _values(input: Any) -> Array:
    return _comparable(input._array) if isinstance(input, Tensor) else np.asarray(input)


def _in_order(sequence: Array, order: Array) -> Array:
    if order.shape != sequence.shape:
        raise RuntimeError(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary "
            f"tensor {list(sequence.shape)}and got sorter tensor {list(order.shape)}"
        )
    if order.dtype != np.int64:
        raise RuntimeError(
            f"torch.searchsorted(): sorter must be a tensor of long dtype but got {order.dtype}"
        )
    if is_meta(order):
        return sequence
    if order.size and (order.min() < 0 or order.max() >= sequence.shape[-1]):
        raise RuntimeError("torch.searchsorted(): sorter index out of range")
    return np.take_along_axis(sequence, order, -1)


def _check_rows(sequence: Array, values: Array, is_tensor: bool) -> None:
    if sequence.ndim == 0:
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 "
            "dimension"
        )
    if not is_tensor and sequence.ndim != 1:
        raise RuntimeError(
            "torch.searchsorted(): input value can be a scalar only when boundaries tensor "
            f"dimension is 1, but we got boundaries tensor dim({sequence.ndim})"
        )
    if sequence.ndim > 1 and (
        values.ndim != sequence.ndim or values.shape[:-1] != sequence.shape[:-1]
    ):
        raise RuntimeError(
            "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 "
            "dimensions of boundaries tensor and input value tensor must match, but we got "
            f"boundaries tensor {list(sequence.shape)} and input value tensor {list(values.shape)}"
        )


def _search(sequence: Array, values: Array, side: Any) -> Any:
    if is_meta(sequence) or is_meta(values):
        return MetaArray(values.shape, np.dtype(np.int64))
    if sequence.ndim == 1:
        places = np.asarray(np.searchsorted(sequence, values, side), np.int64)
    else:
        places = np.empty(values.shape, np.int64)
        for row in np.ndindex(values.shape[:-1]):
            places[row] = np.searchsorted(sequence[row], values[row], side)
    if values.dtype.kind == "f":  # NaN belongs behind everything, other NaN included
        places[np.isnan(values)] = sequence.shape[-1]
    return places


def _result(places: Array, out_int32: bool, out: Tensor | None, name: str) -> Tensor:
    dtype = np.dtype(np.int32 if out_int32 else np.int64)
    if out is None:
        return wrap(places.astype(dtype, copy=False))
    if out._array.dtype != dtype:
        raise RuntimeError(
            f"torch.{name}(): output tensor's dtype is wrong, it can only be Int(int32) or "
            "Long(int64) depending on whether out_int32 flag is True, but we got output tensor's "
            f"dtype {out.dtype} and out_int32 flag is {out_int32}"
        )
    return write_out(out, places.astype(dtype), name)
