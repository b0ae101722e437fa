"""What distributions share: parameters of one shape, lazy properties, probabilities, log-odds."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from numbers import Number
from typing import Any, TypeAlias

from rushlight.autograd import enable_grad
from rushlight.base import dtypes
from rushlight.base.dtypes import finfo
from rushlight.base.shapes import Size
from rushlight.ops import (
    broadcast_tensors,
    logsigmoid,
    randn,
    sigmoid,
    softmax,
    tensor,
    where,
    zeros,
)
from rushlight.tensor import Tensor

Parameter: TypeAlias = Tensor | float
Shape: TypeAlias = tuple[int, ...]

euler_constant = 0.57721566490153286060  # of Euler and Mascheroni


def broadcast_all(*values: Any) -> tuple[Any, ...]:
    """The values as tensors of their common shape; numbers take the first tensor's dtype.

    Without a tensor they take the default dtype. Raises ValueError for what is neither.

    >>> import rushlight as rl
    >>> rl.distributions.utils.broadcast_all(rl.zeros(2), 1)
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    for value in values:
        if not isinstance(value, Tensor | Number):
            raise ValueError("Input arguments must all be instances of Number, torch.Tensor or "
                             "objects implementing __torch_function__, not "
                             f"{type(value).__name__}")
    first = next((v for v in values if isinstance(v, Tensor)), None)
    dtype = dtypes.default_dtype() if first is None else first.dtype
    device = None if first is None else first.device
    return tuple(broadcast_tensors(*[v if isinstance(v, Tensor)
                                     else tensor(v, dtype=dtype, device=device) for v in values]))


class lazy_property:  # noqa: N801 - torch's name
    """A property that is computed when first read, with gradients, and then kept."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        update_wrapper(self, wrapped)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities at least the dtype's eps away from 0 and 1."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """log(p / (1 - p)) for binary events, else log(p); p is clamped away from 0 and 1."""
    probs = clamp_probs(probs)
    return probs.log() - (-probs).log1p() if is_binary else probs.log()


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """sigmoid(logits) for binary events, else softmax along the last dimension."""
    return sigmoid(logits) if is_binary else softmax(logits, dim=-1)


class ProbsOrLogits:
    """A parameter given as `probs` or as `logits`; the other follows when it is asked for."""

    binary = True  # else the probabilities along the last dimension sum to 1

    def _take(self, probs: Any, logits: Any, *others: Any) -> tuple[Any, ...]:
        """Keep the one that is given, in one shape with `others`, which are returned."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        *others_, param = broadcast_all(*others, logits if probs is None else probs)
        self.__dict__["logits" if probs is None else "probs"] = param
        return tuple(others_)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape

    @lazy_property
    def logits(self) -> Tensor:
        """log(p / (1 - p)), or log(p) for several classes."""
        return probs_to_logits(self.probs, self.binary)

    @lazy_property
    def probs(self) -> Tensor:
        """The probabilities."""
        return logits_to_probs(self.logits, self.binary)


def _log_likelihood(logits: Tensor, value: Any) -> Tensor:
    """value log(p) + (1 - value) log(1 - p), p of these log-odds."""
    return value * logits + logsigmoid(-logits)


def _xlogy(x: Tensor, y: Tensor) -> Tensor:
    """x log(y), 0 where both are 0; its slope in x is log(y) at 0, too."""
    return x * where((x == 0) & (y <= 0), 1.0, y).log()


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The lower triangle of (..., n, n), row after row: (..., count).

    diag: the last diagonal taken. Raises ValueError outside [-n, n).
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _below(n, diag)]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """(..., count) put row after row into the lower triangle of (..., n, n), zeros above.

    Raises ValueError where no n has that count.
    """
    count, n = vec.shape[-1], abs(diag)
    while _count(n, diag) < count:
        n += 1
    if _count(n, diag) != count:
        raise ValueError(f"The size of last dimension is {count} which cannot be expressed as the "
                         f"lower triangular part of a square D x D matrix: diagonal {diag}")
    matrix = zeros(*vec.shape[:-1], n, n, dtype=vec.dtype, device=vec.device)
    matrix[..., _below(n, diag)] = vec
    return matrix


def _below(n: int, diag: int) -> Tensor:
    return tensor([[column - row <= diag for column in range(n)] for row in range(n)])


def _count(n: int, diag: int) -> int:
    return sum(min(max(row + 1 + diag, 0), n) for row in range(n))


def _sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dimensions."""
    return value.reshape((*value.shape[:value.dim() - dim], -1)).sum(-1) if dim else value


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Tensor:
    return randn(shape, dtype=dtype, device=device)
