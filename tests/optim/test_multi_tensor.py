"""Norms and scaling of lists of arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rushlight.backends.cpu import jit
from rushlight.backends.cpu import multi_tensor as native
from rushlight.backends.host import multi_tensor as reference


@pytest.mark.parametrize(("order", "expected"), [
    (2.0, 13.0), (1.0, 19.0), (math.inf, 12.0), (-math.inf, 3.0), (0.0, 3.0),
    (3.0, (27 + 64 + 1728) ** (1 / 3)),
])
def test_norms(order: float, expected: float) -> None:
    arrays = [np.array([3.0, -4.0], np.float32), np.array([[12.0]], np.float64)]
    assert reference.norm(arrays, order) == pytest.approx(expected)
    assert len(reference.norms(arrays, order)) == 2


@pytest.mark.parametrize("size", [1e-25, 1.0, 1e25])
def test_norms_neither_overflow_nor_vanish(size: float) -> None:
    array = np.full(4, size, np.float32)
    assert reference.norm([array]) == pytest.approx(2 * size, rel=1e-6)


def test_norms_of_nothing_and_of_nan() -> None:
    assert reference.norm([np.zeros((0, 3), np.float32)]) == 0.0
    assert math.isnan(reference.norm([np.array([1.0, math.nan], np.float32)]))
    assert reference.norm([np.array([1.0, math.inf], np.float32)]) == math.inf
    assert reference.norm([np.array([3 + 4j], np.complex64)]) == pytest.approx(5.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.complex64])
def test_scaling(dtype: type) -> None:
    arrays = [np.arange(6).astype(dtype).reshape(2, 3).T, np.ones(3, dtype)]
    reference.scale(arrays, 0.5)
    assert (arrays[0] == (np.arange(6) * 0.5).reshape(2, 3).T).all() and (arrays[1] == 0.5).all()


@pytest.mark.skipif(jit.available() is not None, reason=f"no code generation: {jit.available()}")
def test_native_scaling() -> None:
    arrays = [np.arange(300_000, dtype=np.float32), np.ones(3, np.float32)]
    assert native.scale(arrays, 0.5)
    assert (arrays[0] == np.arange(300_000) * 0.5).all() and (arrays[1] == 0.5).all()
    assert not native.scale([np.ones(3, np.float16)], 0.5)
    assert native.layouts_hold()
