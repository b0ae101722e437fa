"""Attention within ragged sequences: each looks at its own steps, no scores over padding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight.backends import attention as kernels
from rushlight.base import dtypes
from rushlight.families.declaration import FUNCTIONS
from rushlight.families.override import title
from rushlight.ops.sequence_attention import one_by_one, sequence_attention
from rushlight.sequences.ragged import Ragged
from rushlight.sequences.rules import no_meaning, rule
from rushlight.tensor import Tensor

linear = FUNCTIONS["nn.functional.linear"]
Mask = Callable[[int, int, int], Any]  # of a sequence's number and lengths: its mask


@rule("nn.functional.scaled_dot_product_attention")
def scaled_dot_product_attention(function: Any, query: Any, key: Any, value: Any,
                                 attn_mask: Any = None, dropout_p: float = 0.0,
                                 is_causal: bool = False, scale: float | None = None,
                                 enable_gqa: bool = False) -> Ragged:
    """(batch, time, dim), or (batch, time, heads, dim); sequence i of query looks at i of key.

    attn_mask: dense (targets, sources) of at least the greatest lengths; its corner is used.
    """
    _ragged(function, query=query, key=key, value=value)
    if enable_gqa or query.ndim not in (3, 4) or {key.ndim, value.ndim} != {query.ndim}:
        raise no_meaning(function, (query,), "but for (batch, time, dim) and (batch, time, heads, "
                                             "dim) with as many heads")
    values = [x.values if x.ndim == 4 else x.values.unsqueeze(1) for x in (query, key, value)]
    found = attend(values, query, key, _corner(function, attn_mask, query, key), dropout_p,
                   is_causal, scale)
    return query.with_values(found if query.ndim == 4 else found.squeeze(1))


def _ragged(function: Any, **operands: Any) -> None:
    """Refuse dense operands, and other numbers of sequences."""
    for name, each in operands.items():
        if not isinstance(each, Ragged):
            raise TypeError(f"{title(function)}(): argument '{name}' must be ragged where another "
                            f"is, not {type(each).__name__}; make it so with rl.ragged()")
    query, key, value = operands.values()
    if len(query) != len(key) or not key.layout.agrees(value.layout):
        shown = ", ".join(f"{name} {each._short()}" for name, each in operands.items())
        raise RuntimeError(f"{title(function)}(): query and key need as many sequences, key and "
                           f"value the same lengths: {shown}")


def attend(values: list[Tensor], query: Ragged, key: Ragged, mask: Mask | None, dropout_p: float,
           causal: bool, scale: float | None = None) -> Any:
    """Attention of (steps, heads, dim) queries, keys and values within each sequence."""
    targets, sources = query.layout.offsets, key.layout.offsets
    factor = 1 / math.sqrt(max(values[0].size(-1), 1)) if scale is None else scale
    one_dtype = values[0].dtype is values[1].dtype is values[2].dtype
    fused = mask is None and dropout_p == 0 and factor > 0 and one_dtype and kernels.serves(
        values[0]._array) and min(x.numel() for x in values) > 0
    if fused and values[0].shape[1:] == values[1].shape[1:]:
        return sequence_attention(*values, targets, sources, causal, factor)
    return one_by_one(*values, targets=targets, sources=sources, causal=causal, scale=scale,
                      mask=mask, dropout_p=dropout_p)


def _corner(function: Any, mask: Any, query: Ragged, key: Ragged, heads: int = 0) -> Mask | None:
    """The part of a dense mask, (targets, sources) or (batch * heads, ...), for each sequence."""
    if mask is None:
        return None
    wanted = (query.layout.longest, key.layout.longest)
    batched = heads > 0 and isinstance(mask, Tensor) and mask.ndim == 3
    if not isinstance(mask, Tensor) or mask.ndim != 2 + batched or any(
            size < least for size, least in zip(mask.shape[-2:], wanted, strict=True)):
        shown = tuple(mask.shape) if hasattr(mask, "shape") else type(mask).__name__
        raise RuntimeError(f"{title(function)}(): attn_mask must be a dense tensor (targets, "
                           f"sources), at least {wanted} for {query._short()} and {key._short()}, "
                           f"but got {shown}")
    if batched:
        return lambda number, n, m: mask[number * heads:(number + 1) * heads, :n, :m]
    return lambda number, n, m: mask[:n, :m]


@rule("nn.functional.multi_head_attention_forward")
def multi_head_attention_forward(
        function: Any, query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int,
        in_proj_weight: Any, in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: bool,
        dropout_p: float, out_proj_weight: Any, out_proj_bias: Any, training: bool = True,
        key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
        use_separate_proj_weight: bool = False, q_proj_weight: Any = None,
        k_proj_weight: Any = None, v_proj_weight: Any = None, static_k: Any = None,
        static_v: Any = None, average_attn_weights: bool = True,
        is_causal: bool = False) -> tuple[Ragged, Any]:
    """(ragged output, the list of each sequence's weights or None), all (batch, time, width)."""
    _ragged(function, query=query, key=key, value=value)
    if key_padding_mask is not None:
        raise TypeError(f"{title(function)}(): key_padding_mask is for padded tensors; ragged "
                        "sequences have no padding")
    if query.size(-1) != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got "
                             f"{query.size(-1)}")
    others = {"bias_k": bias_k, "bias_v": bias_v, "static_k": static_k, "static_v": static_v,
              "add_zero_attn": add_zero_attn or None}
    for name, given in others.items():
        if given is not None:
            raise TypeError(f"{title(function)}(): {name} is not for ragged sequences; pad them "
                            "with to_padded() and give key_padding_mask")
    weights = [q_proj_weight, k_proj_weight, v_proj_weight] if use_separate_proj_weight else (
        in_proj_weight)
    values = _projected(query, key, value, weights, in_proj_bias, num_heads)
    mask = None if is_causal and not need_weights else _corner(function, attn_mask, query, key,
                                                               num_heads)
    mask = _seen(mask)
    p = dropout_p if training else 0.0
    causal = is_causal and mask is None
    found = attend(values, query, key, mask, p, causal)
    output = query.with_values(linear(found.flatten(1), out_proj_weight, out_proj_bias))
    if not need_weights:
        return output, None
    return output, _weights(values, query, key, mask, causal, average_attn_weights)


