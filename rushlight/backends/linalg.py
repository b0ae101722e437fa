"""Factorisations and systems of matrices (..., rows, columns): as numpy.linalg, shared by threads.

Large batches are computed in their own precision, several matrices at a time; what fails there,
and what is small, is left to NumPy, which raises `numpy.linalg.LinAlgError`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.linalg import _umath_linalg as lapack

from rushlight.backends.cpu import matrix_batches, orthogonal_factors, small_factors
from rushlight.backends.host import lapack as host

Array = np.ndarray


def _checked(ufunc: np.ufunc, *arrays: Array) -> tuple[Array, ...] | None:
    """The outputs; None where one holds NaN, which is how a failure shows, and for NumPy to
    tell."""
    results = matrix_batches.run(ufunc, *arrays)
    if results is None or any(np.isnan(result).any() for result in results):
        return None
    return results


def svd(a: Array, full: bool) -> tuple[Array, ...]:
    """(U, S, Vh) with a = U diag(S) Vh."""
    return _checked(lapack.svd_f if full else lapack.svd_s, a) or tuple(
        np.linalg.svd(a, full_matrices=full))


def svdvals(a: Array) -> Array:
    """The singular values, falling."""
    found = _checked(lapack.svd, a)
    return found[0] if found else np.linalg.svd(a, compute_uv=False)


def solve(a: Array, b: Array) -> Array:
    """The solution x of a x = b, where b has columns."""
    found = _checked(lapack.solve, a, b)
    return found[0] if found else np.linalg.solve(a, b)


def inv(a: Array) -> Array:
    """The inverse."""
    found = _checked(lapack.inv, a)
    return found[0] if found else np.linalg.inv(a)


def cholesky(a: Array) -> tuple[Array, Array]:
    """(L, info) with L lower triangular and a = L L^H; info as of `backends.host.lapack`."""
    found = _checked(lapack.cholesky_lo, a)
    return (found[0], np.zeros(a.shape[:-2], np.int32)) if found else host.cholesky(a)


def eigh(a: Array, uplo: Literal["L", "U", "l", "u"]) -> tuple[Array, ...]:
    """(eigenvalues, eigenvectors) of Hermitian matrices, of which triangle `uplo` is read."""
    ufunc = lapack.eigh_lo if uplo.upper() == "L" else lapack.eigh_up
    return _checked(ufunc, a) or tuple(np.linalg.eigh(a, uplo))


def qr(a: Array, mode: str) -> tuple[Array, ...]:
    """(Q, R) with a = Q R; mode: "reduced", "complete" or "r", where Q may be empty."""
    found = small_factors.qr(a, mode) or orthogonal_factors.qr(a, mode)
    complete = mode == "complete"
    if found is not None:
        return found
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    whole = complete and a.shape[-2] > a.shape[-1]
    reflections = np.array(a, wide, order="C")  # LAPACK writes R and the reflections over it
    tau = matrix_batches.run(lapack.qr_r_raw, reflections)
    unfold = lapack.qr_complete if whole else lapack.qr_reduced
    q = matrix_batches.run(unfold, reflections, tau[0]) if tau else None
    if q is None:
        return tuple(np.linalg.qr(a, mode="complete" if complete else "reduced"))
    r = np.triu(reflections[..., :q[0].shape[-1], :])
    with np.errstate(all="ignore"):
        return q[0].astype(a.dtype, copy=False), r.astype(a.dtype, copy=False)


def det(a: Array) -> Array:
    """The determinant."""
    found = _checked(lapack.det, a)
    if found:
        return found[0]
    with np.errstate(all="ignore"):
        return np.asarray(np.linalg.det(a))


def slogdet(a: Array) -> tuple[Array, ...]:
    """The sign of the determinant and the logarithm of its size."""
    found = _checked(lapack.slogdet, a)
    if found:
        return found
    with np.errstate(all="ignore"):
        return tuple(np.asarray(x) for x in np.linalg.slogdet(a))
