"""Powers: exponents that are small numbers become products and roots, all others are exact."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight.backends.cpu import jit

INF, NAN = math.inf, math.nan
BASES = [0.0, -0.0, 1.0, -1.0, 2.5, -3.1, 1e-30, -1e-30, 1e30, 1e-40, 3e38, INF, -INF, NAN]
SIZES = pytest.mark.parametrize("repeats", [1, 2_000])  # NumPy's kernels, and our own
FORMULAS = {
    2: (lambda x: x * x, lambda x: 2 * x),
    3: (lambda x: x * x * x, lambda x: 3 * (x * x)),
    0.5: (np.sqrt, lambda x: np.float32(0.5) * (1 / np.sqrt(x))),
    -0.5: (lambda x: 1 / np.sqrt(x), None),
    -1: (lambda x: 1 / x, lambda x: -1 * (1 / (x * x))),
    -2: (lambda x: 1 / (x * x), None),
    1: (lambda x: x, lambda x: np.ones_like(x)),
}


@SIZES
@pytest.mark.parametrize("exponent", FORMULAS, ids=str)
def test_small_exponents_bit_for_bit(exponent: float, repeats: int) -> None:
    values = np.array(BASES * repeats, np.float32)
    forward, slope = FORMULAS[exponent]
    for power in (exponent, rl.tensor(float(exponent))):
        x = rl.from_numpy(values.copy()).requires_grad_()
        y = x**power
        y.backward(rl.ones_like(y))
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(y.detach().numpy(), forward(values))
            if slope is not None:
                np.testing.assert_array_equal(x.grad.numpy(), slope(values))


@SIZES
def test_integers_wrap_as_products_do(repeats: int) -> None:
    x = np.array([0, 1, -3, 7, 10**12] * repeats)
    assert ((rl.from_numpy(x) ** 3).numpy() == x * x * x).all()
    assert ((rl.from_numpy(x) ** 2).numpy() == x * x).all()


@SIZES
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_exponents_against_wider_numbers(dtype: type, repeats: int) -> None:
    exponents = [2.5, -7.0, 1e-3, 17.0, -0.3, 1e30, -1e30, INF, -INF, NAN, 0.0]
    wide = np.longdouble if dtype is np.float64 else np.float64
    for exponent in exponents:
        x = np.array(BASES * repeats, dtype)
        with np.errstate(all="ignore"):
            wanted = np.power(x.astype(wide), wide(dtype(exponent))).astype(dtype)
        got = (rl.from_numpy(x) ** exponent).numpy()
        bits = np.finfo(dtype).eps * 1.1
        np.testing.assert_allclose(got, wanted, rtol=bits, atol=np.finfo(dtype).smallest_subnormal)
        zero = wanted == 0
        np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(wanted[zero]))


@SIZES
def test_float32_powers_over_all_magnitudes(repeats: int) -> None:
    generator = np.random.default_rng(0)
    x = np.exp(generator.uniform(-85, 85, 20 * repeats)).astype(np.float32)
    y = generator.uniform(-3, 3, x.shape).astype(np.float32)
    with np.errstate(all="ignore"):
        exact = np.power(x.astype(np.float64), y.astype(np.float64))
        wanted = exact.astype(np.float32)
    got = (rl.from_numpy(x) ** rl.from_numpy(y)).numpy()
    normal = np.isfinite(wanted) & (np.abs(wanted) > np.finfo(np.float32).tiny)
    np.testing.assert_array_equal(got[np.isinf(wanted)], INF)
    error = np.abs(got[normal] - exact[normal]) / np.spacing(wanted[normal])
    assert error.max() < (0.6 if jit.available() is None else 1.1)


def test_second_derivative_and_gradient_of_the_exponent() -> None:
    x = rl.tensor([0.5, 2.0], dtype=rl.float64, requires_grad=True)
    p = rl.tensor(3.0, dtype=rl.float64, requires_grad=True)
    (slope,) = rl.autograd.grad((x**p).sum(), x, create_graph=True)
    (curve,) = rl.autograd.grad(slope.sum(), x)
    np.testing.assert_allclose(curve.numpy(), 6 * x.detach().numpy(), rtol=1e-14)
    (x**p).sum().backward()
    np.testing.assert_allclose(p.grad.item(), 0.125 * math.log(0.5) + 8 * math.log(2), rtol=1e-14)