def _seen(mask: Mask | None) -> Mask | None:
    """A mask for multi-head attention, True where not to look, as one for the function."""
    if mask is None:
        return None

    def found(number: int, n: int, m: int) -> Any:
        own = mask(number, n, m)
        return ~own if own.dtype is dtypes.bool_ else own

    return found


def _projected(query: Any, key: Any, value: Any, weights: Any, bias: Any,
               heads: int) -> list[Tensor]:
    """Queries, keys and values (steps, heads, dim)."""
    biases = [None] * 3 if bias is None else bias.chunk(3)
    if query is key and key is value and not isinstance(weights, list):
        parts = linear(query.values, weights, bias).chunk(3, -1)
    else:
        weights = weights if isinstance(weights, list) else weights.chunk(3)
        parts = [linear(x.values, w, b)
                 for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    return [part.unflatten(-1, (heads, -1)) for part in parts]


def _weights(values: list[Tensor], query: Ragged, key: Ragged, mask: Mask | None, causal: bool,
             average: bool) -> list[Tensor]:
    """What each sequence looks at: (targets, sources), or (heads, targets, sources)."""
    found = []
    pairs = zip(query.with_values(values[0]), key.with_values(values[1]), strict=True)
    for number, (q, k) in enumerate(pairs):
        scores = (q.transpose(0, 1) / math.sqrt(q.size(-1))) @ k.permute(1, 2, 0)
        own = None if mask is None else mask(number, len(q), len(k))
        if causal:
            own = scores.new_ones(scores.shape[-2:]).tril().bool()
        if own is not None:
            scores = scores.masked_fill(~own, -math.inf) if own.dtype is dtypes.bool_ else (
                scores + own)
        weights = scores.softmax(-1)
        found.append(weights.mean(0) if average else weights)
    return found
