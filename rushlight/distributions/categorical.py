"""Categorical: one of several classes, by its index."""

from __future__ import annotations

import math
from typing import Any

from rushlight.autograd import no_grad
from rushlight.base.dtypes import finfo, int64
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import ProbsOrLogits, Shape
from rushlight.distributions.distribution import Distribution
from rushlight.ops import arange, broadcast_tensors, full, multinomial
from rushlight.tensor import Tensor

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits, Distribution):
    """Class k of K with probability probs[..., k].

    probs: (..., K), >= 0, scaled to sum to 1; or logits: (..., K), log-probabilities up to a
    constant. Mean and variance are NaN.

    >>> import rushlight as rl
    >>> rl.distributions.Categorical(rl.tensor([1.0, 3.0])).log_prob(rl.tensor(1)).exp()
    tensor(0.7500)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    binary = False
    _parameters = {"probs": 1, "logits": 1}

    def __init__(self, probs: Tensor | None = None, logits: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("logits", logits) if probs is None else ("probs", probs)
        if given.dim() < 1:  # type: ignore[union-attr]
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        elif logits is not None:
            self.logits = logits - logits.logsumexp(dim=-1, keepdim=True)
        self._derive()
        super().__init__(self._param.shape[:-1], validate_args=validate_args)

    def _derive(self) -> None:
        self._num_events = self._param.shape[-1]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> constraints.Constraint:
        """0 .. K - 1."""
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        return full(self._batch_shape, math.nan, dtype=self.probs.dtype, device=self.probs.device)

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(dim=-1)

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            return multinomial(rows, math.prod(sample_shape), True).T.reshape(shape)

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        index, logits = broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)  # 0 log 0 is 0
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = arange(self._num_events, dtype=int64, device=self._param.device)
        return self._enumerated(values, expand)
