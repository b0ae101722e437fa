"""TransformedDistribution: what becomes of a distribution under transforms."""

from __future__ import annotations

from typing import Any

from rushlight.autograd import no_grad
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Shape, _sum_rightmost
from rushlight.distributions.distribution import Distribution
from rushlight.distributions.independent import Independent
from rushlight.distributions.transform import ComposeTransform, Transform
from rushlight.tensor import Tensor

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """y = t(x), x of a base distribution: log p(y) = log p(x) - log |dy/dx|.

    base_distribution: of x. transforms: one, or a list in the order of application. Raises
    ValueError for what is no transform, and where the base has too few dimensions.

    >>> import rushlight as rl
    >>> from rushlight.distributions import ExpTransform, Normal, TransformedDistribution
    >>> TransformedDistribution(Normal(0.0, 1.0), ExpTransform()).cdf(rl.tensor(1.0))
    tensor(0.5000)
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(self, base_distribution: Distribution, transforms: Any,
                 validate_args: bool | None = None) -> None:
        if isinstance(transforms, Transform):
            transforms = [transforms]
        if not isinstance(transforms, list):
            raise ValueError(f"transforms must be a Transform or list, but was {transforms}")
        if not all(isinstance(t, Transform) for t in transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms, but was "
                             f"{transforms}")
        self.transforms: list[Transform] = transforms
        whole = ComposeTransform(transforms)
        needed, given = whole.domain.event_dim, whole.codomain.event_dim
        shape = base_distribution.batch_shape + base_distribution.event_shape
        if len(shape) < needed:
            raise ValueError("base_distribution needs to have shape with size at least "
                             f"{needed}, but got {shape}.")
        event_dim = len(base_distribution.event_shape)
        forward = whole.forward_shape(shape)
        expanded = whole.inverse_shape(forward)
        if tuple(shape) != tuple(expanded):
            base_distribution = base_distribution.expand(expanded[: len(expanded) - event_dim])
        if needed > event_dim:
            base_distribution = Independent(base_distribution, needed - event_dim)
        self.base_dist: Any = base_distribution
        cut = len(forward) - max(given, event_dim + given - needed)
        super().__init__(forward[:cut], forward[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(TransformedDistribution, _instance)
        shape = ComposeTransform(self.transforms).inverse_shape(
            tuple(batch_shape) + self._event_shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - len(self.base_dist.event_shape)])
        new.transforms = self.transforms
        return self._expanded(new, batch_shape, self._event_shape)

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        """The codomain of the last transform."""
        if not self.transforms:
            return self.base_dist.support
        support = self.transforms[-1].codomain
        more = len(self._event_shape) - support.event_dim
        return constraints.independent(support, more) if more > 0 else support

    @property
    def has_rsample(self) -> bool:
        """Whether the base draws with gradients."""
        return self.base_dist.has_rsample

    def _forward(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            return self._forward(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Shape = ()) -> Tensor:
        return self._forward(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Any) -> Tensor:
        self._check(value)
        event_dim, stretch = len(self._event_shape), 0.0
        for transform in reversed(self.transforms):
            x = transform.inv(value)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            stretch = stretch + _sum_rightmost(transform.log_abs_det_jacobian(x, value),
                                               event_dim - transform.domain.event_dim)
            value = x
        density = self.base_dist.log_prob(value)
        return _sum_rightmost(density, event_dim - len(self.base_dist.event_shape)) - stretch

    def _monotone(self, probability: Any) -> Any:
        """Probabilities of the base as those of the values, which may run the other way."""
        sign = ComposeTransform(self.transforms).sign
        if isinstance(sign, int) and sign == 1:
            return probability
        return sign * (probability - 0.5) + 0.5

    def cdf(self, value: Any) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        if self._validate_args:
            self.base_dist._validate_sample(value)
        return self._monotone(self.base_dist.cdf(value))

    def icdf(self, value: Any) -> Tensor:
        return self._forward(self.base_dist.icdf(self._monotone(value)))
