"""Gathering and scattering few elements in one native call, against NumPy's indexing."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import few_places as few
from rushlight.backends.cpu import jit

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

rng = np.random.default_rng(0)


def _key(index: np.ndarray, dim: int) -> tuple[np.ndarray, ...]:
    key = list(np.indices(index.shape))
    key[dim] = index
    return tuple(key)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int8", "bool"])
@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_gather_and_scatter(dtype: str, dim: int) -> None:
    array = rng.integers(0, 2, (3, 4, 5)).astype(dtype)
    shape = [3, 4, 5]
    shape[dim] = 6
    index = rng.integers(0, array.shape[dim], shape)
    found = few.gather(array, dim, index)
    assert found is not None
    assert found.dtype == array.dtype
    assert np.array_equal(found, array[_key(index, dim)])
    source, target = rng.integers(0, 2, shape).astype(dtype), array.copy()
    assert few.scatter(target, dim, index, source)
    expected = array.copy()
    for at in np.ndindex(*shape):
        place = list(at)
        place[dim] = index[at]
        expected[tuple(place)] = source[at]
    assert np.array_equal(target, expected)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_additions_and_slices(dtype: str, dim: int) -> None:
    array = rng.integers(0, 9, (4, 5)).astype(dtype)
    shape = [4, 5]
    shape[dim] = 7
    index, source = rng.integers(0, array.shape[dim], shape), rng.integers(0, 9, shape)
    expected, target = array.copy(), array.copy()
    np.add.at(expected, _key(index, dim), source.astype(dtype))
    assert few.scatter_add(target, dim, index, source.astype(dtype))
    assert np.array_equal(target, expected)
    vector = rng.integers(0, array.shape[dim], 7)
    assert np.array_equal(few.take(array, dim, vector), array.take(vector, dim))
    expected, target = array.copy(), array.copy()
    np.add.at(expected.swapaxes(0, dim), vector, source.astype(dtype).swapaxes(0, dim))
    assert few.index_add(target, dim, vector, source.astype(dtype))
    assert np.array_equal(target, expected)


def test_what_is_not_served_changes_nothing() -> None:
    array, index = np.arange(12.0).reshape(3, 4), np.array([[0, 1, 2, 0]])
    before = array.copy()
    value = np.ones((1, 4))
    assert few.gather(array, 0, index) is not None
    for wrong in (index + 1, index - 1):
        assert few.gather(array, 0, wrong) is None
        assert not few.scatter(array, 0, wrong, value)
        assert not few.scatter_add(array, 0, wrong, value)
    assert few.gather(array.T, 0, index) is None  # not dense
    assert few.gather(array, 2, index) is None
    assert few.gather(array, -3, index) is None
    assert few.gather(array, 0, index[0]) is None
    assert few.gather(array, 0, index.astype(np.int32)) is None
    assert few.gather(array, 0, index[:, :3].copy()) is None
    assert few.take(array, 0, index) is None
    assert not few.index_add(array, 0, np.array([0, 1]), value)
    assert not few.scatter(array, 0, index, value.astype(np.float32))
    assert np.array_equal(array, before)


def test_nothing_to_do() -> None:
    empty = np.empty((0, 4))
    assert few.gather(np.ones((2, 4)), 0, np.empty((0, 4), np.int64)).shape == (0, 4)
    assert few.take(empty, 0, np.empty(0, np.int64)).shape == (0, 4)
    assert few.take(empty, 0, np.array([0])) is None


def test_a_dimension_beyond_64_bits_is_not_served() -> None:
    array, index = np.ones((3, 4), np.float32), np.zeros((3, 4), np.int64)
    for dim in (1 << 70, -1 << 70):
        assert few.gather(array, dim, index) is None
        assert few.take(array, dim, index[0]) is None
        assert not few.scatter(array, dim, index, array)
