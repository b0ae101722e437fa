"""NumPy forms of `backends/cpu/attention.py`: the same arguments and results, in blocks of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = Any  # an np.ndarray
SCORES = 1 << 20  # elements of the scores that exist at once, about


def _blocks(q: Array, k: Array, mask: Array | None, causal: bool, scale: float,
            ) -> Iterator[tuple[slice, int, Array]]:
    """Rows, the number of keys that they see, and their scores."""
    batch, heads, nq, _ = q.shape
    nk = k.shape[2]
    block = max(1, min(nq, SCORES // (batch * heads * nk)))
    for first in range(0, nq, block):
        rows = slice(first, min(nq, first + block))
        keys = min(nk, rows.stop) if causal else nk
        scores = q[:, :, rows] @ k[:, :, :keys].swapaxes(2, 3) * q.dtype.type(scale)
        if mask is not None:
            scores += mask[:, :, rows, :keys]
        if causal:
            hidden = np.arange(keys) > np.arange(first, rows.stop)[:, None]
            np.copyto(scores, -np.inf, where=hidden)
        yield rows, keys, scores


def _shared(q: Array, *others: Array) -> list[Array]:
    """Keys and values for every head of the queries."""
    group = q.shape[1] // others[0].shape[1]
    return [x if group == 1 else np.repeat(x, group, 1) for x in others]


def forward(q: Array, k: Array, v: Array, mask: Array | None, causal: bool, scale: float,
            ) -> tuple[Array, Array]:
    """(output, logarithm of each row's sum; inf for rows that may look nowhere)"""
    k, v = _shared(q, k, v)
    out, lse = np.empty((*q.shape[:3], v.shape[3]), q.dtype), np.empty(q.shape[:3], q.dtype)
    with np.errstate(all="ignore"):
        for rows, keys, scores in _blocks(q, k, mask, causal, scale):
            largest = scores.max(-1, keepdims=True)
            shift = np.where(largest == -np.inf, 0, largest)
            weights = np.exp(scores - shift)
            total = weights.sum(-1, keepdims=True)
            weights /= np.where(total == 0, 1, total)
            out[:, :, rows] = weights @ v[:, :, :keys]
            lse[:, :, rows] = np.where(total == 0, np.inf, np.log(total) + shift)[..., 0]
    return out, lse


def backward(gradient: Array, q: Array, k: Array, v: Array, mask: Array | None, causal: bool,
             scale: float, out: Array, lse: Array) -> tuple[Array, Array, Array]:
    """The gradients of q, k and v."""
    own = k.shape[1]
    k, v = _shared(q, k, v)
    gq, gk, gv = np.empty_like(q), np.zeros_like(k), np.zeros_like(v)
    delta = (gradient * out).sum(-1, keepdims=True)
    with np.errstate(all="ignore"):
        for rows, keys, scores in _blocks(q, k, mask, causal, scale):
            weights = np.exp(scores - lse[:, :, rows, None])
            g = gradient[:, :, rows]
            slopes = g @ v[:, :, :keys].swapaxes(2, 3) - delta[:, :, rows]
            slopes *= weights * q.dtype.type(scale)
            gq[:, :, rows] = slopes @ k[:, :, :keys]
            gk[:, :, :keys] += slopes.swapaxes(2, 3) @ q[:, :, rows]
            gv[:, :, :keys] += weights.swapaxes(2, 3) @ g
    if own != q.shape[1]:
        gk, gv = (x.reshape(len(x), own, -1, *x.shape[2:]).sum(2) for x in (gk, gv))
    return gq, gk, gv
