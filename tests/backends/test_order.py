"""Order along a dimension in generated code, against NumPy's stable sort."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends.cpu import features, jit, order
from rushlight.backends.cpu.order_ir import SHORT
from rushlight.backends.host import order as host

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

Array = np.ndarray
rng = np.random.default_rng(0)
DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8",
          "uint16", "uint32", "uint64", "bool"]


def _array(name: str, shape: tuple[int, ...], ties: bool) -> Array:
    dtype = np.dtype(getattr(ml_dtypes, name) if name == "bfloat16" else name)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        low, high = (limits.min, limits.max) if not ties else (max(limits.min, -4), 4)
        array = rng.integers(low, high, shape, dtype, endpoint=True)
        array.reshape(-1)[:2] = limits.min, limits.max
        return array
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    array = rng.standard_normal(shape) * 10
    array = (np.round(array) if ties else array).astype(dtype)
    flat = array.reshape(-1)
    extremes = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 0.0, np.nan, np.inf, 1e-45]
    flat[rng.integers(0, flat.size, len(extremes))] = np.array(extremes).astype(dtype)
    return array


def _order(rows: Array, descending: bool) -> Array:
    """The stable order by NumPy's sort; of half types by way of float32."""
    wide = rows.astype(np.float32) if rows.dtype.itemsize == 2 and rows.dtype.kind in "fV" else rows
    if not descending:
        return np.argsort(wide, axis=-1, kind="stable")
    back = np.argsort(wide[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return rows.shape[-1] - 1 - back


def _same_bytes(one: Array, two: Array) -> bool:
    return one.dtype == two.dtype and np.ascontiguousarray(one).tobytes() == (
        np.ascontiguousarray(two).tobytes())


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sorts_and_chooses(dtype: str, descending: bool, ties: bool) -> None:
    lengths = (2, SHORT["i128"], SHORT["i64"], SHORT["i64"] + 1, 700, 6000)
    for shape in (*((n,) for n in lengths), (5, 333, 3), (400, 7)):
        array = _array(dtype, shape, ties)
        for dim in range(array.ndim):
            n = shape[dim]
            places = _order(np.moveaxis(array, dim, -1), descending)
            for count in {1, min(n, 4), n // 5 or 1, n}:
                found = order.first(array, count, dim, descending)
                assert found is not None
                expected = np.moveaxis(places[..., :count], -1, dim)
                assert np.array_equal(found[1], expected), (shape, dim, count)
                assert _same_bytes(found[0], np.take_along_axis(array, expected, dim))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_nth(dtype: str) -> None:
    for shape in ((3,), (5, 100), (2, 1000), (500, 3)):
        array = _array(dtype, shape, True)
        for dim in range(array.ndim):
            places = np.moveaxis(_order(np.moveaxis(array, dim, -1), False), -1, dim)
            for position in {0, shape[dim] // 2, shape[dim] - 1}:
                found = order.nth(array, position, dim)
                assert found is not None
                assert np.array_equal(found[1], places.take([position], dim))


def test_memory_that_is_not_contiguous() -> None:
    base = _array("float32", (60, 80), False)
    for array in (base.T, base[::-1, ::2], base[:, ::-1], np.broadcast_to(base[0], (9, 80))):
        found = order.first(array, array.shape[1], 1, False)
        assert found is not None
        assert np.array_equal(found[1], _order(array, False))


def test_extremes_of_shape() -> None:
    assert order.first(np.empty((0, 4), np.float32), 4, 1, False) is None
    assert order.first(np.float32(3)[...], 1, 0, False) is None
    assert order.first(np.ones(4, np.complex64), 1, 0, False) is None
    assert order.first(np.ones(4, ">f4"), 1, 0, False) is None
    found = order.first(np.array([5], np.int64), 1, 0, True)
    assert found is not None
    assert found[0].tolist() == [5]
    assert found[1].tolist() == [0]
    equal = order.first(np.zeros((3, 5000), np.float32), 5000, 1, True)
    assert equal is not None
    assert np.array_equal(equal[1], np.broadcast_to(np.arange(5000), (3, 5000)))


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_the_host_orders_large_unsigned_numbers(dtype: str) -> None:
    array = _array(dtype, (50,), False)
    assert np.array_equal(host.order(array), _order(array, False))
    assert np.array_equal(host.order(array, True), _order(array, True))


def test_any_number_of_threads() -> None:
    array = _array("float32", (300, 500), True)
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append([order.first(array, k, dim, True) for k in (5, 300) for dim in (0, 1)])
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        for one, two in zip(results[0], other, strict=True):
            assert one is not None
            assert two is not None
            assert np.array_equal(one[1], two[1])
