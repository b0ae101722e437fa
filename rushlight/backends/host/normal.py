"""The normal distribution's quantiles, and the scaled error function, in double precision."""

from __future__ import annotations

import math

import numpy as np

from rushlight.backends.host import special
from rushlight.backends.host.special import _polynomial as polynomial

Array = np.ndarray

# Rational approximations of Wichura (1988), algorithm AS 241: numerators and denominators for
# the middle and for two parts of the tails.
MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
     1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
     3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
     5.2264952788528545610e3))
NEAR = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
     3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
     2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9))
FAR = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
     2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
     2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15))


def _ratio(x: Array, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Array:
    return polynomial(x, coefficients[0]) / polynomial(x, coefficients[1])


def ndtri(p: Array) -> Array:
    """The x below which a standard normal variable lies with probability p; NaN outside [0, 1]."""
    p = np.asarray(p, np.float64)
    with np.errstate(all="ignore"):
        centred = p - 0.5
        middle = centred * _ratio(0.180625 - centred * centred, MIDDLE)
        depth = np.sqrt(-np.log(np.minimum(p, 1 - p)))
        tail = np.where(depth <= 5, _ratio(depth - 1.6, NEAR), _ratio(depth - 5, FAR))
        tail = np.where(np.isinf(depth), np.inf, tail)
        result = np.where(np.abs(centred) <= 0.425, middle, np.copysign(tail, centred))
        return np.where((p >= 0) & (p <= 1), result, np.nan)


def exp_square(x: Array, factor: float) -> Array:
    """e**(factor x**2) for a power of two, without the error of rounding x**2 itself."""
    coarse = np.asarray(x, np.float32).astype(np.float64)  # whose square is exact
    return np.exp(factor * coarse * coarse) * np.exp(factor * (x - coarse) * (x + coarse))


ASYMPTOTIC_FROM = 12.0
TERMS = 12


def erfcx(x: Array) -> Array:
    """e**(x**2) erfc(x)."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        size = np.abs(x)
        small = np.minimum(size, ASYMPTOTIC_FROM)
        near = exp_square(small, 1.0) * special.erfc(small)
        large = np.maximum(size, ASYMPTOTIC_FROM)
        step = -0.5 / large / large  # Abramowitz and Stegun, 7.1.23
        total = np.ones_like(large)
        for k in range(TERMS, 0, -1):
            total = 1 + (2 * k - 1) * step * total
        far = total / (large * math.sqrt(math.pi))
        positive = np.where(size < ASYMPTOTIC_FROM, near, far)
        below = exp_square(np.maximum(x, -30.0), 1.0)
        return np.where(x < 0, np.where(x < -30, np.inf, 2 * below - positive), positive)


def log_ndtr(x: Array) -> Array:
    """The logarithm of the probability that a standard normal variable lies below x."""
    x = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        half = x * math.sqrt(0.5)
        low = np.log(erfcx(-half) / 2) - 0.5 * x * x
        above = np.minimum(x, 40.0)
        tail = np.where(x > 1, exp_square(above, -0.5) * erfcx(above * math.sqrt(0.5)),
                        special.erfc(half))
        return np.where(x < -1, low, np.log1p(-tail / 2))
