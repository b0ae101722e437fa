"""Covariance and correlation of variables, one a row."""

from __future__ import annotations

import warnings
from typing import Any

from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.families.composite import composite
from rushlight.ops.creation import tensor
from rushlight.tensor import Tensor


def _weights(name: str, weights: Any, input: Any, kind: str) -> None:
    fits = weights.dtype.is_floating_point if kind == "floating point" else (
        weights.dtype.category == 1)
    if weights.ndim > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got "
                           f"{name} with {weights.ndim} dimensions")
    if not fits:
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with "
                           f"{weights.dtype.name} dtype")
    if weights.numel() != input.shape[-1]:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are "
                           f"observations in the input but got {weights.numel()} != "
                           f"{input.shape[-1]}")
    if bool((weights < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite("cov")
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """The covariance matrix of the rows of `input`, (variables, observations).

    correction: what the number of observations is less by in the divisor. fweights: how often
    each observation occurs, integers (observations,). aweights: how much each one counts.

    >>> import rushlight as rl
    >>> rl.cov(rl.tensor([[0., 1., 2.], [2., 1., 0.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError("cov(): expected input to have two or fewer dimensions but got an "
                           f"input with {input.ndim} dimensions: {operands(input=input)}")
    if input.dtype is dtypes.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    rows = input if input.ndim == 2 else input.reshape(1, -1)  # (variables, observations)
    if rows.dtype.category < 2:
        rows = rows.to(dtypes.default_dtype())
    weights: Any = None
    if fweights is not None:
        _weights("fweights", fweights, rows, "integral")
        weights = fweights
    if aweights is not None:
        _weights("aweights", aweights, rows, "floating point")
        weights = aweights if weights is None else weights * aweights
    count: Any = tensor(rows.shape[1]) if weights is None else weights.sum()
    if weights is not None and bool(count == 0):
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (rows if weights is None else rows * weights).sum(1) / count
    divisor = count
    if weights is not None and aweights is not None and correction:
        divisor = count - correction * (weights * aweights).sum() / count
    else:
        divisor = count - correction
    if bool(divisor <= 0):
        warnings.warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than "
                      "the number of observations.", UserWarning, stacklevel=2)
        divisor = divisor.clamp(min=0)
    centred = rows - mean.unsqueeze(1)
    second = centred if weights is None else centred * weights
    return (centred @ second.mT.conj() / divisor).squeeze()


@composite("corrcoef")
def corrcoef(input: Any) -> Tensor:
    """The correlation matrix of the rows of `input`: covariances over standard deviations.

    >>> import rushlight as rl
    >>> rl.corrcoef(rl.tensor([[0., 1., 2.], [4., 2., 0.]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise RuntimeError("corrcoef(): expected input to have two or fewer dimensions but got an "
                           f"input with {input.ndim} dimensions")
    matrix: Any = cov(input)
    if not matrix.ndim:
        return matrix / matrix
    deviation = matrix.diagonal().real.sqrt()
    result = matrix / deviation.unsqueeze(1) / deviation
    if result.dtype.is_complex:
        return result
    return result.clamp(-1, 1)
