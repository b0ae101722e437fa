"""MixtureSameFamily: one of several distributions of a kind, chosen at random."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Shape
from rushlight.distributions.categorical import Categorical
from rushlight.distributions.distribution import Distribution
from rushlight.ops import log_softmax, logsumexp
from rushlight.tensor import Tensor

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """Draws component k with a categorical's probability, then a value of it.

    mixture_distribution: a Categorical of K classes. component_distribution: of batch shape
    (..., K). Raises ValueError where these do not fit.

    >>> import rushlight as rl
    >>> from rushlight.distributions import Categorical, MixtureSameFamily, Normal
    >>> d = MixtureSameFamily(Categorical(rl.ones(2)), Normal(rl.tensor([-1.0, 1.0]), rl.ones(2)))
    >>> d.mean, d.variance
    (tensor(0.), tensor(2.))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}
    has_rsample = False

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution,
                 validate_args: bool | None = None) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of "
                             f"torch.distributions.Categorical: {mixture_distribution!r}")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of "
                             f"torch.distributions.Distribution: {component_distribution!r}")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        mixture, components = mixture_distribution.batch_shape, component_distribution.batch_shape
        *batch, count = components
        for i, j in zip(reversed(mixture), reversed(batch), strict=False):
            if 1 not in (i, j) and i != j:
                raise ValueError(f"`mixture_distribution.batch_shape` ({mixture}) is not "
                                 "compatible with `component_distribution.batch_shape`"
                                 f"({components[:-1]})")
        self._num_component = mixture_distribution.logits.shape[-1]
        if self._num_component != count:
            raise ValueError(f"`mixture_distribution component` ({self._num_component}) does not "
                             f"equal `component_distribution.batch_shape[-1]` ({count})")
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(components[:-1], component_distribution.event_shape,
                         validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(MixtureSameFamily, _instance)
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        new._component_distribution = self._component_distribution.expand(
            (*batch_shape, self._num_component))
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        return self._expanded(new, batch_shape, self._event_shape)

    @constraints.dependent_property
    def support(self) -> Any:
        """That of the components."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self) -> Categorical:
        """Of which component."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """Of the values, one a component."""
        return self._component_distribution

    def _average(self, values: Tensor) -> Tensor:
        """The mean over components of values (batch, K, event)."""
        probs = self._mixture_distribution.probs  # (batch, K)
        probs = probs.reshape(probs.shape + (1,) * self._event_ndims)
        return (probs * values).sum(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._average(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        """The mean variance, and the variance of the means."""
        components = self._component_distribution
        distance = components.mean - self._pad(self.mean)
        return self._average(components.variance) + self._average(distance**2)

    def _pad(self, value: Tensor) -> Tensor:
        return value.unsqueeze(-1 - self._event_ndims)

    def cdf(self, value: Any) -> Tensor:
        cdf = self._component_distribution.cdf(self._pad(value))
        return (cdf * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        components = self._component_distribution.log_prob(self._pad(value))
        return logsumexp(components + log_softmax(self._mixture_distribution.logits, -1), -1)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            chosen = self._mixture_distribution.sample(sample_shape)
            values = self._component_distribution.sample(sample_shape)
            dim = values.dim() - self._event_ndims - 1
            shape = list(values.shape)
            shape[dim] = 1
            index = chosen.reshape(chosen.shape + (1,) * (self._event_ndims + 1)).expand(shape)
            return values.gather(dim, index).squeeze(dim)

    def __repr__(self) -> str:
        return (f"MixtureSameFamily(\n  {self._mixture_distribution},\n"
                f"  {self._component_distribution})")
