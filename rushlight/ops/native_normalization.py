"""Norms that return their statistics too, in the order of arguments of torch's own kernels."""

from __future__ import annotations

from typing import Any

from rushlight.families.composite import function
from rushlight.ops import normalization
from rushlight.tensor import Tensor

Results = tuple[Tensor, Tensor, Tensor]


@function("batch_norm", samples=lambda x: [
    (x(3, 2), x(2), x(2), None, None, True, 0.1, 1e-5, False),
    (x(3, 2), x(2), x(2), x(2), x(2, low=0.5), False, 0.1, 1e-5, False)])
def batch_norm(input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any,
               training: bool, momentum: float, eps: float, cudnn_enabled: bool) -> Tensor:
    """`nn.functional.batch_norm` with its arguments in another order."""
    return normalization.batch_norm(input, running_mean, running_var, weight, bias, training,
                                    momentum, eps)


@function("native_layer_norm", samples=lambda x: [(x(2, 3, 4), (3, 4), x(3, 4), x(3, 4), 1e-5)])
def native_layer_norm(input: Any, normalized_shape: Any, weight: Any, bias: Any,
                      eps: float) -> Results:
    """(layer_norm(input), mean, 1 / sqrt(variance + eps)); no gradient from the statistics.

    >>> import rushlight as rl
    >>> rl.native_layer_norm(rl.tensor([[1., 3.]]), (2,), None, None, 0.0)[1:]
    (tensor([[2.]]), tensor([[1.]]))
    """
    result = normalization.layer_norm(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    return (result, *_statistics(input.detach(), dims, True, eps))


def _statistics(x: Any, dims: tuple[int, ...], keepdim: bool, eps: float) -> tuple[Any, Any]:
    """Mean and 1 / sqrt(variance + eps) over `dims`."""
    mean, variance = x.mean(dims, keepdim), x.var(dims, correction=0, keepdim=keepdim)
    return mean, (variance + eps).rsqrt()


@function("native_group_norm", samples=lambda x: [(x(2, 4, 3), x(4), x(4), 2, 4, 3, 2, 1e-5)])
def native_group_norm(input: Any, weight: Any, bias: Any, N: int, C: int, HxW: int, group: int,
                      eps: float) -> Results:
    """(group_norm(input), mean, 1 / sqrt(variance + eps)), the statistics (N, group).

    N, C, HxW: the sizes of the batch, the channels and all places together.
    """
    result = normalization.group_norm(input, group, weight, bias, eps)
    rows = input.reshape(N, group, (C // max(group, 1)) * HxW)
    return (result, *_statistics(rows, (2,), False, eps))


@function("native_batch_norm", out=True, samples=lambda x: [
    (x(3, 2, 4), x(2), x(2), None, None, True, 0.1, 1e-5)])
def native_batch_norm(input: Any, weight: Any, bias: Any, running_mean: Any, running_var: Any,
                      training: bool, momentum: float, eps: float) -> Results:
    """(batch_norm(input), mean, 1 / sqrt(variance + eps)); no gradient from the statistics.

    Not in training the statistics are empty, since the running ones are used.
    """
    result = normalization.batch_norm(input, running_mean, running_var, weight, bias, training,
                                      momentum, eps)
    if not training:
        return result, input.new_empty(0), input.new_empty(0)
    axes = (0, *range(2, input.ndim))
    return (result, *_statistics(input.detach(), axes, False, eps))


@function("norm_except_dim", samples=lambda x: [(x(2, 3, 4), 2, 1)])
def norm_except_dim(v: Any, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but `dim`, which are kept with size 1; -1: over all.

    >>> import rushlight as rl
    >>> rl.norm_except_dim(rl.tensor([[3., 4.], [0., 1.]]))
    tensor([[5.],
            [1.]])
    """
    if dim == -1:
        return v.norm(pow)
    return v.norm(pow, tuple(d for d in range(v.ndim) if d != dim), keepdim=True)
