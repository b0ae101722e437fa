"""Distributions against torch itself: densities, moments, draws of a seed, divergences, errors."""

from __future__ import annotations

import math
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rushlight as rl
import rushlight.distributions as ours

sys.path.append(str(Path(__file__).parents[1]))
from distributions.cases import ALL, CONTINUOUS, DISCRETE

torch = pytest.importorskip("torch")
theirs = torch.distributions

# What torch gets wrong: its Wishart draws anew what is sound, and its mode of Kumaraswamy is NaN.
NOT_ITS_DRAWS = {"Wishart"}
APPROXIMATE = {"VonMises": 1e-6, "Multinomial": 1e-6}  # polynomials, and float32 in between
FLOAT32_ONLY = {"GeneralizedPareto"}  # torch mixes dtypes there
NOT_ITS_MODE = {"Kumaraswamy"}


def both(name: str, dtype: str = "float64", grad: bool = False) -> tuple[Any, Any, list, list]:
    """The distribution here and there, and the parameters of each."""
    made: tuple[list, list] = ([], [])

    def maker(module: Any, kept: list) -> Any:
        def make(value: Any) -> Any:
            kept.append(module.tensor(value, dtype=getattr(module, dtype), requires_grad=grad))
            return kept[-1]
        return make

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a = ALL[name](ours, maker(rl, made[0]))
        b = ALL[name](theirs, maker(torch, made[1]))
    return a, b, *made


def array(x: Any) -> np.ndarray:
    return x.detach().numpy()


def close_gradients(p: Any, q: Any, name: str, tolerance: float) -> None:
    """Where torch has the right one: not at a generalized Pareto concentration of 0."""
    use = ... if name != "GeneralizedPareto" else array(p).nonzero()[0].tolist()
    close(p.grad[use], q.grad[use], tolerance, "gradient")


def close(a: Any, b: Any, tolerance: float = 1e-9, what: str = "") -> None:
    a, b = array(a), array(b)
    assert a.shape == b.shape, (what, a.shape, b.shape)
    assert a.dtype == b.dtype, (what, a.dtype, b.dtype)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=what)


def sample(d: Any, shape: tuple[int, ...]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(3)
        rl.manual_seed(3)
        return d.sample(shape)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ALL)
def test_draws_of_a_seed(name: str, dtype: str) -> None:
    if name in NOT_ITS_DRAWS:
        pytest.skip("torch draws these twice")
    a, b, *_ = both(name, dtype)
    for shape in ((), (3,), (40, 2)):
        found, after = sample(a, shape), rl.rand(2)
        close(found, sample(b, shape), 1e-11 if dtype == "float64" else 3e-5, name)
        close(after, torch.rand(2), 0, "the state after it")


@pytest.mark.parametrize("name", ALL)
def test_shapes_constraints_and_repr(name: str) -> None:
    a, b, *_ = both(name)
    assert tuple(a.batch_shape) == tuple(b.batch_shape)
    assert tuple(a.event_shape) == tuple(b.event_shape)
    assert a.has_rsample == b.has_rsample
    assert a.has_enumerate_support == b.has_enumerate_support
    assert repr(a) == repr(b)
    assert {k: repr(c) for k, c in a.arg_constraints.items()} == {
        k: repr(c) for k, c in b.arg_constraints.items()}
    assert repr(a.support) == repr(b.support)
    assert a.support.event_dim == b.support.event_dim
    assert a.support.is_discrete == b.support.is_discrete
    wide, there = a.expand((4, *a.batch_shape)), b.expand((4, *b.batch_shape))
    assert tuple(wide.batch_shape) == tuple(there.batch_shape)
    assert type(wide) is type(a)
    value = sample(b, (4,))
    if name not in FLOAT32_ONLY:
        close(wide.log_prob(rl.tensor(array(value))), there.log_prob(value), 1e-6, name)


@pytest.mark.parametrize("name", ALL)
def test_moments_and_entropy(name: str) -> None:
    a, b, *_ = both(name)
    tolerance = APPROXIMATE.get(name, 1e-9)
    for what in ("mean", "mode", "variance", "stddev"):
        if what == "mode" and name in NOT_ITS_MODE:
            continue
        try:
            expected = getattr(b, what)
        except NotImplementedError:
            with pytest.raises(NotImplementedError):
                getattr(a, what)
            continue
        close(getattr(a, what), expected, tolerance, what)
    try:
        expected = b.entropy()
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            a.entropy()
    else:
        close(a.entropy(), expected, tolerance, "entropy")
        close(a.perplexity(), b.perplexity(), tolerance)


