"""Masks of attention that are known by two lengths: causal from either corner."""

from __future__ import annotations

import enum
import warnings
from typing import Any

from rushlight.nn import functional as F
from rushlight.ops import empty, ones, tril
from rushlight.tensor import Tensor

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """The corner of the matrix of scores from which the diagonal of a causal mask starts."""

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(Tensor):
    """A causal mask of (seq_len_q, seq_len_kv), made only where its values are looked at.

    As `attn_mask` of `scaled_dot_product_attention`, one from the upper left (or of a square) is
    the same as `is_causal=True` and takes no memory; everywhere else it acts as the bool tensor
    that `causal_upper_left` and `causal_lower_right` show.

    Raises AssertionError where `variant` is no CausalVariant.
    """

    variant: CausalVariant
    seq_len_q: int
    seq_len_kv: int

    def __new__(cls, variant: CausalVariant, seq_len_q: int, seq_len_kv: int) -> CausalBias:
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        made: Any = empty(0).as_subclass(cls)
        made.variant, made.seq_len_q, made.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant is CausalVariant.LOWER_RIGHT:
            warnings.warn("Lower right causal bias: with seq_len_q > seq_len_kv the first queries "
                          "may look nowhere; their outputs are zeros", stacklevel=3)
        return made  # type: ignore[no-any-return]

    def _materialize(self, device: Any = None) -> Tensor:
        """The mask: True where a query may look."""
        shift = 0
        if self.variant is CausalVariant.LOWER_RIGHT:
            shift = self.seq_len_kv - self.seq_len_q
        every = ones(self.seq_len_q, self.seq_len_kv, dtype=bool, device=device)
        return tril(every, shift)  # (queries, keys)

    def __repr__(self) -> str:  # type: ignore[override]
        return repr(self._materialize())

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            return _attention(*args, **(kwargs or {}))

        named = {key: _as_values(value) for key, value in (kwargs or {}).items()}
        return func(*_as_values(tuple(args)), **named)


def _as_values(value: Any) -> Any:
    """`value` with the masks in it made."""
    if isinstance(value, CausalBias):
        return value._materialize()
    return type(value)(map(_as_values, value)) if type(value) in (tuple, list) else value


def _attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None,
               dropout_p: float = 0.0, is_causal: bool = False, scale: float | None = None,
               enable_gqa: bool = False) -> Tensor:
    if not isinstance(attn_mask, CausalBias):  # one of the others is meant as a plain tensor
        query, key, value = map(_as_values, (query, key, value))
        return F.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal,
                                              scale, enable_gqa)
    if is_causal:
        raise ValueError("CausalBias should not be used with causal=True: give one of the two")
    lengths = query.shape[-2], key.shape[-2]
    from_corner = attn_mask.variant is CausalVariant.UPPER_LEFT or lengths[0] == lengths[1]
    if from_corner and lengths == (attn_mask.seq_len_q, attn_mask.seq_len_kv):
        return F.scaled_dot_product_attention(query, key, value, None, dropout_p, True, scale,
                                              enable_gqa)
    return F.scaled_dot_product_attention(query, key, value, attn_mask._materialize(), dropout_p,
                                          False, scale, enable_gqa)


def causal_upper_left(*size: int) -> CausalBias:
    """The causal mask of (queries, keys) whose diagonal starts at the first query and key.

    Raises AssertionError unless there are two sizes.

    >>> from rushlight.nn.attention.bias import causal_upper_left
    >>> causal_upper_left(2, 3)
    tensor([[ True, False, False],
            [ True,  True, False]])
    """
    if len(size) != 2:
        raise AssertionError("causal_upper_left only supports 2D tensors: give queries and keys")
    return CausalBias(CausalVariant.UPPER_LEFT, *size)


def causal_lower_right(*size: int) -> CausalBias:
    """The causal mask of (queries, keys) whose diagonal ends at the last query and key, as where
    the first keys come from a cache.

    Raises AssertionError unless there are two sizes.

    >>> from rushlight.nn.attention.bias import causal_lower_right
    >>> causal_lower_right(2, 3)
    tensor([[ True,  True, False],
            [ True,  True,  True]])
    """
    if len(size) != 2:
        raise AssertionError("causal_lower_right only supports 2D tensors: give queries and keys")
    return CausalBias(CausalVariant.LOWER_RIGHT, *size)
