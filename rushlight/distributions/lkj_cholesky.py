"""LKJCholesky: Cholesky factors of random correlation matrices."""

from __future__ import annotations

import math
from typing import Any

from rushlight.autograd import no_grad
from rushlight.base.dtypes import finfo
from rushlight.distributions import constraints
from rushlight.distributions.beta import Beta
from rushlight.distributions.broadcasting import Parameter, Shape, broadcast_all
from rushlight.distributions.distribution import Distribution
from rushlight.ops import arange, cat, mvlgamma, randn
from rushlight.tensor import Tensor

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower L with L L^T a correlation matrix, of density det(L L^T)^(concentration - 1).

    dim: the size of the matrices, at least 2, ValueError otherwise. concentration: 1 for uniform
    over correlation matrices, above for ones near the identity (Lewandowski et al., 2009).

    >>> import rushlight as rl
    >>> rl.distributions.LKJCholesky(3, 0.5).sample().shape
    torch.Size([3, 3])
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _parameters = {"concentration": 0}

    def __init__(self, dim: int, concentration: Parameter = 1.0,
                 validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError("Expected dim to be an integer greater than or equal to 2. Found "
                             f"dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)
        self._derive()

    def expand(self, batch_shape: Shape, _instance: Any = None) -> Any:
        new = self._get_checked_instance(LKJCholesky, _instance)
        new.dim = self.dim
        return super().expand(batch_shape, _instance=new)

    def _derive(self) -> None:
        """The squared length of each row off the diagonal, by the onion method."""
        like = self.concentration
        rows = arange(self.dim - 1, dtype=like.dtype, device=like.device)
        rows = cat([rows.new_zeros((1,)), rows])
        rest = (like + 0.5 * (self.dim - 2)).unsqueeze(-1) - 0.5 * rows
        self._beta = Beta(rows + 0.5, rest, validate_args=False)

    def sample(self, sample_shape: Shape = ()) -> Tensor:
        with no_grad():
            lengths = self._beta.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            directions = randn(shape, dtype=lengths.dtype, device=lengths.device).tril(-1)
            directions = directions / directions.norm(dim=-1, keepdim=True)
            directions[..., 0, :] = 0.0  # nothing is left of the diagonal there
            below = lengths.sqrt() * directions
            rest = 1 - below.square().sum(-1)
            return below + rest.clamp(min=finfo(below.dtype).tiny).sqrt().diag_embed()

    def log_prob(self, value: Any) -> Tensor:
        """The density over the numbers below the diagonal."""
        self._check(value)
        eta, n = self.concentration, self.dim
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = n - arange(2, n + 1, dtype=eta.dtype, device=eta.device)
        order = 2 * (eta - 1).unsqueeze(-1) + order
        unnormalized = (order * diagonal.log()).sum(-1)
        # Theorem 5 and page 1999 of Lewandowski et al.
        alpha = eta + 0.5 * (n - 1)
        numerator = mvlgamma(alpha - 0.5, n - 1)
        normalizer = 0.5 * (n - 1) * math.log(math.pi) + numerator - alpha.lgamma() * (n - 1)
        return unnormalized - normalizer
