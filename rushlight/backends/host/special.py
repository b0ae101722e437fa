"""Error, gamma and Bessel functions on NumPy arrays, which NumPy lacks.

Computed in double precision for float32 and float64, to a few units in the last place except
where a function crosses zero away from its expansion points. The formulas are those of
Abramowitz and Stegun, Handbook of Mathematical Functions (1964), whose equations are named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

import numpy as np

from rushlight.backends import approximations as table

Array: TypeAlias = Any  # an np.ndarray; NumPy's stubs know little more of most results


def _in_double(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Compute in float64, give back the dtype of the argument, warn of nothing."""

    @wraps(function)
    def wrapper(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(np.asarray(x, np.float64))).astype(x.dtype)

    return wrapper


def _polynomial(x: Array, coefficients: Sequence[float]) -> Array:
    result = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        result *= x
        result += c
    return result


def _chebyshev(x: Array, coefficients: Sequence[float]) -> Array:
    """c0 + c1 T1(x) + c2 T2(x) + ..., by Clenshaw's recurrence."""
    ahead, result = np.zeros_like(x), np.zeros_like(x)
    for c in coefficients[:0:-1]:
        ahead, result = result, 2 * x * result - ahead + c
    return x * result - ahead + coefficients[0]


def _erf_near(x: Array) -> Array:
    return x + x * _polynomial(x * x, table.ERF["double"])


def _erfc_far(a: Array) -> Array:
    """erfc for 1/2 <= a. The square of a is taken in two parts, as e^-a^2 magnifies its error."""
    a = np.minimum(a, 28.0)
    high = np.rint(a * 2**20) / 2**20  # 25 bits at most: the square is exact
    decay = np.exp(-high * high) * np.exp(-(a - high) * (a + high))
    return decay * (_polynomial((a - 3.75) / (a + 3.75), table.ERFC) / (1 + 2 * a))


@_in_double
def erf(x: Array) -> Array:
    """The error function."""
    a = np.abs(x)
    return np.where(a < 1, _erf_near(x), np.copysign(1 - _erfc_far(a), x))


@_in_double
def erfc(x: Array) -> Array:
    """1 - erf(x), accurate where erf is close to 1."""
    far = _erfc_far(np.abs(x))
    return np.where(np.abs(x) < 0.5, 1 - _erf_near(x), np.where(x < 0, 2 - far, far))


@_in_double
def erfinv(x: Array) -> Array:
    """The inverse of erf on [-1, 1]; nan outside."""
    a = np.abs(x)
    w = -np.log((1 - a) * (1 + a))
    s = np.sqrt(np.abs(w))
    far = np.where(s < 4, _polynomial(s - 3.25, table.ERFINV_MIDDLE),
                   _polynomial(s - 5, table.ERFINV_TAIL))
    result = x * np.where(w < 6.25, _polynomial(w - 3.125, table.ERFINV_CENTRE), far)
    return np.where(a == 1, np.copysign(math.inf, x), np.where(a > 1, math.nan, result))


def _sin_pi(x: Array) -> Array:
    """sin(pi x), exactly 0 at integers."""
    nearest = np.rint(x)
    sine = np.sin(math.pi * (x - nearest))
    return np.where(np.mod(nearest, 2) == 1, -sine, sine)


@_in_double
def lgamma(x: Array) -> Array:
    """log |Gamma(x)|; inf at zero and the negative integers. Negative x by reflection (6.1.17)."""
    positive = _lgamma_positive(np.abs(x))
    reflected = np.log(math.pi / np.abs(x * _sin_pi(x))) - positive
    reflected = np.where(np.abs(x) < 1e-20, positive, reflected)  # where the product is nothing
    pole = (x <= 0) & (x == np.rint(x))
    return np.where(pole | np.isinf(x), math.inf, np.where(x < 0, reflected, positive))


def lgamma1p(x: Array) -> Array:
    """log Gamma(1 + x) for x from 0 to 1/2, exact near 0."""
    return x * _polynomial(x, table.LGAMMA) - np.log1p(x)


