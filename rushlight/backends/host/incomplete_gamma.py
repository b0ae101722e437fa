"""The incomplete gamma functions, by a series and a continued fraction, in double precision."""

from __future__ import annotations

import numpy as np

from rushlight.backends.host.special import lgamma

Array = np.ndarray

STEPS = 5000  # for parameters around STEPS ** 2 / 30 convergence takes that long
ENOUGH = 1e-17
TINY = 1e-300


def _scale(a: Array, x: Array) -> Array:
    """x**a e**-x / Gamma(a)."""
    return np.exp(a * np.log(x) - x - lgamma(a))


def _series(a: Array, x: Array) -> Array:
    """P(a, x) for x < a + 1 (Abramowitz and Stegun, 6.5.29)."""
    term = total = 1 / a
    for k in range(1, STEPS):
        term = term * (x / (a + k))
        total = total + term
        if not (np.abs(term) > ENOUGH * np.abs(total)).any():
            break
    return total * _scale(a, x)


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
        for where, function, complement in ((low, _series, upper), (high, _fraction, not upper)):
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
        return np.exp((a - 1) * np.log(x) - x - lgamma(a))
