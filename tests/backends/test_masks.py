"""What masks select, against NumPy: sizes around a chunk, every kind of element, any strides."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends import masks

SHAPES = [(5_000,), (4_096,), (4_097,), (70, 90), (3, 50, 40), (200_001,), (1, 5000), (5000, 1)]
DTYPES = ["bool", "int16", "float32", "int64", "complex64", "complex128"]


def random(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return (np.random.default_rng(0).integers(0, 99, shape) - 40).astype(dtype)


def some(shape: tuple[int, ...], share: float) -> np.ndarray:
    return np.random.default_rng(1).random(shape) < share


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 1])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_positions_and_elements(shape: tuple[int, ...], share: float) -> None:
    mask = some(shape, share)
    np.testing.assert_array_equal(masks.nonzero(mask), np.argwhere(mask))
    for dtype in DTYPES:
        x = random(shape, dtype)
        np.testing.assert_array_equal(masks.take(x, mask), x[mask])
        values = random((int(mask.sum()),), dtype)
        wanted = x.copy()
        wanted[mask] = values
        masks.put(x, mask, values)
        np.testing.assert_array_equal(x, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_fills(dtype: str) -> None:
    x, mask = random((70, 90), dtype), some((70, 90), 0.5)
    for part in (mask, mask[0], mask[:, :1], mask.T.copy().T):
        wanted = x.copy()
        np.copyto(wanted, np.array(1, dtype), where=part)
        got = x.copy()
        masks.fill(got, part, 1)
        np.testing.assert_array_equal(got, wanted)
    turned = x.T
    masks.fill(turned, mask.T, 3)
    assert (x[mask] == np.array(3, dtype)).all()


def test_numbers_keep_their_bits() -> None:
    x = np.zeros(10_000, np.float32)
    mask = some(x.shape, 0.5)
    for value in (-0.0, np.nan, np.inf, 1e-45):
        masks.fill(x, mask, value)
        np.testing.assert_array_equal(x[mask].view(np.int32),
                                      np.full(mask.sum(), value, np.float32).view(np.int32))
    assert not x[~mask].any()


def test_numbers_that_are_not_zero() -> None:
    x = random((300, 400), "float32")
    x[0, 0], x[0, 1] = np.nan, -0.0
    np.testing.assert_array_equal(rl.from_numpy(x).nonzero().numpy(), np.argwhere(x))
    assert rl.from_numpy(x[:, ::2]).nonzero().tolist() == np.argwhere(x[:, ::2]).tolist()


def test_reading_and_writing_by_a_mask_with_gradients() -> None:
    x = rl.from_numpy(random((90, 80), "float32")).requires_grad_()
    mask = rl.from_numpy(some((90, 80), 0.3))
    weights = rl.arange(int(mask.sum()), dtype=rl.float32)
    (x[mask] * weights).sum().backward()
    wanted = np.zeros((90, 80), np.float32)
    wanted[mask.numpy()] = weights.numpy()
    np.testing.assert_array_equal(x.grad.numpy(), wanted)
    y = x.detach().clone()
    y[mask] = -1
    assert (y[mask] == -1).all()
    assert (y[~mask] == x.detach()[~mask]).all()
    assert (x.masked_fill(mask, 2.5)[mask] == 2.5).all()
    assert (x.masked_fill(mask[0], 2.5)[:, mask[0]] == 2.5).all()


def test_the_number_of_threads_changes_nothing() -> None:
    mask = some((300_000,), 0.5)
    x, threads = random((300_000,), "float32"), rl.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            rl.set_num_threads(count)
            results.append((masks.nonzero(mask), masks.take(x, mask)))
    finally:
        rl.set_num_threads(threads)
    for found in results[1:]:
        for a, b in zip(found, results[0], strict=True):
            np.testing.assert_array_equal(a, b)
