"""Bessel and Airy functions, by integrals, series and asymptotic expansions, in double precision.

The trapezoidal rule integrates periodic functions, and those that fall off doubly exponentially,
to machine precision with few points (Trefethen and Weideman, 2014). Formulas are named as in
Abramowitz and Stegun, Handbook of Mathematical Functions (1964).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray

NEAR = 25.0  # integrals up to here, asymptotic expansions beyond
POINTS = 96  # of the trapezoidal rule over a period: more than NEAR + 2 * TERMS + 40
TERMS = 24  # of Neumann's series
ASYMPTOTIC = 16  # terms of an asymptotic expansion
EULER = 0.57721566490153286061
AIRY_NEAR = 8.0


def _in_parts(x: Array, function: Callable[[Array], Array], size: int = 1 << 14) -> Array:
    """`function` of an array, part by part: it needs many numbers for each element."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        flat = x.reshape(-1)
        parts = [function(flat[i:i + size]) for i in range(0, flat.size, size)]
        return (np.concatenate(parts) if parts else flat).reshape(x.shape)


def _orders(x: Array, orders: Array) -> Array:
    """J_n(x) for whole n, (x, n): the mean of cos(n t - x sin t) over a period (9.1.21)."""
    t = 2 * np.pi * np.arange(POINTS) / POINTS
    waves = np.exp(-1j * x[:, None] * np.sin(t))
    return (waves @ np.exp(1j * np.outer(t, orders))).real / POINTS


def _hankel(order: int, x: Array) -> tuple[Array, Array]:
    """P and Q of the expansions for large arguments (9.2.9, 9.2.10)."""
    return _expansion(4.0 * order * order, 1 / (8 * x))


def _expansion(mu: float, step: Array) -> tuple[Array, Array]:
    """The even and odd parts of sum of product((mu - (2j - 1)**2) / j) step**k, signs changing."""
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
    p, q = _hankel(order, x)
    phase = x - (order / 2 + 0.25) * np.pi
    cos, sin = np.cos(phase), np.sin(phase)
    wave = p * sin + q * cos if second else p * cos - q * sin
    return np.sqrt(2 / (np.pi * x)) * wave


def _first_kind(order: int, x: Array) -> Array:
    size = np.abs(x)
    near = _orders(np.minimum(size, NEAR), np.array([order]))[:, 0]
    far = np.where(np.isinf(size), 0.0, _far(order, np.maximum(size, NEAR), False))
    result = np.where(size <= NEAR, near, far)
    return np.where(x < 0, -result, result) if order % 2 else result


def j0(x: Array) -> Array:
    """The Bessel function of the first kind and order 0."""
    return _in_parts(x, lambda x: np.where(x == 0, 1.0, _first_kind(0, x)), 1 << 11)


def j1(x: Array) -> Array:
    """The Bessel function of the first kind and order 1."""
    return _in_parts(x, lambda x: np.where(np.abs(x) < 1e-8, x / 2, _first_kind(1, x)), 1 << 11)


def _second_kind_0(x: Array) -> Array:
    """Neumann's series (9.1.88)."""
    small = np.minimum(np.abs(x), NEAR)
    k = np.arange(1, TERMS + 1)
    j = _orders(small, np.concatenate([[0], 2 * k]))
    total = j[:, 1:] @ ((-1.0) ** k / k)
    near = 2 / np.pi * ((np.log(small / 2) + EULER) * j[:, 0] - 2 * total)
    return _beyond(0, x, near)


def _second_kind_1(x: Array) -> Array:
    """Neumann's series (9.1.88), differentiated."""
    small = np.minimum(np.abs(x), NEAR)
    k = np.arange(1, TERMS + 1)
    j = _orders(small, np.concatenate([[0, 1], 2 * k + 1]))
    total = j[:, 2:] @ ((-1.0) ** k * (2 * k + 1) / (k * (k + 1)))
    near = 2 / np.pi * ((np.log(small / 2) + EULER - 1) * j[:, 1] - 1 / small - total)
    return _beyond(1, x, near)


def _beyond(order: int, x: Array, near: Array) -> Array:
    far = np.where(np.isinf(x), 0.0, _far(order, np.maximum(x, NEAR), True))
    result = np.where(x <= NEAR, near, far)
    result = np.where(x == 0, -np.inf, result)
    return np.where(x < 0, np.nan, result)


def y0(x: Array) -> Array:
    """The Bessel function of the second kind and order 0; NaN below zero."""
    return _in_parts(x, _second_kind_0, 1 << 11)


def y1(x: Array) -> Array:
    """The Bessel function of the second kind and order 1; NaN below zero."""
    return _in_parts(x, _second_kind_1, 1 << 11)


STEP = 0.125  # of the integral for K
T = STEP * np.arange(320)
WEIGHTS = np.where(T == 0, STEP / 2, STEP)


def _scaled_k(order: float, x: Array) -> Array:
    """e**x K(x) = integral of e**(-x (cosh t - 1)) cosh(order t) (9.6.24)."""
    growth = 2 * np.sinh(np.minimum(T, 700) / 2) ** 2
    heights = np.exp(-x[:, None] * growth + order * T) + np.exp(-x[:, None] * growth - order * T)
    result = heights @ WEIGHTS / 2
    result = np.where(x == 0, np.inf, result)
    return np.where(x < 0, np.nan, np.where(np.isinf(x), 0.0, result))


def k0(x: Array) -> Array:
    """The modified Bessel function of the second kind and order 0; NaN below zero."""
    return _in_parts(x, lambda x: _scaled_k(0, x) * np.exp(-x), 1 << 11)


def k1(x: Array) -> Array:
    """The modified Bessel function of the second kind and order 1; NaN below zero."""
    return _in_parts(x, lambda x: _scaled_k(1, x) * np.exp(-x), 1 << 11)


def scaled_k0(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 0."""
    return _in_parts(x, lambda x: _scaled_k(0, x), 1 << 11)


def scaled_k1(x: Array) -> Array:
    """e**x times the modified Bessel function of the second kind and order 1."""
    return _in_parts(x, lambda x: _scaled_k(1, x), 1 << 11)


def spherical_j0(x: Array) -> Array:
    """sin(x) / x."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        quotient = np.where(np.isinf(x), 0.0, np.sin(x) / x)
        return np.where(np.abs(x) < 1e-4, 1 - x * x / 6, quotient)


def airy_ai(x: Array) -> Array:
    """The Airy function Ai."""
    return _in_parts(x, _airy, 1 << 11)


def _airy(x: Array) -> Array:
    right = np.maximum(x, 1.0)
    zeta = 2 / 3 * right * np.sqrt(right)
    decaying = np.sqrt(right / 3) / np.pi * _scaled_k(1 / 3, zeta) * np.exp(-zeta)  # 10.4.14
    left = np.maximum(-x, AIRY_NEAR)
    zeta = 2 / 3 * left * np.sqrt(left)
    p, q = _expansion(4 / 9, 1 / (8 * zeta))  # 10.4.60, by way of order 1/3
    phase = zeta - np.pi / 4
    waves = (p * np.cos(phase) - q * np.sin(phase)) / (np.sqrt(np.pi) * left ** 0.25)
    series = _airy_series(np.clip(x, -AIRY_NEAR, 1.0))
    result = np.where(x > 1, decaying, np.where(x < -AIRY_NEAR, waves, series))
    return np.where(np.isnan(x), np.nan, np.where(np.isinf(x), 0.0, result))


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


