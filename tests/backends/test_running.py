"""Running results and folds along a dimension, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import features, jit, running, running_extremes

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

Array = np.ndarray
rng = np.random.default_rng(0)
DTYPES = ["float32", "float64", "int32", "int64"]
SHAPES = [(5000,), (100, 60), (3, 50, 70), (40, 300, 1), (7, 129, 131), (40000,), (2, 3, 4, 500),
          (9000, 3), (12,), (3, 5), (2, 3, 4), (5, 1, 600)]
FOLDS = {"mul": np.multiply, "max": np.maximum, "min": np.minimum}


def _array(dtype: str, shape: tuple[int, ...]) -> Array:
    values = [-1.0, 1.5, 1.0, 0.8, 2.0, -0.6] if dtype[0] == "f" else [-1, 1, 2, 3, -5, 1]
    array = rng.choice(values, shape).astype(dtype)
    if dtype[0] == "f":
        flat = array.reshape(-1)
        flat[7], flat[-1], flat[11] = np.nan, np.inf, -np.inf
    return array


def _wide(array: Array) -> np.dtype:
    return np.dtype(np.float64) if array.dtype.kind == "f" else array.dtype


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_running_sums_and_products(dtype: str, shape: tuple[int, ...]) -> None:
    array = _array(dtype, shape)
    for dim in range(array.ndim):
        for operation, function in (("add", np.add), ("mul", np.multiply)):
            found = running.scan(operation, array, dim)
            assert found is not None
            with np.errstate(all="ignore"):
                expected = function.accumulate(array, dim, _wide(array)).astype(dtype)
            np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("operation", FOLDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_folds(dtype: str, shape: tuple[int, ...], operation: str) -> None:
    array = _array(dtype, shape)
    if operation == "mul" and dtype[0] == "f":  # large ones would overflow in another order
        array = np.where(abs(array) > 1.4, array.dtype.type(-1), array)
    last = array.ndim - 1
    for axes in {(0,), (last,), tuple(range(array.ndim)), tuple(sorted({0, last}))}:
        found = running.fold(operation, array, axes)
        assert found is not None
        with np.errstate(all="ignore"):
            expected = FOLDS[operation].reduce(array, axes, _wide(array)).astype(dtype)
        np.testing.assert_allclose(found, expected, rtol=3e-4 if dtype == "float32" else 1e-11,
                                   atol=1e-30)


@pytest.mark.parametrize("operation", ["add", *FOLDS])
@pytest.mark.parametrize("keepdim", [False, True])
def test_few_numbers_in_one_call(operation: str, keepdim: bool) -> None:
    array = rng.integers(-9, 10, (3, 5, 4))
    reduce = {"add": np.add, **FOLDS}[operation].reduce
    for dim in (None, 0, 1, 2, -1, -3):
        found = running.few(operation, array, dim, keepdim)
        if dim is None and keepdim:
            continue
        assert found is not None
        expected = np.asarray(reduce(array, dim, keepdims=keepdim))
        assert found.shape == expected.shape
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("operation", ["max", "min"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_running_extremes(dtype: str, shape: tuple[int, ...], operation: str) -> None:
    array = _array(dtype, shape)
    for dim in range(array.ndim):
        found = running_extremes.scan(operation, array, dim)
        assert found is not None
        values, places = found
        with np.errstate(all="ignore"):
            expected = FOLDS[operation].accumulate(array, dim)
        assert np.array_equal(values, expected, equal_nan=dtype[0] == "f")
        along = np.arange(shape[dim]).reshape([-1 if i == dim else 1 for i in range(array.ndim)])
        last = np.where((array == expected) | (array != array), along, 0)
        assert np.array_equal(places, np.maximum.accumulate(last, dim))
    assert running_extremes.scan(operation, array.astype(np.float16), 0) is None


def test_nan_wins_and_infinities_count() -> None:
    array = np.zeros((64, 100), np.float32)
    array[3, 1], array[9, 2], array[5, 3] = np.nan, np.inf, -np.inf
    for axes, nan in (((0,), 1), ((1,), 3)):
        largest, smallest = (running.fold(name, array, axes) for name in ("max", "min"))
        assert largest is not None
        assert smallest is not None
        assert np.isnan([largest[nan], smallest[nan]]).all()
        assert np.isnan(largest).sum() == np.isnan(smallest).sum() == 1
        assert np.inf in largest
        assert -np.inf in smallest


def test_long_sums_keep_their_digits() -> None:
    array = np.full(1 << 20, 0.1, np.float32)
    found = running.scan("add", array, 0)
    assert found is not None
    assert found[-1] == np.float32(np.float64(np.float32(0.1)) * (1 << 20))


def test_what_is_not_served() -> None:
    assert running.scan("add", np.ones(0, np.float32), 0) is None
    assert running.few("max", np.ones(1 << 20, np.int64), None, False) is None
    assert running.few("max", np.ones((3, 4), np.int64), None, True) is None
    assert running.few("max", np.ones((3, 4), np.int64), 2, False) is None
    assert running.scan("add", np.ones((100, 100), np.float32).T, 0) is None
    assert running.scan("add", np.ones(10000, np.float16), 0) is None
    assert running.fold("max", np.ones((0, 10000), np.float32), (1,)) is None
    assert running.fold("max", np.ones(10000, np.float32), ()) is None


def test_any_number_of_threads() -> None:
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in SHAPES]
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append([running.scan("add", a, 0) for a in arrays]
                           + [running.fold("mul", a, (0,)) for a in arrays])
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert one is not None
            assert two is not None
            assert one.tobytes() == two.tobytes()
