"""GeneralizedPareto: how far values lie above a threshold."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter, Shape, broadcast_all
from rushlight.distributions.distribution import Distribution
from rushlight.ops import isclose, ones_like, rand, where, zeros_like
from rushlight.tensor import Tensor

__all__ = ["GeneralizedPareto"]


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c z)^(-1 / c) with z = (x - loc) / scale and c the concentration.

    loc: the threshold. scale: the width. concentration: how heavy the tail is; exponential at 0,
    bounded below. Mean NaN from 1 on, variance NaN from 1 / 2 on (Pickands, 1975).

    >>> import rushlight as rl
    >>> rl.distributions.GeneralizedPareto(0.0, 1.0, 0.5).mean
    tensor(2.)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive,
                       "concentration": constraints.real}
    has_rsample = True
    _parameters = {"loc": 0, "scale": 0, "concentration": 0}

    def __init__(self, loc: Parameter, scale: Parameter, concentration: Parameter,
                 validate_args: bool | None = None) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> constraints.Constraint:
        """From loc on; for negative concentrations up to loc - scale / concentration."""
        end = self.loc - self.scale / self.concentration
        return constraints.interval(self.loc, where(self.concentration < 0, end, math.inf))

    def _split(self) -> tuple[Tensor, Tensor]:
        """Where the concentration is 0, and one that can be divided by."""
        zero = isclose(self.concentration, zeros_like(self.concentration))
        return zero, where(zero, ones_like(self.concentration), self.concentration)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(rand(shape, dtype=self.loc.dtype, device=self.loc.device))

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._split()
        power = 1 / c + 1
        tail = where(power == 0, power, power * (c * z).log1p())  # uniform at c = -1
        near = z + self.concentration * (z - z**2 / 2)  # so that the slope is right at 0
        return -self.scale.log() - where(zero, near, tail)

    def log_survival_function(self, value: Any) -> Tensor:
        """The logarithm of the probability of more than `value`."""
        self._check(value)
        z, (zero, c) = (value - self.loc) / self.scale, self._split()
        return where(zero, self.concentration * z**2 / 2 - z, -(c * z).log1p() / c)

    def log_cdf(self, value: Any) -> Tensor:
        """The logarithm of the probability of at most `value`."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value: Any) -> Tensor:
        return self.log_cdf(value).exp()

    def icdf(self, value: Any) -> Tensor:
        (zero, c), survival = self._split(), (-value).log1p()
        near = self.concentration * survival**2 / 2 - survival
        return where(zero, self.loc + self.scale * near,
                     self.loc + self.scale / c * (-c * survival).expm1())

    @property
    def mean(self) -> Tensor:
        c = where(self.concentration < 1, self.concentration, 0.5)
        return where(self.concentration < 1, self.loc + self.scale / (1 - c), math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        c = where(self.concentration < 0.5, self.concentration, 0.25)
        finite = self.scale**2 / ((1 - c) ** 2 * (1 - 2 * c))
        return where(self.concentration < 0.5, finite, math.nan)

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
