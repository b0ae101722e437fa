"""RelaxedBernoulli: numbers in (0, 1) near 0 or 1, with gradients."""

from __future__ import annotations

from typing import Any

from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import (
    Parameter,
    ProbsOrLogits,
    Shape,
    broadcast_all,
    clamp_probs,
)
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.transformed_distribution import TransformedDistribution
from rushlight.distributions.transforms import SigmoidTransform
from rushlight.ops import rand
from rushlight.tensor import Tensor

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """(logits + L) / temperature, L of the standard logistic distribution.

    temperature: the smaller, the farther from 0. probs: p; or logits: log(p / (1 - p)).

    >>> import rushlight as rl
    >>> d = rl.distributions.relaxed_bernoulli.LogitRelaxedBernoulli(rl.tensor(0.5), 0.3)
    >>> d.rsample().shape
    torch.Size([])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    _parameters = {"probs": 0, "logits": 0}

    def __init__(self, temperature: Tensor, probs: Parameter | None = None,
                 logits: Parameter | None = None, validate_args: bool | None = None) -> None:
        self.temperature = temperature
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(LogitRelaxedBernoulli, _instance)
        new.temperature = self.temperature
        return super().expand(batch_shape, _instance=new)

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(rand(shape, dtype=probs.dtype, device=probs.device))
        logistic = u.log() - (-u).log1p()
        return (logistic + probs.log() - (-probs).log1p()) / self.temperature

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        logits, value = broadcast_all(self.logits, value)
        difference = logits - value * self.temperature
        return self.temperature.log() + difference - 2 * difference.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Sigmoid of `LogitRelaxedBernoulli`: a continuous stand-in for Bernoulli.

    The binary concrete distribution (Maddison et al., 2017; Jang et al., 2017).
    temperature: the smaller, the nearer to 0 or 1. probs: p; or logits: log(p / (1 - p)).

    >>> import rushlight as rl
    >>> d = rl.distributions.RelaxedBernoulli(rl.tensor(0.5), rl.tensor([0.1, 0.9]))
    >>> d.rsample().shape
    torch.Size([2])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support: Any = constraints.unit_interval
    has_rsample: Any = True

    def __init__(self, temperature: Tensor, probs: Parameter | None = None,
                 logits: Parameter | None = None, validate_args: bool | None = None) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(RelaxedBernoulli, _instance)
        return super().expand(batch_shape, _instance=new)

    @property
    def temperature(self) -> Tensor:
        """How far from 0 and 1 samples stay."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """log(p / (1 - p))."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities p."""
        return self.base_dist.probs
