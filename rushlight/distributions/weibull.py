"""Weibull: times to failure at a rate that grows or falls."""

from __future__ import annotations

from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import (
    Parameter,
    Shape,
    broadcast_all,
    euler_constant,
)
from rushlight.distributions.exponential import Exponential
from rushlight.distributions.transformed_distribution import TransformedDistribution
from rushlight.distributions.transforms import AffineTransform, PowerTransform, Transform
from rushlight.ops import ones_like
from rushlight.tensor import Tensor

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """P(X > x) = exp(-(x / scale)^concentration) for x > 0.

    scale: the width. concentration: above 1 failures grow more frequent, below 1 less.

    >>> import rushlight as rl
    >>> rl.distributions.Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints: Any = {"scale": constraints.positive, "concentration": constraints.positive}
    support: Any = constraints.positive

    def __init__(self, scale: Parameter, concentration: Parameter,
                 validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(ones_like(self.scale), validate_args=validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self) -> list[Transform]:
        self.concentration_reciprocal = self.concentration.reciprocal()
        return [PowerTransform(exponent=self.concentration_reciprocal),
                AffineTransform(loc=0, scale=self.scale)]

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(Weibull, _instance)
        new.scale = self.scale.expand(batch_shape)
        new.concentration = self.concentration.expand(batch_shape)
        return super().expand(batch_shape, _instance=new)

    def _derive(self) -> None:
        self.transforms = self._steps()

    @property
    def mean(self) -> Tensor:
        return self.scale * (1 + self.concentration_reciprocal).lgamma().exp()

    @property
    def mode(self) -> Tensor:
        """Zero for concentrations below 1, where the density falls from the start."""
        above = (1 - self.concentration_reciprocal).clamp(min=0)
        return self.scale * above**self.concentration_reciprocal

    @property
    def variance(self) -> Tensor:
        c = self.concentration_reciprocal
        return self.scale**2 * ((1 + 2 * c).lgamma().exp() - (2 * (1 + c).lgamma()).exp())

    def entropy(self) -> Tensor:
        c = self.concentration_reciprocal
        return euler_constant * (1 - c) + (self.scale * c).log() + 1
