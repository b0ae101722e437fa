"""The most frequent elements in generated code, beside NumPy's way."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu.most_frequent import most_frequent
from rushlight.backends.host import order as host


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "int8"])
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 40), (4, 1), (2, 30, 3), (500, 300), (40_000,)])
def test_like_numpy(shape: tuple[int, ...], dtype: str) -> None:
    a = np.random.default_rng(0).integers(0, max(2, shape[-1] // 8), shape).astype(dtype)
    if a.dtype.kind == "f":
        a[a == 1] = np.nan
    for dim in range(a.ndim):
        found = most_frequent(a, dim)
        if found is None:
            pytest.skip("no code is generated here")
        places = np.moveaxis(host.most_frequent(np.moveaxis(a, dim, -1)), -1, dim)
        np.testing.assert_array_equal(found[1], places)
        np.testing.assert_array_equal(found[0], np.take_along_axis(a, places, dim))
