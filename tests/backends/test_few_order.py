"""Sorting few elements in one native call, against NumPy's stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import few_order as few
from rushlight.backends.cpu import jit
from rushlight.backends.host import order

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

rng = np.random.default_rng(0)


def _array(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    low = 0 if dtype.startswith("u") else -5
    array = rng.integers(low, 6, shape).astype(dtype)  # with many equal elements
    if array.dtype.kind == "f":
        array[rng.random(shape) < 0.2] = np.nan
        array[rng.random(shape) < 0.1] = np.inf
        array[array == 0] *= -1
    return array


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_first_of_the_order(dtype: str, count: int, descending: bool) -> None:
    for dim, shape in ((0, (7,)), (0, (7, 3)), (1, (2, 7)), (-2, (2, 7, 3))):
        array = _array(dtype, shape)
        found = few.first(array, count, dim, descending)
        assert found is not None
        rows = np.moveaxis(array, dim, -1)
        index = order.order(rows, descending)[..., :count]
        assert np.array_equal(np.moveaxis(found[1], dim, -1), index)
        assert np.array_equal(np.moveaxis(found[0], dim, -1),
                              np.take_along_axis(rows, index, -1), equal_nan=dtype[0] == "f")


def test_what_is_not_served() -> None:
    array = _array("float32", (4, 6))
    assert few.first(array.T, 2, 0, False) is None  # not dense
    assert few.first(array, 2, 2, False) is None
    assert few.first(array, 2, -3, False) is None
    assert few.first(array.astype(np.float16), 2, 0, False) is None
    assert few.first(np.float32(1)[...], 1, 0, False) is None
    assert few.first(np.zeros(100, np.float32), 100, 0, False) is None


def test_no_rows() -> None:
    found = few.first(np.empty((0, 3)), 2, 1, False)
    assert found is not None
    assert found[0].shape == (0, 2)
    found = few.first(np.empty((2, 0)), 0, 1, False)
    assert found is not None
    assert found[1].shape == (2, 0)
