"""Whether arrays are finite: every dtype, layout, length and place."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

from rushlight.backends.finite import all_finite

DTYPES = (np.float16, ml_dtypes.bfloat16, np.float32, np.float64, np.complex64, np.complex128)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 31, 1024, 1025, 4097, 70_001])
def test_one_element_anywhere_is_found(dtype: Any, size: int) -> None:
    largest = ml_dtypes.finfo(dtype).max if np.dtype(dtype).kind != "c" else np.finfo(dtype).max
    array = np.full(size, largest, dtype)  # the sum of which is not finite
    array[::2] = -largest
    assert all_finite(array)
    values = [np.nan, -np.nan, np.inf, -np.inf]
    if array.dtype.kind == "c":
        values += [complex(0, np.inf), complex(np.nan, 0)]
    for k, place in enumerate({0, size // 3, size // 2, size - 2, size - 1} & set(range(size))):
        before, array[place] = array[place], values[k % len(values)]
        assert not all_finite(array)
        array[place] = before
    assert all_finite(array)


def test_layouts() -> None:
    base = np.zeros((40, 50, 30), np.float32)
    layouts = (base.transpose(2, 0, 1), base[::-1], base[:, ::2], base[..., 3], base[5:7],
               as_strided(base, (40, 50, 30), (0, 120, 4)), as_strided(base, (99, 50), (0, 120)),
               base.reshape(1, 2000, 1, 30).swapaxes(1, 3))
    for layout in layouts:
        assert all_finite(layout)
        place = tuple(n - 1 for n in layout.shape)
        layout[place] = np.inf
        assert not all_finite(layout)
        layout[place] = 0
    outside = base[:, 5:40]
    base[:, 4] = np.nan
    assert all_finite(outside) and not all_finite(base)


def test_what_holds_no_such_values() -> None:
    assert all_finite(np.zeros(0, np.float32)) and all_finite(np.full(5000, -1))
    assert all_finite(np.ones(5000, bool)) and all_finite(np.float32(1) * np.ones(()))
    assert not all_finite(np.full(5000, np.nan, ">f4"))


def test_matches_numpy_on_random_bits() -> None:
    generator = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        found = set()
        for _ in range(300):
            width = np.dtype(dtype).itemsize
            bits = generator.integers(0, 1 << 8, (1500, width), np.uint8)
            if generator.random() < 0.5:
                bits[:, -1] &= 0xBF  # the highest bit of the exponent
            array = bits.view(dtype).reshape(-1)
            expected = bool(np.isfinite(array).all())
            assert all_finite(array) is expected
            found.add(expected)
        assert found == {True, False}
