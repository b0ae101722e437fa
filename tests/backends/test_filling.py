"""Fills and copies of large arrays: numbers, reversed rows, rows that move within their page."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import copies

DTYPES = pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "int64", "complex128"])


def ramp(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)


@DTYPES
@pytest.mark.parametrize("size", [3, 300_001])
def test_fills(dtype: str, size: int) -> None:
    target = np.zeros(size + 1, dtype)
    copies.fill(target[:-1], 1)
    assert (target[:-1] == 1).all()
    assert target[-1] == 0


def test_fills_of_places_that_are_shared_or_apart() -> None:
    one = np.zeros(1, np.float32)
    copies.fill(np.lib.stride_tricks.as_strided(one, (500, 500), (0, 0)), 2.0)
    assert one[0] == 2
    whole = np.zeros((500, 1000), np.float32)
    copies.fill(whole[:, ::2], 3.0)
    assert (whole[:, ::2] == 3).all()
    assert (whole[:, 1::2] == 0).all()


@DTYPES
@pytest.mark.parametrize("columns", [1, 15, 1000])
def test_reversed_rows(dtype: str, columns: int) -> None:
    x = ramp((700, columns), dtype)
    np.testing.assert_array_equal(copies.copied(x[:, ::-1]), x[:, ::-1])
    np.testing.assert_array_equal(rl.from_numpy(x).flip(0, 1).numpy(), x[::-1, ::-1])


@pytest.mark.parametrize("shift", [1, 3, 16, 63, 64, 255, -1, -64, 1000])
def test_rows_move_within_their_page(shift: int) -> None:
    x = rl.from_numpy(ramp((300, 1024), "float32")) * 1
    np.testing.assert_array_equal(x.roll(shift, 1).numpy(), np.roll(x.numpy(), shift, 1))


def test_new_tensors_of_a_number() -> None:
    x = rl.empty(400, 400)
    assert (rl.full_like(x, -0.5) == -0.5).all()
    assert (rl.zeros_like(x) == 0).all()
    assert (rl.ones(400, 400, dtype=rl.int64) == 1).all()
    assert (x.fill_(7).t().zero_() == 0).all()
