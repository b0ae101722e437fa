"""LowRankMultivariateNormal: normal vectors whose covariance is a thin matrix and a diagonal."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Shape, _standard_normal, lazy_property
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.multivariate_normal import (
    _as_matrix,
    _batch_mahalanobis,
    _batch_mv,
    _log_diagonal,
)
from rushlight.linalg import cholesky, solve_triangular
from rushlight.ops import broadcast_shapes, eye
from rushlight.tensor import Tensor

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """A normal vector of covariance W W^T + diag(D), by way of the small I + W^T D^-1 W.

    loc: (..., n). cov_factor: W, (..., n, rank). cov_diag: D, (..., n), positive. Raises
    ValueError for shapes that do not fit.

    >>> import rushlight as rl
    >>> d = rl.distributions.LowRankMultivariateNormal(rl.zeros(2), rl.ones(2, 1), rl.ones(2))
    >>> d.covariance_matrix
    tensor([[2., 1.],
            [1., 2.]])
    """

    arg_constraints = {"loc": constraints.real_vector,
                       "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}
    support = constraints.real_vector
    has_rsample = True
    _parameters = {"loc": 1, "cov_factor": 2, "cov_diag": 1}

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor,
                 validate_args: bool | None = None) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        _as_matrix("cov_factor", cov_factor)
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError("cov_factor must be a batch of matrices with shape "
                             f"{event_shape[0]} x m, got {tuple(cov_factor.shape)}")
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError("cov_diag must be a batch of vectors with shape "
                             f"{event_shape}, got {tuple(cov_diag.shape)}")
        try:
            batch = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(f"Incompatible batch shapes: loc {loc.shape}, cov_factor "
                             f"{cov_factor.shape}, cov_diag {cov_diag.shape}") from error
        self.loc = loc.expand(batch + event_shape)
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(batch + event_shape)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        super().__init__(batch, event_shape, validate_args=validate_args)
        self._capacitance_tril = self._capacitance()

    def _capacitance(self) -> Tensor:
        """The factor of I + W^T D^-1 W: (..., rank, rank)."""
        w = self._unbroadcasted_cov_factor
        identity = eye(w.shape[-1], dtype=w.dtype, device=w.device)
        return cholesky(self._scaled() @ w + identity)

    def _scaled(self) -> Tensor:
        """W^T D^-1: (..., rank, n)."""
        return self._unbroadcasted_cov_factor.mT / self._unbroadcasted_cov_diag.unsqueeze(-2)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(LowRankMultivariateNormal, _instance)
        for name in ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril"):
            setattr(new, name, getattr(self, name))
        return super().expand(batch_shape, _instance=new)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.cov_factor.pow(2).sum(-1) + self.cov_diag

    def _whole(self, matrix: Tensor) -> Tensor:
        return matrix.expand(self._batch_shape + matrix.shape[-2:])

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The lower factor of the covariance: (..., n, n)."""
        # D^(1/2) times the factor of I + D^(-1/2) W W^T D^(-1/2), whose eigenvalues are >= 1.
        root = self._unbroadcasted_cov_diag.sqrt().unsqueeze(-1)
        thin = self._unbroadcasted_cov_factor / root
        identity = eye(thin.shape[-2], dtype=thin.dtype, device=thin.device)
        return self._whole(root * cholesky(thin @ thin.mT + identity))

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """W W^T + diag(D): (..., n, n)."""
        w = self._unbroadcasted_cov_factor
        return self._whole(w @ w.mT + self._unbroadcasted_cov_diag.diag_embed())

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance, by Woodbury's identity: (..., n, n)."""
        thin = solve_triangular(self._capacitance_tril, self._scaled(), upper=False)
        return self._whole(self._unbroadcasted_cov_diag.reciprocal().diag_embed() - thin.mT @ thin)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape, like = self._extended_shape(sample_shape), self.loc
        thin = _standard_normal((*shape[:-1], self.cov_factor.shape[-1]), like.dtype, like.device)
        whole = _standard_normal(shape, like.dtype, like.device)
        return (self.loc + _batch_mv(self._unbroadcasted_cov_factor, thin)
                + self._unbroadcasted_cov_diag.sqrt() * whole)

    def _mahalanobis(self, x: Tensor) -> Tensor:
        """x^T C^-1 x."""
        along = _batch_mv(self._scaled(), x)
        square = (x.pow(2) / self._unbroadcasted_cov_diag).sum(-1)
        return square - _batch_mahalanobis(self._capacitance_tril, along)

    def _log_determinant(self) -> Tensor:
        """log det C."""
        return (2 * _log_diagonal(self._capacitance_tril)
                + self._unbroadcasted_cov_diag.log().sum(-1))

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        normalizer = self._event_shape[0] * math.log(2 * math.pi) + self._log_determinant()
        return -0.5 * (normalizer + self._mahalanobis(value - self.loc))

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (0.5 * (constant + self._log_determinant())).expand(self._batch_shape)
