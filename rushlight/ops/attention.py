"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rushlight.base.errors import operands
from rushlight.families.composite import function
from rushlight.ops.dropout import dropout
from rushlight.ops.softmax import softmax
from rushlight.tensor import Tensor, wrap


@function("nn.functional.scaled_dot_product_attention")
def scaled_dot_product_attention(query: Any, key: Any, value: Any, attn_mask: Any = None,
                                 dropout_p: float = 0.0, is_causal: bool = False,
                                 scale: float | None = None,
                                 enable_gqa: bool = False) -> Tensor:
    """softmax(query key^T * scale + mask) value (Vaswani et al., 2017).

    query: (..., heads, targets, dim), key: (..., heads, sources, dim), value: (..., heads,
    sources, dim_v). attn_mask: bool (True takes part) or added numbers, broadcastable to
    (..., targets, sources). scale: 1 / sqrt(dim) if None. enable_gqa: fewer heads of key and
    value are shared by groups of query's.

    >>> import rushlight as rl
    >>> q = rl.ones(1, 2, 4)
    >>> rl.nn.functional.scaled_dot_product_attention(q, q, q).shape
    torch.Size([1, 2, 4])
    """
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(
            f"The size of tensor a ({query.shape[-1]}) must match the size of tensor b "
            f"({key.shape[-1]}): scaled_dot_product_attention("
            f"{operands(query=query, key=key, value=value)}); query and key differ in the last "
            "dimension")
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key = key.repeat_interleave(groups, -3)
        value = value.repeat_interleave(groups, -3)
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * factor) @ key.mT
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be "
                               "set when is_causal=True")
        attn_mask = wrap(np.tri(query.shape[-2], key.shape[-2], dtype=np.bool_))
    if attn_mask is not None:
        if attn_mask._array.dtype == np.bool_:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        else:
            scores = scores + attn_mask
    weights: Any = softmax(scores, -1)
    if attn_mask is not None and attn_mask._array.dtype == np.bool_:
        weights = weights.masked_fill(scores.isneginf().all(-1, keepdim=True), 0)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return weights @ value
