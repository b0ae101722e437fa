"""Sums of whole arrays against exact ones, and at extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import features, whole_sum

pytestmark = pytest.mark.skipif(not whole_sum.available(), reason="no code can be generated here")

SIZES = [32768, 32769, 49152, 49282, 100_000, 1_000_003]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("centre", [0, 1])
def test_error_is_about_one_rounding(dtype, size, centre):
    array = (np.random.default_rng(size).standard_normal(size) + centre).astype(dtype)
    exact = math.fsum(array.astype(np.float64).tolist())
    error = abs(float(whole_sum.total(array)) - exact)
    assert error <= np.finfo(dtype).eps * np.abs(array).sum(dtype=np.float64)


@pytest.mark.parametrize("place", [0, 16383, 16384, 49281])
def test_values_that_are_not_finite(place):
    array = np.ones(49282, np.float32)
    for value in (np.nan, np.inf, -np.inf):
        array[place] = value
        assert np.array_equal(whole_sum.total(array), np.float32(value), equal_nan=True)
    array[[0, 5]] = np.inf, -np.inf
    assert np.isnan(whole_sum.total(array))


def test_large_numbers_of_both_signs():
    array = np.resize(np.array([3e38, -3e38, 1.0], np.float32), 90_000)
    assert np.isfinite(whole_sum.total(array))


def test_what_it_serves():
    array = np.ones((400, 300), np.float32)
    assert whole_sum.serves(array)
    assert not whole_sum.serves(array.T)
    assert not whole_sum.serves(array[:, :200])
    assert not whole_sum.serves(array.astype(np.int64))
    assert not whole_sum.serves(array[:3])
    assert rl.from_numpy(array).sum().item() == 120_000
    assert rl.from_numpy(array).t().sum().item() == 120_000


def test_the_number_of_threads_does_not_show():
    array = np.random.default_rng(0).standard_normal(700_001).astype(np.float32)
    before, results = features.get_num_threads(), set()
    try:
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.add(whole_sum.total(array).tobytes())
    finally:
        features.set_num_threads(before)
    assert len(results) == 1
