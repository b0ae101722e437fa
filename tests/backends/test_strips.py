"""Row kernels along other dimensions than the last, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from rushlight.backends.cpu import features, jit, strips
from rushlight.backends.host.rowwise import FUNCTIONS

if jit.available() is not None:
    pytest.skip(jit.available(), allow_module_level=True)

Array = np.ndarray
rng = np.random.default_rng(0)
CASES = [((64, 200), 0), ((3, 50, 70), 1), ((2, 7, 16, 33), 1), ((1, 5000, 9), 1),
         ((3, 1, 2000), 1), ((2, 5, 2500), 1)]


def _operands(name: str, shape: tuple[int, ...], dtype: str) -> list[Array]:
    arrays = [(rng.standard_normal(shape) * 5).astype(dtype)]
    if name.endswith("backward"):
        arrays.append(rng.random(shape).astype(dtype))
    return arrays


def _expected(name: str, dim: int, arrays: list[Array]) -> Array:
    rows = [np.ascontiguousarray(np.moveaxis(a.astype(np.float64), dim, -1)) for a in arrays]
    with np.errstate(all="ignore"):
        result = FUNCTIONS[name](*rows)
    return np.moveaxis(result, -1, dim) if result.ndim == rows[0].ndim else result


@pytest.mark.parametrize("name", strips.SERVED)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_the_host(name: str, dtype: str) -> None:
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    for shape, dim in CASES:
        arrays = _operands(name, shape, dtype)
        found = strips.run(name, dim, *arrays)
        assert found is not None
        assert found.dtype == dtype
        expected = _expected(name, dim, arrays)
        np.testing.assert_allclose(found, expected, rtol=tolerance,
                                   atol=tolerance * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_extremes(name: str) -> None:
    x = _operands(name, (20, 400), "float32")[0]
    x[3, 0], x[:, 1], x[4, 2], x[5, 3], x[:, 4] = np.nan, -np.inf, np.inf, -np.inf, 1e30
    found = strips.run(name, 0, x)
    assert found is not None
    np.testing.assert_allclose(found, _expected(name, 0, [x]), rtol=2e-6, atol=2e-5)


def test_what_is_not_served() -> None:
    x = np.ones((80, 100), np.float32)
    assert strips.run("softmax", 0, x.T) is None
    assert strips.run("softmax", 0, x[:0]) is None
    assert strips.run("softmax", 0, x.astype(np.float16)) is None
    assert strips.run("softmax", 0, np.ones((8000, 2), np.float32)) is None
    assert strips.run("layer_norm", 0, x) is None
    assert strips.run("softmax_backward", 0, x, x.astype(np.float64)) is None


def test_any_number_of_threads() -> None:
    arrays = _operands("softmax_backward", (6, 70, 3000), "float32")
    before = features.get_num_threads()
    try:
        results = []
        for count in (1, 2, 3):
            features.set_num_threads(count)
            results.append(strips.run("softmax_backward", 1, *arrays))
    finally:
        features.set_num_threads(before)
    for other in results[1:]:
        assert other is not None
        assert np.array_equal(results[0], other)
