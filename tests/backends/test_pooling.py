"""Generated pooling kernels against the NumPy reference, and the reference against plain loops."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from rushlight.backends.cpu import pooling as cpu
from rushlight.backends.host import pooling as host
from rushlight.backends.host.pooling import Windows, extents

# space, size, stride, padding, dilation, ceil_mode
CASES = [
    ((24, 24), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((13, 11), (3, 3), (2, 2), (1, 1), (1, 1), False),
    ((13, 11), (3, 2), (1, 3), (1, 0), (2, 1), True),
    ((9, 40), (2, 5), (3, 1), (1, 2), (1, 2), True),
    ((5, 4), (4, 4), (1, 1), (2, 2), (1, 1), False),
    ((50,), (5,), (2,), (2,), (2,), True),
    ((6, 7, 5), (2, 3, 2), (2, 1, 2), (1, 1, 0), (1, 1, 2), True),
]


def _windows(space: tuple, *moves: tuple, ceil_mode: bool) -> Windows:
    return Windows(*moves, extents(space, *moves, ceil_mode))


def _reached(space: tuple, windows: Windows, cell: tuple) -> list[tuple]:
    """The elements of the plane that a window sees, in order."""
    axes = [[o * s - p + k * d for k in range(size)] for o, size, s, p, d in zip(
        cell, windows.size, windows.stride, windows.padding, windows.dilation, strict=True)]
    return [at for at in product(*axes) if all(0 <= a < n for a, n in zip(at, space, strict=True))]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_maximum(case: tuple, dtype: str) -> None:
    space, *moves, ceil_mode = case
    windows = _windows(space, *moves, ceil_mode=ceil_mode)
    x = (np.random.default_rng(0).standard_normal((3, *space)) * 9).astype(dtype)
    if dtype != "int64":
        x.reshape(3, -1)[1, ::7] = np.nan
        x.reshape(3, -1)[2] = -np.inf
    values, places = cpu.max_pool(x, windows, True)
    assert places is not None and values.dtype == x.dtype and places.dtype == np.int64
    for plane, cell in product(range(3), product(*map(range, windows.out))):
        seen = _reached(space, windows, cell)
        best = seen[0]
        for at in seen:
            if x[(plane, *at)] > x[(plane, *best)] or x[(plane, *at)] != x[(plane, *at)]:
                best = at
        assert places[(plane, *cell)] == np.ravel_multi_index(best, space)
        np.testing.assert_array_equal(values[(plane, *cell)], x[(plane, *best)])
    np.testing.assert_array_equal(cpu.max_pool(x, windows, False)[0], values)
    slow = host.max_pool(x, windows)
    np.testing.assert_array_equal(slow[0], values)
    np.testing.assert_array_equal(slow[1], places)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scatter_adds_at_repeated_places_and_gather_is_its_transpose(dtype: str) -> None:
    generator = np.random.default_rng(0)
    places = generator.integers(0, 20, (3, 4, 9))
    grad = generator.standard_normal((3, 4, 9)).astype(dtype)
    found = cpu.scatter(grad, places, (4, 5))
    wanted = np.zeros((3, 20))
    for plane, at, value in zip(np.repeat([0, 1, 2], 36), places.ravel(), grad.ravel(),
                                strict=True):
        wanted[plane, at] += value
    np.testing.assert_allclose(found.reshape(3, 20), wanted, rtol=1e-5, atol=1e-6)
    other = generator.standard_normal((3, 4, 5)).astype(dtype)
    np.testing.assert_allclose((found * other).sum(), (grad * host.gather(other, places)).sum(),
                               rtol=1e-5)


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("override", [None, 3])
@pytest.mark.parametrize("case", [c for c in CASES if max(c[4]) == 1], ids=str)
def test_average(case: tuple, include: bool, override: int | None) -> None:
    space, *moves, ceil_mode = case
    windows = _windows(space, *moves, ceil_mode=ceil_mode)
    x = np.random.default_rng(0).standard_normal((2, *space))
    divisors = host.divisors(space, windows, include, override)
    found = host.average_pool(x, windows, divisors)
    for cell in product(*map(range, windows.out)):
        seen = _reached(space, windows, cell)
        padded = np.prod([min(o * s - p + k, n + p) - (o * s - p) for o, k, s, p, n in zip(
            cell, windows.size, windows.stride, windows.padding, space, strict=True)])
        count = override or (padded if include else len(seen))
        total = sum(x[(slice(None), *at)] for at in seen)
        np.testing.assert_allclose(found[(slice(None), *cell)], total / count)
    g = np.random.default_rng(1).standard_normal(found.shape)
    back = host.average_pool_backward(g, windows, divisors, space)
    np.testing.assert_allclose((back * x).sum(), (g * found).sum())


@pytest.mark.parametrize("space, out", [((7,), (3,)), ((8, 6), (4, 1)), ((5, 7), (8, 2))])
def test_adaptive(space: tuple, out: tuple) -> None:
    x = np.random.default_rng(0).standard_normal((2, *space))
    mean, (largest, places) = host.adaptive_average(x, out), host.adaptive_max(x, out)
    for cell in product(*map(range, out)):
        inside = tuple(slice(c * n // o, -(-(c + 1) * n // o))
                       for c, n, o in zip(cell, space, out, strict=True))
        part = x[(slice(None), *inside)].reshape(2, -1)
        np.testing.assert_allclose(mean[(slice(None), *cell)], part.mean(1))
        np.testing.assert_array_equal(largest[(slice(None), *cell)], part.max(1))
    np.testing.assert_array_equal(host.gather(x, places), largest)
    g = np.random.default_rng(1).standard_normal(mean.shape)
    np.testing.assert_allclose((host.adaptive_average_backward(g, space) * x).sum(),
                               (g * mean).sum())


def test_large_planes_run_in_parallel_with_the_same_result() -> None:
    x = np.random.default_rng(0).standard_normal((64, 96, 96), np.float32)
    windows = _windows((96, 96), (3, 3), (2, 2), (1, 1), (1, 1), ceil_mode=False)
    values, places = cpu.max_pool(x, windows, True)
    slow = host.max_pool(x, windows)
    assert np.array_equal(values, slow[0]) and np.array_equal(places, slow[1])
    assert np.array_equal(cpu.scatter(values, places, (96, 96)),
                          host.scatter(values, places, (96, 96)))
