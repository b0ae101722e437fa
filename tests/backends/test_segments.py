"""Slices added to the rows of a table, against NumPy's additions one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import features, jit, segments

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

Array = np.ndarray
rng = np.random.default_rng(0)


def _case(dtype: str, rows: int, k: int, inner: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """A table, an index with many repetitions and rows that it lacks, and slices."""
    shape = (rows, *inner)
    table, slices = (rng.standard_normal(s) * 100 for s in (shape, (k, *inner)))
    index = rng.integers(0, rows, k)
    index[: k // 3] = 5
    index[index == 7] = 8
    return table.astype(dtype), index, slices.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
@pytest.mark.parametrize(("rows", "k", "inner"), [(64, 600, (70,)), (3000, 2000, (4, 5)),
                                                  (100, 1, (40000,)), (70, 2200, (16,))])
def test_sums_in_the_order_of_the_index(dtype: str, rows: int, k: int,
                                        inner: tuple[int, ...]) -> None:
    table, index, slices = _case(dtype, rows, k, inner)
    expected, zeros = table.copy(), np.zeros_like(table)
    np.add.at(expected, index, slices)
    np.add.at(zeros, index, slices)
    total = segments.total(rows, index, slices)
    assert segments.add(table, index, slices)
    assert table.tobytes() == expected.tobytes()
    assert total is not None
    assert np.array_equal(total, zeros)


def test_slices_that_are_no_rows_of_memory() -> None:
    _, index, slices = _case("float32", 200, 500, (80,))
    expected = np.zeros((200, 80), np.float32)
    for source in (slices[::-1], np.asfortranarray(slices), slices[:, ::-1],
                   np.broadcast_to(slices[0], slices.shape),
                   np.broadcast_to(np.float32(0.1), slices.shape)):
        expected[...] = 0
        np.add.at(expected, index, source)
        total = segments.total(200, index, source)
        assert total is not None
        assert np.array_equal(total, expected)


def test_infinities_and_nan_stay_in_their_rows() -> None:
    _, index, slices = _case("float32", 100, 900, (64,))
    slices[index == 5] = 1
    slices[0, 3], slices[1, 4] = np.nan, np.inf
    total = segments.total(100, index, slices)
    assert total is not None
    assert np.isnan(total[5, 3])
    assert total[5, 4] == np.inf
    assert np.isfinite(np.delete(total, 5, 0)).all()


def test_what_is_not_served() -> None:
    table, index, slices = _case("float32", 64, 600, (70,))
    assert not segments.add(table, index, slices.astype(np.float64))
    assert not segments.add(table[:, ::-1], index, slices)
    assert not segments.add(table, index[:3], slices[:3])
    assert segments.total(10, index % 10, slices) is None
    assert segments.total(64, index, slices.astype(np.float16)) is None


def test_any_number_of_threads() -> None:
    _, index, slices = _case("float32", 5000, 20000, (64,))
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append(segments.total(5000, index, slices))
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        assert other is not None
        assert np.array_equal(results[0], other)
