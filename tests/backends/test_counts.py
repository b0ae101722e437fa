"""Counts of few numbers in generated code, beside NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu.counts import counts


@pytest.mark.parametrize("least", [0, 300])
@pytest.mark.parametrize("size", [5000, 8003, 100_001])
@pytest.mark.parametrize("bound", [1, 2, 7, 4000])
def test_like_numpy(bound: int, size: int, least: int) -> None:
    a = np.random.default_rng(0).integers(0, bound, size)
    expected = np.bincount(a, minlength=least)
    np.testing.assert_array_equal(rl.from_numpy(a).bincount(minlength=least).numpy(), expected)
    found = counts(a, least)
    assert found is None or (found.dtype == np.int64 and np.array_equal(found, expected))


def test_what_does_not_fit_is_left_to_others() -> None:
    a = np.arange(5000)
    assert counts(np.append(a, 1 << 40), 0) is None and counts(a[::2], 0) is None
    a[7] = -1
    assert counts(a, 0) is None
    with pytest.raises(RuntimeError, match="bincount only supports 1-d non-negative"):
        rl.from_numpy(a).bincount()
