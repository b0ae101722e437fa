"""embedding_bag: rows of a table looked up and summed, averaged or maximised, bag by bag."""

from __future__ import annotations

from functools import partial

import numpy as np

from rushlight.families.composite import function
from rushlight.families.node_names import named
from rushlight.families.rounded_once import rounded_once
from rushlight.ops.embedding import embedding
from rushlight.tensor import Tensor, wrap

INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))


@function("nn.functional.embedding_bag", samples=lambda x: [
    (x.integers(2, 3), x(6, 2)),
    (x.integers(5), x(6, 2), x.tensor([0, 2]), {"mode": "sum", "per_sample_weights": x(5)}),
    (x.integers(5), x(6, 2), x.tensor([0, 2, 5]), {"mode": "max", "include_last_offset": True})])
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Reduce the rows of ``weight`` that each bag of indices names: (bags, width).

    Args:
        input: indices (bags, size), each row one bag; or (n,) cut at ``offsets``.
        weight: (rows, width).
        offsets: (bags,), where each bag starts; with ``include_last_offset`` also where the last
            one ends.
        mode: "sum", "mean" or "max"; an empty bag gives zeros.
        per_sample_weights: a factor for each index, for "sum".
        padding_idx: an index that does not count.
        max_norm, norm_type, scale_grad_by_freq, sparse: as ``embedding``.

    Returns a new tensor. Raises ValueError and RuntimeError for what does not fit together.

    >>> import rushlight as rl
    >>> table = rl.tensor([[1.], [2.], [4.]])
    >>> rl.nn.functional.embedding_bag(rl.tensor([0, 1, 2]), table, rl.tensor([0, 2]), mode="sum")
    tensor([[3.],
            [4.]])
    """
    input, weight = _in_order(input, weight)
    _check_options(input, weight, offsets, mode, scale_grad_by_freq, per_sample_weights, sparse)
    if weight.dtype.is_complex:
        raise RuntimeError("Expected tensor for argument #1 'weight' to have one of the following "
                           "scalar types: Half, BFloat16, Float, Double; but got "
                           f"{weight.dtype} instead (while checking arguments for embedding_bag)")
    if weight.is_meta:
        count = len(input) if offsets is None else len(offsets) - include_last_offset
        return weight.new_empty((count, weight.size(1)))
    indices, bags, count = _bags(input, offsets, include_last_offset)
    _check_indices(indices, weight.size(0))
    if padding_idx is not None:
        rows = weight.size(0)
        if not -rows <= padding_idx < rows:
            raise RuntimeError(f"padding_idx must be within the number of embeddings, {rows}")
        padding_idx %= rows
        kept = np.flatnonzero(indices._array != padding_idx)
        indices, bags = indices[wrap(kept)], bags[kept]
    else:
        kept = None
    looked_up = embedding(
        indices, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse
    )  # (n, width)
    if per_sample_weights is not None:
        factors = per_sample_weights.reshape(-1)
        factors = factors if kept is None else factors[wrap(kept)]
        looked_up = looked_up * factors.unsqueeze(1)
    found = rounded_once(partial(_reduced, wrap(bags), count, mode), looked_up)
    return named(found, "EmbeddingBag")  # type: ignore[no-any-return]


def _reduced(where: Tensor, count: int, mode: str, looked_up: Tensor) -> Tensor:
    """The rows of each bag as one: (bags, width)."""
    zeros = looked_up.new_zeros((count, looked_up.size(1)))
    if mode == "max":
        index = where.unsqueeze(1).expand(looked_up.shape)
        return zeros.scatter_reduce(0, index, looked_up, "amax", include_self=False)
    total = zeros.index_add(0, where, looked_up)
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(where._array, minlength=count), 1)
    return total / wrap(sizes[:, None]).to(total.dtype)


def _in_order(input: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """(input, weight), also from programs that give them in the older order."""
    if weight._array.dtype in INTEGERS and input.is_floating_point():
        return weight, input
    return input, weight


def _check_options(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None,
    mode: str,
    scale_grad_by_freq: bool,
    per_sample_weights: Tensor | None,
    sparse: bool,
) -> None:
    if input._array.dtype not in INTEGERS:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {input.type()} instead (while checking arguments for "
            "embedding_bag)"
        )
    if offsets is not None and offsets._array.dtype not in INTEGERS:
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            f"Long, Int; but got {offsets.type()} instead: offsets are whole numbers"
        )
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then "
            f"it must have the same shape as the input ({input.shape})"
        )
    if per_sample_weights is not None and per_sample_weights.dtype is not weight.dtype:
        raise RuntimeError(
            "Expected tensor for argument #1 'weight' to have the same type as tensor for argument "
            f"#1 'per_sample_weights'; but type {weight.type()} does not equal "
            f"{per_sample_weights.type()} (while checking arguments for embedding_bag)"
        )
    if input.dim() not in (1, 2):
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}"
        )
    if input.dim() == 2 and offsets is not None:
        raise ValueError(
            "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of "
            f"fixed length sequences. However, found offsets of type {type(offsets)}"
        )
    if input.dim() == 1 and (offsets is None or offsets.dim() != 1):
        got = " but got None" if offsets is None else ""
        raise ValueError(f"offsets has to be a 1D Tensor{got}")
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            f"for mode='sum' (got mode='{mode}')."
        )


def _check_indices(indices: Tensor, rows: int) -> None:
    found = indices._array
    wrong = np.flatnonzero((found < 0) | (found >= rows))
    if wrong.size:
        raise RuntimeError(
            f"Index {wrong[0]} of input takes value {found[wrong[0]]} which is not in the valid "
            f"range [0, {rows})"
        )


def _bags(
    input: Tensor, offsets: Tensor | None, include_last: bool
) -> tuple[Tensor, np.ndarray, int]:
    """All indices in a row, the bag of each, and the number of bags."""
    if offsets is None:
        count, size = input.shape
        return input.reshape(-1), np.repeat(np.arange(count), size), count
    starts, length = offsets._array, input.size(0)
    if starts.size and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from "
            f"position 0. However, got {starts[0]}"
        )
    if starts.size and starts[-1] > length:
        raise RuntimeError(
            f"offsets[-1] can not be greater than input's length {length} but got offsets[-1] of "
            f"{starts[-1]}"
        )
    ends = np.append(starts[1:], starts[-1:] if include_last else length)
    if include_last:
        starts, ends = starts[:-1], starts[1:]
    sizes = ends - starts
    used = int(sizes.sum())
    return input[:used], np.repeat(np.arange(sizes.size), sizes), sizes.size
