"""LAPACK over batches of matrices, shared by threads, against numpy.linalg in double."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from rushlight.backends import linalg
from rushlight.backends.cpu import features, jit, matrix_batches
from rushlight.backends.cpu.once import Unavailable

Array = np.ndarray
rng = np.random.default_rng(0)
TOLERANCE = {"float32": 3e-4, "float64": 1e-11, "complex64": 3e-4, "complex128": 1e-11}
SQUARE = [(40, 40), (3, 40, 40), (2, 5, 33, 33)]


def _matrices(dtype: str, shape: tuple[int, ...]) -> Array:
    array = rng.standard_normal(shape)
    if dtype[0] == "c":
        array = array + 1j * rng.standard_normal(shape)
    return np.asarray(array, dtype)


def _close(one: Any, two: Any, dtype: str) -> None:
    scale = max(float(np.abs(two).max()), 1.0)
    np.testing.assert_allclose(one, two, rtol=0, atol=TOLERANCE[dtype] * scale)


def _blas_threads() -> int:
    try:
        return int(matrix_batches._blas().get_threads())
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_factors_give_the_matrix_back(dtype: str) -> None:
    for shape in (*SQUARE, (4, 50, 30), (4, 30, 50)):
        a = _matrices(dtype, shape)
        for full in (False, True):
            u, s, vh = linalg.svd(a, full)
            assert u.dtype == vh.dtype == a.dtype
            k = s.shape[-1]
            _close(u[..., :k] * s[..., None, :] @ vh[..., :k, :], a, dtype)
            _close(s, linalg.svdvals(a), dtype)
            _close(s, np.linalg.svd(a, compute_uv=False), dtype)
            mode = "complete" if full else "reduced"
            q, r = linalg.qr(a, mode)
            _close(q @ r, a, dtype)
            assert q.shape == np.linalg.qr(a, mode)[0].shape


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SQUARE)
def test_square_matrices(dtype: str, shape: tuple[int, ...]) -> None:
    a = _matrices(dtype, shape) + 12 * np.eye(shape[-1], dtype=dtype)
    b = _matrices(dtype, (*shape[:-1], 3))
    wide = np.result_type(a.dtype, np.float64)
    _close(linalg.solve(a, b), np.linalg.solve(a.astype(wide), b), dtype)
    _close(linalg.inv(a), np.linalg.inv(a.astype(wide)), dtype)
    positive = a @ a.swapaxes(-1, -2).conj()
    factor, info = linalg.cholesky(positive)
    assert not info.any()
    assert info.shape == shape[:-2]
    _close(factor @ factor.swapaxes(-1, -2).conj(), positive, dtype)
    for uplo in "LU":
        values, vectors = linalg.eigh(positive, uplo)
        _close(vectors * values[..., None, :] @ vectors.swapaxes(-1, -2).conj(), positive, dtype)
    sign, logarithm = linalg.slogdet(a)
    wanted = np.linalg.slogdet(a.astype(wide))
    _close(sign, wanted[0], dtype)
    _close(logarithm, wanted[1], dtype)
    unit = a / np.exp(wanted[1] / shape[-1])[..., None, None].astype(a.real.dtype)
    _close(linalg.det(unit), np.linalg.det(unit.astype(wide)), dtype)


def test_operands_are_left_alone_and_may_be_strided() -> None:
    base = _matrices("float64", (40, 6, 40))
    a = base.transpose(1, 2, 0)
    before = a.copy()
    x = linalg.solve(a, a[:1])
    assert np.array_equal(a, before)
    _close(a @ x, np.broadcast_to(a[:1], a.shape), "float64")
    for call in (linalg.inv, linalg.svdvals, lambda m: linalg.qr(m, False)):
        call(base.transpose(1, 0, 2))
    contiguous = np.ascontiguousarray(a)
    linalg.qr(contiguous, False)
    assert np.array_equal(contiguous, before)


def test_failures_are_numpys() -> None:
    a = _matrices("float32", (5, 40, 40))
    a[3] = 0
    with pytest.raises(np.linalg.LinAlgError):
        linalg.solve(a, a)
    with pytest.raises(np.linalg.LinAlgError):
        linalg.inv(a)
    a[3] = np.nan
    with pytest.raises(np.linalg.LinAlgError):
        linalg.svd(a, False)
    assert np.isnan(linalg.det(a)[3])
    negative = np.broadcast_to(-np.eye(40, dtype=np.float32), (3, 40, 40))
    assert linalg.cholesky(negative)[1].tolist() == [1, 1, 1]


def test_empty_and_small() -> None:
    assert linalg.svdvals(np.empty((0, 40, 40))).shape == (0, 40)
    assert linalg.inv(np.full((1, 1), 4.0)).tolist() == [[0.25]]
    assert linalg.det(np.empty((3, 0, 0))).tolist() == [1, 1, 1]


def test_blas_has_its_threads_back() -> None:
    before = _blas_threads()
    a = _matrices("float32", (8, 60, 60))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(linalg.svdvals, [a] * 12))
    assert all(np.array_equal(results[0], other) for other in results)
    assert _blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_can_go_on() -> None:
    before = _blas_threads()
    with matrix_batches.one_blas_thread():
        child = os.fork()
        if not child:
            free = not matrix_batches._lock.locked() and _blas_threads() == before
            os._exit(0 if free else 1)
        assert os.waitpid(child, 0)[1] == 0


@pytest.mark.skipif(jit.available() is not None, reason="needs generated code")
def test_any_number_of_threads() -> None:
    a = _matrices("float32", (7, 64, 64))
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append([*linalg.svd(a, True), linalg.solve(a, a), *linalg.qr(a, False)])
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert one.tobytes() == two.tobytes()
