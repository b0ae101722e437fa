"""Attention whose scores and mask are functions of positions: `flex_attention`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rushlight.ops import arange, logical_and, logsumexp, softmax
from rushlight.tensor import Tensor

__all__ = ["AuxOutput", "AuxRequest", "BlockMask", "and_masks", "create_block_mask", "create_mask",
           "flex_attention", "noop_mask", "or_masks"]

MaskFunction = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
_DEFAULT_SPARSE_BLOCK_SIZE = 128


class AuxRequest(NamedTuple):
    """What else `flex_attention` is to give of each query: see AuxOutput."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """Of each query, (batch, heads, queries): the logarithm of the sum of exponentials of its
    scores, and the largest score; None what was not asked for."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Every query sees every key."""
    return (token_q >= 0) & (token_kv >= 0)


def _positions(sizes: tuple[int, ...]) -> list[Tensor]:
    """Indices of batch, head, query and key, each along its own dimension."""
    return [arange(n).view([-1 if i == d else 1 for i in range(4)]) for d, n in enumerate(sizes)]


def create_mask(mod_fn: MaskFunction, B: int | None, H: int | None, Q_LEN: int, KV_LEN: int,
                device: Any = None) -> Tensor:
    """The mask of a function of positions: (batch, heads, queries, keys), True where one sees."""
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    return mod_fn(*_positions(sizes)).expand(sizes)


class BlockMask:
    """Which keys each query sees, kept as the mask (batch, heads, queries, keys) itself."""

    def __init__(self, mask: Tensor, mask_mod: MaskFunction,
                 block_size: int | tuple[int, int] = _DEFAULT_SPARSE_BLOCK_SIZE) -> None:
        self.mask, self.mask_mod = mask, mask_mod
        self.BLOCK_SIZE = (block_size, block_size) if isinstance(block_size, int) else block_size
        self.seq_lengths = tuple(mask.shape[-2:])

    @property
    def shape(self) -> tuple[int, ...]:
        """Batch, heads, queries, keys."""
        return tuple(self.mask.shape)

    def to_dense(self) -> Tensor:
        """The mask, 1 where a query sees a key."""
        return self.mask.int()

    def sparsity(self) -> float:
        """How many of a hundred pairs are not seen."""
        return 100.0 * (1.0 - float(self.mask.float().mean()))

    def to(self, device: Any) -> BlockMask:
        """The same: there is one device."""
        return self


def create_block_mask(mask_mod: MaskFunction, B: int | None, H: int | None, Q_LEN: int,
                      KV_LEN: int, device: Any = None,
                      BLOCK_SIZE: int | tuple[int, int] = _DEFAULT_SPARSE_BLOCK_SIZE,
                      _compile: bool = False) -> BlockMask:
    """The mask of a function of positions, for `flex_attention`.

    Args:
        mask_mod: `(batch, head, query, key)`, tensors of positions, gives truth values.
        B, H: batches and heads; None where the mask is the same for all.

    >>> from rushlight.nn.attention.flex_attention import create_block_mask
    >>> create_block_mask(lambda b, h, q, k: q >= k, None, None, 2, 2).to_dense()[0, 0]
    tensor([[1, 0],
            [1, 1]], dtype=torch.int32)
    """
    return BlockMask(create_mask(mask_mod, B, H, Q_LEN, KV_LEN), mask_mod, BLOCK_SIZE)


def and_masks(*mask_mods: MaskFunction) -> MaskFunction:
    """The function that is True where all are."""

    def both(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        result = noop_mask(b, h, q, k)
        for mod in mask_mods:
            result = logical_and(result, mod(b, h, q, k))
        return result

    return both


def or_masks(*mask_mods: MaskFunction) -> MaskFunction:
    """The function that is True where one is."""

    def either(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        result = ~noop_mask(b, h, q, k)
        for mod in mask_mods:
            result = result | mod(b, h, q, k)
        return result

    return either


def flex_attention(query: Tensor, key: Tensor, value: Tensor,
                   score_mod: Callable[..., Tensor] | None = None,
                   block_mask: BlockMask | None = None, scale: float | None = None,
                   enable_gqa: bool = False, return_lse: bool = False,
                   kernel_options: dict[str, Any] | None = None, *,
                   return_aux: AuxRequest | None = None) -> Any:
    """softmax(score_mod(scale * query key^T)) value, over the keys that `block_mask` shows.

    Scores are computed as a whole, so memory grows with queries times keys.

    Args:
        query, key, value: (batch, heads, tokens, dim); with `enable_gqa` keys may have fewer
            heads, each of which serves several of the query's.
        score_mod: `(score, batch, head, query, key)`, tensors that broadcast, gives the scores.
        scale: 1 / sqrt(dim) if None.
        return_lse: give the logarithm of each row's sum of exponentials too.
        return_aux: give an AuxOutput too.

    Returns (batch, heads, queries, dim); zeros for a query that sees no key. Dong et al., 2024.
    """
    if key.shape[1] != query.shape[1]:
        if not enable_gqa:
            raise ValueError(f"Expect query and key/value to have the same number of heads but got "
                             f"Hq={query.shape[1]} and Hkv={key.shape[1]}. Try setting "
                             "enable_gqa=True for GQA.")
        groups = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    factor = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.transpose(-2, -1) * factor  # (batch, heads, queries, keys)
    if score_mod is not None:
        scores = score_mod(scores, *_positions(tuple(scores.shape)))
    if block_mask is not None:
        seen = block_mask.mask[..., :scores.shape[-2], :scores.shape[-1]]
        scores = scores.masked_fill(~seen, -math.inf)
    sums = logsumexp(scores, -1, keepdim=True)
    weights = softmax(scores, -1).masked_fill(sums == -math.inf, 0.0)
    output = weights.to(value.dtype) @ value
    if return_aux is not None:
        return output, AuxOutput(sums.squeeze(-1) if return_aux.lse else None,
                                 scores.amax(-1) if return_aux.max_scores else None)
    return (output, sums.squeeze(-1)) if return_lse else output
