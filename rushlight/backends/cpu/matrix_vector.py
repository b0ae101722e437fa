"""A matrix times a vector, as a row kernel: what one token or one sample makes of a large layer.

The matrix is read once, as fast as memory gives it, by all threads. A library for products of
matrices would first lay it out anew, which takes several times as long as the product.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.features import Unavailable
from rushlight.backends.cpu.loop import flag_family
from rushlight.backends.cpu.rows import Operand, RowWriter, generalised_ufunc, rows_ir
from rushlight.backends.cpu.threads import pool_run_address
from rushlight.base.dtypes import NAMES

COST = 2.0  # of an element, in additions: mostly that of reading it


def _inner(row: RowWriter) -> None:
    kind = row.operands[0].kind
    row.write(2, row.sum(lambda i: row.read(0, i) * row.read(1, i), kind))


@cache
def kernel(dtype: str) -> np.ufunc | None:
    """`(rows, n), (n) -> (rows)`: inner products with a vector; None without LLVM."""
    operands = [Operand(dtype, True), Operand(dtype, True), Operand(dtype, False)]
    ir = rows_ir(_inner, operands, 2, COST, flag_family())
    try:
        (address,) = jit.load(ir, "loop", imports={"rl_pool_run": pool_run_address()})
    except Unavailable:
        return None
    return generalised_ufunc("matrix_vector", "(n),(n)->()", [dtype] * 3, 2, address)


def serves(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a @ b is a row times a matrix of contiguous columns, or the other way round."""
    size = a.itemsize
    return (a.shape[0] == 1 and b.strides[0] == size) or (b.shape[1] == 1 and a.strides[1] == size)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray | None:
    """a @ b for operands that `serves` accepts, a new array; None without LLVM."""
    run = kernel(NAMES[a.dtype])
    if run is None:
        return None
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    if a.shape[0] == 1:
        run(b.T, a[0], out[0])
    else:
        run(a, b[:, 0], out[:, 0])
    return out
