"""Kernels of three inputs, one or two of them numbers: in vectors, in rests and with steps."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("n", [3, 50, 1000, 100_001])
def test_numbers_among_operands(n: int, step: int) -> None:
    a, b = np.random.default_rng(n).standard_normal((2, n)).astype(np.float32)[:, ::step]
    x, y = rl.from_numpy(a), rl.from_numpy(b)
    positive = x > 0
    for found, expected in (
            (x.clamp(-1, 1), a.clip(-1, 1)), (x.clamp(y, 1.0), np.minimum(np.maximum(a, b), 1)),
            (x.clamp(-1.0, y), np.minimum(np.maximum(a, -1), b)),
            (rl.where(positive, x, 2.0), np.where(a > 0, a, 2)),
            (rl.where(positive, 2.0, x), np.where(a > 0, 2, a)),
            (rl.where(positive, 1.0, 2.0), np.where(a > 0, 1, 2)),
            (x.masked_fill(positive, 3.0), np.where(a > 0, 3, a)),
            (x.add(y, alpha=2), a + 2 * b)):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)
    x.clamp_(-0.5, 0.5)
    assert np.abs(a).max() <= 0.5  # in place: the memory is NumPy's
