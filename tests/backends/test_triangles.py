"""Triangles of few matrices, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import jit
from rushlight.backends.cpu.triangles import triangle

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (3, 7), (7, 3), (2, 3, 4, 5)])
def test_against_numpy(shape: tuple[int, ...], dtype: str) -> None:
    array = np.random.default_rng(0).integers(1, 9, shape).astype(dtype)
    for diagonal in (0, 1, -1, 3, -3, 100, -100, 1 << 40):
        for upper, function in ((True, np.triu), (False, np.tril)):
            found = triangle(array, diagonal, upper)
            assert found is not None
            assert np.array_equal(found, function(array, diagonal))
            assert found.dtype == array.dtype


def test_what_is_not_served() -> None:
    assert triangle(np.ones((3, 4)).T, 0, True) is None
    assert triangle(np.ones((0, 4)), 0, True) is None
    assert triangle(np.ones((1000, 1000)), 0, True) is None
