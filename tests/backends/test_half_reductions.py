"""Sums, means and extremes of half types: read as they are, added in float32, rounded once."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends import reduce

KINDS = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]
SHAPES = [(5,), (1000,), (25, 40), (3, 5000), (300, 1000), (4, 33, 65), (70001,), (128, 7),
          (2, 3, 5000), (20000, 3), (5000, 64), (2, 2500)]


def _given(kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32).astype(kind)


def _axes(ndim: int) -> list[tuple[int, ...]]:
    return [tuple(range(ndim)), *[(d,) for d in range(ndim)]] + (
        [(0, ndim - 1)] if ndim > 2 else [])


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_sums_and_means_are_rounded_once(kind: np.dtype, shape: tuple[int, ...], turned: bool
                                         ) -> None:
    x = _given(kind, shape)
    x = x.swapaxes(0, -1) if turned else x
    exact = x.astype(np.float64)
    for axes in _axes(x.ndim):
        for function, reference in ((reduce.sum, np.sum), (reduce.mean, np.mean)):
            found = function(x, axes, False)
            wanted = reference(exact, axis=axes)
            assert found.dtype == kind and found.shape == wanted.shape
            step = np.abs(wanted) * float(ml_dtypes.finfo(kind).eps) + 1e-5 * len(axes)
            assert (np.abs(found.astype(np.float64) - wanted) <= step).all()
            assert function(x, axes, True).shape == np.sum(exact, axis=axes, keepdims=True).shape
        for name, extreme in (("amax", np.max), ("amin", np.min)):
            assert (reduce.extreme(name, x, axes, False).astype(np.float64)
                    == extreme(exact, axis=axes)).all()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("size", [3, 1000, 40000])
def test_special_values(kind: np.dtype, size: int) -> None:
    x = np.ones(size, kind)
    x[1] = np.nan
    for function in (reduce.sum, reduce.mean):
        assert np.isnan(function(x, (0,), False).astype(np.float64))
    x[1] = np.inf
    assert reduce.sum(x, (0,), False) == np.inf
    x[2] = -np.inf
    assert np.isnan(reduce.sum(x, (0,), False).astype(np.float64))
    x[:] = ml_dtypes.finfo(kind).max
    assert reduce.sum(x, (0,), False) == np.inf
    if kind == np.float16:  # the sum is beyond the type, and the mean is not
        assert reduce.mean(x, (0,), False) == x[0]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_rounding_is_to_the_nearest_even(kind: np.dtype) -> None:
    eps = float(ml_dtypes.finfo(kind).eps)
    for more in (0.5, 1.5):  # halfway between two numbers
        x = np.array([1.0, more * eps], kind)
        assert reduce.sum(x, (0,), False) == np.asarray(1.0 + more * eps).astype(kind)
