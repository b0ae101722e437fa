"""MultivariateNormal: normal vectors with correlated elements."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Shape, _standard_normal, lazy_property
from rushlight.distributions.distribution import Distribution
from rushlight.linalg import cholesky, solve_triangular
from rushlight.ops import broadcast_shapes, cholesky_solve, eye, flip, matmul
from rushlight.tensor import Tensor

__all__ = ["MultivariateNormal"]


def _batch_mv(matrix: Tensor, vector: Tensor) -> Tensor:
    """Matrices (..., n, m) times vectors (..., m)."""
    return matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """x^T (L L^T)^-1 x for lower factors (..., n, n) and vectors (..., n)."""
    batch = broadcast_shapes(factor.shape[:-2], x.shape[:-1])
    columns = x.expand(batch + x.shape[-1:]).unsqueeze(-1)
    wide = factor.expand(batch + factor.shape[-2:])
    return solve_triangular(wide, columns, upper=False).squeeze(-1).square().sum(-1)


def _precision_to_scale_tril(precision: Tensor) -> Tensor:
    """L with L L^T = P^-1, from the factor of P turned around."""
    reverse = flip(cholesky(flip(precision, (-2, -1))), (-2, -1)).transpose(-2, -1)
    identity = eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return solve_triangular(reverse, identity.expand(precision.shape), upper=False)


def _log_diagonal(factor: Tensor) -> Tensor:
    """Half the log determinant of L L^T."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class _WithCovariance(Distribution):
    """What follows from a covariance given in one of three ways."""

    _unbroadcasted_scale_tril: Tensor

    def _take_covariance(self, batch_shape: Shape, **given: Tensor) -> None:
        """Keep the one matrix that is not None, expanded."""
        name, matrix = next((k, m) for k, m in given.items() if m is not None)
        self.__dict__[name] = matrix.expand((*batch_shape, *matrix.shape[-2:]))

    def _factor(self, covariance_matrix: Tensor | None, precision_matrix: Tensor | None,
                scale_tril: Tensor | None) -> None:
        """Factor that matrix, without its batch expanded."""
        if scale_tril is not None:
            self._unbroadcasted_scale_tril = scale_tril
        elif covariance_matrix is not None:
            self._unbroadcasted_scale_tril = cholesky(covariance_matrix)
        elif precision_matrix is not None:
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(precision_matrix)

    def _whole(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower factor L of the covariance L L^T: (..., n, n)."""
        return self._whole(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance: (..., n, n)."""
        factor = self._unbroadcasted_scale_tril
        return self._whole(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance: (..., n, n)."""
        factor = self._unbroadcasted_scale_tril
        identity = eye(factor.shape[-1], dtype=factor.dtype, device=factor.device)
        return self._whole(cholesky_solve(identity, factor))


def _exactly_one(*given: Any) -> None:
    if sum(matrix is not None for matrix in given) != 1:
        raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril may "
                         "be specified.")


def _as_matrix(name: str, matrix: Tensor) -> None:
    if matrix.dim() < 2:
        raise ValueError(f"{name} must be at least two-dimensional, with optional leading batch "
                         f"dimensions, got shape {tuple(matrix.shape)}")


class MultivariateNormal(_WithCovariance):
    """Density exp(-(x - loc)^T C^-1 (x - loc) / 2) / sqrt(det(2 pi C)).

    loc: (..., n). One of covariance_matrix C, precision_matrix C^-1 or scale_tril, lower with
    C = L L^T, of shape (..., n, n); scale_tril is fastest. Raises ValueError for none or several.

    >>> import rushlight as rl
    >>> d = rl.distributions.MultivariateNormal(rl.zeros(2), rl.eye(2))
    >>> d.log_prob(rl.zeros(2))
    tensor(-1.8379)
    """

    arg_constraints = {"loc": constraints.real_vector,
                       "covariance_matrix": constraints.positive_definite,
                       "precision_matrix": constraints.positive_definite,
                       "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector
    has_rsample = True
    _parameters = {"loc": 1, "covariance_matrix": 2, "scale_tril": 2, "precision_matrix": 2,
                   "_unbroadcasted_scale_tril": 2}

    def __init__(self, loc: Tensor, covariance_matrix: Tensor | None = None,
                 precision_matrix: Tensor | None = None, scale_tril: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given: Any = {"covariance_matrix": covariance_matrix,
                      "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        _exactly_one(*given.values())
        name, matrix = next((k, m) for k, m in given.items() if m is not None)
        _as_matrix(name, matrix)
        batch_shape = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(batch_shape + loc.shape[-1:])
        self._take_covariance(batch_shape, **given)
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._factor(**given)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        square = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return square.expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        drawn = _standard_normal(shape, self.loc.dtype, self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, drawn)

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        factor = self._unbroadcasted_scale_tril
        square = _batch_mahalanobis(factor, value - self.loc)
        normalizer = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (normalizer + square) - _log_diagonal(factor)

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (constant + _log_diagonal(self._unbroadcasted_scale_tril)).expand(self._batch_shape)