@pytest.mark.parametrize("name", ALL)
def test_log_prob_and_its_gradients(name: str) -> None:
    single = name in FLOAT32_ONLY
    a, b, mine, its = both(name, "float32" if single else "float64", grad=True)
    value = sample(b, (5,)).detach()
    x = rl.tensor(array(value))
    left, right = a.log_prob(x), b.log_prob(value)
    tolerance = 1e-5 if single else APPROXIMATE.get(name, 1e-8)
    close(left, right, tolerance)
    if not right.requires_grad:
        return
    left.sum().backward()
    right.sum().backward()
    for p, q in zip(mine, its, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            close_gradients(p, q, name, 10 * tolerance)


@pytest.mark.parametrize("name", {**CONTINUOUS, **DISCRETE})
def test_cdf_and_icdf(name: str) -> None:
    single = name in FLOAT32_ONLY
    a, b, *_ = both(name, "float32" if single else "float64")
    value = sample(b, (6,))
    for what, x in (("cdf", value), ("icdf", torch.rand(
            value.shape, dtype=torch.float32 if single else torch.float64))):
        try:
            expected = getattr(b, what)(x)
        except NotImplementedError:
            with pytest.raises(NotImplementedError):
                getattr(a, what)(rl.tensor(array(x)))
            continue
        close(getattr(a, what)(rl.tensor(array(x))), expected, 1e-5 if single else 1e-8, what)


IMPLICIT = 2e-2  # torch's approximations of these are off by that


@pytest.mark.parametrize("name", [n for n in ALL if n not in NOT_ITS_DRAWS])
def test_gradients_of_draws(name: str) -> None:
    a, b, mine, its = both(name, grad=True)
    if not a.has_rsample:
        return
    torch.manual_seed(1)
    rl.manual_seed(1)
    left, right = a.rsample((20,)), b.rsample((20,))
    close(left, right, 1e-10)
    weights = torch.linspace(-1, 1, right.numel(), dtype=torch.float64).reshape(right.shape)
    (left * rl.tensor(weights.numpy())).sum().backward()
    (right * weights).sum().backward()
    implicit = name in ("Gamma", "Chi2", "Beta", "Dirichlet", "StudentT", "FisherSnedecor",
                        "InverseGamma")
    for p, q in zip(mine, its, strict=True):
        close_gradients(p, q, name, IMPLICIT if implicit else 1e-8)


@pytest.mark.parametrize("name", DISCRETE)
def test_enumeration(name: str) -> None:
    a, b, *_ = both(name)
    for expand in (True, False):
        try:
            expected = b.enumerate_support(expand)
        except NotImplementedError:
            with pytest.raises(NotImplementedError):
                a.enumerate_support(expand)
        else:
            close(a.enumerate_support(expand), expected, 0)


def pairs() -> list[tuple[str, str]]:
    def kind(name: str) -> type:
        return type(both(name)[1])

    from torch.distributions.kl import _dispatch_kl
    kinds = {name: kind(name) for name in ALL}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [(p, q) for p in ALL for q in ALL
                if _dispatch_kl(kinds[p], kinds[q]) is not NotImplemented]


# q covers p, which torch misses where the bounds touch.
TOUCHING = {("ContinuousBernoulli", "Uniform"), ("Uniform", "ContinuousBernoulli")}


@pytest.mark.parametrize(("p", "q"), pairs())
def test_divergences(p: str, q: str) -> None:
    if (p, q) in TOUCHING:
        pytest.skip("torch says inf")
    a, b = both(p), both(q)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = theirs.kl_divergence(a[1], b[1])
        except (NotImplementedError, RuntimeError, ValueError) as error:
            with pytest.raises(type(error)):
                ours.kl_divergence(a[0], b[0])
            return
        close(ours.kl_divergence(a[0], b[0]), expected, 1e-8)


ERRORS = {
    "scale": lambda d, t: d.Normal(t([0.0]), t([-1.0])),
    "nan": lambda d, t: d.Normal(t([math.nan]), t([1.0])),
    "simplex": lambda d, t: d.Categorical(t([-1.0, 2.0])),
    "both": lambda d, t: d.Bernoulli(t(0.5), t(0.5)),
    "bounds": lambda d, t: d.Uniform(t(1.0), t(0.0)),
    "scalar": lambda d, t: d.Dirichlet(t(1.0)),
    "scalar classes": lambda d, t: d.Categorical(t(1.0)),
    "covariance": lambda d, t: d.MultivariateNormal(t([0.0, 0.0]), t([[1.0, 2.0], [2.0, 1.0]])),
    "matrices": lambda d, t: d.MultivariateNormal(t([0.0, 0.0])),
    "event shape": lambda d, t: d.Dirichlet(t([1.0, 2.0])).log_prob(t([1.0, 0.0, 0.0])),
    "broadcast": lambda d, t: d.Normal(t([1.0, 2.0]), t(1.0)).log_prob(t([1.0, 0.0, 0.0])),
    "support": lambda d, t: d.Exponential(t([1.0])).log_prob(t([-1.0])),
    "not a tensor": lambda d, t: d.Normal(t(0.0), t(1.0)).log_prob(1.0),
    "a string": lambda d, t: d.Normal("a", 1.0),
    "no kl": lambda d, t: d.kl_divergence(d.Normal(t(0.0), t(1.0)), d.Poisson(t(1.0))),
    "dims": lambda d, t: d.Independent(d.Normal(t(0.0), t(1.0)), 1),
    "lkj": lambda d, t: d.LKJCholesky(1),
    "registry": lambda d, t: d.biject_to(d.constraints.boolean),
    "mixture": lambda d, t: d.MixtureSameFamily(d.Categorical(t([1.0, 1.0])),
                                                d.Normal(t([0.0, 0.0, 1.0]), t(1.0))),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_begin_as_torchs(case: str) -> None:
    with pytest.raises(Exception) as expected:
        ERRORS[case](theirs, torch.tensor)
    with pytest.raises(type(expected.value)) as found:
        ERRORS[case](ours, rl.tensor)
    first = str(expected.value).split("\n")[0]
    assert str(found.value).startswith(first[:60].rstrip())
