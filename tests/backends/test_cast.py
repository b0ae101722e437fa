"""Conversions between float32 and half types: as NumPy's own, for every bit pattern."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from rushlight.backends.cast import MANY, astype

FLOAT = np.dtype(np.float32)
HALF = [np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)]


def _every(half: np.dtype) -> np.ndarray:
    return np.arange(1 << 16, dtype=np.uint16).view(half)


@pytest.mark.parametrize("half", HALF, ids=str)
def test_every_half_widens_exactly(half: np.dtype) -> None:
    x = _every(half)
    found, wanted = astype(x, FLOAT), x.astype(FLOAT)
    assert np.array_equal(found, wanted, equal_nan=True)
    finite = ~np.isnan(wanted)
    assert np.array_equal(np.signbit(found[finite]), np.signbit(wanted[finite]))


@pytest.mark.parametrize("half", HALF, ids=str)
@pytest.mark.filterwarnings("error")
def test_ties_overflow_and_nan_round_as_numpy_does(half: np.dtype) -> None:
    with np.errstate(all="ignore"):
        near = _every(half).astype(FLOAT).view(np.uint32)
        steps = np.array([0, 0xFFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001], np.uint32)
        x = (near[:, None] + steps).reshape(-1).view(FLOAT)
        wanted = x.astype(half)
    found = astype(x, half)
    nan = np.isnan(x)
    assert np.array_equal(found.view(np.uint16)[~nan], wanted.view(np.uint16)[~nan])
    assert np.isnan(found[nan].astype(FLOAT)).all()


@pytest.mark.parametrize("half", HALF, ids=str)
@pytest.mark.parametrize("source", ["float", "half"])
def test_strides_stay_as_they_are(half: np.dtype, source: str) -> None:
    x = np.arange(2.0 * MANY, dtype=FLOAT).reshape(-1, 64) / 7
    x, target = (x, half) if source == "float" else (x.astype(half), FLOAT)
    for array in (x, x.T, x[:, ::2], x[:0]):
        found = astype(array, target)
        assert found.dtype == target
        assert found.strides == array.astype(target).strides
        assert np.array_equal(found, array.astype(target))


@pytest.mark.parametrize("source", ["bool", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("target", ["bool", "int32", "int64", "float32", "float64"])
def test_large_conversions_as_small_ones(source: str, target: str) -> None:
    special = [0, 1, 2, 255, 2**24 + 1, 2**31 - 1]
    if source != "bool":
        special += [-1, -(2**31)]
    if source == "int64":
        special += [2**53 + 1, 2**63 - 1, -(2**63), 2**32]
    if source.startswith("float"):
        special += [-0.0, 0.4, 1e-45, 1e-40, 3.4e38]
        if target.startswith("float") or target == "bool":
            special += [np.inf, -np.inf, np.nan] + ([1e-320, 1e39] if source == "float64" else [])
        else:
            special.remove(3.4e38)
            special.remove(2**31 - 1)
    x = np.array(special * 20_000).astype(source)
    with np.errstate(all="ignore"):
        wanted = x.astype(target)
        np.testing.assert_array_equal(astype(x, np.dtype(target)), wanted)
        turned = x[:len(x) // 8 * 8].reshape(8, -1).T
        np.testing.assert_array_equal(astype(turned, np.dtype(target)), turned.astype(target))
