"""Scaled dot-product attention."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.base import dtypes
from rushlight.base.errors import operands, type_name
from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.families.composite import function
from rushlight.families.inplace import title
from rushlight.families.library import library
from rushlight.families.recompute import recorded_gradients
from rushlight.families.rounded_once import is_half, rounded_once
from rushlight.ops.dropout import dropout
from rushlight.ops.softmax import softmax
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends import attention
else:
    attention = Deferred("rushlight.backends.attention", globals())


@library("_attention")
class _attention:
    """softmax(scale query key^T + mask) value, without a matrix of all scores."""

    keeps = ("total",)
    node = "scaled_dot_product_flash_attention_for_cpu"

    def forward(query, key, value, mask: Operand = None, causal: Option = False,
                scale: Option = 1.0):
        return attention.forward(query, key, value, mask, causal, scale)

    def backward(gradient, query, key, value, mask, output, total, needs, causal, scale):
        if flags.grad_enabled:
            return recorded_gradients(partial(_composed, causal=causal, scale=scale),
                                      (query, key, value, mask), (gradient,), needs)
        found = attention.backward(
            gradient._array, query._array, key._array, value._array,
            None if mask is None else mask._array, causal, scale, output._array, total)
        return *(wrap(g) if need else None for g, need in zip(found, needs)), None


def _composed(query: Any, key: Any, value: Any, mask: Any, causal: bool, scale: float,
              dropout_p: float = 0.0) -> Tensor:
    """Attention in terms of other ops: for second derivatives, dropout and learnt masks."""
    if is_half(query):
        wide = partial(_composed, causal=causal, scale=scale, dropout_p=dropout_p)
        return rounded_once(wide, query, key, value, mask)  # type: ignore[no-any-return]
    if query.shape[:-2] != key.shape[:-2] and query.ndim > 2 and key.shape[-3] > 1:
        groups = query.shape[-3] // key.shape[-3]
        key, value = (x.repeat_interleave(groups, -3) for x in (key, value))
    scores = (query * scale) @ key.mT
    if causal:
        seen = wrap(np.tri(query.shape[-2], key.shape[-2], dtype=np.bool_))
        scores = scores.masked_fill(~seen, -math.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype is dtypes.bool_ else (
            scores + mask)
    weights: Any
    if mask is None:
        weights = softmax(scores, -1)
    else:  # rows that may look nowhere give zeros, with gradients that are zeros
        nowhere = scores.isneginf().all(-1, keepdim=True)
        weights = softmax(scores.masked_fill(nowhere, 0), -1).masked_fill(nowhere, 0)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return weights @ value  # type: ignore[no-any-return]


def _fits(query: Any, key: Any, value: Any, mask: Any, scale: float) -> bool:
    """Whether the fused op takes these; if not, the composed form does, or says what is wrong."""
    q, k, v = query._array, key._array, value._array
    if not (attention.serves(q) and q.dtype == k.dtype == v.dtype and 0 < scale < math.inf):
        return False
    if mask is not None and (mask._node is not None or type(mask._array) is not np.ndarray):
        return False
    return (q.ndim >= 2 and q.shape[:-3] == k.shape[:-3] and k.shape[:-1] == v.shape[:-1]
            and (q.ndim == 2 or q.shape[-3] % max(k.shape[-3], 1) == 0)
            and q.size > 0 and k.size > 0 and v.size > 0)


@function("nn.functional.scaled_dot_product_attention", samples=lambda x: [
    (x(1, 3, 2), x(1, 4, 2), x(1, 4, 3)),
    (x(3, 2), x(3, 2), x(3, 2), {"is_causal": True, "scale": 0.5}),
    (x(1, 2, 2), x(1, 3, 2), x(1, 3, 2), x(2, 3)),
    (x(1, 2, 2, 2), x(1, 1, 3, 2), x(1, 1, 3, 2), {"enable_gqa": True})])
def scaled_dot_product_attention(query: Any, key: Any, value: Any, attn_mask: Any = None,
                                 dropout_p: float = 0.0, is_causal: bool = False,
                                 scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:
    """softmax(query key^T * scale + mask) value (Vaswani et al., 2017).

    query: (..., heads, targets, dim), key: (..., heads, sources, dim), value: (..., heads,
    sources, dim_v). attn_mask: bool (True takes part) or added numbers, broadcastable to
    (..., targets, sources). is_causal: targets look at sources up to their own place. scale:
    1 / sqrt(dim) if None. enable_gqa: fewer heads of key and value are shared by groups of
    query's. Rows that may look nowhere are zeros. Memory grows with targets + sources, not with
    their product (Dao et al., 2022).

    >>> import rushlight as rl
    >>> q = rl.ones(1, 2, 4)
    >>> rl.nn.functional.scaled_dot_product_attention(q, q, q).shape
    torch.Size([1, 2, 4])
    """
    if attn_mask is not None and is_causal and not _blocked_in_torch(query, value, attn_mask,
                                                                     dropout_p):
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set "
                           "when is_causal=True: give one of the two")
    return attend(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)


def _blocked_in_torch(query: Any, value: Any, attn_mask: Any, dropout_p: float) -> bool:
    """Whether torch has a blocked kernel for these: that one takes a mask and is_causal at once."""
    return (query.ndim == 4 and query.shape[-1] == value.shape[-1] and not dropout_p
            and not attn_mask.requires_grad)


def attend(query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
           is_causal: bool = False, scale: float | None = None,
           enable_gqa: bool = False) -> Tensor:
    """`scaled_dot_product_attention` with a mask, the causal one, or both."""
    if attn_mask is not None or dropout_p != 0 or not _plain(query, key, value):
        _check(query, key, value, attn_mask, dropout_p, enable_gqa)
    factor = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    mask = attn_mask
    if mask is not None and mask.dtype is not dtypes.bool_ and mask.dtype is not query.dtype:
        mask = mask.to(query.dtype)
    if dropout_p == 0 and _fits(query, key, value, mask, factor):
        return _attention(query, key, value, mask, is_causal, factor)  # type: ignore
    return _composed(query, key, value, mask, is_causal, factor, dropout_p)


def _plain(query: Any, key: Any, value: Any) -> bool:
    """Whether they are tensors of one dtype, (batch, heads, time, dim), as they are as a rule."""
    if not type(query) is type(key) is type(value) is Tensor:
        return False
    q, k, v = query._array, key._array, value._array
    a, b, c = q.shape, k.shape, v.shape
    return (q.dtype is k.dtype is v.dtype and q.dtype.kind == "f" and a[:2] == b[:2] == c[:2]
            and len(a) == len(b) == len(c) == 4 and a[3] == b[3])


def _check(query: Any, key: Any, value: Any, mask: Any, dropout_p: float,
           enable_gqa: bool) -> None:
    named = {"query": query, "key": key, "value": value}
    for place, (name, x) in enumerate([*named.items(), ("attn_mask", mask)]):
        if not isinstance(x, Tensor) and (x is not None or name != "attn_mask"):
            raise TypeError(f"scaled_dot_product_attention(): argument '{name}' (position "
                            f"{place + 1}) must be Tensor, not {type_name(x)}")
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        dims = ", ".join(f"{name}.dim: {x.ndim}" for name, x in named.items())
        raise RuntimeError("Expected query, key, and value to all be  at least 2 dimensional, but "
                           f"got {dims} instead: {_shown(named)}")
    if not query.dtype is key.dtype is value.dtype:
        kinds = ", ".join(f"{name}.dtype: {x.dtype}" for name, x in named.items())
        raise RuntimeError("Expected query, key, and value to have the same dtype, but got "
                           f"{kinds} instead: {_shown(named)}")
    if query.shape[-1] != key.shape[-1]:
        batch = math.prod(query.shape[:-2])
        problem = (
            f"Expected size for first two dimensions of batch2 tensor to be: "
            f"[{batch}, {query.shape[-1]}] but got: [{batch}, {key.shape[-1]}]."
            if query.ndim > 2 else
            f"mat1 and mat2 shapes cannot be multiplied ({query.shape[0]}x{query.shape[1]} and "
            f"{key.shape[1]}x{key.shape[0]}):")
        raise RuntimeError(f"{problem} {_shown(named)}; query and key differ in the last dimension")
    if min(query.ndim, key.ndim, value.ndim) > 2 and query.shape[-3] != key.shape[-3]:
        _check_heads(named, enable_gqa)
    if query.dtype.category < 2:
        raise RuntimeError(f"expected scalar type Float but found {title(query.dtype)}: "
                           f"{_shown(named)}")
    if mask is not None:
        _check_mask(query, key, mask)
    if mask is not None and mask.dtype not in (dtypes.bool_, dtypes.float32, query.dtype):
        raise RuntimeError("Expected attn_mask dtype to be bool or float or to match query dtype, "
                           f"but got attn_mask.dtype: {mask.dtype} and  query.dtype: "
                           f"{query.dtype} instead.")
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(
            f"dropout probability has to be between 0 and 1, but got {dropout_p}")


def _check_mask(query: Any, key: Any, mask: Any) -> None:
    scores = (*query.shape[:-1], key.shape[-2])
    for place in range(1, min(mask.ndim, len(scores)) + 1):
        if mask.shape[-place] not in (1, scores[-place]):
            raise RuntimeError(
                f"The size of tensor a ({scores[-place]}) must match the size of tensor b "
                f"({mask.shape[-place]}) at non-singleton dimension {len(scores) - place}: "
                f"attn_mask {list(mask.shape)} has to broadcast to the scores {list(scores)}")


def _check_heads(named: dict[str, Any], enable_gqa: bool) -> None:
    queries, keys, values = (x.shape[-3] for x in named.values())
    if enable_gqa and (keys != values or queries % keys):
        raise RuntimeError("Number of heads in key and value must divide the number of heads in "
                           f"query: {queries} are no multiple of {keys} and {values}: "
                           f"{_shown(named)}")
    if not enable_gqa and 1 not in (queries, keys):
        raise RuntimeError(f"The size of tensor a ({queries}) must match the size of tensor b "
                           f"({keys}) at non-singleton dimension -3: {_shown(named)}; heads may "
                           "be fewer with enable_gqa=True")


def _shown(named: dict[str, Any]) -> str:
    return f"scaled_dot_product_attention({operands(**named)})"
