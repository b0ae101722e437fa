"""KL divergences between distributions of two kinds: KL(p || q) = -H(p) - E_p[log q(x)].

What log q is linear in, such as x, x^2 and log x, has to be known in expectation under p.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight.distributions.bernoulli import Bernoulli
from rushlight.distributions.beta import Beta
from rushlight.distributions.binomial import Binomial
from rushlight.distributions.broadcasting import euler_constant
from rushlight.distributions.continuous_bernoulli import ContinuousBernoulli
from rushlight.distributions.exponential import Exponential
from rushlight.distributions.gamma import Gamma
from rushlight.distributions.gumbel import Gumbel
from rushlight.distributions.kl import register_kl
from rushlight.distributions.laplace import Laplace
from rushlight.distributions.normal import Normal
from rushlight.distributions.pareto import Pareto
from rushlight.distributions.poisson import Poisson
from rushlight.distributions.uniform import Uniform
from rushlight.ops import where, xlogy, zeros_like
from rushlight.tensor import Tensor

# ---- expectations under p ----------------------------------------------------------------------

_Expectation = Callable[..., Tensor]


def _mean_xlogx(low: Tensor, high: Tensor) -> Tensor:
    """The mean of log x between two bounds."""
    return (xlogy(high, high) - xlogy(low, low)) / (high - low) - 1


# E log x.
EXPECTED_LOG: dict[type, _Expectation] = {
    Beta: lambda p: (p.concentration1.digamma()
                     - (p.concentration1 + p.concentration0).digamma()),
    Exponential: lambda p: -euler_constant - p.rate.log(),
    Gamma: lambda p: p.concentration.digamma() - p.rate.log(),
    Pareto: lambda p: p.scale.log() + p.alpha.reciprocal(),
    Uniform: lambda p: _mean_xlogx(p.low, p.high),
}

# E exp(-x / s).
EXPECTED_EXP: dict[type, _Expectation] = {
    Exponential: lambda p, s: p.rate * s / (p.rate * s + 1),
    Gamma: lambda p, s: (1 + (p.rate * s).reciprocal()).pow(-p.concentration),
    Normal: lambda p, s: (-p.loc / s + 0.5 * (p.scale / s).pow(2)).exp(),
    Uniform: lambda p, s: s * ((-p.low / s).exp() - (-p.high / s).exp()) / (p.high - p.low),
}


def _expected_log(p: Any) -> Tensor:
    return next(EXPECTED_LOG[kind] for kind in type(p).__mro__ if kind in EXPECTED_LOG)(p)


def _expected_exp(p: Any, s: Tensor) -> Tensor:
    return next(EXPECTED_EXP[kind] for kind in type(p).__mro__ if kind in EXPECTED_EXP)(p, s)


# ---- E_p[log q(x)], for each kind of q ---------------------------------------------------------


def _exponential(p: Any, q: Any) -> Tensor:
    return q.rate.log() - q.rate * p.mean


def _gamma(p: Any, q: Any) -> Tensor:
    a = q.concentration
    return (a * q.rate.log() - a.lgamma() + (a - 1) * _expected_log(p)
            - q.rate * p.mean)


def _normal(p: Any, q: Any) -> Tensor:
    square = p.variance + (p.mean - q.loc).pow(2)
    return -0.5 * (square / q.scale.pow(2) + math.log(2 * math.pi)) - q.scale.log()


def _gumbel(p: Any, q: Any) -> Tensor:
    expected = _expected_exp(p, q.scale) * (q.loc / q.scale).exp()
    return -q.scale.log() - (p.mean - q.loc) / q.scale - expected


def _laplace(p: Any, q: Any) -> Tensor:
    """Of a normal p, whose E|x - loc| is known."""
    shift = p.loc - q.loc
    z = shift / p.scale
    distance = (math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.pow(2)).exp()
                + shift * (math.sqrt(0.5) * z).erf())
    return -(2 * q.scale).log() - distance / q.scale


def _continuous_bernoulli(p: Any, q: Any) -> Tensor:
    return p.mean * q.logits + (-q.probs).log1p() + q._cont_bern_log_norm()


def _beta(p: Any, q: Any) -> Tensor:
    """Of a uniform p."""
    a, b = q.concentration1, q.concentration0
    normalizer = (a + b).lgamma() - a.lgamma() - b.lgamma()
    return (normalizer + (a - 1) * _mean_xlogx(p.low, p.high)
            + (b - 1) * _mean_xlogx(1 - p.high, 1 - p.low))


def _pareto(p: Any, q: Any) -> Tensor:
    """Of a uniform p."""
    return q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _expected_log(p)


def _uniform(p: Any, q: Any) -> Tensor:
    return -(q.high - q.low).log()


def _poisson(p: Any, q: Any) -> Tensor:
    """Of a Bernoulli p, for which x! is 1."""
    return p.probs * q.rate.log() - q.rate


# ---- pairs -------------------------------------------------------------------------------------


def _cross(kind_p: type, kind_q: type, expected: _Expectation,
           infinite: Callable[[Any, Any], Tensor] | None = None) -> None:
    """Register KL(p || q) by E_p[log q(x)]; inf where p leaves the support of q."""

    def divergence(p: Any, q: Any) -> Tensor:
        result = -p.entropy() - expected(p, q)
        return result if infinite is None else where(infinite(p, q), math.inf, result)

    register_kl(kind_p, kind_q)(divergence)


def _infinite(kind_p: type, *kinds_q: type) -> None:
    """Register pairs of which p has values where q has none."""
    for kind_q in kinds_q:
        register_kl(kind_p, kind_q)(_infinity)


def _infinity(p: Any, q: Any) -> Tensor:
    return zeros_like(p.mean) + math.inf if not isinstance(p, Pareto) else p.alpha * math.inf


def _negative(p: Any, q: Any) -> Tensor:
    return p.low < 0


def _outside_unit(p: Any, q: Any) -> Tensor:
    return (p.low < 0) | (p.high > 1)


def _unit_not_covered(p: Any, q: Any) -> Tensor:
    return (q.low > 0) | (q.high < 1)


_cross(Bernoulli, Poisson, _poisson)

_cross(Beta, ContinuousBernoulli, _continuous_bernoulli)
_cross(Beta, Exponential, _exponential)
_cross(Beta, Gamma, _gamma)
_cross(Beta, Normal, _normal)
_cross(Beta, Uniform, _uniform, _unit_not_covered)
_infinite(Beta, Pareto)

_cross(ContinuousBernoulli, Exponential, _exponential)
_cross(ContinuousBernoulli, Normal, _normal)
_cross(ContinuousBernoulli, Uniform, _uniform, _unit_not_covered)
_infinite(ContinuousBernoulli, Pareto)

_cross(Exponential, Gamma, _gamma)
_cross(Exponential, Gumbel, _gumbel)
_cross(Exponential, Normal, _normal)
_infinite(Exponential, Beta, ContinuousBernoulli, Pareto, Uniform)

_cross(Gamma, Exponential, _exponential)
_cross(Gamma, Gumbel, _gumbel)
_cross(Gamma, Normal, _normal)
_infinite(Gamma, Beta, ContinuousBernoulli, Pareto, Uniform)

_cross(Gumbel, Normal, _normal)
_infinite(Gumbel, Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)

_cross(Laplace, Normal, _normal)
_infinite(Laplace, Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)

_cross(Normal, Gumbel, _gumbel)
_cross(Normal, Laplace, _laplace)
_infinite(Normal, Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)

_cross(Pareto, Exponential, _exponential, lambda p, q: p.alpha <= 1)
_cross(Pareto, Gamma, _gamma, lambda p, q: p.alpha <= 1)
_cross(Pareto, Normal, _normal, lambda p, q: p.alpha <= 2)
_infinite(Pareto, Beta, ContinuousBernoulli, Uniform)

_infinite(Poisson, Bernoulli, Binomial)

_cross(Uniform, Beta, _beta, _outside_unit)
_cross(Uniform, ContinuousBernoulli, _continuous_bernoulli, _outside_unit)
_cross(Uniform, Exponential, _exponential, _negative)
_cross(Uniform, Gamma, _gamma, _negative)
_cross(Uniform, Gumbel, _gumbel)
_cross(Uniform, Normal, _normal)
_cross(Uniform, Pareto, _pareto, lambda p, q: p.low < q.scale)
