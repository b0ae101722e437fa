"""QR of small float32 matrices in generated code, beside NumPy's in double."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import linalg
from rushlight.backends.cpu import small_factors
from rushlight.backends.cpu.small_factors import LIMIT

SHAPES = [(1, 1), (1, 5), (5, 1), (3, 2), (2, 3), (16, 16), (17, 3), (3, 17), (15, 32), (32, 15),
          (LIMIT, LIMIT), (LIMIT + 1, 4), (4, LIMIT + 1), (300, 8, 8), (2, 3, 9, 20)]


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", SHAPES)
def test_factors(shape: tuple[int, ...], mode: str) -> None:
    a = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    q, r = linalg.qr(a, mode)
    wide_q, wide_r = np.linalg.qr(a.astype(np.float64), mode)
    assert q.dtype == r.dtype == np.float32 and (q.shape, r.shape) == (wide_q.shape, wide_r.shape)
    np.testing.assert_allclose(q @ r, a, atol=2e-5)
    np.testing.assert_allclose(q.swapaxes(-1, -2) @ q, np.broadcast_to(
        np.eye(q.shape[-1]), (*shape[:-2], q.shape[-1], q.shape[-1])), atol=5e-6)
    np.testing.assert_allclose(abs(r), abs(wide_r), atol=2e-3)  # signs are LAPACK's business
    np.testing.assert_array_equal(r, np.triu(r))


def test_columns_that_need_no_reflection() -> None:
    for a in (np.eye(4), -np.eye(4), np.zeros((3, 2)), np.triu(np.ones((3, 5)))):
        q, r = rl.linalg.qr(rl.tensor(a, dtype=rl.float32))
        assert rl.equal(q, rl.eye(*q.shape)) and np.array_equal(r.numpy(), a[:q.shape[1]])


@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e30])
def test_the_ends_of_the_range(scale: float) -> None:
    a = np.random.default_rng(1).uniform(1, 2, (6, 4)).astype(np.float32) * np.float32(scale)
    q, r = linalg.qr(a, "reduced")
    np.testing.assert_allclose(q.T @ q, np.eye(4), atol=1e-5)
    np.testing.assert_allclose(q.astype(np.float64) @ r, a, rtol=1e-4, atol=1e-44)


def test_nan_stays_with_its_matrix() -> None:
    a = np.random.default_rng(2).standard_normal((3, 4, 4)).astype(np.float32)
    a[1, 2, 0] = np.nan
    q, r = linalg.qr(a, "reduced")
    assert np.isnan(q[1]).any() and np.isfinite(q[::2]).all() and np.isfinite(r[::2]).all()


def test_r_alone_and_strided_matrices() -> None:
    a = np.random.default_rng(3).standard_normal((12, 10)).astype(np.float32)[::2, ::-1]
    q, r = linalg.qr(a, "r")
    np.testing.assert_array_equal(r, linalg.qr(a.copy(), "reduced")[1])
    assert small_factors._run() is None or not q.size
