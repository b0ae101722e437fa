"""A matrix times a vector: against float64, and the same for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import features, matmul

SHAPES = [(1, 700, 500), (500, 700, 1), (1, 300_000, 1), (1, 5000, 60), (1, 512, 513)]


def _operands(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    rows, inner, columns = shape
    draw = np.random.default_rng(0).standard_normal
    return (draw((rows, inner)).astype(np.float32),
            draw((columns, inner)).astype(np.float32).T)


@pytest.mark.parametrize("shape", SHAPES)
def test_against_float64(shape: tuple[int, int, int]) -> None:
    a, b = _operands(shape)
    wanted = a.astype(np.float64) @ b.astype(np.float64)
    scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    bias = np.arange(shape[2], dtype=np.float32)
    assert (np.abs(matmul.product(a, b) - wanted) <= 1e-6 * scale).all()
    assert (np.abs(matmul.product(a, b, bias) - wanted - bias) <= 1e-6 * (scale + bias)).all()
    strided = np.repeat(a, 2, 1)[:, ::2]
    assert (np.abs(matmul.product(strided, b) - wanted) <= 1e-6 * scale).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_for_any_number_of_threads(shape: tuple[int, int, int]) -> None:
    a, b = _operands(shape)
    before, found = features.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            features.set_num_threads(threads)
            found.append(matmul.product(a, b))
    finally:
        features.set_num_threads(before)
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_infinities_and_nan_are_results() -> None:
    a, b = _operands((1, 700, 500))
    a[0, 3], b[3, 0], b[5, 1] = np.inf, 0.0, np.nan
    found = matmul.product(a, b)
    assert np.isnan(found[0, :2]).all() and np.isinf(found[0, 2:]).all()
