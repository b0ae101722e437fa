"""How distributions are used: recorded draws, validation, expand, subclasses, errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import rushlight as rl
from rushlight import distributions as d

from .cases import ALL

# What torch 2.13 draws for the seed 0 on a CPU.
RECORDED = {
    "Gamma": (lambda: d.Gamma(rl.tensor([0.3, 1.0, 20.0]), 1.0),
              [5.9069516e-06, 0.1189837, 20.386518]),
    "Dirichlet": (lambda: d.Dirichlet(rl.tensor([0.5, 1.0, 3.0])),
                  [2.5821259e-04, 0.03892161, 0.9608202]),
    "Binomial": (lambda: d.Binomial(rl.tensor([5.0, 100.0]), rl.tensor([0.3, 0.4])), [3.0, 42.0]),
    "StudentT": (lambda: d.StudentT(rl.tensor([3.0, 3.0])), [9.318288, -0.26108658]),
    "VonMises": (lambda: d.VonMises(rl.zeros(2), 1.0), [-0.27820161, -0.58090287]),
}


@pytest.mark.parametrize("name", RECORDED)
def test_draws_are_those_recorded(name: str) -> None:
    make, expected = RECORDED[name]
    rl.manual_seed(0)
    np.testing.assert_allclose(make().sample().numpy(), expected, rtol=2e-6)


def test_draws_continue_the_stream_after_odd_counts_of_normals() -> None:
    def draw() -> list:
        rl.manual_seed(4)
        first = rl.randn(3)  # leaves a spare one
        gamma = d.Gamma(rl.tensor([2.0, 0.5, 7.0]), 1.0).sample()
        return [*first.tolist(), *gamma.tolist(), *rl.randn(2).tolist(), *rl.rand(2).tolist()]

    assert draw() == draw()
    assert len(set(draw())) == 10


def test_import_is_lazy() -> None:
    code = "import rushlight, sys; assert 'rushlight.distributions' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_validation_names_the_parameter_and_can_be_off() -> None:
    with pytest.raises(ValueError, match="Expected parameter scale"):
        d.Normal(rl.zeros(2), rl.tensor([1.0, -1.0]))
    d.Normal(rl.zeros(2), rl.tensor([1.0, -1.0]), validate_args=False)
    with pytest.raises(ValueError, match="to be within the support"):
        d.Poisson(1.0).log_prob(rl.tensor(0.5))
    d.Distribution.set_default_validate_args(False)
    try:
        d.Poisson(1.0).log_prob(rl.tensor(0.5))
    finally:
        d.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="must be a bool"):
        d.Distribution.set_default_validate_args("yes")


@pytest.mark.parametrize("name", ALL)
def test_expand_shares_memory_and_keeps_the_kind(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = ALL[name](d, rl.tensor)
        wide = one.expand((2, *one.batch_shape))
        assert type(wide) is type(one)
        assert wide.batch_shape == (2, *one.batch_shape)
        assert wide.event_shape == one.event_shape
        assert wide.sample((3,)).shape == (3, 2, *one.batch_shape, *one.event_shape)
        again = pickle.loads(pickle.dumps(wide))
        assert copy.deepcopy(again).batch_shape == wide.batch_shape


def test_subclasses_need_expand_where_they_have_init() -> None:
    class Bell(d.Normal):
        pass

    class Standard(d.Normal):
        def __init__(self) -> None:
            super().__init__(0.0, 1.0)

    assert type(Bell(0.0, 1.0).expand((2,))) is Bell
    with pytest.raises(NotImplementedError, match="Subclass Standard of Normal that defines a "
                                                  "custom __init__"):
        Standard().expand((2,))
    assert float(d.kl_divergence(Bell(0.0, 1.0), Standard())) == 0


def test_a_distribution_of_ones_own() -> None:
    class Point(d.Distribution):
        arg_constraints = {}  # noqa: RUF012
        support = d.constraints.real

        def rsample(self, sample_shape: tuple = ()) -> rl.Tensor:
            return rl.zeros(sample_shape)

    assert Point().sample((2,)).tolist() == [0.0, 0.0]
    for missing in (lambda: Point().mean, lambda: Point().entropy(), lambda: Point().expand((2,))):
        with pytest.raises(NotImplementedError):
            missing()


def test_divergences_of_ones_own_and_missing_ones() -> None:
    class A(d.Normal):
        pass

    @d.register_kl(A, d.Poisson)
    def divergence(p: A, q: d.Poisson) -> rl.Tensor:
        return p.loc + 5

    assert float(d.kl_divergence(A(0.0, 1.0), d.Poisson(1.0))) == 5
    with pytest.raises(NotImplementedError, match="is implemented for p type Normal"):
        d.kl_divergence(d.Normal(0.0, 1.0), d.Cauchy(0.0, 1.0))
    with pytest.raises(TypeError, match="Expected type_p to be a Distribution subclass"):
        d.register_kl(d.Normal(0.0, 1.0), d.Normal)  # type: ignore[arg-type]


def test_supports_that_touch_have_finite_divergence() -> None:
    """A uniform distribution over all of [0, 1] covers what lies there."""
    p = d.ContinuousBernoulli(rl.tensor(0.3))
    assert float(d.kl_divergence(p, d.Uniform(0.0, 1.0))) == pytest.approx(-float(p.entropy()))
    assert float(d.kl_divergence(p, d.Uniform(0.1, 1.0))) == float("inf")


def test_mode_of_kumaraswamy_is_the_densest_point() -> None:
    p = d.Kumaraswamy(rl.tensor(2.0), rl.tensor(3.0))
    grid = rl.linspace(0.001, 0.999, 999)
    assert float(grid[p.log_prob(grid).argmax()]) == pytest.approx(float(p.mode), abs=1e-3)


def test_wishart_draws_have_the_mean() -> None:
    rl.manual_seed(0)
    p = d.Wishart(rl.tensor(5.0), rl.tensor([[2.0, 0.5], [0.5, 1.0]]))
    x = p.sample((4000,))
    error = (x.mean(0) - p.mean) / (p.variance / 4000).sqrt()
    assert float(error.abs().max()) < 5


def test_gamma_takes_what_it_can_draw() -> None:
    with pytest.raises(ValueError, match="Expected parameter concentration"):
        d.Gamma(rl.tensor([-1.0]), rl.tensor([1.0]))
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        d.Gamma(rl.tensor([1]), rl.tensor([1])).sample()
    with pytest.raises(RuntimeError, match="Found dtype Double but expected Float"):
        rl.binomial(rl.ones(2), rl.ones(2, dtype=rl.float64))
    assert d.Gamma(rl.ones(0), 1.0).sample().shape == (0,)
