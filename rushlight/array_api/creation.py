"""Making tensors, with the array API standard's signatures."""

from __future__ import annotations

from typing import Any

from rushlight import ops
from rushlight.base.dtypes import bool_
from rushlight.tensor import Tensor

Shape = int | tuple[int, ...]


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None,
            copy: bool | None = None) -> Tensor:
    """A tensor of numbers, nested sequences, or anything with a buffer or DLPack.

    copy: True always copies, False raises ValueError where memory cannot be shared, None shares
    where it can.
    """
    return ops.asarray(obj, dtype=dtype, device=device, copy=copy)


def arange(start: float, /, stop: float | None = None, step: float = 1, *, dtype: Any = None,
           device: Any = None) -> Tensor:
    """start, start + step, ... below `stop`; empty where there is no such number."""
    start, stop = (0, start) if stop is None else (start, stop)
    if (stop - start) * step <= 0:
        whole = all(isinstance(v, int) for v in (start, stop, step))
        return ops.empty(0, dtype=dtype or ops.arange(1 if whole else 1.0).dtype, device=device)
    return ops.arange(start, stop, step, dtype=dtype, device=device)


def empty(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Uninitialised memory."""
    return ops.empty(_size(shape), dtype=dtype, device=device)


def empty_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Uninitialised memory of the shape of `x`."""
    return ops.empty_like(x, dtype=dtype, device=device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None,
        device: Any = None) -> Tensor:
    """Ones on the k-th diagonal, zeros elsewhere."""
    n_cols = n_rows if n_cols is None else n_cols
    result = ops.zeros(n_rows, n_cols, dtype=dtype, device=device)
    if -n_rows < k < n_cols:
        result.diagonal(k).fill_(1)
    return result


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """The memory of another library's array, shared unless copy is True."""
    result = ops.from_dlpack(x)
    return result.clone() if copy else result


def full(shape: Shape, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor filled with a number."""
    return ops.full(_size(shape), fill_value, dtype=dtype, device=device)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the shape of `x`, filled with a number."""
    return ops.full_like(x, fill_value, dtype=dtype, device=device)


def linspace(start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None,
             endpoint: bool = True) -> Tensor:
    """`num` numbers evenly spaced from `start` to `stop`, which endpoint=False leaves out."""
    if endpoint:
        return ops.linspace(start, stop, num, dtype=dtype, device=device)
    return ops.linspace(start, stop, num + 1, dtype=dtype, device=device)[:-1]


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """The coordinates of a grid; "xy" swaps the first two dimensions, "ij" does not."""
    if len({a.dtype for a in arrays}) > 1:
        raise ValueError("meshgrid inputs must all have the same dtype")
    return tuple(ops.meshgrid(*arrays, indexing=indexing)) if arrays else ()


def ones(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of ones."""
    return ops.ones(_size(shape), dtype=dtype, device=device)


def ones_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Ones in the shape of `x`."""
    return ops.ones_like(x, dtype=dtype, device=device)


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The elements on and below the k-th diagonal of matrices, zeros above."""
    return _triangle(ops.tril, x, k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The elements on and above the k-th diagonal of matrices, zeros below."""
    return _triangle(ops.triu, x, k)


def zeros(shape: Shape, *, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of zeros."""
    return ops.zeros(_size(shape), dtype=dtype, device=device)


def zeros_like(x: Tensor, /, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype=dtype, device=device)


def _size(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _triangle(function: Any, x: Tensor, k: int) -> Tensor:
    if x.dtype is bool_:
        return function(x.to(ops.arange(1).dtype), k).bool()
    return function(x, k)
