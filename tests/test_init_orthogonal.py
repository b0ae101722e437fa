"""nn.init.orthogonal_ and small QR: torch's numbers for a seed, and factors all the same."""

from __future__ import annotations

import warnings
import zlib
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.host.qr import LIMIT, qr

# torch 2.13: manual_seed(0), orthogonal_(empty(6, 8)), to the digits that tell float32 apart
SEED_0 = [
    [-0.38346934, -0.39250246, -0.08534893, -0.14778234,
     0.28907704, 0.23570347, -0.107636295, -0.72045946],
    [0.28112817, -0.47986388, 0.1966355, 0.19696283,
     -0.037134293, 0.51895386, 0.5733964, 0.11731362],
    [-0.4388237, -0.56383157, 0.15964219, 0.21722214,
     0.21344647, -0.40506735, -0.0966524, 0.44483256],
    [0.27134287, 0.1835261, -0.19711268, 0.14127403,
     0.90145695, 0.06365323, 0.013704818, 0.13044193],
    [-0.59570885, 0.2768678, -0.4963841, 0.050010934,
     -0.034391947, 0.12918934, 0.5239166, 0.16497236],
    [-0.24535201, 0.14086008, 0.0799734, 0.3465064,
     -0.06448312, 0.6520062, -0.5523193, 0.24325171],
]

# torch 2.13: shape, gain, seed, CRC-32 of the little-endian float32 values
CHECKSUMS = [
    ((6, 8), 1, 42, 0x954F9B7E),
    ((8, 6), 1, 0, 0xAE80CA5D),
    ((5, 3), 1, 42, 0xAE38EAE3),
    ((4, 4), 2.0, 0, 0xE366C7D6),
    ((16, 10), 1, 42, 0x79AA2C29),
    ((7, 3, 5), 1, 0, 0x8E1E8385),
    ((20, 20), 1, 42, 0x7A4CD556),
]

SHAPES = [(1, 1), (1, 4), (4, 1), (3, 7), (8, 6), (20, 20), (21, 5), (5, 3, 2), (2, 3, 9, 9)]


def normal(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def check(a: np.ndarray, mode: str) -> None:
    """Q has orthonormal columns, R is upper triangular, and Q R = a."""
    q, r = qr(a, mode)
    assert q.dtype == r.dtype == a.dtype
    assert [x.shape for x in (q, r)] == [x.shape for x in np.linalg.qr(a, mode)]
    scale = np.abs(a).max()
    product = q.astype(np.float64) @ r.astype(np.float64)
    np.testing.assert_allclose(product, a, rtol=0, atol=1e-5 * scale)
    gram = q.astype(np.float64).swapaxes(-1, -2) @ q
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(q.shape[-1]), gram.shape), atol=1e-5)
    np.testing.assert_array_equal(r, np.triu(r))


def test_a_seed_gives_the_numbers_of_torch() -> None:
    rl.manual_seed(0)
    found = rl.nn.init.orthogonal_(rl.empty(6, 8)).numpy()
    np.testing.assert_array_equal(found, np.array(SEED_0, np.float32))


@pytest.mark.parametrize("shape, gain, seed, expected", CHECKSUMS)
def test_checksums_of_other_shapes(shape: Any, gain: float, seed: int, expected: int) -> None:
    rl.manual_seed(seed)
    found = rl.nn.init.orthogonal_(rl.empty(shape), gain).numpy()
    assert zlib.crc32(np.ascontiguousarray(found, "<f4").tobytes()) == expected


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", SHAPES)
def test_factors(shape: tuple[int, ...], mode: str) -> None:
    check(normal(shape), mode)


@pytest.mark.parametrize("mode", ["reduced", "complete"])
def test_factors_where_reflections_are_degenerate(mode: str) -> None:
    a = normal((9, 7))
    check(np.where(np.arange(7) % 3 == 1, 0, a), mode)  # columns of zeros
    check(np.where(a > 0.3, a, 0), mode)
    check(np.ones((5, 3), np.float32), mode)
    check(-np.eye(6, dtype=np.float32), mode)
    check(a * np.float32(1e-33), mode)  # 1 / beta would overflow
    check(a * np.float32(1e37), mode)  # squares would overflow


def test_a_matrix_alone_and_in_a_batch() -> None:
    """To rounding only: in a batch a matrix may start at an address that is not aligned."""
    a = normal((6, 11, 3))
    for together, alone in zip(qr(a), zip(*(qr(one) for one in a))):
        np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_input_is_kept() -> None:
    a = normal((4, 8, 6))
    before = a.copy()
    qr(a)
    qr(a.swapaxes(1, 2))
    np.testing.assert_array_equal(a, before)


def test_infinity_and_nan_pass_silently() -> None:
    a = normal((4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (np.inf, np.nan):
            q, _ = qr(np.where(np.eye(4) > 0, np.float32(value), a))
            assert np.isnan(q).any()


def test_larger_and_wider_matrices_are_factored_too() -> None:
    check(normal((LIMIT + 1, LIMIT + 1)), "reduced")
    check(normal((6, 4)).astype(np.float64), "complete")


def test_orthogonal_of_every_shape() -> None:
    for shape in ((3, 3), (30, 4), (4, 30), (2, 3, 4)):
        flat = rl.nn.init.orthogonal_(rl.empty(shape), gain=3).reshape(shape[0], -1)
        square = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
        assert rl.allclose(square, 9 * rl.eye(len(square)), atol=1e-4)
