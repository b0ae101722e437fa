"""One entry a distribution: how to make it, with `d` the distributions and `t` tensors of lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Make = Callable[[Any, Callable[..., Any]], Any]

COVARIANCE = [[2.0, 0.5, 0.1], [0.5, 1.5, -0.3], [0.1, -0.3, 1.0]]
FACTOR = [[1.5, 0.0, 0.0], [0.3, 1.2, 0.0], [-0.4, 0.2, 0.9]]

CONTINUOUS: dict[str, Make] = {
    "Normal": lambda d, t: d.Normal(t([0.5, -1.0, 3.0]), t([1.0, 0.3, 2.0])),
    "Laplace": lambda d, t: d.Laplace(t([0.5, -1.0]), t([1.0, 0.3])),
    "Cauchy": lambda d, t: d.Cauchy(t([0.5, -1.0]), t([1.0, 0.3])),
    "Exponential": lambda d, t: d.Exponential(t([0.5, 1.0, 3.0])),
    "Uniform": lambda d, t: d.Uniform(t([0.0, -1.0]), t([1.0, 2.5])),
    "Gamma": lambda d, t: d.Gamma(t([0.4, 1.0, 5.0]), t([1.0, 0.3, 2.0])),
    "Chi2": lambda d, t: d.Chi2(t([0.7, 3.0])),
    "Beta": lambda d, t: d.Beta(t([0.6, 2.0, 4.0]), t([1.5, 3.0, 0.8])),
    "StudentT": lambda d, t: d.StudentT(t([2.5, 5.0]), t([0.5, -1.0]), t([1.0, 2.0])),
    "FisherSnedecor": lambda d, t: d.FisherSnedecor(t([3.0, 5.0]), t([6.0, 9.0])),
    "HalfNormal": lambda d, t: d.HalfNormal(t([0.5, 2.0])),
    "HalfCauchy": lambda d, t: d.HalfCauchy(t([0.5, 2.0])),
    "LogNormal": lambda d, t: d.LogNormal(t([0.5, -1.0]), t([0.6, 0.3])),
    "Gumbel": lambda d, t: d.Gumbel(t([0.5, -1.0]), t([1.0, 0.3])),
    "Weibull": lambda d, t: d.Weibull(t([0.5, 2.0]), t([1.5, 2.5])),
    "Pareto": lambda d, t: d.Pareto(t([0.5, 2.0]), t([3.5, 4.5])),
    "Kumaraswamy": lambda d, t: d.Kumaraswamy(t([1.5, 2.0]), t([2.5, 1.2])),
    "InverseGamma": lambda d, t: d.InverseGamma(t([3.5, 5.0]), t([1.0, 2.0])),
    "GeneralizedPareto": lambda d, t: d.GeneralizedPareto(t([0.5, 0.0, 1.0]), t([1.0, 2.0, 0.5]),
                                                          t([0.2, 0.0, -0.3])),
    "ContinuousBernoulli": lambda d, t: d.ContinuousBernoulli(t([0.2, 0.5, 0.9])),
    "VonMises": lambda d, t: d.VonMises(t([0.5, -1.0]), t([0.7, 6.0])),
    "RelaxedBernoulli": lambda d, t: d.RelaxedBernoulli(t(0.7), probs=t([0.2, 0.9])),
}

VECTORS: dict[str, Make] = {
    "Dirichlet": lambda d, t: d.Dirichlet(t([[0.5, 1.5, 3.0], [2.0, 2.0, 2.0]])),
    "MultivariateNormal": lambda d, t: d.MultivariateNormal(t([0.5, -1.0, 0.0]), t(COVARIANCE)),
    "MultivariateNormal of precision": lambda d, t: d.MultivariateNormal(
        t([[0.5, -1.0, 0.0], [1.0, 0.0, 0.0]]), precision_matrix=t(COVARIANCE)),
    "MultivariateNormal of factor": lambda d, t: d.MultivariateNormal(
        t([0.5, -1.0, 0.0]), scale_tril=t(FACTOR)),
    "LowRankMultivariateNormal": lambda d, t: d.LowRankMultivariateNormal(
        t([0.5, -1.0, 0.0]), t([[0.5], [1.0], [-0.3]]), t([0.5, 1.0, 0.7])),
    "LogisticNormal": lambda d, t: d.LogisticNormal(t([0.5, -1.0]), t([0.6, 0.3])),
    "RelaxedOneHotCategorical": lambda d, t: d.RelaxedOneHotCategorical(
        t(0.8), probs=t([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])),
    "Wishart": lambda d, t: d.Wishart(t([4.5, 6.0]), scale_tril=t(FACTOR)),
    "LKJCholesky": lambda d, t: d.LKJCholesky(3, t([0.7, 2.0])),
    "Independent": lambda d, t: d.Independent(d.Normal(t([0.5, -1.0]), t([1.0, 0.3])), 1),
    "MixtureSameFamily": lambda d, t: d.MixtureSameFamily(
        d.Categorical(t([0.3, 0.7])), d.Normal(t([-1.0, 2.0]), t([0.5, 1.0]))),
    "MixtureSameFamily of vectors": lambda d, t: d.MixtureSameFamily(
        d.Categorical(t([0.3, 0.7])),
        d.Independent(d.Normal(t([[-1.0, 1.0], [2.0, 0.0]]), t([[0.5, 1.0], [1.0, 2.0]])), 1)),
    "TransformedDistribution": lambda d, t: d.TransformedDistribution(
        d.Normal(t([0.5, -1.0]), t([1.0, 0.3])), [d.AffineTransform(1.0, -2.0),
                                                  d.SigmoidTransform()]),
}

DISCRETE: dict[str, Make] = {
    "Bernoulli": lambda d, t: d.Bernoulli(t([0.2, 0.5, 0.9])),
    "Bernoulli of logits": lambda d, t: d.Bernoulli(logits=t([-1.0, 0.5])),
    "Geometric": lambda d, t: d.Geometric(t([0.2, 0.7])),
    "Poisson": lambda d, t: d.Poisson(t([0.5, 3.0, 20.0])),
    "Binomial": lambda d, t: d.Binomial(12, t([0.2, 0.7])),
    "Binomial of logits": lambda d, t: d.Binomial(t([30.0, 100.0]), logits=t([0.2, -0.4])),
    "NegativeBinomial": lambda d, t: d.NegativeBinomial(t([2.0, 5.5]), t([0.2, 0.7])),
    "Categorical": lambda d, t: d.Categorical(t([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])),
    "Categorical of logits": lambda d, t: d.Categorical(logits=t([0.2, -0.3, 1.5])),
    "OneHotCategorical": lambda d, t: d.OneHotCategorical(t([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])),
    "OneHotCategoricalStraightThrough": lambda d, t: d.OneHotCategoricalStraightThrough(
        t([0.2, 0.3, 0.5])),
    "Multinomial": lambda d, t: d.Multinomial(5, t([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])),
}

ALL = {**CONTINUOUS, **VECTORS, **DISCRETE}
