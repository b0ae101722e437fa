"""Matrix factorisations that NumPy's LAPACK lacks, over batches: LU, triangular solves, exp.

Loops run over columns or blocks of columns; all matrices of a batch advance together.
"""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

BLOCK = 32  # columns factorised or solved one by one between two matrix products


def flat(array: Array) -> Array:
    """A batch of matrices with one batch dimension: (batch, rows, columns)."""
    return array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def cholesky(a: Array) -> tuple[Array, Array]:
    """(factors, info): lower triangular factors; info is the order of the first minor that fails.

    Of a matrix that is not positive definite the factor holds NaN.
    """
    lower = np.tril(a)
    hermitian = lower + np.tril(a, -1).swapaxes(-1, -2).conj()
    try:
        return np.linalg.cholesky(hermitian), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        pass
    matrices = flat(hermitian)
    result, info = np.full_like(matrices, np.nan), np.zeros(len(matrices), np.int32)
    for i, matrix in enumerate(matrices):
        try:
            result[i] = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            info[i] = _failing_minor(matrix)
    return np.tril(result).reshape(a.shape), info.reshape(a.shape[:-2])


def _failing_minor(matrix: Array) -> int:
    """The least order of a leading minor that is not positive definite, by bisection."""
    good, bad = 0, len(matrix)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            np.linalg.cholesky(matrix[:middle, :middle])
            good = middle
        except np.linalg.LinAlgError:
            bad = middle
    return bad


def magnitude(x: Array) -> Array:
    """What LAPACK compares to choose pivots: of complex numbers the sum of |parts|."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def lu(a: Array, pivot: bool = True) -> tuple[Array, Array, Array]:
    """(factors, pivots, info) of A = P L U: L below the diagonal of the factors, U on and above.

    pivots: the row that each row was exchanged with, counted from 1. info: the first zero on the
    diagonal of U, counted from 1, or 0.
    """
    factors = flat(a).copy()
    count, rows, columns = factors.shape
    size = min(rows, columns)
    pivots = np.tile(np.arange(1, size + 1, dtype=np.int32), (count, 1))
    batch = np.arange(count)
    with np.errstate(all="ignore"):
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            for k in range(start, stop):
                if pivot:
                    found = magnitude(factors[:, k:, k]).argmax(axis=1) + k
                    pivots[:, k] = found + 1
                    held = factors[batch, k].copy()
                    factors[batch, k] = factors[batch, found]
                    factors[batch, found] = held
                diagonal = factors[:, k, k, None]
                below = factors[:, k + 1:, k]
                np.divide(below, diagonal, out=below, where=diagonal != 0)
                factors[:, k + 1:, k + 1:stop] -= below[..., None] * factors[:, k, None, k + 1:stop]
            if stop < columns:
                panel = factors[:, start:stop, start:stop]
                right = solve_triangular(panel, factors[:, start:stop, stop:], False, True)
                factors[:, start:stop, stop:] = right
                factors[:, stop:, stop:] -= factors[:, stop:, start:stop] @ right
    zero = np.diagonal(factors, axis1=1, axis2=2) == 0
    info = np.where(zero.any(axis=1), zero.argmax(axis=1) + 1, 0) if size else np.zeros(count)
    batch_shape = a.shape[:-2]
    return (factors.reshape(a.shape), pivots.reshape(*batch_shape, size),
            info.astype(np.int32).reshape(batch_shape))


def permutation(pivots: Array, rows: int) -> Array:
    """For each row of P^T A the row of A that it is: the exchanges `pivots` carried out."""
    flat_pivots = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    count, size = flat_pivots.shape
    order = np.tile(np.arange(rows), (count, 1))
    batch = np.arange(count)
    for k in range(size):
        other = flat_pivots[:, k] - 1
        held = order[:, k].copy()
        order[:, k] = order[batch, other]
        order[batch, other] = held
    return order.reshape(*pivots.shape[:-1], rows)


def solve_triangular(a: Array, b: Array, upper: bool, unit: bool = False) -> Array:
    """The solution X of A X = B for triangular A, of which only that triangle is read."""
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*shape, *a.shape[-2:]))
    x = np.array(np.broadcast_to(b, (*shape, *b.shape[-2:])))
    n = a.shape[-1]
    starts = range(0, n, BLOCK)
    with np.errstate(all="ignore"):
        for start in reversed(starts) if upper else starts:
            stop = min(start + BLOCK, n)
            block = x[..., start:stop, :]
            if upper and stop < n:
                block -= a[..., start:stop, stop:] @ x[..., stop:, :]
            elif not upper and start:
                block -= a[..., start:stop, :start] @ x[..., :start, :]
            _substitute(a[..., start:stop, start:stop], block, upper, unit)
    return x


def _substitute(a: Array, x: Array, upper: bool, unit: bool) -> None:
    """Solve a small triangular system in place, row by row."""
    n = a.shape[-1]
    for i in reversed(range(n)) if upper else range(n):
        known = slice(i + 1, n) if upper else slice(0, i)
        row = x[..., i, :]
        if known.stop > known.start:
            row -= (a[..., i, None, known] @ x[..., known, :])[..., 0, :]
        if not unit:
            row /= a[..., i, i, None]


# Coefficients of the [13/13] Pade approximant of exp, and the norm up to which it serves
# (Higham: The scaling and squaring method for the matrix exponential revisited, 2005).
PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
        10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)
LARGEST = 5.371920351148152


def matrix_exp(a: Array) -> Array:
    """e**A by scaling, a rational approximation, and squaring."""
    matrices = flat(a)
    if not matrices.size:
        return a.copy()
    norm = np.abs(matrices).sum(axis=1).max(axis=1)
    norm = np.where(np.isfinite(norm), norm, 0)
    doublings = np.maximum(0, np.ceil(np.log2(np.maximum(norm, 1e-300) / LARGEST))).astype(int)
    scaled = matrices / (2.0 ** doublings)[:, None, None]
    one = np.eye(a.shape[-1], dtype=scaled.dtype)
    a2 = scaled @ scaled
    a4 = a2 @ a2
    a6 = a4 @ a2
    p = PADE
    high = a6 @ (p[13] * a6 + p[11] * a4 + p[9] * a2)
    odd = scaled @ (high + p[7] * a6 + p[5] * a4 + p[3] * a2 + p[1] * one)
    high = a6 @ (p[12] * a6 + p[10] * a4 + p[8] * a2)
    even = high + p[6] * a6 + p[4] * a4 + p[2] * a2 + p[0] * one
    result = np.linalg.solve(even - odd, even + odd)
    for step in range(int(doublings.max(initial=0))):
        again = doublings > step
        result[again] = result[again] @ result[again]
    return result.astype(a.dtype, copy=False).reshape(a.shape)
