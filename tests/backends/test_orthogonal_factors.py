"""QR by LAPACK in single precision: shapes, batches, extremes, any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import linalg
from rushlight.backends.cpu import orthogonal_factors

SHAPES = [(30, 30), (60, 21), (21, 60), (5, 33, 40), (2, 3, 40, 33), (1, 1), (130, 1), (1, 130)]


def random(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    generator = np.random.default_rng(0)
    a = generator.normal(size=shape) + (1j * generator.normal(size=shape)
                                        if dtype is np.complex64 else 0)
    return a.astype(dtype)


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_factors(shape: tuple[int, ...], dtype: type, complete: bool) -> None:
    a = random(shape, dtype)
    for given in (a, np.asfortranarray(a)):
        q, r = linalg.qr(given, "complete" if complete else "reduced")
        wanted = np.linalg.qr(a.astype(np.complex128), "complete" if complete else "reduced")
        assert (q.shape, r.shape) == (wanted[0].shape, wanted[1].shape)
        assert q.dtype == r.dtype == dtype
        np.testing.assert_allclose(q @ r, a, atol=3e-5)
        identity = np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], *(q.shape[-1:] * 2)))
        np.testing.assert_allclose(q.conj().swapaxes(-1, -2) @ q, identity, atol=3e-6)
        np.testing.assert_array_equal(r, np.triu(r))
        np.testing.assert_allclose(r, wanted[1], atol=3e-5)


def test_extremes() -> None:
    a = random((40, 30), np.float32)
    for scale in (1e-38, 1e-20, 1e20, 1e36):
        q, r = linalg.qr(a * np.float32(scale), "reduced")
        np.testing.assert_allclose(q.T @ q, np.eye(30), atol=3e-6)
        np.testing.assert_allclose(q @ r / np.float32(scale), a, atol=1e-4)
    q, r = linalg.qr(np.zeros((40, 30), np.float32), "reduced")
    assert (r == 0).all()
    a[3, 4] = np.nan
    assert np.isnan(linalg.qr(a, "reduced")[1]).any()
    assert orthogonal_factors.qr(a.astype(np.float64), "reduced") is None


def test_the_number_of_threads_changes_nothing() -> None:
    a, threads = random((50, 30, 24), np.float32), rl.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            rl.set_num_threads(count)
            results.append(linalg.qr(a, False))
    finally:
        rl.set_num_threads(threads)
    for q, r in results[1:]:
        np.testing.assert_array_equal(q, results[0][0])
        np.testing.assert_array_equal(r, results[0][1])


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (3, 25, 25), (2, 2, 50, 21)])
@pytest.mark.parametrize("kind", ["float32", "complex64", "float64"])
def test_r_alone_is_that_of_the_pair(shape: tuple[int, ...], kind: str) -> None:
    a = np.random.default_rng(0).standard_normal(shape).astype(kind)
    both, alone = linalg.qr(a, "reduced")[1], linalg.qr(a, "r")[1]
    assert alone.shape == both.shape and alone.dtype == a.dtype
    assert (alone == both).all()
    assert (np.tril(alone, -1) == 0).all()
