"""NegativeBinomial: successes before a number of failures."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Parameter, ProbsOrLogits, Shape, lazy_property
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.gamma import Gamma
from rushlight.ops import logsigmoid, poisson, where
from rushlight.tensor import Tensor

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """How many trials succeed, each with probability p, before `total_count` have failed.

    total_count: failures, a real number >= 0. probs: p in [0, 1); or logits: log(p / (1 - p)).

    >>> import rushlight as rl
    >>> rl.distributions.NegativeBinomial(3, rl.tensor(0.5)).mean
    tensor(3.)
    """

    arg_constraints = {"total_count": constraints.greater_than_eq(0),
                       "probs": constraints.half_open_interval(0.0, 1.0),
                       "logits": constraints.real}
    support = constraints.nonnegative_integer
    _parameters = {"total_count": 0, "probs": 0, "logits": 0}

    def __init__(self, total_count: Parameter, probs: Parameter | None = None,
                 logits: Parameter | None = None, validate_args: bool | None = None) -> None:
        (count,) = self._take(probs, logits, total_count)
        self.total_count = count.to(self._param.dtype)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    @lazy_property
    def _gamma(self) -> Gamma:
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        """Poisson numbers of gamma distributed rates."""
        with no_grad():
            return poisson(self._gamma.sample(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        n = self.total_count
        choices = (n + value).lgamma() - (1.0 + value).lgamma() - n.lgamma()
        choices = where(n + value == 0.0, 0.0, choices)
        return n * logsigmoid(-self.logits) + value * logsigmoid(self.logits) + choices
