"""Attention within each of several sequences laid end to end: no scores between them."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rushlight.base.first_use import Deferred
from rushlight.base.flags import flags
from rushlight.families.library import library
from rushlight.families.recompute import recorded_gradients
from rushlight.ops.attention import attend
from rushlight.ops.joining import cat
from rushlight.tensor import Tensor, wrap

if TYPE_CHECKING:
    from rushlight.backends import attention
else:
    attention = Deferred("rushlight.backends.attention", globals())


def _blocks(arrays: Any, spans: Any) -> Any:
    """Each sequence's part of (steps, heads, dim) arrays, as (1, heads, time, dim)."""
    return [x[a:b].swapaxes(0, 1)[None] for x, (a, b) in zip(arrays, spans, strict=True)]


def _spans(targets: np.ndarray, sources: np.ndarray) -> list[Any]:
    """Of each sequence: where its queries, and its keys and values, begin and end."""
    one, other = targets.tolist(), sources.tolist()
    found = zip(pairwise(one), pairwise(other), strict=True)
    return [(q, k) for q, k in found if q[0] < q[1] and k[0] < k[1]]


@library("_sequence_attention")
class _sequence_attention:
    """softmax(scale query key^T) value within each sequence; (steps, heads, dim)."""

    keeps = ("totals",)

    def forward(query, key, value, targets: Option, sources: Option, causal: Option,
                scale: Option):
        output, totals = np.zeros((*query.shape[:2], value.shape[2]), query.dtype), []
        for q, k in _spans(targets, sources):
            found, total = attention.forward(*_blocks((query, key, value), (q, k, k)), None, causal,
                                             scale)
            output[q[0]:q[1]] = found[0].swapaxes(0, 1)
            totals.append(total)
        return output, totals

    def backward(gradient, query, key, value, output, totals, needs, targets, sources, causal,
                 scale):
        if flags.grad_enabled:
            composed = partial(one_by_one, targets=targets, sources=sources, causal=causal,
                               scale=scale)
            return recorded_gradients(composed, (query, key, value), (gradient,), needs)
        given = [x._array for x in (query, key, value)]
        found = [np.zeros(x.shape, x.dtype) for x in given]
        for (q, k), total in zip(_spans(targets, sources), totals, strict=True):
            dy, *blocks, y = _blocks((gradient._array, *given, output._array), (q, q, k, k, q))
            parts = attention.backward(dy, *blocks, None, causal, scale, y, total)
            for whole, (a, b), part in zip(found, (q, k, k), parts, strict=True):
                whole[a:b] = part[0].swapaxes(0, 1)
        return tuple(wrap(g) if need else None for g, need in zip(found, needs, strict=True))


def one_by_one(query: Tensor, key: Tensor, value: Tensor, *, targets: np.ndarray,
               sources: np.ndarray, causal: bool = False, scale: float | None = None,
               mask: Any = None, dropout_p: float = 0.0) -> Tensor:
    """The same in terms of attention to one sequence at a time: with masks and dropout.

    mask: from the number of a sequence and its two lengths, what is given as attn_mask.
    """
    parts = []
    one, other = targets.tolist(), sources.tolist()
    for number, (a, b) in enumerate(pairwise(one)):
        c, d = other[number], other[number + 1]
        q, k, v = (x.transpose(0, 1) for x in (query[a:b], key[c:d], value[c:d]))
        own = None if mask is None else mask(number, b - a, d - c)
        parts.append(attend(q, k, v, own, dropout_p, causal, scale)
                     .transpose(0, 1))
    return cat(parts) if parts else query.new_zeros((0, query.size(1), value.size(2)))


sequence_attention: Any = _sequence_attention  # as the function that the declaration is
