"""How a gamma or beta number moves with its concentration at a fixed level of its distribution.

With distribution function F and density p, dx/da = -(dF/da) / p(x) (Figurnov et al., 2018), and

    dF/da = integral over t < x of p(t) (log t - E log t)  =  -(the same over t > x).

On the side of x away from exp(E log t) the integrand does not change sign, so that side is taken,
with the substitution that makes the density log-concave, by Gauss and Legendre's rule.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from rushlight.backends.host.special import digamma

NODES = 64
NEGLIGIBLE = -38.0  # exp of it is below float64's resolution
ROWS = 1 << 12  # elements at a time: their nodes stay in the cache

Exponent = Callable[[np.ndarray], np.ndarray]


def gamma(concentration: np.ndarray, value: np.ndarray) -> np.ndarray:
    """dx/da of x ~ Gamma(a, 1)."""
    return _in_rows(_gamma, value, concentration)


def dirichlet(value: np.ndarray, concentration: np.ndarray, total: np.ndarray) -> np.ndarray:
    """dx/da / (1 - x) of x ~ Beta(a, total - a), a coordinate of a Dirichlet point.

    The whole Jacobian is this times (1 where the coordinate is the same, else 0) - x.
    """
    return _in_rows(_dirichlet, value, concentration, total)


def _in_rows(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    kind = arrays[0].dtype
    wide = [a.astype(np.float64) for a in np.broadcast_arrays(*arrays)]
    flat = [a.reshape(-1, 1) for a in wide]
    out = np.empty(wide[0].size)
    with np.errstate(all="ignore"):
        for start in range(0, out.size, ROWS):
            out[start:start + ROWS] = function(*(a[start:start + ROWS] for a in flat))
    return out.reshape(wide[0].shape).astype(kind)


def _gamma(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    offset = np.log(x) - digamma(a)  # how far x is above exp(E log t), in logarithms
    side = np.where(offset > 0, 1.0, -1.0)

    def exponent(s: np.ndarray) -> np.ndarray:  # of p(t) t / (p(x) x) at t = x exp(side s)
        return a * side * s - x * np.expm1(side * s)

    area = _integral(exponent, lambda s: np.abs(offset + side * s), 1 / (1 + a))
    return x[:, 0] * area


def _dirichlet(x: np.ndarray, a: np.ndarray, total: np.ndarray) -> np.ndarray:
    offset = np.log(x) - digamma(a) + digamma(total)
    upper = offset > 0
    rest = np.where(upper, 1 - x, x)

    def shift(s: np.ndarray) -> np.ndarray:  # log((1 - x) / (1 - t)), less s above
        return np.log1p(rest * np.expm1(-s))

    def exponent(s: np.ndarray) -> np.ndarray:  # the odds of t are exp(+-s) times those of x
        return -np.where(upper, total - a, a) * s - total * shift(s)

    def factor(s: np.ndarray) -> np.ndarray:
        return np.abs(offset - np.where(upper, 0, s) - shift(s))

    area = _integral(exponent, factor, 1 / (1 + total))
    return x[:, 0] * area


def _integral(exponent: Exponent, factor: Exponent, step: np.ndarray) -> np.ndarray:
    """The integral of factor(s) exp(exponent(s)) over s > 0, exponent concave; (rows,)."""
    end = step
    for _ in range(200):
        short = exponent(end) > NEGLIGIBLE
        if not short.any():
            break
        end = np.where(short, 2 * end, end)
    nodes, weights = _rule()
    s = end * nodes  # (rows, nodes)
    return end[:, 0] * ((factor(s) * np.exp(exponent(s))) @ weights)


@cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return (nodes + 1) / 2, weights / 2
