"""The incomplete gamma functions, by a series and a continued fraction, in double precision."""

from __future__ import annotations

import numpy as np

from rushlight.backends.host.special import lgamma, lgamma1p

Array = np.ndarray

STEPS = 5000  # for parameters around STEPS ** 2 / 30 convergence takes that long
ENOUGH = 1e-17
TINY = 1e-300


STIRLING_FROM = 20.0  # the parameter from which Stirling's series is exact
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)


def _log_less(a: Array, x: Array) -> Array:
    """log(x / a) - (x / a - 1), exact where the quotient is near 1."""
    u = (x - a) / a
    small = np.clip(u, -0.5, 0.5)
    r = small / (2 + small)
    total = np.zeros_like(r)
    for k in range(37, 1, -2):
        total = total * r * r + 1 / k
    return np.where(np.abs(u) < 0.5, r * (2 * r * r * total - small), np.log(x / a) - u)


def _scale(a: Array, x: Array) -> Array:
    """x**a e**-x / Gamma(a); for large a around Stirling's e**-a a**a, lest the terms cancel."""
    size = np.maximum(a, STIRLING_FROM)
    rest = np.zeros_like(size)
    for c in STIRLING[::-1]:
        rest = rest / (size * size) + c
    large = np.sqrt(size / (2 * np.pi)) * np.exp(size * _log_less(size, x) - rest / size)
    return np.where(a < STIRLING_FROM, np.exp(a * np.log(x) - x - lgamma(a)), large)


def _series(a: Array, x: Array) -> Array:
    """P(a, x) for x < a + 1 (Abramowitz and Stegun, 6.5.29)."""
    term = total = 1 / a
    for k in range(1, STEPS):
        term = term * (x / (a + k))
        total = total + term
        if not (np.abs(term) > ENOUGH * np.abs(total)).any():
            break
    return total * _scale(a, x)


def _small_upper(a: Array, x: Array) -> Array:
    """Q(a, x) for a < 1/2 and x < 3/2, where P is nearly 1, by the series 6.5.29 for P."""
    logarithm = a * np.log(x) - lgamma1p(a)
    total, term = np.zeros_like(x), np.ones_like(x)
    for n in range(1, 30):
        term = term * (-x / n)
        total = total + term / (a + n)
    return -np.expm1(logarithm) - a * total * np.exp(logarithm)


def _fraction(a: Array, x: Array) -> Array:
    """Q(a, x) for x > a + 1 (Abramowitz and Stegun, 6.5.31), by Lentz's method."""
    b = x + 1 - a
    c, d = np.full_like(b, 1 / TINY), 1 / b
    result = d
    for k in range(1, STEPS):
        numerator = -k * (k - a)
        b = b + 2
        d = numerator * d + b
        d = 1 / np.where(np.abs(d) < TINY, TINY, d)
        c = b + numerator / c
        c = np.where(np.abs(c) < TINY, TINY, c)
        change = c * d
        result = result * change
        if not (np.abs(change - 1) > 1e-16).any():
            break
    return result * _scale(a, x)


def gammainc(a: Array, x: Array, upper: bool) -> Array:
    """P(a, x), or Q(a, x) = 1 - P(a, x) where `upper`; NaN for negative arguments."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    with np.errstate(all="ignore"):
        good = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
        low = good & (x < a + 1)
        high = good & ~low
        result = np.full(a.shape, np.nan)
        small = low & (a < 0.5) & upper
        for where, function, complement in ((low & ~small, _series, upper),
                                            (small, _small_upper, False),
                                            (high, _fraction, not upper)):
            if where.any():
                found = function(a[where], x[where])
                result[where] = 1 - found if complement else found
        known = (a >= 0) & (x >= 0)
        nothing = known & ((x == 0) | np.isinf(a)) & ~((a == 0) & (x == 0)) & ~(
            np.isinf(a) & np.isinf(x))
        everything = known & ((a == 0) | np.isinf(x)) & ~nothing & ~((a == 0) & (x == 0)) & ~(
            np.isinf(a) & np.isinf(x))
        result = np.where(nothing, float(upper), result)
        return np.where(everything, float(not upper), result)


def density(a: Array, x: Array) -> Array:
    """dP(a, x) / dx = x**(a - 1) e**-x / Gamma(a)."""
    a, x = np.asarray(a, np.float64), np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        return _scale(a, x) / x
