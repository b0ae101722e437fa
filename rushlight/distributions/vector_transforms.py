"""Transforms of vectors and matrices: onto the simplex, and onto Cholesky factors."""

from __future__ import annotations

import math
from typing import Any

from rushlight.base.dtypes import finfo
from rushlight.base.shapes import Size
from rushlight.distributions import constraints
from rushlight.distributions.broadcasting import Shape, tril_matrix_to_vec, vec_to_tril_matrix
from rushlight.distributions.elementwise_transforms import _clipped_sigmoid, _Plain
from rushlight.distributions.transform import Transform
from rushlight.linalg import cholesky
from rushlight.ops import arange, eye, logsigmoid, pad, softplus
from rushlight.tensor import Tensor


class SoftmaxTransform(_Plain):
    """y = softmax(x) along the last dimension; its `inv` is log, for x is known up to a constant.

    >>> import rushlight as rl
    >>> rl.distributions.SoftmaxTransform()(rl.zeros(2))
    tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Any) -> Any:
        return x.softmax(-1)

    def _inverse(self, y: Any) -> Any:
        return y.log()

    def forward_shape(self, shape: Shape) -> Shape:
        return _at_least(shape, 1)

    inverse_shape = forward_shape


def _at_least(shape: Shape, dims: int) -> Size:
    if len(shape) < dims:
        raise ValueError(f"Too few dimensions on input: {tuple(shape)}, expected at least {dims}")
    return Size(shape)


class StickBreakingTransform(_Plain):
    """From (..., n) to the simplex of n + 1: each number says which part of the rest to break off.

    Bijective, unlike softmax; x = 0 gives equal parts.

    >>> import rushlight as rl
    >>> rl.distributions.StickBreakingTransform()(rl.zeros(3))
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _log_rest(x: Tensor, count: int) -> Tensor:
        """The logarithms of count, count - 1, ..., 1: how many parts come after each."""
        return arange(count, 0, -1, dtype=x.dtype, device=x.device).log()

    def _call(self, x: Any) -> Any:
        z = _clipped_sigmoid(x - self._log_rest(x, x.shape[-1]))
        rest = (1 - z).cumprod(-1)
        return pad(z, [0, 1], value=1) * pad(rest, [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        parts = y[..., :-1]
        rest = (1 - parts.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return parts.log() - rest.log() + self._log_rest(y, parts.shape[-1])

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Tensor:
        x = x - self._log_rest(x, x.shape[-1])
        return (logsigmoid(x) - x + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Shape) -> Shape:
        shape = _at_least(shape, 1)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Shape) -> Shape:
        shape = _at_least(shape, 1)
        return Size((*shape[:-1], shape[-1] - 1))


class CorrCholeskyTransform(Transform):
    """From (..., n (n - 1) / 2) to Cholesky factors of correlation matrices (..., n, n).

    The rows are points of the sphere, built by breaking sticks with tanh(x). The Jacobian is that
    to the numbers below the diagonal (Lewandowski et al., 2009).

    >>> import rushlight as rl
    >>> rl.distributions.CorrCholeskyTransform()(rl.zeros(1))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Any) -> Any:
        x, eps = x.tanh(), finfo(x.dtype).eps
        partial = vec_to_tril_matrix(x.clamp(min=-1 + eps, max=1 - eps), diag=-1)
        rest = (1 - partial**2).sqrt().cumprod(-1)
        one = eye(partial.shape[-1], dtype=x.dtype, device=x.device)
        return (partial + one) * pad(rest[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        rest = pad((1 - (y * y).cumsum(dim=-1))[..., :-1], [1, 0], value=1)
        partial = tril_matrix_to_vec(y, diag=-1) / tril_matrix_to_vec(rest, diag=-1).sqrt()
        return (partial.log1p() - (-partial).log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Tensor:
        rest = tril_matrix_to_vec(1 - (y * y).cumsum(dim=-1), diag=-2)
        tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return 0.5 * rest.log().sum(-1) + tanh

    def forward_shape(self, shape: Shape) -> Shape:
        shape = _at_least(shape, 1)
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number: "
                             f"{shape[-1]} is not n (n - 1) / 2")
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Shape) -> Shape:
        shape = _at_least(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError(f"Input is not square: {tuple(shape)}")
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))


class LowerCholeskyTransform(_Plain):
    """From a square matrix to a lower triangle with exp of its diagonal.

    >>> import rushlight as rl
    >>> rl.distributions.LowerCholeskyTransform()(rl.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """From a square matrix to L @ L.mT, L as of `LowerCholeskyTransform`.

    >>> import rushlight as rl
    >>> rl.distributions.PositiveDefiniteTransform()(rl.zeros(1, 1))
    tensor([[1.]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(cholesky(y))
