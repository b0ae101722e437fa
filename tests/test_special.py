"""Special functions against recorded values, identities and their own derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import special
from rushlight.autograd import gradcheck, gradgradcheck


def doubles(*values: float, grad: bool = False) -> Any:
    return rl.tensor(values, dtype=rl.float64, requires_grad=grad)


# Abramowitz and Stegun, tables 9.1, 9.8, 10.11 and 26.1.
@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("bessel_j0", 1.0, 0.7651976865579666), ("bessel_j0", 10.0, -0.2459357644513483),
        ("bessel_j1", 1.0, 0.4400505857449335), ("bessel_j1", -10.0, -0.0434727461688616),
        ("bessel_y0", 1.0, 0.0882569642156769), ("bessel_y0", 10.0, 0.0556711672835994),
        ("bessel_y1", 1.0, -0.7812128213002887), ("bessel_y1", 10.0, 0.2490154242069539),
        ("modified_bessel_k0", 0.1, 2.4270690247020166),
        ("modified_bessel_k0", 2.0, 0.1138938727495334),
        ("modified_bessel_k1", 0.1, 9.853844780870606),
        ("modified_bessel_k1", 2.0, 0.1398658818165224),
        ("airy_ai", 1.0, 0.1352924163128814), ("airy_ai", -1.0, 0.5355608832923521),
        ("airy_ai", -10.0, 0.0402412384864432), ("airy_ai", 5.0, 0.000108344428136074),
        ("ndtr", 1.0, 0.8413447460685429), ("ndtri", 0.975, 1.959963984540054),
        ("erfcx", 2.0, 0.2553956763105057), ("log_ndtr", -20.0, -203.9171553710973),
        ("spherical_bessel_j0", 2.0, 0.4546487134128408),
    ],
)
def test_recorded_values(name: str, x: float, value: float) -> None:
    function = getattr(special, name)
    assert function(doubles(x)).item() == pytest.approx(value, rel=1e-11)
    assert function(rl.tensor(x)).dtype is rl.float32


def test_fits_and_expansions_meet() -> None:
    for name, at in [("bessel_j0", 25), ("bessel_j1", 25), ("bessel_y0", 25), ("bessel_y1", 25),
                     ("modified_bessel_k0", 1), ("modified_bessel_k1", 1), ("airy_ai", 1),
                     ("airy_ai", -8), ("erfcx", 12)]:
        below, above = getattr(special, name)(doubles(at - 1e-9, at + 1e-9))
        assert below == pytest.approx(above.item(), rel=1e-7), name


def test_wronskians() -> None:
    x = rl.linspace(0.1, 40, 400, dtype=rl.float64)
    product = (special.bessel_j1(x) * special.bessel_y0(x)
               - special.bessel_j0(x) * special.bessel_y1(x))
    assert rl.allclose(product * x * math.pi / 2, rl.ones_like(x), rtol=1e-10)
    product = (special.i1e(x) * special.scaled_modified_bessel_k0(x)
               + special.i0e(x) * special.scaled_modified_bessel_k1(x))
    assert rl.allclose(product * x, rl.ones_like(x), rtol=1e-12)


def test_ends() -> None:
    assert special.bessel_y0(doubles(0.0, -1.0)).tolist()[0] == -math.inf
    assert special.bessel_y0(doubles(-1.0)).isnan().all()
    assert special.modified_bessel_k1(rl.tensor(0.0)) == math.inf
    assert special.ndtri(doubles(0, 1)).tolist() == [-math.inf, math.inf]
    assert special.ndtri(doubles(1.5)).isnan()
    assert special.entr(doubles(0, -1, 1)).tolist() == [0, -math.inf, 0]
    assert special.xlog1py(doubles(0), doubles(-1)) == 0
    assert special.xlog1py(doubles(0), doubles(math.nan)).isnan()
    with pytest.raises(NotImplementedError, match="\"bessel_j0_cpu\" not implemented for 'Half'"):
        special.bessel_j0(rl.ones(1, dtype=rl.float16))


@pytest.mark.parametrize("name", ["erfcx", "ndtr", "log_ndtr", "i0e", "i1", "i1e", "entr", "ndtri"])
def test_gradients(name: str) -> None:
    x = doubles(0.1, 0.3, 0.8, grad=True)
    assert gradcheck(getattr(special, name), x) and gradgradcheck(getattr(special, name), x)


def test_gradients_of_two_arguments() -> None:
    a, x = doubles(0.5, 2.0, 7.0), doubles(0.3, 2.5, 9.0, grad=True)
    for function in (special.gammainc, special.gammaincc, special.zeta):
        assert gradcheck(lambda x, f=function: f(a + 1, x), x)
        assert gradgradcheck(lambda x, f=function: f(a + 1, x), x)
    assert gradcheck(special.xlog1py, (doubles(0.5, 2, 7, grad=True), x))
    assert gradcheck(lambda x: rl.polygamma(2, x), x)
    with pytest.raises(RuntimeError, match="the derivative for 'igamma: input' is not implemented"):
        rl.igamma(x, a).sum().backward()


def test_incomplete_gamma_functions() -> None:
    x = rl.linspace(0.1, 30, 50, dtype=rl.float64)
    assert rl.allclose(rl.igamma(doubles(1), x), 1 - (-x).exp())
    assert rl.allclose(rl.igammac(doubles(0.5), x), x.sqrt().erfc(), rtol=1e-11)
    assert rl.allclose(rl.igamma(5 * x, x) + rl.igammac(5 * x, x), rl.ones_like(x))
    assert rl.igamma(doubles(2, 0, 2), doubles(math.inf, 1, 0)).tolist() == [1, 1, 0]


def test_zeta_and_polygamma() -> None:
    assert special.zeta(doubles(2, 4), 1).tolist() == pytest.approx(
        [math.pi**2 / 6, math.pi**4 / 90], rel=1e-15)
    q = doubles(-1000.3, -2.5, 0.7, 3.0)
    three = special.zeta(3.0, q) - special.zeta(3.0, q + 1)
    assert rl.allclose(three, q**-3)
    assert rl.allclose(rl.polygamma(1, q), special.zeta(2.0, q), rtol=1e-10)
    assert special.zeta(2.0, doubles(0, -3)).tolist() == [math.inf, math.inf]


@pytest.mark.parametrize("n", [0, 1, 2, 5, 9])
def test_polynomials_are_numpys(n: int) -> None:
    x = np.linspace(-1.5, 1.5, 31)
    one = np.eye(n + 1)[n]
    given = rl.from_numpy(x)
    for name, module in [("chebyshev_polynomial_t", np.polynomial.Chebyshev),
                         ("hermite_polynomial_h", np.polynomial.Hermite),
                         ("hermite_polynomial_he", np.polynomial.HermiteE),
                         ("laguerre_polynomial_l", np.polynomial.Laguerre),
                         ("legendre_polynomial_p", np.polynomial.Legendre)]:
        found = getattr(special, name)(given, n)
        np.testing.assert_allclose(found.numpy(), module(one)(x), rtol=1e-10, atol=1e-12)
    t, u, v, w = (getattr(special, f"chebyshev_polynomial_{k}") for k in "tuvw")
    assert rl.allclose(u(given, n) - u(given, n - 2), 2 * t(given, n) - int(n == 0))
    assert rl.allclose(v(given, n), u(given, n) - u(given, n - 1))
    assert rl.allclose(w(given, n), u(given, n) + u(given, n - 1))
    shifted = special.shifted_chebyshev_polynomial_t(given, n)
    assert rl.allclose(shifted, t(2 * given - 1, n))


def test_degrees_may_be_a_tensor() -> None:
    degrees = rl.tensor([0, 1, 2, -1])
    assert special.legendre_polynomial_p(0.5, degrees).tolist() == [1, 0.5, -0.125, 0]
    assert special.chebyshev_polynomial_v(doubles(-1), 5) == -11


def test_derivatives_of_digamma_go_on() -> None:
    x = rl.tensor([1.5, 2.5, -0.3], dtype=rl.float64, requires_grad=True)
    assert gradgradcheck(rl.digamma, (x,))
    slope, = rl.autograd.grad(rl.digamma(x).sum(), x, create_graph=True)
    second, = rl.autograd.grad(slope.sum(), x, create_graph=True)
    third, = rl.autograd.grad(second.sum(), x)
    for n, found in ((1, slope), (2, second), (3, third)):
        np.testing.assert_allclose(found.detach(), rl.polygamma(n, x).detach(), rtol=1e-10)
    assert gradcheck(rl.lgamma, (x,))


def test_xlogy_slopes_at_zero() -> None:
    x = rl.tensor([0.0, 0.0, 0.0], requires_grad=True)
    rl.xlogy(x, rl.tensor([0.0, 3.0, -1.0])).sum().backward()
    np.testing.assert_allclose(x.grad, [0, np.log(3), 0], rtol=1e-6)
