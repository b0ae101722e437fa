"""QR of small float32 matrices against torch itself: every bit of Q and of R."""

from __future__ import annotations

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.host.qr import LIMIT, qr

torch = pytest.importorskip("torch")

MODES = ("reduced", "complete")


def same(a: np.ndarray, mode: str) -> None:
    theirs = torch.linalg.qr(torch.from_numpy(a), mode=mode)
    for name, mine, their in zip("QR", qr(a, mode), theirs):
        np.testing.assert_array_equal(mine, their.numpy(), err_msg=f"{name} of {a.shape}, {mode}")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("columns", range(1, LIMIT + 1))
def test_normal_matrices(columns: int, mode: str) -> None:
    rng = np.random.default_rng(columns)
    for rows in range(1, LIMIT + 1):
        same(rng.standard_normal((rows, columns)).astype(np.float32), mode)
        same(rng.standard_normal((9, rows, columns)).astype(np.float32), mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(8))
def test_sparse_and_whole_numbers(seed: int, mode: str) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(10):
        shape = tuple(rng.integers(1, (9, LIMIT + 1, LIMIT + 1)))
        a = rng.standard_normal(shape) * (rng.random(shape) < rng.random())
        same(a.astype(np.float32), mode)
        same(rng.integers(-2, 3, shape).astype(np.float32), mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_ends_of_the_range(mode: str) -> None:
    a = np.random.default_rng(0).standard_normal((4, 8, 6)).astype(np.float32)
    for scale in (0, 1e-40, 1e-35, 3e-31, 1e37, 2e38):
        with np.errstate(over="ignore"):
            same(a * np.float32(scale), mode)
    for value in (np.inf, np.nan):
        same(np.where(np.eye(8, 6) > 0, np.float32(value), a), mode)


@pytest.mark.parametrize("shape", [(6, 8), (8, 6), (5, 3), (4, 4), (16, 10), (3, 2, 5), (20, 20)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    for seed in (0, 1, 42, 1234567):
        filled = []
        for library in (rl, torch):
            library.manual_seed(seed)
            filled.append(library.nn.init.orthogonal_(library.empty(shape), 1.5).numpy())
        np.testing.assert_array_equal(*filled, err_msg=f"{shape}, seed {seed}")
