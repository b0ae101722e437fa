"""float32 functions against float64: half a unit in the last place, whatever the array's size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rushlight as rl

# Name, the function in float64, the largest error in units of the last place, low and high end.
CASES: list[tuple[str, Callable[..., np.ndarray], float, float, float]] = [
    ("exp", np.exp, 0.8, -86, 88), ("exp2", np.exp2, 1.2, -125, 127),
    ("expm1", np.expm1, 1.7, -20, 88), ("log", np.log, 1.1, 1e-6, 50),
    ("log2", np.log2, 1.1, 1e-6, 50), ("log10", np.log10, 0.6, 1e-6, 50),
    ("log1p", np.log1p, 1.1, -0.99, 50), ("sin", np.sin, 0.7, -300, 300),
    ("cos", np.cos, 0.7, -300, 300), ("tan", np.tan, 0.7, -300, 300),
    ("asin", np.arcsin, 0.6, -1, 1), ("acos", np.arccos, 0.6, -1, 1),
    ("atan", np.arctan, 0.6, -50, 50), ("sinh", np.sinh, 0.6, -80, 80),
    ("cosh", np.cosh, 0.6, -80, 80), ("tanh", np.tanh, 1.4, -9, 9),
    ("asinh", np.arcsinh, 0.6, -1e6, 1e6), ("acosh", np.arccosh, 0.6, 1, 1e6),
    ("atanh", np.arctanh, 0.6, -0.999, 0.999)]


def units(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The errors in units of the last place of float32."""
    return np.abs(found.astype(np.float64) - true) / np.spacing(np.abs(true.astype(np.float32)))


@pytest.mark.parametrize(("name", "exact", "most", "low", "high"), CASES, ids=lambda v: (
    v if isinstance(v, str) else ""))
def test_errors_of_small_and_large_arrays(name: str, exact: Callable[..., np.ndarray], most: float,
                                          low: float, high: float,
                                          pytestconfig: pytest.Config) -> None:
    random = np.random.default_rng(0)
    near = random.standard_normal(20_000).clip(low, high)
    values = np.concatenate([random.uniform(low, high, 40_000), near]).astype(np.float32)
    function = getattr(rl, name)
    large = function(rl.tensor(values)).numpy()
    small = np.concatenate([function(rl.tensor(part)).numpy()
                            for part in np.array_split(values, 600)])
    true = exact(values.astype(np.float64))
    without_machine_code = pytestconfig.getoption("--numpy-only")  # then NumPy's own kernels
    assert units(large, true).max() < (4.0 if without_machine_code else most)
    assert without_machine_code or np.array_equal(small, large)


@pytest.mark.parametrize("count", [1, 40_000])
def test_powers_of_ten_have_whole_logarithms(count: int, pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--numpy-only"):
        pytest.skip("NumPy's float32 log10(0.001) is -2.9999998")
    assert (rl.full((count,), 0.001).log10() == -3).all()
    assert (rl.full((count,), 1000.0).log10() == 3).all()
