"""A = P L D L^T P^T of symmetric or Hermitian matrices: Bunch and Kaufman's pivoting (1977).

In the form of LAPACK's sytrf and hetrf with lower triangles: L below the diagonal, D's blocks of
one or two rows on it; a pivot p > 0 says that the row was exchanged with row p, two pivots of -p
that the lower row of a block of two was. Rows are counted from 1.
"""

from __future__ import annotations

import math

import numpy as np

from rushlight.backends.host.lapack import flat, magnitude

Array = np.ndarray

ALPHA = (1 + math.sqrt(17)) / 8  # bounds the growth of elements best


def factor(a: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """(factors, pivots, info) of batches of matrices, of which the lower triangles are read.

    info: the first zero pivot, counted from 1, or 0.
    """
    matrices = np.tril(flat(a))
    conjugate = hermitian and a.dtype.kind == "c"
    pivots = np.zeros(matrices.shape[:-1], np.int32)
    info = np.zeros(len(matrices), np.int32)
    for i, matrix in enumerate(matrices):
        info[i] = _factor_one(matrix, pivots[i], conjugate)
    return matrices.reshape(a.shape), pivots.reshape(a.shape[:-1]), info.reshape(a.shape[:-2])


def _factor_one(a: Array, pivots: Array, conjugate: bool) -> int:
    n, k, info = len(a), 0, 0
    while k < n:
        row, size = _choose(a, k)
        if row is None:
            info = info or k + 1
            row = k
        else:
            _exchange(a, k, size, row, conjugate)
            _eliminate(a, k, size, conjugate)
        pivots[k:k + size] = row + 1 if size == 1 else -(row + 1)
        k += size
    return info


def _choose(a: Array, k: int) -> tuple[int | None, int]:
    """(the row to exchange with, the size of the block); None for a column of zeros."""
    own = magnitude(a[k, k])
    below = magnitude(a[k + 1:, k])
    largest = below.max(initial=0)
    if max(own, largest) == 0 or math.isnan(own):
        return None, 1
    if own >= ALPHA * largest:
        return k, 1
    row = k + 1 + int(below.argmax())
    others = max(magnitude(a[row, k:row]).max(), magnitude(a[row + 1:, row]).max(initial=0))
    if own >= ALPHA * largest * (largest / others):
        return k, 1
    if magnitude(a[row, row]) >= ALPHA * others:
        return row, 1
    return row, 2


def _exchange(a: Array, k: int, size: int, row: int, conjugate: bool) -> None:
    """Exchange rows and columns `row` and the block's last, of the part not yet eliminated."""
    last = k + size - 1
    if row == last:
        return
    a[row + 1:, [last, row]] = a[row + 1:, [row, last]]
    between = a[last + 1:row, last].copy()
    a[last + 1:row, last] = _conjugated(a[row, last + 1:row], conjugate)
    a[row, last + 1:row] = _conjugated(between, conjugate)
    a[row, last] = _conjugated(a[row, last], conjugate)
    a[[last, row], [last, row]] = a[[row, last], [row, last]]
    if size == 2:
        a[[k + 1, row], k] = a[[row, k + 1], k]


def _conjugated(x: Array, conjugate: bool) -> Array:
    return x.conj() if conjugate else x


def _eliminate(a: Array, k: int, size: int, conjugate: bool) -> None:
    """Subtract the block's part from what is to its lower right, and store L."""
    rest = slice(k + size, None)
    columns = a[rest, k:k + size].copy()
    block = a[k:k + size, k:k + size].copy()
    if conjugate:
        np.fill_diagonal(block, block.diagonal().real)
        a[range(k, k + size), range(k, k + size)] = block.diagonal()
    if size == 2:
        block[0, 1] = _conjugated(block[1, 0], conjugate)
        lower = np.linalg.solve(block.T, columns.T).T
    else:
        lower = columns / block
    a[rest, rest] -= np.tril(lower @ _conjugated(columns, conjugate).T)
    a[rest, k:k + size] = lower


def solve(factors: Array, pivots: Array, b: Array, hermitian: bool) -> Array:
    """X of A X = B for matrices (batch, n, n), (batch, n) and (batch, n, k)."""
    result = b.copy()
    conjugate = hermitian and factors.dtype.kind == "c"
    for a, order, x in zip(factors, pivots, result, strict=True):
        blocks = _blocks(order)
        for k, size, row in blocks:
            last, rest = k + size - 1, slice(k + size, None)
            x[[last, row]] = x[[row, last]]
            x[rest] -= a[rest, k:k + size] @ x[k:k + size]
            block = np.tril(a[k:k + size, k:k + size])
            x[k:k + size] = np.linalg.solve(
                block + _conjugated(np.tril(block, -1).T, conjugate), x[k:k + size])
        for k, size, row in reversed(blocks):
            last, rest = k + size - 1, slice(k + size, None)
            x[k:k + size] -= _conjugated(a[rest, k:k + size], conjugate).T @ x[rest]
            x[[last, row]] = x[[row, last]]
    return result


def _blocks(pivots: Array) -> list[tuple[int, int, int]]:
    """(first row, size, row exchanged with the block's last) of each block."""
    found, k = [], 0
    while k < len(pivots):
        size = 1 if pivots[k] > 0 else 2
        found.append((k, size, abs(int(pivots[k])) - 1))
        k += size
    return found
