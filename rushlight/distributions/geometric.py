"""Geometric: failures before the first success."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import no_grad
from rushlight.base.dtypes import finfo
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import (
    Parameter,
    ProbsOrLogits,
    Shape,
    _log_likelihood,
    broadcast_all,
)
from rushlight.distributions.distribution import Distribution
from rushlight.ops import empty, where, zeros_like
from rushlight.tensor import Tensor

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits, Distribution):
    """Probability p (1 - p)^k of k = 0, 1, 2, ... failures before the first success.

    probs: p in (0, 1]; or logits: log(p / (1 - p)).

    >>> import rushlight as rl
    >>> rl.distributions.Geometric(0.25).mean
    tensor(3.)
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer
    _parameters = {"probs": 0, "logits": 0}

    def __init__(self, probs: Parameter | None = None, logits: Parameter | None = None,
                 validate_args: bool | None = None) -> None:
        self._take(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(f"Expected parameter probs (Tensor of shape {tuple(self.probs.shape)})"
                             f" of distribution {self!r} to be positive but found invalid values:\n"
                             f"{self.probs}")

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            probs, shape = self.probs, self._extended_shape(sample_shape)
            u = empty(shape, dtype=probs.dtype, device=probs.device)
            u.uniform_(finfo(probs.dtype).tiny, 1)
            return (u.log() / (-probs).log1p()).floor()

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        value, probs = broadcast_all(value, self.probs)
        failure = where((probs == 1) & (value == 0), 0.0, probs)  # for 0 * -inf is NaN
        return value * (-failure).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return -_log_likelihood(self.logits, self.probs) / self.probs
