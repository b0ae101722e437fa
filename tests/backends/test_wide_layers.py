"""Few rows times a transposed matrix of many columns, as small batches through wide layers are."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import features, matmul
from rushlight.backends.cpu.onednn import cache
from rushlight.backends.cpu.onednn.library import available

SHAPES = [(8, 1000, 1000), (17, 1000, 1003), (32, 600, 2000), (64, 784, 512), (100, 300, 999)]
needed = pytest.mark.skipif(not available(), reason="oneDNN is not here")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("biased", [False, True])
def test_against_float64_with_any_number_of_threads(shape: tuple[int, int, int],
                                                    biased: bool) -> None:
    rows, inner, columns = shape
    draw = np.random.default_rng(0).standard_normal
    a, b = draw((rows, inner)).astype(np.float32), draw((columns, inner)).astype(np.float32).T
    bias = draw(columns).astype(np.float32) if biased else None
    wanted = a.astype(np.float64) @ b + (0 if bias is None else bias)
    scale = np.abs(a).astype(np.float64) @ np.abs(b) + 1
    before, found = features.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            features.set_num_threads(threads)
            found.append(matmul.product(a, b, bias))
    finally:
        features.set_num_threads(before)
    assert (np.abs(found[0] - wanted) <= 2e-6 * scale).all()
    assert all(np.array_equal(found[0], other) for other in found[1:])


@needed
def test_jobs_write_dense_rows_first() -> None:
    cache.clear()
    a, b = np.ones((32, 1000), np.float32), np.ones((1000, 1000), np.float32)
    matmul.product(a, b.T)
    (program,) = cache.programs()
    assert all(len(job) == 2 for job in program.phases[0])  # the product, and its copy into place
    cache.clear()
    matmul.product(a, b)
    (program,) = cache.programs()
    assert all(len(job) == 1 for job in program.phases[0])
