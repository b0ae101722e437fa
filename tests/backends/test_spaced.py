"""Evenly spaced numbers of generated code, against NumPy's arithmetic step by step."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from rushlight.backends.cpu import features, jit
from rushlight.backends.cpu.spaced import spaced

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)


def _expected(start: float, end: float, steps: int, kind: np.dtype) -> np.ndarray:
    """Rounded once: in so much more precision that the product is exact."""
    first, last = Fraction(float(kind.type(start))), Fraction(float(kind.type(end)))
    step = Fraction(float((kind.type(end) - kind.type(start)) / kind.type(steps - 1)))
    exact = [first + step * i if i < steps // 2 else last - step * (steps - 1 - i)
             for i in range(steps)]
    return np.array([float(x) for x in exact]).astype(kind)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("steps", [2, 3, 8, 1000, 1001, 20_003])
def test_every_number(dtype: str, steps: int) -> None:
    kind = np.dtype(dtype)
    for start, end in ((0, 1), (-3.0, 3.0), (5.5, -7.1), (2, 2), (1e30, -1e30)):
        found = spaced(start, end, steps, kind)
        assert found is not None
        assert found.dtype == kind
        assert found.tobytes() == _expected(start, end, steps, kind).tobytes()


def test_any_number_of_threads() -> None:
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 3):
            features.set_num_threads(count)
            results.append(spaced(0.1, 0.7, 200_000, np.dtype(np.float32)))
    finally:
        features.set_num_threads(before)
    assert np.array_equal(*results)


def test_what_is_not_served() -> None:
    assert spaced(0, 1, 5, np.dtype(np.complex64)) is None
    assert spaced(0, 1, 1 << 31, np.dtype(np.float32)) is None
