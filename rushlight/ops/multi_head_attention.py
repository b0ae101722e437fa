"""Multi-head attention: projections around scaled dot-product attention."""

from __future__ import annotations

import math
import warnings
from typing import Any

from rushlight.base import dtypes
from rushlight.families.composite import function
from rushlight.ops.attention import attend
from rushlight.ops.creation import zeros_like
from rushlight.ops.dropout import dropout
from rushlight.ops.joining import cat
from rushlight.ops.matmul import linear, matmul
from rushlight.ops.softmax import softmax
from rushlight.tensor import Tensor

MINUS_INFINITY = float("-inf")


@function("nn.functional.multi_head_attention_forward", samples=lambda x: [
    (x(2, 1, 4), x(3, 1, 4), x(3, 1, 4), 4, 2, x(12, 4), x(12), None, None, False, 0.0, x(4, 4),
     x(4)), (x(2, 2), x(2, 2), x(2, 2), 2, 1, x(6, 2), None, None, None, True, 0.0, x(2, 2), None,
     {"need_weights": False})])
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project, attend in ``num_heads`` heads, project back: what ``nn.MultiheadAttention`` does.

    Args:
        query: (T, N, E) or (T, E). key, value: (S, N, *) or (S, *).
        in_proj_weight: (3 E, E), or the three ``*_proj_weight`` with use_separate_proj_weight.
        bias_k, bias_v: (1, 1, E), one more learnt key and value. add_zero_attn: one of zeros.
        key_padding_mask: (N, S); attn_mask: (T, S) or (N * heads, T, S); bool: True where not to
            look; else added to the scores.
        static_k, static_v: (N * heads, S, E / heads), used in place of projections.
        is_causal: a hint that attn_mask is the causal one.

    Returns the output, shaped as query, and the weights (N, T, S), (N, heads, T, S) without
    ``average_attn_weights``, None without ``need_weights``.

    >>> import rushlight as rl
    >>> x, w = rl.ones(3, 1, 2), rl.ones(6, 2)
    >>> output, weights = rl.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 2, 1, w, None, None, None, False, 0.0, rl.eye(2), None)
    >>> output[0], weights.shape
    (tensor([[2., 2.]]), torch.Size([1, 3, 3]))
    """
    batched = _check_dimensions(query, key, value, key_padding_mask, attn_mask)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    time, batch, width = query.shape
    _check_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    if key_padding_mask is not None:
        _check_padding(key_padding_mask, batch, key.size(0))
    if key_padding_mask is not None and attn_mask is not None:
        _warn_about_dtypes(key_padding_mask, attn_mask)
    padding = _added_mask(key_padding_mask, "key_padding_mask", query)
    causal = is_causal and padding is None and not need_weights
    mask = None if causal else _added_mask(attn_mask, "attn_mask", query)
    if mask is not None:
        mask = _with_heads(mask, time, key.size(0), batch, num_heads)

    if use_separate_proj_weight:
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        for name, weight in zip("qkv", weights, strict=True):
            if weight is None:
                raise AssertionError("use_separate_proj_weight is True but "
                                     f"{name}_proj_weight is None")
        _check_weights(weights, query, key, value)
    else:
        weights = in_proj_weight
    q, k, v = _project(query, key, value, weights, in_proj_bias)
    if bias_k is not None and bias_v is not None:
        k = cat([k, bias_k.repeat(1, batch, 1)])
        v = cat([v, bias_v.repeat(1, batch, 1)])
    q = _heads(q, batch, num_heads)  # (batch, heads, T, head)
    for each, static in ((k, static_k), (v, static_v)):
        if static is None and each.size(1) != batch:
            wanted = [each.size(0), batch * num_heads, width // num_heads]
            raise RuntimeError(f"shape '{wanted}' is invalid for input of size {each.numel()}: "
                               f"query has {batch} samples, key and value {each.size(1)}")
    k = _heads(k, batch, num_heads) if static_k is None else _static(static_k, q)
    v = _heads(v, batch, num_heads) if static_v is None else _static(static_v, q)
    if add_zero_attn:
        k, v = (cat([each, each.new_zeros(each[:, :, :1].shape)], 2) for each in (k, v))
    added = k.size(2) - key.size(0) if static_k is None else int(add_zero_attn)
    if added:  # the additional keys are never masked
        mask = None if mask is None else _widened(mask, added)
        padding = None if padding is None else _widened(padding, added)
    if padding is not None:
        padding = padding.view(batch, 1, 1, k.size(2))
        mask = padding if mask is None else mask + padding

    p = dropout_p if training else 0.0
    if need_weights:
        scores = matmul(q * math.sqrt(1.0 / q.size(-1)), k.transpose(-2, -1))
        weights = softmax(scores if mask is None else scores + mask, -1)
        weights = dropout(weights, p) if p > 0.0 else weights
        output = matmul(weights, v)
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        output, weights = attend(q, k, v, mask, p, causal), None
    output = output.permute(2, 0, 1, 3).reshape(time, batch, width)
    output = linear(output, out_proj_weight, out_proj_bias)
    if batched:
        return output, weights
    return output.squeeze(1), None if weights is None else weights.squeeze(0)


def _project(
    query: Tensor, key: Tensor, value: Tensor, weights: Any, bias: Tensor | None
) -> tuple[Tensor, ...]:
    """Queries, keys and values of width E; one product where the inputs are one tensor."""
    biases = (None, None, None) if bias is None else bias.chunk(3)
    if isinstance(weights, tuple):
        inputs = zip((query, key, value), weights, biases, strict=True)
        return tuple(linear(*each) for each in inputs)
    if query is key and key is value:
        return linear(query, weights, bias).chunk(3, -1)
    inputs = zip((query, key, value), weights.chunk(3), biases, strict=True)
    return tuple(linear(*each) for each in inputs)


def _heads(projected: Tensor, batch: int, heads: int) -> Tensor:
    """(time, batch, heads * head) to (batch, heads, time, head)."""
    return projected.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)


def _static(static: Tensor, q: Tensor) -> Tensor:
    """Given keys or values (batch * heads, S, head) as (batch, heads, S, head)."""
    batch, heads, _, head = q.shape
    if static.size(0) != batch * heads or static.size(2) != head:
        raise AssertionError(
            f"expecting static_k.size(0) of {batch * heads}, but got {static.size(0)}, "
            f"and size(2) of {head}, but got {static.size(2)}"
        )
    return static.unflatten(0, (batch, heads))


def _added_mask(mask: Tensor | None, name: str, query: Tensor) -> Tensor | None:
    """A mask to add to the scores: minus infinity where a bool one is True."""
    if mask is None:
        return None
    if mask.dtype is dtypes.bool_:
        return zeros_like(mask, dtype=query.dtype).masked_fill_(mask, MINUS_INFINITY)
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


def _with_heads(mask: Tensor, time: int, keys: int, batch: int, heads: int) -> Tensor:
    """A mask (T, S) or (batch * heads, T, S) as one that broadcasts to (batch, heads, T, S)."""
    wanted = (time, keys) if mask.dim() == 2 else (batch * heads, time, keys)
    if tuple(mask.shape) != wanted:
        raise RuntimeError(
            f"The shape of the {mask.dim()}D attn_mask is {mask.shape}, but should be {wanted}."
        )
    return mask if mask.dim() == 2 else mask.unflatten(0, (batch, heads))


def _widened(mask: Tensor, more: int) -> Tensor:
    """The mask with zeros for ``more`` further keys."""
    return cat([mask, mask.new_zeros((*mask.shape[:-1], more))], -1)


def _warn_about_dtypes(key_padding_mask: Tensor, attn_mask: Tensor) -> None:
    if key_padding_mask.dtype is not attn_mask.dtype:
        warnings.warn(
            "Support for mismatched key_padding_mask and attn_mask is deprecated. "
            "Use same type for both instead.",
            stacklevel=4,
        )


def _check_dimensions(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> bool:
    """Whether the inputs have a batch dimension; AssertionError if they do not agree."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.dim()}-D query tensor"
        )
    dims = query.dim()
    kind = "batched (3-D)" if dims == 3 else "unbatched (2-D)"
    if key.dim() != dims or value.dim() != dims:
        raise AssertionError(
            f"For {kind} `query`, expected `key` and `value` to be {dims}-D "
            f"but found {key.dim()}-D and {value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != dims - 1:
        raise AssertionError(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {dims - 1}-D "
            f"but found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.dim() not in (2, 3):
        raise AssertionError(
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D "
            f"but found {attn_mask.dim()}-D tensor instead"
        )
    return dims == 3


def _check_padding(mask: Tensor, batch: int, time: int) -> None:
    for place, size in enumerate((batch, time)):
        if mask.shape[place] != size:
            raise AssertionError(f"Expected key_padded_mask.shape[{place}] to be {size}, but got "
                                 f"{mask.shape[place]}")


def _check_weights(weights: Any, query: Tensor, key: Tensor, value: Tensor) -> None:
    width = query.size(-1)
    inputs = (("query", query), ("key", key), ("value", value))
    for (name, given), weight in zip(inputs, weights, strict=True):
        if tuple(weight.shape) != (width, given.size(-1)):
            raise AssertionError(f"expecting {name} weights shape of {(width, given.size(-1))}, "
                                 f"but got {weight.shape}")


def _check_sizes(
    query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, separate: bool
) -> None:
    if query.size(-1) != width:
        raise AssertionError(
            f"was expecting embedding dimension of {width}, but got {query.size(-1)}"
        )
    if width % heads != 0:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
