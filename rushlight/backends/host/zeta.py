"""The Hurwitz zeta function, by the Euler-Maclaurin formula, in double precision."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

DIRECT = 10  # terms summed as they are, before the formula for the rest
# B(2j) / (2j)!, j = 1..10
COEFFICIENTS = tuple(b / math.factorial(2 * j) for j, b in enumerate(
    (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
     -174611 / 330), 1))


def zeta(x: Array, q: Array) -> Array:
    """The sum over k >= 0 of (q + k)**-x for x > 1, of any broadcasting shapes.

    For negative q the exponent x must be whole; NaN elsewhere, infinity at q = 0, -1, ...
    """
    x, q = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(q, np.float64))
    with np.errstate(all="ignore"):
        result = _positive(x, np.where(q > 0, q, 1.0))
        if (q < 0).any():
            result = np.where(q < 0, _negative(x, np.where(q < 0, -q, 0.5)), result)
        whole = (q <= 0) & (q == np.floor(q))
        result = np.where(whole, np.inf, result)
        result = np.where(x == 1, np.inf, result)
        return np.where((x < 1) | np.isnan(x) | np.isnan(q), np.nan, result)


def _positive(x: Array, q: Array) -> Array:
    total = sum(((q + k) ** -x for k in range(DIRECT)), np.zeros(x.shape))
    far = q + DIRECT
    power = far ** -x
    total = total + power * far / (x - 1) + power / 2
    factor, power = x, power / far
    for j, coefficient in enumerate(COEFFICIENTS):
        total = total + coefficient * factor * power
        factor = factor * (x + 2 * j + 1) * (x + 2 * j + 2)
        power = power / (far * far)
    return total


def _negative(x: Array, size: Array) -> Array:
    """At q = -size: the terms below zero, those between 0 and size, and the terms above."""
    fraction = size - np.floor(size)
    sign = np.where(x % 2 == 0, 1.0, np.where(x % 2 == 1, -1.0, np.nan))
    below = _positive(x, np.where(fraction > 0, fraction, 0.5)) - _positive(x, size + 1)
    return sign * below + _positive(x, 1 - fraction)


def polygamma(n: int, x: Array) -> Array:
    """The n-th derivative of digamma, n >= 1."""
    scale = math.factorial(n) if n < 171 else math.inf
    return (-1) ** (n + 1) * scale * zeta(np.asarray(n + 1.0), x)
