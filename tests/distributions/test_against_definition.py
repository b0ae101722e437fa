"""What holds for every distribution by its definition: normalisation, moments, draws, gradients."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from rushlight import distributions as d

from .cases import ALL, CONTINUOUS, DISCRETE

INFINITE_MEAN = {"Cauchy", "HalfCauchy"}
CIRCULAR = {"VonMises"}


def make(name: str, grad: bool = False) -> tuple[Any, list]:
    """The distribution in float64, and its parameters."""
    kept: list = []

    def tensor(value: Any) -> Any:
        kept.append(rl.tensor(value, dtype=rl.float64, requires_grad=grad))
        return kept[-1]

    return ALL[name](d, tensor), kept


def inside(distribution: Any) -> Any:
    """A grid that ends where the support does, (points, batch), and the steps."""
    support = distribution.support
    shape = tuple(distribution.batch_shape)
    low = np.broadcast_to(np.asarray(getattr(support, "lower_bound", -np.inf)), shape)
    high = np.broadcast_to(np.asarray(getattr(support, "upper_bound", np.inf)), shape)
    u = np.linspace(-6, 6, 20001).reshape(-1, *(1 for _ in shape))
    # tanh-sinh: integrable singularities at the ends do not hurt.
    if type(distribution).__name__ == "VonMises":
        low, high = np.full(shape, -math.pi), np.full(shape, math.pi)
    s, slope = np.pi / 2 * np.sinh(u), np.pi / 2 * np.cosh(u)
    both, above = np.isfinite(high), np.isfinite(low)
    half = 1 / (1 + np.exp(-2 * s))
    with np.errstate(all="ignore"):
        x = np.where(both, low + (high - low) * half, np.where(above, low + np.exp(s), np.sinh(s)))
        dx = np.where(both, (high - low) * 2 * half * (1 - half) * slope,
                      np.where(above, np.exp(s) * slope, np.cosh(s) * slope))
        return x, dx * (u[1] - u[0])


@pytest.mark.parametrize("name", CONTINUOUS)
def test_densities_integrate_to_one_and_moments_follow(name: str) -> None:
    distribution, _ = make(name)
    x, weight = inside(distribution)
    distribution._validate_args = False
    if hasattr(distribution, "base_dist"):
        distribution.base_dist._validate_args = False
    with np.errstate(all="ignore"):
        log_density = distribution.log_prob(rl.tensor(x)).numpy()
        mass = np.nan_to_num(np.exp(log_density) * weight, posinf=0.0)
    np.testing.assert_allclose(mass.sum(0), 1, rtol=1e-5)
    if name in CIRCULAR | INFINITE_MEAN:
        return
    try:
        mean, variance = distribution.mean.numpy(), distribution.variance.numpy()
    except NotImplementedError:
        return
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(np.nansum(x * mass, 0), mean, rtol=1e-4, atol=1e-6)
        spread = np.nan_to_num((x - mean) ** 2 * mass)
    np.testing.assert_allclose(spread.sum(0), variance, rtol=2e-3)
    try:
        entropy = distribution.entropy().numpy()
    except NotImplementedError:
        return
    with np.errstate(all="ignore"):
        terms = np.nan_to_num(-mass * log_density, posinf=0.0, neginf=0.0)
    np.testing.assert_allclose(terms.sum(0), np.broadcast_to(entropy, mean.shape), rtol=1e-3,
                               atol=1e-5)


@pytest.mark.parametrize("name", DISCRETE)
def test_probabilities_sum_to_one(name: str) -> None:
    distribution, _ = make(name)
    try:
        values = distribution.enumerate_support()
    except NotImplementedError:
        if name == "Multinomial":
            values = rl.tensor([[i, j, 5 - i - j] for i in range(6) for j in range(6 - i)],
                               dtype=rl.float64).unsqueeze(1)
        elif name.startswith("Binomial"):
            values = rl.arange(31, dtype=rl.float64).unsqueeze(-1)
            distribution = d.Binomial(30, distribution.probs)
        else:
            values = rl.arange(400, dtype=rl.float64).unsqueeze(-1)
    probability = distribution.log_prob(values).exp()
    np.testing.assert_allclose(probability.sum(0).numpy(), 1, rtol=1e-6)


@pytest.mark.parametrize("name", [n for n in ALL if n not in INFINITE_MEAN | CIRCULAR])
def test_draws_have_the_moments(name: str) -> None:
    distribution, _ = make(name)
    rl.manual_seed(5)
    try:
        mean, variance = distribution.mean.numpy(), distribution.variance.numpy()
    except NotImplementedError:
        pytest.skip("without closed moments")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = distribution.sample((4000,))
    assert x.shape == (4000, *distribution.batch_shape, *distribution.event_shape)
    assert distribution.support.check(x).all()
    if np.isnan(mean).any():
        return
    error = np.abs(x.numpy().mean(0) - mean) / np.sqrt(variance / 4000)
    assert error.max() < 5


@pytest.mark.parametrize("name", ALL)
def test_gradients_of_log_prob_are_differences(name: str) -> None:
    distribution, parameters = make(name, grad=True)
    rl.manual_seed(2)
    value = distribution.sample()
    total = distribution.log_prob(value).sum()
    if not total.requires_grad:
        return
    total.backward()
    for which, parameter in enumerate(parameters):
        if parameter.grad is None or parameter.dim() > 1 or name.startswith("Mixture"):
            continue
        if name == "Binomial of logits" and not which:  # whole numbers
            continue
        step = 1e-6

        def moved(by: float, which: int = which) -> float:
            count = [0]

            def tensor(v: Any) -> Any:
                t = rl.tensor(v, dtype=rl.float64)
                count[0] += 1
                return t + by if count[0] == which + 1 else t

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                other = ALL[name](d, tensor)
            return float(other.log_prob(value).sum())

        difference = (moved(step) - moved(-step)) / (2 * step)
        assert float(parameter.grad.sum()) == pytest.approx(difference, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("name", [n for n in CONTINUOUS if n not in ("VonMises",)])
def test_quantiles_invert_the_distribution_function(name: str) -> None:
    distribution, _ = make(name)
    level = rl.tensor([0.1, 0.5, 0.83], dtype=rl.float64)
    level = level.reshape((3,) + (1,) * len(distribution.batch_shape)).expand(
        (3, *distribution.batch_shape))
    try:
        x = distribution.icdf(level)
        back = distribution.cdf(x)
    except NotImplementedError:
        return
    np.testing.assert_allclose(back.numpy(), level.numpy(), rtol=1e-9)
    step = 1e-6
    slope = (distribution.cdf(x + step) - distribution.cdf(x - step)) / (2 * step)
    np.testing.assert_allclose(slope.numpy(), distribution.log_prob(x).exp().numpy(), rtol=1e-4)


def test_gamma_and_dirichlet_draws_move_at_their_level() -> None:
    """F(x; a) stays where it is: dF/da + p(x) dx/da = 0, for small and large a, in both tails."""
    for concentration in (0.05, 0.7, 3.0, 200.0):
        a = rl.full((50,), concentration, dtype=rl.float64, requires_grad=True)
        rl.manual_seed(1)
        x = d.Gamma(a, 1.0).rsample()
        x.sum().backward()
        fixed, h = x.detach(), 1e-5 * concentration
        with rl.no_grad():
            slope = (rl.igamma(a + h, fixed) - rl.igamma(a - h, fixed)) / (2 * h)
            expected = -slope / d.Gamma(a, 1.0).log_prob(fixed).exp()
        np.testing.assert_allclose(a.grad.numpy(), expected.numpy(), rtol=1e-4)


PAIRS = [("Normal", "Laplace"), ("Gamma", "Gumbel"), ("Beta", "Normal"), ("Uniform", "Gumbel"),
         ("Exponential", "Gamma"), ("Gumbel", "Normal"), ("Pareto", "Gamma"),
         ("ContinuousBernoulli", "Exponential")]


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergences_are_the_mean_of_the_log_ratio(p: str, q: str) -> None:
    a, b = make(p)[0], make(q)[0]
    size = min(a.batch_shape[0], b.batch_shape[0])
    rl.manual_seed(0)
    x = a.sample((20000,))[:, :size]
    wide = rl.cat([x] + [x[:, :1]] * (a.batch_shape[0] - size), 1)
    ratio = a.log_prob(wide)[:, :size]
    wide = rl.cat([x] + [x[:, :1]] * (b.batch_shape[0] - size), 1)
    ratio = (ratio - b.log_prob(wide)[:, :size]).numpy()
    exact = kl_of(a, b, size)
    assert (np.abs(ratio.mean(0) - exact) < 6 * ratio.std(0) / math.sqrt(20000) + 1e-9).all()


def kl_of(a: Any, b: Any, size: int) -> np.ndarray:
    """KL of the first `size` of both batches."""
    def cut(x: Any) -> Any:
        new = x.expand(x.batch_shape)
        for name, value in vars(x).items():
            if isinstance(value, rl.Tensor) and value.dim():
                setattr(new, name, value[:size])
        if hasattr(x, "_dirichlet"):
            new._dirichlet = d.Dirichlet(x._dirichlet.concentration[:size])
        return new
    return d.kl_divergence(cut(a), cut(b)).numpy()
