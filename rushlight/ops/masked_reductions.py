"""Reductions over the elements that a mask selects: masked.sum, masked.mean, masked.softmax, ...

What the mask leaves out is replaced by the reduction's identity: 0 for a sum, -inf for a maximum.
A slice without any element gives that identity, or NaN where there is none.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.shapes import normalize_dims
from rushlight.families.composite import function
from rushlight.ops.norm import vector_norm
from rushlight.tensor import Tensor


def _mask_of(input: Any, mask: Any) -> Any:
    """The mask in the shape of `input`; all true where none is given."""
    if mask is None:
        return input.new_ones(input.shape, dtype=dtypes.bool_)
    return mask.bool().expand(input.shape)


def _filled(name: str, input: Any, mask: Any, identity: float) -> Any:
    """`input` with an identity, or the nearest number of its dtype, where the mask is false."""
    d = input.dtype
    if math.isinf(identity) and d.category < 2:
        if d is dtypes.bool_:
            raise NotImplementedError(f"identity of {name} on {d} input")
        limits = np.iinfo(d.array)
        identity = int(limits.max if identity > 0 else limits.min)
    return input if mask is None else input.masked_fill(~_mask_of(input, mask), identity)


def _dims(input: Any, dim: Any) -> tuple[int, ...]:
    return normalize_dims(None if dim == () or not input.ndim else dim, input.ndim)


def _cast(input: Any, dtype: Any, summing: bool = False) -> Any:
    """`input` as the dtype asked for; sums of narrow integers are int64."""
    if dtype is None:
        return input.long() if summing and input.dtype.category < 2 else input
    return input.to(dtypes.as_dtype(dtype))


@function("masked.sum", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > 0})])
def sum_(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
         mask: Any = None) -> Tensor:
    """The sum over `dim` (None or (): all) of the elements where `mask` is true.

    mask: a boolean tensor that broadcasts to the input; None selects all.

    >>> import rushlight as rl
    >>> rl.masked.sum(rl.tensor([1, 2, 4]), mask=rl.tensor([True, False, True]))
    tensor(5)
    """
    x = _filled("sum", _cast(input, dtype, summing=True), mask, 0)
    return x.sum(_dims(x, dim), bool(keepdim), dtype=x.dtype)


@function("masked.prod", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > 0})])
def prod(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
         mask: Any = None) -> Tensor:
    """The product over `dim` (None or (): all) of the elements where `mask` is true."""
    x = _filled("prod", _cast(input, dtype, summing=True), mask, 1)
    for d in sorted(_dims(x, dim), reverse=True):
        x = x.prod(d, bool(keepdim), dtype=x.dtype)
    return x


def _extreme(name: str, identity: float, words: str) -> None:
    def reduce(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
               mask: Any = None) -> Tensor:
        x = _filled(name, _cast(input, dtype), mask, identity)
        return getattr(x, name)(_dims(x, dim), bool(keepdim))

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = (f"The {words} over `dim` (None or (): all) of the elements where `mask` is "
                      "true.")
    globals()[name] = function(f"masked.{name}", samples=lambda x: [
        (x(2, 3), 1, {"mask": x(2, 3) > 0})])(reduce)


def _place(name: str, identity: float, words: str) -> None:
    def reduce(input: Any, dim: int | None = None, *, keepdim: bool | None = False,
               dtype: Any = None, mask: Any = None) -> Tensor:
        x = _filled(name, _cast(input, dtype), mask, identity)
        return getattr(x, name)(dim, bool(keepdim)).to(x.dtype)

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = (f"The index along `dim` (None: in the flat tensor) of the {words} of the "
                      "elements where `mask`\n    is true, in the input's dtype as in torch.")
    globals()[name] = function(f"masked.{name}")(reduce)


_extreme("amax", -math.inf, "maximum")
_extreme("amin", math.inf, "minimum")
_place("argmax", -math.inf, "maximum")
_place("argmin", math.inf, "minimum")


@function("masked.cumsum", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > 0})])
def cumsum(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """The cumulative sum along `dim` of the elements where `mask` is true."""
    x = _filled("cumsum", _cast(input, dtype), mask, 0)
    return x.cumsum(dim, dtype=x.dtype)


@function("masked.cumprod", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > 0})])
def cumprod(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
    """The cumulative product along `dim` of the elements where `mask` is true."""
    x = _filled("cumprod", _cast(input, dtype), mask, 1)
    return x.cumprod(dim, dtype=x.dtype)


def _count(x: Any, mask: Any, dims: tuple[int, ...], keepdim: bool) -> Any:
    """How many elements are selected over `dims`, in the dtype of `x`."""
    return _mask_of(x, mask).sum(dims, keepdim).to(x.dtype)


@function("masked.mean", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > -1})])
def mean(input: Any, dim: Any = None, *, keepdim: bool | None = False, dtype: Any = None,
         mask: Any = None) -> Tensor:
    """The mean over `dim` (None or (): all) of the elements where `mask` is true; NaN of none.

    Raises ValueError for integers unless a dtype is given.

    >>> import rushlight as rl
    >>> rl.masked.mean(rl.tensor([1., 2., 4.]), mask=rl.tensor([True, False, True]))
    tensor(2.5000)
    """
    x = _cast(input, dtype)
    if x.dtype.category < 2:
        raise ValueError("mean(): Could not infer output dtype. Input dtype must be either a "
                         f"floating point or complex dtype. Got: {x.dtype}")
    dims, keep = _dims(x, dim), bool(keepdim)
    return _filled("mean", x, mask, 0).sum(dims, keep) / _count(x, mask, dims, keep)


@function("masked.median", samples=lambda x: [(x(2, 5), 1, {"mask": x(2, 5) > -1})])
def median(input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None,
           mask: Any = None) -> Tensor:
    """The lower median along `dim` of the elements where `mask` is true; NaN of none."""
    x = _cast(input, dtype)
    if mask is not None:
        if x.dtype.category < 2:
            raise NotImplementedError(f"identity of median on {x.dtype} input: convert it with "
                                      ".float()")
        x = _filled("median", x, mask, math.nan)
    return (x.nanmedian if x.is_floating_point() else x.median)(dim, keepdim).values


@function("masked.norm", samples=lambda x: [(x(2, 3), 3.0, 1, {"mask": x(2, 3) > 0})])
def norm(input: Any, ord: float | None = 2.0, dim: Any = None, *, keepdim: bool | None = False,
         dtype: Any = None, mask: Any = None) -> Tensor:
    """The norm of order `ord` over `dim` (None or (): all) of the elements where `mask` is true."""
    order = 2.0 if ord is None else ord
    x = _cast(input, dtype)
    x = _filled("norm", x, mask, math.inf if order == -math.inf else 0)
    return vector_norm(x, order, _dims(x, dim), bool(keepdim))


def _variance(input: Any, dim: Any, unbiased: bool | None, correction: float | None,
              keepdim: bool, dtype: Any, mask: Any) -> Any:
    if unbiased is not None and correction is not None:
        raise ValueError("var(): unbiased and correction cannot both be given")
    x = _cast(input, dtype)
    if x.dtype.category < 2:
        x = x.to(dtypes.default_dtype())
    dims = _dims(x, dim)
    less = correction if correction is not None else float(unbiased is not False)
    count = _count(x, mask, dims, True)
    apart = x - _filled("var", x, mask, 0).sum(dims, True) / count
    square = apart * apart.conj()
    total = _filled("var", square, mask, 0).sum(dims, keepdim)
    count = _mask_of(x, mask).sum(dims, keepdim)
    return total / (count - less).clamp_min(0).to(x.dtype)


@function("masked.var", samples=lambda x: [(x(2, 5), 1, {"mask": x(2, 5) > -1})])
def var(input: Any, dim: Any = None, unbiased: bool | None = None, *,
        correction: float | None = None, keepdim: bool | None = False, dtype: Any = None,
        mask: Any = None) -> Tensor:
    """The variance over `dim` (None or (): all) of the elements where `mask` is true.

    The squares' sum is divided by the number of elements less `correction` (1; 0 if not unbiased).
    """
    return _variance(input, dim, unbiased, correction, bool(keepdim), dtype, mask)


@function("masked.std", samples=lambda x: [(x(2, 5), 1, {"mask": x(2, 5) > -1})])
def std(input: Any, dim: Any = None, unbiased: bool | None = None, *,
        correction: float | None = None, keepdim: bool | None = False, dtype: Any = None,
        mask: Any = None) -> Tensor:
    """The standard deviation over `dim` of the elements where `mask` is true: the root of `var`."""
    return _variance(input, dim, unbiased, correction, bool(keepdim), dtype, mask).sqrt()


def _weights(name: str, identity: float, words: str) -> None:
    def weigh(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
        x = _filled(name, _cast(input, dtype), mask, identity)
        if name == "softmin":
            return (-x).softmax(dim)
        return getattr(x, name)(dim)

    weigh.__name__ = weigh.__qualname__ = name
    weigh.__doc__ = f"The {words} along `dim` of the elements where `mask` is true; NaN of none."
    globals()[name] = function(f"masked.{name}", samples=lambda x: [
        (x(2, 4), 1, {"mask": x(2, 4) > -1})])(weigh)


_weights("softmax", -math.inf, "softmax")
_weights("log_softmax", -math.inf, "logarithm of the softmax")
_weights("softmin", math.inf, "softmax of the negatives")


@function("masked.normalize", samples=lambda x: [(x(2, 3), 2.0, 1, {"mask": x(2, 3) > 0})])
def normalize(input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None,
              mask: Any = None) -> Tensor:
    """x / max(norm of x along `dim`, eps) where `mask` is true, 0 elsewhere."""
    x = _cast(input, dtype)
    length = norm(x, ord, dim, keepdim=True, mask=mask).clamp_min(eps)
    return _filled("normalize", x, mask, 0) / length


@function("masked.logsumexp", samples=lambda x: [(x(2, 3), 1, {"mask": x(2, 3) > 0})])
def logsumexp(input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None,
              mask: Any = None) -> Tensor:
    """log(sum(exp(x))) over `dim` (None or (): all) of the elements where `mask` is true."""
    x = _filled("logsumexp", _cast(input, dtype), mask, -math.inf)
    return x.logsumexp(_dims(x, dim), keepdim).to(x.dtype)


@function("masked.logaddexp", samples=lambda x: [(x(2, 3), x(2, 3), {"input_mask": x(2, 3) > 0})])
def logaddexp(input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None,
              other_mask: Any = None) -> Tensor:
    """log(exp(input) + exp(other)), each counted where its mask is true."""
    a, b = _cast(input, dtype), _cast(other, dtype)
    return _filled("logaddexp", a, input_mask, -math.inf).logaddexp(
        _filled("logaddexp", b, other_mask, -math.inf))
