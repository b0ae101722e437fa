"""Transforms: inverses, Jacobians, shapes, caches, and the registries that find them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import rushlight as rl
from rushlight import distributions as d
from rushlight.distributions import constraints

ELEMENTWISE = [d.ExpTransform(), d.SigmoidTransform(), d.SoftplusTransform(), d.TanhTransform(),
               d.AffineTransform(1.0, -2.0), d.ExpTransform().inv,
               d.PowerTransform(rl.tensor(2.5, dtype=rl.float64)),
               d.CumulativeDistributionTransform(d.Normal(0.0, 1.0)),
               d.ComposeTransform([d.AffineTransform(0.5, 2.0), d.TanhTransform()])]


@pytest.mark.parametrize("transform", ELEMENTWISE, ids=repr)
def test_inverse_and_slope(transform: d.Transform) -> None:
    x = rl.tensor([0.2, 0.9, 1.3], dtype=rl.float64, requires_grad=True)
    y = transform(x)
    np.testing.assert_allclose(transform.inv(y).detach().numpy(), x.detach().numpy(), rtol=1e-9)
    slope, = rl.autograd.grad(y.sum(), x)
    expected = transform.log_abs_det_jacobian(x, y).detach().numpy()
    np.testing.assert_allclose(slope.abs().log().numpy(), expected, rtol=1e-9)
    assert (slope.sign() == transform.sign).all()
    assert transform.inv.inv is transform


VECTORS = [(d.StickBreakingTransform(), lambda y: y[:-1]),
           (d.CorrCholeskyTransform(), lambda y: y[[1, 2, 2], [0, 0, 1]])]


@pytest.mark.parametrize(("transform", "free"), VECTORS)
def test_vector_jacobians(transform: d.Transform, free: object) -> None:
    x = rl.tensor([0.3, -0.8, 1.1], dtype=rl.float64)
    y = transform(x)
    assert transform.codomain.check(y)
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-9)
    jacobian = rl.autograd.functional.jacobian(lambda z: free(transform(z)), x)
    assert float(transform.log_abs_det_jacobian(x, y)) == pytest.approx(
        float(rl.linalg.slogdet(jacobian).logabsdet))
    assert tuple(transform.forward_shape((5, 3))) == (5, *y.shape)
    assert tuple(transform.inverse_shape((5, *y.shape))) == (5, 3)


CONSTRAINTS = [constraints.real, constraints.positive, constraints.nonnegative,
               constraints.greater_than(2.0), constraints.less_than(-1.0),
               constraints.unit_interval, constraints.interval(-2.0, 3.0),
               constraints.half_open_interval(0.0, 4.0), constraints.simplex,
               constraints.independent(constraints.positive, 1),
               constraints.cat([constraints.positive, constraints.real], 0, [2, 1]),
               constraints.stack([constraints.positive, constraints.real,
                                  constraints.unit_interval])]


@pytest.mark.parametrize("constraint", CONSTRAINTS, ids=repr)
def test_registries_lead_onto_constraints(constraint: constraints.Constraint) -> None:
    x = rl.tensor([0.3, -0.8, 1.1])
    for registry in (d.biject_to, d.transform_to):
        y = registry(constraint)(x)
        assert constraint.check(y).all()
    assert d.biject_to(constraint).bijective
    np.testing.assert_allclose(d.biject_to(constraint).inv(d.biject_to(constraint)(x)).numpy(),
                               x.numpy(), rtol=1e-4)


def test_matrices() -> None:
    x = rl.randn(3, 3)
    assert constraints.positive_definite.check(d.transform_to(constraints.positive_definite)(x))
    lower = d.transform_to(constraints.lower_cholesky)
    assert constraints.lower_cholesky.check(lower(x))
    np.testing.assert_allclose(lower.inv(lower(x)).numpy(), x.tril().numpy(), rtol=1e-4, atol=1e-6)


def test_checks_tell_inside_from_outside() -> None:
    t = rl.tensor
    for constraint, good, bad in (
            (constraints.boolean, [0.0, 1.0], [0.5, 2.0]),
            (constraints.nonnegative_integer, [0.0, 3.0], [-1.0, 0.5]),
            (constraints.integer_interval(0, 3), [0.0, 3.0], [4.0, 0.5]),
            (constraints.interval(0.0, 1.0), [0.0, 1.0], [-0.1, 1.1]),
            (constraints.half_open_interval(0.0, 1.0), [0.0, 0.5], [-0.1, 1.0]),
            (constraints.real, [0.0, 1.0], [math.nan, math.nan])):
        assert constraint.check(t(good)).all()
        assert not constraint.check(t(bad)).any()
    assert constraints.simplex.check(t([0.25, 0.75]))
    assert not constraints.simplex.check(t([0.5, 0.75]))
    assert constraints.one_hot.check(t([0.0, 1.0]))
    assert not constraints.one_hot.check(t([1.0, 1.0]))
    assert not constraints.positive_definite.check(t([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ValueError, match="dependent constraint"):
        constraints.dependent.check(t(0.0))


def test_cache_returns_the_very_argument() -> None:
    transform = d.TanhTransform(cache_size=1)
    x = rl.tensor([20.0])  # whose tanh rounds to 1
    assert transform.inv(transform(x)) is x
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        d.ExpTransform(cache_size=2)


def test_reshape_and_its_errors() -> None:
    transform = d.ReshapeTransform((4,), (2, 2))
    assert transform.inv(transform(rl.ones(3, 4))).shape == (3, 4)
    with pytest.raises(ValueError, match="different numbers of elements"):
        d.ReshapeTransform((4,), (3,))
    with pytest.raises(ValueError, match="Shape mismatch"):
        transform.forward_shape((3, 5))


def test_equality_is_by_kind_and_parameters() -> None:
    assert d.ExpTransform() == d.ExpTransform()
    assert d.AffineTransform(0.0, 1.0) != d.AffineTransform(0.0, 2.0)
    assert d.ComposeTransform([d.ExpTransform()]) == d.ComposeTransform([d.ExpTransform()])
