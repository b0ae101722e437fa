"""Orthogonal polynomials of whole degree n at x, both arrays, in double precision.

Abramowitz and Stegun, chapter 22. Those of negative degree are 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Step = Callable[[int, Array, Array, Array], Array]


def _arguments(x: Array, n: Array) -> tuple[Array, Array]:
    x, n = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(n, np.float64))
    return x, np.trunc(n)


def _recurrence(x: Array, n: Array, first: Array, step: Step) -> Array:
    """p of degree n from p0 = 1, p1 = `first` and p[k+1] = step(k, x, p[k], p[k-1])."""
    x, n = _arguments(x, n)
    before, now = np.ones(x.shape), np.broadcast_to(first, x.shape)
    result = np.where(n == 0, before, np.where(n == 1, now, 0.0))
    with np.errstate(all="ignore"):
        for k in range(1, int(np.nan_to_num(n).max(initial=0))):
            before, now = now, step(k, x, now, before)
            result = np.where(n == k + 1, now, result)
    return np.where(np.isnan(x) & (n > 0), np.nan, result)


def hermite_h(x: Array, n: Array) -> Array:
    """The physicists' Hermite polynomials."""
    return _recurrence(x, n, 2 * np.asarray(x), lambda k, x, p, q: 2 * (x * p - k * q))


def hermite_he(x: Array, n: Array) -> Array:
    """The probabilists' Hermite polynomials."""
    return _recurrence(x, n, np.asarray(x), lambda k, x, p, q: x * p - k * q)


def laguerre_l(x: Array, n: Array) -> Array:
    """The Laguerre polynomials."""
    return _recurrence(x, n, 1 - np.asarray(x),
                       lambda k, x, p, q: ((2 * k + 1 - x) * p - k * q) / (k + 1))


def legendre_p(x: Array, n: Array) -> Array:
    """The Legendre polynomials."""
    return _recurrence(x, n, np.asarray(x),
                       lambda k, x, p, q: ((2 * k + 1) * x * p - k * q) / (k + 1))


def _chebyshev(x: Array, n: Array, inside: Callable[[Array, Array], Array],
               outside: Callable[[Array, Array], Array],
               ends: tuple[Callable[[Array], Array], Callable[[Array], Array]]) -> Array:
    """inside: of the angle whose cosine is x; outside: of the number whose cosh is x > 1.

    ends: the values at 1 and at -1. Those left of -1 follow from the symmetry of the four kinds.
    """
    x, n = _arguments(x, n)
    with np.errstate(all="ignore"):
        result = inside(np.arccos(np.clip(x, -1, 1)), n)
        result = np.where(np.abs(x) > 1, outside(x, n), result)
        result = np.where(x == 1, ends[0](n), np.where(x == -1, ends[1](n), result))
        result = np.where(np.isnan(x), np.nan, np.where(n == 0, 1.0, result))
        return np.where(n < 0, 0.0, result)


def _sign(n: Array) -> Array:
    return np.where(n % 2 == 0, 1.0, -1.0)


def _grown(x: Array) -> Array:
    return np.arccosh(np.maximum(np.abs(x), 1))


def chebyshev_t(x: Array, n: Array) -> Array:
    """The first kind: cos(n t) at cos(t)."""
    def outside(x: Array, n: Array) -> Array:
        return np.where(x < 0, _sign(n), 1.0) * np.cosh(n * _grown(x))

    return _chebyshev(x, n, lambda t, n: np.cos(n * t), outside, (np.ones_like, _sign))


def chebyshev_u(x: Array, n: Array) -> Array:
    """The second kind: sin((n + 1) t) / sin(t)."""
    def outside(x: Array, n: Array) -> Array:
        t = _grown(x)
        return np.where(x < 0, _sign(n), 1.0) * np.sinh((n + 1) * t) / np.sinh(t)

    return _chebyshev(x, n, lambda t, n: np.sin((n + 1) * t) / np.sin(t), outside,
                      (lambda n: n + 1, lambda n: _sign(n) * (n + 1)))


def chebyshev_v(x: Array, n: Array) -> Array:
    """The third kind: cos((n + 1/2) t) / cos(t / 2)."""
    def outside(x: Array, n: Array) -> Array:
        t = _grown(x)
        even, odd = (f((n + 0.5) * t) / f(t / 2) for f in (np.cosh, np.sinh))
        return np.where(x < 0, _sign(n) * odd, even)

    return _chebyshev(x, n, lambda t, n: np.cos((n + 0.5) * t) / np.cos(t / 2), outside,
                      (np.ones_like, lambda n: _sign(n) * (2 * n + 1)))


def chebyshev_w(x: Array, n: Array) -> Array:
    """The fourth kind: sin((n + 1/2) t) / sin(t / 2)."""
    def outside(x: Array, n: Array) -> Array:
        t = _grown(x)
        even, odd = (f((n + 0.5) * t) / f(t / 2) for f in (np.cosh, np.sinh))
        return np.where(x < 0, _sign(n) * even, odd)

    return _chebyshev(x, n, lambda t, n: np.sin((n + 0.5) * t) / np.sin(t / 2), outside,
                      (lambda n: 2 * n + 1, _sign))
