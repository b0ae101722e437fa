"""Order along a dimension in generated code: sort, the first k, the n-th, over rows in parallel."""

from __future__ import annotations

import math
import struct
from functools import cache
from typing import Any

import numpy as np

from rushlight.backends.copies import contiguous
from rushlight.backends.cpu import builtin, jit, threads
from rushlight.backends.cpu.once import Unavailable
from rushlight.backends.cpu.order_ir import FLOATS, INTEGERS, order_ir
from rushlight.backends.memory import recycle
from rushlight.base.dtypes import NAMES

Array = np.ndarray

SLOTS = 16  # parts that threads share: each has memory for its rows
SMALL = 1 << 15  # bytes up to which memory is taken as it comes
GRAIN = 1 << 12  # elements worth a thread's while
PACK = struct.Struct("8q").pack


def first(array: Array, count: int, dim: int, descending: bool) -> tuple[Array, Array] | None:
    """Values and places of the first ``count`` elements in order along ``dim``; None where no
    code can be generated for the dtype."""
    return _run(array, 0, count, dim, descending)


def nth(array: Array, position: int, dim: int) -> tuple[Array, Array] | None:
    """Value and place of the element at ``position`` of the ascending order along ``dim``, which
    stays with size 1; None as for `first`."""
    return _run(array, position, 1, dim, False)


def _run(array: Array, skip: int, count: int, dim: int, descending: bool,
         ) -> tuple[Array, Array] | None:
    shape = array.shape
    if not shape or not array.size or not count or shape[dim] >> 32:
        return None
    kernel = _kernel(array.dtype, descending)
    if kernel is None:
        return None
    if array.nbytes > SMALL:
        recycle()
    array = contiguous(array)
    n, inner = shape[dim], math.prod(shape[dim + 1:])
    rows = array.size // n
    shape = (*shape[:dim], count, *shape[dim + 1:])
    values, places = np.empty(shape, array.dtype), np.empty(shape, np.int64)
    grain = max(-(-rows // SLOTS), -(-GRAIN // n))
    word = 16 if array.dtype.itemsize == 8 else 8
    scratch = np.empty((-(-rows // grain), 2, n * word), np.uint8)
    table = PACK(id(array), id(values), id(places), id(scratch), n, inner, skip, count)
    kernel(table, rows, grain)
    return values, places


@cache
def _kernel(dtype: np.dtype, descending: bool) -> Any:
    if not dtype.isnative or (NAMES[dtype] not in FLOATS and dtype.kind not in INTEGERS) or (
            not builtin.supported()):
        return None
    try:
        (address,) = jit.load(order_ir(dtype, descending), "order",
                              imports={"pool_run": threads.pool_run_address()})
    except Unavailable:
        return None
    return builtin.runner(address)
