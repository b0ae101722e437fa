"""VonMises: angles around a direction."""

from __future__ import annotations

import math
from typing import Any

from rushlight.autograd import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter, Shape, broadcast_all
from rushlight.distributions.distribution import Distribution
from rushlight.ops import rand, where, zeros
from rushlight.special import i0e, i1e
from rushlight.tensor import Tensor

__all__ = ["VonMises"]


class VonMises(Distribution):
    """Density exp(concentration cos(x - loc)) / (2 pi I0(concentration)) over angles in radians.

    loc: the direction. concentration: about 1 / variance. Samples lie in [-pi, pi).

    >>> import rushlight as rl
    >>> rl.distributions.VonMises(0.0, 1.0).variance
    tensor(0.5536)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False
    _parameters = {"loc": 0, "concentration": 0}

    def __init__(self, loc: Parameter, concentration: Parameter,
                 validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """The direction of the mean."""
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """1 - the length of the mean of unit vectors."""
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        log_i0 = i0e(self.concentration).log() + self.concentration
        return self.concentration * (value - self.loc).cos() - math.log(2 * math.pi) - log_i0

    @no_grad()
    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Rejection from a wrapped Cauchy envelope (Best and Fisher, 1979), in float64."""
        loc, kappa = self.loc.double(), self.concentration.double()
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        envelope = where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))
        angle = zeros(self._extended_shape(sample_shape), dtype=loc.dtype, device=loc.device)
        done = angle != angle
        while not done.all():
            first, second, third = rand((3, *angle.shape), dtype=loc.dtype, device=loc.device)
            z = (math.pi * first).cos()
            f = (1 + envelope * z) / (envelope + z)
            c = kappa * (envelope - f)
            accept = (c * (2 - c) - second > 0) | ((c / second).log() + 1 - c >= 0)
            angle = where(accept, (third - 0.5).sign() * f.acos(), angle)
            done = done | accept
        return ((angle + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)
