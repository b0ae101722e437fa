"""Evenly spaced numbers are torch's to the bit."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl

torch = pytest.importorskip("torch")
EXACT = ["float32", "float64", "float16", "bfloat16", "int64"]


@pytest.mark.parametrize("dtype", EXACT)
def test_linspace(dtype: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        start, end = random.uniform(-50, 50, 2).tolist()
        steps = int(random.integers(1, 90))
        mine = rl.linspace(start, end, steps, dtype=getattr(rl, dtype))
        theirs = torch.linspace(start, end, steps, dtype=getattr(torch, dtype))
        assert mine.tolist() == theirs.tolist(), (start, end, steps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arange(dtype: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        start, step = random.uniform(-5, 5), random.uniform(0.01, 0.9)
        end = start + step * random.uniform(0, 300)
        mine = rl.arange(start, end, step, dtype=getattr(rl, dtype))
        theirs = torch.arange(start, end, step, dtype=getattr(torch, dtype))
        assert mine.tolist() == theirs.tolist(), (start, end, step)
