"""Bessel and Airy functions in double precision: fits near zero, asymptotic expansions far away.

The fits are Chebyshev series, made on first use from slow formulas that are exact to rounding:
integrals by the trapezoidal rule, which for periodic functions and for those that fall off doubly
exponentially needs few points (Trefethen and Weideman, 2014), and power series. Formulas are
numbered as in Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from rushlight.backends.host import special
from rushlight.backends.host.special import _chebyshev as chebyshev

Array = np.ndarray

NEAR = 25.0  # fits of J and Y up to here
POINTS = 192  # of the trapezoidal rule over a period: more than 4 * TERMS, NEAR + 60
TERMS = 40  # of Neumann's series
ASYMPTOTIC = 16  # terms of an asymptotic expansion
DEGREE = 72  # of the fits
EULER = 0.57721566490153286061
AIRY_NEAR = 8.0


@cache
def _fit(function: Callable[[Array], Array], low: float, high: float) -> tuple[float, ...]:
    """The Chebyshev coefficients of a function of the numbers between `low` and `high`."""
    angles = np.pi * (np.arange(DEGREE) + 0.5) / DEGREE
    values = function((low + high) / 2 + (high - low) / 2 * np.cos(angles))
    coefficients = 2 / DEGREE * np.cos(np.outer(np.arange(DEGREE), angles)) @ values
    coefficients[0] /= 2
    kept = np.flatnonzero(np.abs(coefficients) > 1e-18 * np.abs(coefficients).max())[-1] + 1
    return tuple(coefficients[:max(int(kept), 2)])


def _fitted(function: Callable[[Array], Array], x: Array, low: float, high: float) -> Array:
    return chebyshev((2 * x - (low + high)) / (high - low), _fit(function, low, high))


def _double(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def wrapper(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return function(np.asarray(x, np.float64))

    wrapper.__name__, wrapper.__doc__ = function.__name__, function.__doc__
    return wrapper


# ---- first and second kind -------------------------------------------------------------------


def _orders(x: Array, orders: Array) -> Array:
    """J_n(x) for whole n, (x, n): the mean of cos(n t - x sin t) over a period (9.1.21)."""
    t = 2 * np.pi * np.arange(POINTS) / POINTS
    waves = np.exp(-1j * x[:, None] * np.sin(t))
    return (waves @ np.exp(1j * np.outer(t, orders))).real / POINTS


def _slow_j0(x: Array) -> Array:
    return _orders(x, np.array([0]))[:, 0]


def _slow_j1(x: Array) -> Array:
    return _orders(x, np.array([1]))[:, 0] / x


def _slow_y0(x: Array) -> Array:
    """Y0 less 2 / pi ln(x / 2) J0, from Neumann's series (9.1.88)."""
    k = np.arange(1, TERMS + 1)
    j = _orders(x, np.concatenate([[0], 2 * k]))
    return 2 / np.pi * (EULER * j[:, 0] - 2 * (j[:, 1:] @ ((-1.0) ** k / k)))


def _slow_y1(x: Array) -> Array:
    """Y1 less 2 / pi (ln(x / 2) J1 - 1 / x), over x: Neumann's series, differentiated."""
    k = np.arange(1, TERMS + 1)
    j = _orders(x, np.concatenate([[0, 1], 2 * k + 1]))
    total = j[:, 2:] @ ((-1.0) ** k * (2 * k + 1) / (k * (k + 1)))
    return 2 / np.pi * ((EULER - 1) * j[:, 1] + (1 - j[:, 0]) / x - total) / x


def _expansion(mu: float, step: Array) -> tuple[Array, Array]:
    """P and Q of the expansions for large arguments (9.2.9, 9.2.10): mu is 4 order**2."""
    p, q, term = np.ones_like(step), np.zeros_like(step), np.ones_like(step)
    for k in range(1, ASYMPTOTIC):
        term = term * (mu - (2 * k - 1) ** 2) / k * step
        sign = -1.0 if k % 4 in (2, 3) else 1.0
        if k % 2:
            q = q + sign * term
        else:
            p = p + sign * term
    return p, q


def _far(order: int, x: Array, second: bool) -> Array:
    x = np.maximum(x, NEAR)
    p, q = _expansion(4.0 * order * order, 1 / (8 * x))
    phase = x - (order / 2 + 0.25) * np.pi
    cos, sin = np.cos(phase), np.sin(phase)
    return np.sqrt(2 / (np.pi * x)) * (p * sin + q * cos if second else p * cos - q * sin)


@_double
def j0(x: Array) -> Array:
    """The Bessel function of the first kind and order 0."""
    size = np.abs(x)
    near = _fitted(_slow_j0, np.minimum(size, NEAR), 0, NEAR)
    return np.where(size <= NEAR, near, _far(0, size, False))


@_double
def j1(x: Array) -> Array:
    """The Bessel function of the first kind and order 1."""
    size = np.abs(x)
    near = size * _fitted(_slow_j1, np.minimum(size, NEAR), 0, NEAR)
    return np.copysign(1, x) * np.where(size <= NEAR, near, _far(1, size, False))


def _second(x: Array, near: Array, order: int) -> Array:
    result = np.where(x <= NEAR, near, _far(order, x, True))
    return np.where(x < 0, np.nan, np.where(x == 0, -np.inf, result))


@_double
def y0(x: Array) -> Array:
    """The Bessel function of the second kind and order 0; NaN below zero."""
    small = np.clip(x, 0, NEAR)
    near = 2 / np.pi * np.log(small / 2) * j0(small) + _fitted(_slow_y0, small, 0, NEAR)
    return _second(x, near, 0)


