"""ContinuousBernoulli: numbers in [0, 1] whose density is a power of the odds."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import (
    Parameter,
    ProbsOrLogits,
    Shape,
    _log_likelihood,
    broadcast_all,
    clamp_probs,
    lazy_property,
    logits_to_probs,
)
from rushlight.distributions.exp_family import ExponentialFamily
from rushlight.ops import rand, where
from rushlight.tensor import Tensor

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """Density C(p) p^x (1 - p)^(1 - x) on [0, 1] (Loaiza-Ganem and Cunningham, 2019).

    probs: p, which is not the mean; or logits: log(p / (1 - p)). lims: between these the formulas,
    which divide by 1 - 2 p, are replaced by their Taylor series.

    >>> import rushlight as rl
    >>> rl.distributions.ContinuousBernoulli(probs=0.5).mean
    tensor(0.5000)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0.0
    _parameters = {"probs": 0, "logits": 0}
    _lims = (0.499, 0.501)

    def __init__(self, probs: Parameter | None = None, logits: Parameter | None = None,
                 lims: tuple[float, float] = (0.499, 0.501), validate_args: bool | None = None
                 ) -> None:
        self._take(probs, logits)
        if probs is not None:
            # Checked here, for once clamped they always pass.
            if validate_args is not None and not self.support.check(self.probs).all():
                raise ValueError(f"The parameter probs has invalid values: {self.probs} is not "
                                 "in [0, 1]")
            self.probs = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(ContinuousBernoulli, _instance)
        new._lims = self._lims
        return super().expand(batch_shape, _instance=new)

    @lazy_property
    def probs(self) -> Tensor:
        """The parameter p."""
        return clamp_probs(logits_to_probs(self.logits, is_binary=True))

    def _stable(self) -> tuple[Tensor, Tensor]:
        """Where the formulas hold, and p there, `lims[0]` elsewhere."""
        outside = (self.probs <= self._lims[0]) | (self.probs > self._lims[1])
        return outside, where(outside, self.probs, self._lims[0])

    def _cont_bern_log_norm(self) -> Tensor:
        """log C(p) = log(2 artanh(1 - 2 p) / (1 - 2 p))."""
        outside, p = self._stable()
        exact = ((-p).log1p() - p.log()).abs().log() - (1.0 - 2.0 * p).abs().log()
        x = (self.probs - 0.5) ** 2
        return where(outside, exact, math.log(2.0) + (4 / 3 + 104 / 45 * x) * x)

    @property
    def mean(self) -> Tensor:
        outside, p = self._stable()
        exact = p / (2.0 * p - 1.0) + 1.0 / ((-p).log1p() - p.log())
        x = self.probs - 0.5
        return where(outside, exact, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    @property
    def variance(self) -> Tensor:
        outside, p = self._stable()
        exact = p * (p - 1.0) / (1.0 - 2.0 * p) ** 2 + ((-p).log1p() - p.log()) ** -2
        x = (self.probs - 0.5) ** 2
        return where(outside, exact, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        return self._cont_bern_log_norm() + _log_likelihood(logits, value)

    def cdf(self, value: Any) -> Tensor:
        self._check(value)
        outside, p = self._stable()
        exact = (p**value * (1.0 - p) ** (1.0 - value) + p - 1.0) / (2.0 * p - 1.0)
        inside = where(outside, exact, value)
        return where(value <= 0.0, 0.0, where(value >= 1.0, 1.0, inside))

    def icdf(self, value: Any) -> Tensor:
        outside, p = self._stable()
        low = (-p).log1p()
        exact = ((-p + value * (2.0 * p - 1.0)).log1p() - low) / (p.log() - low)
        return where(outside, exact, value)

    def entropy(self) -> Tensor:
        zero, one = (-self.probs).log1p(), self.probs.log()
        return self.mean * (zero - one) - self._cont_bern_log_norm() - zero

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, x: Any) -> Tensor:
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = where(outside, x, self._lims[0] - 0.5)
        taylor = 0.5 * x + x**2 / 24.0 - x**4 / 2880.0
        return where(outside, safe.expm1().abs().log() - safe.abs().log(), taylor)
