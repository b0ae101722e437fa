"""ExponentialFamily: distributions whose entropy follows from their log normalizer."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import grad
from rushlight.distributions.broadcasting import _sum_rightmost
from rushlight.distributions.distribution import Distribution
from rushlight.tensor import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """A density exp(<t(x), theta> - F(theta) + k(x)) with natural parameters theta.

    A subclass states `_natural_params` (theta), `_log_normalizer(*theta)` (F) and
    `_mean_carrier_measure` (the expectation of k); from these come entropy and KL divergence
    (Nielsen and Nock, 2010).

    >>> import rushlight as rl
    >>> issubclass(rl.distributions.Gamma, rl.distributions.ExponentialFamily)
    True
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """F(theta) - <theta, F'(theta)> - E k(x)."""
        theta = [p.detach().requires_grad_() for p in self._natural_params]
        normalizer = self._log_normalizer(*theta)
        slopes = grad(normalizer.sum(), theta, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        for parameter, slope in zip(theta, slopes, strict=True):
            result = result - _sum_rightmost(parameter * slope,
                                             slope.dim() - len(self._batch_shape))
        return result
