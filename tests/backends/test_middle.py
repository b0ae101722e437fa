"""Elements of the order of short rows, beside a stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import middle
from rushlight.backends.host import order as host

DTYPES = ["float32", "float64", "int64", "int32", "int16", "uint8", "int8"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (2,), (7,), (3, 40), (4, 1), (2, 30, 3), (40, 1000)])
def test_like_a_stable_sort(shape: tuple[int, ...], dtype: str) -> None:
    a = (np.random.default_rng(0).standard_normal(shape) * 40).astype(dtype)
    if a.dtype.kind == "f":
        a.flat[::5] = a.flat[0] * 0
        a.flat[1::7] = np.inf
    for dim in range(a.ndim):
        places = host.order(np.moveaxis(a, dim, -1))
        for position in {0, 1, shape[dim] // 2, shape[dim] - 1}:
            if position < shape[dim]:
                found = middle.element(a, dim, middle.AT, position)
                if found is None:
                    pytest.skip("no code is generated here")
                expected = np.moveaxis(places[..., position:position + 1], -1, dim)
                np.testing.assert_array_equal(found[1], expected)
                np.testing.assert_array_equal(found[0], np.take_along_axis(a, expected, dim))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_medians_of_rows_with_nan(dtype: str) -> None:
    nan = np.nan
    a = np.array([[3, 1, 2, 4], [3, nan, 2, nan], [nan, nan, nan, nan], [1, 1, nan, 0],
                  [-0.0, 0, -np.inf, np.inf]], dtype)
    found = middle.element(a, 1, middle.MEDIAN)
    if found is None:
        pytest.skip("no code is generated here")
    np.testing.assert_array_equal(found[0][:, 0], np.array([2, nan, nan, nan, 0], dtype))
    np.testing.assert_array_equal(found[1][:, 0], [2, 1, 0, 2, 0])
    values, places = middle.element(a, 1, middle.NANMEDIAN) or pytest.fail("none")
    np.testing.assert_array_equal(values[:, 0], np.array([2, 2, nan, 1, 0], dtype))
    np.testing.assert_array_equal(places[:, 0], [2, 2, 0, 0, 0])
