"""The row and column kernels by name and dtype: generated code, or the NumPy forms of the host."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import columns, features
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.host.rowwise import FUNCTIONS
from rushlight.base.first_use import Deferred

if TYPE_CHECKING:
    from rushlight.backends.cpu import rowwise
else:
    rowwise = Deferred("rushlight.backends.cpu.rowwise", globals())

FLOAT32 = np.dtype(np.float32)
HALF = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
HALF_KERNELS = ("sum", "mean", "amax", "amin")  # those that read half types as they are
PART = 1 << 17  # elements of a matrix whose columns are summed as a unit of their own
NARROW = 64  # columns below which several rows are taken for one


class Kernels(dict[Any, Any]):
    """The kernel of one name for each dtype, made on first use.

    Half types are computed in float32; the first result is rounded to the half type, further
    ones (means, sums of exponentials) stay in float32.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.ufuncs = Ufuncs(self)

    def __missing__(self, dtype: np.dtype) -> Any:
        if dtype.itemsize == 2:
            made = _through_float32(self[FLOAT32], dtype)
        else:
            made = _kernel(self.name, dtype)
        self[dtype] = made
        return made


class Wide(dict[Any, Any]):
    """As `Kernels`, but of half types the results are float32; None where no code serves them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __missing__(self, dtype: np.dtype) -> Any:
        self[dtype] = made = half_kernel(self.name, dtype, False) if dtype in HALF else (
            _kernel(self.name, dtype))
        return made


class Ufuncs(dict[Any, Any]):
    """Of some kernels those that take `axis=` and any strides; None for other dtypes."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels

    def __missing__(self, dtype: np.dtype) -> Any:
        made = self.kernels[dtype] if dtype.char in "fd" and dtype.isnative else None
        if self.kernels.name in HALF_KERNELS and dtype in HALF:
            made = half_kernel(self.kernels.name, dtype)
        self[dtype] = made = made if isinstance(made, np.ufunc) else None
        return made


def half_kernel(name: str, dtype: np.dtype, narrow: bool = True) -> np.ufunc | None:
    """A kernel that reads a half type, computes in float32 and writes the half type, or float32
    unless `narrow`; those of columns write float32. None where no code can be generated."""
    try:
        features.check_half(dtype.name)
        if name in columns.KERNELS:
            return columns.kernel(name, dtype)
        return rowwise.kernel(name, dtype, None if narrow else FLOAT32)
    except Unavailable:
        return None


def _kernel(name: str, dtype: np.dtype) -> Callable[..., Any]:
    family = columns if name in columns.KERNELS else rowwise
    if dtype.char in "fd" and dtype.isnative:
        try:
            return family.kernel(name, dtype)
        except Unavailable:
            pass
    return FUNCTIONS[name]


def _through_float32(kernel: Callable[..., Any], dtype: np.dtype) -> Callable[..., Any]:
    def run(*arrays: Any, out: Any = ...) -> Any:
        wide = [a.astype(np.float32) if a.dtype == dtype else a for a in arrays]
        results = kernel(*wide, out=...)
        first = results[0] if isinstance(results, tuple) else results
        with np.errstate(all="ignore"):
            narrow = first.astype(dtype)
        if out is not ...:
            out[...] = narrow
            narrow = out
        return (narrow, *results[1:]) if isinstance(results, tuple) else narrow

    return run


@lru_cache(maxsize=256)
def filled(value: float, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of one number, kept for the next call: do not write to it."""
    array = np.full(shape, value, dtype)
    array.flags.writeable = False
    return array


def as_rows(x: Any, dims: tuple[int, ...]) -> Any:
    """`x` with the dimensions `dims` as one at the end; a view where memory allows it."""
    last = x.ndim - 1
    if dims == (last,):
        return x
    if len(dims) == 1:
        return contiguous(x.swapaxes(dims[0], last) if dims[0] == last - 1
                          else np.moveaxis(x, dims[0], last))
    order = [i for i in range(x.ndim) if i not in dims]
    lead = [x.shape[i] for i in order]
    return contiguous(x.transpose([*order, *sorted(dims)])).reshape(
        *lead, math.prod([x.shape[i] for i in dims]))


COLUMNS: dict[str, Any] = {name: Kernels(name) for name in columns.KERNELS}
COLUMNS["column_sum"] = Wide("column_sum")


def column_sums(name: str, *operands: Any) -> tuple[Any, ...]:
    """The sums of column kernel `name` over all rows of matrices, as a tuple.

    Long matrices are cut into parts of equal height, which threads can share.
    """
    kernel = COLUMNS[name][operands[0].dtype]
    m, n = operands[0].shape
    height = max(128, PART // max(n, 1))
    count = m // height
    if count < 2:
        return _tuple(kernel(*operands, out=...))
    cut = count * height
    inputs, sums = columns.KERNELS[name].inputs.split(), columns.KERNELS[name].sums
    kind = operands[0].dtype if operands[0].dtype.itemsize > 2 else FLOAT32
    parts = [np.empty((count + (cut < m), n), kind) for _ in range(sums)]
    matrices = [x if word == "column" else x[:cut].reshape(count, height, *x.shape[1:])
                for word, x in zip(inputs, operands, strict=True)]
    _into(kernel, matrices, [part[:count] for part in parts])
    if cut < m:
        rest = [x if word == "column" else x[cut:]
                for word, x in zip(inputs, operands, strict=True)]
        _into(kernel, rest, [part[count] for part in parts])
    total = COLUMNS["column_sum"][kind]
    return tuple([total(part, out=...) for part in parts])


def _into(kernel: Callable[..., Any], operands: list[Any], targets: list[Any]) -> None:
    if isinstance(kernel, np.ufunc):
        kernel(*operands, out=tuple(targets))
        return
    for target, result in zip(targets, _tuple(kernel(*operands)), strict=True):
        target[...] = result


def column_sum(matrix: Any) -> Any:
    """The sums down the columns of a matrix, of half types in float32; of a narrow contiguous one
    several rows at a time."""
    m, n = matrix.shape
    rows = NARROW // n if 0 < n <= NARROW // 2 else 1
    if rows < 2 or m < 4 * rows or not matrix.flags.c_contiguous:
        return column_sums("column_sum", matrix)[0]
    cut = m // rows * rows
    (wide,) = column_sums("column_sum", matrix[:cut].reshape(-1, rows * n))
    parts = np.concatenate([wide.reshape(rows, n), matrix[cut:]])
    return COLUMNS["column_sum"][parts.dtype](parts, out=...)


def _tuple(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)
