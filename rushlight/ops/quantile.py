"""Quantiles: values below which a share of the elements lies, between neighbours where needed."""

from __future__ import annotations

from typing import Any

from rushlight.base import dtypes
from rushlight.base.errors import operands
from rushlight.base.shapes import normalize_dim
from rushlight.families.composite import composite
from rushlight.ops.creation import tensor
from rushlight.ops.sorting import sort
from rushlight.tensor import Tensor

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _shares(name: str, input: Tensor, q: Any, interpolation: str) -> Any:
    """`q` as a tensor, checked as torch does."""
    if not input._array.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype, not "
                           f"{input.dtype.name}")
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q}")
        q = tensor(q, dtype=input.dtype, device=input.device)
    if q.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor: {operands(q=q)}")
    if q.dtype is not input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor: "
                           f"{operands(input=input, q=q)}")
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, "
                           f"midpoint or nearest, but got {interpolation}")
    if not q.is_meta and not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    return q


def _quantile(name: str, input: Any, q: Any, dim: Any, keepdim: bool, interpolation: str) -> Any:
    q = _shares(name, input, q, interpolation)
    if dim is None:
        rows, kept = input.reshape(-1), (1,) * input.ndim
    else:
        dim = normalize_dim(dim, input.ndim)
        rows = input.movedim(dim, -1) if input.ndim else input.reshape(1)
        kept = tuple(1 if i == dim else n for i, n in enumerate(input.shape))
    values = sort(rows, -1)[0]  # (..., n)
    last: Any = values.shape[-1] - 1
    if name == "nanquantile":
        last = ((~values.isnan()).sum(-1, keepdim=True) - 1).clamp(min=0)
    ranks = (q.reshape(-1) * last).expand(*values.shape[:-1], q.numel())  # (..., q)
    if name == "quantile":  # NaN stands last: where there is one, all quantiles are NaN
        ranks = ranks.masked_fill(values.isnan().any(-1, keepdim=True), last)
    result = _between(values, ranks, interpolation)
    if not q.ndim:
        result = result.squeeze(-1)
        return result.reshape(kept) if keepdim else result
    result = result.movedim(-1, 0)
    return result.reshape(q.numel(), *kept) if keepdim else result


def _between(values: Any, ranks: Any, interpolation: str) -> Any:
    """The values at `ranks`, which may fall between two of them."""
    if interpolation == "lower":
        ranks = ranks.floor()
    elif interpolation == "higher":
        ranks = ranks.ceil()
    elif interpolation == "nearest":
        ranks = ranks.round()
    below = ranks.detach().long()
    low = values.gather(-1, below)
    if interpolation not in ("linear", "midpoint"):
        return low
    high = values.gather(-1, ranks.detach().ceil().long())
    weight = ranks - below if interpolation == "linear" else 0.5
    return low.lerp(high, weight)


@composite("quantile", out=True, samples=lambda x: [
    (x(5), 0.3), (x(3, 4), x.tensor([0.1, 0.6]).double(), 1, True),
    (x(5), 0.3, {"interpolation": "lower"}), (x(5), 0.3, {"interpolation": "midpoint"})])
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
             interpolation: str = "linear") -> Tensor:
    """The q-quantiles along `dim`, or of all elements; NaN where there is one.

    q: a number in [0, 1], or a tensor of them, (k,), whose dimension comes first in the result.
    interpolation: "linear", "lower", "higher", "nearest" or "midpoint" between neighbours.

    >>> import rushlight as rl
    >>> rl.quantile(rl.tensor([0., 10., 20.]), 0.25)
    tensor(5.)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation)


@composite("nanquantile", out=True, samples=lambda x: [
    (x(5), 0.3), (x(3, 4), x.tensor([0.1, 0.6]).double(), 1, True)])
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *,
                interpolation: str = "linear") -> Tensor:
    """The q-quantiles of what is not NaN: see quantile.

    >>> import rushlight as rl
    >>> rl.nanquantile(rl.tensor([0., float("nan"), 10.]), 0.5)
    tensor(5.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation)
