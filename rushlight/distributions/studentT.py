"""StudentT: the mean of few normal numbers, in units of their own spread."""

from __future__ import annotations

import math
from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter, Shape, _standard_normal, broadcast_all
from rushlight.distributions.chi2 import Chi2
from rushlight.distributions.distribution import Distribution
from rushlight.ops import where
from rushlight.tensor import Tensor

__all__ = ["StudentT"]


class StudentT(Distribution):
    """loc + scale X / sqrt(Z / df), X standard normal and Z of Chi2(df).

    df: degrees of freedom. loc: the median. scale: the width. Mean NaN up to df = 1, variance
    inf up to df = 2.

    >>> import rushlight as rl
    >>> rl.distributions.StudentT(4.0).variance
    tensor(2.)
    """

    arg_constraints = {"df": constraints.positive, "loc": constraints.real,
                       "scale": constraints.positive}
    support = constraints.real
    has_rsample = True
    _parameters = {"df": 0, "loc": 0, "scale": 0}

    def __init__(self, df: Parameter, loc: Parameter = 0.0, scale: Parameter = 1.0,
                 validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)
        self._derive()

    def _derive(self) -> None:
        self._chi2 = Chi2(self.df, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        df = where(self.df > 2, self.df, 3.0)  # in range, so that gradients are finite
        finite = self.scale.pow(2) * df / (df - 2)
        return where(self.df > 2, finite, where(self.df > 1, math.inf, self.df * math.nan))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        x = _standard_normal(shape, self.df.dtype, self.df.device)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * (z / self.df).rsqrt())

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        y = (value - self.loc) / self.scale
        half = 0.5 * (self.df + 1.0)
        normalizer = (self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
                      + (0.5 * self.df).lgamma() - half.lgamma())
        return -half * (y**2.0 / self.df).log1p() - normalizer

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        log_beta = (0.5 * self.df).lgamma() + math.lgamma(0.5) - half.lgamma()
        return (self.scale.log() + half * (half.digamma() - (0.5 * self.df).digamma())
                + 0.5 * self.df.log() + log_beta)
