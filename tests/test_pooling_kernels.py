"""The pooling kernels against the reference in NumPy: every window, dtype and memory order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import average_pooling, pooling
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Windows

CASES = [  # space, size, stride, padding, ceil_mode
    ((9,), (2,), (2,), (0,), False), ((9,), (3,), (2,), (1,), True),
    ((7,), (7,), (1,), (3,), False),
    ((8, 8), (2, 2), (2, 2), (0, 0), False), ((9, 5), (3, 2), (2, 3), (1, 1), True),
    ((33, 70), (3, 3), (1, 1), (1, 1), False), ((20, 21), (9, 9), (1, 2), (4, 4), False),
    ((4, 6, 8), (2, 2, 2), (2, 2, 2), (0, 0, 0), False),
    ((5, 7, 9), (3, 2, 3), (2, 2, 1), (1, 0, 1), True), ((1, 1, 1), (1, 1, 1), (1, 1, 1),
                                                          (0, 0, 0), False)]
SHARES = [((9,), (4,)), ((8,), (1,)), ((7, 9), (3, 2)), ((14, 14), (1, 1)), ((5, 6), (5, 6)),
          ((3, 4), (6, 7)), ((40, 41), (5, 5)), ((4, 5, 6), (2, 3, 1)), ((4, 4, 4), (1, 1, 1))]
DTYPES = [np.float32, np.float64]


def numbers(shape: tuple[int, ...], dtype: type, seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)  # planes innermost


def windows_of(case: tuple) -> Windows:
    space, size, stride, padding, ceil_mode = case
    gaps = (1,) * len(space)
    return Windows(size, stride, padding, gaps,
                   host.extents(space, size, stride, padding, gaps, ceil_mode))


def tolerance(dtype: type) -> dict[str, float]:
    return {"rtol": 1e-5, "atol": 1e-6} if dtype is np.float32 else {"rtol": 1e-12, "atol": 1e-13}


@pytest.mark.parametrize("divisor", [(True, None), (False, None), (True, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_averages(case: tuple, dtype: type, divisor: tuple) -> None:
    windows = windows_of(case)
    x, g = numbers((5, *case[0]), dtype), numbers((5, *windows.out), dtype, 1)
    counts = host.divisors(case[0], windows, *divisor)
    found = average_pooling.average_pool(x, windows, divisor)
    assert found.dtype == dtype and found.flags.c_contiguous
    np.testing.assert_allclose(found, host.average_pool(x, windows, counts), **tolerance(dtype))
    back = average_pooling.average_pool_backward(g, windows, divisor, case[0])
    np.testing.assert_allclose(back, host.average_pool_backward(g, windows, counts, case[0]),
                               **tolerance(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("space, out", SHARES)
def test_even_shares(space: tuple, out: tuple, dtype: type) -> None:
    x, g = numbers((6, *space), dtype), numbers((6, *out), dtype, 1)
    np.testing.assert_allclose(average_pooling.adaptive_average(x, out),
                               host.adaptive_average(x, out), **tolerance(dtype))
    np.testing.assert_allclose(average_pooling.adaptive_average_backward(g, space),
                               host.adaptive_average_backward(g, space), **tolerance(dtype))
    for found, expected in zip(pooling.adaptive_max(x, out), host.adaptive_max(x, out)):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_largest_and_places(case: tuple, dtype: type) -> None:
    windows = windows_of(case)
    x = np.round(numbers((5, *case[0]), dtype))  # many equal elements
    special = x.copy()
    special.reshape(-1)[::7], special.reshape(-1)[::11] = np.nan, -np.inf
    for data in (x, special, np.full_like(x, -np.inf)):
        for found, expected in zip(pooling.max_pool(data, windows, True),
                                   host.max_pool(data, windows)):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_types_are_summed_in_float32(dtype: str) -> None:
    x = rl.full((2, 1, 64, 64), 0.1).to(getattr(rl, dtype))
    for mean in (rl.nn.functional.avg_pool2d(x, 64), rl.nn.functional.adaptive_avg_pool2d(x, 1)):
        assert mean.dtype is x.dtype
        assert rl.equal(mean, x[:, :, :1, :1])


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    x, functional = rl.randn(8, 32, 33, 35), rl.nn.functional
    threads, found = rl.get_num_threads(), []
    try:
        for n in (1, 2, 5):
            rl.set_num_threads(n)
            found.append([functional.avg_pool2d(x, 3, 2, 1), functional.adaptive_avg_pool2d(x, 6),
                          functional.adaptive_max_pool2d(x, 4), functional.max_pool2d(x, 9)])
    finally:
        rl.set_num_threads(threads)
    for other in found[1:]:
        assert all(rl.equal(a, b) for a, b in zip(found[0], other))


def test_rows_too_long_for_the_stack_and_empty_batches() -> None:
    x = rl.randn(2, 1, 5, 5000, dtype=rl.float64)
    found = rl.nn.functional.avg_pool2d(x, (5, 10))
    assert rl.allclose(found, x.reshape(2, 1, 5, 500, 10).mean((2, 4))[:, :, None])
    for extents, count in itertools.product((2, 1), (0, 3)):
        empty = rl.nn.functional.adaptive_avg_pool2d(rl.zeros(count, 2, 4, 4), extents)
        assert empty.shape == (count, 2, extents, extents)