def _lgamma_positive(x: Array) -> Array:
    """Around 2 a polynomial, which its neighbours are led to by the recurrence (6.1.15); from 8
    on Stirling's series (6.1.41)."""
    low = np.clip(x, 0, 8)
    product = np.ones_like(x)
    for _ in range(6):
        down = low >= 2.5
        low = np.where(down, low - 1, low)
        product = np.where(down, product * low, product)
    small, unit = low < 0.5, low < 1.5
    t = np.where(small, low, np.where(unit, low - 1, low - 2))
    near = t * _polynomial(t, table.LGAMMA) + np.log(product)
    near = np.where(unit, near - np.log1p(t), near)
    near = np.where(small, near - np.log(t), near)
    z = 1 / (x * x)
    series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z * (
        1 / 1188 - z * (691 / 360360 - z / 156)))))) / x
    far = (x - 0.5) * (np.log(x) - 1) + (series + (0.5 * math.log(2 * math.pi) - 0.5))
    return np.where(x < 8, near, far)


@_in_double
def digamma(x: Array) -> Array:
    """The derivative of lgamma; nan at negative integers. Negative x by reflection (6.3.7)."""
    negative = x < 0
    y = np.where(negative, 1 - x, x)
    fraction = x - np.rint(x)
    result = _digamma_positive(y)
    result = np.where(negative, result - math.pi / np.tan(math.pi * fraction), result)
    result = np.where(negative & (fraction == 0) | (x == -math.inf), math.nan, result)
    return np.where(x == 0, np.copysign(math.inf, -x), result)


def _digamma_positive(x: Array) -> Array:
    """Around its root a polynomial, below 10 by the recurrence (6.3.5), then (6.3.18)."""
    low = np.clip(x, 0, 10)
    total = np.where(low < 1, -1 / low, 0.0)
    low = np.where(low < 1, low + 1, low)
    for _ in range(9):
        down = low > 2
        low = np.where(down, low - 1, low)
        total = np.where(down, total + 1 / low, total)
    root, root_low = table.DIGAMMA_ROOT
    near = ((low - root) - root_low) * _polynomial(low - 1.5, table.DIGAMMA) + total
    z = 1 / (x * x)
    far = np.log(x) - 0.5 / x - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (
        1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12))))))
    return np.where(x < 10, near, far)


@_in_double
def trigamma(x: Array) -> Array:
    """The derivative of digamma; inf at zero and the negative integers. By (6.4.6), (6.4.7) and
    (6.4.12)."""
    reflect = x < 0.5
    y = np.where(reflect, 1 - x, x)
    total = np.zeros_like(y)
    for _ in range(15):
        up = y < 15
        total = np.where(up, total + 1 / (y * y), total)
        y = np.where(up, y + 1, y)
    z = 1 / (y * y)
    series = z * (1 / 6 - z * (1 / 30 - z * (1 / 42 - z * (1 / 30 - z * 5 / 66)))) / y
    total = total + (1 / y + (0.5 * z + series))
    return np.where(reflect, (math.pi / _sin_pi(x)) ** 2 - total, total)


def _scaled_bessel(a: Array, near: Sequence[float], far: Sequence[float], factor: Array) -> Array:
    """A modified Bessel function of a >= 0 divided by e^a."""
    close = _chebyshev(np.minimum(a, 8) / 4 - 1, near) * factor
    return np.where(a <= 8, close, _chebyshev(16 / np.maximum(a, 8) - 1, far) / np.sqrt(a))


def _unscaled(scaled: Array, a: Array) -> Array:
    """scaled * e^a, in two steps: e^a alone overflows before the product does."""
    half = np.exp(0.5 * a)
    return np.where(a < 700, scaled * np.exp(a), scaled * half * half)


def _scaled_i0(a: Array) -> Array:
    return _scaled_bessel(a, table.I0_NEAR, table.I0_FAR, np.ones_like(a))


def _scaled_i1(a: Array) -> Array:
    return _scaled_bessel(a, table.I1_NEAR, table.I1_FAR, a)


@_in_double
def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind, order 0."""
    a = np.abs(x)
    return np.where(np.isinf(a), a, _unscaled(_scaled_i0(a), a))


@_in_double
def i0e(x: Array) -> Array:
    """i0(x) e^-|x|."""
    return _scaled_i0(np.abs(x))


@_in_double
def i1(x: Array) -> Array:
    """The modified Bessel function of the first kind, order 1."""
    a = np.abs(x)
    return np.copysign(np.where(np.isinf(a), a, _unscaled(_scaled_i1(a), a)), x)


@_in_double
def i1e(x: Array) -> Array:
    """i1(x) e^-|x|."""
    return np.copysign(_scaled_i1(np.abs(x)), x)