@_double
def y1(x: Array) -> Array:
    """The Bessel function of the second kind and order 1; NaN below zero."""
    small = np.clip(x, 0, NEAR)
    near = (2 / np.pi * (np.log(small / 2) * j1(small) - 1 / small)
            + small * _fitted(_slow_y1, small, 0, NEAR))
    return _second(x, near, 1)


# ---- modified, second kind -------------------------------------------------------------------


STEP = 0.125
T = STEP * np.arange(320)
WEIGHTS = np.where(T == 0, STEP / 2, STEP)


def _integral(order: float, x: Array) -> Array:
    """e**x K(x) = integral of e**(-x (cosh t - 1)) cosh(order t) (9.6.24), up to x = 1000."""
    step = np.minimum(1, 4 / np.sqrt(x))[:, None]  # the peak at 0 narrows
    growth = 2 * np.sinh(step * T / 2) ** 2
    heights = np.exp(-x[:, None] * growth + order * step * T)
    heights += np.exp(-x[:, None] * growth - order * step * T)
    return heights @ WEIGHTS / 2 * step[:, 0]


def _of_reciprocal(order: float) -> Callable[[Array], Array]:
    """sqrt(x) e**x K(x) as a function of 1 / x, which is smooth at 0."""
    def function(u: Array) -> Array:
        x = 1 / u
        return np.sqrt(x) * _integral(order, x)

    return function


_K0, _K1, _K_THIRD = _of_reciprocal(0), _of_reciprocal(1), _of_reciprocal(1 / 3)
SPLIT = 1.0  # series up to here, the fits beyond
SERIES = 14


def _large_k(function: Callable[[Array], Array], x: Array) -> Array:
    """e**x K(x) from SPLIT on."""
    x = np.maximum(x, SPLIT)
    return _fitted(function, 1 / x, 0, 1 / SPLIT) / np.sqrt(x)


def _modified(x: Array, near: Array, far: Array) -> Array:
    result = np.where(x <= SPLIT, near, far)
    return np.where(x < 0, np.nan, np.where(x == 0, np.inf, result))


def _near_k0(x: Array) -> Array:
    """9.6.13."""
    x = np.clip(x, 0, SPLIT)
    total, term, harmonic = np.zeros_like(x), np.ones_like(x), 0.0
    for k in range(1, SERIES):
        harmonic += 1 / k
        term = term * (x * x / 4) / (k * k)
        total = total + harmonic * term
    return total - (np.log(x / 2) + EULER) * special.i0(x)


def _near_k1(x: Array) -> Array:
    """9.6.11."""
    x = np.clip(x, 0, SPLIT)
    total, term, harmonic = np.zeros_like(x), np.ones_like(x), 0.0
    for k in range(SERIES):
        total = total + (2 * (harmonic - EULER) + 1 / (k + 1)) * term
        harmonic += 1 / (k + 1)
        term = term * (x * x / 4) / ((k + 1) * (k + 2))
    return 1 / x + np.log(x / 2) * special.i1(x) - x / 4 * total


@_double
def k0(x: Array) -> Array:
    """The modified Bessel function of the second kind and order 0; NaN below zero."""
    return _modified(x, _near_k0(x), np.exp(-x) * _large_k(_K0, x))


@_double
def k1(x: Array) -> Array:
    """The modified Bessel function of the second kind and order 1; NaN below zero."""
    return _modified(x, _near_k1(x), np.exp(-x) * _large_k(_K1, x))


@_double
def scaled_k0(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 0."""
    return _modified(x, _near_k0(x) * np.exp(x), _large_k(_K0, x))


@_double
def scaled_k1(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 1."""
    return _modified(x, _near_k1(x) * np.exp(x), _large_k(_K1, x))


# ---- others ----------------------------------------------------------------------------------


@_double
def spherical_j0(x: Array) -> Array:
    """sin(x) / x."""
    quotient = np.where(np.isinf(x), 0.0, np.sin(x) / x)
    return np.where(np.abs(x) < 1e-4, 1 - x * x / 6, quotient)


@_double
def airy_ai(x: Array) -> Array:
    """The Airy function Ai."""
    right = np.maximum(x, 1.0)
    zeta = 2 / 3 * right * np.sqrt(right)
    scaled = _fitted(_K_THIRD, 1 / zeta, 0, 1.5) / np.sqrt(zeta)
    decaying = np.sqrt(right / 3) / np.pi * scaled * np.exp(-zeta)  # 10.4.14
    left = np.maximum(-x, AIRY_NEAR)
    zeta = 2 / 3 * left * np.sqrt(left)
    p, q = _expansion(4 / 9, 1 / (8 * zeta))  # 10.4.15 and 9.2.9
    phase = zeta - np.pi / 4
    waves = (p * np.cos(phase) - q * np.sin(phase)) / (np.sqrt(np.pi) * left ** 0.25)
    near = _fitted(_airy_series, np.clip(x, -AIRY_NEAR, 1.0), -AIRY_NEAR, 1.0)
    return np.where(x > 1, decaying, np.where(x < -AIRY_NEAR, waves, near))


def _airy_series(x: Array) -> Array:
    """10.4.2, in the widest numbers there are: its terms cancel left of zero."""
    x = x.astype(np.longdouble)
    cube = x * x * x
    f, g = np.ones_like(x), x.copy()
    total_f, total_g = f.copy(), g.copy()
    for k in range(1, 60):
        f = f * cube / ((3 * k - 1) * (3 * k))
        g = g * cube / ((3 * k) * (3 * k + 1))
        total_f += f
        total_g += g
    first = np.longdouble("0.355028053887817239260063186004")
    second = np.longdouble("0.258819403792806798405183560189")
    return (first * total_f - second * total_g).astype(np.float64)
