"""Wishart: the scatter matrix of normal vectors."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any

from rushlight.base.dtypes import finfo
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter, Shape
from rushlight.distributions.chi2 import Chi2
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.distributions.multivariate_normal import (
    _as_matrix,
    _exactly_one,
    _log_diagonal,
    _WithCovariance,
)
from rushlight.linalg import slogdet
from rushlight.ops import (
    arange,
    broadcast_shapes,
    cholesky_solve,
    mvlgamma,
    randn,
    tensor,
    tril_indices,
    where,
)
from rushlight.tensor import Tensor

__all__ = ["Wishart"]


class Wishart(_WithCovariance, ExponentialFamily):
    """Sums of x x^T over `df` normal vectors of mean 0 and covariance V (Wishart, 1928).

    df: degrees of freedom, above n - 1. One of covariance_matrix V, precision_matrix V^-1 or
    scale_tril, lower with V = L L^T, of shape (..., n, n).

    >>> import rushlight as rl
    >>> rl.distributions.Wishart(rl.tensor(3.0), rl.eye(2)).mean
    tensor([[3., 0.],
            [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0.0
    _parameters = {"df": 0, "covariance_matrix": 2, "scale_tril": 2, "precision_matrix": 2,
                   "_unbroadcasted_scale_tril": 2}

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """The constraint of each parameter; that of df depends on n."""
        return {"covariance_matrix": constraints.positive_definite,
                "precision_matrix": constraints.positive_definite,
                "scale_tril": constraints.lower_cholesky,
                "df": constraints.greater_than(self._event_shape[-1] - 1)}

    def __init__(self, df: Parameter, covariance_matrix: Tensor | None = None,
                 precision_matrix: Tensor | None = None, scale_tril: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        given: Any = {"covariance_matrix": covariance_matrix,
                      "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        try:
            _exactly_one(*given.values())
        except ValueError as error:
            raise AssertionError(*error.args) from None
        matrix = next(m for m in given.values() if m is not None)
        _as_matrix("scale_tril", matrix)
        n = matrix.shape[-1]
        if isinstance(df, Number):
            df = tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = broadcast_shapes(matrix.shape[:-2], df.shape)  # type: ignore[union-attr]
        self.df = df.expand(batch_shape)  # type: ignore[union-attr]
        if (self.df <= n - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        if (self.df < n).any():
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for "
                          "ndim - 1 < df < ndim.", stacklevel=2)
        self._take_covariance(batch_shape, **given)
        super().__init__(batch_shape, matrix.shape[-2:], validate_args=validate_args)
        self._factor(**given)
        self._derive()

    def _derive(self) -> None:
        steps = arange(self._event_shape[-1], dtype=self.df.dtype, device=self.df.device)
        self._dist_chi2 = Chi2(self.df.unsqueeze(-1) - steps, validate_args=False)

    def _over_matrices(self, x: Tensor) -> Tensor:
        return x.reshape((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._over_matrices(self.df) * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return self._over_matrices(where(factor <= 0, math.nan, factor)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        outer = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return self._over_matrices(self.df) * (v**2 + outer)

    def _bartlett(self, sample_shape: Shape) -> Tensor:
        """L A A^T L^T, A lower with chi on the diagonal and normal numbers below (1933)."""
        n = self._event_shape[-1]
        chi = self._dist_chi2.rsample(sample_shape).sqrt()
        noise = chi.clamp(min=finfo(chi.dtype).eps).diag_embed()
        i, j = tril_indices(n, n, offset=-1)
        noise[..., i, j] = randn((*sample_shape, *self._batch_shape, n * (n - 1) // 2),
                                 dtype=noise.dtype, device=noise.device)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Shape = (), max_try_correction: int | None = None) -> Tensor:
        """Draw with gradients; matrices that rounding made singular are drawn again.

        max_try_correction: how often at most, 10 by default.
        """
        sample = self._bartlett(tuple(sample_shape))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            singular = ~self.support.check(sample.detach())
            if not singular.any():
                break
            warnings.warn("Singular sample detected.", stacklevel=2)
            again = self._bartlett(tuple(sample_shape))
            sample = where(singular.unsqueeze(-1).unsqueeze(-1), again, sample)
        return sample

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        nu, n, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        trace = cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(-1)
        return (-nu * (n * math.log(2) / 2 + _log_diagonal(factor)) - mvlgamma(nu / 2, p=n)
                + (nu - n - 1) / 2 * slogdet(value).logabsdet - trace / 2)

    def entropy(self) -> Tensor:
        nu, n = self.df, self._event_shape[-1]
        steps = arange(n, dtype=nu.dtype, device=nu.device) / 2
        digamma = ((nu / 2).unsqueeze(-1) - steps).digamma().sum(-1)
        return ((n + 1) * (n * math.log(2) / 2 + _log_diagonal(self._unbroadcasted_scale_tril))
                + mvlgamma(nu / 2, p=n) - (nu - n - 1) / 2 * digamma + nu * n / 2)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x: Any, y: Any) -> Tensor:
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        return half * (n * math.log(2) - slogdet(-2 * x).logabsdet) + mvlgamma(half, p=n)
