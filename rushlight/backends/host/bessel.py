"""Bessel and Airy functions in double precision: fits near zero, asymptotic expansions far away.

The fits are Chebyshev series on a few intervals, `bessel_fits`. Formulas are numbered as in
Abramowitz and Stegun, Handbook of Mathematical Functions (1964). Errors are stated, function by
function, in tests/test_special_accuracy.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rushlight.backends.host import bessel_fits as fits
from rushlight.backends.host import special

Array = np.ndarray

NEAR = 25.0  # fits of J and Y up to here
ASYMPTOTIC = 16  # terms of an asymptotic expansion
EULER = 0.57721566490153286061
AIRY_NEAR = 12.0


def _fitted(fit: fits.Fit, x: Array) -> Array:
    """The sum of the series of the interval that holds each element, by Clenshaw's recurrence."""
    edges, rows = np.array(fit[0]), np.array(fit[1])
    place = np.clip(np.searchsorted(edges, x, "right") - 1, 0, len(rows) - 1)
    low, high = edges[place], edges[place + 1]
    t = ((x - low) - (high - x)) / (high - low)
    ahead, result = np.zeros_like(x), np.zeros_like(x)
    for column in rows.T[:0:-1]:
        ahead, result = result, 2 * t * result - ahead + column[place]
    return t * result - ahead + rows[:, 0][place]


def _double(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def wrapper(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return function(np.asarray(x, np.float64))

    wrapper.__name__, wrapper.__doc__ = function.__name__, function.__doc__
    return wrapper


# ---- first and second kind -------------------------------------------------------------------


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
    # The phase is x - (order / 2 + 1 / 4) pi; subtracting that would round x itself.
    c, s = np.cos(x), np.sin(x)
    cos, sin = (c + s, s - c) if order == 0 else (s - c, -s - c)
    return (p * sin + q * cos if second else p * cos - q * sin) / np.sqrt(np.pi * x)


@_double
def j0(x: Array) -> Array:
    """The Bessel function of the first kind and order 0."""
    size = np.abs(x)
    return np.where(size <= NEAR, _fitted(fits.J0, np.minimum(size, NEAR)), _far(0, size, False))


@_double
def j1(x: Array) -> Array:
    """The Bessel function of the first kind and order 1."""
    size = np.abs(x)
    near = size * _fitted(fits.J1, np.minimum(size, NEAR))
    return np.copysign(1, x) * np.where(size <= NEAR, near, _far(1, size, False))


def _second(x: Array, first: Array, middle: Array, order: int) -> Array:
    result = np.where(x <= 2, first, np.where(x <= NEAR, middle, _far(order, x, True)))
    return np.where(x < 0, np.nan, np.where(x == 0, -np.inf, result))


@_double
def y0(x: Array) -> Array:
    """The Bessel function of the second kind and order 0; NaN below zero."""
    small = np.clip(x, 0, 2)
    first = 2 / np.pi * np.log(small / 2) * j0(small) + _fitted(fits.Y0_NEAR, small)
    return _second(x, first, _fitted(fits.Y0, np.clip(x, 2, NEAR)), 0)


@_double
def y1(x: Array) -> Array:
    """The Bessel function of the second kind and order 1; NaN below zero."""
    small = np.clip(x, 0, 2)
    first = (2 / np.pi * (np.log(small / 2) * j1(small) - 1 / small)
             + small * _fitted(fits.Y1_NEAR, small))
    return _second(x, first, _fitted(fits.Y1, np.clip(x, 2, NEAR)), 1)


# ---- modified, second kind -------------------------------------------------------------------

SPLIT = 1.0  # series up to here, the fits beyond
SERIES = 14


def _large_k(fit: fits.Fit, x: Array) -> Array:
    """e**x K(x) from SPLIT on: the fits are of sqrt(x) e**x K(x) as a function of 1 / x."""
    x = np.maximum(x, SPLIT)
    return _fitted(fit, 1 / x) / np.sqrt(x)


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
    return _modified(x, _near_k0(x), np.exp(-x) * _large_k(fits.K0, x))


@_double
def k1(x: Array) -> Array:
    """The modified Bessel function of the second kind and order 1; NaN below zero."""
    return _modified(x, _near_k1(x), np.exp(-x) * _large_k(fits.K1, x))


@_double
def scaled_k0(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 0."""
    return _modified(x, _near_k0(x) * np.exp(x), _large_k(fits.K0, x))


@_double
def scaled_k1(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 1."""
    return _modified(x, _near_k1(x) * np.exp(x), _large_k(fits.K1, x))


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
    scaled = _fitted(fits.K_THIRD, 1 / zeta) / np.sqrt(zeta)
    decaying = np.sqrt(right / 3) / np.pi * scaled * np.exp(-zeta)  # 10.4.14
    left = np.maximum(-x, AIRY_NEAR)
    zeta = 2 / 3 * left * np.sqrt(left)
    p, q = _expansion(4 / 9, 1 / (8 * zeta))  # 10.4.15 and 9.2.9
    c, s = np.cos(zeta), np.sin(zeta)  # the phase is zeta - pi / 4
    waves = (p * (c + s) - q * (s - c)) / (np.sqrt(2 * np.pi) * left ** 0.25)
    near = _fitted(fits.AIRY, np.clip(x, -AIRY_NEAR, 1.0))
    return np.where(x > 1, decaying, np.where(x < -AIRY_NEAR, waves, near))
